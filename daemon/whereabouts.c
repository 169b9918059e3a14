#include "daemon/whereabouts.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "geo/distance.h"

#define LINE_INTERVAL_NS (10 * NS_PER_SECOND)

/* What clocks, timer interrupts and rounding may make a round trip look shorter by. Light goes ten kilometres and back
 * meanwhile. */
#define RESOLUTION_SECONDS 100e-6

enum { GEO_LATITUDE, GEO_LONGITUDE, GEO_DISTANCE, GEO_FLOOR, GEO_INFLATION, GEO_IMPLAUSIBLE, GEO_MEASURES };
_Static_assert(GEO_MEASURES == WHEREABOUTS_READINGS, "room for all readings");

static const struct measure measures[GEO_MEASURES] = {
	[GEO_LATITUDE] = {"latitude", MEASURE_GAUGE, "Where the target is, in degrees; south is negative"},
	[GEO_LONGITUDE] = {"longitude", MEASURE_GAUGE, "Where the target is, in degrees; west is negative"},
	[GEO_DISTANCE] = {"distance_meters", MEASURE_GAUGE,
			  "Shortest way over the ground from this agent to the target (WGS84)"},
	[GEO_FLOOR] = {"light_floor_seconds", MEASURE_GAUGE,
		       "Round trip of light in straight fibre over that distance: nothing can be faster"},
	[GEO_INFLATION] = {"inflation_ratio", MEASURE_GAUGE,
			   "Shortest round trip measured over the light floor; not below 100 km"},
	[GEO_IMPLAUSIBLE] = {"implausible", MEASURE_INTEGER,
			     "Whether the round trip beats light (1): the place is wrong, or the address is at many "
			     "places (anycast)"},
};
const struct measure_set whereabouts_set = {
	.name = "geo",
	.measures = measures,
	.n = GEO_MEASURES,
	.help = "Where the target is, if databases or overrides of section geo know it. A line every ten seconds at "
		"most",
};

static const enum place_field label_fields[] = {
	PLACE_COUNTRY,  PLACE_CITY,      PLACE_REGION,  PLACE_CONTINENT, PLACE_ASN,   PLACE_AS_ORG, PLACE_ISP,
	PLACE_LATITUDE, PLACE_LONGITUDE, PLACE_GEOHASH, PLACE_TIME_ZONE, PLACE_SCOPE, PLACE_SITE,
};
#define LABEL_FIELDS (sizeof(label_fields) / sizeof(label_fields[0]))

const char *const whereabouts_label_names[] = {"country",   "city",  "region",   "continent", "asn",
					       "as_org",    "isp",   "latitude", "longitude", "geohash",
					       "time_zone", "scope", "site",     NULL};

/* A measure that is a round trip to the address of the sample, or at least not shorter than one. */
static const struct {
	const char *set, *measure;
} round_trips[] = {
	{"ping", "rtt_min_seconds"}, {"traceroute", "rtt_min_seconds"}, {"tcp", "rtt_seconds"},
	{"tcp", "connect_seconds"},  {"http", "tcp_rtt_seconds"},       {"dns", "query_seconds"},
};
#define WINDOW_NS   (60 * NS_PER_SECOND)
#define ROUND_TRIPS (sizeof(round_trips) / sizeof(round_trips[0]))

struct whereabouts {
	struct place *place; /* held */
	uint32_t edition;    /* 0: to be looked up again */
	unsigned hidden;     /* fields that the target's own labels speak of, by 1 << field */
	unsigned tags;       /* fields that are tags */
	struct address address;
	bool has_way; /* from the agent to the point */
	struct distance_point agent, point;
	double meters, radius_meters, floor_seconds;
	int64_t line_due_ns;
	/* Shortest round trips of this window and the one before it; 0 = none. */
	double shortest_seconds, shortest_before_seconds;
	int64_t window_ns; /* wall clock: when this one began */
};

/* --- looking up -------------------------------------------------------------------------------------------------- */

static unsigned find_hidden(const struct subject *subject)
{
	unsigned hidden = 0;

	for (size_t i = 0; i < subject->nlabels; i++) {
		enum place_field field = place_field_find(subject->labels[i].name);

		if (field != PLACE_FIELDS)
			hidden |= 1U << field;
	}
	return hidden;
}

static bool is_same_point(struct distance_point a, struct distance_point b)
{
	return a.latitude == b.latitude && a.longitude == b.longitude;
}

static void measure_way(struct whereabouts *whereabouts, const struct edition *edition)
{
	struct distance_point agent, point;
	double radius_meters;
	bool had_way = whereabouts->has_way;

	whereabouts->has_way =
		edition_agent(edition, &agent, &radius_meters) && place_point(whereabouts->place, &point);
	if (!whereabouts->has_way)
		return;
	whereabouts->radius_meters = radius_meters + place_radius_meters(whereabouts->place);
	/* Most places of a new edition are those of the one before. */
	if (had_way && is_same_point(agent, whereabouts->agent) && is_same_point(point, whereabouts->point))
		return;
	whereabouts->agent = agent;
	whereabouts->point = point;
	whereabouts->meters = distance_meters(agent, point);
	whereabouts->floor_seconds = distance_light_floor_seconds(whereabouts->meters);
}

static void look_up(struct whereabouts *whereabouts, struct geo_cache *cache, const struct subject *subject,
		    const struct address *address)
{
	struct place *before = whereabouts->place;

	whereabouts->place = geo_find(cache, address, subject->target);
	whereabouts->address = *address;
	whereabouts->hidden = find_hidden(subject);
	whereabouts->tags = edition_tags(geo_cache_rules(cache));
	measure_way(whereabouts, geo_cache_rules(cache));
	place_release(before);
	whereabouts->shortest_seconds = whereabouts->shortest_before_seconds = 0;
}

bool whereabouts_refresh(struct whereabouts **whereabouts, struct geo_cache *cache, const struct subject *subject,
			 const struct address *address)
{
	uint32_t edition = geo_cache_edition(cache);

	if (edition == 0 || address->family == ADDRESS_NONE) {
		bool was_known = *whereabouts != NULL;

		whereabouts_free(*whereabouts);
		*whereabouts = NULL;
		return was_known;
	}
	if (!*whereabouts)
		*whereabouts = mem_zero(1, sizeof(**whereabouts));
	else if ((*whereabouts)->edition == edition && address_equal(&(*whereabouts)->address, address))
		return false;
	(*whereabouts)->edition = edition;
	look_up(*whereabouts, cache, subject, address);
	return true;
}

void whereabouts_forget(struct whereabouts *whereabouts)
{
	if (whereabouts)
		whereabouts->edition = 0;
}

void whereabouts_free(struct whereabouts *whereabouts)
{
	if (!whereabouts)
		return;
	place_release(whereabouts->place);
	mem_free(whereabouts);
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

static size_t add_label(const struct whereabouts *whereabouts, enum place_field field, struct label *out)
{
	const char *text = place_text(whereabouts->place, field);

	if (!text || whereabouts->hidden >> field & 1)
		return 0;
	*out = (struct label){place_field_name(field), text};
	return 1;
}

size_t whereabouts_labels(const struct whereabouts *whereabouts, struct label *out)
{
	size_t n = 0;

	for (size_t i = 0; i < LABEL_FIELDS; i++)
		n += add_label(whereabouts, label_fields[i], out + n);
	return n;
}

size_t whereabouts_tags(const struct whereabouts *whereabouts, struct label *out)
{
	size_t n = 0;

	for (unsigned field = 0; field < PLACE_FIELDS; field++) {
		if (whereabouts->tags >> field & 1)
			n += add_label(whereabouts, (enum place_field)field, out + n);
	}
	return n;
}

/* The measure of the set, or -1. */
static int find_measure(const struct measure_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->measures[i].kind == MEASURE_GAUGE && strcmp(set->measures[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool read_number(const struct row *row, int measure, double *number)
{
	for (size_t i = 0; i < row->n && measure >= 0; i++) {
		if (row->readings[i].measure != (unsigned)measure)
			continue;
		*number = row->readings[i].value.number;
		return *number > 0;
	}
	return false;
}

/* Of the run itself. */
static bool round_trip_of(const struct sample *sample, double *seconds)
{
	const struct row *row = sample->rows;

	if (sample->nrows == 0 || sample->reason != REASON_OK)
		return false;
	for (size_t i = 0; i < ROUND_TRIPS; i++) {
		if (strcmp(row->set->name, round_trips[i].set) == 0 &&
		    read_number(row, find_measure(row->set, round_trips[i].measure), seconds))
			return true;
	}
	return false;
}

/* Two windows side by side stand for one that slides: what is shortest is forgotten after one to two lengths of it. */
static void turn_window(struct whereabouts *whereabouts, int64_t now_ns)
{
	int64_t age_ns = now_ns - whereabouts->window_ns;

	if (age_ns >= 0 && age_ns < WINDOW_NS)
		return;
	whereabouts->shortest_before_seconds =
		age_ns >= WINDOW_NS && age_ns < 2 * WINDOW_NS ? whereabouts->shortest_seconds : 0;
	whereabouts->shortest_seconds = 0;
	whereabouts->window_ns = now_ns;
}

/* The shortest round trip of the last minute or two, and of this run in any case. */
static bool shortest_round_trip(struct whereabouts *whereabouts, const struct sample *sample, double *seconds)
{
	double *shortest = &whereabouts->shortest_seconds, before;

	turn_window(whereabouts, sample->begun_realtime_ns);
	if (round_trip_of(sample, seconds) && (*shortest == 0 || *seconds < *shortest))
		*shortest = *seconds;
	before = whereabouts->shortest_before_seconds;
	*seconds = before > 0 && (*shortest == 0 || before < *shortest) ? before : *shortest;
	return *seconds > 0;
}

static size_t add_way(struct whereabouts *whereabouts, const struct sample *sample, struct reading *readings)
{
	double seconds, ratio;
	size_t n = 0;

	readings[n++] = reading_number(GEO_DISTANCE, whereabouts->meters);
	readings[n++] = reading_number(GEO_FLOOR, whereabouts->floor_seconds);
	if (!sample || !shortest_round_trip(whereabouts, sample, &seconds))
		return n;
	if (distance_inflation(whereabouts->meters, seconds, &ratio))
		readings[n++] = reading_number(GEO_INFLATION, ratio);
	readings[n++] = reading_integer(
		GEO_IMPLAUSIBLE,
		distance_is_implausible(whereabouts->meters, whereabouts->radius_meters, seconds, RESOLUTION_SECONDS));
	return n;
}

size_t whereabouts_readings(struct whereabouts *whereabouts, const struct sample *sample, struct reading *readings)
{
	struct distance_point point;
	size_t n = 0;

	if (!place_point(whereabouts->place, &point))
		return 0;
	readings[n++] = reading_number(GEO_LATITUDE, point.latitude);
	readings[n++] = reading_number(GEO_LONGITUDE, point.longitude);
	if (whereabouts->has_way)
		n += add_way(whereabouts, sample, readings + n);
	return n;
}

bool whereabouts_take_line(struct whereabouts *whereabouts, int64_t stamp_ns)
{
	/* A clock that was put back makes nobody wait. */
	if (stamp_ns < whereabouts->line_due_ns && stamp_ns >= whereabouts->line_due_ns - LINE_INTERVAL_NS)
		return false;
	whereabouts->line_due_ns = stamp_ns + LINE_INTERVAL_NS;
	return true;
}
