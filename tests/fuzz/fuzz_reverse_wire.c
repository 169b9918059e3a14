/* Answers about reverse names: nothing is read beyond the end, and a name that is told is printable and short. */
#include <stdlib.h>
#include <string.h>

#include "core/reverse_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const char *name)
{
	size_t n = strlen(name);
	expect(n > 0 && n <= RESOLVE_NAME_MAX);
	for (size_t i = 0; i < n; i++)
		expect(name[i] > ' ' && name[i] < 0x7f && name[i] != '"' && name[i] != '\'');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reverse_wire_answer answer;
	char text[300], shown[RESOLVE_NAME_MAX + 1];
	size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	if (reverse_wire_read(data, size, &answer)) {
		check_name(answer.name);
		expect(answer.ttl_seconds <= INT32_MAX);
	}
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	if (reverse_wire_show(text, shown))
		check_name(shown);
	return 0;
}
