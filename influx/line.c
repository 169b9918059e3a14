#include "influx/line.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"

/* Separator, equals, quotes or i, and any number. */
#define FIELD_OVERHEAD (TEXT_NUMBER_MAX + 4)

/* Appends to a text without asking it for each byte. at..end is room that the text has already. */
struct writer {
	struct text *out;
	char *at, *end;
	char separator; /* before the next field: a space before the first one */
};

static bool writer_grow(struct writer *writer, size_t n)
{
	struct text *out = writer->out;
	if (writer->at != NULL)
		out->length = (size_t)(writer->at - out->bytes);
	writer->at = text_reserve(out, n);
	if (writer->at == NULL)
		return false;
	size_t limit = out->capacity - 1; /* text_string wants a byte for itself */
	if (out->ceiling != 0 && out->ceiling < limit)
		limit = out->ceiling;
	writer->end = out->bytes + limit;
	return true;
}

static inline bool writer_has(struct writer *writer, size_t n)
{
	return (size_t)(writer->end - writer->at) >= n || writer_grow(writer, n);
}

static inline void put_bytes(struct writer *writer, const char *bytes, size_t n)
{
	memcpy(writer->at, bytes, n);
	writer->at += n;
}

/* --- text ---------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence that begins with a byte >= 0x80, or 0 when it is not one (RFC 3629). */
static size_t utf8_size(const unsigned char *s)
{
	/* The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF. */
	unsigned char low = 0x80, high = 0xbf;
	size_t size = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return size;
}

/* One character that is not ASCII, if it takes at most max bytes; returns how many it took (0 = none) and moves *s on.
 * The writer has room for 4 bytes. */
static size_t put_wide(struct writer *writer, const unsigned char **s, size_t max)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	size_t valid = utf8_size(*s);
	size_t size = valid != 0 ? valid : sizeof(replacement) - 1;
	if (size > max)
		return 0;
	put_bytes(writer, valid != 0 ? (const char *)*s : replacement, size);
	*s += valid != 0 ? valid : 1;
	return size;
}

static inline char printable(unsigned char c)
{
	return c < 0x20 || c == 0x7f ? ' ' : (char)c;
}

/* What stands for itself in a tag as well as in a string. */
static inline bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != ',' && c != '=' && c != '"' && c != '\\';
}

/* As far as it is plain and there is room: nearly all of nearly every text. Returns where it ends. */
static inline const unsigned char *put_plain(struct writer *writer, const unsigned char *s, size_t max)
{
	char *at = writer->at;
	const char *end = (size_t)(writer->end - at) < max ? writer->end : at + max;
	while (at < end && is_plain(*s))
		*at++ = (char)*s++;
	writer->at = at;
	return s;
}

/* A tag's key or value, not empty. */
static bool put_key(struct writer *writer, const char *key)
{
	const unsigned char *s = (const unsigned char *)key;
	for (s = put_plain(writer, s, SIZE_MAX); *s != '\0'; s = put_plain(writer, s, SIZE_MAX)) {
		if (!writer_has(writer, 4))
			return false;
		if (*s >= 0x80) {
			put_wide(writer, &s, 4);
			continue;
		}
		char c = printable(*s++);
		if (c == ',' || c == '=' || c == ' ')
			*writer->at++ = '\\';
		*writer->at++ = c;
	}
	if (writer->at[-1] == '\\')
		writer->at[-1] = '/';
	return true;
}

/* A string field's value with its quotes. The writer has room for the first one. */
static bool put_string(struct writer *writer, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t left = LINE_STRING_MAX;
	*writer->at++ = '"';
	while (left > 0) {
		const unsigned char *begin = s;
		s = put_plain(writer, s, left);
		left -= (size_t)(s - begin);
		if (*s == '\0' || left == 0)
			break;
		if (!writer_has(writer, 4))
			return false;
		if (*s >= 0x80) {
			size_t size = put_wide(writer, &s, left);
			if (size == 0)
				break;
			left -= size;
			continue;
		}
		char c = printable(*s++);
		if (c == '"' || c == '\\')
			*writer->at++ = '\\';
		*writer->at++ = c;
		left--;
	}
	if (!writer_has(writer, 1))
		return false;
	*writer->at++ = '"';
	return true;
}

/* --- tags ---------------------------------------------------------------------------------------------------- */

static bool label_is_tag(const struct label *label)
{
	return label->name[0] != '\0' && label->value != NULL && label->value[0] != '\0' &&
	       (label->name[0] != 't' || strcmp(label->name, "time") != 0);
}

/* As strcmp: the first letter tells it as a rule. */
static inline int name_order(const char *a, const char *b)
{
	return a[0] != b[0] ? (unsigned char)a[0] - (unsigned char)b[0] : strcmp(a, b);
}

static bool put_tag(struct writer *writer, const struct label *label)
{
	if (!label_is_tag(label))
		return true;
	if (!writer_has(writer, 1))
		return false;
	*writer->at++ = ',';
	if (!put_key(writer, label->name) || !writer_has(writer, 1))
		return false;
	*writer->at++ = '=';
	return put_key(writer, label->value);
}

/* The label whose name comes next in order after the given one (NULL = from the start); the last one of equal names.
 * Rows have a handful of labels: no sorting, no memory. */
static const struct label *label_after(const struct label *labels, size_t n, const char *after)
{
	const struct label *best = NULL;
	for (size_t i = 0; i < n; i++) {
		if (after != NULL && name_order(labels[i].name, after) <= 0)
			continue;
		if (best == NULL || name_order(labels[i].name, best->name) <= 0)
			best = &labels[i];
	}
	return best;
}

static bool put_span(struct writer *writer, const struct line_tags *tags, size_t from, size_t upto)
{
	if (upto == from)
		return true;
	if (!writer_has(writer, upto - from))
		return false;
	put_bytes(writer, tags->escaped.bytes + from, upto - from);
	return true;
}

/* The prepared tags with the row's labels sorted in; these win. */
static bool put_tags(struct writer *writer, const struct line_tags *tags, const struct row *row)
{
	size_t from = 0, i = 0;
	const struct label *label = label_after(row->labels, row->nlabels, NULL);
	for (; label != NULL; label = label_after(row->labels, row->nlabels, label->name)) {
		int order = 1;
		while (i < tags->n && (order = name_order(tags->tags[i].label.name, label->name)) < 0)
			i++;
		if (!put_span(writer, tags, from, i > 0 ? tags->tags[i - 1].end : 0) || !put_tag(writer, label))
			return false;
		if (i < tags->n && order == 0)
			i++;
		from = i > 0 ? tags->tags[i - 1].end : 0;
	}
	return put_span(writer, tags, from, tags->escaped.length);
}

/* There is room. */
static void insert_tag(struct line_tags *tags, const struct label *label)
{
	size_t i = tags->n;
	int order = 1;
	while (i > 0 && (order = name_order(tags->tags[i - 1].label.name, label->name)) > 0)
		i--;
	if (i > 0 && order == 0) {
		tags->tags[i - 1].label = *label;
		return;
	}
	memmove(&tags->tags[i + 1], &tags->tags[i], (tags->n - i) * sizeof(*tags->tags));
	tags->tags[i].label = *label;
	tags->n++;
}

void line_tags_make(struct line_tags *tags, const struct label *labels, size_t n)
{
	struct writer writer = {.out = &tags->escaped};
	size_t kept = 0;
	if (n > tags->room) {
		tags->room = n;
		tags->tags = mem_resize(tags->tags, n, sizeof(*tags->tags));
	}
	tags->n = 0;
	for (size_t i = 0; i < n; i++)
		insert_tag(tags, &labels[i]);
	text_clear(&tags->escaped);
	writer_grow(&writer, 0);
	for (size_t i = 0; i < tags->n; i++) {
		struct line_tag tag = tags->tags[i];
		if (!label_is_tag(&tag.label))
			continue;
		put_tag(&writer, &tag.label); /* no ceiling: always fits */
		tag.end = (size_t)(writer.at - tags->escaped.bytes);
		tags->tags[kept++] = tag;
	}
	tags->n = kept;
	tags->escaped.length = (size_t)(writer.at - tags->escaped.bytes);
}

void line_tags_free(struct line_tags *tags)
{
	if (tags == NULL)
		return;
	mem_free(tags->tags);
	text_free(&tags->escaped);
	memset(tags, 0, sizeof(*tags));
}

/* --- fields -------------------------------------------------------------------------------------------------- */

/* The two halves of a field's name; afterwards there is room for any number. */
static inline bool put_name(struct writer *writer, const char *name, size_t n, const char *rest)
{
	size_t nrest = strlen(rest);
	if (!writer_has(writer, n + nrest + FIELD_OVERHEAD))
		return false;
	*writer->at++ = writer->separator;
	writer->separator = ',';
	put_bytes(writer, name, n);
	put_bytes(writer, rest, nrest);
	*writer->at++ = '=';
	return true;
}

static inline void put_digits(struct writer *writer, int64_t value)
{
	if (value >= 0 && value <= 9) /* most counters and seconds, most of the time */
		*writer->at++ = (char)('0' + value);
	else
		writer->at += text_print_integer(writer->at, value);
}

static inline void put_integer(struct writer *writer, int64_t value)
{
	put_digits(writer, value);
	*writer->at++ = 'i';
}

/* Seconds as an exact decimal. */
static void put_seconds(struct writer *writer, int64_t value_ns)
{
	uint64_t ns = value_ns < 0 ? 0 - (uint64_t)value_ns : (uint64_t)value_ns;
	if (value_ns < 0)
		*writer->at++ = '-';
	put_digits(writer, (int64_t)(ns / 1000000000));
	uint64_t fraction = ns % 1000000000;
	if (fraction == 0)
		return;
	/* Ten digits, of which the first becomes the point. */
	size_t n = text_print_integer(writer->at, (int64_t)(fraction + 1000000000));
	writer->at[0] = '.';
	while (writer->at[n - 1] == '0')
		n--;
	writer->at += n;
}

enum { PART_COUNT, PART_MIN, PART_AVERAGE, PART_MAX, PARTS };
static const char *const part_names[PARTS] = {"_count", "_min_seconds", "_avg_seconds", "_max_seconds"};

/* The parts of a histogram's name that are names of other measures of the set, as bits. */
static unsigned parts_taken(const struct measure_set *set, const char *stem, size_t n)
{
	unsigned taken = 0;
	for (size_t i = 0; i < set->n; i++) {
		const char *name = set->measures[i].name;
		if (name[0] != stem[0] || strncmp(name, stem, n) != 0 || name[n] != '_')
			continue;
		for (unsigned part = 0; part < PARTS; part++)
			if (strcmp(name + n, part_names[part]) == 0)
				taken |= 1u << part;
	}
	return taken;
}

static void summarise(const int64_t *values, int64_t n, int64_t parts[PARTS])
{
	/* Quotients and remainders apart: the sum of the values may not fit. */
	int64_t quotients = 0, remainders = 0;
	parts[PART_COUNT] = n;
	parts[PART_MIN] = parts[PART_MAX] = values[0];
	for (int64_t i = 0; i < n; i++) {
		if (values[i] < parts[PART_MIN])
			parts[PART_MIN] = values[i];
		if (values[i] > parts[PART_MAX])
			parts[PART_MAX] = values[i];
		quotients += values[i] / n;
		remainders += values[i] % n;
	}
	parts[PART_AVERAGE] = quotients + remainders / n;
}

static bool put_histogram(struct writer *writer, const struct measure_set *set, const struct reading *reading)
{
	static const char unit[] = "_seconds";
	const char *stem = set->measures[reading->measure].name;
	size_t n = strlen(stem);
	if (n > sizeof(unit) - 1 && strcmp(stem + n - (sizeof(unit) - 1), unit) == 0)
		n -= sizeof(unit) - 1;
	unsigned taken = parts_taken(set, stem, n);
	int64_t parts[PARTS] = {0};
	if (reading->count > 0)
		summarise(reading->value.observed_ns, reading->count, parts);
	for (unsigned part = 0; part < (reading->count > 0 ? PARTS : PART_MIN); part++) {
		if ((taken & 1u << part) != 0)
			continue;
		if (!put_name(writer, stem, n, part_names[part]))
			return false;
		if (part == PART_COUNT)
			put_integer(writer, parts[part]);
		else
			put_seconds(writer, parts[part]);
	}
	return true;
}

static bool put_text(struct writer *writer, const char *name, const char *string)
{
	if (string == NULL)
		return true;
	return put_name(writer, name, strlen(name), "") && put_string(writer, string);
}

static bool put_reading(struct writer *writer, const struct measure_set *set, const struct reading *reading)
{
	const struct measure *measure = &set->measures[reading->measure];
	switch (measure->kind) {
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
		if (!put_name(writer, measure->name, strlen(measure->name), ""))
			return false;
		put_integer(writer, reading->value.integer);
		return true;
	case MEASURE_COUNTER_SECONDS:
		if (!put_name(writer, measure->name, strlen(measure->name), ""))
			return false;
		put_seconds(writer, reading->value.integer);
		return true;
	case MEASURE_GAUGE:
		if (!isfinite(reading->value.number))
			return true;
		if (!put_name(writer, measure->name, strlen(measure->name), ""))
			return false;
		writer->at += text_print_double(writer->at, reading->value.number);
		return true;
	case MEASURE_HISTOGRAM:
		return put_histogram(writer, set, reading);
	case MEASURE_TEXT:
		return put_text(writer, measure->name, reading->value.text);
	case MEASURE_INFO:
		break;
	}
	return true;
}

static bool put_run(struct writer *writer, const struct line_run *run)
{
	static const char success[] = "success", duration[] = "duration_seconds", number[] = "run";
	if (!put_name(writer, success, sizeof(success) - 1, ""))
		return false;
	put_integer(writer, run->reason == REASON_OK);
	if (!put_text(writer, "reason", reason_name(run->reason)) ||
	    !put_name(writer, duration, sizeof(duration) - 1, ""))
		return false;
	put_seconds(writer, run->took_ns);
	if (!put_name(writer, number, sizeof(number) - 1, ""))
		return false;
	put_integer(writer, run->run > INT64_MAX ? INT64_MAX : (int64_t)run->run);
	return put_text(writer, "boot", run->boot);
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool put_head(struct writer *writer, const struct line_tags *tags, const struct row *row)
{
	size_t n = strlen(row->set->name), start = writer->out->length;
	if (!writer_grow(writer, n + tags->escaped.length))
		return false;
	put_bytes(writer, row->set->name, n);
	if (row->nlabels > 0) {
		if (!put_tags(writer, tags, row))
			return false;
	} else if (tags->escaped.length > 0) {
		put_bytes(writer, tags->escaped.bytes, tags->escaped.length);
	}
	if ((size_t)(writer->at - writer->out->bytes) - start <= LINE_KEY_MAX)
		return true;
	writer->out->overflowed = true;
	return false;
}

static bool put_line(struct writer *writer, const struct line_tags *tags, const struct row *row,
		     const struct line_run *run)
{
	if (!put_head(writer, tags, row) || (run != NULL && !put_run(writer, run)))
		return false;
	for (size_t i = 0; i < row->n; i++)
		if (!put_reading(writer, row->set, &row->readings[i]))
			return false;
	return writer->separator != ' ' && writer_has(writer, FIELD_OVERHEAD);
}

int line_format(struct text *out, const struct line_tags *tags, const struct row *row, const struct line_run *run,
		int64_t stamp_ns)
{
	size_t start = out->length;
	struct writer writer = {.out = out, .separator = ' '};
	if (!put_line(&writer, tags, row, run)) {
		out->length = start;
		return 0;
	}
	*writer.at++ = ' ';
	writer.at += text_print_integer(writer.at, stamp_ns);
	*writer.at++ = '\n';
	out->length = (size_t)(writer.at - out->bytes);
	return 1;
}

int line_format_sample(struct text *out, const struct line_tags *tags, const struct sample *sample, const char *boot)
{
	struct line_run run = {.reason = sample->reason, .took_ns = sample->took_ns, .run = sample->run, .boot = boot};
	int lines = 0;
	for (size_t i = 0; i < sample->nrows; i++)
		lines += line_format(out, tags, &sample->rows[i], i == 0 ? &run : NULL, sample->begun_realtime_ns);
	return lines;
}
