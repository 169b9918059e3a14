#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* --- growing, ceiling ------------------------------------------------------------------------------------------- */

Test(text, empty)
{
	struct text text = {0};

	cr_expect_str_eq(text_string(&text), "");
	text_add(&text, "");
	text_add_bytes(&text, NULL, 0);
	cr_expect_eq(text.length, 0);
	cr_expect_str_eq(text_string(&text), "");
	char *taken = text_take(&text);
	cr_expect_str_eq(taken, "");
	mem_free(taken);
	text_free(&text);
	text_free(&text);
	cr_expect_null(text.bytes);
}

Test(text, adds_one_after_the_other)
{
	struct text text = {0};

	text_add(&text, "one");
	text_add_char(&text, ' ');
	text_add_bytes(&text, "two!", 3);
	text_add_format(&text, " %d-%s", 3, "x");
	text_add_integer(&text, -4);
	text_add_unsigned(&text, UINT64_MAX);
	text_add_double(&text, 0.5);
	text_add_seconds(&text, 1500000000);
	cr_expect_str_eq(text_string(&text), "one two 3-x-4184467440737095516150.51.5");
	text_clear(&text);
	cr_expect_str_eq(text_string(&text), "");
	cr_expect_gt(text.capacity, 0);
	text_free(&text);
}

Test(text, grows_at_every_length)
{
	for (size_t n = 0; n < 300; n++) {
		struct text text = {0};
		char *string = mem_zero(n + 1, 1);

		memset(string, 'a', n);
		text_add(&text, string);
		text_add_format(&text, "%s", string);
		cr_assert_eq(text.length, 2 * n);
		cr_assert_eq(strlen(text_string(&text)), 2 * n);
		cr_assert_eq(strspn(text_string(&text), "a"), 2 * n);
		text_free(&text);
		mem_free(string);
	}
}

Test(text, ceiling_leaves_out_whole_pieces)
{
	struct text text = {.ceiling = 5};

	text_add(&text, "abc");
	cr_expect_not(text.overflowed);
	text_add(&text, "def");
	cr_expect(text.overflowed);
	cr_expect_str_eq(text_string(&text), "abc");
	text_add(&text, "de");
	cr_expect_str_eq(text_string(&text), "abcde");
	cr_expect(text.overflowed, "overflow is sticky");
	text_add_char(&text, 'f');
	text_add_format(&text, "%s", "f");
	text_add_integer(&text, 1);
	text_add_double(&text, 1);
	text_add_seconds(&text, 1);
	cr_expect_str_eq(text_string(&text), "abcde");
	text_clear(&text);
	cr_expect_not(text.overflowed);
	text_add_format(&text, "%s", "123456");
	cr_expect(text.overflowed);
	cr_expect_eq(text.length, 0);
	text_free(&text);
}

Test(text, numbers_fit_exactly_under_a_ceiling)
{
	for (size_t ceiling = 1; ceiling < 100; ceiling++) {
		struct text text = {.ceiling = ceiling};

		while (!text.overflowed)
			text_add_double(&text, 0.25);
		cr_assert_eq(text.length, ceiling / 4 * 4);
		text_clear(&text);
		while (!text.overflowed)
			text_add_integer(&text, -125);
		cr_assert_eq(text.length, ceiling / 4 * 4);
		text_free(&text);
	}
}

Test(text, a_failing_format_adds_nothing)
{
	struct text text = {0};

	text_add_format(&text, "%ls", L"\x110000");
	cr_expect_eq(text.length, 0);
	text_free(&text);
}

Test(text, reserve_refuses_what_cannot_be)
{
	struct text text = {0};

	cr_expect_not_null(text_reserve(&text, 0));
	cr_expect_null(text_reserve(&text, SIZE_MAX));
	cr_expect(text.overflowed);
	text_clear(&text);
	char *out = text_reserve(&text, 100);
	memset(out, 'x', 100);
	text.length += 100;
	cr_expect_eq(strlen(text_string(&text)), 100);
	text_free(&text);
}

Test(text, take_passes_the_memory_on)
{
	struct text text = {.ceiling = 10};

	text_add(&text, "taken");
	char *taken = text_take(&text);
	cr_expect_str_eq(taken, "taken");
	cr_expect_null(text.bytes);
	cr_expect_eq(text.length, 0);
	cr_expect_eq(text.ceiling, 10);
	text_add(&text, "again");
	cr_expect_str_eq(text_string(&text), "again");
	text_free(&text);
	mem_free(taken);
}

/* --- whole numbers, seconds ------------------------------------------------------------------------------------- */

Test(text, integers_as_printf)
{
	static const int64_t edges[] = {0, 1, -1, 9, 10, 99, 100, -100, INT64_MAX, INT64_MIN, INT64_MIN + 1};
	char out[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];

	for (size_t i = 0; i < LENGTH(edges); i++) {
		size_t n = text_print_integer(out, edges[i]);

		snprintf(expected, sizeof(expected), "%" PRId64, edges[i]);
		cr_expect_eq(n, strlen(expected));
		cr_expect_arr_eq(out, expected, n);
	}
}

Test(text, unsigned_at_every_power)
{
	char expected[TEXT_NUMBER_MAX];

	for (uint64_t power = 1;; power *= 10) {
		const uint64_t values[] = {power - 1, power, power + 1};

		for (size_t i = 0; i < LENGTH(values); i++) {
			struct text text = {0};

			text_add_unsigned(&text, values[i]);
			snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);
			cr_assert_str_eq(text_string(&text), expected);
			text_free(&text);
		}
		if (power > UINT64_MAX / 10)
			break;
	}
}

Test(text, seconds_are_exact)
{
	static const struct {
		int64_t ns;
		const char *expected;
	} table[] = {
		{0, "0"},
		{1, "0.000000001"},
		{-1, "-0.000000001"},
		{12300000, "0.0123"},
		{12000000000, "12"},
		{-1500000000, "-1.5"},
		{1000000001, "1.000000001"},
		{100000000, "0.1"},
		{999999999, "0.999999999"},
		{INT64_MAX, "9223372036.854775807"},
		{INT64_MIN, "-9223372036.854775808"},
	};

	for (size_t i = 0; i < LENGTH(table); i++) {
		struct text text = {0};

		text_add_seconds(&text, table[i].ns);
		cr_expect_str_eq(text_string(&text), table[i].expected);
		text_free(&text);
	}
}

/* --- doubles ---------------------------------------------------------------------------------------------------- */

/* NUL-terminated, in a buffer of static length. */
static const char *print(char out[TEXT_NUMBER_MAX + 1], double value)
{
	size_t n = text_print_double(out, value);

	cr_assert_leq(n, TEXT_NUMBER_MAX);
	out[n] = '\0';
	return out;
}

/* The shortest decimal of each, as computed by an independent implementation (mode 0 of David Gay's dtoa). */
static const struct {
	double value;
	const char *expected;
} shortest[] = {
	{0x1.999999999999ap-4, "0.1"},
	{0x1.999999999999ap-3, "0.2"},
	{0x1.3333333333333p-2, "0.3"},
	{0x1.5555555555555p-2, "0.3333333333333333"},
	{0x1.5555555555555p-1, "0.6666666666666666"},
	{0x1.2492492492492p-3, "0.14285714285714285"},
	{0x1.930be0ded288dp-7, "0.0123"},
	{0x1.01f31f46ed246p-13, "0.000123"},
	{0x1.a36e2eb1c432dp-14, "0.0001"},
	{0x1.4f8b588e368f1p-17, "1e-05"},
	{0x1.f75104d551d69p-17, "1.5e-05"},
	{0x1.a36e2eb1c432dp-16, "2.5e-05"},
	{0x1.0c6f7a0b5ed8dp-20, "1e-06"},
	{0x1.12e0be826d695p-30, "1e-09"},
	{0x1.4b66dc05df05ap-20, "1.234567891e-06"},
	{0x1.e240c9fcb689fp+16, "123456.789012345"},
	{0x1.e847ffffffff7p+19, "999999.999999999"},
	{0x1.e848000000009p+19, "1000000.000000001"},
	{0x1.e848000000000p+19, "1000000"},
	{0x1.6bcc41e900000p+46, "100000000000000"},
	{0x1.c6bf526340000p+49, "1000000000000000"},
	{0x1.c6bf526340004p+49, "1000000000000000.5"},
	{0x1.1c37937e08000p+53, "1e+16"},
	{0x1.6345785d8a000p+56, "1e+17"},
	{0x1.b6951ef585a00p+56, "1.2345e+17"},
	{0x1.b1ae4d6e2ef50p+69, "1e+21"},
	{0x1.0f0cf064dd592p+73, "1e+22"},
	{0x1.52d02c7e14af6p+76, "1e+23"},
	{0x1.fffffffffffffp+52, "9007199254740991"},
	{0x1.0000000000000p+53, "9007199254740992"},
	{0x1.0000000000001p+53, "9007199254740994"},
	{0x1.fffffffffffffp+51, "4503599627370495.5"},
	{0x1.0000000000002p+52, "4503599627370498"},
	{0x0.0000000000001p-1022, "5e-324"},
	{0x0.0000000000002p-1022, "1e-323"},
	{0x0.0000000000003p-1022, "1.5e-323"},
	{0x1.0000000000000p-1022, "2.2250738585072014e-308"},
	{0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
	{0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
	{0x1.1ccf385ebc8a0p+1023, "1e+308"},
	{0x0.730d67819e8d2p-1022, "1e-308"},
	{0x1.0000000000000p-20, "9.5367431640625e-07"},
	{0x1.921fb54442d18p+1, "3.141592653589793"},
	{0x1.5bf0a8b145769p+1, "2.718281828459045"},
	{0x1.afc6f70213be5p-29, "3.141592653589793e-09"},
	{0x1.d4223fc1f977bp+34, "31415926535.89793"},
	{0x1.65286144ada42p+51, "3141592653589793"},
	{0x1.be727995d90d3p+54, "3.1415926535897932e+16"},
	{0x1.cb9f5c3f2eb84p+333, "3.141592653589793e+100"},
	{0x1.1666666666666p+2, "4.35"},
	{0x1.9999999999999p-3, "0.19999999999999998"},
	{0x1.a666666666667p+1, "3.3000000000000003"},
	{0x1.b800000000001p+6, "110.00000000000001"},
	{0x1.3333333333334p-2, "0.30000000000000004"},
	{0x1.5555555555555p+4, "21.333333333333332"},
	{0x1.74ccccccccccdp+6, "93.2"},
	{0x1.1a31bde82d7b7p+2, "4.409286000000001"},
	{0x1.a36e2eb1c432dp+4, "26.2144"},
	{0x1.0000000000000p+64, "1.8446744073709552e+19"},
	{0x1.0000000000000p+63, "9.223372036854776e+18"},
	{0x1.0000000000001p+0, "1.0000000000000002"},
	{0x1.fffffffffffffp-1, "0.9999999999999999"},
	{0x1.c12218377de66p+46, "123456789012345.6"},
	{0x1.674e79c5fe51fp+43, "12345678901234.56"},
	{0x1.ff973cafa8000p+53, "1.8e+16"},
	{0x1.fffffffffffffp+54, "3.6028797018963964e+16"},
	{0x1.0000000000000p+55, "3.602879701896397e+16"},
	{0x1.0000000000000p-36, "1.4551915228366852e-11"},
	{0x1.fffffffffffffp-37, "1.455191522836685e-11"},
	{0x1.c7e83209e90b2p+72, "8.41e+21"},
	{0x1.0000000000000p-44, "5.684341886080802e-14"},
	{0x1.0000000000000p-24, "5.960464477539063e-08"},
	{0x1.0000000000000p-37, "7.275957614183426e-12"},
	{0x1.0000000000000p+54, "1.8014398509481984e+16"},
	{0x1.0000000000000p+60, "1.152921504606847e+18"},
	{0x0.0000000004000p-1022, "8.095e-320"},
	{0x1.0000000000000p+1023, "8.98846567431158e+307"},
	{0x1.8e757928e0c9ep-14, "9.5e-05"},
	{0x1.a36e2eaabac23p-14, "9.99999999e-05"},
	{0x1.8f3d0772dd711p-16, "2.3796462709189137e-05"},
	{0x1.c39afd52e7980p+21, "3699551.6654807925"},
	{0x1.4fee5800d69f7p-21, "6.257203041080539e-07"},
	{0x1.71a0ed34a06fep+22, "6055995.301393269"},
	{0x1.a8ecf53d99c70p-6, "0.025935401432800764"},
	{0x1.d42010a3a5c07p+20, "1917441.039952995"},
	{0x1.4a2f2b6cd7633p+22, "5409738.856290388"},
	{0x1.4d24004302dacp-15, "3.9713457702896096e-05"},
	{0x1.8519be2a356f4p-16, "2.3192200537667165e-05"},
	{0x1.4b220cadb793dp+26, "86804530.71432967"},
	{0x1.0bf664b577ab3p-28, "3.899367208872129e-09"},
	{0x1.6876172c92d3cp-21, "6.714114753695925e-07"},
	{0x1.28ce6f38436c1p-895, "4.38921802680766e-270"},
	{0x1.4d1fe098f6630p-943, "1.7501719746385173e-284"},
	{0x1.d2d5845bb2662p+33, "15664351415.393742"},
	{0x1.7906159308302p+517, "6.318827811143865e+155"},
	{0x1.b6d1309938300p+678, "2.1497140018095637e+204"},
	{0x1.651c52574ccedp+751, "1.6523024923771195e+226"},
	{0x1.f6ced91df0539p-521, "2.861109458669881e-157"},
	{0x1.e0fd67cbb2564p-671, "1.917647901768384e-202"},
	{0x1.092fddc459db6p+957, "1.261880062935828e+288"},
	{0x1.378c74c84161dp+716, "4.1952979853613245e+215"},
	{0x1.c76abf540d80bp+163, "2.079977077411337e+49"},
	{0x1.6bd063903b55ap+510, "4.763621574103509e+153"},
	{0x1.92f3276b3aa8ap+599, "3.2657159229283425e+180"},
	{0x1.959186876fb5cp+309, "1.6523150837005871e+93"},
	{0x1.ae96619d4daaap-953, "2.209202425262302e-287"},
	{0x1.db3d1148f32f6p-402, "1.7972704560374426e-121"},
};

Test(text, doubles_are_shortest)
{
	char out[TEXT_NUMBER_MAX + 1], negative[TEXT_NUMBER_MAX + 2] = "-";

	for (size_t i = 0; i < LENGTH(shortest); i++) {
		cr_expect_str_eq(print(out, shortest[i].value), shortest[i].expected);
		strcpy(negative + 1, shortest[i].expected);
		cr_expect_str_eq(print(out, -shortest[i].value), negative);
	}
}

Test(text, special_doubles)
{
	char out[TEXT_NUMBER_MAX + 1];

	cr_expect_str_eq(print(out, 0.0), "0");
	cr_expect_str_eq(print(out, -0.0), "-0");
	cr_expect_str_eq(print(out, (double)NAN), "NaN");
	cr_expect_str_eq(print(out, -(double)NAN), "NaN");
	cr_expect_str_eq(print(out, (double)INFINITY), "+Inf");
	cr_expect_str_eq(print(out, -(double)INFINITY), "-Inf");
}

/* Number of significant digits of a printed number. */
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

/* Does a decimal of n digits read back as value? The nearest one and its two neighbours are all that could. */
static bool some_decimal_reads_back(double value, int n)
{
	char nearest[64], candidate[64];

	snprintf(nearest, sizeof(nearest), "%.*e", n - 1, value);
	char *e = strchr(nearest, 'e');
	uint64_t digits = 0;
	for (const char *c = nearest; c < e; c++)
		if (*c != '.')
			digits = digits * 10 + (uint64_t)(*c - '0');
	for (int step = -1; step <= 1; step++) {
		snprintf(candidate, sizeof(candidate), "%" PRIu64 "e%d", digits + (uint64_t)step,
			 atoi(e + 1) - (n - 1));
		if (strtod(candidate, NULL) == value)
			return true;
	}
	return false;
}

static void check_shortest(double value)
{
	char out[TEXT_NUMBER_MAX + 1];
	int n = count_significant(print(out, value));

	cr_assert_eq(strtod(out, NULL), value, "%a is printed as %s", value, out);
	cr_assert(n == 1 || !some_decimal_reads_back(value, n - 1), "%s is not the shortest for %a", out, value);
}

Test(text, every_power_of_two_and_its_neighbours)
{
	for (int exponent = -1074; exponent <= 1023; exponent++) {
		double power = ldexp(1, exponent);

		check_shortest(power);
		check_shortest(nextafter(power, DBL_MAX));
		if (exponent > -1074)
			check_shortest(nextafter(power, 0));
	}
	check_shortest(DBL_MAX);
}

Test(text, every_power_of_ten)
{
	char literal[32], out[TEXT_NUMBER_MAX + 1];

	for (int exponent = -323; exponent <= 308; exponent++) {
		snprintf(literal, sizeof(literal), "1e%d", exponent);
		double power = strtod(literal, NULL);

		check_shortest(power);
		cr_assert_eq(count_significant(print(out, power)), 1);
	}
}

/* A fixed sequence: xorshift64*. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

Test(text, many_doubles_of_every_size)
{
	uint64_t state = 88172645463325252;

	for (int i = 0; i < 20000; i++) {
		uint64_t bits = next_random(&state) & INT64_MAX;
		double value;

		memcpy(&value, &bits, sizeof(value));
		if (isfinite(value) && value > 0)
			check_shortest(value);
		check_shortest(ldexp((double)(bits >> 10 | 1), (int)(bits % 100) - 90));
		check_shortest((double)(bits % 100000000000000 + 1) / 1e9);
	}
}

Test(text, whole_nanoseconds_print_as_seconds)
{
	char out[TEXT_NUMBER_MAX + 1];
	uint64_t state = 42;

	for (int i = 0; i < 20000; i++) {
		struct text text = {0};
		int64_t ns = 100000 + (int64_t)(next_random(&state) % 1000000000000);

		text_add_seconds(&text, ns);
		cr_assert_str_eq(print(out, (double)ns / 1e9), text_string(&text));
		text_free(&text);
	}
}

Test(text, locale_does_not_matter)
{
	static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fa_IR", "ps_AF"};
	char out[TEXT_NUMBER_MAX + 1];

	for (size_t i = 0; i < LENGTH(locales); i++) {
		setlocale(LC_ALL, locales[i]); /* those that are not installed check nothing */
		cr_expect_str_eq(print(out, 1.5), "1.5");
		cr_expect_str_eq(print(out, 1.0 / 3), "0.3333333333333333");
		cr_expect_str_eq(print(out, 1.5e300), "1.5e+300");
		cr_expect_str_eq(print(out, 1e-300 / 3), "3.3333333333333334e-301");
	}
	setlocale(LC_ALL, "C");
}

/* --- did you mean ------------------------------------------------------------------------------------------------ */

Test(text, distances)
{
	static const struct {
		const char *a, *b;
		unsigned expected;
	} table[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"timeout", "timeout", 0},
		{"timeout", "timeuot", 1},
		{"timeout", "timout", 1},
		{"timeout", "timeoutt", 1},
		{"timeout", "tineout", 1},
		{"kitten", "sitting", 3},
		{"ab", "ba", 1},
		{"ca", "abc", 3}, /* a swapped pair is not edited again */
		{"interval", "intervall", 1},
		{"abcd", "badc", 2},
	};

	for (size_t i = 0; i < LENGTH(table); i++) {
		cr_expect_eq(text_distance(table[i].a, table[i].b), table[i].expected, "%s, %s", table[i].a,
			     table[i].b);
		cr_expect_eq(text_distance(table[i].b, table[i].a), table[i].expected, "%s, %s", table[i].b,
			     table[i].a);
	}
}

Test(text, distance_looks_at_63_characters)
{
	char a[201] = {0}, b[201] = {0};

	memset(a, 'a', 200);
	memset(b, 'a', 63);
	memset(b + 63, 'b', 137);
	cr_expect_eq(text_distance(a, b), 0);
	b[62] = 'b';
	cr_expect_eq(text_distance(a, b), 1);
	memset(b, 'b', 200);
	cr_expect_eq(text_distance(a, b), 63);
}

Test(text, nearest)
{
	static const char *const names[] = {"interval", "timeout", "count", "size"};

	cr_expect_str_eq(text_nearest("intervall", names, LENGTH(names)), "interval");
	cr_expect_str_eq(text_nearest("tiemout", names, LENGTH(names)), "timeout");
	cr_expect_str_eq(text_nearest("Size", names, LENGTH(names)), "size");
	cr_expect_null(text_nearest("packet_loss", names, LENGTH(names)));
	cr_expect_null(text_nearest("xy", names, LENGTH(names)));
	cr_expect_null(text_nearest("size", names, 0));
}
