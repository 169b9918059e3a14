/*
 * What a TLS handshake told about the server: one plain struct, and the rows of the sets tls, tls_connection and
 * tls_certificate made of it. Pure but for OpenSSL's decoders.
 */
#ifndef NETSONDE_CORE_TLS_FACTS_H
#define NETSONDE_CORE_TLS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"

struct ssl_st;
struct stack_st_X509;
struct x509_store_ctx_st;
struct X509_name_st;

extern const struct measure_set tls_set;             /* "tls" */
extern const struct measure_set tls_connection_set;  /* "tls_connection" */
extern const struct measure_set tls_certificate_set; /* "tls_certificate" */

/* For the sets of a probe type: static const struct measure_set *const sets[] = {&own_set, TLS_FACTS_SETS, NULL}; */
#define TLS_FACTS_SETS &tls_set, &tls_connection_set, &tls_certificate_set

#define TLS_FACTS_CERTIFICATES_MAX 8
#define TLS_FACTS_TEXT_MAX         4096 /* of each name: what is longer is cut */

/* Zero-initialise; tls_facts_clear frees what it holds and zeroes it. Filled by core/tls_client during the handshake,
 * also when verification fails; plain values from then on (no OpenSSL object is kept). */
struct tls_facts {
	bool has_certificates; /* the server sent some: all of the next group hold */
	bool is_verified;      /* the chain and the name are good, whether or not that was demanded */
	bool is_demanded;      /* verification was asked for */
	bool has_chain;        /* a chain to a trusted certificate was demanded and found: chain_expiry_seconds holds */
	char verify_error[160]; /* OpenSSL's text; "" when verified */
	int64_t earliest_expiry_seconds;
	int64_t chain_expiry_seconds;
	size_t ncertificates; /* as sent, may be more than are kept */
	struct {
		int64_t not_before_seconds, not_after_seconds;
	} certificates[TLS_FACTS_CERTIFICATES_MAX];
	char fingerprint_sha256[65]; /* of the leaf, as the next four; lower-case hex */
	char *subject, *issuer, *alternative, *serial;

	const char *version; /* "TLS 1.3"; NULL until it is agreed on */
	const char *cipher;  /* IANA's name; NULL until it is agreed on */
	bool is_ocsp_known;  /* the handshake came far enough to tell whether there is a staple */
	bool is_ocsp_stapled;
	const char *ocsp_status; /* good, revoked, unknown, expired, malformed, as stapled (its signature is
				  * not verified); NULL without a staple */
};
void tls_facts_clear(struct tls_facts *facts);

/* Was it the certificate that made a handshake fail? Then verify_error says why, and the reason is REASON_TLS_VERIFY.
 */
static inline bool tls_facts_blame_certificate(const struct tls_facts *facts)
{
	return facts->has_certificates && facts->is_demanded && !facts->is_verified;
}

/* --- filling (core/tls_client does it for everybody) -------------------------------------------------------------- */

/* From a verification that is over: what was sent, the verdict (X509_STORE_CTX_get_error), and the chain. */
void tls_facts_take_verification(struct tls_facts *facts, struct x509_store_ctx_st *store, bool is_demanded);
/* The same from what is at hand elsewhere: sent (leaf first), OpenSSL's X509_V_ code, and the verified chain or NULL.
 */
void tls_facts_take_certificates(struct tls_facts *facts, struct stack_st_X509 *sent, long verify_code,
				 struct stack_st_X509 *chain);
/* Version, cipher and OCSP staple, as far as they are known now: during and after the handshake. */
void tls_facts_take_connection(struct tls_facts *facts, struct ssl_st *ssl);

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define TLS_FACTS_ROWS_MAX (3 + TLS_FACTS_CERTIFICATES_MAX)

/* What the rows borrow from; must live until they are used up, as must the facts. */
struct tls_facts_rows {
	struct reading summary[8];
	struct label connection_labels[2];
	struct reading connection[1];
	struct label leaf_labels[5];
	struct reading leaf[1];
	struct label position_labels[TLS_FACTS_CERTIFICATES_MAX];
	struct reading periods[TLS_FACTS_CERTIFICATES_MAX][2];
	char positions[TLS_FACTS_CERTIFICATES_MAX][4];
};

/* Writes up to TLS_FACTS_ROWS_MAX rows to out and returns how many: none when there was no TLS. To be called once for a
 * storage that is not initialised. */
size_t tls_facts_make_rows(const struct tls_facts *facts, struct tls_facts_rows *storage, struct row *out);

/* --- pieces, for tests and for those who show certificates ----------------------------------------------------------
 */

/* A distinguished name exactly as Go's pkix.Name.String() prints one that was parsed: the well-known attributes grouped
 * by kind in the order SERIALNUMBER, CN, OU, O, POSTALCODE, STREET, L, ST, C (several of a kind joined by "+"), then the
 * others in reverse order as OID=#<hex of DER>; escaped as there. Always UTF-8. */
void tls_facts_print_name(const struct X509_name_st *name, struct text *out);

/* "TLS 1.3" of OpenSSL's number; "unknown". */
const char *tls_facts_version_name(int version);

#endif
