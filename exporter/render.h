/*
 * The exposition, in pieces: families contiguous over all shards, HELP/TYPE/UNIT once each, stable order. Text 0.0.4
 * and OpenMetrics 1.0 (docs: https://prometheus.io/docs/instrumenting/exposition_formats/). Pure but for reading the
 * store.
 */
#ifndef NETSONDE_EXPORTER_RENDER_H
#define NETSONDE_EXPORTER_RENDER_H

#include <stdbool.h>

#include "core/sample.h"
#include "core/text.h"

struct render;
struct series_store;

enum render_format { RENDER_TEXT, RENDER_OPENMETRICS };

extern const char *const render_content_types[2]; /* by enum render_format */

/* The highest-q format of an Accept header that we serve; NULL or nothing of ours: RENDER_TEXT. Junk is tolerated. */
enum render_format render_negotiate(const char *accept);
/* Is gzip accepted with q > 0? */
bool render_accepts_gzip(const char *accept_encoding);

/* own: rows of the daemon about itself (labels complete; borrowed until render_free). Values come from them first.
 * shard i of n (0 of 1 = all): only targets whose hash_stable(target name) % n == i; own rows only with shard 0.
 * One thread at a time may have renders of a store open (several of them). */
struct render_plan {
	struct series_store *store;
	const struct row *own;
	size_t nown;
	enum render_format format;
	unsigned shard, shards;
};
struct render *render_create(const struct render_plan *plan);
void render_free(struct render *render);

/* Appends at least some and about `enough` bytes to out. Returns true while there is more to come. */
bool render_more(struct render *render, struct text *out, size_t enough);

#endif
