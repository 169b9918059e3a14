/* What many runs of a traceroute found out. */
#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "daemon/trace_json.h"
#include "tests/unit/daemon/trace_fixture.h"

#define expect_close(a, b) cr_expect(fabs((a) - (b)) < 1e-9, "%s: %.12g, not %.12g", #a, (double)(a), (double)(b))

static const struct played_hop three[] = {
	{1, 0, "10.0.0.1", 1, "gw.example", NULL, NULL, NULL},
	{2, 0, "10.0.1.1", 5, NULL, "16/0/1/1", NULL, NULL},
	{3, 0, "192.0.2.9", 6, NULL, NULL, NULL, NULL},
};

Test(trace_summary, figures_of_three_runs)
{
	struct trace_stage *stage = open_stage();
	const struct trace_summary *summary = &stage->summary;
	struct played_hop hops[3];

	memcpy(hops, three, sizeof(hops));
	play(stage, RUN_OK(3, hops));
	hops[1].rtt_ms = 9;
	play(stage, RUN_OK(3, hops));
	hops[1].rtt_ms = 4;
	play(stage, RUN_OK(3, hops));
	cr_expect_eq(summary->runs, 3);
	cr_expect_eq(summary->reached, 3);
	cr_expect_eq(summary->nhops, 3);
	cr_expect_eq(summary->first_hop, 1);
	cr_expect_eq(summary->hop_count, 3);
	cr_expect_eq(summary->took_ns, 300000000);
	cr_expect_str_eq(summary->address, "192.0.2.9");
	cr_expect_str_eq(summary->end, "reached");
	const struct trace_times *times = &summary->hops[1].times;
	expect_close(times->last, 0.004);
	expect_close(times->best, 0.004);
	expect_close(times->worst, 0.009);
	expect_close(times->mean, 0.006);
	expect_close(trace_times_deviation(times), sqrt((1 + 9 + 4) / 3.0) / 1e3);
	expect_close(trace_times_jitter(times), 0.0045);
	struct trace_counts counts = trace_summary_counts(summary, 2);
	cr_expect_eq(counts.sent, 3);
	cr_expect_eq(counts.received, 3);
	expect_close(counts.loss, 0);
	cr_expect_str_eq(summary->hops[0].nodes[0].name, "gw.example");
	cr_expect_str_eq(summary->hops[1].nodes[0].mpls, "16/0/1/1");
	cr_expect_str_eq(summary->hops[1].reply, "ttl_exceeded");
	close_stage(stage);
}

Test(trace_summary, nothing_yet)
{
	struct trace_stage *stage = open_stage();
	double step;

	cr_expect_eq(trace_summary_bottleneck(&stage->summary, &step), 0);
	struct trace_counts counts = trace_summary_counts(&stage->summary, 1);
	cr_expect_eq(counts.sent, 0);
	expect_close(counts.loss, 0);
	expect_close(trace_times_deviation(&stage->summary.hops[0].times), 0);
	expect_close(trace_times_jitter(&stage->summary.hops[0].times), 0);
	close_stage(stage);
}

/* Hop 1 limits its answers, hop 2 is silent, from hop 3 on a quarter is lost. */
Test(trace_summary, loss_that_goes_on_and_loss_that_does_not)
{
	struct trace_stage *stage = open_stage();
	const struct trace_summary *summary = &stage->summary;

	for (int run = 0; run < 4; run++) {
		const char *limited = run < 2 ? NULL : "10.0.0.1", *lossy = run == 3 ? NULL : "10.0.2.1";
		const struct played_hop hops[] = {
			{1, 0, limited, 1, NULL, NULL, NULL, NULL},
			{2, 0, NULL, 1, NULL, NULL, NULL, NULL},
			{3, 0, lossy, 1, NULL, NULL, NULL, NULL},
			{4, 0, lossy, 1, NULL, NULL, NULL, NULL},
		};
		play(stage, RUN_OK(4, hops));
	}
	struct trace_counts counts = trace_summary_counts(summary, 1);
	expect_close(counts.loss, 0.5);
	expect_close(counts.forward, 0.25);
	cr_expect(trace_counts_are_limited(&counts));
	counts = trace_summary_counts(summary, 2);
	expect_close(counts.loss, 1);
	expect_close(counts.forward, 0.25);
	cr_expect_not(trace_counts_are_limited(&counts), "it is silent");
	counts = trace_summary_counts(summary, 3);
	expect_close(counts.loss, 0.25);
	expect_close(counts.forward, 0.25);
	cr_expect_not(trace_counts_are_limited(&counts));
	cr_expect_eq(summary->hops[1].nnodes, 0);
	close_stage(stage);
}

Test(trace_summary, flows_are_told_apart_and_added_up)
{
	struct trace_stage *stage = open_stage();
	const struct trace_summary *summary = &stage->summary;
	const struct played_hop hops[] = {
		{1, 0, "10.0.0.1", 1, NULL, NULL, NULL, NULL},  {1, 1, "10.0.0.1", 3, NULL, NULL, NULL, NULL},
		{2, 0, "10.0.1.1", 2, NULL, NULL, NULL, NULL},  {2, 1, "10.0.1.2", 2, NULL, NULL, NULL, NULL},
		{3, 0, "192.0.2.9", 4, NULL, NULL, NULL, NULL}, {3, 1, NULL, 0, NULL, NULL, NULL, NULL},
	};
	struct played_run run = {.end = "reached", .hops = 3, .paths = 2, .has_flows = true, .played = hops, .n = 6};

	play(stage, &run);
	play(stage, &run);
	cr_expect_eq(summary->nflows, 2);
	cr_expect_eq(summary->paths, 2);
	cr_expect_eq(summary->hops[1].nnodes, 2);
	cr_expect_str_eq(summary->hops[1].nodes[1].address, "10.0.1.2");
	expect_close(summary->hops[1].nodes[0].answers, 2);
	struct trace_counts counts = trace_summary_counts(summary, 3);
	cr_expect_eq(counts.sent, 4);
	expect_close(counts.loss, 0.5);
	expect_close(counts.forward, 0.5);
	expect_close(summary->hops[0].times.mean, 0.002);
	close_stage(stage);
}

Test(trace_summary, several_addresses_in_one_run)
{
	struct trace_stage *stage = open_stage();
	const struct played_hop hops[] = {
		{1, 0, "10.0.0.1", 1, "a.example", NULL, "10.0.0.1 10.0.0.2", NULL},
		{2, 0, "192.0.2.9", 1, NULL, NULL, NULL, NULL},
	};

	play(stage, RUN_OK(2, hops));
	const struct trace_hop *hop = &stage->summary.hops[0];
	cr_expect_eq(hop->nnodes, 2);
	expect_close(hop->nodes[0].answers, 0.5);
	expect_close(hop->nodes[1].answers, 0.5);
	cr_expect_str_eq(hop->nodes[0].name, "a.example");
	cr_expect_str_eq(hop->nodes[1].name, "");
	close_stage(stage);
}

Test(trace_summary, more_addresses_than_are_kept)
{
	struct trace_stage *stage = open_stage();

	for (int i = 0; i < 2 * TRACE_SUMMARY_NODES; i++) {
		char address[32];
		struct played_hop hops[1] = {{1, 0, address, 1, NULL, NULL, NULL, NULL}};

		snprintf(address, sizeof(address), "10.0.0.%d", i);
		play(stage, RUN_OK(1, hops));
	}
	cr_expect_eq(stage->summary.hops[0].nnodes, TRACE_SUMMARY_NODES);
	close_stage(stage);
}

/* A path that shrinks does; a run that was cut short says nothing of what is behind. */
Test(trace_summary, how_long_the_path_is)
{
	struct trace_stage *stage = open_stage();
	struct played_run cut = {.reason = REASON_TIMEOUT, .end = "timeout", .hops = 1, .played = three, .n = 1};
	struct played_run shorter = {.end = "reached", .hops = 2, .played = three, .n = 2, .changes = 1};

	play(stage, RUN_OK(3, three));
	play(stage, &cut);
	cr_expect_eq(stage->summary.nhops, 3);
	play(stage, &shorter);
	cr_expect_eq(stage->summary.nhops, 2);
	cr_expect_eq(stage->summary.changes, 1);
	cr_expect_eq(stage->summary.reached, 2);
	close_stage(stage);
}

Test(trace_summary, a_reset_forgets_what_was_found)
{
	struct trace_stage *stage = open_stage();
	struct played_run changed = {.end = "reached", .hops = 3, .played = three, .n = 3, .changes = 2};

	play(stage, &changed);
	play(stage, RUN_OK(3, three));
	trace_summary_reset(&stage->summary);
	cr_expect_eq(stage->summary.runs, 0);
	cr_expect_eq(stage->summary.nhops, 0);
	cr_expect_eq(stage->summary.hops[0].nnodes, 0);
	play(stage, &changed);
	cr_expect_eq(stage->summary.changes, 2);
	struct trace_counts counts = trace_summary_counts(&stage->summary, 1);
	cr_expect_eq(counts.sent, 1, "not what was counted before: %llu", (unsigned long long)counts.sent);
	cr_expect_eq(stage->summary.hops[0].times.n, 1);
	close_stage(stage);
}

Test(trace_summary, rows_that_make_no_sense)
{
	struct trace_stage *stage = open_stage();
	const struct played_hop hops[] = {
		{1, 0, "10.0.0.1", 1, NULL, NULL, NULL, "0"},
		{1, 0, "10.0.0.1", 1, NULL, NULL, NULL, "65"},
		{1, 0, "10.0.0.1", 1, NULL, NULL, NULL, "x"},
		{1, TRACE_SUMMARY_FLOWS, "10.0.0.1", 1, NULL, NULL, NULL, NULL},
	};
	struct played_run run = {.end = "reached", .hops = 99, .has_flows = true, .played = hops, .n = 4};

	play(stage, &run);
	cr_expect_eq(stage->summary.nhops, 0);
	cr_expect_eq(stage->summary.hop_count, 0);
	close_stage(stage);
}

static const struct {
	double rtts[5]; /* 0 = silent */
	unsigned hop;
	double step;
} bottlenecks[] = {
	{{1, 2, 12, 13, 14}, 3, 0.010}, {{1, 2, 3, 4, 14}, 5, 0.010}, {{1, 0, 0, 20, 21}, 4, 0.019},
	{{1, 50, 3, 4, 5}, 2, 0.002}, /* slow to answer, but not on the way */
	{{5, 5, 5, 5, 5}, 1, 0.005},    {{0, 0, 0, 0, 9}, 5, 0.009},  {{0, 0, 0, 0, 0}, 0, 0},
};

Test(trace_summary, bottleneck)
{
	for (size_t i = 0; i < sizeof(bottlenecks) / sizeof(*bottlenecks); i++) {
		struct trace_stage *stage = open_stage();
		struct played_hop hops[5] = {0};
		double step;

		for (unsigned j = 0; j < 5; j++)
			hops[j] = (struct played_hop){j + 1,
						      0,
						      bottlenecks[i].rtts[j] > 0 ? "10.0.0.1" : NULL,
						      bottlenecks[i].rtts[j],
						      NULL,
						      NULL,
						      NULL,
						      NULL};
		play(stage, RUN_OK(5, hops));
		cr_expect_eq(trace_summary_bottleneck(&stage->summary, &step), bottlenecks[i].hop, "%zu: %u", i,
			     trace_summary_bottleneck(&stage->summary, &step));
		expect_close(step, bottlenecks[i].step);
		close_stage(stage);
	}
}

/* --- as JSON ------------------------------------------------------------------------------------------------------ */

static void expect_json(struct trace_stage *stage, const char *expected)
{
	struct text text = {0};

	trace_json_write(&stage->summary, "a \"host\"", "udp", &text);
	cr_expect_str_eq(text_string(&text), expected);
	text_free(&text);
}

Test(trace_json, a_report)
{
	struct trace_stage *stage = open_stage();
	struct played_run run = {.end = "reached",
				 .hops = 3,
				 .paths = 1,
				 .nat_hop = 2,
				 .loop_hop = 3,
				 .mtu_bytes = 1400,
				 .mtu_hop = 2,
				 .is_black_hole = true,
				 .played = three,
				 .n = 3};

	play(stage, &run);
	expect_json(
		stage,
		"{\"type\":\"traceroute\",\"target\":\"a \\\"host\\\"\",\"address\":\"192.0.2.9\",\"success\":true,"
		"\"reason\":\"ok\",\"duration_seconds\":0.1,\"time\":\"2023-11-14T22:13:20.000000000Z\","
		"\"transport\":\"udp\",\"flows\":1,\"cycles\":1,\"cycles_reached\":1,\"traceroute\":[{\"reached\":1,"
		"\"hops\":3,\"end\":\"reached\",\"path_changes_total\":0,\"paths\":1,\"bottleneck_hop\":2,"
		"\"bottleneck_step_seconds\":0.004,\"nat_hop\":2,\"loop_hop\":3,\"mtu_bytes\":1400,\"mtu_black_hole\":"
		"1,"
		"\"mtu_hop\":2}],\"traceroute_hop\":["
		"{\"hop\":\"1\",\"sent_total\":1,\"received_total\":1,\"loss_ratio\":0,\"forward_loss_ratio\":0,"
		"\"rtt_last_seconds\":0.001,\"rtt_min_seconds\":0.001,\"rtt_avg_seconds\":0.001,"
		"\"rtt_max_seconds\":0.001,\"rtt_stddev_seconds\":0,\"jitter_seconds\":0,\"reply\":\"ttl_exceeded\","
		"\"addresses\":[{\"address\":\"10.0.0.1\",\"name\":\"gw.example\",\"share_ratio\":1}]},"
		"{\"hop\":\"2\",\"sent_total\":1,\"received_total\":1,\"loss_ratio\":0,\"forward_loss_ratio\":0,"
		"\"rtt_last_seconds\":0.005,\"rtt_min_seconds\":0.005,\"rtt_avg_seconds\":0.005,"
		"\"rtt_max_seconds\":0.005,\"rtt_stddev_seconds\":0,\"jitter_seconds\":0,\"reply\":\"ttl_exceeded\","
		"\"addresses\":[{\"address\":\"10.0.1.1\",\"mpls\":\"16/0/1/1\",\"share_ratio\":1}]},"
		"{\"hop\":\"3\",\"sent_total\":1,\"received_total\":1,\"loss_ratio\":0,\"forward_loss_ratio\":0,"
		"\"rtt_last_seconds\":0.006,\"rtt_min_seconds\":0.006,\"rtt_avg_seconds\":0.006,"
		"\"rtt_max_seconds\":0.006,\"rtt_stddev_seconds\":0,\"jitter_seconds\":0,\"reply\":\"ttl_exceeded\","
		"\"addresses\":[{\"address\":\"192.0.2.9\",\"share_ratio\":1}]}]}");
	close_stage(stage);
}

Test(trace_json, nobody_answers)
{
	struct trace_stage *stage = open_stage();
	const struct played_hop silent[] = {{1, 0, NULL, 0, NULL, NULL, NULL, NULL}};
	struct played_run run = {.reason = REASON_TIMEOUT, .end = "max_silent", .played = silent, .n = 1};

	play(stage, &run);
	expect_json(
		stage,
		"{\"type\":\"traceroute\",\"target\":\"a \\\"host\\\"\",\"address\":\"192.0.2.9\",\"success\":false,"
		"\"reason\":\"timeout\",\"duration_seconds\":0.1,\"time\":\"2023-11-14T22:13:20.000000000Z\","
		"\"transport\":\"udp\",\"flows\":1,\"cycles\":1,\"cycles_reached\":0,\"traceroute\":[{\"reached\":0,"
		"\"hops\":0,\"end\":\"max_silent\",\"path_changes_total\":0}],\"traceroute_hop\":[{\"hop\":\"1\","
		"\"sent_total\":1,\"received_total\":0,\"loss_ratio\":1,\"forward_loss_ratio\":1,\"addresses\":[]}]}");
	close_stage(stage);
}

Test(trace_json, no_run_at_all)
{
	struct trace_stage *stage = open_stage();
	struct text text = {0};

	trace_json_write(&stage->summary, "host", "icmp", &text);
	cr_expect(strstr(text_string(&text), "\"cycles\":0"));
	cr_expect(strstr(text_string(&text), "\"traceroute_hop\":[]}"));
	text_free(&text);
	close_stage(stage);
}
