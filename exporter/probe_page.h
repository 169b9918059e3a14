/*
 * The answer of /probe: one sample under the names, labels and values of blackbox_exporter (docs/blackbox.md has the
 * list and the differences), and what it does not have under netsonde's own. Pure: it knows probe types by the names of
 * their sets and measures only.
 */
#ifndef NETSONDE_EXPORTER_PROBE_PAGE_H
#define NETSONDE_EXPORTER_PROBE_PAGE_H

#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"

/* Everything is borrowed for the call. */
struct probe_page {
	const struct sample *sample; /* NULL: the probe could not be run; reason says why */
	enum reason reason;          /* without a sample */
	const char *type;            /* of the probe: "http", "ping", ... */
	int64_t timeout_ns;          /* the deadline that was applied */
	int64_t took_ns;             /* without a sample */
};

/* Appends the page in Prometheus' text format 0.0.4: families by name, HELP and TYPE before each, numbers as Go writes
 * them. */
void probe_page_write(const struct probe_page *page, struct text *out);

#endif
