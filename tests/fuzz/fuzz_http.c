/*
 * An HTTP request, as a stranger sends it: its head found, parsed, and everything asked of it that the server asks; the
 * end of its body found, the same wherever the stream is cut.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/http_body.h"
#include "exporter/http_wire.h"
#include "exporter/render.h"
#include "exporter/scrape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* What is borrowed lies within the head, with its end. */
static void require_inside(const char *head, size_t length, const char *text)
{
	REQUIRE(*text == '\0' || (text >= head && text + strlen(text) < head + length));
}

static void look_at(const char *head, size_t length, const struct http_request *request)
{
	char value[64];
	unsigned shard, shards;
	REQUIRE(request->path[0] == '/' || strcmp(request->path, "*") == 0);
	REQUIRE(request->nfields <= HTTP_FIELDS_MAX);
	require_inside(head, length, request->method);
	require_inside(head, length, request->path);
	require_inside(head, length, request->query);
	for (size_t i = 0; i < request->nfields; i++) {
		require_inside(head, length, request->fields[i].name);
		require_inside(head, length, request->fields[i].value);
		REQUIRE(http_field(request, request->fields[i].name) != NULL);
	}
	int found = http_parameter(request, "shard", value, sizeof(value));
	REQUIRE(found >= -1 && found <= 1);
	if (found == 1 && scrape_parse_shard(value, &shard, &shards))
		REQUIRE(shard < shards && shards <= SCRAPE_SHARDS_MAX);
	enum render_format format = render_negotiate(http_field(request, "accept"));
	REQUIRE(format == RENDER_TEXT || format == RENDER_OPENMETRICS);
	render_accepts_gzip(http_field(request, "accept-encoding"));
}

static void read_body(const struct http_request *request, const char *bytes, size_t n)
{
	struct http_body whole, pieces;
	struct text kept = {0}, kept_pieces = {0};
	http_body_begin(&whole, request, HTTP_BODY_MAX);
	http_body_begin(&pieces, request, HTTP_BODY_MAX);
	whole.kept = &kept;
	pieces.kept = &kept_pieces;
	REQUIRE(request->has_body || whole.is_complete);
	size_t used = http_body_read(&whole, bytes, n), used_pieces = 0;
	while (used_pieces < n && http_body_read(&pieces, bytes + used_pieces, 1) == 1)
		used_pieces++;
	REQUIRE(used <= n && used == used_pieces);
	REQUIRE(whole.is_complete == pieces.is_complete && whole.status == pieces.status);
	REQUIRE(whole.status == 0 || whole.status == 400 || whole.status == 413);
	REQUIRE(!whole.is_complete || whole.status == 0);
	REQUIRE(used == n || whole.is_complete || whole.status != 0);
	REQUIRE(kept.length <= used && kept.length <= HTTP_BODY_MAX && kept.length == kept_pieces.length);
	REQUIRE(kept.length == 0 || memcmp(kept.bytes, kept_pieces.bytes, kept.length) == 0);
	text_free(&kept);
	text_free(&kept_pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request;
	size_t length = size > 0 ? http_head_length((const char *)data, size, 0) : 0;
	REQUIRE(length <= size);
	/* What is no whole head must not be read beyond its end either. */
	if (length == 0)
		length = size;
	char *head = malloc(length > 0 ? length : 1);
	if (!head)
		return 0;
	if (length > 0)
		memcpy(head, data, length);
	int status = http_parse_request(head, length, &request);
	REQUIRE(status == 0 || status == 400 || status == 417 || status == 431 || status == 501 || status == 505);
	if (status == 0) {
		look_at(head, length, &request);
		read_body(&request, (const char *)data + length, size - length);
	}
	free(head);
	return 0;
}
