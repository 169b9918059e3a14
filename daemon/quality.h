/*
 * From samples to the set "qos": a window of the last packets, pages or queries of each probe, what people would make
 * of the path, and how often objectives were missed. One for a worker. Pure: the caller says what time it is.
 */
#ifndef NETSONDE_DAEMON_QUALITY_H
#define NETSONDE_DAEMON_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct config_objectives;
struct config_qos;
struct quality;
struct quality_state;

extern const struct measure_set quality_set; /* "qos" */

/* The window's row, one a use, one a codec, one an objective. */
#define QUALITY_CODECS_MAX 16
#define QUALITY_ROWS_MAX   (1 + 6 + QUALITY_CODECS_MAX + 4)

/* settings: borrowed until quality_free. NULL: they do not want any. */
struct quality *quality_create(const struct config_qos *settings);
void quality_free(struct quality *quality); /* NULL is harmless */

/* Has the set rows for probes of this type? */
bool quality_fits(const char *type);

/* How many series these are expected to be for a probe of this type. */
size_t quality_count_series(const struct config_qos *settings, const char *type);

/* Takes a sample in. *state: of the probe, NULL before its first sample; made when there is something to keep.
 * objectives: of the target, NULL = those of the settings. Returns how many rows there are to publish now, mostly 0:
 * they are worked out at most once in the interval of the settings. *rows: valid until the next call. */
size_t quality_take(struct quality *quality, struct quality_state **state, const struct sample *sample,
		    const struct config_objectives *objectives, int64_t now_ns, const struct row **rows);

void quality_forget(struct quality_state *state); /* frees it; NULL is harmless */

/* Bytes of it, for a benchmark. */
size_t quality_size(const struct quality_state *state);

#endif
