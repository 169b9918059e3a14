#include "daemon/events_query.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"

/* Seconds of some year beyond which nobody asks: they fit into 64 bits of nanoseconds. */
#define SINCE_MAX 9e9

static const char *const known[] = {"target", "kind", "since", "limit"};

static int check_names(const struct http_request *request, struct err *err)
{
	struct text names = {0};
	size_t n = http_unknown_parameters(request, known, sizeof(known) / sizeof(known[0]), &names);

	if (n > 0)
		err_set(err, "unknown parameter: %s; there are target, kind, since and limit", text_string(&names));
	text_free(&names);
	return n > 0 ? -1 : 0;
}

/* Returns 1 (found), 0 (there is none) or -1 with err. */
static int read_parameter(const struct http_request *request, const char *name, char *out, struct err *err)
{
	int found = http_parameter(request, name, out, EVENTS_NAME_MAX + 1);

	if (found < 0)
		err_set(err, "%s: is too long, or has a broken percent sign", name);
	return found;
}

static int read_kind(const struct http_request *request, enum event_kind *kind, struct err *err)
{
	char text[EVENTS_NAME_MAX + 1];
	int found = read_parameter(request, "kind", text, err);
	struct text names = {0};

	*kind = EVENT_KINDS;
	if (found <= 0)
		return found;
	*kind = event_kind_find(text);
	if (*kind != EVENT_KINDS)
		return 0;
	for (unsigned i = 0; i < EVENT_KINDS; i++)
		text_add_format(&names, "%s%s", i > 0 ? ", " : "", event_kind_name((enum event_kind)i));
	err_set(err, "kind: must be one of %s", text_string(&names));
	text_free(&names);
	return -1;
}

static int read_since(const struct http_request *request, int64_t *since_ns, struct err *err)
{
	char text[EVENTS_NAME_MAX + 1];
	int found = read_parameter(request, "since", text, err);
	size_t n = found > 0 ? strlen(text) : 0;
	double seconds;

	*since_ns = INT64_MIN;
	if (found <= 0)
		return found;
	seconds = n > 0 && n <= 32 && strspn(text, "0123456789.") == n && strchr(text, '.') == strrchr(text, '.')
			  ? strtod(text, NULL)
			  : -1;
	if (seconds < 0 || seconds > SINCE_MAX)
		return err_set(err, "since: must be seconds since 1970, as in 1767323045.5");
	*since_ns = (int64_t)(seconds * (double)NS_PER_SECOND);
	return 0;
}

static int read_limit(const struct http_request *request, size_t *limit, struct err *err)
{
	char text[EVENTS_NAME_MAX + 1];
	int found = read_parameter(request, "limit", text, err);
	size_t n = found > 0 ? strlen(text) : 0;

	*limit = EVENTS_LIMIT_DEFAULT;
	if (found <= 0)
		return found;
	/* So few digits fit into any number. */
	*limit = n > 0 && n <= 9 && strspn(text, "0123456789") == n ? strtoul(text, NULL, 10) : 0;
	if (*limit < 1 || *limit > EVENTS_LIMIT_MAX)
		return err_set(err, "limit: must be a whole number from 1 to %d", EVENTS_LIMIT_MAX);
	return 0;
}

int events_query_read(const struct http_request *request, struct events_query *query, struct err *err)
{
	int has_target;

	if (check_names(request, err) == -1)
		return -1;
	has_target = read_parameter(request, "target", query->target, err);
	if (has_target < 0)
		return -1;
	query->has_target = has_target > 0;
	if (read_kind(request, &query->kind, err) == -1 || read_since(request, &query->since_ns, err) == -1)
		return -1;
	return read_limit(request, &query->limit, err);
}
