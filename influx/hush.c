#include "influx/hush.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

/* login: "user:password". Plain, the password of it, or as it is sent. */
static bool tells_login(const struct verdict *verdict, const struct fetch_answer *answer, const char *login)
{
	const char *colon = strchr(login, ':');
	char *encoded = hush_encode(login);
	bool does = tells(verdict, answer, encoded) || (colon != NULL && tells(verdict, answer, colon + 1));

	explicit_bzero(encoded, strlen(encoded));
	mem_free(encoded);
	return does;
}

static bool tells_login_of(const struct verdict *verdict, const struct fetch_answer *answer,
			   const struct influx_settings *settings)
{
	char *login;
	bool does;

	if (settings->user == NULL || settings->password == NULL)
		return false;
	login = mem_format("%s:%s", settings->user, settings->password);
	does = tells_login(verdict, answer, login);
	explicit_bzero(login, strlen(login));
	mem_free(login);
	return does;
}

/* "http://user:password@proxy:3128" */
static bool tells_login_in(const struct verdict *verdict, const struct fetch_answer *answer, const char *url)
{
	const char *begin = strstr(url, "://"), *end = strrchr(url, '@');
	char *login;
	bool does;

	begin = begin != NULL ? begin + strlen("://") : url;
	if (end == NULL || end < begin)
		return false;
	login = mem_format("%.*s", (int)(end - begin), begin);
	does = tells_login(verdict, answer, login);
	explicit_bzero(login, strlen(login));
	mem_free(login);
	return does;
}

static bool tells_proxy(const struct verdict *verdict, const struct fetch_answer *answer)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *url = getenv(names[i]);

		if (url != NULL && tells_login_in(verdict, answer, url))
			return true;
	}
	return false;
}

void hush_verdict(struct verdict *verdict, const struct influx_settings *settings, const struct fetch_answer *answer)
{
	if (verdict->reason[0] == '\0' ||
	    (!tells(verdict, answer, settings->token) && !tells(verdict, answer, settings->password) &&
	     !tells_login_of(verdict, answer, settings) && !tells_proxy(verdict, answer)))
		return;
	snprintf(verdict->reason, sizeof(verdict->reason),
		 "HTTP %d: an answer that repeats the token or the password, so it is not shown", answer->status);
}
