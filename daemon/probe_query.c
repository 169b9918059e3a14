#include "daemon/probe_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/utf8.h"

#define SCRAPE_SECONDS_DEFAULT 120
#define SCRAPE_SECONDS_MAX     86400.0
#define TIMEOUT_MIN_NS         NS_PER_MS

static const char timeout_field[] = "X-Prometheus-Scrape-Timeout-Seconds";

/* --- texts -------------------------------------------------------------------------------------------------------- */

/* UTF-8 that can stand in a line of a log. */
static bool is_shown(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return utf8_length(text, n) == n;
}

/* Leaves "" where the parameter is not there. Returns 0 or -1 with why. */
static int read_text(const struct http_request *request, const char *name, char *out, size_t size, struct err *why)
{
	int found = http_parameter(request, name, out, size);

	if (found < 0)
		return err_set(why, "%s: is longer than %zu bytes, or has a broken percent sign", name, size - 1);
	if (found == 0)
		out[0] = '\0';
	if (!is_shown(out))
		return err_set(why, "%s: has control characters, or is not UTF-8", name);
	return 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In its place, if the whole of it is encoded well, and what comes out can be shown. */
static void decode_again(char *text)
{
	char decoded[PROBE_QUERY_TARGET_MAX + 1];
	size_t n = 0;

	if (strstr(text, "://") || !strchr(text, '%'))
		return;
	for (const char *at = text; *at; at++) {
		if (*at != '%') {
			decoded[n++] = *at;
			continue;
		}
		if (digit_of(at[1]) < 0 || digit_of(at[2]) < 0)
			return;
		decoded[n++] = (char)(digit_of(at[1]) * 16 + digit_of(at[2]));
		at += 2;
	}
	decoded[n] = '\0';
	if (strlen(decoded) == n && is_shown(decoded))
		memcpy(text, decoded, n + 1);
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static int read_timeout(const struct http_request *request, int64_t *timeout_ns, struct err *why)
{
	const char *text = http_field(request, timeout_field);
	char *end;
	double seconds;

	*timeout_ns = 0;
	if (!text || text[0] == '\0')
		return 0;
	/* Not what else strtod reads: spaces, hexadecimal numbers, words. */
	seconds = strtod(text, &end);
	if (strspn(text, "+-.0123456789eE") != strlen(text) || end == text || *end != '\0')
		return err_set(why, "%s: \"%.100s\" is not a number", timeout_field, text);
	if (!(seconds >= 0))
		return err_set(why, "%s: \"%.100s\" is less than nothing", timeout_field, text);
	*timeout_ns = (int64_t)(fmin(seconds, SCRAPE_SECONDS_MAX) * (double)NS_PER_SECOND);
	return 0;
}

int64_t probe_query_timeout(const struct probe_times *times)
{
	int64_t scrape_ns = times->scrape_ns > 0 ? times->scrape_ns : SCRAPE_SECONDS_DEFAULT * NS_PER_SECOND;
	int64_t timeout_ns = scrape_ns - times->offset_ns;

	if (timeout_ns <= 0)
		timeout_ns = scrape_ns / 2;
	if (times->module_ns > 0 && times->module_ns < timeout_ns)
		timeout_ns = times->module_ns;
	if (times->maximum_ns > 0 && times->maximum_ns < timeout_ns)
		timeout_ns = times->maximum_ns;
	return timeout_ns > TIMEOUT_MIN_NS ? timeout_ns : TIMEOUT_MIN_NS;
}

/* --- the requests ------------------------------------------------------------------------------------------------- */

static int read_parameters(const struct http_request *request, struct probe_query *query, struct err *why)
{
	char debug[PROBE_QUERY_NAME_MAX + 1];
	const struct {
		const char *name;
		char *out;
		size_t size;
	} texts[] = {
		{"target", query->target, sizeof(query->target)},
		{"module", query->module, sizeof(query->module)},
		{"hostname", query->hostname, sizeof(query->hostname)},
		{"query_name", query->query_name, sizeof(query->query_name)},
		{"query_type", query->query_type, sizeof(query->query_type)},
		{"query_class", query->query_class, sizeof(query->query_class)},
		{"debug", debug, sizeof(debug)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (read_text(request, texts[i].name, texts[i].out, texts[i].size, why) == -1)
			return -1;
	}
	query->is_debug = strcmp(debug, "true") == 0;
	return 0;
}

int probe_query_read(const struct http_request *request, struct probe_query *query, struct err *why)
{
	if (read_parameters(request, query, why) == -1)
		return 400;
	decode_again(query->target);
	if (query->target[0] == '\0') {
		err_set(why, "target: must be given, as in /probe?target=HOST&module=NAME");
		return 400;
	}
	if (query->module[0] == '\0')
		strcpy(query->module, PROBE_QUERY_MODULE_DEFAULT);
	/* It becomes a field of a request and a name in a handshake. */
	if (strpbrk(query->hostname, " \"'\\/<>?#@%")) {
		err_set(why, "hostname: \"%.100s\" is not the name of a host", query->hostname);
		return 400;
	}
	return read_timeout(request, &query->scrape_timeout_ns, why) == -1 ? 500 : 0;
}

static int read_id(const char *text, uint64_t *id, struct err *why)
{
	size_t n = strlen(text);

	*id = n <= 18 && strspn(text, "0123456789") == n ? strtoull(text, NULL, 10) : 0;
	return *id > 0 ? 0 : err_set(why, "id: \"%.100s\" is not the number of a probe", text);
}

int probe_log_query_read(const struct http_request *request, struct probe_log_query *query, struct err *why)
{
	char id[PROBE_QUERY_NAME_MAX + 1];

	query->id = 0;
	if (read_text(request, "id", id, sizeof(id), why) == -1 ||
	    read_text(request, "target", query->target, sizeof(query->target), why) == -1 ||
	    read_text(request, "module", query->module, sizeof(query->module), why) == -1)
		return 400;
	if (query->module[0] && !query->target[0])
		err_set(why, "module: goes with a target only");
	else if (!id[0] == !query->target[0])
		err_set(why, "either id or target must be given, as in /logs?id=1 or /logs?target=HOST");
	else if (id[0] == '\0' || read_id(id, &query->id, why) == 0)
		return 0;
	return 400;
}
