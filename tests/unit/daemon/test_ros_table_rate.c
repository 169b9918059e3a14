/*
 * Rates: from one collection to the next, by the labels of the row.
 */
#include "ros_table_fixture.h"

#define PLAN ((struct ros_table_plan){0})

static const char rate_sets[] =
	"sets: { port: { help = \"A\"; menus = ( { path = \"/a\"; } ); keys = [ \"n\" ]; max_rows = 100;\n"
	"columns = ( { property = \"b\"; measure = \"rx_bits_per_second\"; unit = \"bytes\"; rate = true; help = "
	"\"H\"; },\n"
	"  { property = \"p\"; measure = \"packets_per_second\"; rate = true; help = \"H\"; },\n"
	"  { property = \"x\"; measure = \"x_per_second\"; rate = true; combine = \"largest\"; help = \"H\"; },\n"
	"  { property = \"y\"; measure = \"y_per_second\"; rate = true; combine = \"smallest\"; help = \"H\"; },\n"
	"  { measure = \"info\"; help = \"H\"; } ); }; };";

/* One collection of one row at a time. */
static const char *collect(struct table_fixture *fixture, int64_t now_ns, const char *b, const char *p)
{
	ros_table_begin(fixture->table, now_ns, 0);
	add_at(fixture, now_ns, "n=a", b, p);
	const char *rows = end_rows(fixture);
	ros_table_rest(fixture->table);
	return rows;
}

Test(ros_table_rate, the_difference_by_the_time)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	cr_expect_str_eq(collect(&fixture, 10 * SECOND, "b=1000", "p=1"), "{n=a} info=1\n");
	cr_expect_str_eq(collect(&fixture, 15 * SECOND, "b=2000", "p=1"),
			 "{n=a} rx_bits_per_second=1600 packets_per_second=0 info=1\n");
	cr_expect_str_eq(collect(&fixture, 15 * SECOND + SECOND / 2, "b=2001", "p=3"),
			 "{n=a} rx_bits_per_second=16 packets_per_second=4 info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, none_when_the_counter_fell_or_time_did_not_pass)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	collect(&fixture, 10 * SECOND, "b=1000", "p=1");
	cr_expect_str_eq(collect(&fixture, 11 * SECOND, "b=999", "p=2"), "{n=a} packets_per_second=1 info=1\n");
	cr_expect_str_eq(collect(&fixture, 11 * SECOND, "b=1000", "p=3"), "{n=a} info=1\n");
	cr_expect_str_eq(collect(&fixture, 10 * SECOND, "b=2000", "p=3"), "{n=a} info=1\n");
	cr_expect_str_eq(collect(&fixture, 11 * SECOND, "b=2001", "p=3"),
			 "{n=a} rx_bits_per_second=8 packets_per_second=0 info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, none_when_either_reading_is_missing)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	collect(&fixture, 10 * SECOND, "b=1000", "p=1");
	cr_expect_str_eq(collect(&fixture, 11 * SECOND, "b=", "p=-4"), "{n=a} info=1\n");
	cr_expect_eq(figures_of(&fixture).unreadable, 1);
	cr_expect_str_eq(collect(&fixture, 12 * SECOND, "b=1001", "p=5"), "{n=a} info=1\n");
	cr_expect_str_eq(collect(&fixture, 13 * SECOND, "b=1002", "p=5"),
			 "{n=a} rx_bits_per_second=8 packets_per_second=0 info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, all_of_64_bits)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	collect(&fixture, 10 * SECOND, "b=9223372036854775800", "p=18446744073709551600");
	cr_expect_str_eq(collect(&fixture, 11 * SECOND, "b=9223372036854775810", "p=18446744073709551614"),
			 "{n=a} rx_bits_per_second=80 packets_per_second=14 info=1\n");
	cr_expect_str_eq(collect(&fixture, 12 * SECOND, "b=1", "p=2"), "{n=a} info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, from_the_last_good_collection)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	collect(&fixture, 10 * SECOND, "b=0", "p=0");
	ros_table_begin(fixture.table, 11 * SECOND, 0);
	add_at(&fixture, 11 * SECOND, "n=a", "b=500", "p=5");
	ros_table_abandon(fixture.table);
	cr_expect_str_eq(collect(&fixture, 20 * SECOND, "b=1000", "p=10"),
			 "{n=a} rx_bits_per_second=800 packets_per_second=1 info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, anew_after_a_restart)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	collect(&fixture, 10 * SECOND, "b=0", "p=0");
	ros_table_forget(fixture.table);
	ros_table_forget(fixture.table);
	cr_expect_str_eq(collect(&fixture, 20 * SECOND, "b=1000", "p=10"), "{n=a} info=1\n");
	cr_expect_str_eq(collect(&fixture, 30 * SECOND, "b=2000", "p=10"),
			 "{n=a} rx_bits_per_second=800 packets_per_second=0 info=1\n");
	table_close(&fixture);
}

/* Rows that come in another order, go, and come back. */
Test(ros_table_rate, by_the_labels)
{
	static const char *const orders[] = {"abcd", "dcba", "abxd", "cxda"};
	static const char *const expected[] = {
		"{n=a} info=1\n{n=b} info=1\n{n=c} info=1\n{n=d} info=1\n",
		"{n=d} packets_per_second=4 info=1\n{n=c} packets_per_second=3 info=1\n"
		"{n=b} packets_per_second=2 info=1\n{n=a} packets_per_second=1 info=1\n",
		"{n=a} packets_per_second=1 info=1\n{n=b} packets_per_second=2 info=1\n"
		"{n=x} info=1\n{n=d} packets_per_second=4 info=1\n",
		"{n=c} info=1\n{n=x} packets_per_second=24 info=1\n{n=d} packets_per_second=4 info=1\n"
		"{n=a} packets_per_second=1 info=1\n"};
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	for (int round = 0; round < 4; round++) {
		int64_t now_ns = (10 + round) * SECOND;

		ros_table_begin(fixture.table, now_ns, 0);
		for (const char *name = orders[round]; *name; name++) {
			char *label = mem_format("n=%c", *name), *p = mem_format("p=%d", round * (*name - 'a' + 1));

			add_at(&fixture, now_ns, label, p);
			mem_free(label);
			mem_free(p);
		}
		cr_expect_str_eq(end_rows(&fixture), expected[round], "%s", text_string(&fixture.printed));
	}
	table_close(&fixture);
}

/* What is added up has a rate as long as as many were added up. */
Test(ros_table_rate, of_rows_alike)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	for (int round = 0; round < 4; round++) {
		ros_table_begin(fixture.table, round * SECOND, 0);
		add_at(&fixture, round * SECOND, "n=a", round ? "p=10" : "p=5", round ? "x=7" : "x=5", "y=100");
		add_at(&fixture, round * SECOND, "n=a", round ? "p=8" : "p=4", round ? "x=3" : "x=4",
		       round ? "y=2" : "y=1");
		if (round > 1)
			add_at(&fixture, round * SECOND, "n=a", "p=1");
		const char *rows = end_rows(&fixture);
		if (round == 1)
			cr_expect_str_eq(rows, "{n=a} packets_per_second=9 x_per_second=2 y_per_second=1 info=1\n");
		if (round == 2)
			cr_expect_str_eq(rows, "{n=a} info=1\n");
		if (round == 3)
			cr_expect_str_eq(rows, "{n=a} packets_per_second=0 x_per_second=0 y_per_second=0 info=1\n");
	}
	table_close(&fixture);
}

/* Each reply has a time of its own. */
Test(ros_table_rate, by_when_the_reply_came)
{
	struct table_fixture fixture = table_open(rate_sets, "port", PLAN);

	for (int round = 0; round < 2; round++) {
		ros_table_begin(fixture.table, 10 * round * SECOND, 0);
		add_at(&fixture, (10 * round + 1) * SECOND, "n=a", round ? "p=10" : "p=0");
		add_at(&fixture, (12 * round + 2) * SECOND, "n=b", round ? "p=12" : "p=0");
		end_rows(&fixture);
	}
	cr_expect_str_eq(text_string(&fixture.printed),
			 "{n=a} packets_per_second=1 info=1\n{n=b} packets_per_second=1 info=1\n");
	table_close(&fixture);
}

Test(ros_table_rate, of_interfaces)
{
	struct table_fixture fixture = table_open(NULL, "interface", PLAN);

	for (int round = 0; round < 2; round++) {
		ros_table_begin(fixture.table, round * SECOND, 0);
		add_at(&fixture, 5 * round * SECOND, "name=ether1", round ? "rx-byte=1250" : "rx-byte=0", "tx-byte=7",
		       "running=true");
		end_rows(&fixture);
		ros_table_rest(fixture.table);
	}
	cr_expect_str_eq(text_string(&fixture.printed),
			 "{name=ether1} receive_bytes_total=1250 transmit_bytes_total=7 receive_bits_per_second=2000 "
			 "transmit_bits_per_second=0 running=1 disabled=0\n");
	table_close(&fixture);
}
