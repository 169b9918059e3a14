#include "exporter/go_number.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Digits without leading and trailing zeros, and the decimal exponent of the first one. */
struct digits {
	char bytes[TEXT_NUMBER_MAX];
	int n;
	int exponent;
};

/* Of a number such as 1250000.5, without a sign or an exponent. */
static void take_digits(const char *number, size_t length, struct digits *digits)
{
	int whole = 0;
	bool is_whole = true;
	for (size_t i = 0; i < length; i++) {
		if (number[i] == '.') {
			is_whole = false;
			continue;
		}
		digits->bytes[digits->n++] = number[i];
		whole += is_whole;
	}
	while (digits->n > 1 && digits->bytes[digits->n - 1] == '0')
		digits->n--;
	digits->exponent = whole - 1;
}

static void add_with_exponent(struct text *out, const struct digits *digits)
{
	text_add_char(out, digits->bytes[0]);
	if (digits->n > 1) {
		text_add_char(out, '.');
		text_add_bytes(out, digits->bytes + 1, (size_t)digits->n - 1);
	}
	text_add_format(out, "e+%02d", digits->exponent);
}

void go_number_add(struct text *out, double value)
{
	char number[TEXT_NUMBER_MAX];
	size_t length = text_print_double(number, value == 0 ? 0 : value); /* no -0 */
	/* Below a million, and where there is an exponent already, both forms are the same. */
	if (!(fabs(value) >= 1e6) || isinf(value) || memchr(number, 'e', length)) {
		text_add_bytes(out, number, length);
		return;
	}
	struct digits digits = {0};
	size_t sign = value < 0;
	text_add_bytes(out, "-", sign);
	take_digits(number + sign, length - sign, &digits);
	add_with_exponent(out, &digits);
}
