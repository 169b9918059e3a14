/*
 * One reply to GET /metrics: a render, compressed if that was asked for, as a stream of the HTTP server.
 */
#ifndef NETSONDE_EXPORTER_SCRAPE_H
#define NETSONDE_EXPORTER_SCRAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "exporter/dialect_page.h"
#include "exporter/own_rows.h"
#include "exporter/render.h"
#include "exporter/server.h"

/* Shared by all scrapes of a server; written by its thread. */
struct scrape_figures {
	_Atomic uint64_t finished, aborted;
	_Atomic uint64_t cpu_ns; /* spent on making pages */
};

struct scrape_plan {
	struct render_plan render;     /* own rows: of own_rows below */
	struct own_rows own;           /* passed on */
	const struct dialect *dialect; /* borrowed until the stream is freed; NULL: our own names */
	bool is_compressed;
	struct scrape_figures *figures; /* borrowed until the stream is freed */
};

/* A stream for connection_stream, which frees it. */
struct stream scrape_open(const struct scrape_plan *plan);

/* "2/8" -> 2 of 8; false unless 0 <= i < n <= SCRAPE_SHARDS_MAX. */
#define SCRAPE_SHARDS_MAX 65536
bool scrape_parse_shard(const char *text, unsigned *shard, unsigned *shards);

#endif
