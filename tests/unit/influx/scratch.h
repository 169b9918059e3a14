/*
 * Folders that tests write into, and what they find there.
 */
#ifndef NETSONDE_TESTS_UNIT_INFLUX_SCRATCH_H
#define NETSONDE_TESTS_UNIT_INFLUX_SCRATCH_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/text.h"

struct scratch {
	char folder[64];
};

static inline struct scratch scratch_make(void)
{
	struct scratch scratch = {"/tmp/netsonde-test-XXXXXX"};
	cr_assert_not_null(mkdtemp(scratch.folder));
	return scratch;
}

static inline void scratch_remove(const struct scratch *scratch)
{
	char *command = mem_format("rm -rf %s", scratch->folder);
	cr_assert_eq(system(command), 0);
	mem_free(command);
}

/* The path of a file in the folder, to be freed. */
static inline char *scratch_path(const struct scratch *scratch, const char *name)
{
	return mem_format("%s/%s", scratch->folder, name);
}

/* The content of path followed by suffix, to be freed; NULL when there is no such file. */
static inline char *scratch_read(const char *path, const char *suffix)
{
	char *name = mem_format("%s%s", path, suffix);
	FILE *file = fopen(name, "r");
	struct text text = {0};
	mem_free(name);
	if (file == NULL)
		return NULL;
	for (int c = getc(file); c != EOF; c = getc(file))
		text_add_char(&text, (char)c);
	fclose(file);
	return text_take(&text);
}

/* expected NULL: there must be no such file. */
static inline void scratch_expect(const char *path, const char *suffix, const char *expected)
{
	char *content = scratch_read(path, suffix);
	if (expected == NULL)
		cr_expect_null(content, "%s%s holds %s", path, suffix, content);
	else if (content == NULL)
		cr_expect(false, "there is no %s%s", path, suffix);
	else
		cr_expect_str_eq(content, expected);
	mem_free(content);
}

static inline void scratch_write(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(content, file);
	fclose(file);
}

#endif
