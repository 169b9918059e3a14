#include "daemon/config_chunks.h"

#include <string.h>

#include "core/mem.h"
#include "daemon/config_scan.h"

static bool is_mark(const struct scan_token *token, const char *marks)
{
	return token->kind == SCAN_MARK && strchr(marks, token->text[0]);
}

/* Goes on behind the bracket that closes the one that was just read. NULL: there is none. */
static const char *skip_group(struct scan *scan)
{
	for (size_t depth = 1; depth > 0;) {
		struct scan_token token = scan_next(scan);

		if (token.kind == SCAN_END)
			return NULL;
		if (is_mark(&token, "{(["))
			depth++;
		else if (is_mark(&token, "})]"))
			depth--;
	}
	return scan->at;
}

/* Goes on behind the opening bracket of the list. false: there is none of this name. */
static bool find_list(struct scan *scan, const char *name)
{
	size_t length = strlen(name);
	struct scan_token token;

	while ((token = scan_next(scan)).kind != SCAN_END) {
		if (is_mark(&token, "{([") && !skip_group(scan))
			return false;
		if (token.kind != SCAN_NAME || token.length != length || memcmp(token.text, name, length) != 0)
			continue;
		token = scan_next(scan);
		if (!is_mark(&token, "=:"))
			return false;
		token = scan_next(scan);
		return is_mark(&token, "(");
	}
	return false;
}

static void add_element(struct config_chunks *chunks, const struct scan_token *open, const char *end, size_t elements)
{
	struct config_chunk *last;

	if (chunks->nelements % elements == 0) {
		chunks->items = mem_resize(chunks->items, chunks->n + 1, sizeof(*chunks->items));
		chunks->items[chunks->n++] =
			(struct config_chunk){.text = open->text, .line = open->line, .first = chunks->nelements};
	}
	last = &chunks->items[chunks->n - 1];
	last->length = (size_t)(end - last->text);
	chunks->nelements++;
}

/* false: the list is not plain. */
static bool cut(struct config_chunks *chunks, struct scan *scan, size_t elements)
{
	for (;;) {
		struct scan_token token = scan_next(scan);
		const char *end;

		if (!is_mark(&token, "{"))
			return false;
		end = skip_group(scan);
		if (!end)
			return false;
		add_element(chunks, &token, end, elements);
		token = scan_next(scan);
		if (is_mark(&token, ")"))
			return chunks->nelements > elements;
		if (!is_mark(&token, ","))
			return false;
	}
}

static void keep_rest(struct config_chunks *chunks, const struct text *text)
{
	const struct config_chunk *first = &chunks->items[0], *last = &chunks->items[chunks->n - 1];
	const char *end = last->text + last->length;

	text_add_bytes(&chunks->rest, text->bytes, (size_t)(first->text - text->bytes));
	for (const char *at = first->text; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		text_add_char(&chunks->rest, '\n');
	text_add_bytes(&chunks->rest, end, (size_t)(text->bytes + text->length - end));
}

bool config_chunks_cut(struct config_chunks *chunks, const struct text *text, const char *name, size_t elements)
{
	struct scan scan;

	*chunks = (struct config_chunks){0};
	scan_start(&scan, text->bytes, text->length);
	if (find_list(&scan, name) && cut(chunks, &scan, elements)) {
		keep_rest(chunks, text);
		return true;
	}
	config_chunks_free(chunks);
	return false;
}

void config_chunks_free(struct config_chunks *chunks)
{
	mem_free(chunks->items);
	text_free(&chunks->rest);
	*chunks = (struct config_chunks){0};
}
