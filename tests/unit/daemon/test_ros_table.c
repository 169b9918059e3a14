/*
 * Rows of data sets: modes, labels, ceilings, what of the items counts.
 */
#include <stdio.h>

#include "ros_table_fixture.h"

#define PLAN ((struct ros_table_plan){0})

static const char thing_sets[] =
	"sets: {\n"
	"thing: { help = \"A thing\"; max_rows = 3; menus = ( { path = \"/thing\"; } );\n"
	"  keys = [ \"name\", \"kind=type|old-type\" ];\n"
	"  columns = ( { property = \"rx-byte|old-byte\"; measure = \"receive_bytes_total\"; unit = \"bytes\"; help = "
	"\"H\"; },\n"
	"    { property = \"load\"; measure = \"load_ratio\"; unit = \"percent\"; combine = \"largest\"; help = \"H\"; "
	"},\n"
	"    { property = \"free\"; measure = \"free\"; kind = \"integer\"; combine = \"smallest\"; help = \"H\"; },\n"
	"    { property = \"note\"; measure = \"note\"; parse = \"text\"; help = \"H\"; },\n"
	"    { property = \"up\"; measure = \"up\"; parse = \"boolean\"; absent = \"0\"; help = \"H\"; } ); };\n"
	"};\n";

Test(ros_table, a_row_an_item)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a", "type=x", "rx-byte=12", "load=57", "free=-4", "note=Hello", "up=true");
	add(&fixture, "up=no", "old-byte=7", "note=", "old-type=y", "name=b", "unknown=1");
	cr_expect_str_eq(end_rows(&fixture),
			 "{name=a,kind=x} receive_bytes_total=12 load_ratio=0.57 free=-4 note='Hello' up=1\n"
			 "{name=b,kind=y} receive_bytes_total=7 up=0\n");
	cr_expect_eq(figures_of(&fixture).rows, 2);
	cr_expect_eq(figures_of(&fixture).unreadable, 0);
	table_close(&fixture);
}

Test(ros_table, rows_are_of_the_set)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);
	size_t n;

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a");
	const struct row *rows = ros_table_end(fixture.table, &n);
	cr_assert_eq(n, 1);
	cr_expect_eq(rows[0].set, &fixture.set->measure);
	cr_expect_str_eq(rows[0].set->name, "routeros_thing");
	table_close(&fixture);
}

Test(ros_table, what_cannot_be_read_is_absent_and_counted)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a", "rx-byte=12x", "load=a lot", "free=", "up=perhaps");
	add(&fixture, "name=b", "rx-byte=never", "load=unknown", "free=9223372036854775808", "up=yes");
	cr_expect_str_eq(end_rows(&fixture), "{name=b,kind=} up=1\n");
	cr_expect_eq(figures_of(&fixture).unreadable, 4);
	cr_expect_eq(figures_of(&fixture).rows, 1);
	table_close(&fixture);
}

Test(ros_table, rows_alike_are_added_up)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a", "load=5", "free=3", "note=first");
	add(&fixture, "name=b", "rx-byte=1");
	add(&fixture, "name=a", "rx-byte=10", "load=7", "free=5", "note=second", "up=true");
	add(&fixture, "name=a", "rx-byte=20", "load=6", "free=1", "up=true");
	cr_expect_str_eq(end_rows(&fixture),
			 "{name=a,kind=} receive_bytes_total=30 load_ratio=0.07 free=1 note='first' up=2\n"
			 "{name=b,kind=} receive_bytes_total=1 up=0\n");
	table_close(&fixture);
}

Test(ros_table, values_with_the_separator_of_keys_are_not_alike)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);
	struct ros_pair pairs[] = {{ros_word_of("name"), {"a\0b", 3}}, {ros_word_of("up"), {"", 0}}};
	struct ros_reply reply = {.kind = ROS_REPLY_ROW, .pairs = pairs, .npairs = 2};

	ros_table_begin(fixture.table, SECOND, 0);
	ros_table_add(fixture.table, fixture.set->menus, NULL, &reply, SECOND);
	add(&fixture, "name=a", "type=b");
	cr_expect_str_eq(end_rows(&fixture), "{name=a\xef\xbf\xbd"
					     "b,kind=} up=1\n{name=a,kind=b} up=0\n");
	table_close(&fixture);
}

Test(ros_table, the_first_rows_stay_when_there_are_too_many)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);

	for (uint64_t round = 1; round <= 2; round++) {
		ros_table_begin(fixture.table, SECOND, 0);
		add(&fixture, "name=c");
		add(&fixture, "name=b");
		add(&fixture, "name=a");
		add(&fixture, "name=d", "rx-byte=not looked at");
		add(&fixture, "name=b", "rx-byte=5");
		add(&fixture, "name=e");
		cr_expect_str_eq(end_rows(&fixture),
				 "{name=c,kind=} up=0\n{name=b,kind=} receive_bytes_total=5 up=0\n{name=a,kind=} "
				 "up=0\n");
		cr_expect_eq(figures_of(&fixture).left_out, 2 * round);
	}
	table_close(&fixture);
}

Test(ros_table, the_settings_may_have_another_ceiling)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", (struct ros_table_plan){.max_rows = 1});

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=c");
	add(&fixture, "name=b");
	cr_expect_str_eq(end_rows(&fixture), "{name=c,kind=} up=0\n");
	cr_expect_eq(figures_of(&fixture).left_out, 1);
	table_close(&fixture);
}

/* --- labels ----------------------------------------------------------------------------------------------------------
 */

Test(ros_table, labels_are_utf8)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=\xcf\xf0\xe8\xe2\xe5\xf2", "type=\xc3\xa4", "note=\xcc\xe8\xf0");
	cr_expect_str_eq(end_rows(&fixture), "{name=\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82,kind=\xc3\xa4} "
					     "note='\xd0\x9c\xd0\xb8\xd1\x80' up=0\n");
	table_close(&fixture);
}

Test(ros_table, long_values_are_cut_between_characters)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);
	struct text name = {0}, note = {0};
	size_t n;

	text_add(&name, "name=");
	text_add(&note, "note=y");
	for (int i = 0; i < 300; i++) {
		text_add(&name, "x");
		text_add(&note, "\xc3\xa4");
	}
	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, text_string(&name), text_string(&note));
	const struct row *rows = ros_table_end(fixture.table, &n);
	cr_assert_eq(n, 1);
	cr_expect_eq(strlen(rows[0].labels[0].value), ROS_TABLE_TEXT_MAX);
	cr_expect_eq(rows[0].n, 2);
	cr_expect_eq(strlen(rows[0].readings[0].value.text), ROS_TABLE_TEXT_MAX - 1);
	text_free(&name);
	text_free(&note);
	table_close(&fixture);
}

Test(ros_table, names_of_the_target_are_left_to_it)
{
	static const struct label labels[] = {{"name", "r"}, {"thing_name", "s"}, {"site", "t"}};
	struct table_fixture fixture =
		table_open(thing_sets, "thing", (struct ros_table_plan){.target_labels = labels, .ntarget_labels = 3});

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=c", "type=d");
	cr_expect_str_eq(end_rows(&fixture), "{thing_thing_name=c,kind=d} up=0\n");
	table_close(&fixture);
}

Test(ros_table, nor_do_new_names_clash_with_the_sets_own)
{
	static const struct label labels[] = {{"rows", "r"}, {"site", "t"}};
	static const char sets[] =
		"sets: { a: { help = \"A\"; menus = ( { path = \"/a\"; labels = [ \"site=here\" ]; } ); keys = [ "
		"\"rows\", "
		"\"a_site=b\" ]; columns = ( { property = \"n\"; measure = \"a_rows\"; help = \"H\"; } ); }; };";
	struct table_fixture fixture =
		table_open(sets, "a", (struct ros_table_plan){.target_labels = labels, .ntarget_labels = 2});

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "rows=1", "b=2", "n=3");
	cr_expect_str_eq(end_rows(&fixture), "{a_a_site=here,a_a_rows=1,a_site=2} a_rows=3\n");
	table_close(&fixture);
}

/* --- groups and counts -----------------------------------------------------------------------------------------------
 */

static const char group_sets[] =
	"sets: {\n"
	"leases: { help = \"L\"; mode = \"group\"; count = \"leases\"; count_help = \"C\"; keys = [ \"server\" ];\n"
	"  menus = ( { path = \"/l\"; labels = [ \"family=ipv4\" ]; }, { path = \"/m\"; labels = [ \"family=ipv6\" ]; "
	"} );\n"
	"  columns = ( { property = \"bytes\"; measure = \"bytes_total\"; unit = \"bytes\"; help = \"H\"; },\n"
	"    { property = \"age\"; measure = \"oldest_seconds\"; parse = \"duration\"; combine = \"largest\"; help = "
	"\"H\"; },\n"
	"    { property = \"age\"; measure = \"newest_seconds\"; parse = \"duration\"; combine = \"smallest\"; help = "
	"\"H\"; },\n"
	"    { property = \"bad\"; measure = \"bad\"; parse = \"boolean\"; absent = \"0\"; help = \"H\"; } ); };\n"
	"all: { help = \"A\"; mode = \"count\"; count = \"items\"; count_help = \"C\";\n"
	"  menus = ( { path = \"/l\"; labels = [ \"family=ipv4\" ]; }, { path = \"/m\"; labels = [ \"family=ipv6\" ]; "
	"} ); "
	"};\n"
	"hosts: { help = \"A\"; mode = \"count\"; count = \"hosts\"; count_help = \"C\"; menus = ( { path = \"/h\"; } "
	"); };\n"
	"};\n";

Test(ros_table, groups)
{
	struct table_fixture fixture = table_open(group_sets, "leases", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "server=a", "bytes=1", "age=1m");
	add(&fixture, "server=b", "bad=true");
	add(&fixture, "server=a", "bytes=2", "age=30s", "bad=true");
	add(&fixture, "bytes=4");
	add(&fixture, "server=a", "age=2m");
	add_of(&fixture, 1, NULL, SECOND, "server=a", "bytes=64");
	cr_expect_str_eq(end_rows(&fixture),
			 "{family=ipv4,server=a} bytes_total=3 oldest_seconds=120 newest_seconds=30 bad=1 leases=3\n"
			 "{family=ipv4,server=b} bad=1 leases=1\n"
			 "{family=ipv4,server=} bytes_total=4 bad=0 leases=1\n"
			 "{family=ipv6,server=a} bytes_total=64 bad=0 leases=1\n");
	table_close(&fixture);
}

Test(ros_table, counts)
{
	struct table_fixture fixture = table_open(group_sets, "all", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	ros_table_count(fixture.table, &fixture.set->menus[1], 0);
	ros_table_count(fixture.table, &fixture.set->menus[0], UINT64_MAX);
	cr_expect_str_eq(end_rows(&fixture), "{family=ipv6} items=0\n{family=ipv4} items=9223372036854775807\n");
	ros_table_begin(fixture.table, SECOND, 0);
	ros_table_count(fixture.table, &fixture.set->menus[0], 4);
	ros_table_count(fixture.table, &fixture.set->menus[0], 5);
	cr_expect_str_eq(end_rows(&fixture), "{family=ipv4} items=9\n");
	table_close(&fixture);
}

Test(ros_table, a_count_without_labels)
{
	struct table_fixture fixture = table_open(group_sets, "hosts", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	ros_table_count(fixture.table, &fixture.set->menus[0], 12);
	cr_expect_str_eq(end_rows(&fixture), "{} hosts=12\n");
	table_close(&fixture);
}

Test(ros_table, a_count_is_for_sets_that_count)
{
	struct table_fixture fixture = table_open(group_sets, "leases", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	ros_table_count(fixture.table, &fixture.set->menus[0], 12);
	cr_expect_str_eq(end_rows(&fixture), "");
	table_close(&fixture);
}

/* --- which items count -----------------------------------------------------------------------------------------------
 */

static const char take_sets[] = "sets: {\n"
				"last: { help = \"A\"; take = \"last\"; keys = [ \"item=@each\", \"host\" ];\n"
				"  menus = ( { path = \"/p\"; each = \"/q\"; each_joined = false; }, { path = \"/r\"; "
				"each = \"/q\"; each_joined = "
				"false; } );\n"
				"  columns = ( { property = \"sent\"; measure = \"sent\"; help = \"H\"; } ); };\n"
				"hops: { help = \"A\"; take = \"last_section\"; section = \".section\"; keys = [ "
				"\"hop=address\" ]; max_rows = 3;\n"
				"  menus = ( { path = \"/t\"; } ); columns = ( { property = \"sent\"; measure = "
				"\"sent\"; help = \"H\"; } ); };\n"
				"};\n";

Test(ros_table, the_last_item_of_each_command)
{
	struct table_fixture fixture = table_open(take_sets, "last", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add_of(&fixture, 0, "x", SECOND, "host=h", "sent=1");
	add_of(&fixture, 0, "x", SECOND, "host=h", "sent=2");
	add_of(&fixture, 0, "y", SECOND, "host=h", "sent=10");
	add_of(&fixture, 0, "y", SECOND, "host=i", "sent=11");
	add_of(&fixture, 1, "y", SECOND, "host=h", "sent=20");
	add_of(&fixture, 1, NULL, SECOND, "host=h", "sent=30");
	cr_expect_str_eq(end_rows(&fixture),
			 "{item=x,host=h} sent=2\n{item=y,host=i} sent=11\n{item=y,host=h} sent=20\n{item=,host=h} "
			 "sent=30\n");
	table_close(&fixture);
}

Test(ros_table, the_last_section)
{
	struct table_fixture fixture = table_open(take_sets, "hops", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, ".section=0", "address=a", "sent=1");
	add(&fixture, ".section=1", "address=a", "sent=2");
	add(&fixture, ".section=1", "address=b", "sent=1");
	add(&fixture, ".section=2", "address=a", "sent=3");
	add(&fixture, "address=", "sent=3");
	add(&fixture, ".section=2", "address=b", "sent=2");
	cr_expect_str_eq(end_rows(&fixture), "{hop=a} sent=3\n{hop=} sent=3\n{hop=b} sent=2\n");
	cr_expect_eq(figures_of(&fixture).left_out, 0);
	table_close(&fixture);
}

Test(ros_table, a_section_has_a_ceiling)
{
	struct table_fixture fixture = table_open(take_sets, "hops", PLAN);
	struct text large = {0};

	text_add(&large, "pad=");
	for (size_t i = 0; i < (1U << 20) - 20; i++)
		text_add_char(&large, 'x');
	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, ".section=0", "address=a", "sent=1");
	add(&fixture, ".section=0", "address=b", "sent=1");
	add(&fixture, ".section=0", "address=c", "sent=1");
	add(&fixture, ".section=0", "address=d", "sent=1");
	cr_expect_eq(figures_of(&fixture).left_out, 1);
	add(&fixture, ".section=1", "address=e", "sent=1");
	add(&fixture, ".section=1", "address=f", "sent=1", text_string(&large));
	cr_expect_str_eq(end_rows(&fixture), "{hop=e} sent=1\n");
	cr_expect_eq(figures_of(&fixture).left_out, 2);
	text_free(&large);
	table_close(&fixture);
}

Test(ros_table, properties_are_items)
{
	struct table_fixture fixture = table_open(NULL, "health", PLAN);

	ros_table_begin(fixture.table, SECOND, 0);
	add_of(&fixture, 1, NULL, SECOND, ".id=*1", "voltage=24.1V", "temperature=41C", "fan1-speed=3900RPM",
	       "psu1-state=fail", "power-consumption=12.5", "active-fan=main");
	cr_expect_str_eq(end_rows(&fixture), "{sensor=voltage} voltage_volts=24.1\n"
					     "{sensor=temperature} temperature_celsius=41\n"
					     "{sensor=fan1-speed} fan_rpm=3900\n"
					     "{sensor=psu1-state} ok=0\n"
					     "{sensor=power-consumption} power_watts=12.5\n");
	ros_table_begin(fixture.table, SECOND, 0);
	add_of(&fixture, 0, NULL, SECOND, "name=cpu-temperature", "value=55", "type=C");
	add_of(&fixture, 0, NULL, SECOND, "name=poe-in", "value=24.5", "type=V");
	add_of(&fixture, 0, NULL, SECOND, "name=psu2-state", "value=OK", "type=");
	cr_expect_str_eq(end_rows(&fixture), "{sensor=cpu-temperature} temperature_celsius=55\n"
					     "{sensor=poe-in} voltage_volts=24.5\n"
					     "{sensor=psu2-state} ok=1\n");
	table_close(&fixture);
}

/* --- its life --------------------------------------------------------------------------------------------------------
 */

Test(ros_table, nothing_is_kept_of_a_collection_that_failed)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);
	size_t n = 7;

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a");
	ros_table_abandon(fixture.table);
	cr_expect(ros_table_end(fixture.table, &n));
	cr_expect_eq(n, 0);
	add(&fixture, "name=b");
	ros_table_count(fixture.table, fixture.set->menus, 1);
	ros_table_begin(fixture.table, SECOND, 0);
	cr_expect_str_eq(end_rows(&fixture), "");
	table_close(&fixture);
}

Test(ros_table, what_comes_after_the_end_is_too_late)
{
	struct table_fixture fixture = table_open(thing_sets, "thing", PLAN);
	size_t n;

	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=a");
	const struct row *rows = ros_table_end(fixture.table, &n);
	add(&fixture, "name=b");
	ros_table_forget(fixture.table);
	cr_assert_eq(n, 1);
	cr_expect_str_eq(rows[0].labels[0].value, "a");
	ros_table_end(fixture.table, &n);
	cr_expect_eq(n, 0);
	ros_table_rest(fixture.table);
	ros_table_rest(fixture.table);
	ros_table_begin(fixture.table, SECOND, 0);
	add(&fixture, "name=c");
	cr_expect_str_eq(end_rows(&fixture), "{name=c,kind=} up=0\n");
	ros_table_free(NULL);
	table_close(&fixture);
}

/* Access routers: linear, or this would not end. */
Test(ros_table, very_many_items)
{
	struct table_fixture leases = table_open(NULL, "dhcp_leases", PLAN);
	struct table_fixture sessions = table_open(NULL, "ppp_session", (struct ros_table_plan){.max_rows = 100000});
	char name[32], server[32];
	size_t n;

	ros_table_begin(leases.table, SECOND, 0);
	ros_table_begin(sessions.table, SECOND, 0);
	for (int i = 0; i < 60000; i++) {
		snprintf(name, sizeof(name), "name=user-%d", i);
		snprintf(server, sizeof(server), "server=s%d", i % 30);
		add(&leases, server, "status=bound", "address=10.0.0.1");
		add(&sessions, name, "service=pppoe", "uptime=1h2m3s");
	}
	const struct row *rows = ros_table_end(leases.table, &n);
	cr_assert_eq(n, 30);
	cr_expect_eq(rows[29].readings[0].value.integer, 2000);
	rows = ros_table_end(sessions.table, &n);
	cr_assert_eq(n, 60000);
	cr_expect_str_eq(rows[59999].labels[0].value, "user-59999");
	table_close(&leases);
	table_close(&sessions);
}
