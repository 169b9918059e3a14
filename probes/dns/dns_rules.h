/*
 * What the records of an answer must look like: lists of regular expressions for each section, over the presentation
 * form of dns_text.h. As blackbox_exporter's validate_*_rrs, but that all_match does what is said of it.
 */
#ifndef NETSONDE_PROBES_DNS_RULES_H
#define NETSONDE_PROBES_DNS_RULES_H

#include <stdbool.h>

#include "core/err.h"
#include "core/option.h"
#include "probes/dns/dns_reply.h"

/* matches: fails if a record matches one of the expressions; not_matches: if there is no record, or one that does not
 * match every expression; all_match: if there are records, and all match every expression; none_matches: if no record
 * matches any. */
enum dns_rule { DNS_RULE_MATCHES, DNS_RULE_NOT_MATCHES, DNS_RULE_ALL_MATCH, DNS_RULE_NONE_MATCHES, DNS_RULES };

struct dns_rule_lists {
	struct option_list lists[DNS_SECTIONS][DNS_RULES];
};

struct dns_rules;
struct dns_text_case;

/* -1 with err when an expression is not valid. */
int dns_rules_check(const struct dns_rule_lists *lists, struct err *err);
/* NULL: there are none. The lists are borrowed and must have been checked. */
struct dns_rules *dns_rules_create(const struct dns_rule_lists *lists);
void dns_rules_free(struct dns_rules *rules); /* NULL is harmless */

/* Do the records comply? If not, failure says what does not. letters: see dns_text.h. */
bool dns_rules_apply(const struct dns_rules *rules, const struct dns_reply *reply, const struct dns_text_case *letters,
		     struct err *failure);

#endif
