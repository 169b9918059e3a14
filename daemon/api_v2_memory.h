/*
 * The memory of one call of /api/v2: many small things that go together, and are overwritten when they go.
 */
#ifndef NETSONDE_DAEMON_API_V2_MEMORY_H
#define NETSONDE_DAEMON_API_V2_MEMORY_H

#include <stddef.h>

struct api_v2_memory;

struct api_v2_memory *api_v2_memory_create(void);
void api_v2_memory_free(struct api_v2_memory *memory); /* NULL is harmless */

/* Zeroed; stays where it is. */
void *api_v2_take(struct api_v2_memory *memory, size_t n, size_t size) __attribute__((returns_nonnull));
/* With a zero byte behind it. */
char *api_v2_copy(struct api_v2_memory *memory, const void *bytes, size_t n) __attribute__((returns_nonnull));

#endif
