/*
 * The query of /api/v1/results, as a stranger sends it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/results_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request = {0};
	struct results_query query;
	struct err err = {0};
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	request.query = text;
	if (results_query_read(&request, &query, &err) == 0) {
		REQUIRE(err.text[0] == '\0');
		REQUIRE(strnlen(query.target, sizeof(query.target)) <= RESULTS_NAME_MAX);
		REQUIRE(!query.has_probe || strnlen(query.probe, sizeof(query.probe)) <= RESULTS_NAME_MAX);
		REQUIRE(query.format == RESULTS_JSON || query.format == RESULTS_CSV);
		REQUIRE(query.limit >= 1 && query.limit <= RESULTS_LIMIT_MAX);
		REQUIRE(strstr(text, "target"));
	} else {
		REQUIRE(err.text[0] != '\0');
	}
	free(text);
	return 0;
}
