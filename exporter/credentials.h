/*
 * Who may use the web server: users with bcrypt hashes and bearer tokens, and what is known already about the
 * passwords that were tried. Pure, and quick: the hashing itself, which takes a tenth of a second, is done elsewhere
 * (exporter/hasher.h). No password is kept.
 */
#ifndef NETSONDE_EXPORTER_CREDENTIALS_H
#define NETSONDE_EXPORTER_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "exporter/web_config.h"

struct credentials;

#define CREDENTIALS_DIGEST 32
#define PASSWORD_MAX       1024 /* longer ones are wrong */
#define TOKENS_MAX         1000

/* tokens: bearer tokens, one a line; empty lines and those that begin with # do not count; or NULL. before: those that
 * these will replace, whose verdicts on users who stay the same are kept; or NULL. Everything is borrowed for the call.
 * NULL with err: "line 3: ...". */
struct credentials *credentials_create(const struct web_config *config, const char *tokens,
				       const struct credentials *before, struct err *err);
/* NULL is harmless. */
void credentials_free(struct credentials *credentials);

/* Does anybody need to prove anything? */
bool credentials_are_wanted(const struct credentials *credentials);

/* The challenge for a reply with status 401: fields, each ending in CR LF. Borrowed. */
const char *credentials_challenge(const struct credentials *credentials);

/* A password that must be compared with a hash. */
struct claim {
	char password[PASSWORD_MAX + 1];
	char hash[64]; /* of the user; for a user that does not exist, one that takes as long and fits nothing */
	unsigned char digest[CREDENTIALS_DIGEST];
	size_t user; /* SIZE_MAX: there is no such user */
};

enum credentials_verdict { CREDENTIALS_GOOD, CREDENTIALS_BAD, CREDENTIALS_UNKNOWN };

/* authorization: the field of a request, or NULL. With CREDENTIALS_UNKNOWN the claim is filled; wipe it after use. */
enum credentials_verdict credentials_look(struct credentials *credentials, const char *authorization,
					  struct claim *claim);

/* What became of a claim. */
void credentials_note(struct credentials *credentials, const struct claim *claim, bool is_right);

#endif
