/*
 * What a worker borrows about a probe: its name, its type, its settings. Equal ones are kept once, whatever
 * configuration they come from, and each for as long as somebody holds it: so a configuration can be freed while the
 * probes that it described go on. Main thread; the workers only read what is held for them.
 */
#ifndef NETSONDE_DAEMON_SPEC_H
#define NETSONDE_DAEMON_SPEC_H

#include <stddef.h>

struct probe_type;
struct shared_catalogue;
struct spec_table;

struct probe_spec {
	const char *name;
	const struct probe_type *type;
	const void *settings;               /* of the type */
	struct shared_catalogue *catalogue; /* if the type uses one; else NULL */
};

struct spec_table *spec_table_create(void);
void spec_table_free(struct spec_table *table); /* with whatever is still held; NULL is harmless */

/* A short cut for many that have the very same settings (by address): zero-initialise, and use for one configuration
 * only, while it lives. */
#define SPEC_MEMO_SIZE 256
struct spec_memo {
	struct {
		const void *settings;
		const struct probe_spec *spec;
	} entries[SPEC_MEMO_SIZE];
};

/* The one that is equal to this, copied deeply if there was none; held once more. memo may be NULL. */
const struct probe_spec *spec_table_hold(struct spec_table *table, const struct probe_spec *wanted,
					 struct spec_memo *memo);

/* Gives one hold back; the last one frees it. */
void spec_table_release(struct spec_table *table, const struct probe_spec *spec);

/* How many different ones are held. */
size_t spec_table_count(const struct spec_table *table);

#endif
