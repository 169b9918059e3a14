#include "config_fixture.h"

#include <unistd.h>

static const char base[] =
	"probes: { fast-ping: { type = \"echo\"; interval = 5; }; fast: { type = \"look\"; }; };\n"
	"targets: ( { address = \"::1\"; probes = [ \"fast\", \"fast-ping\" ]; },\n"
	"           { name = \"own\"; address = \"::1\"; probes = [ \"fast-ping\" ]; interval = 7; } );\n"
	"influx: ( { name = \"to file\"; path = \"/tmp/a\"; } );\n";

static struct config *load(void)
{
	return good_config(base);
}

static const struct echo_settings *echo_of(const struct config *config)
{
	return config->probes[0].settings;
}

Test(config_environment, sets_options_of_every_section)
{
	struct config *config;

	setenv("NETSONDE_AGENT_NAME", "from-env", 1);
	setenv("NETSONDE_AGENT_LATITUDE", "-12.5", 1);
	setenv("NETSONDE_AGENT_LOG_LEVEL", "error", 1);
	setenv("NETSONDE_WEB_LISTEN", "127.0.0.1:1,127.0.0.1:2", 1);
	setenv("NETSONDE_PROBES_FAST_PING_TIMEOUT", "0.5", 1);
	setenv("NETSONDE_PROBES_FAST_PING_STRICT", "yes", 1);
	setenv("NETSONDE_PROBES_FAST_DEPTH", "9", 1);
	setenv("NETSONDE_INFLUX_TO_FILE_PATH", "/tmp/b", 1);
	setenv("NETSONDE_CONFIG", "whatever", 1);
	setenv("NETSONDES", "not ours", 1);
	config = load();
	cr_expect_str_eq(config->agent.name, "from-env");
	cr_expect_eq(config->agent.latitude, -12.5);
	cr_expect_eq(config->agent.log_level, 3);
	cr_assert_eq(config->web.listen.n, 2);
	cr_expect_str_eq(config->web.listen.items[1], "127.0.0.1:2");
	cr_expect_eq(echo_of(config)->timeout_ns, 500000000);
	cr_expect(echo_of(config)->strict);
	cr_expect_eq(((struct look_settings *)config->probes[1].settings)->depth, 9);
	cr_expect_str_eq(config->outputs[0]->path, "/tmp/b");
	config_free(config);
}

Test(config_environment, beats_the_probe_and_loses_to_the_target)
{
	struct config *config;

	setenv("NETSONDE_PROBES_FAST_PING_INTERVAL", "30", 1);
	config = load();
	cr_expect_eq(echo_of(config)->interval_ns, 30000000000);
	cr_expect_eq(((const struct echo_settings *)config->targets[0].assignments[1].settings)->interval_ns,
		     30000000000);
	cr_expect_eq(((const struct echo_settings *)config->targets[1].assignments[0].settings)->interval_ns,
		     7000000000);
	config_free(config);
}

Test(config_environment, reads_secrets_from_files)
{
	char path[] = "/tmp/netsonde-secret-XXXXXX";
	int descriptor = mkstemp(path);
	struct config *config;

	cr_assert_eq(write(descriptor, "sesame\n", 7), 7);
	close(descriptor);
	setenv("NETSONDE_PROBES_FAST_PING_PASSWORD_FILE", path, 1);
	config = load();
	cr_expect_str_eq(echo_of(config)->password, "sesame");
	config_free(config);
	unlink(path);
}

Test(config_environment, ignores_what_orchestrators_say_of_a_service)
{
	static const char *const names[] = {"NETSONDE_SERVICE_HOST",     "NETSONDE_SERVICE_PORT",
					    "NETSONDE_SERVICE_PORT_WEB", "NETSONDE_PORT",
					    "NETSONDE_PORT_9975_TCP",    "NETSONDE_PORT_9975_TCP_ADDR",
					    "NETSONDE_WEB_SERVICE_HOST", "NETSONDE_WEB_PORT_9975_UDP_PROTO",
					    "NETSONDE_EU_PORT_53_UDP",   "NETSONDE_EU_PORT_53_SCTP"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setenv(names[i], "tcp://10.0.0.1:9975", 1);
	config_free(load());
}

struct bad {
	const char *name, *value, *errors;
};

static const struct bad bad_variables[] = {
	{"NETSONDE_WEB_LISTN", "x", "NETSONDE_WEB_LISTN: no such option, did you mean NETSONDE_WEB_LISTEN?\n"},
	{"NETSONDE_XYZZY", "x", "NETSONDE_XYZZY: no such option\n"},
	{"NETSONDE_", "x", "NETSONDE_: no such option\n"},
	{"NETSONDE_AGENT_WORKERS", "many", "NETSONDE_AGENT_WORKERS: must be a whole number\n"},
	{"NETSONDE_AGENT_WORKERS", "5000", "NETSONDE_AGENT_WORKERS: must be between 0 and 1024\n"},
	{"NETSONDE_AGENT_RESOLVER", "dns",
	 "x.conf: agent.resolver: \"dns\" is not an IP address, or one with a port\n"},
	{"NETSONDE_AGENT_NAME", "\xff", "NETSONDE_AGENT_NAME: is not valid UTF-8\n"},
	{"NETSONDE_PROBES_FAST_PING_TIMEOUT", "60",
	 "x.conf:1: probes.fast-ping: timeout must not be longer than interval\n"
	 "x.conf:3: targets[1]: probe fast-ping: timeout must not be longer than interval\n"},
	{"NETSONDE_PROBES_FAST_PING_PASSWORD_FILE", "/nowhere/p",
	 "NETSONDE_PROBES_FAST_PING_PASSWORD_FILE: /nowhere/p: cannot open: No such file or directory\n"},
	/* Types and names are what variables are found by. */
	{"NETSONDE_PROBES_FAST_TYPE", "echo",
	 "NETSONDE_PROBES_FAST_TYPE: no such option, did you mean NETSONDE_PROBES_FAST_DEPTH?\n"},
	{"NETSONDE_INFLUX_TO_FILE_NAME", "b",
	 "NETSONDE_INFLUX_TO_FILE_NAME: no such option, did you mean NETSONDE_INFLUX_TO_FILE_PATH?\n"},
};

Test(config_environment, names_what_is_wrong)
{
	for (size_t i = 0; i < sizeof(bad_variables) / sizeof(bad_variables[0]); i++) {
		char *errors;

		setenv(bad_variables[i].name, bad_variables[i].value, 1);
		errors = errors_of(base);
		cr_expect_str_eq(errors, bad_variables[i].errors);
		mem_free(errors);
		unsetenv(bad_variables[i].name);
	}
}

Test(config_environment, refuses_a_name_that_fits_two_entries)
{
	char *errors;

	setenv("NETSONDE_PROBES_A_B_DEPTH", "5", 1);
	errors = errors_of("probes: { a-b: { type = \"look\"; }; a_b: { type = \"look\"; }; };");
	cr_expect_str_eq(errors, "NETSONDE_PROBES_A_B_DEPTH: could mean several entries\n");
	mem_free(errors);
}

Test(config_environment, comes_after_the_errors_of_the_file)
{
	char *errors;

	setenv("NETSONDE_AGENT_WORKERS", "many", 1);
	errors = errors_of("\n\nnonsense = 1;");
	cr_expect_str_eq(errors, "x.conf:3: nonsense: unknown key (netsonde reference options lists them)\n"
				 "NETSONDE_AGENT_WORKERS: must be a whole number\n");
	mem_free(errors);
}
