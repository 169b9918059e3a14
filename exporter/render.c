#include "exporter/render.h"

#include <string.h>

#include "core/mem.h"
#include "exporter/family.h"
#include "exporter/store.h"

const char *const render_content_types[2] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/* The bounds of series_bucket_bound_ns in seconds; in the canonical form of OpenMetrics, which asks for it. */
static const char *const bucket_bounds[SERIES_BUCKETS + 1] = {
	"5e-05",  "0.0001", "0.0002", "0.0004", "0.0008", "0.0016", "0.0032", "0.0064",  "0.0128",  "0.0256", "0.0512",
	"0.1024", "0.2048", "0.4096", "0.8192", "1.6384", "3.2768", "6.5536", "13.1072", "26.2144", "+Inf",
};
#define BOUND_LENGTH_MAX 8

/* Beyond name and labels: braces, comma, le="...", space, value, line feed. */
#define LINE_EXTRA (TEXT_NUMBER_MAX + 32)

/* A row that is not in the store. */
struct own_row {
	const struct row *row;
	struct known_set *set; /* held */
	struct label_text labels;
};

struct render {
	struct series_store *store;
	enum render_format format;
	unsigned shard, shards;
	struct series_reader reader;
	struct own_row *own;
	size_t nown;
	struct text own_labels;
	struct known_set **sets; /* held */
	size_t nsets;
	struct family_list *families;
	struct text head; /* scratch: the part that all bucket lines of a histogram share */
	bool is_ended;
	/* Where we are: */
	size_t family;
	uint64_t marks; /* of the sets that belong to the family; 0: no row of the store is of them */
	bool has_head;  /* HELP and TYPE of this family are out: they come with its first sample */
	size_t next_own;
	struct store_cursor cursor;
	const struct block *block; /* NULL: take the next */
	size_t next_row;
};

/* --- create and free --------------------------------------------------------------------------------------------- */

static void take_own_rows(struct render *render, const struct render_plan *plan)
{
	struct text raw = {0};
	render->own = mem_zero(plan->nown, sizeof(*render->own));
	text_reserve(&render->own_labels, 0);
	for (size_t i = 0; i < plan->nown; i++) {
		const struct row *row = &plan->own[i];
		size_t begin = render->own_labels.length;
		text_clear(&raw);
		labels_render(&raw, row->labels, row->nlabels);
		labels_filter(&render->own_labels, (struct label_text){raw.bytes, raw.length}, (struct label_text){0});
		render->own[i] = (struct own_row){row,
						  shapes_hold_set(render->store->shapes, row->set),
						  {NULL, render->own_labels.length - begin}};
	}
	const char *at = render->own_labels.bytes;
	for (size_t i = 0; i < plan->nown; at += render->own[i++].labels.length)
		render->own[i].labels.bytes = at;
	render->nown = plan->nown;
	text_free(&raw);
}

static const struct family *current(const struct render *render)
{
	return &render->families->families[render->family];
}

static void begin_family(struct render *render)
{
	render->marks = 0;
	for (size_t i = 0; render->family < render->families->n && i < current(render)->nmembers; i++)
		render->marks |= atomic_load(&current(render)->members[i].set->mark);
	render->has_head = false;
	render->next_own = 0;
	render->block = NULL;
	render->cursor = (struct store_cursor){.store = render->store, .ticket = render->reader.ticket};
}

struct render *render_create(const struct render_plan *plan)
{
	struct render *render = mem_zero(1, sizeof(*render));
	render->store = plan->store;
	render->format = plan->format;
	render->shard = plan->shard;
	render->shards = plan->shards;
	store_open_reader(render->store, &render->reader);
	take_own_rows(render, plan);
	render->sets = shapes_hold_all(render->store->shapes, &render->nsets);
	render->families = family_list_create(render->sets, render->nsets);
	begin_family(render);
	return render;
}

void render_free(struct render *render)
{
	if (!render)
		return;
	family_list_free(render->families);
	for (size_t i = 0; i < render->nsets; i++)
		shapes_drop_set(render->store->shapes, render->sets[i]);
	for (size_t i = 0; i < render->nown; i++)
		shapes_drop_set(render->store->shapes, render->own[i].set);
	store_close_reader(render->store, &render->reader);
	mem_free(render->sets);
	mem_free(render->own);
	text_free(&render->own_labels);
	text_free(&render->head);
	mem_free(render);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* The labels of a series: of its block, and of its row. */
struct line_labels {
	struct label_text block, row;
};

static char *put(char *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

static char *put_labels(char *to, const struct line_labels *labels)
{
	if (labels->block.length > 0)
		to = put(to, labels->block.bytes, labels->block.length);
	if (labels->block.length > 0 && labels->row.length > 0)
		*to++ = ',';
	if (labels->row.length > 0)
		to = put(to, labels->row.bytes, labels->row.length);
	return to;
}

static size_t labels_length(const struct line_labels *labels)
{
	return labels->block.length + labels->row.length;
}

static void need_head(struct render *render, struct text *out)
{
	if (render->has_head)
		return;
	family_write_head(current(render), render->format, out);
	render->has_head = true;
}

/* Appends name, suffix and labels, and a space; there is then room for a number and a line feed. */
static char *begin_line(struct text *out, const struct family *family, const char *suffix,
			const struct line_labels *labels)
{
	size_t suffix_length = strlen(suffix);
	char *to = text_reserve(out, family->name_length + suffix_length + labels_length(labels) + LINE_EXTRA);
	if (!to)
		return NULL;
	to = put(to, family->name, family->name_length);
	to = put(to, suffix, suffix_length);
	if (labels_length(labels) > 0) {
		*to++ = '{';
		to = put_labels(to, labels);
		*to++ = '}';
	}
	*to++ = ' ';
	return to;
}

static void end_line(struct text *out, char *to)
{
	*to++ = '\n';
	out->length = (size_t)(to - out->bytes);
}

static void write_integer(struct text *out, const struct family *family, const char *suffix,
			  const struct line_labels *labels, int64_t value)
{
	char *to = begin_line(out, family, suffix, labels);
	if (to)
		end_line(out, to + text_print_integer(to, value));
}

static void write_number(struct text *out, const struct family *family, const struct line_labels *labels, double value)
{
	char *to = begin_line(out, family, "", labels);
	if (to)
		end_line(out, to + text_print_double(to, value));
}

static void write_seconds(struct text *out, const struct family *family, const char *suffix,
			  const struct line_labels *labels, int64_t value_ns)
{
	char *to = begin_line(out, family, suffix, labels);
	if (!to)
		return;
	out->length = (size_t)(to - out->bytes);
	text_add_seconds(out, value_ns);
	text_add_char(out, '\n');
}

/* '_bucket{labels,le="': the same in all bucket lines. */
static void make_bucket_head(struct text *head, const struct family *family, const struct line_labels *labels)
{
	text_clear(head);
	char *start = text_reserve(head, family->name_length + labels_length(labels) + LINE_EXTRA);
	if (!start)
		return;
	char *to = put(start, family->name, family->name_length);
	to = put(to, "_bucket{", strlen("_bucket{"));
	to = put_labels(to, labels);
	if (labels_length(labels) > 0)
		*to++ = ',';
	to = put(to, "le=\"", strlen("le=\""));
	head->length = (size_t)(to - start);
}

static void write_histogram(struct render *render, struct text *out, const struct line_labels *labels,
			    const struct histogram *histogram)
{
	const struct family *family = current(render);
	make_bucket_head(&render->head, family, labels);
	size_t line = render->head.length + BOUND_LENGTH_MAX + TEXT_NUMBER_MAX + 8;
	char *to = text_reserve(out, line * (SERIES_BUCKETS + 1));
	if (!to)
		return;
	uint64_t count = 0;
	for (unsigned i = 0; i <= SERIES_BUCKETS; i++) {
		count += histogram->counts[i];
		to = put(to, render->head.bytes, render->head.length);
		to = put(to, bucket_bounds[i], strlen(bucket_bounds[i]));
		to = put(to, "\"} ", 3);
		to += text_print_integer(to, (int64_t)count);
		*to++ = '\n';
	}
	out->length = (size_t)(to - out->bytes);
	write_seconds(out, family, "_sum", labels, (int64_t)histogram->sum_ns);
	write_integer(out, family, "_count", labels, (int64_t)count);
}

/* --- rows of the daemon itself ----------------------------------------------------------------------------------- */

static void write_own_histogram(struct render *render, struct text *out, const struct line_labels *labels,
				const struct reading *reading)
{
	struct histogram histogram = {0};
	for (unsigned i = 0; i < reading->count; i++)
		histogram_observe(&histogram, reading->value.observed_ns[i]);
	write_histogram(render, out, labels, &histogram);
}

static void write_reading(struct render *render, struct text *out, const struct line_labels *labels,
			  const struct reading *reading)
{
	const struct family *family = current(render);
	need_head(render, out);
	switch (family->kind) {
	case MEASURE_GAUGE:
		write_number(out, family, labels, reading->value.number);
		break;
	case MEASURE_COUNTER_SECONDS:
		write_seconds(out, family, "", labels, reading->value.integer);
		break;
	case MEASURE_HISTOGRAM:
		write_own_histogram(render, out, labels, reading);
		break;
	case MEASURE_INFO:
		write_integer(out, family, "", labels, 1);
		break;
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
	case MEASURE_TEXT:
		write_integer(out, family, "", labels, reading->value.integer);
		break;
	}
}

static void write_own_row(struct render *render, struct text *out, const struct own_row *own)
{
	const struct family *family = current(render);
	const struct line_labels labels = {.row = own->labels};
	for (size_t i = 0; i < family->nmembers; i++) {
		if (family->members[i].set != own->set)
			continue;
		for (size_t k = 0; k < own->row->n; k++) {
			if (own->row->readings[k].measure == family->members[i].measure)
				write_reading(render, out, &labels, &own->row->readings[k]);
		}
	}
}

/* --- rows of the store ------------------------------------------------------------------------------------------- */

static void write_stored_integer(struct render *render, struct text *out, const struct line_labels *labels,
				 int64_t value)
{
	need_head(render, out);
	if (current(render)->kind == MEASURE_COUNTER_SECONDS)
		write_seconds(out, current(render), "", labels, value);
	else
		write_integer(out, current(render), "", labels, value);
}

static void write_stored(struct render *render, struct text *out, size_t row, const struct column *column)
{
	const struct block *block = render->block;
	const struct line_labels labels = {block_labels(block), block_row_labels(block, row)};
	struct histogram histogram;
	int64_t integer;
	double number;
	switch (current(render)->kind) {
	case MEASURE_GAUGE:
		if (!block_read_number(block, row, column, &number))
			return;
		need_head(render, out);
		write_number(out, current(render), &labels, number);
		break;
	case MEASURE_HISTOGRAM:
		if (!block_read_histogram(block, row, column, &histogram))
			return;
		need_head(render, out);
		write_histogram(render, out, &labels, &histogram);
		break;
	default:
		if (block_read_integer(block, row, column, &integer))
			write_stored_integer(render, out, &labels, integer);
		break;
	}
}

static void write_row(struct render *render, struct text *out, size_t row)
{
	const struct family *family = current(render);
	const struct shape *shape = render->block->rows[row].shape;
	for (size_t i = 0; i < family->nmembers; i++) {
		if (shape->set != family->members[i].set)
			continue;
		const struct column *column = shape_column(shape, family->members[i].measure);
		if (column)
			write_stored(render, out, row, column);
	}
}

static bool is_passed_over(const struct render *render, const struct block *block)
{
	return !(block->marks & render->marks) || (render->shards > 1 && block->hash % render->shards != render->shard);
}

static bool next_block(struct render *render)
{
	if (!render->marks)
		return false;
	do {
		render->block = store_next(&render->cursor);
	} while (render->block && is_passed_over(render, render->block));
	render->next_row = 0;
	return render->block != NULL;
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* Appends the next row of this family, if it has something to show. Returns false at the end of the family. */
static bool write_next(struct render *render, struct text *out)
{
	if (render->next_own < render->nown) {
		size_t i = render->next_own++;
		if (render->shard == 0)
			write_own_row(render, out, &render->own[i]);
		return true;
	}
	if (!render->block && !next_block(render))
		return false;
	if (render->next_row < render->block->nrows)
		write_row(render, out, render->next_row++);
	if (render->next_row >= render->block->nrows)
		render->block = NULL;
	return true;
}

bool render_more(struct render *render, struct text *out, size_t enough)
{
	size_t start = out->length;
	if (enough == 0)
		enough = 1;
	while (render->family < render->families->n) {
		if (out->length - start >= enough)
			return true;
		if (write_next(render, out))
			continue;
		render->family++;
		begin_family(render);
	}
	if (!render->is_ended && render->format == RENDER_OPENMETRICS)
		text_add(out, "# EOF\n");
	render->is_ended = true;
	return false;
}
