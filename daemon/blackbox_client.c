/* Authentication, proxies and further headers of http in a blackbox.yml: what all of Prometheus' programs have in
 * common.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/blackbox_prober.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- secrets ----------------------------------------------------------------------------------------------------- */

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	mem_free(secret);
}

/* The content of the file that is named here; seen from the working directory. NULL: there is none, and the module is
 * refused or *result is -1. */
static char *read_file(const struct blackbox_place *place, struct blackbox_draft *draft, int *result)
{
	struct err err = {0};
	const char *path = blackbox_text(place);
	*result = path ? 0 : -1;
	if (!path || path[0] == '\0')
		return NULL;
	char *secret = file_read_secret(path, &err);
	if (!secret)
		blackbox_draft_refuse(place, draft, "%s: %s", path, err.text);
	return secret;
}

int blackbox_read_secret_file(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	int result;
	char *secret = read_file(place, draft, &result);
	const char *path = blackbox_text(place);
	if (path && path[0] != '\0')
		draft->given |= field->bit;
	if (secret)
		result = blackbox_draft_set_text(place, draft, field->option, secret);
	wipe(secret);
	return result;
}

/* --- authentication ---------------------------------------------------------------------------------------------- */

int blackbox_read_basic_auth(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const struct blackbox_field fields[] = {
		{"username", blackbox_read_text, "user", GIVEN_USERNAME},
		{"username_file", blackbox_read_secret_file, "user", GIVEN_USERNAME_FILE},
		{"username_ref", blackbox_read_unsupported, NULL, 0},
		{"password", blackbox_read_text, "password", GIVEN_PASSWORD},
		{"password_file", blackbox_read_secret_file, "password", GIVEN_PASSWORD_FILE},
		{"password_ref", blackbox_read_unsupported, NULL, 0},
	};
	((struct blackbox_draft *)out)->given |= field->bit;
	return blackbox_read_map(place, fields, COUNT(fields), out);
}

static int read_auth_type(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	(void)field;
	if (!text)
		return -1;
	text += strspn(text, " \t");
	size_t length = strcspn(text, " \t");
	if (strncasecmp(text, "basic", length) == 0 && length == 5)
		return blackbox_refuse(place, "must not be Basic: use basic_auth");
	mem_free(draft->auth_type);
	draft->auth_type = length > 0 ? mem_format("%.*s", (int)length, text) : NULL;
	return 0;
}

static int read_credentials(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	if (!text || text[0] == '\0')
		return text ? 0 : -1;
	draft->given |= field->bit;
	wipe(draft->credentials);
	draft->credentials = mem_copy_string(text);
	return 0;
}

static int read_credentials_file(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	int result;
	char *secret = read_file(place, draft, &result);
	draft->given |= field->bit;
	if (!secret)
		return result;
	wipe(draft->credentials);
	draft->credentials = secret;
	return 0;
}

int blackbox_read_authorization(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const struct blackbox_field fields[] = {
		{"type", read_auth_type, NULL, 0},
		{"credentials", read_credentials, NULL, GIVEN_CREDENTIALS},
		{"credentials_file", read_credentials_file, NULL, GIVEN_CREDENTIALS_FILE},
		{"credentials_ref", blackbox_read_unsupported, NULL, 0},
	};
	((struct blackbox_draft *)out)->given |= field->bit;
	return blackbox_read_map(place, fields, COUNT(fields), out);
}

static int ignore(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)place;
	(void)field;
	(void)out;
	return 0;
}

int blackbox_read_oauth2(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const struct blackbox_field fields[] = {
		{"client_id", ignore, NULL, 0},
		{"client_secret", ignore, NULL, 0},
		{"client_secret_file", ignore, NULL, 0},
		{"client_secret_ref", ignore, NULL, 0},
		{"client_certificate_key_id", ignore, NULL, 0},
		{"client_certificate_key", ignore, NULL, 0},
		{"client_certificate_key_file", ignore, NULL, 0},
		{"client_certificate_key_ref", ignore, NULL, 0},
		{"grant_type", ignore, NULL, 0},
		{"signature_algorithm", ignore, NULL, 0},
		{"iss", ignore, NULL, 0},
		{"audience", ignore, NULL, 0},
		{"claims", ignore, NULL, 0},
		{"scopes", ignore, NULL, 0},
		{"token_url", ignore, NULL, 0},
		{"endpoint_params", ignore, NULL, 0},
		{"tls_config", ignore, NULL, 0},
		{"proxy_url", ignore, NULL, 0},
		{"no_proxy", ignore, NULL, 0},
		{"proxy_from_environment", ignore, NULL, 0},
		{"proxy_connect_header", ignore, NULL, 0},
	};
	if (blackbox_read_map(place, fields, COUNT(fields), out) != 0)
		return -1;
	((struct blackbox_draft *)out)->given |= field->bit;
	return blackbox_draft_refuse(place, out, "is not supported by netsonde");
}

/* --- proxies ----------------------------------------------------------------------------------------------------- */

/* A part of a URL becomes an option; one that is not there is none. */
static int set_part(const struct blackbox_place *place, struct blackbox_draft *draft, CURLU *url, CURLUPart part)
{
	static const char *const options[] = {[CURLUPART_USER] = "proxy_user", [CURLUPART_PASSWORD] = "proxy_password"};
	char *text = NULL;
	int result = 0;
	if (curl_url_get(url, part, &text, CURLU_URLDECODE) == CURLUE_OK)
		result = blackbox_draft_set_text(place, draft, options[part], text);
	if (text)
		explicit_bzero(text, strlen(text));
	curl_free(text);
	return result;
}

static int set_proxy(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option, CURLU *url)
{
	char *text = NULL;
	if (set_part(place, draft, url, CURLUPART_USER) != 0 || set_part(place, draft, url, CURLUPART_PASSWORD) != 0)
		return -1;
	curl_url_set(url, CURLUPART_USER, NULL, 0);
	curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	if (curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return blackbox_draft_refuse(place, draft, "must be a URL such as http://proxy:3128");
	/* The path, of which a proxy has none. */
	size_t length = strlen(text);
	if (length > 0 && text[length - 1] == '/')
		text[length - 1] = '\0';
	int result = blackbox_draft_set_text(place, draft, option, text);
	curl_free(text);
	return result;
}

/* "http://user:password@proxy:3128" */
int blackbox_read_proxy(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	if (!text || text[0] == '\0')
		return text ? 0 : -1;
	if (text[0] == ':')
		return blackbox_refuse(place, "must be a URL such as http://proxy:3128");
	draft->given |= field->bit;
	CURLU *url = curl_url();
	int result = url && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
			     ? set_proxy(place, draft, field->option, url)
			     : blackbox_draft_refuse(place, draft, "must be a URL such as http://proxy:3128");
	curl_url_cleanup(url);
	return result;
}

/* --- headers ----------------------------------------------------------------------------------------------------- */

/* The values of one header. */
struct values {
	const char *name;
	struct blackbox_draft *draft;
	struct blackbox_words *words;
};

static int add_value(const struct blackbox_place *place, void *out)
{
	struct values *values = out;
	const char *text = blackbox_text(place);
	if (!text)
		return -1;
	blackbox_words_add(values->words, mem_format("%s: %s", values->name, text));
	return 0;
}

static int add_file(const struct blackbox_place *place, void *out)
{
	struct values *values = out;
	int result;
	char *secret = read_file(place, values->draft, &result);
	if (secret)
		blackbox_words_add(values->words, mem_format("%s: %s", values->name, secret));
	wipe(secret);
	return result;
}

static int read_proxy_header(const struct blackbox_place *place, void *out)
{
	struct values values = {.name = place->key, .words = out};
	return yaml_node_is_null(place->node) ? 0 : blackbox_read_items(place, add_value, &values);
}

int blackbox_read_proxy_headers(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	struct blackbox_words words = {0};
	int result = blackbox_read_entries(place, read_proxy_header, &words);
	if (words.n > 0)
		draft->given |= field->bit;
	if (result == 0)
		result = blackbox_draft_set_words(place, draft, field->option, &words);
	blackbox_words_free(&words);
	return result;
}

static int read_shown_values(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct values *values = out;
	(void)field;
	values->words = &values->draft->headers;
	return blackbox_read_items(place, add_value, values);
}

static int read_secret_values(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct values *values = out;
	(void)field;
	values->words = &values->draft->secrets;
	return blackbox_read_items(place, add_value, values);
}

static int read_file_values(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct values *values = out;
	(void)field;
	values->words = &values->draft->secrets;
	return blackbox_read_items(place, add_file, values);
}

static bool is_reserved(const char *name)
{
	static const char *const names[] = {
		"Authorization",    "Host",           "Content-Encoding", "Content-Length",     "Content-Type",
		"User-Agent",       "Connection",     "Keep-Alive",       "Proxy-Authenticate", "Proxy-Authorization",
		"Www-Authenticate", "Accept-Encoding"};
	if (strncasecmp(name, "X-Prometheus-", 13) == 0 || strncasecmp(name, "X-Amz-", 6) == 0)
		return true;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int read_http_header(const struct blackbox_place *place, void *out)
{
	static const struct blackbox_field fields[] = {
		{"values", read_shown_values, NULL, 0},
		{"secrets", read_secret_values, NULL, 0},
		{"files", read_file_values, NULL, 0},
	};
	struct values values = {.name = place->key, .draft = out};
	if (is_reserved(place->key))
		return blackbox_refuse(place, "this header must not be set here");
	return yaml_node_is_null(place->node) ? 0 : blackbox_read_map(place, fields, COUNT(fields), &values);
}

int blackbox_read_http_headers(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_entries(place, read_http_header, out);
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static const struct blackbox_rule rules[] = {
	{GIVEN_BEARER, GIVEN_BEARER_FILE, "bearer_token and bearer_token_file must not be given both"},
	{GIVEN_BASIC_AUTH | GIVEN_OAUTH2, GIVEN_BEARER | GIVEN_BEARER_FILE,
	 "at most one of basic_auth, oauth2, bearer_token and bearer_token_file must be given"},
	{GIVEN_AUTHORIZATION, GIVEN_BEARER | GIVEN_BEARER_FILE,
	 "authorization must not be given with bearer_token or bearer_token_file"},
	{GIVEN_AUTHORIZATION | GIVEN_OAUTH2, GIVEN_BASIC_AUTH,
	 "at most one of basic_auth, oauth2 and authorization must be given"},
	{GIVEN_AUTHORIZATION, GIVEN_OAUTH2, "at most one of basic_auth, oauth2 and authorization must be given"},
	{GIVEN_PASSWORD, GIVEN_PASSWORD_FILE, "password and password_file must not be given both"},
	{GIVEN_USERNAME, GIVEN_USERNAME_FILE, "username and username_file must not be given both"},
	{GIVEN_CREDENTIALS, GIVEN_CREDENTIALS_FILE, "credentials and credentials_file must not be given both"},
	{GIVEN_PROXY_ENVIRONMENT, GIVEN_PROXY_URL | GIVEN_NO_PROXY,
	 "proxy_from_environment must not be given with proxy_url or no_proxy"},
	{GIVEN_BODY, GIVEN_BODY_FILE, "body and body_file must not be given both"},
	{0, 0, NULL},
};

static const char *find_lack(uint64_t given)
{
	if ((given & GIVEN_PROXY_HEADER) && !(given & (GIVEN_PROXY_URL | GIVEN_PROXY_ENVIRONMENT)))
		return "proxy_connect_header needs proxy_url";
	if ((given & GIVEN_NO_PROXY) && !(given & GIVEN_PROXY_URL))
		return "no_proxy needs proxy_url";
	return NULL;
}

/* Bearer has an option of its own. */
static int set_authorization(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	if (!draft->credentials)
		return 0;
	if (!draft->auth_type || strcasecmp(draft->auth_type, "Bearer") == 0)
		return blackbox_draft_set_text(place, draft, "bearer_token", draft->credentials);
	blackbox_words_add(&draft->secrets, mem_format("Authorization: %s %s", draft->auth_type, draft->credentials));
	return 0;
}

/* One in each line. */
static int set_secrets(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	struct text text = {0};
	for (size_t i = 0; i < draft->secrets.n; i++)
		text_add_format(&text, "%s%s", i > 0 ? "\n" : "", draft->secrets.items[i]);
	int result = text.length > 0 ? blackbox_draft_set_text(place, draft, "secret_headers", text_string(&text)) : 0;
	file_wipe(&text);
	return result;
}

int blackbox_finish_client(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	const char *wrong = blackbox_find_conflict(draft->given, rules);
	if (!wrong)
		wrong = find_lack(draft->given);
	if (wrong)
		return blackbox_refuse(place, "%s", wrong);
	if (set_authorization(place, draft) != 0 || set_secrets(place, draft) != 0)
		return -1;
	return draft->headers.n > 0 ? blackbox_draft_set_words(place, draft, "headers", &draft->headers) : 0;
}

/* --- encodings --------------------------------------------------------------------------------------------------- */

/* One of "br;q=0.5, gzip": where its name is, and its weight in thousandths. */
struct encoding {
	const char *name;
	size_t length;
	long weight;
};

static long parse_weight(const char *begin, const char *end)
{
	char number[32];
	begin += strspn(begin, " \t");
	if (strncmp(begin, "q=", 2) == 0)
		begin += 2;
	size_t n = strcspn(begin, " \t,");
	if (n == 0 || begin + n > end || n >= sizeof(number))
		return 0;
	memcpy(number, begin, n);
	number[n] = '\0';
	char *rest;
	double weight = strtod(number, &rest);
	return *rest == '\0' && weight > -1000 && weight < 1000 ? (long)(weight * 1000 + 0.5) : 0;
}

static struct encoding parse_encoding(const char *begin, const char *end)
{
	const char *semicolon = memrchr(begin, ';', (size_t)(end - begin));
	struct encoding encoding = {begin, 0, 1000};
	const char *name_end = semicolon ? semicolon : end;
	if (semicolon)
		encoding.weight = parse_weight(semicolon + 1, end);
	encoding.name += strspn(begin, " \t");
	while (name_end > encoding.name && strchr(" \t", name_end[-1]))
		name_end--;
	encoding.length = name_end > encoding.name ? (size_t)(name_end - encoding.name) : 0;
	return encoding;
}

/* The heaviest of those that name it, or "*", decides; of equal ones the first. */
bool blackbox_encoding_is_accepted(const char *compression, const char *accept_encoding)
{
	bool is_found = false;
	long heaviest = 0;
	if (!compression || compression[0] == '\0' || !accept_encoding || accept_encoding[0] == '\0')
		return true;
	for (const char *at = accept_encoding;; at++) {
		const char *end = at + strcspn(at, ",");
		struct encoding encoding = parse_encoding(at, end);
		bool is_it = (encoding.length == strlen(compression) &&
			      strncmp(encoding.name, compression, encoding.length) == 0) ||
			     (encoding.length == 1 && encoding.name[0] == '*');
		if (is_it && (!is_found || encoding.weight > heaviest)) {
			is_found = true;
			heaviest = encoding.weight;
		}
		at = end;
		if (*at == '\0')
			return heaviest > 0;
	}
}
