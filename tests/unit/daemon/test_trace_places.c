#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "daemon/trace_places.h"

/* --- sets as those of a trace ------------------------------------------------------------------------------------ */

static const struct measure trace_measures[] = {
	{"hops", MEASURE_INTEGER, ""}, {"as_path_hash", MEASURE_INTEGER, ""}, {"end", MEASURE_TEXT, ""},
	{"as_path", MEASURE_TEXT, ""}, {"path_meters", MEASURE_GAUGE, ""},
};
static const struct measure hop_measures[] = {
	{"is_implausible", MEASURE_INTEGER, ""},
	{"rtt_min_seconds", MEASURE_GAUGE, ""},
	{"country", MEASURE_TEXT, ""},
	{"address", MEASURE_TEXT, ""},
	{"city", MEASURE_TEXT, ""},
	{"asn", MEASURE_TEXT, ""},
};
static const struct measure_set trace_set = {"traceroute", trace_measures, 5, NULL, ""};
static const struct measure_set hop_set = {"traceroute_hop", hop_measures, 6, NULL, ""};
static const struct measure_set old_set = {"traceroute_hop", hop_measures + 3, 1, NULL, ""};

/* --- places: an agent in Frankfurt, a network in Singapore, one in New York ----------------------------------------
 */

struct fixture {
	struct geo_settings settings;
	struct geo_override overrides[3];
	struct geo *geo;
	struct geo_cache *cache;
	struct trace_places *places;
};

static void describe(struct geo_override *override, const char *const said[][2], size_t n)
{
	option_set_defaults(geo_override_options, geo_override_noptions, override);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(option_set_text(option_find(geo_override_options, geo_override_noptions, said[i][0]),
					     override, said[i][1], NULL),
			     0);
}

static void set_up(struct fixture *fixture, struct distance_point agent)
{
	static const char *const far[][2] = {{"networks", "10.1.0.0/16"},
					     {"country", "SG"},
					     {"asn", "64501"},
					     {"latitude", "1.3521"},
					     {"longitude", "103.8198"}};
	static const char *const west[][2] = {{"networks", "10.2.0.0/16"}, {"country", "US"},
					      {"city", "New York"},        {"asn", "64502"},
					      {"latitude", "40.7128"},     {"longitude", "-74.006"}};
	static const char *const bare[][2] = {{"networks", "10.3.0.0/16"}, {"asn", "64501"}};
	const struct geo_override *overrides[] = {&fixture->overrides[0], &fixture->overrides[1],
						  &fixture->overrides[2]};
	struct edition_plan plan = {&fixture->settings, overrides, 3, NULL, agent};

	memset(fixture, 0, sizeof(*fixture));
	option_set_defaults(geo_options, geo_noptions, &fixture->settings);
	describe(&fixture->overrides[0], far, 5);
	describe(&fixture->overrides[1], west, 6);
	describe(&fixture->overrides[2], bare, 2);
	fixture->geo = geo_create();
	geo_apply(fixture->geo, geo_prepare(fixture->geo, &plan, NULL));
	fixture->cache = geo_cache_open(fixture->geo);
	cr_assert_neq(geo_cache_edition(fixture->cache), 0);
	fixture->places = trace_places_create();
}

static void tear_down(struct fixture *fixture)
{
	trace_places_free(fixture->places);
	geo_cache_close(fixture->cache);
	geo_free(fixture->geo);
	option_free(geo_options, geo_noptions, &fixture->settings);
	for (size_t i = 0; i < 3; i++)
		option_free(geo_override_options, geo_override_noptions, &fixture->overrides[i]);
}

static const struct reading *find(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++) {
		cr_assert(i == 0 || row->readings[i - 1].measure < row->readings[i].measure, "out of order");
		if (strcmp(row->set->measures[row->readings[i].measure].name, name) == 0)
			return &row->readings[i];
	}
	return NULL;
}

#define HOP(set_, labels_, n_, readings_)                                                                              \
	{                                                                                                              \
		set_, labels_, n_, readings_, sizeof(readings_) / sizeof((readings_)[0])                               \
	}

static const struct distance_point frankfurt = {50.1109, 8.6821};

Test(trace_places, hops_and_path)
{
	static const struct label first[] = {{"hop", "4"}, {"flow", "0"}}, second[] = {{"hop", "4"}, {"flow", "1"}};
	const struct reading trace[] = {reading_integer(0, 5), reading_text(2, "reached")};
	const struct reading silent[] = {reading_number(1, 0.001)};
	const struct reading own[] = {reading_number(1, 0.001), reading_text(3, "192.168.0.1")};
	const struct reading near[] = {reading_number(1, 0.002), reading_text(3, "10.3.0.1")};
	const struct reading far[] = {reading_number(1, 0.2), reading_text(3, "10.1.0.1")};
	const struct reading fast[] = {reading_number(1, 0.01), reading_text(3, "10.2.0.1")};
	const struct row rows[] = {HOP(&trace_set, NULL, 0, trace), HOP(&hop_set, NULL, 0, silent),
				   HOP(&hop_set, NULL, 0, own),     HOP(&hop_set, NULL, 0, near),
				   HOP(&hop_set, first, 2, far),    HOP(&hop_set, second, 2, fast),
				   HOP(&hop_set, NULL, 0, fast),    HOP(&old_set, NULL, 0, silent)};
	const struct sample sample = {.rows = rows, .nrows = 8};
	struct fixture fixture;
	const struct row *placed;

	set_up(&fixture, frankfurt);
	for (int i = 0; i < 2; i++) { /* what was taken for the first is given back */
		placed = trace_places_add(fixture.places, fixture.cache, &sample);
		cr_expect_eq(placed[1].n, 1);
		cr_expect_eq(placed[2].n, 2);
		cr_expect_str_eq(find(&placed[3], "asn")->value.text, "64501");
		cr_expect_null(find(&placed[3], "is_implausible"));
		cr_expect_str_eq(find(&placed[4], "country")->value.text, "SG");
		cr_expect_eq(find(&placed[4], "is_implausible")->value.integer, 0);
		cr_expect_eq(find(&placed[4], "rtt_min_seconds")->value.number, 0.2);
		cr_expect_null(find(&placed[4], "city"));
		cr_expect_str_eq(find(&placed[6], "city")->value.text, "New York");
		cr_expect_eq(find(&placed[6], "is_implausible")->value.integer, 1);
		/* Singapore is part of the way, New York cannot be. */
		cr_expect_str_eq(find(&placed[0], "as_path")->value.text, "64501 64502");
		cr_expect_gt(find(&placed[0], "as_path_hash")->value.integer, 0);
		cr_expect(fabs(find(&placed[0], "path_meters")->value.number - 10261274.079) < 0.001);
		cr_expect_str_eq(find(&placed[0], "end")->value.text, "reached");
		cr_expect_eq(find(&placed[0], "hops")->value.integer, 5);
	}
	tear_down(&fixture);
}

Test(trace_places, without_an_agent_nothing_is_implausible)
{
	const struct reading trace[] = {reading_integer(0, 2)};
	const struct reading far[] = {reading_number(1, 0.0002), reading_text(3, "10.1.0.1")};
	const struct reading west[] = {reading_text(3, "10.2.0.1")};
	const struct row rows[] = {HOP(&trace_set, NULL, 0, trace), HOP(&hop_set, NULL, 0, far),
				   HOP(&hop_set, NULL, 0, west)};
	struct sample sample = {.rows = rows, .nrows = 3};
	struct fixture fixture;
	const struct row *placed;

	set_up(&fixture, (struct distance_point){0, 0});
	placed = trace_places_add(fixture.places, fixture.cache, &sample);
	cr_expect_null(find(&placed[1], "is_implausible"));
	cr_expect_gt(find(&placed[0], "path_meters")->value.number, 15e6);
	sample.nrows = 2;
	placed = trace_places_add(fixture.places, fixture.cache, &sample);
	cr_expect_null(find(&placed[0], "path_meters"));
	tear_down(&fixture);
}

Test(trace_places, other_samples_stay_as_they_are)
{
	const struct reading readings[] = {reading_text(0, "10.1.0.1")};
	const struct row row = HOP(&old_set, NULL, 0, readings);
	const struct sample other = {.rows = &row, .nrows = 1}, empty = {0};
	struct fixture fixture;

	set_up(&fixture, frankfurt);
	cr_expect_eq(trace_places_add(fixture.places, fixture.cache, &other), &row);
	cr_expect_null(trace_places_add(fixture.places, fixture.cache, &empty));
	trace_places_free(NULL);
	tear_down(&fixture);
}
