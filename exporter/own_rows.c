#include "exporter/own_rows.h"

#include <string.h>

#include "core/mem.h"

/* Each row is one piece of memory, which row.readings points to:
 * readings | observations of the histograms | labels | strings of the labels. */
struct row_size {
	size_t readings, observed, labels, strings;
};

static enum measure_kind kind_of(const struct row *row, const struct reading *reading)
{
	return row->set->measures[reading->measure].kind;
}

static struct row_size measure_row(const struct row *row)
{
	struct row_size size = {.readings = row->n * sizeof(struct reading),
				.labels = row->nlabels * sizeof(struct label)};
	for (size_t i = 0; i < row->n; i++) {
		if (kind_of(row, &row->readings[i]) == MEASURE_HISTOGRAM)
			size.observed += row->readings[i].count * sizeof(int64_t);
	}
	for (size_t i = 0; i < row->nlabels; i++)
		size.strings += strlen(row->labels[i].name) + 1 + strlen(row->labels[i].value) + 1;
	return size;
}

static const char *copy_string(char **to, const char *string)
{
	char *copy = *to;
	size_t size = strlen(string) + 1;
	memcpy(copy, string, size);
	*to += size;
	return copy;
}

static size_t copy_readings(const struct row *row, struct reading *readings, int64_t *observed)
{
	size_t n = 0;
	for (size_t i = 0; i < row->n; i++) {
		enum measure_kind kind = kind_of(row, &row->readings[i]);
		if (kind == MEASURE_TEXT)
			continue;
		readings[n] = row->readings[i];
		if (kind == MEASURE_HISTOGRAM) {
			if (readings[n].count > 0)
				memcpy(observed, row->readings[i].value.observed_ns,
				       readings[n].count * sizeof(*observed));
			readings[n].value.observed_ns = observed;
			observed += readings[n].count;
		}
		n++;
	}
	return n;
}

void own_rows_add(struct own_rows *own, const struct row *row)
{
	struct row_size size = measure_row(row);
	char *memory = mem_alloc(size.readings + size.observed + size.labels + size.strings);
	struct reading *readings = (struct reading *)(void *)memory;
	int64_t *observed = (int64_t *)(void *)(memory + size.readings);
	struct label *labels = (struct label *)(void *)(memory + size.readings + size.observed);
	char *strings = memory + size.readings + size.observed + size.labels;
	for (size_t i = 0; i < row->nlabels; i++) {
		labels[i].name = copy_string(&strings, row->labels[i].name);
		labels[i].value = copy_string(&strings, row->labels[i].value);
	}
	if (own->n == own->size) {
		own->size = own->size > 0 ? own->size * 2 : 32;
		own->rows = mem_resize(own->rows, own->size, sizeof(*own->rows));
	}
	own->rows[own->n++] = (struct row){.set = row->set,
					   .labels = labels,
					   .nlabels = row->nlabels,
					   .readings = readings,
					   .n = copy_readings(row, readings, observed)};
}

void own_rows_free(struct own_rows *own)
{
	for (size_t i = 0; i < own->n; i++)
		mem_free((void *)(uintptr_t)own->rows[i].readings);
	mem_free(own->rows);
	*own = (struct own_rows){0};
}
