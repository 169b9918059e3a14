#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "core/utf8.h"
#include "daemon/config_reader.h"

#define VARIABLE_BEGIN "${env:"

static bool is_variable_name(const char *name, size_t n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char digits[] = "0123456789";

	if (!n || !memchr(letters, name[0], sizeof(letters) - 1))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (!memchr(letters, name[i], sizeof(letters) - 1) && !memchr(digits, name[i], sizeof(digits) - 1))
			return false;
	}
	return true;
}

/* string begins with "${". Appends the value and returns what follows the "}"; NULL with err. */
static const char *expand_variable(const char *string, struct text *out, struct err *err)
{
	const char *name = string + strlen(VARIABLE_BEGIN), *end = strchr(string, '}'), *value;
	char *copy;

	if (!end || strncmp(string, VARIABLE_BEGIN, strlen(VARIABLE_BEGIN)) != 0 ||
	    !is_variable_name(name, (size_t)(end - name))) {
		err_set(err, "\"${\" begins a variable, written ${env:NAME}; a dollar sign is written $$");
		return NULL;
	}
	copy = mem_format("%.*s", (int)(end - name), name);
	value = getenv(copy);
	if (!value)
		err_set(err, "the environment variable %s is not set", copy);
	else if (utf8_length(value, strlen(value)) < strlen(value))
		err_set(err, "the environment variable %s is not valid UTF-8", copy);
	else
		text_add(out, value);
	mem_free(copy);
	return err->text[0] ? NULL : end + 1;
}

char *config_expand(const char *string, struct err *err)
{
	struct text out = {0};

	*err = (struct err){0};
	while (*string) {
		size_t plain = strcspn(string, "$");

		text_add_bytes(&out, string, plain);
		string += plain;
		if (*string == '\0')
			break;
		if (string[1] == '{') {
			string = expand_variable(string, &out, err);
			if (!string) {
				text_free(&out);
				return NULL;
			}
		} else {
			text_add_char(&out, '$');
			string += string[1] == '$' ? 2 : 1;
		}
	}
	return text_take(&out);
}
