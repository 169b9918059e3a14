#include "exporter/status.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/labels.h"
#include "exporter/page.h"
#include "exporter/store.h"

/* A probe of a target that has ended a run. */
struct entry {
	const struct block *block; /* as long as the reader is open */
	struct label_text target, probe;
	bool is_up;
	double streak_seconds; /* for how long it has been so; negative: not known */
};

/* Entries of one state: the first that were found, and how many there are. */
struct entries {
	struct entry *items; /* [STATUS_ROWS_MAX] */
	size_t n, total;
};

/* What is shown of an entry; negative: it has none. */
struct figures {
	double seconds, took_seconds, loss_ratio;
	int64_t runs, failures;
	struct label_text address;
	struct text reasons; /* "timeout 3, refused 1" */
};

/* --- looking into a block ---------------------------------------------------------------------------------------- */

static const struct column *find_column(const struct shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->ncolumns; i++)
		if (strcmp(shape->set->measures[shape->columns[i].measure].name, name) == 0)
			return &shape->columns[i];
	return NULL;
}

static bool is_of_set(const struct block *block, size_t row, const char *name)
{
	return strcmp(block->rows[row].shape->set->name, name) == 0;
}

static bool read_integer(const struct block *block, size_t row, const char *name, int64_t *value)
{
	const struct column *column = find_column(block->rows[row].shape, name);

	return column && block_read_integer(block, row, column, value);
}

static bool read_number(const struct block *block, size_t row, const char *name, double *value)
{
	const struct column *column = find_column(block->rows[row].shape, name);

	return column && column->kind == MEASURE_GAUGE && block_read_number(block, row, column, value);
}

static bool find_label(struct label_text labels, const char *wanted, struct label_text *value)
{
	struct label_text name;

	while (labels_next(&labels, &name, value))
		if (name.length == strlen(wanted) && memcmp(name.bytes, wanted, name.length) == 0)
			return true;
	*value = (struct label_text){"", 0};
	return false;
}

/* Values are rendered with escapes: "\\", "\"", "\n". */
static void unescape(struct label_text value, struct text *out)
{
	text_clear(out);
	for (size_t i = 0; i < value.length; i++) {
		bool is_escaped = value.bytes[i] == '\\' && i + 1 < value.length;

		i += is_escaped;
		text_add_char(out, is_escaped && value.bytes[i] == 'n' ? '\n' : value.bytes[i]);
	}
}

/* False: this is no probe's block, or no run has ended yet. */
static bool read_state(const struct block *block, bool *is_up)
{
	int64_t success;

	for (size_t i = 0; i < block->nrows; i++) {
		if (is_of_set(block, i, "probe") && read_integer(block, i, "success", &success)) {
			*is_up = success == 1;
			return true;
		}
	}
	return false;
}

static void read_failures(const struct block *block, size_t row, struct figures *figures)
{
	struct label_text reason;
	int64_t n;

	if (!read_integer(block, row, "failures_total", &n) || n == 0 ||
	    !find_label(block_row_labels(block, row), "reason", &reason))
		return;
	figures->failures += n;
	text_add(&figures->reasons, figures->reasons.length > 0 ? ", " : "");
	page_add_text(reason.bytes, reason.length, &figures->reasons);
	text_add_char(&figures->reasons, ' ');
	text_add_integer(&figures->reasons, n);
}

static void read_figures(const struct block *block, struct figures *figures)
{
	*figures = (struct figures){.seconds = -1, .loss_ratio = -1, .address = {"", 0}};
	for (size_t i = 0; i < block->nrows; i++) {
		/* A row without labels is about the target as a whole, not about a hop or an address of it. */
		if (block_row_labels(block, i).length == 0) {
			read_number(block, i, "rtt_avg_seconds", &figures->seconds);
			read_number(block, i, "loss_ratio", &figures->loss_ratio);
		}
		if (is_of_set(block, i, "target"))
			find_label(block_row_labels(block, i), "address", &figures->address);
		if (!is_of_set(block, i, "probe"))
			continue;
		read_number(block, i, "duration_seconds", &figures->took_seconds);
		read_integer(block, i, "runs_total", &figures->runs);
		read_failures(block, i, figures);
	}
}

/* --- which are shown --------------------------------------------------------------------------------------------- */

static void collect(struct store_cursor *cursor, struct entries *down, struct entries *up)
{
	const struct block *block;

	while ((block = store_next(cursor)) != NULL) {
		struct entry entry = {.block = block, .streak_seconds = -1};
		struct entries *of;

		if (!read_state(block, &entry.is_up))
			continue;
		find_label(block_labels(block), "target", &entry.target);
		find_label(block_labels(block), "probe", &entry.probe);
		of = entry.is_up ? up : down;
		if (of->n < STATUS_ROWS_MAX)
			of->items[of->n++] = entry;
		of->total++;
	}
}

static int compare_text(struct label_text a, struct label_text b)
{
	int order = memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);

	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	int order = compare_text(one->target, other->target);

	return order != 0 ? order : compare_text(one->probe, other->probe);
}

/* Availability is in blocks of its own, and some seconds behind: it may not have heard of the last run yet. */
static void note_streak(const struct block *block, struct entries *down, struct entries *up)
{
	for (size_t i = 0; i < block->nrows; i++) {
		struct entry key = {0}, *entry;
		int64_t is_up;

		if (!is_of_set(block, i, "availability") || !read_integer(block, i, "up", &is_up))
			continue;
		find_label(block_labels(block), "target", &key.target);
		find_label(block_labels(block), "probe", &key.probe);
		const struct entries *of = is_up == 1 ? up : down;
		entry = bsearch(&key, of->items, of->n, sizeof(key), compare);
		if (entry)
			read_number(block, i, "streak_seconds", &entry->streak_seconds);
	}
}

static void note_streaks(struct series_store *store, uint64_t ticket, struct entries *down, struct entries *up)
{
	struct store_cursor cursor = {.store = store, .ticket = ticket};
	const struct block *block;

	while ((block = store_next(&cursor)) != NULL)
		note_streak(block, down, up);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static void add_label(struct label_text value, struct text *scratch, struct text *out)
{
	unescape(value, scratch);
	page_add_text(scratch->bytes, scratch->length, out);
}

static void add_target(const struct entry *entry, bool has_results, struct text *scratch, struct text *out)
{
	if (has_results) {
		text_add(out, "<a href=\"/api/v1/results?format=html&amp;limit=300&amp;target=");
		unescape(entry->target, scratch);
		page_add_value(scratch->bytes, scratch->length, out);
		text_add(out, "&amp;probe=");
		unescape(entry->probe, scratch);
		page_add_value(scratch->bytes, scratch->length, out);
		text_add(out, "\">");
	}
	add_label(entry->target, scratch, out);
	text_add(out, has_results ? "</a></td><td>" : "</td><td>");
	add_label(entry->probe, scratch, out);
}

static void add_failures(const struct figures *figures, struct text *out)
{
	text_add(out, "</td><td>");
	text_add_integer(out, figures->failures);
	text_add(out, " of ");
	text_add_integer(out, figures->runs);
	if (figures->failures > 0) {
		text_add(out, " <span class=\"quiet\">");
		text_add_bytes(out, figures->reasons.bytes, figures->reasons.length);
		text_add(out, "</span>");
	}
}

/* "40 s", "12 min", "5 h", "3 d": of two units nobody reads the second. */
static void add_streak(double seconds, struct text *out)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	if (seconds < 0)
		return;
	/* Two of the larger unit at least, so that little is rounded away. */
	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	text_add_format(out, "%.0f %s", floor(seconds / units[i].seconds), units[i].name);
}

static void add_entry(const struct entry *entry, bool has_results, struct text *scratch, struct text *out)
{
	struct figures figures;

	read_figures(entry->block, &figures);
	text_add_format(out, "<tr><td><span class=\"state %s\">%s</span></td><td class=\"number\">",
			entry->is_up ? "good" : "bad", entry->is_up ? "up" : "down");
	add_streak(entry->streak_seconds, out);
	text_add(out, "</td><td>");
	add_target(entry, has_results, scratch, out);
	text_add(out, "</td><td class=\"number\">");
	/* How long a failed run took is its timeout, and no time of the target. */
	if (figures.seconds >= 0 || entry->is_up)
		page_add_duration(figures.seconds >= 0 ? figures.seconds : figures.took_seconds, out);
	page_add_loss_cell(figures.loss_ratio, out);
	add_failures(&figures, out);
	text_add(out, "</td><td class=\"quiet\">");
	add_label(figures.address, scratch, out);
	text_add(out, "</td></tr>\n");
	text_free(&figures.reasons);
}

static void add_summary(const struct entries *down, const struct entries *up, struct text *out)
{
	text_add(out, "<h2>Targets: ");
	if (down->total + up->total == 0) {
		text_add(out, "<span class=\"quiet\">none yet</span></h2>\n"
			      "<p class=\"quiet\">A target appears when a probe of it has ended its first run.</p>\n");
		return;
	}
	if (down->total > 0)
		text_add_format(out, "<span class=\"bad\">%zu down</span>, ", down->total);
	text_add_format(out, "<span class=\"good\">%zu up</span></h2>\n", up->total);
}

static void add_table(const struct entries *down, const struct entries *up, bool has_results, struct text *out)
{
	size_t room = STATUS_ROWS_MAX - down->n, shown = up->n < room ? up->n : room;
	struct text scratch = {0};

	text_add(out, "<div class=\"wide\"><table class=\"full\">\n<tr><th>state</th><th "
		      "class=\"number\">for</th><th>target</th><th>probe</th>"
		      "<th class=\"number\">time</th><th class=\"number\">loss</th><th>failed runs</th>"
		      "<th>address</th></tr>\n");
	for (size_t i = 0; i < down->n; i++)
		add_entry(&down->items[i], has_results, &scratch, out);
	for (size_t i = 0; i < shown; i++)
		add_entry(&up->items[i], has_results, &scratch, out);
	text_add(out, "</table></div>\n<p class=\"quiet\">State and loss are those of the last run; for: how long it "
		      "has been so, as of some seconds ago. Time is the average round trip where a probe measures it, "
		      "else how long the run took. Failed runs are counted since the probe began.");
	if (down->n + shown < down->total + up->total)
		text_add_format(out, " %zu of %zu are shown.", down->n + shown, down->total + up->total);
	text_add(out, "</p>\n");
	text_free(&scratch);
}

void status_write(struct series_store *store, bool has_results, struct text *out)
{
	struct entries down = {.items = mem_zero(STATUS_ROWS_MAX, sizeof(struct entry))};
	struct entries up = {.items = mem_zero(STATUS_ROWS_MAX, sizeof(struct entry))};
	struct series_reader reader;

	store_open_reader(store, &reader);
	collect(&(struct store_cursor){.store = store, .ticket = reader.ticket}, &down, &up);
	qsort(down.items, down.n, sizeof(*down.items), compare);
	qsort(up.items, up.n, sizeof(*up.items), compare);
	note_streaks(store, reader.ticket, &down, &up);
	add_summary(&down, &up, out);
	if (down.n + up.n > 0)
		add_table(&down, &up, has_results, out);
	store_close_reader(store, &reader);
	mem_free(down.items);
	mem_free(up.items);
}
