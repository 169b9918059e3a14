/*
 * What is known about places at one time: databases, overrides, where this agent stands. Immutable and counted; any
 * thread that holds it may ask it.
 */
#ifndef NETSONDE_GEO_EDITION_H
#define NETSONDE_GEO_EDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/option.h"
#include "geo/database.h"
#include "geo/override.h"
#include "geo/place.h"

#define EDITION_DATABASES_MAX 16

/* Section "geo", without overrides. */
struct geo_settings {
	struct option_list databases; /* paths; what the first knows is not asked of the others */
	bool is_required;             /* must they be there at the start and at a reload? */
	struct option_list languages;
	struct option_list tags; /* names of fields */
	int64_t max_size_bytes;  /* of one file */
	int64_t cache;           /* places that each worker keeps */
	int64_t check_interval_ns;
};
extern const struct option geo_options[];
extern const size_t geo_noptions;

/* Rules behind the options. Pure. -1 with err ("tags: ..."). */
int geo_settings_check(const struct geo_settings *settings, struct err *err);

/* Everything that an edition is made of. Borrowed for the call. */
struct edition_plan {
	const struct geo_settings *settings;
	const struct geo_override *const *overrides;
	size_t noverrides;
	const char *agent_address;         /* literal; NULL = none */
	struct distance_point agent_point; /* 0, 0 = not told */
};

struct edition;

/* before: an edition whose databases are used again where their files have not changed, or NULL. A database that
 * cannot be opened is an error if settings->is_required; but one that was there before stays as it was. NULL with err.
 */
struct edition *edition_create(const struct edition_plan *plan, const struct edition *before, struct err *err);
/* The same with another database (held by the new edition from then on; passed). */
struct edition *edition_exchange(const struct edition *edition, size_t i, struct database *database);

struct edition *edition_hold(struct edition *edition);
void edition_release(struct edition *edition); /* NULL is harmless */

const struct geo_settings *edition_settings(const struct edition *edition);
/* Is there anything to ask? */
bool edition_is_empty(const struct edition *edition);
/* The fields that become tags, by 1 << field. */
unsigned edition_tags(const struct edition *edition);

size_t edition_count_databases(const struct edition *edition);
const char *edition_path(const struct edition *edition, size_t i);
struct database *edition_database(const struct edition *edition, size_t i); /* borrowed; NULL: could not be opened */

/* Where the agent stands. false: not known. */
bool edition_agent(const struct edition *edition, struct distance_point *point, double *radius_meters);

/* What is known of an address, as far as a target of that name (NULL: none) has it. Held by the caller. */
struct place *edition_find(const struct edition *edition, const struct address *address, const char *target);
/* Is there an override of this target? */
bool edition_names_target(const struct edition *edition, const char *target);

#endif
