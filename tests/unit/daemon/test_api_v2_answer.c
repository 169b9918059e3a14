#include "daemon/api_v2_answer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"

#define ROWS(text)    .rows = (text), .length = sizeof(text) - 1
#define FAILED(text)  .error = (text), .error_bytes = sizeof(text) - 1
#define NO_ECHOES     .echoes = {.min_ns = -1, .average_ns = -1, .max_ns = -1}
#define ENDED_NS      (INT64_C(1767323045) * NS_PER_SECOND)
#define ENDED         "\"timestamp\":\"2026-01-02T03:04:05.000000000Z\""
#define RESULTS(text) .results = (text), .results_length = sizeof(text) - 1

static void expect_outcome(enum api_v2_kind kind, const char *command, const struct api_v2_outcome *outcome,
			   const char *expected)
{
	struct text out = {0};

	api_v2_add_outcome(&out, kind, command, outcome);
	cr_expect_str_eq(text_string(&out), expected);
	text_free(&out);
}

Test(api_v2_answer, outcomes)
{
	const struct api_v2_outcome good = {.is_successful = true,
					    ROWS("{\"name\":\"gw\"}"),
					    .nrows = 1,
					    .took_ns = 12 * NS_PER_MS,
					    .echoes = {4, 3, 1000000, 1500000, 2000000}};
	const struct api_v2_outcome bad = {ROWS(""), FAILED("no \"such\" menu"), NO_ECHOES};
	const struct api_v2_outcome cached = {.is_successful = true, .is_cached = true, ROWS("")};

	expect_outcome(API_V2_MULTI_HOST, NULL, &good,
		       "{\"status\":\"success\",\"data\":[{\"name\":\"gw\"}],\"error\":null,"
		       "\"execution_time_seconds\":0.012,\"cached\":false}");
	expect_outcome(API_V2_BATCH, "/a/print", &bad,
		       "{\"command\":\"/a/print\",\"status\":\"error\",\"data\":[],\"error\":\"no \\\"such\\\" menu\","
		       "\"execution_time_seconds\":0,\"cached\":false}");
	expect_outcome(API_V2_COMMAND, NULL, &cached,
		       "{\"status\":\"success\",\"data\":[],\"error\":null,\"execution_time_seconds\":0,"
		       "\"cached\":true}");
	expect_outcome(API_V2_TRACEROUTE, NULL, &good,
		       "{\"status\":\"success\",\"data\":[{\"name\":\"gw\"}],\"error\":null,"
		       "\"execution_time_seconds\":0.012,\"cached\":false,\"hops\":1}");
	expect_outcome(API_V2_PING, NULL, &good,
		       "{\"status\":\"success\",\"data\":[{\"name\":\"gw\"}],\"error\":null,"
		       "\"execution_time_seconds\":0.012,\"cached\":false,\"statistics\":{\"sent\":4,\"received\":3,"
		       "\"packet_loss_percent\":25,\"min_rtt_ms\":1,\"avg_rtt_ms\":1.5,\"max_rtt_ms\":2}}");
	expect_outcome(API_V2_PING, NULL, &bad,
		       "{\"status\":\"error\",\"data\":[],\"error\":\"no \\\"such\\\" menu\","
		       "\"execution_time_seconds\":0,\"cached\":false,\"statistics\":{\"sent\":0,\"received\":0,"
		       "\"packet_loss_percent\":null,\"min_rtt_ms\":null,\"avg_rtt_ms\":null,\"max_rtt_ms\":null}}");
}

Test(api_v2_answer, a_ping_without_answer_fails)
{
	struct api_v2_outcome outcome = {.is_successful = true, .echoes = {.sent = 4, .received = 1}};
	char why[64];

	api_v2_judge_ping(&outcome, why);
	cr_expect(outcome.is_successful);
	outcome.echoes.received = 0;
	api_v2_judge_ping(&outcome, why);
	cr_expect_not(outcome.is_successful);
	cr_expect_str_eq(why, "none of 4 pings was answered");
	cr_expect_eq(outcome.error_bytes, strlen(why));
}

static void expect_summary(const struct api_v2_summary *summary, const char *expected)
{
	struct text out = {0};

	api_v2_add_summary(&out, summary);
	cr_expect_str_eq(text_string(&out), expected);
	text_free(&out);
}

Test(api_v2_answer, summaries)
{
	const struct api_v2_host host = {.name = "192.0.2.1"};
	const struct api_v2_command command = {.path = "/a/print"};
	struct api_v2_call call = {.hosts = &host, .nhosts = 1, .commands = &command, .ncommands = 1};
	struct api_v2_summary summary = {.call = &call,
					 .nsuccessful = 1,
					 .max_concurrent = 5,
					 .took_ns = 2 * NS_PER_SECOND,
					 .ended_realtime_ns = ENDED_NS,
					 .average_ms = 12.5,
					 RESULTS("\"t\":{}")};

	call.kind = API_V2_PING;
	expect_summary(&summary, "{\"status\":\"completed\",\"method\":\"API_PING_PARALLEL\",\"host\":\"192.0.2.1\","
				 "\"targets_requested\":1,\"targets_successful\":1,\"avg_ping_time_ms\":12.5,"
				 "\"total_execution_time_seconds\":2,\"results\":{\"t\":{}}," ENDED "}");
	summary.average_ms = NAN;
	expect_summary(&summary, "{\"status\":\"completed\",\"method\":\"API_PING_PARALLEL\",\"host\":\"192.0.2.1\","
				 "\"targets_requested\":1,\"targets_successful\":1,\"avg_ping_time_ms\":null,"
				 "\"total_execution_time_seconds\":2,\"results\":{\"t\":{}}," ENDED "}");
	call.kind = API_V2_TRACEROUTE;
	expect_summary(&summary, "{\"status\":\"completed\",\"method\":\"API_TRACEROUTE_PARALLEL\","
				 "\"host\":\"192.0.2.1\",\"targets_requested\":1,\"targets_successful\":1,"
				 "\"total_execution_time_seconds\":2,\"results\":{\"t\":{}}," ENDED "}");
	call.kind = API_V2_MULTI_HOST;
	expect_summary(&summary, "{\"status\":\"completed\",\"method\":\"API_MULTI_HOST_PARALLEL\","
				 "\"hosts_requested\":1,\"hosts_successful\":1,\"max_concurrent_hosts\":5,"
				 "\"command\":\"/a/print\",\"total_execution_time_seconds\":2,"
				 "\"results\":{\"t\":{}}," ENDED "}");
}

Test(api_v2_answer, summaries_of_commands)
{
	const struct api_v2_host host = {.name = "gw1"};
	const struct api_v2_command command = {.path = "/a/print"};
	struct api_v2_call call = {
		.kind = API_V2_BATCH, .hosts = &host, .nhosts = 1, .commands = &command, .ncommands = 1};
	struct api_v2_summary summary = {
		.call = &call, .max_concurrent = 5, .ended_realtime_ns = ENDED_NS, RESULTS("{\"status\":\"error\"}")};

	expect_summary(&summary, "{\"status\":\"completed\",\"method\":\"API_BATCH_PARALLEL\",\"host\":\"gw1\","
				 "\"commands_requested\":1,\"commands_successful\":0,\"max_concurrent\":5,"
				 "\"total_execution_time_seconds\":0,\"results\":[{\"status\":\"error\"}]," ENDED "}");
	call.kind = API_V2_COMMAND;
	expect_summary(&summary, "{\"status\":\"error\",\"method\":\"API_COMMAND\",\"host\":\"gw1\"," ENDED "}");
}

static void expect_connection(const struct api_v2_connection *connection, const char *expected)
{
	struct text out = {0};

	api_v2_add_connection(&out, connection);
	cr_expect_str_eq(text_string(&out), expected);
	text_free(&out);
}

Test(api_v2_answer, connections)
{
	struct api_v2_outcome outcome = {.is_successful = true, ROWS("{\"name\":\"gw\"}")};
	struct api_v2_connection connection = {.host = "gw1",
					       .port = 8729,
					       .connect_ns = 30 * NS_PER_MS,
					       .response_ns = 4 * NS_PER_MS,
					       .is_fresh = true,
					       .is_secured = true,
					       .ended_realtime_ns = ENDED_NS,
					       .outcome = &outcome};

	expect_connection(&connection, "{\"status\":\"success\",\"message\":\"connected and logged in with TLS\","
				       "\"connection_time_seconds\":0.03,\"response_time_ms\":4,"
				       "\"method\":\"ROUTEROS_API\",\"host\":\"gw1\",\"port\":8729,\"error\":null,"
				       "\"data\":[{\"name\":\"gw\"}]," ENDED "}");
	connection.is_fresh = false;
	connection.is_anonymous = true;
	expect_connection(&connection, "{\"status\":\"success\",\"message\":\"was connected and logged in with TLS "
				       "that proves nothing of who the router is\",\"connection_time_seconds\":0.03,"
				       "\"response_time_ms\":4,\"method\":\"ROUTEROS_API\",\"host\":\"gw1\","
				       "\"port\":8729,\"error\":null,\"data\":[{\"name\":\"gw\"}]," ENDED "}");
	outcome = (struct api_v2_outcome){ROWS(""), FAILED("connection refused")};
	connection.connect_ns = -1;
	expect_connection(&connection, "{\"status\":\"error\",\"message\":\"failed: connection refused\","
				       "\"connection_time_seconds\":null,\"response_time_ms\":null,"
				       "\"method\":\"ROUTEROS_API\",\"host\":\"gw1\",\"port\":8729,"
				       "\"error\":\"connection refused\",\"data\":[]," ENDED "}");
}

Test(api_v2_answer, refusals)
{
	struct text out = {0};

	api_v2_add_refusal(&out, "busy", "too \"many\"");
	cr_expect_str_eq(text_string(&out),
			 "{\"status\":\"error\",\"error\":\"busy\",\"message\":\"too \\\"many\\\"\"}");
	text_free(&out);
}
