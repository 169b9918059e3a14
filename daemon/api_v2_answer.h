/*
 * Answers of /api/v2 as JSON: the names of their fields are what clients know. Pure.
 */
#ifndef NETSONDE_DAEMON_API_V2_ANSWER_H
#define NETSONDE_DAEMON_API_V2_ANSWER_H

#include "daemon/api_v2.h"
#include "daemon/ros_ask.h"

/* One command, ping or traceroute: a part that succeeds or fails by itself. */
struct api_v2_outcome {
	bool is_successful, is_cached;
	const char *rows; /* as JSON, with commas between them */
	size_t length, nrows;
	const char *error; /* not successful: why; not NUL-terminated */
	size_t error_bytes;
	int64_t took_ns;
	struct ros_echoes echoes; /* of a ping */
};

/* Was the ping answered? A router that pinged without an answer has done its part, but the target has not: then the
 * outcome fails, with a text in why, which must live as long. */
void api_v2_judge_ping(struct api_v2_outcome *outcome, char why[64]);

/* {"status":"success","data":[...],"error":null,"execution_time_seconds":0.01,"cached":false}, with what belongs to the
 * kind. command: NULL, or to be named in it. */
void api_v2_add_outcome(struct text *out, enum api_v2_kind kind, const char *command,
			const struct api_v2_outcome *outcome);

/* Of a whole call. */
struct api_v2_summary {
	const struct api_v2_call *call;
	const char *host; /* of the first host: where it is; borrowed */
	uint16_t port;
	size_t nsuccessful; /* targets, commands or hosts */
	int64_t max_concurrent;
	int64_t took_ns, ended_realtime_ns;
	double average_ms;     /* of pings; NAN: none was answered */
	const char *results;   /* what is inside the brackets */
	size_t results_length; /* of COMMAND: the one outcome, whole */
};
void api_v2_add_summary(struct text *out, const struct api_v2_summary *summary);

/* Of test-connection. connect_ns -1: there was no connection. */
struct api_v2_connection {
	const char *host;
	uint16_t port;
	int64_t connect_ns, response_ns;
	bool is_fresh, is_secured, is_anonymous;
	int64_t ended_realtime_ns;
	const struct api_v2_outcome *outcome;
};
void api_v2_add_connection(struct text *out, const struct api_v2_connection *connection);

/* {"status":"error","error":CODE,"message":TEXT} */
void api_v2_add_refusal(struct text *out, const char *code, const char *message);

#endif
