/*
 * The input is the text of a catalogue of RouterOS data sets. What is accepted keeps the rules that the collector
 * relies on; what is refused says why, one line each.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/ros_catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_words(const char *const *words)
{
	require(words != NULL);
	for (; *words; words++)
		require(strlen(*words) < 1024 * 1024);
}

static void check_menu(const struct catalogue_set *set, const struct catalogue_menu *menu)
{
	require(menu->path[0] == '/' && menu->since < menu->before);
	require(menu->nlabels == set->menus[0].nlabels);
	check_words(menu->packages);
	check_words(menu->proplist);
	check_words(menu->filters);
	check_words(menu->arguments);
	check_words(menu->each.filters);
	require(!menu->each.path || (menu->each.property && menu->each.argument));
}

static void check_column(const struct catalogue_set *set, const struct catalogue_column *column)
{
	const struct measure *measure = &set->measure.measures[column->measure];

	require(measure->name && measure->help[0] && measure->kind != MEASURE_HISTOGRAM);
	require(column->property.n > 0 || measure->kind == MEASURE_INFO || column->is_count);
	require(column->factor > 0 && column->part <= 1);
	require((column->nwords > 0) == (column->parse == CATALOGUE_WORD));
	for (size_t i = 0; i < column->nconditions; i++)
		catalogue_pattern_matches(column->conditions[i].pattern, column->conditions[i].property);
}

static void check_set(const struct catalogue_set *set)
{
	size_t labels = 0;

	require(set->nmenus > 0 && set->ncolumns > 0 && set->measure.n == set->ncolumns);
	require(set->max_rows > 0 && set->max_rows <= CATALOGUE_ROWS_MAX);
	while (set->measure.label_names[labels])
		labels++;
	require(labels == set->nkeys + set->menus[0].nlabels && labels <= CATALOGUE_LABELS_MAX);
	for (size_t i = 0; i < set->nkeys; i++)
		require(set->keys[i].property.n > 0);
	for (size_t i = 0; i < set->nmenus; i++)
		check_menu(set, &set->menus[i]);
	for (size_t i = 0; i < set->ncolumns; i++)
		check_column(set, &set->columns[i]);
}

static void check_errors(struct text *errors)
{
	const char *string = text_string(errors);

	require(errors->length > 0 && string[errors->length - 1] == '\n');
	for (; *string; string++)
		require(*string == '\n' || (unsigned char)*string >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text errors = {0};
	char *string = mem_zero(size + 1, 1);
	struct catalogue *catalogue;

	if (size)
		memcpy(string, data, size);
	catalogue = ros_catalogue_load_string(string, "input", &errors);
	if (catalogue) {
		require(errors.length == 0);
		for (size_t i = 0; i < catalogue->n; i++)
			check_set(catalogue->sets[i]);
	} else {
		check_errors(&errors);
	}
	catalogue_free(catalogue);
	text_free(&errors);
	mem_free(string);
	return 0;
}
