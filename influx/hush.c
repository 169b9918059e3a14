#include "influx/hush.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/fetch.h"
#include "core/mem.h"
#include "core/text.h"
#include "influx/influx.h"
#include "influx/verdict.h"

char *hush_encode(const char *bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct text out = {0};
	size_t n = strlen(bytes);

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned group = (unsigned)(unsigned char)bytes[i] << 16;

		group |= left > 1 ? (unsigned)(unsigned char)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? (unsigned char)bytes[i + 2] : 0;
		text_add_char(&out, digits[group >> 18]);
		text_add_char(&out, digits[group >> 12 & 63]);
		text_add_char(&out, left > 1 ? digits[group >> 6 & 63] : '=');
		text_add_char(&out, left > 2 ? digits[group & 63] : '=');
	}
	return text_take(&out);
}

static bool tells(const struct verdict *verdict, const struct fetch_answer *answer, const char *secret)
{
	if (secret == NULL || strlen(secret) < HUSH_MIN)
		return false;
	return strstr(answer->body, secret) != NULL || strstr(answer->error, secret) != NULL ||
	       strstr(answer->location, secret) != NULL || strstr(verdict->reason, secret) != NULL;
}

static bool tells_login(const struct verdict *verdict, const struct influx_settings *settings,
			const struct fetch_answer *answer)
{
	char *login, *encoded;
	bool does;

	if (settings->user == NULL || settings->password == NULL)
		return false;
	login = mem_format("%s:%s", settings->user, settings->password);
	encoded = hush_encode(login);
	does = tells(verdict, answer, encoded);
	explicit_bzero(login, strlen(login));
	explicit_bzero(encoded, strlen(encoded));
	mem_free(login);
	mem_free(encoded);
	return does;
}

void hush_verdict(struct verdict *verdict, const struct influx_settings *settings, const struct fetch_answer *answer)
{
	if (verdict->reason[0] == '\0' ||
	    (!tells(verdict, answer, settings->token) && !tells(verdict, answer, settings->password) &&
	     !tells_login(verdict, settings, answer)))
		return;
	snprintf(verdict->reason, sizeof(verdict->reason),
		 "HTTP %d: an answer that repeats the token or the password, so it is not shown", answer->status);
}
