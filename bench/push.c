/*
 * push.c - how fast the disk log is caught up with: lines a second that a server takes from a sender, and its CPU a
 * line.
 *
 * Fills a disk log with LINES lines of some 94 bytes in records of 56 KiB, as the workers' buffers make them, then lets
 * a sender deliver them to URL (InfluxDB 1's interface, database "bench") on CONNECTIONS connections in batches of
 * BATCH lines, and waits for the last. Side by side with lp_push, which makes its lines in memory: build: cmake
 * --preset release && cmake --build build/release --target netsonde_influx
 *        cc -O2 -flto -D_GNU_SOURCE -I. bench/push.c -o build/push build/release/libnetsonde_influx.a \
 *           build/release/libnetsonde_core.a -lcurl -ljansson -lz -levent_core -levent_pthreads -lcares -lm -lpthread
 *        cc -O2 -pthread -o build/lp_push bench/lp_push.c -lcurl -lz
 * usage: push URL LINES BATCH CONNECTIONS gzip|plain FOLDER     push http://127.0.0.1:8428 2000000 10000 4 plain /tmp/x
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/text.h"
#include "influx/figures.h"
#include "influx/journal.h"
#include "influx/reject.h"
#include "influx/sender.h"

#define RECORD_BYTES ((size_t)56 * 1024)
#define SERIES       100000
#define LOOK_NS      NS_PER_MS /* at each slot of the timer: 5 ms */

struct bench {
	struct loop *loop;
	struct journal *journal;
	struct sender *sender;
	struct output_figures figures;
	struct alarm look;
	uint64_t lines;
};

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void append(struct bench *bench, struct text *text, uint64_t *lines)
{
	if (*lines > 0)
		journal_append(bench->journal, text->bytes, text->length, *lines, clock_realtime_ns(), false);
	*lines = 0;
	text_clear(text);
}

/* Like a line of lp_push: the same series, fields and times, so that a server has the same work with both. */
static void make_line(struct text *text, uint64_t i, uint64_t stamp_ns, uint32_t *random)
{
	unsigned series = (unsigned)(i % SERIES);
	*random = *random * 1664525 + 1013904223;
	text_add_format(text, "probe,target=10.%u.%u.%u,module=icmp,site=dc%02u rtt=%u.%03u,loss=0,sent=1i %llu\n",
			77 + (series >> 16), series >> 8 & 255, series & 255, series % 40, *random >> 25,
			*random >> 12 & 511, (unsigned long long)(stamp_ns + i / SERIES * NS_PER_SECOND));
}

static void fill(struct bench *bench)
{
	struct text text = {0};
	uint32_t random = 77;
	uint64_t lines = 0, stamp_ns = (uint64_t)(clock_realtime_ns() / NS_PER_SECOND * NS_PER_SECOND);
	for (uint64_t i = 0; i < bench->lines; i++, lines++) {
		if (text.length > RECORD_BYTES)
			append(bench, &text, &lines);
		make_line(&text, i, stamp_ns, &random);
	}
	append(bench, &text, &lines);
	text_free(&text);
}

static void look(void *arg)
{
	struct bench *bench = arg;
	if (sender_cursor(bench->sender).line == bench->lines)
		loop_stop(bench->loop);
	else
		alarm_set(bench->loop, &bench->look, clock_monotonic_ns() + LOOK_NS);
}

static void deliver(struct bench *bench, const struct influx_settings *settings, const char *folder)
{
	struct reject reject = {0};
	reject_prepare(&reject, folder, 1 << 20);
	struct sender_plan plan = {
		.settings = settings,
		.loop = bench->loop,
		.fetcher = fetcher_create(bench->loop, 16, NULL),
		.journal = bench->journal,
		.reject = &reject,
		.figures = &bench->figures,
	};
	bench->sender = sender_create(&plan, journal_begin(bench->journal));
	alarm_prepare(&bench->look, look, bench);
	alarm_set(bench->loop, &bench->look, clock_monotonic_ns());
	double cpu = cpu_seconds();
	int64_t begun_ns = clock_monotonic_ns();
	/* Or else the last batch, which is not full, would wait for the flush interval. */
	sender_flush(bench->sender);
	loop_run(bench->loop, NULL);
	double seconds = clock_seconds(clock_monotonic_ns() - begun_ns);
	cpu = cpu_seconds() - cpu;
	printf("%.0f lines/s, %.3f us CPU/line, %lld requests, %lld retried, %lld rejected\n",
	       (double)bench->lines / seconds, cpu / (double)bench->lines * 1e6,
	       (long long)figure_get(&bench->figures, FIGURE_REQUESTS),
	       (long long)figure_get(&bench->figures, FIGURE_LINES_RETRIED),
	       (long long)figure_get(&bench->figures, FIGURE_LINES_REJECTED));
	sender_free(bench->sender);
	fetcher_free(plan.fetcher);
	reject_close(&reject);
}

int main(int argc, char **argv)
{
	static char name[] = "bench", database[] = "bench";
	if (argc != 7) {
		fputs("usage: push URL LINES BATCH CONNECTIONS gzip|plain FOLDER\n", stderr);
		return 2;
	}
	struct influx_settings settings = {
		.name = name,
		.url = argv[1],
		.database = database,
		.compresses = strcmp(argv[5], "gzip") == 0,
		.batch_lines = atoll(argv[3]),
		.batch_bytes = 32 * 1024 * 1024,
		.flush_interval_ns = 50 * NS_PER_MS, /* the last batch is not full: a second would count */
		.connections = atoll(argv[4]),
		.timeout_ns = 60 * NS_PER_SECOND,
		.queue_bytes = INT64_MAX,
	};
	struct journal_plan plan = {.folder = argv[6], .segment_bytes = 16 * 1024 * 1024, .sync = JOURNAL_SYNC_NEVER};
	struct bench bench = {.loop = loop_create(0, NULL), .lines = strtoull(argv[2], NULL, 10)};
	struct err err = {0};
	bench.journal = journal_open(&plan, (struct journal_position){0}, &err);
	if (bench.journal == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	double cpu = cpu_seconds();
	fill(&bench);
	printf("log: %.3f us CPU/line to make and append; ", (cpu_seconds() - cpu) / (double)bench.lines * 1e6);
	deliver(&bench, &settings, argv[6]);
	journal_close(bench.journal);
	loop_free(bench.loop);
	return 0;
}
