/*
 * Line protocol (InfluxDB 1 and 2 compatible): exact escapes, int64 with i, no u, shortest decimals, nanoseconds.
 * https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
 */
#ifndef NETSONDE_INFLUX_LINE_H
#define NETSONDE_INFLUX_LINE_H

#include "core/sample.h"
#include "core/text.h"

/* Longest content of a string field, and longest measurement with tags, in bytes. InfluxDB 1 takes 65535 bytes for the
 * latter together with the name of a field and 4 more: this leaves names of up to 507. */
#define LINE_STRING_MAX (64 * 1024)
#define LINE_KEY_MAX    (64 * 1024 - 512)

/* Rendered tags, ",agent=fra1,probe=p,target=t", sorted by key. Zero-initialised there are none. */
struct line_tags {
	struct line_tag *tags;
	size_t n, room;
	struct text escaped;
};
struct line_tag {
	struct label label; /* unescaped, borrowed */
	size_t end;         /* where its part of escaped ends */
};

/* Later labels win over earlier ones of the same name; empty values are left out, and so is a tag "time", for which
 * InfluxDB would refuse the point. Escapes: comma, equals, space by a backslash; line feeds and other control
 * characters become spaces; a trailing backslash becomes a slash, because line protocol cannot say it; bytes that are
 * not UTF-8 become U+FFFD. Zero-initialise first; making others takes the place of those before, without new memory as
 * a rule. Strings of labels are borrowed until then. */
void line_tags_make(struct line_tags *tags, const struct label *labels, size_t n);
void line_tags_free(struct line_tags *tags);

/* What the line of the type's own set (rows[0]) carries besides its readings. */
struct line_run {
	enum reason reason;
	int64_t took_ns;
	uint64_t run;
	const char *boot; /* random, new at each start */
};

/* Appends one line for one row, with LF; run is NULL but for rows[0]. stamp_ns: nanoseconds since the epoch. A row
 * without fields makes no line. Values that line protocol cannot say (NaN, infinities) are left out. A histogram
 * named rtt_seconds writes rtt_count, and rtt_min_seconds, rtt_avg_seconds, rtt_max_seconds unless the set has
 * measures of these names. Texts are cut at LINE_STRING_MAX, at a UTF-8 boundary. Labels of the row win over tags of
 * the same name. Returns the number of lines (0 or 1); a line that would pass out's ceiling (some bytes of slack
 * included) or whose key would pass LINE_KEY_MAX is left out whole (0, out->overflowed). */
int line_format(struct text *out, const struct line_tags *tags, const struct row *row, const struct line_run *run,
		int64_t stamp_ns);

/* All rows of a sample. Returns the number of lines. */
int line_format_sample(struct text *out, const struct line_tags *tags, const struct sample *sample, const char *boot);

#endif
