#include "probes/dns/dns_guard.h"

#include <stdbool.h>

#include "core/wire.h"

#define POINTER     0xc0 /* the upper bits of a label that is a pointer */
#define LABEL_MAX   63
#define TYPE_EDNS   41
#define TYPE_SIGNED 250

static bool is_pointer(const uint8_t *bytes, size_t size, size_t at)
{
	return at + 1 < size && bytes[at] >= POINTER;
}

static size_t follow(const uint8_t *bytes, size_t at)
{
	return (size_t)(bytes[at] & ~POINTER) << 8 | bytes[at + 1];
}

/* Do pointers follow one another for long? Not if they come back to where they were: ldns gives such a message up when
 * it comes there, and in opaque data two bytes point at themselves by chance. */
static bool is_long_chain(const uint8_t *bytes, size_t size, size_t at)
{
	for (int hops = 0; hops < DNS_GUARD_HOPS_MAX; hops++) {
		if (!is_pointer(bytes, size, at))
			return false;
		at = follow(bytes, at);
	}
	size_t middle = at;
	for (int hops = 0; hops < DNS_GUARD_HOPS_MAX && is_pointer(bytes, size, at); hops++) {
		at = follow(bytes, at);
		if (at == middle)
			return false;
	}
	return is_pointer(bytes, size, middle);
}

/* Names may begin in the data of records, too: so every byte that looks like a pointer is taken for one. By chance, no
 * data looks like so many of them. */
static bool has_long_chain(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (is_long_chain(bytes, size, i))
			return true;
	return false;
}

static void skip_name(struct wire *wire)
{
	for (;;) {
		uint8_t length = wire_read_u8(wire);
		if (length >= POINTER) {
			wire_skip(wire, 1);
			return;
		}
		if (length > LABEL_MAX)
			wire->failed = true;
		if (length == 0 || wire->failed)
			return;
		wire_skip(wire, length);
	}
}

static unsigned skip_record(struct wire *wire)
{
	skip_name(wire);
	unsigned type = wire_read_u16(wire);
	wire_skip(wire, 6); /* class, time to live */
	wire_skip(wire, wire_read_u16(wire));
	return type;
}

int dns_guard_check(const uint8_t *bytes, size_t size, struct err *err)
{
	struct wire wire = wire_reader(bytes, size);
	unsigned nedns = 0, nsigned = 0;
	wire_skip(&wire, 4);
	unsigned questions = wire_read_u16(&wire);
	unsigned records = (unsigned)wire_read_u16(&wire) + wire_read_u16(&wire);
	records += wire_read_u16(&wire);
	for (; questions && !wire.failed; questions--) {
		skip_name(&wire);
		wire_skip(&wire, 4);
	}
	for (; records && !wire.failed; records--) {
		unsigned type = skip_record(&wire);
		nedns += type == TYPE_EDNS;
		nsigned += type == TYPE_SIGNED;
	}
	if (wire.failed)
		return err_set(err, "the reply is malformed: it ends too early");
	if (nedns > 1 || nsigned > 1)
		return err_set(err, "the reply is malformed: it has %s twice", nedns > 1 ? "EDNS" : "a signature");
	if (has_long_chain(bytes, size))
		return err_set(err, "the reply is malformed: names lead from pointer to pointer");
	return 0;
}
