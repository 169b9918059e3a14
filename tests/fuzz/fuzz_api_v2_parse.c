/*
 * Bodies of /api/v2: the first byte is the kind. Whatever they are, a call has hosts and commands whose sentences a
 * reader of the protocol reads back as the words of the call; a fault never has the text of a password.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api_v2.h"
#include "probes/routeros/ros_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "hunter22"

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static void check_word(struct ros_word read, const struct api_v2_word *word)
{
	size_t name = word->name ? strlen(word->name) : 0;

	if (!word->name) {
		REQUIRE(read.length == word->length && memcmp(read.bytes, word->value, read.length) == 0);
		REQUIRE(read.bytes[0] == '?');
		return;
	}
	REQUIRE(read.length == name + 2 + word->length && read.bytes[0] == '=' && read.bytes[name + 1] == '=');
	REQUIRE(memcmp(read.bytes + 1, word->name, name) == 0);
	REQUIRE(memcmp(read.bytes + name + 2, word->value, word->length) == 0);
}

static void check_command(const struct api_v2_command *command)
{
	struct ros_reader reader = {0};
	struct ros_sentence sentence;
	struct err err = {0};
	char *bytes = calloc(1, command->sentence_bytes + 1);
	struct wire piece;

	REQUIRE(bytes);
	memcpy(bytes, command->sentence, command->sentence_bytes);
	piece = wire_reader(bytes, command->sentence_bytes + 1);
	REQUIRE(ros_reader_next(&reader, &piece, &sentence, &err) == ROS_READ_SENTENCE);
	REQUIRE(sentence.n == command->nwords + 1 && wire_left(&piece) == 0);
	REQUIRE(ros_word_equals(sentence.words[0], command->path) && command->path[0] == '/');
	REQUIRE(strcmp(command->path, "/quit") != 0 && strcmp(command->path, "/login") != 0);
	for (size_t i = 0; i < command->nwords; i++)
		check_word(sentence.words[i + 1], &command->words[i]);
	ros_reader_free(&reader);
	free(bytes);
}

static void check_call(const struct api_v2_call *call, const struct api_v2_limits *limits)
{
	REQUIRE(call->nhosts <= limits->max_hosts && call->timeout_ns >= 0 && call->max_concurrent >= 0);
	for (size_t i = 0; i < call->nhosts; i++) {
		const struct api_v2_host *host = &call->hosts[i];

		REQUIRE(host->name && !host->router != !host->host);
		REQUIRE(host->router || (host->username && host->password));
	}
	for (size_t i = 0; i < call->ncommands; i++)
		check_command(&call->commands[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct api_v2_limits limits = {.max_targets = 8, .max_commands = 8, .max_hosts = 8};
	char field[API_V2_FIELD_SIZE];
	struct err err = {0};
	struct api_v2_call *call;

	if (size == 0)
		return 0;
	call = api_v2_parse(data[0] % API_V2_STATS, (const char *)data + 1, size - 1, &limits, field, &err);
	if (call)
		check_call(call, &limits);
	else
		REQUIRE(err.text[0] && (!strstr(err.text, SECRET) || strstr(err.text, "parameters.")));
	api_v2_call_free(call);
	return 0;
}
