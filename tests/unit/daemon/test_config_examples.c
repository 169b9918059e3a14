#include <criterion/criterion.h>
#include <fnmatch.h>
#include <ftw.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/config.h"

/* docs/ of the tree that this test was built from. */
static char *docs_path(const char *name)
{
	char *folder = file_folder(__FILE__), *path = mem_format("%s/../../../docs/%s", folder, name);

	mem_free(folder);
	return path;
}

static void expect_good(struct config *config, struct text *errors, const char *what)
{
	cr_expect(config != NULL, "%s: %s", what, text_string(errors));
	cr_expect(!config || config->ntargets > 0, "%s", what);
	config_free(config);
	text_free(errors);
}

/* The first block of code after the heading "The file". */
Test(config_examples, in_the_page_is_good)
{
	struct text page = {.ceiling = 1 << 20}, errors = {0};
	char *path = docs_path("configuration.md"), *begin, *end;
	struct err err = {0};

	cr_assert_eq(file_read(path, &page, &err), 0, "%s: %s", path, err.text);
	text_string(&page);
	begin = strstr(page.bytes, "\n## The file\n");
	cr_assert(begin != NULL);
	begin = strstr(begin, "\n```\n");
	cr_assert(begin != NULL);
	begin += strlen("\n```\n");
	end = strstr(begin, "\n```\n");
	cr_assert(end != NULL);
	*end = '\0';
	expect_good(config_load_string(begin, path, &errors), &errors, path);
	text_free(&page);
	mem_free(path);
}

static int check_example(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	struct text errors = {0};

	(void)status, (void)place;
	if (kind == FTW_F && fnmatch("*.conf", path, 0) == 0)
		expect_good(config_load(path, &errors), &errors, path);
	return 0;
}

Test(config_examples, in_the_folder_are_good)
{
	char *path = docs_path("examples");

	cr_expect_eq(nftw(path, check_example, 8, FTW_PHYS), 0);
	mem_free(path);
}
