#include <criterion/criterion.h>
#include <string.h>

#include "probes/icmp/icmp_wire.h"

Test(icmp_wire, request_bytes)
{
	struct icmp_echo echo = {.identifier = 0x1234, .sequence = 0x0102, .secret = 0x1122334455667788};
	uint8_t out[ICMP_WIRE_START];
	icmp_wire_write_request(out, ADDRESS_IPV4, &echo);
	/* Sum of 0800 1234 0102 1122 3344 5566 7788 = 12c8a -> 2c8b; its complement is d374. */
	static const uint8_t v4[] = {8,    0,    0xd3, 0x74, 0x12, 0x34, 0x01, 0x02,
				     0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	cr_assert_arr_eq(out, v4, sizeof(v4));
	icmp_wire_write_request(out, ADDRESS_IPV6, &echo);
	cr_assert_eq(out[0], 128);
	cr_assert_arr_eq(out + 4, v4 + 4, sizeof(v4) - 4);
}

/* Reply with identifier 0xbeef, sequence 7, secret 1..8. */
static const uint8_t reply[] = {0, 0, 0x27, 0xec, 0xbe, 0xef, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9};

Test(icmp_wire, reply_cut_at_every_length)
{
	for (size_t size = 0; size <= sizeof(reply); size++) {
		struct icmp_echo echo;
		size_t header;
		bool ok = icmp_wire_read_reply(reply, size, ADDRESS_IPV4, false, &echo, &header);
		cr_assert_eq(ok, size >= 8, "size %zu", size);
		if (!ok)
			continue;
		cr_assert_eq(echo.identifier, 0xbeef);
		cr_assert_eq(echo.sequence, 7);
		cr_assert_eq(echo.has_secret, size >= 16, "size %zu", size);
		cr_assert_eq(echo.secret, size >= 16 ? 0x0102030405060708 : 0);
	}
}

Test(icmp_wire, reply_behind_ip_headers_of_every_length)
{
	for (unsigned words = 0; words <= 15; words++) {
		uint8_t packet[60 + sizeof(reply)] = {0};
		size_t length = words * 4;
		packet[0] = (uint8_t)(0x40 | words);
		memcpy(packet + length, reply, sizeof(reply));
		if (words == 0)
			packet[0] = 0x40;
		struct icmp_echo echo;
		size_t header;
		bool ok = icmp_wire_read_reply(packet, length + sizeof(reply), ADDRESS_IPV4, true, &echo, &header);
		cr_assert_eq(ok, words >= 5, "words %u", words);
		if (ok) {
			cr_assert_eq(header, length);
			cr_assert_eq(echo.sequence, 7);
		}
		cr_assert(!icmp_wire_read_reply(packet, length ? length - 1 : 0, ADDRESS_IPV4, true, &echo, &header));
		packet[length + sizeof(reply) - 1] ^= 1;
		cr_assert(!icmp_wire_read_reply(packet, length + sizeof(reply), ADDRESS_IPV4, true, &echo, &header),
			  "damaged, %u words", words);
	}
	uint8_t version6[40 + sizeof(reply)] = {0x65};
	struct icmp_echo echo;
	size_t header;
	cr_assert(!icmp_wire_read_reply(version6, sizeof(version6), ADDRESS_IPV4, true, &echo, &header));
}

Test(icmp_wire, other_types_and_codes_are_no_replies)
{
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned code = 0; code < 3; code++) {
			uint8_t packet[sizeof(reply)];
			memcpy(packet, reply, sizeof(reply));
			packet[0] = (uint8_t)type;
			packet[1] = (uint8_t)code;
			struct icmp_echo echo;
			size_t header;
			cr_assert_eq(icmp_wire_read_reply(packet, sizeof(packet), ADDRESS_IPV4, false, &echo, &header),
				     type == 0 && code == 0);
			cr_assert_eq(icmp_wire_read_reply(packet, sizeof(packet), ADDRESS_IPV6, false, &echo, &header),
				     type == 129 && code == 0);
			cr_assert_eq(icmp_wire_read_quote(packet, sizeof(packet), ADDRESS_IPV4, &echo),
				     type == 8 && code == 0);
			cr_assert_eq(icmp_wire_read_quote(packet, sizeof(packet), ADDRESS_IPV6, &echo),
				     type == 128 && code == 0);
		}
	}
}

Test(icmp_wire, quote_needs_eight_bytes)
{
	uint8_t quote[8] = {8, 0, 1, 2, 0xbe, 0xef, 0x12, 0x34};
	struct icmp_echo echo;
	for (size_t size = 0; size < 8; size++)
		cr_assert(!icmp_wire_read_quote(quote, size, ADDRESS_IPV4, &echo));
	cr_assert(icmp_wire_read_quote(quote, 8, ADDRESS_IPV4, &echo));
	cr_assert_eq(echo.identifier, 0xbeef);
	cr_assert_eq(echo.sequence, 0x1234);
	cr_assert(!echo.has_secret);
}

Test(icmp_wire, reasons)
{
	static const struct {
		enum address_family family;
		uint8_t type, code;
		enum reason reason;
	} table[] = {
		{ADDRESS_IPV4, 3, 0, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV4, 3, 1, REASON_UNREACHABLE_HOST},
		{ADDRESS_IPV4, 3, 2, REASON_UNREACHABLE_PORT},
		{ADDRESS_IPV4, 3, 3, REASON_UNREACHABLE_PORT},
		{ADDRESS_IPV4, 3, 4, REASON_TOO_BIG},
		{ADDRESS_IPV4, 3, 5, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV4, 3, 6, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV4, 3, 7, REASON_UNREACHABLE_HOST},
		{ADDRESS_IPV4, 3, 8, REASON_UNREACHABLE_HOST},
		{ADDRESS_IPV4, 3, 9, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV4, 3, 10, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV4, 3, 11, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV4, 3, 12, REASON_UNREACHABLE_HOST},
		{ADDRESS_IPV4, 3, 13, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV4, 3, 14, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV4, 3, 15, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV4, 3, 16, REASON_PROTOCOL},
		{ADDRESS_IPV4, 11, 0, REASON_TTL_EXCEEDED},
		{ADDRESS_IPV4, 11, 1, REASON_TTL_EXCEEDED},
		{ADDRESS_IPV4, 12, 0, REASON_PROTOCOL},
		{ADDRESS_IPV6, 1, 0, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV6, 1, 1, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV6, 1, 2, REASON_UNREACHABLE_NET},
		{ADDRESS_IPV6, 1, 3, REASON_UNREACHABLE_HOST},
		{ADDRESS_IPV6, 1, 4, REASON_UNREACHABLE_PORT},
		{ADDRESS_IPV6, 1, 5, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV6, 1, 6, REASON_UNREACHABLE_ADMIN},
		{ADDRESS_IPV6, 2, 0, REASON_TOO_BIG},
		{ADDRESS_IPV6, 3, 0, REASON_TTL_EXCEEDED},
		{ADDRESS_IPV6, 3, 1, REASON_TTL_EXCEEDED},
		{ADDRESS_IPV6, 4, 1, REASON_PROTOCOL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		cr_assert_eq(icmp_wire_reason(table[i].family, table[i].type, table[i].code), table[i].reason,
			     "row %zu", i);
		cr_assert(strlen(icmp_wire_describe(table[i].family, table[i].type, table[i].code)) > 10);
	}
	cr_assert_str_eq(icmp_wire_describe(ADDRESS_IPV4, 3, 1), "Destination Host Unreachable");
	cr_assert_str_eq(icmp_wire_describe(ADDRESS_IPV4, 99, 1), "Unknown ICMP Error");
}

Test(icmp_wire, what_says_that_a_request_is_lost)
{
	static const uint8_t failures[] = {3, 11, 12};
	for (size_t i = 0; i < sizeof(failures); i++)
		cr_assert(icmp_wire_is_failure(ADDRESS_IPV4, failures[i]));
	for (uint8_t type = 1; type <= 4; type++)
		cr_assert(icmp_wire_is_failure(ADDRESS_IPV6, type));
	cr_assert_not(icmp_wire_is_failure(ADDRESS_IPV4, 4), "source quench");
	cr_assert_not(icmp_wire_is_failure(ADDRESS_IPV4, 5), "redirect");
	cr_assert_not(icmp_wire_is_failure(ADDRESS_IPV6, 137), "redirect");
}
