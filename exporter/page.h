/*
 * Pages for people, as HTML that loads nothing from elsewhere and runs no script: the frame that all of them share, and
 * the one at "/": how the targets are, and where to go from here.
 */
#ifndef NETSONDE_EXPORTER_PAGE_H
#define NETSONDE_EXPORTER_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

struct page_facts {
	const char *version;
	const char *agent; /* its name; or NULL */
	bool is_ready;
	size_t series;
	int64_t now_ns;     /* wall clock */
	bool is_refreshed;  /* it loads itself again */
	const char *status; /* a piece of HTML: the state of the targets (exporter/status.h); or NULL */
	const char *more;   /* a piece of HTML that follows the links; or NULL */
};

void page_write(const struct page_facts *facts, struct text *out);

/* Header fields that go with a page: it may load nothing and be framed by nobody. */
extern const char page_fields[];

/* --- parts of any page ------------------------------------------------------------------------------------------ */

/* Up to <main>. title: any text. refresh_seconds: 0 = the page stays as it is. */
void page_begin(const char *title, unsigned refresh_seconds, struct text *out);
void page_end(struct text *out);

/* Any text: what HTML could take for its own is escaped. */
void page_add_text(const char *bytes, size_t n, struct text *out);
/* A value in the query of a link, percent-encoded. */
void page_add_value(const char *bytes, size_t n, struct text *out);
/* "2026-01-02 03:04:05 UTC" */
void page_add_time(int64_t realtime_ns, struct text *out);
/* "0.052 ms", "12.3 ms", "1.23 s" */
void page_add_duration(double seconds, struct text *out);
/* A cell of a table and the end of the one before it: "12 %", "0.5 %"; nothing when the ratio is negative. */
void page_add_loss_cell(double ratio, struct text *out);

#endif
