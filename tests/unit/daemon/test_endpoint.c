#include "config_fixture.h"
#include "core/destination.h"
#include "daemon/endpoint.h"
#include "probes/engine.h"

static const char example[] = "probe_endpoint: { allow = [ \"10.0.0.0/8\", \"127.0.0.1:80\" ]; deny = [ \":25\" ]; "
			      "max_concurrent = 7; };\n"
			      "probes: { p: { type = \"echo\"; timeout = 0.3; password = \"hidden\"; }; "
			      "q: { type = \"look\"; }; };\n";

Test(endpoint, own_probes_are_modules)
{
	struct config *config = good_config(example);
	const struct module *p = endpoint_find(config->endpoint, "p"), *q = endpoint_find(config->endpoint, "q");

	cr_assert(p && q);
	cr_expect_null(endpoint_find(config->endpoint, "r"));
	cr_expect_str_eq(p->name, "p");
	cr_expect_eq(p->type, &echo_type);
	cr_expect_neq(p->settings, config->probes[0].settings);
	cr_expect_eq(p->timeout_ns, 300000000);
	cr_expect_eq(q->timeout_ns, 0, "a type without that option");
	cr_expect(strstr(p->shown, "type = \"echo\""), "%s", p->shown);
	cr_expect(strstr(p->shown, "password = \"<secret>\""), "%s", p->shown);
	cr_expect_null(strstr(p->shown, "hidden"));
	config_free(config);
}

Test(endpoint, outlives_its_configuration)
{
	struct config *config = good_config(example);
	struct endpoint *endpoint = endpoint_hold(config->endpoint);
	const struct gatekeeper *gatekeeper = endpoint_gatekeeper(endpoint);
	struct address address;
	struct err why = {0};

	config_free(config);
	cr_expect_eq(endpoint_settings(endpoint)->max_concurrent, 7);
	cr_expect_str_eq(((const struct echo_settings *)endpoint_find(endpoint, "p")->settings)->password, "hidden");
	address_parse("10.0.0.1", &address);
	cr_expect(gatekeeper->permits(gatekeeper->context, "x", &address, 80, &why), "%s", why.text);
	cr_expect_not(gatekeeper->permits(gatekeeper->context, "x", &address, 25, &why));
	cr_expect_str_eq(why.text, "10.0.0.1:25 (x) is refused: the rule \":25\" of probe_endpoint.deny");
	address_parse("127.0.0.1", &address);
	cr_expect(gatekeeper->permits(gatekeeper->context, "x", &address, 80, &why));
	cr_expect_not(gatekeeper->permits(gatekeeper->context, "x", &address, 81, &why));
	cr_expect(destination_is_permitted(endpoint_rules(endpoint),
					   &(struct destination){"x", NULL, DESTINATION_UNKNOWN_PORT, false}, &why));
	endpoint_release(endpoint);
	endpoint_release(NULL);
}

static struct modules more_modules(const char *first, const char *second)
{
	struct modules modules = {mem_zero(2, sizeof(struct module)), 2};

	modules.items[0] =
		(struct module){.name = mem_copy_string(first), .shown = mem_copy_string("first:\n  a: b\n")};
	modules.items[1] = (struct module){.name = mem_copy_string(second),
					   .refused = mem_copy_string("prober grpc is not supported")};
	return modules;
}

Test(endpoint, has_the_modules_of_a_file)
{
	struct config *config = good_config(example);
	const struct endpoint_plan plan = {&config->probe_endpoint, config->probes, config->nprobes, NULL};
	struct modules modules = more_modules("http_2xx", "grpc");
	struct text shown = {0};
	struct err err = {0};
	struct endpoint *endpoint = endpoint_create(&plan, &modules, &err);

	cr_assert(endpoint, "%s", err.text);
	cr_expect_eq(modules.n, 0, "passed");
	cr_expect_str_eq(endpoint_find(endpoint, "grpc")->refused, "prober grpc is not supported");
	cr_expect_str_eq(endpoint_find(endpoint, "http_2xx")->name, "http_2xx");
	cr_expect_str_eq(endpoint_find(endpoint, "q")->name, "q");
	endpoint_show(endpoint, &shown);
	cr_expect_str_eq(text_string(&shown),
			 "# modules of probe_endpoint.blackbox_config:\n# first:\n#   a: b\n# grpc\n"
			 "# (not available: prober grpc is not supported)\n");
	text_free(&shown);
	endpoint_release(endpoint);
	config_free(config);
}

Test(endpoint, names_stand_for_one_module)
{
	struct config *config = good_config(example);
	const struct endpoint_plan plan = {&config->probe_endpoint, config->probes, config->nprobes, NULL};
	struct modules modules = more_modules("a", "q");
	struct err err = {0};

	cr_expect_null(endpoint_create(&plan, &modules, &err));
	cr_expect_str_eq(err.text, "its module \"q\" has the name of an entry of section probes: both would be "
				   "module=q, so rename one of them");
	cr_expect_eq(modules.n, 2, "still the caller's");
	modules_free(&modules);
	config_free(config);
}

Test(endpoint, rules_are_checked)
{
	struct config_endpoint settings = {0};
	char *bad[] = {(char[]){":x"}};
	const struct endpoint_plan plan = {&settings, NULL, 0, NULL};
	struct modules modules = {0};
	struct err err = {0};

	settings.deny = (struct option_list){bad, 1};
	cr_expect_null(endpoint_create(&plan, &modules, &err));
	cr_expect_eq(strncmp(err.text, "deny: ", 6), 0, "%s", err.text);
}

Test(endpoint, errors_of_the_section)
{
	char *errors =
		errors_of("probe_endpoint: {\n allow = [ \"10.0.0.1/8\", \"*.example.com\" ];\n deny = [ \":0\" ];\n "
			  "max_concurent = 1;\n rate = -1; };\n");

	cr_expect(strstr(errors, "x.conf:2: probe_endpoint.allow: \"10.0.0.1/8\": has bits behind the first 8"), "%s",
		  errors);
	cr_expect(strstr(errors, "x.conf:3: probe_endpoint.deny: \":0\": "), "%s", errors);
	cr_expect(strstr(errors, "x.conf:4: probe_endpoint.max_concurent: unknown key, did you mean max_concurrent?"),
		  "%s", errors);
	cr_expect(strstr(errors, "x.conf:5: probe_endpoint.rate: "), "%s", errors);
	mem_free(errors);
}

Test(endpoint, is_shown)
{
	struct config *config = good_config(example), *again;
	struct text shown = {0};

	config_show(config, &shown);
	cr_expect(strstr(text_string(&shown), "probe_endpoint: {\n\tenabled = true;\n\tallow = [ \"10.0.0.0/8\", "
					      "\"127.0.0.1:80\" ];\n\tdeny = [ \":25\" ];\n\tmax_concurrent = 7;\n"),
		  "%s", text_string(&shown));
	again = good_config(text_string(&shown));
	cr_expect_eq(again->probe_endpoint.max_concurrent, 7);
	config_free(again);
	config_free(config);
	text_free(&shown);
}

/* A configuration without targets that serves requests has nothing to be warned of. */
Test(endpoint, warnings)
{
	static const struct {
		const char *string;
		bool has_warning;
	} cases[] = {
		{"probes: { p: { type = \"echo\"; }; };", false},
		{"probe_endpoint: { blackbox_config = \"b.yml\"; };", false},
		{"", true},
		{"probe_endpoint: { enabled = false; }; probes: { p: { type = \"echo\"; }; };", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config = good_config(cases[i].string);
		struct text warnings = {0};

		config_warn(config, &warnings);
		cr_expect_eq(warnings.length > 0, cases[i].has_warning, "%s: %s", cases[i].string,
			     text_string(&warnings));
		text_free(&warnings);
		config_free(config);
	}
}
