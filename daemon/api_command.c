#include "daemon/api_command.h"

#include <string.h>

/* What looks in any menu. */
static const char *const readers[] = {"print", "getall", "get", "find", NULL};
/* What looks once, and again and again unless it is told so. */
static const char *const monitors[] = {"monitor", "monitor-traffic", "info", NULL};
/* Paths that are commands themselves, and go on until they have sent their count. */
static const char *const counted[] = {"/ping", "/tool/ping", "/tool/traceroute", NULL};
/* Arguments of a reader that write a file, or make it endless. */
static const char *const refused[] = {"file", "append", "follow", "follow-only", "interval", NULL};
static const char *const session[] = {"/login", "/quit", "/cancel", NULL};

static bool is_in(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static bool is_value(const struct api_v2_word *word, const char *value)
{
	return word->length == strlen(value) && memcmp(word->value, value, word->length) == 0;
}

/* Should a router take names that are cut short, these are none that it could take for one of ours. */
static bool begins_one(const char *name, const char *const *words)
{
	for (; name[0] && *words; words++)
		if (strncmp(name, *words, strlen(name)) == 0)
			return true;
	return false;
}

static bool reads(const struct api_v2_command *command, struct err *why)
{
	for (size_t i = 0; i < command->nwords; i++) {
		const char *name = command->words[i].name;

		if (!name || !begins_one(name, refused))
			continue;
		err_set(why, "%.200s with %.40s writes a file on the router, or never ends", command->path, name);
		return false;
	}
	return true;
}

static bool is_once(const struct api_v2_command *command, struct err *why)
{
	for (size_t i = 0; i < command->nwords; i++) {
		const struct api_v2_word *word = &command->words[i];

		if (word->name && strcmp(word->name, "once") == 0 &&
		    (word->length == 0 || is_value(word, "yes") || is_value(word, "true")))
			return true;
	}
	err_set(why, "%.200s never ends without the parameter once", command->path);
	return false;
}

static bool is_number(const struct api_v2_word *word)
{
	for (size_t i = 0; i < word->length; i++)
		if (word->value[i] < '0' || word->value[i] > '9')
			return false;
	return word->length > 0 && word->value[0] != '0';
}

static bool has_count(const struct api_v2_command *command, struct err *why)
{
	size_t found = 0, good = 0;

	for (size_t i = 0; i < command->nwords; i++) {
		const struct api_v2_word *word = &command->words[i];
		bool is_count = word->name && strcmp(word->name, "count") == 0;

		found += is_count;
		good += is_count && is_number(word);
	}
	if (found == 1 && good == 1)
		return true;
	err_set(why, "%.200s never ends without the parameter count", command->path);
	return false;
}

bool api_command_explain(const struct api_v2_command *command, struct err *why)
{
	const char *verb = strrchr(command->path, '/');

	if (is_in(command->path, counted))
		return has_count(command, why);
	if (verb && verb > command->path && command->path[0] == '/') {
		if (is_in(verb + 1, readers))
			return reads(command, why);
		if (is_in(verb + 1, monitors))
			return is_once(command, why);
	}
	err_set(why, "%.200s may change the router", command->path);
	return false;
}

bool api_command_is_looking(const struct api_v2_command *command)
{
	struct err why = {0};

	return api_command_explain(command, &why);
}

bool api_command_is_sendable(const struct api_v2_command *command)
{
	return !is_in(command->path, session);
}
