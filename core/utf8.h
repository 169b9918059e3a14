/*
 * UTF-8 (RFC 3629).
 */
#ifndef NETSONDE_CORE_UTF8_H
#define NETSONDE_CORE_UTF8_H

#include <stddef.h>

/* The offset of the first byte that is not part of valid UTF-8, or n. A zero byte counts as invalid. */
size_t utf8_length(const char *bytes, size_t n);

#endif
