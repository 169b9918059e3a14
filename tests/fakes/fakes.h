/*
 * Virtual time: what a test says to the loop, the clock and the resolver that stand in for the real ones. Link the
 * objects of this folder before the libraries. Nothing here sleeps, and nothing happens unless the test says so.
 *
 *     struct loop *loop = loop_create(0, NULL);    the functions of core/loop.h, as always
 *     ...
 *     fake_advance_ns(3 * NS_PER_SECOND);          all alarms of the next three seconds ring, in order
 */
#ifndef NETSONDE_TESTS_FAKES_H
#define NETSONDE_TESTS_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

/* Where time begins after fake_reset. */
#define FAKE_MONOTONIC_START_NS (INT64_C(1000) * 1000000000)
#define FAKE_REALTIME_START_NS  (INT64_C(1700000000) * 1000000000)

/* Back to the beginning: clocks, names, counters. For the start of a test; loops and resolvers of before must be freed.
 */
void fake_reset(void);

/* --- clock ---------------------------------------------------------------------------------------------------------
 */

int64_t fake_now_ns(void); /* monotonic */

/* Both clocks go on, and nothing runs: a callback that takes its time, a stalled machine. Alarms that fall into it ring
 * late, at the next fake_advance_ns. */
void fake_stall_ns(int64_t ns);

/* The wall clock is set (ns may be negative); the monotonic clock does not notice. */
void fake_step_realtime_ns(int64_t ns);

/* --- loop ----------------------------------------------------------------------------------------------------------
 */

/* Time goes on by ns, slot by slot: what is due on the way happens in order, each batch of alarms followed by what it
 * deferred. 0 = run what is deferred and what is due now. All loops there are take part. */
void fake_advance_ns(int64_t ns);

/* Fires the watches of the descriptor that want one of the events (enum watch_event), then runs what that deferred.
 * Returns how many there were. */
size_t fake_fire(int descriptor, unsigned events);

/* Fires every watch whose descriptor is ready (as poll(2) says it) for what it wants: mailboxes, for a test of several
 * loops. Returns how many there were. */
size_t fake_fire_ready(void);

/* What the watches of a descriptor want, together. */
unsigned fake_wanted(int descriptor);

/* Alarms that have rung since fake_reset. */
uint64_t fake_rung(void);

/* When the next alarm of any loop rings (monotonic); INT64_MAX = none. */
int64_t fake_next_ns(void);

/* Loops, watches and resolvers that were created and not freed: 0 at the end of a clean test. */
size_t fake_alive(void);

/* --- resolver ------------------------------------------------------------------------------------------------------
 */

/* What a name resolves to from now on, delay_ns after it is asked: n addresses (copied; those of the family that is
 * asked for are told, at most RESOLVE_ADDRESSES_MAX), or none and error (copied; NULL = "no such name"). Names that
 * were never set are answered with "no such name" at once; literals with themselves. */
struct fake_name {
	const char *name;
	const struct address *addresses;
	size_t n;
	int64_t ttl_seconds;
	const char *error;
	int64_t delay_ns;
};
void fake_resolve_set(const struct fake_name *name);

/* The same in short: "192.0.2.1 2001:db8::1" (blank-separated literals), answered at once. */
void fake_resolve_set_text(const char *name, const char *addresses, int64_t ttl_seconds);

/* The name fails with that error from now on. */
void fake_resolve_set_error(const char *name, const char *error, int64_t delay_ns);

/* How often a name has been asked for since fake_reset (NULL: all names). */
size_t fake_resolve_asked(const char *name);

/* What the name of an address (a literal) is from now on, delay_ns after it is asked for; all texts are copied. name
 * NULL: there is none, or with error the servers do not answer. Addresses that were never set have none. */
struct fake_reverse {
	const char *address;
	const char *name;
	int64_t ttl_seconds;
	const char *error;
	int64_t delay_ns;
};
void fake_resolve_set_reverse(const struct fake_reverse *reverse);

/* How often the name of an address has been asked for since fake_reset. */
size_t fake_resolve_asked_reverse(const char *address);

/* Resolutions under way. */
size_t fake_resolve_running(void);

/* --- HTTP servers --------------------------------------------------------------------------------------------------
 */

struct fetch_plan;

/* What a request gets. Texts must live until then. retry_after_ns 0 = none. */
struct fake_reply {
	int status; /* 0 = none: error */
	int64_t after_ns;
	int64_t retry_after_ns;
	const char *type, *body, *error;
	bool is_timeout;
};

/* handle is called when a request begins; its body has come by then. Without a server, connections are refused. */
struct fake_server {
	void (*handle)(void *arg, const struct fetch_plan *request, struct fake_reply *answer);
	void *arg;
};
void fake_fetch_set_server(const struct fake_server *server);

/* Requests under way. */
size_t fake_fetch_running(void);

/* --- memory --------------------------------------------------------------------------------------------------------
 */

/* What mem_alloc and the like have given and mem_free has not got back, as the allocator measures it. */
size_t fake_memory_bytes(void);
size_t fake_memory_pieces(void);

/* --- between the fakes ---------------------------------------------------------------------------------------------
 */

void fake_clock_reset(void);
void fake_clock_set_ns(int64_t now_ns); /* monotonic; the wall clock moves along */
void fake_loop_reset(void);
void fake_resolve_reset(void);
void fake_fetch_reset(void);
size_t fake_loop_alive(void);
size_t fake_resolve_alive(void);
size_t fake_fetch_alive(void);

#endif
