/*
 * A network of echo requests in virtual time: stands in for probes/icmp/icmp_socket.c. The test is asked about every
 * request and says what comes back, and when.
 */
#ifndef NETSONDE_TESTS_FAKE_ICMP_H
#define NETSONDE_TESTS_FAKE_ICMP_H

#include "probes/icmp/icmp_socket.h"

/* What the network does with one request. */
struct fake_answer {
	int64_t delay_ns;  /* until the kernel stamps the reply */
	unsigned copies;   /* 0 = nothing comes back; 2 = one duplicate */
	bool is_unstamped; /* the kernel gives no time */
	bool is_spoofed;   /* wrong secret */
	bool is_short;     /* no secret at all */
	bool is_error;     /* an ICMP error of this type and code instead of a reply */
	uint8_t error_type, error_code;
	uint32_t error_info;
	const char *from;  /* who answers, when not the destination */
	int send_errno;    /* the send fails with this, for good */
	int16_t hop_limit; /* 0 = 64 */
};

/* Called for each request in the order of sending; nth counts from 0 since fake_icmp_reset. */
typedef struct fake_answer (*fake_network)(void *context, const struct icmp_request *request, unsigned nth);

/* No network (everything is lost), no sockets refused. Before the first socket of a test is opened. */
void fake_icmp_reset(fake_network network, void *context);

/* From now on sockets of this family cannot be opened. */
void fake_icmp_refuse(enum address_family family);

/* The next n calls of icmp_socket_send take nothing and stop with this errno (EAGAIN: until fake_icmp_writable). */
void fake_icmp_stop_sending(unsigned n, int error);
void fake_icmp_writable(void);

/* How long a batch takes from now on, as the sender sees it; it is 0 after a reset. The virtual time stands still. */
void fake_icmp_take_ns(int64_t batch_ns);

/* What icmp_socket_dropped says from now on. */
void fake_icmp_set_dropped(uint64_t dropped);

/* Requests sent since the reset, and how many calls of icmp_socket_send it took. */
unsigned fake_icmp_sent(void);
unsigned fake_icmp_batches(void);
/* Replies and errors on their way. */
unsigned fake_icmp_pending(void);
/* The last request sent. */
const struct icmp_request *fake_icmp_last(void);

/* A reply or error out of the blue, to every socket of its family. */
void fake_icmp_inject(const struct icmp_reply *reply);
/* The same after a while, to the first socket of its family. */
void fake_icmp_inject_later(const struct icmp_reply *reply, int64_t delay_ns);

#endif
