/*
 * Lines: a rule of deny, a rule of allow, a host; then an address of 4 or 16 bytes. A rule that is read is read again
 * from its own text; whatever is decided, it is decided the same way for the same question, a rule of deny is never
 * outweighed, and the loopback is open to nobody but by a network as narrow.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/destination.h"
#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	*rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static struct destination_rules *rules_of(char *allow, char *deny)
{
	const struct option_list none = {0}, allows = {&allow, 1}, denies = {&deny, 1};
	struct err err = {0};

	return destination_rules_create(allow ? &allows : &none, deny ? &denies : &none, &err);
}

static bool decide(const struct destination_rules *rules, const char *host, const struct address *address, int port)
{
	struct err first = {0}, second = {0};
	const struct destination destination = {host, address, port, false};
	bool is_permitted = destination_is_permitted(rules, &destination, &first);

	REQUIRE(is_permitted == destination_is_permitted(rules, &destination, &second));
	REQUIRE(is_permitted == (first.text[0] == '\0'));
	REQUIRE(strcmp(first.text, second.text) == 0);
	return is_permitted;
}

static void check(char *allow, char *deny, const char *host, const struct address *address, int port)
{
	struct destination_rules *both = rules_of(allow, deny), *denying = rules_of(NULL, deny);
	const struct address *known = address->family == ADDRESS_NONE ? NULL : address;

	REQUIRE(both && denying);
	/* What is known can only make it stricter. */
	if (decide(both, host, known, port)) {
		REQUIRE(decide(both, host, known, DESTINATION_UNKNOWN_PORT));
		REQUIRE(decide(both, host, NULL, port));
		REQUIRE(decide(both, host, NULL, DESTINATION_UNKNOWN_PORT));
	}
	if (known && (address_is_loopback(known) || address_is_unspecified(known)))
		REQUIRE(!decide(denying, host, known, port));
	destination_rules_free(both);
	destination_rules_free(denying);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + 1), *rest = text, *deny, *allow, *host;
	struct address address = {0};
	struct err err = {0};
	size_t left;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	deny = next_line(&rest);
	allow = next_line(&rest);
	host = next_line(&rest);
	left = size - (size_t)(rest - text);
	if (left >= 4) {
		address.family = left >= 16 ? ADDRESS_IPV6 : ADDRESS_IPV4;
		memcpy(address.bytes, rest, left >= 16 ? 16 : 4);
	}
	REQUIRE((destination_check_rule(deny, &err) == 0) == (err.text[0] == '\0'));
	err = (struct err){0};
	if (destination_check_rule(deny, &err) == 0 && destination_check_rule(allow, &err) == 0)
		check(allow, deny, host, &address, size > 0 ? data[size - 1] * 257 % 65536 : 0);
	mem_free(text);
	return 0;
}
