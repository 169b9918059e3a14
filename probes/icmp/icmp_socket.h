/*
 * ICMP echo on sockets: system calls, no meaning. One set of sockets a worker, shared by all probes: per family and
 * profile a datagram ICMP socket where the kernel allows it (ping_group_range), else a raw one. Sends and receives in
 * batches, with kernel timestamps. tests/fakes replaces this file at link time.
 */
#ifndef NETSONDE_PROBES_ICMP_SOCKET_H
#define NETSONDE_PROBES_ICMP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"

struct icmp_socket;
struct loop;

enum icmp_socket_kind { ICMP_SOCKET_DATAGRAM, ICMP_SOCKET_RAW };

/* What cannot be said packet by packet makes a socket of its own. */
struct icmp_profile {
	uint32_t fwmark;         /* SO_MARK; 0 = none. Needs CAP_NET_ADMIN or CAP_NET_RAW */
	bool dont_fragment;      /* IP_PMTUDISC_PROBE: never fragment, ignore the cached path MTU */
	bool transmit_timestamps; /* kernel stamps on sending, too */
};

#define ICMP_BATCH        64
#define ICMP_PAYLOAD_MIN  16
#define ICMP_PAYLOAD_MAX  65507

/* One echo request to send. cookie comes back with its transmit stamp or error. */
struct icmp_request {
	struct address destination;
	struct address source;   /* family ADDRESS_NONE = the kernel chooses */
	uint32_t interface;      /* index; 0 = the kernel chooses */
	uint16_t sequence;
	uint16_t payload_size;   /* >= ICMP_PAYLOAD_MIN */
	uint8_t hop_limit;       /* 0 = the system's default */
	uint8_t traffic_class;   /* DSCP << 2 */
	uint64_t secret;         /* first 8 bytes of the payload */
};

/* One echo reply or one ICMP error about a request of ours. */
struct icmp_reply {
	struct address from;        /* who answered; for an error: who sent the error (family ADDRESS_NONE: this host) */
	struct address destination; /* for an error: where the request was going; for a reply: = from */
	uint16_t sequence;
	uint64_t secret;            /* replies only */
	bool has_secret;            /* false for errors, and for replies too short to carry it */
	int64_t stamp_ns;           /* wall clock, by the kernel; 0 = it gave none */
	int16_t hop_limit;          /* of the reply; -1 = unknown */
	uint8_t traffic_class;
	bool is_error;
	uint8_t error_origin;       /* SO_EE_ORIGIN_* */
	uint8_t error_type, error_code; /* ICMP or ICMPv6 type and code */
	int error_errno;            /* as the kernel translates it: EHOSTUNREACH, EMSGSIZE, ... */
	uint32_t error_info;        /* path MTU for "too big" */
	size_t size;                /* ICMP bytes of the reply */
};

struct icmp_socket_events {
	void *context;
	void (*replied)(void *context, const struct icmp_reply *reply);
	/* The kernel's transmit stamp of a request (profiles with transmit_timestamps). */
	void (*transmitted)(void *context, const struct address *destination, uint16_t sequence, int64_t stamp_ns);
	/* A whole batch of replies was handed over, and what it was: for the check of the clocks. */
	void (*writable)(void *context); /* after icmp_socket_send returned short because the socket was full */
};

/* NULL with err: names both cures when neither kind of socket is allowed. id: for raw sockets, the ICMP identifier to use
 * (the kernel chooses that of datagram sockets). */
struct icmp_socket *icmp_socket_open(struct loop *loop, enum address_family family, const struct icmp_profile *profile,
				     const struct icmp_socket_events *events, struct err *err);
void icmp_socket_close(struct icmp_socket *socket);
enum icmp_socket_kind icmp_socket_kind(const struct icmp_socket *socket);

/* Sends up to n <= ICMP_BATCH requests in order; sent_ns (wall clock, just before the system call) is returned for all.
 * Returns how many are dealt with: results[i] is 0 (the kernel has it) or an errno that concerns request i itself.
 * Fewer than n: the socket is full (errno EAGAIN or ENOBUFS in *stopped); try the rest later. */
size_t icmp_socket_send(struct icmp_socket *socket, const struct icmp_request *requests, size_t n, int *results,
			int64_t *sent_ns, int *stopped);

/* Packets that the kernel dropped because our receive buffer was full, cumulative (SO_MEMINFO). */
uint64_t icmp_socket_dropped(const struct icmp_socket *socket);
/* Packets that reached us but are none of ours (wrong id, type, too short), cumulative. */
uint64_t icmp_socket_foreign(const struct icmp_socket *socket);

#endif
