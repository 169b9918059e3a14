/* Arbitrary certificates, and arbitrary names: facts that are text, and rows that hold together. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/tls_facts.h"
#include "core/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_text(const char *text)
{
	if (!text || strlen(text) > TLS_FACTS_TEXT_MAX || utf8_length(text, strlen(text)) != strlen(text))
		abort();
}

static void print_name(const uint8_t *data, size_t size)
{
	X509_NAME *name = d2i_X509_NAME(NULL, &data, (long)size);
	struct text text = {.ceiling = TLS_FACTS_TEXT_MAX};
	if (!name)
		return;
	tls_facts_print_name(name, &text);
	expect_text(text_string(&text));
	text_free(&text);
	X509_NAME_free(name);
}

/* Several certificates, one behind the other, as a server sends them. */
static STACK_OF(X509) * read_certificates(const uint8_t *data, size_t size)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	const uint8_t *end = data + size;
	X509 *one;
	while (data < end && (one = d2i_X509(NULL, &data, end - data)) != NULL)
		sk_X509_push(sent, one);
	return sent;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_facts facts = {0};
	struct tls_facts_rows storage;
	struct row rows[TLS_FACTS_ROWS_MAX];
	STACK_OF(X509) *sent = read_certificates(data, size);
	print_name(data, size);
	tls_facts_take_certificates(&facts, sent, size % 2 ? X509_V_OK : X509_V_ERR_CERT_HAS_EXPIRED, sent);
	size_t n = tls_facts_make_rows(&facts, &storage, rows);
	if (n > TLS_FACTS_ROWS_MAX || (n > 0) != facts.has_certificates)
		abort();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < rows[i].nlabels; k++)
			expect_text(rows[i].labels[k].value);
	tls_facts_clear(&facts);
	sk_X509_pop_free(sent, X509_free);
	ERR_clear_error();
	return 0;
}
