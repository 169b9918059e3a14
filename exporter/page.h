/*
 * The page at "/": what this is, and where to go from here. One piece of HTML without anything from elsewhere.
 */
#ifndef NETSONDE_EXPORTER_PAGE_H
#define NETSONDE_EXPORTER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct page_facts {
	const char *version;
	bool is_ready;
	size_t series;
	const char *more; /* a piece of HTML that follows the links; or NULL */
};

void page_write(const struct page_facts *facts, struct text *out);

/* Header fields that go with it: it may load nothing and be framed by nobody. */
extern const char page_fields[];

#endif
