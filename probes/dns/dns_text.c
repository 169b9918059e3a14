#include "probes/dns/dns_text.h"

#include <ldns/ldns.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/wire.h"

/* --- types and classes -------------------------------------------------------------------------------------------- */

/* ldns knows a type when its descriptor has a name. */
static const char *type_name(unsigned type)
{
	const ldns_rr_descriptor *descriptor = ldns_rr_descript((uint16_t)type);
	if (type == LDNS_RR_TYPE_ANY)
		return "ANY";
	return descriptor ? descriptor->_name : NULL;
}

/* Types without a format of their own: their data is opaque (RFC 3597). */
static bool is_opaque(unsigned type)
{
	const char *name = type_name(type);
	return !name || !strncmp(name, "TYPE", 4);
}

void dns_text_add_type(struct text *out, unsigned type)
{
	if (is_opaque(type))
		text_add_format(out, "TYPE%u", type);
	else
		text_add(out, type_name(type));
}

void dns_text_add_class(struct text *out, unsigned class)
{
	static const struct {
		unsigned class;
		const char *name;
	} known[] = {{1, "IN"}, {2, "CS"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].class == class) {
			text_add(out, known[i].name);
			return;
		}
	}
	text_add_format(out, "CLASS%u", class);
}

/* --- names and texts ---------------------------------------------------------------------------------------------- */

static void add_byte(struct text *out, uint8_t byte, const char *special)
{
	if (byte < ' ' || byte > '~')
		text_add_format(out, "\\%03u", byte);
	else if (strchr(special, byte))
		text_add_format(out, "\\%c", byte);
	else
		text_add_char(out, (char)byte);
}

/* Where in a name (offset) the longest end begins that the question has, too, letter for letter; size: nowhere. */
static size_t find_shared_end(const uint8_t *bytes, size_t size, const struct dns_text_case *letters)
{
	for (size_t at = 0; at < size && bytes[at]; at += bytes[at] + 1u) {
		size_t n = size - at;
		if (n > letters->size || memcmp(bytes + at, letters->sent + letters->size - n, n) != 0)
			continue;
		/* The same bytes may be the end of one label of the question. */
		size_t begin = 0;
		while (begin < letters->size - n)
			begin += letters->sent[begin] + 1u;
		if (begin == letters->size - n)
			return at;
	}
	return size;
}

/* Uncompressed, as ldns keeps names. */
static void add_name(struct text *out, const uint8_t *bytes, size_t size, const struct dns_text_case *letters)
{
	uint8_t meant[LDNS_MAX_DOMAINLEN + 1];
	if (letters && size <= sizeof(meant)) {
		size_t at = find_shared_end(bytes, size, letters);
		memcpy(meant, bytes, size);
		memcpy(meant + at, letters->meant + letters->size - (size - at), size - at);
		bytes = meant;
	}
	struct wire wire = wire_reader(bytes, size);
	uint8_t length = wire_read_u8(&wire);
	if (!length)
		text_add_char(out, '.');
	while (length && !wire.failed) {
		for (uint8_t i = 0; i < length; i++)
			add_byte(out, wire_read_u8(&wire), ". '@;()\"\\");
		text_add_char(out, '.');
		length = wire_read_u8(&wire);
	}
}

static void add_quoted(struct text *out, const uint8_t *bytes, size_t size)
{
	text_add_char(out, '"');
	for (size_t i = 0; i < size; i++)
		add_byte(out, bytes[i], "\"\\");
	text_add_char(out, '"');
}

static void add_hex(struct text *out, const uint8_t *bytes, size_t size, bool is_upper)
{
	for (size_t i = 0; i < size; i++)
		text_add_format(out, is_upper ? "%02X" : "%02x", bytes[i]);
}

/* RFC 4648 section 7, without padding. */
static void add_base32(struct text *out, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	unsigned bits = 0, value = 0;
	for (size_t i = 0; i < size; i++) {
		value = value << 8 | bytes[i];
		for (bits += 8; bits >= 5; bits -= 5)
			text_add_char(out, digits[value >> (bits - 5) & 31]);
		value &= (1U << bits) - 1;
	}
	if (bits)
		text_add_char(out, digits[value << (5 - bits) & 31]);
}

/* --- lists of types (NSEC, CSYNC) --------------------------------------------------------------------------------- */

static void add_window(struct text *out, unsigned window, const uint8_t *map, size_t size, const char **blank)
{
	for (size_t bit = 0; bit < size * 8; bit++) {
		if (!(map[bit / 8] & 0x80 >> bit % 8))
			continue;
		text_add(out, *blank);
		dns_text_add_type(out, window * 256 + (unsigned)bit);
		*blank = " ";
	}
}

static void add_types(struct text *out, const uint8_t *bytes, size_t size)
{
	struct wire wire = wire_reader(bytes, size);
	const char *blank = "";
	while (wire_left(&wire) >= 2) {
		unsigned window = wire_read_u8(&wire);
		uint8_t length = wire_read_u8(&wire);
		const uint8_t *map = wire_view(&wire, length);
		if (map)
			add_window(out, window, map, length, &blank);
	}
}

/* --- parameters of SVCB and HTTPS (RFC 9460) ---------------------------------------------------------------------- */

static const char *const service_keys[] = {"mandatory", "alpn",     "no-default-alpn", "port", "ipv4hint",
					   "ech",       "ipv6hint", "dohpath",         "ohttp"};
enum service_key { KEY_MANDATORY, KEY_ALPN, KEY_NO_ALPN, KEY_PORT, KEY_IPV4, KEY_ECH, KEY_IPV6, KEY_PATH, KEY_OHTTP };

static void add_service_key(struct text *out, unsigned key)
{
	if (key < sizeof(service_keys) / sizeof(*service_keys))
		text_add(out, service_keys[key]);
	else
		text_add_format(out, "key%u", key);
}

static void add_hints(struct text *out, struct wire *value, enum address_family family)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t size = address_families[family - 1].size;
	for (const char *comma = ""; wire_left(value) >= size; comma = ",") {
		struct address address = {.family = (uint8_t)family};
		wire_read_bytes(value, address.bytes, size);
		text_add_format(out, "%s%s", comma, address_format(&address, text));
	}
}

/* Commas and backslashes within a protocol's name are escaped twice: once for the list, once for the text. */
static void add_protocol(struct text *out, const uint8_t *name, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (name[i] == ',' || name[i] == '\\')
			text_add_format(out, "\\\\\\%03u", name[i]);
		else
			add_byte(out, name[i], "\"; ");
	}
}

static void add_protocols(struct text *out, struct wire *value)
{
	for (const char *comma = ""; wire_left(value); comma = ",") {
		uint8_t length = wire_read_u8(value);
		const uint8_t *name = wire_view(value, length);
		text_add(out, comma);
		if (name)
			add_protocol(out, name, length);
	}
}

static void add_mandatory(struct text *out, struct wire *value)
{
	for (const char *comma = ""; wire_left(value) >= 2; comma = ",") {
		text_add(out, comma);
		add_service_key(out, wire_read_u16(value));
	}
}

static void add_base64(struct text *out, const uint8_t *bytes, size_t size)
{
	char *where = text_reserve(out, (size + 2) / 3 * 4 + 1);
	if (where)
		out->length += (size_t)EVP_EncodeBlock((unsigned char *)where, bytes, (int)size);
}

static void add_service_value(struct text *out, unsigned key, const uint8_t *bytes, size_t size)
{
	struct wire value = wire_reader(bytes, size);
	switch (key) {
	case KEY_MANDATORY:
		add_mandatory(out, &value);
		break;
	case KEY_ALPN:
		add_protocols(out, &value);
		break;
	case KEY_PORT:
		text_add_integer(out, wire_read_u16(&value));
		break;
	case KEY_IPV4:
	case KEY_IPV6:
		add_hints(out, &value, key == KEY_IPV4 ? ADDRESS_IPV4 : ADDRESS_IPV6);
		break;
	case KEY_ECH:
		add_base64(out, bytes, size);
		break;
	default:
		for (size_t i = 0; i < size; i++)
			add_byte(out, bytes[i], "\"; \\");
	}
}

static void add_service(struct text *out, const uint8_t *bytes, size_t size)
{
	struct wire wire = wire_reader(bytes, size);
	for (const char *blank = ""; wire_left(&wire) >= 4; blank = " ") {
		unsigned key = wire_read_u16(&wire);
		uint16_t length = wire_read_u16(&wire);
		const uint8_t *value = wire_view(&wire, length);
		if (!value)
			return;
		text_add(out, blank);
		add_service_key(out, key);
		text_add(out, "=\"");
		add_service_value(out, key, value, length);
		text_add_char(out, '"');
	}
}

/* --- the parts of a record's data --------------------------------------------------------------------------------- */

/* Address prefixes (RFC 3123), the end of each without its zeros. */
static void add_prefixes(struct text *out, const uint8_t *bytes, size_t size)
{
	struct wire wire = wire_reader(bytes, size);
	char text[ADDRESS_TEXT_SIZE];
	for (const char *blank = ""; wire_left(&wire) >= 4; blank = " ") {
		unsigned family = wire_read_u16(&wire), prefix = wire_read_u8(&wire), length = wire_read_u8(&wire);
		bool is_negated = length & 0x80;
		struct address address = {.family = family == ADDRESS_IPV6 ? ADDRESS_IPV6 : ADDRESS_IPV4};
		length &= 0x7f;
		if (length > sizeof(address.bytes))
			return;
		wire_read_bytes(&wire, address.bytes, length);
		text_add_format(out, "%s%s%u:%s/%u", blank, is_negated ? "!" : "", family,
				address_format(&address, text), prefix);
	}
}

static void add_algorithm(struct text *out, ldns_rr_type type, const ldns_rdf *rdf)
{
	const ldns_lookup_table *known = ldns_lookup_by_id(ldns_algorithms, *ldns_rdf_data(rdf));
	if (type == LDNS_RR_TYPE_CERT && known)
		text_add(out, known->name);
	else
		text_add_integer(out, *ldns_rdf_data(rdf));
}

static void add_address(struct text *out, const ldns_rdf *rdf, enum address_family family)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address address = {.family = (uint8_t)family};
	memcpy(address.bytes, ldns_rdf_data(rdf), address_families[family - 1].size);
	text_add(out, address_format(&address, text));
}

/* What ldns prints as miekg does: numbers, times, base64, mnemonics. */
static void add_plain(struct text *out, const ldns_rdf *rdf)
{
	char *text = ldns_rdf2str(rdf);
	if (!text)
		return;
	size_t n = strlen(text);
	while (n && text[n - 1] == ' ')
		n--;
	text_add_bytes(out, text, n);
	free(text);
}

/* Fingerprints and digests are shown in capitals but for those of certificates. */
static bool is_hex_upper(ldns_rr_type type)
{
	return type == LDNS_RR_TYPE_DS || type == LDNS_RR_TYPE_CDS || type == LDNS_RR_TYPE_DLV ||
	       type == LDNS_RR_TYPE_SSHFP || type == LDNS_RR_TYPE_TA;
}

static void add_salt(struct text *out, const uint8_t *data, size_t size)
{
	if (size <= 1)
		text_add_char(out, '-');
	else
		add_hex(out, data + 1, size - 1, true);
}

static void add_part(struct text *out, ldns_rr_type type, const ldns_rdf *rdf, const struct dns_text_case *letters)
{
	const uint8_t *data = ldns_rdf_data(rdf);
	size_t size = ldns_rdf_size(rdf);
	switch ((int)ldns_rdf_get_type(rdf)) {
	case LDNS_RDF_TYPE_DNAME:
		add_name(out, data, size, letters);
		break;
	case LDNS_RDF_TYPE_A:
	case LDNS_RDF_TYPE_AAAA:
		add_address(out, rdf, ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_A ? ADDRESS_IPV4 : ADDRESS_IPV6);
		break;
	case LDNS_RDF_TYPE_APL:
		add_prefixes(out, data, size);
		break;
	case LDNS_RDF_TYPE_ALG:
		add_algorithm(out, type, rdf);
		break;
	case LDNS_RDF_TYPE_STR:
		add_quoted(out, data + 1, size ? size - 1 : 0);
		break;
	case LDNS_RDF_TYPE_LONG_STR:
		add_quoted(out, data, size);
		break;
	case LDNS_RDF_TYPE_HEX:
		add_hex(out, data, size, is_hex_upper(type));
		break;
	case LDNS_RDF_TYPE_NSEC3_SALT:
		add_salt(out, data, size);
		break;
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
		add_base32(out, data + 1, size ? size - 1 : 0);
		break;
	case LDNS_RDF_TYPE_NSEC:
		add_types(out, data, size);
		break;
	case LDNS_RDF_TYPE_SVCPARAMS:
		add_service(out, data, size);
		break;
	default:
		add_plain(out, rdf);
	}
}

static void add_data(struct text *out, const ldns_rr *rr, const struct dns_text_case *letters)
{
	size_t n = ldns_rr_rd_count(rr);
	for (size_t i = 0; i < n; i++) {
		size_t before = out->length;
		if (i)
			text_add_char(out, ' ');
		size_t begun = out->length;
		add_part(out, ldns_rr_get_type(rr), ldns_rr_rdf(rr, i), letters);
		/* An empty list of types or parameters leaves no blank. */
		if (out->length == begun)
			out->length = before;
	}
}

static void add_opaque(struct text *out, const ldns_rr *rr)
{
	size_t n = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		n += ldns_rdf_size(ldns_rr_rdf(rr, i));
	text_add_format(out, "\\# %zu ", n);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		add_hex(out, ldns_rdf_data(ldns_rr_rdf(rr, i)), ldns_rdf_size(ldns_rr_rdf(rr, i)), false);
}

void dns_text_add(struct text *out, const struct ldns_struct_rr *rr, const struct dns_text_case *letters)
{
	unsigned type = ldns_rr_get_type(rr);
	const ldns_rdf *owner = ldns_rr_owner(rr);
	add_name(out, ldns_rdf_data(owner), ldns_rdf_size(owner), letters);
	text_add_format(out, "\t%u\t", ldns_rr_ttl(rr));
	/* miekg writes the class of what it does not know as a number, too. */
	if (is_opaque(type))
		text_add_format(out, "CLASS%u", ldns_rr_get_class(rr));
	else
		dns_text_add_class(out, ldns_rr_get_class(rr));
	text_add_char(out, '\t');
	dns_text_add_type(out, type);
	text_add_char(out, '\t');
	if (is_opaque(type))
		add_opaque(out, rr);
	else
		add_data(out, rr, letters);
}
