/* Regular expressions of RE2: an error with a place, or an expression that PCRE2 compiles or refuses, and nothing worse;
 * a part of the input is the subject. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "daemon/blackbox_regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = {0};
	struct text out = {0};
	char *expression = mem_format("%.*s", (int)n, n > 0 ? (const char *)bytes : "");
	size_t length = strlen(expression);
	if (blackbox_regex_translate(expression, &out, &err) != 0) {
		if (err.text[0] == '\0')
			abort();
	} else {
		struct pattern *pattern = pattern_create(text_string(&out), &err);
		if (!pattern && err.text[0] == '\0')
			abort();
		if (pattern)
			pattern_find(pattern, (const char *)bytes + length, n - length, NULL);
		pattern_free(pattern);
	}
	text_free(&out);
	mem_free(expression);
	return 0;
}
