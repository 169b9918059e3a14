/*
 * A long list in the text of a configuration, cut into pieces that libconfig can read one after the other: its tree
 * takes a thousand bytes a target. Pure.
 */
#ifndef NETSONDE_DAEMON_CONFIG_CHUNKS_H
#define NETSONDE_DAEMON_CONFIG_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* Some elements, from the first one's brace to the last one's. */
struct config_chunk {
	const char *text; /* borrowed */
	size_t length;
	unsigned line; /* where it begins */
	size_t first;  /* index of its first element */
};

struct config_chunks {
	struct config_chunk *items;
	size_t n;
	size_t nelements;
	struct text rest; /* all but the elements, with its line feeds where they were */
};

/* Cuts the list of this name at the top of the text into chunks of so many elements. false, with nothing to free: there
 * is no such list, it is no longer than a chunk, or not plainly of groups { } with commas between them. */
bool config_chunks_cut(struct config_chunks *chunks, const struct text *text, const char *name, size_t elements);
void config_chunks_free(struct config_chunks *chunks);

#endif
