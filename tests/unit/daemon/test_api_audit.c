#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api_audit.h"
#include "daemon/api_health.h"
#include "daemon/api_v2.h"

static const struct api_v2_limits limits = {100, 1000, 100};

static void expect_line(enum api_v2_kind kind, const char *body, const char *expected)
{
	char field[API_V2_FIELD_SIZE];
	struct err err = {0};
	struct api_v2_call *call = api_v2_parse(kind, body, strlen(body), &limits, field, &err);
	struct text line = {0};

	cr_assert(call != NULL, "%s: %s", body, err.text);
	api_audit_add_call(call, &line);
	cr_expect_str_eq(text_string(&line), expected);
	cr_expect_null(strstr(text_string(&line), "geheim"));
	text_free(&line);
	api_v2_call_free(call);
}

Test(api_audit, calls)
{
	expect_line(API_V2_STATS, "", "");
	expect_line(API_V2_TEST_CONNECTION, "{\"router\":\"gw1\"}", " router=gw1 commands=1 /system/identity/print");
	expect_line(API_V2_COMMAND,
		    "{\"host\":\"192.0.2.1\",\"port\":99,\"username\":\"ad min=\\\"\",\"password\":\"geheim\","
		    "\"command\":\"/user/add\",\"parameters\":{\"name\":\"x\",\"password\":\"geheim\"}}",
		    " host=192.0.2.1:99 user=ad_min__ commands=1 /user/add");
	expect_line(API_V2_PING, "{\"router\":\"a=\\\"b\\\"\",\"targets\":[\"192.0.2.1\",\"192.0.2.2\"]}",
		    " router=a__b_ commands=2 /ping");
	expect_line(API_V2_BATCH,
		    "{\"router\":\"gw1\",\"commands\":[{\"command\":\"/a/print\"},{\"command\":\"/b/print\"},"
		    "{\"command\":\"/a/print\"}]}",
		    " router=gw1 commands=3 /a/print /b/print");
	expect_line(API_V2_MULTI_HOST, "{\"hosts\":[\"gw1\",\"gw2\"],\"command\":\"/a/print\"}",
		    " router=gw1 router=gw2 commands=1 /a/print");
}

Test(api_audit, has_an_end)
{
	struct text body = {0}, line = {0};
	char field[API_V2_FIELD_SIZE];
	struct err err = {0};
	struct api_v2_call *call;

	text_add(&body, "{\"hosts\":[");
	for (int i = 0; i < 100; i++)
		text_add_format(&body, "%s\"gw%d\"", i ? "," : "", i);
	text_add(&body, "],\"commands\":[");
	for (int i = 0; i < 1000; i++)
		text_add_format(&body, "%s{\"command\":\"/menu%d/print\"}", i ? "," : "", i);
	text_add(&body, "]}");
	call = api_v2_parse(API_V2_MULTI_HOST, body.bytes, body.length, &limits, field, &err);
	cr_assert(call != NULL, "%s", err.text);
	api_audit_add_call(call, &line);
	cr_expect_lt(line.length, 1000);
	cr_expect(strstr(text_string(&line), " router=gw7 hosts=100 commands=1000 /menu0/print"), "%s",
		  text_string(&line));
	api_v2_call_free(call);
	text_free(&line);
	text_free(&body);
}

Test(api_audit, answers)
{
	static const struct {
		struct api_v2_answer answer;
		int64_t took_ns;
		const char *expected;
	} cases[] = {
		{{.status = 200, .outcome = "partial", .nparts = 3, .nsuccessful = 2, .ncached = 1},
		 12345678,
		 " status=200 outcome=partial parts=2/3 cached=1 duration=0.012345"},
		{{.status = 403, .outcome = "refused"}, 0, " status=403 outcome=refused duration=0"},
		{{.status = 200}, 1000, " status=200 duration=0.000001"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text line = {0};

		api_audit_add_answer(&cases[i].answer, cases[i].took_ns, &line);
		cr_expect_str_eq(text_string(&line), cases[i].expected);
		text_free(&line);
	}
}

Test(api_health, states)
{
	static const struct {
		struct api_health_facts facts;
		int status;
		const char *word, *workers, *outputs, *config;
	} cases[] = {
		{{.running = 2, .workers = 2, .is_accepted = true}, 200, "healthy", "ok", "ok", "ok"},
		{{.running = 2, .workers = 2, .is_accepted = true, .outputs = 2, .behind = 1},
		 200,
		 "degraded",
		 "ok",
		 "failing",
		 "ok"},
		{{.running = 2, .workers = 2, .is_restart_needed = true}, 200, "degraded", "ok", "ok", "failing"},
		{{.running = 1, .workers = 2, .is_accepted = true}, 503, "unhealthy", "failing", "ok", "ok"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		const char *word = "", *workers = "", *outputs = "", *config = "";
		json_t *read;

		cr_expect_eq(api_health_write(&cases[i].facts, &out), cases[i].status);
		read = json_loads(text_string(&out), 0, NULL);
		cr_assert(read != NULL, "%s", text_string(&out));
		cr_assert_eq(json_unpack(read, "{s:s,s:{s:{s:s},s:{s:s},s:{s:s}}}", "status", &word, "checks",
					 "workers", "status", &workers, "outputs", "status", &outputs, "config",
					 "status", &config),
			     0);
		cr_expect_str_eq(word, cases[i].word);
		cr_expect_str_eq(workers, cases[i].workers);
		cr_expect_str_eq(outputs, cases[i].outputs);
		cr_expect_str_eq(config, cases[i].config);
		json_decref(read);
		text_free(&out);
	}
}
