/*
 * A target as everybody knows it: name, address and labels, in one piece of memory. It never changes. Those who hold it
 * are on the main thread; workers borrow it from the generation that had them open its probes.
 */
#ifndef NETSONDE_DAEMON_TARGET_H
#define NETSONDE_DAEMON_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct config_objectives;

struct target {
	uint32_t holders;
	uint32_t nlabels;
	uint32_t name, address;               /* where they begin, in bytes from here */
	struct config_objectives *objectives; /* owned; NULL: it has none of its own */
	struct label labels[];                /* the target's own */
};

/* Everything is copied; held once. */
struct target *target_create(const char *name, const char *address, const struct label *labels, size_t n);

/* Its own from now on, copied: before anybody else knows it. */
void target_set_objectives(struct target *target, const struct config_objectives *objectives);

bool target_has_same_objectives(const struct target *a, const struct target *b);

struct target *target_hold(struct target *target);
void target_release(struct target *target); /* the last one frees it; NULL is harmless */

static inline const char *target_name(const struct target *target)
{
	return (const char *)target + target->name;
}

static inline const char *target_address(const struct target *target)
{
	return (const char *)target + target->address;
}

#endif
