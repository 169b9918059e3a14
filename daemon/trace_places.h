/*
 * Where the hops of a trace are: rows of the sets "traceroute" and "traceroute_hop" get what databases know about the
 * addresses in them. Measures are found by name: as_path, as_path_hash and path_meters of the trace; country, city, asn
 * and is_implausible of a hop. A set that lacks one of them goes without.
 */
#ifndef NETSONDE_DAEMON_TRACE_PLACES_H
#define NETSONDE_DAEMON_TRACE_PLACES_H

#include "core/sample.h"
#include "geo/geo.h"

struct trace_places;

struct trace_places *trace_places_create(void);
void trace_places_free(struct trace_places *places); /* NULL is harmless */

/* The sample's rows, with places if it is a trace, by the edition that cache holds (not 0). Borrowed until the next
 * call; as many as the sample has. */
const struct row *trace_places_add(struct trace_places *places, struct geo_cache *cache, const struct sample *sample);

#endif
