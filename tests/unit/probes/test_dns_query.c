/* Queries, byte for byte. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "probes/dns/dns_query.h"

static char *hex(const uint8_t *bytes, size_t n)
{
	char *text = mem_alloc(n * 2 + 1);
	for (size_t i = 0; i < n; i++)
		sprintf(text + i * 2, "%02x", bytes[i]);
	text[n * 2] = '\0';
	return text;
}

#define NAME "076578616d706c65036e657400" /* example.net */

static const struct {
	struct dns_query_plan plan;
	const char *hex;
} built[] = {
	{{.name = "example.net", .type = "A", .class = "IN", .wants_recursion = true},
	 "000001000001000000000000" NAME "00010001"},
	{{.name = "example.net.", .type = "any", .class = "in"}, "000000000001000000000000" NAME "00ff0001"},
	{{.name = "eXample.net", .type = "SOA", .class = "CH"},
	 "000000000001000000000000"
	 "0765"
	 "58"
	 "616d706c65036e657400"
	 "00060003"},
	{{.name = ".", .type = "NS", .class = "IN"},
	 "000000000001000000000000"
	 "00"
	 "00020001"},
	{{.name = "example.net", .type = "TYPE65280", .class = "CLASS7"}, "000000000001000000000000" NAME "ff000007"},
	{{.name = "example.net", .type = "https", .class = "IN"}, "000000000001000000000000" NAME "00410001"},
	{{.name = "example.net", .type = "A", .class = "IN", .edns_size = 1232},
	 "000000000001000000000001" NAME "00010001"
	 "00002904d0000000000000"},
	{{.name = "example.net", .type = "A", .class = "IN", .edns_size = 4096, .wants_dnssec = true},
	 "000000000001000000000001" NAME "00010001"
	 "0000291000000080000000"},
	{{.name = "example.net",
	  .type = "A",
	  .class = "IN",
	  .wants_recursion = true,
	  .is_checking_disabled = true,
	  .wants_authentic = true},
	 "000001300001000000000000" NAME "00010001"},
	{{.name = "a\\.b.net", .type = "A", .class = "IN"},
	 "000000000001000000000000"
	 "03612e62036e657400"
	 "00010001"},
};

Test(dns_query, is_built)
{
	for (size_t i = 0; i < sizeof(built) / sizeof(*built); i++) {
		struct dns_query query;
		struct err err = {{0}};
		cr_assert_eq(dns_query_build(&built[i].plan, &query, &err), 0, "%zu: %s", i, err.text);
		char *text = hex(query.wire, query.size);
		cr_expect_str_eq(text, built[i].hex, "%zu", i);
		size_t edns = built[i].plan.edns_size ? 11 : 0;
		cr_expect_eq(query.question_end, query.size - edns);
		mem_free(text);
		dns_query_free(&query);
	}
}

Test(dns_query, refuses)
{
	char label[80], name[400];
	memset(label, 'a', 64);
	label[64] = '\0';
	name[0] = '\0';
	for (int i = 0; i < 50; i++)
		strcat(name, "abcdef.");
	const struct dns_query_plan bad[] = {
		{.name = "example.net", .type = "B", .class = "IN"},
		{.name = "example.net", .type = "TYPE0", .class = "IN"},
		{.name = "example.net", .type = "TYPE65536", .class = "IN"},
		{.name = "example.net", .type = "TYPE", .class = "IN"},
		{.name = "example.net", .type = "TYPE1x", .class = "IN"},
		{.name = "example.net", .type = "A", .class = "INN"},
		{.name = "example.net", .type = "A", .class = "CLASS-1"},
		{.name = "example.net", .type = "A", .class = "IN", .wants_dnssec = true},
		{.name = "a..b", .type = "A", .class = "IN"},
		{.name = label, .type = "A", .class = "IN"},
		{.name = name, .type = "A", .class = "IN"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dns_query query;
		struct err err = {{0}};
		cr_expect_eq(dns_query_build(&bad[i], &query, &err), -1, "%zu", i);
		cr_expect_str_not_empty(err.text, "%zu", i);
	}
}

/* Letters change, and nothing else does; every letter is seen both ways in time, and ids are. */
Test(dns_query, letter_case_is_random)
{
	struct dns_random random = {.key = {1, 2}};
	const struct dns_query_plan plan = {.name = "ab-cd.Z9@[`{.averyveryveryveryveryverylonglabelindeed."
						    "averyveryveryveryveryverylonglabelindeed",
					    .type = "A",
					    .class = "IN",
					    .edns_size = 1232};
	struct dns_query query;
	cr_assert_eq(dns_query_build(&plan, &query, NULL), 0);
	bool upper[512] = {0}, lower[512] = {0};
	uint8_t wire[512];
	for (int round = 0; round < 200; round++) {
		memcpy(wire, query.wire, query.size);
		dns_query_set_id(wire, (uint16_t)(round << 8 | 7));
		dns_query_mix_case(wire, query.question_end, &random);
		cr_assert_eq(wire[0], round & 255);
		cr_assert_eq(wire[1], 7);
		for (size_t i = 2; i < query.size; i++) {
			bool is_letter = i >= DNS_HEADER_BYTES && i < query.question_end - 5u && isalpha(query.wire[i]);
			if (!is_letter) {
				cr_assert_eq(wire[i], query.wire[i], "byte %zu", i);
				continue;
			}
			cr_assert_eq(tolower(wire[i]), tolower(query.wire[i]));
			upper[i] |= isupper(wire[i]) != 0;
			lower[i] |= islower(wire[i]) != 0;
		}
	}
	for (size_t i = DNS_HEADER_BYTES; i < query.question_end - 5u; i++)
		if (isalpha(query.wire[i]))
			cr_expect(upper[i] && lower[i], "byte %zu", i);
	dns_query_free(&query);
}
