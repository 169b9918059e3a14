/* Arbitrary bytes as a line of the disk log: no line, or rows of six cells. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/line_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text out = {0};
	size_t cells = 1;
	int is_quoted = 0;

	if (memchr(data, '\n', size) || memchr(data, '\0', size))
		return 0;
	if (!line_csv_add(&out, (const char *)data, size)) {
		if (out.length > 0)
			abort();
		text_free(&out);
		return 0;
	}
	for (size_t i = 0; i < out.length; i++) {
		if (out.bytes[i] == '"')
			is_quoted = !is_quoted;
		cells += !is_quoted && out.bytes[i] == ',';
		if (is_quoted || out.bytes[i] != '\n')
			continue;
		if (cells != 6)
			abort();
		cells = 1;
	}
	text_free(&out);
	return 0;
}
