#include "exporter/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/text.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

struct tls_context {
	SSL_CTX *ssl;
	unsigned holders;
	int64_t expiry_seconds;
	bool is_verifying;            /* a client's certificate must be good, not only there */
	struct web_words client_sans; /* owned */
};

/* OpenSSL's own reason, which it keeps for each thread; the oldest is the cause. */
static int refuse(struct err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	err_set(err, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return -1;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* What is being loaded. */
struct load {
	struct tls_context *context;
	const struct web_tls *tls;
	const char *folder;
	struct err *err;
};

/* A key that needs a passphrase is refused; OpenSSL would ask for it on the terminal. */
static int give_no_passphrase(char *to, int size, int is_writing, void *arg)
{
	(void)to, (void)size, (void)is_writing, (void)arg;
	return -1;
}

/* Has reading certificates ended because there are no more, rather than at one that is damaged or cut? */
static bool is_end_of_pem(void)
{
	unsigned long error = ERR_peek_last_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int load_certificate(const struct load *load, BIO *bytes)
{
	SSL_CTX *ssl = load->context->ssl;
	struct tm end;
	X509 *certificate = PEM_read_bio_X509_AUX(bytes, NULL, give_no_passphrase, NULL);
	if (!certificate)
		return refuse(load->err, "no certificate in PEM form");
	int is_used = SSL_CTX_use_certificate(ssl, certificate);
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
		load->context->expiry_seconds = (int64_t)timegm(&end);
	X509_free(certificate);
	if (is_used != 1)
		return refuse(load->err, "the certificate cannot be used");
	while ((certificate = PEM_read_bio_X509(bytes, NULL, give_no_passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ssl, certificate) == 1)
			continue;
		X509_free(certificate);
		return refuse(load->err, "a certificate of the chain cannot be used");
	}
	if (!is_end_of_pem())
		return refuse(load->err, "a certificate of the chain cannot be read");
	ERR_clear_error();
	return 0;
}

static int load_key(const struct load *load, BIO *bytes)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bytes, NULL, give_no_passphrase, NULL);
	if (!key)
		return refuse(load->err, "no private key in PEM form without a passphrase");
	int is_used = SSL_CTX_use_PrivateKey(load->context->ssl, key);
	EVP_PKEY_free(key);
	return is_used == 1 ? 0 : refuse(load->err, "the key does not fit the certificate");
}

/* Clients are told the names of these authorities, so that they know which certificate to send. */
static int load_client_ca(const struct load *load, BIO *bytes)
{
	SSL_CTX *ssl = load->context->ssl;
	X509 *certificate;
	unsigned n = 0;
	bool is_added = true;
	while (is_added && (certificate = PEM_read_bio_X509(bytes, NULL, give_no_passphrase, NULL)) != NULL) {
		is_added = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), certificate) == 1 &&
			   SSL_CTX_add_client_CA(ssl, certificate) == 1;
		X509_free(certificate);
		n++;
	}
	if (n == 0)
		return refuse(load->err, "no certificate in PEM form");
	if (!is_added)
		return refuse(load->err, "a certificate cannot be used");
	if (!is_end_of_pem())
		return refuse(load->err, "a certificate cannot be read");
	ERR_clear_error();
	return 0;
}

/* Opens a file or a text, and loads what is in it. name: the key of the configuration, without _file. */
static int load_material(const struct load *load, const char *name, const struct web_material *material,
			 int (*use)(const struct load *load, BIO *bytes))
{
	struct text content = {.ceiling = FILE_BYTES_MAX};
	char *path = material->file ? file_resolve(load->folder, material->file) : NULL;
	int result = 0;
	if (path)
		result = file_read_regular(path, &content, load->err);
	else
		text_add(&content, material->text);
	BIO *bytes = result == 0 ? BIO_new_mem_buf(content.bytes ? content.bytes : "", (int)content.length) : NULL;
	if (bytes)
		result = use(load, bytes);
	else if (result == 0)
		result = err_set(load->err, "no memory");
	if (result != 0 && path)
		err_prefix(load->err, "%s", path);
	if (result != 0)
		err_prefix(load->err, "%s%s", name, path ? "_file" : "");
	BIO_free(bytes);
	file_wipe(&content);
	mem_free(path);
	return result;
}

static int load_all(const struct load *load)
{
	const struct web_tls *tls = load->tls;
	if (load_material(load, "cert", &tls->certificate, load_certificate) != 0 ||
	    load_material(load, "key", &tls->key, load_key) != 0)
		return -1;
	if (SSL_CTX_check_private_key(load->context->ssl) != 1)
		return refuse(load->err, "the key does not fit the certificate");
	if (tls->client_ca.file || tls->client_ca.text)
		return load_material(load, "client_ca", &tls->client_ca, load_client_ca);
	/* As with Go: the authorities that this machine trusts. */
	if (load->context->is_verifying && SSL_CTX_set_default_verify_paths(load->context->ssl) != 1)
		return refuse(load->err, "the certificates of this machine cannot be read");
	return 0;
}

/* --- protocol ---------------------------------------------------------------------------------------------------- */

static int version_number(int version)
{
	static const int numbers[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
	return numbers[version - 10];
}

static int set_versions(const struct load *load)
{
	SSL_CTX *ssl = load->context->ssl;
	/* OpenSSL permits no TLS before 1.2 from this level of security on. */
	if (load->tls->minimum < 12)
		SSL_CTX_set_security_level(ssl, 0);
	if (SSL_CTX_set_min_proto_version(ssl, version_number(load->tls->minimum)) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, version_number(load->tls->maximum)) != 1)
		return refuse(load->err, "min_version, max_version");
	return 0;
}

/* The cipher of that name in the standards; those that hide or prove nothing do not count. */
static const SSL_CIPHER *find_cipher(STACK_OF(SSL_CIPHER) * all, const char *name)
{
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
		const char *standard = SSL_CIPHER_standard_name(cipher);
		if (standard && strcmp(standard, name) == 0 && SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null)
			return cipher;
	}
	return NULL;
}

/* TLS 1.3 has a list of its own. */
static int sort_ciphers(const struct load *load, STACK_OF(SSL_CIPHER) * all, struct text *older, struct text *newer)
{
	const struct web_words *wanted = &load->tls->ciphers;
	for (size_t i = 0; i < wanted->n; i++) {
		const SSL_CIPHER *cipher = find_cipher(all, wanted->items[i]);
		if (!cipher)
			return err_set(load->err, "cipher_suites: %s is not known", wanted->items[i]);
		bool is_newer = strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0;
		struct text *list = is_newer ? newer : older;
		text_add_format(list, "%s%s", list->length > 0 ? ":" : "", SSL_CIPHER_get_name(cipher));
	}
	return 0;
}

/* Whoever names ciphers of TLS 1.3 only wants no other version. */
static int apply_ciphers(const struct load *load, struct text *older, struct text *newer)
{
	SSL_CTX *ssl = load->context->ssl;
	bool is_set = true;
	if (newer->length > 0)
		is_set = SSL_CTX_set_ciphersuites(ssl, text_string(newer)) == 1;
	if (older->length > 0)
		is_set = is_set && SSL_CTX_set_cipher_list(ssl, text_string(older)) == 1;
	else
		is_set = is_set && load->tls->maximum >= 13 && SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1;
	return is_set ? 0 : refuse(load->err, "cipher_suites: nothing that can be used with these versions of TLS");
}

static int set_ciphers(const struct load *load)
{
	struct text older = {0}, newer = {0};
	int result = -1;
	if (load->tls->prefers_server_ciphers)
		SSL_CTX_set_options(load->context->ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (load->tls->ciphers.n == 0)
		return 0;
	SSL_CTX *every = SSL_CTX_new(TLS_server_method());
	if (every && SSL_CTX_set_cipher_list(every, "ALL:@SECLEVEL=0") == 1)
		result = sort_ciphers(load, SSL_CTX_get_ciphers(every), &older, &newer);
	else
		refuse(load->err, "cipher_suites");
	if (result == 0)
		result = apply_ciphers(load, &older, &newer);
	SSL_CTX_free(every);
	text_free(&older);
	text_free(&newer);
	return result;
}

static int set_curves(const struct load *load)
{
	static const char *const names[][2] = {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}};
	const struct web_words *wanted = &load->tls->curves;
	struct text list = {0};
	for (size_t i = 0; i < wanted->n; i++) {
		const char *name = wanted->items[i];
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			name = strcmp(name, names[j][0]) == 0 ? names[j][1] : name;
		text_add_format(&list, "%s%s", i > 0 ? ":" : "", name);
	}
	int result = 0;
	if (wanted->n > 0 && SSL_CTX_set1_groups_list(load->context->ssl, text_string(&list)) != 1) {
		result = refuse(load->err, "curve_preferences: there are CurveP256, CurveP384, CurveP521 and X25519");
	}
	text_free(&list);
	return result;
}

/* We speak HTTP/1.1 only; a client that offers nothing we know finds out by itself. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in,
			   unsigned inlen, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&chosen, outlen, ours, sizeof(ours) - 1, in, inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* --- clients' certificates --------------------------------------------------------------------------------------- */

static bool is_text_allowed(const struct web_words *allowed, const char *text, size_t n)
{
	for (size_t i = 0; i < allowed->n; i++) {
		if (strlen(allowed->items[i]) == n && memcmp(allowed->items[i], text, n) == 0)
			return true;
	}
	return false;
}

static bool is_address_allowed(const struct web_words *allowed, const ASN1_OCTET_STRING *address)
{
	char text[INET6_ADDRSTRLEN];
	int length = ASN1_STRING_length(address);
	if (length != 4 && length != 16)
		return false;
	inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text));
	return is_text_allowed(allowed, text, strlen(text));
}

static bool is_name_allowed(const struct web_words *allowed, const GENERAL_NAME *name)
{
	if (name->type == GEN_IPADD)
		return is_address_allowed(allowed, name->d.iPAddress);
	if (name->type != GEN_DNS && name->type != GEN_EMAIL && name->type != GEN_URI)
		return false;
	return is_text_allowed(allowed, (const char *)ASN1_STRING_get0_data(name->d.ia5),
			       (size_t)ASN1_STRING_length(name->d.ia5));
}

static bool has_allowed_name(const struct web_words *allowed, const X509 *certificate)
{
	GENERAL_NAMES *names = certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
	bool is_found = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++)
		is_found = is_name_allowed(allowed, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return is_found;
}

/* In place of OpenSSL's own verification, which some ways of asking for certificates do not want. */
static int verify_client(X509_STORE_CTX *store, void *arg)
{
	const struct tls_context *context = arg;
	if (context->is_verifying && X509_verify_cert(store) != 1)
		return 0;
	if (context->client_sans.n == 0 || has_allowed_name(&context->client_sans, X509_STORE_CTX_get0_cert(store)))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static void copy_words(struct web_words *to, const struct web_words *from)
{
	to->items = mem_zero(from->n, sizeof(*to->items));
	for (; to->n < from->n; to->n++)
		to->items[to->n] = mem_copy_string(from->items[to->n]);
}

/* A session that is resumed would bring no certificate, so there are none when one is wanted. */
static void ask_clients(const struct load *load)
{
	static const int modes[] = {
		[WEB_CLIENT_NONE] = SSL_VERIFY_NONE,
		[WEB_CLIENT_REQUEST] = SSL_VERIFY_PEER,
		[WEB_CLIENT_REQUIRE_ANY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[WEB_CLIENT_VERIFY_IF_GIVEN] = SSL_VERIFY_PEER,
		[WEB_CLIENT_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	SSL_CTX *ssl = load->context->ssl;
	enum web_client_auth auth = load->tls->client_auth;
	load->context->is_verifying = auth == WEB_CLIENT_VERIFY_IF_GIVEN || auth == WEB_CLIENT_REQUIRE;
	copy_words(&load->context->client_sans, &load->tls->client_sans);
	if (auth == WEB_CLIENT_NONE)
		return;
	SSL_CTX_set_verify(ssl, modes[auth], NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify_client, load->context);
	/* As with Go: whatever is in client_ca_file is trusted, also what another authority has signed. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ssl, 0);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int set_up(const struct load *load)
{
	SSL_CTX *ssl = load->context->ssl = SSL_CTX_new(TLS_server_method());
	if (!ssl)
		return refuse(load->err, "OpenSSL cannot be started");
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	ask_clients(load);
	return set_versions(load) != 0 || set_ciphers(load) != 0 || set_curves(load) != 0 ? -1 : load_all(load);
}

struct tls_context *tls_context_create(const struct web_tls *tls, const char *folder, struct err *err)
{
	struct tls_context *context = mem_zero(1, sizeof(*context));
	const struct load load = {context, tls, folder, err};
	context->holders = 1;
	ERR_clear_error();
	if (set_up(&load) == 0)
		return context;
	err_prefix(err, "tls_server_config");
	tls_context_release(context);
	return NULL;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
	context->holders++;
	return context;
}

void tls_context_release(struct tls_context *context)
{
	if (!context || --context->holders > 0)
		return;
	SSL_CTX_free(context->ssl);
	for (size_t i = 0; i < context->client_sans.n; i++)
		mem_free(context->client_sans.items[i]);
	mem_free(context->client_sans.items);
	mem_free(context);
}

struct ssl_st *tls_context_accept(struct tls_context *context)
{
	SSL *ssl = SSL_new(context->ssl);
	ERR_clear_error();
	return ssl;
}

int64_t tls_context_expiry(const struct tls_context *context)
{
	return context->expiry_seconds;
}
