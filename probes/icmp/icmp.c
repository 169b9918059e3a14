#include "probes/icmp/icmp.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/drop_ledger.h"
#include "probes/engine.h"
#include "probes/icmp/icmp_clock.h"
#include "probes/icmp/icmp_wire.h"

#define QUEUE_MAX      (1U << 18)      /* requests waiting for one socket */
#define RETRY_PAUSE_NS (5 * NS_PER_MS) /* after ENOBUFS, which no event ends */
#define REFUSALS_MAX   64              /* in one go: devices with a full queue must not hold up the others */
#define QUEUE_KEPT     4096            /* orders that an empty queue keeps room for */

enum icmp_measure {
	ICMP_FOREIGN,
	ICMP_UNSTAMPED,
	ICMP_STEPS,
	ICMP_DROPPED,
	ICMP_STOPPED,
	ICMP_EXHAUSTED,
	ICMP_MEASURES
};

static const struct measure icmp_measures[ICMP_MEASURES] = {
	[ICMP_FOREIGN] = {"foreign_total", MEASURE_COUNTER,
			  "ICMP packets that reached us but answer no request of ours: spoofed, or another program's"},
	[ICMP_UNSTAMPED] = {"unstamped_total", MEASURE_COUNTER,
			    "Replies without a usable time: counted as received, kept out of round-trip times"},
	[ICMP_STEPS] = {"clock_steps_total", MEASURE_COUNTER, "Steps of the wall clock noticed"},
	[ICMP_DROPPED] = {"receive_drops_total", MEASURE_COUNTER,
			  "Packets dropped by the kernel because our receive buffer was full"},
	[ICMP_STOPPED] = {"send_stalls_total", MEASURE_COUNTER,
			  "Times that the kernel took no more packets for now (EAGAIN, ENOBUFS)"},
	[ICMP_EXHAUSTED] = {"sequence_exhausted_total", MEASURE_COUNTER,
			    "Requests not made for want of a free sequence number or of room in the queue"},
};

static const char *const worker_label[] = {"worker", NULL};

static const struct measure_set icmp_set = {
	.name = "icmp",
	.measures = icmp_measures,
	.n = ICMP_MEASURES,
	.label_names = worker_label,
	.help = "The ICMP sockets of a worker",
};

/* A request that waits for its batch. When its peer goes it stays queued: the place tells that nobody wants it. */
struct order {
	const struct icmp_shape *shape;
	struct icmp_place place;
	uint16_t sequence;
};

struct icmp_lane {
	struct icmp_lane *next;
	struct icmp *icmp;
	enum address_family family;
	struct icmp_profile profile;
	struct icmp_socket *socket;
	struct icmp_flight *flight;
	struct order *queue; /* orders[0..queued), in order */
	size_t queued, queue_size;
	struct deferred flush;
	struct alarm retry;
	struct drop_ledger drops;
	uint64_t foreign_seen;
	struct icmp_socket_events events;
};

struct icmp {
	struct loop *loop;
	struct icmp_lane *lanes;
	struct icmp_clock clock;
	struct hash_key key;
	uint64_t peers; /* ever opened: the input of the first number of the next */
	_Atomic int64_t counters[ICMP_MEASURES];
};

static void count(struct icmp *icmp, enum icmp_measure measure, int64_t n)
{
	atomic_fetch_add_explicit(&icmp->counters[measure], n, memory_order_relaxed);
}

static void look_at_clocks(struct icmp *icmp)
{
	int64_t before_ns = clock_monotonic_ns();
	int64_t realtime_ns = clock_realtime_ns();
	int64_t after_ns = clock_monotonic_ns();
	if (!icmp_clock_check(&icmp->clock, before_ns, realtime_ns, after_ns))
		return;
	count(icmp, ICMP_STEPS, 1);
	log_event(LOG_LEVEL_INFO, "clock", NULL, "the wall clock was set; round-trip times under way are left out");
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static int64_t round_trip_ns(struct icmp *icmp, const struct icmp_attempt *attempt, int64_t stamp_ns)
{
	const struct icmp_moment sent = {attempt->sent_ns, attempt->slack_ns};
	int64_t rtt_ns = icmp_clock_round_trip_ns(&icmp->clock, sent, attempt->clock_epoch, stamp_ns);
	if (rtt_ns < 0)
		count(icmp, ICMP_UNSTAMPED, 1);
	return rtt_ns;
}

static void lane_replied(struct icmp_lane *lane, const struct icmp_reply *reply)
{
	struct icmp_match match = {.verdict = ICMP_VERDICT_FOREIGN};
	if (reply->has_secret)
		match = icmp_flight_reply(lane->flight, &reply->from, reply->sequence, reply->secret);
	if (match.verdict == ICMP_VERDICT_FOREIGN) {
		count(lane->icmp, ICMP_FOREIGN, 1);
		return;
	}
	static const enum icmp_event_kind kinds[] = {
		[ICMP_VERDICT_ANSWER] = ICMP_EVENT_ANSWERED,
		[ICMP_VERDICT_DUPLICATE] = ICMP_EVENT_DUPLICATE,
		[ICMP_VERDICT_LATE] = ICMP_EVENT_LATE,
	};
	const struct icmp_event event = {
		.kind = kinds[match.verdict],
		.sequence = reply->sequence,
		.is_reordered = match.is_reordered,
		.hop_limit = reply->hop_limit,
		.rtt_ns = round_trip_ns(lane->icmp, match.attempt, reply->stamp_ns),
		.size = reply->size,
		.from = reply->from,
	};
	struct icmp_peer *peer = (struct icmp_peer *)match.endpoint;
	peer->event(peer, &event);
}

static void lane_failed(struct icmp_lane *lane, const struct icmp_reply *reply)
{
	if (!icmp_wire_is_failure(lane->family, reply->error_type))
		return;
	struct icmp_match match = icmp_flight_error(lane->flight, &reply->destination, reply->sequence);
	if (!match.endpoint) {
		count(lane->icmp, ICMP_FOREIGN, 1);
		return;
	}
	enum reason reason = icmp_wire_reason(lane->family, reply->error_type, reply->error_code);
	const struct icmp_event event = {
		.kind = ICMP_EVENT_FAILED,
		.sequence = reply->sequence,
		.hop_limit = -1,
		.rtt_ns = -1,
		.reason = reason,
		.error_text = icmp_wire_describe(lane->family, reply->error_type, reply->error_code),
		.mtu = reason == REASON_TOO_BIG ? reply->error_info : 0,
		.from = reply->from,
	};
	struct icmp_peer *peer = (struct icmp_peer *)match.endpoint;
	peer->event(peer, &event);
}

static void socket_replied(void *context, const struct icmp_reply *reply)
{
	if (reply->is_error)
		lane_failed(context, reply);
	else
		lane_replied(context, reply);
}

/* A stamp is believed only if it lies where this request can have left: the count by which the kernel names requests
 * may slip when the device refuses a packet. */
static void socket_transmitted(void *context, const struct address *destination, uint16_t sequence, int64_t stamp_ns)
{
	struct icmp_lane *lane = context;
	struct icmp_attempt *attempt = icmp_flight_find(lane->flight, destination, sequence).attempt;
	if (!attempt || stamp_ns < attempt->sent_ns - attempt->slack_ns || stamp_ns > attempt->sent_ns + NS_PER_SECOND)
		return;
	attempt->sent_ns = stamp_ns;
	attempt->slack_ns = 0;
}

static void note_drops(struct icmp_lane *lane)
{
	uint64_t fresh = drop_ledger_note(&lane->drops, icmp_socket_dropped(lane->socket), clock_realtime_ns());
	count(lane->icmp, ICMP_DROPPED, (int64_t)fresh);
}

static void socket_receiving(void *context)
{
	struct icmp_lane *lane = context;
	look_at_clocks(lane->icmp);
	if (drop_ledger_is_due(&lane->drops, clock_realtime_ns()))
		note_drops(lane);
	uint64_t foreign = icmp_socket_foreign(lane->socket);
	count(lane->icmp, ICMP_FOREIGN, (int64_t)(foreign - lane->foreign_seen));
	lane->foreign_seen = foreign;
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

/* NULL when it has gone. */
static struct icmp_peer *order_peer(const struct icmp_lane *lane, const struct order *order)
{
	return (struct icmp_peer *)icmp_flight_at(lane->flight, order->place);
}

static void fail_unsent(struct icmp_peer *peer, struct icmp_attempt *attempt, int error)
{
	icmp_flight_set_state(peer->lane->flight, &peer->endpoint, attempt, ICMP_ATTEMPT_FAILED);
	const struct icmp_event event = {
		.kind = ICMP_EVENT_UNSENT,
		.sequence = attempt->sequence,
		.hop_limit = -1,
		.rtt_ns = -1,
		.reason = error == EMSGSIZE ? REASON_TOO_BIG : REASON_LOCAL,
		.error_text = strerror(error),
	};
	peer->event(peer, &event);
}

/* The next requests of the queue, as the socket wants them. */
struct batch {
	struct icmp_request requests[ICMP_SEND_BATCH];
	size_t places[ICMP_SEND_BATCH]; /* in the queue */
	int results[ICMP_SEND_BATCH];
	size_t n;
	size_t end; /* the queue has been looked at up to here */
};

static void lane_resize_queue(struct icmp_lane *lane, size_t size)
{
	lane->queue = mem_resize(lane->queue, size, sizeof(*lane->queue));
	lane->queue_size = size;
}

static void lane_append(struct icmp_lane *lane, struct order order)
{
	if (lane->queued == lane->queue_size)
		lane_resize_queue(lane, lane->queue_size ? lane->queue_size * 2 : ICMP_SEND_BATCH);
	lane->queue[lane->queued++] = order;
}

static void note_sent(const struct icmp_lane *lane, struct icmp_peer *peer, struct icmp_attempt *attempt)
{
	attempt->clock_epoch = lane->icmp->clock.epoch;
	icmp_flight_set_state(lane->flight, &peer->endpoint, attempt, ICMP_ATTEMPT_FLYING);
	const struct icmp_event event = {.kind = ICMP_EVENT_SENT, .sequence = attempt->sequence, .rtt_ns = -1};
	peer->event(peer, &event);
}

/* What the first n of a batch became. One that a device has no room for goes to the end of the queue. Returns how many
 * of those there were. */
static size_t note_batch(struct icmp_lane *lane, const struct batch *batch, size_t n,
			 const struct icmp_sending *sending)
{
	size_t refused = 0;
	for (size_t i = 0; i < n; i++) {
		struct order order = lane->queue[batch->places[i]];
		struct icmp_peer *peer = order_peer(lane, &order);
		struct icmp_attempt *attempt = icmp_endpoint_attempt(&peer->endpoint, order.sequence);
		if (batch->results[i] == ENOBUFS) {
			lane_append(lane, order);
			refused++;
		} else if (batch->results[i]) {
			fail_unsent(peer, attempt, batch->results[i]);
		} else {
			struct icmp_moment moment = icmp_clock_moment(sending->begun_ns, sending->ended_ns, i, n);
			attempt->sent_ns = moment.sent_ns;
			attempt->slack_ns = moment.slack_ns;
			note_sent(lane, peer, attempt);
		}
	}
	return refused;
}

/* Takes the next batch out of queue[first..end), leaving out what nobody waits for any more. */
static void fill_batch(const struct icmp_lane *lane, size_t first, size_t end, struct batch *batch)
{
	size_t i = first;
	batch->n = 0;
	for (; i < end && batch->n < ICMP_SEND_BATCH; i++) {
		const struct order *order = &lane->queue[i];
		const struct icmp_peer *peer = order_peer(lane, order);
		if (!peer)
			continue;
		const struct icmp_attempt *attempt = icmp_endpoint_attempt(&peer->endpoint, order->sequence);
		if (!attempt || attempt->state != ICMP_ATTEMPT_QUEUED)
			continue;
		const struct icmp_shape *shape = order->shape;
		batch->places[batch->n] = i;
		batch->requests[batch->n++] = (struct icmp_request){
			.destination = peer->endpoint.address,
			.source = shape->source,
			.interface = shape->interface,
			.sequence = order->sequence,
			.payload_size = shape->payload_size,
			.hop_limit = shape->hop_limit,
			.traffic_class = shape->traffic_class,
			.secret = icmp_flight_secret(lane->flight, &peer->endpoint, attempt),
		};
	}
	batch->end = i;
}

/* Sends what is queued, once each, until the socket is full or too much is refused; what was not sent stays. */
static void lane_flush(void *arg)
{
	struct icmp_lane *lane = arg;
	struct batch batch;
	struct icmp_sending sending = {0};
	size_t first = 0;
	size_t end = lane->queued;
	size_t refused = 0;
	look_at_clocks(lane->icmp);
	alarm_cancel(lane->icmp->loop, &lane->retry);
	while (first < end && !sending.stopped && refused < REFUSALS_MAX) {
		fill_batch(lane, first, end, &batch);
		size_t done = 0;
		if (batch.n)
			done = icmp_socket_send(lane->socket, batch.requests, batch.n, batch.results, &sending);
		refused += note_batch(lane, &batch, done, &sending);
		first = done < batch.n ? batch.places[done] : batch.end;
	}
	lane->queued -= first;
	if (lane->queued)
		memmove(lane->queue, lane->queue + first, lane->queued * sizeof(*lane->queue));
	else if (lane->queue_size > QUEUE_KEPT)
		lane_resize_queue(lane, QUEUE_KEPT);
	if (sending.stopped || refused) {
		count(lane->icmp, ICMP_STOPPED, 1);
		alarm_set(lane->icmp->loop, &lane->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
	}
}

static void socket_writable(void *context)
{
	struct icmp_lane *lane = context;
	loop_defer(lane->icmp->loop, &lane->flush);
}

static int lane_queue(struct icmp_lane *lane, const struct order *order)
{
	if (lane->queued >= QUEUE_MAX)
		return -1;
	lane_append(lane, *order);
	if (!alarm_is_set(&lane->retry))
		loop_defer(lane->icmp->loop, &lane->flush);
	return 0;
}

/* --- lanes -------------------------------------------------------------------------------------------------------- */

static bool profile_equal(const struct icmp_profile *a, const struct icmp_profile *b)
{
	return a->fwmark == b->fwmark && a->dont_fragment == b->dont_fragment &&
	       a->transmit_timestamps == b->transmit_timestamps;
}

static void lane_free(struct icmp_lane *lane)
{
	loop_defer_cancel(lane->icmp->loop, &lane->flush);
	alarm_cancel(lane->icmp->loop, &lane->retry);
	icmp_socket_close(lane->socket);
	icmp_flight_free(lane->flight);
	mem_free(lane->queue);
	mem_free(lane);
}

struct icmp_lane *icmp_lane_find(const struct icmp *icmp, enum address_family family,
				 const struct icmp_profile *profile)
{
	struct icmp_lane *lane = icmp->lanes;
	while (lane && (lane->family != family || !profile_equal(&lane->profile, profile)))
		lane = lane->next;
	return lane;
}

struct icmp_lane *icmp_lane_open(struct icmp *icmp, enum address_family family, const struct icmp_profile *profile,
				 struct err *err)
{
	struct icmp_lane *lane = icmp_lane_find(icmp, family, profile);
	if (lane)
		return lane;
	lane = mem_zero(1, sizeof(*lane));
	lane->icmp = icmp;
	lane->family = family;
	lane->profile = *profile;
	lane->events = (struct icmp_socket_events){
		.context = lane,
		.replied = socket_replied,
		.transmitted = socket_transmitted,
		.receiving = socket_receiving,
		.writable = socket_writable,
	};
	deferred_prepare(&lane->flush, lane_flush, lane);
	alarm_prepare(&lane->retry, lane_flush, lane);
	lane->socket = icmp_socket_open(icmp->loop, family, profile, &lane->events, err);
	if (!lane->socket) {
		lane_free(lane);
		return NULL;
	}
	lane->flight = icmp_flight_create(icmp->key);
	lane->next = icmp->lanes;
	icmp->lanes = lane;
	return lane;
}

const char *icmp_lane_kind(const struct icmp_lane *lane)
{
	return icmp_socket_kind(lane->socket) == ICMP_SOCKET_DATAGRAM ? "datagram sockets" : "raw sockets";
}

/* --- peers -------------------------------------------------------------------------------------------------------- */

void icmp_peer_open(struct icmp_peer *peer, struct icmp_lane *lane, const struct address *address,
		    struct icmp_attempt *attempts, size_t size)
{
	uint32_t first = (uint32_t)hash_number(lane->icmp->key, ++lane->icmp->peers);
	peer->lane = lane;
	icmp_flight_add(lane->flight, &peer->endpoint, address, attempts, size, first);
}

void icmp_peer_close(struct icmp_peer *peer)
{
	if (!peer->lane)
		return;
	icmp_flight_remove(peer->lane->flight, &peer->endpoint);
	peer->lane = NULL;
}

int icmp_peer_send(struct icmp_peer *peer, const struct icmp_shape *shape, uint16_t *sequence)
{
	struct icmp_lane *lane = peer->lane;
	struct icmp_attempt *attempt = icmp_flight_launch(lane->flight, &peer->endpoint);
	struct order order = {.shape = shape, .place = icmp_flight_place(lane->flight, &peer->endpoint)};
	if (attempt)
		order.sequence = attempt->sequence;
	if (!attempt || lane_queue(lane, &order)) {
		if (attempt)
			icmp_flight_set_state(lane->flight, &peer->endpoint, attempt, ICMP_ATTEMPT_FREE);
		count(lane->icmp, ICMP_EXHAUSTED, 1);
		return -1;
	}
	*sequence = attempt->sequence;
	return 0;
}

static void expire_attempt(struct icmp_peer *peer, struct icmp_attempt *attempt, struct icmp_leftover *leftover)
{
	struct icmp_flight *flight = peer->lane->flight;
	if (attempt->state == ICMP_ATTEMPT_QUEUED) {
		leftover->unsent++;
		icmp_flight_set_state(flight, &peer->endpoint, attempt, ICMP_ATTEMPT_FAILED);
	} else if (attempt->state == ICMP_ATTEMPT_FLYING) {
		icmp_flight_set_state(flight, &peer->endpoint, attempt, ICMP_ATTEMPT_EXPIRED);
		if (drop_ledger_take(&peer->lane->drops, attempt->sent_ns))
			leftover->lost_locally++;
		else
			leftover->lost++;
	}
}

struct icmp_leftover icmp_peer_expire(struct icmp_peer *peer)
{
	struct icmp_leftover leftover = {0};
	struct icmp_endpoint *endpoint = &peer->endpoint;
	if (!peer->lane || !endpoint->flying)
		return leftover;
	note_drops(peer->lane);
	for (size_t i = 0; i <= endpoint->mask && endpoint->flying; i++)
		expire_attempt(peer, &endpoint->attempts[i], &leftover);
	return leftover;
}

/* --- the service -------------------------------------------------------------------------------------------------- */

static void *icmp_create(struct engine *engine)
{
	struct icmp *icmp = mem_zero(1, sizeof(*icmp));
	icmp->loop = engine_loop(engine);
	icmp->key = hash_key_random();
	/* Opened now, while there are rights, and kept; who asks for a lane that failed is told why then. */
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		struct err err = {{0}};
		const struct icmp_lane *lane = icmp_lane_open(icmp, family, &(struct icmp_profile){0}, &err);
		if (engine_worker(engine) == 0)
			log_event(LOG_LEVEL_INFO, "icmp", address_families[family - 1].name, "%s",
				  lane ? icmp_lane_kind(lane) : err.text);
	}
	return icmp;
}

static void icmp_free(void *service)
{
	struct icmp *icmp = service;
	for (struct icmp_lane *lane = icmp->lanes, *next; lane; lane = next) {
		next = lane->next;
		lane_free(lane);
	}
	mem_free(icmp);
}

static size_t icmp_read(void *service, struct reading *readings)
{
	struct icmp *icmp = service;
	for (unsigned i = 0; i < ICMP_MEASURES; i++)
		readings[i] = reading_integer(i, atomic_load_explicit(&icmp->counters[i], memory_order_relaxed));
	return ICMP_MEASURES;
}

const struct probe_service icmp_service = {
	.name = "icmp",
	.needs_rights = true,
	.create = icmp_create,
	.free = icmp_free,
	.set = &icmp_set,
	.read = icmp_read,
};
