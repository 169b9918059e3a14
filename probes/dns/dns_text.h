/*
 * Records in presentation form, as miekg/dns prints them: what the rules of blackbox_exporter are written for. ldns
 * prints many things in other ways: letters of hexadecimal digits, escapes of names, key=value without quotes, comments
 * behind keys, blanks at the end. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_TEXT_H
#define NETSONDE_PROBES_DNS_TEXT_H

#include "core/text.h"

struct ldns_struct_rr;

/* A question in random letter case comes back in the names of the records, since servers compress them to pointers to
 * it. What is as was sent is shown as it was meant. Both are names of the wire form, size bytes. */
struct dns_text_case {
	const uint8_t *sent, *meant;
	size_t size;
};

/* "name.\tTTL\tIN\tA\t192.0.2.1". letters: or NULL */
void dns_text_add(struct text *out, const struct ldns_struct_rr *rr, const struct dns_text_case *letters);

/* The name of a type ("A", "TYPE65280") and of a class. */
void dns_text_add_type(struct text *out, unsigned type);
void dns_text_add_class(struct text *out, unsigned class);

#endif
