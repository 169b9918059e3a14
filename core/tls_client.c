#include "core/tls_client.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/tls_trust.h"

#define HOST_SIZE 256

const char *const tls_version_words[] = {"default", "tls1.0", "tls1.1", "tls1.2", "tls1.3", NULL};

struct tls_clients {
	struct tls_client *first;
	struct tls_trust *trusts;
};

struct tls_client {
	struct tls_client *next;
	struct tls_clients *clients;
	unsigned holders;
	struct tls_settings settings; /* owned */
	struct tls_trust *trust;
	SSL_CTX *context; /* NULL: not made yet, or never with success */
	struct tls_stamp cert_stamp, key_stamp;
	int64_t looked_ns; /* 0: never */
	struct err err;    /* why there is no context */
	struct log_fault fault;
};

/* --- settings ----------------------------------------------------------------------------------------------------- */

static bool are_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool settings_are_equal(const struct tls_settings *a, const struct tls_settings *b)
{
	return a->is_verifying == b->is_verifying && a->minimum == b->minimum && a->maximum == b->maximum &&
	       are_equal(a->ca_file, b->ca_file) && are_equal(a->ca, b->ca) && are_equal(a->cert_file, b->cert_file) &&
	       are_equal(a->cert, b->cert) && are_equal(a->key_file, b->key_file) && are_equal(a->key, b->key) &&
	       are_equal(a->server_name, b->server_name);
}

static struct tls_settings copy_settings(const struct tls_settings *settings)
{
	struct tls_settings copy = *settings;
	copy.ca_file = mem_copy_string(settings->ca_file);
	copy.ca = mem_copy_string(settings->ca);
	copy.cert_file = mem_copy_string(settings->cert_file);
	copy.cert = mem_copy_string(settings->cert);
	copy.key_file = mem_copy_string(settings->key_file);
	copy.key = mem_copy_string(settings->key);
	copy.server_name = mem_copy_string(settings->server_name);
	return copy;
}

static void free_settings(struct tls_settings *settings)
{
	if (settings->key)
		OPENSSL_cleanse(settings->key, strlen(settings->key));
	mem_free(settings->ca_file);
	mem_free(settings->ca);
	mem_free(settings->cert_file);
	mem_free(settings->cert);
	mem_free(settings->key_file);
	mem_free(settings->key);
	mem_free(settings->server_name);
}

static int minimum_of(const struct tls_settings *settings)
{
	return settings->minimum == TLS_VERSION_DEFAULT ? TLS_VERSION_12 : settings->minimum;
}

static int maximum_of(const struct tls_settings *settings)
{
	return settings->maximum == TLS_VERSION_DEFAULT ? TLS_VERSION_13 : settings->maximum;
}

/* --- contexts ----------------------------------------------------------------------------------------------------- */

static int version_number(int version)
{
	return TLS1_VERSION + (version - TLS_VERSION_10);
}

static int set_versions(SSL_CTX *context, const struct tls_settings *settings, struct err *err)
{
	/* What is probed may be old: as with Go, RSA keys of 1024 bits will do; OpenSSL permits no TLS before 1.2 from
	 * level 1 on. */
	SSL_CTX_set_security_level(context, minimum_of(settings) < TLS_VERSION_12 ? 0 : 1);
	if (SSL_CTX_set_min_proto_version(context, version_number(minimum_of(settings))) != 1 ||
	    SSL_CTX_set_max_proto_version(context, version_number(maximum_of(settings))) != 1)
		return tls_pem_refuse(err, "tls_min_version, tls_max_version");
	return 0;
}

static int load_certificate(void *arg, BIO *bytes, struct err *err)
{
	SSL_CTX *context = arg;
	X509 *certificate = PEM_read_bio_X509_AUX(bytes, NULL, tls_pem_give_no_passphrase, NULL);
	if (!certificate)
		return tls_pem_refuse(err, "no certificate in PEM form");
	int is_used = SSL_CTX_use_certificate(context, certificate);
	X509_free(certificate);
	if (is_used != 1)
		return tls_pem_refuse(err, "the certificate cannot be used");
	while ((certificate = PEM_read_bio_X509(bytes, NULL, tls_pem_give_no_passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(context, certificate) == 1)
			continue;
		X509_free(certificate);
		return tls_pem_refuse(err, "a certificate of the chain cannot be used");
	}
	if (!tls_pem_is_at_end())
		return tls_pem_refuse(err, "a certificate of the chain cannot be read");
	ERR_clear_error();
	return 0;
}

static int load_key(void *arg, BIO *bytes, struct err *err)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bytes, NULL, tls_pem_give_no_passphrase, NULL);
	if (!key)
		return tls_pem_refuse(err, "no private key in PEM form without a passphrase");
	int is_used = SSL_CTX_use_PrivateKey(arg, key);
	EVP_PKEY_free(key);
	return is_used == 1 ? 0 : tls_pem_refuse(err, "the key does not fit the certificate");
}

static int load_identity(SSL_CTX *context, const struct tls_settings *settings, struct err *err)
{
	const struct tls_material certificate = {"tls_cert", settings->cert_file, settings->cert};
	const struct tls_material key = {"tls_key", settings->key_file, settings->key};
	if (!settings->cert_file && !settings->cert)
		return 0;
	if (tls_material_read(&certificate, load_certificate, context, err) != 0)
		return -1;
	return tls_material_read(&key, load_key, context, err);
}

/* The facts are filled whatever the verdict is. A bad certificate that matters ends the handshake here, with the alert
 * that says so: neither a request nor our certificate goes to somebody unknown. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_facts *facts = arg ? arg : SSL_get_app_data(ssl);
	bool is_demanded = facts->is_demanded;
	bool is_good = X509_verify_cert(store) == 1;
	if (!is_good && X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
	tls_facts_take_verification(facts, store, is_demanded);
	tls_facts_take_connection(facts, ssl);
	return is_good || !is_demanded;
}

/* facts NULL: those of the SSL's own. */
static void ask_for_proof(SSL_CTX *context, struct tls_facts *facts)
{
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, facts);
	SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* Servers that do not know of secure renegotiation are talked to; there is none with us. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_LEGACY_SERVER_CONNECT |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static SSL_CTX *make_context(const struct tls_settings *settings, struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (!context) {
		tls_pem_refuse(err, "OpenSSL cannot be started");
		return NULL;
	}
	ask_for_proof(context, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (set_versions(context, settings, err) == 0 && load_identity(context, settings, err) == 0)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static int check_one_of(const char *file, const char *text, const char *name, struct err *err)
{
	return file && text ? err_set(err, "%s_file and %s: only one of them can be", name, name) : 0;
}

static int check_versions(const struct tls_settings *settings, struct err *err)
{
	if (minimum_of(settings) > maximum_of(settings))
		return err_set(err, "tls_max_version (%s) is older than tls_min_version (%s)",
			       tls_version_words[maximum_of(settings)], tls_version_words[minimum_of(settings)]);
	return 0;
}

/* Texts only: files are looked at when they are needed. */
static int check_texts(const struct tls_settings *settings, struct err *err)
{
	const struct tls_settings texts = {.cert = settings->cert, .key = settings->key};
	if (settings->ca && tls_trust_check(settings->ca, err) != 0)
		return -1;
	if (!settings->cert || !settings->key)
		return 0;
	SSL_CTX *context = make_context(&texts, err);
	SSL_CTX_free(context);
	return context ? 0 : -1;
}

int tls_settings_check(const struct tls_settings *settings, struct err *err)
{
	bool has_certificate = settings->cert_file || settings->cert;
	bool has_key = settings->key_file || settings->key;
	if (check_one_of(settings->ca_file, settings->ca, "tls_ca", err) != 0 ||
	    check_one_of(settings->cert_file, settings->cert, "tls_cert", err) != 0 ||
	    check_one_of(settings->key_file, settings->key, "tls_key", err) != 0)
		return -1;
	if (has_certificate != has_key)
		return err_set(err, "a certificate (tls_cert_file, tls_cert) and its key (tls_key_file, tls_key) go "
				    "together");
	return check_versions(settings, err) != 0 ? -1 : check_texts(settings, err);
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

struct tls_clients *tls_clients_create(void)
{
	return mem_zero(1, sizeof(struct tls_clients));
}

void tls_clients_free(struct tls_clients *clients)
{
	mem_free(clients);
}

struct tls_client *tls_client_open(struct tls_clients *clients, const struct tls_settings *settings)
{
	struct tls_client *client = clients->first;
	while (client && !settings_are_equal(&client->settings, settings))
		client = client->next;
	if (!client) {
		client = mem_zero(1, sizeof(*client));
		client->clients = clients;
		client->settings = copy_settings(settings);
		client->trust = tls_trust_hold(&clients->trusts, settings->ca_file, settings->ca);
		client->next = clients->first;
		clients->first = client;
	}
	client->holders++;
	return client;
}

void tls_client_close(struct tls_client *client)
{
	if (!client || --client->holders > 0)
		return;
	struct tls_client **link = &client->clients->first;
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	SSL_CTX_free(client->context);
	tls_trust_release(&client->clients->trusts, client->trust);
	free_settings(&client->settings);
	mem_free(client);
}

static void reload(struct tls_client *client)
{
	struct err err = {0};
	const char *file = client->settings.cert_file;
	SSL_CTX *context = make_context(&client->settings, &err);
	if (!context) {
		client->err = err;
		log_fault_begin(&client->fault, "tls", file, "%s%s", err.text,
				client->context ? "; what was read before stays in force" : "");
		return;
	}
	log_fault_end(&client->fault, "tls", file);
	SSL_CTX_free(client->context);
	client->context = context;
}

/* Certificate and key change one after the other: while they do not fit, the old ones serve. */
static bool has_changed(struct tls_client *client)
{
	bool has_certificate_changed = tls_stamp_has_changed(&client->cert_stamp, client->settings.cert_file);
	return tls_stamp_has_changed(&client->key_stamp, client->settings.key_file) || has_certificate_changed;
}

/* Everything is read and up to date; *store is borrowed. */
static int refresh(struct tls_client *client, X509_STORE **store, struct err *err)
{
	int64_t now_ns = clock_monotonic_ns();
	bool is_first = client->looked_ns == 0;
	if (is_first || now_ns - client->looked_ns >= NS_PER_SECOND) {
		client->looked_ns = now_ns;
		if (has_changed(client) || is_first)
			reload(client);
	}
	if (!client->context)
		return err_set(err, "%s", client->err.text);
	*store = tls_trust_store(client->trust, now_ns, err);
	if (!*store)
		return -1;
	if (SSL_CTX_get_cert_store(client->context) != *store)
		SSL_CTX_set1_cert_store(client->context, *store);
	return 0;
}

/* --- one connection ----------------------------------------------------------------------------------------------- */

/* Without brackets, and without the dot at the end of a full name. */
static void trim_host(const char *host, char out[HOST_SIZE])
{
	size_t n = strlen(host);
	bool is_bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
	if (n > 1 && host[n - 1] == '.')
		n--;
	snprintf(out, HOST_SIZE, "%.*s", (int)(is_bracketed ? n - 2 : n), host + is_bracketed);
}

/* Returns whether the name is one to be asked for: addresses are not (RFC 6066 section 3). */
static bool expect_host(X509_VERIFY_PARAM *param, const char *host)
{
	struct address address;
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (!address_parse(host, &address)) {
		X509_VERIFY_PARAM_set1_host(param, host, 0);
		return true;
	}
	X509_VERIFY_PARAM_set1_ip(param, address.bytes, address_families[address.family - 1].size);
	return false;
}

struct ssl_st *tls_client_make(struct tls_client *client, const char *host, struct tls_facts *facts, struct err *err)
{
	X509_STORE *store;
	char name[HOST_SIZE];
	tls_facts_clear(facts);
	facts->is_demanded = client->settings.is_verifying;
	if (refresh(client, &store, err) != 0)
		return NULL;
	SSL *ssl = SSL_new(client->context);
	if (!ssl) {
		tls_pem_refuse(err, "OpenSSL cannot make a connection");
		return NULL;
	}
	trim_host(client->settings.server_name ? client->settings.server_name : host, name);
	if (expect_host(SSL_get0_param(ssl), name))
		SSL_set_tlsext_host_name(ssl, name);
	SSL_set_app_data(ssl, facts);
	SSL_set_connect_state(ssl);
	ERR_clear_error();
	return ssl;
}

void tls_client_finish(struct ssl_st *ssl, struct tls_facts *facts)
{
	tls_facts_take_connection(facts, ssl);
}

/* What is verified is also asked for. libcurl has set the name of the URL before. */
static void ask_for_host(const SSL *ssl, int where, int result)
{
	(void)result;
	if (where != SSL_CB_HANDSHAKE_START)
		return;
	const char *host = X509_VERIFY_PARAM_get0_host(SSL_get0_param((SSL *)ssl), 0);
	if (host)
		SSL_set_tlsext_host_name((SSL *)ssl, host);
}

static int lend_identity(SSL_CTX *to, SSL_CTX *from, struct err *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *certificate = SSL_CTX_get0_certificate(from);
	if (!certificate)
		return 0;
	SSL_CTX_get0_chain_certs(from, &chain);
	if (SSL_CTX_use_certificate(to, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(to, SSL_CTX_get0_privatekey(from)) != 1 || SSL_CTX_set1_chain(to, chain) != 1)
		return tls_pem_refuse(err, "the certificate to show cannot be used");
	return 0;
}

int tls_client_equip(struct tls_client *client, struct ssl_ctx_st *context, const char *host, struct tls_facts *facts,
		     struct err *err)
{
	X509_STORE *store;
	char name[HOST_SIZE];
	tls_facts_clear(facts);
	facts->is_demanded = client->settings.is_verifying;
	if (refresh(client, &store, err) != 0)
		return -1;
	trim_host(client->settings.server_name ? client->settings.server_name : host, name);
	SSL_CTX_set1_cert_store(context, store);
	ask_for_proof(context, facts);
	expect_host(SSL_CTX_get0_param(context), name);
	SSL_CTX_set_info_callback(context, ask_for_host);
	if (set_versions(context, &client->settings, err) != 0)
		return -1;
	return lend_identity(context, client->context, err);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

void tls_client_explain(char *out, size_t size)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);
	if (!reason && error && ERR_SYSTEM_ERROR(error))
		reason = strerror((int)ERR_GET_REASON(error));
	snprintf(out, size, "%s", reason ? reason : "");
	ERR_clear_error();
}
