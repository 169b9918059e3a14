#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_json.h"

static const char document[] =
	"{\"status\": \"up\", \"n\": 7, \"f\": 1.5, \"big\": 9007199254740993, \"yes\": true, \"none\": null,"
	"\"list\": [1, {\"a\": \"x\"}, \"3\"], \"a/b\": {\"m~n\": 8}, \"\": 0, \"o\": {\"k\": [1]}}";

/* 1: holds, 0: does not, -1: there is no such rule. */
static int ask(const char *rule_text, struct err *why)
{
	struct http_json_rule *rule = http_json_rule_create(rule_text, why);
	if (rule == NULL)
		return -1;
	cr_assert_str_eq(http_json_rule_text(rule), rule_text);
	struct json_t *read = http_json_read(document, strlen(document), why);
	cr_assert_not_null(read, "%s", why->text);
	int holds = http_json_rule_holds(rule, read, why);
	http_json_free(read);
	http_json_rule_free(rule);
	return holds;
}

Test(http_json, rules)
{
	static const struct {
		const char *rule;
		int holds;
		const char *why;
	} table[] = {
		{"/status == up", 1, NULL},
		{"/status == \"up\"", 1, NULL},
		{"/status != up", 0, "/status is \"up\""},
		{"  /status   ==   up", 1, NULL},
		{"/n == 7", 1, NULL},
		{"/n == 7.0", 1, NULL},
		{"/n == \"7\"", 0, "/n is 7"},
		{"/n < 8", 1, NULL},
		{"/n < 7", 0, "/n is 7"},
		{"/n <= 7", 1, NULL},
		{"/n <= 6.5", 0, NULL},
		{"/n > 6", 1, NULL},
		{"/n > 7", 0, NULL},
		{"/n >= 7", 1, NULL},
		{"/n >= 8", 0, NULL},
		{"/f > 1", 1, NULL},
		{"/big == 9007199254740992", 0, NULL},
		{"/big > 9007199254740992", 1, NULL},
		{"/status > 1", 0, "/status is \"up\""},
		{"/yes == true", 1, NULL},
		{"/none == null", 1, NULL},
		{"/none exists", 1, NULL},
		{"/none absent", 0, NULL},
		{"/missing exists", 0, "there is no /missing"},
		{"/missing absent", 1, NULL},
		{"/missing == 1", 0, NULL},
		{"/status/deeper exists", 0, NULL},
		{"/list/0 == 1", 1, NULL},
		{"/list/1/a =~ ^x$", 1, NULL},
		{"/list/1/a =~ y", 0, NULL},
		{"/list/3 absent", 1, NULL},
		{"/list/00 absent", 1, NULL},
		{"/list/x absent", 1, NULL},
		{"/list/1x absent", 1, NULL},
		{"/list/- absent", 1, NULL},
		{"/list/99999999999999999999999 absent", 1, NULL},
		{"/list =~ \"a\"", 1, NULL},
		{"/a~1b/m~0n == 8", 1, NULL},
		{"/ == 0", 1, NULL},
		{"\"\" exists", 1, NULL},
		{"=~ status", 1, NULL},
		{"/o == {\"k\":[1]}", 1, NULL},
		{"/status == up and more", 0, NULL},
		{"status == up", -1, "not \"status\""},
		{"/status", -1, NULL},
		{"/status =", -1, NULL},
		{"/status ==", -1, "value is missing"},
		{"/status exists 1", -1, "no value"},
		{"/n < x", -1, "number"},
		{"/n =~ (", -1, NULL},
		{"/a~2 exists", -1, "~0"},
		{"/n == \xff", -1, "UTF-8"},
		{"", -1, NULL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err why = {0};
		cr_expect_eq(ask(table[i].rule, &why), table[i].holds, "%s: %s", table[i].rule, why.text);
		if (table[i].why != NULL)
			cr_expect(strstr(why.text, table[i].why), "%s: %s", table[i].rule, why.text);
	}
}

Test(http_json, what_is_none)
{
	static const char *const table[] = {"", "{", "[1,]", "nul", "{\"a\":1}x", "\"\\ud800\"", "\xff"};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {0};
		cr_expect_null(http_json_read(table[i], strlen(table[i]), &err));
		cr_expect(strstr(err.text, "line "));
	}
	struct err err = {0};
	char *large = mem_zero(1, HTTP_JSON_MAX + 1);
	cr_expect_null(http_json_read(large, HTTP_JSON_MAX + 1, &err));
	cr_expect(strstr(err.text, "longer"));
	memset(large, '[', HTTP_JSON_MAX);
	cr_expect_null(http_json_read(large, HTTP_JSON_MAX, &err), "very deep");
	mem_free(large);
	http_json_free(NULL);
	http_json_rule_free(NULL);
}

Test(http_json, long_values_are_cut)
{
	char *text = mem_zero(1, 1000);
	struct err why = {0};
	memset(text, 'x', 900);
	text[0] = text[899] = '"';
	struct http_json_rule *rule = http_json_rule_create("== y", &why);
	struct json_t *read = http_json_read(text, 900, &why);
	cr_assert_not(http_json_rule_holds(rule, read, &why));
	cr_expect_lt(strlen(why.text), 150);
	cr_expect(strstr(why.text, "the body is \"xxx"));
	http_json_free(read);
	http_json_rule_free(rule);
	mem_free(text);
}
