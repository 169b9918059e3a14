#include <criterion/criterion.h>
#include <crypt.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "exporter/credentials.h"

/* "secret" */
#define SECRET "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
static char alice[] = "alice", bob[] = "bob", hash[] = SECRET;
static struct web_user users[] = {{alice, hash}, {bob, hash}};
static const struct web_config two_users = {.users = users, .nusers = 2};

static struct credentials *create(const struct web_config *config, const char *tokens)
{
	struct err err = {0};
	struct credentials *credentials = credentials_create(config, tokens, NULL, &err);
	cr_assert(credentials, "%s", err.text);
	return credentials;
}

static enum credentials_verdict look_raw(struct credentials *credentials, const char *pair, size_t n,
					 struct claim *claim)
{
	unsigned char encoded[4096];
	struct text field = {0};
	EVP_EncodeBlock(encoded, (const unsigned char *)pair, (int)n);
	text_add_format(&field, "Basic %s", (const char *)encoded);
	enum credentials_verdict verdict = credentials_look(credentials, text_string(&field), claim);
	text_free(&field);
	return verdict;
}

static enum credentials_verdict look(struct credentials *credentials, const char *pair, struct claim *claim)
{
	return look_raw(credentials, pair, strlen(pair), claim);
}

Test(credentials, nobody_needs_any)
{
	struct credentials *credentials = create(&(struct web_config){0}, NULL);
	cr_expect_not(credentials_are_wanted(credentials));
	credentials_free(credentials);
	credentials_free(NULL);
}

Test(credentials, verdicts_are_kept)
{
	struct credentials *credentials = create(&two_users, NULL);
	struct claim right, wrong;
	cr_expect(credentials_are_wanted(credentials));
	cr_expect_str_eq(credentials_challenge(credentials),
			 "WWW-Authenticate: Basic realm=\"netsonde\", charset=\"UTF-8\"\r\n");
	cr_assert_eq(look(credentials, "alice:secret", &right), CREDENTIALS_UNKNOWN);
	cr_expect_str_eq(right.password, "secret");
	cr_expect_str_eq(right.hash, hash);
	cr_expect_eq(right.user, 0);
	cr_assert_eq(look(credentials, "alice:wrong", &wrong), CREDENTIALS_UNKNOWN);
	credentials_note(credentials, &right, true);
	credentials_note(credentials, &wrong, false);
	cr_expect_eq(look(credentials, "alice:secret", &right), CREDENTIALS_GOOD);
	cr_expect_eq(look(credentials, "alice:wrong", &wrong), CREDENTIALS_BAD);
	cr_expect_eq(look(credentials, "bob:secret", &wrong), CREDENTIALS_UNKNOWN, "each user has a verdict");
	cr_expect_eq(look(credentials, "alice:", &wrong), CREDENTIALS_UNKNOWN);
	/* However many wrong ones are tried, the right one stays. */
	for (unsigned i = 0; i < 1000; i++) {
		char pair[32];
		snprintf(pair, sizeof(pair), "alice:%u", i);
		cr_assert_eq(look(credentials, pair, &wrong), CREDENTIALS_UNKNOWN);
		credentials_note(credentials, &wrong, false);
	}
	cr_expect_eq(look(credentials, "alice:secret", &right), CREDENTIALS_GOOD);
	cr_expect_eq(look(credentials, "alice:999", &wrong), CREDENTIALS_BAD);
	cr_expect_eq(look(credentials, "alice:1", &wrong), CREDENTIALS_UNKNOWN, "forgotten");
	credentials_free(credentials);
}

Test(credentials, users_that_stay_the_same_are_known_still)
{
	static char other[] = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrX";
	struct web_user changed[] = {{bob, other}, {alice, hash}};
	struct credentials *before = create(&two_users, NULL);
	struct claim claim;
	struct err err = {0};
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(look(before, i ? "bob:secret" : "alice:secret", &claim), CREDENTIALS_UNKNOWN);
		credentials_note(before, &claim, true);
	}
	struct credentials *after =
		credentials_create(&(struct web_config){.users = changed, .nusers = 2}, "token", before, &err);
	credentials_free(before);
	cr_expect_eq(look(after, "alice:secret", &claim), CREDENTIALS_GOOD);
	cr_expect_eq(look(after, "bob:secret", &claim), CREDENTIALS_UNKNOWN, "another password now");
	cr_expect_eq(credentials_look(after, "Bearer token", &claim), CREDENTIALS_GOOD);
	credentials_free(after);
}

/* What does not exist takes as long, and fits nothing. */
Test(credentials, users_that_do_not_exist)
{
	struct credentials *credentials = create(&two_users, NULL);
	struct claim claim;
	struct crypt_data data = {0};
	cr_assert_eq(look(credentials, "carol:secret", &claim), CREDENTIALS_UNKNOWN);
	cr_expect_eq(claim.user, SIZE_MAX);
	cr_expect_eq(strncmp(claim.hash, hash, 7), 0);
	cr_expect_eq(strlen(claim.hash), strlen(hash));
	const char *made = crypt_r(claim.password, claim.hash, &data);
	cr_assert(made && made[0] == '$', "it is a hash that can be compared with");
	cr_expect_str_neq(made, claim.hash);
	credentials_note(credentials, &claim, true);
	cr_expect_eq(look(credentials, "carol:secret", &claim), CREDENTIALS_BAD);
	credentials_free(credentials);
}

Test(credentials, fields_that_are_nothing)
{
	static const char *const fields[] = {
		"",
		"Basic",
		"Basic ",
		"Basic !!!!",
		"Basic YWxpY2U6c2VjcmV0Cg",
		"Digest a=b",
		"Bearer",
		"Bearer x",
		"Basic YQ",
		"Basic YWxpY2U=",
		"BasicYWxpY2U6c2VjcmV0",
		"basic \x80\x80\x80\x80",
	};
	struct credentials *credentials = create(&two_users, NULL);
	struct claim claim;
	cr_expect_eq(credentials_look(credentials, NULL, &claim), CREDENTIALS_BAD);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		cr_expect_eq(credentials_look(credentials, fields[i], &claim), CREDENTIALS_BAD, "%s", fields[i]);
	cr_expect_eq(credentials_look(credentials, "bAsIc   YWxpY2U6c2VjcmV0", &claim), CREDENTIALS_UNKNOWN);
	cr_expect_eq(look_raw(credentials, "alice:secret\0x", 14, &claim), CREDENTIALS_BAD, "a zero byte");
	struct text pair = {0};
	text_add(&pair, "alice:");
	for (unsigned i = 0; i < PASSWORD_MAX; i++)
		text_add_char(&pair, 'x');
	cr_expect_eq(look(credentials, text_string(&pair), &claim), CREDENTIALS_UNKNOWN);
	cr_expect_eq(strlen(claim.password), PASSWORD_MAX);
	text_add_char(&pair, 'x');
	cr_expect_eq(look(credentials, text_string(&pair), &claim), CREDENTIALS_BAD);
	text_clear(&pair);
	for (unsigned i = 0; i < 256; i++)
		text_add_char(&pair, 'u');
	text_add(&pair, ":p");
	cr_expect_eq(look(credentials, text_string(&pair), &claim), CREDENTIALS_BAD, "a user of 256 bytes");
	text_free(&pair);
	credentials_free(credentials);
}

Test(credentials, tokens)
{
	struct credentials *credentials = create(&two_users, "# for Prometheus\nabc.DEF-123~+/==\n\n  \nsecond\r\n");
	struct claim claim;
	cr_expect_str_eq(credentials_challenge(credentials),
			 "WWW-Authenticate: Basic realm=\"netsonde\", charset=\"UTF-8\"\r\n"
			 "WWW-Authenticate: Bearer\r\n");
	cr_expect_eq(credentials_look(credentials, "Bearer abc.DEF-123~+/==", &claim), CREDENTIALS_GOOD);
	cr_expect_eq(credentials_look(credentials, "bearer  second", &claim), CREDENTIALS_GOOD);
	cr_expect_eq(credentials_look(credentials, "Bearer secon", &claim), CREDENTIALS_BAD);
	cr_expect_eq(credentials_look(credentials, "Bearer ", &claim), CREDENTIALS_BAD);
	credentials_free(credentials);
	credentials = create(NULL, "one");
	cr_expect(credentials_are_wanted(credentials));
	cr_expect_str_eq(credentials_challenge(credentials), "WWW-Authenticate: Bearer\r\n");
	cr_expect_eq(look(credentials, "alice:secret", &claim), CREDENTIALS_BAD);
	credentials_free(credentials);
}

Test(credentials, files_of_tokens_that_are_refused)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{"", "has no token"},
		{"# nothing\n\n", "has no token"},
		{"good\nnot good\n", "line 2: not a token: letters, digits and -._~+/ with = at the end"},
		{"====", "line 1: not a token: letters, digits and -._~+/ with = at the end"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err err = {0};
		cr_expect_null(credentials_create(NULL, table[i].text, NULL, &err));
		cr_expect_str_eq(err.text, table[i].why);
	}
	struct text many = {0};
	struct err err = {0};
	for (unsigned i = 0; i <= TOKENS_MAX; i++)
		text_add_format(&many, "t%u\n", i);
	cr_expect_null(credentials_create(NULL, text_string(&many), NULL, &err));
	cr_expect_str_eq(err.text, "line 1001: more than 1000 tokens");
	text_free(&many);
}
