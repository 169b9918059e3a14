/*
 * The input is the text of a configuration. What is accepted can be shown, and what is shown is accepted again and
 * shows the same; what is refused says why, one line each.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static char *shown(const struct config *config)
{
	struct text out = {0};

	config_show(config, &out);
	return text_take(&out);
}

static void check_accepted(const struct config *config)
{
	struct text errors = {0}, warnings = {0};
	char *first = shown(config), *second;
	struct config *again = config_load_string(first, "shown", &errors);

	require(again != NULL);
	second = shown(again);
	require(strcmp(first, second) == 0);
	require(config_count_series(config) == config_count_series(again));
	config_warn(config, &warnings);
	config_free(again);
	text_free(&errors);
	text_free(&warnings);
	mem_free(first);
	mem_free(second);
}

static void check_errors(struct text *errors)
{
	const char *string = text_string(errors);

	require(errors->length > 0 && string[errors->length - 1] == '\n');
	for (; *string; string++)
		require(*string == '\n' || (unsigned char)*string >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text errors = {0};
	char *string = mem_zero(size + 1, 1);
	struct config *config;

	if (size)
		memcpy(string, data, size);
	config = config_load_string(string, "input", &errors);
	if (config) {
		require(errors.length == 0);
		check_accepted(config);
	} else {
		check_errors(&errors);
	}
	config_free(config);
	text_free(&errors);
	mem_free(string);
	return 0;
}
