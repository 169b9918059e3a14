#include "daemon/config_scan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INCLUDE_WORD "@include"

/* The C library's character classes follow the locale; the grammar does not. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static bool is_name_part(char c)
{
	return is_name_start(c) || is_digit(c) || c == '-' || c == '_';
}

/* The byte at offset i from here, or 0 beyond the end. */
static char peek(const struct scan *scan, size_t i)
{
	return (size_t)(scan->end - scan->at) > i ? scan->at[i] : '\0';
}

static void advance(struct scan *scan, size_t n)
{
	for (; n; n--, scan->at++) {
		if (*scan->at == '\n') {
			scan->line++;
			scan->is_line_start = true;
		} else if (*scan->at != ' ' && *scan->at != '\t') {
			scan->is_line_start = false;
		}
	}
}

static size_t line_length(const struct scan *scan)
{
	const char *end = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));

	return (size_t)((end ? end : scan->end) - scan->at);
}

/* Skips blanks and comments. Returns false at a comment that never ends, with scan->at on it. */
static bool skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end) {
		char c = *scan->at;

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			advance(scan, 1);
		} else if (c == '#' || (c == '/' && peek(scan, 1) == '/')) {
			advance(scan, line_length(scan));
		} else if (c == '/' && peek(scan, 1) == '*') {
			const char *body = scan->at + 2;
			const char *end = memmem(body, (size_t)(scan->end - body), "*/", 2);

			if (!end)
				return false;
			advance(scan, (size_t)(end + 2 - scan->at));
		} else {
			break;
		}
	}
	return true;
}

/* The length of the string that begins at offset from, quotes included; 0 when it never ends. */
static size_t string_length(const struct scan *scan, size_t from)
{
	size_t n = (size_t)(scan->end - scan->at);

	for (size_t i = from + 1; i < n; i++) {
		if (scan->at[i] == '\\')
			i++;
		else if (scan->at[i] == '"')
			return i + 1 - from;
	}
	return 0;
}

static size_t digits_length(const struct scan *scan, size_t from)
{
	size_t n = from;

	while (is_digit(peek(scan, n)))
		n++;
	return n - from;
}

/* The length of the exponent at offset from, or 0 when there is none. */
static size_t exponent_length(const struct scan *scan, size_t from)
{
	size_t sign, digits;

	if (peek(scan, from) != 'e' && peek(scan, from) != 'E')
		return 0;
	sign = peek(scan, from + 1) == '-' || peek(scan, from + 1) == '+';
	digits = digits_length(scan, from + 1 + sign);
	return digits ? 1 + sign + digits : 0;
}

static size_t suffix_length(const struct scan *scan, size_t from)
{
	size_t n = 0;

	while (n < 2 && peek(scan, from + n) == 'L')
		n++;
	return n;
}

static size_t hex_length(const struct scan *scan)
{
	size_t n = 2;

	if (peek(scan, 0) != '0' || (peek(scan, 1) != 'x' && peek(scan, 1) != 'X') || !is_hex_digit(peek(scan, 2)))
		return 0;
	while (is_hex_digit(peek(scan, n)))
		n++;
	return n + suffix_length(scan, n);
}

/* The length of the number here, or 0 when there is none. */
static size_t number_length(const struct scan *scan, enum scan_kind *kind)
{
	size_t sign = peek(scan, 0) == '-' || peek(scan, 0) == '+';
	size_t digits = digits_length(scan, sign);
	size_t n = sign + digits, exponent;

	*kind = SCAN_INTEGER;
	if (hex_length(scan))
		return hex_length(scan);
	if (peek(scan, n) == '.') {
		*kind = SCAN_FLOAT;
		n += 1 + digits_length(scan, n + 1);
		return n + exponent_length(scan, n);
	}
	if (!digits)
		return 0;
	exponent = exponent_length(scan, n);
	if (exponent) {
		*kind = SCAN_FLOAT;
		return n + exponent;
	}
	return n + suffix_length(scan, n);
}

static size_t include_length(const struct scan *scan, enum scan_kind *kind)
{
	size_t n = strlen(INCLUDE_WORD), length;

	while (peek(scan, n) == ' ' || peek(scan, n) == '\t')
		n++;
	length = n > strlen(INCLUDE_WORD) && peek(scan, n) == '"' ? string_length(scan, n) : 0;
	*kind = length ? SCAN_INCLUDE : SCAN_BAD_INCLUDE;
	return length ? n + length : strlen(INCLUDE_WORD);
}

static bool is_include(const struct scan *scan)
{
	size_t n = strlen(INCLUDE_WORD);

	return scan->is_line_start && (size_t)(scan->end - scan->at) >= n && memcmp(scan->at, INCLUDE_WORD, n) == 0;
}

static size_t token_length(const struct scan *scan, enum scan_kind *kind)
{
	size_t n = 1;

	if (is_include(scan))
		return include_length(scan, kind);
	if (*scan->at == '"') {
		n = string_length(scan, 0);
		*kind = n ? SCAN_STRING : SCAN_OPEN_STRING;
		return n ? n : (size_t)(scan->end - scan->at);
	}
	if (is_name_start(*scan->at)) {
		*kind = SCAN_NAME;
		while (is_name_part(peek(scan, n)))
			n++;
		return n;
	}
	n = number_length(scan, kind);
	if (n)
		return n;
	*kind = SCAN_MARK;
	return 1;
}

void scan_start(struct scan *scan, const char *text, size_t length)
{
	*scan = (struct scan){.at = text, .end = text + length, .line = 1, .is_line_start = true};
}

struct scan_token scan_next(struct scan *scan)
{
	struct scan_token token = {.kind = SCAN_END};
	bool is_open = !skip_blanks(scan);

	token.text = scan->at;
	token.line = scan->line;
	if (is_open) {
		token.kind = SCAN_OPEN_COMMENT;
		token.length = (size_t)(scan->end - scan->at);
	} else if (scan->at < scan->end) {
		token.length = token_length(scan, &token.kind);
	}
	advance(scan, token.length);
	return token;
}

bool scan_integer_is_long(const struct scan_token *token)
{
	return token->length && token->text[token->length - 1] == 'L';
}

bool scan_integer_fits(const struct scan_token *token)
{
	char digits[32];
	bool is_hex = token->length > 2 && (token->text[1] == 'x' || token->text[1] == 'X');
	long long value;

	/* Leading zeros may make it longer than any number; nobody writes them. */
	if (token->length >= sizeof(digits))
		return false;
	memcpy(digits, token->text, token->length);
	digits[token->length] = '\0';
	errno = 0;
	value = strtoll(digits, NULL, is_hex ? 16 : 10);
	if (errno)
		return false;
	return scan_integer_is_long(token) || (value >= INT_MIN && value <= INT_MAX);
}

void scan_include_path(const struct scan_token *token, struct text *path)
{
	const char *at = memchr(token->text, '"', token->length), *end = token->text + token->length - 1;

	for (at++; at < end; at++) {
		if (*at == '\\' && at + 1 < end && (at[1] == '\\' || at[1] == '"'))
			at++;
		text_add_char(path, *at);
	}
}

bool scan_string_has_zero(const struct scan_token *token)
{
	for (size_t i = 1; i + 4 < token->length; i++) {
		if (token->text[i] != '\\')
			continue;
		if (memcmp(token->text + i + 1, "x00", 3) == 0)
			return true;
		i++;
	}
	return false;
}
