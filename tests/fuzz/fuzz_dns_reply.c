/* Messages of name servers: nothing is read beyond the end, what is taken fits the query, every record can be shown and
 * be searched, and what is read in the plain way is what ldns reads. */
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "probes/dns/dns_guard.h"
#include "probes/dns/dns_plain.h"
#include "probes/dns/dns_query.h"
#include "probes/dns/dns_reply.h"
#include "probes/dns/dns_rules.h"
#include "probes/dns/dns_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* Id 0x1234, one question: www.example.net. A IN. */
static const uint8_t query[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\3wWw\7ExAmPlE\3NeT\0\0\1\0\1";
static const uint8_t meant[] = "\3www\7example\3net";
#define QUESTION_END (sizeof(query) - 1)

static void check_verdict(const uint8_t *data, size_t size)
{
	enum dns_verdict strict = dns_reply_check(data, size, query, QUESTION_END, true);
	enum dns_verdict loose = dns_reply_check(data, size, query, QUESTION_END, false);
	expect(*dns_verdict_describe(strict) != '\0');
	expect(strict == DNS_REPLY_OTHER_CASE ? loose == DNS_REPLY_FITS : strict == loose);
	expect((strict == DNS_REPLY_SHORT) == (size < DNS_HEADER_BYTES));
	if (strict != DNS_REPLY_FITS)
		return;
	expect(dns_reply_id(data) == 0x1234 && (data[2] & 0x80));
	expect((data[4] == 0 && data[5] == 0) ||
	       !memcmp(data + DNS_HEADER_BYTES, query + DNS_HEADER_BYTES, QUESTION_END - DNS_HEADER_BYTES));
}

/* One line each, with five parts: no byte of a stranger makes another line or part of the header. */
static void check_section(const ldns_rr_list *list)
{
	const struct dns_text_case letters = {query + DNS_HEADER_BYTES, meant, sizeof(meant)};
	struct text text = {.ceiling = 1 << 20};
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		unsigned tabs = 0;
		text_clear(&text);
		dns_text_add(&text, ldns_rr_list_rr(list, i), i % 2 ? &letters : NULL);
		for (size_t j = 0; j < text.length; j++) {
			uint8_t byte = (uint8_t)text.bytes[j];
			tabs += byte == '\t';
			expect(byte == '\t' || (byte >= ' ' && byte <= '~'));
		}
		expect(tabs >= 4);
	}
	text_free(&text);
}

static void check_rules(const struct dns_reply *reply)
{
	char *any[] = {(char *)(uintptr_t) "^[^\t]+\t[0-9]+\t[A-Z0-9]+\t"};
	struct dns_rule_lists lists = {0};
	for (int section = 0; section < DNS_SECTIONS; section++)
		lists.lists[section][DNS_RULE_NOT_MATCHES] = (struct option_list){any, 1};
	struct dns_rules *rules = dns_rules_create(&lists);
	struct err err = {{0}};
	bool is_full = reply->counts[DNS_ANSWER] && reply->counts[DNS_AUTHORITY] && reply->counts[DNS_ADDITIONAL];
	expect(dns_rules_apply(rules, reply, NULL, &err) == is_full);
	dns_rules_free(rules);
}

/* read: what ldns made of it, or NULL. The guard may refuse data that look like pointers: that keeps ldns from them. */
static void check_plain(const uint8_t *data, size_t size, const struct dns_reply *read)
{
	struct dns_reply plain;
	if (!dns_plain_read(data, size, &plain))
		return;
	if (!read) {
		expect(dns_guard_check(data, size, NULL) != 0);
		return;
	}
	expect(!memcmp(plain.counts, read->counts, sizeof(plain.counts)) && plain.size == read->size);
	expect(plain.rcode == read->rcode && plain.min_ttl == read->min_ttl && plain.serial == read->serial);
	expect(plain.is_truncated == read->is_truncated && plain.is_authoritative == read->is_authoritative);
	expect(plain.is_authentic == read->is_authentic && plain.offers_recursion == read->offers_recursion);
	expect(plain.is_checking_disabled == read->is_checking_disabled && plain.has_edns == read->has_edns);
	expect(plain.has_soa == read->has_soa && plain.has_signature == read->has_signature);
	expect(plain.has_extended_error == read->has_extended_error && plain.edns_size == read->edns_size);
	expect(plain.naddresses == read->naddresses);
	for (size_t i = 0; i < plain.naddresses; i++)
		expect(address_equal(&plain.addresses[i], &read->addresses[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_reply reply;
	struct err err = {{0}};
	char buffer[16];
	if (size > DNS_MESSAGE_MAX)
		return 0;
	check_verdict(data, size);
	if (dns_reply_read(data, size, &reply, &err)) {
		expect(err.text[0] != '\0');
		check_plain(data, size, NULL);
		return 0;
	}
	check_plain(data, size, &reply);
	expect(size >= DNS_HEADER_BYTES && reply.rcode <= DNS_RCODE_MAX);
	expect(dns_rcode_find(dns_rcode_name(reply.rcode, buffer)) == reply.rcode);
	expect(reply.naddresses <= DNS_ADDRESSES_MAX);
	check_section(ldns_pkt_answer(reply.packet));
	check_section(ldns_pkt_authority(reply.packet));
	check_section(ldns_pkt_additional(reply.packet));
	check_rules(&reply);
	dns_reply_free(&reply);
	return 0;
}
