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

#include "core/sample.h"
#include "core/text.h"

void sample_json(struct text *out, const struct sample *sample);

/* A string with its quotes; NULL is null. Bytes that are not UTF-8 become U+FFFD. */
void json_add_string(struct text *out, const char *string);

#endif
