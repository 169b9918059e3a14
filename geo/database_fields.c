#include "geo/database_fields.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_PARTS 6
#define METERS_PER_KM  1000

/* Stands for each of the languages in turn. */
static const char language[] = "*";

struct path {
	const char *parts[PATH_MAX_PARTS]; /* NULL-terminated */
};

/* Of texts; for one field in the order in which they are tried. The first group: City, Country, Enterprise, ISP, ASN,
 * Connection-Type of MaxMind, and DB-IP; then flat ones (IPinfo and others). */
static const struct {
	enum place_field field;
	struct path path;
} texts[] = {
	{PLACE_COUNTRY, {{"country", "iso_code"}}},
	{PLACE_COUNTRY, {{"country_code"}}},
	{PLACE_COUNTRY, {{"country"}}},
	{PLACE_COUNTRY_NAME, {{"country", "names", language}}},
	{PLACE_COUNTRY_NAME, {{"country_name"}}},
	{PLACE_CITY, {{"city", "names", language}}},
	{PLACE_CITY, {{"city"}}},
	{PLACE_REGION, {{"subdivisions", "0", "names", language}}},
	{PLACE_REGION, {{"subdivisions", "0", "iso_code"}}},
	{PLACE_REGION, {{"region"}}},
	{PLACE_CONTINENT, {{"continent", "code"}}},
	{PLACE_CONTINENT, {{"continent_code"}}},
	{PLACE_TIME_ZONE, {{"location", "time_zone"}}},
	{PLACE_TIME_ZONE, {{"timezone"}}},
	{PLACE_AS_ORG, {{"autonomous_system_organization"}}},
	{PLACE_AS_ORG, {{"traits", "autonomous_system_organization"}}},
	{PLACE_AS_ORG, {{"as_name"}}},
	{PLACE_ISP, {{"isp"}}},
	{PLACE_ISP, {{"traits", "isp"}}},
	{PLACE_CONNECTION_TYPE, {{"connection_type"}}},
	{PLACE_CONNECTION_TYPE, {{"traits", "connection_type"}}},
};

static const struct path asns[] = {{{"autonomous_system_number"}}, {{"traits", "autonomous_system_number"}}, {{"asn"}}};

/* Latitude, longitude, radius in km; the radius may be absent. */
static const struct path points[][3] = {
	{{{"location", "latitude"}}, {{"location", "longitude"}}, {{"location", "accuracy_radius"}}},
	{{{"latitude"}}, {{"longitude"}}, {{"accuracy_radius"}}},
};

static bool get(MMDB_entry_s *record, const char *const *parts, MMDB_entry_data_s *data)
{
	return MMDB_aget_value(record, data, parts) == MMDB_SUCCESS && data->has_data;
}

static bool get_text(MMDB_entry_s *record, const char *const *parts, MMDB_entry_data_s *data)
{
	return get(record, parts, data) && data->type == MMDB_DATA_TYPE_UTF8_STRING;
}

static bool get_whole(MMDB_entry_s *record, const char *const *parts, uint32_t *whole)
{
	MMDB_entry_data_s data;

	if (!get(record, parts, &data))
		return false;
	*whole = data.type == MMDB_DATA_TYPE_UINT16 ? data.uint16 : data.uint32;
	return data.type == MMDB_DATA_TYPE_UINT16 || data.type == MMDB_DATA_TYPE_UINT32;
}

static bool get_number(MMDB_entry_s *record, const char *const *parts, double *number)
{
	MMDB_entry_data_s data;

	if (!get(record, parts, &data))
		return false;
	*number = data.type == MMDB_DATA_TYPE_FLOAT ? (double)data.float_value : data.double_value;
	return data.type == MMDB_DATA_TYPE_FLOAT || data.type == MMDB_DATA_TYPE_DOUBLE;
}

static bool has_language(const struct path *path, size_t *part)
{
	for (*part = 0; path->parts[*part]; (*part)++) {
		if (path->parts[*part] == language)
			return true;
	}
	return false;
}

static void read_text(MMDB_entry_s *record, const struct path *path, const struct option_list *languages,
		      enum place_field field, struct place_draft *draft)
{
	struct path concrete = *path;
	size_t part, n = has_language(path, &part) ? languages->n : 1;
	MMDB_entry_data_s data;

	for (size_t i = 0; i < n && !draft->texts[field][0]; i++) {
		if (path->parts[part])
			concrete.parts[part] = languages->items[i];
		if (get_text(record, concrete.parts, &data))
			place_draft_text(draft, field, data.utf8_string, data.data_size);
	}
}

/* A number, or "AS15169". */
static void read_asn(MMDB_entry_s *record, const struct path *path, struct place_draft *draft)
{
	MMDB_entry_data_s data;
	uint32_t asn;

	if (get_whole(record, path->parts, &asn)) {
		place_draft_asn(draft, asn);
	} else if (get_text(record, path->parts, &data) && data.data_size > 2 && data.data_size <= 12 &&
		   memcmp(data.utf8_string, "AS", 2) == 0) {
		char digits[16] = "";
		unsigned long number;
		char *end;

		memcpy(digits, data.utf8_string + 2, data.data_size - 2);
		number = strtoul(digits, &end, 10);
		if (digits[0] >= '0' && digits[0] <= '9' && *end == '\0' && number <= UINT32_MAX)
			place_draft_asn(draft, (uint32_t)number);
	}
}

static void read_point(MMDB_entry_s *record, const struct path *paths, struct place_draft *draft)
{
	struct distance_point point;
	uint32_t radius_km;

	if (!get_number(record, paths[0].parts, &point.latitude) ||
	    !get_number(record, paths[1].parts, &point.longitude))
		return;
	if (!get_whole(record, paths[2].parts, &radius_km))
		radius_km = 0;
	place_draft_point(draft, point, (double)radius_km * METERS_PER_KM, false);
}

static bool is_true(MMDB_entry_s *record, const char *const *parts)
{
	MMDB_entry_data_s data;

	return get(record, parts, &data) && data.type == MMDB_DATA_TYPE_BOOLEAN && data.boolean;
}

/* Absent is false, so any database may raise a flag. */
static void read_flags(MMDB_entry_s *record, struct place_draft *draft)
{
	for (unsigned i = 0; i < PLACE_FLAGS; i++) {
		const char *name = place_flag_name((enum place_flag)i);
		const char *flat[] = {name, NULL}, *nested[] = {"traits", name, NULL};

		if (is_true(record, flat) || is_true(record, nested))
			draft->flags |= (uint8_t)(1U << i);
	}
}

void database_read_fields(MMDB_entry_s *record, const struct option_list *languages, struct place_draft *draft)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!draft->texts[texts[i].field][0])
			read_text(record, &texts[i].path, languages, texts[i].field, draft);
	}
	for (size_t i = 0; i < sizeof(asns) / sizeof(asns[0]) && !draft->has_asn; i++)
		read_asn(record, &asns[i], draft);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]) && !draft->has_point; i++)
		read_point(record, points[i], draft);
	read_flags(record, draft);
}
