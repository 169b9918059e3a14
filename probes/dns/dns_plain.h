/*
 * Replies of which nobody wants to see the records: read without building them. It knows the usual types only, and
 * judges nothing: whatever is unusual is left to dns_reply_read, with which it always agrees. Bytes of strangers. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_PLAIN_H
#define NETSONDE_PROBES_DNS_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/dns/dns_reply.h"

/* As dns_reply_read, but without the packet. false: unusual or malformed; out is not to be looked at then. */
bool dns_plain_read(const uint8_t *bytes, size_t size, struct dns_reply *out);

#endif
