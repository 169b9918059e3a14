#include "daemon/config_source.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/utf8.h"
#include "daemon/config_scan.h"

/* --- errors ------------------------------------------------------------------------------------------------------ */

bool config_source_keeps(const struct config_source *source)
{
	return source->nerrors < CONFIG_ERRORS_MAX;
}

void config_source_error(struct config_source *source, unsigned line, const char *format, ...)
{
	va_list arguments;
	char *message;

	source->total++;
	if (!config_source_keeps(source))
		return;
	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	source->errors = mem_resize(source->errors, source->nerrors + 1, sizeof(*source->errors));
	source->errors[source->nerrors++] =
		(struct config_error){.line = line, .message = mem_copy_string(message ? message : format)};
	free(message);
}

/* Stable: errors of one line stay in the order in which they were found. */
static void sort_errors(struct config_error *errors, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct config_error moved = errors[i];
		size_t k = i;

		for (; k > 0 && errors[k - 1].line > moved.line; k--)
			errors[k] = errors[k - 1];
		errors[k] = moved;
	}
}

static const struct config_piece *piece_of(const struct config_source *source, unsigned line)
{
	size_t low = 0, high = source->npieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->pieces[middle].line <= line)
			low = middle;
		else
			high = middle;
	}
	return &source->pieces[low];
}

static unsigned line_in_file(const struct config_source *source, unsigned line)
{
	const struct config_piece *piece = piece_of(source, line);

	return line - piece->line + piece->file_line;
}

static void print_place(const struct config_source *source, unsigned line, struct text *out)
{
	const struct config_piece *piece;

	if (line == CONFIG_NO_LINE)
		return;
	piece = source->npieces ? piece_of(source, line) : NULL;
	text_add(out, source->files[piece ? piece->file : 0]);
	if (piece && line)
		text_add_format(out, ":%u", line_in_file(source, line));
	text_add(out, ": ");
}

/* A message may quote what stands in the file: it still has to be one line. */
static void print_message(const char *message, struct text *out)
{
	for (; *message; message++) {
		if ((unsigned char)*message < ' ' || *message == '\x7f')
			text_add_format(out, "\\x%02x", (unsigned)(unsigned char)*message);
		else
			text_add_char(out, *message);
	}
	text_add_char(out, '\n');
}

void config_source_print_errors(const struct config_source *source, struct text *out)
{
	sort_errors(source->errors, source->nerrors);
	for (size_t i = 0; i < source->nerrors; i++) {
		print_place(source, source->errors[i].line, out);
		print_message(source->errors[i].message, out);
	}
	if (source->total > source->nerrors)
		text_add_format(out, "%s: and %zu more errors\n", source->files[0], source->total - source->nerrors);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* The files that are being read now, the innermost first: none of them may be included again. */
struct reading_file {
	const struct reading_file *outer;
	size_t file; /* index into source->files */
	unsigned depth;
	bool follows; /* @include is followed */
};

static size_t add_file(struct config_source *source, const char *name)
{
	source->files = mem_resize(source->files, source->nfiles + 1, sizeof(*source->files));
	source->files[source->nfiles] = mem_copy_string(name);
	return source->nfiles++;
}

static void add_piece(struct config_source *source, size_t file, unsigned file_line)
{
	source->pieces = mem_resize(source->pieces, source->npieces + 1, sizeof(*source->pieces));
	source->pieces[source->npieces++] =
		(struct config_piece){.line = source->lines + 1, .file_line = file_line, .file = file};
}

static void add_text(struct config_source *source, const char *bytes, size_t n)
{
	text_add_bytes(&source->text, bytes, n);
	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(bytes + n - at))) != NULL; at++)
		source->lines++;
}

static void end_line(struct config_source *source)
{
	if (source->text.length && source->text.bytes[source->text.length - 1] != '\n')
		add_text(source, "\n", 1);
}

static int put_text(struct config_source *source, const struct reading_file *self, const char *bytes, size_t n);

static bool is_being_read(const struct config_source *source, const struct reading_file *self, const char *path)
{
	for (; self; self = self->outer) {
		if (strcmp(source->files[self->file], path) == 0)
			return true;
	}
	return false;
}

static int read_included(const char *path, struct text *content, struct err *err)
{
	content->ceiling = CONFIG_BYTES_MAX;
	return file_read(path, content, err);
}

/* Why this file cannot be included here, or 0 with its content. */
static int open_include(struct config_source *source, const struct reading_file *self, const char *path,
			struct text *content, struct err *err)
{
	if (!self->follows)
		return err_set(err, "is not followed here");
	if (is_being_read(source, self, path))
		return err_set(err, "the file includes itself");
	if (self->depth >= CONFIG_INCLUDE_DEEP)
		return err_set(err, "nested more than %d deep", CONFIG_INCLUDE_DEEP);
	if (source->nfiles > CONFIG_INCLUDES_MAX)
		return err_set(err, "more than %d files are included", CONFIG_INCLUDES_MAX);
	return read_included(path, content, err);
}

static int put_include(struct config_source *source, const struct reading_file *self, const struct scan_token *token)
{
	struct text written = {0}, content = {0};
	struct err err = {0};
	char *folder = file_folder(source->files[self->file]), *path;
	int result = -1;

	scan_include_path(token, &written);
	path = file_resolve(folder, text_string(&written));
	if (open_include(source, self, path, &content, &err) < 0) {
		config_source_error(source, source->lines + 1, "@include \"%s\": %s", text_string(&written), err.text);
	} else {
		struct reading_file inner = {.outer = self, .depth = self->depth + 1, .follows = true};

		inner.file = add_file(source, path);
		result = put_text(source, &inner, content.bytes, content.length);
		end_line(source);
		add_piece(source, self->file, token->line);
	}
	text_free(&written);
	text_free(&content);
	mem_free(folder);
	mem_free(path);
	return result;
}

/* A text that is no UTF-8 would end up in labels and lines that must be. What is good of it is kept, for the line. */
static int check_bytes(struct config_source *source, const char *bytes, size_t n)
{
	size_t good = utf8_length(bytes, n);

	if (good == n)
		return 0;
	add_text(source, bytes, good);
	config_source_error(source, source->lines + 1, "text: byte 0x%02x is not valid UTF-8",
			    (unsigned)(unsigned char)bytes[good]);
	add_text(source, "\n", 1);
	return -1;
}

/* Appends a file's text; what it includes goes in its place. */
static int put_text(struct config_source *source, const struct reading_file *self, const char *bytes, size_t n)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct scan scan;
	struct scan_token token;
	const char *done;
	int result = 0;

	add_piece(source, self->file, 1);
	if (n >= 3 && memcmp(bytes, byte_order_mark, 3) == 0) {
		bytes += 3;
		n -= 3;
	}
	if (check_bytes(source, bytes, n) < 0)
		return -1;
	done = bytes;
	/* Most files include nothing; a second look at each token of a long one would be felt. */
	scan_start(&scan, bytes, memmem(bytes, n, "@include", strlen("@include")) ? n : 0);
	while ((token = scan_next(&scan)).kind != SCAN_END) {
		if (token.kind != SCAN_INCLUDE)
			continue;
		add_text(source, done, (size_t)(token.text - done));
		if (put_include(source, self, &token) < 0)
			result = -1;
		done = token.text + token.length;
	}
	add_text(source, done, (size_t)(bytes + n - done));
	return result;
}

static int read_text(struct config_source *source, const char *bytes, size_t n, bool follows)
{
	struct reading_file main_file = {.follows = follows};
	int result;

	source->text.ceiling = CONFIG_BYTES_MAX;
	result = put_text(source, &main_file, bytes, n);
	end_line(source);
	if (source->text.overflowed) {
		config_source_error(source, 0, "too large with what it includes (at most %u bytes)", CONFIG_BYTES_MAX);
		return -1;
	}
	return result;
}

int config_source_read(struct config_source *source, const char *file)
{
	struct text content = {.ceiling = CONFIG_BYTES_MAX};
	struct err err = {0};
	int result = -1;

	add_file(source, file);
	if (file_read(file, &content, &err) < 0)
		config_source_error(source, 0, "%s", err.text);
	else
		result = read_text(source, content.length ? content.bytes : "", content.length, true);
	text_free(&content);
	return result;
}

int config_source_read_string(struct config_source *source, const char *string, const char *name)
{
	add_file(source, name);
	return read_text(source, string, strlen(string), false);
}

void config_source_free(struct config_source *source)
{
	text_free(&source->text);
	for (size_t i = 0; i < source->nfiles; i++)
		mem_free(source->files[i]);
	for (size_t i = 0; i < source->nerrors; i++)
		mem_free(source->errors[i].message);
	mem_free(source->files);
	mem_free(source->errors);
	mem_free(source->pieces);
	*source = (struct config_source){0};
}

/* --- checking ---------------------------------------------------------------------------------------------------- */

struct check {
	struct config_source *source;
	struct scan_token name;   /* the last one: whose value comes */
	struct scan_token before; /* the token before this one */
	struct scan_token open[CONFIG_NESTING_MAX];
	size_t depth;
	bool is_broken;
};

static void check_integer(struct check *check, const struct scan_token *token)
{
	const char *name = check->name.length ? check->name.text : "number";
	int name_length = check->name.length ? (int)check->name.length : (int)strlen(name);
	int length = token->length < 40 ? (int)token->length : 40;

	if (scan_integer_fits(token))
		return;
	if (check->source->nmisread < CONFIG_ERRORS_MAX)
		check->source->misread[check->source->nmisread++] = token->line;
	if (scan_integer_is_long(token) || token->length > 18)
		config_source_error(check->source, token->line, "%.*s: %.*s does not fit 64 bits", name_length, name,
				    length, token->text);
	else
		config_source_error(check->source, token->line, "%.*s: %.*s does not fit 32 bits, write %.*sL",
				    name_length, name, length, token->text, length, token->text);
}

static void check_broken(struct check *check, unsigned line, const char *why)
{
	check->is_broken = true;
	config_source_error(check->source, line, "syntax: %s", why);
}

static bool is_mark(const struct scan_token *token, const char *marks)
{
	return token->kind == SCAN_MARK && strchr(marks, token->text[0]);
}

/* libconfig forgets to free a text that it meets where none can be. */
static void check_string(struct check *check, const struct scan_token *token)
{
	bool is_in_list = check->depth && check->open[check->depth - 1].text[0] != '{';

	if (scan_string_has_zero(token))
		check_broken(check, token->line, "a zero byte in a text");
	else if (check->before.kind != SCAN_STRING && !is_mark(&check->before, "=:([") &&
		 !(is_in_list && is_mark(&check->before, ",")))
		check_broken(check, token->line, "a text cannot stand here (is a = missing before it?)");
}

static char closing_of(char opening)
{
	return opening == '{' ? '}' : opening == '(' ? ')' : ']';
}

static void check_closing(struct check *check, const struct scan_token *token)
{
	const struct scan_token *open;

	if (is_mark(&check->before, ",") && token->text[0] != '}')
		check_broken(check, check->before.line, "a comma after the last element of a list");
	if (!check->depth) {
		check->is_broken = true;
		config_source_error(check->source, token->line, "syntax: \"%c\" closes nothing", token->text[0]);
		return;
	}
	open = &check->open[--check->depth];
	if (closing_of(open->text[0]) == token->text[0])
		return;
	check->is_broken = true;
	config_source_error(check->source, token->line, "syntax: \"%c\" where the \"%c\" of line %u should be closed",
			    token->text[0], open->text[0], line_in_file(check->source, open->line));
}

static const char include_rule[] = "@include wants a file in quotes and a line of its own";

static void check_mark(struct check *check, const struct scan_token *token)
{
	char mark = token->text[0];

	if (mark == '{' || mark == '(' || mark == '[') {
		if (check->depth == CONFIG_NESTING_MAX)
			check_broken(check, token->line, "nested too deep");
		else
			check->open[check->depth++] = *token;
	} else if (mark == '}' || mark == ')' || mark == ']') {
		check_closing(check, token);
	} else if (mark == '@') {
		check_broken(check, token->line, include_rule);
	}
}

static void check_token(struct check *check, const struct scan_token *token)
{
	switch (token->kind) {
	case SCAN_INTEGER:
		check_integer(check, token);
		break;
	case SCAN_NAME:
		check->name = *token;
		break;
	case SCAN_STRING:
		check_string(check, token);
		break;
	case SCAN_OPEN_STRING:
		check_broken(check, token->line, "a text begins here and never ends");
		break;
	case SCAN_OPEN_COMMENT:
		check_broken(check, token->line, "a comment begins here and never ends");
		break;
	case SCAN_INCLUDE:
	case SCAN_BAD_INCLUDE:
		check_broken(check, token->line, include_rule);
		break;
	case SCAN_MARK:
		check_mark(check, token);
		break;
	case SCAN_FLOAT:
	case SCAN_END:
		break;
	}
	check->before = *token;
}

bool config_source_is_misread(const struct config_source *source, unsigned line)
{
	for (size_t i = 0; i < source->nmisread; i++) {
		if (source->misread[i] == line)
			return true;
	}
	return false;
}

int config_source_check(struct config_source *source)
{
	struct check check = {.source = source};
	struct scan scan;
	struct scan_token token;

	scan_start(&scan, text_string(&source->text), source->text.length);
	/* After the first break the rest would be noise. */
	while (!check.is_broken && (token = scan_next(&scan)).kind != SCAN_END)
		check_token(&check, &token);
	if (!check.is_broken && check.depth) {
		const struct scan_token *open = &check.open[check.depth - 1];

		check.is_broken = true;
		config_source_error(source, open->line, "syntax: \"%c\" is never closed", open->text[0]);
	}
	return check.is_broken ? -1 : 0;
}
