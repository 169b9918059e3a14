/*
 * The last results of one probe as a page, in pieces. JSON (RFC 8259):
 *
 *   {"target":"quad9","probe":"fast_ping","type":"ping","results":[
 *   {"time":"2026-01-02T03:04:05.678901234Z","time_ns":1767323045678901234,"run":7,"success":true,"reason":"ok",
 *    "duration_seconds":0.0123,"address":"9.9.9.9","rows":[{"set":"ping","labels":{},"values":{"sent_total":4,...}}]}
 *   ]}
 *
 * CSV (RFC 4180): a header, and a line for each run: time, run, success (1 or 0), reason, duration_seconds, address,
 * then the type's own set: a column for each measure, empty where there is no reading. A histogram has columns for
 * count, shortest, average and longest, but for those that the set has as measures of their own.
 *
 * HTML, for people: daemon/results_html.h. Pure.
 */
#ifndef NETSONDE_DAEMON_RESULTS_PAGE_H
#define NETSONDE_DAEMON_RESULTS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"
#include "core/text.h"

struct results;
struct results_page;

enum results_format { RESULTS_JSON, RESULTS_CSV, RESULTS_HTML };

struct results_page_plan {
	enum results_format format;
	const char *target;            /* copied */
	const struct measure_set *set; /* the type's own; NULL: CSV has the common columns alone */
	struct results *results;       /* of RESULTS_FOUND; passed on */
};

struct results_page *results_page_create(const struct results_page_plan *plan);
void results_page_free(struct results_page *page); /* NULL is harmless */

/* Appends at least some and about `enough` bytes. Returns true while there is more to come. */
bool results_page_more(struct results_page *page, struct text *out, size_t enough);

/* One run as the JSON above has it, for other pages. The sample comes from a history. */
void results_page_add_run(struct text *out, const struct sample *sample);

#endif
