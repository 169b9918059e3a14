#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/whereabouts.h"

/* --- a place for 10.0.0.0/8, and an agent ------------------------------------------------------------------------ */

struct fixture {
	struct geo_settings settings;
	struct geo_override override;
	struct geo *geo;
	struct geo_cache *cache;
	struct whereabouts *whereabouts;
	struct subject subject;
	struct address address;
};

static void set(const struct option *options, size_t n, void *settings, const char *name, const char *text)
{
	cr_assert_eq(option_set_text(option_find(options, n, name), settings, text, NULL), 0, "%s", name);
}

static void apply(struct fixture *fixture, const char *country, struct distance_point agent)
{
	const struct geo_override *overrides[] = {&fixture->override};
	const struct edition_plan plan = {&fixture->settings, overrides, 1, NULL, agent};
	struct edition *edition;

	set(geo_override_options, geo_override_noptions, &fixture->override, "country", country);
	edition = geo_prepare(fixture->geo, &plan, NULL);
	cr_assert_not_null(edition);
	geo_apply(fixture->geo, edition);
}

static void set_up(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	option_set_defaults(geo_options, geo_noptions, &fixture->settings);
	option_set_defaults(geo_override_options, geo_override_noptions, &fixture->override);
	set(geo_override_options, geo_override_noptions, &fixture->override, "networks", "10.0.0.0/8");
	set(geo_override_options, geo_override_noptions, &fixture->override, "latitude", "1.3521");
	set(geo_override_options, geo_override_noptions, &fixture->override, "longitude", "103.8198");
	set(geo_override_options, geo_override_noptions, &fixture->override, "asn", "64500");
	fixture->geo = geo_create();
	fixture->cache = geo_cache_open(fixture->geo);
	fixture->subject = (struct subject){"t", "p", "ping", NULL, 0};
	cr_assert(address_parse("10.0.0.1", &fixture->address));
}

static void tear_down(struct fixture *fixture)
{
	whereabouts_free(fixture->whereabouts);
	geo_cache_close(fixture->cache);
	geo_free(fixture->geo);
	option_free(geo_options, geo_noptions, &fixture->settings);
	option_free(geo_override_options, geo_override_noptions, &fixture->override);
}

static void refresh(struct fixture *fixture)
{
	whereabouts_refresh(&fixture->whereabouts, fixture->cache, &fixture->subject, &fixture->address);
}

static const char *label(const struct fixture *fixture, const char *name)
{
	struct label labels[WHEREABOUTS_LABELS];
	size_t n = whereabouts_labels(fixture->whereabouts, labels);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i].name, name) == 0)
			return labels[i].value;
	}
	return "absent";
}

static double reading(const struct fixture *fixture, const struct sample *sample, const char *name)
{
	struct reading readings[WHEREABOUTS_READINGS];
	size_t n = whereabouts_readings(fixture->whereabouts, sample, readings);

	for (size_t i = 0; i < n; i++) {
		const struct measure *measure = &whereabouts_set.measures[readings[i].measure];

		if (strcmp(measure->name, name) == 0)
			return measure->kind == MEASURE_INTEGER ? (double)readings[i].value.integer
								: readings[i].value.number;
	}
	return NAN;
}

static const struct distance_point frankfurt = {50.1109, 8.6821};

Test(whereabouts, nothing_is_kept_without_a_configuration)
{
	struct fixture fixture;

	set_up(&fixture);
	refresh(&fixture);
	cr_expect_null(fixture.whereabouts);
	whereabouts_forget(fixture.whereabouts);
	apply(&fixture, "SG", frankfurt);
	fixture.address.family = ADDRESS_NONE;
	refresh(&fixture);
	cr_expect_null(fixture.whereabouts);
	tear_down(&fixture);
}

Test(whereabouts, follows_address_edition_and_labels)
{
	static const struct label own[] = {{"tier", "gold"}, {"country", "mine"}};
	struct fixture fixture;

	set_up(&fixture);
	apply(&fixture, "SG", frankfurt);
	refresh(&fixture);
	cr_assert_not_null(fixture.whereabouts);
	cr_expect_str_eq(label(&fixture, "country"), "SG");
	cr_expect_str_eq(label(&fixture, "asn"), "64500");
	cr_expect_str_eq(label(&fixture, "scope"), "private");
	cr_expect_str_eq(label(&fixture, "latitude"), "1.3521");
	cr_expect_str_eq(label(&fixture, "city"), "absent");
	apply(&fixture, "MY", frankfurt);
	refresh(&fixture);
	cr_expect_str_eq(label(&fixture, "country"), "MY");
	fixture.subject.labels = own;
	fixture.subject.nlabels = 2;
	refresh(&fixture);
	cr_expect_str_eq(label(&fixture, "country"), "MY");
	whereabouts_forget(fixture.whereabouts);
	refresh(&fixture);
	cr_expect_str_eq(label(&fixture, "country"), "absent");
	cr_assert(address_parse("8.8.8.8", &fixture.address));
	refresh(&fixture);
	cr_expect_str_eq(label(&fixture, "asn"), "absent");
	cr_expect(isnan(reading(&fixture, NULL, "latitude")));
	tear_down(&fixture);
}

Test(whereabouts, tags_are_those_of_the_configuration)
{
	struct label tags[WHEREABOUTS_LABELS];
	struct fixture fixture;

	set_up(&fixture);
	set(geo_options, geo_noptions, &fixture.settings, "tags", "scope,asn");
	apply(&fixture, "SG", frankfurt);
	refresh(&fixture);
	cr_assert_eq(whereabouts_tags(fixture.whereabouts, tags), 2);
	cr_expect_str_eq(tags[0].name, "asn");
	cr_expect_str_eq(tags[0].value, "64500");
	cr_expect_str_eq(tags[1].value, "private");
	tear_down(&fixture);
}

/* --- round trips ------------------------------------------------------------------------------------------------- */

static const struct measure ping_measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, ""}, {"rtt_min_seconds", MEASURE_GAUGE, ""}, {"other", MEASURE_GAUGE, ""}};
static const struct measure_set ping_set = {"ping", ping_measures, 3, NULL, ""};
static const struct measure_set other_set = {"smtp", ping_measures, 3, NULL, ""};

/* As if the shortest round trip of a run had been so long. */
static double after_at(const struct fixture *fixture, double seconds, const char *name, int64_t at_seconds)
{
	const struct reading readings[] = {reading_number(1, seconds), reading_number(2, 7)};
	const struct row row = {&ping_set, NULL, 0, readings, 2};
	const struct sample sample = {
		.reason = REASON_OK, .rows = &row, .nrows = 1, .begun_realtime_ns = at_seconds * 1000000000};

	return reading(fixture, &sample, name);
}

/* The same when nothing is remembered: an hour after the run before it. */
static double after(const struct fixture *fixture, const struct measure_set *set, double seconds, const char *name)
{
	static int64_t hours;
	const struct reading readings[] = {reading_number(1, seconds), reading_number(2, 7)};
	const struct row row = {set, NULL, 0, readings, 2};
	const struct sample sample = {
		.reason = REASON_OK, .rows = &row, .nrows = 1, .begun_realtime_ns = ++hours * 3600 * 1000000000};

	return reading(fixture, &sample, name);
}

Test(whereabouts, the_shortest_round_trip_counts_for_a_minute_or_two)
{
	struct fixture fixture;
	double floor;

	set_up(&fixture);
	apply(&fixture, "SG", frankfurt);
	refresh(&fixture);
	floor = reading(&fixture, NULL, "light_floor_seconds");
	cr_expect(fabs(after_at(&fixture, 3 * floor, "inflation_ratio", 1000) - 3) < 1e-9);
	cr_expect(fabs(after_at(&fixture, 2 * floor, "inflation_ratio", 1059) - 2) < 1e-9);
	cr_expect(fabs(after_at(&fixture, 4 * floor, "inflation_ratio", 1060) - 2) < 1e-9);
	cr_expect(fabs(after_at(&fixture, 5 * floor, "inflation_ratio", 1119) - 2) < 1e-9);
	/* two windows later, and after a run that failed */
	cr_expect(fabs(after_at(&fixture, 6 * floor, "inflation_ratio", 1120) - 4) < 1e-9);
	const struct sample failed = {.reason = REASON_TIMEOUT, .begun_realtime_ns = INT64_C(1121000000000)};
	cr_expect(fabs(reading(&fixture, &failed, "inflation_ratio") - 4) < 1e-9);
	/* a clock that is set back begins anew */
	cr_expect(fabs(after_at(&fixture, 7 * floor, "inflation_ratio", 500) - 7) < 1e-9);
	tear_down(&fixture);
}

Test(whereabouts, round_trips_against_light)
{
	const struct sample failed = {.reason = REASON_TIMEOUT}, empty = {.reason = REASON_OK};
	struct fixture fixture;
	double floor;

	set_up(&fixture);
	apply(&fixture, "SG", frankfurt);
	refresh(&fixture);
	floor = reading(&fixture, NULL, "light_floor_seconds");
	cr_expect(fabs(reading(&fixture, NULL, "distance_meters") - 10261274.079) < 0.001);
	cr_expect(fabs(floor - 0.1004932) < 1e-7);
	cr_expect(fabs(after(&fixture, &ping_set, 2 * floor, "inflation_ratio") - 2) < 1e-9);
	cr_expect_eq(after(&fixture, &ping_set, 2 * floor, "implausible"), 0);
	cr_expect_eq(after(&fixture, &ping_set, floor / 2, "implausible"), 1);
	cr_expect(isnan(after(&fixture, &ping_set, 0, "implausible")));
	cr_expect(isnan(after(&fixture, &other_set, floor, "implausible")));
	cr_expect(isnan(reading(&fixture, &failed, "implausible")));
	cr_expect(isnan(reading(&fixture, &empty, "inflation_ratio")));
	cr_expect_eq(reading(&fixture, &failed, "longitude"), 103.8198);
	/* Next door there is no inflation; nobody knows where, there is no distance. */
	apply(&fixture, "SG", (struct distance_point){1.3, 103.8});
	refresh(&fixture);
	cr_expect(isnan(after(&fixture, &ping_set, 0.01, "inflation_ratio")));
	cr_expect_eq(after(&fixture, &ping_set, 0.01, "implausible"), 0);
	apply(&fixture, "SG", (struct distance_point){0, 0});
	refresh(&fixture);
	cr_expect(isnan(after(&fixture, &ping_set, 0.01, "distance_meters")));
	cr_expect_eq(after(&fixture, &ping_set, 0.01, "latitude"), 1.3521);
	tear_down(&fixture);
}

Test(whereabouts, a_line_every_ten_seconds)
{
	const int64_t now_ns = 1700000000 * NS_PER_SECOND;
	struct fixture fixture;

	set_up(&fixture);
	apply(&fixture, "SG", frankfurt);
	refresh(&fixture);
	cr_expect(whereabouts_take_line(fixture.whereabouts, now_ns));
	cr_expect_not(whereabouts_take_line(fixture.whereabouts, now_ns));
	cr_expect_not(whereabouts_take_line(fixture.whereabouts, now_ns + 10 * NS_PER_SECOND - 1));
	cr_expect(whereabouts_take_line(fixture.whereabouts, now_ns + 10 * NS_PER_SECOND));
	/* The clock was put back. */
	cr_expect(whereabouts_take_line(fixture.whereabouts, now_ns - 3600 * NS_PER_SECOND));
	tear_down(&fixture);
}
