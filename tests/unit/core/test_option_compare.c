#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/option_compare.h"

struct settings {
	int64_t seconds, integer, size;
	double number;
	bool boolean;
	char *text, *secret;
	int choice;
	struct option_list list;
};

static const char *const words[] = {"one", "two", NULL};
#define FIELD(kind, field) kind, offsetof(struct settings, field)
static const struct option options[] = {
	{"seconds", FIELD(OPTION_SECONDS, seconds), .fallback = "1"},
	{"integer", FIELD(OPTION_INTEGER, integer), .fallback = "0"},
	{"size", FIELD(OPTION_SIZE, size), .fallback = "1KiB"},
	{"number", FIELD(OPTION_NUMBER, number), .fallback = "0.5"},
	{"boolean", FIELD(OPTION_BOOLEAN, boolean), .fallback = "false"},
	{"text", FIELD(OPTION_TEXT, text), .fallback = NULL},
	{"secret", FIELD(OPTION_SECRET, secret), .fallback = NULL},
	{"choice", FIELD(OPTION_CHOICE, choice), .fallback = "one", .choices = words},
	{"list", FIELD(OPTION_LIST, list), .fallback = "a,b"},
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* "name=value", or "" for the defaults. */
static struct settings *make(const char *change)
{
	struct settings *settings = mem_zero(1, sizeof(*settings));
	char name[16] = "";
	struct err err = {0};

	option_set_defaults(options, OPTIONS, settings);
	if (!*change)
		return settings;
	sscanf(change, "%15[^=]", name);
	cr_assert_eq(option_set_text(option_find(options, OPTIONS, name), settings, strchr(change, '=') + 1, &err), 0,
		     "%s", err.text);
	return settings;
}

static uint64_t hash(const struct settings *settings)
{
	return option_settings_hash((struct hash_key){1, 2}, options, OPTIONS, settings);
}

/* All are different from one another, and each is equal to another of its kind. */
Test(option_compare, sees_every_difference)
{
	static const char *const changes[] = {
		"",
		"seconds=1.000000001",
		"integer=1",
		"integer=-1",
		"integer=4294967296",
		"size=1025",
		"number=0",
		"number=-0.0",
		"number=1",
		"boolean=yes",
		"text=",
		"text=a",
		"text=b",
		"secret=",
		"secret=a",
		"choice=two",
		"list=",
		"list=a",
		"list=a,b,c",
		"list=b,a",
		"list=ab",
		"list=a,bc",
	};
	const size_t n = sizeof(changes) / sizeof(changes[0]);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			struct settings *a = make(changes[i]), *b = make(changes[k]);

			cr_expect_eq(option_settings_are_equal(options, OPTIONS, a, b), i == k, "\"%s\" and \"%s\"",
				     changes[i], changes[k]);
			/* With this key none of them collide: a value that is left out of the hash would. */
			cr_expect_eq(hash(a) == hash(b), i == k, "hashes of \"%s\" and \"%s\"", changes[i], changes[k]);
			option_free_settings(options, OPTIONS, a);
			option_free_settings(options, OPTIONS, b);
		}
	}
}

Test(option_compare, tells_which_option_differs)
{
	struct settings *a = make(""), *b = make("choice=two");

	for (size_t i = 0; i < OPTIONS; i++)
		cr_expect_eq(option_is_equal(&options[i], a, b), strcmp(options[i].name, "choice") != 0, "%s",
			     options[i].name);
	option_free_settings(options, OPTIONS, a);
	option_free_settings(options, OPTIONS, b);
}

Test(option_compare, takes_the_same_and_none)
{
	struct settings *a = make("text=x");

	cr_expect(option_settings_are_equal(options, OPTIONS, a, a));
	cr_expect(option_settings_are_equal(NULL, 0, NULL, a));
	cr_expect_eq(option_settings_hash((struct hash_key){1, 2}, NULL, 0, NULL),
		     option_settings_hash((struct hash_key){1, 2}, NULL, 0, a));
	option_free_settings(options, OPTIONS, a);
}
