#include "exporter/latest.h"

#include <math.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "exporter/labels.h"
#include "exporter/store.h"

/* What a label's value must be. */
struct wanted {
	bool is_set;
	struct text label; /* as rendered: name="value" */
};

struct latest {
	struct series_store *store;
	struct series_reader reader;
	struct wanted target, probe;
	uint64_t target_hash;
	bool has_target, has_match;
	/* Where we are: */
	bool has_begun;
	bool is_open; /* the block's object has begun */
	bool is_ended;
	size_t nmetrics; /* of this block, so far */
	struct store_cursor cursor;
	const struct block *block; /* NULL: no more */
	size_t next_row;
};

/* --- which blocks ------------------------------------------------------------------------------------------------ */

static void want(struct wanted *wanted, const char *name, const char *value)
{
	const struct label label = {name, value};
	wanted->is_set = value != NULL;
	if (value)
		labels_render(&wanted->label, &label, 1);
}

static bool has_label(struct label_text labels, const struct wanted *wanted)
{
	struct label_text name, value;
	if (!wanted->is_set)
		return true;
	while (labels_next(&labels, &name, &value)) {
		/* From the name to the quote after the value. */
		size_t length = (size_t)(value.bytes - name.bytes) + value.length + 1;
		if (length == wanted->label.length && memcmp(name.bytes, wanted->label.bytes, length) == 0)
			return true;
	}
	return false;
}

static bool is_match(struct latest *latest, const struct block *block)
{
	struct label_text labels = block_labels(block);
	if (latest->target.is_set && block->hash != latest->target_hash)
		return false;
	if (!has_label(labels, &latest->target))
		return false;
	latest->has_target = true;
	return has_label(labels, &latest->probe);
}

static void next_match(struct latest *latest)
{
	do {
		latest->block = store_next(&latest->cursor);
	} while (latest->block && !is_match(latest, latest->block));
	latest->next_row = 0;
	latest->nmetrics = 0;
	latest->is_open = false;
}

/* --- create and free --------------------------------------------------------------------------------------------- */

struct latest *latest_create(struct series_store *store, const char *target, const char *probe)
{
	struct latest *latest = mem_zero(1, sizeof(*latest));
	latest->store = store;
	want(&latest->target, "target", target);
	want(&latest->probe, "probe", probe);
	latest->target_hash = target ? hash_stable(target) : 0;
	store_open_reader(store, &latest->reader);
	latest->cursor = (struct store_cursor){.store = store, .ticket = latest->reader.ticket};
	next_match(latest);
	latest->has_match = latest->block != NULL;
	return latest;
}

void latest_free(struct latest *latest)
{
	if (!latest)
		return;
	store_close_reader(latest->store, &latest->reader);
	text_free(&latest->target.label);
	text_free(&latest->probe.label);
	mem_free(latest);
}

bool latest_has_target(const struct latest *latest)
{
	return latest->has_target;
}

bool latest_has_match(const struct latest *latest)
{
	return latest->has_match;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

/* The escapes of rendered values mean the same in JSON; control characters but LF stand for themselves there, which
 * JSON does not allow. */
static void add_rendered(struct text *out, struct label_text value)
{
	text_add_char(out, '"');
	for (size_t i = 0; i < value.length; i++) {
		unsigned char byte = (unsigned char)value.bytes[i];
		if (byte < ' ' || byte == 0x7F)
			text_add_format(out, "\\u%04x", byte);
		else
			text_add_char(out, (char)byte);
	}
	text_add_char(out, '"');
}

static bool is_name(struct label_text name, const char *other)
{
	return name.length == strlen(other) && memcmp(name.bytes, other, name.length) == 0;
}

/* The labels of a block that have fields of their own are left out of its others. */
static void add_labels(struct text *out, struct label_text labels, bool is_block)
{
	struct label_text name, value;
	bool is_first = true;
	text_add(out, "\"labels\":{");
	while (labels_next(&labels, &name, &value)) {
		if (is_block && (is_name(name, "target") || is_name(name, "probe")))
			continue;
		if (!is_first)
			text_add_char(out, ',');
		is_first = false;
		add_rendered(out, name);
		text_add_char(out, ':');
		add_rendered(out, value);
	}
	text_add_char(out, '}');
}

static void add_label_field(struct text *out, struct label_text labels, const char *field)
{
	struct label_text name, value;
	while (labels_next(&labels, &name, &value)) {
		if (!is_name(name, field))
			continue;
		text_add_format(out, "\"%s\":", field);
		add_rendered(out, value);
		text_add_char(out, ',');
		return;
	}
}

static void begin_block(struct latest *latest, struct text *out)
{
	struct label_text labels = block_labels(latest->block);
	text_add_char(out, '{');
	add_label_field(out, labels, "target");
	add_label_field(out, labels, "probe");
	add_labels(out, labels, true);
	text_add(out, ",\"metrics\":[");
	latest->is_open = true;
}

static void add_histogram(struct text *out, const struct histogram *histogram)
{
	uint64_t count = 0;
	for (unsigned i = 0; i <= SERIES_BUCKETS; i++)
		count += histogram->counts[i];
	text_add(out, "{\"count\":");
	text_add_unsigned(out, count);
	text_add(out, ",\"sum\":");
	text_add_seconds(out, (int64_t)histogram->sum_ns);
	text_add_char(out, '}');
}

/* A value, if there is one now. */
struct latest_value {
	enum measure_kind kind;
	double number;
	int64_t integer;
	struct histogram histogram;
};

static bool read_value(const struct block *block, size_t row, const struct column *column, struct latest_value *value)
{
	switch (value->kind) {
	case MEASURE_GAUGE:
		return block_read_number(block, row, column, &value->number);
	case MEASURE_HISTOGRAM:
		return block_read_histogram(block, row, column, &value->histogram);
	default:
		return block_read_integer(block, row, column, &value->integer);
	}
}

static void add_value(struct text *out, const struct latest_value *value)
{
	switch (value->kind) {
	case MEASURE_GAUGE:
		if (isfinite(value->number))
			text_add_double(out, value->number);
		else
			text_add(out, "null");
		break;
	case MEASURE_HISTOGRAM:
		add_histogram(out, &value->histogram);
		break;
	case MEASURE_COUNTER_SECONDS:
		text_add_seconds(out, value->integer);
		break;
	default:
		text_add_integer(out, value->integer);
		break;
	}
}

static void add_metric(struct latest *latest, struct text *out, const struct known_set *set,
		       const struct column *column)
{
	struct latest_value value = {.kind = (enum measure_kind)column->kind};
	if (!read_value(latest->block, latest->next_row, column, &value))
		return;
	text_add(out, latest->nmetrics++ > 0 ? ",\n {\"name\":\"netsonde_" : "\n {\"name\":\"netsonde_");
	text_add(out, set->name);
	text_add_char(out, '_');
	text_add(out, set->measures[column->measure].name);
	text_add(out, "\",");
	add_labels(out, block_row_labels(latest->block, latest->next_row), false);
	text_add(out, ",\"value\":");
	add_value(out, &value);
	text_add_char(out, '}');
}

static void add_row(struct latest *latest, struct text *out)
{
	const struct shape *shape = latest->block->rows[latest->next_row].shape;
	for (size_t i = 0; i < shape->ncolumns; i++)
		add_metric(latest, out, shape->set, &shape->columns[i]);
	latest->next_row++;
}

/* One step: the beginning of a block, one of its rows, or its end. */
static void add_step(struct latest *latest, struct text *out)
{
	if (!latest->is_open) {
		begin_block(latest, out);
	} else if (latest->next_row < latest->block->nrows) {
		add_row(latest, out);
	} else {
		next_match(latest);
		text_add(out, latest->block ? "]},\n" : "]}\n");
	}
}

bool latest_more(struct latest *latest, struct text *out, size_t enough)
{
	size_t start = out->length;
	if (!latest->has_begun)
		text_add(out, "{\"targets\":[\n");
	latest->has_begun = true;
	while (latest->block) {
		if (out->length - start >= enough && out->length > start)
			return true;
		add_step(latest, out);
	}
	if (!latest->is_ended)
		text_add(out, "]}\n");
	latest->is_ended = true;
	return false;
}
