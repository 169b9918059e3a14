#include <criterion/criterion.h>
#include <string.h>

#include "probes/routeros/ros_choice.h"

static const char *const no_words[] = {NULL};
static const char *const parameters[] = {"address", NULL};
static const struct catalogue_set arp = {
	.name = "arp", .tier = CATALOGUE_LONG, .is_enabled = true, .parameters = no_words, .max_rows = 1000};
static const struct catalogue_set arps = {
	.name = "arps", .tier = CATALOGUE_SHORT, .is_enabled = true, .parameters = no_words};
static const struct catalogue_set routes = {.name = "routes", .tier = CATALOGUE_MEDIUM, .parameters = no_words};
static const struct catalogue_set ping = {
	.name = "ping", .tier = CATALOGUE_SHORT, .is_enabled = true, .parameters = parameters};
static const struct catalogue_set *sets[] = {&arp, &arps, &routes, &ping};
static const struct catalogue catalogue = {.sets = sets, .n = 4};

static struct option_list list_of(char **items)
{
	struct option_list list = {items, 0};
	while (items[list.n])
		list.n++;
	return list;
}

static char *nothing[] = {NULL};

static int check(char **placed, char **rows, char **skipped, struct err *err)
{
	struct option_list lists[] = {list_of(placed), list_of(rows), list_of(skipped)};
	struct ros_choice choice = {&lists[0], &lists[1], &lists[2]};
	return ros_choice_check(&choice, err);
}

Test(ros_choice, says_what_is_malformed)
{
	static const struct {
		char *entry;
		size_t list;
		const char *why; /* NULL: nothing */
	} cases[] = {
		{"arp=off", 0, NULL},
		{"arp=on", 0, NULL},
		{"arp=extended", 0, NULL},
		{"arp", 0, "sets: \"arp\" is not SET=on"},
		{"=off", 0, "is not SET=on"},
		{"arp=fast", 0, "is not SET=on"},
		{"arp=", 0, "is not SET=on"},
		{"arp=5000", 1, NULL},
		{"arp=100000", 1, NULL},
		{"arp=100001", 1, "max_rows: \"arp=100001\""},
		{"arp=0", 1, "max_rows"},
		{"arp=-1", 1, "max_rows"},
		{"arp=12a", 1, "with 1 to 100000"},
		{"arp=1234567", 1, "max_rows"},
		{"arp=", 1, "max_rows"},
		{"arp=<*>", 2, NULL},
		{"arp=a=b", 2, NULL},
		{"arp=", 2, "skip: \"arp=\" is not SET=PATTERN"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *items[] = {cases[i].entry, NULL};
		char **lists[] = {nothing, nothing, nothing};
		struct err err = {0};
		lists[cases[i].list] = items;
		int result = check(lists[0], lists[1], lists[2], &err);
		cr_assert_eq(result, cases[i].why ? -1 : 0, "%s", cases[i].entry);
		if (cases[i].why)
			cr_assert(strstr(err.text, cases[i].why), "%s", err.text);
	}
}

static int match(char **placed, char **rows, char **skipped, struct err *err)
{
	struct option_list lists[] = {list_of(placed), list_of(rows), list_of(skipped)};
	struct ros_choice choice = {&lists[0], &lists[1], &lists[2]};
	return ros_choice_match(&choice, &catalogue, err);
}

Test(ros_choice, says_what_is_not_in_the_catalogue)
{
	char *good[] = {"arp=off", "arps=on", "ping=off", NULL};
	char *unknown[] = {"ar=off", NULL}, *rows[] = {"arpss=5", NULL}, *asked[] = {"ping=short", NULL};
	struct err err = {0};
	cr_assert_eq(match(good, nothing, nothing, &err), 0, "%s", err.text);
	cr_assert_eq(match(unknown, nothing, nothing, &err), -1);
	cr_assert_str_eq(err.text, "sets: \"ar=off\": there is no such data set in the catalogue");
	cr_assert_eq(match(nothing, rows, nothing, &err), -1);
	cr_assert(strstr(err.text, "max_rows: \"arpss=5\""), "%s", err.text);
	cr_assert_eq(match(nothing, nothing, rows, &err), -1);
	cr_assert(strstr(err.text, "skip: "), "%s", err.text);
	cr_assert_eq(match(asked, nothing, nothing, &err), -1);
	cr_assert(strstr(err.text, "needs address"), "%s", err.text);
}

Test(ros_choice, tiers)
{
	char *placed[] = {"arp=off", "routes=on", "arps=realtime", "arp=medium", NULL}, *off[] = {"arp=off", NULL};
	struct option_list list = list_of(placed), none = {NULL, 0}, disabled = list_of(off);
	struct ros_choice choice = {&list, &none, &none}, plain = {&none, &none, &none};
	struct ros_choice without = {&disabled, &none, &none};
	enum catalogue_tier tier;
	cr_assert(ros_choice_tier(&choice, &arp, &tier));
	cr_assert_eq(tier, CATALOGUE_MEDIUM);
	cr_assert(ros_choice_tier(&choice, &arps, &tier));
	cr_assert_eq(tier, CATALOGUE_REALTIME);
	cr_assert(ros_choice_tier(&choice, &routes, &tier));
	cr_assert_eq(tier, CATALOGUE_MEDIUM);
	cr_assert_not(ros_choice_tier(&choice, &ping, &tier));
	cr_assert(ros_choice_tier(&plain, &arp, &tier));
	cr_assert_eq(tier, CATALOGUE_LONG);
	cr_assert_not(ros_choice_tier(&plain, &routes, &tier));
	cr_assert_not(ros_choice_tier(&without, &arp, &tier));
}

Test(ros_choice, rows_and_names)
{
	char *rows[] = {"arp=5", "arps=7", "arp=6", NULL}, *skipped[] = {"arp=<*>", "arp=vlan9?", "arps=x", NULL};
	struct option_list none = {NULL, 0}, row_list = list_of(rows), skip_list = list_of(skipped);
	struct ros_choice choice = {&none, &row_list, &skip_list};
	cr_assert_eq(ros_choice_max_rows(&choice, &arp), 6);
	cr_assert_eq(ros_choice_max_rows(&choice, &arps), 7);
	cr_assert_eq(ros_choice_max_rows(&choice, &routes), 0);
	cr_assert(ros_choice_skips_any(&choice, &arp));
	cr_assert_not(ros_choice_skips_any(&choice, &routes));
	cr_assert(ros_choice_skips(&choice, &arp, "<pppoe-anna>"));
	cr_assert_not(ros_choice_skips(&choice, &arp, "ether1"));
	cr_assert_not(ros_choice_skips(&choice, &arp, "x"));
	cr_assert(ros_choice_skips(&choice, &arps, "X"));
}
