#include "daemon/own.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/api_probe.h"
#include "daemon/api_v2.h"
#include "daemon/api_web.h"
#include "daemon/availability_keeper.h"
#include "daemon/events.h"
#include "daemon/reload.h"
#include "daemon/target_files.h"
#include "daemon/trigger.h"
#include "daemon/worker.h"
#include "exporter/exporter.h"
#include "exporter/series.h"
#include "geo/geo.h"
#include "influx/influx.h"
#include "influx/line.h"
#include "probes/engine.h"

/* Readings of one row that somebody else fills: more than any of them has. */
#define READINGS_MAX 32

/* --- sets -------------------------------------------------------------------------------------------------------- */

static const struct measure build_measures[] = {
	{"info", MEASURE_INFO, "Which netsonde this is: its version and the compiler that built it"},
};
static const char *const build_labels[] = {"version", "compiler", NULL};
static const struct measure_set build_set = {"build", build_measures, 1, build_labels, "The program"};

enum {
	PROCESS_CPU,
	PROCESS_RESIDENT,
	PROCESS_OPEN_FDS,
	PROCESS_MAX_FDS,
	PROCESS_START,
	PROCESS_THREADS,
	PROCESS_MEASURES
};
static const struct measure process_measures[PROCESS_MEASURES] = {
	[PROCESS_CPU] = {"cpu_seconds_total", MEASURE_COUNTER_SECONDS, "CPU time used, user and system"},
	[PROCESS_RESIDENT] = {"resident_memory_bytes", MEASURE_INTEGER, "Resident memory"},
	[PROCESS_OPEN_FDS] = {"open_fds", MEASURE_INTEGER, "Open file descriptors"},
	[PROCESS_MAX_FDS] = {"max_fds", MEASURE_INTEGER, "Most file descriptors that may be open"},
	[PROCESS_START] = {"start_time_seconds", MEASURE_GAUGE, "When the daemon started, in seconds since the epoch"},
	[PROCESS_THREADS] = {"threads", MEASURE_INTEGER, "Threads of the process"},
};
static const struct measure_set process_set = {
	.name = "process",
	.measures = process_measures,
	.n = PROCESS_MEASURES,
	.help = "The process",
};

enum {
	CONFIG_SUCCESSFUL,
	CONFIG_TIME,
	CONFIG_ACCEPTED,
	CONFIG_REFUSED,
	CONFIG_RESTART,
	CONFIG_TARGETS,
	CONFIG_PROBES,
	CONFIG_UNOPENED,
	CONFIG_PARKED,
	CONFIG_MEASURES
};
static const struct measure config_measures[CONFIG_MEASURES] = {
	[CONFIG_SUCCESSFUL] = {"last_reload_successful", MEASURE_INTEGER,
			       "Whether the configuration that was read last was accepted (1) or refused (0)"},
	[CONFIG_TIME] = {"last_reload_success_timestamp_seconds", MEASURE_GAUGE,
			 "When a configuration was accepted last, in seconds since the epoch"},
	[CONFIG_ACCEPTED] = {"accepted_total", MEASURE_COUNTER,
			     "Configurations that were accepted, with the one at the start"},
	[CONFIG_REFUSED] = {"refused_total", MEASURE_COUNTER,
			    "Configurations that were refused: the one before stayed in force"},
	[CONFIG_RESTART] =
		{"restart_needed", MEASURE_INTEGER,
		 "Whether something of the configuration comes into force only after a restart (1), which the "
		 "log and /config name"},
	[CONFIG_TARGETS] = {"targets", MEASURE_INTEGER, "Targets in force"},
	[CONFIG_PROBES] = {"probes", MEASURE_INTEGER, "Probes in force: one for each target and way to measure it"},
	[CONFIG_UNOPENED] = {"probes_unopened", MEASURE_INTEGER,
			     "Probes of these that could not be opened when they were added; the log says why"},
	[CONFIG_PARKED] = {"targets_parked", MEASURE_INTEGER,
			   "Targets of the configuration that are not measured, since they have enabled = false"},
};
static const struct measure_set config_set = {
	.name = "config",
	.measures = config_measures,
	.n = CONFIG_MEASURES,
	.help = "The configuration in force",
};

enum { SERIES_EXPOSED, SERIES_LIMIT, SERIES_REFUSED, SERIES_MEASURES };
static const struct measure series_measures[SERIES_MEASURES] = {
	[SERIES_EXPOSED] = {"exposed", MEASURE_INTEGER, "Series of probes that /metrics has now"},
	[SERIES_LIMIT] = {"limit", MEASURE_INTEGER, "Most series of probes that /metrics may have (web.max_series)"},
	[SERIES_REFUSED] = {"refused_total", MEASURE_COUNTER, "Series left out because the limit was reached"},
};
static const struct measure_set series_set = {
	.name = "series",
	.measures = series_measures,
	.n = SERIES_MEASURES,
	.help = "The store behind /metrics",
};

const struct measure_set *const own_sets[] = {
	&build_set,        &process_set,
	&config_set,       &series_set,
	&worker_set,       &engine_set,
	&influx_set,       &influx_log_set,
	&target_files_set, &exporter_set,
	&api_probe_set,    &api_probe_refused_set,
	&api_web_set,      &api_web_refused_set,
	&api_v2_set,       &trigger_set,
	&events_set,       &availability_keeper_set,
	&geo_database_set, &geo_cache_set,
	&geo_agent_set,    NULL,
};

/* --- life -------------------------------------------------------------------------------------------------------- */

struct own {
	struct own_plan plan;
	const struct exporter *exporter;
	const struct api_probe *probe;
	const struct api_web *api;
	const struct api_v2 *jobs;
	double started_seconds;
	atomic_bool is_accepted;
	atomic_llong accepted_ns;
	atomic_llong accepted, refused;
	atomic_bool is_restart_needed;
	atomic_size_t targets, probes, unopened, parked;

	/* lines */
	struct loop *loop;
	struct influx_port *port;
	struct line_tags tags;
	struct alarm alarm;
	int64_t due_ns;
};

struct own *own_create(const struct own_plan *plan)
{
	struct own *own = mem_zero(1, sizeof(*own));

	own->plan = *plan;
	own->started_seconds = clock_seconds(clock_realtime_ns());
	atomic_init(&own->is_accepted, false);
	atomic_init(&own->accepted_ns, 0);
	atomic_init(&own->targets, 0);
	atomic_init(&own->probes, 0);
	atomic_init(&own->unopened, 0);
	atomic_init(&own->parked, 0);
	atomic_init(&own->accepted, 0);
	atomic_init(&own->refused, 0);
	atomic_init(&own->is_restart_needed, false);
	line_tags_make(&own->tags, plan->agent_labels, plan->nagent_labels);
	return own;
}

void own_free(struct own *own)
{
	if (!own)
		return;
	line_tags_free(&own->tags);
	mem_free(own);
}

void own_set_exporter(struct own *own, const struct exporter *exporter)
{
	own->exporter = exporter;
}

void own_set_probe(struct own *own, const struct api_probe *probe)
{
	own->probe = probe;
}

void own_set_api(struct own *own, const struct api_web *api, const struct api_v2 *jobs)
{
	own->api = api;
	own->jobs = jobs;
}

void own_read_health(const struct own *own, bool *is_accepted, bool *is_restart_needed)
{
	*is_accepted = atomic_load(&own->is_accepted);
	*is_restart_needed = atomic_load(&own->is_restart_needed);
}

void own_note_accepted(struct own *own, size_t targets, size_t probes)
{
	own_note_targets(own, targets, probes);
	atomic_fetch_add(&own->accepted, 1);
	atomic_store(&own->accepted_ns, clock_realtime_ns());
	atomic_store(&own->is_accepted, true);
}

void own_note_refused(struct own *own)
{
	atomic_fetch_add(&own->refused, 1);
	atomic_store(&own->is_accepted, false);
}

void own_note_targets(struct own *own, size_t targets, size_t probes)
{
	atomic_store(&own->targets, targets);
	atomic_store(&own->probes, probes);
}

void own_note_parked(struct own *own, size_t targets)
{
	atomic_store(&own->parked, targets);
}

void own_note_unopened(struct own *own, size_t probes)
{
	atomic_store(&own->unopened, probes);
}

void own_note_restart(struct own *own, bool is_needed)
{
	atomic_store(&own->is_restart_needed, is_needed);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Whoever takes the rows, and the label that the next ones have. */
struct taker {
	void (*add)(void *arg, const struct row *row);
	void *arg;
	struct label label;
};

static void give(const struct taker *taker, const struct measure_set *set, const struct reading *readings, size_t n)
{
	const struct row row = {set, &taker->label, taker->label.name ? 1 : 0, readings, n};

	taker->add(taker->arg, &row);
}

static void give_to(void *arg, const struct measure_set *set, const struct reading *readings, size_t n)
{
	give(arg, set, readings, n);
}

static void read_build(const struct taker *taker)
{
	static const struct label labels[] = {{"version", NETSONDE_VERSION}, {"compiler", __VERSION__}};
	const struct reading reading = reading_integer(0, 1);
	const struct row row = {&build_set, labels, 2, &reading, 1};

	taker->add(taker->arg, &row);
}

static int64_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t n = -3; /* ".", "..", and the one that reads the folder */

	if (!folder)
		return -1;
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

/* Threads and resident pages: fields 20 and 24 of /proc/self/stat (proc(5)); the second field may hold anything but
 * ends with the last parenthesis. */
static int read_stat(int64_t *threads, int64_t *pages)
{
	char line[1024], *rest;
	FILE *file = fopen("/proc/self/stat", "re");
	size_t n;
	long thread_count, page_count;

	if (!file)
		return -1;
	n = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[n] = '\0';
	rest = strrchr(line, ')');
	if (!rest ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %*u %*u %ld",
		   &thread_count, &page_count) != 2)
		return -1;
	*threads = thread_count;
	*pages = page_count;
	return 0;
}

static int64_t cpu_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == -1)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static void read_process(const struct own *own, const struct taker *taker)
{
	struct reading readings[PROCESS_MEASURES];
	int64_t threads = 0, pages = 0, descriptors = count_descriptors();
	bool has_stat = read_stat(&threads, &pages) == 0;
	struct rlimit limit;
	size_t n = 0;

	readings[n++] = reading_integer(PROCESS_CPU, cpu_ns());
	if (has_stat)
		readings[n++] = reading_integer(PROCESS_RESIDENT, pages * sysconf(_SC_PAGESIZE));
	if (descriptors >= 0)
		readings[n++] = reading_integer(PROCESS_OPEN_FDS, descriptors);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		readings[n++] = reading_integer(PROCESS_MAX_FDS, (int64_t)limit.rlim_cur);
	readings[n++] = reading_number(PROCESS_START, own->started_seconds);
	if (has_stat)
		readings[n++] = reading_integer(PROCESS_THREADS, threads);
	give(taker, &process_set, readings, n);
}

static void read_config(struct own *own, const struct taker *taker)
{
	int64_t accepted_ns = atomic_load(&own->accepted_ns);
	struct reading readings[CONFIG_MEASURES] = {
		reading_integer(CONFIG_SUCCESSFUL, atomic_load(&own->is_accepted)),
		reading_number(CONFIG_TIME, clock_seconds(accepted_ns)),
		reading_integer(CONFIG_ACCEPTED, atomic_load(&own->accepted)),
		reading_integer(CONFIG_REFUSED, atomic_load(&own->refused)),
		reading_integer(CONFIG_RESTART, atomic_load(&own->is_restart_needed)),
		reading_integer(CONFIG_TARGETS, (int64_t)atomic_load(&own->targets)),
		reading_integer(CONFIG_PROBES, (int64_t)atomic_load(&own->probes)),
		reading_integer(CONFIG_UNOPENED, (int64_t)atomic_load(&own->unopened)),
		reading_integer(CONFIG_PARKED, (int64_t)atomic_load(&own->parked)),
	};

	give(taker, &config_set, readings, CONFIG_MEASURES);
}

static void read_series(const struct own *own, const struct taker *taker)
{
	const struct series_store *store = own->plan.store;
	struct reading readings[SERIES_MEASURES] = {
		reading_integer(SERIES_EXPOSED, (int64_t)series_store_count(store)),
		reading_integer(SERIES_LIMIT, (int64_t)own->plan.max_series),
		reading_integer(SERIES_REFUSED, (int64_t)series_store_refused(store)),
	};

	give(taker, &series_set, readings, SERIES_MEASURES);
}

static void read_events(const struct worker *worker, const struct label *label, const struct taker *taker)
{
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
		const struct label labels[] = {*label, {"kind", event_kind_name((enum event_kind)kind)}};
		const struct reading reading = events_read(worker_events(worker), (enum event_kind)kind);
		const struct row row = {&events_set, labels, 2, &reading, 1};

		taker->add(taker->arg, &row);
	}
}

static void read_workers(const struct own *own, struct taker *taker)
{
	struct reading readings[READINGS_MAX];

	for (size_t i = 0; i < own->plan.nworkers; i++) {
		const struct worker *worker = own->plan.workers[i];
		const struct engine *engine = worker_engine(worker);
		char index[TEXT_NUMBER_MAX];

		snprintf(index, sizeof(index), "%zu", i);
		taker->label = (struct label){"worker", index};
		give(taker, &worker_set, readings, worker_read(worker, readings));
		give(taker, &engine_set, readings, engine_read(engine, readings));
		engine_read_services(engine, give_to, taker);
		give(taker, &trigger_set, readings, trigger_desk_read(worker_triggers(worker), readings));
		read_events(worker, &taker->label, taker);
	}
	taker->label = (struct label){0};
}

static void give_output(void *arg, const struct measure_set *set, const char *name, const struct reading *readings,
			size_t n)
{
	struct taker *taker = arg;

	taker->label = name ? (struct label){"name", name} : (struct label){0};
	give(taker, set, readings, n);
}

static void read_outputs(const struct own *own, struct taker *taker)
{
	if (own->plan.influx)
		influx_read(own->plan.influx, give_output, taker);
	taker->label = (struct label){0};
}

static void give_file(void *arg, const char *file, const struct reading *readings, size_t n)
{
	struct taker *taker = arg;

	taker->label = (struct label){"file", file};
	give(taker, &target_files_set, readings, n);
}

static void read_files(const struct own *own, struct taker *taker)
{
	if (own->plan.reload)
		reload_read_files(own->plan.reload, give_file, taker);
	taker->label = (struct label){0};
}

static void give_probe(void *arg, const struct measure_set *set, const char *reason, const struct reading *readings,
		       size_t n)
{
	struct taker *taker = arg;

	taker->label = reason ? (struct label){"reason", reason} : (struct label){0};
	give(taker, set, readings, n);
}

static void read_probe(const struct own *own, struct taker *taker)
{
	if (own->probe)
		api_probe_read(own->probe, give_probe, taker);
	taker->label = (struct label){0};
}

static void read_api(const struct own *own, struct taker *taker)
{
	struct reading readings[READINGS_MAX];

	if (own->api)
		api_web_read(own->api, give_probe, taker);
	taker->label = (struct label){0};
	if (own->jobs)
		give(taker, &api_v2_set, readings, api_v2_read(own->jobs, readings));
}

void own_read(struct own *own, void (*add)(void *arg, const struct row *row), void *arg)
{
	struct taker taker = {.add = add, .arg = arg};
	struct reading readings[READINGS_MAX];

	read_build(&taker);
	read_process(own, &taker);
	read_config(own, &taker);
	read_series(own, &taker);
	read_workers(own, &taker);
	read_outputs(own, &taker);
	read_files(own, &taker);
	read_probe(own, &taker);
	read_api(own, &taker);
	if (own->plan.keeper)
		give(&taker, &availability_keeper_set, readings, availability_keeper_read(own->plan.keeper, readings));
	if (own->plan.geo)
		geo_read(own->plan.geo, add, arg);
	if (own->exporter)
		give(&taker, &exporter_set, readings, exporter_read(own->exporter, readings));
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

struct writing {
	struct own *own;
	struct influx_port *port;
	int64_t stamp_ns;
};

static void write_row(void *arg, const struct row *row)
{
	struct writing *writing = arg;
	struct text *buffer = influx_port_buffer(writing->port);

	if (buffer)
		influx_port_added(writing->port,
				  (unsigned)line_format(buffer, &writing->own->tags, row, NULL, writing->stamp_ns));
	else
		influx_port_lost(writing->port, 1);
}

void own_write(struct own *own, struct influx_port *port)
{
	struct writing writing = {own, port, clock_realtime_ns()};

	own_read(own, write_row, &writing);
}

static void ring(void *arg)
{
	struct own *own = arg;
	int64_t now_ns = clock_monotonic_ns();

	own_write(own, own->port);
	do
		own->due_ns += OWN_INTERVAL_SECONDS * NS_PER_SECOND;
	while (own->due_ns <= now_ns);
	alarm_set(own->loop, &own->alarm, own->due_ns);
}

void own_start(struct own *own, struct loop *loop, struct influx_port *port)
{
	own->loop = loop;
	own->port = port;
	alarm_prepare(&own->alarm, ring, own);
	own->due_ns = clock_monotonic_ns() + OWN_INTERVAL_SECONDS * NS_PER_SECOND;
	alarm_set(loop, &own->alarm, own->due_ns);
}

void own_stop(struct own *own)
{
	if (own && own->loop)
		alarm_cancel(own->loop, &own->alarm);
}
