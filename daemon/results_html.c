#include "daemon/results_html.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/sample.h"
#include "daemon/results.h"
#include "exporter/page.h"

/* The picture, in units of its own. */
enum { WIDTH = 940, HEIGHT = 240, LEFT = 70, RIGHT = 930, TOP = 10, BOTTOM = 200 };

/* What is shown of a run. Times in seconds; loss negative: not known. */
struct point {
	int64_t begun_ns;
	uint64_t run;
	enum reason reason;
	double took, low, middle, high, loss;
	bool has_times; /* low to high; else there is only took */
};

struct results_html {
	const char *target;
	const struct results *results;
	struct point *points; /* oldest first */
	size_t n;
	bool has_times, has_loss; /* some run has them */
	/* Where we are: */
	bool has_begun, is_ended;
	size_t left; /* rows of the table */
};

/* --- points ------------------------------------------------------------------------------------------------------ */

static void read_gauge(const char *name, double value, struct point *point)
{
	if (strcmp(name, "loss_ratio") == 0)
		point->loss = value;
	else if (strcmp(name, "rtt_min_seconds") == 0)
		point->low = value;
	else if (strcmp(name, "rtt_max_seconds") == 0)
		point->high = value;
	else if (strcmp(name, "rtt_avg_seconds") == 0) {
		point->middle = value;
		point->has_times = true;
	}
}

/* The first row is that of the run as a whole; its histogram, if it has one, is of what the probe is there for. */
static void read_row(const struct row *row, struct point *point)
{
	for (size_t i = 0; i < row->n; i++) {
		const struct reading *reading = &row->readings[i];
		const struct measure *measure = &row->set->measures[reading->measure];

		if (measure->kind == MEASURE_HISTOGRAM && reading->count > 0 && !point->has_times) {
			point->low = clock_seconds(reading->value.observed_ns[HISTORY_MIN]);
			point->middle = clock_seconds(reading->value.observed_ns[HISTORY_AVERAGE]);
			point->high = clock_seconds(reading->value.observed_ns[HISTORY_MAX]);
			point->has_times = true;
		}
		if (measure->kind == MEASURE_GAUGE)
			read_gauge(measure->name, reading->value.number, point);
	}
}

static struct point point_of(const struct sample *sample)
{
	struct point point = {.begun_ns = sample->begun_realtime_ns,
			      .run = sample->run,
			      .reason = sample->reason,
			      .took = clock_seconds(sample->took_ns),
			      .loss = -1};

	if (sample->nrows > 0)
		read_row(&sample->rows[0], &point);
	return point;
}

static void read_points(struct results_html *html)
{
	struct history_reader *reader = history_reader_open(&html->results->runs);
	const struct sample *sample;

	html->points = mem_zero(html->results->runs.n + 1, sizeof(*html->points));
	while ((sample = history_reader_next(reader)) != NULL)
		html->points[html->n++] = point_of(sample);
	for (size_t i = 0; i < html->n; i++) {
		html->has_times |= html->points[i].has_times;
		html->has_loss |= html->points[i].loss >= 0;
	}
	html->left = html->n;
	history_reader_close(reader);
}

struct results_html *results_html_create(const char *target, const struct results *results)
{
	struct results_html *html = mem_zero(1, sizeof(*html));

	html->target = target;
	html->results = results;
	read_points(html);
	return html;
}

void results_html_free(struct results_html *html)
{
	if (!html)
		return;
	mem_free(html->points);
	mem_free(html);
}

/* --- the picture ------------------------------------------------------------------------------------------------- */

struct scale {
	int64_t from_ns, to_ns;
	double top;      /* seconds: no average is above it */
	double width;    /* of a bar */
	bool has_spread; /* some run has times of its own */
};

/* Among runs with times of their own, how long one without took would say something else. */
static bool is_drawn(const struct scale *scale, const struct point *point)
{
	return scale->has_spread ? point->has_times : point->reason == REASON_OK;
}

static double middle(const struct point *point)
{
	return point->has_times ? point->middle : point->took;
}

/* 1, 2 or 5 times a power of ten. */
static double round_up(double value)
{
	double power = pow(10, floor(log10(value)));
	double steps = value / power;

	return power * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
}

static struct scale make_scale(const struct results_html *html)
{
	struct scale scale = {.from_ns = html->points[0].begun_ns,
			      .to_ns = html->points[html->n - 1].begun_ns,
			      .has_spread = html->has_times,
			      .width = fmax(1, fmin(8, 0.6 * (RIGHT - LEFT) / (double)html->n))};

	for (size_t i = 0; i < html->n; i++)
		if (is_drawn(&scale, &html->points[i]))
			scale.top = fmax(scale.top, middle(&html->points[i]));
	scale.top = scale.top > 0 ? round_up(scale.top) : 1;
	/* The clock may have been set back. */
	if (scale.to_ns <= scale.from_ns)
		scale.to_ns = scale.from_ns + 1;
	return scale;
}

static double x_of(const struct scale *scale, int64_t at_ns)
{
	double part = (double)(at_ns - scale->from_ns) / (double)(scale->to_ns - scale->from_ns);

	return LEFT + (RIGHT - LEFT) * fmin(fmax(part, 0), 1);
}

static double y_of(const struct scale *scale, double seconds)
{
	return BOTTOM - (BOTTOM - TOP) * fmin(seconds / scale->top, 1);
}

static void add_line(const char *class, double x1, double y1, double x2, double y2, struct text *out)
{
	text_add_format(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1,
			x2, y2);
}

/* From the bottom up. part: 1 is all of the height. */
static void add_bar(const struct scale *scale, const char *class, double x, double part, struct text *out)
{
	text_add_format(out,
			"<line class=\"%s\" stroke-width=\"%.1f\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			class, scale->width, x, BOTTOM, x, BOTTOM - (BOTTOM - TOP) * part);
}

static void add_point(const struct scale *scale, const struct point *point, struct text *out)
{
	double x = x_of(scale, point->begun_ns);

	if (point->reason != REASON_OK)
		add_bar(scale, "failed", x, 1, out);
	else if (point->loss > 0)
		add_bar(scale, "lossy", x, fmin(point->loss, 1), out);
	if (!is_drawn(scale, point))
		return;
	if (point->has_times)
		add_line("spread", x, y_of(scale, point->low), x, y_of(scale, point->high), out);
	text_add_format(out, "<circle class=\"middle\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>\n", x,
			y_of(scale, middle(point)));
}

static void add_axes(const struct results_html *html, const struct scale *scale, struct text *out)
{
	for (int i = 0; i <= 4; i++) {
		double seconds = scale->top * i / 4, y = y_of(scale, seconds);

		add_line("grid", LEFT, y, RIGHT, y, out);
		text_add_format(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + 4);
		if (i > 0)
			page_add_duration(seconds, out);
		else
			text_add_char(out, '0');
		text_add(out, "</text>\n");
	}
	text_add_format(out, "<text x=\"%d\" y=\"%d\">", LEFT, BOTTOM + 20);
	page_add_time(html->points[0].begun_ns, out);
	text_add_format(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", RIGHT, BOTTOM + 20);
	page_add_time(html->points[html->n - 1].begun_ns, out);
	text_add(out, "</text>\n");
}

static void add_picture(const struct results_html *html, struct text *out)
{
	struct scale scale = make_scale(html);

	text_add_format(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s of the last runs\">\n", WIDTH,
			HEIGHT, scale.has_spread ? "Times" : "Duration");
	add_axes(html, &scale, out);
	for (size_t i = 0; i < html->n; i++)
		add_point(&scale, &html->points[i], out);
	text_add(out, "</svg>\n<p class=\"quiet\">");
	text_add(out, scale.has_spread
			      ? "Dots are the average of a run; lines behind them go from its shortest time to "
				"its longest, or to the upper edge. "
			      : "Dots are how long a run took. ");
	text_add(out, "A red bar is a run that failed; the height of an amber one is the part that was lost.</p>\n");
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static void add_cell(double seconds, bool is_there, struct text *out)
{
	text_add(out, "</td><td class=\"number\">");
	if (is_there)
		page_add_duration(seconds, out);
}

static void add_row(const struct results_html *html, const struct point *point, struct text *out)
{
	bool is_ok = point->reason == REASON_OK;

	text_add(out, "<tr><td>");
	page_add_time(point->begun_ns, out);
	text_add_format(out, "</td><td class=\"number\">%llu</td><td class=\"%s\">%s", (unsigned long long)point->run,
			is_ok ? "good" : "bad", reason_name(point->reason));
	add_cell(point->took, true, out);
	if (html->has_times) {
		add_cell(point->low, point->has_times, out);
		add_cell(point->middle, point->has_times, out);
		add_cell(point->high, point->has_times, out);
	}
	if (html->has_loss)
		page_add_loss_cell(point->loss, out);
	text_add(out, "</td></tr>\n");
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static void add_link(const struct results_html *html, const char *format, struct text *out)
{
	text_add_format(out, "<a href=\"/api/v1/results?format=%s&amp;limit=%zu&amp;target=", format,
			html->n > 0 ? html->n : 1);
	page_add_value(html->target, strlen(html->target), out);
	text_add(out, "&amp;probe=");
	page_add_value(html->results->probe, strlen(html->results->probe), out);
	text_add(out, "\">");
}

static void begin(const struct results_html *html, struct text *out)
{
	page_begin(html->target, 0, out);
	text_add(out, "<p><a href=\"/\">All targets</a></p>\n<h1>");
	page_add_text(html->target, strlen(html->target), out);
	text_add(out, " <span class=\"quiet\">");
	page_add_text(html->results->probe, strlen(html->results->probe), out);
	text_add_format(out, "</span></h1>\n<p class=\"quiet\">The last %zu runs (%s) &middot; the same as ", html->n,
			html->results->type);
	add_link(html, "json", out);
	text_add(out, "JSON</a> or ");
	add_link(html, "csv", out);
	text_add(out, "CSV</a></p>\n");
	if (html->n == 0) {
		text_add(out, "<p>No run has ended yet.</p>\n");
		return;
	}
	add_picture(html, out);
	text_add(out, "<h2>Runs</h2>\n<div class=\"wide\"><table class=\"full\">\n<tr><th>began</th>"
		      "<th class=\"number\">run</th><th>result</th><th class=\"number\">took</th>");
	if (html->has_times)
		text_add(out, "<th class=\"number\">shortest</th><th class=\"number\">average</th>"
			      "<th class=\"number\">longest</th>");
	text_add(out, html->has_loss ? "<th class=\"number\">loss</th></tr>\n" : "</tr>\n");
}

bool results_html_more(struct results_html *html, struct text *out, size_t enough)
{
	size_t start = out->length;

	if (!html->has_begun)
		begin(html, out);
	html->has_begun = true;
	while (html->left > 0) {
		if (out->length - start >= enough && out->length > start)
			return true;
		add_row(html, &html->points[--html->left], out);
	}
	if (!html->is_ended) {
		text_add(out, html->n > 0 ? "</table></div>\n" : "");
		page_end(out);
	}
	html->is_ended = true;
	return false;
}
