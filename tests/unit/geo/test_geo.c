#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "geo/geo.h"

/* A folder with copies of the seeds of the fuzz target, and settings that name them. */
struct fixture {
	char folder[32], city[64], asn[64];
	struct geo_settings *settings;
	struct geo_override *override;
	const struct geo_override *overrides[1];
	struct edition_plan plan;
	struct geo *geo;
};

/* As other programs put a file in the place of another. */
static void put(const char *seed, const char *path)
{
	char *folder = file_folder(__FILE__), *from = mem_format("%s/../../fuzz/seeds/mmdb/%s", folder, seed),
	     *temporary = mem_format("%s.new", path);
	struct text content = {.ceiling = 1 << 20};
	FILE *file = fopen(temporary, "w");

	cr_assert_eq(file_read(from, &content, NULL), 0, "%s", from);
	cr_assert_eq(fwrite(content.bytes, 1, content.length, file), content.length);
	fclose(file);
	cr_assert_eq(rename(temporary, path), 0);
	text_free(&content);
	mem_free(temporary);
	mem_free(from);
	mem_free(folder);
}

static void set_option(struct fixture *fixture, const char *name, const char *text)
{
	cr_assert_eq(option_set_text(option_find(geo_options, geo_noptions, name), fixture->settings, text, NULL), 0);
}

static void set_up(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	strcpy(fixture->folder, "/tmp/test_geo.XXXXXX");
	cr_assert_not_null(mkdtemp(fixture->folder));
	snprintf(fixture->city, sizeof(fixture->city), "%s/city", fixture->folder);
	snprintf(fixture->asn, sizeof(fixture->asn), "%s/asn", fixture->folder);
	put("city", fixture->city);
	put("asn", fixture->asn);
	fixture->settings = mem_zero(1, sizeof(*fixture->settings));
	option_set_defaults(geo_options, geo_noptions, fixture->settings);
	char *list = mem_format("%s,%s", fixture->city, fixture->asn);
	set_option(fixture, "databases", list);
	mem_free(list);
	fixture->override = mem_zero(1, sizeof(*fixture->override));
	option_set_defaults(geo_override_options, geo_override_noptions, fixture->override);
	for (size_t i = 0; i < 3; i++) {
		static const char *const said[][2] = {
			{"networks", "192.0.2.64/26"}, {"targets", "t1"}, {"site", "hall 7"}};

		option_set_text(option_find(geo_override_options, geo_override_noptions, said[i][0]), fixture->override,
				said[i][1], NULL);
	}
	fixture->overrides[0] = fixture->override;
	fixture->plan = (struct edition_plan){fixture->settings, fixture->overrides, 1, NULL, {0, 0}};
	fixture->geo = geo_create();
}

static void tear_down(struct fixture *fixture)
{
	geo_free(fixture->geo);
	option_free_settings(geo_options, geo_noptions, fixture->settings);
	option_free_settings(geo_override_options, geo_override_noptions, fixture->override);
	unlink(fixture->city);
	unlink(fixture->asn);
	rmdir(fixture->folder);
}

static void apply(struct fixture *fixture)
{
	struct err err = {0};
	struct edition *edition = geo_prepare(fixture->geo, &fixture->plan, &err);

	cr_assert_not_null(edition, "%s", err.text);
	geo_apply(fixture->geo, edition);
}

static void expect(struct geo_cache *cache, const char *text, const char *target, enum place_field field,
		   const char *expected)
{
	struct address address;
	struct place *place;
	const char *found;

	cr_assert(address_parse(text, &address));
	cr_assert_neq(geo_cache_edition(cache), 0);
	place = geo_find(cache, &address, target);
	found = place_text(place, field);
	cr_expect((found == NULL) == (expected == NULL) && (!found || strcmp(found, expected) == 0), "%s: %s, not %s",
		  text, found ? found : "absent", expected ? expected : "absent");
	place_release(place);
}

Test(geo, merges_databases_and_overrides)
{
	struct fixture fixture;
	struct geo_cache *cache;

	set_up(&fixture);
	cache = geo_cache_open(fixture.geo);
	cr_expect_eq(geo_cache_edition(cache), 0);
	apply(&fixture);
	for (int i = 0; i < 2; i++) { /* from the files, and from the cache */
		expect(cache, "192.0.2.1", NULL, PLACE_CITY, "Frankfurt");
		expect(cache, "192.0.2.1", NULL, PLACE_ASN, "64496");
		expect(cache, "192.0.2.1", NULL, PLACE_SITE, NULL);
		expect(cache, "192.0.2.1", NULL, PLACE_SCOPE, "documentation");
		expect(cache, "192.0.2.65", NULL, PLACE_SITE, "hall 7");
		expect(cache, "192.0.2.65", NULL, PLACE_CITY, "Frankfurt");
		expect(cache, "192.0.2.1", "t1", PLACE_SITE, "hall 7");
		expect(cache, "192.0.2.1", "t2", PLACE_SITE, NULL);
		expect(cache, "8.8.8.8", NULL, PLACE_SCOPE, NULL);
		expect(cache, "10.0.0.1", NULL, PLACE_SCOPE, "private");
	}
	geo_cache_close(cache);
	geo_cache_close(NULL);
	tear_down(&fixture);
}

Test(geo, agent_stands_where_it_says_or_where_its_address_is)
{
	struct fixture fixture;
	struct distance_point point;
	struct edition *edition;
	double radius_meters;

	set_up(&fixture);
	edition = geo_prepare(fixture.geo, &fixture.plan, NULL);
	cr_expect_not(edition_agent(edition, &point, &radius_meters));
	edition_release(edition);
	fixture.plan.agent_address = "192.0.2.1";
	edition = geo_prepare(fixture.geo, &fixture.plan, NULL);
	cr_expect(edition_agent(edition, &point, &radius_meters));
	cr_expect(point.latitude == 50.1109 && radius_meters == 20000);
	edition_release(edition);
	fixture.plan.agent_point = (struct distance_point){1, 2};
	edition = geo_prepare(fixture.geo, &fixture.plan, NULL);
	cr_expect(edition_agent(edition, &point, &radius_meters));
	cr_expect(point.latitude == 1 && radius_meters == 0);
	edition_release(edition);
	tear_down(&fixture);
}

Test(geo, a_new_file_is_taken_and_a_bad_one_is_refused)
{
	struct fixture fixture;
	struct geo_cache *cache;
	uint32_t number;
	FILE *file;

	set_up(&fixture);
	cache = geo_cache_open(fixture.geo);
	apply(&fixture);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "DE");
	number = geo_cache_edition(cache);
	geo_check(fixture.geo);
	cr_expect_eq(geo_cache_edition(cache), number);
	put("flat", fixture.city);
	geo_check(fixture.geo);
	cr_expect_neq(geo_cache_edition(cache), number);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "NL");
	number = geo_cache_edition(cache);
	file = fopen(fixture.city, "w");
	fputs("no database", file);
	fclose(file);
	geo_check(fixture.geo);
	geo_check(fixture.geo);
	unlink(fixture.asn);
	geo_check(fixture.geo);
	cr_expect_eq(geo_cache_edition(cache), number);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "NL");
	/* A reload with files that are bad now keeps what was good. */
	apply(&fixture);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "NL");
	put("asn", fixture.asn);
	put("city", fixture.city);
	geo_check(fixture.geo);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "DE");
	geo_cache_close(cache);
	tear_down(&fixture);
}

Test(geo, what_is_not_required_may_come_later)
{
	struct fixture fixture;
	struct geo_cache *cache;
	struct err err = {0};

	set_up(&fixture);
	cache = geo_cache_open(fixture.geo);
	unlink(fixture.city);
	cr_expect_null(geo_prepare(fixture.geo, &fixture.plan, &err));
	cr_expect_not_null(strstr(err.text, "/city: cannot be opened: No such file or directory"), "%s", err.text);
	set_option(&fixture, "required", "false");
	apply(&fixture);
	expect(cache, "192.0.2.1", NULL, PLACE_CITY, NULL);
	expect(cache, "192.0.2.1", NULL, PLACE_ASN, "64496");
	put("city", fixture.city);
	geo_check(fixture.geo);
	expect(cache, "192.0.2.1", NULL, PLACE_CITY, "Frankfurt");
	geo_cache_close(cache);
	tear_down(&fixture);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

Test(geo, the_loop_looks_at_the_files)
{
	struct fixture fixture;
	struct geo_cache *cache;
	struct loop *loop = loop_create(0, NULL);
	struct alarm alarm;
	uint32_t number;

	set_up(&fixture);
	cache = geo_cache_open(fixture.geo);
	set_option(&fixture, "check_interval", "0.1");
	apply(&fixture);
	number = geo_cache_edition(cache);
	geo_watch(fixture.geo, loop);
	put("flat", fixture.city);
	alarm_prepare(&alarm, stop, loop);
	for (int i = 0; i < 100 && geo_cache_edition(cache) == number; i++) {
		alarm_set(loop, &alarm, clock_monotonic_ns() + 100 * NS_PER_MS);
		loop_run(loop, NULL);
	}
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "NL");
	geo_unwatch(fixture.geo);
	geo_unwatch(fixture.geo);
	loop_free(loop);
	geo_cache_close(cache);
	tear_down(&fixture);
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

struct figures {
	double lookups, hits, places, latitude, longitude;
	int loaded, successful, accepted, refused; /* of the first database */
	char type[64];
	unsigned rows;
};

static int64_t integer_of(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->set->measures[row->readings[i].measure].name, name) == 0)
			return row->readings[i].value.integer;
	}
	return -1;
}

static void take(void *arg, const struct row *row)
{
	struct figures *figures = arg;

	figures->rows++;
	if (row->set == &geo_cache_set) {
		figures->lookups = (double)integer_of(row, "lookups_total");
		figures->hits = (double)integer_of(row, "hits_total");
		figures->places = (double)integer_of(row, "places");
	} else if (row->set == &geo_agent_set) {
		figures->latitude = row->readings[0].value.number;
		figures->longitude = row->readings[1].value.number;
	} else if (figures->rows == 1) {
		figures->loaded = (int)integer_of(row, "loaded");
		figures->successful = (int)integer_of(row, "last_reload_successful");
		figures->accepted = (int)integer_of(row, "accepted_total");
		figures->refused = (int)integer_of(row, "refused_total");
		snprintf(figures->type, sizeof(figures->type), "%s", row->nlabels > 1 ? row->labels[1].value : "");
	}
}

static struct figures read_figures(struct geo *geo)
{
	struct figures figures = {0};

	geo_read(geo, take, &figures);
	return figures;
}

Test(geo, figures)
{
	struct fixture fixture;
	struct geo_cache *cache;
	struct figures figures;
	FILE *file;

	set_up(&fixture);
	cr_expect_eq(read_figures(fixture.geo).rows, 0);
	cache = geo_cache_open(fixture.geo);
	apply(&fixture);
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "DE");
	expect(cache, "192.0.2.1", NULL, PLACE_COUNTRY, "DE");
	expect(cache, "192.0.2.2", "t1", PLACE_COUNTRY, "DE");
	figures = read_figures(fixture.geo);
	cr_expect(figures.rows == 3 && figures.loaded == 1 && figures.successful == 1 && figures.accepted == 0);
	cr_expect_str_eq(figures.type, "City-Example");
	cr_expect(figures.lookups == 3 && figures.hits == 1 && figures.places == 1);
	file = fopen(fixture.city, "w");
	fclose(file);
	geo_check(fixture.geo);
	figures = read_figures(fixture.geo);
	cr_expect(figures.loaded == 1 && figures.successful == 0 && figures.refused == 1);
	unlink(fixture.city);
	geo_check(fixture.geo);
	put("city", fixture.city);
	geo_check(fixture.geo);
	figures = read_figures(fixture.geo);
	cr_expect(figures.loaded == 1 && figures.successful == 1 && figures.refused == 1 && figures.accepted == 1);
	fixture.plan.agent_point = (struct distance_point){50.11, -8.68};
	apply(&fixture);
	figures = read_figures(fixture.geo);
	cr_expect(figures.rows == 4 && figures.latitude == 50.11 && figures.longitude == -8.68);
	geo_cache_close(cache);
	tear_down(&fixture);
}

Test(geo, the_cache_has_a_ceiling)
{
	struct fixture fixture;
	struct geo_cache *cache;
	struct place *held[64];

	set_up(&fixture);
	cache = geo_cache_open(fixture.geo);
	set_option(&fixture, "cache", "16");
	apply(&fixture);
	geo_cache_edition(cache);
	for (unsigned i = 0; i < 20000; i++) {
		struct address address = {.bytes = {192, 0, (uint8_t)(i >> 8), (uint8_t)i}, .family = ADDRESS_IPV4};
		struct place *place = geo_find(cache, &address, NULL);

		if (i < 64)
			held[i] = place;
		else
			place_release(place);
	}
	cr_expect_leq(read_figures(fixture.geo).places, 16);
	/* What is held stays, whatever the cache forgets. */
	apply(&fixture);
	geo_cache_edition(cache);
	geo_cache_close(cache);
	for (unsigned i = 0; i < 64; i++) {
		cr_expect_null(place_text(held[i], PLACE_CITY));
		place_release(held[i]);
	}
	tear_down(&fixture);
}

Test(geo, settings_are_checked)
{
	static const char *const cases[][3] = {
		{"tags", "country,mood", "tags: \"mood\" cannot be a tag"},
		{"tags", "latitude", "tags: \"latitude\" cannot be a tag"},
		{"databases", "a,b,a", "databases: \"a\" is there twice"},
		{"databases", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "databases: are more than 16"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct geo_settings *settings = mem_zero(1, sizeof(*settings));
		struct err err = {0};

		option_set_defaults(geo_options, geo_noptions, settings);
		cr_expect_eq(geo_settings_check(settings, &err), 0, "%s", err.text);
		option_set_text(option_find(geo_options, geo_noptions, cases[i][0]), settings, cases[i][1], NULL);
		cr_expect_eq(geo_settings_check(settings, &err), -1);
		cr_expect_not_null(strstr(err.text, cases[i][2]), "%s", err.text);
		option_free_settings(geo_options, geo_noptions, settings);
	}
}

/* --- threads ----------------------------------------------------------------------------------------------------- */

struct asker {
	struct geo *geo;
	atomic_bool *is_over;
	unsigned long wrong, editions;
	pthread_t thread;
};

/* Every place is that of one edition: Germany with Frankfurt, or the Netherlands with Amsterdam. */
static void *ask(void *arg)
{
	struct asker *asker = arg;
	struct geo_cache *cache = geo_cache_open(asker->geo);
	uint32_t last = 0;

	for (unsigned i = 0; !atomic_load(asker->is_over); i++) {
		struct address address = {.bytes = {192, 0, 2, (uint8_t)(i % 64)}, .family = ADDRESS_IPV4};
		uint32_t number = geo_cache_edition(cache);
		struct place *place = geo_find(cache, &address, NULL);
		const char *country = place_text(place, PLACE_COUNTRY), *city = place_text(place, PLACE_CITY);

		asker->editions += number != last;
		last = number;
		asker->wrong += !country || !city || (strcmp(country, "DE") == 0) != (strcmp(city, "Frankfurt") == 0);
		place_release(place);
	}
	geo_cache_close(cache);
	return NULL;
}

Test(geo, is_swapped_under_those_who_ask)
{
	struct fixture fixture;
	struct asker askers[2];
	atomic_bool is_over = false;

	set_up(&fixture);
	apply(&fixture);
	for (size_t i = 0; i < 2; i++) {
		askers[i] = (struct asker){.geo = fixture.geo, .is_over = &is_over};
		cr_assert_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	}
	for (unsigned i = 0; i < 200; i++) {
		put(i % 2 ? "city" : "flat", fixture.city);
		geo_check(fixture.geo);
		if (i % 10 == 0)
			apply(&fixture);
		read_figures(fixture.geo);
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(askers[i].thread, NULL);
		cr_expect_eq(askers[i].wrong, 0);
		cr_expect_gt(askers[i].editions, 0);
	}
	tear_down(&fixture);
}
