/*
 * Whom probes that strangers ask for may talk to: rules by address, name and port, and the addresses that are refused
 * without a rule, because what answers there trusts whoever can reach it: this machine, its link, its cloud. Pure.
 *
 * A rule is HOST, HOST:PORT, HOST:FIRST-LAST or :PORT. HOST is
 *
 *     192.0.2.1, 10.0.0.0/8, 2001:db8::1, [2001:db8::]/32    an address or a network
 *     example.com                                            this name, whatever it resolves to
 *     *.example.com                                          all names below it, not the name itself
 *     *                                                      everybody
 *
 * An IPv6 address with a port stands in brackets. A rule without ports holds for all of them, and for ICMP, which a
 * rule with ports never holds for.
 *
 * Refused is, in this order: what a rule of deny matches; what is refused without a rule, unless a rule of allow
 * matches that is no wider than the refused network (so 0.0.0.0/0 does not open the loopback, 127.0.0.0/8 does); and,
 * if there are rules of allow, what none of them matches. A name is compared as it was asked for, without regard to
 * case and one dot at the end; it never stands for an address. Rules of deny match IPv4 inside IPv6 (NAT64, 6to4,
 * Teredo) as well.
 */
#ifndef NETSONDE_CORE_DESTINATION_H
#define NETSONDE_CORE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "core/option.h"

/* Immutable. */
struct destination_rules;

/* -1 with err: "\"10.0.0.1/8\": has bits behind the first 8, did you mean 10.0.0.0/8?". */
int destination_check_rule(const char *text, struct err *err);

/* Of good rules; everything is copied. NULL with err ("allow: ..."). */
struct destination_rules *destination_rules_create(const struct option_list *allow, const struct option_list *deny,
						   struct err *err);
/* The options that they stand in, for refusals: constants. Before anybody else has them. Default: those of section
 * probe_endpoint. */
void destination_rules_name(struct destination_rules *rules, const char *allow, const char *deny);
void destination_rules_free(struct destination_rules *rules); /* NULL is harmless */

#define DESTINATION_NO_PORT      0 /* ICMP */
#define DESTINATION_UNKNOWN_PORT (-1)

/* Borrowed. */
struct destination {
	const char *host;              /* the name or literal that led there */
	const struct address *address; /* NULL: not known yet */
	int port;
	bool is_left; /* the address will not be known here, because a proxy is asked for the name: networks match
			 nothing */
};

/* false with why: "127.0.0.1:80 is refused: loopback ...". What is not known yet is taken to be permitted: what is
 * refused then would be refused in any case. rules may be NULL: none. */
bool destination_is_permitted(const struct destination_rules *rules, const struct destination *destination,
			      struct err *why);

#endif
