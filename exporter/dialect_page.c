#include "exporter/dialect_page.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "exporter/dialect_row.h"
#include "exporter/family.h"

#define NO_SAMPLE UINT32_MAX

/* Its labels are in the page's scratch. */
struct dialect_sample {
	size_t begin, end;
	struct dialect_value value;
	bool is_duplicate; /* of one before it */
};

struct dialect_page {
	const struct dialect *dialect;
	struct series_store *store;
	enum render_format format;
	struct series_reader reader;
	struct known_set **sets; /* held */
	size_t nsets;
	struct dialect_index index;
	bool is_ended;
	/* Where we are: metrics first .. end - 1 are the members of this family. */
	size_t first, end;
	bool has_head;
	size_t *next; /* [dialect->n]: of a member, its next piece */
	/* Scratch: the samples of one family of one device. */
	struct dialect_sample *samples;
	size_t nsamples, samples_size;
	const char *help; /* of the measure that a sample came from */
	struct text labels, device_labels;
	uint32_t *slots;
	size_t nslots;
};

/* --- create and free --------------------------------------------------------------------------------------------- */

static void begin_family(struct dialect_page *page)
{
	const struct dialect_metric *metrics = page->dialect->metrics;
	page->has_head = false;
	page->end = page->first;
	while (page->end < page->dialect->n && strcmp(metrics[page->end].name, metrics[page->first].name) == 0) {
		page->next[page->end] = page->index.sets[metrics[page->end].set];
		page->end++;
	}
}

struct dialect_page *dialect_page_create(const struct dialect *dialect, const struct render_plan *plan)
{
	struct dialect_page *page = mem_zero(1, sizeof(*page));
	page->dialect = dialect;
	page->store = plan->store;
	page->format = plan->format;
	page->next = mem_zero(dialect->n, sizeof(*page->next));
	store_open_reader(page->store, &page->reader);
	page->sets = shapes_hold_all(page->store->shapes, &page->nsets);
	dialect_index_build(&page->index, &(struct dialect_index_plan){.dialect = dialect,
								       .store = plan->store,
								       .ticket = page->reader.ticket,
								       .sets = page->sets,
								       .nsets = page->nsets,
								       .shard = plan->shard,
								       .shards = plan->shards});
	begin_family(page);
	return page;
}

void dialect_page_free(struct dialect_page *page)
{
	if (!page)
		return;
	dialect_index_clear(&page->index);
	for (size_t i = 0; i < page->nsets; i++)
		shapes_drop_set(page->store->shapes, page->sets[i]);
	store_close_reader(page->store, &page->reader);
	mem_free(page->sets);
	mem_free(page->next);
	mem_free(page->samples);
	mem_free(page->slots);
	text_free(&page->labels);
	text_free(&page->device_labels);
	mem_free(page);
}

/* --- the samples of a device ------------------------------------------------------------------------------------- */

static void add_sample(struct dialect_page *page, const struct dialect_row *row, const struct dialect_value *value)
{
	if (page->nsamples == page->samples_size) {
		page->samples_size = page->samples_size > 0 ? page->samples_size * 2 : 64;
		page->samples = mem_resize(page->samples, page->samples_size, sizeof(*page->samples));
	}
	size_t begin = page->labels.length;
	dialect_row_add_labels(row, &page->labels);
	page->samples[page->nsamples++] = (struct dialect_sample){begin, page->labels.length, *value, false};
}

static const char *help_of(const struct known_set *set, const char *measure)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->measures[i].name, measure) == 0)
			return set->measures[i].help;
	}
	return "";
}

static void add_piece(struct dialect_page *page, const struct dialect_metric *metric, const struct dialect_piece *piece)
{
	struct dialect_row row = {
		.index = &page->index, .metric = metric, .block = piece->block, .device = piece->device};
	struct dialect_value value;
	for (row.row = piece->first; row.row < piece->first + piece->n; row.row++) {
		if (!dialect_row_read(&row, &value))
			continue;
		if (!page->has_head)
			page->help = help_of(row.block->rows[row.row].shape->set, metric->measure);
		add_sample(page, &row, &value);
	}
}

/* The next piece of a member, if it is of this device; NULL if not. */
static const struct dialect_piece *next_piece(struct dialect_page *page, size_t member, size_t device)
{
	const struct dialect_piece *piece = &page->index.pieces[page->next[member]];
	if (page->next[member] >= page->index.sets[page->dialect->metrics[member].set + 1] || piece->device != device)
		return NULL;
	page->next[member]++;
	return piece;
}

static void take_samples(struct dialect_page *page, size_t device)
{
	page->nsamples = 0;
	text_clear(&page->labels);
	for (size_t i = page->first; i < page->end; i++) {
		const struct dialect_metric *metric = &page->dialect->metrics[i];
		const struct dialect_piece *piece;
		while (metric->measure && (piece = next_piece(page, i, device)) != NULL)
			add_piece(page, metric, piece);
	}
}

/* --- samples that are alike -------------------------------------------------------------------------------------- */

static void clear_slots(struct dialect_page *page)
{
	size_t n = 16;
	while (n < page->nsamples * 2)
		n *= 2;
	if (n > page->nslots)
		page->slots = mem_resize(page->slots, n, sizeof(*page->slots));
	page->nslots = n;
	for (size_t i = 0; i < n; i++)
		page->slots[i] = NO_SAMPLE;
}

static bool are_alike(const struct dialect_page *page, const struct dialect_sample *a, const struct dialect_sample *b)
{
	size_t length = a->end - a->begin;
	return length == b->end - b->begin &&
	       (length == 0 || memcmp(page->labels.bytes + a->begin, page->labels.bytes + b->begin, length) == 0);
}

/* The first sample with the labels of this one, which it becomes when there is none. */
static struct dialect_sample *find_first(struct dialect_page *page, size_t i)
{
	struct dialect_sample *sample = &page->samples[i];
	uint64_t hash = sample->end > sample->begin ? hash_bytes(page->store->key, page->labels.bytes + sample->begin,
								 sample->end - sample->begin)
						    : 0;
	size_t slot = hash & (page->nslots - 1);
	while (page->slots[slot] != NO_SAMPLE && !are_alike(page, &page->samples[page->slots[slot]], sample))
		slot = (slot + 1) & (page->nslots - 1);
	if (page->slots[slot] == NO_SAMPLE)
		page->slots[slot] = (uint32_t)i;
	return &page->samples[page->slots[slot]];
}

static void join_duplicates(struct dialect_page *page)
{
	if (page->nsamples < 2)
		return;
	clear_slots(page);
	for (size_t i = 0; i < page->nsamples; i++) {
		struct dialect_sample *first = find_first(page, i), *sample = &page->samples[i];
		if (first == sample)
			continue;
		sample->is_duplicate = true;
		if (page->dialect->metrics[page->first].is_summed)
			dialect_value_add(&first->value, &sample->value);
	}
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* Is there a metric with the name that OpenMetrics would give this family? */
static bool is_ambiguous(const struct dialect *dialect, const struct dialect_metric *metric)
{
	const char *end = metric->kind == MEASURE_INFO ? "_info" : "_total";
	size_t length = strlen(metric->name), n = strlen(end);
	if (metric->kind == MEASURE_GAUGE || length <= n || strcmp(metric->name + length - n, end) != 0)
		return false;
	for (size_t i = 0; i < dialect->n; i++) {
		if (strncmp(dialect->metrics[i].name, metric->name, length - n) == 0 &&
		    dialect->metrics[i].name[length - n] == '\0')
			return true;
	}
	return false;
}

static void write_head(struct dialect_page *page, struct text *out)
{
	const struct dialect_metric *metric = &page->dialect->metrics[page->first];
	struct family family = {.name = (char *)(uintptr_t)metric->name,
				.name_length = strlen(metric->name),
				.kind = metric->kind,
				.help = page->help,
				.is_ambiguous = is_ambiguous(page->dialect, metric)};
	if (!page->has_head)
		family_write_head(&family, page->format, out);
	page->has_head = true;
}

static void write_sample(struct dialect_page *page, const struct dialect_sample *sample, struct text *out)
{
	text_add(out, page->dialect->metrics[page->first].name);
	text_add_char(out, '{');
	text_add_bytes(out, page->labels.bytes + sample->begin, sample->end - sample->begin);
	if (sample->end > sample->begin)
		text_add_char(out, ',');
	text_add_bytes(out, page->device_labels.bytes, page->device_labels.length);
	text_add_bytes(out, "} ", 2);
	if (sample->value.is_integer)
		text_add_integer(out, sample->value.integer);
	else
		text_add_double(out, sample->value.number);
	text_add_char(out, '\n');
}

static void write_device(struct dialect_page *page, size_t device, struct text *out)
{
	const struct dialect_row row = {
		.index = &page->index, .metric = &page->dialect->metrics[page->first], .device = device};
	take_samples(page, device);
	if (page->nsamples == 0)
		return;
	join_duplicates(page);
	text_clear(&page->device_labels);
	dialect_row_add_device(&row, &page->device_labels);
	write_head(page, out);
	for (size_t i = 0; i < page->nsamples; i++) {
		if (!page->samples[i].is_duplicate)
			write_sample(page, &page->samples[i], out);
	}
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* The device of the next piece of any member; the number of devices when there is none. */
static size_t next_device(const struct dialect_page *page)
{
	size_t device = page->index.ndevices;
	for (size_t i = page->first; i < page->end; i++) {
		size_t next = page->next[i];
		if (next < page->index.sets[page->dialect->metrics[i].set + 1] &&
		    page->index.pieces[next].device < device)
			device = page->index.pieces[next].device;
	}
	return device;
}

/* Returns false at the end of the family. */
static bool write_next(struct dialect_page *page, struct text *out)
{
	size_t device = page->dialect->metrics[page->first].measure ? next_device(page) : page->index.ndevices;
	if (device >= page->index.ndevices)
		return false;
	write_device(page, device, out);
	return true;
}

bool dialect_page_more(struct dialect_page *page, struct text *out, size_t enough)
{
	size_t start = out->length;
	if (enough == 0)
		enough = 1;
	while (page->first < page->dialect->n) {
		if (out->length - start >= enough)
			return true;
		if (write_next(page, out))
			continue;
		page->first = page->end;
		begin_family(page);
	}
	if (!page->is_ended && page->format == RENDER_OPENMETRICS)
		text_add(out, "# EOF\n");
	page->is_ended = true;
	return false;
}
