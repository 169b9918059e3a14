/*
 * line.c - what it costs to write a result as line protocol.
 *
 * Formats LINES lines of two kinds by influx/line.h, as the workers do, and one kind by sprintf, as lp_push does: a
 * line of 3 fields and 3 tags (that of lp_push), and the line of a ping with all its fields. The text is begun anew
 * every 56 KiB. Prints microseconds of CPU a line. build: cmake --preset release && cmake --build build/release
 * --target netsonde_influx
 *        cc -O2 -flto=auto -D_GNU_SOURCE -I. bench/line.c -o build/line build/release/libnetsonde_influx.a \
 *           build/release/libnetsonde_core.a -lcurl -ljansson -lz -levent_core -levent_pthreads -lcares -lm -lpthread
 * usage: line LINES     line 2000000
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/text.h"
#include "influx/line.h"

#define BUFFER_BYTES ((size_t)56 * 1024)
#define STAMP_NS     INT64_C(1700000000123456789)
#define ONE_MORE     1664525u
#define ONE_APART    1013904223u

static const struct measure small_measures[] = {
	{"rtt", MEASURE_GAUGE, "Round-trip time"},
	{"loss", MEASURE_INTEGER, "Loss"},
	{"sent", MEASURE_INTEGER, "Sent"},
};
static const struct measure_set small_set = {.name = "probe", .measures = small_measures, .n = 3};

static const struct measure ping_measures[] = {
	{"sent_total", MEASURE_COUNTER, "Requests sent"},
	{"received_total", MEASURE_COUNTER, "Replies in time"},
	{"duplicates_total", MEASURE_COUNTER, "Replies that came twice"},
	{"late_total", MEASURE_COUNTER, "Replies that came too late"},
	{"reordered_total", MEASURE_COUNTER, "Replies that came after a later one"},
	{"lost_locally_total", MEASURE_COUNTER, "Replies that we dropped"},
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip times"},
	{"rtt_min_seconds", MEASURE_GAUGE, "Shortest"},
	{"rtt_avg_seconds", MEASURE_GAUGE, "Average"},
	{"rtt_max_seconds", MEASURE_GAUGE, "Longest"},
	{"rtt_stddev_seconds", MEASURE_GAUGE, "Deviation"},
	{"jitter_seconds", MEASURE_GAUGE, "Jitter"},
	{"loss_ratio", MEASURE_GAUGE, "Loss"},
	{"reply_hop_limit", MEASURE_INTEGER, "Time to live"},
};
#define PING_MEASURES (sizeof(ping_measures) / sizeof(ping_measures[0]))
static const struct measure_set ping_set = {.name = "ping", .measures = ping_measures, .n = PING_MEASURES};

struct bench {
	struct line_tags tags;
	struct text text;
	uint32_t random;
};

static uint32_t next_random(struct bench *bench)
{
	bench->random = bench->random * ONE_MORE + ONE_APART;
	return bench->random;
}

static void format_small(struct bench *bench, uint64_t i)
{
	uint32_t random = next_random(bench);
	const struct reading readings[] = {
		reading_number(0, (double)(random >> 25) + (double)(random >> 12 & 511) / 1000),
		reading_integer(1, 0),
		reading_integer(2, 1),
	};
	const struct row row = {.set = &small_set, .readings = readings, .n = 3};
	line_format(&bench->text, &bench->tags, &row, NULL, STAMP_NS + (int64_t)i);
}

static void format_printf(struct bench *bench, uint64_t i)
{
	uint32_t random = next_random(bench);
	char line[160];
	int length = snprintf(line, sizeof(line),
			      "probe,target=10.%u.%u.%u,module=icmp,site=dc%02u rtt=%u.%03u,loss=0,sent=1i %lld\n", 77u,
			      (unsigned)(i >> 8 & 255), (unsigned)(i & 255), (unsigned)(i % 40), random >> 25,
			      random >> 12 & 511, (long long)STAMP_NS + (long long)i);
	text_add_bytes(&bench->text, line, (size_t)length);
}

static void format_ping(struct bench *bench, uint64_t i)
{
	int64_t rtt_ns = 20000000 + next_random(bench) % 100000000;
	double rtt = (double)rtt_ns / 1e9;
	struct reading readings[PING_MEASURES];
	for (unsigned k = 0; k < 6; k++)
		readings[k] = reading_integer(k, k < 2 ? (int64_t)i : 0);
	readings[6] = reading_histogram(6, &rtt_ns, 1);
	for (unsigned k = 7; k < 10; k++)
		readings[k] = reading_number(k, rtt);
	readings[10] = reading_number(10, 0);
	readings[11] = reading_number(11, (double)(next_random(bench) >> 8) / 1e9);
	readings[12] = reading_number(12, 0);
	readings[13] = reading_integer(13, 64);
	const struct row row = {.set = &ping_set, .readings = readings, .n = PING_MEASURES};
	const struct line_run run = {
		.reason = REASON_OK, .took_ns = rtt_ns + 40000, .run = i, .boot = "0123456789abcdef"};
	line_format(&bench->text, &bench->tags, &row, &run, STAMP_NS + (int64_t)i);
}

static double cpu_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void measure(const char *what, void (*format)(struct bench *, uint64_t), uint64_t lines)
{
	static const struct label labels[] = {
		{"target", "10.77.123.45"}, {"module", "icmp"}, {"site", "dc07"}, {"probe", "fast_ping"}};
	struct bench bench = {.random = 77};
	line_tags_make(&bench.tags, labels, format == format_ping ? 4 : 3);
	uint64_t bytes = 0;
	double begun = cpu_seconds();
	for (uint64_t i = 0; i < lines; i++) {
		format(&bench, i);
		if (bench.text.length < BUFFER_BYTES && i + 1 < lines)
			continue;
		bytes += bench.text.length;
		text_clear(&bench.text);
	}
	printf("%s: %.4f us CPU/line, %.0f bytes/line\n", what, (cpu_seconds() - begun) * 1e6 / (double)lines,
	       (double)bytes / (double)lines);
	line_tags_free(&bench.tags);
	text_free(&bench.text);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: line LINES\n", stderr);
		return 2;
	}
	uint64_t lines = strtoull(argv[1], NULL, 10);
	measure("3 fields", format_small, lines);
	measure("3 fields by sprintf", format_printf, lines);
	measure("ping", format_ping, lines);
	return 0;
}
