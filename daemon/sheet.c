#include "daemon/sheet.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/mem.h"

/* Where a row's labels and readings begin; they end where the next row's begin. */
struct started {
	const struct measure_set *set;
	size_t label, reading;
	bool is_quiet;
};

/* Pointers into arrays that may still move: so texts and rows are places until sheet_rows. */
struct sheet {
	struct started *started;
	size_t nstarted, started_room;
	struct label *labels;
	size_t *label_values; /* places in bytes */
	size_t nlabels, labels_room;
	struct reading *readings;
	size_t *reading_texts; /* places in bytes, of texts */
	size_t nreadings, readings_room;
	char *bytes;
	size_t nbytes, bytes_room;
	struct row *rows;
	size_t rows_room;
};

struct sheet *sheet_create(void)
{
	return mem_zero(1, sizeof(struct sheet));
}

void sheet_free(struct sheet *sheet)
{
	if (!sheet)
		return;
	mem_free(sheet->started);
	mem_free(sheet->labels);
	mem_free(sheet->label_values);
	mem_free(sheet->readings);
	mem_free(sheet->reading_texts);
	mem_free(sheet->bytes);
	mem_free(sheet->rows);
	mem_free(sheet);
}

void sheet_clear(struct sheet *sheet)
{
	sheet->nstarted = sheet->nlabels = sheet->nreadings = sheet->nbytes = 0;
}

/* Room for one more; true when the arrays must be made as large as *room now. */
static bool is_full(size_t n, size_t *room)
{
	if (n < *room)
		return false;
	*room = *room > 0 ? *room * 2 : 16;
	return true;
}

static size_t keep_text(struct sheet *sheet, const char *text)
{
	size_t size = strlen(text) + 1, place = sheet->nbytes;

	while (place + size > sheet->bytes_room) {
		sheet->bytes_room = sheet->bytes_room > 0 ? sheet->bytes_room * 2 : 256;
		sheet->bytes = mem_resize(sheet->bytes, sheet->bytes_room, 1);
	}
	memcpy(sheet->bytes + place, text, size);
	sheet->nbytes += size;
	return place;
}

/* A row that got no readings is not one. */
static void drop_empty(struct sheet *sheet)
{
	const struct started *last = sheet->nstarted > 0 ? &sheet->started[sheet->nstarted - 1] : NULL;

	if (!last || last->reading < sheet->nreadings)
		return;
	sheet->nlabels = last->label;
	sheet->nstarted--;
}

void sheet_begin(struct sheet *sheet, const struct measure_set *set)
{
	drop_empty(sheet);
	if (is_full(sheet->nstarted, &sheet->started_room))
		sheet->started = mem_resize(sheet->started, sheet->started_room, sizeof(*sheet->started));
	sheet->started[sheet->nstarted++] = (struct started){set, sheet->nlabels, sheet->nreadings, false};
}

void sheet_be_quiet(struct sheet *sheet)
{
	sheet->started[sheet->nstarted - 1].is_quiet = true;
}

void sheet_add_label(struct sheet *sheet, const char *name, const char *value)
{
	if (is_full(sheet->nlabels, &sheet->labels_room)) {
		sheet->labels = mem_resize(sheet->labels, sheet->labels_room, sizeof(*sheet->labels));
		sheet->label_values = mem_resize(sheet->label_values, sheet->labels_room, sizeof(*sheet->label_values));
	}
	sheet->labels[sheet->nlabels] = (struct label){.name = name};
	sheet->label_values[sheet->nlabels++] = keep_text(sheet, value);
}

static void add_reading(struct sheet *sheet, struct reading reading, size_t text)
{
	if (is_full(sheet->nreadings, &sheet->readings_room)) {
		sheet->readings = mem_resize(sheet->readings, sheet->readings_room, sizeof(*sheet->readings));
		sheet->reading_texts =
			mem_resize(sheet->reading_texts, sheet->readings_room, sizeof(*sheet->reading_texts));
	}
	sheet->readings[sheet->nreadings] = reading;
	sheet->reading_texts[sheet->nreadings++] = text;
}

void sheet_add_number(struct sheet *sheet, unsigned measure, double number)
{
	if (isfinite(number))
		add_reading(sheet, reading_number(measure, number), 0);
}

void sheet_add_integer(struct sheet *sheet, unsigned measure, int64_t integer)
{
	add_reading(sheet, reading_integer(measure, integer), 0);
}

void sheet_add_text(struct sheet *sheet, unsigned measure, const char *text)
{
	add_reading(sheet, reading_text(measure, NULL), keep_text(sheet, text));
}

static void place_texts(struct sheet *sheet, const struct row *row)
{
	size_t first = (size_t)(row->readings - sheet->readings);

	for (size_t i = first; i < first + row->n; i++) {
		if (row->set->measures[sheet->readings[i].measure].kind == MEASURE_TEXT)
			sheet->readings[i].value.text = sheet->bytes + sheet->reading_texts[i];
	}
}

const struct row *sheet_rows(struct sheet *sheet, size_t *n)
{
	drop_empty(sheet);
	if (sheet->nstarted > sheet->rows_room) {
		sheet->rows_room = sheet->started_room;
		sheet->rows = mem_resize(sheet->rows, sheet->rows_room, sizeof(*sheet->rows));
	}
	for (size_t i = 0; i < sheet->nlabels; i++)
		sheet->labels[i].value = sheet->bytes + sheet->label_values[i];
	for (size_t i = 0; i < sheet->nstarted; i++) {
		const struct started *one = &sheet->started[i];
		bool is_last = i + 1 == sheet->nstarted;
		size_t labels_end = is_last ? sheet->nlabels : one[1].label;
		size_t readings_end = is_last ? sheet->nreadings : one[1].reading;

		sheet->rows[i] = (struct row){one->set, sheet->labels + one->label, labels_end - one->label,
					      sheet->readings + one->reading, readings_end - one->reading};
		place_texts(sheet, &sheet->rows[i]);
	}
	*n = sheet->nstarted;
	return sheet->rows;
}

size_t sheet_next_lines(const struct sheet *sheet, size_t *first)
{
	size_t end;

	while (*first < sheet->nstarted && sheet->started[*first].is_quiet)
		++*first;
	for (end = *first; end < sheet->nstarted && !sheet->started[end].is_quiet; end++)
		;
	return end - *first;
}
