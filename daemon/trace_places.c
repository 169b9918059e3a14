#include "daemon/trace_places.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/text.h"

#define AS_PATH_BYTES_MAX  1024
#define ADDED_READINGS     4 /* to one row */
#define RESOLUTION_SECONDS 100e-6

/* The path so far, along the first flow. */
struct way {
	bool has_last;
	struct distance_point last;
	double meters;
	unsigned legs;
	uint32_t asn; /* of the hop before; 0 = none */
};

struct trace_places {
	struct row *rows;
	size_t nrows_max;
	struct reading *readings;
	size_t nreadings_max;
	struct place **held;
	size_t nheld, nheld_max;
	struct text as_path;
	struct way way;
	/* for the trace at hand */
	bool has_agent;
	struct distance_point agent;
	double agent_radius_meters;
};

struct trace_places *trace_places_create(void)
{
	struct trace_places *places = mem_zero(1, sizeof(*places));

	places->as_path.ceiling = AS_PATH_BYTES_MAX;
	return places;
}

static void release(struct trace_places *places)
{
	while (places->nheld > 0)
		place_release(places->held[--places->nheld]);
}

void trace_places_free(struct trace_places *places)
{
	if (!places)
		return;
	release(places);
	text_free(&places->as_path);
	mem_free(places->held);
	mem_free(places->readings);
	mem_free(places->rows);
	mem_free(places);
}

/* --- readings ---------------------------------------------------------------------------------------------------- */

static int find_measure(const struct measure_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->measures[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static const struct reading *find_reading(const struct row *row, const char *name)
{
	int measure = find_measure(row->set, name);

	for (size_t i = 0; i < row->n && measure >= 0; i++) {
		if (row->readings[i].measure == (unsigned)measure)
			return &row->readings[i];
	}
	return NULL;
}

/* In its order among those of the row, which has room; in the place of one that is there. */
static void insert(struct row *row, const char *name, struct reading reading)
{
	struct reading *readings = (struct reading *)(uintptr_t)row->readings;
	int measure = find_measure(row->set, name);
	size_t at = 0;

	if (measure < 0)
		return;
	reading.measure = (uint16_t)measure;
	while (at < row->n && readings[at].measure < reading.measure)
		at++;
	if (at == row->n || readings[at].measure != reading.measure) {
		memmove(&readings[at + 1], &readings[at], (row->n - at) * sizeof(*readings));
		row->n++;
	}
	readings[at] = reading;
}

static void insert_text(struct row *row, const char *name, const struct place *place, enum place_field field)
{
	const char *text = place_text(place, field);

	if (text)
		insert(row, name, reading_text(0, text));
}

/* --- hops -------------------------------------------------------------------------------------------------------- */

static struct place *hold(struct trace_places *places, struct place *place)
{
	if (places->nheld == places->nheld_max) {
		places->nheld_max = places->nheld_max ? places->nheld_max * 2 : 32;
		places->held = mem_resize(places->held, places->nheld_max, sizeof(struct place *));
	}
	return places->held[places->nheld++] = place;
}

/* Where the hop cannot be, because its answer came sooner than light. */
static bool is_implausible(const struct trace_places *places, const struct place *place, struct distance_point point,
			   const struct row *row, bool *is_told)
{
	const struct reading *rtt = find_reading(row, "rtt_min_seconds");

	*is_told = places->has_agent && rtt && rtt->value.number > 0;
	return *is_told && distance_is_implausible(distance_meters(places->agent, point),
						   places->agent_radius_meters + place_radius_meters(place),
						   rtt->value.number, RESOLUTION_SECONDS);
}

static void go_on(struct way *way, struct distance_point point)
{
	if (way->has_last) {
		way->meters += distance_meters(way->last, point);
		way->legs++;
	}
	way->last = point;
	way->has_last = true;
}

static void add_as(struct trace_places *places, uint32_t asn)
{
	if (asn == places->way.asn)
		return;
	places->way.asn = asn;
	if (places->as_path.length > 0)
		text_add_char(&places->as_path, ' ');
	text_add_unsigned(&places->as_path, asn);
}

static bool is_first_flow(const struct row *row)
{
	for (size_t i = 0; i < row->nlabels; i++) {
		if (strcmp(row->labels[i].name, "flow") == 0)
			return strcmp(row->labels[i].value, "0") == 0;
	}
	return true;
}

static void add_point(struct trace_places *places, const struct place *place, struct row *row)
{
	struct distance_point point;
	bool is_told, is_wrong;

	if (!place_point(place, &point))
		return;
	is_wrong = is_implausible(places, place, point, row, &is_told);
	if (is_told)
		insert(row, "is_implausible", reading_integer(0, is_wrong));
	/* A place that cannot be is no part of the way. */
	if (!is_wrong && is_first_flow(row))
		go_on(&places->way, point);
}

static void add_hop(struct trace_places *places, struct geo_cache *cache, struct row *row)
{
	const struct reading *reading = find_reading(row, "address");
	struct address address;
	const struct place *place;
	uint32_t asn;

	if (!reading || !address_parse(reading->value.text, &address))
		return;
	place = hold(places, geo_find(cache, &address, NULL));
	insert_text(row, "country", place, PLACE_COUNTRY);
	insert_text(row, "city", place, PLACE_CITY);
	insert_text(row, "asn", place, PLACE_ASN);
	if (place_asn(place, &asn) && is_first_flow(row))
		add_as(places, asn);
	add_point(places, place, row);
}

/* --- traces ------------------------------------------------------------------------------------------------------ */

static void add_trace(struct trace_places *places, struct row *row)
{
	const char *as_path = text_string(&places->as_path);

	if (as_path[0]) {
		insert(row, "as_path", reading_text(0, as_path));
		insert(row, "as_path_hash", reading_integer(0, (int64_t)(hash_stable(as_path) & UINT32_MAX)));
	}
	if (places->way.legs > 0)
		insert(row, "path_meters", reading_number(0, places->way.meters));
}

/* Copies of all rows, each with room for what may be added. */
static void copy_rows(struct trace_places *places, const struct sample *sample)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < sample->nrows; i++)
		n += sample->rows[i].n + ADDED_READINGS;
	if (sample->nrows > places->nrows_max) {
		places->nrows_max = sample->nrows;
		places->rows = mem_resize(places->rows, sample->nrows, sizeof(*places->rows));
	}
	if (n > places->nreadings_max) {
		places->nreadings_max = n;
		places->readings = mem_resize(places->readings, n, sizeof(*places->readings));
	}
	for (size_t i = 0; i < sample->nrows; i++) {
		places->rows[i] = sample->rows[i];
		places->rows[i].readings = places->readings + at;
		for (size_t k = 0; k < sample->rows[i].n; k++)
			places->readings[at + k] = sample->rows[i].readings[k];
		at += sample->rows[i].n + ADDED_READINGS;
	}
}

static void begin(struct trace_places *places, struct geo_cache *cache)
{
	release(places);
	text_clear(&places->as_path);
	places->way = (struct way){0};
	places->has_agent = edition_agent(geo_cache_rules(cache), &places->agent, &places->agent_radius_meters);
	if (places->has_agent)
		go_on(&places->way, places->agent);
}

const struct row *trace_places_add(struct trace_places *places, struct geo_cache *cache, const struct sample *sample)
{
	if (sample->nrows == 0 || strcmp(sample->rows[0].set->name, "traceroute") != 0)
		return sample->rows;
	begin(places, cache);
	copy_rows(places, sample);
	for (size_t i = 1; i < sample->nrows; i++) {
		if (strcmp(places->rows[i].set->name, "traceroute_hop") == 0)
			add_hop(places, cache, &places->rows[i]);
	}
	add_trace(places, &places->rows[0]);
	return places->rows;
}
