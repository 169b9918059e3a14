/*
 * Records in presentation form, as miekg/dns prints them: what the rules of blackbox_exporter are written for. ldns
 * prints many things in other ways: letters of hexadecimal digits, escapes of names, key=value without quotes, comments
 * behind keys, blanks at the end. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_TEXT_H
#define NETSONDE_PROBES_DNS_TEXT_H

#include "core/text.h"

struct ldns_struct_rr;

/* "name.\tTTL\tIN\tA\t192.0.2.1" */
void dns_text_add(struct text *out, const struct ldns_struct_rr *rr);

/* The name of a type ("A", "TYPE65280") and of a class. */
void dns_text_add_type(struct text *out, unsigned type);
void dns_text_add_class(struct text *out, unsigned class);

#endif
