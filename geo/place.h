/*
 * What is known about where an address is: merged from databases and from what the configuration says, then immutable.
 * Whatever is not known is absent; nothing is guessed.
 */
#ifndef NETSONDE_GEO_PLACE_H
#define NETSONDE_GEO_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "geo/distance.h"
#include "geo/scope.h"

/* Everything that can be said in words, in the order in which labels are shown. */
enum place_field {
	PLACE_COUNTRY, /* ISO 3166-1, two letters */
	PLACE_COUNTRY_NAME,
	PLACE_CITY,
	PLACE_REGION,    /* the largest subdivision of the country */
	PLACE_CONTINENT, /* AF, AN, AS, EU, NA, OC, SA */
	PLACE_ASN,       /* decimal, without "AS" */
	PLACE_AS_ORG,
	PLACE_ISP,
	PLACE_LATITUDE, /* in degrees */
	PLACE_LONGITUDE,
	PLACE_GEOHASH,
	PLACE_TIME_ZONE,
	PLACE_CONNECTION_TYPE,
	PLACE_SCOPE, /* absent: global */
	PLACE_SITE,  /* only from the configuration */
	PLACE_FIELDS
};

/* "country", "country_name", ... */
const char *place_field_name(enum place_field field);
/* PLACE_FIELDS when there is none of this name. */
enum place_field place_field_find(const char *name);

/* What databases say as yes or no, in place.flags by 1 << flag. */
enum place_flag {
	PLACE_IS_ANONYMOUS,
	PLACE_IS_ANONYMOUS_VPN,
	PLACE_IS_HOSTING_PROVIDER,
	PLACE_IS_PUBLIC_PROXY,
	PLACE_IS_RESIDENTIAL_PROXY,
	PLACE_IS_TOR_EXIT_NODE,
	PLACE_IS_ANYCAST,
	PLACE_FLAGS
};
const char *place_flag_name(enum place_flag flag); /* "is_anonymous", ... */

#define PLACE_TEXT_SIZE 128 /* of one field, with NUL; what is longer is cut between characters */

/* A place while it is put together; zero-initialise. What is there stays: whoever comes first wins. */
struct place_draft {
	char texts[PLACE_FIELDS][PLACE_TEXT_SIZE];
	bool has_point, has_asn, is_exact;
	struct distance_point point;
	double radius_meters; /* within which it is known; 0: not told */
	uint32_t asn;
	uint8_t flags;
};

/* Sets a field unless it is there. Text that is empty, not UTF-8 or has control characters is left out. ASN, the
 * coordinates and the geohash are set by the functions below. */
void place_draft_text(struct place_draft *draft, enum place_field field, const char *bytes, size_t n);
void place_draft_asn(struct place_draft *draft, uint32_t asn);
/* Coordinates and the radius belong together; such that are none are left out. is_exact: from the configuration. */
void place_draft_point(struct place_draft *draft, struct distance_point point, double radius_meters, bool is_exact);

/* Immutable; counted by hand, for one thread. */
struct place;

/* Held by the caller. */
struct place *place_create(const struct place_draft *draft);
struct place *place_hold(struct place *place);
void place_release(struct place *place); /* NULL is harmless */

/* Borrowed; NULL: not known. */
const char *place_text(const struct place *place, enum place_field field);
bool place_asn(const struct place *place, uint32_t *asn);
bool place_point(const struct place *place, struct distance_point *point);
double place_radius_meters(const struct place *place); /* 0: not told */
bool place_has_flag(const struct place *place, enum place_flag flag);
/* Is anything known but its scope? */
bool place_is_known(const struct place *place);
/* Of its memory. */
size_t place_bytes(const struct place *place);

/* Base 32 of Gustavo Niemeyer (2008): length characters and NUL into out. */
#define PLACE_GEOHASH_MAX 12
void place_geohash(struct distance_point point, unsigned length, char *out);

#endif
