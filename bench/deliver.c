/*
 * deliver.c - what it costs to publish a result, and what is computed about it.
 *
 * Hands results of TARGETS targets, one a second each, to a pipeline as the workers do: series, last results, lines to
 * a file. No packets, and a wall clock of its own, so that it says what only the daemon's own code costs: in the time
 * that a result of all targets in turn takes, with nothing of them left in the caches. Prints microseconds of CPU a
 * result (of all threads, of this one) and bytes of resident memory a target.
 *
 * build: cmake --preset release && cmake --build build/release --target netsonde
 *        cc -O2 -flto=auto -D_GNU_SOURCE -I. bench/deliver.c -o build/deliver
 * build/release/libnetsonde_{daemon,probes,\
 *           exporter,influx,geo,qos,core}.a -lmaxminddb -lconfig -lseccomp -lldns -ljansson -lcurl -lssl -lcrypto \
 *           -lcrypt -lpcre2-8 -lyaml -lz -lbrotlidec -lbrotlicommon -levent_core -levent_extra -levent_openssl
 * -levent_pthreads -lcares -lm -lpthread usage: deliver FOLDER WHAT TARGETS WARM_UP SECONDS       deliver /dev/shm asp
 * 65000 60 30 WHAT: a (availability), s (scores), p (place), l (lines are wanted); in any order, or - for none of them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "daemon/assessment.h"
#include "daemon/availability.h"
#include "daemon/availability_keeper.h"
#include "daemon/config.h"
#include "daemon/history.h"
#include "daemon/pipeline.h"
#include "daemon/quality.h"
#include "exporter/series.h"
#include "geo/geo.h"
#include "influx/influx.h"

#define BEGIN_NS      INT64_C(1700000000000000000)
#define HISTORY_BYTES ((size_t)32 << 20)
#define ONE_MORE      1664525u
#define ONE_APART     1013904223u

enum {
	SENT,
	RECEIVED,
	DUPLICATES,
	LATE,
	REORDERED,
	LOST_LOCALLY,
	RTT,
	RTT_MIN,
	RTT_AVG,
	RTT_MAX,
	LOSS,
	HOPS,
	MEASURES
};
static const struct measure measures[MEASURES] = {
	[SENT] = {"sent_total", MEASURE_COUNTER, "Requests sent"},
	[RECEIVED] = {"received_total", MEASURE_COUNTER, "Replies in time"},
	[DUPLICATES] = {"duplicates_total", MEASURE_COUNTER, "Replies that came twice"},
	[LATE] = {"late_total", MEASURE_COUNTER, "Replies that came too late"},
	[REORDERED] = {"reordered_total", MEASURE_COUNTER, "Replies that came after a later one"},
	[LOST_LOCALLY] = {"lost_locally_total", MEASURE_COUNTER, "Replies that we dropped"},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip times"},
	[RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest"},
	[RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, "Average"},
	[RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, "Longest"},
	[LOSS] = {"loss_ratio", MEASURE_GAUGE, "Loss"},
	[HOPS] = {"reply_hop_limit", MEASURE_INTEGER, "Time to live"},
};
static const struct measure_set ping_set = {.name = "ping", .measures = measures, .n = MEASURES};

struct target {
	char name[16];
	struct publication publication;
};

struct bench {
	size_t ntargets;
	struct target *targets;
	uint32_t random;
	struct loop *loop;
	struct slabs *slabs;
	struct series_store *store;
	struct history *history;
	struct influx_settings output;
	struct influx *influx;
	struct influx_port *port;
	struct geo_settings geo_settings;
	struct geo_override override;
	struct geo *geo;
	struct config_qos qos;
	struct quality *quality;
	struct availability_desk desk;
	struct assessor_use uses[ASSESSORS_MAX];
	size_t nuses;
	struct pipeline *pipeline;
};

static const struct label agent_labels[] = {{"agent", "bench"}};

static void fail(const char *what, const struct err *err)
{
	fprintf(stderr, "deliver: %s: %s\n", what, err->text);
	exit(1);
}

static void open_outputs(struct bench *bench, char *path, bool wants_lines)
{
	const struct influx_settings *outputs = &bench->output;
	struct err err = {0};

	bench->output.name = (char *)"file";
	bench->output.path = path;
	bench->output.rotate_bytes = 256 << 20;
	bench->output.keep = 1;
	bench->influx = influx_create(&outputs, wants_lines, NULL, &err);
	if (!bench->influx || influx_start(bench->influx, &err) == -1)
		fail(path, &err);
	bench->port = influx_port_open(bench->influx, bench->loop);
}

static void set(struct geo_override *override, const char *name, const char *text)
{
	struct err err = {0};

	if (option_set_text(option_find(geo_override_options, geo_override_noptions, name), override, text, &err) == -1)
		fail(name, &err);
}

static void open_places(struct bench *bench)
{
	const struct geo_override *overrides[] = {&bench->override};
	const struct edition_plan plan = {&bench->geo_settings, overrides, 1, NULL, {50.11, 8.68}};
	struct err err = {0};
	struct edition *edition;

	option_set_defaults(geo_options, geo_noptions, &bench->geo_settings);
	option_set_defaults(geo_override_options, geo_override_noptions, &bench->override);
	set(&bench->override, "networks", "10.77.0.0/16");
	set(&bench->override, "country", "DE");
	set(&bench->override, "city", "Ulm");
	set(&bench->override, "asn", "64500");
	set(&bench->override, "latitude", "48.4");
	set(&bench->override, "longitude", "9.99");
	bench->geo = geo_create();
	edition = geo_prepare(bench->geo, &plan, &err);
	if (!edition)
		fail("geo", &err);
	geo_apply(bench->geo, edition);
}

static void open_assessors(struct bench *bench, const char *what)
{
	if (strchr(what, 's')) {
		config_set_qos_defaults(&bench->qos);
		bench->quality = quality_create(&bench->qos);
		bench->uses[bench->nuses++] = (struct assessor_use){&quality_assessor, bench->quality};
	}
	if (strchr(what, 'a')) {
		bench->desk = (struct availability_desk){availability_keeper_open(NULL), 2};
		bench->uses[bench->nuses++] = (struct assessor_use){&availability_assessor, &bench->desk};
	}
}

static void open_pipeline(struct bench *bench, bool wants_lines)
{
	const struct pipeline_plan plan = {
		.store = bench->store,
		.wants_lines = wants_lines,
		.agent_labels = agent_labels,
		.nagent_labels = 1,
		.boot = "0123456789abcdef",
		.history = bench->history,
		.geo = bench->geo,
		.assessors = bench->uses,
		.nassessors = bench->nuses,
		.slabs = bench->slabs,
	};

	bench->pipeline = pipeline_create(&plan);
	pipeline_set_port(bench->pipeline, bench->port);
}

static void open_targets(struct bench *bench)
{
	bench->targets = mem_zero(bench->ntargets, sizeof(*bench->targets));
	for (size_t i = 0; i < bench->ntargets; i++) {
		struct target *target = &bench->targets[i];

		snprintf(target->name, sizeof(target->name), "host-%05u", (unsigned)i);
		const struct subject subject = {target->name, "probe", "ping", NULL, 0};
		publication_open(&target->publication, bench->pipeline, &subject);
		publication_assess(&target->publication, NS_PER_SECOND);
	}
}

static int64_t next_rtt_ns(struct bench *bench)
{
	bench->random = bench->random * ONE_MORE + ONE_APART;
	return 10000000 + (bench->random >> 12);
}

static void deliver(struct bench *bench, size_t i, int64_t run)
{
	struct publication *publication = &bench->targets[i].publication;
	int64_t rtt_ns = next_rtt_ns(bench);
	double rtt = clock_seconds(rtt_ns);
	const struct reading readings[] = {
		reading_integer(SENT, run),         reading_integer(RECEIVED, run), reading_integer(DUPLICATES, 0),
		reading_integer(LATE, 0),           reading_integer(REORDERED, 0),  reading_integer(LOST_LOCALLY, 0),
		reading_histogram(RTT, &rtt_ns, 1), reading_number(RTT_MIN, rtt),   reading_number(RTT_AVG, rtt),
		reading_number(RTT_MAX, rtt),       reading_number(LOSS, 0),        reading_integer(HOPS, 64),
	};
	const struct row row = {&ping_set, NULL, 0, readings, MEASURES};
	struct sample sample = {
		.subject = &publication->subject,
		.begun_realtime_ns = BEGIN_NS + run * NS_PER_SECOND + (int64_t)(i * (1000000000 / bench->ntargets)),
		.took_ns = rtt_ns,
		.run = (uint64_t)run,
		.lookup_ns = -1,
		.rows = &row,
		.nrows = 1,
	};

	sample.address.family = ADDRESS_IPV4;
	sample.address.bytes[0] = 10;
	sample.address.bytes[1] = 77;
	sample.address.bytes[2] = (uint8_t)(i >> 8);
	sample.address.bytes[3] = (uint8_t)i;
	publication_deliver(publication, &sample);
}

static double cpu_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long resident_bytes(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file && fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static void run_seconds(struct bench *bench, int64_t from, int64_t to)
{
	for (int64_t run = from; run < to; run++)
		for (size_t i = 0; i < bench->ntargets; i++)
			deliver(bench, i, run);
}

/* A name of its own for what is measured: valgrind --tool=callgrind --toggle-collect=run_measured counts it alone. */
void run_measured(struct bench *bench, int64_t from, int64_t to) __attribute__((noinline, used, externally_visible));
void run_measured(struct bench *bench, int64_t from, int64_t to)
{
	run_seconds(bench, from, to);
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	struct err err = {0};
	char path[256];

	if (argc != 6) {
		fprintf(stderr, "usage: deliver FOLDER WHAT TARGETS WARM_UP SECONDS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/deliver.%d.lines", argv[1], (int)getpid());
	bench.ntargets = (size_t)atol(argv[3]);
	bench.loop = loop_create(0, &err);
	if (!bench.loop)
		fail("loop", &err);
	bench.slabs = slabs_create();
	bench.store = series_store_create(1, 20000000);
	bench.history = history_create(HISTORY_BYTES);
	open_outputs(&bench, path, strchr(argv[2], 'l') != NULL);
	if (strchr(argv[2], 'p'))
		open_places(&bench);
	open_assessors(&bench, argv[2]);
	open_pipeline(&bench, strchr(argv[2], 'l') != NULL);
	long before_bytes = resident_bytes();
	open_targets(&bench);
	int64_t warm = atol(argv[4]), seconds = atol(argv[5]);
	run_seconds(&bench, 1, 1 + warm);
	double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID), own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
	run_measured(&bench, 1 + warm, 1 + warm + seconds);
	all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
	own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own;
	double results = (double)seconds * (double)bench.ntargets;
	printf("%-5s %8.3f %8.3f us a result (all threads, the worker) %6ld bytes a target, %zu series\n", argv[2],
	       all / results * 1e6, own / results * 1e6, (resident_bytes() - before_bytes) / (long)bench.ntargets,
	       series_store_count(bench.store));
	unlink(path);
	strcat(path, ".1");
	unlink(path);
	fflush(stdout);
	_exit(0);
}
