/*
 * /metrics in a dialect: as exporter/render.h makes it in our own names, from the same store. Families stand in the
 * order of names, in each the devices in the order of theirs. A piece is at least one family of one device.
 *
 * Rows of a device that are alike in a metric's labels make one sample: their sum, or the first of them.
 */
#ifndef NETSONDE_EXPORTER_DIALECT_PAGE_H
#define NETSONDE_EXPORTER_DIALECT_PAGE_H

#include <stdbool.h>

#include "core/text.h"
#include "exporter/dialect.h"
#include "exporter/render.h"

struct dialect_page;

/* plan.own is not looked at: the daemon's own rows have no names in other dialects. One thread at a time may have
 * renders and pages of a store open. */
struct dialect_page *dialect_page_create(const struct dialect *dialect, const struct render_plan *plan);
void dialect_page_free(struct dialect_page *page); /* NULL is harmless */

/* As render_more. */
bool dialect_page_more(struct dialect_page *page, struct text *out, size_t enough);

#endif
