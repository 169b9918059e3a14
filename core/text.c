#include "core/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define TEXT_CAPACITY_MIN 64

void text_free(struct text *text)
{
	mem_free(text->bytes);
	text->bytes = NULL;
	text->capacity = 0;
	text_clear(text);
}

void text_clear(struct text *text)
{
	text->length = 0;
	text->overflowed = false;
}

/* Room for n more bytes and for a NUL behind them. */
static void grow(struct text *text, size_t n)
{
	size_t capacity = text->capacity > 0 ? text->capacity : TEXT_CAPACITY_MIN;

	while (capacity - text->length <= n)
		capacity *= 2;
	text->bytes = mem_resize(text->bytes, capacity, 1);
	text->capacity = capacity;
}

char *text_reserve(struct text *text, size_t n)
{
	size_t ceiling = text->ceiling > 0 ? text->ceiling : SIZE_MAX / 4;

	if (text->length > ceiling || n > ceiling - text->length) {
		text->overflowed = true;
		return NULL;
	}
	if (n >= text->capacity - text->length)
		grow(text, n);
	return text->bytes + text->length;
}

void text_add_bytes(struct text *text, const void *bytes, size_t n)
{
	char *out = text_reserve(text, n);

	if (out == NULL || n == 0)
		return;
	memcpy(out, bytes, n);
	text->length += n;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
	text_add_bytes(text, &c, 1);
}

void text_add_format(struct text *text, const char *format, ...)
{
	char *out = text_reserve(text, 0);
	size_t room = text->capacity - text->length;
	va_list arguments;

	if (out == NULL)
		return;
	va_start(arguments, format);
	int length = vsnprintf(out, room, format, arguments);
	va_end(arguments);
	if (length < 0 || text_reserve(text, (size_t)length) == NULL)
		return;
	if ((size_t)length >= room) {
		va_start(arguments, format);
		vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}
	text->length += (size_t)length;
}

const char *text_string(struct text *text)
{
	if (text->length == 0)
		return "";
	text->bytes[text->length] = '\0'; /* grow always leaves room for it */
	return text->bytes;
}

char *text_take(struct text *text)
{
	char *string;

	if (text->length == 0) {
		text_free(text);
		return mem_copy_string("");
	}
	string = text->bytes;
	string[text->length] = '\0';
	text->bytes = NULL;
	text_free(text);
	return string;
}

/* --- numbers ---------------------------------------------------------------------------------------------------- */

static const char digit_pairs[] = "00010203040506070809"
				  "10111213141516171819"
				  "20212223242526272829"
				  "30313233343536373839"
				  "40414243444546474849"
				  "50515253545556575859"
				  "60616263646566676869"
				  "70717273747576777879"
				  "80818283848586878889"
				  "90919293949596979899";

static const uint64_t powers_of_ten[] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};

static size_t count_digits(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	size_t estimate = bits * 1233 >> 12; /* log10(2), a little too small */

	return estimate + (value >= powers_of_ten[estimate] || estimate == 0);
}

/* Exactly n digits, with leading zeros. */
static void put_digits(char *out, uint64_t value, size_t n)
{
	while (n >= 2) {
		n -= 2;
		memcpy(out + n, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (n == 1)
		out[0] = (char)('0' + value % 10);
}

static size_t print_unsigned(char *out, uint64_t value)
{
	size_t n = count_digits(value);

	put_digits(out, value, n);
	return n;
}

size_t text_print_integer(char *out, int64_t value)
{
	if (value >= 0)
		return print_unsigned(out, (uint64_t)value);
	*out = '-';
	return 1 + print_unsigned(out + 1, 0 - (uint64_t)value);
}

/* digits x 10^exponent, as a person would write the number with these digits. */
struct decimal {
	uint64_t digits;
	int exponent;
};

static struct decimal strip_zeros(struct decimal decimal)
{
	while (decimal.digits % 10000 == 0) {
		decimal.digits /= 10000;
		decimal.exponent += 4;
	}
	while (decimal.digits % 10 == 0) {
		decimal.digits /= 10;
		decimal.exponent++;
	}
	return decimal;
}

/* n digits, with a point after the first whole ones. */
static size_t put_pointed(char *out, uint64_t digits, size_t n, size_t whole)
{
	if (whole >= n) {
		put_digits(out, digits, n);
		return n;
	}
	put_digits(out + 1, digits, n);
	memmove(out, out + 1, whole);
	out[whole] = '.';
	return n + 1;
}

static size_t put_exponent(char *out, int exponent)
{
	unsigned magnitude = (unsigned)abs(exponent);
	size_t n = magnitude < 100 ? 2 : 3;

	out[0] = 'e';
	out[1] = exponent < 0 ? '-' : '+';
	put_digits(out + 2, magnitude, n);
	return 2 + n;
}

/* digits must not be 0, and end in no zero. */
static size_t print_decimal(char *out, struct decimal decimal)
{
	size_t n = count_digits(decimal.digits);
	int scale = (int)n - 1 + decimal.exponent; /* exponent of the first digit */

	if (scale <= -5 || scale >= 16) {
		size_t length = put_pointed(out, decimal.digits, n, 1);

		return length + put_exponent(out + length, scale);
	}
	if (scale < 0) {
		size_t zeros = (size_t)(-scale - 1);

		memcpy(out, "0.000", 2 + zeros);
		put_digits(out + 2 + zeros, decimal.digits, n);
		return 2 + zeros + n;
	}
	size_t length = put_pointed(out, decimal.digits, n, (size_t)scale + 1);
	while (length <= (size_t)scale)
		out[length++] = '0';
	return length;
}

/* Whole numbers of nanoseconds, shown in seconds: nearly every number of this daemon. With up to 15 digits no other
 * decimal of up to 15 digits reads back as the same double, so the one without trailing zeros is the shortest. */
static bool find_nanoseconds(double value, struct decimal *decimal)
{
	if (value >= 1e6)
		return false;
	uint64_t ns = (uint64_t)(value * 1e9 + 0.5);
	if (ns == 0 || (double)ns / 1e9 != value)
		return false;
	*decimal = strip_zeros((struct decimal){ns, -9});
	return true;
}

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 wide;

static const uint64_t powers_of_five[] = {
	UINT64_C(1),
	UINT64_C(5),
	UINT64_C(25),
	UINT64_C(125),
	UINT64_C(625),
	UINT64_C(3125),
	UINT64_C(15625),
	UINT64_C(78125),
	UINT64_C(390625),
	UINT64_C(1953125),
	UINT64_C(9765625),
	UINT64_C(48828125),
	UINT64_C(244140625),
	UINT64_C(1220703125),
	UINT64_C(6103515625),
	UINT64_C(30517578125),
	UINT64_C(152587890625),
	UINT64_C(762939453125),
	UINT64_C(3814697265625),
	UINT64_C(19073486328125),
	UINT64_C(95367431640625),
	UINT64_C(476837158203125),
	UINT64_C(2384185791015625),
	UINT64_C(11920928955078125),
	UINT64_C(59604644775390625),
	UINT64_C(298023223876953125),
	UINT64_C(1490116119384765625),
	UINT64_C(7450580596923828125),
};

/* Exact, for 2^-36 <= value < 2^55: there value x 10^k with 17 or 18 whole digits is
 * mantissa x 5^k / 2^shift, and the product fits 128 bits. Every decimal between the midpoints to the neighbouring
 * doubles (the midpoints too when the mantissa is even) reads back as value. The shortest is found by dropping digits
 * from both ends of that interval while a number is left between them. */
static bool find_exact(double value, struct decimal *decimal)
{
	int exponent;
	uint64_t mantissa = (uint64_t)(frexp(value, &exponent) * 0x1p53);
	exponent--; /* now 2^exponent <= value */
	if (exponent < -36 || exponent > 54)
		return false;

	int k = 16 - ((exponent * 78913) >> 18); /* 16 - floor(exponent x log10(2)) */
	unsigned shift = (unsigned)(54 - exponent - k);
	wide power = powers_of_five[k];

	/* In quarters of a unit of the last place. Below a power of two the doubles are twice as close. */
	bool is_even = mantissa % 2 == 0;
	wide centre = mantissa * 4 * power;
	wide low_bound = centre - (mantissa == UINT64_C(1) << 52 ? 1 : 2) * power;
	wide high_bound = centre + 2 * power;
	wide one = (wide)1 << shift;
	uint64_t low = (uint64_t)((low_bound + (is_even ? one - 1 : one)) >> shift);
	uint64_t high = (uint64_t)((high_bound - (is_even ? 0 : 1)) >> shift);

	int dropped = 0;
	while ((low + 9) / 10 <= high / 10) {
		low = (low + 9) / 10;
		high /= 10;
		dropped++;
	}
	/* The one nearest to value; half goes to even. */
	wide unit = (wide)powers_of_ten[dropped] << shift;
	uint64_t digits = (uint64_t)(centre >> shift) / powers_of_ten[dropped];
	wide rest = (centre - digits * unit) * 2;
	if (rest > unit || (rest == unit && digits % 2 != 0))
		digits++;
	digits = digits < low ? low : digits > high ? high : digits;
	*decimal = (struct decimal){digits, dropped - k};
	return true;
}

#else

static bool find_exact(double value, struct decimal *decimal)
{
	(void)value;
	(void)decimal;
	return false; /* find_slowly finds the same */
}

#endif

/* Written without a point, which would depend on the locale. */
static bool reads_back(struct decimal decimal, double value)
{
	char digits[TEXT_NUMBER_MAX + 16];

	snprintf(digits, sizeof(digits), "%llue%d", (unsigned long long)decimal.digits, decimal.exponent);
	return strtod(digits, NULL) == value;
}

/* value rounded to n digits. The point of "1.23e-05" is skipped, whatever the locale makes it. */
static struct decimal round_to_digits(double value, int n)
{
	struct decimal decimal = {0, 1 - n};
	char printed[64];
	const char *next = printed;

	snprintf(printed, sizeof(printed), "%.*e", n - 1, value);
	for (; *next != 'e'; next++)
		if (*next >= '0' && *next <= '9')
			decimal.digits = decimal.digits * 10 + (uint64_t)(*next - '0');
	decimal.exponent += atoi(next + 1);
	return decimal;
}

/* For any positive number. 15 digits survive the way into a normal double and back, so that shorter ones show as
 * trailing zeros; 17 always suffice. Below a power of two the doubles are twice as close as above it: there the nearest
 * decimal of 16 digits can be below and not read back while the next one above does. */
static struct decimal find_slowly(double value)
{
	int exponent;
	bool is_power_of_two = frexp(value, &exponent) == 0.5;
	struct decimal decimal = {0, 0};

	for (int n = value < 0x1p-1022 ? 1 : 15; n <= 17; n++) {
		decimal = round_to_digits(value, n);
		if (reads_back(decimal, value))
			break;
		decimal.digits++;
		if (n == 16 && is_power_of_two && reads_back(decimal, value))
			break;
	}
	return strip_zeros(decimal);
}

size_t text_print_double(char *out, double value)
{
	struct decimal decimal;

	if (isnan(value))
		return (size_t)(stpcpy(out, "NaN") - out);
	if (isinf(value))
		return (size_t)(stpcpy(out, value > 0 ? "+Inf" : "-Inf") - out);
	if (signbit(value)) {
		*out = '-';
		return 1 + text_print_double(out + 1, -value);
	}
	if (value < 1e15 && (double)(uint64_t)value == value)
		return print_unsigned(out, (uint64_t)value);
	if (!find_nanoseconds(value, &decimal) && !find_exact(value, &decimal))
		decimal = find_slowly(value);
	return print_decimal(out, decimal);
}

/* Straight into the text where there is room for the longest number, else by way of a buffer. */
static bool has_number_room(const struct text *text)
{
	return text->capacity - text->length > TEXT_NUMBER_MAX &&
	       (text->ceiling == 0 || text->length + TEXT_NUMBER_MAX <= text->ceiling);
}

void text_add_double(struct text *text, double value)
{
	char out[TEXT_NUMBER_MAX];

	if (has_number_room(text))
		text->length += text_print_double(text->bytes + text->length, value);
	else
		text_add_bytes(text, out, text_print_double(out, value));
}

void text_add_integer(struct text *text, int64_t value)
{
	char out[TEXT_NUMBER_MAX];

	if (has_number_room(text))
		text->length += text_print_integer(text->bytes + text->length, value);
	else
		text_add_bytes(text, out, text_print_integer(out, value));
}

void text_add_unsigned(struct text *text, uint64_t value)
{
	char out[TEXT_NUMBER_MAX];

	text_add_bytes(text, out, print_unsigned(out, value));
}

void text_add_seconds(struct text *text, int64_t value_ns)
{
	uint64_t magnitude = value_ns < 0 ? 0 - (uint64_t)value_ns : (uint64_t)value_ns;
	uint64_t fraction = magnitude % 1000000000;
	char out[TEXT_NUMBER_MAX];
	size_t n = 0;

	if (value_ns < 0)
		out[n++] = '-';
	n += print_unsigned(out + n, magnitude / 1000000000);
	if (fraction > 0) {
		out[n++] = '.';
		put_digits(out + n, fraction, 9);
		n += 9;
		while (out[n - 1] == '0')
			n--;
	}
	text_add_bytes(text, out, n);
}

/* --- did you mean ------------------------------------------------------------------------------------------------ */

#define DISTANCE_MAX 63

static unsigned minimum(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* One row of the table from the two before it: edits that turn the first i characters of a into the first j of b. */
static void fill_row(unsigned *const rows[3], const char *a, const char *b, size_t i)
{
	unsigned *row = rows[0];
	const unsigned *above = rows[1], *two_above = rows[2];

	row[0] = (unsigned)i;
	for (size_t j = 1; j <= DISTANCE_MAX && b[j - 1] != '\0'; j++) {
		row[j] = minimum(minimum(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = minimum(row[j], two_above[j - 2] + 1);
	}
}

/* Optimal string alignment. */
unsigned text_distance(const char *a, const char *b)
{
	unsigned table[3][DISTANCE_MAX + 1] = {0};
	size_t a_length = strnlen(a, DISTANCE_MAX), b_length = strnlen(b, DISTANCE_MAX);

	for (size_t j = 0; j <= b_length; j++)
		table[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *const rows[3] = {table[i % 3], table[(i + 2) % 3], table[(i + 1) % 3]};

		fill_row(rows, a, b, i);
	}
	return table[a_length % 3][b_length];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	unsigned limit = 1 + (unsigned)strnlen(word, DISTANCE_MAX) / 4;
	unsigned best = limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned distance = text_distance(word, candidates[i]);

		if (distance < best) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}
