#include "daemon/api_audit.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/api_v2.h"

/* A word of the line: what a client wrote must not look like another one. */
static void add_word(const char *name, const char *word, struct text *out)
{
	text_add_format(out, " %s=", name);
	for (size_t i = 0; word[i] && i < 128; i++) {
		unsigned char c = (unsigned char)word[i];

		text_add_char(out, c <= ' ' || c == '=' || c == '"' || c == 0x7f ? '_' : word[i]);
	}
}

static void add_host(const struct api_v2_host *host, struct text *out)
{
	if (host->router) {
		add_word("router", host->router, out);
		return;
	}
	add_word("host", host->host ? host->host : "", out);
	if (host->port)
		text_add_format(out, ":%u", (unsigned)host->port);
	add_word("user", host->username ? host->username : "", out);
}

static bool was_told(const struct api_v2_call *call, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(call->commands[k].path, call->commands[i].path) == 0)
			return true;
	return false;
}

/* A batch may have thousands, mostly of the same few paths: beyond some, how many there are must do. */
static void add_commands(const struct api_v2_call *call, struct text *out)
{
	size_t told = 0, looked = call->ncommands < 256 ? call->ncommands : 256;

	text_add_format(out, " commands=%zu", call->ncommands);
	for (size_t i = 0; i < looked && told < API_AUDIT_NAMES; i++) {
		if (was_told(call, i))
			continue;
		text_add_format(out, " %.128s", call->commands[i].path);
		told++;
	}
}

void api_audit_add_call(const struct api_v2_call *call, struct text *out)
{
	for (size_t i = 0; i < call->nhosts && i < API_AUDIT_NAMES; i++)
		add_host(&call->hosts[i], out);
	if (call->nhosts > API_AUDIT_NAMES)
		text_add_format(out, " hosts=%zu", call->nhosts);
	if (call->ncommands > 0)
		add_commands(call, out);
}

void api_audit_add_answer(const struct api_v2_answer *answer, int64_t took_ns, struct text *out)
{
	text_add_format(out, " status=%d", answer->status);
	if (answer->outcome)
		text_add_format(out, " outcome=%s", answer->outcome);
	if (answer->nparts > 0)
		text_add_format(out, " parts=%zu/%zu cached=%zu", answer->nsuccessful, answer->nparts, answer->ncached);
	text_add(out, " duration=");
	text_add_seconds(out, took_ns / 1000 * 1000);
}
