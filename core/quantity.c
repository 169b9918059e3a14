#include "core/quantity.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct unit_list {
	const struct quantity_unit *items;
	size_t n;
};

/* The unit that text begins with, up to the next number. */
static const struct quantity_unit *take_unit(const char **text, const struct unit_list *units)
{
	size_t length = strcspn(*text, "0123456789.");
	for (size_t i = 0; i < units->n; i++) {
		const char *name = units->items[i].name;
		if (strlen(name) == length && memcmp(name, *text, length) == 0) {
			*text += length;
			return &units->items[i];
		}
	}
	return NULL;
}

/* Digits; how many does not matter as long as the value fits. */
static bool take_whole(const char **text, int64_t *whole)
{
	for (; is_digit(**text); ++*text) {
		if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, **text - '0', whole))
			return false;
	}
	return true;
}

/* Digits after the point, as a part of one; beyond the eighteenth they say nothing. */
static double take_fraction(const char **text)
{
	int64_t digits = 0;
	double scale = 1;
	for (int n = 0; is_digit(**text); ++*text, n++) {
		if (n < 18) {
			digits = digits * 10 + (**text - '0');
			scale *= 10;
		}
	}
	return (double)digits / scale;
}

/* One number with its unit, added to sum. */
static bool take_part(const char **text, const struct unit_list *units, int64_t *sum)
{
	const char *begin = *text;
	int64_t whole = 0;
	double fraction = 0;
	if (!take_whole(text, &whole))
		return false;
	bool has_digits = *text > begin;
	if (**text == '.') {
		++*text;
		has_digits |= is_digit(**text);
		fraction = take_fraction(text);
	}
	const struct quantity_unit *unit = has_digits ? take_unit(text, units) : NULL;
	return unit && !__builtin_mul_overflow(whole, unit->factor, &whole) &&
	       !__builtin_add_overflow(*sum, whole, sum) &&
	       !__builtin_add_overflow(*sum, (int64_t)(fraction * (double)unit->factor), sum);
}

bool quantity_parse(const char *text, const struct quantity_unit *units, size_t n, int64_t *sum)
{
	const struct unit_list list = {units, n};
	bool is_negative = *text == '-';
	int64_t total = 0;
	if (*text == '-' || *text == '+')
		text++;
	if (strcmp(text, "0") != 0) {
		do {
			if (!take_part(&text, &list, &total))
				return false;
		} while (*text != '\0');
	}
	*sum = is_negative ? -total : total;
	return true;
}

bool quantity_parse_duration(const char *text, int64_t *ns)
{
	static const struct quantity_unit units[] = {
		{"ns", 1},
		{"us", 1000},
		{"\xc2\xb5s", 1000}, /* micro sign */
		{"\xce\xbcs", 1000}, /* Greek mu */
		{"ms", 1000 * 1000},
		{"s", 1000 * 1000 * 1000},
		{"m", INT64_C(60) * 1000 * 1000 * 1000},
		{"h", INT64_C(3600) * 1000 * 1000 * 1000},
	};
	return quantity_parse(text, units, sizeof(units) / sizeof(units[0]), ns);
}
