#include "probes/routeros/ros_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "core/utf8.h"

#define REPLACEMENT       "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_BYTES 3

/* iconv writes into a piece of this size; a character has at most 4 bytes. */
#define PIECE_BYTES 256

struct ros_text {
	iconv_t page;
	bool has_page;
};

/* Words are cut where they pass this: where the text began, and how much more it may become. */
struct budget {
	struct text *out;
	size_t end;
	bool is_cut;
};

static bool is_single_ascii(iconv_t page, char c)
{
	char in[1] = {c}, out[4], *from = in, *to = out;
	size_t from_left = 1, to_left = sizeof(out);
	bool is_whole = iconv(page, &from, &from_left, &to, &to_left) != (size_t)-1;
	iconv(page, NULL, NULL, NULL, NULL);
	return is_whole && to_left == sizeof(out) - 1 && out[0] == c;
}

/* UTF-16 and EBCDIC are no pages in which names of interfaces could be told. */
static bool has_ascii(iconv_t page)
{
	for (char c = ' '; c < 0x7f; c++)
		if (!is_single_ascii(page, c))
			return false;
	return true;
}

struct ros_text *ros_text_open(const char *page, struct err *err)
{
	struct ros_text *text = mem_zero(1, sizeof(*text));
	if (!page || page[0] == '\0')
		return text;
	/* "//TRANSLIT" would be an order, not a page */
	text->page = strchr(page, '/') ? (iconv_t)-1 : iconv_open("UTF-8", page);
	text->has_page = text->page != (iconv_t)-1;
	if (text->has_page && has_ascii(text->page))
		return text;
	if (text->has_page)
		err_set(err,
			"\"%s\" cannot be the code page of a router, for it has no ASCII: use one such as "
			"windows-1252",
			page);
	else
		err_set(err, "there is no code page \"%s\" on this machine: iconv -l lists them", page);
	ros_text_close(text);
	return NULL;
}

void ros_text_close(struct ros_text *text)
{
	if (text && text->has_page)
		iconv_close(text->page);
	mem_free(text);
}

bool ros_text_is_plain(struct ros_word word)
{
	return word.length == 0 || utf8_length(word.bytes, word.length) == word.length;
}

/* bytes: whole characters of UTF-8; what does not fit is cut between two of them. */
static void add(struct budget *budget, const char *bytes, size_t n)
{
	size_t room = budget->end - budget->out->length;
	if (budget->is_cut)
		return;
	if (n > room) {
		budget->is_cut = true;
		n = room;
		while (n > 0 && ((unsigned char)bytes[n] & 0xc0) == 0x80)
			n--;
	}
	text_add_bytes(budget->out, bytes, n);
}

/* Valid parts as they are, each byte between them replaced. */
static void add_replaced(struct budget *budget, struct ros_word word)
{
	while (word.length > 0 && !budget->is_cut) {
		size_t n = utf8_length(word.bytes, word.length);
		add(budget, word.bytes, n);
		if (n < word.length) {
			add(budget, REPLACEMENT, REPLACEMENT_BYTES);
			n++;
		}
		word.bytes += n;
		word.length -= n;
	}
}

/* What the page does not know, or only the beginning of it, is replaced byte by byte. */
static void add_from_page(struct ros_text *text, struct budget *budget, struct ros_word word)
{
	char *from = (char *)(uintptr_t)word.bytes; /* iconv does not write there */
	size_t left = word.length;
	while (left > 0 && !budget->is_cut) {
		char piece[PIECE_BYTES], *to = piece;
		size_t room = sizeof(piece);
		bool is_unknown = iconv(text->page, &from, &left, &to, &room) == (size_t)-1 && errno != E2BIG;
		struct ros_word done = {piece, sizeof(piece) - room};
		add_replaced(budget, done); /* zero bytes are left */
		if (is_unknown) {
			add(budget, REPLACEMENT, REPLACEMENT_BYTES);
			from++;
			left--;
		}
	}
	iconv(text->page, NULL, NULL, NULL, NULL); /* the next word begins anew */
}

/* A zero byte alone does not make it something else than UTF-8. */
static bool is_utf8(struct ros_word word)
{
	while (word.length > 0) {
		size_t n = utf8_length(word.bytes, word.length);
		if (n < word.length && word.bytes[n] != '\0')
			return false;
		n += n < word.length;
		word.bytes += n;
		word.length -= n;
	}
	return true;
}

bool ros_text_add(struct ros_text *text, struct ros_word word, size_t size_max, struct text *out)
{
	size_t left = SIZE_MAX - out->length;
	struct budget budget = {.out = out, .end = out->length + (size_max < left ? size_max : left)};
	if (text->has_page && !is_utf8(word))
		add_from_page(text, &budget, word);
	else
		add_replaced(&budget, word);
	return !budget.is_cut;
}
