/* The table of a traceroute in terminals of all sizes. */
#include <stdlib.h>

#include "core/mem.h"
#include "daemon/columns.h"
#include "daemon/trace_table.h"
#include "tests/unit/daemon/trace_fixture.h"

/* --- columns ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	size_t width;
	const char *in_four; /* cut and filled up */
} widths[] = {
	{"", 0, "    "},
	{"ab", 2, "ab  "},
	{"abcd", 4, "abcd"},
	{"abcde", 5, "abc~"},
	{"caf\xc3\xa9", 4, "caf\xc3\xa9"},
	{"e\xcc\x81t", 2, "e\xcc\x81t  "},
	{"\xe6\x9d\xb1\xe4\xba\xac", 4, "\xe6\x9d\xb1\xe4\xba\xac"},
	{"a\xe6\x9d\xb1\xe4\xba\xac", 5, "a\xe6\x9d\xb1~"},
	{"\xe6\x9d\xb1\xe4\xba\xac\xe4\xba\xac", 6, "\xe6\x9d\xb1~ "},
	{"\xf0\x9f\x98\x80", 2, "\xf0\x9f\x98\x80  "},
	{"\x1b[m", 3, "?[m "},
	{"\xff\xfe", 2, "??  "},
	{"a\xe6\x9d", 3, "a?? "},
	{"\xc2\x85", 1, "?   "},
	{"\xe2\x80\xae"
	 "ab",
	 3, "?ab "},
};

Test(columns, width_and_cutting)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		struct text text = {0};

		cr_expect_eq(columns_width(widths[i].text), widths[i].width, "%zu: %zu", i,
			     columns_width(widths[i].text));
		columns_add_left(&text, widths[i].text, 4);
		cr_expect_str_eq(text_string(&text), widths[i].in_four, "%zu: \"%s\"", i, text_string(&text));
		text_free(&text);
	}
}

Test(columns, to_the_right_and_cut)
{
	struct text text = {0};

	columns_add_right(&text, "ab", 4);
	columns_add_right(&text, "abcde", 4);
	columns_add_cut(&text, "xyz", 0);
	columns_add_cut(&text, "xyz", 2);
	columns_add_cut(&text, "xyz", 9);
	cr_expect_str_eq(text_string(&text), "  ababcdex~xyz");
	text_free(&text);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct trace_view wide = {
	.target = "host.example", .transport = "icmp", .columns = 100, .has_names = true};

static void expect_table(struct trace_stage *stage, const struct trace_view *view, const char *expected)
{
	struct text text = {0};

	trace_table_write(&stage->summary, view, &text);
	cr_expect_str_eq(text_string(&text), expected, "is:\n%s", text_string(&text));
	text_free(&text);
}

/* No line is wider than the terminal, and there are not more than it has. */
static void expect_fit(struct trace_stage *stage, const struct trace_view *view)
{
	struct text text = {0};
	char *rest, *line;
	unsigned n = 0;

	trace_table_write(&stage->summary, view, &text);
	rest = text_take(&text);
	for (char *at = rest; (line = strsep(&at, "\n")) && at; n++)
		cr_expect(view->columns == 0 || columns_width(line) <= view->columns, "%u columns: %s", view->columns,
			  line);
	cr_expect(view->rows == 0 || n <= view->rows, "%u rows: %u lines", view->rows, n);
	mem_free(rest);
}

static const struct played_hop four[] = {
	{1, 0, "10.0.0.1", 0.1234, "gw.example", NULL, NULL, NULL},
	{2, 0, "10.0.1.1", 12.34, NULL, "16/0/0/1 17/5/1/254", NULL, NULL},
	{3, 0, NULL, 0, NULL, NULL, NULL, NULL},
	{4, 0, "192.0.2.9", 1234.5, NULL, NULL, NULL, NULL},
};

Test(trace_table, before_the_first_run)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;

	view.has_keys = true;
	view.time = "2026-01-02 03:04:05 +0000";
	expect_table(
		stage, &view,
		"traceroute to host.example, icmp, 0 runs  2026-01-02 03:04:05 +0000\n"
		"q quit  p pause  r reset  n names\n"
		"\n"
		"Hop Host                                       Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev  Jttr\n"
		"\n"
		"waiting for the first answers\n");
	close_stage(stage);
}

#define HEADINGS_WIDE                                                                                                  \
	"Hop Host                                       Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev  Jttr\n"

Test(trace_table, wide)
{
	struct trace_stage *stage = open_stage();

	play(stage, RUN_OK(4, four));
	expect_table(
		stage, &wide,
		"traceroute to host.example (192.0.2.9), icmp, 1 run\n"
		"\n" HEADINGS_WIDE
		" 1. gw.example (10.0.0.1)                       0.0%  0.0%     1  0.12  0.12  0.12  0.12  0.00  0.00\n"
		" 2. 10.0.1.1                                    0.0%  0.0%     1  12.3  12.3  12.3  12.3  0.00  0.00\n"
		"    [MPLS: Lbl 16 TC 0 S 0 TTL 1]\n"
		"    [MPLS: Lbl 17 TC 5 S 1 TTL 254]\n"
		" 3. ???                                         100%  0.0%     1\n"
		" 4. 192.0.2.9                                   0.0%  0.0%     1  1234  1234  1234  1234  0.00  0.00\n"
		"\n"
		"reached in 4 hops\n"
		"largest step: 1222 ms, to hop 4 (192.0.2.9)\n");
	close_stage(stage);
}

Test(trace_table, narrow)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;

	play(stage, RUN_OK(4, four));
	view.columns = 50;
	expect_table(stage, &view,
		     "traceroute to host.example (192.0.2.9), icmp, 1 r~\n"
		     "\n"
		     "Hop Host                         Loss%  Fwd%   Avg\n"
		     " 1. gw.example (10.0.0.1)         0.0%  0.0%  0.12\n"
		     " 2. 10.0.1.1                      0.0%  0.0%  12.3\n"
		     "    [MPLS: Lbl 16 TC 0 S 0 TTL 1]\n"
		     "    [MPLS: Lbl 17 TC 5 S 1 TTL 254]\n"
		     " 3. ???                           100%  0.0%\n"
		     " 4. 192.0.2.9                     0.0%  0.0%  1234\n"
		     "\n"
		     "reached in 4 hops\n"
		     "largest step: 1222 ms, to hop 4 (192.0.2.9)\n");
	close_stage(stage);
}

Test(trace_table, as_wide_as_it_must_be)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;
	const struct played_hop one[] = {{1, 0, "10.0.0.1", 1, "a-name-that-is-long.example", NULL, NULL, NULL}};

	view.columns = 0;
	play(stage, RUN_OK(1, one));
	expect_table(
		stage, &view,
		"traceroute to host.example (192.0.2.9), icmp, 1 run\n"
		"\n"
		"Hop Host                                   Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev  Jttr\n"
		" 1. a-name-that-is-long.example (10.0.0.1)  0.0%  0.0%     1  1.00  1.00  1.00  1.00  0.00  0.00\n"
		"\n"
		"reached in 1 hop\n"
		"largest step: 1.00 ms, to hop 1 (10.0.0.1)\n");
	view.has_names = false;
	view.target = "192.0.2.9";
	expect_table(stage, &view,
		     "traceroute to 192.0.2.9, icmp, 1 run\n"
		     "\n"
		     "Hop Host     Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev  Jttr\n"
		     " 1. 10.0.0.1  0.0%  0.0%     1  1.00  1.00  1.00  1.00  0.00  0.00\n"
		     "\n"
		     "reached in 1 hop\n"
		     "largest step: 1.00 ms, to hop 1 (10.0.0.1)\n");
	close_stage(stage);
}

Test(trace_table, flows_and_their_share)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;
	const struct played_hop hops[] = {
		{1, 0, "10.0.1.1", 2, NULL, NULL, NULL, NULL},  {1, 1, "10.0.1.2", 2, NULL, "9/0/1/1", NULL, NULL},
		{1, 2, "10.0.1.1", 2, NULL, NULL, NULL, NULL},  {2, 0, "192.0.2.9", 4, NULL, NULL, NULL, NULL},
		{2, 1, "192.0.2.9", 4, NULL, NULL, NULL, NULL}, {2, 2, "192.0.2.9", 4, NULL, NULL, NULL, NULL},
	};
	struct played_run run = {
		.end = "reached", .hops = 2, .paths = 2, .nat_hop = 2, .has_flows = true, .played = hops, .n = 6};

	view.columns = 80;
	play(stage, &run);
	expect_table(stage, &view,
		     "traceroute to host.example (192.0.2.9), icmp, 3 flows, 1 run\n"
		     "\n"
		     "Hop Host                         Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev\n"
		     " 1. 10.0.1.1 67%                  0.0%  0.0%     3  2.00  2.00  2.00  2.00  0.00\n"
		     "    10.0.1.2 33%\n"
		     "    [MPLS: Lbl 9 TC 0 S 1 TTL 1]\n"
		     " 2. 192.0.2.9                     0.0%  0.0%     3  4.00  4.00  4.00  4.00  0.00\n"
		     "\n"
		     "reached in 2 hops\n"
		     "2 paths over 3 flows; addresses are translated (NAT) before hop 2\n"
		     "largest step: 2.00 ms, to hop 1 (10.0.1.1)\n");
	close_stage(stage);
}

/* Hops 1 and 2 limit their answers. */
static void play_limited(struct trace_stage *stage)
{
	for (int run = 0; run < 4; run++) {
		const struct played_hop hops[] = {
			{1, 0, run == 0 ? "10.0.0.1" : NULL, 1, NULL, NULL, NULL, NULL},
			{2, 0, run < 2 ? "10.0.1.1" : NULL, 1, NULL, NULL, NULL, NULL},
			{3, 0, "192.0.2.9", 2, NULL, NULL, NULL, NULL},
		};
		play(stage, RUN_OK(3, hops));
	}
}

Test(trace_table, a_hop_that_limits_its_answers)
{
	struct trace_stage *stage = open_stage();

	play_limited(stage);
	expect_table(
		stage, &wide,
		"traceroute to host.example (192.0.2.9), icmp, 4 runs\n"
		"\n" HEADINGS_WIDE
		" 1. 10.0.0.1                                   75.0%  0.0%     4  1.00  1.00  1.00  1.00  0.00  0.00\n"
		" 2. 10.0.1.1                                   50.0%  0.0%     4  1.00  1.00  1.00  1.00  0.00  0.00\n"
		" 3. 192.0.2.9                                   0.0%  0.0%     4  2.00  2.00  2.00  2.00  0.00  0.00\n"
		"\n"
		"reached in 3 hops; 4 of 4 runs reached it\n"
		"path changes: 0\n"
		"largest step: 1.00 ms, to hop 1 (10.0.0.1)\n"
		"limits its answers, no loss of the path: hop 1, 2\n");
	close_stage(stage);
}

static bool contains(struct trace_stage *stage, const struct trace_view *view, const char *wanted)
{
	struct text text = {0};
	bool is_there;

	trace_table_write(&stage->summary, view, &text);
	is_there = strstr(text_string(&text), wanted) != NULL;
	if (!is_there)
		cr_log_info("%s", text_string(&text));
	text_free(&text);
	return is_there;
}

Test(trace_table, colours)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;
	const struct played_hop lost[] = {
		{1, 0, "10.0.0.1", 1, NULL, "1/0/1/1", NULL, NULL},
		{2, 0, NULL, 1, NULL, NULL, NULL, NULL},
	};
	struct played_run failed = {.reason = REASON_TIMEOUT, .end = "max_silent", .hops = 1, .played = lost, .n = 2};

	view.has_colours = true;
	play_limited(stage);
	cr_expect(contains(stage, &view, "\033[33m 75.0%\033[0m  0.0%     4"));
	cr_expect(contains(stage, &view, "\033[33mlimits its answers"));
	cr_expect(contains(stage, &view, "\033[1mHop Host"));
	play(stage, &failed);
	cr_expect(contains(stage, &view, "\033[31mnot reached: nobody answers beyond hop 1; 4 of 5 runs"));
	cr_expect(contains(stage, &view, "\033[2m    [MPLS"));
	cr_expect(contains(stage, &view, "\033[31m"));
	close_stage(stage);
}

static const struct {
	enum reason reason;
	const char *end;
	unsigned hops;
	const char *said;
} ends[] = {
	{REASON_TIMEOUT, "max_silent", 2, "not reached: nobody answers beyond hop 2\n"},
	{REASON_TIMEOUT, "max_silent", 0, "not reached: nobody answers\n"},
	{REASON_TTL_EXCEEDED, "max_hops", 4, "not reached: it is farther than max_hops\n"},
	{REASON_TIMEOUT, "timeout", 4, "not reached: the time of a run was up\n"},
	{REASON_UNREACHABLE_HOST, "unreachable_host", 2, "not reached: hop 2 (10.0.1.1) says unreachable_host\n"},
	{REASON_UNREACHABLE_ADMIN, "unreachable_admin", 3, "not reached: hop 3 (silent) says unreachable_admin\n"},
	{REASON_RESOLVE, "", 0, "not reached: resolve\n"},
};

Test(trace_table, why_it_was_not_reached)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct trace_stage *stage = open_stage();
		struct played_run run = {
			.reason = ends[i].reason, .end = ends[i].end, .hops = ends[i].hops, .played = four, .n = 4};

		play(stage, &run);
		cr_expect(contains(stage, &wide, ends[i].said), "%s", ends[i].said);
		close_stage(stage);
	}
}

Test(trace_table, path_mtu)
{
	struct trace_stage *stage = open_stage();
	struct played_run run = {.end = "reached", .hops = 4, .mtu_bytes = 1500, .played = four, .n = 4};

	play(stage, &run);
	cr_expect(contains(stage, &wide, "\npath MTU: 1500 bytes\n"));
	run.mtu_hop = 2;
	play(stage, &run);
	cr_expect(contains(stage, &wide, "\npath MTU: 1500 bytes, as hop 2 (10.0.1.1) says\n"));
	run.is_black_hole = true;
	play(stage, &run);
	cr_expect(
		contains(stage, &wide, "\npath MTU: 1500 bytes; larger packets vanish without a word behind hop 2\n"));
	run.mtu_hop = 0;
	play(stage, &run);
	cr_expect(contains(stage, &wide, "\npath MTU: 1500 bytes; larger packets vanish without a word\n"));
	close_stage(stage);
}

Test(trace_table, a_circle)
{
	struct trace_stage *stage = open_stage();
	struct played_run run = {
		.reason = REASON_TTL_EXCEEDED, .end = "max_hops", .hops = 4, .loop_hop = 3, .played = four, .n = 4};

	play(stage, &run);
	cr_expect(contains(stage, &wide, "\npackets go in a circle: hop 3 is one of before\n"));
	close_stage(stage);
}

/* Thirty hops with long names, some with labels and a second address. */
static void play_thirty(struct trace_stage *stage)
{
	static char names[30][80], addresses[30][40], both[30][80];
	struct played_hop hops[30];

	for (unsigned i = 0; i < 30; i++) {
		snprintf(names[i], sizeof(names[i]), "xe-0-0-%u.core-%u.a-long-name-of-a-place.carrier.example", i, i);
		snprintf(addresses[i], sizeof(addresses[i]), "2001:db8:%x::%x", i, i + 1);
		snprintf(both[i], sizeof(both[i]), "%.39s 2001:db8:%x::ffff", addresses[i], i);
		hops[i] = (struct played_hop){
			i + 1, 0, addresses[i], i, names[i], i % 3 ? NULL : "1/0/0/1 2/0/1/1", i % 2 ? NULL : both[i],
			NULL};
	}
	play(stage, RUN_OK(30, hops));
}

Test(trace_table, thirty_hops_in_every_size)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;

	play_thirty(stage);
	for (view.columns = 52; view.columns < 200; view.columns++) {
		for (view.rows = 12; view.rows < 80; view.rows += 7)
			expect_fit(stage, &view);
	}
	view.columns = 90;
	view.rows = 0;
	cr_expect(contains(stage, &view, "\n10. xe-0-0-9.core-9.a-long-name-of-~  0.0%"), "a name without its address");
	view.columns = 100;
	view.rows = 37;
	cr_expect(contains(stage, &view, "\n30. "));
	cr_expect_not(contains(stage, &view, "MPLS"), "details go first");
	view.rows = 20;
	cr_expect(contains(stage, &view, "no room for them\n30. "));
	view.rows = 3;
	cr_expect(contains(stage, &view, "\n30. "));
	view.rows = 0;
	cr_expect(contains(stage, &view, "MPLS"));
	view.columns = 5;
	cr_expect(contains(stage, &view, "\nreac~\n"));
	close_stage(stage);
}

Test(trace_table, a_target_in_another_script)
{
	struct trace_stage *stage = open_stage();
	struct trace_view view = wide;

	view.target = "\xe6\x9d\xb1\xe4\xba\xac.example";
	play(stage, RUN_OK(4, four));
	for (view.columns = 52; view.columns < 120; view.columns++)
		expect_fit(stage, &view);
	view.is_paused = true;
	cr_expect(contains(stage, &view, ", 1 run, paused\n"));
	close_stage(stage);
}

Test(trace_table, labels_that_are_none)
{
	struct trace_stage *stage = open_stage();
	const struct played_hop hops[] = {{1, 0, "10.0.0.1", 1, NULL, "x/1 3", NULL, NULL}};

	play(stage, RUN_OK(1, hops));
	cr_expect(contains(stage, &wide, "    [MPLS: x/1]\n    [MPLS: 3]\n"));
	close_stage(stage);
}
