#include "config_fixture.h"

#include "daemon/file_sd.h"
#include "daemon/target.h"

static bool is_reserved(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "job") == 0 || strcmp(name, "agent") == 0;
}

static const struct label more[] = {{"site", "fra"}, {"tier", "none"}};
static const struct file_sd_rules rules = {is_reserved, NULL, more, 2};

/* "name@address{label=value,...}" of each target. */
static char *print(const struct file_targets *targets)
{
	struct text text = {0};

	for (size_t i = 0; i < targets->n; i++) {
		const struct target *target = targets->items[i];

		text_add_format(&text, "%s@%s{", target_name(target), target_address(target));
		for (size_t k = 0; k < target->nlabels; k++)
			text_add_format(&text, "%s%s=%s", k ? "," : "", target->labels[k].name,
					target->labels[k].value);
		text_add(&text, "} ");
	}
	return text_take(&text);
}

Test(file_sd, good)
{
	static const struct {
		const char *json, *targets;
		size_t left_out;
	} rows[] = {
		{"[]", "", 0},
		{" [ { \"targets\": [] } ] ", "", 0},
		{"[{\"targets\":[\"192.0.2.1\",\"host.example\"]}]",
		 "192.0.2.1@192.0.2.1{site=fra,tier=none} host.example@host.example{site=fra,tier=none} ", 0},
		{"[{\"targets\":[\"::1\"],\"labels\":{\"name\":\"six\",\"tier\":\"dns\"}}]",
		 "six@::1{tier=dns,site=fra} ", 0},
		{"[{\"targets\":[\"a\"],\"labels\":{\"job\":\"x\",\"agent\":\"y\",\"__meta_z\":\"z\",\"ok\":\"\"}}]",
		 "a@a{ok=,site=fra,tier=none} ", 2},
		{"[{\"targets\":[\"a\"]},{\"labels\":{},\"targets\":[\"b\"]}]",
		 "a@a{site=fra,tier=none} b@b{site=fra,tier=none} ", 0},
		{"[{\"targets\":[\"a\"],\"labels\":{\"name\":\"\\u00e4 \\\"q\\\"\"}}]",
		 "\xc3\xa4 \"q\"@a{site=fra,tier=none} ", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct file_targets targets;
		struct err err = {0};
		char *text;

		cr_assert_eq(file_sd_parse(&targets, rows[i].json, strlen(rows[i].json), &rules, &err), 0, "%s: %s",
			     rows[i].json, err.text);
		text = print(&targets);
		cr_expect_str_eq(text, rows[i].targets, "%s: %s", rows[i].json, text);
		cr_expect_eq(targets.nleft_out, rows[i].left_out);
		mem_free(text);
		file_targets_free(&targets);
	}
}

Test(file_sd, bad)
{
	static const struct {
		const char *json, *why;
	} rows[] = {
		{"", "1: syntax: "},
		{"[\n{\"targets\":[\"a\"]},\n{]", "3: syntax: "},
		{"{}", "1: must be an array"},
		{"[1]", "[0]: must be an object"},
		{"[{}]", "[0].targets: is missing"},
		{"[{\"targets\":\"a\"}]", "[0].targets: must be an array"},
		{"[{\"targets\":[\"a\",1]}]", "[0].targets[1]: must be a string"},
		{"[{\"targets\":[\"\"]}]", "[0].targets[0]: must not be empty"},
		{"[{\"targets\":[\"a b\"]}]", "[0].targets[0]: must not have blanks"},
		{"[{\"targets\":[\"a\\n\"]}]", "[0].targets[0]: must not contain control characters"},
		{"[{\"targets\":[],\"lables\":{}}]", "[0]: unknown key \"lables\", did you mean labels?"},
		{"[{\"targets\":[],\"zzzzzzzz\":{}}]", "[0]: unknown key \"zzzzzzzz\""},
		{"[{\"targets\":[],\"labels\":[]}]", "[0].labels: must be an object"},
		{"[{\"targets\":[]},{\"targets\":[],\"labels\":{\"a\":1}}]", "[1].labels.a: must be a string"},
		{"[{\"targets\":[],\"labels\":{\"a-b\":\"\"}}]", "[0].labels.a-b: a label name has only"},
		{"[{\"targets\":[\"a\"],\"labels\":{\"name\":\"\"}}]", "[0].labels.name: must not be empty"},
		{"[{\"targets\":[\"a\",\"b\"],\"labels\":{\"name\":\"x\"}}]", "two targets are called \"x\""},
		{"[{\"targets\":[\"a\"]},{\"targets\":[\"a\"]}]", "two targets are called \"a\""},
		{"[{\"targets\":[\"a\"],\"targets\":[]}]", "1: syntax: "},
		{"[{\"targets\":[\"\\u0000\"]}]", "1: syntax: "},
		{"[{\"targets\":[\"\xff\"]}]", "1: syntax: "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct file_targets targets;
		struct err err = {0};

		cr_expect_eq(file_sd_parse(&targets, rows[i].json, strlen(rows[i].json), &rules, &err), -1, "%s",
			     rows[i].json);
		cr_expect_eq(strncmp(err.text, rows[i].why, strlen(rows[i].why)), 0, "%s: %s", rows[i].json, err.text);
		cr_expect_eq(targets.n, 0);
	}
}

Test(file_sd, too_much)
{
	struct file_targets targets;
	struct text json = {0};
	struct err err = {0};

	text_add(&json, "[{\"targets\":[\"a\"],\"labels\":{");
	for (int i = 0; i < 100; i++)
		text_add_format(&json, "%s\"l%d\":\"\"", i ? "," : "", i);
	text_add(&json, "}}]");
	cr_expect_eq(file_sd_parse(&targets, json.bytes, json.length, &rules, &err), -1);
	cr_expect_str_eq(err.text, "[0].labels: has too many labels");
	text_clear(&json);
	for (int i = 0; i < 100000; i++)
		text_add(&json, "[");
	cr_expect_eq(file_sd_parse(&targets, json.bytes, json.length, &rules, &err), -1);
	text_clear(&json);
	text_add(&json, "[{\"targets\":[\"");
	for (int i = 0; i < 5000; i++)
		text_add(&json, "a");
	text_add(&json, "\"]}]");
	cr_expect_eq(file_sd_parse(&targets, json.bytes, json.length, &rules, &err), -1);
	cr_expect_str_eq(err.text, "[0].targets[0]: is too long");
	text_free(&json);
}
