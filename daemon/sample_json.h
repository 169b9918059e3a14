/*
 * A sample as one JSON object (RFC 8259), with everything that was measured in full precision:
 *
 *   {"type":"ping","target":"quad9","address":"9.9.9.9","success":true,"reason":"ok","duration_seconds":0.0123,
 *    "time":"2026-01-02T03:04:05.678901234Z","ping":[{"sent_total":4,"rtt_seconds":{"count":4,"min":0.01,...}}]}
 *
 * One array for each set, one object for each row: its labels, then its readings. A histogram is an object of count,
 * and of min, avg, max in seconds unless count is 0. What JSON cannot say (NaN, infinities) is null. Pure.
 */
#ifndef NETSONDE_DAEMON_SAMPLE_JSON_H
#define NETSONDE_DAEMON_SAMPLE_JSON_H

#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"

void sample_json(struct text *out, const struct sample *sample);

/* Pieces of it, for other objects about samples. */

/* 2026-01-02T03:04:05.678901234Z (RFC 3339); no quotes. */
void sample_add_time(struct text *out, int64_t realtime_ns);
void json_add_address(struct text *out, const struct address *address); /* family ADDRESS_NONE is null */
/* "success":true,"reason":"ok","duration_seconds":0.0123 */
void json_add_outcome(struct text *out, const struct sample *sample);
/* A number that may be none. */
void json_add_number(struct text *out, double number);

/* A histogram as it is shown: the average may lie between two nanoseconds. */
struct json_histogram {
	unsigned count;
	int64_t min_ns, max_ns;
	double average_ns;
};
void json_add_histogram(struct text *out, const struct json_histogram *histogram);
/* A reading as a run gave it; a histogram by its observations. */
void json_add_reading(struct text *out, const struct measure *measure, const struct reading *reading);

/* A string with its quotes; NULL is null. Bytes that are not UTF-8 become U+FFFD. */
void json_add_string(struct text *out, const char *string);
void json_add_key(struct text *out, const char *key); /* and its colon */

#endif
