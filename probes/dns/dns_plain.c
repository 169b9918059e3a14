#include "probes/dns/dns_plain.h"

#include <string.h>

#include "core/wire.h"
#include "probes/dns/dns_query.h"

#define POINTER   0xc0 /* the upper bits of a label that is a pointer */
#define LABEL_MAX 63
#define HOPS_MAX  16 /* of one name */

#define FLAGS_AUTHORITATIVE 0x0400
#define FLAGS_TRUNCATED     0x0200
#define FLAGS_RECURSION     0x0080
#define FLAGS_AUTHENTIC     0x0020
#define FLAGS_UNCHECKED     0x0010
#define FLAGS_RCODE         0x000f

enum record_type { TYPE_A = 1, TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_AAAA = 28, TYPE_EDNS = 41 };

#define SOA_NUMBERS_BYTES 20

struct record {
	enum dns_section section;
	uint16_t type, class;
	uint32_t ttl;
	size_t end; /* of its data, which is from the cursor on */
};

static bool fail(struct wire *wire)
{
	wire->failed = true;
	return false;
}

/* Behind the name. Its pointers lead back, each before the part that it stands in, as servers write them. */
static bool skip_name(struct wire *wire)
{
	size_t at = wire->offset, from = at, end = 0, length = 0;
	int hops = 0;
	while (!wire->failed && at < wire->size) {
		uint8_t label = wire->bytes[at];
		if (label >= POINTER) {
			if (at + 1 >= wire->size || ++hops > HOPS_MAX)
				return fail(wire);
			if (!end)
				end = at + 2;
			at = (size_t)(label & ~POINTER) << 8 | wire->bytes[at + 1];
			if (at >= from || at < DNS_HEADER_BYTES)
				return fail(wire);
			from = at;
			continue;
		}
		length += label + 1u;
		at += label + 1u;
		if (label > LABEL_MAX || length > DNS_NAME_MAX)
			return fail(wire);
		if (!label) {
			wire_seek(wire, end ? end : at);
			return true;
		}
	}
	return fail(wire);
}

static void add_address(struct dns_reply *out, const uint8_t *bytes, uint8_t family, size_t size)
{
	struct address address = {.family = family};
	if (!bytes || out->naddresses == DNS_ADDRESSES_MAX)
		return;
	memcpy(address.bytes, bytes, size);
	for (size_t i = 0; i < out->naddresses; i++)
		if (address_equal(&out->addresses[i], &address))
			return;
	out->addresses[out->naddresses++] = address;
}

static void read_address(struct wire *wire, const struct record *record, struct dns_reply *out)
{
	size_t size = record->type == TYPE_A ? 4 : 16;
	const uint8_t *bytes = wire_view(wire, size);
	if (record->section == DNS_ANSWER)
		add_address(out, bytes, record->type == TYPE_A ? ADDRESS_IPV4 : ADDRESS_IPV6, size);
}

static void read_soa(struct wire *wire, const struct record *record, struct dns_reply *out)
{
	skip_name(wire);
	skip_name(wire);
	uint32_t serial = wire_read_u32(wire);
	wire_skip(wire, SOA_NUMBERS_BYTES - 4);
	if (record->section != DNS_ANSWER || out->has_soa)
		return;
	out->has_soa = true;
	out->serial = serial;
}

/* A pseudo-record: the fields of others have another meaning (RFC 6891 section 6.1.2). With options it is unusual. */
static void read_edns(struct wire *wire, const struct record *record, struct dns_reply *out)
{
	if (record->section != DNS_ADDITIONAL || out->has_edns)
		wire->failed = true;
	out->has_edns = true;
	out->edns_size = record->class;
	out->rcode |= (uint16_t)(record->ttl >> 24 << 4);
}

static void read_data(struct wire *wire, const struct record *record, struct dns_reply *out)
{
	switch (record->type) {
	case TYPE_A:
	case TYPE_AAAA:
		read_address(wire, record, out);
		break;
	case TYPE_NS:
	case TYPE_CNAME:
		skip_name(wire);
		break;
	case TYPE_SOA:
		read_soa(wire, record, out);
		break;
	case TYPE_EDNS:
		read_edns(wire, record, out);
		break;
	default:
		wire->failed = true;
		break;
	}
}

/* The data must be as long as it says. */
static void read_record(struct wire *wire, enum dns_section section, struct dns_reply *out)
{
	struct record record = {.section = section};
	bool is_root = wire_left(wire) && wire->bytes[wire->offset] == 0;
	skip_name(wire);
	record.type = wire_read_u16(wire);
	record.class = wire_read_u16(wire);
	record.ttl = wire_read_u32(wire);
	size_t length = wire_read_u16(wire);
	record.end = wire->offset + length;
	read_data(wire, &record, out);
	if (wire->offset != record.end || (record.type == TYPE_EDNS && !is_root))
		wire->failed = true;
	if (record.type == TYPE_EDNS)
		return;
	if (section == DNS_ANSWER && (!out->counts[DNS_ANSWER] || record.ttl < out->min_ttl))
		out->min_ttl = record.ttl;
	out->counts[section]++;
}

bool dns_plain_read(const uint8_t *bytes, size_t size, struct dns_reply *out)
{
	struct wire wire = wire_reader(bytes, size);
	wire_skip(&wire, 2);
	unsigned flags = wire_read_u16(&wire), questions = wire_read_u16(&wire), counts[DNS_SECTIONS];
	for (int section = 0; section < DNS_SECTIONS; section++)
		counts[section] = wire_read_u16(&wire);
	*out = (struct dns_reply){
		.size = size,
		.rcode = flags & FLAGS_RCODE,
		.is_truncated = flags & FLAGS_TRUNCATED,
		.is_authoritative = flags & FLAGS_AUTHORITATIVE,
		.is_authentic = flags & FLAGS_AUTHENTIC,
		.offers_recursion = flags & FLAGS_RECURSION,
		.is_checking_disabled = flags & FLAGS_UNCHECKED,
	};
	if (questions != 1 || !skip_name(&wire))
		return false;
	wire_skip(&wire, 4);
	for (int section = 0; section < DNS_SECTIONS; section++)
		for (unsigned i = 0; i < counts[section] && !wire.failed; i++)
			read_record(&wire, (enum dns_section)section, out);
	return !wire.failed && wire.offset == size;
}
