/*
 * The input is a text. Whatever parses as an address formats as text that parses as the same address, and goes through
 * the kernel's form and back; what splits into host and port can be put together again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/mem.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_address(const char *text)
{
	struct address address, back;
	struct sockaddr_storage storage;
	char out[ADDRESS_TEXT_SIZE];

	if (!address_parse(text, &address)) {
		require(address.family == ADDRESS_NONE);
		return;
	}
	require(address.family == ADDRESS_IPV4 || address.family == ADDRESS_IPV6);
	address_format(&address, out);
	require(strlen(out) < ADDRESS_TEXT_SIZE);
	require(address_parse(out, &back) && address_equal(&address, &back));
	require(address_hash((struct hash_key){1, 2}, &address) == address_hash((struct hash_key){1, 2}, &back));

	socklen_t length = address_to_sockaddr(&address, &storage);
	require(address_from_sockaddr((struct sockaddr *)&storage, length, &back) && address_equal(&address, &back));
}

static void check_host_port(const char *text)
{
	char host[128], again[128], joined[160];
	uint16_t port, port_again;

	if (address_split_host_port(text, host, sizeof(host), &port, 9) != 0)
		return;
	require(host[0] != '\0');
	snprintf(joined, sizeof(joined), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
	require(address_split_host_port(joined, again, sizeof(again), &port_again, 9) == 0);
	require(strcmp(host, again) == 0 && port == port_again);
}

/* Any bytes as the kernel's form: read within their length, and told apart. */
static void check_sockaddr(const uint8_t *data, size_t size)
{
	struct sockaddr_storage storage = {0};
	struct address address;

	memcpy(&storage, data, size < sizeof(storage) ? size : sizeof(storage));
	if (size >= 1)
		storage.ss_family = data[0] % 2 == 0 ? AF_INET : AF_INET6;
	if (address_from_sockaddr((struct sockaddr *)&storage, (socklen_t)size, &address)) {
		char out[ADDRESS_TEXT_SIZE];
		struct address back;

		require(address_parse(address_format(&address, out), &back));
		require(address_equal(&address, &back));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_address(text);
	check_host_port(text);
	check_sockaddr(data, size);
	mem_free(text);
	return 0;
}
