/*
 * parts.c - what probes cost that collect many things, each in turns of its own, as those of routers do: memory of a
 * turn, of a run and of a part's series, and CPU of a run with its sample.
 *
 * ROUTERS probes with PARTS parts are opened, then every part delivers ROWS rows of COLUMNS gauges with one label, each
 * part once a second, for SECONDS. build: cmake --preset release && ninja -C build/release netsonde
 *        cc -O2 -D_GNU_SOURCE -I. bench/parts.c -o build/parts
 * build/release/libnetsonde_{daemon,probes,exporter,influx, geo,qos,core}.a (and what pkg-config says of the libraries)
 * usage: parts ROUTERS PARTS ROWS COLUMNS SECONDS     parts 1000 70 5 8 10
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/pipeline.h"
#include "exporter/series.h"
#include "probes/engine.h"

#define COLUMNS_MAX 64
#define ROWS_MAX    1000

static unsigned parts, rows, columns;
static unsigned long runs;

static struct measure measures[COLUMNS_MAX];
static struct measure_set set = {"routeros_things", measures, 0, NULL, "Things"};
static const struct measure collection_measures[] = {{"rows", MEASURE_INTEGER, "Rows"}};
static const struct measure_set collection_set = {"routeros_collection", collection_measures, 1, NULL, "A collection"};
static const struct measure_set *const sets[] = {&collection_set, NULL};

static void *toy_open(struct probe *probe, const void *settings, struct err *err)
{
	(void)settings, (void)err;
	for (unsigned part = 0; part <= parts; part++)
		probe_add_turn(probe, &(struct turn_plan){.interval_ns = NS_PER_SECOND,
							  .timeout_ns = NS_PER_SECOND,
							  .tag = part,
							  .part = (uint16_t)part});
	return probe;
}

static void toy_finish(void *state)
{
	static struct reading readings[ROWS_MAX][COLUMNS_MAX];
	static struct label labels[ROWS_MAX];
	static char names[ROWS_MAX][16];
	static struct row all[ROWS_MAX + 1];
	struct reading count = reading_integer(0, rows);
	struct run *run = state;

	runs++;
	all[0] = (struct row){&collection_set, NULL, 0, &count, 1};
	for (unsigned i = 0; i < rows; i++) {
		snprintf(names[i], sizeof(names[i]), "ether%u", i);
		labels[i] = (struct label){"interface", names[i]};
		for (unsigned k = 0; k < columns; k++)
			readings[i][k] = reading_number(k, (double)(runs + i + k));
		all[i + 1] = (struct row){&set, &labels[i], 1, readings[i], columns};
	}
	run_finish(run, REASON_OK, all, rows + 1);
}

static void *toy_start(struct run *run, void *opened, const void *settings)
{
	(void)opened, (void)settings;
	run_finish_later(run, toy_finish);
	return run;
}

static void toy_deadline(void *state)
{
	run_finish(state, REASON_TIMEOUT, NULL, 0);
}

static void toy_nothing(void *arg)
{
	(void)arg;
}

static const struct probe_type toy = {.name = "toy",
				      .sets = sets,
				      .open = toy_open,
				      .start = toy_start,
				      .deadline = toy_deadline,
				      .stop = toy_nothing,
				      .close = toy_nothing};

static double cpu_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
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

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct loop *loop, int64_t ns)
{
	struct err err = {0};
	struct alarm alarm;
	alarm_prepare(&alarm, stop, loop);
	alarm_set(loop, &alarm, clock_monotonic_ns() + ns);
	loop_run(loop, &err);
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: parts ROUTERS PARTS ROWS COLUMNS SECONDS\n");
		return 2;
	}
	unsigned routers = (unsigned)atoi(argv[1]), seconds = (unsigned)atoi(argv[5]);
	struct publication *publications = mem_zero(routers, sizeof(*publications));
	struct probe **probes = mem_zero(routers, sizeof(struct probe *));
	char(*names)[16] = mem_zero(routers, sizeof(*names));
	struct err err = {0};
	parts = (unsigned)atoi(argv[2]);
	rows = (unsigned)atoi(argv[3]);
	columns = (unsigned)atoi(argv[4]);
	if (parts >= PROBE_PARTS_MAX || rows > ROWS_MAX || columns > COLUMNS_MAX)
		return 2;
	for (unsigned k = 0; k < columns; k++)
		measures[k] = (struct measure){mem_format("value_%u", k), MEASURE_GAUGE, "A value"};
	set.n = columns;
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	struct loop *loop = loop_create(0, &err);
	struct resolver *resolver = resolver_create(loop, "127.0.0.1:9", &err);
	struct engine *engine = engine_create(&(struct engine_plan){.loop = loop, .resolver = resolver});
	struct series_store *store = series_store_create(1, 100000000);
	struct pipeline *pipeline =
		pipeline_create(&(struct pipeline_plan){.store = store, .boot = "0", .slabs = engine_slabs(engine)});

	size_t begun = resident_bytes();
	double cpu = cpu_seconds();
	for (unsigned i = 0; i < routers; i++) {
		snprintf(names[i], sizeof(names[i]), "router%05u", i);
		publication_open(&publications[i], pipeline, &(struct subject){names[i], "routers", "toy", NULL, 0});
		probes[i] = probe_open(engine,
				       &(struct probe_plan){.type = &toy,
							    .subject = &publications[i].subject,
							    .address = "192.0.2.1",
							    .sink = {publication_deliver, NULL, &publications[i]}},
				       &err);
	}
	size_t opened = resident_bytes();
	double turns = (double)routers * (parts + 1), opening = cpu_seconds() - cpu;
	printf("open: %.0f bytes a turn, %.2f us a turn\n", (double)(opened - begun) / turns, opening / turns * 1e6);

	run_for(loop, 2 * NS_PER_SECOND);
	size_t full = resident_bytes();
	printf("with rows: %.0f bytes a part, of %u rows of %u values; %zu series in all, %.1f MB in all\n",
	       (double)(full - opened) / turns, rows, columns, series_store_count(store), (double)full / 1e6);

	unsigned long before = runs;
	cpu = cpu_seconds();
	run_for(loop, seconds * NS_PER_SECOND);
	cpu = cpu_seconds() - cpu;
	printf("runs: %lu a second, %.2f us of CPU each, with its sample; now %.1f MB\n", (runs - before) / seconds,
	       cpu / (double)(runs - before) * 1e6, (double)resident_bytes() / 1e6);
	for (unsigned i = 0; i < routers; i++) {
		probe_close(probes[i]);
		publication_close(&publications[i]);
	}
	pipeline_free(pipeline);
	engine_free(engine);
	series_store_free(store);
	resolver_free(resolver);
	loop_free(loop);
	return 0;
}
