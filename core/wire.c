#include "core/wire.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

struct wire wire_reader(const void *bytes, size_t size)
{
	/* is_writable is what keeps the bytes const from here on. */
	return (struct wire){.bytes = (uint8_t *)bytes, .size = size};
}

struct wire wire_writer(void *bytes, size_t size)
{
	return (struct wire){.bytes = bytes, .size = size, .is_writable = true};
}

/* Takes the next n bytes, or fails. */
static uint8_t *take(struct wire *wire, size_t n)
{
	if (wire->failed || n > wire->size - wire->offset) {
		wire->failed = true;
		return NULL;
	}
	if (wire->bytes == NULL) /* and n is 0: not even 0 may be added to NULL */
		return NULL;
	wire->offset += n;
	return wire->bytes + wire->offset - n;
}

static uint8_t *take_writable(struct wire *wire, size_t n)
{
	if (!wire->is_writable)
		wire->failed = true;
	return take(wire, n);
}

void wire_read_bytes(struct wire *wire, void *out, size_t n)
{
	const uint8_t *bytes = take(wire, n);

	if (n == 0)
		return;
	if (bytes != NULL)
		memcpy(out, bytes, n);
	else
		memset(out, 0, n);
}

uint8_t wire_read_u8(struct wire *wire)
{
	const uint8_t *bytes = take(wire, 1);

	return bytes != NULL ? *bytes : 0;
}

uint16_t wire_read_u16(struct wire *wire)
{
	uint16_t value;

	wire_read_bytes(wire, &value, sizeof(value));
	return be16toh(value);
}

uint32_t wire_read_u32(struct wire *wire)
{
	uint32_t value;

	wire_read_bytes(wire, &value, sizeof(value));
	return be32toh(value);
}

uint64_t wire_read_u64(struct wire *wire)
{
	uint64_t value;

	wire_read_bytes(wire, &value, sizeof(value));
	return be64toh(value);
}

const uint8_t *wire_view(struct wire *wire, size_t n)
{
	return take(wire, n);
}

void wire_skip(struct wire *wire, size_t n)
{
	take(wire, n);
}

void wire_seek(struct wire *wire, size_t offset)
{
	if (wire->failed || offset > wire->size)
		wire->failed = true;
	else
		wire->offset = offset;
}

size_t wire_left(const struct wire *wire)
{
	return wire->failed ? 0 : wire->size - wire->offset;
}

void wire_write_bytes(struct wire *wire, const void *bytes, size_t n)
{
	uint8_t *out = take_writable(wire, n);

	if (out != NULL && n > 0)
		memcpy(out, bytes, n);
}

void wire_write_u8(struct wire *wire, uint8_t value)
{
	wire_write_bytes(wire, &value, sizeof(value));
}

void wire_write_u16(struct wire *wire, uint16_t value)
{
	value = htobe16(value);
	wire_write_bytes(wire, &value, sizeof(value));
}

void wire_write_u32(struct wire *wire, uint32_t value)
{
	value = htobe32(value);
	wire_write_bytes(wire, &value, sizeof(value));
}

void wire_write_u64(struct wire *wire, uint64_t value)
{
	value = htobe64(value);
	wire_write_bytes(wire, &value, sizeof(value));
}

void wire_write_fill(struct wire *wire, uint8_t value, size_t n)
{
	uint8_t *out = take_writable(wire, n);

	if (out != NULL && n > 0)
		memset(out, value, n);
}

/* Sums 32 bits at a time in the machine's own order: the one's complement sum does not care (RFC 1071, section 2). */
uint16_t wire_checksum(const void *bytes, size_t n)
{
	const uint8_t *next = bytes;
	uint64_t sum = 0;
	uint32_t word;

	for (; n >= sizeof(word); n -= sizeof(word), next += sizeof(word)) {
		memcpy(&word, next, sizeof(word));
		sum += word;
	}
	if (n > 0) {
		word = 0;
		memcpy(&word, next, n);
		sum += word;
	}
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)~sum);
}
