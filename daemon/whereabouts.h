/*
 * Where the target of a publication is, and what follows from its distance for a round trip. Looked up only when the
 * address, the databases or the target's labels change, not with every sample; nothing is kept of targets while no
 * section geo is configured.
 */
#ifndef NETSONDE_DAEMON_WHEREABOUTS_H
#define NETSONDE_DAEMON_WHEREABOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "geo/geo.h"

struct whereabouts;

/* "geo": the row that publications of known places have beside those of their samples. */
extern const struct measure_set whereabouts_set;
#define WHEREABOUTS_READINGS 6

/* The labels of netsonde_target_info that say where it is, NULL-terminated, and the most labels or tags there can be.
 */
extern const char *const whereabouts_label_names[];
#define WHEREABOUTS_LABELS PLACE_FIELDS

/* Brings *whereabouts, NULL at first, up to date; NULL afterwards: nothing is known. The subject's name and labels
 * count. Cheap while nothing has changed. True if it was looked up: labels and tags may be others than before. */
bool whereabouts_refresh(struct whereabouts **whereabouts, struct geo_cache *cache, const struct subject *subject,
			 const struct address *address);

/* The subject has another name or other labels. whereabouts may be NULL. */
void whereabouts_forget(struct whereabouts *whereabouts);
void whereabouts_free(struct whereabouts *whereabouts); /* NULL is harmless */

/* Labels into out, which has room for WHEREABOUTS_LABELS: of the info row, and tags of lines. What the target's own
 * labels are called is left to these. Returns how many. Their texts are borrowed until the next refresh. */
size_t whereabouts_labels(const struct whereabouts *whereabouts, struct label *out);
size_t whereabouts_tags(const struct whereabouts *whereabouts, struct label *out);

/* Readings of whereabouts_set after a sample, which is NULL for none: returns how many, 0 if the place has no
 * coordinates. The round trip that is compared with light is the shortest of a minute or two. */
size_t whereabouts_readings(struct whereabouts *whereabouts, const struct sample *sample, struct reading *readings);

/* Is a line of the set due? It says the same for long, so there is one every ten seconds. Yes is said once. */
bool whereabouts_take_line(struct whereabouts *whereabouts, int64_t stamp_ns);

#endif
