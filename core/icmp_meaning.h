/*
 * What ICMP errors mean (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443 3, RFC 1191).
 */
#ifndef NETSONDE_CORE_ICMP_MEANING_H
#define NETSONDE_CORE_ICMP_MEANING_H

#include <stdint.h>

#include "core/address.h"
#include "core/sample.h"

enum reason icmp_meaning_reason(enum address_family family, uint8_t type, uint8_t code);

/* The same for people: "Destination Host Unreachable". Never NULL. */
const char *icmp_meaning_text(enum address_family family, uint8_t type, uint8_t code);

#endif
