/*
 * A request to /probe, as a stranger sends it: the query, then after a line feed the time that Prometheus has.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/utf8.h"
#include "daemon/probe_query.h"
#include "daemon/probe_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static void check_shown(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	REQUIRE(n < size);
	REQUIRE(utf8_length(text, n) == n);
	for (size_t i = 0; i < n; i++)
		REQUIRE((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void check_query(const struct probe_query *query)
{
	const struct probe_times times = {query->scrape_timeout_ns, NS_PER_SECOND / 2, 0, 120 * NS_PER_SECOND};
	int64_t timeout_ns = probe_query_timeout(&times);
	char host[PROBE_QUERY_TARGET_MAX + 1];
	int port;

	check_shown(query->target, sizeof(query->target));
	check_shown(query->module, sizeof(query->module));
	check_shown(query->hostname, sizeof(query->hostname));
	check_shown(query->query_name, sizeof(query->query_name));
	check_shown(query->query_type, sizeof(query->query_type));
	check_shown(query->query_class, sizeof(query->query_class));
	REQUIRE(query->target[0] != '\0' && query->module[0] != '\0');
	REQUIRE(query->scrape_timeout_ns >= 0);
	REQUIRE(timeout_ns > 0 && timeout_ns <= 120 * NS_PER_SECOND);
	if (probe_settings_host(query->target, host, sizeof(host), &port)) {
		REQUIRE(strstr(query->target, host));
		REQUIRE(port >= -1 && port <= 65535);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_query *query = mem_zero(1, sizeof(*query));
	struct probe_log_query log;
	struct http_request request = {0};
	char *text = mem_alloc(size + 1), *line;
	struct err why = {0};
	int status;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	line = strchr(text, '\n');
	if (line) {
		*line = '\0';
		request.fields[0] = (struct http_field){"X-Prometheus-Scrape-Timeout-Seconds", line + 1};
		request.nfields = 1;
	}
	request.query = text;
	status = probe_query_read(&request, query, &why);
	REQUIRE(status == 0 || status == 400 || status == 500);
	REQUIRE((status == 0) == (why.text[0] == '\0'));
	if (status == 0)
		check_query(query);
	why = (struct err){0};
	status = probe_log_query_read(&request, &log, &why);
	REQUIRE((status == 0) == (why.text[0] == '\0'));
	if (status == 0)
		REQUIRE((log.id > 0) != (log.target[0] != '\0'));
	mem_free(query);
	mem_free(text);
	return 0;
}
