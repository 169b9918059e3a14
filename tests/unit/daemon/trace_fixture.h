/*
 * Samples of a traceroute, as the type makes them: one packet to each hop a run, counters that go on.
 */
#ifndef NETSONDE_TESTS_TRACE_FIXTURE_H
#define NETSONDE_TESTS_TRACE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/trace_summary.h"

enum { T_REACHED, T_HOPS, T_PATHS, T_CHANGES, T_MTU, T_HOLE, T_MTU_HOP, T_NAT, T_LOOP, T_END, T_MEASURES };
static const struct measure trace_measures[T_MEASURES] = {
	[T_REACHED] = {"reached", MEASURE_INTEGER, ""}, [T_HOPS] = {"hops", MEASURE_INTEGER, ""},
	[T_PATHS] = {"paths", MEASURE_INTEGER, ""},     [T_CHANGES] = {"path_changes_total", MEASURE_COUNTER, ""},
	[T_MTU] = {"mtu_bytes", MEASURE_INTEGER, ""},   [T_HOLE] = {"mtu_black_hole", MEASURE_INTEGER, ""},
	[T_MTU_HOP] = {"mtu_hop", MEASURE_INTEGER, ""}, [T_NAT] = {"nat_hop", MEASURE_INTEGER, ""},
	[T_LOOP] = {"loop_hop", MEASURE_INTEGER, ""},   [T_END] = {"end", MEASURE_TEXT, ""},
};
static const struct measure_set trace_set = {"traceroute", trace_measures, T_MEASURES, NULL, ""};

enum { H_SENT, H_RECEIVED, H_MIN, H_AVG, H_MAX, H_ADDRESS, H_ADDRESSES, H_NAME, H_REPLY, H_MPLS, H_MEASURES };
static const struct measure hop_measures[H_MEASURES] = {
	[H_SENT] = {"sent_total", MEASURE_COUNTER, ""},   [H_RECEIVED] = {"received_total", MEASURE_COUNTER, ""},
	[H_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, ""}, [H_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, ""},
	[H_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, ""}, [H_ADDRESS] = {"address", MEASURE_TEXT, ""},
	[H_ADDRESSES] = {"addresses", MEASURE_TEXT, ""},  [H_NAME] = {"name", MEASURE_TEXT, ""},
	[H_REPLY] = {"reply", MEASURE_TEXT, ""},          [H_MPLS] = {"mpls", MEASURE_TEXT, ""},
};
static const struct measure_set hop_set = {"traceroute_hop", hop_measures, H_MEASURES, NULL, ""};
static const struct measure_set other_set = {"traceroute_edge", hop_measures, H_MEASURES, NULL, ""};

/* One answer; address NULL = none. */
struct played_hop {
	unsigned hop, flow;
	const char *address;
	double rtt_ms;
	const char *name, *mpls, *addresses;
	const char *hop_text; /* label instead of hop */
};

struct played_run {
	enum reason reason;
	const char *end;
	unsigned hops, changes, paths, nat_hop, loop_hop;
	unsigned mtu_bytes, mtu_hop;
	bool is_black_hole, has_flows;
	const struct played_hop *played;
	size_t n;
};

#define PLAYED_MAX 128

struct trace_stage {
	struct trace_summary summary;
	uint64_t sent[TRACE_SUMMARY_HOPS + 2][TRACE_SUMMARY_FLOWS + 1];
	uint64_t received[TRACE_SUMMARY_HOPS + 2][TRACE_SUMMARY_FLOWS + 1];
	uint64_t changes;
	struct row rows[PLAYED_MAX + 2];
	struct reading readings[PLAYED_MAX + 2][H_MEASURES + T_MEASURES];
	struct label labels[PLAYED_MAX + 2][2];
	char texts[PLAYED_MAX + 2][2][24];
};

static void play_run_row(struct trace_stage *stage, const struct played_run *run)
{
	struct row *row = &stage->rows[0];
	struct reading *readings = stage->readings[0];
	size_t n = 0;
	stage->changes += run->changes;
	readings[n++] = reading_integer(T_REACHED, run->reason == REASON_OK);
	readings[n++] = reading_integer(T_HOPS, run->hops);
	if (run->paths)
		readings[n++] = reading_integer(T_PATHS, run->paths);
	readings[n++] = reading_integer(T_CHANGES, (int64_t)stage->changes);
	if (run->mtu_bytes) {
		readings[n++] = reading_integer(T_MTU, run->mtu_bytes);
		readings[n++] = reading_integer(T_HOLE, run->is_black_hole);
	}
	if (run->mtu_hop)
		readings[n++] = reading_integer(T_MTU_HOP, run->mtu_hop);
	if (run->nat_hop)
		readings[n++] = reading_integer(T_NAT, run->nat_hop);
	if (run->loop_hop)
		readings[n++] = reading_integer(T_LOOP, run->loop_hop);
	readings[n++] = reading_text(T_END, run->end);
	*row = (struct row){.set = &trace_set, .readings = readings, .n = n};
}

static void play_hop_row(struct trace_stage *stage, size_t i, const struct played_hop *hop, bool has_flows)
{
	struct row *row = &stage->rows[i];
	struct reading *readings = stage->readings[i];
	size_t n = 0;
	uint64_t *sent = &stage->sent[hop->hop][hop->flow], *received = &stage->received[hop->hop][hop->flow];
	++*sent;
	*received += hop->address != NULL;
	snprintf(stage->texts[i][0], 24, "%u", hop->hop);
	snprintf(stage->texts[i][1], 24, "%u", hop->flow);
	stage->labels[i][0] = (struct label){"hop", hop->hop_text ? hop->hop_text : stage->texts[i][0]};
	stage->labels[i][1] = (struct label){"flow", stage->texts[i][1]};
	readings[n++] = reading_integer(H_SENT, (int64_t)*sent);
	readings[n++] = reading_integer(H_RECEIVED, (int64_t)*received);
	for (unsigned m = H_MIN; hop->address && m <= H_MAX; m++)
		readings[n++] = reading_number(m, hop->rtt_ms / 1e3);
	if (hop->address) {
		readings[n++] = reading_text(H_ADDRESS, hop->address);
		if (hop->addresses)
			readings[n++] = reading_text(H_ADDRESSES, hop->addresses);
		if (hop->name)
			readings[n++] = reading_text(H_NAME, hop->name);
		readings[n++] = reading_text(H_REPLY, "ttl_exceeded");
		if (hop->mpls)
			readings[n++] = reading_text(H_MPLS, hop->mpls);
	}
	*row = (struct row){.set = &hop_set,
			    .labels = stage->labels[i],
			    .nlabels = has_flows ? 2 : 1,
			    .readings = readings,
			    .n = n};
}

static void play(struct trace_stage *stage, const struct played_run *run)
{
	struct sample sample = {
		.reason = run->reason,
		.begun_realtime_ns = 1700000000000000000,
		.took_ns = 100000000,
		.rows = stage->rows,
		.nrows = run->n + 2,
	};
	cr_assert(run->n <= PLAYED_MAX);
	if (run->reason != REASON_RESOLVE)
		address_parse("192.0.2.9", &sample.address);
	play_run_row(stage, run);
	for (size_t i = 0; i < run->n; i++)
		play_hop_row(stage, i + 1, &run->played[i], run->has_flows);
	stage->rows[run->n + 1] = (struct row){.set = &other_set};
	trace_summary_add(&stage->summary, &sample);
}

static struct trace_stage *open_stage(void)
{
	struct trace_stage *stage = calloc(1, sizeof(*stage));
	trace_summary_prepare(&stage->summary);
	return stage;
}

static void close_stage(struct trace_stage *stage)
{
	trace_summary_free(&stage->summary);
	free(stage);
}

#define RUN_OK(number, list)                                                                                           \
	(&(struct played_run){                                                                                         \
		.end = "reached", .hops = (number), .played = (list), .n = sizeof(list) / sizeof(*(list))})

#endif
