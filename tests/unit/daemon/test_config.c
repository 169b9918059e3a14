#include "config_fixture.h"

#include <unistd.h>

#include "daemon/pipeline.h"
#include "daemon/target.h"

/* What every probe of a target shows beside its type's own set; pipeline_sets has no histogram. */
static size_t common_series(void)
{
	size_t n = 0;

	for (size_t i = 0; pipeline_sets[i]; i++)
		n += pipeline_sets[i]->n;
	return n;
}

static const char whole[] =
	"# a comment\n"
	"agent:   { name = \"fra1\"; workers = 3; labels = { site = \"dc1\"; rack = \"r 7\"; }; latitude = 50.11;\n"
	"           timer_slot = 0.01; state_dir = \"/tmp\"; log_level = \"debug\"; log_format = \"json\";\n"
	"           resolver = \"192.0.2.1, [2001:db8::1]:53\"; };\n"
	"web:     { listen = [ \"127.0.0.1:9975\", \"[::1]:0\" ]; max_series = 5000L; };\n"
	"probes:  {\n"
	"  fast: { type = \"echo\"; interval = 1.; timeout = 0.25; size = 0x10; ratio = 1; limit = \"64 KiB\"; strict "
	"= true;\n"
	"          user = \"a\" \"b\"; password = \"p$$w\"; family = \"ipv6\"; codes = ( \"a,b\", \"c\" ); };\n"
	"  slow: { type = \"look\"; };\n"
	"};\n"
	"targets: (\n"
	"  { name = \"one\"; address = \"192.0.2.1\"; probes = [ \"fast\", \"slow\" ]; labels = { tier = \"dns\"; }; "
	"},\n"
	"  { address = \"https://shop.example/a?b=c\"; probes = ( \"slow\" ); depth = -5; },\n"
	"  { name = \"three\"; address = \"::1\"; probes = [ \"slow\", \"fast\" ]; interval = 3; password = \"other\"; "
	"}\n"
	");\n"
	"influx: ( { name = \"main\"; path = \"/tmp/lines\"; } );\n";

Test(config, reads_every_section)
{
	struct config *config = good_config(whole);
	const struct echo_settings *fast = config->probes[0].settings;
	const struct look_settings *slow = config->probes[1].settings;

	cr_expect_str_eq(config->file, "x.conf");
	cr_expect_str_eq(config->agent.name, "fra1");
	cr_expect_eq(config->agent.workers, 3);
	cr_expect_eq(config->agent.timer_slot_ns, 10000000);
	cr_expect_eq(config->agent.latitude, 50.11);
	cr_expect_eq(config->agent.longitude, 0);
	cr_expect_eq(config->agent.log_level, 0);
	cr_expect_eq(config->agent.log_format, 1);
	cr_expect_str_eq(config->agent.resolver, "192.0.2.1, [2001:db8::1]:53");
	cr_assert_eq(config->agent.labels.n, 2);
	cr_expect_str_eq(config->agent.labels.items[1].name, "rack");
	cr_expect_str_eq(config->agent.labels.items[1].value, "r 7");
	cr_assert_eq(config->web.listen.n, 2);
	cr_expect_str_eq(config->web.listen.items[1], "[::1]:0");
	cr_expect_eq(config->web.max_series, 5000);
	cr_assert_eq(config->nprobes, 2);
	cr_expect_eq(config->probes[0].type, &echo_type);
	cr_expect_eq(fast->interval_ns, 1000000000);
	cr_expect_eq(fast->timeout_ns, 250000000);
	cr_expect_eq(fast->size, 16);
	cr_expect_eq(fast->ratio, 1);
	cr_expect_eq(fast->limit_bytes, 65536);
	cr_expect(fast->strict);
	cr_expect_str_eq(fast->user, "ab");
	cr_expect_str_eq(fast->password, "p$w");
	cr_expect_eq(fast->family, 1);
	cr_assert_eq(fast->codes.n, 2);
	cr_expect_str_eq(fast->codes.items[0], "a,b", "a list in the file is not split at commas");
	cr_expect_eq(slow->depth, 3);
	cr_assert_eq(config->noutputs, 1);
	cr_expect_str_eq(config->outputs[0]->path, "/tmp/lines");
	config_free(config);
}

Test(config, gives_targets_their_own_settings)
{
	struct config *config = good_config(whole);
	const struct config_target *one = &config->targets[0], *two = &config->targets[1], *three = &config->targets[2];

	cr_assert_eq(config->ntargets, 3);
	cr_assert_eq(one->nassignments, 2);
	cr_expect_eq(one->assignments[0].probe, &config->probes[0]);
	cr_expect_eq(one->assignments[0].settings, config->probes[0].settings, "shared while nothing differs");
	cr_expect_eq(one->assignments[0].own_settings, NULL);
	cr_expect_str_eq(one->target->labels[0].value, "dns");
	cr_expect_str_eq(target_name(two->target), "https://shop.example/a?b=c",
			 "the name is the address when there is none");
	cr_expect_eq(((const struct look_settings *)two->assignments[0].settings)->depth, -5);
	cr_expect_eq(((const struct look_settings *)config->probes[1].settings)->depth, 3);
	cr_assert_eq(three->nassignments, 2);
	cr_expect_eq(((const struct look_settings *)three->assignments[0].settings)->interval_ns, 3000000000);
	cr_expect_eq(((const struct echo_settings *)three->assignments[1].settings)->interval_ns, 3000000000);
	cr_expect_str_eq(((const struct echo_settings *)three->assignments[1].settings)->password, "other");
	cr_expect_str_eq(((const struct echo_settings *)three->assignments[1].settings)->user, "ab");
	cr_expect_eq(((const struct look_settings *)three->assignments[0].settings)->depth, 3);
	config_free(config);
}

Test(config, has_defaults_for_everything)
{
	char host[256] = "";
	struct config *config = good_config("");

	gethostname(host, sizeof(host) - 1);
	cr_expect_str_eq(config->agent.name, host);
	cr_expect_eq(config->agent.workers, 0);
	cr_expect_eq(config->agent.timer_slot_ns, 5000000);
	cr_expect_eq(config->agent.resolver, NULL);
	cr_expect_str_eq(config->agent.state_dir, "/var/lib/netsonde");
	cr_expect_eq(config->agent.log_level, 1);
	cr_expect(config->web.listen.n > 0);
	cr_expect(config->web.max_series > 0);
	cr_expect_eq(config->ntargets, 0);
	cr_expect_eq(config->noutputs, 0);
	config_free(config);
}

Test(config, takes_a_comment_at_the_very_end_and_a_byte_order_mark)
{
	static const char *const texts[] = {"agent: { workers = 2; }; # end", "agent: { workers = 2; }; // end",
					    "\357\273\277agent: { workers = 2; };", "agent: { workers = 2; } /* x */",
					    "agent\r\n:\r\n{\r\nworkers=2\r\n}\r\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *config = good_config(texts[i]);

		cr_expect_eq(config->agent.workers, 2, "%s", texts[i]);
		config_free(config);
	}
}

Test(config, replaces_variables_in_texts)
{
	static const struct {
		const char *written, *expected;
	} rows[] = {
		{"${env:CONFIG_TEST}", "val$ue"},
		{"a${env:CONFIG_TEST}b${env:CONFIG_TEST}", "aval$uebval$ue"},
		{"$$", "$"},
		{"$$$$", "$$"},
		{"$${env:CONFIG_TEST}", "${env:CONFIG_TEST}"},
		{"cost: 5$", "cost: 5$"},
		{"$5", "$5"},
		{"${env:CONFIG_EMPTY}x", "x"},
		{"", ""},
	};

	/* What comes out of a variable is not looked at again. */
	setenv("CONFIG_TEST", "val$ue", 1);
	setenv("CONFIG_EMPTY", "", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_format("probes: { e: { type = \"echo\"; user = \"%s\"; }; };", rows[i].written);
		struct config *config = good_config(text);

		cr_expect_str_eq(((struct echo_settings *)config->probes[0].settings)->user, rows[i].expected);
		config_free(config);
		mem_free(text);
	}
}

Test(config, takes_variables_for_numbers_and_refuses_bad_bytes)
{
	struct config *config;
	char *errors;

	setenv("CONFIG_NUMBER", "2.5", 1);
	setenv("CONFIG_BYTES", "\xc3", 1);
	config = good_config("probes: { e: { type = \"echo\"; interval = \"${env:CONFIG_NUMBER}\"; }; };");
	cr_expect_eq(((struct echo_settings *)config->probes[0].settings)->interval_ns, 2500000000);
	config_free(config);
	errors = errors_of("agent: { name = \"${env:CONFIG_BYTES}\"; };");
	cr_expect_str_eq(errors, "x.conf:1: agent.name: the environment variable CONFIG_BYTES is not valid UTF-8\n");
	mem_free(errors);
}

/* --- showing ----------------------------------------------------------------------------------------------------- */

static char *shown(const struct config *config)
{
	struct text out = {0};

	config_show(config, &out);
	return text_take(&out);
}

Test(config, shows_what_it_would_read_again)
{
	struct config *config = good_config(whole), *again;
	char *first = shown(config), *second;

	again = good_config(first);
	second = shown(again);
	cr_expect_str_eq(first, second);
	cr_expect_eq(again->ntargets, 3);
	cr_expect_eq(((const struct look_settings *)again->targets[1].assignments[0].settings)->depth, -5);
	mem_free(first);
	mem_free(second);
	config_free(config);
	config_free(again);
}

Test(config, shows_changes_of_targets_once_and_no_secret)
{
	struct config *config = good_config(whole);
	char *text = shown(config);
	const char *third = strstr(text, "name = \"three\"");

	cr_assert(third != NULL);
	cr_expect(strstr(third, "\t  interval = 3;\n") != NULL);
	cr_expect(strstr(strstr(third, " interval = ") + 1, " interval = ") == NULL, "written once for both probes");
	cr_expect(strstr(third, "depth") == NULL, "only what differs");
	cr_expect(strstr(text, "password = \"<secret>\";") != NULL);
	cr_expect(strstr(text, "p$w") == NULL && strstr(text, "other") == NULL);
	mem_free(text);
	config_free(config);
}

Test(config, shows_texts_and_numbers_as_libconfig_reads_them)
{
	struct config *config = good_config("agent: { name = \"a\\\"b\\\\c\\n$$x\\x01\xc3\xa9\"; };\n"
					    "web: { max_series = 10000000L; };\n"
					    "probes: { l: { type = \"look\"; depth = 5000000000L; }; };");
	struct config *again;
	char *text = shown(config);

	cr_expect(strstr(text, "name = \"a\\\"b\\\\c\\x0a$$x\\x01\xc3\xa9\";") != NULL, "%s", text);
	cr_expect(strstr(text, "depth = 5000000000L;") != NULL, "%s", text);
	again = good_config(text);
	cr_expect_str_eq(again->agent.name, "a\"b\\c\n$x\x01\xc3\xa9");
	cr_expect_eq(((struct look_settings *)again->probes[0].settings)->depth, 5000000000);
	mem_free(text);
	config_free(config);
	config_free(again);
}

/* --- counting and warning ---------------------------------------------------------------------------------------- */

Test(config, counts_series)
{
	struct config *config = good_config(whole);

	/* echo: a histogram of 23, a text of none, four others; look: 1. */
	cr_expect_eq(config_count_series(config), 2 * (27 + common_series() + AVAILABILITY_SERIES) +
							  3 * (1 + common_series() + AVAILABILITY_SERIES));
	config_free(config);
	config = good_config("");
	cr_expect_eq(config_count_series(config), 0);
	config_free(config);
}

Test(config, warns_of_what_is_hardly_meant)
{
	static const struct {
		const char *text, *warnings;
	} rows[] = {
		{"", "x.conf: warning: targets: there are none, nothing is measured\n"},
		{"probes: { a: { type = \"look\"; }; b: { type = \"look\"; }; };\n"
		 "targets: ( { address = \"::1\"; probes = [ \"b\" ]; } );",
		 "x.conf: warning: probes.a: no target uses it\n"},
		{whole, ""},
	};
	struct text warnings = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = good_config(rows[i].text);

		text_clear(&warnings);
		config_warn(config, &warnings);
		cr_expect_str_eq(text_string(&warnings), rows[i].warnings);
		config_free(config);
	}
	text_free(&warnings);
}

Test(config, warns_when_series_will_not_fit)
{
	struct text warnings = {0};
	struct config *config = good_config(whole);

	config->web.max_series = 10;
	config_warn(config, &warnings);
	cr_expect(strstr(text_string(&warnings), "web.max_series: about ") != NULL);
	cr_expect(strstr(text_string(&warnings), "at most 10 are served\n") != NULL);
	text_free(&warnings);
	config_free(config);
}

/* --- size -------------------------------------------------------------------------------------------------------- */

Test(config, knows_lines_far_down)
{
	struct text text = {0};
	struct config *config;
	char *errors;

	text_add(&text, "probes: { l: { type = \"look\"; }; };\ntargets: (\n");
	for (int i = 0; i < 100000; i++)
		text_add_format(&text,
				"%s{ name = \"t%d\"; address = \"10.%d.%d.%d\"; probes = [ \"l\" ];\n depth = %d; }",
				i ? ",\n" : "", i, i >> 16, i >> 8 & 255, i & 255, i);
	text_add(&text, "\n);\n");
	config = good_config(text_string(&text));
	cr_expect_eq(config->ntargets, 100000);
	cr_expect_str_eq(target_name(config->targets[99999].target), "t99999");
	cr_expect_eq(((const struct look_settings *)config->targets[99999].assignments[0].settings)->depth, 99999);
	config_free(config);

	text_add(&text, "nonsense = 1;\n");
	errors = errors_of(text_string(&text));
	cr_expect_str_eq(errors, "x.conf:200004: nonsense: unknown key (netsonde reference options lists them)\n");
	mem_free(errors);
	text_free(&text);
}
