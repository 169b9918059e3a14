#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_failure.h"
#include "probes/http/http_fields.h"

Test(http_fields, which_are_fields)
{
	static const struct {
		const char *field;
		int result;
	} table[] = {{"A: b", 0}, {"A:b", 0},  {"A:", 0},      {"X-A_b.c~: \tx\xff", 0}, {"A", -1},
		     {"", -1},    {": b", -1}, {"A b: c", -1}, {"A: b\r\nC: d", -1},     {"A: b\nC", -1},
		     {"(: x", -1}};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {0};
		cr_expect_eq(http_field_check(table[i].field, &err), table[i].result, "%s", table[i].field);
		cr_expect_not(strstr(err.text, "b\r"));
	}
}

static int remember(void *arg, const char *field, struct err *err)
{
	struct curl_slist **list = arg;
	(void)err;
	*list = http_fields_add(*list, field);
	return 0;
}

Test(http_fields, of_both_options)
{
	char *items[] = {(char[]){"A: 1"}, (char[]){"Empty:"}};
	struct http_settings settings = {.headers = {items, 2}, .secret_headers = (char[]){"B: 2\n\nC: 3\n"}};
	struct curl_slist *list = NULL;
	static const char *const expected[] = {"A: 1", "Empty;", "B: 2", "C: 3"};
	cr_assert_eq(http_fields_visit(&settings, remember, &list, NULL), 0);
	const struct curl_slist *at = list;
	for (size_t i = 0; i < 4; i++, at = at->next)
		cr_assert_str_eq(at->data, expected[i]);
	cr_assert_null(at);
	curl_slist_free_all(list);
	struct err err = {0};
	settings.secret_headers = (char[]){"hush"};
	cr_assert_eq(http_fields_visit(&settings, NULL, NULL, &err), -1);
	cr_assert_null(strstr(err.text, "hush"));
	items[0] = (char[]){"hush"};
	cr_assert_eq(http_fields_visit(&settings, NULL, NULL, &err), -1);
}

Test(http_fields, credentials)
{
	char *basic = http_field_basic("Aladdin", "open sesame"), *empty = http_field_basic("a", NULL);
	char *bearer = http_field_bearer("t");
	cr_expect_str_eq(basic, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	cr_expect_str_eq(empty, "Authorization: Basic YTo=");
	cr_expect_str_eq(bearer, "Authorization: Bearer t");
	cr_expect_null(http_field_basic(NULL, "x"));
	cr_expect_null(http_field_bearer(NULL));
	mem_free(basic);
	mem_free(empty);
	mem_free(bearer);
}

static void expect_list(struct curl_slist *list, const char *expected)
{
	char all[256] = "";
	for (const struct curl_slist *at = list; at != NULL; at = at->next) {
		strncat(all, at->data, sizeof(all) - strlen(all) - 1);
		strncat(all, "|", sizeof(all) - strlen(all) - 1);
	}
	cr_expect_str_eq(all, expected);
	curl_slist_free_all(list);
}

Test(http_fields, of_redirects)
{
	char *words[] = {"t0ken"};
	const struct http_secrets secrets = {words, 1};
	struct curl_slist *all = NULL;
	static const char *const fields[] = {"A: 1",    "cookie: x",   "AUTHORIZATION: y", "Content-Type: t",
					     "Expect:", "X-Key: t0ken"};
	for (size_t i = 0; i < 6; i++)
		all = curl_slist_append(all, fields[i]);
	expect_list(http_fields_of_redirect(all, &secrets, false, false),
		    "A: 1|cookie: x|AUTHORIZATION: y|Content-Type: t|Expect:|X-Key: t0ken|");
	expect_list(http_fields_of_redirect(all, &secrets, true, false), "A: 1|Content-Type: t|Expect:|");
	expect_list(http_fields_of_redirect(all, &secrets, true, true), "A: 1|Expect:|");
	curl_slist_free_all(all);
}

Test(http_fields, bodies)
{
	static const struct {
		const char *method, *body, *file;
		bool sends;
	} table[] = {{"GET", NULL, NULL, false}, {"GET", "", NULL, true},     {"POST", NULL, NULL, true},
		     {"PUT", NULL, NULL, true},  {"PATCH", NULL, NULL, true}, {"HEAD", "x", NULL, false},
		     {"DELETE", NULL, "f", true}};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct http_settings settings = {.method = (char *)table[i].method,
						       .body = (char *)table[i].body,
						       .body_file = (char *)table[i].file};
		cr_expect_eq(http_sends_body(&settings), table[i].sends);
	}
}

Test(http_fields, secrets)
{
	static const char *const secret[] = {"Authorization", "Proxy-Authorization", "Set-Cookie", "COOKIE",
					     "X-Api-Key",     "X-Auth-Token",        "My-Password"};
	static const char *const open[] = {"Host", "Content-Type", "Accept", "Server", "Date", ""};
	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		cr_expect(http_field_is_secret(secret[i], strlen(secret[i])), "%s", secret[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		cr_expect_not(http_field_is_secret(open[i], strlen(open[i])), "%s", open[i]);
}

Test(http_failure, reasons)
{
	static const struct {
		struct http_failure failure;
		enum reason reason;
	} table[] = {
		{{CURLE_COULDNT_CONNECT, ECONNREFUSED, 0, false}, REASON_REFUSED},
		{{CURLE_COULDNT_CONNECT, ECONNRESET, 0, false}, REASON_RESET},
		{{CURLE_COULDNT_CONNECT, ETIMEDOUT, 0, false}, REASON_TIMEOUT},
		{{CURLE_COULDNT_CONNECT, ENETUNREACH, 0, false}, REASON_UNREACHABLE_NET},
		{{CURLE_COULDNT_CONNECT, EHOSTUNREACH, 0, false}, REASON_UNREACHABLE_HOST},
		{{CURLE_COULDNT_CONNECT, EACCES, 0, false}, REASON_UNREACHABLE_ADMIN},
		{{CURLE_COULDNT_CONNECT, EADDRNOTAVAIL, 0, false}, REASON_LOCAL},
		{{CURLE_COULDNT_CONNECT, 0, 0, false}, REASON_LOCAL},
		{{CURLE_COULDNT_RESOLVE_HOST, 0, 0, false}, REASON_RESOLVE},
		{{CURLE_OPERATION_TIMEDOUT, 0, 0, false}, REASON_TIMEOUT},
		{{CURLE_SSL_CONNECT_ERROR, 0, 0, false}, REASON_TLS_HANDSHAKE},
		{{CURLE_PEER_FAILED_VERIFICATION, 0, 0, false}, REASON_TLS_VERIFY},
		{{CURLE_GOT_NOTHING, 0, 0, false}, REASON_PROTOCOL},
		{{CURLE_GOT_NOTHING, 0, 0, true}, REASON_RESET},
		{{CURLE_PARTIAL_FILE, 0, 0, false}, REASON_PROTOCOL},
		{{CURLE_RECV_ERROR, ECONNREFUSED, 0, false}, REASON_PROTOCOL}, /* an old errno */
		{{CURLE_RECV_ERROR, 0, 0, true}, REASON_RESET},
		{{CURLE_RECV_ERROR, 0, 407, false}, REASON_LOGIN},
		{{CURLE_RECV_ERROR, 0, 502, false}, REASON_STATUS},
		{{CURLE_UNSUPPORTED_PROTOCOL, 0, 0, false}, REASON_PROTOCOL},
		{{CURLE_HTTP2_STREAM, 0, 0, false}, REASON_PROTOCOL},
		{{CURLE_ABORTED_BY_CALLBACK, 0, 0, false}, REASON_LOCAL},
		{{CURLE_OUT_OF_MEMORY, 0, 0, false}, REASON_LOCAL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *text;
		cr_expect_eq(http_failure_reason(&table[i].failure, &text), table[i].reason, "%zu", i);
		cr_expect(text == NULL || text[0] != '\0');
	}
}
