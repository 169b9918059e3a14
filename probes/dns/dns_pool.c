#include "probes/dns/dns_pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "probes/dns/dns_socket.h"
#include "probes/engine.h"
#include "probes/icmp/icmp_clock.h"
#include "probes/icmp/icmp_wire.h"

#define BUCKETS_FIRST  256             /* power of two */
#define RETRY_PAUSE_NS (1 * NS_PER_MS) /* after a socket had no room */
#define GROUPS         8               /* of a round of the loop: so many ports at least, if there is enough to send */
#define BUSY_FLYING    64 /* a port with so many queries in flight is spared: its buffer takes twice that */
#define PICK_TRIES     4
#define ID_TRIES       8
/* Descriptors are for others, too: a family takes at most this part of the limit. */
#define DESCRIPTORS_PART 16

enum pool_measure {
	POOL_SENT,
	POOL_ANSWERED,
	POOL_UNEXPECTED,
	POOL_UNFITTING,
	POOL_ERRORS,
	POOL_STOPPED,
	POOL_OPENED,
	POOL_PORTS,
	POOL_MEASURES
};

static const struct measure pool_measures[POOL_MEASURES] = {
	[POOL_SENT] = {"sent_total", MEASURE_COUNTER, "Queries sent over UDP"},
	[POOL_ANSWERED] = {"answered_total", MEASURE_COUNTER, "Replies that fitted a query"},
	[POOL_UNEXPECTED] = {"unexpected_total", MEASURE_COUNTER,
			     "Datagrams that nobody waited for: late, duplicate, or made up"},
	[POOL_UNFITTING] = {"spoofed_total", MEASURE_COUNTER,
			    "Datagrams with the port and the id of a query, but from another address or port, or with "
			    "another question or letter case"},
	[POOL_ERRORS] = {"errors_total", MEASURE_COUNTER, "ICMP errors about queries"},
	[POOL_STOPPED] = {"stopped_total", MEASURE_COUNTER, "Times that sending had to wait for room in a socket"},
	[POOL_OPENED] = {"opened_total", MEASURE_COUNTER, "Sockets opened, each with a port of its own"},
	[POOL_PORTS] = {"ports", MEASURE_INTEGER, "Sockets open"},
};

static const char *const worker_label[] = {"worker", NULL};
static const struct measure_set pool_set = {
	.name = "dns_pool",
	.measures = pool_measures,
	.n = POOL_MEASURES,
	.label_names = worker_label,
	.help = "UDP sockets for DNS queries",
};

/* A socket with queries in flight. Old ones leave the pool and are closed with their last query. */
struct dns_port {
	struct dns_port *next, **link; /* old ones only */
	struct dns_pool *pool;
	struct dns_socket *socket;
	int64_t opened_ns;
	uint32_t flying, sent;
	uint16_t number;
	bool is_old;
};

struct dns_pool {
	struct loop *loop;
	struct dns_buffers *buffers; /* NULL until they are needed */
	struct dns_random random;
	struct icmp_clock clock;
	struct dns_port *ports[ADDRESS_FAMILIES][DNS_POOL_PORTS];
	struct dns_port *old;
	size_t nports; /* of each family, at most */
	struct dns_ask **buckets;
	size_t nbuckets, flying;
	struct dns_ask *queue, **queue_end;
	size_t queued;
	struct dns_ask *failing; /* whose owners are still to be told */
	struct deferred flush;
	struct alarm retry;
	struct log_fault fault;
	_Atomic int64_t counters[POOL_MEASURES];
};

static void count(struct dns_pool *pool, enum pool_measure measure, int64_t n)
{
	atomic_fetch_add_explicit(&pool->counters[measure], n, memory_order_relaxed);
}

struct dns_random *dns_pool_random(struct dns_pool *pool)
{
	return &pool->random;
}

uint16_t dns_ask_port(const struct dns_ask *ask)
{
	return ask->port ? ask->port->number : 0;
}

/* --- queries in flight, by socket and id -------------------------------------------------------------------------- */

static struct dns_ask **bucket_of(const struct dns_pool *pool, const struct dns_port *port, uint16_t id)
{
	uint32_t mixed = ((uint32_t)port->number << 16 | id) * UINT32_C(2654435769);
	return &pool->buckets[(mixed >> 8) & (pool->nbuckets - 1)];
}

static struct dns_ask *find(const struct dns_pool *pool, const struct dns_port *port, uint16_t id)
{
	struct dns_ask *ask = *bucket_of(pool, port, id);
	while (ask && (ask->port != port || ask->id != id))
		ask = ask->next;
	return ask;
}

static void push(struct dns_ask **where, struct dns_ask *ask)
{
	ask->next = *where;
	ask->link = where;
	if (ask->next)
		ask->next->link = &ask->next;
	*where = ask;
}

static void unlink_ask(struct dns_ask *ask)
{
	*ask->link = ask->next;
	if (ask->next)
		ask->next->link = ask->link;
	ask->next = NULL;
	ask->link = NULL;
}

static void grow(struct dns_pool *pool)
{
	struct dns_ask **before = pool->buckets;
	size_t nbefore = pool->nbuckets;
	pool->nbuckets = nbefore ? nbefore * 2 : BUCKETS_FIRST;
	pool->buckets = mem_zero(pool->nbuckets, sizeof(*pool->buckets));
	for (size_t i = 0; i < nbefore; i++) {
		for (struct dns_ask *ask = before[i], *next; ask; ask = next) {
			next = ask->next;
			push(bucket_of(pool, ask->port, ask->id), ask);
		}
	}
	mem_free(before);
}

/* A free id of this port, at random; false when there is hardly any. */
static bool take_id(struct dns_pool *pool, struct dns_port *port, struct dns_ask *ask)
{
	if (pool->flying >= pool->nbuckets)
		grow(pool);
	for (int tries = 0; tries < ID_TRIES; tries++) {
		uint16_t id = (uint16_t)dns_random_next(&pool->random);
		if (find(pool, port, id))
			continue;
		ask->id = id;
		ask->port = port;
		ask->state = DNS_ASK_SENDING;
		dns_query_set_id(ask->query, id);
		push(bucket_of(pool, port, id), ask);
		port->flying++;
		pool->flying++;
		return true;
	}
	return false;
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

static void close_port(struct dns_port *port)
{
	if (port->link) {
		*port->link = port->next;
		if (port->next)
			port->next->link = port->link;
	}
	count(port->pool, POOL_PORTS, -1);
	dns_socket_close(port->socket);
	mem_free(port);
}

static void retire_port(struct dns_port *port)
{
	struct dns_pool *pool = port->pool;
	port->is_old = true;
	if (!port->flying) {
		close_port(port);
		return;
	}
	port->next = pool->old;
	port->link = &pool->old;
	if (port->next)
		port->next->link = &port->next;
	pool->old = port;
}

static struct dns_port *open_port(struct dns_pool *pool, enum address_family family, struct err *err)
{
	struct dns_port *port = mem_zero(1, sizeof(*port));
	port->pool = pool;
	port->socket = dns_socket_open(pool->buffers, family, port, err);
	if (!port->socket) {
		mem_free(port);
		return NULL;
	}
	port->opened_ns = clock_monotonic_ns();
	port->number = dns_socket_port(port->socket);
	count(pool, POOL_OPENED, 1);
	count(pool, POOL_PORTS, 1);
	return port;
}

static bool is_worn(const struct dns_port *port)
{
	return port->sent >= DNS_POOL_PORT_QUERIES ||
	       clock_monotonic_ns() - port->opened_ns >= DNS_POOL_PORT_SECONDS * NS_PER_SECOND;
}

/* Any that is open, from this place on: better a port used once more than no query. */
static struct dns_port *any_port(struct dns_port *const *ports, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++)
		if (ports[(from + i) % n])
			return ports[(from + i) % n];
	return NULL;
}

/* At random, but not where the answers to what is in flight could fill the socket's buffer, as long as others are free.
 */
static size_t pick_place(struct dns_pool *pool, struct dns_port *const *ports)
{
	size_t i = 0;
	for (int tries = 0; tries < PICK_TRIES; tries++) {
		i = dns_random_next(&pool->random) % pool->nports;
		if (!ports[i] || ports[i]->flying < BUSY_FLYING)
			break;
	}
	return i;
}

static struct dns_port *pick_port(struct dns_pool *pool, enum address_family family, struct err *err)
{
	struct dns_port **ports = pool->ports[family - 1];
	size_t i = pick_place(pool, ports);
	if (ports[i] && !is_worn(ports[i]))
		return ports[i];
	struct dns_port *fresh = open_port(pool, family, err);
	if (!fresh) {
		log_fault_begin(&pool->fault, "dns", NULL, "no further socket for queries: %s", err->text);
		return any_port(ports, pool->nports, i);
	}
	log_fault_end(&pool->fault, "dns", NULL);
	if (ports[i])
		retire_port(ports[i]);
	ports[i] = fresh;
	return fresh;
}

/* The query is in nobody's hands any more; an old port goes with its last one. */
static void take_off(struct dns_pool *pool, struct dns_ask *ask)
{
	struct dns_port *port = ask->port;
	unlink_ask(ask);
	ask->state = DNS_ASK_IDLE;
	ask->port = NULL;
	pool->flying--;
	if (--port->flying == 0 && port->is_old)
		close_port(port);
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static void look_at_clocks(struct dns_pool *pool)
{
	int64_t before_ns = clock_monotonic_ns();
	int64_t realtime_ns = clock_realtime_ns();
	icmp_clock_check(&pool->clock, before_ns, realtime_ns, clock_monotonic_ns());
}

static void pool_receiving(void *context)
{
	look_at_clocks(context);
}

static int64_t round_trip_ns(const struct dns_pool *pool, const struct dns_ask *ask, int64_t stamp_ns)
{
	if (ask->clock_epoch != pool->clock.epoch)
		return -1;
	int64_t rtt_ns = (stamp_ns ? stamp_ns : clock_realtime_ns()) - ask->sent_ns;
	return rtt_ns > 0 ? rtt_ns : 1;
}

static void end_ask(struct dns_pool *pool, struct dns_ask *ask, const struct dns_event *event)
{
	take_off(pool, ask);
	ask->event(ask, event);
}

static bool is_from(const struct address *server, const struct address *from)
{
	return address_equal(server, from) && server->port == from->port;
}

static void pool_replied(struct dns_pool *pool, const struct dns_port *port, const struct dns_incoming *incoming)
{
	struct dns_ask *ask = NULL;
	if (incoming->size >= DNS_HEADER_BYTES)
		ask = find(pool, port, dns_reply_id(incoming->bytes));
	if (!ask || ask->state != DNS_ASK_FLYING) {
		count(pool, POOL_UNEXPECTED, 1);
		return;
	}
	struct dns_event event = {
		.kind = DNS_EVENT_ANSWERED,
		.reply = incoming->bytes,
		.size = incoming->size,
		.from = incoming->from,
		.is_from_other = !is_from(&ask->server, &incoming->from),
		.verdict = dns_reply_check(incoming->bytes, incoming->size, ask->query, ask->question_end,
					   ask->is_case_checked),
	};
	if (event.is_from_other || event.verdict != DNS_REPLY_FITS) {
		count(pool, POOL_UNFITTING, 1);
		event.kind = DNS_EVENT_UNFITTING;
		ask->event(ask, &event);
		return;
	}
	count(pool, POOL_ANSWERED, 1);
	event.rtt_ns = round_trip_ns(pool, ask, incoming->stamp_ns);
	end_ask(pool, ask, &event);
}

/* Routers of old quote no more than the UDP header: then it is about the query to that server from this port, if there
 * is just one. */
static struct dns_ask *find_quoted(const struct dns_pool *pool, const struct dns_port *port,
				   const struct dns_incoming *incoming)
{
	struct dns_ask *found = NULL;
	if (incoming->size >= 2) {
		found = find(pool, port, dns_reply_id(incoming->bytes));
		return found && is_from(&found->server, &incoming->from) ? found : NULL;
	}
	for (size_t i = 0; i < pool->nbuckets; i++) {
		for (struct dns_ask *ask = pool->buckets[i]; ask; ask = ask->next) {
			if (ask->port != port || !is_from(&ask->server, &incoming->from))
				continue;
			if (found)
				return NULL;
			found = ask;
		}
	}
	return found;
}

static void pool_failed(struct dns_pool *pool, const struct dns_port *port, const struct dns_incoming *incoming)
{
	enum address_family family = (enum address_family)incoming->from.family;
	if (!icmp_wire_is_failure(family, incoming->error_type))
		return;
	struct dns_ask *ask = find_quoted(pool, port, incoming);
	if (!ask || ask->state != DNS_ASK_FLYING) {
		count(pool, POOL_UNEXPECTED, 1);
		return;
	}
	const struct dns_event event = {
		.kind = DNS_EVENT_FAILED,
		.rtt_ns = -1,
		.reason = icmp_wire_reason(family, incoming->error_type, incoming->error_code),
		.error_text = icmp_wire_describe(family, incoming->error_type, incoming->error_code),
		.from = incoming->offender,
	};
	count(pool, POOL_ERRORS, 1);
	end_ask(pool, ask, &event);
}

static void pool_received(void *context, void *owner, const struct dns_incoming *incoming)
{
	if (incoming->is_error)
		pool_failed(context, owner, incoming);
	else
		pool_replied(context, owner, incoming);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void queue_back(struct dns_pool *pool, struct dns_ask *ask)
{
	ask->state = DNS_ASK_QUEUED;
	ask->next = NULL;
	ask->link = pool->queue_end;
	*pool->queue_end = ask;
	pool->queue_end = &ask->next;
	pool->queued++;
}

static void take_from_queue(struct dns_pool *pool, struct dns_ask *ask)
{
	if (pool->queue_end == &ask->next)
		pool->queue_end = ask->link;
	unlink_ask(ask);
	ask->state = DNS_ASK_IDLE;
	pool->queued--;
}

static void set_failing(struct dns_pool *pool, struct dns_ask *ask, int error)
{
	ask->state = DNS_ASK_FAILING;
	ask->error = error;
	push(&pool->failing, ask);
}

/* Whoever is told may cancel others of the list. */
static void tell_failing(struct dns_pool *pool)
{
	while (pool->failing) {
		struct dns_ask *ask = pool->failing;
		const struct dns_event event = {
			.kind = DNS_EVENT_UNSENT,
			.rtt_ns = -1,
			.reason = ask->error == EMSGSIZE ? REASON_TOO_BIG : REASON_LOCAL,
			.error_text = strerror(ask->error),
		};
		unlink_ask(ask);
		ask->state = DNS_ASK_IDLE;
		ask->event(ask, &event);
	}
}

/* Queries that leave by one port. */
struct group {
	struct dns_ask *asks[DNS_BATCH];
	struct dns_outgoing outgoing[DNS_BATCH];
	int results[DNS_BATCH];
	size_t n;
	int64_t begun_ns, ended_ns;
};

/* The next of the queue that are of the same family, with ids. */
static void fill_group(struct dns_pool *pool, struct dns_port *port, size_t most, struct group *group)
{
	uint8_t family = pool->queue->server.family;
	group->n = 0;
	while (pool->queue && group->n < most && pool->queue->server.family == family) {
		struct dns_ask *ask = pool->queue;
		take_from_queue(pool, ask);
		if (!take_id(pool, port, ask)) {
			queue_back(pool, ask);
			return;
		}
		group->asks[group->n] = ask;
		group->outgoing[group->n++] = (struct dns_outgoing){
			.to = &ask->server,
			.source = &ask->source,
			.interface = ask->interface,
			.bytes = ask->query,
			.size = ask->size,
		};
	}
}

/* Query i of n left at begun + i / n of the time that they took. What found no room is queued again. */
static void note_group(struct dns_pool *pool, const struct group *group, size_t done)
{
	int64_t step_ns = (group->ended_ns - group->begun_ns) / (int64_t)group->n;
	for (size_t i = 0; i < group->n; i++) {
		struct dns_ask *ask = group->asks[i];
		ask->state = DNS_ASK_FLYING;
		ask->sent_ns = group->begun_ns + step_ns * (int64_t)i;
		ask->clock_epoch = pool->clock.epoch;
		if (i < done && group->results[i] == 0) {
			ask->port->sent++;
			count(pool, POOL_SENT, 1);
			continue;
		}
		take_off(pool, ask);
		if (i < done)
			set_failing(pool, ask, group->results[i]);
		else
			queue_back(pool, ask);
	}
}

/* Nobody can be asked at all in this family. */
static void fail_next(struct dns_pool *pool, int error)
{
	struct dns_ask *ask = pool->queue;
	take_from_queue(pool, ask);
	set_failing(pool, ask, error);
}

/* Returns how many queries of the queue were looked at; 0: there is no room now. */
static size_t send_group(struct dns_pool *pool, size_t most)
{
	struct group group;
	struct err err = {{0}};
	struct dns_port *port = pick_port(pool, (enum address_family)pool->queue->server.family, &err);
	if (!port) {
		fail_next(pool, ENOBUFS);
		return 1;
	}
	fill_group(pool, port, most, &group);
	if (!group.n)
		return 1;
	size_t done =
		dns_socket_send(port->socket, group.outgoing, group.n, group.results, &group.begun_ns, &group.ended_ns);
	note_group(pool, &group, done);
	if (done < group.n)
		count(pool, POOL_STOPPED, 1);
	return done < group.n ? 0 : group.n;
}

/* Everything that was queued goes out, each group by a port of its own: the more there is, the larger they are, since a
 * system call costs more than a query. */
static void pool_flush(void *arg)
{
	struct dns_pool *pool = arg;
	size_t left = pool->queued;
	size_t most = left / GROUPS;
	if (most < 1)
		most = 1;
	if (most > DNS_BATCH)
		most = DNS_BATCH;
	if (!pool->buffers)
		pool->buffers = dns_buffers_create(pool->loop,
						   &(struct dns_socket_events){pool, pool_receiving, pool_received});
	alarm_cancel(pool->loop, &pool->retry);
	look_at_clocks(pool);
	while (left && pool->queue) {
		size_t n = send_group(pool, most);
		if (!n)
			break;
		left -= n < left ? n : left;
	}
	if (pool->queue)
		alarm_set(pool->loop, &pool->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
	tell_failing(pool);
}

void dns_pool_ask(struct dns_pool *pool, struct dns_ask *ask)
{
	queue_back(pool, ask);
	if (!alarm_is_set(&pool->retry))
		loop_defer(pool->loop, &pool->flush);
}

void dns_pool_cancel(struct dns_pool *pool, struct dns_ask *ask)
{
	switch ((enum dns_ask_state)ask->state) {
	case DNS_ASK_IDLE:
		break;
	case DNS_ASK_QUEUED:
		take_from_queue(pool, ask);
		break;
	case DNS_ASK_SENDING:
	case DNS_ASK_FLYING:
		take_off(pool, ask);
		break;
	case DNS_ASK_FAILING:
		unlink_ask(ask);
		ask->state = DNS_ASK_IDLE;
		break;
	}
}

/* --- the service -------------------------------------------------------------------------------------------------- */

static size_t ports_allowed(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / DESCRIPTORS_PART >= DNS_POOL_PORTS)
		return DNS_POOL_PORTS;
	return limit.rlim_cur / DESCRIPTORS_PART + 1;
}

static void *pool_create(struct engine *engine)
{
	struct dns_pool *pool = mem_zero(1, sizeof(*pool));
	pool->loop = engine_loop(engine);
	pool->random.key = hash_key_random();
	pool->nports = ports_allowed();
	pool->queue_end = &pool->queue;
	deferred_prepare(&pool->flush, pool_flush, pool);
	alarm_prepare(&pool->retry, pool_flush, pool);
	grow(pool);
	return pool;
}

static void pool_free(void *service)
{
	struct dns_pool *pool = service;
	for (size_t family = 0; family < ADDRESS_FAMILIES; family++)
		for (size_t i = 0; i < pool->nports; i++)
			if (pool->ports[family][i])
				close_port(pool->ports[family][i]);
	while (pool->old)
		close_port(pool->old);
	if (pool->buffers)
		dns_buffers_free(pool->buffers);
	loop_defer_cancel(pool->loop, &pool->flush);
	alarm_cancel(pool->loop, &pool->retry);
	mem_free(pool->buckets);
	mem_free(pool);
}

static size_t pool_read(void *service, struct reading *readings)
{
	struct dns_pool *pool = service;
	for (unsigned i = 0; i < POOL_MEASURES; i++)
		readings[i] = reading_integer(i, atomic_load_explicit(&pool->counters[i], memory_order_relaxed));
	return POOL_MEASURES;
}

const struct probe_service dns_service = {
	.name = "dns",
	.create = pool_create,
	.free = pool_free,
	.set = &pool_set,
	.read = pool_read,
};
