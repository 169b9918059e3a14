/* Replies and quotes from the network: nothing is read beyond the end, and what is accepted is what was sent. */
#include <stdlib.h>
#include <string.h>

#include "probes/icmp/icmp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_reply(const uint8_t *data, size_t size, enum address_family family, bool has_ip_header)
{
	struct icmp_echo echo;
	size_t header;
	if (!icmp_wire_read_reply(data, size, family, has_ip_header, &echo, &header))
		return;
	expect(header <= 60 && (has_ip_header ? header >= 20 : header == 0));
	expect(size >= header + ICMP_WIRE_HEADER);
	expect(echo.has_secret == (size >= header + ICMP_WIRE_START));
	expect(echo.identifier == (data[header + 4] << 8 | data[header + 5]));
	expect(echo.sequence == (data[header + 6] << 8 | data[header + 7]));
	expect(echo.has_secret || echo.secret == 0);
}

/* A request that we write is understood when somebody quotes it back. */
static void check_round_trip(const uint8_t *data, enum address_family family)
{
	struct icmp_echo echo = {.identifier = (uint16_t)(data[0] << 8 | data[1]),
				 .sequence = (uint16_t)(data[2] << 8 | data[3])};
	memcpy(&echo.secret, data + 4, sizeof(echo.secret));
	uint8_t request[ICMP_WIRE_START];
	icmp_wire_write_request(request, family, &echo);
	struct icmp_echo back;
	expect(icmp_wire_read_quote(request, sizeof(request), family, &back));
	expect(back.identifier == echo.identifier && back.sequence == echo.sequence && back.secret == echo.secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		struct icmp_echo echo;
		check_reply(data, size, family, false);
		icmp_wire_read_quote(data, size, family, &echo);
		if (size >= 12)
			check_round_trip(data, family);
		if (size >= 2) {
			expect(icmp_wire_reason(family, data[0], data[1]) < REASON_COUNT);
			expect(icmp_wire_describe(family, data[0], data[1]) != NULL);
		}
	}
	check_reply(data, size, ADDRESS_IPV4, true);
	return 0;
}
