/* Arbitrary answers of a server: a verdict with a reason of one printable line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "influx/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The status, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"", "application/json", "text/html", "text/plain; charset=utf-8"};
	if (size < 2)
		return 0;
	char *body = calloc(1, size);
	memcpy(body, data + 2, size - 2);
	struct fetch_answer answer = {
		.status = data[0] * 4 + (data[1] & 3),
		.is_timeout = (data[1] & 4) != 0,
		.is_connected = (data[1] & 8) != 0,
		.error = body,
		.retry_after_ns = -1,
		.type = types[(data[1] >> 4) & 3],
		.location = (data[1] & 64) != 0 ? body : "",
		.body = body,
		.length = size - 2,
	};
	struct verdict verdict;
	verdict_of(&verdict, &answer);
	if (verdict.kind >= VERDICT_KINDS || (verdict.reason[0] == '\0') != (verdict.kind == VERDICT_STORED))
		abort();
	for (const char *c = verdict.reason; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort();
	if ((verdict.kind == VERDICT_PARTLY) != (verdict.refused > 0))
		abort();
	free(body);
	return 0;
}
