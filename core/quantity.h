/*
 * Quantities as Go's libraries read them: numbers with units, one after another. For the files of other programs. Pure.
 */
#ifndef NETSONDE_CORE_QUANTITY_H
#define NETSONDE_CORE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quantity_unit {
	const char *name; /* without digits and points */
	int64_t factor;
};

/* "1.5MB", "1m30s", "-2h", "+5s", "0" -> the sum. Returns false when it is none, or does not fit. */
bool quantity_parse(const char *text, const struct quantity_unit *units, size_t n, int64_t *sum);

/* time.ParseDuration: "1s", "1m30.5s", "100ms" -> nanoseconds; units ns, us, ms, s, m and h. */
bool quantity_parse_duration(const char *text, int64_t *ns);

#endif
