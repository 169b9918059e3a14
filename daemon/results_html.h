/*
 * The last results of one probe as a page for people: a picture of them (SVG) and a table, newest first. Pure.
 */
#ifndef NETSONDE_DAEMON_RESULTS_HTML_H
#define NETSONDE_DAEMON_RESULTS_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct results;
struct results_html;

/* target and results borrowed until free. */
struct results_html *results_html_create(const char *target, const struct results *results);
void results_html_free(struct results_html *html); /* NULL is harmless */

/* As results_page_more. */
bool results_html_more(struct results_html *html, struct text *out, size_t enough);

#endif
