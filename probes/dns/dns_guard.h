/*
 * What must not get to ldns, because it would cost too much there. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_GUARD_H
#define NETSONDE_PROBES_DNS_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* Pointers that lead to a pointer at once, one after the other: nobody compresses so, and ldns follows 65,535 of them
 * for each name that begins there. */
#define DNS_GUARD_HOPS_MAX 32

/* -1 with err: the message is malformed. 0 does not say that it is well-formed. More than one record of EDNS, or more
 * than one signature of the transaction, is against RFC 6891 section 6.1.1 and RFC 8945 section 5.1; ldns 1.8 keeps the
 * last one and loses the memory of the others. */
int dns_guard_check(const uint8_t *bytes, size_t size, struct err *err);

#endif
