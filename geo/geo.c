#include "geo/geo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "geo/geo_internal.h"

enum {
	DATABASE_LOADED,
	DATABASE_BUILT,
	DATABASE_AGE,
	DATABASE_SIZE,
	DATABASE_SUCCESSFUL,
	DATABASE_ACCEPTED,
	DATABASE_REFUSED,
	DATABASE_MEASURES
};

static const struct measure database_measures[DATABASE_MEASURES] = {
	[DATABASE_LOADED] = {"loaded", MEASURE_INTEGER, "Whether there is a good database to ask (1)"},
	[DATABASE_BUILT] = {"build_timestamp_seconds", MEASURE_GAUGE,
			    "When its maker built it, in seconds since the epoch"},
	[DATABASE_AGE] = {"age_seconds", MEASURE_GAUGE, "How long ago its maker built it"},
	[DATABASE_SIZE] = {"size_bytes", MEASURE_INTEGER, "Memory that it takes: the size of its file"},
	[DATABASE_SUCCESSFUL] = {"last_reload_successful", MEASURE_INTEGER,
				 "Whether the file as it is now was accepted (1), or is bad or not there (0)"},
	[DATABASE_ACCEPTED] = {"accepted_total", MEASURE_COUNTER,
			       "New files that took the place of the one before while the daemon ran"},
	[DATABASE_REFUSED] = {"refused_total", MEASURE_COUNTER,
			      "New files that were bad: the one before stayed in force"},
};
static const char *const database_labels[] = {"file", "type", NULL};
const struct measure_set geo_database_set = {
	.name = "geo_database",
	.measures = database_measures,
	.n = DATABASE_MEASURES,
	.label_names = database_labels,
	.help = "A database of section geo",
};

enum { CACHE_LOOKUPS, CACHE_HITS, CACHE_PLACES, CACHE_MEASURES };
static const struct measure cache_measures[CACHE_MEASURES] = {
	[CACHE_LOOKUPS] = {"lookups_total", MEASURE_COUNTER, "Places asked for: only when an address is a new one"},
	[CACHE_HITS] = {"hits_total", MEASURE_COUNTER, "Places that were known without a look into the databases"},
	[CACHE_PLACES] = {"places", MEASURE_INTEGER, "Places kept"},
};
const struct measure_set geo_cache_set = {
	.name = "geo_cache",
	.measures = cache_measures,
	.n = CACHE_MEASURES,
	.help = "The caches of places, of all workers together",
};

enum { AGENT_LATITUDE, AGENT_LONGITUDE, AGENT_MEASURES };
static const struct measure agent_measures[AGENT_MEASURES] = {
	[AGENT_LATITUDE] = {"latitude", MEASURE_GAUGE, "Where this agent stands, in degrees; south is negative"},
	[AGENT_LONGITUDE] = {"longitude", MEASURE_GAUGE, "Where this agent stands, in degrees; west is negative"},
};
const struct measure_set geo_agent_set = {
	.name = "geo_agent",
	.measures = agent_measures,
	.n = AGENT_MEASURES,
	.help = "Where this agent stands: agent.latitude and agent.longitude, or what the databases of section "
		"geo have for agent.address",
};

/* What is remembered about a file beside its database. */
struct file_state {
	char *path;
	struct database_stamp tried; /* the last that was tried; of size -1: none */
	struct log_fault missing;
	bool is_bad;
	uint64_t accepted, refused;
};

struct geo {
	struct loop *loop; /* NULL: not watched */
	struct alarm alarm;
	atomic_uint number;   /* 0: nothing to ask */
	pthread_mutex_t lock; /* for what follows */
	struct edition *edition;
	uint32_t last_number;
	struct file_state files[EDITION_DATABASES_MAX];
	size_t nfiles;
	struct geo_cache *caches;
};

static void ring(void *arg);

/* --- life -------------------------------------------------------------------------------------------------------- */

struct geo *geo_create(void)
{
	struct geo *geo = mem_zero(1, sizeof(*geo));

	pthread_mutex_init(&geo->lock, NULL);
	alarm_prepare(&geo->alarm, ring, geo);
	return geo;
}

void geo_free(struct geo *geo)
{
	if (!geo)
		return;
	geo_unwatch(geo);
	for (size_t i = 0; i < geo->nfiles; i++)
		mem_free(geo->files[i].path);
	edition_release(geo->edition);
	pthread_mutex_destroy(&geo->lock);
	mem_free(geo);
}

/* --- the edition in force ---------------------------------------------------------------------------------------- */

uint32_t geo_number(const struct geo *geo)
{
	return atomic_load_explicit(&geo->number, memory_order_acquire);
}

struct edition *geo_hold_edition(struct geo *geo, uint32_t *number)
{
	struct edition *edition = NULL;

	pthread_mutex_lock(&geo->lock);
	*number = geo_number(geo);
	if (*number != 0)
		edition = edition_hold(geo->edition);
	pthread_mutex_unlock(&geo->lock);
	return edition;
}

/* Under the lock. The old one is given back to the caller. */
static struct edition *exchange(struct geo *geo, struct edition *edition)
{
	struct edition *before = geo->edition;

	geo->edition = edition;
	if (++geo->last_number == 0)
		geo->last_number = 1;
	atomic_store_explicit(&geo->number, edition_is_empty(edition) ? 0 : geo->last_number, memory_order_release);
	return before;
}

struct edition *geo_prepare(struct geo *geo, const struct edition_plan *plan, struct err *err)
{
	return edition_create(plan, geo->edition, err);
}

/* What is remembered of files that stay is kept. */
static void change_files(struct geo *geo, const struct edition *edition)
{
	struct file_state before[EDITION_DATABASES_MAX];
	size_t nbefore = geo->nfiles;

	memcpy(before, geo->files, sizeof(before));
	memset(geo->files, 0, sizeof(geo->files));
	geo->nfiles = edition_count_databases(edition);
	for (size_t i = 0; i < geo->nfiles; i++) {
		struct file_state *file = &geo->files[i];
		const struct database *database = edition_database(edition, i);
		size_t k = 0;

		while (k < nbefore && !(before[k].path && strcmp(before[k].path, edition_path(edition, i)) == 0))
			k++;
		if (k < nbefore) {
			*file = before[k];
			before[k].path = NULL;
		} else {
			file->path = mem_copy_string(edition_path(edition, i));
		}
		if (database)
			file->tried = *database_stamp(database);
		else
			file->tried.size = -1;
	}
	for (size_t k = 0; k < nbefore; k++)
		mem_free(before[k].path);
}

void geo_apply(struct geo *geo, struct edition *edition)
{
	struct edition *before;

	pthread_mutex_lock(&geo->lock);
	change_files(geo, edition);
	before = exchange(geo, edition);
	pthread_mutex_unlock(&geo->lock);
	edition_release(before);
	/* A file that was bad or absent just now is told by the first look. */
	if (geo->loop)
		alarm_set(geo->loop, &geo->alarm, clock_monotonic_ns());
}

/* --- watching ---------------------------------------------------------------------------------------------------- */

static void accept_file(struct geo *geo, size_t i, struct database *database)
{
	struct edition *before, *next = edition_exchange(geo->edition, i, database);

	pthread_mutex_lock(&geo->lock);
	geo->files[i].tried = *database_stamp(database);
	geo->files[i].is_bad = false;
	geo->files[i].accepted++;
	before = exchange(geo, next);
	pthread_mutex_unlock(&geo->lock);
	edition_release(before);
	log_event(LOG_LEVEL_INFO, "geo", geo->files[i].path, "a new database is in force: %s, built %lld days ago",
		  database_type(database),
		  (long long)((clock_realtime_ns() / NS_PER_SECOND - database_built_seconds(database)) / 86400));
}

static void refuse_file(struct geo *geo, size_t i, const struct database_stamp *stamp, const struct err *why)
{
	pthread_mutex_lock(&geo->lock);
	geo->files[i].tried = *stamp;
	geo->files[i].is_bad = true;
	geo->files[i].refused++;
	pthread_mutex_unlock(&geo->lock);
	log_event(LOG_LEVEL_ERROR, "geo", geo->files[i].path, "refused: %s; %s", why->text,
		  edition_database(geo->edition, i) ? "the database before stays in force" : "there is none before it");
}

static void note_missing(struct geo *geo, size_t i, const struct err *why)
{
	pthread_mutex_lock(&geo->lock);
	geo->files[i].is_bad = true;
	geo->files[i].tried.size = -1;
	pthread_mutex_unlock(&geo->lock);
	log_fault_begin(&geo->files[i].missing, "geo", geo->files[i].path, "%s", why->text);
}

static void check_file(struct geo *geo, size_t i)
{
	struct file_state *file = &geo->files[i];
	struct database_stamp stamp;
	struct database *database;
	struct err err = {0};

	if (database_look(file->path, &stamp, &err) == -1) {
		note_missing(geo, i, &err);
		return;
	}
	log_fault_end(&file->missing, "geo", file->path);
	if (database_stamp_is_equal(&stamp, &file->tried))
		return;
	database = database_open(file->path, edition_settings(geo->edition)->max_size_bytes, &err);
	if (database)
		accept_file(geo, i, database);
	else
		refuse_file(geo, i, &stamp, &err);
}

void geo_check(struct geo *geo)
{
	for (size_t i = 0; i < geo->nfiles; i++)
		check_file(geo, i);
}

static void ring(void *arg)
{
	struct geo *geo = arg;

	geo_check(geo);
	if (geo->nfiles > 0)
		alarm_set(geo->loop, &geo->alarm,
			  clock_monotonic_ns() + edition_settings(geo->edition)->check_interval_ns);
}

void geo_watch(struct geo *geo, struct loop *loop)
{
	geo->loop = loop;
	alarm_set(loop, &geo->alarm, clock_monotonic_ns());
}

void geo_unwatch(struct geo *geo)
{
	if (geo->loop)
		alarm_cancel(geo->loop, &geo->alarm);
	geo->loop = NULL;
}

/* --- caches ------------------------------------------------------------------------------------------------------ */

void geo_add_cache(struct geo *geo, struct geo_cache **next, struct geo_cache *cache)
{
	pthread_mutex_lock(&geo->lock);
	*next = geo->caches;
	geo->caches = cache;
	pthread_mutex_unlock(&geo->lock);
}

void geo_remove_cache(struct geo *geo, struct geo_cache *cache)
{
	pthread_mutex_lock(&geo->lock);
	for (struct geo_cache **link = &geo->caches; *link; link = geo_cache_next(*link)) {
		if (*link != cache)
			continue;
		*link = *geo_cache_next(cache);
		break;
	}
	pthread_mutex_unlock(&geo->lock);
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

static void read_file(const struct geo *geo, size_t i, void (*each)(void *arg, const struct row *row), void *arg)
{
	const struct file_state *file = &geo->files[i];
	const struct database *database = edition_database(geo->edition, i);
	const struct label labels[] = {{"file", file->path}, {"type", database ? database_type(database) : ""}};
	struct reading readings[DATABASE_MEASURES];
	struct row row = {&geo_database_set, labels, database ? 2 : 1, readings, 0};

	readings[row.n++] = reading_integer(DATABASE_LOADED, database != NULL);
	if (database && database_built_seconds(database) > 0) {
		double built_seconds = (double)database_built_seconds(database);

		readings[row.n++] = reading_number(DATABASE_BUILT, built_seconds);
		readings[row.n++] = reading_number(DATABASE_AGE, clock_seconds(clock_realtime_ns()) - built_seconds);
	}
	if (database)
		readings[row.n++] = reading_integer(DATABASE_SIZE, database_size_bytes(database));
	readings[row.n++] = reading_integer(DATABASE_SUCCESSFUL, !file->is_bad);
	readings[row.n++] = reading_integer(DATABASE_ACCEPTED, (int64_t)file->accepted);
	readings[row.n++] = reading_integer(DATABASE_REFUSED, (int64_t)file->refused);
	each(arg, &row);
}

static void read_agent(const struct geo *geo, void (*each)(void *arg, const struct row *row), void *arg)
{
	struct distance_point point;
	struct reading readings[AGENT_MEASURES];
	double radius_meters;

	if (!edition_agent(geo->edition, &point, &radius_meters))
		return;
	readings[AGENT_LATITUDE] = reading_number(AGENT_LATITUDE, point.latitude);
	readings[AGENT_LONGITUDE] = reading_number(AGENT_LONGITUDE, point.longitude);
	each(arg, &(const struct row){&geo_agent_set, NULL, 0, readings, AGENT_MEASURES});
}

void geo_read(struct geo *geo, void (*each)(void *arg, const struct row *row), void *arg)
{
	struct geo_cache_figures figures = {0};
	struct reading readings[CACHE_MEASURES];
	const struct row row = {&geo_cache_set, NULL, 0, readings, CACHE_MEASURES};

	pthread_mutex_lock(&geo->lock);
	for (size_t i = 0; i < geo->nfiles; i++)
		read_file(geo, i, each, arg);
	for (struct geo_cache *cache = geo->caches; cache; cache = *geo_cache_next(cache))
		geo_cache_count(cache, &figures);
	if (geo_number(geo) != 0) {
		readings[0] = reading_integer(CACHE_LOOKUPS, (int64_t)figures.lookups);
		readings[1] = reading_integer(CACHE_HITS, (int64_t)figures.hits);
		readings[2] = reading_integer(CACHE_PLACES, (int64_t)figures.places);
		each(arg, &row);
		read_agent(geo, each, arg);
	}
	pthread_mutex_unlock(&geo->lock);
}
