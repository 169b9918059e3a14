#include "daemon/results_query.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"

static const char *const known[] = {"target", "probe", "format", "limit"};

static int check_names(const struct http_request *request, struct err *err)
{
	struct text names = {0};
	size_t n = http_unknown_parameters(request, known, sizeof(known) / sizeof(known[0]), &names);

	if (n > 0)
		err_set(err, "unknown parameter: %s; there are target, probe, format and limit", text_string(&names));
	text_free(&names);
	return n > 0 ? -1 : 0;
}

/* Returns 1 (found), 0 (there is none) or -1 with err. */
static int read_parameter(const struct http_request *request, const char *name, char *out, struct err *err)
{
	int found = http_parameter(request, name, out, RESULTS_NAME_MAX + 1);

	if (found < 0)
		err_set(err, "%s: is too long, or has a broken percent sign", name);
	return found;
}

static int read_format(const struct http_request *request, enum results_format *format, struct err *err)
{
	char text[RESULTS_NAME_MAX + 1];
	int found = read_parameter(request, "format", text, err);

	*format = RESULTS_JSON;
	if (found <= 0 || strcmp(text, "json") == 0)
		return found < 0 ? -1 : 0;
	*format = strcmp(text, "html") == 0 ? RESULTS_HTML : RESULTS_CSV;
	if (*format == RESULTS_CSV && strcmp(text, "csv") != 0)
		return err_set(err, "format: must be json, csv or html");
	return 0;
}

static int read_limit(const struct http_request *request, size_t *limit, struct err *err)
{
	char text[RESULTS_NAME_MAX + 1];
	int found = read_parameter(request, "limit", text, err);
	size_t n = found > 0 ? strlen(text) : 0;

	*limit = RESULTS_LIMIT_DEFAULT;
	if (found <= 0)
		return found;
	/* So few digits fit into any number. */
	*limit = n > 0 && n <= 9 && strspn(text, "0123456789") == n ? strtoul(text, NULL, 10) : 0;
	if (*limit < 1 || *limit > RESULTS_LIMIT_MAX)
		return err_set(err, "limit: must be a whole number from 1 to %d", RESULTS_LIMIT_MAX);
	return 0;
}

int results_query_read(const struct http_request *request, struct results_query *query, struct err *err)
{
	int has_target, has_probe;

	if (check_names(request, err) == -1)
		return -1;
	has_target = read_parameter(request, "target", query->target, err);
	has_probe = has_target >= 0 ? read_parameter(request, "probe", query->probe, err) : -1;
	if (has_target < 0 || has_probe < 0)
		return -1;
	if (has_target == 0)
		return err_set(err, "target: must be given, as in ?target=NAME");
	query->has_probe = has_probe > 0;
	if (read_format(request, &query->format, err) == -1)
		return -1;
	return read_limit(request, &query->limit, err);
}
