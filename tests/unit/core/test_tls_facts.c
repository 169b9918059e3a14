/* Certificates as facts and rows; names exactly as Go prints them: the expected texts are what blackbox_exporter 0.23
 * said about certificates with these names, but where it is noted. */
#include "core/tls_facts.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#define P V_ASN1_PRINTABLESTRING
#define U V_ASN1_UTF8STRING
#define T V_ASN1_T61STRING
#define B V_ASN1_BMPSTRING
#define I V_ASN1_IA5STRING
#define N V_ASN1_NUMERICSTRING

#define C      "2.5.4.6"
#define O      "2.5.4.10"
#define OU     "2.5.4.11"
#define CN     "2.5.4.3"
#define L      "2.5.4.7"
#define ST     "2.5.4.8"
#define STREET "2.5.4.9"
#define PC     "2.5.4.17"
#define SN     "2.5.4.5"
#define EMAIL  "1.2.840.113549.1.9.1"
#define DC     "0.9.2342.19200300.100.1.25"

#define BYTES(text) text, sizeof(text) - 1

struct attribute {
	const char *object;
	int type;
	const char *bytes;
	size_t n;
	bool joins; /* the relative name before it */
};

static const struct {
	struct attribute attributes[10];
	const char *expected;
} names[] = {
	{{{C, P, BYTES("DE"), 0},
	  {O, U, BYTES("Acme, Inc."), 0},
	  {OU, U, BYTES("a"), 0},
	  {OU, U, BYTES("b"), 0},
	  {CN, U, BYTES("x"), 0}},
	 "CN=x,OU=a+OU=b,O=Acme\\, Inc.,C=DE"},
	{{{CN, U, BYTES("first"), 0}, {C, P, BYTES("DE"), 0}, {CN, U, BYTES("last"), 0}}, "CN=last,C=DE"},
	{{{CN, U, BYTES("#hash #inside"), 0}, {O, U, BYTES(" lead and trail "), 0}, {L, U, BYTES(" "), 0}},
	 "CN=\\#hash #inside,O=\\ lead and trail\\ ,L=\\ "},
	{{{CN, U, BYTES("q\"uo+te,s;<x>\\y=z"), 0}}, "CN=q\\\"uo\\+te\\,s\\;\\<x\\>\\\\y=z"},
	{{{C, P, BYTES("DE"), 0}, {O, P, BYTES("multi"), 1}, {CN, U, BYTES("one rdn"), 1}}, "CN=one rdn,O=multi,C=DE"},
	{{{EMAIL, I, BYTES("a@b.c"), 0},
	  {CN, U, BYTES("mail"), 0},
	  {DC, I, BYTES("example"), 0},
	  {DC, I, BYTES("com"), 0}},
	 "CN=mail,0.9.2342.19200300.100.1.25=#1303636f6d,0.9.2342.19200300.100.1.25=#13076578616d706c65,"
	 "1.2.840.113549.1.9.1=#0c056140622e63"},
	{{{SN, U, BYTES("v"), 0},
	  {PC, U, BYTES("v"), 0},
	  {L, U, BYTES("v"), 0},
	  {CN, U, BYTES("v"), 0},
	  {ST, U, BYTES("v"), 0},
	  {O, U, BYTES("v"), 0},
	  {STREET, U, BYTES("v"), 0},
	  {C, U, BYTES("v"), 0},
	  {OU, U, BYTES("v"), 0}},
	 "SERIALNUMBER=v,CN=v,OU=v,O=v,POSTALCODE=v,STREET=v,L=v,ST=v,C=v"},
	{{{STREET, U,
	   BYTES("Stra\xc3\x9f"
		 "e 1"),
	   0},
	  {L, U, BYTES("M\xc3\xbcnchen"), 0}},
	 "STREET=Stra\xc3\x9f"
	 "e 1,L=M\xc3\xbcnchen"},
	/* As newer versions of Go; older ones take the bytes as they are, which are no UTF-8. */
	{{{CN, T, BYTES("latin \xe9t\xe9"), 0}}, "CN=latin \xc3\xa9t\xc3\xa9"},
	{{{CN, B, BYTES("\0b\0m\0p\0 \0\xe4\x20\xac"), 0}}, "CN=bmp \xc3\xa4\xe2\x82\xac"},
	{{{CN, B, BYTES("\0e\0n\0d\0\0"), 0}}, "CN=end"},
	{{{"2.5.4.4", U, BYTES("surname"), 0}, {"2.5.4.42", P, BYTES("given"), 0}, {CN, U, BYTES("ev"), 0}},
	 "CN=ev,2.5.4.42=#1305676976656e,2.5.4.4=#13077375726e616d65"},
	{{{"1.2.3.4.5", U, BYTES("star *"), 0}, {"1.2.3.4.7", N, BYTES("12 3"), 0}},
	 "1.2.3.4.7=#130431322033,1.2.3.4.5=#0c0673746172202a"},
	{{{O, U, BYTES(""), 0}, {CN, U, BYTES(""), 0}, {OU, U, BYTES(""), 0}}, "OU=,O="},
	{{{O, U, BYTES("o1"), 0}, {C, P, BYTES("AA"), 0}, {C, P, BYTES("BB"), 1}, {O, U, BYTES("o2"), 0}},
	 "O=o1+O=o2,C=AA+C=BB"},
	{{{0}}, ""},
	{{{CN, P, BYTES("print*able & more"), 0}}, "CN=print*able & more"},
	{{{CN, U, BYTES("line\nfeed\ttab\x7f"), 0}}, "CN=line\nfeed\ttab\x7f"},
	/* What Go prints as such, or refuses; we cannot, and do not. */
	{{{CN, U, BYTES("nul\0here"), 0}}, "CN=nul\xef\xbf\xbdhere"},
	{{{CN, U, BYTES("bad \xff\xfe utf\xc3"), 0}}, "CN=bad \xef\xbf\xbd\xef\xbf\xbd utf\xef\xbf\xbd"},
	{{{CN, B, BYTES("\xd8\x3d\xde\x00\xd8\x3d\0x"), 0}}, "CN=\xf0\x9f\x98\x80\xef\xbf\xbdx"},
};

static X509_NAME *make_name(const struct attribute *attributes, size_t most)
{
	X509_NAME *name = X509_NAME_new();
	for (size_t i = 0; i < most && attributes[i].object; i++) {
		ASN1_OBJECT *object = OBJ_txt2obj(attributes[i].object, 1);
		X509_NAME_ENTRY *entry = X509_NAME_ENTRY_new();
		X509_NAME_ENTRY_set_object(entry, object);
		/* As it would be read: not converted, not checked. */
		X509_NAME_ENTRY_set_data(entry, attributes[i].type, (const unsigned char *)attributes[i].bytes,
					 (int)attributes[i].n);
		cr_assert_eq(X509_NAME_add_entry(name, entry, -1, attributes[i].joins ? -1 : 0), 1);
		X509_NAME_ENTRY_free(entry);
		ASN1_OBJECT_free(object);
	}
	return name;
}

Test(tls_facts, names_as_go_prints_them)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		X509_NAME *name = make_name(names[i].attributes, 10);
		struct text text = {0};
		tls_facts_print_name(name, &text);
		cr_assert_str_eq(text_string(&text), names[i].expected, "name %zu: \"%s\"", i, text_string(&text));
		text_free(&text);
		X509_NAME_free(name);
	}
}

/* The lengths at which DER changes its form. */
Test(tls_facts, long_values)
{
	static const struct {
		size_t n;
		const char *head;
	} table[] = {{127, "#137f"}, {128, "#138180"}, {255, "#1381ff"}, {256, "#13820100"}, {4096, "#13821000"}};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char value[4097] = "", expected[64];
		struct text text = {0};
		memset(value, 'y', table[i].n);
		struct attribute attribute = {"1.2.3.4", P, value, table[i].n, false};
		X509_NAME *name = make_name(&attribute, 1);
		tls_facts_print_name(name, &text);
		snprintf(expected, sizeof(expected), "1.2.3.4=%s79", table[i].head);
		cr_assert_eq(strncmp(text_string(&text), expected, strlen(expected)), 0, "%zu: %.30s", table[i].n,
			     text_string(&text));
		cr_assert_eq(text.length, strlen(expected) + (table[i].n - 1) * 2);
		text_free(&text);
		X509_NAME_free(name);
	}
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

#define DAY 86400

static X509 *make_certificate(const char *name, long begin, long end, const char *alternative)
{
	static const unsigned char serial[] = {0, 0xff, 0x01};
	X509 *certificate = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ASN1_STRING_set(X509_get_serialNumber(certificate), serial, sizeof(serial));
	ASN1_TIME_set(X509_getm_notBefore(certificate), begin);
	ASN1_TIME_set(X509_getm_notAfter(certificate), end);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name,
				   -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "O", MBSTRING_UTF8,
				   (const unsigned char *)"issuer", -1, -1, 0);
	X509_set_pubkey(certificate, key);
	if (alternative) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	X509_sign(certificate, key, EVP_sha256());
	EVP_PKEY_free(key);
	return certificate;
}

static const struct row *find_row(const struct row *rows, size_t n, const struct measure_set *set, const char *label)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].set == set && (!label || strcmp(rows[i].labels[0].name, label) == 0))
			return &rows[i];
	}
	return NULL;
}

static const struct reading *find_reading(const struct row *row, const char *measure)
{
	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->set->measures[row->readings[i].measure].name, measure) == 0)
			return &row->readings[i];
	}
	return NULL;
}

Test(tls_facts, chain_that_verifies)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	sk_X509_push(sent, make_certificate("leaf", 10 * DAY, 300 * DAY, "DNS:a.example,IP:192.0.2.1,DNS:*.b.example"));
	sk_X509_push(sent, make_certificate("middle", 5 * DAY, 200 * DAY, NULL));
	STACK_OF(X509) *chain = X509_chain_up_ref(sent);
	sk_X509_push(chain, make_certificate("root", 0, 100 * DAY, NULL));
	struct tls_facts facts = {0};
	struct tls_facts_rows storage;
	struct row rows[TLS_FACTS_ROWS_MAX];

	tls_facts_take_certificates(&facts, sent, X509_V_OK, chain);
	facts.version = "TLS 1.3";
	facts.cipher = "TLS_AES_128_GCM_SHA256";
	size_t n = tls_facts_make_rows(&facts, &storage, rows);
	cr_assert_eq(n, 5);
	const struct row *tls = find_row(rows, n, &tls_set, NULL);
	cr_assert_eq(find_reading(tls, "is_verified")->value.integer, 1);
	cr_assert_null(find_reading(tls, "verify_error"));
	cr_assert_null(find_reading(tls, "ocsp_stapled"), "the handshake may not have come so far");
	cr_assert_eq(find_reading(tls, "earliest_expiry_timestamp_seconds")->value.number, 200.0 * DAY);
	cr_assert_eq(find_reading(tls, "chain_expiry_timestamp_seconds")->value.number, 100.0 * DAY);
	cr_assert_eq(find_reading(tls, "certificates")->value.integer, 2);
	const struct row *connection = find_row(rows, n, &tls_connection_set, NULL);
	cr_assert_str_eq(connection->labels[0].value, "TLS 1.3");
	cr_assert_str_eq(connection->labels[1].value, "TLS_AES_128_GCM_SHA256");
	const struct row *position = find_row(rows, n, &tls_certificate_set, "position");
	cr_assert_str_eq(position->labels[0].value, "0");
	cr_assert_eq(find_reading(position, "not_before_timestamp_seconds")->value.number, 10.0 * DAY);
	cr_assert_eq(find_reading(position, "not_after_timestamp_seconds")->value.number, 300.0 * DAY);
	const struct row *leaf = find_row(rows, n, &tls_certificate_set, "fingerprint_sha256");
	cr_assert_eq(strlen(leaf->labels[0].value), 64);
	cr_assert_str_eq(leaf->labels[1].value, "CN=leaf");
	cr_assert_str_eq(leaf->labels[2].value, "O=issuer");
	cr_assert_str_eq(leaf->labels[3].value, "a.example,*.b.example");
	cr_assert_str_eq(leaf->labels[4].value, "ff01");
	tls_facts_clear(&facts);
	cr_assert_eq(tls_facts_make_rows(&facts, &storage, rows), 0);
	sk_X509_pop_free(sent, X509_free);
	sk_X509_pop_free(chain, X509_free);
}

Test(tls_facts, chain_that_does_not)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct tls_facts facts = {.is_demanded = true};
	struct tls_facts_rows storage;
	struct row rows[TLS_FACTS_ROWS_MAX];
	for (int i = 0; i < 12; i++)
		sk_X509_push(sent, make_certificate("one", i * DAY, (i + 1) * DAY, NULL));

	tls_facts_take_certificates(&facts, sent, X509_V_ERR_CERT_HAS_EXPIRED, NULL);
	facts.is_demanded = true;
	cr_assert(tls_facts_blame_certificate(&facts));
	size_t n = tls_facts_make_rows(&facts, &storage, rows);
	cr_assert_eq(n, 1 + TLS_FACTS_CERTIFICATES_MAX + 1);
	const struct row *tls = find_row(rows, n, &tls_set, NULL);
	cr_assert_eq(find_reading(tls, "is_verified")->value.integer, 0);
	cr_assert_str_eq(find_reading(tls, "verify_error")->value.text, "certificate has expired");
	cr_assert_null(find_reading(tls, "chain_expiry_timestamp_seconds"));
	cr_assert_eq(find_reading(tls, "certificates")->value.integer, 12);
	cr_assert_null(find_row(rows, n, &tls_connection_set, NULL));
	tls_facts_clear(&facts);
	sk_X509_pop_free(sent, X509_free);
}

Test(tls_facts, no_certificate)
{
	struct tls_facts facts = {0};
	STACK_OF(X509) *none = sk_X509_new_null();
	tls_facts_take_certificates(&facts, none, X509_V_ERR_UNSPECIFIED, NULL);
	cr_assert_not(facts.has_certificates);
	cr_assert_not(tls_facts_blame_certificate(&facts));
	sk_X509_free(none);
}

Test(tls_facts, versions)
{
	cr_assert_str_eq(tls_facts_version_name(0x0301), "TLS 1.0");
	cr_assert_str_eq(tls_facts_version_name(0x0302), "TLS 1.1");
	cr_assert_str_eq(tls_facts_version_name(0x0303), "TLS 1.2");
	cr_assert_str_eq(tls_facts_version_name(0x0304), "TLS 1.3");
	cr_assert_str_eq(tls_facts_version_name(0x0300), "unknown");
}
