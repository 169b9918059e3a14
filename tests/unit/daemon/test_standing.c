#include "config_fixture.h"

#include "daemon/standing.h"

#define AGENT "agent: { name = \"fra1\"; workers = 2; labels = { a = \"1\"; b = \"2\"; }; };\n"
#define REST                                                                                                           \
	"probes: { e: { type = \"echo\"; }; };\ntargets: ( { name = \"t\"; address = \"::1\"; probes = [ \"e\" ]; } "  \
	");\n"
#define WEB   "web: { listen = [ \"127.0.0.1:1\" ]; };\n"
#define LINES "influx: ( { name = \"f\"; path = \"x\"; } );\n"

/* What needs a restart after base, "" for nothing. */
static const struct {
	const char *config, *names;
} rows[] = {
	{AGENT WEB REST LINES, ""},
	/* at once */
	{"agent: { name = \"fra1\"; workers = 2; labels = { b = \"2\"; a = \"1\"; }; };\n" WEB REST LINES, ""},
	{"agent: { name = \"fra1\"; workers = 2; log_level = \"debug\"; log_format = \"json\"; labels = { a = \"1\"; b "
	 "= \"2\"; }; };\n" WEB REST LINES,
	 ""},
	{"agent: { name = \"fra1\"; workers = 2; latitude = 1.5; longitude = 2.5; labels = { a = \"1\"; b = \"2\"; }; "
	 "};\n" WEB REST LINES,
	 ""},
	{AGENT WEB LINES "probes: { l: { type = \"look\"; }; };\ntargets: ( { name = \"u\"; address = \"::2\"; probes "
			 "= [ \"l\" ]; } );",
	 ""},
	{AGENT WEB LINES, ""},
	{AGENT WEB REST, ""},
	{AGENT WEB REST "influx: ( { name = \"f\"; path = \"y\"; }, { name = \"g\"; path = \"x\"; } );", ""},
	/* not so */
	{"agent: { name = \"fra2\"; workers = 2; labels = { a = \"1\"; b = \"2\"; }; };\n" WEB REST LINES,
	 "agent.name"},
	{"agent: { name = \"fra1\"; workers = 3; labels = { a = \"1\"; b = \"2\"; }; };\n" WEB REST LINES,
	 "agent.workers"},
	{"agent: { name = \"fra1\"; workers = 2; labels = { a = \"1\"; b = \"3\"; }; };\n" WEB REST LINES,
	 "agent.labels"},
	{"agent: { name = \"fra1\"; workers = 2; labels = { a = \"1\"; c = \"2\"; }; };\n" WEB REST LINES,
	 "agent.labels"},
	{"agent: { name = \"fra1\"; workers = 2; };\n" WEB REST LINES, "agent.labels"},
	{"agent: { name = \"fra1\"; resolver = \"192.0.2.1\"; timer_slot = 0.01; state_dir = \"/x\"; };\n" WEB REST
		 LINES,
	 "agent.workers, agent.timer_slot, agent.resolver, agent.state_dir, disk_log.path, agent.labels"},
	{AGENT REST LINES "web: { max_series = 2000; max_connections = 3; reply_timeout = 4; };\n",
	 "web.listen, web.max_series, web.max_connections, web.reply_timeout"},
	{AGENT REST LINES "web: { listen = [ \"127.0.0.1:1\", \"127.0.0.1:2\" ]; };\n", "web.listen"},
	{AGENT WEB REST LINES "disk_log: { segment_size = \"1MiB\"; sync = \"never\"; };\n",
	 "disk_log.segment_size, disk_log.sync"},
	{REST, "agent.name, agent.workers, web.listen, agent.labels"},
};

Test(standing, names_what_needs_a_restart)
{
	struct config *base = good_config(AGENT WEB REST LINES);
	struct standing *standing = standing_create(base);

	config_free(base); /* everything was copied */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = good_config(rows[i].config);
		struct text names = {0};
		size_t n = standing_compare(standing, config, &names), commas = 0;

		for (const char *c = text_string(&names); *c; c++)
			commas += *c == ',';
		cr_expect_str_eq(text_string(&names), rows[i].names, "row %zu: %s", i, text_string(&names));
		cr_expect_eq(n, *rows[i].names ? commas + 1 : 0, "row %zu", i);
		text_free(&names);
		config_free(config);
	}
	standing_free(standing);
	standing_free(NULL);
}

Test(standing, keeps_the_first_sections)
{
	struct config *base = good_config(AGENT WEB REST LINES);
	struct standing *standing = standing_create(base);

	config_free(base);
	cr_expect_str_eq(standing_agent(standing)->name, "fra1");
	cr_expect_eq(standing_agent(standing)->workers, 2);
	cr_expect_eq(standing_agent(standing)->labels.n, 2);
	cr_expect_str_eq(standing_agent(standing)->labels.items[1].name, "b");
	cr_expect_eq(standing_web(standing)->listen.n, 1);
	cr_expect_str_eq(standing_web(standing)->listen.items[0], "127.0.0.1:1");
	standing_free(standing);
}

Test(standing, the_first_output_needs_a_restart)
{
	struct config *base = good_config(AGENT WEB REST), *config = good_config(AGENT WEB REST LINES);
	struct standing *standing = standing_create(base);
	struct text names = {0};

	cr_expect_eq(standing_compare(standing, config, &names), 1);
	cr_expect_str_eq(text_string(&names), "influx");
	text_free(&names);
	standing_free(standing);
	config_free(config);
	config_free(base);
}
