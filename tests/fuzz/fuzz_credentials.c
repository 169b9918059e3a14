/* The field Authorization: nobody gets in with what is not a token, and a claim is always a text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char name[] = "alice", hash[] = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
	struct web_user user = {name, hash};
	const struct web_config config = {.users = &user, .nusers = 1};
	struct err err = {0};
	struct credentials *credentials = credentials_create(&config, "token", NULL, &err);
	struct claim claim;
	char *field = mem_zero(n + 1, 1);
	memcpy(field, bytes, n);
	enum credentials_verdict verdict = credentials_look(credentials, field, &claim);
	if (verdict == CREDENTIALS_GOOD && !strstr(field, "token"))
		abort();
	if (verdict == CREDENTIALS_UNKNOWN &&
	    (!memchr(claim.password, '\0', sizeof(claim.password)) || claim.hash[0] != '$'))
		abort();
	credentials_free(credentials);
	/* The same bytes as a file of tokens. */
	credentials_free(credentials_create(&config, field, NULL, &err));
	mem_free(field);
	return 0;
}
