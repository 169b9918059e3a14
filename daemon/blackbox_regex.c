#include "daemon/blackbox_regex.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Go's ceiling for the numbers of a repetition, also for the product of nested ones. */
#define REPEAT_MAX 1000
#define RUNE_MAX   0x10FFFF

#define SPECIAL          "\\^$.|?*+()[]{}"
#define SPECIAL_IN_CLASS "\\^-[]"

/* What stands before the place that is looked at, and so what a repetition would be applied to. */
enum before { BEFORE_NOTHING, BEFORE_ATOM, BEFORE_REPEAT };

struct scan {
	const char *begin, *at;
	struct text *out;
	struct err *err;
	enum before before;
	int repeats; /* of the atom before: the product of the repetitions inside it, at least 1 */
	/* Of the open groups: the largest product of repetitions so far. */
	int inside[BLACKBOX_REGEX_DEPTH_MAX + 1];
	size_t depth;
};

static int refuse(const struct scan *scan, const char *what)
{
	return err_set(scan->err, "character %zu: %s", (size_t)(scan->at - scan->begin) + 1, what);
}

static bool is_next(const struct scan *scan, const char *word)
{
	return strncmp(scan->at, word, strlen(word)) == 0;
}

static void note_atom(struct scan *scan, int repeats)
{
	scan->before = BEFORE_ATOM;
	scan->repeats = repeats;
	if (repeats > scan->inside[scan->depth])
		scan->inside[scan->depth] = repeats;
}

static bool is_ascii_alnum(int c)
{
	return c < 0x80 && isalnum(c);
}

/* --- characters -------------------------------------------------------------------------------------------------- */

static void add_utf8(struct text *out, uint32_t rune)
{
	if (rune < 0x800) {
		text_add_char(out, (char)(0xC0 | rune >> 6));
	} else if (rune < 0x10000) {
		text_add_char(out, (char)(0xE0 | rune >> 12));
		text_add_char(out, (char)(0x80 | (rune >> 6 & 0x3F)));
	} else {
		text_add_char(out, (char)(0xF0 | rune >> 18));
		text_add_char(out, (char)(0x80 | (rune >> 12 & 0x3F)));
		text_add_char(out, (char)(0x80 | (rune >> 6 & 0x3F)));
	}
	text_add_char(out, (char)(0x80 | (rune & 0x3F)));
}

/* A character that stands for itself; special: those that need a backslash for it here. */
static void add_rune(struct scan *scan, uint32_t rune, const char *special)
{
	if (rune < ' ' || rune == 0x7F)
		text_add_format(scan->out, "\\x%02x", rune);
	else if (rune > 0x7F)
		add_utf8(scan->out, rune);
	else
		text_add_format(scan->out, "%s%c", strchr(special, (int)rune) ? "\\" : "", (char)rune);
}

/* The character that stands here, which must not be the end. What is not UTF-8 counts byte by byte. */
static uint32_t take_rune(struct scan *scan)
{
	const unsigned char *at = (const unsigned char *)scan->at;
	size_t length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : at[0] >= 0xC0 ? 2 : 1;
	uint32_t rune = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xC0) != 0x80) {
			scan->at++;
			return at[0];
		}
		rune = rune << 6 | (at[i] & 0x3F);
	}
	scan->at += length;
	return rune;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After \x: two digits, or any number of them in braces. */
static int take_hex(struct scan *scan, uint32_t *rune)
{
	bool has_braces = *scan->at == '{';
	const char *begin = scan->at + has_braces, *at = begin;
	uint32_t value = 0;
	for (; hex_value(*at) >= 0 && value <= RUNE_MAX && (has_braces || at < begin + 2); at++)
		value = value * 16 + (uint32_t)hex_value(*at);
	if (value > RUNE_MAX || (has_braces ? at == begin || *at != '}' : at != begin + 2))
		return refuse(scan, "\\x needs two digits, or braces with a character's number in them");
	scan->at = at + has_braces;
	*rune = value;
	return 0;
}

/* After the backslash: what stands for one character. */
static int take_escape(struct scan *scan, uint32_t *rune)
{
	static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	char c = *scan->at;
	const char *name = c != '\0' ? strchr(names, c) : NULL;
	if (c == '\0')
		return refuse(scan, "nothing after the backslash");
	if ((unsigned char)c >= 0x80 || (c >= '1' && c <= '7' && (scan->at[1] < '0' || scan->at[1] > '7')))
		return refuse(scan, "RE2 has no such escape");
	if (c == 'x') {
		scan->at++;
		return take_hex(scan, rune);
	}
	if (c >= '0' && c <= '7') {
		*rune = 0;
		for (int i = 0; i < 3 && *scan->at >= '0' && *scan->at <= '7'; i++)
			*rune = *rune * 8 + (uint32_t)(*scan->at++ - '0');
		return 0;
	}
	if (!name && is_ascii_alnum(c))
		return refuse(scan, "RE2 has no such escape");
	*rune = name ? (unsigned char)values[name - names] : (unsigned char)c;
	scan->at++;
	return 0;
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

/* \d, \s, \w and their opposites. RE2's \s has no vertical tab, unlike PCRE2's. Returns whether it is one. */
static bool take_perl_class(struct scan *scan, bool is_inside)
{
	char c = scan->at[0] == '\\' ? scan->at[1] : '\0';
	if (c == '\0' || !strchr("dDsSwW", c))
		return false;
	if (c == 's')
		text_add(scan->out, is_inside ? "\\t\\n\\f\\r\\x20" : "[\\t\\n\\f\\r\\x20]");
	else if (c == 'S')
		text_add(scan->out, is_inside ? "\\S\\x0b" : "[\\S\\x0b]");
	else
		text_add_format(scan->out, "\\%c", c);
	scan->at += 2;
	return true;
}

/* \pN, \p{Greek}, \P{^Lu}. Returns 1 when it is one, 0 when it is not, -1 with err. */
static int take_unicode_class(struct scan *scan)
{
	if (!is_next(scan, "\\p") && !is_next(scan, "\\P"))
		return 0;
	const char *name = scan->at + 2;
	size_t length = 1;
	if (name[0] == '{') {
		size_t inside = strspn(name + 1, "^_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
		if (inside == 0 || name[1 + inside] != '}')
			return refuse(scan, "there is no Unicode class of this name");
		length = inside + 2;
	} else if (!isupper((unsigned char)name[0])) {
		return refuse(scan, "there is no Unicode class of this name");
	}
	text_add_bytes(scan->out, scan->at, 2 + length);
	scan->at += 2 + length;
	return 1;
}

/* [:alpha:] inside of a class. The same three answers. */
static int take_named_class(struct scan *scan)
{
	static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
					    "lower", "print", "punct", "space", "upper", "word",  "xdigit"};
	const char *end = is_next(scan, "[:") ? strstr(scan->at + 2, ":]") : NULL;
	if (!end)
		return 0;
	const char *name = scan->at + 2 + (scan->at[2] == '^');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (name + strlen(names[i]) == end && strncmp(name, names[i], strlen(names[i])) == 0) {
			text_add_bytes(scan->out, scan->at, (size_t)(end + 2 - scan->at));
			scan->at = end + 2;
			return 1;
		}
	}
	return refuse(scan, "there is no class of this name");
}

static int take_class_rune(struct scan *scan, uint32_t *rune)
{
	if (*scan->at == '\0')
		return refuse(scan, "missing ]");
	if (*scan->at == '\\') {
		scan->at++;
		return take_escape(scan, rune);
	}
	*rune = take_rune(scan);
	return 0;
}

static int take_range(struct scan *scan)
{
	uint32_t low, high;
	if (take_class_rune(scan, &low) != 0)
		return -1;
	add_rune(scan, low, SPECIAL_IN_CLASS);
	if (scan->at[0] != '-' || scan->at[1] == ']' || scan->at[1] == '\0')
		return 0;
	scan->at++;
	if (take_class_rune(scan, &high) != 0)
		return -1;
	if (high < low)
		return refuse(scan, "a range must go upwards");
	text_add_char(scan->out, '-');
	add_rune(scan, high, SPECIAL_IN_CLASS);
	return 0;
}

static int take_class_item(struct scan *scan)
{
	int taken = take_named_class(scan);
	if (taken == 0)
		taken = take_perl_class(scan, true) ? 1 : take_unicode_class(scan);
	return taken != 0 ? taken : take_range(scan);
}

static int take_class(struct scan *scan)
{
	text_add_char(scan->out, *scan->at++);
	if (*scan->at == '^')
		text_add_char(scan->out, *scan->at++);
	const char *first = scan->at;
	while (*scan->at != ']' || scan->at == first) {
		if (take_class_item(scan) < 0)
			return -1;
	}
	text_add_char(scan->out, *scan->at++);
	note_atom(scan, 1);
	return 0;
}

/* --- repetitions ------------------------------------------------------------------------------------------------- */

/* A number without leading zeros, as Go wants it. -1 when it is none; too large ones end at some large number. */
static long take_number(const char **at)
{
	const char *begin = *at;
	size_t length = strspn(begin, "0123456789");
	if (length == 0 || (length > 1 && begin[0] == '0'))
		return -1;
	*at += length;
	return length > 8 ? REPEAT_MAX + 1 : strtol(begin, NULL, 10);
}

/* {2}, {2,} or {2,3}: its length; 0 when it is none, and then a mere brace. most is -1 without an end. */
static size_t measure_braces(const char *braces, long *least, long *most)
{
	const char *at = braces + 1;
	*least = take_number(&at);
	if (*least < 0)
		return 0;
	*most = *least;
	if (*at == ',') {
		at++;
		*most = -1;
		if (*at != '}' && (*most = take_number(&at)) < 0)
			return 0;
	}
	return *at == '}' ? (size_t)(at + 1 - braces) : 0;
}

static bool is_repeat(const char *at)
{
	long least, most;
	return *at == '*' || *at == '+' || *at == '?' || (*at == '{' && measure_braces(at, &least, &most) > 0);
}

static int check_braces(struct scan *scan)
{
	long least, most;
	measure_braces(scan->at, &least, &most);
	long number = most < 0 ? least : most;
	if (least > REPEAT_MAX || most > REPEAT_MAX || (most >= 0 && least > most) ||
	    number * scan->repeats > REPEAT_MAX)
		return refuse(scan, "a repetition of more than a thousand times, or with an end before its begin");
	if (number > 0)
		note_atom(scan, scan->repeats * (int)number);
	return 0;
}

static int take_repeat(struct scan *scan)
{
	long least, most;
	size_t length = *scan->at == '{' ? measure_braces(scan->at, &least, &most) : 1;
	if (scan->before == BEFORE_NOTHING)
		return refuse(scan, "there is nothing to repeat");
	if (scan->before == BEFORE_REPEAT)
		return refuse(scan, "a repetition of a repetition");
	if (*scan->at == '{' && check_braces(scan) != 0)
		return -1;
	length += scan->at[length] == '?';
	text_add_bytes(scan->out, scan->at, length);
	scan->at += length;
	scan->before = BEFORE_REPEAT;
	return 0;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

static int open_group(struct scan *scan)
{
	scan->inside[++scan->depth] = 1;
	scan->before = BEFORE_NOTHING;
	return 0;
}

static int close_group(struct scan *scan)
{
	if (scan->depth == 0)
		return refuse(scan, "a ) without its (");
	int repeats = scan->inside[scan->depth--];
	text_add_char(scan->out, *scan->at++);
	note_atom(scan, repeats);
	return 0;
}

/* (?P<name> or (?<name>: start is its length up to the name. */
static int take_named_group(struct scan *scan, size_t start)
{
	size_t length = 0;
	const char *name = scan->at + start;
	while (is_ascii_alnum((unsigned char)name[length]) || name[length] == '_')
		length++;
	if (length == 0 || name[length] != '>')
		return refuse(scan, "a group's name is made of letters, digits and _");
	if (isdigit((unsigned char)name[0]) || length > 32)
		return refuse(scan,
			      "a group's name of more than 32 characters, or with a digit first, is not possible here");
	text_add_format(scan->out, "(?P<%.*s>", (int)length, name);
	scan->at = name + length + 1;
	return open_group(scan);
}

/* Where the letters of (?i-s: or (?U) end; NULL when RE2 does not know them. */
static const char *skip_flags(const char *at)
{
	bool is_negative = false, has_letter = false;
	for (; *at != ':' && *at != ')'; at++) {
		if (*at == '-' && !is_negative) {
			is_negative = true;
			has_letter = false;
		} else if (*at != '\0' && strchr("imsU", *at)) {
			has_letter = true;
		} else {
			return NULL;
		}
	}
	return is_negative && !has_letter ? NULL : at;
}

static int take_flag_group(struct scan *scan)
{
	const char *end = skip_flags(scan->at + 2);
	if (!end)
		return refuse(scan, "RE2 does not know this kind of group");
	text_add_bytes(scan->out, scan->at, (size_t)(end + 1 - scan->at));
	scan->at = end + 1;
	if (*end == ':')
		return open_group(scan);
	/* Go repeats what stands before the flags; there is no such thing in PCRE2. */
	return is_repeat(scan->at) ? refuse(scan, "a repetition right after flags") : 0;
}

static int take_group(struct scan *scan)
{
	if (scan->depth == BLACKBOX_REGEX_DEPTH_MAX)
		return refuse(scan, "groups are nested too deep");
	if (is_next(scan, "(?P<"))
		return take_named_group(scan, 4);
	if (is_next(scan, "(?<") && scan->at[3] != '=' && scan->at[3] != '!')
		return take_named_group(scan, 3);
	if (is_next(scan, "(?"))
		return take_flag_group(scan);
	text_add_char(scan->out, *scan->at++);
	return open_group(scan);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

/* PCRE2 does not repeat all of them by themselves. */
static int take_assertion(struct scan *scan, size_t length)
{
	const char *assertion = scan->at;
	scan->at += length;
	text_add_format(scan->out, is_repeat(scan->at) ? "(?:%.*s)" : "%.*s", (int)length, assertion);
	note_atom(scan, 1);
	return 0;
}

/* \Q...\E, or up to the end. */
static int take_quoted(struct scan *scan)
{
	scan->at += 2;
	while (*scan->at != '\0' && !is_next(scan, "\\E")) {
		add_rune(scan, take_rune(scan), SPECIAL);
		note_atom(scan, 1);
	}
	scan->at += *scan->at != '\0' ? 2 : 0;
	return 0;
}

static int take_backslash(struct scan *scan)
{
	static const char *const assertions[] = {"\\A", "\\b", "\\B", "\\z"};
	uint32_t rune;
	for (size_t i = 0; i < sizeof(assertions) / sizeof(assertions[0]); i++) {
		if (is_next(scan, assertions[i]))
			return take_assertion(scan, 2);
	}
	if (is_next(scan, "\\Q"))
		return take_quoted(scan);
	int taken = take_perl_class(scan, false) ? 1 : take_unicode_class(scan);
	if (taken == 0) {
		scan->at++;
		if (take_escape(scan, &rune) != 0)
			return -1;
		add_rune(scan, rune, SPECIAL);
	}
	note_atom(scan, 1);
	return taken < 0 ? -1 : 0;
}

static int take_plain(struct scan *scan)
{
	if (*scan->at == '|') {
		text_add_char(scan->out, *scan->at++);
		scan->before = BEFORE_NOTHING;
		return 0;
	}
	if (*scan->at == '.')
		text_add_char(scan->out, *scan->at++);
	else
		add_rune(scan, take_rune(scan), SPECIAL);
	note_atom(scan, 1);
	return 0;
}

static int take_item(struct scan *scan)
{
	if (is_repeat(scan->at))
		return take_repeat(scan);
	switch (*scan->at) {
	case '[':
		return take_class(scan);
	case '(':
		return take_group(scan);
	case ')':
		return close_group(scan);
	case '\\':
		return take_backslash(scan);
	case '^':
	case '$':
		return take_assertion(scan, 1);
	default:
		return take_plain(scan);
	}
}

int blackbox_regex_translate(const char *expression, struct text *out, struct err *err)
{
	struct scan scan = {.begin = expression, .at = expression, .out = out, .err = err, .repeats = 1, .inside = {1}};
	while (*scan.at != '\0') {
		if (take_item(&scan) != 0)
			return -1;
	}
	return scan.depth > 0 ? refuse(&scan, "missing )") : 0;
}
