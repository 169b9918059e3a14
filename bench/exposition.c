/*
 * exposition.c - what a scrape costs: CPU per 1000 series, plain and gzip, and memory while the page is made.
 *
 * Fills a store with N targets, each as a ping probe leaves it: a row with 17 plain values and a histogram, a row of
 * the probe as a whole, one with the reason of the last failure, and one with where the target is. Then renders the
 * whole page ROUNDS times in pieces of 128 KiB, as the HTTP server does, and forgets the pieces. With WRITERS > 0 that
 * many threads update all targets meanwhile, as fast as they can. build: cmake -S . -B build/release --preset release
 * && ninja -C build/release netsonde_exporter
 *        cc -O2 -D_GNU_SOURCE -I. bench/exposition.c -o build/exposition build/release/libnetsonde_exporter.a \
 *           build/release/libnetsonde_core.a -lz -levent -levent_pthreads -lcares -lm -lpthread
 * usage: exposition TARGETS [ROUNDS [WRITERS]]     exposition 22000 5
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/gzip.h"
#include "core/text.h"
#include "exporter/render.h"
#include "exporter/series.h"

#define PLAIN_VALUES 17
#define PIECE_BYTES  ((size_t)128 * 1024)

static const struct measure ping_measures[PLAIN_VALUES + 1] = {
	{"sent_total", MEASURE_COUNTER, "Requests sent"},
	{"received_total", MEASURE_COUNTER, "Replies received in time"},
	{"late_total", MEASURE_COUNTER, "Replies that came too late"},
	{"duplicate_total", MEASURE_COUNTER, "Replies that came twice"},
	{"reordered_total", MEASURE_COUNTER, "Replies that came after a later one"},
	{"corrupt_total", MEASURE_COUNTER, "Replies with other bytes than were sent"},
	{"unreachable_total", MEASURE_COUNTER, "Requests answered by an error"},
	{"rtt_sum_seconds_total", MEASURE_COUNTER_SECONDS, "Sum of all round-trip times"},
	{"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time of the run"},
	{"rtt_avg_seconds", MEASURE_GAUGE, "Mean round-trip time of the run"},
	{"rtt_max_seconds", MEASURE_GAUGE, "Longest round-trip time of the run"},
	{"jitter_seconds", MEASURE_GAUGE, "Interarrival jitter"},
	{"loss_ratio", MEASURE_GAUGE, "Share of requests without a reply"},
	{"reply_ttl", MEASURE_INTEGER, "TTL of the last reply"},
	{"reply_bytes", MEASURE_INTEGER, "Size of the last reply"},
	{"run_seconds", MEASURE_GAUGE, "Duration of the run"},
	{"success", MEASURE_INTEGER, "Whether the run succeeded"},
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip times"},
};
static const struct measure_set ping_set = {"ping", ping_measures, PLAIN_VALUES + 1, NULL, "ping"};

static const struct measure probe_measures[] = {
	{"runs_total", MEASURE_COUNTER, "Runs"},
	{"skipped_total", MEASURE_COUNTER, "Turns skipped"},
	{"failures_total", MEASURE_COUNTER, "Failed runs by reason"},
};
static const struct measure_set probe_set = {"probe", probe_measures, 3, NULL, "probe"};

static const struct measure target_measures[] = {{"info", MEASURE_INFO, "Where the target is"}};
static const struct measure_set target_set = {"target", target_measures, 1, NULL, "target"};

static double cpu_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t resident_bytes(void)
{
	unsigned long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file)
		return 0;
	if (fscanf(file, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void update(struct series *series, unsigned i, unsigned run)
{
	struct reading ping[PLAIN_VALUES + 1], probe[2], failures[1], target[1];
	int64_t rtt_ns = 800000 + (int64_t)((i * 2654435761u + run * 40503u) % 90000000u);
	for (unsigned k = 0; k < PLAIN_VALUES; k++) {
		if (ping_measures[k].kind == MEASURE_GAUGE)
			ping[k] = reading_number(k, (double)(rtt_ns + k * 1009) / 1e9);
		else
			ping[k] = reading_integer(k, k < 7 ? run + (k < 2 ? 86400 + i % 1000 : 0) : rtt_ns % 1500);
	}
	ping[PLAIN_VALUES] = reading_histogram(PLAIN_VALUES, &rtt_ns, 1);
	probe[0] = reading_integer(0, 86400 + run);
	probe[1] = reading_integer(1, 0);
	failures[0] = reading_integer(2, i % 7);
	target[0] = reading_integer(0, 1);
	char address[32], asn[16];
	snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
	snprintf(asn, sizeof(asn), "AS%u", 64496 + i % 1000);
	const struct label reason[] = {{"reason", "timeout"}};
	const struct label place[] = {
		{"address", address}, {"country", "DE"}, {"city", "Frankfurt am Main"}, {"asn", asn}};
	const struct row rows[] = {
		{&ping_set, NULL, 0, ping, PLAIN_VALUES + 1},
		{&probe_set, NULL, 0, probe, 2},
		{&probe_set, reason, 1, failures, 1},
		{&target_set, place, 4, target, 1},
	};
	series_update(series, rows, 4);
}

struct work {
	struct series **series;
	unsigned n, first, step;
	_Atomic bool *stops;
	unsigned long updates;
	double cpu;
};

static void *run_writer(void *arg)
{
	struct work *work = arg;
	double begun = cpu_seconds();
	for (unsigned run = 2; !atomic_load(work->stops); run++) {
		for (unsigned i = work->first; i < work->n; i += work->step, work->updates++)
			update(work->series[i], i, run);
	}
	work->cpu = cpu_seconds() - begun;
	return NULL;
}

static void render_page(struct series_store *store, enum render_format format, bool compresses, const char *what)
{
	size_t before = resident_bytes(), peak = before, bytes = 0, sent = 0;
	struct text page = {0}, compressed = {0};
	double begun = cpu_seconds();
	struct render *render =
		render_create(&(struct render_plan){.store = store, .format = format, .shard = 0, .shards = 1});
	struct gzip *gzip = compresses ? gzip_create(1) : NULL;
	bool is_more = true;
	for (unsigned piece = 0; is_more; piece++) {
		text_clear(&page);
		is_more = render_more(render, &page, PIECE_BYTES);
		bytes += page.length;
		if (gzip) {
			text_clear(&compressed);
			gzip_write(gzip, page.bytes, page.length, !is_more, &compressed);
		}
		sent += gzip ? compressed.length : page.length;
		if (piece % 16 == 0) {
			size_t now = resident_bytes();
			peak = now > peak ? now : peak;
		}
	}
	render_free(render);
	gzip_free(gzip);
	double cpu = cpu_seconds() - begun;
	size_t series = series_store_count(store);
	printf("%-18s %7.3f s  %7.4f ms/1000 series  %5.1f B/series, %5.1f sent  extra RSS %5zu KiB\n", what, cpu,
	       cpu * 1e6 / (double)series, (double)bytes / (double)series, (double)sent / (double)series,
	       (peak - before) / 1024);
	text_free(&page);
	text_free(&compressed);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0, rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
	unsigned writers = argc > 3 ? (unsigned)atoi(argv[3]) : 0, shards = writers > 0 ? writers : 1;
	if (n == 0) {
		fprintf(stderr, "usage: exposition TARGETS [ROUNDS [WRITERS]]\n");
		return 2;
	}
	struct series_store *store = series_store_create(shards, SIZE_MAX);
	struct series **series = calloc(n, sizeof(*series));
	if (!series)
		return 1;
	struct mallinfo2 heap_before = mallinfo2();
	double begun = cpu_seconds();
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof(name), "target-%05u", i);
		const struct label labels[] = {
			{"target", name}, {"probe", "fast_ping"}, {"site", "dc1"}, {"tier", "edge"}};
		series[i] = series_open(store, i % shards, labels, 4);
		update(series[i], i, 1);
	}
	struct mallinfo2 heap = mallinfo2();
	printf("%u targets, %zu series; %.0f bytes a target; opened in %.2f us each\n", n, series_store_count(store),
	       (double)(heap.uordblks + heap.hblkhd - heap_before.uordblks - heap_before.hblkhd) / n,
	       (cpu_seconds() - begun) * 1e6 / n);
	_Atomic bool stops = false;
	pthread_t *threads = calloc(writers + 1, sizeof(*threads));
	struct work *work = calloc(writers + 1, sizeof(*work));
	for (unsigned i = 0; i < writers; i++) {
		work[i] = (struct work){series, n, i, shards, &stops, 0, 0};
		pthread_create(&threads[i], NULL, run_writer, &work[i]);
	}
	for (unsigned round = 0; round < rounds; round++) {
		render_page(store, RENDER_TEXT, false, "text");
		render_page(store, RENDER_OPENMETRICS, false, "openmetrics");
		render_page(store, RENDER_OPENMETRICS, true, "openmetrics gzip");
	}
	atomic_store(&stops, true);
	for (unsigned i = 0; i < writers; i++) {
		pthread_join(threads[i], NULL);
		printf("writer %u: %lu updates, %.3f us each\n", i, work[i].updates,
		       work[i].cpu * 1e6 / (double)work[i].updates);
	}
	if (writers == 0) {
		begun = cpu_seconds();
		for (unsigned i = 0; i < n; i++)
			update(series[i], i, 2);
		printf("update: %.3f us\n", (cpu_seconds() - begun) * 1e6 / n);
	}
	for (unsigned i = 0; i < n; i++)
		series_close(series[i]);
	series_store_free(store);
	free(series);
	free(threads);
	free(work);
	return 0;
}
