/* What comes back about probe packets: errors with quotes, answers of targets, and things that are neither. */
#include <criterion/criterion.h>

#include "core/mem.h"
#include "tests/unit/probes/trace_fixture.h"

struct scene {
	enum address_family family;
	struct trace_flow flow;
	struct trace_packet packet;
	struct trace_bytes sent;
	struct address router;
	size_t header; /* bytes of the sent packet's IP header */
};

static void set_scene(struct scene *scene, enum address_family family, enum trace_protocol protocol)
{
	*scene = (struct scene){.family = family, .flow = trace_make_flow(family, protocol)};
	scene->packet = (struct trace_packet){
		.flow = &scene->flow, .id = 0xbeef, .payload_size = 24, .hop_limit = 3, .dont_fragment = true};
	scene->sent = trace_written(&scene->packet);
	scene->router = trace_address(trace_routers[family - 1]);
	scene->header = family == ADDRESS_IPV6 ? 40 : 20;
}

static bool read_icmp(const struct scene *scene, const struct trace_bytes *bytes, struct trace_reply *reply)
{
	/* In memory of exactly this size, so that a sanitizer sees a step too far. */
	uint8_t *exact = mem_copy(bytes->bytes, bytes->size);
	reply->stamp_ns = 77;
	bool is_read = trace_wire_read_icmp(exact, bytes->size, &scene->router, reply);
	mem_free(exact);
	return is_read;
}

#define FOR_ALL_SCENES(scene)                                                                                          \
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)                              \
		for (enum trace_protocol protocol = TRACE_ICMP;                                                        \
		     protocol < TRACE_PROTOCOLS && (set_scene(&scene, family, protocol), true); protocol++)

Test(trace_wire_read, whole_quote)
{
	struct scene scene;
	FOR_ALL_SCENES(scene)
	{
		scene.sent.bytes[family == ADDRESS_IPV6 ? 7 : 8] = 1; /* as the router got it */
		struct trace_bytes error = trace_ttl_exceeded(family, scene.sent.bytes, scene.sent.size);
		struct trace_reply reply;
		unsigned changed = 99;
		cr_assert(read_icmp(&scene, &error, &reply));
		cr_assert_eq(reply.kind, TRACE_TTL_EXCEEDED);
		cr_assert_eq(reply.type, family == ADDRESS_IPV6 ? 3 : 11);
		cr_assert_eq(reply.stamp_ns, 77);
		cr_assert_eq(reply.size, error.size);
		cr_assert(address_equal(&reply.from, &scene.router));
		cr_assert_eq(reply.hop_limit, family == ADDRESS_IPV6 ? -1 : 61);
		cr_assert_eq(reply.quote.protocol, protocol);
		cr_assert_eq(reply.quote.hop_limit, 1);
		cr_assert_eq(reply.quote.traffic_class, 0x28);
		cr_assert_eq(reply.quote.flow_label, family == ADDRESS_IPV6 ? 0xabcde : 0);
		cr_assert(reply.quote.has_addresses && reply.quote.has_ports && reply.quote.has_id);
		cr_assert(reply.quote.has_checksum);
		cr_assert_eq(reply.quote.has_identification, family == ADDRESS_IPV4);
		cr_assert_eq(reply.quote.has_mark, protocol != TRACE_TCP);
		cr_assert_eq(reply.quote.has_sequence, protocol == TRACE_TCP);
		cr_assert_eq(reply.quote.id, 0xbeef);
		cr_assert_eq(reply.quote.mark, protocol != TRACE_TCP ? 0xa1b2c3d4 : 0);
		cr_assert_eq(reply.quote.secret, protocol == TRACE_TCP ? 0x43d4 : 0);
		cr_assert(address_equal(&reply.quote.source, &scene.flow.source));
		cr_assert(address_equal(&reply.quote.destination, &scene.flow.destination));
		cr_assert_eq(reply.quote.source.port, 0x1234);
		cr_assert_eq(reply.quote.destination.port, scene.flow.destination.port);
		cr_assert(trace_wire_belongs(&scene.packet, &reply, &changed));
		cr_assert_eq(changed, 0);
	}
}

/* What can be known of n bytes of a transport header. */
static void check_cut(const struct scene *scene, const struct trace_reply *reply, size_t n)
{
	bool is_icmp = scene->flow.protocol == TRACE_ICMP, is_tcp = scene->flow.protocol == TRACE_TCP;
	unsigned changed;
	cr_assert_eq(reply->quote.has_ports, n >= (is_icmp ? 6 : 4), "%zu", n);
	cr_assert_eq(reply->quote.has_id, n >= 8, "%zu", n);
	cr_assert_eq(reply->quote.has_checksum, n >= (is_icmp ? 4 : is_tcp ? 18 : 8), "%zu", n);
	cr_assert_eq(reply->quote.has_mark, !is_tcp && n >= 16, "%zu", n);
	cr_assert_eq(reply->quote.id, n >= 8 ? 0xbeef : 0, "%zu", n);
	/* Of IPv4 the identification is quoted in any case. */
	bool belongs = scene->family == ADDRESS_IPV4 ? n >= (is_icmp ? 4 : 4) : n >= 8;
	cr_assert_eq(trace_wire_belongs(&scene->packet, reply, &changed), belongs, "%zu", n);
	cr_assert_eq(changed, 0);
}

Test(trace_wire_read, quotes_cut_at_every_length)
{
	struct scene scene;
	FOR_ALL_SCENES(scene)
	for (size_t n = 0; n <= scene.sent.size; n++) {
		struct trace_bytes error = trace_ttl_exceeded(family, scene.sent.bytes, n);
		struct trace_reply reply;
		cr_assert_eq(read_icmp(&scene, &error, &reply), n >= scene.header, "%zu", n);
		if (n >= scene.header)
			check_cut(&scene, &reply, n - scene.header);
	}
}

/* An error that is itself cut, by a short buffer: what is there is read, nothing beyond it. */
Test(trace_wire_read, errors_cut_at_every_length)
{
	struct scene scene;
	FOR_ALL_SCENES(scene)
	{
		struct trace_bytes error = trace_ttl_exceeded(family, scene.sent.bytes, scene.sent.size);
		for (size_t n = 0; n < error.size; n++) {
			struct trace_bytes cut = error;
			struct trace_reply reply;
			cut.size = n;
			cr_assert_eq(read_icmp(&scene, &cut, &reply), n >= 48, "%zu", n);
			if (n >= 48)
				check_cut(&scene, &reply, n - 8 - scene.header - (family == ADDRESS_IPV6 ? 0 : 20));
		}
	}
}

Test(trace_wire_read, a_damaged_checksum)
{
	struct scene scene;
	struct trace_reply reply;
	set_scene(&scene, ADDRESS_IPV4, TRACE_UDP);
	struct trace_bytes error = trace_ttl_exceeded(ADDRESS_IPV4, scene.sent.bytes, scene.sent.size);
	for (size_t at = 20; at < error.size; at++) {
		error.bytes[at] ^= 0x10;
		cr_assert_not(read_icmp(&scene, &error, &reply), "byte %zu", at);
		error.bytes[at] ^= 0x10;
	}
	cr_assert(read_icmp(&scene, &error, &reply));
}

Test(trace_wire_read, padding_behind_the_packet_is_not_its)
{
	struct scene scene;
	struct trace_reply reply;
	set_scene(&scene, ADDRESS_IPV4, TRACE_UDP);
	struct trace_bytes error = trace_ttl_exceeded(ADDRESS_IPV4, scene.sent.bytes, scene.sent.size);
	memset(error.bytes + error.size, 0x55, 10);
	error.size += 10;
	cr_assert(read_icmp(&scene, &error, &reply));
	/* A quoted datagram that ends, with padding behind it (RFC 4884): no mark is read from that. */
	struct trace_bytes sent = scene.sent;
	trace_put_u16(sent.bytes + 2, 28);
	error = trace_ttl_exceeded(ADDRESS_IPV4, sent.bytes, sent.size);
	cr_assert(read_icmp(&scene, &error, &reply));
	cr_assert(reply.quote.has_id && !reply.quote.has_mark);
	/* A length that leaves no room for a header is some router's mistake. */
	static const uint16_t mistakes[] = {0, 1, 19, 20, 27, 0x4000};
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		trace_put_u16(sent.bytes + 2, mistakes[i]);
		error = trace_ttl_exceeded(ADDRESS_IPV4, sent.bytes, sent.size);
		cr_assert(read_icmp(&scene, &error, &reply), "%u", mistakes[i]);
		cr_assert(reply.quote.has_mark, "%u", mistakes[i]);
	}
	/* A cut quote filled up with zeroes: no mark either, and the id is still there. */
	memset(scene.sent.bytes + 28, 0, scene.sent.size - 28);
	error = trace_ttl_exceeded(ADDRESS_IPV4, scene.sent.bytes, scene.sent.size);
	cr_assert(read_icmp(&scene, &error, &reply));
	cr_assert(reply.quote.has_id && !reply.quote.has_mark);
	cr_assert_eq(reply.quote.id, 0xbeef);
}

/* An echo request's payload that is not what we wrote: the header counts. */
Test(trace_wire_read, a_mark_that_contradicts)
{
	struct scene scene;
	struct trace_reply reply;
	set_scene(&scene, ADDRESS_IPV6, TRACE_ICMP);
	scene.sent.bytes[40 + 10] ^= 1;
	struct trace_bytes error = trace_ttl_exceeded(ADDRESS_IPV6, scene.sent.bytes, scene.sent.size);
	unsigned changed;
	cr_assert(read_icmp(&scene, &error, &reply));
	cr_assert(!reply.quote.has_mark);
	cr_assert_eq(reply.quote.id, 0xbeef);
	cr_assert(trace_wire_belongs(&scene.packet, &reply, &changed));
}

Test(trace_wire_read, ipv4_options)
{
	struct scene scene;
	struct trace_reply reply;
	set_scene(&scene, ADDRESS_IPV4, TRACE_TCP);
	for (size_t outer = 0; outer <= 40; outer += 4)
		for (size_t inner = 0; inner <= 40; inner += 4) {
			struct trace_bytes quote = {.size = scene.sent.size + inner};
			memcpy(quote.bytes, scene.sent.bytes, 20);
			memset(quote.bytes + 20, 1, inner);
			memcpy(quote.bytes + 20 + inner, scene.sent.bytes + 20, scene.sent.size - 20);
			quote.bytes[0] = (uint8_t)(0x45 + inner / 4);
			trace_put_u16(quote.bytes + 2, quote.size);
			struct trace_error_shape shape = {.family = ADDRESS_IPV4, .type = 11, .options = outer};
			struct trace_bytes error = trace_error(&shape, quote.bytes, quote.size);
			cr_assert(read_icmp(&scene, &error, &reply));
			cr_assert(reply.quote.has_sequence);
			cr_assert_eq(reply.quote.id, 0xbeef);
			/* Options that the quote does not hold to their end. */
			for (size_t n = 20; n < 20 + inner; n++) {
				error = trace_error(&shape, quote.bytes, n);
				cr_assert(read_icmp(&scene, &error, &reply));
				cr_assert(!reply.quote.has_ports && !reply.quote.has_id);
			}
		}
}

Test(trace_wire_read, quotes_that_are_none)
{
	static const struct {
		enum address_family family;
		size_t at;
		uint8_t value;
		const char *what;
	} changes[] = {
		{ADDRESS_IPV4, 0, 0x65, "version"},
		{ADDRESS_IPV4, 0, 0x44, "header length"},
		{ADDRESS_IPV4, 0, 0x40, "no header length"},
		{ADDRESS_IPV4, 7, 1, "fragment offset"},
		{ADDRESS_IPV4, 6, 0x1f, "fragment offset"},
		{ADDRESS_IPV4, 9, 2, "protocol"},
		{ADDRESS_IPV4, 9, 58, "protocol of the other family"},
		{ADDRESS_IPV4, 20, 0, "quoted echo reply"},
		{ADDRESS_IPV4, 20, 128, "type of the other family"},
		{ADDRESS_IPV4, 21, 1, "code"},
		{ADDRESS_IPV6, 0, 0x45, "version"},
		{ADDRESS_IPV6, 6, 59, "no next header"},
		{ADDRESS_IPV6, 6, 1, "protocol of the other family"},
		{ADDRESS_IPV6, 40, 129, "quoted echo reply"},
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct scene scene;
		struct trace_reply reply;
		set_scene(&scene, changes[i].family, TRACE_ICMP);
		scene.sent.bytes[changes[i].at] = changes[i].value;
		struct trace_bytes error = trace_ttl_exceeded(scene.family, scene.sent.bytes, scene.sent.size);
		cr_assert_not(read_icmp(&scene, &error, &reply), "%s", changes[i].what);
	}
}

struct chain {
	const char *headers; /* hex of the extension headers */
	uint8_t first;       /* the number of the first */
	bool is_read;
};

/* The quoted packet of the scene with these headers in between. */
static struct trace_bytes insert_headers(const struct scene *scene, const struct chain *chain)
{
	struct trace_bytes headers = trace_from_hex(chain->headers);
	struct trace_bytes out = {.size = scene->sent.size + headers.size};
	memcpy(out.bytes, scene->sent.bytes, 40);
	memcpy(out.bytes + 40, headers.bytes, headers.size);
	memcpy(out.bytes + 40 + headers.size, scene->sent.bytes + 40, scene->sent.size - 40);
	out.bytes[6] = chain->first;
	trace_put_u16(out.bytes + 4, out.size - 40);
	return out;
}

Test(trace_wire_read, ipv6_extension_headers)
{
	static const struct chain chains[] = {
		{"", 17, true},
		{"1100010400000000", 0, true},      /* hop by hop, UDP */
		{"3c00010400000000"                 /* hop by hop, destination options */
		 "2b01010c000000000000000000000000" /* of 16 bytes, routing */
		 "2c00040000000000"                 /* fragment */
		 "1100000100000007",                /* the first of several, UDP */
		 0, true},
		{"1100000800000007", 44, false}, /* the second of several */
		{"11ff000000000000", 0, false},  /* longer than the packet */
		{"3c000104000000003c000104000000003c000104000000003c00010400000000"
		 "3c000104000000003c000104000000003c000104000000001100010400000000",
		 60, true}, /* eight */
		{"3c000104000000003c000104000000003c000104000000003c00010400000000"
		 "3c000104000000003c000104000000003c000104000000003c00010400000000"
		 "1100010400000000",
		 60, false}, /* more than are looked at */
	};
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		struct scene scene;
		struct trace_reply reply;
		unsigned changed;
		set_scene(&scene, ADDRESS_IPV6, TRACE_UDP);
		struct trace_bytes quote = insert_headers(&scene, &chains[i]);
		struct trace_bytes error = trace_ttl_exceeded(ADDRESS_IPV6, quote.bytes, quote.size);
		bool has_id = read_icmp(&scene, &error, &reply) && reply.quote.has_id;
		cr_assert_eq(has_id, chains[i].is_read, "chain %zu", i);
		if (chains[i].is_read)
			cr_assert(trace_wire_belongs(&scene.packet, &reply, &changed), "chain %zu", i);
		for (size_t n = 0; n < quote.size; n++) {
			error = trace_ttl_exceeded(ADDRESS_IPV6, quote.bytes, n);
			bool is_read = read_icmp(&scene, &error, &reply);
			bool is_whole = n >= quote.size - 24;
			cr_assert((chains[i].is_read && is_whole) || !is_read || !reply.quote.has_id, "chain %zu, %zu",
				  i, n);
		}
	}
}

Test(trace_wire_read, kinds)
{
	static const struct {
		enum address_family family;
		uint8_t type, code;
		uint32_t fields;
		int kind; /* -1: nothing */
		uint32_t mtu;
	} errors[] = {
		{ADDRESS_IPV4, 11, 0, 0, TRACE_TTL_EXCEEDED, 0},
		{ADDRESS_IPV4, 11, 1, 0, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV4, 3, 3, 0, TRACE_PORT_UNREACHABLE, 0},
		{ADDRESS_IPV4, 3, 4, 1492, TRACE_TOO_BIG, 1492},
		{ADDRESS_IPV4, 3, 4, 0, TRACE_TOO_BIG, 0},
		{ADDRESS_IPV4, 3, 13, 1400, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV4, 3, 1, 0, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV4, 12, 0, 0x08000000, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV4, 5, 1, 0, -1, 0}, /* redirect */
		{ADDRESS_IPV4, 4, 0, 0, -1, 0}, /* source quench */
		{ADDRESS_IPV4, 8, 0, 0, -1, 0}, /* an echo request */
		{ADDRESS_IPV4, 129, 0, 0, -1, 0},
		{ADDRESS_IPV6, 3, 0, 0, TRACE_TTL_EXCEEDED, 0},
		{ADDRESS_IPV6, 3, 1, 0, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV6, 1, 4, 0, TRACE_PORT_UNREACHABLE, 0},
		{ADDRESS_IPV6, 1, 1, 0, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV6, 2, 0, 1280, TRACE_TOO_BIG, 1280},
		{ADDRESS_IPV6, 2, 0, 0x10203040, TRACE_TOO_BIG, 0x10203040},
		{ADDRESS_IPV6, 4, 1, 40, TRACE_UNREACHABLE, 0},
		{ADDRESS_IPV6, 135, 0, 0, -1, 0}, /* neighbour solicitation */
		{ADDRESS_IPV6, 5, 0, 0, -1, 0},
		{ADDRESS_IPV6, 0, 0, 0, -1, 0},
	};
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct scene scene;
		struct trace_reply reply;
		set_scene(&scene, errors[i].family, TRACE_UDP);
		struct trace_error_shape shape = {.family = scene.family,
						  .type = errors[i].type,
						  .code = errors[i].code,
						  .fields = errors[i].fields};
		struct trace_bytes error = trace_error(&shape, scene.sent.bytes, scene.sent.size);
		cr_assert_eq(read_icmp(&scene, &error, &reply), errors[i].kind >= 0, "error %zu", i);
		if (errors[i].kind < 0)
			continue;
		cr_assert_eq((int)reply.kind, errors[i].kind, "error %zu", i);
		cr_assert_eq(reply.mtu, errors[i].mtu, "error %zu", i);
		cr_assert_eq(reply.code, errors[i].code);
		cr_assert_eq(reply.bad_extensions, 0);
	}
}

Test(trace_wire_read, outer_headers_that_are_none)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} changes[] = {
		{0, 0x65, "version"},
		{0, 0x44, "short header"},
		{0, 0x4f, "header beyond the options"},
		{9, 17, "protocol"},
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct scene scene;
		struct trace_reply reply;
		set_scene(&scene, ADDRESS_IPV4, TRACE_UDP);
		struct trace_bytes error = trace_ttl_exceeded(ADDRESS_IPV4, scene.sent.bytes, scene.sent.size);
		error.bytes[changes[i].at] = changes[i].value;
		cr_assert_not(read_icmp(&scene, &error, &reply), "%s", changes[i].what);
	}
}

Test(trace_wire_read, echo_replies)
{
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		struct scene scene;
		struct trace_reply reply;
		unsigned changed;
		set_scene(&scene, family, TRACE_ICMP);
		scene.router = scene.flow.destination;
		struct trace_bytes answer = trace_echo_reply(&scene.packet);
		cr_assert(read_icmp(&scene, &answer, &reply));
		cr_assert_eq(reply.kind, TRACE_ECHO_REPLY);
		cr_assert_eq(reply.quote.source.port, 0x1234);
		cr_assert_eq(reply.quote.id, 0xbeef);
		cr_assert(!reply.quote.has_checksum && !reply.quote.has_addresses);
		cr_assert(address_equal(&reply.quote.destination, &scene.flow.destination));
		cr_assert(trace_wire_belongs(&scene.packet, &reply, &changed));
		cr_assert_eq(changed, 0);
		/* The same from a datagram socket, cut at every length. */
		size_t header = family == ADDRESS_IPV6 ? 0 : 20, size = answer.size - header;
		for (size_t n = 0; n <= size; n++) {
			bool is_read = trace_wire_read_echo(answer.bytes + header, n, &scene.router, &reply);
			cr_assert_eq(is_read, n >= 8, "%zu", n);
			bool belongs = is_read && trace_wire_belongs(&scene.packet, &reply, &changed);
			cr_assert_eq(belongs, n >= 16, "%zu", n);
		}
		answer.bytes[header + 1] = 1;
		cr_assert_not(trace_wire_read_echo(answer.bytes + header, size, &scene.router, &reply), "code");
		answer.bytes[header] = 8;
		cr_assert_not(trace_wire_read_echo(answer.bytes + header, size, &scene.router, &reply), "type");
	}
}

Test(trace_wire_read, segments)
{
	static const struct {
		uint8_t flags;
		uint32_t more; /* acknowledged beyond SYN */
		bool is_read, belongs;
		enum trace_answer kind;
	} segments[] = {
		{TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, 0, true, true, TRACE_SYN_ACK},
		{TRACE_WIRE_TCP_RST | TRACE_WIRE_TCP_ACK, 0, true, true, TRACE_RESET},
		{TRACE_WIRE_TCP_RST | TRACE_WIRE_TCP_ACK, 24, true, true, TRACE_RESET}, /* the payload as well */
		{TRACE_WIRE_TCP_RST | TRACE_WIRE_TCP_ACK, 23, true, false, TRACE_RESET},
		{TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, 1, true, false, TRACE_SYN_ACK},
		{TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, 0x10000, true, false, TRACE_SYN_ACK}, /* another id */
		{TRACE_WIRE_TCP_RST, 0, true, false, TRACE_RESET}, /* nobody can tell of which packet */
		{TRACE_WIRE_TCP_ACK, 0, false, false, 0},
		{TRACE_WIRE_TCP_SYN, 0, false, false, 0},
		{0, 0, false, false, 0},
	};
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++)
		for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
			struct scene scene;
			struct trace_reply reply;
			unsigned changed;
			set_scene(&scene, family, TRACE_TCP);
			uint32_t acknowledged = 0xbeef43d4 + 1 + segments[i].more;
			struct trace_bytes segment = trace_segment(&scene.flow, segments[i].flags, acknowledged);
			const struct address *from = &scene.flow.destination;
			bool is_read = trace_wire_read_tcp(segment.bytes, segment.size, from, &reply);
			cr_assert_eq(is_read, segments[i].is_read, "segment %zu", i);
			if (!is_read)
				continue;
			cr_assert_eq(reply.kind, segments[i].kind, "segment %zu", i);
			cr_assert_eq(reply.quote.has_id, (segments[i].flags & TRACE_WIRE_TCP_ACK) != 0);
			cr_assert_eq(trace_wire_belongs(&scene.packet, &reply, &changed), segments[i].belongs,
				     "segment %zu", i);
			cr_assert_eq(changed, 0);
			for (size_t n = 0; n < segment.size; n++)
				cr_assert_not(trace_wire_read_tcp(segment.bytes, n, from, &reply), "%zu", n);
			segment.bytes[segment.size - 8] = 4 << 4;
			cr_assert_not(trace_wire_read_tcp(segment.bytes, segment.size, from, &reply), "short header");
		}
}

Test(trace_wire_read, segments_of_others)
{
	struct scene scene;
	struct trace_reply reply;
	unsigned changed;
	set_scene(&scene, ADDRESS_IPV4, TRACE_TCP);
	uint8_t flags = TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK;
	struct trace_flow other = scene.flow;
	other.destination.port++;
	struct trace_bytes segment = trace_segment(&other, flags, 0xbeef43d5);
	cr_assert(trace_wire_read_tcp(segment.bytes, segment.size, &scene.flow.destination, &reply));
	cr_assert_not(trace_wire_belongs(&scene.packet, &reply, &changed), "port");
	segment = trace_segment(&scene.flow, flags, 0xbeef43d5);
	cr_assert(trace_wire_read_tcp(segment.bytes, segment.size, &scene.router, &reply));
	cr_assert_not(trace_wire_belongs(&scene.packet, &reply, &changed), "address");
	segment.bytes[9] = 17;
	cr_assert_not(trace_wire_read_tcp(segment.bytes, segment.size, &scene.router, &reply), "protocol");
}

Test(trace_wire_read, udp_replies)
{
	struct scene scene;
	struct trace_reply reply;
	unsigned changed;
	set_scene(&scene, ADDRESS_IPV4, TRACE_UDP);
	const struct address *from = &scene.flow.destination;
	cr_assert(trace_wire_read_udp(NULL, 0, from, &reply));
	cr_assert_eq(reply.kind, TRACE_UDP_REPLY);
	cr_assert(!reply.quote.has_id);
	cr_assert_not(trace_wire_belongs(&scene.packet, &reply, &changed));
	cr_assert(trace_wire_read_udp("another payload", 15, from, &reply));
	cr_assert_not(trace_wire_belongs(&scene.packet, &reply, &changed));
	cr_assert(trace_wire_read_udp(scene.sent.bytes + 28, 24, from, &reply), "an echo service");
	cr_assert_eq(reply.quote.id, 0xbeef);
	cr_assert(trace_wire_belongs(&scene.packet, &reply, &changed));
}

Test(trace_wire_read, queued_errors)
{
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (enum trace_protocol protocol = TRACE_ICMP; protocol <= TRACE_UDP; protocol++) {
			struct scene scene;
			struct trace_reply reply;
			unsigned changed;
			set_scene(&scene, family, protocol);
			struct trace_queued queued = {.destination = scene.flow.destination,
						      .protocol = (uint8_t)protocol,
						      .type = family == ADDRESS_IPV6 ? 3 : 11};
			size_t taken = scene.header + (protocol == TRACE_UDP ? 8 : 0);
			for (size_t n = 0; n <= scene.sent.size - taken; n++) {
				cr_assert(trace_wire_read_queued(scene.sent.bytes + taken, n, &queued, &reply));
				cr_assert_eq(reply.kind, TRACE_TTL_EXCEEDED);
				cr_assert_eq(reply.from.family, ADDRESS_NONE);
				cr_assert(!reply.quote.has_addresses && !reply.quote.has_identification);
				cr_assert(address_equal(&reply.quote.destination, &scene.flow.destination));
				cr_assert_eq(reply.quote.has_id, n >= 8, "%zu", n);
				cr_assert_eq(trace_wire_belongs(&scene.packet, &reply, &changed), n >= 8, "%zu", n);
				cr_assert_eq(changed, 0);
			}
			cr_assert(trace_wire_read_queued(NULL, 0, &queued, &reply));
			queued.type = family == ADDRESS_IPV6 ? 2 : 3;
			queued.code = family == ADDRESS_IPV6 ? 0 : 4;
			queued.info = 1400;
			cr_assert(trace_wire_read_queued(scene.sent.bytes + taken, 16, &queued, &reply));
			cr_assert_eq(reply.kind, TRACE_TOO_BIG);
			cr_assert_eq(reply.mtu, 1400);
			queued.type = 200;
			cr_assert_not(trace_wire_read_queued(scene.sent.bytes + taken, 16, &queued, &reply));
		}
}
