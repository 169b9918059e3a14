/*
 * What comes back: first a look at the header and the question (is it for us?), then all of it. Bytes of strangers.
 * Pure.
 */
#ifndef NETSONDE_PROBES_DNS_REPLY_H
#define NETSONDE_PROBES_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"

struct ldns_struct_pkt;

/* Reply codes, also those above 15 that EDNS makes possible (RFC 6895 section 2.3). */
enum dns_rcode { DNS_RCODE_OK = 0, DNS_RCODE_FORMAT = 1, DNS_RCODE_SERVER = 2, DNS_RCODE_NOT_IMPLEMENTED = 4 };
#define DNS_RCODE_REFUSED 5
#define DNS_RCODE_MAX     4095

enum dns_verdict {
	DNS_REPLY_FITS,
	DNS_REPLY_SHORT,          /* no header */
	DNS_REPLY_IS_QUERY,       /* not a response, or to another kind of request */
	DNS_REPLY_OTHER_ID,       /* not the id of the query */
	DNS_REPLY_OTHER_QUESTION, /* not the question of the query, or none */
	DNS_REPLY_OTHER_CASE,     /* the question, but in other letter case */
};
const char *dns_verdict_describe(enum dns_verdict verdict);

/* Does it answer this query? The question must come back byte for byte; the letter case only if is_case_checked. An
 * error (not NXDOMAIN) may come without the question. query: as it was sent. */
enum dns_verdict dns_reply_check(const uint8_t *reply, size_t size, const uint8_t *query, size_t question_end,
				 bool is_case_checked);

/* Of a reply of at least DNS_HEADER_BYTES. */
uint16_t dns_reply_id(const uint8_t *reply);
bool dns_reply_is_truncated(const uint8_t *reply);

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

#define DNS_ADDRESSES_MAX 16

/* All of a reply. */
struct dns_reply {
	struct ldns_struct_pkt *packet;
	size_t size;                 /* bytes */
	size_t counts[DNS_SECTIONS]; /* records; the one of EDNS is not among them */
	uint16_t rcode;              /* with the part that EDNS adds */
	bool is_truncated, is_authoritative, is_authentic, offers_recursion, is_checking_disabled;
	bool has_edns, has_soa, has_signature, has_extended_error; /* soa, signature: in the answer section */
	uint16_t extended_error;                                   /* RFC 8914 */
	uint16_t edns_size;
	uint32_t min_ttl;                            /* of the answer section, if it has records */
	uint32_t serial;                             /* of the first SOA */
	struct address addresses[DNS_ADDRESSES_MAX]; /* of A and AAAA in the answer section, in order, each once */
	size_t naddresses;
};

/* -1 with err when it is malformed; nothing to free then. */
int dns_reply_read(const uint8_t *bytes, size_t size, struct dns_reply *out, struct err *err);
void dns_reply_free(struct dns_reply *reply);

/* "NOERROR", "NXDOMAIN", "RCODE123". buffer: for those without a name. */
const char *dns_rcode_name(uint16_t rcode, char buffer[16]);
/* The other way; -1 = no such code. Case is ignored. */
int dns_rcode_find(const char *name);

#endif
