#include "probes/dns/dns_reply.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/wire.h"
#include "probes/dns/dns_guard.h"
#include "probes/dns/dns_query.h"

#define FLAG_RESPONSE  0x80 /* in byte 2 of the header */
#define FLAG_TRUNCATED 0x02
#define MASK_OPCODE    0x78
#define MASK_RCODE     0x0f /* in byte 3 */

#define EDNS_EXTENDED_ERROR 15 /* RFC 8914 section 2 */

/* As miekg/dns has them, which blackbox_exporter's valid_rcodes come from. */
static const struct {
	uint16_t code;
	const char *name;
} rcodes[] = {
	{0, "NOERROR"},  {1, "FORMERR"},   {2, "SERVFAIL"},   {3, "NXDOMAIN"}, {4, "NOTIMP"},   {5, "REFUSED"},
	{6, "YXDOMAIN"}, {7, "YXRRSET"},   {8, "NXRRSET"},    {9, "NOTAUTH"},  {10, "NOTZONE"}, {11, "DSOTYPENI"},
	{16, "BADVERS"}, {16, "BADSIG"},   {17, "BADKEY"},    {18, "BADTIME"}, {19, "BADMODE"}, {20, "BADNAME"},
	{21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"},
};

const char *dns_rcode_name(uint16_t rcode, char buffer[16])
{
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(*rcodes); i++)
		if (rcodes[i].code == rcode)
			return rcodes[i].name;
	snprintf(buffer, 16, "RCODE%u", rcode);
	return buffer;
}

int dns_rcode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(*rcodes); i++)
		if (!strcasecmp(rcodes[i].name, name))
			return rcodes[i].code;
	if (!strcasecmp(name, "NOTIMPL"))
		return DNS_RCODE_NOT_IMPLEMENTED;
	if (strncasecmp(name, "RCODE", 5) != 0 || name[5] < '0' || name[5] > '9')
		return -1;
	char *end;
	unsigned long code = strtoul(name + 5, &end, 10);
	return *end == '\0' && code <= DNS_RCODE_MAX ? (int)code : -1;
}

/* --- the look ----------------------------------------------------------------------------------------------------- */

uint16_t dns_reply_id(const uint8_t *reply)
{
	return (uint16_t)(reply[0] << 8 | reply[1]);
}

bool dns_reply_is_truncated(const uint8_t *reply)
{
	return reply[2] & FLAG_TRUNCATED;
}

const char *dns_verdict_describe(enum dns_verdict verdict)
{
	static const char *const texts[] = {
		[DNS_REPLY_FITS] = "fits",
		[DNS_REPLY_SHORT] = "is too short for a DNS message",
		[DNS_REPLY_IS_QUERY] = "is not a response to a query",
		[DNS_REPLY_OTHER_ID] = "has another id",
		[DNS_REPLY_OTHER_QUESTION] = "has another question",
		[DNS_REPLY_OTHER_CASE] =
			"has the question in other letter case (random_case = false for a server that does so)",
	};
	return texts[verdict];
}

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* Type and class are compared as they are: only the name knows letters. */
static bool is_equal_but_for_case(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i + 4 < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return n >= 4 && memcmp(a + n - 4, b + n - 4, 4) == 0;
}

/* A server that did not understand the query, or will not look at it, may leave the question out. */
static bool may_lack_question(const uint8_t *reply)
{
	uint8_t rcode = reply[3] & MASK_RCODE;
	return rcode == DNS_RCODE_FORMAT || rcode == DNS_RCODE_SERVER || rcode == DNS_RCODE_NOT_IMPLEMENTED ||
	       rcode == DNS_RCODE_REFUSED;
}

enum dns_verdict dns_reply_check(const uint8_t *reply, size_t size, const uint8_t *query, size_t question_end,
				 bool is_case_checked)
{
	if (size < DNS_HEADER_BYTES)
		return DNS_REPLY_SHORT;
	if (memcmp(reply, query, 2) != 0)
		return DNS_REPLY_OTHER_ID;
	if (!(reply[2] & FLAG_RESPONSE) || (reply[2] & MASK_OPCODE) != 0)
		return DNS_REPLY_IS_QUERY;
	unsigned questions = (unsigned)(reply[4] << 8 | reply[5]);
	if (questions == 0 && may_lack_question(reply))
		return DNS_REPLY_FITS;
	if (questions != 1 || size < question_end)
		return DNS_REPLY_OTHER_QUESTION;
	size_t n = question_end - DNS_HEADER_BYTES;
	if (memcmp(reply + DNS_HEADER_BYTES, query + DNS_HEADER_BYTES, n) == 0)
		return DNS_REPLY_FITS;
	if (!is_equal_but_for_case(reply + DNS_HEADER_BYTES, query + DNS_HEADER_BYTES, n))
		return DNS_REPLY_OTHER_QUESTION;
	return is_case_checked ? DNS_REPLY_OTHER_CASE : DNS_REPLY_FITS;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void add_address(struct dns_reply *out, const ldns_rdf *rdf, uint8_t family, size_t size)
{
	struct address address = {.family = family};
	if (ldns_rdf_size(rdf) != size || out->naddresses == DNS_ADDRESSES_MAX)
		return;
	memcpy(address.bytes, ldns_rdf_data(rdf), size);
	for (size_t i = 0; i < out->naddresses; i++)
		if (address_equal(&out->addresses[i], &address))
			return;
	out->addresses[out->naddresses++] = address;
}

static void read_soa(struct dns_reply *out, const ldns_rr *rr)
{
	const ldns_rdf *serial = ldns_rr_rdf(rr, 2);
	if (out->has_soa || !serial || ldns_rdf_size(serial) != 4)
		return;
	out->has_soa = true;
	out->serial = ldns_rdf2native_int32(serial);
}

static void read_answer(struct dns_reply *out, const ldns_rr *rr)
{
	const ldns_rdf *first = ldns_rr_rd_count(rr) ? ldns_rr_rdf(rr, 0) : NULL;
	switch ((int)ldns_rr_get_type(rr)) {
	case LDNS_RR_TYPE_A:
		if (first)
			add_address(out, first, ADDRESS_IPV4, 4);
		break;
	case LDNS_RR_TYPE_AAAA:
		if (first)
			add_address(out, first, ADDRESS_IPV6, 16);
		break;
	case LDNS_RR_TYPE_SOA:
		read_soa(out, rr);
		break;
	case LDNS_RR_TYPE_RRSIG:
		out->has_signature = true;
		break;
	default:
		break;
	}
}

static void read_answers(struct dns_reply *out)
{
	const ldns_rr_list *list = ldns_pkt_answer(out->packet);
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		uint32_t ttl = ldns_rr_ttl(rr);
		if (i == 0 || ttl < out->min_ttl)
			out->min_ttl = ttl;
		read_answer(out, rr);
	}
}

static void read_edns(struct dns_reply *out)
{
	const ldns_rdf *options = ldns_pkt_edns_data(out->packet);
	out->has_edns = ldns_pkt_edns(out->packet);
	out->edns_size = ldns_pkt_edns_udp_size(out->packet);
	out->rcode |= (uint16_t)(ldns_pkt_edns_extended_rcode(out->packet) << 4);
	if (!options)
		return;
	struct wire wire = wire_reader(ldns_rdf_data(options), ldns_rdf_size(options));
	while (wire_left(&wire) >= 4) {
		uint16_t code = wire_read_u16(&wire), length = wire_read_u16(&wire);
		const uint8_t *value = wire_view(&wire, length);
		if (value && code == EDNS_EXTENDED_ERROR && length >= 2 && !out->has_extended_error) {
			out->has_extended_error = true;
			out->extended_error = (uint16_t)(value[0] << 8 | value[1]);
		}
	}
}

int dns_reply_read(const uint8_t *bytes, size_t size, struct dns_reply *out, struct err *err)
{
	*out = (struct dns_reply){.size = size};
	if (dns_guard_check(bytes, size, err))
		return -1;
	ldns_status status = ldns_wire2pkt(&out->packet, bytes, size);
	if (status != LDNS_STATUS_OK)
		return err_set(err, "the reply is malformed: %s", ldns_get_errorstr_by_id(status));
	const ldns_pkt *packet = out->packet;
	out->counts[DNS_ANSWER] = ldns_rr_list_rr_count(ldns_pkt_answer(packet));
	out->counts[DNS_AUTHORITY] = ldns_rr_list_rr_count(ldns_pkt_authority(packet));
	out->counts[DNS_ADDITIONAL] = ldns_rr_list_rr_count(ldns_pkt_additional(packet));
	out->rcode = (uint16_t)ldns_pkt_get_rcode(packet);
	out->is_truncated = ldns_pkt_tc(packet);
	out->is_authoritative = ldns_pkt_aa(packet);
	out->is_authentic = ldns_pkt_ad(packet);
	out->offers_recursion = ldns_pkt_ra(packet);
	out->is_checking_disabled = ldns_pkt_cd(packet);
	read_edns(out);
	read_answers(out);
	return 0;
}

void dns_reply_free(struct dns_reply *reply)
{
	ldns_pkt_free(reply->packet);
	reply->packet = NULL;
}
