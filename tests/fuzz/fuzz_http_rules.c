/*
 * What servers say, and rules about it: the first line of the input is a rule (tried as a header, a body and a JSON
 * rule), the rest a head, an empty line and a body. Whatever they are, nothing is read beyond the end, and a rule that
 * can be read is judged.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_decode.h"
#include "probes/http/http_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int drop(void *arg, const char *bytes, size_t n)
{
	size_t *total = arg;
	(void)bytes;
	*total += n;
	return *total > 1000000 ? -1 : 0;
}

/* Any body may be said to be compressed; where it is cut does not matter. */
static void decode(const char *bytes, size_t n)
{
	static const enum http_compression all[] = {HTTP_COMPRESSION_GZIP, HTTP_COMPRESSION_BROTLI,
						    HTTP_COMPRESSION_DEFLATE};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		size_t totals[2] = {0};
		int results[2];
		for (size_t cut = 0; cut < 2; cut++) {
			const struct http_decode_sink sink = {drop, &totals[cut]};
			struct http_decode *decode = http_decode_create(all[i]);
			results[cut] = http_decode_feed(decode, bytes, n / 2 * cut, &sink, NULL);
			if (results[cut] == 0)
				results[cut] =
					http_decode_feed(decode, bytes + n / 2 * cut, n - n / 2 * cut, &sink, NULL);
			if (results[cut] == 0)
				results[cut] = http_decode_end(decode, NULL);
			http_decode_free(decode);
		}
		require(results[0] == results[1] && (results[0] != 0 || totals[0] == totals[1]));
	}
}

static void judge(struct http_settings *settings, struct option_list *list, char *rule,
		  const struct http_answer *answer)
{
	*list = (struct option_list){&rule, 1};
	struct http_rules *rules = http_rules_create(settings, NULL);
	struct http_verdict verdict = {0};
	if (rules != NULL) {
		enum reason reason = http_rules_judge(rules, answer, &verdict);
		require(reason == REASON_OK || reason == REASON_CONTENT);
		require(verdict.rule_failed == (reason == REASON_CONTENT));
		require((verdict.failure.text[0] != '\0') == (reason != REASON_OK));
	}
	http_rules_free(rules);
	*list = (struct option_list){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
	size_t rule_length = end != NULL ? (size_t)(end - text) : size;
	size_t rest_length = end != NULL ? size - rule_length - 1 : 0;
	char *rule = mem_format("%.*s", (int)rule_length, text);
	/* Copies of exactly that size: a sanitizer sees what is read beyond. */
	char *rest = malloc(rest_length > 0 ? rest_length : 1);
	if (rest_length > 0)
		memcpy(rest, end + 1, rest_length);
	const char *blank = rest_length > 3 ? memmem(rest, rest_length, "\r\n\r\n", 4) : NULL;
	size_t head_length = blank != NULL ? (size_t)(blank - rest) + 4 : rest_length;
	const struct http_answer answer = {
		.status = 200,
		.version = 1.1,
		.head = rest,
		.head_length = head_length,
		.body = rest + head_length,
		.body_length = rest_length - head_length,
	};
	struct http_settings settings = {0};
	judge(&settings, &settings.header_matches, rule, &answer);
	judge(&settings, &settings.header_not_matches, rule, &answer);
	judge(&settings, &settings.body_matches, rule, &answer);
	judge(&settings, &settings.json_rules, rule, &answer);
	decode(answer.body, answer.body_length);
	free(rest);
	mem_free(rule);
	return 0;
}
