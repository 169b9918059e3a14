/*
 * A gzip stream (RFC 1952), made piece by piece.
 */
#ifndef NETSONDE_CORE_GZIP_H
#define NETSONDE_CORE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct gzip;

/* level: 1 (fast) .. 9 (small). */
struct gzip *gzip_create(int level);
void gzip_free(struct gzip *gzip);

/* Compresses n bytes; what comes out so far is appended to out. is_last ends the stream: nothing may follow. */
void gzip_write(struct gzip *gzip, const void *bytes, size_t n, bool is_last, struct text *out);

#endif
