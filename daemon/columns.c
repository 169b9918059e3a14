#include "daemon/columns.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/utf8.h"

/* From the first character to the last. */
struct range {
	uint32_t first, last;
};

/* Marks that stand on the character before them, and characters without any width. */
static const struct range narrow[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x0e31, 0x0e31},
	{0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e},
	{0x2060, 0x2064}, {0x2066, 0x206f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};

/* East Asian wide and full-width characters, and pictures. */
static const struct range wide[] = {
	{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
	{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

/* The next character of a text. */
struct glyph {
	size_t bytes;
	size_t width;
	bool is_shown; /* as it is; else as "?" */
};

static bool is_within(const struct range *ranges, size_t n, uint32_t character)
{
	for (size_t i = 0; i < n; i++) {
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	}
	return false;
}

static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

static uint32_t decode(const char *text, size_t n)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t character = (uint8_t)text[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		character = character << 6 | ((uint8_t)text[i] & 0x3f);
	return character;
}

static struct glyph next_glyph(const char *text)
{
	size_t n = sequence_length((uint8_t)text[0]);
	struct glyph glyph = {.bytes = 1, .width = 1};
	uint32_t character;

	if (strnlen(text, n) < n || utf8_length(text, n) < n)
		return glyph;
	glyph.bytes = n;
	character = decode(text, n);
	glyph.is_shown = character >= 0x20 && character != 0x7f && (character < 0x80 || character > 0x9f);
	/* What turns the direction of writing round would turn the table round. */
	if (is_within(narrow, sizeof(narrow) / sizeof(narrow[0]), character))
		glyph.width = 0;
	else if (is_within(wide, sizeof(wide) / sizeof(wide[0]), character))
		glyph.width = 2;
	if (character >= 0x202a && character <= 0x206f && glyph.width == 0)
		glyph = (struct glyph){n, 1, false};
	return glyph;
}

size_t columns_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		struct glyph glyph = next_glyph(text);

		width += glyph.width;
		text += glyph.bytes;
	}
	return width;
}

/* Returns the columns taken. */
static size_t add_until(struct text *out, const char *text, size_t width)
{
	size_t at = 0;

	while (*text) {
		struct glyph glyph = next_glyph(text);

		if (at + glyph.width > width)
			return at;
		if (glyph.is_shown)
			text_add_bytes(out, text, glyph.bytes);
		else
			text_add_char(out, '?');
		at += glyph.width;
		text += glyph.bytes;
	}
	return at;
}

static size_t add_cut(struct text *out, const char *text, size_t width)
{
	size_t at;

	if (columns_width(text) <= width)
		return add_until(out, text, width);
	at = add_until(out, text, width > 0 ? width - 1 : 0);
	if (width > 0)
		text_add_char(out, '~');
	return at + (width > 0);
}

static void add_blanks(struct text *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_add_char(out, ' ');
}

void columns_add_cut(struct text *out, const char *text, size_t width)
{
	add_cut(out, text, width);
}

void columns_add_left(struct text *out, const char *text, size_t width)
{
	size_t taken = add_cut(out, text, width);

	add_blanks(out, width - taken);
}

void columns_add_right(struct text *out, const char *text, size_t width)
{
	size_t taken = columns_width(text);

	add_blanks(out, taken < width ? width - taken : 0);
	add_until(out, text, taken);
}
