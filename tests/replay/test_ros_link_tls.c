/*
 * Who the router is: certificates that verify, one certificate and no other, anonymous Diffie-Hellman. The router is an
 * OpenSSL server at the other end.
 */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include "tests/replay/ros_bench.h"

static struct bench bench;
static SSL_CTX *context;
static SSL *server;
static X509 *certificate;
static char fingerprint[65];

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without asking */
	bench_open(&bench);
	bench.access->uses_tls = true;
}

static void end(void)
{
	SSL_free(server);
	bench_close(&bench);
	SSL_CTX_free(context);
	X509_free(certificate);
}

TestSuite(ros_link_tls, .init = begin, .fini = end);

/* --- the router --------------------------------------------------------------------------------------------------- */

static void add_name(X509 *to, const char *name)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
	cr_assert_eq(X509_add_ext(to, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Signed by itself, for the name given. */
static void serve_certificate(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"router", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	add_name(certificate, name);
	cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	context = SSL_CTX_new(TLS_server_method());
	cr_assert_eq(SSL_CTX_use_certificate(context, certificate), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(context, key), 1);
	EVP_PKEY_free(key);
	X509_digest(certificate, EVP_sha256(), digest, &n);
	for (size_t i = 0; i < n; i++)
		snprintf(fingerprint + 2 * i, 3, "%02x", digest[i]);
}

static void serve_anonymously(void)
{
	context = SSL_CTX_new(TLS_server_method());
	cr_assert_eq(SSL_CTX_set_cipher_list(context, "ADH:@SECLEVEL=0"), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_dh_auto(context, 1), 1);
}

static char *certificate_text(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	PEM_write_bio_X509(bio, certificate);
	long n = BIO_get_mem_data(bio, &bytes);
	char *text = mem_format("%.*s", (int)n, bytes);
	BIO_free(bio);
	return text;
}

/* Accepts a connection and shakes hands; has the router's part gone well? */
static bool secure(void)
{
	int result = -1;
	cr_assert(router_accept(&bench));
	server = SSL_new(context);
	SSL_set_fd(server, bench.peer);
	for (int i = 0; i < 10 && result != 1; i++) {
		result = SSL_accept(server);
		bench_pump();
	}
	return result == 1;
}

static const char *hear(void)
{
	static char bytes[4096];
	size_t n = 0;
	bench_pump();
	if (SSL_read_ex(server, bytes, sizeof(bytes), &n) != 1)
		return "";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)bytes[i] < ' ')
			bytes[i] = ' ';
	bytes[n] = '\0';
	return bytes;
}

static void say(const char *first, const char *second)
{
	struct text said = {0};
	if (second)
		put(&said, first, second);
	else
		put(&said, first);
	cr_assert_eq(SSL_write(server, said.bytes, (int)said.length), (int)said.length);
	text_free(&said);
	bench_pump();
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

static void expect_answer(struct asked *asked)
{
	cr_assert(secure(), "%s", figures_of(&bench).message);
	cr_assert_not_null(strstr(hear(), "/login"));
	say("!done", NULL);
	cr_assert_not_null(strstr(hear(), "/ip/route/print"));
	say("!re", ".tag=256");
	say("!done", ".tag=256");
	cr_assert_eq(asked->end.kind, ROS_END_DONE);
	cr_assert_eq(asked->end.rows, 1);
	cr_assert(figures_of(&bench).is_secured);
	asked_free(asked);
}

static void expect_failure(struct asked *asked, enum reason reason, const char *start)
{
	secure();
	bench_pump();
	cr_assert_str_eq(hear(), "", "a password may have crossed");
	cr_assert_eq(asked->end.kind, ROS_END_LOST);
	cr_assert_str_eq(reason_name(asked->end.reason), reason_name(reason), "%s", asked->message);
	cr_assert_eq(strncmp(asked->message, start, strlen(start)), 0, "%s", asked->message);
	asked_free(asked);
}

static void ask_first(struct asked *asked)
{
	bench_take(&bench);
	ask(&bench, asked, "/ip/route/print");
}

Test(ros_link_tls, a_certificate_that_verifies)
{
	struct asked asked = {0};
	serve_certificate("IP:127.0.0.1");
	bench.access->tls.ca = certificate_text();
	ask_first(&asked);
	expect_answer(&asked);
	cr_assert_not(figures_of(&bench).is_anonymous);
}

Test(ros_link_tls, a_certificate_of_another_name)
{
	struct asked asked = {0};
	serve_certificate("IP:127.0.0.9");
	bench.access->tls.ca = certificate_text();
	ask_first(&asked);
	expect_failure(&asked, REASON_TLS_VERIFY, "certificate: ");
}

Test(ros_link_tls, a_certificate_that_nobody_signed)
{
	struct asked asked = {0};
	serve_certificate("IP:127.0.0.1");
	ask_first(&asked);
	expect_failure(&asked, REASON_TLS_VERIFY, "certificate: ");
}

Test(ros_link_tls, a_certificate_that_nobody_looks_at)
{
	struct asked asked = {0};
	serve_certificate("DNS:somebody");
	bench.access->tls.is_verifying = false;
	ask_first(&asked);
	expect_answer(&asked);
}

Test(ros_link_tls, one_certificate_and_no_other)
{
	struct asked asked = {0};
	serve_certificate("DNS:somebody");
	bench.access->fingerprint = mem_format("SHA256:%.2s:%s", fingerprint, fingerprint + 2);
	ask_first(&asked);
	expect_answer(&asked);
}

Test(ros_link_tls, another_certificate_than_the_one)
{
	struct asked asked = {0};
	char wanted[100];
	serve_certificate("IP:127.0.0.1");
	bench.access->fingerprint = mem_copy_string(fingerprint);
	bench.access->fingerprint[5] = fingerprint[5] == '0' ? '1' : '0';
	snprintf(wanted, sizeof(wanted), "certificate: its SHA-256 is %s", fingerprint);
	ask_first(&asked);
	expect_failure(&asked, REASON_TLS_VERIFY, wanted);
}

Test(ros_link_tls, anonymous)
{
	struct asked asked = {0};
	serve_anonymously();
	bench.access->is_anonymous = true;
	ask_first(&asked);
	expect_answer(&asked);
	cr_assert(figures_of(&bench).is_anonymous);
}

Test(ros_link_tls, anonymous_is_not_for_routers_with_a_certificate)
{
	struct asked asked = {0};
	serve_certificate("IP:127.0.0.1");
	bench.access->is_anonymous = true;
	ask_first(&asked);
	expect_failure(&asked, REASON_TLS_HANDSHAKE, "TLS: ");
	cr_assert_not_null(strstr(asked.message, "has the router a certificate?"), "%s", asked.message);
}

Test(ros_link_tls, nobody_becomes_anonymous_by_himself)
{
	struct asked asked = {0};
	serve_anonymously();
	bench.access->tls.is_verifying = false;
	ask_first(&asked);
	expect_failure(&asked, REASON_TLS_HANDSHAKE, "TLS: ");
	cr_assert_not_null(strstr(asked.message, "tls_anonymous"), "%s", asked.message);
}

Test(ros_link_tls, no_tls_at_the_port)
{
	struct asked asked = {0};
	static const char banner[] = "220 mail.example ESMTP\r\n";
	bench.access->is_anonymous = true;
	ask_first(&asked);
	cr_assert(router_accept(&bench));
	router_send(&bench, banner, sizeof(banner) - 1);
	cr_assert_eq(asked.end.reason, REASON_TLS_HANDSHAKE, "%s", asked.message);
	asked_free(&asked);
}

Test(ros_link_tls, a_handshake_that_does_not_end)
{
	struct asked asked = {0};
	ask_first(&asked);
	cr_assert(router_accept(&bench));
	bench_advance(5 * SECOND);
	cr_assert_eq(asked.end.reason, REASON_TIMEOUT);
	cr_assert_str_eq(asked.message, "the TLS handshake has not ended within 5 s");
	asked_free(&asked);
}

Test(ros_link_tls, files_that_are_not_there)
{
	struct asked asked = {0};
	bench.access->tls.ca_file = mem_copy_string("/nowhere/ca.pem");
	ask_first(&asked);
	bench_pump();
	cr_assert_eq(asked.end.reason, REASON_LOCAL);
	cr_assert_str_eq(asked.message, "tls_ca_file: /nowhere/ca.pem: cannot open: No such file or directory");
	asked_free(&asked);
}
