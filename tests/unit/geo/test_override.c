#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "geo/override.h"

static void set_option(struct geo_override *override, const char *name, const char *text)
{
	struct err err = {0};

	cr_assert_eq(
		option_set_text(option_find(geo_override_options, geo_override_noptions, name), override, text, &err),
		0, "%s: %s", name, err.text);
}

/* networks, targets and site; NULL: not told. */
static struct geo_override *make(const char *networks, const char *targets, const char *site)
{
	struct geo_override *override = mem_zero(1, sizeof(*override));

	option_set_defaults(geo_override_options, geo_override_noptions, override);
	if (networks)
		set_option(override, "networks", networks);
	if (targets)
		set_option(override, "targets", targets);
	if (site)
		set_option(override, "site", site);
	return override;
}

static void drop(struct geo_override **items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		option_free_settings(geo_override_options, geo_override_noptions, items[i]);
}

Test(override, networks)
{
	static const struct {
		const char *text;
		int bits; /* -1: refused */
	} cases[] = {
		{"10.0.0.0/8", 8},
		{"0.0.0.0/0", 0},
		{"192.0.2.1", 32},
		{"192.0.2.1/32", 32},
		{"2001:db8::/32", 32},
		{"2001:db8::1", 128},
		{"::/0", 0},
		{"10.0.0.1/8", -1},
		{"10.0.0.0/33", -1},
		{"10.0.0.0/", -1},
		{"10.0.0.0/8x", -1},
		{"10.0.0.0/-1", -1},
		{"10.0.0", -1},
		{"", -1},
		{"/8", -1},
		{"2001:db8::/129", -1},
		{"name", -1},
		{"1111111111111111111111111111111111111111111111111111111111111111111111111/8", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address network;
		struct err err = {0};
		unsigned bits = 99;
		int result = network_parse(cases[i].text, &network, &bits, &err);

		cr_expect_eq(result, cases[i].bits == -1 ? -1 : 0, "%s: %s", cases[i].text, err.text);
		if (cases[i].bits != -1)
			cr_expect_eq((int)bits, cases[i].bits, "%s", cases[i].text);
		else
			cr_expect_neq(err.text[0], '\0', "%s", cases[i].text);
	}
}

Test(override, refusals_say_why)
{
	struct geo_override *empty = make(NULL, NULL, "x"), *dumb = make("10.0.0.0/8", NULL, NULL),
			    *wrong = make("10.0.0.1/8", NULL, "x"), *lower = make(NULL, "t", "x"),
			    *good = make(NULL, "t", NULL);
	struct geo_override *all[] = {empty, dumb, wrong, lower, good};
	struct err err = {0};

	cr_expect_eq(geo_override_check(empty, &err), -1);
	cr_expect_str_eq(err.text, "needs networks or targets");
	cr_expect_eq(geo_override_check(dumb, &err), -1);
	cr_expect_str_eq(err.text, "says nothing about its networks and targets");
	cr_expect_eq(geo_override_check(wrong, &err), -1);
	cr_expect_str_eq(err.text, "networks: \"10.0.0.1/8\": has bits behind the first 8, did you mean 10.0.0.0/8?");
	set_option(lower, "country", "de");
	cr_expect_eq(geo_override_check(lower, &err), -1);
	cr_expect_not_null(strstr(err.text, "two capital letters"));
	set_option(good, "longitude", "8.5");
	cr_expect_eq(geo_override_check(good, &err), 0);
	drop(all, 5);
}

Test(override, the_narrowest_network_wins)
{
	static const struct {
		const char *address, *site; /* NULL: none */
	} cases[] = {
		{"10.1.2.3", "deepest"}, {"10.1.2.4", "deep"},   {"10.2.0.1", "wide"},  {"11.0.0.1", "all of it"},
		{"10.1.3.1", "wide"},    {"2001:db8::1", "six"}, {"2001:db9::1", NULL}, {"10.9.0.7", "other deep"},
	};
	struct geo_override *items[] = {
		make("10.0.0.0/8", NULL, "wide"),   make("10.1.2.3", NULL, "deepest"),
		make("10.1.2.0/24", NULL, "deep"),  make("0.0.0.0/0", NULL, "all of it"),
		make("2001:db8::/32", NULL, "six"), make("10.9.0.0/24", NULL, "other deep"),
	};
	struct overrides *overrides = overrides_create((const struct geo_override *const *)items, 6, NULL);

	drop(items, 6);
	cr_assert_not_null(overrides);
	cr_expect_eq(overrides_count(overrides), 6);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct geo_override *found;
		struct address address;

		cr_assert(address_parse(cases[i].address, &address));
		found = overrides_find_network(overrides, &address);
		cr_expect((found != NULL) == (cases[i].site != NULL), "%s", cases[i].address);
		if (found && cases[i].site)
			cr_expect_str_eq(found->site, cases[i].site, "%s", cases[i].address);
	}
	overrides_free(overrides);
}

Test(override, targets_by_name)
{
	struct geo_override *items[] = {make(NULL, "b,a", "one"), make("10.0.0.0/8", "c", "two")};
	struct overrides *overrides = overrides_create((const struct geo_override *const *)items, 2, NULL);

	drop(items, 2);
	cr_expect_str_eq(overrides_find_target(overrides, "a")->site, "one");
	cr_expect_str_eq(overrides_find_target(overrides, "b")->site, "one");
	cr_expect_str_eq(overrides_find_target(overrides, "c")->site, "two");
	cr_expect_null(overrides_find_target(overrides, "d"));
	overrides_free(overrides);
	overrides = overrides_create(NULL, 0, NULL);
	cr_expect_null(overrides_find_target(overrides, "a"));
	overrides_free(overrides);
	overrides_free(NULL);
}

Test(override, nothing_is_there_twice)
{
	struct geo_override *items[] = {make("10.0.0.0/8", "t", "a"), make("10.0.0.0/8", NULL, "b"),
					make(NULL, "t", "c")};
	const struct geo_override *networks[] = {items[0], items[1]}, *targets[] = {items[0], items[2]};
	struct err err = {0};

	cr_expect_null(overrides_create(networks, 2, &err));
	cr_expect_str_eq(err.text, "the network 10.0.0.0/8 is there twice");
	cr_expect_null(overrides_create(targets, 2, &err));
	cr_expect_str_eq(err.text, "the target \"t\" is there twice");
	drop(items, 3);
}

Test(override, says_what_it_knows)
{
	struct geo_override *override = make("10.0.0.0/8", NULL, "hall 7");
	struct place_draft draft = {0};

	set_option(override, "city", "Ulm");
	set_option(override, "asn", "64500");
	set_option(override, "latitude", "48.4");
	set_option(override, "longitude", "10");
	place_draft_text(&draft, PLACE_CITY, "Bonn", 4);
	geo_override_apply(override, &draft);
	cr_expect_str_eq(draft.texts[PLACE_CITY], "Bonn");
	cr_expect_str_eq(draft.texts[PLACE_SITE], "hall 7");
	cr_expect_str_eq(draft.texts[PLACE_ASN], "64500");
	cr_expect_str_eq(draft.texts[PLACE_GEOHASH], "u0x57dc");
	cr_expect(draft.has_point && draft.is_exact && draft.point.latitude == 48.4);
	drop(&override, 1);
}
