/*
 * Values of data sets: each way of parsing with each kind of measure.
 */
#include "ros_table_fixture.h"

/* A set with this one column, of the property v. */
static struct table_fixture one_column(const char *column, const char *mode)
{
	char *sets = mem_format("sets: { one: { help = \"A\"; menus = ( { path = \"/a\"; } ); %s\n"
				"columns = ( { property = \"v\"; help = \"H\"; %s } ); }; };",
				mode, column);
	struct table_fixture fixture = table_open(sets, "one", (struct ros_table_plan){0});

	mem_free(sets);
	return fixture;
}

#define ABSENT "(absent)"

/* What the value becomes, and whether it counted as unreadable. */
static void expect_value(const char *column, const char *value, const char *expected, unsigned unreadable)
{
	struct table_fixture fixture = one_column(column, "");
	char *word = value ? mem_format("v=%s", value) : mem_copy_string("w=1");

	ros_table_begin(fixture.table, SECOND, 7200);
	add(&fixture, word);
	const char *rows = end_rows(&fixture), *equals = strchr(rows, '=');
	char *got = equals ? mem_format("%.*s", (int)strcspn(equals + 1, "\n"), equals + 1) : mem_copy_string(ABSENT);

	cr_expect_str_eq(got, expected, "%s: \"%s\" is %s, not %s", column, value, got, expected);
	cr_expect_eq(figures_of(&fixture).unreadable, unreadable, "%s: \"%s\"", column, value);
	mem_free(got);
	mem_free(word);
	table_close(&fixture);
}

#define GAUGE    "measure = \"g\";"
#define INTEGER  "measure = \"g\"; kind = \"integer\";"
#define COUNTER  "measure = \"g_total\";"
#define SPENT    "measure = \"g_seconds_total\"; parse = \"duration\";"
#define SWITCH   "measure = \"g\"; parse = \"boolean\"; absent = \"0\";"
#define KIBI     "measure = \"g_bytes\"; parse = \"size\"; unit = \"kibibytes\";"
#define STATE    "measure = \"g\"; parse = \"word\"; words = [ \"up=1\", \"not there=-1.5\", \"unknown=2\" ];"
#define DATE     "measure = \"g_timestamp_seconds\"; parse = \"date\";"
#define UPLOAD   "measure = \"g\"; separator = \"/\"; part = 1;"
#define DOWNLOAD "measure = \"g\"; separator = \"/\"; part = 2;"

Test(ros_table_cell, numbers)
{
	expect_value(GAUGE, "12", "12", 0);
	expect_value(GAUGE, "-12", "-12", 0);
	expect_value(GAUGE, "0x1f", "31", 0);
	expect_value(GAUGE, "18446744073709551615", "1.8446744073709552e+19", 0);
	expect_value(GAUGE, "18446744073709551616", ABSENT, 1);
	expect_value(GAUGE, "-9223372036854775808", "-9.223372036854776e+18", 0);
	expect_value(GAUGE, "1.5", ABSENT, 1);
	expect_value(GAUGE, "", ABSENT, 0);
	expect_value(GAUGE, NULL, ABSENT, 0);
	expect_value(GAUGE, "none", ABSENT, 0);
	expect_value("measure = \"g_ratio\"; unit = \"percent\";", "29", "0.29", 0);
	expect_value("measure = \"g_ratio\"; unit = \"percent\"; parse = \"number\";", "57%", "0.57", 0);
	expect_value("measure = \"g_hertz\"; unit = \"megahertz\"; parse = \"number\";", "880MHz", "880000000", 0);
	expect_value("measure = \"g_amperes\"; unit = \"milliamperes\"; parse = \"number\";", "6.5mA", "0.0065", 0);
	expect_value("measure = \"g_meters\"; unit = \"nanometers\"; parse = \"number\";", "1310", "1.31e-06", 0);
	expect_value("measure = \"g_seconds\"; unit = \"days\";", "2", "172800", 0);
	expect_value("measure = \"g_dbm\"; unit = \"dbm\"; parse = \"number\";", "-71dBm", "-71", 0);
	expect_value("measure = \"g_dbm\"; unit = \"dbm\"; parse = \"number\";", "41C", ABSENT, 1);
}

Test(ros_table_cell, integers)
{
	expect_value(INTEGER, "9223372036854775807", "9223372036854775807", 0);
	expect_value(INTEGER, "-9223372036854775807", "-9223372036854775807", 0);
	expect_value(INTEGER, "9223372036854775808", ABSENT, 1);
	expect_value("measure = \"g_bytes\"; unit = \"kibibytes\"; kind = \"integer\";", "-3", "-3072", 0);
	expect_value("measure = \"g_bytes\"; unit = \"kibibytes\"; kind = \"integer\";", "9223372036854775807", ABSENT,
		     1);
	expect_value("measure = \"g_seconds\"; unit = \"milliseconds\"; kind = \"integer\";", "1500", "2", 0);
}

/* Above 63 bits they begin anew; a counter below 0 is none. */
Test(ros_table_cell, counters)
{
	expect_value(COUNTER, "9223372036854775807", "9223372036854775807", 0);
	expect_value(COUNTER, "9223372036854775808", "0", 0);
	expect_value(COUNTER, "18446744073709551615", "9223372036854775807", 0);
	expect_value(COUNTER, "-1", ABSENT, 1);
	expect_value("measure = \"g_bytes_total\"; unit = \"kibibytes\";", "9007199254740993", "1024", 0);
	expect_value("measure = \"g_bytes_total\"; unit = \"kibibytes\";", "9007199254740991", "9223372036854774784",
		     0);
	expect_value("measure = \"g_bytes_total\"; parse = \"size\";", "1.5KiB", "1536", 0);
	expect_value("measure = \"g_amperes_total\"; unit = \"milliamperes\"; parse = \"number\";", "2499", "2", 0);
	expect_value("measure = \"g_amperes_total\"; unit = \"milliamperes\"; parse = \"number\";", "-2499", ABSENT, 1);
	expect_value("measure = \"g_total\"; parse = \"number\";", "9223372036854775809", "0", 0);
	expect_value("measure = \"g_total\"; parse = \"boolean\";", "yes", "1", 0);
}

Test(ros_table_cell, durations)
{
	expect_value(SPENT, "1d00:00:01.5", "86401500000000ns", 0);
	expect_value(SPENT, "-3s", ABSENT, 1);
	expect_value("measure = \"g_seconds_total\"; unit = \"microseconds\"; ", "1500001", "1500001000ns", 0);
	expect_value("measure = \"g_seconds_total\"; unit = \"milliseconds\"; parse = \"number\";", "0.25", "250000ns",
		     0);
	expect_value("measure = \"g_seconds_total\"; unit = \"days\"; ", "3", "259200000000000ns", 0);
	expect_value("measure = \"g_seconds\"; parse = \"duration\";", "1w2d3h4m5s6ms7us", "788645.006007", 0);
	expect_value("measure = \"g_seconds\"; parse = \"duration\";", "-2.5s", "-2.5", 0);
	expect_value("measure = \"g_seconds\"; parse = \"duration\";", "never", ABSENT, 0);
	expect_value("measure = \"g_seconds\"; parse = \"duration\";", "soon", ABSENT, 1);
	expect_value("measure = \"g_seconds\"; unit = \"milliseconds\"; parse = \"number\";", "7.3", "0.0073", 0);
}

Test(ros_table_cell, sizes_and_rates)
{
	expect_value("measure = \"g_bytes\"; parse = \"size\";", "12", "12", 0);
	expect_value("measure = \"g_bytes\"; parse = \"size\";", "49M", "49000000", 0);
	expect_value(KIBI, "12", "12288", 0);
	expect_value(KIBI, "12KiB", "12288", 0);
	expect_value(KIBI, "12B", "12", 0);
	expect_value(KIBI, "", ABSENT, 0);
	expect_value(KIBI, "many", ABSENT, 1);
	expect_value("measure = \"g_bits_per_second\"; parse = \"rate\";", "2.5Gbps", "2500000000", 0);
	expect_value("measure = \"g_bits_per_second\"; parse = \"rate\";", "unlimited", ABSENT, 0);
	expect_value("measure = \"g_bits_per_second\"; parse = \"rate\"; separator = \"/\"; part = 2;", "10M/2M",
		     "2000000", 0);
}

Test(ros_table_cell, switches_and_words)
{
	expect_value(SWITCH, "true", "1", 0);
	expect_value(SWITCH, "", "1", 0);
	expect_value(SWITCH, "no", "0", 0);
	expect_value(SWITCH, NULL, "0", 0);
	expect_value(SWITCH, "maybe", ABSENT, 1);
	expect_value("measure = \"g\"; parse = \"boolean\"; ", NULL, ABSENT, 0);
	expect_value(STATE, "UP", "1", 0);
	expect_value(STATE, "not there", "-1.5", 0);
	expect_value(STATE, "unknown", "2", 0);
	expect_value(STATE, "u", ABSENT, 1);
	expect_value(STATE, "", ABSENT, 0);
	expect_value("measure = \"g\"; parse = \"items\"; absent = \"0\";", "a,b,,c", "4", 0);
	expect_value("measure = \"g\"; parse = \"items\"; absent = \"0\";", "", "0", 0);
	expect_value("measure = \"g\"; parse = \"items\"; absent = \"0\";", NULL, "0", 0);
	expect_value("measure = \"g\"; parse = \"items\"; ", NULL, ABSENT, 0);
}

/* Two hours east of Greenwich. */
Test(ros_table_cell, dates)
{
	expect_value(DATE, "oct/18/2006 16:24:41", "1161181481", 0);
	expect_value(DATE, "2006-10-18 16:24:41", "1161181481", 0);
	expect_value(DATE, "oct/18 16:24:41", ABSENT, 1);
	expect_value(DATE, "never", ABSENT, 0);
	expect_value(DATE, "tomorrow", ABSENT, 1);
}

Test(ros_table_cell, pairs)
{
	expect_value(UPLOAD, "12/34", "12", 0);
	expect_value(DOWNLOAD, "12/34", "34", 0);
	expect_value(UPLOAD, "12", "12", 0);
	expect_value(DOWNLOAD, "12", ABSENT, 0);
	expect_value(DOWNLOAD, "12/", ABSENT, 0);
	expect_value(DOWNLOAD, "12/x", ABSENT, 1);
	expect_value(UPLOAD, "/34", ABSENT, 0);
}

Test(ros_table_cell, texts)
{
	expect_value("measure = \"g\"; parse = \"text\";", "anything, never", "'anything, never'", 0);
	expect_value("measure = \"g\"; parse = \"text\";", "never", "'never'", 0);
	expect_value("measure = \"g\"; parse = \"text\";", "", ABSENT, 0);
	expect_value("measure = \"g\"; parse = \"text\"; separator = \"/\"; part = 2;", "a/b/c", "'b/c'", 0);
}

/* --- conditions ------------------------------------------------------------------------------------------------------
 */

Test(ros_table_cell, conditions)
{
	struct table_fixture fixture =
		one_column("measure = \"g\"; when = [ \"type=C*\", \"w=\" ];", "keys = [ \"n\" ];");
	struct text large = {0};

	text_add(&large, "type=C");
	for (int i = 0; i < 600; i++)
		text_add_char(&large, 'c');
	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "n=a", "v=1", "type=celsius");
	add(&fixture, "n=b", "v=2");
	add(&fixture, "n=c", "v=3", "type=V");
	add(&fixture, "n=d", "v=4", "type=V", "w=");
	add(&fixture, "n=e", "v=not looked at", "type=V", "w=x");
	add(&fixture, "n=f", "v=6", text_string(&large));
	cr_expect_str_eq(end_rows(&fixture), "{n=a} g=1\n{n=d} g=4\n");
	cr_expect_eq(figures_of(&fixture).unreadable, 0);
	text_free(&large);
	table_close(&fixture);
}

Test(ros_table_cell, an_info_may_have_a_condition)
{
	static const char sets[] = "sets: { one: { help = \"A\"; menus = ( { path = \"/a\"; } ); keys = [ \"n\" ];\n"
				   "columns = ( { measure = \"info\"; help = \"H\"; when = [ \"t=x\" ]; } ); }; };";
	struct table_fixture fixture = table_open(sets, "one", (struct ros_table_plan){0});
	struct ros_pair pairs[] = {{ros_word_of("n"), ros_word_of("c")}, {ros_word_of("t"), {"x\0", 2}}};
	struct ros_reply reply = {.kind = ROS_REPLY_ROW, .pairs = pairs, .npairs = 2};

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "n=a", "t=X");
	add(&fixture, "n=b", "t=y");
	add(&fixture, "n=a", "t=x");
	ros_table_add(fixture.table, fixture.set->menus, NULL, &reply, SECOND);
	cr_expect_str_eq(end_rows(&fixture), "{n=a} info=1\n");
	table_close(&fixture);
}

/* --- adding up -------------------------------------------------------------------------------------------------------
 */

static void expect_combined(const char *column, const char *values[3], const char *expected)
{
	struct table_fixture fixture = one_column(column, "mode = \"group\"; count = \"n\"; count_help = \"C\";");

	ros_table_begin(fixture.table, SECOND, 0);
	for (int i = 0; i < 3; i++) {
		char *word = mem_format("v=%s", values[i]);

		add(&fixture, word);
		mem_free(word);
	}
	const char *rows = end_rows(&fixture), *equals = strchr(rows, '=');
	cr_assert(equals);
	char *got = mem_format("%.*s", (int)strcspn(equals + 1, " \n"), equals + 1);
	cr_expect_str_eq(got, expected, "%s is %s, not %s", column, got, expected);
	mem_free(got);
	table_close(&fixture);
}

#define COMBINED(...) ((const char *[3]){__VA_ARGS__})

Test(ros_table_cell, combined)
{
	expect_combined(GAUGE, COMBINED("1", "", "4"), "5");
	expect_combined(GAUGE "combine = \"largest\";", COMBINED("1", "7", "4"), "7");
	expect_combined(GAUGE "combine = \"smallest\";", COMBINED("3", "3", "1"), "1");
	expect_combined(INTEGER, COMBINED("1", "7", "4"), "12");
	expect_combined(INTEGER, COMBINED("9223372036854775807", "1", "-2"), "9223372036854775805");
	expect_combined(INTEGER, COMBINED("-9223372036854775807", "-3", "0"), "-9223372036854775808");
	expect_combined(INTEGER "combine = \"largest\";", COMBINED("-3", "-1", "-2"), "-1");
	expect_combined(INTEGER "combine = \"smallest\";", COMBINED("2", "1", "1"), "1");
	expect_combined(COUNTER, COMBINED("9223372036854775807", "2", "3"), "4");
	expect_combined(COUNTER "combine = \"largest\";", COMBINED("1", "3", "2"), "3");
	expect_combined(SPENT, COMBINED("1s", "2s", "never"), "3000000000ns");
}
