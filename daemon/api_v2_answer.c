#include "daemon/api_v2_answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "daemon/ros_json.h"
#include "daemon/sample_json.h"

static const char *const methods[API_V2_KINDS] = {
	[API_V2_TEST_CONNECTION] = "ROUTEROS_API",       [API_V2_PING] = "API_PING_PARALLEL",
	[API_V2_TRACEROUTE] = "API_TRACEROUTE_PARALLEL", [API_V2_COMMAND] = "API_COMMAND",
	[API_V2_BATCH] = "API_BATCH_PARALLEL",           [API_V2_MULTI_HOST] = "API_MULTI_HOST_PARALLEL",
};

static void add_seconds(struct text *out, const char *key, int64_t ns)
{
	json_add_key(out, key);
	text_add_seconds(out, ns);
}

static void add_ms(struct text *out, const char *key, int64_t ns)
{
	json_add_key(out, key);
	if (ns < 0)
		text_add(out, "null");
	else
		text_add_double(out, (double)ns / 1e6);
}

static void add_number(struct text *out, const char *key, uint64_t number)
{
	json_add_key(out, key);
	text_add_unsigned(out, number);
}

static void add_bytes(struct text *out, const char *bytes, size_t n)
{
	ros_json_add_word(out, (struct ros_word){bytes, n});
}

static void add_time(struct text *out, int64_t realtime_ns)
{
	text_add(out, ",\"timestamp\":\"");
	sample_add_time(out, realtime_ns);
	text_add_char(out, '"');
}

/* --- parts ---------------------------------------------------------------------------------------------------------
 */

void api_v2_judge_ping(struct api_v2_outcome *outcome, char why[64])
{
	if (!outcome->is_successful || outcome->echoes.received > 0)
		return;
	outcome->is_successful = false;
	outcome->error = why;
	outcome->error_bytes =
		(size_t)snprintf(why, 64, "none of %" PRIu64 " pings was answered", outcome->echoes.sent);
}

static void add_echoes(struct text *out, const struct ros_echoes *echoes)
{
	uint64_t lost = echoes->sent > echoes->received ? echoes->sent - echoes->received : 0;

	text_add(out, ",\"statistics\":{");
	add_number(out, "sent", echoes->sent);
	text_add_char(out, ',');
	add_number(out, "received", echoes->received);
	text_add(out, ",\"packet_loss_percent\":");
	if (echoes->sent > 0)
		text_add_double(out, 100.0 * (double)lost / (double)echoes->sent);
	else
		text_add(out, "null");
	text_add_char(out, ',');
	add_ms(out, "min_rtt_ms", echoes->min_ns);
	text_add_char(out, ',');
	add_ms(out, "avg_rtt_ms", echoes->average_ns);
	text_add_char(out, ',');
	add_ms(out, "max_rtt_ms", echoes->max_ns);
	text_add_char(out, '}');
}

void api_v2_add_outcome(struct text *out, enum api_v2_kind kind, const char *command,
			const struct api_v2_outcome *outcome)
{
	text_add_char(out, '{');
	if (command) {
		text_add(out, "\"command\":");
		json_add_string(out, command);
		text_add_char(out, ',');
	}
	text_add(out, outcome->is_successful ? "\"status\":\"success\",\"data\":[" : "\"status\":\"error\",\"data\":[");
	text_add_bytes(out, outcome->rows, outcome->length);
	text_add(out, "],\"error\":");
	if (outcome->is_successful)
		text_add(out, "null");
	else
		add_bytes(out, outcome->error, outcome->error_bytes);
	text_add(out, ",\"execution_time_seconds\":");
	text_add_seconds(out, outcome->took_ns);
	text_add(out, outcome->is_cached ? ",\"cached\":true" : ",\"cached\":false");
	if (kind == API_V2_PING)
		add_echoes(out, &outcome->echoes);
	else if (kind == API_V2_TRACEROUTE)
		text_add_format(out, ",\"hops\":%zu", outcome->nrows);
	text_add_char(out, '}');
}

/* --- calls ---------------------------------------------------------------------------------------------------------
 */

static void add_head(struct text *out, const struct api_v2_summary *summary)
{
	text_add(out, "{\"status\":\"completed\",\"method\":");
	json_add_string(out, methods[summary->call->kind]);
	if (summary->call->kind != API_V2_MULTI_HOST) {
		text_add(out, ",\"host\":");
		json_add_string(out, summary->call->hosts[0].name);
	}
	text_add_char(out, ',');
}

static void add_counts(struct text *out, const struct api_v2_summary *summary)
{
	const struct api_v2_call *call = summary->call;

	switch (call->kind) {
	case API_V2_BATCH:
		text_add_format(out,
				"\"commands_requested\":%zu,\"commands_successful\":%zu,\"max_concurrent\":%" PRId64,
				call->ncommands, summary->nsuccessful, summary->max_concurrent);
		break;
	case API_V2_MULTI_HOST:
		text_add_format(out,
				"\"hosts_requested\":%zu,\"hosts_successful\":%zu,\"max_concurrent_hosts\":%" PRId64,
				call->nhosts, summary->nsuccessful, summary->max_concurrent);
		if (call->ncommands == 1) {
			text_add(out, ",\"command\":");
			json_add_string(out, call->commands[0].path);
		}
		break;
	default:
		text_add_format(out, "\"targets_requested\":%zu,\"targets_successful\":%zu", call->ncommands,
				summary->nsuccessful);
		break;
	}
	if (call->kind == API_V2_PING) {
		text_add(out, ",\"avg_ping_time_ms\":");
		json_add_number(out, summary->average_ms);
	}
}

/* The outcome of the one command, and where it was. */
static void add_command(struct text *out, const struct api_v2_summary *summary)
{
	text_add_bytes(out, summary->results, summary->results_length - 1); /* its last bracket comes later */
	text_add(out, ",\"method\":");
	json_add_string(out, methods[API_V2_COMMAND]);
	text_add(out, ",\"host\":");
	json_add_string(out, summary->call->hosts[0].name);
	add_time(out, summary->ended_realtime_ns);
	text_add_char(out, '}');
}

void api_v2_add_summary(struct text *out, const struct api_v2_summary *summary)
{
	bool is_list = summary->call->kind == API_V2_BATCH;

	if (summary->call->kind == API_V2_COMMAND) {
		add_command(out, summary);
		return;
	}
	add_head(out, summary);
	add_counts(out, summary);
	text_add_char(out, ',');
	add_seconds(out, "total_execution_time_seconds", summary->took_ns);
	text_add(out, is_list ? ",\"results\":[" : ",\"results\":{");
	text_add_bytes(out, summary->results, summary->results_length);
	text_add_char(out, is_list ? ']' : '}');
	add_time(out, summary->ended_realtime_ns);
	text_add_char(out, '}');
}

static void add_message(struct text *out, const struct api_v2_connection *connection)
{
	struct text message = {0};

	if (connection->outcome->is_successful) {
		text_add_format(&message, "%s and logged in", connection->is_fresh ? "connected" : "was connected");
		text_add(&message, connection->is_anonymous ? " with TLS that proves nothing of who the router is"
				   : connection->is_secured ? " with TLS"
							    : "");
	} else {
		text_add(&message, "failed: ");
		text_add_bytes(&message, connection->outcome->error, connection->outcome->error_bytes);
	}
	add_bytes(out, message.bytes, message.length);
	text_free(&message);
}

void api_v2_add_connection(struct text *out, const struct api_v2_connection *connection)
{
	const struct api_v2_outcome *outcome = connection->outcome;

	text_add(out, outcome->is_successful ? "{\"status\":\"success\",\"message\":"
					     : "{\"status\":\"error\",\"message\":");
	add_message(out, connection);
	text_add_char(out, ',');
	if (connection->connect_ns >= 0)
		add_seconds(out, "connection_time_seconds", connection->connect_ns);
	else
		text_add(out, "\"connection_time_seconds\":null");
	text_add_char(out, ',');
	add_ms(out, "response_time_ms", outcome->is_successful ? connection->response_ns : -1);
	text_add(out, ",\"method\":");
	json_add_string(out, methods[API_V2_TEST_CONNECTION]);
	text_add(out, ",\"host\":");
	json_add_string(out, connection->host);
	text_add_format(out, ",\"port\":%u,\"error\":", (unsigned)connection->port);
	if (outcome->is_successful)
		text_add(out, "null");
	else
		add_bytes(out, outcome->error, outcome->error_bytes);
	text_add(out, ",\"data\":[");
	text_add_bytes(out, outcome->rows, outcome->length);
	text_add_char(out, ']');
	add_time(out, connection->ended_realtime_ns);
	text_add_char(out, '}');
}

void api_v2_add_refusal(struct text *out, const char *code, const char *message)
{
	text_add(out, "{\"status\":\"error\",\"error\":");
	json_add_string(out, code);
	text_add(out, ",\"message\":");
	json_add_string(out, message);
	text_add_char(out, '}');
}
