#include "probes/traceroute/tracer.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/icmp_meaning.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/drop_ledger.h"
#include "probes/engine.h"
#include "probes/icmp/icmp_clock.h"
#include "probes/traceroute/trace_wire.h"

#define QUEUE_SIZE     65536           /* packets that wait for one set of sockets; power of two */
#define RETRY_PAUSE_NS (5 * NS_PER_MS) /* after ENOBUFS, which no event ends */
#define REFUSALS_MAX   64              /* in one go: devices with a full queue must not hold up the others */
/* Packets that leave in one go, before others have their turn. The loop lets a deferred call repeat itself some 16
 * times before it looks at the descriptors: no more answers than that may come at once as the buffers hold, which are
 * small without rights. */
#define GO_RAW   64
#define GO_QUEUE 8

/* Packets in one system call. A trace is about what lies between one hop and the next; the moments of packets that
 * leave together are interpolated, which is not exact enough for that, and on a busy machine all of them are lost at
 * once. One at a time costs 3 % more of the whole. */
#define TOGETHER 1

enum tracer_measure {
	TRACER_SENT,
	TRACER_UNSENT,
	TRACER_FOREIGN,
	TRACER_UNCLEAR,
	TRACER_UNSTAMPED,
	TRACER_STEPS,
	TRACER_DROPPED,
	TRACER_STALLS,
	TRACER_EXHAUSTED,
	TRACER_MEASURES
};

static const struct measure tracer_measures[TRACER_MEASURES] = {
	[TRACER_SENT] = {"sent_total", MEASURE_COUNTER, "Probe packets of traces sent"},
	[TRACER_UNSENT] = {"unsent_total", MEASURE_COUNTER, "Probe packets of traces that the kernel refused"},
	[TRACER_FOREIGN] =
		{"foreign_total", MEASURE_COUNTER,
		 "Packets that reached us but answer no probe packet: spoofed, damaged, or another program's"},
	[TRACER_UNCLEAR] = {"unclear_total", MEASURE_COUNTER,
			    "Answers that do not say to which of several packets under way"},
	[TRACER_UNSTAMPED] = {"unstamped_total", MEASURE_COUNTER,
			      "Answers without a usable time: counted as received, kept out of round-trip times"},
	[TRACER_STEPS] = {"clock_steps_total", MEASURE_COUNTER, "Steps of the wall clock noticed"},
	[TRACER_DROPPED] = {"receive_drops_total", MEASURE_COUNTER,
			    "Packets dropped by the kernel because our receive buffer was full"},
	[TRACER_STALLS] = {"send_stalls_total", MEASURE_COUNTER,
			   "Times that the kernel took no more packets for now (EAGAIN, ENOBUFS)"},
	[TRACER_EXHAUSTED] = {"ids_exhausted_total", MEASURE_COUNTER,
			      "Packets not made for want of a free id or of room in the queue"},
};

static const char *const worker_label[] = {"worker", NULL};

static const struct measure_set tracer_set = {
	.name = "tracer",
	.measures = tracer_measures,
	.n = TRACER_MEASURES,
	.label_names = worker_label,
	.help = "The sockets of a worker that trace paths",
};

struct tracer_lane {
	struct tracer_lane *next;
	struct tracer *tracer;
	enum address_family family;
	struct trace_profile profile;
	struct trace_socket *socket;
	struct trace_flights *flights;
	unsigned flows[TRACE_PROTOCOLS]; /* reserved */
	uint16_t *queue;                 /* ids in a ring, from first on; NULL until the first packet */
	uint32_t first, queued;
	struct deferred flush;
	struct alarm retry;
	struct drop_ledger drops;
	uint64_t foreign_seen;
	struct trace_socket_events events;
};

struct tracer {
	struct loop *loop;
	struct tracer_lane *lanes;
	struct icmp_clock clock;
	struct hash_key key;
	_Atomic int64_t counters[TRACER_MEASURES];
};

static void count(struct tracer *tracer, enum tracer_measure measure, int64_t n)
{
	atomic_fetch_add_explicit(&tracer->counters[measure], n, memory_order_relaxed);
}

static void look_at_clocks(struct tracer *tracer)
{
	int64_t before_ns = clock_monotonic_ns();
	int64_t realtime_ns = clock_realtime_ns();
	int64_t after_ns = clock_monotonic_ns();
	if (icmp_clock_check(&tracer->clock, before_ns, realtime_ns, after_ns))
		count(tracer, TRACER_STEPS, 1);
}

static struct tracer_flow *flow_of(struct trace_owner *owner)
{
	return (struct tracer_flow *)((char *)owner - offsetof(struct tracer_flow, owner));
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static int64_t round_trip_ns(struct tracer *tracer, const struct trace_flight *flight, int64_t stamp_ns)
{
	const struct icmp_moment sent = {flight->sent_ns, flight->slack_ns};
	int64_t rtt_ns = icmp_clock_round_trip_ns(&tracer->clock, sent, flight->clock_epoch, stamp_ns);
	if (rtt_ns < 0)
		count(tracer, TRACER_UNSTAMPED, 1);
	return rtt_ns;
}

static bool is_error(enum trace_answer kind)
{
	return kind == TRACE_TTL_EXCEEDED || kind == TRACE_PORT_UNREACHABLE || kind == TRACE_UNREACHABLE ||
	       kind == TRACE_TOO_BIG;
}

static void explain(struct tracer_event *event, enum address_family family)
{
	const struct trace_reply *reply = event->reply;
	if (is_error(reply->kind)) {
		event->reason = icmp_meaning_reason(family, reply->type, reply->code);
		event->error_text = icmp_meaning_text(family, reply->type, reply->code);
	} else {
		event->reason = reply->kind == TRACE_RESET ? REASON_REFUSED : REASON_OK;
	}
}

static void socket_replied(void *context, const struct trace_reply *reply)
{
	static const enum tracer_event_kind kinds[] = {
		[TRACE_VERDICT_ANSWER] = TRACER_EVENT_ANSWERED,
		[TRACE_VERDICT_DUPLICATE] = TRACER_EVENT_DUPLICATE,
		[TRACE_VERDICT_LATE] = TRACER_EVENT_LATE,
		[TRACE_VERDICT_UNCLEAR] = TRACER_EVENT_UNCLEAR,
	};
	struct tracer_lane *lane = context;
	const struct trace_match match = trace_flights_match(lane->flights, reply);
	if (match.verdict == TRACE_VERDICT_FOREIGN) {
		count(lane->tracer, TRACER_FOREIGN, 1);
		return;
	}
	struct tracer_flow *flow = flow_of(match.owner);
	struct tracer_event event = {.kind = kinds[match.verdict], .reply = reply, .rtt_ns = -1};
	if (match.verdict == TRACE_VERDICT_UNCLEAR) {
		count(lane->tracer, TRACER_UNCLEAR, 1);
	} else {
		const struct trace_flight *flight = trace_flights_at(lane->flights, match.id);
		event.tag = flight->tag;
		event.rtt_ns = round_trip_ns(lane->tracer, flight, reply->stamp_ns);
	}
	event.is_translated = is_error(reply->kind) && (match.changed & TRACE_CHANGED_BY_NAT);
	event.is_from_target = address_equal(&reply->from, &flow->flow.destination);
	explain(&event, lane->family);
	flow->event(flow, &event);
}

static void note_drops(struct tracer_lane *lane)
{
	uint64_t fresh = drop_ledger_note(&lane->drops, trace_socket_dropped(lane->socket), clock_realtime_ns());
	count(lane->tracer, TRACER_DROPPED, (int64_t)fresh);
}

static void socket_receiving(void *context)
{
	struct tracer_lane *lane = context;
	look_at_clocks(lane->tracer);
	if (drop_ledger_is_due(&lane->drops, clock_realtime_ns()))
		note_drops(lane);
	uint64_t foreign = trace_socket_foreign(lane->socket);
	count(lane->tracer, TRACER_FOREIGN, (int64_t)(foreign - lane->foreign_seen));
	lane->foreign_seen = foreign;
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void queue_append(struct tracer_lane *lane, uint16_t id)
{
	lane->queue[(lane->first + lane->queued++) % QUEUE_SIZE] = id;
}

static uint16_t queue_take(struct tracer_lane *lane)
{
	uint16_t id = lane->queue[lane->first % QUEUE_SIZE];
	lane->first++;
	lane->queued--;
	return id;
}

static void queue_put_back(struct tracer_lane *lane, uint16_t id)
{
	lane->first--;
	lane->queued++;
	lane->queue[lane->first % QUEUE_SIZE] = id;
}

/* A queued packet that nobody wants any more stays in the queue, and its id may have gone to another by then. */
static bool is_wanted(const struct tracer_lane *lane, uint16_t id)
{
	return trace_flights_owner(lane->flights, id) &&
	       trace_flights_at(lane->flights, id)->state == TRACE_FLIGHT_QUEUED;
}

struct batch {
	struct trace_packet packets[TOGETHER];
	int results[TOGETHER];
	size_t n;
};

/* The next packets, out of at most *left of the queue. */
static void fill_batch(struct tracer_lane *lane, struct batch *batch, size_t *left)
{
	batch->n = 0;
	for (; *left > 0 && batch->n < TOGETHER; --*left) {
		uint16_t id = queue_take(lane);
		if (is_wanted(lane, id))
			batch->packets[batch->n++] = trace_flights_packet(lane->flights, id);
	}
}

static void fail_unsent(struct tracer_lane *lane, uint16_t id, int error)
{
	struct tracer_flow *flow = flow_of(trace_flights_owner(lane->flights, id));
	trace_flights_set_state(lane->flights, id, TRACE_FLIGHT_FREE);
	count(lane->tracer, TRACER_UNSENT, 1);
	const struct tracer_event event = {
		.kind = TRACER_EVENT_UNSENT,
		.tag = trace_flights_at(lane->flights, id)->tag,
		.rtt_ns = -1,
		.reason = error == EMSGSIZE ? REASON_TOO_BIG : REASON_LOCAL,
		.error_text = strerror(error),
	};
	flow->event(flow, &event);
}

static void note_sent(struct tracer_lane *lane, uint16_t id, struct icmp_moment moment)
{
	struct trace_flight *flight = trace_flights_at(lane->flights, id);
	struct tracer_flow *flow = flow_of(trace_flights_owner(lane->flights, id));
	flight->sent_ns = moment.sent_ns;
	flight->slack_ns = moment.slack_ns;
	flight->clock_epoch = lane->tracer->clock.epoch;
	trace_flights_set_state(lane->flights, id, TRACE_FLIGHT_FLYING);
	count(lane->tracer, TRACER_SENT, 1);
	const struct tracer_event event = {.kind = TRACER_EVENT_SENT, .tag = flight->tag, .rtt_ns = -1};
	flow->event(flow, &event);
}

/* What the first n of a batch became; an event may take away what else is in it. One that a device has no room for goes
 * to the end of the queue. Returns how many of those there were. */
static size_t note_batch(struct tracer_lane *lane, const struct batch *batch, size_t n,
			 const struct trace_sending *sending)
{
	size_t refused = 0;
	for (size_t i = 0; i < n; i++) {
		uint16_t id = batch->packets[i].id;
		if (!is_wanted(lane, id))
			continue;
		if (batch->results[i] == ENOBUFS) {
			queue_append(lane, id);
			refused++;
		} else if (batch->results[i]) {
			fail_unsent(lane, id, batch->results[i]);
		} else {
			note_sent(lane, id, icmp_clock_moment(sending->begun_ns, sending->ended_ns, i, n));
		}
	}
	return refused;
}

/* Sends some of what is queued; the rest in the next go, or when the sockets have room again. */
static void lane_flush(void *arg)
{
	struct tracer_lane *lane = arg;
	size_t left = trace_socket_kind(lane->socket) == TRACE_SOCKET_RAW ? GO_RAW : GO_QUEUE;
	struct trace_sending sending = {0};
	struct batch batch;
	size_t refused = 0;
	if (left > lane->queued)
		left = lane->queued;
	look_at_clocks(lane->tracer);
	alarm_cancel(lane->tracer->loop, &lane->retry);
	while (left > 0 && !sending.stopped && refused < REFUSALS_MAX) {
		fill_batch(lane, &batch, &left);
		size_t done = 0;
		if (batch.n)
			done = trace_socket_send(lane->socket, batch.packets, batch.n, batch.results, &sending);
		for (size_t i = batch.n; i-- > done;)
			queue_put_back(lane, batch.packets[i].id);
		refused += note_batch(lane, &batch, done, &sending);
	}
	if (sending.stopped || refused) {
		count(lane->tracer, TRACER_STALLS, 1);
		alarm_set(lane->tracer->loop, &lane->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
	} else if (lane->queued) {
		loop_defer(lane->tracer->loop, &lane->flush);
	}
}

static void socket_writable(void *context)
{
	struct tracer_lane *lane = context;
	loop_defer(lane->tracer->loop, &lane->flush);
}

/* --- lanes -------------------------------------------------------------------------------------------------------- */

static void lane_free(struct tracer_lane *lane)
{
	loop_defer_cancel(lane->tracer->loop, &lane->flush);
	alarm_cancel(lane->tracer->loop, &lane->retry);
	trace_socket_close(lane->socket);
	trace_flights_free(lane->flights);
	mem_free(lane->queue);
	mem_free(lane);
}

static struct tracer_lane *find_lane(const struct tracer *tracer, enum address_family family,
				     const struct trace_profile *profile)
{
	struct tracer_lane *lane = tracer->lanes;
	while (lane && (lane->family != family || lane->profile.fwmark != profile->fwmark))
		lane = lane->next;
	return lane;
}

static struct tracer_lane *create_lane(struct tracer *tracer, enum address_family family,
				       const struct trace_profile *profile, struct err *err)
{
	struct tracer_lane *lane = mem_zero(1, sizeof(*lane));
	lane->tracer = tracer;
	lane->family = family;
	lane->profile = *profile;
	lane->events = (struct trace_socket_events){
		.context = lane,
		.replied = socket_replied,
		.receiving = socket_receiving,
		.writable = socket_writable,
	};
	deferred_prepare(&lane->flush, lane_flush, lane);
	alarm_prepare(&lane->retry, lane_flush, lane);
	lane->socket = trace_socket_open(tracer->loop, family, profile, &lane->events, err);
	if (!lane->socket) {
		lane_free(lane);
		return NULL;
	}
	lane->flights = trace_flights_create(tracer->key);
	lane->next = tracer->lanes;
	tracer->lanes = lane;
	return lane;
}

struct tracer_lane *tracer_lane_open(struct tracer *tracer, enum address_family family, enum trace_protocol protocol,
				     unsigned flows, const struct trace_profile *profile, struct err *err)
{
	struct tracer_lane *lane = find_lane(tracer, family, profile);
	if (!lane)
		lane = create_lane(tracer, family, profile, err);
	if (!lane)
		return NULL;
	if (lane->flows[protocol] >= flows)
		return lane;
	if (trace_socket_reserve(lane->socket, protocol, flows, err))
		return NULL;
	lane->flows[protocol] = flows;
	return lane;
}

struct tracer_lane *tracer_lane_find(const struct tracer *tracer, enum address_family family,
				     enum trace_protocol protocol, unsigned flows, const struct trace_profile *profile)
{
	struct tracer_lane *lane = find_lane(tracer, family, profile);
	return lane && lane->flows[protocol] >= flows ? lane : NULL;
}

const char *tracer_lane_kind(const struct tracer_lane *lane)
{
	return trace_socket_kind(lane->socket) == TRACE_SOCKET_RAW ? "raw sockets" : "error queue";
}

bool tracer_lane_is_exact(const struct tracer_lane *lane, enum trace_protocol protocol)
{
	return protocol != TRACE_UDP || trace_socket_kind(lane->socket) == TRACE_SOCKET_RAW;
}

/* --- flows -------------------------------------------------------------------------------------------------------- */

/* The parts of a flow that nobody chooses: of the key of this process, so that each trace to this target takes the same
 * path, and nobody else knows them. */
static void fill_secrets(const struct tracer *tracer, struct trace_flow *flow)
{
	uint64_t what = (uint64_t)flow->destination.port << 16 | (uint64_t)flow->protocol << 8 | flow->index;
	uint64_t hash = hash_number(tracer->key, address_hash(tracer->key, &flow->destination) ^ what);
	flow->secret = (uint32_t)hash;
	flow->flow_label = (uint32_t)(hash >> 44);
}

static int find_source(const struct tracer_flow *flow, struct address *source)
{
	*source = flow->flow.source;
	if (flow->is_source_given)
		return 0;
	return trace_socket_source(flow->lane->socket, &flow->flow.destination, flow->flow.interface, source);
}

static int take_source(struct tracer_flow *flow)
{
	struct address source;
	int error = find_source(flow, &source);
	if (error)
		return error;
	source.port = trace_socket_port(flow->lane->socket, flow->flow.protocol, flow->flow.index);
	flow->flow.source = source;
	return 0;
}

int tracer_flow_open(struct tracer_flow *flow, struct tracer_lane *lane)
{
	flow->lane = lane;
	flow->is_source_given = flow->flow.source.family != ADDRESS_NONE;
	int error = take_source(flow);
	if (error) {
		flow->lane = NULL;
		return error;
	}
	fill_secrets(lane->tracer, &flow->flow);
	trace_flights_add(lane->flights, &flow->owner, &flow->flow);
	return 0;
}

int tracer_flow_refresh(struct tracer_flow *flow)
{
	struct address source;
	int error = find_source(flow, &source);
	if (error || address_equal(&source, &flow->flow.source))
		return error;
	/* What was sent from the old address is forgotten: its answers would seem to be translated. */
	trace_flights_remove(flow->lane->flights, &flow->owner);
	source.port = flow->flow.source.port;
	flow->flow.source = source;
	trace_flights_add(flow->lane->flights, &flow->owner, &flow->flow);
	return 0;
}

void tracer_flow_close(struct tracer_flow *flow)
{
	if (!flow->lane)
		return;
	trace_flights_remove(flow->lane->flights, &flow->owner);
	flow->lane = NULL;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

int tracer_flow_send(struct tracer_flow *flow, const struct tracer_shape *shape, uint32_t tag)
{
	struct tracer_lane *lane = flow->lane;
	if (!lane->queue)
		lane->queue = mem_zero(QUEUE_SIZE, sizeof(*lane->queue));
	uint16_t id = lane->queued < QUEUE_SIZE ? trace_flights_launch(lane->flights, &flow->owner, tag) : 0;
	if (!id) {
		count(lane->tracer, TRACER_EXHAUSTED, 1);
		return -1;
	}
	struct trace_flight *flight = trace_flights_at(lane->flights, id);
	size_t least = trace_wire_payload_min(flow->flow.protocol);
	flight->hop_limit = shape->hop_limit;
	flight->dont_fragment = shape->dont_fragment;
	flight->payload_size = (uint16_t)(shape->payload_size > least ? shape->payload_size : least);
	queue_append(lane, id);
	if (!alarm_is_set(&lane->retry))
		loop_defer(lane->tracer->loop, &lane->flush);
	return 0;
}

static enum tracer_loss release(struct tracer_lane *lane, uint16_t id)
{
	const struct trace_flight *flight = trace_flights_at(lane->flights, id);
	if (flight->state == TRACE_FLIGHT_QUEUED) {
		trace_flights_set_state(lane->flights, id, TRACE_FLIGHT_FREE);
		return TRACER_LOSS_UNSENT;
	}
	trace_flights_set_state(lane->flights, id, TRACE_FLIGHT_RELEASED);
	return drop_ledger_take(&lane->drops, flight->sent_ns) ? TRACER_LOSS_LOCAL : TRACER_LOSS_NETWORK;
}

enum tracer_loss tracer_flow_release(struct tracer_flow *flow, uint32_t tag)
{
	uint16_t id = flow->lane ? trace_flights_find(flow->lane->flights, &flow->owner, tag) : 0;
	if (!id)
		return TRACER_LOSS_NONE;
	note_drops(flow->lane);
	return release(flow->lane, id);
}

void tracer_flow_release_all(struct tracer_flow *flow)
{
	if (!flow->lane)
		return;
	note_drops(flow->lane);
	while (flow->owner.newest)
		release(flow->lane, flow->owner.newest);
}

/* --- the service -------------------------------------------------------------------------------------------------- */

static void *tracer_create(struct engine *engine)
{
	struct tracer *tracer = mem_zero(1, sizeof(*tracer));
	tracer->loop = engine_loop(engine);
	tracer->key = hash_key_random();
	/* Opened now, while there are rights, and kept; who asks for a lane that failed is told why then. */
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		struct err err = {{0}};
		const struct tracer_lane *lane = create_lane(tracer, family, &(struct trace_profile){0}, &err);
		if (engine_worker(engine) == 0)
			log_event(LOG_LEVEL_INFO, "tracer", address_families[family - 1].name, "%s",
				  lane ? tracer_lane_kind(lane) : err.text);
	}
	return tracer;
}

static void tracer_free(void *service)
{
	struct tracer *tracer = service;
	for (struct tracer_lane *lane = tracer->lanes, *next; lane; lane = next) {
		next = lane->next;
		lane_free(lane);
	}
	mem_free(tracer);
}

static size_t tracer_read(void *service, struct reading *readings)
{
	struct tracer *tracer = service;
	for (unsigned i = 0; i < TRACER_MEASURES; i++)
		readings[i] = reading_integer(i, atomic_load_explicit(&tracer->counters[i], memory_order_relaxed));
	return TRACER_MEASURES;
}

const struct probe_service tracer_service = {
	.name = "tracer",
	.needs_rights = true,
	.create = tracer_create,
	.free = tracer_free,
	.set = &tracer_set,
	.read = tracer_read,
};
