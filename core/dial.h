/*
 * One connection of a client, on the loop: TCP (or UDP) to one address, with TLS at once, later (STARTTLS) or never.
 *
 *     dial_open ──> DIAL_CONNECTED ──[dial_secure ──> DIAL_SECURED]──> DIAL_RECEIVED* ──> DIAL_ENDED ──> dial_close
 *                         └──────────────── DIAL_FAILED, at any time ────────────────────┘
 *
 * How it closes: a client that closes first keeps the port in TIME_WAIT for a minute, and connect() to one address gets
 * slow after some 14,000 of these (the search for a free port). So, unless the peer has closed first, dial_close sets
 * TCP_LINGER2 to -1: the kernel sends what is unsent and FIN, and when the peer has acknowledged that it resets instead
 * of waiting for the peer's FIN. The peer's program has read everything, and an orderly end.
 */
#ifndef NETSONDE_CORE_DIAL_H
#define NETSONDE_CORE_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "core/sample.h"

struct dial;
struct loop;
struct ssl_st;
struct tcp_info;
struct tls_facts;

/* Received bytes that wait for dial_consume, at most: then reading pauses, and the peer has to wait. */
#define DIAL_RECEIVED_MAX ((size_t)(64 * 1024 + 2))
/* Bytes that wait to be sent, at most. */
#define DIAL_UNSENT_MAX ((size_t)1 << 20)

enum dial_event {
	DIAL_CONNECTED, /* to the address; with UDP: the socket is there */
	DIAL_SECURED,   /* the TLS handshake is over, and the certificate was accepted */
	DIAL_RECEIVED,  /* there is more in dial_received than before; with UDP: it holds one more datagram */
	DIAL_ENDED,     /* the peer will send no more; it may still receive */
	DIAL_FAILED     /* see dial_reason and dial_error; nothing comes afterwards */
};

struct dial_plan {
	struct loop *loop;      /* borrowed */
	struct address address; /* with its port */
	struct address source;  /* family ADDRESS_NONE: the kernel chooses */
	const char *interface;  /* to leave by; NULL: by the routes. Borrowed for the call */
	uint32_t fwmark;        /* 0: none */
	uint8_t dscp;
	/* TCP: a peer whose kernel acknowledges nothing for so long, data or keep-alive, has gone. 0: the kernel's own
	 * patience, which is a quarter of an hour with data and for ever without */
	int64_t silence_ns;
	bool is_datagram; /* UDP */
	/* Events, one at a time, never from inside a function of this file; none after dial_close. It may call any
	 * function of this file, dial_close too. */
	void (*happened)(void *arg, enum dial_event event);
	void *arg;
};

/* Never fails: what goes wrong at once is told as DIAL_FAILED, later. */
struct dial *dial_open(const struct dial_plan *plan);
void dial_close(struct dial *dial); /* NULL is harmless */

/* Begins TLS, once, from DIAL_CONNECTED on. ssl comes from tls_client_make and is passed; facts, the same as there,
 * borrowed until dial_close. Bytes that have been received and not consumed make it fail (REASON_PROTOCOL): whoever
 * speaks before TLS begins could put words into a secured dialogue. */
void dial_secure(struct dial *dial, struct ssl_st *ssl, struct tls_facts *facts);

/* What has come and is not consumed yet; borrowed until the loop goes on or dial_consume. UDP: the oldest datagram. */
const char *dial_received(const struct dial *dial, size_t *n);
/* The first n bytes are done with. UDP: the whole datagram, whatever n is; the next one, if there is one, is told by a
 * DIAL_RECEIVED of its own. */
void dial_consume(struct dial *dial, size_t n);

/* Copies bytes to what is to be sent; from DIAL_CONNECTED on. UDP: one datagram. -1 when there would be more than
 * DIAL_UNSENT_MAX: nothing was taken. Faults are told as DIAL_FAILED. */
int dial_send(struct dial *dial, const void *bytes, size_t n);
/* Has everything been handed to the kernel? */
bool dial_is_sent(const struct dial *dial);

/* Gives back memory that is not needed now, and wipes what was sent from it: for connections that live long and are
 * mostly idle. Not while what dial_received gave is in use. */
void dial_trim(struct dial *dial);

/* For a descriptor of somebody else's (libcurl's): to be called right before close(), so that it closes as above. */
void dial_avoid_wait(int descriptor);

/* --- what is known ------------------------------------------------------------------------------------------------ */

/* Of DIAL_FAILED: refused, reset, unreachable_*, timeout (the kernel's own), tls_handshake, tls_verify, protocol,
 * local. REASON_OK before. */
enum reason dial_reason(const struct dial *dial);
/* In words, with OpenSSL's text or the kernel's; "" before. */
const char *dial_error(const struct dial *dial);

/* How long it took; -1: not done. UDP: 0 from DIAL_CONNECTED on. */
int64_t dial_connect_ns(const struct dial *dial);
int64_t dial_tls_ns(const struct dial *dial);

/* When the last bytes came (monotonic); 0: none yet. */
int64_t dial_received_ns(const struct dial *dial);

/* The kernel's view of a TCP connection, zeroed where this kernel tells less. -1: there is none to ask. To be called
 * before dial_close. */
int dial_tcp_info(const struct dial *dial, struct tcp_info *out);

/* The SSL of dial_secure, borrowed; NULL without. */
struct ssl_st *dial_ssl(const struct dial *dial);

#endif
