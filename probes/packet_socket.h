/*
 * What sockets that send and receive packets in batches have in common: options, control messages, stamps by the
 * kernel.
 */
#ifndef NETSONDE_PROBES_PACKET_SOCKET_H
#define NETSONDE_PROBES_PACKET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/address.h"
#include "core/err.h"

struct cmsghdr;
struct sock_extended_err;

/* What differs between the families in socket options and control messages. */
struct packet_facts {
	int level;
	int receive_error, receive_hop_limit, receive_class;
	int hop_limit, class; /* control messages */
	int discover, discover_dont, discover_probe;
};
/* By enum address_family - 1. */
extern const struct packet_facts packet_facts[ADDRESS_FAMILIES];

#define PACKET_CONTROL_BYTES 512 /* stamps, hop limit, extended error with offender */

/* SO_TIMESTAMPING: stamps of what is received. */
extern const int packet_receive_stamps;

/* 0, or -1 with err: "what: why". */
int packet_set_option(int descriptor, int level, int option, int value, struct err *err);

/* The firewall's mark of all that is sent. 0 marks nothing and needs no right. */
int packet_set_mark(int descriptor, uint32_t mark, struct err *err);

/* Buffers of this size in both directions, or as near to it as the kernel allows. */
void packet_set_buffers(int descriptor, int bytes);

/* Asks for stamps and waits until the kernel makes them, which takes it a moment if nobody else has asked. */
int packet_start_stamps(int descriptor, int stamps, struct err *err);

/* Takes an error off that is pending on the socket: on one that many share it belongs to nobody. */
void packet_clear_error(int descriptor);

/* What the control messages of one received packet say. */
struct packet_notes {
	int64_t stamp_ns; /* wall clock; 0 = none */
	int hop_limit;    /* -1 = none */
	int traffic_class;
	const struct sock_extended_err *error; /* points into the control messages; NULL = none */
	struct address offender;               /* who sent the error; ADDRESS_NONE = this host */
};
struct packet_notes packet_read_notes(enum address_family family, struct msghdr *header);

/* Adds one control message to a header with room for it (PACKET_CONTROL_BYTES of zeroes or old messages). */
void packet_add_control(struct msghdr *header, int level, int type, const void *value, size_t size);

/* The address and the interface that the packet leaves from: ADDRESS_NONE and 0 leave it to the kernel. */
void packet_add_source(struct msghdr *header, enum address_family family, const struct address *source,
		       uint32_t interface);

/* Drops on receiving, told apart. */
struct packet_drops {
	uint32_t seen;    /* the kernel's count at the last look */
	uint64_t dropped; /* of those, for want of room */
	uint64_t damaged;
};

/* The kernel has one count for packets that found no room and for those with a bad checksum. Where the buffer
 * overflowed it is still full when we come to read; else the packets were damaged. Returns how many damaged ones are
 * new. To be called before reading. */
uint32_t packet_look_for_drops(int descriptor, struct packet_drops *drops);

#endif
