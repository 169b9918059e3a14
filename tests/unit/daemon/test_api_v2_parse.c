#include "daemon/api_v2.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"

#define ME "\"host\":\"192.0.2.1\",\"username\":\"admin\",\"password\":\"hunter22\""

static const struct api_v2_limits limits = {.max_targets = 3, .max_commands = 4, .max_hosts = 3};

static struct api_v2_call *parse(enum api_v2_kind kind, const char *body, struct err *err)
{
	return api_v2_parse(kind, body, strlen(body), &limits, NULL, err);
}

static struct api_v2_call *good(enum api_v2_kind kind, const char *body)
{
	struct err err = {0};
	struct api_v2_call *call = parse(kind, body, &err);

	cr_assert_not_null(call, "%s: %s", body, err.text);
	return call;
}

/* The words of a sentence with spaces between them. */
static void expect_sentence(const struct api_v2_command *command, const char *expected)
{
	const unsigned char *bytes = command->sentence;
	struct text words = {0};

	for (size_t i = 0; i < command->sentence_bytes;) {
		size_t n = bytes[i] < 0x80 ? bytes[i] : (size_t)(bytes[i] & 0x3f) << 8 | bytes[i + 1];

		i += bytes[i] < 0x80 ? 1 : 2;
		text_add(&words, words.length ? " " : "");
		text_add_bytes(&words, bytes + i, n);
		i += n;
	}
	cr_expect_str_eq(text_string(&words), expected);
	text_free(&words);
}

Test(api_v2_parse, kinds_have_names)
{
	for (enum api_v2_kind kind = 0; kind < API_V2_KINDS; kind++)
		cr_expect_not_null(api_v2_kind_name(kind));
	cr_expect_str_eq(api_v2_kind_name(API_V2_MULTI_HOST), "multi-host");
}

Test(api_v2_parse, kinds_without_a_body)
{
	struct api_v2_call *call = api_v2_parse(API_V2_STATS, NULL, 0, &limits, NULL, NULL);

	cr_assert_not_null(call);
	cr_expect_eq(call->nhosts, 0);
	api_v2_call_free(call);
	api_v2_call_free(NULL);
}

Test(api_v2_parse, test_connection)
{
	struct api_v2_call *call =
		good(API_V2_TEST_CONNECTION, "{" ME ",\"port\":8729,\"use_ssl\":true,\"timeout\":1.5}");

	cr_assert_eq(call->nhosts, 1);
	cr_expect_str_eq(call->hosts[0].host, "192.0.2.1");
	cr_expect_str_eq(call->hosts[0].name, "192.0.2.1");
	cr_expect_str_eq(call->hosts[0].username, "admin");
	cr_expect_str_eq(call->hosts[0].password, "hunter22");
	cr_expect_eq(call->hosts[0].port, 8729);
	cr_expect(call->hosts[0].uses_tls);
	cr_expect_not(call->hosts[0].is_unverified);
	cr_expect_eq(call->timeout_ns, 1500 * NS_PER_MS);
	cr_assert_eq(call->ncommands, 1);
	cr_expect_not(call->commands[0].uses_cache);
	expect_sentence(&call->commands[0], "/system/identity/print");
	api_v2_call_free(call);
}

Test(api_v2_parse, configured_router)
{
	struct api_v2_call *call = good(API_V2_COMMAND, "{\"router\":\"gw1\",\"command\":\"/ip/arp/print\"}");

	cr_expect_str_eq(call->hosts[0].router, "gw1");
	cr_expect_null(call->hosts[0].host);
	cr_expect(call->commands[0].uses_cache);
	api_v2_call_free(call);
}

Test(api_v2_parse, host_without_access_is_a_configured_router)
{
	struct api_v2_call *call = good(API_V2_COMMAND, "{\"host\":\"gw 1\",\"command\":\"/a/print\"}");

	cr_assert_eq(call->nhosts, 1);
	cr_expect_str_eq(call->hosts[0].router, "gw 1");
	cr_expect_str_eq(call->hosts[0].name, "gw 1");
	cr_expect_null(call->hosts[0].host);
	api_v2_call_free(call);
}

Test(api_v2_parse, ways_of_tls)
{
	struct api_v2_call *call = good(API_V2_TEST_CONNECTION, "{" ME ",\"use_ssl\":true,\"tls_verify\":false,"
								"\"tls_anonymous\":true,\"tls_fingerprint\":"
								"\"00112233445566778899aabbccddeeff"
								"00112233445566778899aabbccddeeff\"}");

	cr_expect(call->hosts[0].is_unverified);
	cr_expect(call->hosts[0].is_anonymous);
	cr_expect_not_null(call->hosts[0].fingerprint);
	api_v2_call_free(call);
}

Test(api_v2_parse, ping)
{
	struct api_v2_call *call =
		good(API_V2_PING, "{" ME ",\"targets\":[\"1.1.1.1\",\"b.example\",\"1.1.1.1\"],\"use_cache\":false,"
				  "\"parameters\":{\"size\":100}}");

	cr_assert_eq(call->ncommands, 2, "each target once");
	cr_expect_str_eq(call->targets[1], "b.example");
	expect_sentence(&call->commands[0], "/ping =address=1.1.1.1 =count=4 =size=100");
	expect_sentence(&call->commands[1], "/ping =address=b.example =count=4 =size=100");
	cr_expect_not(call->commands[1].uses_cache);
	api_v2_call_free(call);
	call = good(API_V2_PING, "{" ME ",\"target\":\"1.1.1.1\",\"count\":7}");
	expect_sentence(&call->commands[0], "/ping =address=1.1.1.1 =count=7");
	api_v2_call_free(call);
}

Test(api_v2_parse, traceroute)
{
	struct api_v2_call *call = good(API_V2_TRACEROUTE, "{" ME ",\"targets\":[\"1.1.1.1\"],\"max_hops\":5}");

	expect_sentence(&call->commands[0], "/tool/traceroute =address=1.1.1.1 =count=1 =max-hops=5");
	api_v2_call_free(call);
}

Test(api_v2_parse, parameters_of_all_kinds)
{
	struct api_v2_call *call = good(
		API_V2_COMMAND,
		"{" ME ",\"command\":\"/interface print\",\"use_cache\":false,\"parameters\":{\"a\":\"x=y\",\"b\":5,"
		"\"c\":1.5,\"d\":true,\"e\":false,\"f\":null,\"g\":[\"p\",2],\"?type\":\"ether\",\"?#!\":\"\"},"
		"\"queries\":[\"?running=yes\"],\"proplist\":[\"name\",\"rx-byte\"]}");
	const char *value = NULL;

	expect_sentence(&call->commands[0], "/interface/print =a=x=y =b=5 =c=1.5 =d=yes =e=no =f= =g=p,2 ?type=ether "
					    "?#! ?running=yes =.proplist=name,rx-byte");
	cr_expect_str_eq(call->commands[0].path, "/interface/print");
	cr_expect(api_v2_find(&call->commands[0], "a", &value));
	cr_expect_str_eq(value, "x=y");
	cr_expect_not(api_v2_find(&call->commands[0], "z", &value));
	api_v2_call_free(call);
}

Test(api_v2_parse, batch)
{
	struct api_v2_call *call =
		good(API_V2_BATCH, "{" ME ",\"max_concurrent\":7,\"commands\":[{\"command\":\"/a/print\"},"
				   "{\"command\":\"/b/print\",\"use_cache\":false}]}");

	cr_expect_eq(call->max_concurrent, 7);
	cr_assert_eq(call->ncommands, 2);
	cr_expect(call->commands[0].uses_cache);
	cr_expect_not(call->commands[1].uses_cache);
	cr_expect_str_eq(call->commands[1].path, "/b/print");
	api_v2_call_free(call);
	call = good(API_V2_BATCH, "{" ME ",\"use_cache\":false,\"commands\":[{\"command\":\"/a/print\"}]}");
	cr_expect_not(call->commands[0].uses_cache);
	api_v2_call_free(call);
}

Test(api_v2_parse, multi_host)
{
	struct api_v2_call *call = good(API_V2_MULTI_HOST, "{\"hosts\":[{" ME "},{" ME
							   ",\"port\":18728},\"gw1\"],\"command\":\"/a/print\","
							   "\"max_concurrent_hosts\":2}");

	cr_assert_eq(call->nhosts, 3);
	cr_expect_str_eq(call->hosts[0].name, "192.0.2.1");
	cr_expect_str_eq(call->hosts[1].name, "192.0.2.1:18728");
	cr_expect_str_eq(call->hosts[2].router, "gw1");
	cr_expect_eq(call->max_concurrent, 2);
	api_v2_call_free(call);
	call = good(API_V2_MULTI_HOST,
		    "{\"hosts\":[\"gw1\"],\"commands\":[{\"command\":\"/a/print\"},{\"command\":\"/b/print\"}]}");
	cr_expect_eq(call->ncommands, 2);
	api_v2_call_free(call);
}

Test(api_v2_parse, timeout)
{
	const struct api_v2_terms terms = {.timeout_ns = 30 * NS_PER_SECOND, .max_timeout_ns = 60 * NS_PER_SECOND};
	static const struct {
		enum api_v2_kind kind;
		const char *body;
		int64_t seconds;
	} cases[] = {
		{API_V2_TEST_CONNECTION, "{" ME "}", 30},
		{API_V2_TEST_CONNECTION, "{" ME ",\"timeout\":5}", 5},
		{API_V2_TEST_CONNECTION, "{" ME ",\"timeout\":500}", 60},
		{API_V2_PING, "{" ME ",\"target\":\"a\",\"count\":10}", 40},
		{API_V2_PING, "{" ME ",\"target\":\"a\",\"count\":100}", 60},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct api_v2_call *call = good(cases[i].kind, cases[i].body);

		cr_expect_eq(api_v2_timeout_ns(call, &terms), cases[i].seconds * NS_PER_SECOND, "%s", cases[i].body);
		api_v2_call_free(call);
	}
}

static const struct {
	enum api_v2_kind kind;
	const char *body, *field, *error;
} faults[] = {
	{API_V2_COMMAND, "", "", "the body is not JSON: line 1, column 0"},
	{API_V2_COMMAND, "{\"password\":\"hunter22\"", "", "the body is not JSON: line 1, column 22"},
	{API_V2_COMMAND, "[]", "", "the body is not a JSON object"},
	{API_V2_COMMAND, "{}", "host", NULL},
	{API_V2_COMMAND, "{\"host\":\"a\"}", "command", "command: missing"},
	{API_V2_COMMAND, "{\"host\":\"a\",\"password\":\"p\"}", "username", "username: missing"},
	{API_V2_COMMAND, "{\"host\":\"a\",\"username\":\"u\"}", "password", "password: missing"},
	{API_V2_COMMAND, "{\"host\":\"a b\",\"username\":\"u\",\"password\":\"\"}", "host", NULL},
	{API_V2_COMMAND, "{\"host\":\"\",\"username\":\"u\",\"password\":\"\"}", "host", "host: must not be empty"},
	{API_V2_COMMAND, "{\"host\":\"a\",\"username\":\"\",\"password\":\"\"}", "username", NULL},
	{API_V2_COMMAND, "{\"host\":7}", "host", "host: must be a text"},
	{API_V2_COMMAND, "{\"host\":\"a\",\"router\":\"b\"}", "router", "router: not together with host"},
	{API_V2_COMMAND, "{" ME ",\"port\":0,\"command\":\"/a\"}", "port",
	 "port: must be a whole number from 1 to 65535"},
	{API_V2_COMMAND, "{" ME ",\"use_ssl\":1,\"command\":\"/a\"}", "use_ssl", "use_ssl: must be true or false"},
	{API_V2_COMMAND, "{" ME ",\"tls_fingerprint\":\"12\"}", "tls_fingerprint", NULL},
	{API_V2_COMMAND, "{" ME "}", "command", "command: missing"},
	{API_V2_COMMAND, "{" ME ",\"command\":\"print\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a//b\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a=b\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/quit\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":[]}", "parameters", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":{\"a\":{}}}", "parameters.a", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":{\"a\":[[]]}}", "parameters.a", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":{\"\":1}}", "parameters.", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":{\"a=b\":1}}", "parameters.a=b", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"queries\":\"?a\"}", "queries", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"queries\":[\"a\"]}", "queries", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"queries\":[\"?\"]}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"proplist\":5}", "proplist", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"timeout\":0}", "timeout", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"command\":\"/b\"}", "", NULL},
	{API_V2_PING, "{" ME "}", "targets", "targets: missing"},
	{API_V2_PING, "{" ME ",\"targets\":\"a\"}", "targets", "targets: must be a list"},
	{API_V2_PING, "{" ME ",\"targets\":[]}", "targets", "targets: must not be empty"},
	{API_V2_PING, "{" ME ",\"targets\":[\"a\",\"b\",\"c\",\"d\"]}", "targets",
	 "targets: has 4 items: at most 3 are taken"},
	{API_V2_PING, "{" ME ",\"targets\":[\"a\",5]}", "targets[1]", "targets[1]: must be an address or a name"},
	{API_V2_PING, "{" ME ",\"targets\":[\"a b\"]}", "targets[0]", NULL},
	{API_V2_PING, "{" ME ",\"target\":\"a\",\"count\":0}", "count", NULL},
	{API_V2_BATCH, "{" ME "}", "commands", "commands: missing"},
	{API_V2_BATCH, "{" ME ",\"commands\":[{\"command\":\"/a\"},{}]}", "commands[1].command",
	 "commands[1].command: missing"},
	{API_V2_BATCH, "{" ME ",\"commands\":[\"/a\"]}", "commands[0].command", NULL},
	{API_V2_BATCH, "{" ME ",\"max_concurrent\":-1,\"commands\":[{\"command\":\"/a\"}]}", "max_concurrent", NULL},
	{API_V2_MULTI_HOST, "{\"command\":\"/a\"}", "hosts", "hosts: missing"},
	{API_V2_MULTI_HOST, "{\"hosts\":[{\"host\":\"a\",\"password\":\"p\"}],\"command\":\"/a\"}", "hosts[0].username",
	 NULL},
	{API_V2_MULTI_HOST, "{\"hosts\":[7],\"command\":\"/a\"}", "hosts[0].host", NULL},
	{API_V2_MULTI_HOST, "{\"hosts\":[\"\"],\"command\":\"/a\"}", "hosts[0].router", NULL},
	{API_V2_MULTI_HOST, "{\"hosts\":[\"a\",\"a\"],\"command\":\"/a\"}", "hosts[1].router",
	 "hosts[1].router: comes twice"},
	{API_V2_MULTI_HOST, "{\"hosts\":[{" ME "},{" ME "},{" ME "}],\"command\":\"/a\"}", "hosts[2].host",
	 "hosts[2].host: comes twice"},
	{API_V2_MULTI_HOST, "{\"hosts\":[\"a\"]}", "command", "command: missing"},
	{API_V2_COMMAND, "{\"host\":null,\"router\":null}", "host", NULL},
	{API_V2_COMMAND, "{\"router\":\"\"}", "router", "router: must not be empty"},
	{API_V2_COMMAND, "{\"router\":5}", "router", NULL},
	{API_V2_COMMAND, "{\"host\":\"a\",\"username\":5}", "username", NULL},
	{API_V2_COMMAND, "{\"host\":\"a\",\"username\":\"u\",\"password\":5}", "password", NULL},
	{API_V2_COMMAND, "{\"host\":\"a\\u0007\",\"username\":\"u\",\"password\":\"\"}", "host", NULL},
	{API_V2_COMMAND, "{\"host\":\"a\",\"username\":\"u\\u007f\",\"password\":\"\"}", "username", NULL},
	{API_V2_COMMAND, "{" ME ",\"port\":65536}", "port", NULL},
	{API_V2_COMMAND, "{" ME ",\"port\":\"80\"}", "port", NULL},
	{API_V2_COMMAND, "{" ME ",\"tls_fingerprint\":5}", "tls_fingerprint", NULL},
	{API_V2_COMMAND, "{" ME ",\"tls_anonymous\":5}", "tls_anonymous", NULL},
	{API_V2_COMMAND, "{" ME ",\"tls_verify\":5}", "tls_verify", NULL},
	{API_V2_COMMAND, "{" ME ",\"max_concurrent\":null,\"command\":5}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a/\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/login\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/cancel\"}", "command", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"use_cache\":5}", "use_cache", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"parameters\":{\"a\\u0007\":1}}", "parameters.?", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"queries\":[5]}", "queries", NULL},
	{API_V2_COMMAND, "{" ME ",\"command\":\"/a\",\"proplist\":[[]]}", "proplist", NULL},
	{API_V2_COMMAND, "{" ME ",\"timeout\":86401}", "timeout", NULL},
	{API_V2_COMMAND, "{" ME ",\"timeout\":\"5\"}", "timeout", NULL},
	{API_V2_PING, "{\"host\":5}", "host", NULL},
	{API_V2_PING, "{" ME ",\"targets\":null}", "targets", "targets: missing"},
	{API_V2_PING, "{" ME ",\"target\":5}", "targets", "targets: missing"},
	{API_V2_PING, "{" ME ",\"target\":\"a\",\"use_cache\":5}", "use_cache", NULL},
	{API_V2_PING, "{" ME ",\"target\":\"a\",\"parameters\":5}", "parameters", NULL},
	{API_V2_TRACEROUTE, "{" ME ",\"target\":\"a\",\"max_hops\":256}", "max_hops", NULL},
	{API_V2_BATCH, "{" ME ",\"use_cache\":5,\"commands\":[{\"command\":\"/a\"}]}", "use_cache", NULL},
	{API_V2_MULTI_HOST, "{\"hosts\":[\"a\"],\"command\":\"/a\",\"max_concurrent_hosts\":0}", "max_concurrent_hosts",
	 NULL},
};

Test(api_v2_parse, faults_name_the_field)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		char field[API_V2_FIELD_SIZE] = "?";
		struct err err = {0};
		struct api_v2_call *call =
			api_v2_parse(faults[i].kind, faults[i].body, strlen(faults[i].body), &limits, field, &err);

		cr_expect_null(call, "%s", faults[i].body);
		cr_expect_str_eq(field, faults[i].field, "%s: %s", faults[i].body, field);
		if (faults[i].error)
			cr_expect_str_eq(err.text, faults[i].error, "%s: %s", faults[i].body, err.text);
		cr_expect_null(strstr(err.text, "hunter22"), "%s", err.text);
		api_v2_call_free(call);
	}
}

static void expect_too_long(const char *start, size_t n, const char *end, const char *field_expected)
{
	struct text body = {0};
	char field[API_V2_FIELD_SIZE];

	text_add(&body, start);
	for (size_t i = 0; i < n; i++)
		text_add_char(&body, 'a');
	text_add(&body, end);
	cr_expect_null(api_v2_parse(API_V2_COMMAND, body.bytes, body.length, &limits, field, NULL));
	cr_expect_str_eq(field, field_expected);
	text_free(&body);
}

Test(api_v2_parse, what_is_too_long)
{
	expect_too_long("{\"host\":\"", 254, "\"}", "host");
	expect_too_long("{" ME ",\"command\":\"/a\",\"parameters\":{\"a\":\"", 65537, "\"}}", "parameters.a");
	expect_too_long("{" ME ",\"command\":\"/a\",\"proplist\":\"", 65537, "\"}", "proplist");
	expect_too_long("{" ME ",\"command\":\"/", 256, "\"}", "command");
}

Test(api_v2_parse, too_many_words)
{
	struct text body = {0};
	char field[API_V2_FIELD_SIZE];

	text_add(&body, "{" ME ",\"command\":\"/a\",\"queries\":[");
	for (size_t i = 0; i < 257; i++)
		text_add(&body, i ? ",\"?a=1\"" : "\"?a=1\"");
	text_add(&body, "]}");
	cr_expect_null(api_v2_parse(API_V2_COMMAND, body.bytes, body.length, &limits, field, NULL));
	cr_expect_str_eq(field, "queries");
	text_free(&body);
}

Test(api_v2_parse, what_is_null_is_not_there)
{
	struct api_v2_call *call =
		good(API_V2_COMMAND,
		     "{" ME ",\"port\":null,\"use_ssl\":null,\"timeout\":null,\"command\":\"/a\",\"parameters\":null,"
		     "\"queries\":null,\"proplist\":null,\"use_cache\":null,\"tls_verify\":true}");

	cr_expect_eq(call->commands[0].nwords, 0);
	cr_expect_eq(call->hosts[0].port, 0);
	cr_expect_not(call->hosts[0].is_unverified);
	cr_expect(call->commands[0].uses_cache);
	api_v2_call_free(call);
}

Test(api_v2_parse, a_name_with_spaces_and_ports_that_differ)
{
	struct api_v2_call *call = good(API_V2_MULTI_HOST, "{\"hosts\":[\"two, with a comma\",{" ME "},{" ME
							   ",\"use_ssl\":true}],\"command\":\"/a\"}");

	cr_expect_str_eq(call->hosts[0].router, "two, with a comma");
	cr_expect_str_eq(call->hosts[2].name, "192.0.2.1:8729");
	api_v2_call_free(call);
}

Test(api_v2_parse, large_calls)
{
	const struct api_v2_limits many = {.max_commands = 3000};
	struct text body = {0};
	struct err err = {0};
	struct api_v2_call *call;

	text_add(&body, "{" ME ",\"commands\":[{\"command\":\"/a\",\"parameters\":{\"long\":\"");
	for (size_t i = 0; i < 60000; i++)
		text_add_char(&body, 'x');
	text_add(&body, "\"}}");
	for (size_t i = 1; i < 3000; i++)
		text_add(&body,
			 ",{\"command\":\"/system/identity/print\",\"parameters\":{\"a\":\"0123456789012345678901"
			 "234567890123456789012345678901234567890123456789\"}}");
	text_add(&body, "]}");
	call = api_v2_parse(API_V2_BATCH, body.bytes, body.length, &many, NULL, &err);
	cr_assert_not_null(call, "%s", err.text);
	cr_expect_eq(call->commands[0].words[0].length, 60000);
	cr_expect_str_eq(call->commands[2999].path, "/system/identity/print");
	api_v2_call_free(call);
	text_free(&body);
}
