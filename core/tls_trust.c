#include "core/tls_trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

int tls_pem_refuse(struct err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	err_set(err, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return -1;
}

int tls_pem_give_no_passphrase(char *to, int size, int is_writing, void *arg)
{
	(void)to, (void)size, (void)is_writing, (void)arg;
	return -1;
}

bool tls_pem_is_at_end(void)
{
	unsigned long error = ERR_peek_last_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

int tls_material_read(const struct tls_material *material, int (*use)(void *arg, BIO *bytes, struct err *err),
		      void *arg, struct err *err)
{
	struct text content = {.ceiling = TLS_PEM_BYTES_MAX};
	int result = 0;
	if (material->path)
		result = file_read_regular(material->path, &content, err);
	else
		text_add(&content, material->text);
	BIO *bytes = result == 0 ? BIO_new_mem_buf(content.bytes ? content.bytes : "", (int)content.length) : NULL;
	ERR_clear_error();
	if (bytes)
		result = use(arg, bytes, err);
	else if (result == 0)
		result = err_set(err, "no memory");
	if (result != 0 && material->path)
		err_prefix(err, "%s", material->path);
	if (result != 0)
		err_prefix(err, "%s%s", material->name, material->path ? "_file" : "");
	BIO_free(bytes);
	file_wipe(&content);
	return result;
}

bool tls_stamp_has_changed(struct tls_stamp *stamp, const char *path)
{
	struct stat now;
	struct tls_stamp fresh = {0};
	if (!path)
		return false;
	if (stat(path, &now) == 0) {
		fresh = (struct tls_stamp){.is_there = true,
					   .device = now.st_dev,
					   .inode = now.st_ino,
					   .size = now.st_size,
					   .changed_ns = now.st_mtim.tv_sec * NS_PER_SECOND + now.st_mtim.tv_nsec};
	}
	bool is_same = fresh.is_there == stamp->is_there && fresh.device == stamp->device &&
		       fresh.inode == stamp->inode && fresh.size == stamp->size &&
		       fresh.changed_ns == stamp->changed_ns;
	*stamp = fresh;
	return !is_same;
}

/* --- trust -------------------------------------------------------------------------------------------------------- */

struct tls_trust {
	struct tls_trust *next;
	unsigned holders;
	char *ca_file, *ca; /* neither: what this machine trusts */
	X509_STORE *store;  /* NULL: not read yet, or never with success */
	struct tls_stamp stamp;
	int64_t looked_ns; /* 0: never */
	struct err err;    /* why there is no store */
	struct log_fault fault;
};

static bool are_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

struct tls_trust *tls_trust_hold(struct tls_trust **list, const char *ca_file, const char *ca)
{
	struct tls_trust *trust = *list;
	while (trust && !(are_equal(trust->ca_file, ca_file) && are_equal(trust->ca, ca)))
		trust = trust->next;
	if (!trust) {
		trust = mem_zero(1, sizeof(*trust));
		trust->ca_file = mem_copy_string(ca_file);
		trust->ca = mem_copy_string(ca);
		trust->next = *list;
		*list = trust;
	}
	trust->holders++;
	return trust;
}

void tls_trust_release(struct tls_trust **list, struct tls_trust *trust)
{
	if (--trust->holders > 0)
		return;
	while (*list != trust)
		list = &(*list)->next;
	*list = trust->next;
	X509_STORE_free(trust->store);
	mem_free(trust->ca_file);
	mem_free(trust->ca);
	mem_free(trust);
}

static int add_certificates(void *arg, BIO *bytes, struct err *err)
{
	X509_STORE *store = arg;
	X509 *certificate;
	unsigned n = 0;
	bool is_added = true;
	while (is_added && (certificate = PEM_read_bio_X509_AUX(bytes, NULL, tls_pem_give_no_passphrase, NULL))) {
		is_added = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
		n++;
	}
	if (!is_added)
		return tls_pem_refuse(err, "a certificate cannot be used");
	if (!tls_pem_is_at_end())
		return tls_pem_refuse(err, "a certificate cannot be read");
	ERR_clear_error();
	return n > 0 ? 0 : err_set(err, "no certificate in PEM form");
}

/* X509_STORE_set_default_paths, but for one thing that it adds: for each issuer that is not known, that would read the
 * whole folder of certificates and its files (a quarter of the cost of a handshake, and on the disk). The folder is
 * looked in by the hash of the name, as ever. */
static int trust_machine(X509_STORE *store, struct err *err)
{
	X509_LOOKUP *file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	X509_LOOKUP *folder = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
	if (!file || !folder)
		return tls_pem_refuse(err, "the certificates that this machine trusts cannot be read");
	/* Either may be missing. */
	X509_LOOKUP_load_file(file, NULL, X509_FILETYPE_DEFAULT);
	X509_LOOKUP_add_dir(folder, NULL, X509_FILETYPE_DEFAULT);
	return 0;
}

/* As Go: a certificate that is trusted ends the chain, whoever has signed it. */
static X509_STORE *load_store(const char *ca_file, const char *ca, struct err *err)
{
	const struct tls_material material = {"tls_ca", ca_file, ca};
	X509_STORE *store = X509_STORE_new();
	int result = 0;
	if (!store) {
		err_set(err, "no memory");
		return NULL;
	}
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	if (ca_file || ca)
		result = tls_material_read(&material, add_certificates, store, err);
	else
		result = trust_machine(store, err);
	ERR_clear_error();
	if (result == 0)
		return store;
	X509_STORE_free(store);
	return NULL;
}

static void reload(struct tls_trust *trust)
{
	struct err err = {0};
	X509_STORE *store = load_store(trust->ca_file, trust->ca, &err);
	if (!store) {
		trust->err = err;
		log_fault_begin(&trust->fault, "tls", trust->ca_file, "%s%s", err.text,
				trust->store ? "; the certificates that were read before stay in force" : "");
		return;
	}
	log_fault_end(&trust->fault, "tls", trust->ca_file);
	X509_STORE_free(trust->store);
	trust->store = store;
}

X509_STORE *tls_trust_store(struct tls_trust *trust, int64_t now_ns, struct err *err)
{
	bool is_first = trust->looked_ns == 0;
	if (is_first || now_ns - trust->looked_ns >= NS_PER_SECOND) {
		trust->looked_ns = now_ns;
		if (tls_stamp_has_changed(&trust->stamp, trust->ca_file) || is_first)
			reload(trust);
	}
	if (!trust->store)
		err_set(err, "%s", trust->err.text);
	return trust->store;
}

int tls_trust_check(const char *ca, struct err *err)
{
	X509_STORE *store = load_store(NULL, ca, err);
	X509_STORE_free(store);
	return store ? 0 : -1;
}
