/*
 * Workers look places up in one geo, each with a cache of its own and with what it knows about its targets, while the
 * main thread puts one edition after the other in force: other overrides, databases that come and go, files that are
 * exchanged for others or for bad ones; and another thread reads the figures. What a worker finds must be of the
 * edition that its cache tells: never half of one and half of the next. For ThreadSanitizer and AddressSanitizer.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/whereabouts.h"
#include "geo/geo.h"

#define WORKERS  3
#define TARGETS  200
#define EDITIONS 300
#define HELD     32

struct city {
	const char *country, *latitude, *longitude;
};
static const struct city cities[] = {{"DE", "48.4", "9.99"}, {"SG", "1.3521", "103.8198"}, {"NZ", "-41.28", "174.77"}};
#define CITIES (sizeof(cities) / sizeof(cities[0]))

static struct geo *geo;
static _Atomic bool stops;
static atomic_ulong looked_up, read_rows;
static char folder[] = "/tmp/threads_geo.XXXXXX", database[64];

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "threads_geo: %s: %s\n", what, why);
	exit(1);
}

/* --- workers ----------------------------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	unsigned random;
	struct geo_cache *cache;
	struct whereabouts *whereabouts[TARGETS];
	struct place *held[HELD]; /* beyond editions */
};

static unsigned pick(unsigned *random, unsigned n)
{
	*random = *random * 1664525u + 1013904223u;
	return (*random >> 16) % n;
}

/* 10.0.0.0/8 is in the overrides; of the others some are in the databases. */
static struct address address_of(unsigned i)
{
	struct address address = {.bytes = {10, 0, 0, (uint8_t)i}, .family = ADDRESS_IPV4};

	if (i % 4 == 0)
		memcpy(address.bytes, (const uint8_t[]){81, 2, 69, (uint8_t)(160 + i % 32)}, 4);
	return address;
}

static const struct city *city_of(const char *country)
{
	for (size_t i = 0; i < CITIES; i++)
		if (country && strcmp(cities[i].country, country) == 0)
			return &cities[i];
	return NULL;
}

/* Country and coordinates come of one edition. */
static void check(const struct place *place)
{
	const struct city *city = city_of(place_text(place, PLACE_COUNTRY));
	struct distance_point point;

	if (!city)
		fail("an override", "its country is not one of ours");
	if (!place_point(place, &point) || point.latitude != strtod(city->latitude, NULL))
		fail("an override", "its coordinates are those of another edition");
}

static void look(struct worker *worker, unsigned i)
{
	char name[16];
	struct subject subject = {name, "p", "ping", NULL, 0};
	struct address address = address_of(i);
	struct label labels[WHEREABOUTS_LABELS];
	unsigned k = pick(&worker->random, HELD);

	snprintf(name, sizeof(name), "t%u", i);
	whereabouts_refresh(&worker->whereabouts[i], worker->cache, &subject, &address);
	if (worker->whereabouts[i])
		whereabouts_labels(worker->whereabouts[i], labels);
	if (geo_cache_edition(worker->cache) == 0)
		return;
	place_release(worker->held[k]);
	worker->held[k] = geo_find(worker->cache, &address, name);
	if (i % 4 != 0)
		check(worker->held[k]);
	atomic_fetch_add(&looked_up, 1);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->cache = geo_cache_open(geo);
	while (!atomic_load(&stops))
		look(worker, pick(&worker->random, TARGETS));
	for (unsigned i = 0; i < TARGETS; i++)
		whereabouts_free(worker->whereabouts[i]);
	geo_cache_close(worker->cache);
	for (unsigned i = 0; i < HELD; i++)
		place_release(worker->held[i]);
	return NULL;
}

/* --- who reads the figures ---------------------------------------------------------------------------------------- */

static void count_row(void *arg, const struct row *row)
{
	(void)arg;
	atomic_fetch_add(&read_rows, row->n > 0);
}

static void *read_figures(void *arg)
{
	while (!atomic_load(&stops))
		geo_read(geo, count_row, arg);
	return arg;
}

/* --- the main thread ---------------------------------------------------------------------------------------------- */

/* As other programs put a file in the place of another. seed: NULL for one that is no database. */
static void put(const char *seed)
{
	char *here = file_folder(__FILE__), *from = mem_format("%s/../fuzz/seeds/mmdb/%s", here, seed ? seed : "");
	struct text content = {.ceiling = 1 << 20};
	struct err err = {0};
	char path[80];

	if (!seed)
		text_add_bytes(&content, "bad", 3);
	else if (file_read(from, &content, &err) == -1)
		fail(from, err.text);
	snprintf(path, sizeof(path), "%s.new", database);
	FILE *file = fopen(path, "w");
	if (!file || fwrite(content.bytes, 1, content.length, file) != content.length || fclose(file) == EOF ||
	    rename(path, database) == -1)
		fail(path, "cannot be written");
	text_free(&content);
	mem_free(from);
	mem_free(here);
}

static void set(const struct option *options, size_t n, void *settings, const char *name, const char *text)
{
	struct err err = {0};

	if (option_set_text(option_find(options, n, name), settings, text, &err) == -1)
		fail(name, err.text);
}

/* Another edition, with the database or without; now and then none at all. */
static void change(unsigned n)
{
	const struct city *city = &cities[n % CITIES];
	struct geo_settings settings = {0};
	struct geo_override override = {0};
	const struct geo_override *overrides[] = {&override};
	struct edition_plan plan = {&settings, overrides, n % 10 != 9, NULL, {50.11, 8.68}};
	struct err err = {0};
	struct edition *edition;

	option_set_defaults(geo_options, geo_noptions, &settings);
	option_set_defaults(geo_override_options, geo_override_noptions, &override);
	set(geo_override_options, geo_override_noptions, &override, "networks", "10.0.0.0/8");
	set(geo_override_options, geo_override_noptions, &override, "country", city->country);
	set(geo_override_options, geo_override_noptions, &override, "latitude", city->latitude);
	set(geo_override_options, geo_override_noptions, &override, "longitude", city->longitude);
	set(geo_options, geo_noptions, &settings, "required", "false");
	/* Few places: they are forgotten and looked up again all the time. */
	set(geo_options, geo_noptions, &settings, "cache", "64");
	if (n % 3 != 2 && n % 10 != 9)
		set(geo_options, geo_noptions, &settings, "databases", database);
	edition = geo_prepare(geo, &plan, &err);
	if (!edition)
		fail("edition", err.text);
	geo_apply(geo, edition);
	option_free(geo_options, geo_noptions, &settings);
	option_free(geo_override_options, geo_override_noptions, &override);
}

static void change_all(void)
{
	static const char *const seeds[] = {"city", NULL, "asn"};

	for (unsigned n = 0; n < EDITIONS; n++) {
		change(n);
		put(seeds[n % 3]);
		geo_check(geo);
		unsigned long before = atomic_load(&looked_up);
		/* Some work by this edition, if it knows anything. */
		for (unsigned k = 0; k < 1000 && n % 10 != 9 && atomic_load(&looked_up) < before + 50; k++)
			usleep(100);
	}
}

int main(void)
{
	struct worker workers[WORKERS] = {0};
	pthread_t reader;

	/* Bad databases are told, which is what is wanted. */
	log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (!mkdtemp(folder))
		fail(folder, "cannot be made");
	snprintf(database, sizeof(database), "%s/database", folder);
	put("city");
	geo = geo_create();
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i].random = i + 1;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	pthread_create(&reader, NULL, read_figures, NULL);
	change_all();
	atomic_store(&stops, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(reader, NULL);
	geo_free(geo);
	unlink(database);
	rmdir(folder);
	printf("threads_geo: %d editions, %lu places, %lu rows of figures\n", EDITIONS, atomic_load(&looked_up),
	       atomic_load(&read_rows));
	return atomic_load(&looked_up) > EDITIONS && atomic_load(&read_rows) > 0 ? 0 : 1;
}
