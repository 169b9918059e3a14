#include "config_fixture.h"

/* One probe that targets can use. */
#define P "probes: { e: { type = \"echo\"; }; l: { type = \"look\"; }; };\n"
#define T "address = \"192.0.2.1\"; probes = [ \"e\" ];"

struct bad {
	const char *text;
	const char *errors;
};

static void expect_errors(const struct bad *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *errors = errors_of(table[i].text);

		cr_expect_str_eq(errors, table[i].errors, "row %zu\n%s\ngives\n%sexpected\n%s", i, table[i].text,
				 errors, table[i].errors);
		mem_free(errors);
	}
}
#define EXPECT_ERRORS(table) expect_errors(table, sizeof(table) / sizeof(table[0]))

static const struct bad places[] = {
	{"geo: 5;", "x.conf:1: geo: must be a group { }\n"},
	{"geo: { overrides = 5; };", "x.conf:1: geo.overrides: must be a list ( )\n"},
	{"geo: { overrides = ( 5 ); };", "x.conf:1: geo.overrides[0]: must be a group { }\n"},
	{"geo: { overrides = ( { city = \"a\"; } ); };", "x.conf:1: geo.overrides[0]: needs networks or targets\n"},
	{"geo: { overrides = ( { networks = [ \"10.0.0.1/8\" ]; city = \"a\"; } ); };",
	 "x.conf:1: geo.overrides[0]: networks: \"10.0.0.1/8\": has bits behind the first 8, did you mean "
	 "10.0.0.0/8?\n"},
	{"geo: { overrides = ( { targets = [ \"t\" ]; town = \"a\"; } ); };",
	 "x.conf:1: geo.overrides[0].town: unknown key (netsonde reference options lists them)\n"},
	{"geo: {\n overrides = ( { targets = [ \"t\" ]; city = \"a\"; }, { targets = [ \"t\" ]; city = \"b\"; } ); };",
	 "x.conf:2: geo.overrides: the target \"t\" is there twice\n"},
	{"geo: { tags = [ \"mood\" ]; };", "x.conf:1: geo: tags: \"mood\" cannot be a tag (country, country_name, "
					   "continent, region, city, asn, as_org, isp, "
					   "connection_type, scope, site)\n"},
	{"agent: { address = \"fra1\"; };", "x.conf:1: agent.address: is no IP address\n"},
};

Test(config_errors, places)
{
	EXPECT_ERRORS(places);
}

static const struct bad unknown_keys[] = {
	{"agnet: { };", "x.conf:1: agnet: unknown key, did you mean agent?\n"},
	{"\n\nzzzzzzzz = 1;", "x.conf:3: zzzzzzzz: unknown key (netsonde reference options lists them)\n"},
	{"geo: { database = [ ]; };", "x.conf:1: geo.database: unknown key, did you mean databases?\n"},
	{"target_files: ( { path = \"a\"; probess = [ ]; } );", "x.conf:1: target_files[0].probes: is missing\n"},
	{"target_files: ( { probes = [ \"nope\" ]; } );",
	 "x.conf:1: target_files[0].probes[0]: no probe \"nope\" in section probes\n"
	 "x.conf:1: target_files[0].path: must be given\n"},
	{"target_files: ( { path = \"a\"; probes = [ ]; refresh_interval = 0; } );",
	 "x.conf:1: target_files[0].refresh_interval: must be between 1 and 86400 seconds\n"
	 "x.conf:1: target_files[0].probes: must name at least one probe\n"},
	{"agent: {\n worker = 1;\n};", "x.conf:2: agent.worker: unknown key, did you mean workers?\n"},
	{"agent: { lables = { }; };", "x.conf:1: agent.lables: unknown key, did you mean labels?\n"},
	{"web: {\n\n listn = [ ]; };", "x.conf:3: web.listn: unknown key, did you mean listen?\n"},
	{"probes: { e: { type = \"echo\"; intervall = 1; }; };",
	 "x.conf:1: probes.e.intervall: unknown key, did you mean interval?\n"},
	{"probes: { e: { typ = \"echo\"; }; };", "x.conf:1: probes.e.type: is missing\n"},
	{"probes: { e: { type = \"echo\"; };\n l: { type = \"look\"; after = [ \"e\", \"ee\", \"f\" ]; }; };",
	 "x.conf:2: probes.l: no probe \"ee\" that could trigger it in section probes\n"
	 "x.conf:2: probes.l: no probe \"f\" that could trigger it in section probes\n"},
	{P "targets: ( { " T " adress = \"x\"; } );",
	 "x.conf:2: targets[0].adress: unknown key, did you mean address?\n"},
	{P "targets: ( { " T " size = 1; },\n { name = \"b\"; " T " sizes = 1; } );",
	 "x.conf:3: targets[1].sizes: unknown key, did you mean size?\n"},
	/* An option of a type that the target does not use. */
	{P "targets: ( { " T " depth = 4; } );",
	 "x.conf:2: targets[0].depth: unknown key (netsonde reference options lists them)\n"},
	{"influx: ( { name = \"a\"; path = \"f\"; keeep = 1; } );",
	 "x.conf:1: influx[0].keeep: unknown key, did you mean keep?\n"},
	/* A _file form belongs to secrets only. */
	{"probes: { e: { type = \"echo\"; user_file = \"x\"; }; };",
	 "x.conf:1: probes.e.user_file: unknown key (netsonde reference options lists them)\n"},
	{"probes: { e: { type = \"echo\"; _file = 1; }; };",
	 "x.conf:1: syntax: cannot be understood here or just before (a value, a quote or a bracket missing?)\n"},
};

Test(config_errors, unknown_keys)
{
	EXPECT_ERRORS(unknown_keys);
}

static const struct bad names[] = {
	{"probes: { e: { type = \"ecko\"; }; };",
	 "x.conf:1: probes.e.type: no probe type \"ecko\", did you mean echo?\n"},
	{"probes: { e: { type = \"telepathy\"; }; };",
	 "x.conf:1: probes.e.type: no probe type \"telepathy\" (netsonde reference options lists them)\n"},
	{"probes: { e: { type = 5; }; };", "x.conf:1: probes.e.type: must be a text in quotes\n"},
	{"probes: { e: { interval = 1; }; };", "x.conf:1: probes.e.type: is missing\n"},
	{"probes: {\n e = 5;\n};", "x.conf:2: probes.e: must be a group { }\n"},
	{"probes = \"e\";", "x.conf:1: probes: must be a group { }\n"},
	{"probes: { fast: { type = \"echo\"; }; };\n"
	 "targets: ( { address = \"192.0.2.1\"; probes = [ \"fst\" ]; } );",
	 "x.conf:2: targets[0].probes[0]: no probe \"fst\", did you mean fast?\n"},
	/* The key may be an option of the probe that is missing: no second error. */
	{P "targets: ( { address = \"192.0.2.1\"; probes = [ \"e\", \"http\" ]; method = \"GET\"; } );",
	 "x.conf:2: targets[0].probes[1]: no probe \"http\" in section probes\n"},
	{"probes: { e: { type = \"ecko\"; }; };\ntargets: ( { " T " method = 1; } );",
	 "x.conf:1: probes.e.type: no probe type \"ecko\", did you mean echo?\n"},
	{P "targets: ( { " T " name = \"a\"; },\n { " T " },\n { " T " name = \"a\"; } );",
	 "x.conf:4: targets[2].name: targets[0] is called \"a\" as well\n"},
	{P "targets: ( { " T " },\n { " T " } );",
	 "x.conf:3: targets[1].name: targets[0] is called \"192.0.2.1\" as well\n"},
	{P "targets: ( { address = \"192.0.2.1\"; probes = [ \"e\", \"l\",\n \"e\" ]; } );",
	 "x.conf:3: targets[0].probes[2]: probe e is there twice\n"},
	{"influx: ( { name = \"a\"; path = \"f\"; },\n { name = \"a\"; path = \"g\"; } );",
	 "x.conf:2: influx[1].name: influx[0] has \"a\" too\n"},
	{"influx: ( { name = \"a\"; path = \"f\"; }, { name = \"b\"; path = \"f\"; } );",
	 "x.conf:1: influx[1].path: influx[0] has \"f\" too\n"},
	{P "targets: ( { " T " name = \"\"; } );", "x.conf:2: targets[0].name: is empty\n"},
	{P "targets: ( { " T " name = \"a\\nb\"; } );",
	 "x.conf:2: targets[0].name: must not have control characters\n"},
	{P "targets: ( { " T " name = \"\\xff\"; } );", "x.conf:2: targets[0].name: is not valid UTF-8\n"},
};

Test(config_errors, names)
{
	EXPECT_ERRORS(names);
}

static const struct bad kinds[] = {
	{"agent = 5;", "x.conf:1: agent: must be a group { }\n"},
	{"web: ( );", "x.conf:1: web: must be a group { }\n"},
	{"targets: { };", "x.conf:1: targets: must be a list ( )\n"},
	{"targets = \"a\";", "x.conf:1: targets: must be a list ( )\n"},
	{"targets: ( 5,\n { } );", "x.conf:1: targets[0]: must be a group { }\n"
				   "x.conf:2: targets[1].address: is missing\n"
				   "x.conf:2: targets[1].probes: is missing\n"},
	{"influx: { };", "x.conf:1: influx: must be a list ( )\n"},
	{"influx: ( \"a\" );", "x.conf:1: influx[0]: must be a group { }\nx.conf:1: influx[0]: path, or url with "
			       "bucket or database: must be given\n"},
	{"agent: { labels = 5; };", "x.conf:1: agent.labels: must be a group { }\n"},
	{"agent: { workers = 1.5; };", "x.conf:1: agent.workers: must be a whole number\n"},
	{"agent: { workers = true; };", "x.conf:1: agent.workers: must be a whole number\n"},
	{"agent: { workers = { }; };", "x.conf:1: agent.workers: must be a value, not a group { }\n"},
	{"agent: { name = 5; };", "x.conf:1: agent.name: must be a text in quotes\n"},
	{"agent: { log_level = \"loud\"; };", "x.conf:1: agent.log_level: must be one of debug, info, warn, error\n"},
	{"web: { listen = [ 1, 2 ]; };", "x.conf:1: web.listen[0]: must be a text in quotes\n"},
	{"web: { listen = 5; };", "x.conf:1: web.listen: must be a list of texts\n"},
	{"probes: { e: { type = \"echo\"; interval = \"soon\"; }; };",
	 "x.conf:1: probes.e.interval: must be a number of seconds such as 5 or 0.25\n"},
	{"probes: { e: { type = \"echo\"; interval = [ 1 ]; }; };",
	 "x.conf:1: probes.e.interval[0]: must be a text in quotes\n"},
	{"probes: { e: { type = \"echo\"; ratio = 1e999; }; };", "x.conf:1: probes.e.ratio: is too large a number\n"},
	{"probes: { e: { type = \"echo\"; strict = 5; }; };", "x.conf:1: probes.e.strict: must be true or false\n"},
	{"probes: { e: { type = \"echo\"; limit = \"8 potatoes\"; }; };",
	 "x.conf:1: probes.e.limit: has no such unit: use B, KB, MB, GB, TB, KiB, MiB, GiB or TiB\n"},
	{"probes: { e: { type = \"echo\"; family = \"ipx\"; }; };",
	 "x.conf:1: probes.e.family: must be one of ipv4, ipv6\n"},
	{P "targets: ( { address = \"192.0.2.1\"; probes = \"e\"; } );",
	 "x.conf:2: targets[0].probes: must be a list ( )\n"},
	{P "targets: ( { address = \"192.0.2.1\"; probes = [ 1 ]; } );",
	 "x.conf:2: targets[0].probes[0]: must be a text in quotes\n"},
	{P "targets: ( { address = \"192.0.2.1\"; probes = ( ); } );",
	 "x.conf:2: targets[0].probes: must name at least one probe\n"},
	{P "targets: ( { address = \"192.0.2.1\"; } );", "x.conf:2: targets[0].probes: is missing\n"},
	{P "targets: ( { name = \"a\"; probes = [ \"e\" ]; } );", "x.conf:2: targets[0].address: is missing\n"},
};

Test(config_errors, kinds)
{
	EXPECT_ERRORS(kinds);
}

static const struct bad values[] = {
	{"probes: { e: { type = \"echo\";\n interval = 0; timeout = 0.5; }; };",
	 "x.conf:2: probes.e.interval: must be between 0.01 and 86400 seconds\n"},
	{"agent: { workers = -1; };", "x.conf:1: agent.workers: must be between 0 and 1024\n"},
	{"agent: { latitude = 91; };", "x.conf:1: agent.latitude: must be between -90 and 90\n"},
	{"agent: { resolver = \"192.0.2.1,dns.example\"; };",
	 "x.conf:1: agent.resolver: \"dns.example\" is not an IP address, or one with a port\n"},
	{"agent: { resolver = \"\"; };", "x.conf:1: agent.resolver: \"\" is not an IP address, or one with a port\n"},
	{"\nprobes: {\n e: { type = \"echo\"; timeout = 2; }; };",
	 "x.conf:3: probes.e: timeout must not be longer than interval\n"},
	{P "targets: ( { " T " timeout = 5.; } );",
	 "x.conf:2: targets[0]: probe e: timeout must not be longer than interval\n"},
	{P "targets: ( { " T " size = 70000; } );", "x.conf:2: targets[0].size: must be between 0 and 65000\n"},
	/* One value, two probes: told once. */
	{P "targets: ( { address = \"192.0.2.1\"; probes = [ \"e\", \"l\" ]; interval = 90000; } );",
	 "x.conf:2: targets[0].interval: must be between 0.01 and 86400 seconds\n"},
	/* Good for echo, wrong for look. */
	{P "targets: ( { address = \"192.0.2.1\"; probes = [ \"e\", \"l\" ]; interval = 80000; } );",
	 "x.conf:2: targets[0].interval: must be between 1 and 3600 seconds\n"},
	{P "targets: ( { address = \"\"; probes = [ \"e\" ]; } );", "x.conf:2: targets[0].address: is empty\n"},
	{P "targets: ( { address = \"a b\"; probes = [ \"e\" ]; } );",
	 "x.conf:2: targets[0].address: must not have blanks or control characters\n"},
	{P "targets: ( { address = \"exa$mple\"; probes = [ \"e\" ]; } );",
	 "x.conf:2: targets[0].address: \"exa$mple\" is neither an IP address nor a host name\n"},
	{P "targets: ( { address = \"192.0.2.256\"; probes = [ \"e\" ]; } );",
	 "x.conf:2: targets[0].address: \"192.0.2.256\" is not an IPv4 address\n"},
	{P "targets: ( { address = \"example:99999\"; probes = [ \"e\" ]; } );",
	 "x.conf:2: targets[0].address: \"example:99999\" is not an address, a host name, host:port or a URL\n"},
	{"influx: ( { name = \"a\"; } );",
	 "x.conf:1: influx[0]: path, or url with bucket or database: must be given\n"},
};

Test(config_errors, values)
{
	EXPECT_ERRORS(values);
}

static const struct bad labels[] = {
	{"agent: { labels = { a-b = \"x\"; }; };",
	 "x.conf:1: agent.labels.a-b: a label name has only letters, digits and _\n"},
	{"agent: { labels = { job = \"x\"; }; };", "x.conf:1: agent.labels.job: this label name is reserved\n"},
	{"agent: { labels = { reason = \"x\"; }; };", "x.conf:1: agent.labels.reason: this label name is reserved\n"},
	{"agent: { labels = { a = 5; }; };", "x.conf:1: agent.labels.a: must be a text in quotes\n"},
	{P "agent: { labels = { hop = \"x\"; }; };",
	 "x.conf:2: agent.labels.hop: this label name is reserved: rows of probe type echo have it\n"},
	{P "targets: ( { " T " labels = { target = \"x\";\n le = \"y\"; ok = \"z\"; side = \"r\"; }; } );",
	 "x.conf:2: targets[0].labels.target: this label name is reserved\n"
	 "x.conf:3: targets[0].labels.le: this label name is reserved\n"
	 "x.conf:3: targets[0].labels.side: this label name is reserved: rows of probe type echo have it\n"},
	{P "targets: ( { " T " labels = [ \"x\" ]; } );", "x.conf:2: targets[0].labels: must be a group { }\n"},
	{P "targets: ( { " T " labels = { address = \"x\"; }; } );",
	 "x.conf:2: targets[0].labels.address: this label name is reserved\n"},
};

Test(config_errors, labels)
{
	EXPECT_ERRORS(labels);
}

static const struct bad integers[] = {
	{"web: { max_series = 4294967297; };",
	 "x.conf:1: max_series: 4294967297 does not fit 32 bits, write 4294967297L\n"},
	{"/* 4294967297 */ # 4294967297\n// 4294967297\nagent: { name = \"4294967297\"; workers = 2147483648; };",
	 "x.conf:3: workers: 2147483648 does not fit 32 bits, write 2147483648L\n"},
	{"agent: { workers = 0x100000001; };",
	 "x.conf:1: workers: 0x100000001 does not fit 32 bits, write 0x100000001L\n"},
	{"agent: { workers = -99999999999999999999L; };",
	 "x.conf:1: workers: -99999999999999999999L does not fit 64 bits\n"},
	/* What libconfig made of the number is not judged as well, but what stands elsewhere is. */
	{"agent: { workers = 4294967297;\n timer_slot = 5; };",
	 "x.conf:1: workers: 4294967297 does not fit 32 bits, write 4294967297L\n"
	 "x.conf:2: agent.timer_slot: must be between 0.001 and 0.1 seconds\n"},
};

Test(config_errors, integers)
{
	EXPECT_ERRORS(integers);
}

static const struct bad syntax[] = {
	{"agent: {\n workers = ;\n};",
	 "x.conf:2: syntax: cannot be understood here or just before (a value, a quote or a bracket missing?)\n"},
	{"agent: { workers = 1; workers = 2; };", "x.conf:1: syntax: the same name twice in one group\n"},
	{"web: { listen = [ \"a\", 5 ]; };", "x.conf:1: syntax: an array [ ] holds values of one kind only\n"},
	{"agent: { name = \"x;\n};", "x.conf:1: syntax: a text begins here and never ends\n"},
	{"agent: { };\n\n/* agent:\n", "x.conf:3: syntax: a comment begins here and never ends\n"},
	{"agent: {\n workers = 1;\n", "x.conf:1: syntax: \"{\" is never closed\n"},
	{"targets: (\n { address = \"x\"; ) );",
	 "x.conf:2: syntax: \")\" where the \"{\" of line 2 should be closed\n"},
	{"agent: { } };", "x.conf:1: syntax: \"}\" closes nothing\n"},
	{"targets: (\n { },\n);", "x.conf:2: syntax: a comma after the last element of a list\n"},
	{"a = ((((((((((((((((((((((((((((((((( 1 )))))))))))))))))))))))))))))))));",
	 "x.conf:1: syntax: nested too deep\n"},
	{"agent: {\n name \"a\"; };", "x.conf:2: syntax: a text cannot stand here (is a = missing before it?)\n"},
	{"\"a\"", "x.conf:1: syntax: a text cannot stand here (is a = missing before it?)\n"},
	{"agent: { workers = 1, \"a\" };", "x.conf:1: syntax: a text cannot stand here (is a = missing before it?)\n"},
	{"agent: { workers = 5 \"a\" };", "x.conf:1: syntax: a text cannot stand here (is a = missing before it?)\n"},
	{"agent: { name = \"a\\x00b\"; };", "x.conf:1: syntax: a zero byte in a text\n"},
	{"agent: { };\n@include \"y.conf\"\n", "x.conf:2: @include \"y.conf\": is not followed here\n"},
	{"@include y.conf\n", "x.conf:1: syntax: @include wants a file in quotes and a line of its own\n"},
	{"agent: { @include \"y\" };", "x.conf:1: syntax: @include wants a file in quotes and a line of its own\n"},
	{"agent: {\n name = \"\xff\"; };", "x.conf:2: text: byte 0xff is not valid UTF-8\n"},
	{"agent: { name = \"${HOME}\"; };",
	 "x.conf:1: agent.name: \"${\" begins a variable, written ${env:NAME}; a dollar sign is written $$\n"},
	{"agent: { name = \"${env:NOT_THERE_AT_ALL}\"; };",
	 "x.conf:1: agent.name: the environment variable NOT_THERE_AT_ALL is not set\n"},
	{"agent: { name = \"${env:9}\"; };",
	 "x.conf:1: agent.name: \"${\" begins a variable, written ${env:NAME}; a dollar sign is written $$\n"},
	{"agent: { name = \"${env:A\"; };",
	 "x.conf:1: agent.name: \"${\" begins a variable, written ${env:NAME}; a dollar sign is written $$\n"},
};

Test(config_errors, syntax)
{
	EXPECT_ERRORS(syntax);
}

Test(config_errors, all_in_one_go_in_the_order_of_the_file)
{
	char *errors = errors_of("targets: (\n"
				 "  { name = \"a\"; address = \"?\"; probes = [ \"nope\" ]; }\n"
				 ");\n"
				 "influx: (\n"
				 "  { path = 5; }\n"
				 ");\n"
				 "probes: { e: { type = \"echo\"; size = 99999999999; }; };\n"
				 "agent: { labels = { le = \"x\"; };\n"
				 "  workerz = 1; };\n"
				 "wbe: { };\n");

	cr_expect_str_eq(errors, "x.conf:2: targets[0].address: \"?\" is neither an IP address nor a host name\n"
				 "x.conf:2: targets[0].probes[0]: no probe \"nope\" in section probes\n"
				 "x.conf:5: influx[0].path: must be a text in quotes\n"
				 "x.conf:5: influx[0]: path, or url with bucket or database: must be given\n"
				 "x.conf:7: size: 99999999999 does not fit 32 bits, write 99999999999L\n"
				 "x.conf:8: agent.labels.le: this label name is reserved\n"
				 "x.conf:9: agent.workerz: unknown key, did you mean workers?\n"
				 "x.conf:10: wbe: unknown key, did you mean web?\n");
	mem_free(errors);
}

Test(config_errors, are_bounded)
{
	struct text config = {0};
	char *errors;
	size_t lines = 0;

	for (int i = 0; i < 250; i++)
		text_add_format(&config, "x%d = 1;\n", i);
	errors = errors_of(text_string(&config));
	for (const char *at = errors; *at; at++)
		lines += *at == '\n';
	cr_expect_eq(lines, 101);
	cr_expect(strstr(errors, "x.conf:100: x99: ") != NULL);
	cr_expect(strstr(errors, "\nx.conf: and 150 more errors\n") != NULL);
	mem_free(errors);
	text_free(&config);
}

Test(config_errors, are_one_line_each_whatever_they_quote)
{
	char *errors = errors_of("probes: { e: { type = \"a\n\x1b[31m\"; }; };");

	cr_expect_str_eq(errors,
			 "x.conf:1: probes.e.type: no probe type \"a\\x0a\\x1b[31m\" (netsonde reference options "
			 "lists them)\n");
	mem_free(errors);
}

/* A list of n times the same element. */
static char *repeat(const char *before, const char *element, size_t n, const char *after)
{
	struct text text = {0};

	text_add(&text, before);
	for (size_t i = 0; i < n; i++)
		text_add_format(&text, element, i);
	text_add(&text, after);
	return text_take(&text);
}

static void expect_ceiling(char *config, const char *expected)
{
	char *errors = errors_of(config);

	cr_expect(strstr(errors, expected) != NULL, "%.300s\n", errors);
	mem_free(errors);
	mem_free(config);
}

/* libconfig makes room for a list 32 elements at a time: cheap by the C library's mremap, but under AddressSanitizer,
 * which copies every time, a million elements take minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang */
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

Test(config_errors, ceilings)
{
	expect_ceiling(repeat("agent: { labels = {", "l%zu=\"\";", 65, "}; };"),
		       "agent.labels: has more than 64 labels\n");
	expect_ceiling(repeat(P "targets: ( { address = \"a\"; probes = [\"e\"", ", \"e%zu\"", 256, "]; } );"),
		       "targets[0].probes: has more than 256 elements\n");
	if (!IS_SANITIZED)
		expect_ceiling(repeat("targets: ( 1", ",%zu", 1000000, ");"),
			       "targets: has more than 1000000 elements\n");
	expect_ceiling(repeat("influx: ( 1", ",%zu", 64, ");"), "influx: has more than 64 elements\n");
	expect_ceiling(repeat("agent: { labels = { a = \"", "0123456%.0zu", 586, "\"; }; };"),
		       "agent.labels.a: is longer than 4096 bytes\n");
	expect_ceiling(repeat("agent: { name = \"", "0123456%.0zu", 150, "\"; };"),
		       "agent.name: is longer than 1024 bytes\n");
	expect_ceiling(repeat("web: { listen = [ \"a\"", ",\"%zu\"", 4096, "]; };"),
		       "web.listen: has more than 4096 elements\n");
	expect_ceiling(repeat("probes: {", "p%zu={type=\"look\";};\n", 10001, "};"),
		       "probes: has more than 10000 probes\n");
}
