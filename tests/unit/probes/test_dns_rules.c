/* Rules over the records of an answer, as blackbox_exporter has them (but for all_match, which it has the wrong way
 * round). */
#include <criterion/criterion.h>
#include <string.h>

#include "probes/dns/dns_rules.h"
#include "tests/unit/probes/dns_message.h"

static const char *const messages[][8] = {
	/* answers; authority; additional */
	{NULL, NULL, NULL},
	{"a. 60 IN A 192.0.2.1", NULL, NULL, NULL},
	{"a. 60 IN A 192.0.2.1", "a. 60 IN A 198.51.100.1", NULL, NULL, NULL},
};

static const struct {
	size_t message;
	enum dns_rule rule;
	const char *items[3];
	bool holds;
} cases[] = {
	{0, DNS_RULE_MATCHES, {"."}, true},
	{1, DNS_RULE_MATCHES, {"192\\.0\\.2"}, false},
	{1, DNS_RULE_MATCHES, {"^a\\.\\t60\\tIN\\tA\\t192.0.2.1$"}, false},
	{1, DNS_RULE_MATCHES, {"203\\.0", "IN\tAAAA"}, true},
	{2, DNS_RULE_MATCHES, {"nothing", "198"}, false},
	{0, DNS_RULE_NOT_MATCHES, {"."}, false},
	{1, DNS_RULE_NOT_MATCHES, {"192", "IN"}, true},
	{1, DNS_RULE_NOT_MATCHES, {"192", "AAAA"}, false},
	{2, DNS_RULE_NOT_MATCHES, {"192"}, false},
	{2, DNS_RULE_NOT_MATCHES, {"A\\t"}, true},
	{0, DNS_RULE_ALL_MATCH, {"."}, true},
	{1, DNS_RULE_ALL_MATCH, {"192"}, false},
	{1, DNS_RULE_ALL_MATCH, {"192", "AAAA"}, true},
	{2, DNS_RULE_ALL_MATCH, {"192"}, true},
	{2, DNS_RULE_ALL_MATCH, {"IN\\tA"}, false},
	{0, DNS_RULE_NONE_MATCHES, {"."}, false},
	{1, DNS_RULE_NONE_MATCHES, {"AAAA", "192"}, true},
	{2, DNS_RULE_NONE_MATCHES, {"198"}, true},
	{2, DNS_RULE_NONE_MATCHES, {"203"}, false},
};

static struct dns_reply read_message(const char *const *lines)
{
	struct dns_reply reply;
	size_t size;
	uint8_t *bytes = message_make("a", LDNS_RR_TYPE_A, lines, &size);
	cr_assert_eq(dns_reply_read(bytes, size, &reply, NULL), 0);
	mem_free(bytes);
	return reply;
}

Test(dns_rules, sections_and_rules)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (int section = 0; section < DNS_SECTIONS; section++) {
			/* The records move to the section that the rule is for. */
			const char *lines[8] = {0};
			size_t n = 0;
			memset(lines, 0, sizeof(lines));
			for (; messages[cases[i].message][n]; n++)
				lines[(size_t)section + n] = messages[cases[i].message][n];
			struct dns_rule_lists lists = {0};
			char *items[3];
			memcpy(items, cases[i].items, sizeof(items));
			struct option_list *list = &lists.lists[section][cases[i].rule];
			list->items = items;
			while (list->n < 3 && items[list->n])
				list->n++;
			struct err err = {{0}};
			cr_assert_eq(dns_rules_check(&lists, &err), 0, "%s", err.text);
			struct dns_rules *rules = dns_rules_create(&lists);
			struct dns_reply reply = read_message(lines);
			cr_expect_eq(dns_rules_apply(rules, &reply, NULL, &err), cases[i].holds,
				     "case %zu, section %d: %s", i, section, err.text);
			cr_expect_eq(err.text[0] == '\0', cases[i].holds, "case %zu", i);
			dns_reply_free(&reply);
			dns_rules_free(rules);
		}
	}
}

Test(dns_rules, none)
{
	const struct dns_rule_lists lists = {0};
	cr_expect_eq(dns_rules_check(&lists, NULL), 0);
	cr_expect_null(dns_rules_create(&lists));
	dns_rules_free(NULL);
}

Test(dns_rules, refuses_what_is_no_expression)
{
	struct dns_rule_lists lists = {0};
	char *items[] = {"good", "b(ad"};
	struct err err = {{0}};
	lists.lists[DNS_AUTHORITY][DNS_RULE_ALL_MATCH] = (struct option_list){items, 2};
	cr_assert_eq(dns_rules_check(&lists, &err), -1);
	cr_expect_not_null(strstr(err.text, "fail_if_authority_all_match: \"b(ad\""), "%s", err.text);
}
