#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "core/mem.h"
#include "core/option.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct settings {
	int64_t interval_ns, free_ns, count, offset, any, size;
	double latitude, anything, at_least, at_most;
	bool is_on;
	char *source, *password;
	int family;
	struct option_list servers;
};

static const char *const families[] = {"auto", "ipv4", "ipv6", "1.5", "2", "true", NULL};

#define AT(member) offsetof(struct settings, member)

static const struct option options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), 0.01, 86400, "1", NULL, "How often"},
	{"free", OPTION_SECONDS, AT(free_ns), 0, 0, NULL, NULL, "Any duration"},
	{"count", OPTION_INTEGER, AT(count), 1, 100, "5", NULL, "How many"},
	{"offset", OPTION_INTEGER, AT(offset), -10, 10, NULL, NULL, "Signed"},
	{"any", OPTION_INTEGER, AT(any), 0, 0, NULL, NULL, "Any integer"},
	{"size", OPTION_SIZE, AT(size), 64, 8589934592.0, "64KiB", NULL, "Bytes"},
	{"latitude", OPTION_NUMBER, AT(latitude), -90, 90, "50.11", NULL, "Degrees"},
	{"anything", OPTION_NUMBER, AT(anything), 0, 0, NULL, NULL, "Any number"},
	{"at_least", OPTION_NUMBER, AT(at_least), 0.5, (double)INFINITY, "1", NULL, "Bounded below"},
	{"at_most", OPTION_NUMBER, AT(at_most), -(double)INFINITY, 2, NULL, NULL, "Bounded above"},
	{"on", OPTION_BOOLEAN, AT(is_on), 0, 0, "true", NULL, "On or off"},
	{"source", OPTION_TEXT, AT(source), 0, 0, NULL, NULL, "A text"},
	{"password", OPTION_SECRET, AT(password), 0, 0, "hush", NULL, "A secret"},
	{"family", OPTION_CHOICE, AT(family), 0, 0, "ipv6", families, "A choice"},
	{"servers", OPTION_LIST, AT(servers), 0, 0, "a, b", NULL, "A list"},
};

static struct settings *settings;

static void create_settings(void)
{
	settings = mem_zero(1, sizeof(*settings));
	option_set_defaults(options, LENGTH(options), settings);
}

static void free_settings(void)
{
	option_free_settings(options, LENGTH(options), settings);
}

TestSuite(option, .init = create_settings, .fini = free_settings);

static const struct option *find(const char *name)
{
	const struct option *option = option_find(options, LENGTH(options), name);

	cr_assert_not_null(option, "%s", name);
	return option;
}

/* Sets one option and expects it to be printed so; a message that begins with "must", "is" or "has" is one of refusal.
 */
static void check(const char *name, const struct option_value *value, const char *expected)
{
	struct err err = {0};
	struct text before = {0}, after = {0};
	bool is_refusal = strncmp(expected, "must ", 5) == 0 || strncmp(expected, "is ", 3) == 0 ||
			  strncmp(expected, "has ", 4) == 0;

	option_print(find(name), settings, &before);
	int result = option_set(find(name), settings, value, &err);
	option_print(find(name), settings, &after);
	cr_expect_eq(result, is_refusal ? -1 : 0, "%s = %s: %s", name, value->text, err.text);
	cr_expect_str_eq(is_refusal ? err.text : text_string(&after), expected, "%s = %s gives %s, expected %s", name,
			 value->text, is_refusal ? err.text : text_string(&after), expected);
	if (is_refusal)
		cr_expect_str_eq(text_string(&before), text_string(&after), "a refused value changes nothing");
	text_free(&before);
	text_free(&after);
}

static void check_text(const char *name, const char *text, const char *expected)
{
	check(name, &(struct option_value){.form = OPTION_WRITTEN_TEXT, .text = text}, expected);
}

static void check_integer(const char *name, int64_t integer, const char *expected)
{
	check(name, &(struct option_value){.form = OPTION_WRITTEN_INTEGER, .integer = integer, .text = "integer"},
	      expected);
}

static void check_number(const char *name, double number, const char *expected)
{
	check(name, &(struct option_value){.form = OPTION_WRITTEN_NUMBER, .number = number, .text = "number"},
	      expected);
}

static void check_boolean(const char *name, bool boolean, const char *expected)
{
	check(name, &(struct option_value){.form = OPTION_WRITTEN_BOOLEAN, .boolean = boolean, .text = "boolean"},
	      expected);
}

static void check_list(const char *name, const char *const *items, size_t n, const char *expected)
{
	check(name, &(struct option_value){.form = OPTION_WRITTEN_LIST, .items = items, .n = n, .text = "list"},
	      expected);
}

#define NO_SECONDS "must be a number of seconds such as 5 or 0.25"
#define NO_SIZE    "must be a size such as 1500, \"64KiB\" or \"8GiB\""
#define NO_UNIT    "has no such unit: use B, KB, MB, GB, TB, KiB, MiB, GiB or TiB"

struct text_case {
	const char *name, *text, *expected;
};

static void check_texts(const struct text_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_text(cases[i].name, cases[i].text, cases[i].expected);
}

Test(option, defaults)
{
	cr_expect_eq(settings->interval_ns, 1000000000);
	cr_expect_eq(settings->free_ns, 0);
	cr_expect_eq(settings->count, 5);
	cr_expect_eq(settings->size, 65536);
	cr_expect_eq(settings->latitude, 50.11);
	cr_expect(settings->is_on);
	cr_expect_null(settings->source);
	cr_expect_str_eq(settings->password, "hush");
	cr_expect_eq(settings->family, 2);
	cr_assert_eq(settings->servers.n, 2);
	cr_expect_str_eq(settings->servers.items[1], "b");
}

Test(option, find)
{
	cr_expect_eq(option_find(options, LENGTH(options), "count"), &options[2]);
	cr_expect_null(option_find(options, LENGTH(options), "coun"));
	cr_expect_null(option_find(options, 0, "count"));
}

Test(option, a_bad_default_stops, .signal = SIGABRT)
{
	static const struct option bad[] = {{"x", OPTION_INTEGER, AT(count), 1, 5, "6", NULL, "Bad"}};

	option_set_defaults(bad, 1, settings);
}

Test(option, seconds_from_text)
{
	static const struct text_case cases[] = {
		{"free", "0.1", "0.1"},
		{"free", "1", "1"},
		{"free", "+1.50", "1.5"},
		{"free", "-1.5", "-1.5"},
		{"free", ".5", "0.5"},
		{"free", "5.", "5"},
		{"free", "0", "0"},
		{"free", "-0", "0"},
		{"free", "000.000", "0"},
		{"free", "0.000000001", "0.000000001"},
		{"free", "0.0000000005", "0.000000001"},
		{"free", "0.00000000049999", "0"},
		{"free", "-0.0000000005", "-0.000000001"},
		{"free", "0.9999999995", "1"},
		{"free", "00012.000340", "12.00034"},
		{"free", "1e3", "1000"},
		{"free", "1E-3", "0.001"},
		{"free", "25e-1", "2.5"},
		{"free", "1.5e+2", "150"},
		{"free", "1e-30", "0"},
		{"free", "0e99999", "0"},
		{"free", "9223372036.854775807", "9223372036.854775807"},
		{"free", "-9223372036.854775808", "-9223372036.854775808"},
		{"free", "9223372036.854775808", NO_SECONDS},
		{"free", "-9223372036.854775809", NO_SECONDS},
		{"free", "18446744073.709551616", NO_SECONDS},
		{"free", "1e10", NO_SECONDS},
		{"free", "1e999999999999", NO_SECONDS},
		{"free", "99999999999999999999", NO_SECONDS},
		{"free", "", NO_SECONDS},
		{"free", " 1", NO_SECONDS},
		{"free", "1 ", NO_SECONDS},
		{"free", "1s", NO_SECONDS},
		{"free", "1m", NO_SECONDS},
		{"free", ".", NO_SECONDS},
		{"free", "-", NO_SECONDS},
		{"free", "e5", NO_SECONDS},
		{"free", "1e", NO_SECONDS},
		{"free", "1e+", NO_SECONDS},
		{"free", "1,5", NO_SECONDS},
		{"free", "1.2.3", NO_SECONDS},
		{"free", "0x10", NO_SECONDS},
		{"free", "nan", NO_SECONDS},
		{"free", "inf", NO_SECONDS},
		{"free", "0000000000000000000000000000000000000000000000000000000000000000001", NO_SECONDS},
		{"interval", "0.01", "0.01"},
		{"interval", "86400", "86400"},
		{"interval", "0.009999999", "must be between 0.01 and 86400 seconds"},
		{"interval", "86400.000000001", "must be between 0.01 and 86400 seconds"},
		{"interval", "-1", "must be between 0.01 and 86400 seconds"},
	};

	check_texts(cases, LENGTH(cases));
	check_text("free", "0.1", "0.1");
	cr_expect_eq(settings->free_ns, 100000000);
}

Test(option, seconds_from_other_forms)
{
	check_integer("interval", 60, "60");
	check_integer("free", INT64_MAX, NO_SECONDS);
	check_integer("free", -9223372036, "-9223372036");
	check_number("free", 0.1, "0.1");
	cr_expect_eq(settings->free_ns, 100000000);
	check_number("free", 1.1, "1.1");
	check_number("free", -2.5, "-2.5");
	check_number("free", 1e300, NO_SECONDS);
	check_number("free", (double)NAN, NO_SECONDS);
	check_number("free", (double)INFINITY, NO_SECONDS);
	check_number("free", 0x1p63 / 1e9, NO_SECONDS);
	check_number("interval", 0, "must be between 0.01 and 86400 seconds");
	check_boolean("free", true, NO_SECONDS);
	check_list("free", NULL, 0, NO_SECONDS);
}

Test(option, integers)
{
	static const struct text_case cases[] = {
		{"any", "0", "0"},
		{"any", "-0", "0"},
		{"any", "+7", "7"},
		{"any", "007", "7"},
		{"any", "9223372036854775807", "9223372036854775807"},
		{"any", "-9223372036854775808", "-9223372036854775808"},
		{"any", "9223372036854775808", "must be a whole number"},
		{"any", "-9223372036854775809", "must be a whole number"},
		{"any", "99999999999999999999999", "must be a whole number"},
		{"any", "1.0", "must be a whole number"},
		{"any", "1e3", "must be a whole number"},
		{"any", "", "must be a whole number"},
		{"any", "x", "must be a whole number"},
		{"any", "1 2", "must be a whole number"},
		{"count", "1", "1"},
		{"count", "100", "100"},
		{"count", "0", "must be between 1 and 100"},
		{"count", "101", "must be between 1 and 100"},
		{"offset", "-10", "-10"},
		{"offset", "-11", "must be between -10 and 10"},
	};

	check_texts(cases, LENGTH(cases));
	check_integer("count", 7, "7");
	check_integer("count", INT64_MAX, "must be between 1 and 100");
	check_number("count", 8.0, "8");
	check_number("count", 8.5, "must be a whole number");
	check_number("any", 1e19, "must be a whole number");
	check_number("any", (double)NAN, "must be a whole number");
	check_boolean("count", true, "must be a whole number");
	check_list("count", families, 1, "must be a whole number");
}

Test(option, numbers)
{
	static const struct text_case cases[] = {
		{"anything", "0", "0"},
		{"anything", "-0", "-0"},
		{"anything", "0.1", "0.1"},
		{"anything", "-12.5e-3", "-0.0125"},
		{"anything", "1e308", "1e+308"},
		{"anything", "1e309", "must be a number"},
		{"anything", "1e-400", "0"},
		{"anything", "5e-324", "5e-324"},
		{"anything", "0.30000000000000004", "0.30000000000000004"},
		{"anything", "123456789012345678901234567890", "1.2345678901234568e+29"},
		{"anything", "nan", "must be a number"},
		{"anything", "inf", "must be a number"},
		{"anything", "0x1p3", "must be a number"},
		{"anything", "", "must be a number"},
		{"latitude", "-90", "-90"},
		{"latitude", "90.0001", "must be between -90 and 90"},
		{"at_least", "0.5", "0.5"},
		{"at_least", "1e300", "1e+300"},
		{"at_least", "0.4", "must be at least 0.5"},
		{"at_most", "-1e300", "-1e+300"},
		{"at_most", "2.5", "must be at most 2"},
	};

	check_texts(cases, LENGTH(cases));
	check_number("latitude", 8.68, "8.68");
	check_integer("latitude", -8, "-8");
	check_number("anything", (double)NAN, "must be a number");
	check_number("anything", -(double)INFINITY, "must be a number");
	check_boolean("anything", false, "must be a number");
	check_list("anything", NULL, 0, "must be a number");
}

Test(option, numbers_do_not_depend_on_the_locale)
{
	setlocale(LC_ALL, "de_DE.UTF-8"); /* checks nothing where it is not installed */
	check_text("anything", "1.5", "1.5");
	setlocale(LC_ALL, "C");
}

Test(option, sizes)
{
	static const struct text_case cases[] = {
		{"size", "1500", "1500"},
		{"size", "64KiB", "64KiB"},
		{"size", "64 KiB", "64KiB"},
		{"size", "64kib", "64KiB"},
		{"size", "1024KiB", "1MiB"},
		{"size", "8GiB", "8GiB"},
		{"size", "1GB", "1GB"},
		{"size", "1000B", "1KB"},
		{"size", "1MB", "1MB"},
		{"size", "100b", "100"},
		{"size", "9GiB", "must be between 64 and 8GiB"},
		{"size", "1TiB", "must be between 64 and 8GiB"},
		{"size", "1TB", "must be between 64 and 8GiB"},
		{"size", "63", "must be between 64 and 8GiB"},
		{"size", "", NO_SIZE},
		{"size", "KiB", NO_SIZE},
		{"size", "-5", NO_SIZE},
		{"size", " 5", NO_SIZE},
		{"size", "00000000000000000000000000000000000000000000000000000000000000000000064", NO_SIZE},
		{"size", "5k", NO_UNIT},
		{"size", "5 KiB ", NO_UNIT},
		{"size", "1.5GiB", NO_UNIT},
		{"size", "5kiloB", NO_UNIT},
		{"size", "9999999TiB", "is too large for a size"},
		{"size", "99999999999999999999", "is too large for a size"},
	};

	check_texts(cases, LENGTH(cases));
	check_integer("size", 100, "100");
	check_integer("size", -100, NO_SIZE);
	check_number("size", 128, "128");
	check_number("size", 128.5, NO_SIZE);
	check_boolean("size", true, NO_SIZE);
}

Test(option, parse_size)
{
	static const struct {
		const char *text;
		int64_t expected;
	} table[] = {
		{"0", 0},
		{"0TiB", 0},
		{"1KB", 1000},
		{"1KiB", 1024},
		{"1MB", 1000000},
		{"1MiB", 1048576},
		{"1GB", 1000000000},
		{"1GiB", 1073741824},
		{"1TB", 1000000000000},
		{"1TiB", 1099511627776},
		{"8388607TiB", INT64_C(8388607) << 40},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775807B", INT64_MAX},
	};

	for (size_t i = 0; i < LENGTH(table); i++) {
		int64_t bytes = -1;

		cr_expect_eq(option_parse_size(table[i].text, &bytes, NULL), 0);
		cr_expect_eq(bytes, table[i].expected, "%s", table[i].text);
	}
}

Test(option, booleans)
{
	static const struct text_case cases[] = {
		{"on", "false", "false"},
		{"on", "true", "true"},
		{"on", "no", "false"},
		{"on", "yes", "true"},
		{"on", "0", "false"},
		{"on", "1", "true"},
		{"on", "No", "false"},
		{"on", "TRUE", "true"},
		{"on", "", "must be true or false"},
		{"on", "2", "must be true or false"},
		{"on", "true ", "must be true or false"},
	};

	check_texts(cases, LENGTH(cases));
	check_boolean("on", false, "false");
	check_boolean("on", true, "true");
	check_integer("on", 1, "must be true or false");
	check_number("on", 1, "must be true or false");
	check_list("on", NULL, 0, "must be true or false");
}

Test(option, texts_and_secrets)
{
	check_text("source", "192.0.2.1", "192.0.2.1");
	check_text("source", "", "");
	cr_expect_str_eq(settings->source, "");
	check_text("source", "text", "text");
	check_text("source", settings->source, "text"); /* its own value */
	check_text("password", "other", "<secret>");
	cr_expect_str_eq(settings->password, "other");
	check_integer("source", 5, "must be a text in quotes");
	check_number("source", 5, "must be a text in quotes");
	check_boolean("source", true, "must be a text in quotes");
	check_list("password", families, 1, "must be a text in quotes");
}

Test(option, unset_texts_print_as_nothing)
{
	struct settings empty = {0};
	struct text out = {0};

	option_print(find("source"), &empty, &out);
	option_print(find("password"), &empty, &out);
	option_print(find("servers"), &empty, &out);
	cr_expect_str_eq(text_string(&out), "");
	option_print(find("size"), &empty, &out);
	cr_expect_str_eq(text_string(&out), "0");
	text_free(&out);
}

#define NO_CHOICE "must be one of auto, ipv4, ipv6, 1.5, 2, true"

Test(option, choices)
{
	check_text("family", "auto", "auto");
	cr_expect_eq(settings->family, 0);
	check_text("family", "ipv6", "ipv6");
	cr_expect_eq(settings->family, 2);
	check_text("family", "IPv6", NO_CHOICE);
	check_text("family", "", NO_CHOICE);
	check_text("family", "ipv", NO_CHOICE);
	check_integer("family", 2, "2");
	check_integer("family", 1, NO_CHOICE);
	check_number("family", 1.5, "1.5");
	check_number("family", 2.0, "2");
	check_number("family", 1e300 / 3, NO_CHOICE);
	check_boolean("family", true, "true");
	check_boolean("family", false, NO_CHOICE);
	check_list("family", families, 1, NO_CHOICE);
}

Test(option, lists)
{
	static const struct text_case cases[] = {
		{"servers", "a", "a"},
		{"servers", "a,b,c", "a,b,c"},
		{"servers", "  a , b c,d  ", "a,b c,d"},
		{"servers", "", ""},
		{"servers", "  ", ""},
		{"servers", ",", "has an empty item"},
		{"servers", "a,,b", "has an empty item"},
		{"servers", "a, ,b", "has an empty item"},
		{"servers", "a,", "has an empty item"},
		{"servers", ",a", "has an empty item"},
	};

	check_texts(cases, LENGTH(cases));
	check_list("servers", families, 3, "auto,ipv4,ipv6");
	check_list("servers", NULL, 0, "");
	cr_expect_null(settings->servers.items);
	check_integer("servers", 1, "must be a list of texts");
	check_number("servers", 1, "must be a list of texts");
	check_boolean("servers", true, "must be a list of texts");
}

Test(option, lists_have_a_ceiling)
{
	char *many = mem_zero(2 * OPTION_ITEMS_MAX + 2, 1);
	const char **items = mem_zero(OPTION_ITEMS_MAX + 1, sizeof(*items));
	struct err err = {0};

	for (size_t i = 0; i <= OPTION_ITEMS_MAX; i++) {
		memcpy(many + 2 * i, "x,", 2);
		items[i] = "x";
	}
	many[2 * OPTION_ITEMS_MAX + 1] = '\0';
	cr_expect_eq(option_set_text(find("servers"), settings, many, &err), -1);
	cr_expect_str_eq(err.text, "must have at most 4096 items");
	check_list("servers", items, OPTION_ITEMS_MAX + 1, "must have at most 4096 items");
	many[2 * OPTION_ITEMS_MAX - 1] = '\0';
	cr_expect_eq(option_set_text(find("servers"), settings, many, &err), 0);
	cr_expect_eq(settings->servers.n, OPTION_ITEMS_MAX);
	mem_free(many);
	mem_free(items);
}

/* What is printed reads back as the same value. */
Test(option, prints_what_it_reads)
{
	static const struct text_case cases[] = {
		{"interval", "0.123456789", NULL},
		{"free", "-0.000000001", NULL},
		{"count", "77", NULL},
		{"any", "-9223372036854775808", NULL},
		{"size", "3MiB", NULL},
		{"latitude", "-33.8688197", NULL},
		{"anything", "3.3333333333333337e-10", NULL},
		{"on", "false", NULL},
		{"source", "eth0", NULL},
		{"family", "ipv4", NULL},
		{"servers", "192.0.2.1:53,[2001:db8::1]:53", NULL},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		check_text(cases[i].name, cases[i].text, cases[i].text);
}

Test(option, copies_are_deep)
{
	check_text("source", "eth0", "eth0");
	struct settings *copy = option_copy_settings(options, LENGTH(options), sizeof(*copy), settings);

	cr_expect_neq(copy->source, settings->source);
	cr_expect_neq(copy->servers.items, settings->servers.items);
	check_text("source", "changed", "changed");
	check_text("password", "changed", "<secret>");
	check_list("servers", NULL, 0, "");
	cr_expect_str_eq(copy->source, "eth0");
	cr_expect_str_eq(copy->password, "hush");
	cr_expect_eq(copy->interval_ns, 1000000000);
	cr_expect_eq(copy->family, 2);
	cr_assert_eq(copy->servers.n, 2);
	cr_expect_str_eq(copy->servers.items[0], "a");
	option_free_settings(options, LENGTH(options), copy);
	copy = option_copy_settings(options, LENGTH(options), sizeof(*copy), settings);
	cr_expect_eq(copy->servers.n, 0);
	option_free_settings(options, LENGTH(options), copy);
}

Test(option, free_leaves_nothing_to_free_twice)
{
	option_free(options, LENGTH(options), settings);
	cr_expect_null(settings->password);
	cr_expect_eq(settings->servers.n, 0);
	option_free(options, LENGTH(options), settings);
	option_free_settings(options, LENGTH(options), NULL);
}
