/*
 * A long page as a stream of the HTTP server: made in pieces of text, compressed if that was asked for.
 */
#ifndef NETSONDE_EXPORTER_TEXT_STREAM_H
#define NETSONDE_EXPORTER_TEXT_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "exporter/server.h"

/* Who makes the page. */
struct text_source {
	/* Appends at least some and about `enough` bytes; true while there is more to come. */
	bool (*more)(void *state, struct text *out, size_t enough);
	/* Once, at the end. */
	void (*free)(void *state, bool is_complete);
	void *state;
	_Atomic uint64_t *spent_ns; /* time spent on making and compressing is added here; NULL = nowhere */
};

/* A stream for connection_stream, which frees it, and with it the source. */
struct stream text_stream_open(const struct text_source *source, bool is_compressed);

#endif
