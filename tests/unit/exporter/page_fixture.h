/*
 * What the tests of the exporter share: pages as strings.
 */
#ifndef NETSONDE_TESTS_UNIT_EXPORTER_PAGE_FIXTURE_H
#define NETSONDE_TESTS_UNIT_EXPORTER_PAGE_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "exporter/render.h"
#include "exporter/series.h"

/* The whole page, owned by the caller (mem_free). */
static inline char *page_of(const struct render_plan *plan)
{
	struct text page = {0};
	struct render *render = render_create(plan);
	while (render_more(render, &page, 512))
		;
	render_free(render);
	return text_take(&page);
}

static inline char *page_of_store(struct series_store *store, enum render_format format)
{
	return page_of(&(struct render_plan){.store = store, .format = format, .shard = 0, .shards = 1});
}

/* How often needle is in the page. */
static inline size_t count_in(const char *page, const char *needle)
{
	size_t n = 0;
	for (; (page = strstr(page, needle)) != NULL; page += strlen(needle))
		n++;
	return n;
}

/* Series, that is lines that are no comments. */
static inline size_t count_series(const char *page)
{
	size_t n = 0;
	for (const char *line = page; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
		n += *line != '#';
	return n;
}

#endif
