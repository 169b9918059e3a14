#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/fetch.h"
#include "core/text.h"

#define URL_MAX 4096

static bool has_scheme(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool has_part(CURLU *parsed, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(parsed, part, &text, 0) == CURLUE_OK && text != NULL && text[0] != '\0';
	curl_free(text);
	return has;
}

static int check_parsed(CURLU *parsed, struct err *err)
{
	if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
		return err_set(err,
			       "must not contain user and password: give them by the options user and password_file");
	if (!has_part(parsed, CURLUPART_HOST))
		return err_set(err, "has no host");
	return 0;
}

int fetch_check_url(const char *url, struct err *err)
{
	if (!has_scheme(url))
		return err_set(err, "must begin with http:// or https://");
	if (strlen(url) > URL_MAX)
		return err_set(err, "is longer than %d bytes", URL_MAX);
	for (const char *c = url; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) || *c == ' ')
			return err_set(err, "must not contain blanks or control characters");
	CURLU *parsed = curl_url();
	if (parsed == NULL)
		return err_set(err, "no memory");
	CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, 0);
	int result =
		code == CURLUE_OK ? check_parsed(parsed, err) : err_set(err, "is no URL: %s", curl_url_strerror(code));
	curl_url_cleanup(parsed);
	return result;
}

void fetch_add_encoded(struct text *out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
				strchr("-._~", *c) != NULL;
		if (is_plain)
			text_add_char(out, (char)*c);
		else
			text_add_format(out, "%%%02X", *c);
	}
}

int64_t fetch_parse_retry_after(const char *value, int64_t now_seconds)
{
	const int64_t most = INT64_MAX / INT64_C(1000000000);
	char *end;
	if (!isdigit((unsigned char)value[0])) {
		time_t date = curl_getdate(value, NULL);
		if (date == -1 || !isalpha((unsigned char)value[0]))
			return -1;
		return (int64_t)date > now_seconds ? ((int64_t)date - now_seconds) * INT64_C(1000000000) : 0;
	}
	/* A number beyond long long is read as the largest. */
	long long seconds = strtoll(value, &end, 10);
	if (end[strspn(end, " \t")] != '\0')
		return -1;
	return seconds > most ? most * INT64_C(1000000000) : (int64_t)seconds * INT64_C(1000000000);
}
