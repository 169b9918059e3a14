#include "probes/dns/dns_rules.h"

#include <ldns/ldns.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "probes/dns/dns_text.h"

static const char *const section_names[DNS_SECTIONS] = {"answer", "authority", "additional"};
static const char *const rule_names[DNS_RULES] = {"matches", "not_matches", "all_match", "none_matches"};

struct rule {
	struct pattern **patterns;
	size_t n;
};

struct dns_rules {
	struct rule rules[DNS_SECTIONS][DNS_RULES];
};

static int check_list(const struct option_list *list, const char *section, const char *rule, struct err *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (pattern_check(list->items[i], err))
			return err_prefix(err, "fail_if_%s_%s: \"%.*s\"", section, rule, 100, list->items[i]);
	return 0;
}

int dns_rules_check(const struct dns_rule_lists *lists, struct err *err)
{
	for (int section = 0; section < DNS_SECTIONS; section++)
		for (int rule = 0; rule < DNS_RULES; rule++)
			if (check_list(&lists->lists[section][rule], section_names[section], rule_names[rule], err))
				return -1;
	return 0;
}

static void create_rule(struct rule *rule, const struct option_list *list)
{
	rule->patterns = mem_zero(list->n, sizeof(*rule->patterns));
	for (size_t i = 0; i < list->n; i++) {
		struct pattern *pattern = pattern_create(list->items[i], NULL);
		if (pattern)
			rule->patterns[rule->n++] = pattern;
	}
}

struct dns_rules *dns_rules_create(const struct dns_rule_lists *lists)
{
	struct dns_rules *rules = NULL;
	for (int section = 0; section < DNS_SECTIONS; section++) {
		for (int rule = 0; rule < DNS_RULES; rule++) {
			if (!lists->lists[section][rule].n)
				continue;
			if (!rules)
				rules = mem_zero(1, sizeof(*rules));
			create_rule(&rules->rules[section][rule], &lists->lists[section][rule]);
		}
	}
	return rules;
}

void dns_rules_free(struct dns_rules *rules)
{
	if (!rules)
		return;
	for (int section = 0; section < DNS_SECTIONS; section++) {
		for (int i = 0; i < DNS_RULES; i++) {
			struct rule *rule = &rules->rules[section][i];
			for (size_t j = 0; j < rule->n; j++)
				pattern_free(rule->patterns[j]);
			mem_free(rule->patterns);
		}
	}
	mem_free(rules);
}

/* --- one section -------------------------------------------------------------------------------------------------- */

/* How many of the rule's expressions a record matches. Where the search was given up there is no match. */
static size_t count_matches(const struct rule *rule, const struct text *record, struct pattern **first)
{
	size_t n = 0;
	for (size_t i = 0; i < rule->n; i++) {
		if (pattern_find(rule->patterns[i], record->bytes, record->length, NULL) != PATTERN_FOUND)
			continue;
		if (n++ == 0)
			*first = rule->patterns[i];
	}
	return n;
}

static const char *missed_by(const struct rule *rule, const struct text *record)
{
	for (size_t i = 0; i < rule->n; i++)
		if (pattern_find(rule->patterns[i], record->bytes, record->length, NULL) != PATTERN_FOUND)
			return pattern_expression(rule->patterns[i]);
	return "";
}

/* What the records of a section have shown so far. */
struct findings {
	bool do_all_match, has_match;
};

static bool apply_to_record(const struct rule *rules, struct text *record, struct findings *findings,
			    struct err *failure)
{
	struct pattern *first = NULL;
	if (count_matches(&rules[DNS_RULE_MATCHES], record, &first)) {
		err_set(failure, "\"%.*s\" matches \"%s\"", 200, text_string(record), pattern_expression(first));
		return false;
	}
	if (count_matches(&rules[DNS_RULE_ALL_MATCH], record, &first) < rules[DNS_RULE_ALL_MATCH].n)
		findings->do_all_match = false;
	if (count_matches(&rules[DNS_RULE_NOT_MATCHES], record, &first) < rules[DNS_RULE_NOT_MATCHES].n) {
		err_set(failure, "\"%.*s\" does not match \"%s\"", 200, text_string(record),
			missed_by(&rules[DNS_RULE_NOT_MATCHES], record));
		return false;
	}
	if (count_matches(&rules[DNS_RULE_NONE_MATCHES], record, &first))
		findings->has_match = true;
	return true;
}

static bool is_empty(const struct rule *rules)
{
	for (int i = 0; i < DNS_RULES; i++)
		if (rules[i].n)
			return false;
	return true;
}

static bool fail(struct err *failure, const char *text)
{
	err_set(failure, "%s", text);
	return false;
}

static bool apply_to_section(const struct rule *rules, const ldns_rr_list *list, const struct dns_text_case *letters,
			     struct err *failure)
{
	struct findings findings = {.do_all_match = true};
	size_t n = ldns_rr_list_rr_count(list);
	struct text record = {0};
	bool holds = true;
	if (!n && (rules[DNS_RULE_NOT_MATCHES].n || rules[DNS_RULE_NONE_MATCHES].n))
		return fail(failure, "there are no records, and some were to match");
	for (size_t i = 0; i < n && holds; i++) {
		text_clear(&record);
		dns_text_add(&record, ldns_rr_list_rr(list, i), letters);
		holds = apply_to_record(rules, &record, &findings, failure);
	}
	text_free(&record);
	if (!holds)
		return false;
	if (n && rules[DNS_RULE_ALL_MATCH].n && findings.do_all_match)
		return fail(failure, "all records match");
	if (rules[DNS_RULE_NONE_MATCHES].n && !findings.has_match)
		return fail(failure, "no record matches");
	return true;
}

bool dns_rules_apply(const struct dns_rules *rules, const struct dns_reply *reply, const struct dns_text_case *letters,
		     struct err *failure)
{
	const ldns_rr_list *const lists[DNS_SECTIONS] = {
		ldns_pkt_answer(reply->packet),
		ldns_pkt_authority(reply->packet),
		ldns_pkt_additional(reply->packet),
	};
	for (int section = 0; section < DNS_SECTIONS; section++) {
		if (is_empty(rules->rules[section]) ||
		    apply_to_section(rules->rules[section], lists[section], letters, failure))
			continue;
		err_prefix(failure, "%s section", section_names[section]);
		return false;
	}
	return true;
}
