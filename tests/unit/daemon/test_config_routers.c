/*
 * The section "routers", and what targets may say besides: options of one type, and that they are parked.
 */
#include "probes/probe.h"

/* A type whose rows a catalogue describes. */
struct reader_settings {
	int64_t interval_ns;
	int64_t depth; /* look has one of this name */
	char *password, *password_file;
};
#define READER(kind, field) kind, offsetof(struct reader_settings, field)
static const struct option reader_options[] = {
	{"interval", READER(OPTION_SECONDS, interval_ns), 1, 3600, "5", NULL, "Time between runs"},
	{"depth", READER(OPTION_INTEGER, depth), 0, 0, "1", NULL, "How deep"},
	{"password", READER(OPTION_SECRET, password), 0, 0, NULL, NULL, "Whereby"},
	{"password_file", READER(OPTION_TEXT, password_file), 0, 0, NULL, NULL, "Where that is"},
};
static const struct measure reader_measures[] = {{"up", MEASURE_INTEGER, "Is there"}};
static const struct measure_set reader_set = {"reader", reader_measures, 1, NULL, "A router"};
static const struct measure_set *const reader_sets[] = {&reader_set, NULL};
static int reader_check(const void *settings, struct err *err)
{
	const struct reader_settings *reader = settings;

	if (reader->password && reader->password_file)
		return err_set(err, "password and password_file: only one of them can be");
	return 0;
}

static const struct probe_type reader_type = {
	.name = "reader",
	.help = "Reads a router",
	.options = reader_options,
	.noptions = 4,
	.settings_size = sizeof(struct reader_settings),
	.check = reader_check,
	.uses_catalogue = true,
	.sets = reader_sets,
};
#define CONFIG_FIXTURE_MORE &reader_type,
#include "config_fixture.h"

#include <unistd.h>

#include "daemon/endpoint.h"
#include "daemon/generation.h"
#include "daemon/shared_catalogue.h"
#include "daemon/spec.h"
#include "probes/routeros/catalogue.h"

#define SETS(name)                                                                                                     \
	"sets: { " name ": { help = \"Mine\"; tier = \"short\"; menus = ( { path = \"/my/menu\"; } ); "                \
	"keys = [ \"shelf=name\" ]; columns = ( { measure = \"value\"; kind = \"gauge\"; property = \"value\"; "       \
	"help = \"The value\"; } ); }; };\n"

/* --- files ------------------------------------------------------------------------------------------------------- */

static void enter_folder(void)
{
	char folder[] = "/tmp/netsonde-routers-XXXXXX";

	cr_assert(mkdtemp(folder) != NULL);
	cr_assert_eq(chdir(folder), 0);
}

static void leave_folder(void)
{
	char folder[4096];

	cr_assert(getcwd(folder, sizeof(folder)) != NULL);
	cr_assert_eq(strncmp(folder, "/tmp/netsonde-routers-", 22), 0);
	for (const char *const *name = (const char *const[]){"x.conf", "mine.conf", "more.conf", NULL}; *name; name++)
		unlink(*name);
	cr_assert_eq(chdir("/"), 0);
	cr_expect_eq(rmdir(folder), 0);
}

static void write_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");

	cr_assert_not_null(file);
	fputs(content, file);
	fclose(file);
}

static struct config *load(const char *content, struct text *errors)
{
	write_file("x.conf", content);
	return config_load("x.conf", errors);
}

static struct config *load_good(const char *content)
{
	struct text errors = {0};
	struct config *config = load(content, &errors);

	cr_assert(config != NULL, "%s", text_string(&errors));
	text_free(&errors);
	return config;
}

static const struct catalogue *catalogue_of(const struct config *config)
{
	return shared_catalogue_of(config->catalogue);
}

TestSuite(config_routers, .init = enter_folder, .fini = leave_folder);

#define READER_PROBE "probes: { r: { type = \"reader\"; }; };\n"

Test(config_routers, a_catalogue_is_loaded_when_somebody_wants_it)
{
	static const struct {
		const char *config;
		bool is_loaded, has_builtin, has_mine;
	} rows[] = {
		{"", false, false, false},
		{"probes: { e: { type = \"echo\"; }; };\n", false, false, false},
		{"routers: {};\n", false, false, false},
		{READER_PROBE, true, true, false},
		{"routers: { catalogues = [ \"mine.conf\" ]; };\n", true, true, true},
		{"routers: { catalogues = [ \"mine.conf\" ]; builtin_catalogue = false; };\n" READER_PROBE, true, false,
		 true},
	};

	write_file("mine.conf", SETS("mine"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = load_good(rows[i].config);
		const struct catalogue *catalogue = catalogue_of(config);

		cr_expect_eq(catalogue != NULL, rows[i].is_loaded, "row %zu", i);
		if (catalogue) {
			cr_expect_eq(catalogue_find(catalogue, "interface") != NULL, rows[i].has_builtin, "row %zu", i);
			cr_expect_eq(catalogue_find(catalogue, "mine") != NULL, rows[i].has_mine, "row %zu", i);
		}
		config_free(config);
	}
}

Test(config_routers, files_are_seen_from_the_folder_of_the_configuration)
{
	struct text errors = {0};
	struct config *config;
	char folder[4096], *file;

	write_file("mine.conf", SETS("mine"));
	write_file("x.conf", "routers: { catalogues = [ \"mine.conf\" ]; };\n");
	cr_assert(getcwd(folder, sizeof(folder)) != NULL);
	file = mem_format("%s/x.conf", folder);
	cr_assert_eq(chdir("/"), 0);
	config = config_load(file, &errors);
	cr_expect(config != NULL, "%s", text_string(&errors));
	cr_assert_eq(chdir(folder), 0);
	config_free(config);
	mem_free(file);
	text_free(&errors);
}

Test(config_routers, what_is_wrong_with_a_file_is_told_with_its_line)
{
	struct text errors = {0};

	write_file("mine.conf", "\nsets: {\n mine: { help = \"x\"; tier = \"shrt\"; };\n};\n");
	cr_assert_null(load("routers: { catalogues = [ \"mine.conf\", \"more.conf\" ]; };\n", &errors));
	cr_expect(strstr(text_string(&errors), "mine.conf:3: sets.mine.tier: must be one of") != NULL, "%s",
		  text_string(&errors));
	cr_expect(strstr(text_string(&errors), "more.conf: cannot open: No such file or directory\n") != NULL, "%s",
		  text_string(&errors));
	text_free(&errors);
}

Test(config_routers, unknown_keys)
{
	struct text errors = {0};

	cr_assert_null(load("routers: { catalogs = [ ]; };\n", &errors));
	cr_expect_str_eq(text_string(&errors), "x.conf:1: routers.catalogs: unknown key, did you mean catalogues?\n");
	text_free(&errors);
}

Test(config_routers, a_text_reads_no_files)
{
	struct config *config = good_config("routers: { catalogues = [ \"/no/such/file\" ]; };\n");

	cr_expect_not_null(catalogue_of(config));
	config_free(config);
}

/* A label that rows of the catalogue have would be there twice. */
Test(config_routers, labels_of_rows_are_reserved)
{
	struct text errors = {0};
	struct config *config;

	write_file("mine.conf", SETS("mine"));
	cr_assert_null(
		load("routers: { catalogues = [ \"mine.conf\" ]; };\n" READER_PROBE
		     "targets: ( { address = \"192.0.2.1\"; probes = [ \"r\" ]; labels = { shelf = \"x\"; }; } );\n",
		     &errors));
	cr_expect_str_eq(text_string(&errors),
			 "x.conf:3: targets[0].labels.shelf: this label name is reserved: rows of "
			 "probe type reader have it\n");
	text_free(&errors);
	/* Nobody is there whose rows would have it. */
	config = load_good(
		"routers: { catalogues = [ \"mine.conf\" ]; };\n"
		"probes: { e: { type = \"echo\"; }; r: { type = \"reader\"; }; };\n"
		"targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; labels = { shelf = \"x\"; }; } );\n"
		"target_files: ( { path = \"a.json\"; probes = [ \"e\" ]; labels = { shelf = \"x\"; }; },\n"
		"{ path = \"b.json\"; probes = [ \"e\", \"r\" ]; } );\n");
	cr_expect_not(config_is_reserved_label(config, &config->target_files[0].common, "shelf"));
	cr_expect(config_is_reserved_label(config, &config->target_files[1].common, "shelf"));
	cr_expect_not(config_is_reserved_label(config, &config->target_files[1].common, "shelves"));
	cr_expect(config_is_reserved_label(config, &config->target_files[1].common, "hop"));
	config_free(config);
}

Test(config_routers, series_of_data_sets_are_expected)
{
	struct config *bare, *mine;

	write_file("mine.conf", SETS("mine"));
	bare = load_good("probes: { e: { type = \"echo\"; }; };\n");
	mine = load_good("routers: { catalogues = [ \"mine.conf\" ]; builtin_catalogue = false; };\n" READER_PROBE);
	cr_expect_gt(config_count_series_of(mine, &reader_type), config_count_series_of(bare, &reader_type));
	config_free(bare);
	config_free(mine);
}

Test(config_routers, is_shown_as_it_is_read)
{
	struct config *config;
	struct text shown = {0}, again = {0};

	write_file("mine.conf", SETS("mine"));
	config = load_good("routers: { catalogues = [ \"mine.conf\" ]; builtin_catalogue = false; };\n");
	config_show(config, &shown);
	cr_expect(strstr(text_string(&shown), "routers: {\n\tcatalogues = [ \"") != NULL, "%s", text_string(&shown));
	cr_expect(strstr(text_string(&shown), "/mine.conf\" ];\n\tbuiltin_catalogue = false;\n};\n") != NULL ||
			  strstr(text_string(&shown), "\"mine.conf\" ];\n\tbuiltin_catalogue = false;\n};\n") != NULL,
		  "%s", text_string(&shown));
	config_free(config);
	config = load_good(text_string(&shown));
	config_show(config, &again);
	cr_expect_str_eq(text_string(&again), text_string(&shown));
	config_free(config);
	text_free(&shown);
	text_free(&again);
}

Test(config_routers, from_the_environment)
{
	struct config *config;

	write_file("mine.conf", SETS("mine"));
	setenv("NETSONDE_ROUTERS_CATALOGUES", "mine.conf", 1);
	config = load_good("");
	cr_expect_not_null(catalogue_find(catalogue_of(config), "mine"));
	config_free(config);
}

/* --- what a reload makes of it ----------------------------------------------------------------------------------- */

#define TARGETS "targets: ( { address = \"192.0.2.1\"; probes = [ \"r\", \"e\" ]; } );\n"
#define PROBES  "probes: { r: { type = \"reader\"; }; e: { type = \"echo\"; }; };\n"

/* From one configuration to the next: the number of probes that begin anew. */
static size_t restarts(struct spec_table *specs, struct generation **current, const char *content)
{
	struct generation *next = generation_create(load_good(content), NULL, specs);
	struct target_plan plan;
	size_t n;

	generation_plan(next, *current, &plan);
	n = plan.counts[TARGET_RESTARTED];
	cr_expect_eq(n + plan.counts[TARGET_UNCHANGED], 2);
	target_plan_free(&plan);
	generation_free(*current);
	*current = next;
	return n;
}

static const struct catalogue *used_catalogue(const struct generation *generation)
{
	return shared_catalogue_of(generation->wanted.items[0].spec->catalogue);
}

Test(config_routers, other_contents_restart_the_probes_that_use_them)
{
	static const char content[] = "routers: { catalogues = [ \"mine.conf\" ]; };\n" PROBES TARGETS;
	struct spec_table *specs = spec_table_create();
	struct generation *current;
	const struct catalogue *first;

	write_file("mine.conf", SETS("mine"));
	write_file("more.conf", SETS("more"));
	current = generation_create(load_good(content), NULL, specs);
	first = used_catalogue(current);
	cr_assert_not_null(catalogue_find(first, "mine"));
	cr_expect_null(current->wanted.items[1].spec->catalogue, "echo has nothing to do with it");
	/* The same text again: the catalogue of before goes on, whatever becomes of the configuration it came with. */
	cr_expect_eq(restarts(specs, &current, content), 0);
	cr_expect_eq(used_catalogue(current), first);
	cr_expect_not_null(catalogue_find(used_catalogue(current), "mine"));

	write_file("mine.conf", SETS("others"));
	cr_expect_eq(restarts(specs, &current, content), 1);
	cr_expect_not_null(catalogue_find(used_catalogue(current), "others"));
	cr_expect_null(catalogue_find(used_catalogue(current), "mine"));

	/* What is included counts as well. */
	write_file("mine.conf", "@include \"more.conf\"\n");
	cr_expect_eq(restarts(specs, &current, content), 1);
	cr_expect_not_null(catalogue_find(used_catalogue(current), "more"));
	write_file("more.conf", SETS("still_more"));
	cr_expect_eq(restarts(specs, &current, content), 1);
	cr_expect_eq(restarts(specs, &current, PROBES TARGETS), 1, "without files");
	cr_expect_eq(restarts(specs, &current, "routers: {};\n" PROBES TARGETS), 0);
	generation_free(current);
	cr_expect_eq(spec_table_count(specs), 0);
	spec_table_free(specs);
}

Test(config_routers, sharing)
{
	struct shared_catalogue *one = shared_catalogue_create(catalogue_create()), *other;
	struct catalogue *catalogue = catalogue_create();

	catalogue->text_hash = 7;
	other = shared_catalogue_create(catalogue);
	cr_expect(shared_catalogue_is_equal(NULL, NULL));
	cr_expect_not(shared_catalogue_is_equal(one, NULL));
	cr_expect_not(shared_catalogue_is_equal(NULL, one));
	cr_expect_not(shared_catalogue_is_equal(one, other));
	cr_expect(shared_catalogue_is_equal(one, one));
	cr_expect_eq(shared_catalogue_hash(other), 7);
	cr_expect_eq(shared_catalogue_hash(NULL), 0);
	cr_expect_null(shared_catalogue_of(NULL));
	cr_expect_null(shared_catalogue_hold(NULL));
	cr_expect_eq(shared_catalogue_hold(other), other);
	shared_catalogue_release(other);
	cr_expect_eq(shared_catalogue_of(other), catalogue);
	shared_catalogue_release(other);
	shared_catalogue_release(one);
	shared_catalogue_release(NULL);
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

#define THREE "probes: { e: { type = \"echo\"; }; l: { type = \"look\"; }; r: { type = \"reader\"; }; };\n"

static const struct reader_settings *reader_of(const struct config *config, size_t target, size_t probe)
{
	return config->targets[target].assignments[probe].settings;
}

Test(config_targets, options_of_one_type_stand_in_its_group)
{
	struct config *config = good_config(
		THREE
		"targets: ( { address = \"192.0.2.1\"; probes = [ \"r\", \"l\" ]; reader: { depth = 9; password = "
		"\"secret\"; }; interval = 7; } );\n");
	const struct look_settings *look = config->targets[0].assignments[1].settings;

	cr_expect_eq(reader_of(config, 0, 0)->depth, 9);
	cr_expect_str_eq(reader_of(config, 0, 0)->password, "secret");
	cr_expect_eq(reader_of(config, 0, 0)->interval_ns, INT64_C(7000000000));
	cr_expect_eq(look->depth, 3, "it has an option of this name, too");
	cr_expect_eq(look->interval_ns, INT64_C(7000000000));
	config_free(config);
}

Test(config_targets, groups_of_types_are_shown_as_they_are_read)
{
	struct config *config = good_config(
		THREE
		"targets: ( { name = \"a\"; address = \"192.0.2.1\"; probes = [ \"r\", \"l\", \"e\" ]; reader: { "
		"depth = 9; interval = 8; }; ratio = 0.25; },\n"
		"{ name = \"b\"; address = \"192.0.2.2\"; probes = [ \"r\", \"l\" ]; depth = 4; password = \"x\"; "
		"enabled = false; } );\n");
	struct text shown = {0}, again = {0};

	config_show(config, &shown);
	cr_expect(strstr(text_string(&shown), "\t  ratio = 0.25;\n\t  reader = {\n\t    interval = 8.0;\n\t    depth = "
					      "9;\n\t  };\n") != NULL ||
			  strstr(text_string(&shown),
				 "\t  ratio = 0.25;\n\t  reader = {\n\t    interval = 8;\n\t    depth "
				 "= 9;\n\t  };\n") != NULL,
		  "%s", text_string(&shown));
	cr_expect(strstr(text_string(&shown), "\t  enabled = false;\n") != NULL, "%s", text_string(&shown));
	cr_expect(strstr(text_string(&shown), "\t  depth = 4;\n\t  password = \"<secret>\";\n") != NULL, "%s",
		  text_string(&shown));
	config_free(config);
	config = good_config(text_string(&shown));
	cr_expect_eq(reader_of(config, 0, 0)->depth, 9);
	cr_expect_eq(((const struct look_settings *)config->targets[0].assignments[1].settings)->depth, 3);
	config_show(config, &again);
	cr_expect_str_eq(text_string(&again), text_string(&shown));
	config_free(config);
	text_free(&shown);
	text_free(&again);
}

/* A file that is read only when it is needed. */
Test(config_targets, a_password_of_its_own_or_its_file)
{
	struct config *config = good_config(
		"probes: { r: { type = \"reader\"; password_file = \"secrets/all\"; }; s: { type = \"reader\"; "
		"password = "
		"\"x\"; }; };\n"
		"targets: ( { address = \"192.0.2.1\"; probes = [ \"r\", \"s\" ]; password = \"mine\"; },\n"
		"{ address = \"192.0.2.2\"; probes = [ \"r\", \"s\" ]; reader: { password_file = \"/run/mine\"; }; },\n"
		"{ address = \"192.0.2.3\"; probes = [ \"r\" ]; } );\n");

	for (size_t i = 0; i < 2; i++) {
		cr_expect_str_eq(reader_of(config, 0, i)->password, "mine");
		cr_expect_null(reader_of(config, 0, i)->password_file);
		cr_expect_null(reader_of(config, 1, i)->password);
		cr_expect_str_eq(reader_of(config, 1, i)->password_file, "/run/mine");
	}
	cr_expect_null(reader_of(config, 2, 0)->password);
	cr_expect_str_eq(reader_of(config, 2, 0)->password_file, "secrets/all");
	config_free(config);
}

Test(config_routers, files_of_passwords_are_seen_from_the_folder_of_the_configuration)
{
	struct text errors = {0};
	struct config *config;
	char folder[4096], *file, *path;

	write_file("x.conf", "probes: { r: { type = \"reader\"; password_file = \"secret\"; }; };\n");
	cr_assert(getcwd(folder, sizeof(folder)) != NULL);
	file = mem_format("%s/x.conf", folder);
	path = mem_format("%s/secret", folder);
	config = config_load(file, &errors);
	cr_assert(config != NULL, "%s", text_string(&errors));
	cr_expect_str_eq(((const struct reader_settings *)config->probes[0].settings)->password_file, path);
	config_free(config);
	mem_free(file);
	mem_free(path);
	text_free(&errors);
}

Test(config_targets, errors)
{
	static const struct {
		const char *target, *error;
	} rows[] = {
		{"probes = [ \"e\" ]; reader: { depth = 1; };",
		 "x.conf:2: targets[0].reader: none of the target's probes is of type reader\n"},
		{"probes = [ \"r\" ]; reader: { size = 1; };",
		 "x.conf:2: targets[0].reader.size: unknown key (netsonde reference options lists them)\n"},
		{"probes = [ \"r\" ]; reader: { dept = 1; };",
		 "x.conf:2: targets[0].reader.dept: unknown key, did you mean depth?\n"},
		{"probes = [ \"r\" ]; reader: { interval = 0; };",
		 "x.conf:2: targets[0].reader.interval: must be between 1 and 3600 seconds\n"},
		{"probes = [ \"r\" ]; reader = 3;",
		 "x.conf:2: targets[0].reader: unknown key (netsonde reference options lists them)\n"},
		{"probes = [ \"e\" ]; echo: { timeout = 2; };",
		 "x.conf:2: targets[0]: probe e: timeout must not be longer than interval\n"},
		{"probes = [ \"r\" ]; password = \"x\"; password_file = \"y\";",
		 "x.conf:2: targets[0]: probe r: password and password_file: only one of them can be\n"},
		{"probes = [ \"r\" ]; enabled = 0;", "x.conf:2: targets[0].enabled: must be true or false\n"},
		{"probes = [ \"r\" ]; enabled = false; interval = 0;",
		 "x.conf:2: targets[0].interval: must be between 1 and 3600 seconds\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_format(THREE "targets: ( { address = \"192.0.2.1\"; %s } );\n", rows[i].target);
		char *errors = errors_of(text);

		cr_expect_str_eq(errors, rows[i].error, "row %zu", i);
		mem_free(errors);
		mem_free(text);
	}
}

/* What each target says for itself need not stand in the probe. */
Test(config_targets, a_probe_may_leave_it_to_its_targets)
{
	static const char probes[] = "probes: { e: { type = \"echo\"; timeout = 2; }; };\n";
	static const struct {
		const char *targets, *errors;
	} rows[] = {
		{"targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; interval = 3; } );\n", ""},
		{"target_files: ( { path = \"a\"; probes = [ \"e\" ]; interval = 3; } );\n", ""},
		{"", "x.conf:1: probes.e: timeout must not be longer than interval\n"},
		{"targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; interval = 3; },\n"
		 "{ address = \"192.0.2.2\"; probes = [ \"e\" ]; } );\n",
		 "x.conf:1: probes.e: timeout must not be longer than interval\n"},
		{"targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; interval = 3; } );\n"
		 "target_files: ( { path = \"a\"; probes = [ \"e\" ]; } );\n",
		 "x.conf:1: probes.e: timeout must not be longer than interval\n"},
		{"targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; size = 3; } );\n",
		 "x.conf:2: targets[0]: probe e: timeout must not be longer than interval\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_format("%s%s", probes, rows[i].targets), *errors = errors_of(text);

		cr_expect_str_eq(errors, rows[i].errors, "row %zu", i);
		mem_free(errors);
		mem_free(text);
	}
}

Test(config_targets, what_is_left_to_targets_is_no_module)
{
	struct config *config =
		good_config("probes: { e: { type = \"echo\"; timeout = 2; }; f: { type = \"echo\"; }; };\n"
			    "targets: ( { address = \"192.0.2.1\"; probes = [ \"e\" ]; interval = 3; } );\n");
	const struct module *module = endpoint_find(config->endpoint, "e");

	cr_assert_not_null(module);
	cr_expect_null(module->type);
	cr_expect_str_eq(module->refused, "it is for targets that say more: timeout must not be longer than interval");
	cr_expect_null(endpoint_find(config->endpoint, "f")->refused);
	config_free(config);
}

/* It is known and shown, and nothing more. */
Test(config_targets, parked_ones_are_not_measured)
{
	struct spec_table *specs = spec_table_create();
	struct desired_set set = {.specs = specs};
	struct text warnings = {0};
	struct config *config = good_config(
		THREE
		"targets: ( { name = \"a\"; address = \"192.0.2.1\"; probes = [ \"e\", \"l\" ]; enabled = false; },\n"
		"{ name = \"b\"; address = \"192.0.2.2\"; probes = [ \"e\", \"l\" ]; enabled = true; },\n"
		"{ name = \"c\"; address = \"192.0.2.3\"; probes = [ \"r\" ]; enabled = false; } );\n");
	struct config *enabled =
		good_config(THREE "targets: ( { address = \"192.0.2.2\"; probes = [ \"e\", \"l\" ]; } );\n");

	cr_expect_eq(config_count_parked(config), 2);
	cr_expect_eq(config_count_series(config), config_count_series(enabled));
	desired_set_add_config(&set, config);
	cr_assert_eq(set.n, 2);
	cr_expect_str_eq(target_name(set.items[0].target), "b");
	cr_expect_eq(desired_set_count_targets(&set), 1);
	config_warn(config, &warnings);
	cr_expect_str_eq(text_string(&warnings), "", "a probe of a parked target is used");
	desired_set_free(&set);
	spec_table_free(specs);
	config_free(config);
	config_free(enabled);
	text_free(&warnings);
}

/* Parked, measured again, and its neighbours all the while. */
Test(config_targets, parking_in_a_reload)
{
	static const char *const contents[] = {"false", "true", "false"};
	static const size_t added[] = {0, 1, 0}, removed[] = {0, 0, 1};
	struct spec_table *specs = spec_table_create();
	struct generation *current = NULL;

	for (size_t i = 0; i < 3; i++) {
		char *text = mem_format(
			THREE
			"targets: ( { name = \"a\"; address = \"192.0.2.1\"; probes = [ \"e\" ]; enabled = %s; },\n"
			"{ name = \"b\"; address = \"192.0.2.2\"; probes = [ \"e\" ]; } );\n",
			contents[i]);
		struct generation *next = generation_create(good_config(text), NULL, specs);
		struct target_plan plan;

		mem_free(text);
		if (current) {
			generation_plan(next, current, &plan);
			cr_expect_eq(plan.counts[TARGET_ADDED], added[i]);
			cr_expect_eq(plan.counts[TARGET_REMOVED], removed[i]);
			cr_expect_eq(plan.counts[TARGET_UNCHANGED], 1);
			cr_expect_eq(next->config->targets[1].target, next->wanted.items[next->wanted.n - 1].target);
			target_plan_free(&plan);
		}
		generation_free(current);
		current = next;
	}
	generation_free(current);
	spec_table_free(specs);
}
