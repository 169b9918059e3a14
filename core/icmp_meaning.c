#include "core/icmp_meaning.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stddef.h>

static const struct meaning {
	uint8_t family, type, code;
	enum reason reason;
	const char *text;
} meanings[] = {
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, REASON_UNREACHABLE_NET, "Destination Net Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, REASON_UNREACHABLE_HOST, "Destination Host Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, REASON_UNREACHABLE_PORT,
	 "Destination Protocol Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, REASON_UNREACHABLE_PORT, "Destination Port Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, REASON_TOO_BIG, "Fragmentation Needed"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_SR_FAILED, REASON_UNREACHABLE_NET, "Source Route Failed"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNKNOWN, REASON_UNREACHABLE_NET, "Destination Net Unknown"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, REASON_UNREACHABLE_HOST, "Destination Host Unknown"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_ISOLATED, REASON_UNREACHABLE_HOST, "Source Host Isolated"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_ANO, REASON_UNREACHABLE_ADMIN, "Destination Net Prohibited"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_ANO, REASON_UNREACHABLE_ADMIN, "Destination Host Prohibited"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNR_TOS, REASON_UNREACHABLE_NET,
	 "Destination Net Unreachable For Type Of Service"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNR_TOS, REASON_UNREACHABLE_HOST,
	 "Destination Host Unreachable For Type Of Service"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, REASON_UNREACHABLE_ADMIN, "Packet Filtered"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PREC_VIOLATION, REASON_UNREACHABLE_ADMIN, "Precedence Violation"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PREC_CUTOFF, REASON_UNREACHABLE_ADMIN, "Precedence Cutoff"},
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, REASON_TTL_EXCEEDED, "Time To Live Exceeded"},
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, REASON_TTL_EXCEEDED, "Fragment Reassembly Time Exceeded"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, REASON_UNREACHABLE_NET, "No Route To Destination"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, REASON_UNREACHABLE_ADMIN,
	 "Administratively Prohibited"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, REASON_UNREACHABLE_NET,
	 "Beyond Scope Of Source Address"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, REASON_UNREACHABLE_HOST, "Address Unreachable"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, REASON_UNREACHABLE_PORT, "Port Unreachable"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, 5, REASON_UNREACHABLE_ADMIN, "Source Address Failed Policy"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, 6, REASON_UNREACHABLE_ADMIN, "Reject Route To Destination"},
	{ADDRESS_IPV6, ICMP6_PACKET_TOO_BIG, 0, REASON_TOO_BIG, "Packet Too Big"},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, REASON_TTL_EXCEEDED, "Hop Limit Exceeded"},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, REASON_TTL_EXCEEDED,
	 "Fragment Reassembly Time Exceeded"},
};

static const struct meaning *find_meaning(enum address_family family, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].family == family && meanings[i].type == type && meanings[i].code == code)
			return &meanings[i];
	return NULL;
}

enum reason icmp_meaning_reason(enum address_family family, uint8_t type, uint8_t code)
{
	const struct meaning *meaning = find_meaning(family, type, code);
	return meaning ? meaning->reason : REASON_PROTOCOL;
}

const char *icmp_meaning_text(enum address_family family, uint8_t type, uint8_t code)
{
	const struct meaning *meaning = find_meaning(family, type, code);
	return meaning ? meaning->text : "Unknown ICMP Error";
}
