#include "core/utf8.h"

#include <stdint.h>

/* By the lead byte: how many bytes follow, and the bounds of the first of them (RFC 3629 section 4). */
static size_t utf8_follow(uint8_t lead, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef) {
		*low = lead == 0xe0 ? 0xa0 : 0x80;
		*high = lead == 0xed ? 0x9f : 0xbf;
		return 2;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*low = lead == 0xf0 ? 0x90 : 0x80;
		*high = lead == 0xf4 ? 0x8f : 0xbf;
		return 3;
	}
	return 0;
}

size_t utf8_length(const char *bytes, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t lead = (uint8_t)bytes[i], low, high;
		size_t follow;

		if (lead > 0 && lead < 0x80) {
			i++;
			continue;
		}
		follow = utf8_follow(lead, &low, &high);
		if (!follow || n - i <= follow || (uint8_t)bytes[i + 1] < low || (uint8_t)bytes[i + 1] > high)
			return i;
		for (size_t k = 2; k <= follow; k++) {
			if (((uint8_t)bytes[i + k] & 0xc0) != 0x80)
				return i;
		}
		i += 1 + follow;
	}
	return n;
}
