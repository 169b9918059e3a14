/*
 * How the targets are: a table in HTML, for the page at "/", of what the series store has now.
 */
#ifndef NETSONDE_EXPORTER_STATUS_H
#define NETSONDE_EXPORTER_STATUS_H

#include <stdbool.h>

#include "core/text.h"

struct series_store;

/* Longest table; those that are down go first, so that a page for very many targets stays a page. */
#define STATUS_ROWS_MAX 500

/* has_results: each row leads to the last results of its probe. On the reading thread. */
void status_write(struct series_store *store, bool has_results, struct text *out);

#endif
