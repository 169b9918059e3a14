/*
 * What the files of geo/ share. Nobody else includes this.
 */
#ifndef NETSONDE_GEO_GEO_INTERNAL_H
#define NETSONDE_GEO_GEO_INTERNAL_H

#include "geo/geo.h"

/* --- geo.c ------------------------------------------------------------------------------------------------------- */

/* Of the edition in force; 0: none, or an empty one. Any thread. */
uint32_t geo_number(const struct geo *geo);
/* The edition and its number; NULL with number 0. */
struct edition *geo_hold_edition(struct geo *geo, uint32_t *number);

void geo_add_cache(struct geo *geo, struct geo_cache **next, struct geo_cache *cache);
void geo_remove_cache(struct geo *geo, struct geo_cache *cache);

/* --- cache.c ----------------------------------------------------------------------------------------------------- */

struct geo_cache_figures {
	uint64_t lookups, hits;
	size_t places;
};

struct geo_cache **geo_cache_next(struct geo_cache *cache);
/* Adds its figures. Any thread. */
void geo_cache_count(const struct geo_cache *cache, struct geo_cache_figures *figures);

#endif
