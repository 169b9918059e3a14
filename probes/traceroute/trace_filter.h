/*
 * Which packets shall wake a worker that traces: programs for the kernel's packet filter (classic BPF), run on every
 * ICMP or TCP packet of the host. Pure: they are built here and attached elsewhere.
 *
 * The ports and identifiers of a worker are in blocks of TRACE_FILTER_BLOCK, aligned, one for each protocol.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_FILTER_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "probes/traceroute/trace_packet.h"

#define TRACE_FILTER_BLOCK 32U
#define TRACE_FILTER_NONE  0 /* as the first port of a block: nothing of this protocol is ours */

struct trace_filter {
	struct sock_filter code[40];
	uint16_t size;
};

/* For a raw ICMP socket: errors that quote a packet of ours, and echo replies with our identifiers. first: of each
 * protocol's block. Longer quotes than a router must make are not needed; IPv6 with extension headers is not ours. */
void trace_filter_icmp(struct trace_filter *filter, enum address_family family, const uint16_t first[TRACE_PROTOCOLS]);

/* For a raw TCP socket: SYN-ACK and RST to our ports. */
void trace_filter_tcp(struct trace_filter *filter, enum address_family family, uint16_t first);

/* Nothing at all. */
void trace_filter_nothing(struct trace_filter *filter);

#endif
