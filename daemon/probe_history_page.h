/*
 * The last probes as a table of HTML, and what is shown of one: text to be read by people. Pure.
 */
#ifndef NETSONDE_DAEMON_PROBE_HISTORY_PAGE_H
#define NETSONDE_DAEMON_PROBE_HISTORY_PAGE_H

#include "core/text.h"

struct probe_history;

/* At most this many rows. */
#define PROBE_HISTORY_ROWS_MAX 500

/* Nothing when there were none. Whatever a stranger wrote is escaped. */
void probe_history_page_write(const struct probe_history *history, struct text *out);

/* What debug=true answers, under the headings of blackbox_exporter. */
struct probe_debug {
	const char *log; /* lines */
	const char *page;
	const char *module;
};
void probe_debug_write(const struct probe_debug *debug, struct text *out);

#endif
