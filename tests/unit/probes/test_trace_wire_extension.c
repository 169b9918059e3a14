/* Extensions of ICMP errors: label stacks, interfaces, and what is damaged. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/probes/trace_fixture.h"

/* An extension of these objects, with its checksum. */
static struct trace_bytes make_extension(const char *objects)
{
	struct trace_bytes parts = trace_from_hex(objects), out = {.bytes = {0x20}, .size = 4 + parts.size};
	memcpy(out.bytes + 4, parts.bytes, parts.size);
	trace_put_u16(out.bytes + 2, wire_checksum(out.bytes, out.size));
	return out;
}

/* Where an error says how long its quote is. */
static uint32_t told_length(enum address_family family, size_t bytes)
{
	return (uint32_t)(family == ADDRESS_IPV6 ? bytes / 8 << 24 : bytes / 4 << 16);
}

/* A time exceeded with a quote of 128 bytes, of which it tells `told`, and an extension. */
static struct trace_bytes make_error(enum address_family family, size_t told, const struct trace_bytes *extension)
{
	struct trace_flow flow = trace_make_flow(family, TRACE_ICMP);
	struct trace_packet packet = {.flow = &flow, .id = 0xbeef, .payload_size = 56, .hop_limit = 1};
	struct trace_bytes quote = trace_written(&packet);
	memset(quote.bytes + quote.size, 0, 128 - quote.size);
	struct trace_error_shape shape = {
		.family = family, .type = family == ADDRESS_IPV6 ? 3 : 11, .fields = told_length(family, told)};
	struct trace_bytes error = trace_error(&shape, quote.bytes, 128);
	trace_append(&error, family, extension->bytes, extension->size);
	return error;
}

static void read_error(enum address_family family, const struct trace_bytes *error, struct trace_reply *reply)
{
	struct address from = trace_address(trace_routers[family - 1]);
	cr_assert(trace_wire_read_icmp(error->bytes, error->size, &from, reply));
	cr_assert_eq(reply->quote.id, 0xbeef);
	cr_assert(reply->quote.has_mark);
}

/* Two entries: label 16001, class 5, ttl 1; label 3, class 0, bottom, ttl 255. */
#define LABELS                                                                                                         \
	"000c0101"                                                                                                     \
	"03e81a01"                                                                                                     \
	"000031ff"

static void check_labels(const struct trace_reply *reply)
{
	cr_assert_eq(reply->nlabels, 2);
	cr_assert_eq(reply->labels[0].label, 16001);
	cr_assert_eq(reply->labels[0].traffic_class, 5);
	cr_assert_eq(reply->labels[0].is_bottom, false);
	cr_assert_eq(reply->labels[0].ttl, 1);
	cr_assert_eq(reply->labels[1].label, 3);
	cr_assert_eq(reply->labels[1].traffic_class, 0);
	cr_assert_eq(reply->labels[1].is_bottom, true);
	cr_assert_eq(reply->labels[1].ttl, 255);
	cr_assert_eq(reply->bad_extensions, 0);
}

Test(trace_wire_extension, labels)
{
	struct trace_bytes extension = make_extension(LABELS);
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (size_t told = 0; told <= 128; told += 128) {
			struct trace_bytes error = make_error(family, told, &extension);
			struct trace_reply reply;
			read_error(family, &error, &reply);
			check_labels(&reply);
		}
}

Test(trace_wire_extension, a_longer_quote_than_usual)
{
	struct trace_bytes extension = make_extension(LABELS);
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		struct trace_flow flow = trace_make_flow(family, TRACE_UDP);
		struct trace_packet packet = {.flow = &flow, .id = 0xbeef, .payload_size = 500, .hop_limit = 1};
		struct trace_bytes quote = trace_written(&packet);
		struct trace_error_shape shape = {.family = family,
						  .type = family == ADDRESS_IPV6 ? 1 : 3,
						  .code = 1,
						  .fields = told_length(family, 256)};
		struct trace_bytes error = trace_error(&shape, quote.bytes, 256);
		trace_append(&error, family, extension.bytes, extension.size);
		struct trace_reply reply;
		read_error(family, &error, &reply);
		check_labels(&reply);
	}
}

/* A label stack that never ends: the topmost are kept. */
Test(trace_wire_extension, too_many_labels)
{
	char objects[8 + 20 * 8 + 1] = "00540101";
	for (int i = 0; i < 20; i++)
		snprintf(objects + 8 + i * 8, 9, "%05x101", i + 1);
	struct trace_bytes extension = make_extension(objects);
	struct trace_bytes error = make_error(ADDRESS_IPV4, 128, &extension);
	struct trace_reply reply;
	read_error(ADDRESS_IPV4, &error, &reply);
	cr_assert_eq(reply.nlabels, TRACE_LABELS_MAX);
	cr_assert_eq(reply.labels[0].label, 1);
	cr_assert_eq(reply.labels[7].label, 8);
	cr_assert_eq(reply.bad_extensions, 0);
}

Test(trace_wire_extension, interfaces)
{
	struct trace_bytes extension = make_extension(
		/* incoming: index 7, 192.0.2.77, "ge-0/0/1" (9 bytes, filled up to 12), MTU 9192 */
		"0020020f"
		"00000007"
		"00010000c000024d"
		"0967652d302f302f31000000"
		"000023e8"
		/* outgoing: 2001:db8::77 */
		"00180284"
		"0002000020010db8000000000000000000000077"
		/* next hop: a name with a control character */
		"000802c2"
		"03610a00"
		/* part of an aggregate: index */
		"00080248"
		"0000000c"
		/* a fifth: too many */
		"00080208"
		"00000009" LABELS);
	struct trace_bytes error = make_error(ADDRESS_IPV6, 128, &extension);
	struct trace_reply reply;
	char text[ADDRESS_TEXT_SIZE];
	read_error(ADDRESS_IPV6, &error, &reply);
	check_labels(&reply);
	cr_assert_eq(reply.ninterfaces, 4);
	const struct trace_interface *interface = reply.interfaces;
	cr_assert_eq(interface[0].role, TRACE_INTERFACE_INCOMING);
	cr_assert(interface[0].has_index);
	cr_assert_eq(interface[0].index, 7);
	cr_assert_str_eq(address_format(&interface[0].address, text), "192.0.2.77");
	cr_assert_str_eq(interface[0].name, "ge-0/0/1");
	cr_assert_eq(interface[0].mtu, 9192);
	cr_assert(address_equal(&reply.incoming, &interface[0].address));
	cr_assert_eq(interface[1].role, TRACE_INTERFACE_OUTGOING);
	cr_assert(!interface[1].has_index);
	cr_assert_str_eq(address_format(&interface[1].address, text), "2001:db8::77");
	cr_assert_eq(interface[2].role, TRACE_INTERFACE_NEXT_HOP);
	cr_assert_str_eq(interface[2].name, "a?");
	cr_assert_eq(interface[3].role, TRACE_INTERFACE_INCOMING_PART);
	cr_assert_eq(interface[3].index, 12);
}

Test(trace_wire_extension, the_longest_name)
{
	char objects[2 * (4 + 64) + 1] = "0044020240";
	for (int i = 0; i < 63; i++)
		memcpy(objects + 10 + i * 2, "78", 3);
	struct trace_bytes extension = make_extension(objects);
	struct trace_bytes error = make_error(ADDRESS_IPV4, 128, &extension);
	struct trace_reply reply;
	read_error(ADDRESS_IPV4, &error, &reply);
	cr_assert_eq(reply.ninterfaces, 1);
	cr_assert_eq(strlen(reply.interfaces[0].name), 63);
	cr_assert_eq(reply.bad_extensions, 0);
}

/* What is damaged is counted, and nothing of it is kept; what came before it is. */
Test(trace_wire_extension, damaged_objects)
{
	static const struct {
		const char *objects;
		unsigned bad, nlabels;
		const char *what;
	} cases[] = {
		{"", 0, 0, "no object"},
		{LABELS, 0, 2, "as it should be"},
		{"00080901"
		 "01020304" LABELS,
		 0, 2, "a class that nobody knows"},
		{"00080102"
		 "01020304" LABELS,
		 0, 2, "a sub-type of labels that nobody knows"},
		{"00040101" LABELS, 0, 2, "an empty stack"},
		{"00000101" LABELS, 1, 0, "length 0"},
		{"00030101" LABELS, 1, 0, "a length shorter than the header"},
		{"ffff0101" LABELS, 1, 0, "a length beyond the end"},
		{LABELS "00080101", 1, 2, "the last one cut"},
		{LABELS "0008", 1, 2, "the last header cut"},
		{LABELS "00", 1, 2, "a stray byte"},
		{"00070101"
		 "000011" LABELS,
		 1, 2, "an entry of three bytes"},
		{"00080204"
		 "00010000" LABELS,
		 1, 2, "an interface without its address"},
		{"00100204"
		 "0003000001020304"
		 "00000000" LABELS,
		 1, 2, "an address of another family"},
		{"00080202"
		 "00616263" LABELS,
		 1, 2, "a name of no length"},
		{"00080202"
		 "41616263" LABELS,
		 1, 2, "a name longer than allowed"},
		{"00080202"
		 "09616263" LABELS,
		 1, 2, "a name longer than its object"},
		{"00080202"
		 "05616263" LABELS,
		 1, 2, "a name's padding cut"},
		{"00040208" LABELS, 1, 2, "an index cut"},
		{"00080209"
		 "00000001" LABELS,
		 1, 2, "an MTU cut"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct trace_bytes extension = make_extension(cases[i].objects);
		struct trace_bytes error = make_error(ADDRESS_IPV4, 128, &extension);
		struct trace_reply reply;
		read_error(ADDRESS_IPV4, &error, &reply);
		cr_assert_eq(reply.bad_extensions, cases[i].bad, "%s: %u", cases[i].what, reply.bad_extensions);
		cr_assert_eq(reply.nlabels, cases[i].nlabels, "%s: %u", cases[i].what, reply.nlabels);
		cr_assert_eq(reply.ninterfaces, 0, "%s", cases[i].what);
	}
}

Test(trace_wire_extension, damaged_headers)
{
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (size_t told = 0; told <= 128; told += 128) {
			struct trace_reply reply;
			struct trace_bytes extension = make_extension(LABELS);
			extension.bytes[0] = 0x10;
			struct trace_bytes error = make_error(family, told, &extension);
			read_error(family, &error, &reply);
			cr_assert_eq(reply.nlabels, 0, "version");
			cr_assert_eq(reply.bad_extensions, told ? 1 : 0);
			extension = make_extension(LABELS);
			extension.bytes[9] ^= 1;
			error = make_error(family, told, &extension);
			read_error(family, &error, &reply);
			cr_assert_eq(reply.nlabels, 0, "checksum");
			cr_assert_eq(reply.bad_extensions, told ? 1 : 0);
			/* Without a checksum it must be told that there is one. */
			extension = make_extension(LABELS);
			trace_put_u16(extension.bytes + 2, 0);
			error = make_error(family, told, &extension);
			read_error(family, &error, &reply);
			cr_assert_eq(reply.nlabels, told ? 2 : 0, "no checksum");
			cr_assert_eq(reply.bad_extensions, 0);
		}
}

Test(trace_wire_extension, hostile_lengths)
{
	struct trace_bytes extension = make_extension(LABELS);
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (size_t told = 0; told <= 255; told++) {
			size_t bytes = told * (family == ADDRESS_IPV6 ? 8 : 4);
			struct trace_bytes error = make_error(family, bytes, &extension);
			struct trace_reply reply;
			read_error(family, &error, &reply);
			bool is_right = bytes == 0 || bytes == 128;
			cr_assert_eq(reply.nlabels, is_right ? 2 : 0, "%zu", bytes);
			/* All of it may be quote. */
			cr_assert_eq(reply.bad_extensions, is_right || bytes == 128 + extension.size ? 0 : 1, "%zu",
				     bytes);
		}
}

Test(trace_wire_extension, cut_at_every_offset)
{
	for (size_t told = 0; told <= 128; told += 128)
		for (size_t n = 0; n < 16; n++) {
			struct trace_bytes extension = make_extension(LABELS);
			extension.size = n;
			struct trace_bytes error = make_error(ADDRESS_IPV4, told, &extension);
			struct trace_reply reply;
			read_error(ADDRESS_IPV4, &error, &reply);
			cr_assert_eq(reply.nlabels, 0, "%zu", n);
			cr_assert_eq(reply.bad_extensions, told && n > 0 ? 1 : 0, "%zu", n);
		}
}

/* Packet too big, and other errors that RFC 4884 does not name, have no extension. */
Test(trace_wire_extension, not_where_none_may_be)
{
	struct trace_bytes extension = make_extension(LABELS);
	struct trace_bytes error = make_error(ADDRESS_IPV6, 0, &extension);
	struct trace_reply reply;
	error.bytes[0] = 2;
	trace_put_u16(error.bytes + 6, 1400);
	read_error(ADDRESS_IPV6, &error, &reply);
	cr_assert_eq(reply.kind, TRACE_TOO_BIG);
	cr_assert_eq(reply.mtu, 1400);
	cr_assert_eq(reply.nlabels, 0);
}

/* The error queue: the kernel says where the extension is, or nothing, or only that it is damaged (then we are told 0).
 */
Test(trace_wire_extension, queued)
{
	struct trace_bytes extension = make_extension(LABELS);
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (enum trace_protocol protocol = TRACE_ICMP; protocol <= TRACE_UDP; protocol++) {
			struct trace_flow flow = trace_make_flow(family, protocol);
			struct trace_packet packet = {.flow = &flow, .id = 0xbeef, .payload_size = 56};
			struct trace_bytes quote;
			quote.size = trace_wire_write_message(quote.bytes, sizeof(quote.bytes), &packet);
			size_t taken = family == ADDRESS_IPV6 ? 40 : 20;
			if (protocol == TRACE_UDP)
				taken += 8;
			memset(quote.bytes + quote.size, 0, 128);
			quote.size = 128 - taken;
			memcpy(quote.bytes + quote.size, extension.bytes, extension.size);
			struct trace_queued queued = {.destination = flow.destination,
						      .protocol = (uint8_t)protocol,
						      .type = family == ADDRESS_IPV6 ? 3 : 11};
			struct trace_reply reply;
			for (int is_told = 0; is_told < 2; is_told++) {
				queued.extension_at = is_told ? (uint16_t)quote.size : 0;
				size_t size = quote.size + extension.size;
				cr_assert(trace_wire_read_queued(quote.bytes, size, &queued, &reply));
				check_labels(&reply);
				cr_assert_eq(reply.quote.id, 0xbeef);
			}
			queued.extension_at = 0xffff;
			cr_assert(trace_wire_read_queued(quote.bytes, quote.size, &queued, &reply));
			cr_assert_eq(reply.bad_extensions, 1);
			cr_assert(trace_wire_read_queued(NULL, 0, &queued, &reply));
			cr_assert_eq(reply.bad_extensions, 1);
		}
}
