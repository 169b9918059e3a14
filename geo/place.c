#include "geo/place.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "core/utf8.h"

/* A geohash of 5 characters is right to 2.4 km, which is more than databases know; one of 7 to 80 m. */
#define GEOHASH_LENGTH       5
#define GEOHASH_LENGTH_EXACT 7

static const char *const field_names[PLACE_FIELDS] = {
	[PLACE_COUNTRY] = "country",     [PLACE_COUNTRY_NAME] = "country_name",
	[PLACE_CITY] = "city",           [PLACE_REGION] = "region",
	[PLACE_CONTINENT] = "continent", [PLACE_ASN] = "asn",
	[PLACE_AS_ORG] = "as_org",       [PLACE_ISP] = "isp",
	[PLACE_LATITUDE] = "latitude",   [PLACE_LONGITUDE] = "longitude",
	[PLACE_GEOHASH] = "geohash",     [PLACE_TIME_ZONE] = "time_zone",
	[PLACE_SCOPE] = "scope",         [PLACE_CONNECTION_TYPE] = "connection_type",
	[PLACE_SITE] = "site",
};

static const char *const flag_names[PLACE_FLAGS] = {
	[PLACE_IS_ANONYMOUS] = "is_anonymous",
	[PLACE_IS_ANONYMOUS_VPN] = "is_anonymous_vpn",
	[PLACE_IS_HOSTING_PROVIDER] = "is_hosting_provider",
	[PLACE_IS_PUBLIC_PROXY] = "is_public_proxy",
	[PLACE_IS_RESIDENTIAL_PROXY] = "is_residential_proxy",
	[PLACE_IS_TOR_EXIT_NODE] = "is_tor_exit_node",
	[PLACE_IS_ANYCAST] = "is_anycast",
};

/* Texts lie behind the struct; offsets count from there, 0 = absent (the first byte is not used). */
struct place {
	unsigned holders;
	uint32_t asn;
	struct distance_point point;
	double radius_meters;
	uint16_t size;
	uint16_t offsets[PLACE_FIELDS];
	uint8_t flags;
	bool has_point, has_asn;
	char texts[];
};

const char *place_field_name(enum place_field field)
{
	return field_names[field];
}

enum place_field place_field_find(const char *name)
{
	unsigned field = 0;

	while (field < PLACE_FIELDS && strcmp(field_names[field], name) != 0)
		field++;
	return (enum place_field)field;
}

const char *place_flag_name(enum place_flag flag)
{
	return flag_names[flag];
}

/* --- drafts ------------------------------------------------------------------------------------------------------ */

static bool has_control(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return true;
	}
	return false;
}

void place_draft_text(struct place_draft *draft, enum place_field field, const char *bytes, size_t n)
{
	char *text = draft->texts[field];
	size_t seen = n < PLACE_TEXT_SIZE ? n : PLACE_TEXT_SIZE - 1, kept = utf8_length(bytes, seen);
	/* A cut may go through a character, which is of four bytes at most. */
	size_t least = seen == n ? n : seen - 3;

	if (text[0] || n == 0 || kept < least || has_control(bytes, kept))
		return;
	memcpy(text, bytes, kept);
	text[kept] = '\0';
}

static void set_number(char *text, double value)
{
	text[text_print_double(text, value)] = '\0';
}

void place_draft_asn(struct place_draft *draft, uint32_t asn)
{
	if (draft->has_asn)
		return;
	draft->has_asn = true;
	draft->asn = asn;
	draft->texts[PLACE_ASN][text_print_integer(draft->texts[PLACE_ASN], asn)] = '\0';
}

void place_draft_point(struct place_draft *draft, struct distance_point point, double radius_meters, bool is_exact)
{
	/* Comparisons with NaN are false. */
	if (draft->has_point || !(fabs(point.latitude) <= 90) || !(fabs(point.longitude) <= 180))
		return;
	draft->has_point = true;
	draft->point = point;
	draft->radius_meters = radius_meters > 0 && radius_meters < 1e9 ? radius_meters : 0;
	draft->is_exact = is_exact;
	set_number(draft->texts[PLACE_LATITUDE], point.latitude);
	set_number(draft->texts[PLACE_LONGITUDE], point.longitude);
	place_geohash(point, is_exact ? GEOHASH_LENGTH_EXACT : GEOHASH_LENGTH, draft->texts[PLACE_GEOHASH]);
}

void place_geohash(struct distance_point point, unsigned length, char *out)
{
	static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
	/* Bits of longitude and latitude take turns. */
	double values[2] = {point.longitude, point.latitude}, low[2] = {-180, -90}, high[2] = {180, 90};

	for (unsigned i = 0, axis = 0; i < length; i++) {
		unsigned digit = 0;

		for (unsigned bit = 0; bit < 5; bit++, axis = !axis) {
			double middle = (low[axis] + high[axis]) / 2;
			bool is_upper = values[axis] >= middle;

			digit = digit << 1 | is_upper;
			*(is_upper ? &low[axis] : &high[axis]) = middle;
		}
		out[i] = digits[digit];
	}
	out[length] = '\0';
}

/* --- places ------------------------------------------------------------------------------------------------------ */

struct place *place_create(const struct place_draft *draft)
{
	size_t size = 1;
	struct place *place;

	for (unsigned i = 0; i < PLACE_FIELDS; i++)
		size += draft->texts[i][0] ? strlen(draft->texts[i]) + 1 : 0;
	place = mem_zero(1, sizeof(*place) + size);
	place->holders = 1;
	place->size = (uint16_t)size;
	place->asn = draft->asn;
	place->has_asn = draft->has_asn;
	place->point = draft->point;
	place->has_point = draft->has_point;
	place->radius_meters = draft->radius_meters;
	place->flags = draft->flags;
	size = 1;
	for (unsigned i = 0; i < PLACE_FIELDS; i++) {
		size_t n = strlen(draft->texts[i]);

		if (n == 0)
			continue;
		place->offsets[i] = (uint16_t)size;
		memcpy(place->texts + size, draft->texts[i], n + 1);
		size += n + 1;
	}
	return place;
}

struct place *place_hold(struct place *place)
{
	place->holders++;
	return place;
}

void place_release(struct place *place)
{
	if (place && --place->holders == 0)
		mem_free(place);
}

const char *place_text(const struct place *place, enum place_field field)
{
	return place->offsets[field] ? place->texts + place->offsets[field] : NULL;
}

bool place_asn(const struct place *place, uint32_t *asn)
{
	*asn = place->asn;
	return place->has_asn;
}

bool place_point(const struct place *place, struct distance_point *point)
{
	*point = place->point;
	return place->has_point;
}

double place_radius_meters(const struct place *place)
{
	return place->radius_meters;
}

bool place_has_flag(const struct place *place, enum place_flag flag)
{
	return place->flags >> flag & 1;
}

bool place_is_known(const struct place *place)
{
	for (unsigned i = 0; i < PLACE_FIELDS; i++) {
		if (i != PLACE_SCOPE && place->offsets[i])
			return true;
	}
	return place->flags != 0;
}

size_t place_bytes(const struct place *place)
{
	return sizeof(*place) + place->size;
}
