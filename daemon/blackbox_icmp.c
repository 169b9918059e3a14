/* The prober icmp of a blackbox.yml: our ping, with one request. */
#include <string.h>

#include "core/text.h"
#include "daemon/blackbox_prober.h"

/* The first bytes of our payload are the secret of the request and the time it was sent. */
#define PAYLOAD_MIN 16

static int read_ttl(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	int64_t ttl;
	if (blackbox_integer(place, &ttl) != 0)
		return -1;
	if (ttl < 0 || ttl > 255)
		return blackbox_refuse(place, "must be between 0 and 255");
	return blackbox_draft_set(place, out, field->option,
				  &(struct option_value){.form = OPTION_WRITTEN_INTEGER, .integer = ttl});
}

static int read_size(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	int64_t size;
	if (blackbox_integer(place, &size) != 0)
		return -1;
	if (size == 0)
		return 0;
	if (size > 0 && size < PAYLOAD_MIN)
		size = PAYLOAD_MIN;
	return blackbox_draft_set(place, out, field->option,
				  &(struct option_value){.form = OPTION_WRITTEN_INTEGER, .integer = size});
}

static int finish(const struct blackbox_place *place, struct blackbox_draft *draft, bool has_block)
{
	(void)has_block;
	return blackbox_set_family(place, draft);
}

static const struct blackbox_field fields[] = {
	{"preferred_ip_protocol", blackbox_read_protocol, NULL, 0},
	{"ip_protocol_fallback", blackbox_read_fallback, NULL, 0},
	{"source_ip_address", blackbox_read_text, "source", 0},
	{"payload_size", read_size, "size", 0},
	{"dont_fragment", blackbox_read_boolean, "dont_fragment", 0},
	{"ttl", read_ttl, "ttl", 0},
};

static const char *const presets[] = {"count", "1", "size", "28", "ttl", "64", NULL};

const struct blackbox_prober blackbox_icmp = {
	.name = "icmp",
	.type = "ping",
	.presets = presets,
	.fields = fields,
	.nfields = sizeof(fields) / sizeof(fields[0]),
	.finish = finish,
};
