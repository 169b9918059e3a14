/*
 * Memory for very many small things of few sizes, all of one thread: it has no heads, and things of one size lie
 * together, so that what is given back can be given on as a whole slab. Who gives something back says how large it is.
 */
#ifndef NETSONDE_CORE_SLABS_H
#define NETSONDE_CORE_SLABS_H

#include <stdbool.h>
#include <stddef.h>

struct slabs;

struct slabs *slabs_create(void);
void slabs_free(struct slabs *slabs); /* everything must have been given back; NULL is harmless */

/* Zeroed. The caller owns it until slabs_give. Never fails: see core/mem.h. */
void *slabs_take(struct slabs *slabs, size_t size) __attribute__((returns_nonnull));

/* size: as it was taken. memory NULL is harmless. */
void slabs_give(struct slabs *slabs, void *memory, size_t size);

/* Would it be better elsewhere? So when many of its neighbours have gone. What can be moved should be taken anew then,
 * and this be given back: so that no slab is kept for the sake of a few. */
bool slabs_want_back(const struct slabs *slabs, const void *memory, size_t size);

#endif
