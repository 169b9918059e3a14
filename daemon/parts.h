/*
 * The series blocks of a probe's parts (sample.part): what is collected in turns of its own is replaced on its own.
 * Belongs to the worker's thread.
 */
#ifndef NETSONDE_DAEMON_PARTS_H
#define NETSONDE_DAEMON_PARTS_H

#include <stddef.h>

struct label;
struct parts;
struct series;
struct series_store;

/* Where blocks are made, and with which labels. Borrowed for the call. */
struct parts_place {
	struct series_store *store;
	unsigned shard;
	const struct label *labels;
	size_t nlabels;
};

/* The block of a part; NULL when there is none yet. parts may be NULL. */
struct series *parts_find(const struct parts *parts, unsigned part);

/* The same; made if there is none. *parts is NULL before the first one. NULL: a part beyond PROBE_PARTS_MAX. */
struct series *parts_take(struct parts **parts, unsigned part, const struct parts_place *place);

/* Other labels for all of them. parts may be NULL. */
void parts_relabel(struct parts *parts, const struct label *labels, size_t nlabels);

/* The series vanish. NULL is harmless. */
void parts_close(struct parts *parts);

#endif
