#include "core/option.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/log.h"
#include "core/mem.h"

/* Longer numbers are no numbers: it bounds every buffer below. */
#define NUMBER_TEXT_MAX 64

/* Where a value of the settings is; which member holds follows from the option's kind. */
union member {
	void *any;
	int64_t *integer;
	double *number;
	bool *boolean;
	char **text;
	int *choice;
	struct option_list *list;
};

static union member member_of(const struct option *option, void *settings)
{
	return (union member){.any = (char *)settings + option->offset};
}

/* For reading only. */
static union member const_member_of(const struct option *option, const void *settings)
{
	return (union member){.any = (char *)settings + option->offset};
}

const struct option *option_find(const struct option *options, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool option_has_secret_file(const struct option *options, size_t n, const struct option *option)
{
	if (option->kind != OPTION_SECRET)
		return false;
	char *name = mem_format("%s_file", option->name);
	bool is_taken = option_find(options, n, name) != NULL;
	mem_free(name);
	return !is_taken;
}

/* --- decimal text ------------------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* (-1)^is_negative x 0.digits x 10^point, exactly as written, without leading zeros. */
struct decimal {
	char digits[NUMBER_TEXT_MAX];
	int n;
	int point;
	bool is_negative;
};

/* Reads digits, keeps all but leading zeros. Returns how many there were. */
static int parse_digits(const char **text, struct decimal *decimal)
{
	const char *start = *text;

	for (; is_digit(**text); ++*text)
		if (decimal->n > 0 || **text != '0')
			decimal->digits[decimal->n++] = **text;
	return (int)(*text - start);
}

/* "e-5". Exponents beyond any double are cut: they are out of every range. */
static bool parse_exponent(const char **text, int *exponent)
{
	bool is_negative = false;

	*exponent = 0;
	if (**text != 'e' && **text != 'E')
		return true;
	++*text;
	if (**text == '-' || **text == '+')
		is_negative = *(*text)++ == '-';
	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); ++*text)
		if (*exponent < 10000)
			*exponent = *exponent * 10 + (**text - '0');
	if (is_negative)
		*exponent = -*exponent;
	return true;
}

/* "12", "-0.25", ".5", "1e-3"; nothing around it. Does not depend on the locale, as strtod would. */
static bool parse_decimal(const char *text, struct decimal *decimal)
{
	int whole, fraction = 0, whole_kept, exponent;

	*decimal = (struct decimal){.n = 0};
	if (strnlen(text, NUMBER_TEXT_MAX) == NUMBER_TEXT_MAX)
		return false;
	if (*text == '-' || *text == '+')
		decimal->is_negative = *text++ == '-';
	whole = parse_digits(&text, decimal);
	whole_kept = decimal->n;
	if (*text == '.') {
		text++;
		fraction = parse_digits(&text, decimal);
	}
	if (whole + fraction == 0 || !parse_exponent(&text, &exponent) || *text != '\0')
		return false;
	/* Of a number below 1 the zeros behind the point have been dropped as leading ones. */
	decimal->point = (whole_kept > 0 ? whole_kept : decimal->n - fraction) + exponent;
	return true;
}

/* decimal x 10^places as an integer; a half is rounded away from zero. False when it does not fit an int64. */
static bool scale_decimal(const struct decimal *decimal, int places, int64_t *out)
{
	int wanted = decimal->point + places;
	uint64_t limit = decimal->is_negative ? UINT64_C(1) << 63 : INT64_MAX, value = 0;

	if (decimal->n > 0 && wanted > 19)
		return false;
	for (int i = 0; i < wanted && decimal->n > 0; i++)
		value = value * 10 + (i < decimal->n ? (uint64_t)(decimal->digits[i] - '0') : 0);
	if (wanted >= 0 && wanted < decimal->n && decimal->digits[wanted] >= '5')
		value++;
	if (value > limit)
		return false;
	*out = decimal->is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

static bool parse_integer(const char *text, int64_t *out)
{
	struct decimal decimal;

	if (strpbrk(text, ".eE") != NULL || !parse_decimal(text, &decimal))
		return false;
	return scale_decimal(&decimal, 0, out);
}

static bool parse_number(const char *text, double *out)
{
	struct decimal decimal;
	char plain[NUMBER_TEXT_MAX + 16];

	if (!parse_decimal(text, &decimal))
		return false;
	if (decimal.n == 0)
		decimal.digits[decimal.n++] = '0';
	snprintf(plain, sizeof(plain), "%s%.*se%d", decimal.is_negative ? "-" : "", decimal.n, decimal.digits,
		 decimal.point - decimal.n);
	*out = strtod(plain, NULL);
	return isfinite(*out);
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int64_t bytes;
} size_units[] = {
	{"TiB", INT64_C(1) << 40},
	{"GiB", INT64_C(1) << 30},
	{"MiB", INT64_C(1) << 20},
	{"KiB", INT64_C(1) << 10},
	{"TB", INT64_C(1000000000000)},
	{"GB", INT64_C(1000000000)},
	{"MB", INT64_C(1000000)},
	{"KB", INT64_C(1000)},
	{"B", 1},
	{"", 1},
};
#define SIZE_UNITS (sizeof(size_units) / sizeof(size_units[0]))

int option_parse_size(const char *text, int64_t *bytes, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	const char *unit = text + n + strspn(text + n, " ");
	char digits[NUMBER_TEXT_MAX];
	int64_t number, product;

	if (n == 0 || n >= sizeof(digits))
		return err_set(err, "must be a size such as 1500, \"64KiB\" or \"8GiB\"");
	memcpy(digits, text, n);
	digits[n] = '\0';
	for (size_t i = 0; i < SIZE_UNITS; i++) {
		if (strcasecmp(unit, size_units[i].name) != 0)
			continue;
		if (!parse_integer(digits, &number) || __builtin_mul_overflow(number, size_units[i].bytes, &product))
			return err_set(err, "is too large for a size");
		*bytes = product;
		return 0;
	}
	return err_set(err, "has no such unit: use B, KB, MB, GB, TB, KiB, MiB, GiB or TiB");
}

/* In the largest unit that keeps it whole. */
static void print_size(int64_t bytes, struct text *out)
{
	size_t i = 0;

	while (bytes == 0 || bytes % size_units[i].bytes != 0) {
		if (size_units[i].bytes == 1)
			break;
		i++;
	}
	text_add_integer(out, bytes / size_units[i].bytes);
	text_add(out, size_units[i].bytes == 1 ? "" : size_units[i].name);
}

/* --- bounds ------------------------------------------------------------------------------------------------------ */

static void print_bound(const struct option *option, double bound, struct text *out)
{
	if (option->kind == OPTION_SIZE)
		print_size((int64_t)bound, out);
	else
		text_add_double(out, bound);
}

/* One end may be infinite, or as far as the kind goes. */
static int out_of_bounds(const struct option *option, struct err *err)
{
	const char *unit = option->kind == OPTION_SECONDS ? " seconds" : "";
	struct text minimum = {0}, maximum = {0};

	print_bound(option, isfinite(option->minimum) ? option->minimum : 0, &minimum);
	print_bound(option, isfinite(option->maximum) ? option->maximum : 0, &maximum);
	if (!isfinite(option->maximum))
		err_set(err, "must be at least %s%s", text_string(&minimum), unit);
	else if (!isfinite(option->minimum))
		err_set(err, "must be at most %s%s", text_string(&maximum), unit);
	else
		err_set(err, "must be between %s and %s%s", text_string(&minimum), text_string(&maximum), unit);
	text_free(&minimum);
	text_free(&maximum);
	return -1;
}

/* scale: what one unit of minimum and maximum is in value's. */
static int check_bounds(const struct option *option, double value, double scale, struct err *err)
{
	if (option->minimum == 0 && option->maximum == 0)
		return 0;
	if (value < option->minimum * scale || value > option->maximum * scale)
		return out_of_bounds(option, err);
	return 0;
}

/* --- one function a kind: checks a written value and stores it ---------------------------------------------------- */

/* A double that is a whole number of 10^-9 x scale, rounded; false when it is out of an int64's range. */
static bool round_number(double number, double scale, int64_t *out)
{
	double scaled = number * scale;

	if (!(fabs(scaled) < 0x1p63))
		return false;
	*out = llround(scaled);
	return true;
}

static bool read_seconds(const struct option_value *value, int64_t *ns)
{
	struct decimal decimal;

	switch (value->form) {
	case OPTION_WRITTEN_TEXT:
		return parse_decimal(value->text, &decimal) && scale_decimal(&decimal, 9, ns);
	case OPTION_WRITTEN_INTEGER:
		return !__builtin_mul_overflow(value->integer, INT64_C(1000000000), ns);
	case OPTION_WRITTEN_NUMBER:
		return round_number(value->number, 1e9, ns);
	case OPTION_WRITTEN_BOOLEAN:
	case OPTION_WRITTEN_LIST:
		break;
	}
	return false;
}

static int set_seconds(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	int64_t ns;

	if (!read_seconds(value, &ns))
		return err_set(err, "must be a number of seconds such as 5 or 0.25");
	if (check_bounds(option, (double)ns, 1e9, err) != 0)
		return -1;
	*member_of(option, settings).integer = ns;
	return 0;
}

static bool read_integer(const struct option_value *value, int64_t *integer)
{
	switch (value->form) {
	case OPTION_WRITTEN_TEXT:
		return parse_integer(value->text, integer);
	case OPTION_WRITTEN_INTEGER:
		*integer = value->integer;
		return true;
	case OPTION_WRITTEN_NUMBER:
		return round_number(value->number, 1, integer) && (double)*integer == value->number;
	case OPTION_WRITTEN_BOOLEAN:
	case OPTION_WRITTEN_LIST:
		break;
	}
	return false;
}

static int set_integer(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	int64_t integer;

	if (!read_integer(value, &integer))
		return err_set(err, "must be a whole number");
	if (check_bounds(option, (double)integer, 1, err) != 0)
		return -1;
	*member_of(option, settings).integer = integer;
	return 0;
}

static bool read_number(const struct option_value *value, double *number)
{
	switch (value->form) {
	case OPTION_WRITTEN_TEXT:
		return parse_number(value->text, number);
	case OPTION_WRITTEN_INTEGER:
		*number = (double)value->integer;
		return true;
	case OPTION_WRITTEN_NUMBER:
		*number = value->number;
		return isfinite(value->number);
	case OPTION_WRITTEN_BOOLEAN:
	case OPTION_WRITTEN_LIST:
		break;
	}
	return false;
}

static int set_number(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	double number;

	if (!read_number(value, &number))
		return err_set(err, "must be a number");
	if (check_bounds(option, number, 1, err) != 0)
		return -1;
	*member_of(option, settings).number = number;
	return 0;
}

static int set_size(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	int64_t bytes;

	if (value->form == OPTION_WRITTEN_TEXT) {
		if (option_parse_size(value->text, &bytes, err) != 0)
			return -1;
	} else if (!read_integer(value, &bytes) || bytes < 0) {
		return err_set(err, "must be a size such as 1500, \"64KiB\" or \"8GiB\"");
	}
	if (check_bounds(option, (double)bytes, 1, err) != 0)
		return -1;
	*member_of(option, settings).integer = bytes;
	return 0;
}

static int set_boolean(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};

	if (value->form == OPTION_WRITTEN_BOOLEAN) {
		*member_of(option, settings).boolean = value->boolean;
		return 0;
	}
	for (size_t i = 0; value->form == OPTION_WRITTEN_TEXT && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(value->text, words[i]) == 0) {
			*member_of(option, settings).boolean = i % 2 == 1;
			return 0;
		}
	}
	return err_set(err, "must be true or false");
}

static int set_text(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	if (value->form != OPTION_WRITTEN_TEXT)
		return err_set(err, "must be a text in quotes");
	char *copy = mem_copy_string(value->text); /* before freeing the old one: it may be the same */
	char **text = member_of(option, settings).text;
	mem_free(*text);
	*text = copy;
	return 0;
}

static int refuse_choice(const struct option *option, struct err *err)
{
	struct text words = {0};

	for (const char *const *word = option->choices; *word != NULL; word++)
		text_add_format(&words, "%s%s", word == option->choices ? "" : ", ", *word);
	err_set(err, "must be one of %s", text_string(&words));
	text_free(&words);
	return -1;
}

/* Numbers count as the word that they are written as: a version, a level. */
static int set_choice(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	char printed[TEXT_NUMBER_MAX + 1];
	const char *written = printed;

	switch (value->form) {
	case OPTION_WRITTEN_TEXT:
		written = value->text;
		break;
	case OPTION_WRITTEN_INTEGER:
		printed[text_print_integer(printed, value->integer)] = '\0';
		break;
	case OPTION_WRITTEN_NUMBER:
		printed[text_print_double(printed, value->number)] = '\0';
		break;
	case OPTION_WRITTEN_BOOLEAN:
		written = value->boolean ? "true" : "false";
		break;
	case OPTION_WRITTEN_LIST:
		return refuse_choice(option, err);
	}
	for (int i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], written) == 0) {
			*member_of(option, settings).choice = i;
			return 0;
		}
	}
	return refuse_choice(option, err);
}

static void free_list(struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mem_free(list->items[i]);
	mem_free(list->items);
	*list = (struct option_list){0};
}

static void list_add(struct option_list *list, const char *item, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, item, n);
	copy[n] = '\0';
	list->items[list->n++] = copy;
}

/* "a, b,c". Only spaces is the empty list. */
static int split_list(const char *text, struct option_list *list, struct err *err)
{
	size_t commas = 0;

	if (text[strspn(text, " ")] == '\0')
		return 0;
	for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ','))
		commas++;
	if (commas >= OPTION_ITEMS_MAX)
		return err_set(err, "must have at most %d items", OPTION_ITEMS_MAX);
	list->items = mem_zero(commas + 1, sizeof(*list->items));
	for (;; text++) {
		text += strspn(text, " ");
		size_t length = strcspn(text, ","), n = length;
		while (n > 0 && text[n - 1] == ' ')
			n--;
		if (n == 0)
			return err_set(err, "has an empty item");
		list_add(list, text, n);
		text += length;
		if (*text == '\0')
			return 0;
	}
}

static int set_list(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	struct option_list list = {0};

	if (value->form == OPTION_WRITTEN_TEXT) {
		if (split_list(value->text, &list, err) != 0) {
			free_list(&list);
			return -1;
		}
	} else if (value->form != OPTION_WRITTEN_LIST) {
		return err_set(err, "must be a list of texts");
	} else if (value->n > OPTION_ITEMS_MAX) {
		return err_set(err, "must have at most %d items", OPTION_ITEMS_MAX);
	} else if (value->n > 0) {
		list.items = mem_zero(value->n, sizeof(*list.items));
		for (size_t i = 0; i < value->n; i++)
			list_add(&list, value->items[i], strlen(value->items[i]));
	}
	free_list(member_of(option, settings).list);
	*member_of(option, settings).list = list;
	return 0;
}

int option_set(const struct option *option, void *settings, const struct option_value *value, struct err *err)
{
	static int (*const setters[])(const struct option *, void *, const struct option_value *, struct err *) = {
		[OPTION_SECONDS] = set_seconds, [OPTION_INTEGER] = set_integer, [OPTION_NUMBER] = set_number,
		[OPTION_SIZE] = set_size,       [OPTION_BOOLEAN] = set_boolean, [OPTION_TEXT] = set_text,
		[OPTION_SECRET] = set_text,     [OPTION_CHOICE] = set_choice,   [OPTION_LIST] = set_list,
	};

	return setters[option->kind](option, settings, value, err);
}

int option_set_text(const struct option *option, void *settings, const char *text, struct err *err)
{
	return option_set(option, settings, &(struct option_value){.form = OPTION_WRITTEN_TEXT, .text = text}, err);
}

/* --- whole settings ---------------------------------------------------------------------------------------------- */

void option_set_defaults(const struct option *options, size_t n, void *settings)
{
	struct err err = {0};

	for (size_t i = 0; i < n; i++) {
		if (options[i].fallback == NULL ||
		    option_set_text(&options[i], settings, options[i].fallback, &err) == 0)
			continue;
		log_event(LOG_LEVEL_ERROR, "option", options[i].name, "default %s %s", options[i].fallback, err.text);
		abort();
	}
}

static void copy_list(struct option_list *list, const struct option_list *from)
{
	*list = (struct option_list){0};
	if (from->n == 0)
		return;
	list->items = mem_zero(from->n, sizeof(*list->items));
	for (size_t i = 0; i < from->n; i++)
		list_add(list, from->items[i], strlen(from->items[i]));
}

static bool holds_text(const struct option *option)
{
	return option->kind == OPTION_TEXT || option->kind == OPTION_SECRET;
}

void *option_copy_settings(const struct option *options, size_t n, size_t size, const void *settings)
{
	void *copy = mem_zero(1, size);

	memcpy(copy, settings, size);
	for (size_t i = 0; i < n; i++) {
		union member from = const_member_of(&options[i], settings), to = member_of(&options[i], copy);

		if (holds_text(&options[i]))
			*to.text = mem_copy_string(*from.text);
		else if (options[i].kind == OPTION_LIST)
			copy_list(to.list, from.list);
	}
	return copy;
}

void option_free(const struct option *options, size_t n, void *settings)
{
	for (size_t i = 0; i < n; i++) {
		union member member = member_of(&options[i], settings);

		if (holds_text(&options[i])) {
			mem_free(*member.text);
			*member.text = NULL;
		} else if (options[i].kind == OPTION_LIST) {
			free_list(member.list);
		}
	}
}

void option_free_settings(const struct option *options, size_t n, void *settings)
{
	if (settings == NULL)
		return;
	option_free(options, n, settings);
	mem_free(settings);
}

static void print_list(const struct option_list *list, struct text *out)
{
	for (size_t i = 0; i < list->n; i++) {
		text_add(out, i > 0 ? "," : "");
		text_add(out, list->items[i]);
	}
}

void option_print(const struct option *option, const void *settings, struct text *out)
{
	union member member = const_member_of(option, settings);

	switch (option->kind) {
	case OPTION_SECONDS:
		text_add_seconds(out, *member.integer);
		break;
	case OPTION_INTEGER:
		text_add_integer(out, *member.integer);
		break;
	case OPTION_NUMBER:
		text_add_double(out, *member.number);
		break;
	case OPTION_SIZE:
		print_size(*member.integer, out);
		break;
	case OPTION_BOOLEAN:
		text_add(out, *member.boolean ? "true" : "false");
		break;
	case OPTION_TEXT:
		text_add(out, *member.text != NULL ? *member.text : "");
		break;
	case OPTION_SECRET:
		text_add(out, *member.text != NULL ? "<secret>" : "");
		break;
	case OPTION_CHOICE:
		text_add(out, option->choices[*member.choice]);
		break;
	case OPTION_LIST:
		print_list(member.list, out);
		break;
	}
}
