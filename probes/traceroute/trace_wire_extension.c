/*
 * Extensions of ICMP errors: RFC 4884, MPLS label stacks of RFC 4950, interfaces of RFC 5837.
 */
#include <string.h>

#include "probes/traceroute/trace_wire_facts.h"

#define EXTENSION_HEADER  4
#define EXTENSION_VERSION 2
#define OBJECT_HEADER     4
#define CLASS_MPLS        1 /* RFC 4950 */
#define CLASS_INTERFACE   2 /* RFC 5837 */
#define AFI_IPV4          1
#define AFI_IPV6          2

/* What the sub-type of an interface object says is there, in this order. */
#define INTERFACE_INDEX   0x08
#define INTERFACE_ADDRESS 0x04
#define INTERFACE_NAME    0x02
#define INTERFACE_MTU     0x01

static bool read_labels(struct wire *object, struct trace_reply *reply)
{
	while (wire_left(object) >= 4) {
		uint32_t entry = wire_read_u32(object);
		if (reply->nlabels == TRACE_LABELS_MAX)
			continue;
		reply->labels[reply->nlabels++] = (struct trace_label){.label = entry >> 12,
								       .traffic_class = entry >> 9 & 7,
								       .is_bottom = (entry >> 8 & 1) != 0,
								       .ttl = (uint8_t)entry};
	}
	return wire_left(object) == 0;
}

static void read_interface_address(struct wire *object, struct address *address)
{
	uint16_t afi = wire_read_u16(object);
	wire_skip(object, 2);
	if (afi != AFI_IPV4 && afi != AFI_IPV6) {
		object->failed = true;
		return;
	}
	enum address_family family = afi == AFI_IPV6 ? ADDRESS_IPV6 : ADDRESS_IPV4;
	wire_read_bytes(object, address->bytes, address_families[family - 1].size);
	address->family = (uint8_t)family;
}

/* Its first byte says how long it is, itself included; then comes padding. */
static void read_interface_name(struct wire *object, char name[TRACE_INTERFACE_NAME_SIZE])
{
	size_t size = wire_read_u8(object);
	if (size == 0 || size > TRACE_INTERFACE_NAME_SIZE) {
		object->failed = true;
		return;
	}
	wire_read_bytes(object, name, size - 1);
	name[size - 1] = '\0';
	wire_skip(object, (4 - size % 4) % 4);
	size_t end = strlen(name); /* some fill the end with zeroes */
	for (size_t i = 0; i < end; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
}

static bool read_interface(struct wire *object, uint8_t subtype, struct trace_reply *reply)
{
	struct trace_interface interface = {.role = subtype >> 6};
	if (subtype & INTERFACE_INDEX) {
		interface.has_index = true;
		interface.index = wire_read_u32(object);
	}
	if (subtype & INTERFACE_ADDRESS)
		read_interface_address(object, &interface.address);
	if (subtype & INTERFACE_NAME)
		read_interface_name(object, interface.name);
	if (subtype & INTERFACE_MTU)
		interface.mtu = wire_read_u32(object);
	if (object->failed)
		return false;
	if (reply->ninterfaces < TRACE_INTERFACES_MAX)
		reply->interfaces[reply->ninterfaces++] = interface;
	if (interface.role == TRACE_INTERFACE_INCOMING && reply->incoming.family == ADDRESS_NONE)
		reply->incoming = interface.address;
	return true;
}

/* One object; false when it is damaged. Of classes that are not known nothing is said. */
static bool read_object(struct wire *extension, struct trace_reply *reply)
{
	size_t size = wire_read_u16(extension);
	uint8_t class = wire_read_u8(extension);
	uint8_t subtype = wire_read_u8(extension);
	if (extension->failed || size < OBJECT_HEADER || size - OBJECT_HEADER > wire_left(extension)) {
		extension->failed = true; /* nobody knows where the next one begins */
		return false;
	}
	struct wire object = wire_reader(extension->bytes + extension->offset, size - OBJECT_HEADER);
	wire_skip(extension, size - OBJECT_HEADER);
	if (class == CLASS_MPLS && subtype == 1)
		return read_labels(&object, reply);
	if (class == CLASS_INTERFACE)
		return read_interface(&object, subtype, reply);
	return true;
}

static void note_damage(struct trace_reply *reply)
{
	if (reply->bad_extensions < UINT8_MAX)
		reply->bad_extensions++;
}

/* is_told: the message says that an extension is here; else only a checksum proves it. */
static bool is_extension(const uint8_t *bytes, size_t size, bool is_told)
{
	if (size < EXTENSION_HEADER || bytes[0] >> 4 != EXTENSION_VERSION)
		return false;
	if (bytes[2] == 0 && bytes[3] == 0)
		return is_told; /* sent without a checksum */
	return wire_checksum(bytes, size) == 0;
}

static void read_objects(const uint8_t *bytes, size_t size, struct trace_reply *reply)
{
	struct wire extension = wire_reader(bytes, size);
	wire_skip(&extension, EXTENSION_HEADER);
	while (wire_left(&extension) > 0)
		if (!read_object(&extension, reply))
			note_damage(reply);
}

size_t trace_wire_read_extension(struct wire message, size_t quote_size, size_t usual, struct trace_reply *reply)
{
	size_t size = wire_left(&message);
	bool is_told = quote_size != 0;
	size_t at = is_told ? quote_size : usual;
	if (at == size || (!is_told && at > size))
		return size;
	wire_skip(&message, at);
	const uint8_t *bytes = wire_view(&message, wire_left(&message));
	if (bytes == NULL || !is_extension(bytes, size - at, is_told)) {
		if (is_told)
			note_damage(reply);
		return size;
	}
	read_objects(bytes, size - at, reply);
	return at;
}
