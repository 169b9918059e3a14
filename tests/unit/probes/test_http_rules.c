#include <criterion/criterion.h>
#include <string.h>

#include "core/option.h"
#include "probes/http/http_rules.h"

static const char head[] = "HTTP/1.1 200 OK\r\nX-A: one\r\nx-b:\t2 \r\nX-B: 3\r\nX-Empty:\r\nX-Ab: no\r\n\r\n";

/* Settings with one list filled. */
static void set(struct http_settings *settings, const char *name, const char *value)
{
	const struct option *option = option_find(http_options, http_noptions, name);
	const char *const items[] = {value};
	const struct option_value written = {.form = OPTION_WRITTEN_LIST, .items = items, .n = 1};
	struct err err = {0};
	cr_assert_not_null(option, "%s", name);
	int result = option->kind == OPTION_LIST ? option_set(option, settings, &written, &err)
						 : option_set_text(option, settings, value, &err);
	cr_assert_eq(result, 0, "%s: %s", name, err.text);
}

static size_t lines;

static void count(void *arg, const char *line)
{
	(void)arg;
	cr_assert(line[0] != '\0');
	lines++;
}

/* The reason, or REASON_COUNT when there can be no such rule. */
static enum reason judge(const char *name, const char *value, const struct http_answer *answer,
			 struct http_verdict *verdict)
{
	struct http_settings settings = {0};
	option_set_defaults(http_options, http_noptions, &settings);
	set(&settings, name, value);
	*verdict = (struct http_verdict){.log = count};
	struct http_rules *rules = http_rules_create(&settings, &verdict->failure);
	enum reason reason = rules != NULL ? http_rules_judge(rules, answer, verdict) : REASON_COUNT;
	if (rules != NULL)
		cr_expect_eq(http_rules_want_body(rules),
			     strstr(name, "body_") != NULL || strstr(name, "json") != NULL);
	http_rules_free(rules);
	option_free(http_options, http_noptions, &settings);
	return reason;
}

static struct http_answer make_answer(void)
{
	return (struct http_answer){
		.status = 200,
		.version = 1.1,
		.head = head,
		.head_length = sizeof(head) - 1,
		.body = "{\"a\": 1}\nsecond",
		.body_length = 8,
	};
}

Test(http_rules, verdicts)
{
	static const struct {
		const char *option, *value;
		enum reason reason;
	} table[] = {
		{"valid_status", "200", REASON_OK},
		{"valid_status", "2xx", REASON_OK},
		{"valid_status", "2XX", REASON_OK},
		{"valid_status", "any", REASON_OK},
		{"valid_status", "200-200", REASON_OK},
		{"valid_status", "201-299", REASON_STATUS},
		{"valid_status", "199", REASON_STATUS},
		{"valid_status", "3xx", REASON_STATUS},
		{"valid_status", "0xx", REASON_COUNT},
		{"valid_status", "20", REASON_COUNT},
		{"valid_status", "2000", REASON_COUNT},
		{"valid_status", "2x0", REASON_COUNT},
		{"valid_status", "xxx", REASON_COUNT},
		{"valid_status", "200-1", REASON_COUNT},
		{"valid_status", "200-19x", REASON_COUNT},
		{"valid_status", "300-200", REASON_COUNT},
		{"valid_status", "200 300", REASON_COUNT},
		{"valid_versions", "1.1", REASON_OK},
		{"valid_versions", "HTTP/1.1", REASON_OK},
		{"valid_versions", "2", REASON_PROTOCOL},
		{"valid_versions", "1", REASON_COUNT},
		{"valid_versions", "HTTP/2", REASON_PROTOCOL},
		{"fail_if_tls", "true", REASON_OK},
		{"fail_if_not_tls", "true", REASON_CONTENT},
		{"fail_if_header_matches", "X-A: ^one$", REASON_CONTENT},
		{"fail_if_header_matches", "x-a:^two", REASON_OK},
		{"fail_if_header_matches", "X-B: ^3$", REASON_CONTENT},
		{"fail_if_header_matches", "X-B: ^2$", REASON_CONTENT},
		{"fail_if_header_matches", "X-Empty: .", REASON_OK},
		{"fail_if_header_matches", "X-No: .", REASON_CONTENT},
		{"fail_if_header_matches", "X-No?: .", REASON_OK},
		{"fail_if_header_matches", "X-A", REASON_COUNT},
		{"fail_if_header_matches", ": x", REASON_COUNT},
		{"fail_if_header_matches", "?: x", REASON_COUNT},
		{"fail_if_header_matches", "X A: x", REASON_COUNT},
		{"fail_if_header_matches", "X-A: (", REASON_COUNT},
		{"fail_if_header_not_matches", "X-B: ^3$", REASON_OK},
		{"fail_if_header_not_matches", "X-B: ^4$", REASON_CONTENT},
		{"fail_if_header_not_matches", "X-No: .", REASON_CONTENT},
		{"fail_if_header_not_matches", "X-No?: .", REASON_OK},
		{"fail_if_body_matches", "a", REASON_CONTENT},
		{"fail_if_body_matches", "second", REASON_OK},
		{"fail_if_body_not_matches", "a", REASON_OK},
		{"fail_if_body_not_matches", "second", REASON_CONTENT},
		{"fail_if_body_not_matches", "[", REASON_COUNT},
		{"json_rules", "/a == 1", REASON_OK},
		{"json_rules", "/a == 2", REASON_CONTENT},
		{"json_rules", "a", REASON_COUNT},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct http_answer answer = make_answer();
		struct http_verdict verdict;
		enum reason reason = judge(table[i].option, table[i].value, &answer, &verdict);
		cr_expect_eq(reason, table[i].reason, "%s %s: %s", table[i].option, table[i].value,
			     verdict.failure.text);
		cr_expect_eq(reason != REASON_OK, verdict.failure.text[0] != '\0');
		cr_expect_eq(verdict.rule_failed,
			     reason == REASON_CONTENT && strcmp(table[i].option, "fail_if_not_tls") != 0);
	}
	cr_expect_gt(lines, 40);
	http_rules_free(NULL);
}

Test(http_rules, too_much_work_is_never_well)
{
	static char body[40000];
	struct http_answer answer = make_answer();
	struct http_verdict verdict;
	memset(body, 'a', sizeof(body));
	answer.body = body;
	answer.body_length = sizeof(body);
	cr_expect_eq(judge("fail_if_body_matches", "^(a+)+$(?<=b)", &answer, &verdict), REASON_CONTENT);
	cr_expect_eq(judge("fail_if_body_not_matches", "^(a+)+$(?<=b)", &answer, &verdict), REASON_CONTENT);
}

Test(http_rules, login)
{
	struct http_answer answer = make_answer();
	struct http_verdict verdict;
	answer.status = 401;
	cr_expect_eq(judge("valid_status", "2xx", &answer, &verdict), REASON_STATUS);
	answer.has_credentials = true;
	cr_expect_eq(judge("valid_status", "2xx", &answer, &verdict), REASON_LOGIN);
	answer.status = 403;
	cr_expect_eq(judge("valid_status", "2xx", &answer, &verdict), REASON_STATUS);
}

Test(http_rules, versions)
{
	static const struct {
		double number;
		const char *text;
	} table[] = {{1.0, "1.0"}, {1.1, "1.1"}, {2, "2"}, {3, "3"}};
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			struct http_answer answer = make_answer();
			struct http_verdict verdict;
			answer.version = table[i].number;
			cr_expect_eq(judge("valid_versions", table[j].text, &answer, &verdict),
				     i == j ? REASON_OK : REASON_PROTOCOL);
		}
	}
}

Test(http_rules, json_that_is_none)
{
	struct http_answer answer = make_answer();
	struct http_verdict verdict;
	answer.body_length = 3;
	cr_expect_eq(judge("json_rules", "/a absent", &answer, &verdict), REASON_CONTENT);
	cr_expect(strstr(verdict.failure.text, "cannot be read as JSON"));
}

Test(http_rules, fields_of_a_head)
{
	size_t at = 0, length;
	const char *value = http_head_find(head, sizeof(head) - 1, "X-B", &at, &length);
	cr_assert_eq(length, 1);
	cr_assert_eq(*value, '2');
	value = http_head_find(head, sizeof(head) - 1, "X-B", &at, &length);
	cr_assert_eq(*value, '3');
	cr_assert_null(http_head_find(head, sizeof(head) - 1, "X-B", &at, &length));
	/* Cut anywhere: nothing is read beyond the end. */
	for (size_t n = 0; n < sizeof(head); n++) {
		char *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, head, n);
		at = 0;
		while ((value = http_head_find(copy, n, "X-B", &at, &length)) != NULL)
			cr_assert_leq(value + length, copy + n);
		free(copy);
	}
}
