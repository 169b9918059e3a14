#include <criterion/criterion.h>
#include <string.h>

#include "core/wire.h"

static const uint8_t sample[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
				 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xaa};

Test(wire, reads_in_network_order)
{
	struct wire wire = wire_reader(sample, sizeof(sample));

	cr_expect_eq(wire_read_u8(&wire), 0x01);
	cr_expect_eq(wire_read_u16(&wire), 0x0203);
	cr_expect_eq(wire_read_u32(&wire), 0x04050607);
	cr_expect_eq(wire_read_u64(&wire), UINT64_C(0x08090a0b0c0d0e0f));
	cr_expect_eq(wire_left(&wire), 1);
	cr_expect_eq(wire_read_u8(&wire), 0xaa);
	cr_expect_eq(wire_left(&wire), 0);
	cr_expect_not(wire.failed);
}

/* One message of every kind of field, cut at every length: what was there is right, the rest is zero, and it is told.
 */
Test(wire, cut_at_every_offset)
{
	for (size_t size = 0; size < sizeof(sample); size++) {
		struct wire wire = wire_reader(sample, size);
		uint8_t last[1] = {0xff};

		cr_assert_eq(wire_read_u8(&wire), size >= 1 ? 0x01 : 0);
		cr_assert_eq(wire_read_u16(&wire), size >= 3 ? 0x0203 : 0);
		cr_assert_eq(wire_read_u32(&wire), size >= 7 ? 0x04050607 : 0);
		cr_assert_eq(wire_read_u64(&wire), size >= 15 ? UINT64_C(0x08090a0b0c0d0e0f) : 0);
		wire_read_bytes(&wire, last, sizeof(last));
		cr_assert_eq(last[0], 0);
		cr_assert(wire.failed);
		cr_assert_eq(wire_left(&wire), 0);
	}
}

Test(wire, failure_sticks)
{
	struct wire wire = wire_reader(sample, 3);

	cr_expect_eq(wire_read_u32(&wire), 0);
	cr_expect(wire.failed);
	cr_expect_eq(wire_read_u8(&wire), 0, "there are bytes, but the cursor has failed");
	cr_expect_null(wire_view(&wire, 1));
	cr_expect_null(wire_view(&wire, 0));
	wire_seek(&wire, 0);
	cr_expect_eq(wire_read_u8(&wire), 0);
	cr_expect_eq(wire_left(&wire), 0);
}

Test(wire, bytes_view_skip_seek)
{
	struct wire wire = wire_reader(sample, sizeof(sample));
	uint8_t out[4];

	wire_read_bytes(&wire, out, 4);
	cr_expect_arr_eq(out, sample, 4);
	wire_read_bytes(&wire, NULL, 0);
	cr_expect_eq(wire_view(&wire, 0), sample + 4);
	cr_expect_eq(wire_view(&wire, 2), sample + 4);
	wire_skip(&wire, 3);
	cr_expect_eq(wire.offset, 9);
	wire_seek(&wire, sizeof(sample));
	cr_expect_not(wire.failed);
	cr_expect_eq(wire_left(&wire), 0);
	wire_seek(&wire, 1);
	cr_expect_eq(wire_read_u8(&wire), 0x02);
	wire_seek(&wire, sizeof(sample) + 1);
	cr_expect(wire.failed);
}

Test(wire, huge_lengths_do_not_wrap)
{
	struct wire wire = wire_reader(sample, sizeof(sample));

	wire_skip(&wire, 8);
	wire_skip(&wire, SIZE_MAX);
	cr_expect(wire.failed);
	cr_expect_eq(wire.offset, 8);
	wire = wire_reader(sample, sizeof(sample));
	wire_skip(&wire, 8);
	cr_expect_null(wire_view(&wire, SIZE_MAX - 4));
	cr_expect(wire.failed);
}

Test(wire, nothing_at_all)
{
	struct wire wire = wire_reader(NULL, 0);

	wire_read_bytes(&wire, NULL, 0);
	cr_expect_not(wire.failed);
	cr_expect_eq(wire_read_u16(&wire), 0);
	cr_expect(wire.failed);
}

Test(wire, writes_what_it_reads)
{
	uint8_t buffer[sizeof(sample)] = {0};
	struct wire wire = wire_writer(buffer, sizeof(buffer));

	wire_write_u8(&wire, 0x01);
	wire_write_u16(&wire, 0x0203);
	wire_write_u32(&wire, 0x04050607);
	wire_write_u64(&wire, UINT64_C(0x08090a0b0c0d0e0f));
	wire_write_fill(&wire, 0xaa, 1);
	cr_expect_not(wire.failed);
	cr_expect_arr_eq(buffer, sample, sizeof(sample));
	wire_seek(&wire, 1);
	cr_expect_eq(wire_read_u16(&wire), 0x0203);
	wire_seek(&wire, 3);
	wire_write_bytes(&wire, "xyz", 3);
	wire_write_bytes(&wire, NULL, 0);
	wire_write_fill(&wire, 1, 0);
	cr_expect_arr_eq(buffer + 3, "xyz", 3);
	cr_expect_not(wire.failed);
}

/* A write that does not fit writes nothing, not even its first bytes, and nothing after it is written either. */
Test(wire, failed_writes_write_nothing)
{
	for (size_t size = 0; size < 15; size++) {
		uint8_t buffer[16];
		size_t end = size >= 7 ? 7 : size >= 3 ? 3 : size >= 1 ? 1 : 0;

		memset(buffer, 0x55, sizeof(buffer));
		struct wire wire = wire_writer(buffer, size);
		wire_write_u8(&wire, 0x01);
		wire_write_u16(&wire, 0x0203);
		wire_write_u32(&wire, 0x04050607);
		wire_write_u64(&wire, UINT64_C(0x08090a0b0c0d0e0f));
		wire_write_fill(&wire, 0, 0);
		cr_assert(wire.failed);
		cr_assert_arr_eq(buffer, sample, end);
		for (size_t i = end; i < sizeof(buffer); i++)
			cr_assert_eq(buffer[i], 0x55);
	}
}

Test(wire, a_reader_is_not_written_to)
{
	uint8_t buffer[4] = {1, 2, 3, 4};
	struct wire wire = wire_reader(buffer, sizeof(buffer));

	wire_write_u8(&wire, 9);
	cr_expect(wire.failed);
	cr_expect_eq(buffer[0], 1);
	wire = wire_reader(buffer, sizeof(buffer));
	wire_write_fill(&wire, 9, 2);
	cr_expect(wire.failed);
	cr_expect_eq(buffer[0], 1);
}

/* --- checksum ---------------------------------------------------------------------------------------------------- */

/* Word by word, as RFC 1071 section 4.1 says it. */
static uint16_t plain_checksum(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (n % 2 == 1)
		sum += (uint32_t)bytes[n - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

Test(wire, checksum_of_the_rfc)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	cr_expect_eq(wire_checksum(bytes, sizeof(bytes)), (uint16_t)~0xddf2);
}

Test(wire, checksum_of_a_real_header)
{
	static const uint8_t header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
					 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

	cr_expect_eq(wire_checksum(header, sizeof(header)), 0);
}

Test(wire, checksum_edges)
{
	static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff}, one[] = {0x12};

	cr_expect_eq(wire_checksum(NULL, 0), 0xffff);
	cr_expect_eq(wire_checksum(ones, 4), 0);
	cr_expect_eq(wire_checksum(one, 1), (uint16_t)~0x1200);
}

Test(wire, checksum_of_every_length_and_alignment)
{
	uint8_t bytes[2048];
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	for (size_t offset = 0; offset < 4; offset++)
		for (size_t n = 0; n < 200; n++)
			cr_assert_eq(wire_checksum(bytes + offset, n), plain_checksum(bytes + offset, n));
	cr_expect_eq(wire_checksum(bytes, sizeof(bytes)), plain_checksum(bytes, sizeof(bytes)));
}

Test(wire, a_stored_checksum_verifies)
{
	uint8_t packet[13] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'p', 'a', 'y', 'l', 'd'};
	struct wire wire = wire_writer(packet, sizeof(packet));

	wire_seek(&wire, 2);
	wire_write_u16(&wire, wire_checksum(packet, sizeof(packet)));
	cr_expect_eq(wire_checksum(packet, sizeof(packet)), 0);
}
