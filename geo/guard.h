/*
 * What libmaxminddb takes for granted about a file, checked before it sees it. Versions in use (1.7.1 in Debian 12)
 * follow nested values without a limit of depth, believe sizes of lists that a file claims, and compute places in the
 * tree with 32 bits: a damaged or malicious file makes them run out of stack, memory or bounds. What has passed here is
 * within bounds, shallow and short, so the library can do nothing wrong with it - as long as the bytes stay the same,
 * which is why a database is a private copy (database.c). Pure.
 *
 * The format: https://maxmind.github.io/MaxMind-DB/
 */
#ifndef NETSONDE_GEO_GUARD_H
#define NETSONDE_GEO_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define GUARD_DEPTH_MAX  16   /* values in values */
#define GUARD_VALUES_MAX 2048 /* in one record, those behind pointers included: some ten times what there is */

/* A whole file; borrowed. */
struct guard_file {
	const uint8_t *bytes;
	size_t size;
	/* What guard_check_file found. */
	size_t data_offset, data_size; /* the data section, without metadata */
	uint32_t node_count;
	unsigned record_bits;
};

/* bytes and size are set. Checks the metadata, and that tree and data are where it says. -1 with err. */
int guard_check_file(struct guard_file *file, struct err *err);

/* The value at this offset of the data section and all that it has or points to. */
bool guard_check_record(const struct guard_file *file, size_t offset);

#endif
