/*
 * Durations as Go writes them, for the files of other programs. Pure.
 */
#ifndef NETSONDE_CORE_DURATION_H
#define NETSONDE_CORE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* "1s", "1m30.5s", "100ms", "-2h", "0" -> nanoseconds; units ns, us, ms, s, m and h. Returns false when it is none, or
 * too long for an int64_t (some 292 years). */
bool duration_parse(const char *text, int64_t *ns);

#endif
