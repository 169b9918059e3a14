/*
 * Memory. Every function here stops the daemon, with a message, when memory is out: a probe daemon that
 * cannot allocate cannot measure. In exchange everything sized by a stranger has a ceiling before it gets here.
 */
#ifndef NETSONDE_CORE_MEM_H
#define NETSONDE_CORE_MEM_H

#include <stddef.h>

/* Uninitialised memory of size bytes (1 if size is 0). The caller owns it: free with mem_free. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* The same at a multiple of alignment, a power of two. */
void *mem_alloc_aligned(size_t alignment, size_t size) __attribute__((malloc, returns_nonnull));

/* Zeroed array of n elements of size bytes each; the product is checked for overflow. */
void *mem_zero(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* As realloc for an array of n elements of size bytes; old may be NULL and is never valid afterwards. */
void *mem_resize(void *old, size_t n, size_t size) __attribute__((returns_nonnull));

/* A copy of size bytes. */
void *mem_copy(const void *bytes, size_t size) __attribute__((malloc, returns_nonnull));

/* A copy of a string; NULL gives NULL. */
char *mem_copy_string(const char *string);

/* A formatted string, owned by the caller. */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Frees what the functions above gave. NULL is harmless. */
void mem_free(void *memory);

/* Forgets what is in this memory and gives its whole pages back to the system, until they are written again. */
void mem_forget(void *memory, size_t size);

/* Once, at the start of the program: what is large is given back to the system as soon as it is freed. */
void mem_prepare(void);

/* Gives back to the system what has been freed: after something large that will not be needed again soon. Takes some
 * milliseconds. */
void mem_trim(void);

#endif
