/*
 * A request to /api/v2, as a stranger sends it: its head, its body, and what the log and the reply say of it.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/api_audit.h"
#include "daemon/api_command.h"
#include "daemon/api_head.h"
#include "daemon/api_v2.h"
#include "exporter/http_body.h"
#include "exporter/http_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX  100000
#define PLAIN_ID  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define LINE_MAX_ 4096

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Whatever was sent, the reply has the fields that we gave it and no others. */
static void check_fields(const struct http_request *request, const char *id)
{
	const struct api_reply_fields fields = {
		.id = id, .origin = http_field(request, "origin"), .is_preflight = true};
	struct text out = {0};
	size_t lines = 0;

	api_head_write(&fields, &out);
	for (const char *at = text_string(&out); *at; at = strchr(at, '\n') + 1, lines++) {
		const char *end = strstr(at, "\r\n");

		REQUIRE(end && strcspn(at, "\r\n") == (size_t)(end - at));
		REQUIRE(memchr(at, ':', (size_t)(end - at)));
	}
	REQUIRE(lines == (fields.origin ? 9 : 4));
	text_free(&out);
}

static void check_error(const char *message, const char *field)
{
	struct text out = {0};
	json_t *read;

	api_head_write_error(&(struct api_error){"invalid_field", message, field}, &out);
	read = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
	REQUIRE(read && strcmp(json_string_value(json_object_get(read, "status")), "error") == 0);
	REQUIRE(!json_object_get(read, "field") == (field[0] == '\0'));
	json_decref(read);
	text_free(&out);
}

static void check_command(const struct api_v2_command *command)
{
	struct err why = {0};
	bool is_looking = api_command_explain(command, &why);

	REQUIRE(is_looking == api_command_is_looking(command));
	REQUIRE(is_looking == (why.text[0] == '\0'));
	REQUIRE(!is_looking || api_command_is_sendable(command));
	REQUIRE(!is_looking || strchr(command->path + 1, '/') || strcmp(command->path, "/ping") == 0);
}

static void check_audit(const struct api_v2_call *call)
{
	struct text line = {0};

	api_audit_add_call(call, &line);
	REQUIRE(line.length < LINE_MAX_);
	for (size_t i = 0; i < line.length; i++)
		REQUIRE((unsigned char)line.bytes[i] >= ' ' && line.bytes[i] != 0x7f && line.bytes[i] != '"');
	text_free(&line);
}

static void check_body(enum api_v2_kind kind, const char *body, size_t n)
{
	static const struct api_v2_limits limits = {50, 100, 50};
	char field[API_V2_FIELD_SIZE] = "";
	struct err err = {0};
	struct api_v2_call *call = api_v2_parse(kind, body, n, &limits, field, &err);

	if (!call) {
		REQUIRE(err.text[0]);
		check_error(err.text, field);
		return;
	}
	for (size_t i = 0; i < call->ncommands; i++)
		check_command(&call->commands[i]);
	check_audit(call);
	api_v2_call_free(call);
}

/* The rest behind the head. */
static void read_body(const struct http_request *request, const struct api_route *route, const char *bytes, size_t n)
{
	struct http_body body;
	struct text kept = {0};

	http_body_begin(&body, request, BODY_MAX);
	body.kept = &kept;
	http_body_read(&body, bytes, n);
	REQUIRE(kept.length <= BODY_MAX && kept.length <= n);
	if (body.is_complete && route->kind != API_ROUTE_DOCUMENT)
		check_body((enum api_v2_kind)route->kind, text_string(&kept), kept.length);
	text_free(&kept);
}

static void check_head(const struct http_request *request)
{
	const char *allow, *key = api_head_key(request), *sent = http_field(request, "x-request-id");
	const struct api_route *route = api_head_route(request, &allow);
	char id[API_ID_SIZE];

	api_head_id(request, id);
	REQUIRE(id[0] && id[strspn(id, PLAIN_ID)] == '\0');
	REQUIRE(!sent || strcmp(id, sent) == 0 || strlen(id) == 16);
	REQUIRE(!route || allow);
	REQUIRE(!key || http_field(request, "x-api-key") || http_field(request, "authorization"));
	check_fields(request, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request;
	size_t length = size > 0 ? http_head_length((const char *)data, size, 0) : 0;
	const struct api_route *route;
	const char *allow;
	char *head;

	if (length == 0)
		return 0;
	head = mem_copy(data, length);
	if (http_parse_request(head, length, &request) == 0) {
		check_head(&request);
		route = api_head_route(&request, &allow);
		if (route)
			read_body(&request, route, (const char *)data + length, size - length);
	}
	mem_free(head);
	return 0;
}
