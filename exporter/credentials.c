#include "exporter/credentials.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/hash.h"
#include "core/mem.h"

/* Wrong passwords that are remembered, so that a client that is set up wrongly does not cost a hash each time. The
 * right ones have a place of their own: nobody can push them out. */
#define WRONG_MAX    64
#define KEY_BYTES    32
#define USER_MAX     255
#define BASE64_BYTES ((USER_MAX + 1 + PASSWORD_MAX + 2) / 3 * 4)

struct user {
	char *name;
	char *hash;
	bool has_right;
	unsigned char right[CREDENTIALS_DIGEST]; /* of the password that was right */
};

struct credentials {
	unsigned char key[KEY_BYTES]; /* of the digests; random */
	struct user *users;
	size_t nusers;
	unsigned char (*tokens)[CREDENTIALS_DIGEST];
	size_t ntokens;
	unsigned char wrong[WRONG_MAX][CREDENTIALS_DIGEST];
	size_t nwrong, next_wrong;
	char decoy[64]; /* a hash that no password fits */
};

/* --- digests ----------------------------------------------------------------------------------------------------- */

static void digest(const struct credentials *credentials, const void *bytes, size_t n,
		   unsigned char out[CREDENTIALS_DIGEST])
{
	unsigned length = CREDENTIALS_DIGEST;
	HMAC(EVP_sha256(), credentials->key, KEY_BYTES, bytes, n, out, &length);
}

static bool is_same(const unsigned char *a, const unsigned char *b)
{
	return CRYPTO_memcmp(a, b, CREDENTIALS_DIGEST) == 0;
}

static size_t find_user(const struct credentials *credentials, const unsigned char *name, size_t n)
{
	for (size_t i = 0; i < credentials->nusers; i++) {
		if (strlen(credentials->users[i].name) == n && memcmp(credentials->users[i].name, name, n) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* --- creation ---------------------------------------------------------------------------------------------------- */

/* As dear as the hashes of the users there are. */
static void make_decoy(struct credentials *credentials)
{
	const char *like = credentials->nusers > 0 ? credentials->users[0].hash : "$2y$10$";
	snprintf(credentials->decoy, sizeof(credentials->decoy), "%.7s%s%s", like, "NoUserHasThisSaltAtAl.",
		 "NoPasswordHasThisHashAtAll.....");
}

static void add_users(struct credentials *credentials, const struct web_config *config)
{
	credentials->users = mem_zero(config->nusers, sizeof(*credentials->users));
	for (; credentials->nusers < config->nusers; credentials->nusers++) {
		const struct web_user *from = &config->users[credentials->nusers];
		struct user *to = &credentials->users[credentials->nusers];
		to->name = mem_copy_string(from->name);
		to->hash = mem_copy_string(from->hash);
	}
}

/* What is known of users who are the same in both: other rules do not make everybody prove everything again, behind
 * whoever tries passwords at that moment. */
static void remember(struct credentials *credentials, const struct credentials *before)
{
	for (size_t i = 0; i < credentials->nusers; i++) {
		struct user *user = &credentials->users[i];
		size_t known = find_user(before, (const unsigned char *)user->name, strlen(user->name));
		if (known == SIZE_MAX || strcmp(before->users[known].hash, user->hash) != 0)
			continue;
		user->has_right = before->users[known].has_right;
		memcpy(user->right, before->users[known].right, CREDENTIALS_DIGEST);
	}
}

/* RFC 6750 section 2.1: b64token. */
static bool is_token(const char *token, size_t n)
{
	size_t i = 0;
	while (i < n && (isalnum((unsigned char)token[i]) || strchr("-._~+/", token[i])))
		i++;
	size_t body = i;
	while (i < n && token[i] == '=')
		i++;
	return body > 0 && i == n;
}

static int add_tokens(struct credentials *credentials, const char *text, struct err *err)
{
	credentials->tokens = mem_zero(TOKENS_MAX, sizeof(*credentials->tokens));
	for (size_t line = 1; *text != '\0'; line++) {
		size_t length = strcspn(text, "\n"), n = length;
		while (n > 0 && isspace((unsigned char)text[n - 1]))
			n--;
		if (n > 0 && text[0] != '#') {
			if (!is_token(text, n))
				return err_set(err,
					       "line %zu: not a token: letters, digits and -._~+/ with = at the end",
					       line);
			if (credentials->ntokens == TOKENS_MAX)
				return err_set(err, "line %zu: more than %d tokens", line, TOKENS_MAX);
			digest(credentials, text, n, credentials->tokens[credentials->ntokens++]);
		}
		text += length + (text[length] == '\n');
	}
	return credentials->ntokens > 0 ? 0 : err_set(err, "has no token");
}

struct credentials *credentials_create(const struct web_config *config, const char *tokens,
				       const struct credentials *before, struct err *err)
{
	struct credentials *credentials = mem_zero(1, sizeof(*credentials));
	if (before)
		memcpy(credentials->key, before->key, sizeof(credentials->key));
	else
		hash_random(credentials->key, sizeof(credentials->key));
	if (config)
		add_users(credentials, config);
	if (before)
		remember(credentials, before);
	make_decoy(credentials);
	if (!tokens || add_tokens(credentials, tokens, err) == 0)
		return credentials;
	credentials_free(credentials);
	return NULL;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	for (size_t i = 0; i < credentials->nusers; i++) {
		mem_free(credentials->users[i].name);
		mem_free(credentials->users[i].hash);
	}
	mem_free(credentials->users);
	mem_free(credentials->tokens);
	OPENSSL_cleanse(credentials, sizeof(*credentials));
	mem_free(credentials);
}

bool credentials_are_wanted(const struct credentials *credentials)
{
	return credentials->nusers > 0 || credentials->ntokens > 0;
}

const char *credentials_challenge(const struct credentials *credentials)
{
	if (credentials->nusers == 0)
		return "WWW-Authenticate: Bearer\r\n";
	return credentials->ntokens == 0 ? "WWW-Authenticate: Basic realm=\"netsonde\", charset=\"UTF-8\"\r\n"
					 : "WWW-Authenticate: Basic realm=\"netsonde\", charset=\"UTF-8\"\r\n"
					   "WWW-Authenticate: Bearer\r\n";
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

/* What follows the scheme, or NULL if it is another one. */
static const char *after_scheme(const char *authorization, const char *scheme)
{
	size_t n = strlen(scheme);
	if (strncasecmp(authorization, scheme, n) != 0 || authorization[n] != ' ')
		return NULL;
	return authorization + n + strspn(authorization + n, " ");
}

static enum credentials_verdict look_for_token(const struct credentials *credentials, const char *token)
{
	unsigned char given[CREDENTIALS_DIGEST];
	bool is_found = false;
	digest(credentials, token, strlen(token), given);
	for (size_t i = 0; i < credentials->ntokens; i++)
		is_found |= is_same(given, credentials->tokens[i]);
	return is_found ? CREDENTIALS_GOOD : CREDENTIALS_BAD;
}

/* "user:password" out of base64 (RFC 7617), of the user's length. False if it is nothing of the kind. */
static bool decode_pair(const char *text, unsigned char *pair, size_t *length, size_t *user)
{
	size_t n = strlen(text);
	if (n == 0 || n % 4 != 0 || n > BASE64_BYTES)
		return false;
	int decoded = EVP_DecodeBlock(pair, (const unsigned char *)text, (int)n);
	if (decoded < 0)
		return false;
	*length = (size_t)decoded;
	for (size_t i = n; i > n - 2 && text[i - 1] == '='; i--)
		--*length;
	const unsigned char *colon = memchr(pair, ':', *length);
	if (!colon || memchr(pair, '\0', *length))
		return false;
	*user = (size_t)(colon - pair);
	return *user <= USER_MAX && *length - *user - 1 <= PASSWORD_MAX;
}

static bool is_known_as_wrong(const struct credentials *credentials, const unsigned char *given)
{
	bool is_found = false;
	for (size_t i = 0; i < credentials->nwrong; i++)
		is_found |= is_same(given, credentials->wrong[i]);
	return is_found;
}

static enum credentials_verdict look_for_user(struct credentials *credentials, const unsigned char *pair, size_t length,
					      size_t user, struct claim *claim)
{
	memset(claim, 0, sizeof(*claim));
	claim->user = find_user(credentials, pair, user);
	digest(credentials, pair, length, claim->digest);
	const struct user *known = claim->user != SIZE_MAX ? &credentials->users[claim->user] : NULL;
	if (known && known->has_right && is_same(claim->digest, known->right))
		return CREDENTIALS_GOOD;
	if (is_known_as_wrong(credentials, claim->digest))
		return CREDENTIALS_BAD;
	memcpy(claim->password, pair + user + 1, length - user - 1);
	snprintf(claim->hash, sizeof(claim->hash), "%s", known ? known->hash : credentials->decoy);
	return CREDENTIALS_UNKNOWN;
}

enum credentials_verdict credentials_look(struct credentials *credentials, const char *authorization,
					  struct claim *claim)
{
	unsigned char pair[BASE64_BYTES];
	size_t length, user;
	if (!authorization)
		return CREDENTIALS_BAD;
	const char *token = after_scheme(authorization, "Bearer");
	if (token)
		return look_for_token(credentials, token);
	const char *encoded = after_scheme(authorization, "Basic");
	if (!encoded || credentials->nusers == 0)
		return CREDENTIALS_BAD;
	enum credentials_verdict verdict = CREDENTIALS_BAD;
	if (decode_pair(encoded, pair, &length, &user))
		verdict = look_for_user(credentials, pair, length, user, claim);
	OPENSSL_cleanse(pair, sizeof(pair));
	return verdict;
}

void credentials_note(struct credentials *credentials, const struct claim *claim, bool is_right)
{
	if (is_right && claim->user < credentials->nusers) {
		struct user *user = &credentials->users[claim->user];
		memcpy(user->right, claim->digest, CREDENTIALS_DIGEST);
		user->has_right = true;
		return;
	}
	memcpy(credentials->wrong[credentials->next_wrong], claim->digest, CREDENTIALS_DIGEST);
	credentials->next_wrong = (credentials->next_wrong + 1) % WRONG_MAX;
	if (credentials->nwrong < WRONG_MAX)
		credentials->nwrong++;
}
