/*
 * The input is a row of 8-byte numbers. Each, as a double, prints as text that reads back as the same double and that
 * no decimal of fewer digits does; as an integer and as nanoseconds it prints exactly.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Significant digits of a printed number. */
static int count_significant(const char *printed)
{
	int n = 0, zeros = 0;

	for (; *printed != '\0' && *printed != 'e'; printed++) {
		if (*printed == '.' || *printed == '-' || (*printed == '0' && n == 0))
			continue;
		n++;
		zeros = *printed == '0' ? zeros + 1 : 0;
	}
	return n - zeros;
}

static void check_double(double value)
{
	char out[TEXT_NUMBER_MAX + 1], shorter[64];
	size_t n = text_print_double(out, value);

	require(n > 0 && n <= TEXT_NUMBER_MAX);
	out[n] = '\0';
	require(strspn(out, "0123456789.e+-NaInf") == n);
	if (isnan(value)) {
		require(strcmp(out, "NaN") == 0);
		return;
	}
	require(strtod(out, NULL) == value && !signbit(strtod(out, NULL)) == !signbit(value));
	int digits = count_significant(out);
	if (!isfinite(value) || digits < 2)
		return;
	snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, value);
	require(strtod(shorter, NULL) != value);
}

static void check_integer(int64_t value)
{
	char out[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
	size_t n = text_print_integer(out, value);

	snprintf(expected, sizeof(expected), "%" PRId64, value);
	require(n == strlen(expected) && memcmp(out, expected, n) == 0);
}

/* Without its point and with all nine places it is the integer again. */
static void check_seconds(int64_t value)
{
	struct text text = {0};
	char plain[64] = "";
	int places = 0;

	text_add_seconds(&text, value);
	const char *printed = text_string(&text), *point = strchr(printed, '.');
	size_t whole = point != NULL ? (size_t)(point - printed) : strlen(printed);
	memcpy(plain, printed, whole);
	for (const char *digit = point != NULL ? point + 1 : ""; *digit != '\0'; digit++, places++)
		plain[whole + (size_t)places] = *digit;
	require(places <= 9 && (point == NULL || printed[strlen(printed) - 1] != '0'));
	memset(plain + whole + places, '0', (size_t)(9 - places));
	require(strtoll(plain, NULL, 10) == value);
	text_free(&text);
}

static void check_distance(const uint8_t *data, size_t size)
{
	char a[80], b[80];
	size_t half = size / 2 < sizeof(a) - 1 ? size / 2 : sizeof(a) - 1;

	memcpy(a, data, half);
	a[half] = '\0';
	memcpy(b, data + half, half);
	b[half] = '\0';
	require(text_distance(a, a) == 0);
	require(text_distance(a, b) == text_distance(b, a));
	require(text_distance(a, b) <= half);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		double number;
		int64_t integer;

		memcpy(&number, data + i, 8);
		memcpy(&integer, data + i, 8);
		check_double(number);
		check_double((double)integer / 1e9);
		check_integer(integer);
		check_seconds(integer);
	}
	if (size > 0)
		check_distance(data, size);
	return 0;
}
