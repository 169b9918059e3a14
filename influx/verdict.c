#include "influx/verdict.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/fetch.h"

#define MESSAGE_MAX 160

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[VERDICT_KINDS] = {
		[VERDICT_STORED] = "stored", [VERDICT_PARTLY] = "partly",   [VERDICT_WAIT] = "wait",
		[VERDICT_FAULT] = "fault",   [VERDICT_TOO_BIG] = "too big", [VERDICT_SLOW] = "slow",
		[VERDICT_BAD] = "bad",       [VERDICT_REFUSED] = "refused",
	};
	return names[kind];
}

/* --- the message -------------------------------------------------------------------------------------------------- */

/* {"error": "..."} of InfluxDB 1, {"code": "...", "message": "..."} of InfluxDB 2. Owned by the caller, or NULL. */
static json_t *parse(const struct fetch_answer *answer, const char **message)
{
	json_t *root = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
	*message = json_string_value(json_object_get(root, "error"));
	const char *text = json_string_value(json_object_get(root, "message"));
	if (text != NULL)
		*message = text;
	return root;
}

/* One line of printable ASCII and UTF-8, cut at a character. */
static void copy_line(char *out, size_t size, const char *text)
{
	size_t n = 0;
	while (isspace((unsigned char)*text))
		text++;
	while (*text != '\0' && *text != '\r' && *text != '\n' && n + 1 < size) {
		out[n++] = iscntrl((unsigned char)*text) ? ' ' : *text;
		text++;
	}
	while (n > 0 && *text != '\0' && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && *text != '\0' && ((unsigned char)out[n - 1] & 0x80) != 0)
		n--;
	out[n] = '\0';
}

static bool is_utf8(const char *text)
{
	json_t *string = json_string(text);
	bool is = string != NULL;
	json_decref(string);
	return is;
}

static bool is_page(const struct fetch_answer *answer)
{
	return strncasecmp(answer->type, "text/html", 9) == 0;
}

static void describe(struct verdict *verdict, const struct fetch_answer *answer, const char *message)
{
	char line[MESSAGE_MAX] = "", redirect[MESSAGE_MAX];
	snprintf(redirect, sizeof(redirect), "redirects to %.140s", answer->location);
	if (answer->status == 0)
		copy_line(line, sizeof(line), answer->error);
	else if (message != NULL)
		copy_line(line, sizeof(line), message);
	else if (answer->location[0] != '\0')
		copy_line(line, sizeof(line), redirect);
	else if (is_page(answer))
		snprintf(line, sizeof(line), "a page of HTML: this is not InfluxDB");
	else
		copy_line(line, sizeof(line), answer->body);
	if (!is_utf8(line))
		snprintf(line, sizeof(line), "an answer that cannot be read");
	if (answer->status == 0)
		snprintf(verdict->reason, sizeof(verdict->reason), "%s", line[0] != '\0' ? line : "no answer");
	else
		snprintf(verdict->reason, sizeof(verdict->reason), "HTTP %d%s%s", answer->status,
			 line[0] != '\0' ? ": " : "", line);
}

/* --- the decision ------------------------------------------------------------------------------------------------- */

static uint64_t count_words(const char *text, const char *word)
{
	uint64_t n = 0;
	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

/* "... dropped=N" counts conflicts of types; lines that cannot be parsed are listed, and not in N. */
static uint64_t count_refused(const char *message)
{
	const char *dropped = strstr(message, "dropped=");
	uint64_t n = count_words(message, "unable to parse");
	if (dropped != NULL)
		n += strtoull(dropped + strlen("dropped="), NULL, 10);
	return n > 0 ? n : 1;
}

/* What has sense only as an answer of InfluxDB. */
static bool is_like_influx(const struct fetch_answer *answer)
{
	return answer->status == 204 || answer->type[0] == '\0' ||
	       strncasecmp(answer->type, "application/json", 16) == 0 ||
	       strncasecmp(answer->type, "text/plain", 10) == 0;
}

/* Is the rest stored? A line that is quoted because all of it is refused may have the words in it. */
static bool is_partial(const char *message)
{
	const char *words = strstr(message, "partial write"), *quoted = strstr(message, "unable to parse");
	return words != NULL && (quoted == NULL || words < quoted);
}

static enum verdict_kind kind_of(const struct fetch_answer *answer, const char *message)
{
	switch (answer->status) {
	case 0:
		return answer->is_timeout && answer->is_connected ? VERDICT_SLOW : VERDICT_WAIT;
	case 200:
	case 201:
	case 202:
	case 204:
		return is_like_influx(answer) ? VERDICT_STORED : VERDICT_REFUSED;
	case 400:
		if (is_page(answer))
			return VERDICT_REFUSED;
		return is_partial(message) ? VERDICT_PARTLY : VERDICT_BAD;
	case 413:
		return VERDICT_TOO_BIG;
	case 422:
		return VERDICT_PARTLY;
	case 408:
	case 425:
	case 429:
		return VERDICT_WAIT;
	case 500:
		return strstr(message, "timeout") != NULL ? VERDICT_WAIT : VERDICT_FAULT;
	default:
		return answer->status > 500 && answer->status < 600 ? VERDICT_WAIT : VERDICT_REFUSED;
	}
}

void verdict_of(struct verdict *verdict, const struct fetch_answer *answer)
{
	const char *message;
	json_t *root = parse(answer, &message);
	const char *text = message != NULL ? message : answer->body;
	*verdict = (struct verdict){.kind = kind_of(answer, text), .wait_ns = -1};
	if (verdict->kind == VERDICT_PARTLY)
		verdict->refused = count_refused(text);
	if (verdict->kind == VERDICT_WAIT || verdict->kind == VERDICT_FAULT)
		verdict->wait_ns =
			answer->retry_after_ns < VERDICT_WAIT_MAX_NS ? answer->retry_after_ns : VERDICT_WAIT_MAX_NS;
	if (verdict->kind != VERDICT_STORED)
		describe(verdict, answer, message);
	json_decref(root);
}
