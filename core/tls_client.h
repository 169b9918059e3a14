/*
 * TLS as a client, for every probe type: the options, and what connections with equal options share (SSL_CTX,
 * X509_STORE). Verification never goes unrecorded: struct tls_facts has the server's certificates and the verdict also
 * when the handshake ends because of it.
 *
 * Like Go: at least TLS 1.2 unless asked for less; names are looked for in subjectAltName only; whatever is in ca_file
 * is trusted, also what another authority has signed. No session is resumed: each handshake is a whole one.
 *
 * One struct tls_clients a worker; probe types get it as the service tls_service (probes/tls_service.h).
 */
#ifndef NETSONDE_CORE_TLS_CLIENT_H
#define NETSONDE_CORE_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/option.h"
#include "core/tls_facts.h"

struct ssl_ctx_st;
struct ssl_st;
struct tls_client;
struct tls_clients;

/* --- options ------------------------------------------------------------------------------------------------------ */

/* A member of the settings of every type that can speak TLS. */
struct tls_settings {
	bool is_verifying;
	char *ca_file, *ca; /* one of them at most; neither: the authorities that this machine trusts */
	char *cert_file, *cert;
	char *key_file, *key;
	char *server_name;    /* NULL: the host of the target */
	int minimum, maximum; /* enum tls_version */
};

enum tls_version { TLS_VERSION_DEFAULT, TLS_VERSION_10, TLS_VERSION_11, TLS_VERSION_12, TLS_VERSION_13 };
extern const char *const tls_version_words[]; /* "default", "tls1.0", ...; NULL-terminated */

#define TLS_CLIENT_AT(type, member) .offset = offsetof(type, member)

/* The rows of an option table: TLS_CLIENT_OPTIONS(struct tcp_settings, tls), with tls the struct tls_settings. to be
 * followed by a comma. */
#define TLS_CLIENT_OPTIONS(type, tls)                                                                                  \
	{"tls_verify", OPTION_BOOLEAN, TLS_CLIENT_AT(type, tls.is_verifying), .fallback = "true",                      \
	 .help = "A certificate that does not verify ends the run with the reason tls_verify. Its facts are there "    \
		 "either way"},                                                                                        \
		{"tls_ca_file", OPTION_TEXT, TLS_CLIENT_AT(type, tls.ca_file),                                         \
		 .help = "File with the certificates to trust (PEM), instead of those that this machine trusts. "      \
			 "Changes are seen within a second, as with the other TLS files"},                             \
		{"tls_ca", OPTION_TEXT, TLS_CLIENT_AT(type, tls.ca), .help = "The same as text"},                      \
		{"tls_cert_file", OPTION_TEXT, TLS_CLIENT_AT(type, tls.cert_file),                                     \
		 .help = "File with the certificate to show to servers (PEM), and its chain"},                         \
		{"tls_cert", OPTION_TEXT, TLS_CLIENT_AT(type, tls.cert), .help = "The same as text"},                  \
		{"tls_key_file", OPTION_TEXT, TLS_CLIENT_AT(type, tls.key_file),                                       \
		 .help = "File with the key of that certificate (PEM, without a passphrase)"},                         \
		{"tls_key", OPTION_SECRET, TLS_CLIENT_AT(type, tls.key),                                               \
		 .help = "The same as text. Better in a file: tls_key_file"},                                          \
		{"tls_server_name", OPTION_TEXT, TLS_CLIENT_AT(type, tls.server_name),                                 \
		 .help = "Name to ask for and to verify, instead of the host of the target"},                          \
		{"tls_min_version",                                                                                    \
		 OPTION_CHOICE,                                                                                        \
		 TLS_CLIENT_AT(type, tls.minimum),                                                                     \
		 .fallback = "default",                                                                                \
		 .choices = tls_version_words,                                                                         \
		 .help = "Oldest version to speak. default: tls1.2"},                                                  \
	{                                                                                                              \
		"tls_max_version", OPTION_CHOICE, TLS_CLIENT_AT(type, tls.maximum),                                    \
			.fallback = "default", .choices = tls_version_words,                                           \
			.help = "Newest version to speak. default: the newest there is"                                \
	}

/* Rules between these options, and whether texts are PEM; pure, for probe_type.check. -1 with err. */
int tls_settings_check(const struct tls_settings *settings, struct err *err);

/* --- clients ------------------------------------------------------------------------------------------------------ */

struct tls_clients *tls_clients_create(void);       /* never fails; reads nothing yet */
void tls_clients_free(struct tls_clients *clients); /* all must be closed; NULL is harmless */

/* What settings make, shared with everybody whose settings are equal. Never fails: files are read when they are first
 * needed, and read again when they have changed (looked at once a second at most); the last good ones are kept.
 * settings are copied. */
struct tls_client *tls_client_open(struct tls_clients *clients, const struct tls_settings *settings);
void tls_client_close(struct tls_client *client); /* connections under way are not disturbed; NULL is harmless */

/* A client's end of a connection that is still to be made (no descriptor yet); owned by the caller (SSL_free). Asks for
 * host (SNI, unless it is an address) and verifies it; asks for an OCSP staple. host: settings' server_name goes before
 * it. facts are filled during the handshake; borrowed until SSL_free. Further settings (ALPN) are the caller's.
 * NULL with err when the files cannot be used: "tls_ca_file: /etc/ca.pem: cannot open: No such file or directory". */
struct ssl_st *tls_client_make(struct tls_client *client, const char *host, struct tls_facts *facts, struct err *err);

/* The handshake is over, well or not: takes from ssl what was not known before (version, cipher, staple). core/dial
 * calls it; with libcurl it is called from CURLOPT_CLOSESOCKETFUNCTION or after the transfer, with
 * CURLINFO_TLS_SSL_PTR. */
void tls_client_finish(struct ssl_st *ssl, struct tls_facts *facts);

/* For libcurl: sets up the SSL_CTX that CURLOPT_SSL_CTX_FUNCTION gives, which is of one connection: the shared trust,
 * our certificate and key, versions, the verification of host with the same recording. Set CURLOPT_SSL_VERIFYPEER and
 * CURLOPT_SSL_VERIFYHOST to 0 (we verify; curl would load the machine's certificates once a connection), and no
 * CURLOPT_CAINFO and CURLOPT_CAPATH; CURLOPT_SSL_SESSIONID_CACHE to 0. Settings' server_name goes before host, for what
 * is asked for (SNI) too. facts: as above, borrowed as long as the connection lives. 0, or -1 with err. */
int tls_client_equip(struct tls_client *client, struct ssl_ctx_st *context, const char *host, struct tls_facts *facts,
		     struct err *err);

/* OpenSSL's own words for what went wrong last in this thread, without its file names; clears its list. "" = nothing.
 */
void tls_client_explain(char *out, size_t size);

#endif
