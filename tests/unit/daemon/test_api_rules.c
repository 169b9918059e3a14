#include "config_fixture.h"
#include "core/destination.h"
#include "daemon/api_rules.h"

#define KEY_A "aaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbb"

static const char example[] =
	"api: { enabled = true; allow_hosts = [ \"10.0.0.0/8\" ]; deny_hosts = [ \"10.9.0.0/16\" ]; rate = 7;\n"
	"cors_origins = [ \"https://noc.example\" ];\n"
	"keys = ( { name = \"noc\"; key = \"" KEY_A "\"; role = \"operate\"; rate = 3; burst = 4; },\n"
	"{ name = \"view\"; key = \"" KEY_B "\"; } ); };\n";

static bool permits(const struct api_rules *rules, const char *host)
{
	struct address address;
	struct err why = {0};

	address_parse(host, &address);
	return destination_is_permitted(api_rules_destinations(rules),
					&(struct destination){host, &address, 8728, false}, &why);
}

Test(api_rules, keys_and_hosts)
{
	struct config *config = good_config(example);
	struct api_rules *rules = api_rules_hold(config->api_rules);
	struct err why = {0};
	struct address address;
	size_t i = 99;

	config_free(config);
	cr_expect(api_rules_settings(rules)->is_enabled);
	cr_expect_eq(api_rules_settings(rules)->rate, 7);
	cr_expect_eq(api_rules_nkeys(rules), 2);
	cr_expect(api_rules_find_key(rules, KEY_B, &i) && i == 1);
	cr_expect_eq(api_rules_key(rules, i)->role, API_ROLE_READ);
	cr_expect_eq(api_rules_key(rules, i)->rate, 100);
	cr_expect(api_rules_find_key(rules, KEY_A, &i) && i == 0);
	cr_expect_str_eq(api_rules_key(rules, i)->name, "noc");
	cr_expect_eq(api_rules_key(rules, i)->role, API_ROLE_OPERATE);
	cr_expect_eq(api_rules_key(rules, i)->rate, 3);
	cr_expect_eq(api_rules_key(rules, i)->burst, 4);
	cr_expect_not(api_rules_find_key(rules, "", &i));
	cr_expect_not(api_rules_find_key(rules, KEY_A "a", &i));
	cr_expect_not(api_rules_find_key(rules, "aaaaaaaaaaaaaaa", &i));
	cr_expect(permits(rules, "10.0.0.1"));
	cr_expect_not(permits(rules, "10.9.0.1"));
	cr_expect_not(permits(rules, "192.0.2.1"));
	address_parse("10.9.0.1", &address);
	destination_is_permitted(api_rules_destinations(rules), &(struct destination){"x", &address, 8728, false},
				 &why);
	cr_expect(strstr(why.text, "api.deny_hosts"), "%s", why.text);
	cr_expect(api_rules_permits_origin(rules, "https://noc.example"));
	cr_expect(api_rules_permits_origin(rules, "HTTPS://NOC.example"));
	cr_expect_not(api_rules_permits_origin(rules, "http://noc.example"));
	cr_expect_not(api_rules_permits_origin(rules, "https://noc.example.org"));
	cr_expect_not(api_rules_permits_origin(rules, "null"));
	api_rules_release(rules);
	api_rules_release(NULL);
}

Test(api_rules, nothing_is_permitted_by_default)
{
	struct config *config = good_config("");

	cr_expect_not(api_rules_settings(config->api_rules)->is_enabled);
	cr_expect_null(api_rules_destinations(config->api_rules));
	cr_expect_eq(api_rules_nkeys(config->api_rules), 0);
	cr_expect_not(api_rules_permits_origin(config->api_rules, "https://noc.example"));
	config_free(config);
	config = good_config("api: { deny_hosts = [ \"10.0.0.0/8\" ]; cors_origins = [ \"*\" ]; };\n");
	cr_expect_null(api_rules_destinations(config->api_rules), "a denial permits nobody else");
	cr_expect(api_rules_permits_origin(config->api_rules, "null"));
	config_free(config);
}

Test(api_rules, keys_are_not_shown)
{
	struct config *config = good_config(example);
	struct text shown = {0}, errors = {0};
	struct config *again;

	config_show(config, &shown);
	cr_expect_null(strstr(text_string(&shown), KEY_A));
	cr_expect(strstr(text_string(&shown), "name = \"noc\";\n\t\tkey = \"<secret>\";\n\t\trole = \"operate\";"),
		  "%s", text_string(&shown));
	cr_expect_str_eq(config->api_keys[0]->key, "", "nobody needs it any more");
	again = config_load_string(text_string(&shown), "again", &errors);
	cr_expect_null(again, "what is shown has no keys");
	cr_expect(strstr(text_string(&errors), "shorter than 16"), "%s", text_string(&errors));
	text_free(&errors);
	text_free(&shown);
	config_free(config);
}

Test(api_rules, errors)
{
	static const struct {
		const char *section, *error;
	} cases[] = {
		{"keys = ( { key = \"" KEY_A "\"; } );", "api.keys[0]: name: is missing"},
		{"keys = ( { name = \"a b\"; key = \"" KEY_A "\"; } );",
		 "api.keys[0]: name: must have at most 64 letters"},
		{"keys = ( { name = \"a\"; } );", "api.keys[0]: key_file: is missing: name a file whose first line"},
		{"keys = ( { name = \"a\"; key = \"short\"; } );", "api.keys[0]: key: is shorter than 16 characters"},
		{"keys = ( { name = \"a\"; key = \"aaaaaaaa aaaaaaaa\"; } );", "api.keys[0]: key: must have no spaces"},
		{"keys = ( { name = \"a\"; key = \"" KEY_A "\"; role = \"root\"; } );", "must be one of read, operate"},
		{"keys = ( { name = \"a\"; key = \"" KEY_A "\"; }, { name = \"a\"; key = \"" KEY_B "\"; } );",
		 "api: keys: there are two with the name \"a\""},
		{"keys = ( { name = \"a\"; key = \"" KEY_A "\"; }, { name = \"b\"; key = \"" KEY_A "\"; } );",
		 "api: keys: \"b\" has the same key as \"a\""},
		{"keys = { };", "api.keys: must be a list"},
		{"keys = ( 1 );", "api.keys[0]: must be a group"},
		{"key = 1;", "api.key: unknown key, did you mean keys?"},
		{"allow_hosts = [ \"10.0.0.1/8\" ];", "api.allow_hosts: \"10.0.0.1/8\": has bits"},
		{"deny_hosts = [ \"\" ];", "api.deny_hosts: "},
		{"cors_origins = [ \"noc.example\" ];",
		 "api.cors_origins: \"noc.example\": must be \"*\", or a scheme"},
		{"cors_origins = [ \"https://noc.example/\" ];", "api.cors_origins: "},
		{"cors_origins = [ \"https://\" ];", "api.cors_origins: "},
		{"cors_origins = [ \"://x\" ];", "api.cors_origins: "},
		{"timeout = 20; max_timeout = 10;", "api.timeout: must not be longer than max_timeout"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *section = mem_format("api: { %s };\n", cases[i].section), *errors = errors_of(section);

		cr_expect(strstr(errors, cases[i].error), "%s: %s", section, errors);
		cr_expect_null(strstr(errors, KEY_A), "%s", errors);
		mem_free(errors);
		mem_free(section);
	}
}

Test(api_rules, a_key_from_the_environment)
{
	static const char one[] = "api: { keys = ( { name = \"noc\"; } ); };\n";
	struct config *config;
	size_t i;

	setenv("NETSONDE_API_KEYS_NOC_KEY", KEY_A, 1);
	setenv("NETSONDE_API_MAX_HOSTS", "5", 1);
	config = good_config(one);
	cr_expect(api_rules_find_key(config->api_rules, KEY_A, &i));
	cr_expect_eq(api_rules_settings(config->api_rules)->max_hosts, 5);
	config_free(config);
	unsetenv("NETSONDE_API_KEYS_NOC_KEY");
	unsetenv("NETSONDE_API_MAX_HOSTS");
}

Test(api_rules, a_key_that_is_too_long)
{
	char key[API_KEY_BYTES_MAX + 2];
	struct config_api_key wrong = {.name = mem_copy_string("a"), .key = key};
	struct err err = {0};

	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	cr_expect_eq(api_rules_check_key(&wrong, &err), -1);
	cr_expect(strstr(err.text, "is longer than 512"), "%s", err.text);
	key[sizeof(key) - 2] = '\0';
	cr_expect_eq(api_rules_check_key(&wrong, &err), 0);
	mem_free(wrong.name);
}
