/* Messages that would cost ldns too much. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "probes/dns/dns_guard.h"

/* A header of one record, whose name begins at byte 12. */
static uint8_t *make(size_t size, unsigned records)
{
	uint8_t *bytes = mem_zero(size, 1);
	bytes[2] = 0x80;
	bytes[6] = (uint8_t)(records >> 8);
	bytes[7] = (uint8_t)records;
	return bytes;
}

static void put_pointer(uint8_t *bytes, size_t at, size_t to)
{
	bytes[at] = (uint8_t)(0xc0 | to >> 8);
	bytes[at + 1] = (uint8_t)to;
}

/* One record of opaque data with n pointers, each to the one before it (step -2) or behind it (step 2). */
static int check_chain(size_t n, int step, bool is_circle)
{
	size_t size = 23 + n * 2 + 2;
	uint8_t *bytes = make(size, 1);
	bytes[13] = 0xff; /* type 65280 */
	bytes[16] = 1;
	bytes[21] = (uint8_t)((size - 23) >> 8);
	bytes[22] = (uint8_t)(size - 23);
	for (size_t i = 0; i < n; i++) {
		size_t at = 23 + i * 2;
		size_t to = step > 0 ? at + 2 : i ? at - 2 : 12;
		if (is_circle && i == (step > 0 ? n - 1 : 0))
			to = step > 0 ? 23 : 23 + (n - 1) * 2;
		put_pointer(bytes, at, to);
	}
	struct err err = {{0}};
	int result = dns_guard_check(bytes, size, &err);
	cr_expect_eq(result == 0, err.text[0] == '\0');
	mem_free(bytes);
	return result;
}

Test(dns_guard, chains_of_pointers)
{
	for (int step = -2; step <= 2; step += 4) {
		cr_expect_eq(check_chain(1, step, false), 0);
		cr_expect_eq(check_chain(DNS_GUARD_HOPS_MAX, step, false), 0);
		cr_expect_eq(check_chain(DNS_GUARD_HOPS_MAX + 1, step, false), -1);
		cr_expect_eq(check_chain(8000, step, false), -1);
		/* By chance, data has such circles: a short one is not unlikely. */
		cr_expect_eq(check_chain(1, step, true), 0);
		cr_expect_eq(check_chain(DNS_GUARD_HOPS_MAX, step, true), 0);
		cr_expect_eq(check_chain(500, step, true), -1);
	}
}

Test(dns_guard, records_that_may_come_once)
{
	static const struct {
		uint8_t types[3];
		int result;
	} cases[] = {{{41, 1, 250}, 0}, {{41, 41, 1}, -1}, {{250, 1, 250}, -1}, {{1, 1, 1}, 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t *bytes = make(12 + 33, 3);
		for (size_t j = 0; j < 3; j++)
			bytes[12 + j * 11 + 2] = cases[i].types[j];
		cr_expect_eq(dns_guard_check(bytes, 45, NULL), cases[i].result, "%zu", i);
		for (size_t n = 0; n < 45; n++) {
			uint8_t *cut = mem_copy(bytes, n);
			cr_expect_eq(dns_guard_check(cut, n, NULL), -1);
			mem_free(cut);
		}
		mem_free(bytes);
	}
}

Test(dns_guard, labels_of_unknown_kinds)
{
	uint8_t *bytes = make(200, 1);
	bytes[12] = 0x40;
	cr_expect_eq(dns_guard_check(bytes, 200, NULL), -1);
	bytes[12] = 0x80;
	cr_expect_eq(dns_guard_check(bytes, 200, NULL), -1);
	bytes[12] = 63;
	cr_expect_eq(dns_guard_check(bytes, 200, NULL), 0);
	mem_free(bytes);
}
