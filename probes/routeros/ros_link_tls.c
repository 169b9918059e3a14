/*
 * Who the router is: a certificate that verifies, one certificate and no other, or nobody knows.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "probes/routeros/ros_link_internal.h"

/* Anonymous Diffie-Hellman has no strength by OpenSSL's levels. There is none in TLS 1.3, whose suites this list would
 * leave on. */
static SSL_CTX *make_anonymous(struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (context && SSL_CTX_set_cipher_list(context, "ADH:@SECLEVEL=0") == 1 &&
	    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1) {
		SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
						  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
						     SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
		return context;
	}
	SSL_CTX_free(context);
	ERR_clear_error();
	err_set(err, "this OpenSSL has no anonymous Diffie-Hellman: give the router a certificate");
	return NULL;
}

static int version_of(int version)
{
	return version == TLS_VERSION_DEFAULT ? TLS1_2_VERSION : TLS1_VERSION + (version - TLS_VERSION_10);
}

static struct ssl_st *make_anonymous_ssl(struct ros_link *link, struct err *err)
{
	struct ros_link_base *base = link->base;
	const struct tls_settings *tls = &link->access->tls;
	if (!base->anonymous)
		base->anonymous = make_anonymous(err);
	if (!base->anonymous)
		return NULL;
	SSL *ssl = SSL_new(base->anonymous);
	if (!ssl) {
		err_set(err, "OpenSSL cannot make a connection");
		return NULL;
	}
	SSL_set_min_proto_version(ssl, version_of(tls->minimum));
	if (tls->maximum != TLS_VERSION_DEFAULT && tls->maximum < TLS_VERSION_12)
		SSL_set_max_proto_version(ssl, version_of(tls->maximum));
	SSL_set_connect_state(ssl);
	ERR_clear_error();
	return ssl;
}

struct ssl_st *ros_link_make_ssl(struct ros_link *link, struct err *err)
{
	tls_facts_clear(&link->facts);
	if (link->access->is_anonymous)
		return make_anonymous_ssl(link, err);
	return tls_client_make(link->tls, link->name, &link->facts, err);
}

int ros_link_check_peer(struct ros_link *link, struct err *err)
{
	const char *found = link->facts.fingerprint_sha256;
	if (!link->fingerprint[0] || strcmp(link->fingerprint, found) == 0)
		return 0;
	if (!found[0])
		return err_set(err, "certificate: the router has shown none; tls_fingerprint wants one");
	return err_set(err, "certificate: its SHA-256 is %s, which is not tls_fingerprint", found);
}
