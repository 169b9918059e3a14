#include <criterion/criterion.h>
#include <string.h>

#include "probes/http/http_secrets.h"

static bool tells(const struct http_settings *settings, const char *text)
{
	struct http_secrets secrets = {0};
	bool does;

	http_secrets_take(&secrets, settings);
	does = http_secrets_are_in(&secrets, text, strlen(text));
	http_secrets_free(&secrets);
	cr_expect_eq(secrets.n, 0);
	return does;
}

Test(http_secrets, are_found_plain_and_as_they_are_sent)
{
	struct http_settings settings = {.user = "Aladdin",
					 .password = "open sesame",
					 .proxy_user = "me",
					 .proxy_password = "word",
					 .bearer_token = "t0ken",
					 .secret_headers = "X-Key: first\r\nno field\nX-Other:second\n\nX-Short: abc"};
	static const char *const telling[] = {
		"open sesame",  "..open sesame..", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
		"bWU6d29yZA==", "a word too",      "the t0ken of him",
		"first",        "X-Said: second",
	};
	static const char *const others[] = {"", "Aladdin", "open", "abc", "X-Key", "no field", "\r"};

	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
		cr_expect(tells(&settings, telling[i]), "%s", telling[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect(!tells(&settings, others[i]), "%s", others[i]);
}

Test(http_secrets, there_are_none_without_options)
{
	struct http_settings settings = {0};

	cr_expect(!tells(&settings, "anything"));
}
