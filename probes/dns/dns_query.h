/*
 * A query: built once by ldns, made different in each run by its id and the letter case of its question. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_QUERY_H
#define NETSONDE_PROBES_DNS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/hash.h"

#define DNS_HEADER_BYTES 12
#define DNS_MESSAGE_MAX  65535
#define DNS_NAME_MAX     255 /* RFC 1035 section 2.3.4 */

struct dns_query_plan {
	const char *name, *type, *class;
	uint16_t edns_size; /* 0 = no EDNS */
	bool wants_recursion, wants_dnssec, is_checking_disabled, wants_authentic;
};

struct dns_query {
	uint8_t *wire; /* id 0 */
	uint16_t size;
	uint16_t question_end; /* the question is wire[DNS_HEADER_BYTES..question_end) */
	uint16_t type, class;
};

/* -1 with err; nothing to free then. */
int dns_query_build(const struct dns_query_plan *plan, struct dns_query *out, struct err *err);
void dns_query_free(struct dns_query *query);

/* A stream of random bits that nobody outside can go on with. */
struct dns_random {
	struct hash_key key;
	uint64_t count;
};
uint64_t dns_random_next(struct dns_random *random);

void dns_query_set_id(uint8_t *wire, uint16_t id);
/* Each letter of the question's name becomes capital or small at random (draft-vixie-dnsext-dns0x20). */
void dns_query_mix_case(uint8_t *wire, size_t question_end, struct dns_random *random);

/* "A", "TYPE65280", "any" -> number; 0 = no such type (or class). */
uint16_t dns_query_type(const char *text);
uint16_t dns_query_class(const char *text);

#endif
