#include "probes/http/http_secrets.h"

#include <string.h>

#include "core/mem.h"
#include "probes/http/http_fields.h"

static void take(struct http_secrets *secrets, const char *word, size_t length)
{
	if (length < HTTP_SECRET_MIN)
		return;
	secrets->words = mem_resize(secrets->words, secrets->n + 1, sizeof(*secrets->words));
	secrets->words[secrets->n++] = mem_format("%.*s", (int)length, word);
}

static void take_word(struct http_secrets *secrets, const char *word)
{
	if (word != NULL)
		take(secrets, word, strlen(word));
}

/* One field a line. */
static void take_fields(struct http_secrets *secrets, const char *lines)
{
	while (lines != NULL && *lines != '\0') {
		size_t length = strcspn(lines, "\n");
		const char *colon = memchr(lines, ':', length);
		if (colon != NULL) {
			const char *value = http_field_value(lines);
			size_t rest = (size_t)(lines + length - value);
			take(secrets, value, rest - (rest > 0 && value[rest - 1] == '\r'));
		}
		lines += length + (lines[length] == '\n');
	}
}

void http_secrets_take_login(struct http_secrets *secrets, const char *user, const char *password)
{
	char *field = http_field_basic(user, password);
	if (field == NULL)
		return;
	/* Without the padding, which a URL has in another form. */
	const char *encoded = strrchr(field, ' ') + 1;
	take(secrets, encoded, strcspn(encoded, "="));
	explicit_bzero(field, strlen(field));
	mem_free(field);
	take_word(secrets, password);
}

void http_secrets_take(struct http_secrets *secrets, const struct http_settings *settings)
{
	http_secrets_take_login(secrets, settings->user, settings->password);
	http_secrets_take_login(secrets, settings->proxy_user, settings->proxy_password);
	take_word(secrets, settings->bearer_token);
	take_fields(secrets, settings->secret_headers);
}

void http_secrets_free(struct http_secrets *secrets)
{
	for (size_t i = 0; i < secrets->n; i++) {
		explicit_bzero(secrets->words[i], strlen(secrets->words[i]));
		mem_free(secrets->words[i]);
	}
	mem_free(secrets->words);
	*secrets = (struct http_secrets){0};
}

bool http_secrets_are_in(const struct http_secrets *secrets, const char *bytes, size_t n)
{
	for (size_t i = 0; i < secrets->n; i++)
		if (memmem(bytes, n, secrets->words[i], strlen(secrets->words[i])) != NULL)
			return true;
	return false;
}
