/* Replies: is it for us, and what is in it? */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/probes/dns_message.h"

static const char *const answers[] = {
	"www.example.net. 300 IN CNAME host.example.net.",
	"host.example.net. 60 IN A 192.0.2.1",
	"host.example.net. 90 IN A 192.0.2.2",
	"host.example.net. 90 IN A 192.0.2.1",
	"host.example.net. 120 IN AAAA 2001:db8::1",
	NULL,
	"example.net. 10 IN NS ns.example.net.",
	NULL,
	"ns.example.net. 5 IN A 192.0.2.53",
	NULL,
};

static struct dns_query make_query(void)
{
	const struct dns_query_plan plan = {.name = "www.example.net", .type = "A", .class = "IN", .edns_size = 1232};
	struct dns_query query;
	cr_assert_eq(dns_query_build(&plan, &query, NULL), 0);
	dns_query_set_id(query.wire, 0x1234);
	return query;
}

Test(dns_reply, is_looked_at)
{
	struct dns_query query = make_query();
	size_t size;
	uint8_t *reply = message_make("www.example.net", LDNS_RR_TYPE_A, answers, &size);
	static const struct {
		size_t offset;
		uint8_t value;
		enum dns_verdict verdict;
	} changes[] = {
		{0, 0x12, DNS_REPLY_FITS},
		{0, 0x13, DNS_REPLY_OTHER_ID},
		{1, 0x35, DNS_REPLY_OTHER_ID},
		{2, 0x00, DNS_REPLY_IS_QUERY},
		{2, 0x7f, DNS_REPLY_IS_QUERY},
		{2, 0xa8, DNS_REPLY_IS_QUERY},
		{2, 0x87, DNS_REPLY_FITS},
		{3, 0x03, DNS_REPLY_FITS},
		{4, 0x01, DNS_REPLY_OTHER_QUESTION},
		{5, 0x00, DNS_REPLY_OTHER_QUESTION},
		{5, 0x02, DNS_REPLY_OTHER_QUESTION},
		{12, 0x04, DNS_REPLY_OTHER_QUESTION},
		{13, 'W', DNS_REPLY_OTHER_CASE},
		{13, 'v', DNS_REPLY_OTHER_QUESTION},
		{28, 0x01, DNS_REPLY_OTHER_QUESTION},
		{30, 0x1c, DNS_REPLY_OTHER_QUESTION},
		{32, 0x03, DNS_REPLY_OTHER_QUESTION},
		{31, 0x20, DNS_REPLY_OTHER_QUESTION},
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		uint8_t before = reply[changes[i].offset];
		reply[changes[i].offset] = changes[i].value;
		enum dns_verdict verdict = dns_reply_check(reply, size, query.wire, query.question_end, true);
		cr_expect_eq(verdict, changes[i].verdict, "%zu: %s", i, dns_verdict_describe(verdict));
		bool fits = verdict == DNS_REPLY_FITS || verdict == DNS_REPLY_OTHER_CASE;
		cr_expect_eq(dns_reply_check(reply, size, query.wire, query.question_end, false) == DNS_REPLY_FITS,
			     fits, "%zu", i);
		reply[changes[i].offset] = before;
	}
	cr_expect_eq(dns_reply_id(reply), 0x1234);
	cr_expect(!dns_reply_is_truncated(reply));
	reply[2] |= 2;
	cr_expect(dns_reply_is_truncated(reply));
	mem_free(reply);
	dns_query_free(&query);
}

/* Only errors may leave the question out. */
Test(dns_reply, question_may_be_missing_in_errors)
{
	struct dns_query query = make_query();
	for (uint8_t rcode = 0; rcode < 16; rcode++) {
		const uint8_t header[DNS_HEADER_BYTES] = {0x12, 0x34, 0x80, rcode};
		bool may = rcode == 1 || rcode == 2 || rcode == 4 || rcode == 5;
		cr_expect_eq(dns_reply_check(header, sizeof(header), query.wire, query.question_end, true),
			     may ? DNS_REPLY_FITS : DNS_REPLY_OTHER_QUESTION, "%u", rcode);
	}
	dns_query_free(&query);
}

/* Whatever is missing at the end: nothing is read beyond it (the copy is as long as what there is), and it is not
 * taken for a whole message. */
Test(dns_reply, is_cut_at_every_offset)
{
	struct dns_query query = make_query();
	size_t size;
	uint8_t *reply = message_make("www.example.net", LDNS_RR_TYPE_A, answers, &size);
	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = mem_copy(reply, n);
		enum dns_verdict verdict = dns_reply_check(cut, n, query.wire, query.question_end, true);
		cr_expect_eq(verdict, n < DNS_HEADER_BYTES     ? DNS_REPLY_SHORT
				      : n < query.question_end ? DNS_REPLY_OTHER_QUESTION
							       : DNS_REPLY_FITS);
		struct dns_reply read;
		struct err err = {{0}};
		cr_expect_eq(dns_reply_read(cut, n, &read, &err), -1, "%zu of %zu", n, size);
		cr_expect_str_not_empty(err.text);
		mem_free(cut);
	}
	mem_free(reply);
	dns_query_free(&query);
}

Test(dns_reply, is_read)
{
	size_t size;
	uint8_t *bytes = message_make("www.example.net", LDNS_RR_TYPE_A, answers, &size);
	struct dns_reply reply;
	struct err err = {{0}};
	bytes[2] |= 0x04; /* AA */
	bytes[3] |= 0xb0; /* RA, AD, CD */
	cr_assert_eq(dns_reply_read(bytes, size, &reply, &err), 0, "%s", err.text);
	cr_expect_eq(reply.size, size);
	cr_expect_eq(reply.rcode, 0);
	cr_expect_eq(reply.counts[DNS_ANSWER], 5);
	cr_expect_eq(reply.counts[DNS_AUTHORITY], 1);
	cr_expect_eq(reply.counts[DNS_ADDITIONAL], 1);
	cr_expect(reply.is_authoritative && reply.is_authentic && reply.offers_recursion);
	cr_expect(reply.is_checking_disabled && !reply.is_truncated && !reply.has_edns && !reply.has_soa);
	cr_expect_eq(reply.min_ttl, 60);
	cr_assert_eq(reply.naddresses, 3);
	char text[ADDRESS_TEXT_SIZE];
	cr_expect_str_eq(address_format(&reply.addresses[0], text), "192.0.2.1");
	cr_expect_str_eq(address_format(&reply.addresses[1], text), "192.0.2.2");
	cr_expect_str_eq(address_format(&reply.addresses[2], text), "2001:db8::1");
	dns_reply_free(&reply);
	mem_free(bytes);
}

Test(dns_reply, soa_signatures_and_many_addresses)
{
	const char *lines[64] = {
		"example.net. 7 IN SOA ns.example.net. host.example.net. 2024010101 1 2 3 4",
		"example.net. 9 IN SOA ns.example.net. host.example.net. 5 1 2 3 4",
		"example.net. 9 IN RRSIG SOA 8 2 9 20300101000000 20200101000000 1 example.net. AAAA",
	};
	char texts[40][64];
	for (int i = 0; i < 40; i++) {
		snprintf(texts[i], sizeof(texts[i]), "example.net. 9 IN A 192.0.2.%d", i);
		lines[3 + i] = texts[i];
	}
	size_t size;
	uint8_t *bytes = message_make("example.net", LDNS_RR_TYPE_SOA, lines, &size);
	struct dns_reply reply;
	cr_assert_eq(dns_reply_read(bytes, size, &reply, NULL), 0);
	cr_expect(reply.has_soa && reply.has_signature);
	cr_expect_eq(reply.serial, 2024010101);
	cr_expect_eq(reply.min_ttl, 7);
	cr_expect_eq(reply.naddresses, DNS_ADDRESSES_MAX);
	dns_reply_free(&reply);
	mem_free(bytes);
}

/* The record of EDNS: the upper part of the reply code, and extended errors; options that are cut are left. */
Test(dns_reply, edns)
{
	static const uint8_t head[] = {0x12, 0x34, 0x81, 0x80 | 0, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t record[] = {0, 0, 41, 0x04, 0xd0, 1, 0, 0x80, 0};
	static const struct {
		uint8_t data[16];
		uint8_t size;
		int error;
	} options[] = {
		{{0}, 0, -1},
		{{0, 15, 0, 2, 0, 6}, 6, 6},
		{{0, 15, 0, 4, 0, 18, 'h', 'i'}, 8, 18},
		{{0, 10, 0, 1, 9, 0, 15, 0, 2, 1, 0}, 11, 256},
		{{0, 15, 0, 1, 9}, 5, -1},
		{{0, 15, 0, 9, 0, 6}, 6, -1},
		{{0, 15, 0}, 3, -1},
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		uint8_t bytes[64];
		size_t n = sizeof(head) + sizeof(record);
		memcpy(bytes, head, sizeof(head));
		memcpy(bytes + sizeof(head), record, sizeof(record));
		bytes[n++] = 0;
		bytes[n++] = options[i].size;
		memcpy(bytes + n, options[i].data, options[i].size);
		struct dns_reply reply;
		struct err err = {{0}};
		cr_assert_eq(dns_reply_read(bytes, n + options[i].size, &reply, &err), 0, "%zu: %s", i, err.text);
		cr_expect(reply.has_edns);
		cr_expect_eq(reply.edns_size, 1232);
		cr_expect_eq(reply.rcode, 16);
		cr_expect_eq(reply.counts[DNS_ADDITIONAL], 0);
		cr_expect_eq(reply.has_extended_error ? reply.extended_error : -1, options[i].error, "%zu", i);
		dns_reply_free(&reply);
	}
}

/* Loops of pointers, labels beyond the end, lengths that lie. */
Test(dns_reply, refuses_what_is_malformed)
{
	static const struct {
		uint8_t bytes[32];
		uint8_t size;
	} bad[] = {
		{{0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1}, 18},
		{{0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0, 1, 0, 1}, 18},
		{{0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 'a', 0, 0, 1, 0, 1}, 19},
		{{0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3}, 26},
		{{0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 3, 1, 2, 3}, 26},
		{{0, 0, 0x80, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0}, 12},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dns_reply reply;
		cr_expect_eq(dns_reply_read(bad[i].bytes, bad[i].size, &reply, NULL), -1, "%zu", i);
	}
}

Test(dns_reply, rcodes_have_names)
{
	char buffer[16];
	static const struct {
		const char *name;
		int code;
	} names[] = {{"NOERROR", 0},      {"SERVFAIL", 2},   {"nxdomain", 3}, {"NOTIMP", 4},
		     {"NOTIMPL", 4},      {"BADCOOKIE", 23}, {"BADSIG", 16},  {"RCODE12", 12},
		     {"RCODE4095", 4095}, {"RCODE4096", -1}, {"RCODE", -1},   {"RCODE1x", -1},
		     {"RCODE-1", -1},     {"", -1},          {"OK", -1}};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_eq(dns_rcode_find(names[i].name), names[i].code, "%s", names[i].name);
	for (int code = 0; code <= DNS_RCODE_MAX; code++)
		cr_assert_eq(dns_rcode_find(dns_rcode_name((uint16_t)code, buffer)), code);
	cr_expect_str_eq(dns_rcode_name(3, buffer), "NXDOMAIN");
	cr_expect_str_eq(dns_rcode_name(12, buffer), "RCODE12");
}
