#include "daemon/history.h"

#include <string.h>

#include "core/mem.h"

/* Everything lies on 64-bit words. A position counts all words that were ever passed, so that it is never used twice;
 * it lies at position % size of the ring, and is overwritten once the head is more than size beyond it. An entry is in
 * one piece: what is left at the end of the ring is passed over when it is too small.
 *
 *     entry | its cause, if it has one | for each row: row, its measures (16 bits each), its values, its strings
 *
 * A value takes a word; of a histogram four: how many, shortest, average, longest. Strings end in NUL: names and values
 * of the labels, then the texts that are there. */
struct history {
	uint64_t *words;
	uint64_t size; /* in words */
	uint64_t head; /* where the next entry begins */
};

struct entry {
	uint64_t previous; /* position of the probe's entry before this one; 0 = none */
	uint32_t words;    /* all of it */
	uint32_t reason;
	uint32_t nrows, nreadings, nlabels; /* of all rows */
	uint32_t cause_words;               /* of the string behind this; 0 = there is none */
	int64_t begun_realtime_ns, took_ns;
	uint64_t run, skipped;
	struct address address;
};

struct entry_row {
	const struct measure_set *set;
	uint32_t words; /* all of it */
	uint16_t n, nlabels;
};

#define HISTOGRAM_WORDS 4
#define TEXT_NULL       0
#define TEXT_THERE      1

/* In words. */
#define ENTRY_WORDS (sizeof(struct entry) / sizeof(uint64_t))
#define ROW_WORDS   (sizeof(struct entry_row) / sizeof(uint64_t))
_Static_assert(sizeof(struct entry) % sizeof(uint64_t) == 0 && sizeof(struct entry_row) % sizeof(uint64_t) == 0,
	       "heads end on a word");

/* The largest entry is this part of the ring. */
#define ENTRY_PART 8

struct history *history_create(size_t bytes)
{
	struct history *history = mem_zero(1, sizeof(*history));

	history->size = bytes / sizeof(uint64_t);
	if (history->size > 0)
		history->words = mem_alloc(history->size * sizeof(uint64_t));
	history->head = history->size; /* 0 is no position */
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	mem_free(history->words);
	mem_free(history);
}

/* --- how large --------------------------------------------------------------------------------------------------- */

static uint64_t words_of(size_t bytes)
{
	return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

static size_t string_size(const char *string)
{
	return string ? strlen(string) + 1 : 1;
}

static uint64_t measure_row(const struct row *row)
{
	size_t strings = 0;
	uint64_t values = 0;

	for (size_t i = 0; i < row->nlabels; i++)
		strings += string_size(row->labels[i].name) + string_size(row->labels[i].value);
	for (size_t i = 0; i < row->n; i++) {
		const struct reading *reading = &row->readings[i];
		enum measure_kind kind = row->set->measures[reading->measure].kind;

		values += kind == MEASURE_HISTOGRAM ? HISTOGRAM_WORDS : 1;
		if (kind == MEASURE_TEXT && reading->value.text)
			strings += string_size(reading->value.text);
	}
	return ROW_WORDS + values + words_of(row->n * sizeof(uint16_t)) + words_of(strings);
}

static uint64_t measure_cause(const struct sample *sample)
{
	return sample->cause ? words_of(string_size(sample->cause)) : 0;
}

static uint64_t measure_sample(const struct sample *sample)
{
	uint64_t words = ENTRY_WORDS + measure_cause(sample);

	for (size_t i = 0; i < sample->nrows; i++)
		words += measure_row(&sample->rows[i]);
	return words;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static char *put_string(char *to, const char *string)
{
	size_t size = string_size(string);

	memcpy(to, string ? string : "", size);
	return to + size;
}

static uint64_t *put_histogram(uint64_t *to, const struct reading *reading)
{
	const int64_t *values = reading->value.observed_ns;
	/* Quotients and remainders apart: the sum of the values may not fit. */
	int64_t n = reading->count, quotients = 0, remainders = 0;
	int64_t min = n > 0 ? values[0] : 0, max = min;

	for (int64_t i = 0; i < n; i++) {
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
		quotients += values[i] / n;
		remainders += values[i] % n;
	}
	to[0] = (uint64_t)n;
	to[1 + HISTORY_MIN] = (uint64_t)min;
	to[1 + HISTORY_AVERAGE] = (uint64_t)(n > 0 ? quotients + (remainders + n / 2) / n : 0);
	to[1 + HISTORY_MAX] = (uint64_t)max;
	return to + HISTOGRAM_WORDS;
}

static uint64_t *put_value(uint64_t *to, enum measure_kind kind, const struct reading *reading)
{
	switch (kind) {
	case MEASURE_HISTOGRAM:
		return put_histogram(to, reading);
	case MEASURE_TEXT:
		*to = reading->value.text ? TEXT_THERE : TEXT_NULL;
		break;
	case MEASURE_GAUGE:
		memcpy(to, &reading->value.number, sizeof(*to));
		break;
	default:
		*to = (uint64_t)reading->value.integer;
		break;
	}
	return to + 1;
}

static char *put_texts(char *to, const struct row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		const struct reading *reading = &row->readings[i];

		if (row->set->measures[reading->measure].kind == MEASURE_TEXT && reading->value.text)
			to = put_string(to, reading->value.text);
	}
	return to;
}

static uint64_t *put_row(uint64_t *at, const struct row *row)
{
	struct entry_row *head = (struct entry_row *)at;
	uint16_t *measures = (uint16_t *)(at + ROW_WORDS);
	uint64_t *values = at + ROW_WORDS + words_of(row->n * sizeof(*measures));
	char *strings;

	for (size_t i = 0; i < row->n; i++) {
		measures[i] = row->readings[i].measure;
		values = put_value(values, row->set->measures[measures[i]].kind, &row->readings[i]);
	}
	strings = (char *)values;
	for (size_t i = 0; i < row->nlabels; i++)
		strings = put_string(put_string(strings, row->labels[i].name), row->labels[i].value);
	strings = put_texts(strings, row);
	*head = (struct entry_row){
		.set = row->set,
		.words = (uint32_t)words_of((size_t)(strings - (char *)at)),
		.n = (uint16_t)row->n,
		.nlabels = (uint16_t)row->nlabels,
	};
	return at + head->words;
}

static void put_sample(uint64_t *at, uint64_t words, uint64_t previous, const struct sample *sample)
{
	struct entry *entry = (struct entry *)at;

	*entry = (struct entry){
		.previous = previous,
		.words = (uint32_t)words,
		.reason = sample->reason,
		.cause_words = (uint32_t)measure_cause(sample),
		.nrows = (uint32_t)sample->nrows,
		.begun_realtime_ns = sample->begun_realtime_ns,
		.took_ns = sample->took_ns,
		.run = sample->run,
		.skipped = sample->skipped,
		.address = sample->address,
	};
	at += ENTRY_WORDS;
	if (sample->cause)
		put_string((char *)at, sample->cause);
	at += entry->cause_words;
	for (size_t i = 0; i < sample->nrows; i++) {
		entry->nreadings += (uint32_t)sample->rows[i].n;
		entry->nlabels += (uint32_t)sample->rows[i].nlabels;
		at = put_row(at, &sample->rows[i]);
	}
}

void history_add(struct history *history, uint64_t *last, const struct sample *sample)
{
	uint64_t words, at;

	if (history->size == 0)
		return;
	words = measure_sample(sample);
	if (words > history->size / ENTRY_PART)
		return;
	at = history->head % history->size;
	if (at + words > history->size) {
		history->head += history->size - at;
		at = 0;
	}
	put_sample(history->words + at, words, *last, sample);
	*last = history->head;
	history->head += words;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Room for what a sample points to. */
struct scratch {
	struct sample sample;
	struct row *rows;
	struct reading *readings;
	struct label *labels;
	size_t nrows, nreadings, nlabels;
};

static void *make_room(void *array, size_t *have, size_t need, size_t size)
{
	if (need <= *have)
		return array;
	*have = need;
	return mem_resize(array, need, size);
}

static void scratch_free(struct scratch *scratch)
{
	mem_free(scratch->rows);
	mem_free(scratch->readings);
	mem_free(scratch->labels);
}

/* Cuts a string off. */
static const char *take_string(const char **strings)
{
	const char *string = *strings;

	*strings += strlen(string) + 1;
	return string;
}

/* Texts come later: their strings follow those of the labels. */
static const uint64_t *take_value(const uint64_t *from, enum measure_kind kind, struct reading *reading)
{
	if (kind == MEASURE_HISTOGRAM) {
		reading->count = (uint16_t)from[0];
		reading->value.observed_ns = reading->count > 0 ? (const int64_t *)(from + 1) : NULL;
		return from + HISTOGRAM_WORDS;
	}
	if (kind == MEASURE_GAUGE)
		memcpy(&reading->value.number, from, sizeof(*from));
	else
		reading->value.integer = (int64_t)*from;
	return from + 1;
}

static void take_texts(const struct measure_set *set, struct reading *readings, size_t n, const char *strings)
{
	for (size_t i = 0; i < n; i++)
		if (set->measures[readings[i].measure].kind == MEASURE_TEXT)
			readings[i].value.text = readings[i].value.integer == TEXT_THERE ? take_string(&strings) : NULL;
}

/* Fills readings and labels, which have room. */
static struct row take_row(const uint64_t *at, struct reading *readings, struct label *labels)
{
	const struct entry_row *head = (const struct entry_row *)at;
	const uint16_t *measures = (const uint16_t *)(at + ROW_WORDS);
	const uint64_t *values = at + ROW_WORDS + words_of(head->n * sizeof(*measures));
	const char *strings;

	for (size_t i = 0; i < head->n; i++) {
		readings[i] = (struct reading){.measure = measures[i]};
		values = take_value(values, head->set->measures[measures[i]].kind, &readings[i]);
	}
	strings = (const char *)values;
	for (size_t i = 0; i < head->nlabels; i++) {
		labels[i].name = take_string(&strings);
		labels[i].value = take_string(&strings);
	}
	take_texts(head->set, readings, head->n, strings);
	return (struct row){head->set, labels, head->nlabels, readings, head->n};
}

static const struct sample *take_sample(struct scratch *scratch, const uint64_t *at)
{
	const struct entry *entry = (const struct entry *)at;
	struct reading *readings;
	struct label *labels;

	scratch->rows = make_room(scratch->rows, &scratch->nrows, entry->nrows, sizeof(*scratch->rows));
	scratch->readings = readings =
		make_room(scratch->readings, &scratch->nreadings, entry->nreadings, sizeof(*readings));
	scratch->labels = labels = make_room(scratch->labels, &scratch->nlabels, entry->nlabels, sizeof(*labels));
	at += ENTRY_WORDS + entry->cause_words;
	for (size_t i = 0; i < entry->nrows; i++) {
		scratch->rows[i] = take_row(at, readings, labels);
		readings += scratch->rows[i].n;
		labels += scratch->rows[i].nlabels;
		at += ((const struct entry_row *)at)->words;
	}
	scratch->sample = (struct sample){
		.reason = (enum reason)entry->reason,
		.begun_realtime_ns = entry->begun_realtime_ns,
		.took_ns = entry->took_ns,
		.lookup_ns = -1, /* not kept */
		.run = entry->run,
		.skipped = entry->skipped,
		.address = entry->address,
		.rows = scratch->rows,
		.nrows = entry->nrows,
		.cause = entry->cause_words > 0 ? (const char *)((const uint64_t *)entry + ENTRY_WORDS) : NULL,
	};
	return &scratch->sample;
}

/* The entry at a position, or NULL when it has been overwritten. */
static const struct entry *entry_at(const struct history *history, uint64_t position)
{
	if (position == 0 || position + history->size < history->head)
		return NULL;
	return (const struct entry *)(history->words + position % history->size);
}

void history_walk(const struct history *history, uint64_t last, bool (*each)(void *arg, const struct sample *sample),
		  void *arg)
{
	const struct entry *entry = entry_at(history, last);
	struct scratch scratch = {0};

	while (entry && each(arg, take_sample(&scratch, (const uint64_t *)entry)))
		entry = entry_at(history, entry->previous);
	scratch_free(&scratch);
}

/* --- copies ------------------------------------------------------------------------------------------------------ */

void history_copy(const struct history *history, uint64_t last, size_t n, size_t bytes, struct history_copy *out)
{
	const struct entry *entry = entry_at(history, last);
	size_t left;

	*out = (struct history_copy){0};
	while (entry && out->n < n && (out->nwords + entry->words) * sizeof(uint64_t) <= bytes) {
		out->nwords += entry->words;
		out->n++;
		entry = entry_at(history, entry->previous);
	}
	if (out->n == 0)
		return;
	out->words = mem_alloc(out->nwords * sizeof(uint64_t));
	left = out->nwords;
	entry = entry_at(history, last);
	for (size_t i = 0; i < out->n; i++) {
		left -= entry->words;
		memcpy(out->words + left, entry, entry->words * sizeof(uint64_t));
		entry = entry_at(history, entry->previous);
	}
}

size_t history_pick(const struct history *history, uint64_t last, const struct history_choice *choice,
		    struct history_copy *out)
{
	struct scratch scratch = {0};
	size_t n = 0, bytes = 0;

	for (uint64_t at = last; n < choice->n; at = entry_at(history, at)->previous) {
		const struct entry *entry = entry_at(history, at);

		if (!entry)
			break;
		if (!choice->picks(choice->arg, take_sample(&scratch, (const uint64_t *)entry)))
			continue;
		bytes += entry->words * sizeof(uint64_t);
		if (bytes > choice->bytes)
			break;
		history_copy(history, at, 1, choice->bytes, &out[n++]);
	}
	scratch_free(&scratch);
	return n;
}

void history_copy_free(struct history_copy *copy)
{
	mem_free(copy->words);
	*copy = (struct history_copy){0};
}

struct history_reader {
	const uint64_t *at, *end;
	struct scratch scratch;
};

struct history_reader *history_reader_open(const struct history_copy *copy)
{
	struct history_reader *reader = mem_zero(1, sizeof(*reader));

	reader->at = copy->words;
	reader->end = copy->words + copy->nwords;
	return reader;
}

void history_reader_close(struct history_reader *reader)
{
	if (!reader)
		return;
	scratch_free(&reader->scratch);
	mem_free(reader);
}

const struct sample *history_reader_next(struct history_reader *reader)
{
	const uint64_t *at = reader->at;

	if (at == reader->end)
		return NULL;
	reader->at += ((const struct entry *)at)->words;
	return take_sample(&reader->scratch, at);
}
