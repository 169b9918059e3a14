/*
 * From samples to the set "qos": a window of the last packets, pages or queries of each probe, what people would make
 * of the path, and how often objectives were missed. An assessor (daemon/assessment.h), one for all workers.
 */
#ifndef NETSONDE_DAEMON_QUALITY_H
#define NETSONDE_DAEMON_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct assessed;
struct assessor;
struct config_qos;
struct quality;
struct quality_state;
struct sheet;

extern const struct measure_set quality_set; /* "qos" */

#define QUALITY_CODECS_MAX 16

/* settings: borrowed until quality_free. NULL: they do not want any. */
struct quality *quality_create(const struct config_qos *settings);
void quality_free(struct quality *quality); /* NULL is harmless */

/* Its context is a struct quality. */
extern const struct assessor quality_assessor;

/* How many series these are expected to be for a probe of this type; 0: none is made for it. */
size_t quality_count_series(const struct config_qos *settings, const char *type);

/* What the assessor does, with the time told. about: borrowed until close. NULL: there is nothing to say about results
 * of this type. */
struct quality_state *quality_open(const struct quality *quality, const struct assessed *about);
void quality_take(struct quality_state *state, const struct sample *sample, int64_t now_ns);
/* Adds the rows of now. */
void quality_report(struct quality_state *state, int64_t now_ns, struct sheet *sheet);
void quality_close(struct quality_state *state);

/* Bytes of it, for a benchmark. */
size_t quality_size(const struct quality_state *state);

#endif
