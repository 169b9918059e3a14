#include "daemon/line_csv.h"

#include <string.h>

/* A piece of a line. */
struct piece {
	const char *bytes;
	size_t n;
};

struct parts {
	struct piece measurement, tags, fields, stamp;
};

/* Length of what comes before one of the ends (outside of quotes, if those count), backslashes escaping the next byte.
 */
static size_t span(const char *bytes, size_t n, const char *ends, bool has_quotes)
{
	bool is_quoted = false;
	size_t i = 0;

	for (; i < n; i++) {
		if (bytes[i] == '\\' && i + 1 < n)
			i++;
		else if (has_quotes && bytes[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && strchr(ends, bytes[i]))
			break;
	}
	return i;
}

static struct piece take(const char **at, const char *end, const char *ends, bool has_quotes)
{
	struct piece piece = {*at, span(*at, (size_t)(end - *at), ends, has_quotes)};

	*at += piece.n;
	return piece;
}

static bool is_number(struct piece piece)
{
	for (size_t i = 0; i < piece.n; i++)
		if ((piece.bytes[i] < '0' || piece.bytes[i] > '9') && (i > 0 || piece.bytes[i] != '-'))
			return false;
	return piece.n > 0;
}

static bool split(const char *line, size_t n, struct parts *parts)
{
	const char *at = line, *end = line + n;

	*parts = (struct parts){0};
	parts->measurement = take(&at, end, ", ", false);
	if (at < end && *at == ',') {
		at++;
		parts->tags = take(&at, end, " ", false);
	}
	if (at == end || *at++ != ' ')
		return false;
	parts->fields = take(&at, end, " ", true);
	if (at == end || *at++ != ' ')
		return false;
	parts->stamp = (struct piece){at, (size_t)(end - at)};
	return parts->measurement.n > 0 && parts->fields.n > 0 && is_number(parts->stamp);
}

/* A cell: in quotes if it has to be. unescapes: backslashes before what escapes are left out. */
static void add_cell(struct text *out, struct piece piece, const char *escaped)
{
	bool is_quoted = false;

	for (size_t i = 0; i < piece.n && !is_quoted; i++)
		is_quoted = strchr(",\"\r\n", piece.bytes[i]) != NULL;
	if (is_quoted)
		text_add_char(out, '"');
	for (size_t i = 0; i < piece.n; i++) {
		if (piece.bytes[i] == '\\' && i + 1 < piece.n && strchr(escaped, piece.bytes[i + 1]))
			i++;
		if (piece.bytes[i] == '"')
			text_add_char(out, '"');
		text_add_char(out, piece.bytes[i]);
	}
	if (is_quoted)
		text_add_char(out, '"');
}

/* What kind of value this is, and the value without what marks its kind. */
static const char *read_value(struct piece *value)
{
	if (value->n >= 2 && value->bytes[0] == '"') {
		*value = (struct piece){value->bytes + 1, value->n - 2};
		return "string";
	}
	if (value->n > 1 && value->bytes[value->n - 1] == 'i') {
		value->n--;
		return "integer";
	}
	return value->n > 0 && strchr("tTfF", value->bytes[0]) ? "boolean" : "float";
}

static void add_row(struct text *out, const struct parts *parts, struct piece field, struct piece value)
{
	const char *type = read_value(&value);

	text_add_bytes(out, parts->stamp.bytes, parts->stamp.n);
	text_add_char(out, ',');
	add_cell(out, parts->measurement, ", ");
	text_add_char(out, ',');
	add_cell(out, parts->tags, "");
	text_add_char(out, ',');
	add_cell(out, field, ",= ");
	text_add_format(out, ",%s,", type);
	add_cell(out, value, strcmp(type, "string") == 0 ? "\"\\" : "");
	text_add(out, "\r\n");
}

bool line_csv_add(struct text *out, const char *line, size_t n)
{
	struct parts parts;
	size_t before = out->length;
	const char *at, *end;

	if (!split(line, n, &parts))
		return false;
	at = parts.fields.bytes;
	end = at + parts.fields.n;
	while (at < end) {
		struct piece field = take(&at, end, "=", false), value;

		if (at == end || field.n == 0) {
			out->length = before;
			return false;
		}
		at++;
		value = take(&at, end, ",", true);
		add_row(out, &parts, field, value);
		at += at < end;
	}
	return true;
}
