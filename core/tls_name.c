/*
 * Distinguished names as Go prints them: crypto/x509/pkix, Name.String and RDNSequence.String.
 */
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#include "core/mem.h"
#include "core/tls_facts.h"
#include "core/utf8.h"

#define REPLACEMENT      0xfffd
#define VALUE_BYTES_MAX  TLS_FACTS_TEXT_MAX
#define OBJECT_TEXT_SIZE 128

/* --- values as UTF-8 ---------------------------------------------------------------------------------------------- */

static void add_code_point(struct text *out, uint32_t c)
{
	/* A C string could not go on behind a NUL. */
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = REPLACEMENT;
	if (c < 0x80) {
		text_add_char(out, (char)c);
		return;
	}
	static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
	unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	char bytes[4] = {(char)(leads[more] | (c >> (6 * more)))};
	for (unsigned i = 1; i <= more; i++)
		bytes[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3f));
	text_add_bytes(out, bytes, more + 1);
}

static void add_latin1(struct text *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_code_point(out, bytes[i]);
}

/* Each byte that begins no character becomes one replacement character, as when Go ranges over a string. */
static void add_utf8(struct text *out, const unsigned char *bytes, size_t n)
{
	const char *rest = (const char *)bytes;
	while (n > 0) {
		size_t good = utf8_length(rest, n);
		text_add_bytes(out, rest, good);
		rest += good;
		n -= good;
		if (n == 0)
			break;
		add_code_point(out, REPLACEMENT);
		rest++;
		n--;
	}
}

/* UTF-16, although the standard says UCS-2; a terminator is left out. */
static void add_bmp(struct text *out, const unsigned char *bytes, size_t n)
{
	if (n >= 2 && bytes[n - 1] == 0 && bytes[n - 2] == 0)
		n -= 2;
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = (uint32_t)bytes[i] << 8 | bytes[i + 1];
		uint32_t low = i + 3 < n ? (uint32_t)bytes[i + 2] << 8 | bytes[i + 3] : 0;
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		}
		add_code_point(out, c);
	}
}

/* What Go does not take it prints nowhere; here it is shown as far as it goes. */
static void add_value(struct text *out, const ASN1_STRING *value)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(value);
	size_t n = (size_t)ASN1_STRING_length(value);
	if (n > VALUE_BYTES_MAX)
		n = VALUE_BYTES_MAX;
	switch (ASN1_STRING_type(value)) {
	case V_ASN1_UTF8STRING:
		add_utf8(out, bytes, n);
		break;
	case V_ASN1_BMPSTRING:
		add_bmp(out, bytes, n);
		break;
	default:
		add_latin1(out, bytes, n);
	}
}

/* --- one attribute ------------------------------------------------------------------------------------------------ */

static bool is_escaped(const char *value, size_t n, size_t i)
{
	if (value[i] == ' ')
		return i == 0 || i == n - 1;
	return (value[i] == '#' && i == 0) || strchr(",+\"\\<>;", value[i]) != NULL;
}

static void add_escaped(struct text *out, const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_escaped(value, n, i))
			text_add_char(out, '\\');
		text_add_char(out, value[i]);
	}
}

/* As Go's encoder takes it: without "*" and "&". */
static bool is_printable(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("'()+,-./ :=?", c) != NULL);
}

/* The DER of the value as Go would write it anew: PrintableString if it can be, else UTF8String. */
static void add_encoded(struct text *out, const char *value, size_t n)
{
	unsigned char head[6] = {V_ASN1_PRINTABLESTRING};
	size_t length = 1;
	for (size_t i = 0; i < n; i++)
		head[0] = is_printable(value[i]) ? head[0] : V_ASN1_UTF8STRING;
	if (n >= 256)
		head[length++] = 0x82;
	else if (n >= 128)
		head[length++] = 0x81;
	if (n >= 256)
		head[length++] = (unsigned char)(n >> 8);
	head[length++] = (unsigned char)n;
	for (size_t i = 0; i < length; i++)
		text_add_format(out, "%02x", head[i]);
	for (size_t i = 0; i < n; i++)
		text_add_format(out, "%02x", (unsigned char)value[i]);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* In the order in which they are printed: the reverse of how Go puts them together. Of the singular ones the last
 * counts, unless it is empty. */
static const struct {
	int nid;
	bool is_single;
	const char *name;
} kinds[] = {
	{NID_serialNumber, true, "SERIALNUMBER"},
	{NID_commonName, true, "CN"},
	{NID_organizationalUnitName, false, "OU"},
	{NID_organizationName, false, "O"},
	{NID_postalCode, false, "POSTALCODE"},
	{NID_streetAddress, false, "STREET"},
	{NID_localityName, false, "L"},
	{NID_stateOrProvinceName, false, "ST"},
	{NID_countryName, false, "C"},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static int nid_of(const X509_NAME_ENTRY *entry)
{
	return OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
}

static bool is_known(int nid)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].nid == nid)
			return true;
	}
	return false;
}

static void add_separator(struct text *out, size_t begin, char separator)
{
	if (out->length > begin)
		text_add_char(out, separator);
}

static void add_several(struct text *out, const X509_NAME *name, size_t kind, size_t begin)
{
	struct text value = {0};
	bool is_first = true;
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		if (nid_of(entry) != kinds[kind].nid)
			continue;
		add_separator(out, begin, is_first ? ',' : '+');
		is_first = false;
		text_clear(&value);
		add_value(&value, X509_NAME_ENTRY_get_data(entry));
		text_add_format(out, "%s=", kinds[kind].name);
		add_escaped(out, value.bytes, value.length);
	}
	text_free(&value);
}

static void add_single(struct text *out, const X509_NAME *name, size_t kind, size_t begin)
{
	struct text value = {0};
	int last = X509_NAME_get_index_by_NID((X509_NAME *)name, kinds[kind].nid, -1), next;
	while (last >= 0 && (next = X509_NAME_get_index_by_NID((X509_NAME *)name, kinds[kind].nid, last)) >= 0)
		last = next;
	if (last >= 0)
		add_value(&value, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (value.length > 0) {
		add_separator(out, begin, ',');
		text_add_format(out, "%s=", kinds[kind].name);
		add_escaped(out, value.bytes, value.length);
	}
	text_free(&value);
}

static void add_others(struct text *out, const X509_NAME *name, size_t begin)
{
	struct text value = {0};
	char object[OBJECT_TEXT_SIZE];
	for (int i = X509_NAME_entry_count(name); i-- > 0;) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		if (is_known(nid_of(entry)))
			continue;
		OBJ_obj2txt(object, sizeof(object), X509_NAME_ENTRY_get_object(entry), 1);
		text_clear(&value);
		add_value(&value, X509_NAME_ENTRY_get_data(entry));
		add_separator(out, begin, ',');
		text_add_format(out, "%s=#", object);
		add_encoded(out, value.bytes, value.length);
	}
	text_free(&value);
}

void tls_facts_print_name(const struct X509_name_st *name, struct text *out)
{
	size_t begin = out->length;
	for (size_t i = 0; i < KINDS; i++)
		(kinds[i].is_single ? add_single : add_several)(out, name, i, begin);
	add_others(out, name, begin);
}
