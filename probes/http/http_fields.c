#include "probes/http/http_fields.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/text.h"
#include "probes/http/http_secrets.h"

int http_field_check(const char *field, struct err *err)
{
	size_t name = strcspn(field, ":");
	if (field[name] != ':' || name == 0)
		return err_set(err, "a header must be written \"Name: value\"");
	for (size_t i = 0; i < name; i++)
		if (!isgraph((unsigned char)field[i]) || strchr("(),/;<=>?@[\\]{}\"", field[i]) != NULL)
			return err_set(err, "\"%.*s\" is no name of a header", (int)name, field);
	for (const char *c = field + name; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return err_set(err, "header %.*s: there are control characters in its value", (int)name, field);
	return 0;
}

bool http_field_is(const char *field, const char *name)
{
	size_t length = strlen(name);
	return strncasecmp(field, name, length) == 0 && (field[length] == ':' || field[length] == ';');
}

const char *http_field_value(const char *field)
{
	field += strcspn(field, ":");
	if (*field == ':')
		field++;
	return field + strspn(field, " \t");
}

static int visit_one(const char *field, int (*each)(void *, const char *, struct err *), void *arg, struct err *err)
{
	if (http_field_check(field, err) != 0)
		return -1;
	return each != NULL ? each(arg, field, err) : 0;
}

int http_fields_visit(const struct http_settings *settings, int (*each)(void *arg, const char *field, struct err *err),
		      void *arg, struct err *err)
{
	for (size_t i = 0; i < settings->headers.n; i++)
		if (visit_one(settings->headers.items[i], each, arg, err) != 0)
			return err_prefix(err, "headers");
	const char *line = settings->secret_headers;
	while (line != NULL && *line != '\0') {
		size_t length = strcspn(line, "\n");
		char *field = mem_format("%.*s", (int)length, line);
		int result = length > 0 ? visit_one(field, each, arg, err) : 0;
		explicit_bzero(field, length);
		mem_free(field);
		if (result != 0)
			return err_prefix(err, "secret_headers");
		line += length + (line[length] == '\n');
	}
	return 0;
}

bool http_sends_body(const struct http_settings *settings)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};
	if (strcmp(settings->method, "HEAD") == 0)
		return false;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(settings->method, methods[i]) == 0)
			return true;
	return settings->body != NULL || settings->body_file != NULL;
}

char *http_field_basic(const char *user, const char *password)
{
	static const char start[] = "Authorization: Basic ";
	if (user == NULL)
		return NULL;
	char *plain = mem_format("%s:%s", user, password != NULL ? password : "");
	size_t length = strlen(plain);
	char *field = mem_alloc(sizeof(start) + (length + 2) / 3 * 4);
	memcpy(field, start, sizeof(start));
	EVP_EncodeBlock((unsigned char *)field + sizeof(start) - 1, (const unsigned char *)plain, (int)length);
	explicit_bzero(plain, length);
	mem_free(plain);
	return field;
}

char *http_field_bearer(const char *token)
{
	return token != NULL ? mem_format("Authorization: Bearer %s", token) : NULL;
}

struct curl_slist *http_fields_add(struct curl_slist *list, const char *field)
{
	char *empty = NULL;
	/* "Name:" would tell curl to leave the field out. */
	if (*http_field_value(field) == '\0')
		empty = mem_format("%.*s;", (int)strcspn(field, ":"), field);
	struct curl_slist *longer = curl_slist_append(list, empty != NULL ? empty : field);
	mem_free(empty);
	return longer != NULL ? longer : list;
}

/* As Go's client and browsers. */
static bool stays_behind(const char *field)
{
	return http_field_is(field, "Authorization") || http_field_is(field, "Cookie") ||
	       http_field_is(field, "Cookie2") || http_field_is(field, "Www-Authenticate") ||
	       http_field_is(field, "Proxy-Authorization");
}

struct curl_slist *http_fields_of_redirect(const struct curl_slist *fields, const struct http_secrets *secrets,
					   bool is_elsewhere, bool is_bodyless)
{
	struct curl_slist *list = NULL;
	for (; fields != NULL; fields = fields->next) {
		if ((is_elsewhere && (stays_behind(fields->data) ||
				      http_secrets_are_in(secrets, fields->data, strlen(fields->data)))) ||
		    (is_bodyless && strncasecmp(fields->data, "Content-", 8) == 0 &&
		     *http_field_value(fields->data) != '\0'))
			continue;
		struct curl_slist *longer = curl_slist_append(list, fields->data);
		if (longer != NULL)
			list = longer;
	}
	return list;
}

bool http_field_is_secret(const char *name, size_t length)
{
	static const char *const words[] = {"authorization", "cookie", "token", "key", "secret", "password"};
	char low[64];
	size_t n = length < sizeof(low) - 1 ? length : sizeof(low) - 1;
	for (size_t i = 0; i < n; i++)
		low[i] = (char)tolower((unsigned char)name[i]);
	low[n] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(low, words[i]) != NULL)
			return true;
	return false;
}
