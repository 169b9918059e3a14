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
	uint32_t fwmark;          /* SO_MARK; 0 = none. Needs CAP_NET_ADMIN or CAP_NET_RAW */
	bool dont_fragment;       /* IP_PMTUDISC_PROBE: never fragment, ignore the cached path MTU */
	bool transmit_timestamps; /* kernel stamps on sending, too */
};

/* A batch has one pair of clock readings around it, between which the moments of sending are interpolated: small enough
 * to keep that exact, large enough to have the system call paid off. */
#define ICMP_SEND_BATCH    8
#define ICMP_RECEIVE_BATCH 64
#define ICMP_PAYLOAD_MIN   16
#define ICMP_PAYLOAD_MAX   65507

/* One echo request to send. */
struct icmp_request {
	struct address destination;
	struct address source; /* family ADDRESS_NONE = the kernel chooses */
	uint32_t interface;    /* index; 0 = the kernel chooses */
	uint16_t sequence;
	uint16_t payload_size; /* >= ICMP_PAYLOAD_MIN */
	uint8_t hop_limit;     /* 0 = the system's default */
	uint8_t traffic_class; /* DSCP << 2 */
	uint64_t secret;       /* first 8 bytes of the payload */
};

/* One echo reply or one ICMP error about a request of ours. */
struct icmp_reply {
	struct address from; /* who answered; for an error: who sent the error (family ADDRESS_NONE: this host) */
	struct address destination; /* for an error: where the request was going; for a reply: = from */
	uint16_t sequence;
	uint64_t secret;   /* replies only */
	bool has_secret;   /* false for errors, and for replies too short to carry it */
	int64_t stamp_ns;  /* wall clock, by the kernel; 0 = it gave none */
	int16_t hop_limit; /* of the reply; -1 = unknown */
	uint8_t traffic_class;
	bool is_error;
	uint8_t error_origin;           /* SO_EE_ORIGIN_* */
	uint8_t error_type, error_code; /* ICMP or ICMPv6 type and code */
	int error_errno;                /* as the kernel translates it: EHOSTUNREACH, EMSGSIZE, ... */
	uint32_t error_info;            /* path MTU for "too big" */
	size_t size;                    /* ICMP bytes of the reply */
};

struct icmp_socket_events {
	void *context;
	void (*replied)(void *context, const struct icmp_reply *reply);
	/* The kernel's transmit stamp of a request (profiles with transmit_timestamps). */
	void (*transmitted)(void *context, const struct address *destination, uint16_t sequence, int64_t stamp_ns);
	/* Before a batch of replies is handed over: the moment to look at the clocks. */
	void (*receiving)(void *context);
	/* The socket takes packets again, after icmp_socket_send had to stop. */
	void (*writable)(void *context);
};

/* NULL with err: names both cures when neither kind of socket is allowed. The identifier of datagram sockets is chosen
 * by the kernel, that of raw ones at random. events are borrowed. */
struct icmp_socket *icmp_socket_open(struct loop *loop, enum address_family family, const struct icmp_profile *profile,
				     const struct icmp_socket_events *events, struct err *err);
void icmp_socket_close(struct icmp_socket *socket);
enum icmp_socket_kind icmp_socket_kind(const struct icmp_socket *socket);

/* Around one batch: wall clock just before and just after the system calls; stopped: 0, or why the socket took no more
 * (EAGAIN). */
struct icmp_sending {
	int64_t begun_ns, ended_ns;
	int stopped;
};

/* Sends n <= ICMP_SEND_BATCH requests in order. Returns how many are dealt with: results[i] is 0 (the kernel has it) or
 * an errno that concerns request i itself (ENOBUFS: the queue of its device is full now). Fewer than n: the socket is
 * full, writable will be called. */
size_t icmp_socket_send(struct icmp_socket *socket, const struct icmp_request *requests, size_t n, int *results,
			struct icmp_sending *sending);

/* Packets that the kernel dropped because our receive buffer was full, cumulative (SO_MEMINFO), as of the last time
 * that the socket was read. */
uint64_t icmp_socket_dropped(const struct icmp_socket *socket);
/* Packets that reached us but are none of ours (wrong id, type, checksum, too short), cumulative. */
uint64_t icmp_socket_foreign(const struct icmp_socket *socket);

#endif
