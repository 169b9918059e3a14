/*
 * Which paths of a record mean what: of MaxMind's own databases and of those that look like them. Inside geo/database.
 */
#ifndef NETSONDE_GEO_DATABASE_FIELDS_H
#define NETSONDE_GEO_DATABASE_FIELDS_H

#include <maxminddb.h>

#include "core/option.h"
#include "geo/place.h"

/* Of a record that geo/guard.h has let through. A value of another type than expected counts as absent. */
void database_read_fields(MMDB_entry_s *record, const struct option_list *languages, struct place_draft *draft);

#endif
