/*
 * Where in the series store the rows of a dialect are: found in one walk when a page is begun, so that each of its
 * families then looks at its own rows only. 24 bytes for each run of rows of a set, 24 for each row that others join.
 */
#ifndef NETSONDE_EXPORTER_DIALECT_INDEX_H
#define NETSONDE_EXPORTER_DIALECT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "exporter/block.h"
#include "exporter/dialect.h"
#include "exporter/store.h"

/* Rows first .. first + n - 1 of a block are of one set. */
struct dialect_piece {
	const struct block *block;
	uint32_t first, n;
	uint32_t device;
	uint32_t set; /* index into the dialect's */
};

struct dialect_joined {
	uint64_t hash; /* of the label's value */
	const struct block *block;
	uint32_t row;
	uint32_t join;
};

/* A target. When several of its probes have such sets, one of them is shown: the first by name. */
struct dialect_device {
	const struct block *block; /* one of its blocks: it has the target's labels */
	size_t first_joined, end_joined;
};

struct dialect_index {
	const struct dialect *dialect;
	struct hash_key key;
	struct dialect_device *devices;
	size_t ndevices;
	struct dialect_piece *pieces; /* by set, then by device, then as they are in the store */
	size_t npieces;
	size_t sets[DIALECT_SETS_MAX + 1]; /* where the pieces of each set begin */
	struct dialect_joined *joined;     /* by device, join, hash */
	size_t njoined;
};

struct dialect_index_plan {
	const struct dialect *dialect; /* borrowed until free */
	struct series_store *store;
	uint64_t ticket;               /* of the reader that stays open until free */
	struct known_set *const *sets; /* held as long */
	size_t nsets;
	unsigned shard, shards;
};

void dialect_index_build(struct dialect_index *index, const struct dialect_index_plan *plan);
void dialect_index_clear(struct dialect_index *index);

/* The row that a row of this device joins, by the value (as rendered) of its label; *row is set. NULL: there is none.
 */
const struct block *dialect_index_find(const struct dialect_index *index, size_t device, size_t join,
				       struct label_text value, size_t *row);

/* The value of a label in a piece of label text, as rendered; empty when it has none. */
struct label_text dialect_value_of(struct label_text labels, const char *name);

/* That of a row. Where the target has a label of the same name, the row's is called <set>_<name>
 * (probes/routeros/ros_table.h). */
struct label_text dialect_row_value(const struct dialect *dialect, const struct block *block, size_t row,
				    const char *name);

#endif
