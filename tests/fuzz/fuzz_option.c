/*
 * The first byte of the input chooses an option, the rest is the text that it is set to. A value that is taken is
 * within its bounds and prints as text that is taken as the same value; one that is refused comes with a reason and
 * changes nothing.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/option.h"

struct settings {
	int64_t bounded_ns, free_ns, count, any, size, any_size;
	double latitude, anything;
	bool is_on;
	char *source;
	int family;
	struct option_list servers;
};

static const char *const families[] = {"auto", "ipv4", "ipv6", NULL};

#define AT(member) offsetof(struct settings, member)

static const struct option options[] = {
	{"bounded", OPTION_SECONDS, AT(bounded_ns), 0.01, 86400, "1", NULL, ""},
	{"free", OPTION_SECONDS, AT(free_ns), 0, 0, "0", NULL, ""},
	{"count", OPTION_INTEGER, AT(count), 1, 100, "5", NULL, ""},
	{"any", OPTION_INTEGER, AT(any), 0, 0, NULL, NULL, ""},
	{"size", OPTION_SIZE, AT(size), 64, 8589934592.0, "64KiB", NULL, ""},
	{"any_size", OPTION_SIZE, AT(any_size), 0, 0, NULL, NULL, ""},
	{"latitude", OPTION_NUMBER, AT(latitude), -90, 90, "50.11", NULL, ""},
	{"anything", OPTION_NUMBER, AT(anything), 0, 0, NULL, NULL, ""},
	{"on", OPTION_BOOLEAN, AT(is_on), 0, 0, "true", NULL, ""},
	{"source", OPTION_TEXT, AT(source), 0, 0, "eth0", NULL, ""},
	{"family", OPTION_CHOICE, AT(family), 0, 0, "ipv6", families, ""},
	{"servers", OPTION_LIST, AT(servers), 0, 0, "a,b", NULL, ""},
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

static void require(bool condition)
{
	if (!condition)
		abort();
}

static char *printed(const struct option *option, const struct settings *settings)
{
	struct text text = {0};

	option_print(option, settings, &text);
	return text_take(&text);
}

static void check_bounds(const struct settings *settings)
{
	require(settings->bounded_ns >= 10000000 && settings->bounded_ns <= INT64_C(86400000000000));
	require(settings->count >= 1 && settings->count <= 100);
	require(settings->size >= 64 && settings->size <= INT64_C(8589934592) && settings->any_size >= 0);
	require(settings->latitude >= -90 && settings->latitude <= 90);
	require(isfinite(settings->anything));
	require(settings->family >= 0 && settings->family < 3);
	require(settings->servers.n <= OPTION_ITEMS_MAX);
}

static void check_option(const struct option *option, const char *text)
{
	struct settings *settings = mem_zero(1, sizeof(*settings));
	struct err err = {0};

	option_set_defaults(options, OPTIONS, settings);
	char *before = printed(option, settings);
	int result = option_set_text(option, settings, text, &err);
	char *after = printed(option, settings);
	check_bounds(settings);
	if (result == 0) {
		struct settings *copy = option_copy_settings(options, OPTIONS, sizeof(*copy), settings);

		require(option_set_text(option, copy, after, &err) == 0);
		char *again = printed(option, copy);
		require(strcmp(after, again) == 0);
		mem_free(again);
		option_free_settings(options, OPTIONS, copy);
	} else {
		require(err.text[0] != '\0' && strcmp(before, after) == 0);
	}
	mem_free(before);
	mem_free(after);
	option_free_settings(options, OPTIONS, settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	char *text = mem_alloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	check_option(&options[data[0] % OPTIONS], text);
	mem_free(text);
	return 0;
}
