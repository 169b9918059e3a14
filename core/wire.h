/*
 * A cursor over bytes whose error sticks: read ten fields, ask once. A failed read yields zeroes, never garbage; a
 * failed write writes nothing. Network byte order unless the name says otherwise.
 */
#ifndef NETSONDE_CORE_WIRE_H
#define NETSONDE_CORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	uint8_t *bytes; /* borrowed */
	size_t size;
	size_t offset;
	bool failed;
	bool is_writable;
};

/* A cursor for reading only; bytes are borrowed and not changed. */
struct wire wire_reader(const void *bytes, size_t size);
/* A cursor for writing (and for reading back). */
struct wire wire_writer(void *bytes, size_t size);

uint8_t wire_read_u8(struct wire *wire);
uint16_t wire_read_u16(struct wire *wire);
uint32_t wire_read_u32(struct wire *wire);
uint64_t wire_read_u64(struct wire *wire);
/* Copies n bytes out (zeroes on failure). */
void wire_read_bytes(struct wire *wire, void *out, size_t n);
/* The next n bytes in place, borrowed; NULL on failure. */
const uint8_t *wire_view(struct wire *wire, size_t n);
void wire_skip(struct wire *wire, size_t n);
/* Moves to an absolute offset; beyond the end fails. */
void wire_seek(struct wire *wire, size_t offset);
/* Bytes not yet read; 0 after a failure. */
size_t wire_left(const struct wire *wire);

void wire_write_u8(struct wire *wire, uint8_t value);
void wire_write_u16(struct wire *wire, uint16_t value);
void wire_write_u32(struct wire *wire, uint32_t value);
void wire_write_u64(struct wire *wire, uint64_t value);
void wire_write_bytes(struct wire *wire, const void *bytes, size_t n);
void wire_write_fill(struct wire *wire, uint8_t value, size_t n);

/* The Internet checksum (RFC 1071) of n bytes, ready to be stored as a host number with wire_write_u16. */
uint16_t wire_checksum(const void *bytes, size_t n);

#endif
