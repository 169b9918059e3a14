#include "core/tls_facts.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"

/* What the clocks of servers may differ by. */
#define CLOCK_TOLERANCE_SECONDS 300

/* --- measures ----------------------------------------------------------------------------------------------------- */

enum { IS_VERIFIED, VERIFY_ERROR, EARLIEST_EXPIRY, CHAIN_EXPIRY, CERTIFICATES, OCSP_STAPLED, OCSP_STATUS };

static const struct measure tls_measures[] = {
	[IS_VERIFIED] =
		{"is_verified", MEASURE_INTEGER,
		 "1 if the certificate is good: its chain, its time and its name; whether or not that was demanded"},
	[VERIFY_ERROR] = {"verify_error", MEASURE_TEXT, "Why the certificate is not good, in the words of OpenSSL"},
	[EARLIEST_EXPIRY] = {"earliest_expiry_timestamp_seconds", MEASURE_GAUGE,
			     "When the first of the certificates that the server sent expires"},
	[CHAIN_EXPIRY] = {"chain_expiry_timestamp_seconds", MEASURE_GAUGE,
			  "When the first certificate of the verified chain expires; absent when there is none"},
	[CERTIFICATES] = {"certificates", MEASURE_INTEGER, "Certificates that the server sent"},
	[OCSP_STAPLED] = {"ocsp_stapled", MEASURE_INTEGER, "1 if the server sent an OCSP response along"},
	[OCSP_STATUS] =
		{"ocsp_status", MEASURE_TEXT,
		 "What that says of the certificate: good, revoked, unknown, expired, malformed. Its signature is "
		 "not verified"},
};
const struct measure_set tls_set = {
	.name = "tls",
	.measures = tls_measures,
	.n = sizeof(tls_measures) / sizeof(*tls_measures),
	.help = "One row for a run that got a certificate",
};

static const struct measure connection_measures[] = {
	{"info", MEASURE_INFO, "What was agreed on"},
};
static const char *const connection_labels[] = {"version", "cipher", NULL};
const struct measure_set tls_connection_set = {
	.name = "tls_connection",
	.measures = connection_measures,
	.n = 1,
	.label_names = connection_labels,
	.help = "Version of TLS, and the cipher by its name in IANA's list",
};

enum { NOT_BEFORE, NOT_AFTER, LEAF_INFO };

static const struct measure certificate_measures[] = {
	[NOT_BEFORE] = {"not_before_timestamp_seconds", MEASURE_GAUGE, "From when on the certificate is valid"},
	[NOT_AFTER] = {"not_after_timestamp_seconds", MEASURE_GAUGE, "When the certificate expires"},
	[LEAF_INFO] = {"info", MEASURE_INFO, "Who the certificate of the server is for, and by whom"},
};
static const char *const certificate_labels[] = {
	"position", "fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber", NULL,
};
const struct measure_set tls_certificate_set = {
	.name = "tls_certificate",
	.measures = certificate_measures,
	.n = sizeof(certificate_measures) / sizeof(*certificate_measures),
	.label_names = certificate_labels,
	.help = "A row for each certificate that the server sent, by position (0 is its own), at most 8; and one with "
		"what "
		"its own says (labels other than position)",
};

/* --- certificates ------------------------------------------------------------------------------------------------- */

void tls_facts_clear(struct tls_facts *facts)
{
	mem_free(facts->subject);
	mem_free(facts->issuer);
	mem_free(facts->alternative);
	mem_free(facts->serial);
	*facts = (struct tls_facts){0};
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm broken = {0};
	return time && ASN1_TIME_to_tm(time, &broken) == 1 ? (int64_t)timegm(&broken) : 0;
}

static int64_t earliest_expiry(STACK_OF(X509) * certificates)
{
	int64_t earliest = INT64_MAX;
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		int64_t expiry = seconds_of(X509_get0_notAfter(sk_X509_value(certificates, i)));
		earliest = expiry < earliest ? expiry : earliest;
	}
	return earliest;
}

static char *print_name(const X509_NAME *name)
{
	struct text text = {.ceiling = TLS_FACTS_TEXT_MAX};
	tls_facts_print_name(name, &text);
	return text_take(&text);
}

/* What is no host name in ASCII would be refused by Go. */
static void add_host_name(struct text *out, const ASN1_STRING *name)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(name);
	if (out->length > 0)
		text_add_char(out, ',');
	for (int i = 0; i < ASN1_STRING_length(name); i++) {
		bool is_plain = bytes[i] > ' ' && bytes[i] < 0x7f;
		text_add_char(out, is_plain ? (char)bytes[i] : '?');
	}
}

static char *print_alternative(const X509 *leaf)
{
	struct text text = {.ceiling = TLS_FACTS_TEXT_MAX};
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			add_host_name(&text, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	return text_take(&text);
}

static void add_hex(struct text *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_add_format(out, "%02x", bytes[i]);
}

/* Whole bytes, without zero bytes in front, as "%x" of Go's big.Int.Bytes(). */
static char *print_serial(const ASN1_INTEGER *serial)
{
	struct text text = {.ceiling = TLS_FACTS_TEXT_MAX};
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	size_t n = (size_t)ASN1_STRING_length(serial);
	while (n > 0 && *bytes == 0) {
		bytes++;
		n--;
	}
	add_hex(&text, bytes, n);
	return text_take(&text);
}

static void take_leaf(struct tls_facts *facts, const X509 *leaf)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	facts->subject = print_name(X509_get_subject_name(leaf));
	facts->issuer = print_name(X509_get_issuer_name(leaf));
	facts->alternative = print_alternative(leaf);
	facts->serial = print_serial(X509_get0_serialNumber(leaf));
	if (X509_digest(leaf, EVP_sha256(), digest, &n) != 1)
		return;
	for (unsigned i = 0; i < n && i < 32; i++)
		snprintf(facts->fingerprint_sha256 + (size_t)2 * i, 3, "%02x", digest[i]);
}

static void take_periods(struct tls_facts *facts, STACK_OF(X509) * sent)
{
	int n = sk_X509_num(sent);
	facts->ncertificates = (size_t)n;
	facts->earliest_expiry_seconds = earliest_expiry(sent);
	for (int i = 0; i < n && i < TLS_FACTS_CERTIFICATES_MAX; i++) {
		const X509 *one = sk_X509_value(sent, i);
		facts->certificates[i].not_before_seconds = seconds_of(X509_get0_notBefore(one));
		facts->certificates[i].not_after_seconds = seconds_of(X509_get0_notAfter(one));
	}
}

void tls_facts_take_certificates(struct tls_facts *facts, struct stack_st_X509 *sent, long verify_code,
				 struct stack_st_X509 *chain)
{
	tls_facts_clear(facts);
	if (sk_X509_num(sent) <= 0)
		return;
	facts->has_certificates = true;
	facts->is_verified = verify_code == X509_V_OK;
	if (!facts->is_verified)
		snprintf(facts->verify_error, sizeof(facts->verify_error), "%s",
			 X509_verify_cert_error_string(verify_code));
	take_periods(facts, sent);
	take_leaf(facts, sk_X509_value(sent, 0));
	if (facts->is_verified && sk_X509_num(chain) > 0) {
		facts->has_chain = true;
		facts->chain_expiry_seconds = earliest_expiry(chain);
	}
	ERR_clear_error();
}

void tls_facts_take_verification(struct tls_facts *facts, struct x509_store_ctx_st *store, bool is_demanded)
{
	STACK_OF(X509) *chain = is_demanded ? X509_STORE_CTX_get0_chain(store) : NULL;
	tls_facts_take_certificates(facts, X509_STORE_CTX_get0_untrusted(store), X509_STORE_CTX_get_error(store),
				    chain);
	facts->is_demanded = is_demanded;
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

const char *tls_facts_version_name(int version)
{
	switch (version) {
	case TLS1_VERSION:
		return "TLS 1.0";
	case TLS1_1_VERSION:
		return "TLS 1.1";
	case TLS1_2_VERSION:
		return "TLS 1.2";
	case TLS1_3_VERSION:
		return "TLS 1.3";
	default:
		return "unknown";
	}
}

static const char *certificate_status(OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *since = NULL, *until = NULL;
	int status = OCSP_single_get0_status(single, NULL, NULL, &since, &until);
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return "revoked";
	if (OCSP_check_validity(since, until, CLOCK_TOLERANCE_SECONDS, -1) != 1)
		return "expired";
	return status == V_OCSP_CERTSTATUS_GOOD ? "good" : "unknown";
}

static bool is_about(OCSP_SINGLERESP *single, const char *serial)
{
	ASN1_INTEGER *number = NULL;
	OCSP_id_get0_info(NULL, NULL, NULL, &number, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
	char *printed = number ? print_serial(number) : NULL;
	bool is_same = printed && strcmp(printed, serial) == 0;
	mem_free(printed);
	return is_same;
}

/* serial: of the leaf. */
static const char *basic_status(OCSP_BASICRESP *basic, const char *serial)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		if (is_about(single, serial))
			return certificate_status(single);
	}
	return "unknown";
}

static const char *staple_status(const unsigned char *bytes, long n, const char *serial)
{
	const char *status = "malformed";
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, n);
	OCSP_BASICRESP *basic = NULL;
	if (response && OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		status = "unknown";
	else if (response && (basic = OCSP_response_get1_basic(response)) != NULL)
		status = basic_status(basic, serial ? serial : "");
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return status;
}

static void take_staple(struct tls_facts *facts, SSL *ssl)
{
	const unsigned char *bytes = NULL;
	long n = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
	facts->is_ocsp_stapled = bytes && n > 0;
	facts->is_ocsp_known = facts->is_ocsp_stapled || SSL_is_init_finished(ssl);
	if (facts->is_ocsp_stapled)
		facts->ocsp_status = staple_status(bytes, n, facts->serial);
}

void tls_facts_take_connection(struct tls_facts *facts, struct ssl_st *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	if (!cipher)
		cipher = SSL_get_pending_cipher(ssl);
	if (cipher) {
		facts->version = tls_facts_version_name(SSL_version(ssl));
		facts->cipher = SSL_CIPHER_standard_name(cipher);
	}
	take_staple(facts, ssl);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static struct row summary_row(const struct tls_facts *facts, struct tls_facts_rows *storage)
{
	struct reading *readings = storage->summary;
	size_t n = 0;
	readings[n++] = reading_integer(IS_VERIFIED, facts->is_verified);
	if (!facts->is_verified)
		readings[n++] = reading_text(VERIFY_ERROR, facts->verify_error);
	readings[n++] = reading_number(EARLIEST_EXPIRY, (double)facts->earliest_expiry_seconds);
	if (facts->has_chain)
		readings[n++] = reading_number(CHAIN_EXPIRY, (double)facts->chain_expiry_seconds);
	readings[n++] = reading_integer(CERTIFICATES, (int64_t)facts->ncertificates);
	if (facts->is_ocsp_known)
		readings[n++] = reading_integer(OCSP_STAPLED, facts->is_ocsp_stapled);
	if (facts->ocsp_status)
		readings[n++] = reading_text(OCSP_STATUS, facts->ocsp_status);
	return (struct row){.set = &tls_set, .readings = readings, .n = n};
}

static struct row connection_row(const struct tls_facts *facts, struct tls_facts_rows *storage)
{
	storage->connection_labels[0] = (struct label){"version", facts->version};
	storage->connection_labels[1] = (struct label){"cipher", facts->cipher};
	storage->connection[0] = reading_integer(0, 1);
	return (struct row){.set = &tls_connection_set,
			    .labels = storage->connection_labels,
			    .nlabels = 2,
			    .readings = storage->connection,
			    .n = 1};
}

static struct row leaf_row(const struct tls_facts *facts, struct tls_facts_rows *storage)
{
	storage->leaf_labels[0] = (struct label){"fingerprint_sha256", facts->fingerprint_sha256};
	storage->leaf_labels[1] = (struct label){"subject", facts->subject};
	storage->leaf_labels[2] = (struct label){"issuer", facts->issuer};
	storage->leaf_labels[3] = (struct label){"subjectalternative", facts->alternative};
	storage->leaf_labels[4] = (struct label){"serialnumber", facts->serial};
	storage->leaf[0] = reading_integer(LEAF_INFO, 1);
	return (struct row){.set = &tls_certificate_set,
			    .labels = storage->leaf_labels,
			    .nlabels = 5,
			    .readings = storage->leaf,
			    .n = 1};
}

static struct row position_row(const struct tls_facts *facts, size_t i, struct tls_facts_rows *storage)
{
	snprintf(storage->positions[i], sizeof(storage->positions[i]), "%u", (unsigned)i % 100);
	storage->position_labels[i] = (struct label){"position", storage->positions[i]};
	storage->periods[i][0] = reading_number(NOT_BEFORE, (double)facts->certificates[i].not_before_seconds);
	storage->periods[i][1] = reading_number(NOT_AFTER, (double)facts->certificates[i].not_after_seconds);
	return (struct row){.set = &tls_certificate_set,
			    .labels = &storage->position_labels[i],
			    .nlabels = 1,
			    .readings = storage->periods[i],
			    .n = 2};
}

size_t tls_facts_make_rows(const struct tls_facts *facts, struct tls_facts_rows *storage, struct row *out)
{
	size_t n = 0;
	if (facts->has_certificates)
		out[n++] = summary_row(facts, storage);
	if (facts->version && facts->cipher)
		out[n++] = connection_row(facts, storage);
	if (!facts->has_certificates)
		return n;
	for (size_t i = 0; i < facts->ncertificates && i < TLS_FACTS_CERTIFICATES_MAX; i++)
		out[n++] = position_row(facts, i, storage);
	out[n++] = leaf_row(facts, storage);
	return n;
}
