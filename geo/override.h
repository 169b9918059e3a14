/*
 * What the configuration knows better than databases: places of one's own networks and targets.
 */
#ifndef NETSONDE_GEO_OVERRIDE_H
#define NETSONDE_GEO_OVERRIDE_H

#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "core/option.h"
#include "geo/place.h"

/* An entry of geo.overrides. */
struct geo_override {
	struct option_list networks; /* "10.0.0.0/8", "2001:db8::1" */
	struct option_list targets;  /* names of targets */
	char *country, *country_name, *city, *region, *continent, *as_org, *isp, *time_zone, *site;
	int64_t asn;                /* 0 = not told */
	double latitude, longitude; /* both 0 = not told */
};
extern const struct option geo_override_options[];
extern const size_t geo_override_noptions;

/* Rules between and behind the options. Pure. -1 with err. */
int geo_override_check(const struct geo_override *override, struct err *err);

/* All of them; immutable. */
struct overrides;

/* Everything is copied. -> NULL with err when two have the same network or target. */
struct overrides *overrides_create(const struct geo_override *const *items, size_t n, struct err *err);
void overrides_free(struct overrides *overrides); /* NULL is harmless */

size_t overrides_count(const struct overrides *overrides);

/* The entry with the narrowest network that has the address, or NULL. */
const struct geo_override *overrides_find_network(const struct overrides *overrides, const struct address *address);
/* The entry that names the target, or NULL. */
const struct geo_override *overrides_find_target(const struct overrides *overrides, const char *target);

/* Adds what the entry says to the draft, where that has nothing yet. */
void geo_override_apply(const struct geo_override *override, struct place_draft *draft);

/* "10.0.0.0/8", or an address, which is a network of one. Pure. -1 with err. */
int network_parse(const char *text, struct address *network, unsigned *bits, struct err *err);

#endif
