#include "probes/routeros/catalogue.h"

#include <string.h>
#include <strings.h>

#include "core/mem.h"

const struct catalogue catalogue_empty;

#define VERSION_PART_MAX 999
#define VERSION_PARTS    3

/* --- memory ----------------------------------------------------------------------------------------------------------
 */

struct catalogue *catalogue_create(void)
{
	return mem_zero(1, sizeof(struct catalogue));
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	for (size_t i = 0; i < catalogue->nblocks; i++)
		mem_free(catalogue->blocks[i]);
	mem_free(catalogue->blocks);
	mem_free(catalogue->sets);
	mem_free(catalogue);
}

void *catalogue_take(struct catalogue *catalogue, size_t n, size_t size)
{
	size_t at = catalogue->nblocks++;

	/* Doubled when it is a power of two. */
	if ((at & (at - 1)) == 0)
		catalogue->blocks = mem_resize(catalogue->blocks, at ? at * 2 : 1, sizeof(*catalogue->blocks));
	catalogue->blocks[at] = mem_zero(n, size);
	return catalogue->blocks[at];
}

const char *catalogue_take_string(struct catalogue *catalogue, const char *string)
{
	size_t size = strlen(string) + 1;

	return memcpy(catalogue_take(catalogue, size, 1), string, size);
}

/* --- sets ------------------------------------------------------------------------------------------------------------
 */

int catalogue_put(struct catalogue *catalogue, const struct catalogue_set *set)
{
	for (size_t i = 0; i < catalogue->n; i++) {
		if (strcmp(catalogue->sets[i]->name, set->name) == 0) {
			catalogue->sets[i] = set;
			return 0;
		}
	}
	if (catalogue->n == CATALOGUE_SETS_MAX)
		return -1;
	catalogue->sets = mem_resize(catalogue->sets, catalogue->n + 1, sizeof(*catalogue->sets));
	catalogue->sets[catalogue->n++] = set;
	return 0;
}

const struct catalogue_set *catalogue_find(const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->n; i++) {
		if (strcmp(catalogue->sets[i]->name, name) == 0)
			return catalogue->sets[i];
	}
	return NULL;
}

/* --- what fits -------------------------------------------------------------------------------------------------------
 */

int64_t catalogue_parse_version(const char *text)
{
	int64_t version = 0;

	for (int part = 0; part < VERSION_PARTS; part++) {
		int64_t number = 0;
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 && part == 0)
			return -1;
		for (size_t i = 0; i < digits; i++) {
			number = number * 10 + (text[i] - '0');
			if (number > VERSION_PART_MAX)
				return -1;
		}
		version = version * (VERSION_PART_MAX + 1) + number;
		text += digits;
		/* What follows a beta or a release candidate is its own number. */
		if (*text == '.' && digits)
			text++;
		else
			text = "";
	}
	return version;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(word, *words) == 0)
			return true;
	}
	return false;
}

bool catalogue_menu_fits(const struct catalogue_menu *menu, int64_t version, const char *const *packages)
{
	if (version < menu->since || version >= menu->before)
		return false;
	if (!menu->packages[0] || !packages)
		return true;
	for (size_t i = 0; menu->packages[i]; i++) {
		if (is_one_of(menu->packages[i], packages))
			return true;
	}
	return false;
}

/* One star after the other: only the last one ever has to be widened. */
bool catalogue_pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = text;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern && strncasecmp(pattern, text, 1) == 0) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}
