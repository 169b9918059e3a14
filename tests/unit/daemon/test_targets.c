#include "config_fixture.h"

#include "daemon/generation.h"
#include "daemon/spec.h"
#include "daemon/targets.h"

/* --- small sets -------------------------------------------------------------------------------------------------- */

/* "source/target/probe address interval codes a=b,c=d": a desired probe in one line. */
struct wish {
	const char *source, *target, *probe, *address;
	int64_t interval_ns;
	const char *user;
	struct label labels[3];
	size_t nlabels;
};

/* As many sets as a test needs share it; each test is a process of its own. */
static struct spec_table *specs;

static struct desired_set empty_set(void)
{
	if (!specs)
		specs = spec_table_create();
	return (struct desired_set){.specs = specs};
}

static int add(struct desired_set *set, const struct wish *wish, const struct desired **other)
{
	const struct echo_settings settings = {.interval_ns = wish->interval_ns, .user = (char *)(uintptr_t)wish->user};
	struct target *target = target_create(wish->target, wish->address, wish->labels, wish->nlabels);
	int result;

	/* These settings live here only: nothing of them may be remembered. */
	mem_free(set->memo);
	set->memo = NULL;
	result = desired_set_add(set, wish->source, target,
				 &(struct probe_spec){wish->probe, &echo_type, &settings, NULL}, other);
	target_release(target);
	return result;
}

static void make(struct desired_set *set, const struct wish *table, size_t n)
{
	*set = empty_set();
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(add(set, &table[i], NULL), 0);
}

/* "-target/probe +target/probe ~ (restarted) > (relabelled) = (unchanged)" */
static char *steps_of(const struct target_plan *plan)
{
	static const char marks[] = "+-~>=";
	struct text out = {0};

	for (size_t i = 0; i < plan->n; i++) {
		const struct target_step *step = &plan->steps[i];
		const struct desired *one = step->after ? step->after : step->before;

		cr_expect_eq(step->before == NULL, step->change == TARGET_ADDED);
		cr_expect_eq(step->after == NULL, step->change == TARGET_REMOVED);
		text_add_format(&out, "%s%c%s/%s", i ? " " : "", marks[step->change], target_name(one->target),
				one->spec->name);
	}
	return text_take(&out);
}

struct transition {
	struct wish before[3], after[3];
	const char *steps;
};

static size_t count(const struct wish *wishes)
{
	size_t n = 0;

	while (n < 3 && wishes[n].source)
		n++;
	return n;
}

static const struct transition rows[] = {
	{{{0}}, {{0}}, ""},
	{{{0}}, {{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}, {"c", "a", "q", "::1", 1, NULL, {{0}}, 0}}, "+a/p +a/q"},
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{0}}, "-a/p"},
	{{{"c", "a", "p", "::1", 1, "u", {{"x", "1"}}, 1}}, {{"c", "a", "p", "::1", 1, "u", {{"x", "1"}}, 1}}, "=a/p"},
	/* other settings */
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{"c", "a", "p", "::1", 2, NULL, {{0}}, 0}}, "~a/p"},
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{"c", "a", "p", "::1", 1, "u", {{0}}, 0}}, "~a/p"},
	{{{"c", "a", "p", "::1", 1, "u", {{0}}, 0}}, {{"c", "a", "p", "::1", 1, "v", {{0}}, 0}}, "~a/p"},
	/* another address */
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{"c", "a", "p", "::2", 1, NULL, {{0}}, 0}}, "~a/p"},
	/* labels: a value, a name, one more, one less, the order */
	{{{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}}, 1}},
	 {{"c", "a", "p", "::1", 1, NULL, {{"x", "2"}}, 1}},
	 ">a/p"},
	{{{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}}, 1}},
	 {{"c", "a", "p", "::1", 1, NULL, {{"y", "1"}}, 1}},
	 ">a/p"},
	{{{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}}, 1}}, {{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, ">a/p"},
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}}, 1}}, ">a/p"},
	{{{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}, {"y", "2"}}, 2}},
	 {{"c", "a", "p", "::1", 1, NULL, {{"y", "2"}, {"x", "1"}}, 2}},
	 "=a/p"},
	/* labels and settings: one restart says both */
	{{{"c", "a", "p", "::1", 1, NULL, {{"x", "1"}}, 1}},
	 {{"c", "a", "p", "::1", 2, NULL, {{"x", "2"}}, 1}},
	 "~a/p"},
	/* the source is part of the identity; what goes comes before what comes */
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}}, {{"f", "a", "p", "::1", 1, NULL, {{0}}, 0}}, "-a/p +a/p"},
	/* another order is no change */
	{{{"c", "a", "p", "::1", 1, NULL, {{0}}, 0}, {"c", "b", "p", "::1", 1, NULL, {{0}}, 0}},
	 {{"c", "b", "p", "::1", 1, NULL, {{0}}, 0},
	  {"c", "c", "p", "::1", 1, NULL, {{0}}, 0},
	  {"c", "a", "p", "::1", 1, NULL, {{0}}, 0}},
	 "=b/p +c/p =a/p"},
};

Test(targets, plans_what_leads_from_one_set_to_the_other)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desired_set before, after;
		struct target_plan plan;
		size_t sum = 0;
		char *steps;

		make(&before, rows[i].before, count(rows[i].before));
		make(&after, rows[i].after, count(rows[i].after));
		if (i % 2)
			desired_set_close(&before);
		target_plan_make(&plan, &before, &after);
		steps = steps_of(&plan);
		cr_expect_str_eq(steps, rows[i].steps, "row %zu: %s", i, steps);
		for (size_t k = 0; k < TARGET_CHANGES; k++)
			sum += plan.counts[k];
		cr_expect_eq(sum, plan.n);
		mem_free(steps);
		target_plan_free(&plan);
		desired_set_free(&before);
		desired_set_free(&after);
	}
}

/* --- every kind of option ---------------------------------------------------------------------------------------- */

static const char base_text[] = "probes: { e: { type = \"echo\"; %s }; };\n"
				"targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\" ]; } );\n";

static enum target_change change_between(const char *before_options, const char *after_options)
{
	char *before_text = mem_format(base_text, before_options), *after_text = mem_format(base_text, after_options);
	struct config *before = good_config(before_text), *after = good_config(after_text);
	struct desired_set before_set = empty_set(), after_set = empty_set();
	struct target_plan plan;
	enum target_change change;

	desired_set_add_config(&before_set, before);
	desired_set_add_config(&after_set, after);
	target_plan_make(&plan, &before_set, &after_set);
	cr_assert_eq(plan.n, 1);
	change = plan.steps[0].change;
	target_plan_free(&plan);
	desired_set_free(&before_set);
	desired_set_free(&after_set);
	config_free(before);
	config_free(after);
	mem_free(before_text);
	mem_free(after_text);
	return change;
}

Test(targets, sees_a_change_of_every_kind_of_option)
{
	static const char *const options[] = {
		"interval = 5;",
		"timeout = 0.5;",
		"size = 57;",
		"ratio = 0.25;",
		"limit = \"2MiB\";",
		"strict = true;",
		"user = \"x\";",
		"password = \"x\";",
		"family = \"ipv6\";",
		"codes = [\"ok\"];",
		"codes = [\"ok\", \"good\"];",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		cr_expect_eq(change_between("", options[i]), TARGET_RESTARTED, "%s", options[i]);
		cr_expect_eq(change_between(options[i], ""), TARGET_RESTARTED, "%s", options[i]);
		cr_expect_eq(change_between(options[i], options[i]), TARGET_UNCHANGED, "%s", options[i]);
	}
	cr_expect_eq(change_between("", "size = 56;"), TARGET_UNCHANGED, "a default that is written out");
}

Test(targets, restarts_when_the_type_changes)
{
	struct config *before = good_config("probes: { e: { type = \"echo\"; }; };\n"
					    "targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\" ]; } );");
	struct config *after = good_config("probes: { e: { type = \"look\"; }; };\n"
					   "targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\" ]; } );");
	struct desired_set before_set = empty_set(), after_set = empty_set();
	struct target_plan plan;

	desired_set_add_config(&before_set, before);
	desired_set_add_config(&after_set, after);
	cr_expect_str_eq(before_set.items[0].source, "config");
	cr_expect_str_eq(target_address(before_set.items[0].target), "::1");
	target_plan_make(&plan, &before_set, &after_set);
	cr_expect_eq(plan.counts[TARGET_RESTARTED], 1);
	target_plan_free(&plan);
	desired_set_free(&before_set);
	desired_set_free(&after_set);
	config_free(before);
	config_free(after);
}

/* --- sources ----------------------------------------------------------------------------------------------------- */

Test(targets, the_first_source_of_a_target_and_probe_wins)
{
	struct config *config =
		good_config("probes: { e: { type = \"echo\"; }; l: { type = \"look\"; }; };\n"
			    "targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\", \"l\" ]; } );");
	struct wish from_file = {.source = "file", .target = "a", .probe = "l", .address = "::2"};
	struct desired_set set = empty_set();
	const struct desired *other = NULL;

	cr_expect_eq(add(&set, &from_file, &other), 0);
	cr_expect_eq(other, NULL);
	desired_set_add_config(&set, config);
	cr_assert_eq(set.n, 2);
	cr_expect_str_eq(set.items[0].source, "file");
	cr_expect_str_eq(set.items[1].spec->name, "e");
	from_file.source = "another file";
	cr_expect_eq(add(&set, &from_file, &other), -1);
	cr_assert(other != NULL);
	cr_expect_str_eq(other->source, "file");
	cr_expect_eq(set.n, 2);
	desired_set_free(&set);
	cr_expect_eq(spec_table_count(specs), 0, "all are given back");
	config_free(config);
}

/* --- specs ------------------------------------------------------------------------------------------------------- */

static const char two_probes[] = "probes: { e: { type = \"echo\"; %s }; };\n"
				 "targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\" ]; },\n"
				 "{ name = \"b\"; address = \"::1\"; probes = [ \"e\" ]; },\n"
				 "{ name = \"c\"; address = \"::1\"; size = 9; probes = [ \"e\" ]; } );\n";

static struct generation *generation_of(struct spec_table *table, const char *options)
{
	char *text = mem_format(two_probes, options);
	struct generation *generation = generation_create(good_config(text), NULL, table);

	mem_free(text);
	return generation;
}

/* What does not change is borrowed from the same spec in both, so that the first can go. */
Test(targets, generations_share_specs)
{
	struct spec_table *table = spec_table_create();
	struct generation *first = generation_of(table, ""), *second = generation_of(table, "size = 56;"),
			  *third = generation_of(table, "size = 9;");
	const struct probe_spec *of_a = first->wanted.items[0].spec;
	struct target_plan plan;

	cr_expect_eq(first->ntargets, 3);
	cr_expect_eq(first->wanted.items[1].spec, of_a);
	cr_expect_eq(second->wanted.items[0].spec, of_a);
	cr_expect_eq(third->wanted.items[0].spec, first->wanted.items[2].spec);
	cr_expect_eq(spec_table_count(table), 2);
	target_plan_make(&plan, &first->wanted, &third->wanted);
	cr_expect_eq(plan.counts[TARGET_RESTARTED], 2);
	cr_expect_eq(plan.counts[TARGET_UNCHANGED], 1);
	target_plan_free(&plan);
	generation_free(first);
	cr_expect_eq(spec_table_count(table), 2);
	cr_expect_str_eq(of_a->name, "e");
	generation_free(second);
	cr_expect_eq(spec_table_count(table), 1);
	generation_free(third);
	cr_expect_eq(spec_table_count(table), 0);
	generation_free(NULL);
	spec_table_free(table);
}

/* The same configuration may be that of two generations, one after the other. */
Test(targets, a_generation_passes_its_configuration_on)
{
	struct spec_table *table = spec_table_create();
	struct generation *first = generation_of(table, ""), *second = generation_create(first->config, NULL, table);
	struct target_plan plan;

	target_plan_make(&plan, &first->wanted, &second->wanted);
	cr_expect_eq(plan.counts[TARGET_UNCHANGED], 3);
	target_plan_free(&plan);
	first->config = NULL;
	generation_free(first);
	cr_expect_str_eq(target_name(second->wanted.items[2].target), "c");
	generation_free(second);
	spec_table_free(table);
}

/* What the worker could not open is not there: it is neither closed nor left as it is. */
Test(targets, tries_again_what_could_not_be_opened)
{
	struct spec_table *table = spec_table_create();
	struct generation *first = generation_of(table, ""), *second = generation_of(table, "");
	struct desired_set none = {.specs = table};
	struct target_plan plan;
	char *steps;

	first->wanted.items[1].is_unopened = true;
	target_plan_make(&plan, &first->wanted, &second->wanted);
	steps = steps_of(&plan);
	cr_expect_str_eq(steps, "=a/e +b/e =c/e");
	mem_free(steps);
	target_plan_free(&plan);
	target_plan_make(&plan, &first->wanted, &none);
	steps = steps_of(&plan);
	cr_expect_str_eq(steps, "-a/e -c/e");
	mem_free(steps);
	target_plan_free(&plan);
	generation_free(first);
	generation_free(second);
	spec_table_free(table);
}

/* Of a target that stays, the next generation has the very one that the workers borrow. */
Test(targets, generations_share_targets)
{
	static const char text[] = "probes: { e: { type = \"echo\"; }; l: { type = \"look\"; %s }; };\n"
				   "targets: ( { name = \"a\"; address = \"::1\"; probes = [ \"e\", \"l\" ]; },\n"
				   "{ name = \"b\"; address = \"::%d\"; probes = [ \"e\" ]; labels = { x = \"%d\"; y = "
				   "\"2\"; }; } );\n";
	struct spec_table *table = spec_table_create();
	char *texts[] = {mem_format(text, "", 1, 1), mem_format(text, "depth = 9;", 1, 1), mem_format(text, "", 2, 1),
			 mem_format(text, "", 2, 3)};
	static const struct {
		bool is_same[3]; /* as in the generation before: a/e, a/l, b/e */
	} steps[] = {
		{{false, false, false}},
		{{true, false, true}},
		{{true, false, false}},
		{{true, true, false}},
	};
	struct generation *before = NULL;

	for (size_t i = 0; i < 4; i++) {
		struct generation *now = generation_create(good_config(texts[i]), NULL, table);
		struct target_plan plan;

		if (before) {
			generation_plan(now, before, &plan);
			for (size_t k = 0; k < 3; k++)
				cr_expect_eq(now->wanted.items[k].target == before->wanted.items[k].target,
					     steps[i].is_same[k], "step %zu, probe %zu", i, k);
			target_plan_free(&plan);
		}
		cr_expect_eq(now->config->targets[0].target, now->wanted.items[0].target);
		cr_expect_eq(now->config->targets[1].target, now->wanted.items[2].target);
		generation_free(before);
		before = now;
	}
	cr_expect_str_eq(before->wanted.items[2].target->labels[0].value, "3");
	generation_free(before);
	spec_table_free(table);
	for (size_t i = 0; i < 4; i++)
		mem_free(texts[i]);
}

Test(targets, of_many)
{
	enum { N = 50000 };
	struct desired_set before = empty_set(), after = empty_set();
	struct target_plan plan;

	for (size_t i = 0; i < N; i++) {
		char name[16];
		const struct wish wish = {.source = "c", .target = name, .probe = "p", .address = "::1"};

		snprintf(name, sizeof(name), "t%zu", i);
		if (i % 10 != 0)
			cr_assert_eq(add(&before, &wish, NULL), 0);
		if (i % 10 != 1)
			cr_assert_eq(add(&after, &wish, NULL), 0);
	}
	target_plan_make(&plan, &before, &after);
	cr_expect_eq(plan.counts[TARGET_ADDED], N / 10);
	cr_expect_eq(plan.counts[TARGET_REMOVED], N / 10);
	cr_expect_eq(plan.counts[TARGET_UNCHANGED], N - N / 10 * 2);
	target_plan_free(&plan);
	desired_set_free(&before);
	desired_set_free(&after);
}
