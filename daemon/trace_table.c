#include "daemon/trace_table.h"

#include <stdio.h>
#include <string.h>

#include "daemon/columns.h"

#define HOP_WIDTH    4  /* "12. " */
#define CELL_WIDTH   6  /* a blank before it */
#define HOST_WIDTH   28 /* below that, columns are left out */
#define HOST_LEAST   8
#define LINE_SIZE    640
#define MILLISECONDS 1e3

enum column { LOSS, FORWARD, SENT, LAST, AVERAGE, BEST, WORST, DEVIATION, JITTER, COLUMNS };

static const char *const headings[COLUMNS] = {
	[LOSS] = "Loss%", [FORWARD] = "Fwd%", [SENT] = "Snt",        [LAST] = "Last",   [AVERAGE] = "Avg",
	[BEST] = "Best",  [WORST] = "Wrst",   [DEVIATION] = "StDev", [JITTER] = "Jttr",
};

/* What goes first when there is little room. */
static const enum column dispensable[] = {JITTER, DEVIATION, WORST, BEST, LAST, SENT, FORWARD};

struct table {
	const struct trace_summary *summary;
	const struct trace_view *view;
	struct text *out;
	size_t host_width; /* 0 = not known yet: any */
	bool is_shown[COLUMNS];
};

#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"

static void paint(struct table *table, const char *colour)
{
	if (table->view->has_colours && colour)
		text_add(table->out, colour);
}

static void end_paint(struct table *table, const char *colour)
{
	paint(table, colour ? "\033[0m" : NULL);
}

/* A whole line, cut where the terminal ends. */
static void add_line(struct table *table, const char *colour, const char *line)
{
	size_t columns = table->view->columns;

	paint(table, colour);
	columns_add_cut(table->out, line, columns > 0 ? columns : columns_width(line));
	end_paint(table, colour);
	text_add_char(table->out, '\n');
}

/* --- who answered ------------------------------------------------------------------------------------------------- */

/* "name (address)", or one of the two: of a name that leaves no room the address is left out. */
static void add_name(const struct table *table, const struct trace_node *node, struct text *out)
{
	size_t wanted = columns_width(node->name) + columns_width(node->address) + 3;

	if (!table->view->has_names || !node->name[0])
		text_add(out, node->address);
	else if (table->host_width == 0 || wanted <= table->host_width)
		text_add_format(out, "%s (%s)", node->name, node->address);
	else
		text_add(out, node->name);
}

static void add_host(const struct table *table, const struct trace_hop *hop, const struct trace_node *node,
		     struct text *out)
{
	double all = 0;

	for (size_t i = 0; i < hop->nnodes; i++)
		all += hop->nodes[i].answers;
	add_name(table, node, out);
	if (hop->nnodes > 1 && all > 0)
		text_add_format(out, " %.0f%%", 100 * node->answers / all);
}

/* "16/0/1/1" -> "[MPLS: Lbl 16 TC 0 S 1 TTL 1]", as mtr has it. */
static void add_label(const char *label, size_t n, struct text *out)
{
	unsigned value, class, bottom, ttl;
	char copy[40];

	snprintf(copy, sizeof(copy), "%.*s", (int)(n < sizeof(copy) ? n : sizeof(copy) - 1), label);
	if (sscanf(copy, "%u/%u/%u/%u", &value, &class, &bottom, &ttl) == 4)
		text_add_format(out, "[MPLS: Lbl %u TC %u S %u TTL %u]", value, class, bottom, ttl);
	else
		text_add_format(out, "[MPLS: %s]", copy);
}

static void widen(size_t *width, struct text *host)
{
	size_t here = columns_width(text_string(host));

	*width = here > *width ? here : *width;
	text_clear(host);
}

/* Of the longest host there is. */
static size_t widest_host(const struct table *table)
{
	size_t width = HOST_LEAST;
	struct text host = {0};

	for (unsigned i = 0; i < table->summary->nhops; i++) {
		const struct trace_hop *hop = &table->summary->hops[i];

		for (size_t j = 0; j < hop->nnodes; j++) {
			add_host(table, hop, &hop->nodes[j], &host);
			widen(&width, &host);
		}
	}
	text_free(&host);
	return width;
}

static void choose_columns(struct table *table)
{
	const size_t n = sizeof(dispensable) / sizeof(dispensable[0]);
	size_t taken = HOP_WIDTH + COLUMNS * CELL_WIDTH, columns = table->view->columns;

	for (size_t i = 0; i < COLUMNS; i++)
		table->is_shown[i] = true;
	for (size_t i = 0; columns > 0 && i < n && taken + HOST_WIDTH > columns; i++) {
		table->is_shown[dispensable[i]] = false;
		taken -= CELL_WIDTH;
	}
	if (columns == 0)
		table->host_width = widest_host(table);
	else
		table->host_width = columns > taken + HOST_LEAST ? columns - taken : HOST_LEAST;
}

/* --- a hop -------------------------------------------------------------------------------------------------------- */

static void format_share(char *out, size_t size, double share)
{
	snprintf(out, size, share >= 0.9995 ? "%.0f%%" : "%.1f%%", 100 * share);
}

/* Milliseconds in five columns, as exactly as they allow. */
static void format_time(char *out, size_t size, double seconds)
{
	double ms = seconds * MILLISECONDS;

	if (ms < 9.995)
		snprintf(out, size, "%.2f", ms);
	else
		snprintf(out, size, ms < 999.95 ? "%.1f" : "%.0f", ms);
}

static double time_of(const struct trace_times *times, enum column column)
{
	switch (column) {
	case LAST:
		return times->last;
	case AVERAGE:
		return times->mean;
	case BEST:
		return times->best;
	case WORST:
		return times->worst;
	case DEVIATION:
		return trace_times_deviation(times);
	default:
		return trace_times_jitter(times);
	}
}

static void format_cell(char *out, size_t size, const struct trace_hop *hop, const struct trace_counts *counts,
			enum column column)
{
	out[0] = '\0';
	if (column == SENT)
		snprintf(out, size, "%llu", (unsigned long long)counts->sent);
	else if (counts->sent > 0 && (column == LOSS || column == FORWARD))
		format_share(out, size, column == LOSS ? counts->loss : counts->forward);
	else if (column > SENT && hop->times.n > 0)
		format_time(out, size, time_of(&hop->times, column));
}

static const char *colour_of(const struct trace_counts *counts, enum column column)
{
	if (column != LOSS && column != FORWARD)
		return NULL;
	if (counts->forward > 0)
		return RED;
	return column == LOSS && trace_counts_are_limited(counts) ? YELLOW : NULL;
}

static void add_cells(struct table *table, unsigned number)
{
	const struct trace_hop *hop = &table->summary->hops[number - 1];
	struct trace_counts counts = trace_summary_counts(table->summary, number);
	char cell[32];

	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *colour = colour_of(&counts, i);

		if (!table->is_shown[i])
			continue;
		format_cell(cell, sizeof(cell), hop, &counts, i);
		paint(table, colour);
		columns_add_right(table->out, cell, CELL_WIDTH);
		end_paint(table, colour);
	}
}

/* Blanks at the end of a line would make a terminal that is a column narrower than it says wrap it. */
static void end_line(struct table *table)
{
	while (table->out->length > 0 && table->out->bytes[table->out->length - 1] == ' ')
		table->out->length--;
	text_add_char(table->out, '\n');
}

static void add_hop(struct table *table, unsigned number)
{
	const struct trace_hop *hop = &table->summary->hops[number - 1];
	struct text host = {0};

	if (hop->nnodes > 0)
		add_host(table, hop, &hop->nodes[0], &host);
	else
		text_add(&host, "???");
	text_add_format(table->out, "%2u. ", number);
	columns_add_left(table->out, text_string(&host), table->host_width);
	add_cells(table, number);
	end_line(table);
	text_free(&host);
}

static void add_labels(struct table *table, const struct trace_node *node)
{
	struct text line = {0};

	for (const char *c = node->mpls; *c; c += strspn(c, " ")) {
		size_t n = strcspn(c, " ");

		text_add(&line, "    ");
		add_label(c, n, &line);
		add_line(table, DIM, text_string(&line));
		text_clear(&line);
		c += n;
	}
	text_free(&line);
}

/* Labels, and the further addresses with theirs. */
static void add_details(struct table *table, unsigned number)
{
	const struct trace_hop *hop = &table->summary->hops[number - 1];
	struct text line = {0};

	for (size_t i = 0; i < hop->nnodes; i++) {
		if (i > 0) {
			text_add(&line, "    ");
			add_host(table, hop, &hop->nodes[i], &line);
			add_line(table, NULL, text_string(&line));
			text_clear(&line);
		}
		add_labels(table, &hop->nodes[i]);
	}
	text_free(&line);
}

/* --- head and foot ------------------------------------------------------------------------------------------------ */

static void add_title(struct table *table)
{
	const struct trace_summary *summary = table->summary;
	const struct trace_view *view = table->view;
	struct text line = {0};

	text_add_format(&line, "traceroute to %s", view->target);
	if (summary->address[0] && strcmp(summary->address, view->target) != 0)
		text_add_format(&line, " (%s)", summary->address);
	text_add_format(&line, ", %s", view->transport);
	if (summary->nflows > 1)
		text_add_format(&line, ", %u flows", summary->nflows);
	text_add_format(&line, ", %llu run%s", (unsigned long long)summary->runs, summary->runs == 1 ? "" : "s");
	if (view->is_paused)
		text_add(&line, ", paused");
	if (view->time)
		text_add_format(&line, "  %s", view->time);
	add_line(table, BOLD, text_string(&line));
	text_free(&line);
}

static void add_head(struct table *table)
{
	add_title(table);
	if (table->view->has_keys)
		add_line(table, NULL, "q quit  p pause  r reset  n names");
	text_add_char(table->out, '\n');
	paint(table, BOLD);
	columns_add_left(table->out, "Hop Host", HOP_WIDTH + table->host_width);
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (table->is_shown[i])
			columns_add_right(table->out, headings[i], CELL_WIDTH);
	}
	end_paint(table, BOLD);
	text_add_char(table->out, '\n');
}

/* Who answered at a hop, for a sentence. */
static const char *name_hop(const struct trace_summary *summary, unsigned number)
{
	const struct trace_hop *hop = &summary->hops[number - 1];

	return hop->nnodes > 0 ? hop->nodes[0].address : "silent";
}

static void add_why(const struct trace_summary *summary, struct text *line)
{
	unsigned last = summary->hop_count;

	if (strcmp(summary->end, "max_silent") == 0 && last > 0)
		text_add_format(line, "nobody answers beyond hop %u", last);
	else if (strcmp(summary->end, "max_silent") == 0)
		text_add(line, "nobody answers");
	else if (strcmp(summary->end, "max_hops") == 0)
		text_add(line, "it is farther than max_hops");
	else if (strcmp(summary->end, "timeout") == 0)
		text_add(line, "the time of a run was up");
	else if (strncmp(summary->end, "unreachable", 11) == 0 && last > 0)
		text_add_format(line, "hop %u (%s) says %s", last, name_hop(summary, last), summary->end);
	else
		text_add(line, reason_name(summary->reason));
}

static void add_outcome(struct table *table)
{
	const struct trace_summary *summary = table->summary;
	struct text line = {0};

	if (summary->reason == REASON_OK)
		text_add_format(&line, "reached in %u hop%s", summary->hop_count, summary->hop_count == 1 ? "" : "s");
	else
		text_add(&line, "not reached: ");
	if (summary->reason != REASON_OK)
		add_why(summary, &line);
	if (summary->runs > 1)
		text_add_format(&line, "; %llu of %llu runs reached it", (unsigned long long)summary->reached,
				(unsigned long long)summary->runs);
	add_line(table, summary->reason == REASON_OK ? NULL : RED, text_string(&line));
	text_free(&line);
}

/* What there is to say of the path, if anything: of a single run nothing about changes. */
static void add_path(struct table *table)
{
	const struct trace_summary *summary = table->summary;
	struct text line = {0};

	if (summary->runs > 1)
		text_add_format(&line, "; path changes: %llu", (unsigned long long)summary->changes);
	if (summary->nflows > 1)
		text_add_format(&line, "; %u path%s over %u flows", summary->paths, summary->paths == 1 ? "" : "s",
				summary->nflows);
	if (summary->nat_hop > 0)
		text_add_format(&line, "; addresses are translated (NAT) before hop %u", summary->nat_hop);
	if (summary->loop_hop > 0)
		text_add_format(&line, "; packets go in a circle: hop %u is one of before", summary->loop_hop);
	if (line.length > 0)
		add_line(table, NULL, text_string(&line) + strlen("; "));
	text_free(&line);
}

static void add_mtu(struct table *table)
{
	const struct trace_summary *summary = table->summary;
	struct text line = {0};

	if (summary->mtu_bytes == 0)
		return;
	text_add_format(&line, "path MTU: %lld bytes", (long long)summary->mtu_bytes);
	if (summary->is_black_hole)
		text_add(&line, "; larger packets vanish without a word");
	if (summary->is_black_hole && summary->mtu_hop > 0)
		text_add_format(&line, " behind hop %u", summary->mtu_hop);
	else if (summary->mtu_hop > 0)
		text_add_format(&line, ", as hop %u (%s) says", summary->mtu_hop, name_hop(summary, summary->mtu_hop));
	add_line(table, summary->is_black_hole ? RED : NULL, text_string(&line));
	text_free(&line);
}

static void add_bottleneck(struct table *table)
{
	double step;
	unsigned hop = trace_summary_bottleneck(table->summary, &step);
	char line[LINE_SIZE], time[32];

	if (hop == 0)
		return;
	format_time(time, sizeof(time), step);
	snprintf(line, sizeof(line), "largest step: %s ms, to hop %u (%s)", time, hop, name_hop(table->summary, hop));
	add_line(table, NULL, line);
}

static void add_limited(struct table *table)
{
	struct text line = {0};
	unsigned n = 0;

	for (unsigned hop = 1; hop <= table->summary->nhops; hop++) {
		struct trace_counts counts = trace_summary_counts(table->summary, hop);

		if (trace_counts_are_limited(&counts))
			text_add_format(&line, "%s%u",
					n++ == 0 ? "limits its answers, no loss of the path: hop " : ", ", hop);
	}
	if (n > 0)
		add_line(table, YELLOW, text_string(&line));
	text_free(&line);
}

static void add_foot(struct table *table)
{
	if (table->summary->runs == 0) {
		add_line(table, NULL, "waiting for the first answers");
		return;
	}
	add_outcome(table);
	add_path(table);
	add_mtu(table);
	add_bottleneck(table);
	add_limited(table);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static size_t count_lines(const struct text *text, size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < text->length; i++)
		n += text->bytes[i] == '\n';
	return n;
}

static void add_hops(struct table *table, unsigned first, unsigned last, bool has_details)
{
	for (unsigned hop = first; hop <= last && hop > 0; hop++) {
		add_hop(table, hop);
		if (has_details)
			add_details(table, hop);
	}
}

/* As many of the first hops as there is room for, and the last one. */
static void add_some_hops(struct table *table, unsigned first, unsigned last, size_t room)
{
	unsigned kept = room > 2 ? (unsigned)room - 2 : 0;
	char line[LINE_SIZE];

	if (kept > 0)
		add_hops(table, first, first + kept - 1, false);
	snprintf(line, sizeof(line), "    ... hops %u to %u: no room for them", first + kept, last - 1);
	add_line(table, DIM, line);
	add_hop(table, last);
}

/* room 0 = any. */
static void add_body(struct table *table, size_t room)
{
	unsigned first = table->summary->first_hop, last = table->summary->nhops;
	size_t begin = table->out->length;

	add_hops(table, first, last, true);
	if (room == 0 || count_lines(table->out, begin) <= room)
		return;
	table->out->length = begin;
	if (last - first + 1 <= room)
		add_hops(table, first, last, false);
	else
		add_some_hops(table, first, last, room);
}

void trace_table_write(const struct trace_summary *summary, const struct trace_view *view, struct text *out)
{
	struct text foot = {0};
	struct table table = {.summary = summary, .view = view, .out = &foot};
	size_t begin = out->length, taken, room = 0;

	choose_columns(&table);
	text_add_char(&foot, '\n');
	add_foot(&table);
	table.out = out;
	add_head(&table);
	taken = count_lines(out, begin) + count_lines(&foot, 0);
	if (view->rows > 0)
		room = view->rows > taken ? view->rows - taken : 1;
	if (summary->nhops > 0)
		add_body(&table, room);
	text_add_bytes(out, foot.bytes, foot.length);
	text_free(&foot);
}

void trace_table_write_foot(const struct trace_summary *summary, const struct trace_view *view, struct text *out)
{
	struct table table = {.summary = summary, .view = view, .out = out};

	add_foot(&table);
}
