/*
 * Certificates that clients trust, read once for all that ask for the same ones; and PEM texts, as tls_client.c and
 * tls_trust.c read them. Nobody else includes this.
 */
#ifndef NETSONDE_CORE_TLS_TRUST_H
#define NETSONDE_CORE_TLS_TRUST_H

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

#define TLS_PEM_BYTES_MAX ((size_t)8 << 20)

/* As ERR_reason_error_string of the oldest error, behind what; clears the list. Returns -1. */
int tls_pem_refuse(struct err *err, const char *what);

/* Keys with a passphrase are refused; OpenSSL would ask for it on the terminal. */
int tls_pem_give_no_passphrase(char *to, int size, int is_writing, void *arg);

/* Has reading certificates ended because there are no more, rather than at one that is damaged? */
bool tls_pem_is_at_end(void);

/* Something that an option names: the file at path, or else text. */
struct tls_material {
	const char *name; /* of the option without _file, for messages */
	const char *path, *text;
};

/* Hands the bytes to use. -1 with err, which begins with the option's name. */
int tls_material_read(const struct tls_material *material, int (*use)(void *arg, BIO *bytes, struct err *err),
		      void *arg, struct err *err);

/* What a file looked like when it was read. Zeroed: it was never looked at. */
struct tls_stamp {
	bool is_there;
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t changed_ns;
};
/* Looks at path (NULL: no file, which never changes); true if it has changed since the last look. */
bool tls_stamp_has_changed(struct tls_stamp *stamp, const char *path);

/* --- trust -------------------------------------------------------------------------------------------------------- */

struct tls_trust;

/* One more for ca_file or ca, or neither (what this machine trusts), from the list. Nothing is read yet. */
struct tls_trust *tls_trust_hold(struct tls_trust **list, const char *ca_file, const char *ca);
void tls_trust_release(struct tls_trust **list, struct tls_trust *trust);

/* The store as it is now, borrowed until the next call; files that have changed are read again, looked at once a
 * second. NULL with err when there was never a good one. */
X509_STORE *tls_trust_store(struct tls_trust *trust, int64_t now_ns, struct err *err);

/* Are these certificates in PEM form? -1 with err. */
int tls_trust_check(const char *ca, struct err *err);

#endif
