#include "core/reverse_wire.h"

#include <stdio.h>
#include <string.h>

#include "core/wire.h"

#define TYPE_CNAME 5
#define TYPE_PTR   12
#define CLASS_IN   1

/* A compressed name may point elsewhere that often, always to before where it stands. */
#define JUMPS_MAX 32
#define LABEL_MAX 63

/* The text of a name while it grows. Once something did not fit, it stays too long. */
struct shown {
	char *text;
	size_t length;
	bool is_too_long;
};

/* --- as it is shown ------------------------------------------------------------------------------------------------
 */

static bool is_plain(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '-' || byte == '_';
}

static void add_byte(struct shown *shown, uint8_t byte, bool is_as_it_is)
{
	size_t n = is_as_it_is ? 1 : 4;
	if (shown->is_too_long || shown->length + n > RESOLVE_NAME_MAX) {
		shown->is_too_long = true;
		return;
	}
	if (is_as_it_is)
		shown->text[shown->length] = (char)byte;
	else
		snprintf(shown->text + shown->length, n + 1, "\\%03u", byte);
	shown->length += n;
}

static bool end_shown(struct shown *shown)
{
	shown->text[shown->length] = '\0';
	return shown->length > 0 && !shown->is_too_long;
}

bool reverse_wire_show(const char *name, char out[RESOLVE_NAME_MAX + 1])
{
	struct shown shown = {.text = out};
	size_t n = strlen(name);
	if (n > 0 && name[n - 1] == '.')
		n--;
	for (size_t i = 0; i < n; i++)
		add_byte(&shown, (uint8_t)name[i], is_plain((uint8_t)name[i]) || name[i] == '.');
	return end_shown(&shown);
}

/* --- names of the reverse zones ------------------------------------------------------------------------------------
 */

void reverse_wire_name(const struct address *address, char out[REVERSE_WIRE_NAME_SIZE])
{
	const uint8_t *bytes = address->bytes;
	static const char digits[] = "0123456789abcdef";
	if (address->family == ADDRESS_IPV4) {
		snprintf(out, REVERSE_WIRE_NAME_SIZE, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1],
			 bytes[0]);
		return;
	}
	for (size_t i = 0; i < 16; i++) {
		char *at = out + 4 * (15 - i);
		at[0] = digits[bytes[i] & 15];
		at[2] = digits[bytes[i] >> 4];
		at[1] = at[3] = '.';
	}
	memcpy(out + 64, "ip6.arpa", sizeof("ip6.arpa"));
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static void read_label(struct wire *wire, size_t n, struct shown *shown)
{
	const uint8_t *label = wire_view(wire, n);
	if (shown->length > 0)
		add_byte(shown, '.', true);
	for (size_t i = 0; label && i < n; i++)
		add_byte(shown, label[i], is_plain(label[i]));
}

/* A name that begins where the cursor stands; the cursor ends somewhere. Each pointer must lead to before where the
 * piece that it ends began, so that it cannot go round. */
static bool read_name(struct wire *wire, struct shown *shown)
{
	size_t began = wire->offset;
	for (int jumps = 0; jumps < JUMPS_MAX && !wire->failed;) {
		uint8_t n = wire_read_u8(wire);
		if (n == 0)
			return !wire->failed;
		if (n <= LABEL_MAX) {
			read_label(wire, n, shown);
			continue;
		}
		size_t to = (size_t)(n & 0x3F) << 8 | wire_read_u8(wire);
		if (n < 0xC0 || to >= began)
			return false;
		wire_seek(wire, to);
		began = to;
		jumps++;
	}
	return false;
}

static void skip_name(struct wire *wire)
{
	while (!wire->failed) {
		uint8_t n = wire_read_u8(wire);
		if (n == 0)
			return;
		wire_skip(wire, n >= 0xC0 ? 1 : n);
		if (n >= 0xC0)
			return;
		if (n > LABEL_MAX)
			wire->failed = true;
	}
}

static bool read_target(struct wire wire, struct reverse_wire_answer *out)
{
	struct shown shown = {.text = out->name};
	return read_name(&wire, &shown) && end_shown(&shown);
}

/* One record of the answer. true: it was a name that can be shown. */
static bool read_record(struct wire *wire, struct reverse_wire_answer *out)
{
	skip_name(wire);
	uint16_t type = wire_read_u16(wire);
	uint16_t class = wire_read_u16(wire);
	uint32_t ttl = wire_read_u32(wire);
	uint16_t length = wire_read_u16(wire);
	struct wire data = *wire;
	wire_skip(wire, length);
	if (wire->failed || class != CLASS_IN || (type != TYPE_CNAME && type != TYPE_PTR))
		return false;
	ttl = ttl > INT32_MAX ? 0 : ttl; /* RFC 2181: as if it were none */
	out->ttl_seconds = ttl < out->ttl_seconds ? ttl : out->ttl_seconds;
	return type == TYPE_PTR && read_target(data, out);
}

bool reverse_wire_read(const uint8_t *bytes, size_t n, struct reverse_wire_answer *out)
{
	struct wire wire = wire_reader(bytes, n);
	*out = (struct reverse_wire_answer){.ttl_seconds = INT32_MAX};
	wire_skip(&wire, 4);
	uint16_t questions = wire_read_u16(&wire);
	uint16_t answers = wire_read_u16(&wire);
	wire_skip(&wire, 4);
	for (unsigned i = 0; i < questions && !wire.failed; i++) {
		skip_name(&wire);
		wire_skip(&wire, 4);
	}
	for (unsigned i = 0; i < answers && !wire.failed; i++) {
		if (read_record(&wire, out))
			return true;
	}
	return false;
}
