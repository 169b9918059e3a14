#include "config_fixture.h"

#include "daemon/config_chunks.h"
#include "daemon/target.h"

static struct text text_of(const char *string)
{
	struct text text = {0};

	text_add(&text, string);
	return text;
}

Test(config_chunks, cuts_plain_lists)
{
	static const struct {
		const char *text, *chunks, *rest;
	} rows[] = {
		{"targets = ({a=1;},{b=2;},{c=3;});", "1.0 {a=1;},{b=2;}|1.2 {c=3;}|", "targets = ();"},
		{"x: { targets = (1); };\ntargets:(\n{a=1;\n},\n\n {b=2;}, {c=\"}\";}\n);y=1;",
		 "3.0 {a=1;\n},\n\n {b=2;}|6.2 {c=\"}\";}|", "x: { targets = (1); };\ntargets:(\n\n\n\n\n);y=1;"},
		{"/* targets = ( */ targets = ( # {\n{a=(1,(2));}, /*,*/ {b={c=2;};}, {} );",
		 "2.0 {a=(1,(2));}, /*,*/ {b={c=2;};}|2.2 {}|", "/* targets = ( */ targets = ( # {\n );"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text = text_of(rows[i].text), chunks = {0};
		struct config_chunks cut;

		cr_assert(config_chunks_cut(&cut, &text, "targets", 2), "row %zu", i);
		cr_expect_eq(cut.nelements, 3);
		for (size_t k = 0; k < cut.n; k++)
			text_add_format(&chunks, "%u.%zu %.*s|", cut.items[k].line, cut.items[k].first,
					(int)cut.items[k].length, cut.items[k].text);
		cr_expect_str_eq(text_string(&chunks), rows[i].chunks);
		cr_expect_str_eq(text_string(&cut.rest), rows[i].rest);
		config_chunks_free(&cut);
		text_free(&chunks);
		text_free(&text);
	}
}

Test(config_chunks, leaves_others_alone)
{
	static const char *const rows[] = {
		"",
		"targets",
		"targets =",
		"targets = (",
		"targets = ();",
		"targets = ({},{});",
		"targets = [1, 2, 3];",
		"targets = ({}, {}, 1);",
		"targets = ({}, {}, {},);",
		"targets = ({} {} {});",
		"targets = ({}, {}, {}",
		"targets = ({}, {}, {",
		"targets ({},{},{});",
		"target = ({},{},{});",
		"x = { targets = ({},{},{}); };",
		"x = { targets = ({},{},{});",
		"a = 1; targets += 2; targets = ({},{},{});",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text = text_of(rows[i]);
		struct config_chunks cut;

		cr_expect_not(config_chunks_cut(&cut, &text, "targets", 2), "%s", rows[i]);
		cr_expect_null(cut.items);
		text_free(&text);
	}
}

/* A configuration of many targets with other text in place of some, and what is wrong with it. */
static void expect_errors(size_t at, const char *other, const char *end, const char *expected)
{
	struct text text = {0};
	char *errors;

	text_add(&text, "probes: { l: { type = \"look\"; }; };\ntargets: (\n");
	for (size_t i = 0; i < 2500; i++) {
		text_add(&text, i ? ",\n" : "");
		if (i == at)
			text_add(&text, other);
		else
			text_add_format(&text, "{ name = \"t%zu\"; address = \"::1\"; probes = [ \"l\" ]; }", i);
	}
	text_add_format(&text, "\n);\n%s", end);
	errors = errors_of(text_string(&text));
	cr_expect_str_eq(errors, expected, "%s", errors);
	mem_free(errors);
	text_free(&text);
}

Test(config_chunks, errors_tell_lines_and_targets_of_the_whole)
{
	expect_errors(1500, "{ name = \"x\"; address = \"\"; probes = [ \"l\" ]; }", "",
		      "x.conf:1503: targets[1500].address: is empty\n");
	expect_errors(2400, "{ name = \"t7\"; address = \"::1\"; probes = [ \"l\" ]; }", "",
		      "x.conf:2403: targets[2400].name: targets[7] is called \"t7\" as well\n");
	expect_errors(2000, "{ name = \"x\"; address = \"::1\"; probes = [ \"l\" ]; dept = 1; }", "nonsense = 1;",
		      "x.conf:2003: targets[2000].dept: unknown key, did you mean depth?\n"
		      "x.conf:2504: nonsense: unknown key (netsonde reference options lists them)\n");
	expect_errors(1001, "{ name = \"x\"\n address \"::1\"; probes = [ \"l\" ]; }", "",
		      "x.conf:1005: syntax: a text cannot stand here (is a = missing before it?)\n");
	expect_errors(1001, "{ name = = \"x\"; }", "",
		      "x.conf:1004: syntax: cannot be understood here or just before (a value, a quote or a bracket "
		      "missing?)\n");
	expect_errors(1, "{ name = \"x\"; }", "agent = = 1;",
		      "x.conf:2504: syntax: cannot be understood here or just before (a value, a quote or a bracket "
		      "missing?)\n");
	expect_errors(1, "{ name = \"x\"; address = \"::1\"; probes = [ \"l\" ]; depth = 99999999999; }", "",
		      "x.conf:4: depth: 99999999999 does not fit 32 bits, write 99999999999L\n");
}

Test(config_chunks, the_same_targets_come_of_pieces)
{
	struct text text = {0};
	struct config *config;

	text_add(&text, "targets: (\n");
	for (size_t i = 0; i < 3000; i++)
		text_add_format(&text, "%s{ address = \"h%zu\"; probes = [ \"%s\" ]; %s }", i ? ",\n" : "", i,
				i % 7 ? "l" : "e", i % 11 ? "" : "interval = 7;");
	text_add(&text, "\n);\nprobes: { l: { type = \"look\"; }; e: { type = \"echo\"; }; };\n");
	config = good_config(text_string(&text));
	cr_assert_eq(config->ntargets, 3000);
	for (size_t i = 0; i < 3000; i++) {
		const struct config_target *target = &config->targets[i];
		char name[16];

		snprintf(name, sizeof(name), "h%zu", i);
		cr_expect_str_eq(target_name(target->target), name);
		cr_expect_str_eq(target_address(target->target), name);
		cr_assert_eq(target->nassignments, 1);
		cr_expect_eq(target->assignments->probe, &config->probes[i % 7 == 0]);
		cr_expect_eq(target->assignments->own_settings == NULL, i % 11 != 0);
	}
	config_free(config);
	text_free(&text);
}
