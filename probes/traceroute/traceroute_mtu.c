/*
 * The search for the path MTU: sends what the search asks for, and tells it what became of it.
 */
#include "core/clock.h"
#include "core/mem.h"
#include "probes/traceroute/trace_wire.h"
#include "probes/traceroute/traceroute_run.h"

/* Of packets that are meant to arrive. */
#define USUAL_HOP_LIMIT 64
/* When the tracer takes no packet just now. */
#define RETRY_NS (5 * NS_PER_MS)
/* Numbers of packets, from 1. */
#define NUMBER_MAX 255

static struct tracer_flow *flow_of(const struct traceroute_run *run)
{
	return &run->traceroute->flows[run->mtu->flow].flow;
}

static size_t header_size(const struct traceroute_run *run)
{
	const struct trace_flow *flow = &flow_of(run)->flow;
	return trace_wire_header_size((enum address_family)flow->destination.family,
				      (enum trace_protocol)flow->protocol);
}

static int64_t patience_ns(const struct traceroute_run *run)
{
	int64_t enough_ns = PATH_PATIENCE_FACTOR * run->path->flows[run->mtu->flow].rtt_max_ns;
	int64_t wait_ns = run->path->plan.wait_ns;
	if (enough_ns < PATH_PATIENCE_MIN_NS)
		enough_ns = PATH_PATIENCE_MIN_NS;
	return enough_ns < wait_ns ? enough_ns : wait_ns;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* Returns how many packets were taken. */
static unsigned send_question(struct traceroute_run *run)
{
	struct traceroute_mtu *mtu = run->mtu;
	const struct mtu_question *question = &mtu->question;
	size_t header = header_size(run);
	const struct tracer_shape shape = {
		.hop_limit = question->hop_limit ? question->hop_limit : USUAL_HOP_LIMIT,
		.dont_fragment = true,
		.payload_size = (uint16_t)(question->size_bytes > header ? question->size_bytes - header : 0),
	};
	mtu->first = mtu->next;
	mtu->outcome = (struct mtu_outcome){0};
	for (unsigned i = 0; i < question->attempts && mtu->next < NUMBER_MAX; i++) {
		if (tracer_flow_send(flow_of(run), &shape, traceroute_tag(run->traceroute->serial, 0, mtu->next)))
			break;
		mtu->next++;
	}
	return mtu->next - mtu->first;
}

static void ask(struct traceroute_run *run)
{
	struct traceroute_mtu *mtu = run->mtu;
	bool is_sent = send_question(run) > 0;
	mtu->due_ns = clock_monotonic_ns() + (is_sent ? patience_ns(run) : RETRY_NS);
	alarm_set(probe_loop(run->traceroute->probe), &mtu->patience, mtu->due_ns);
}

/* The next question, or the end of the search. */
static void go_on(struct traceroute_run *run)
{
	struct traceroute_mtu *mtu = run->mtu;
	if (mtu->next < NUMBER_MAX && mtu_search_next(&mtu->search, &mtu->question)) {
		ask(run);
		return;
	}
	mtu->is_over = true;
	alarm_cancel(probe_loop(run->traceroute->probe), &mtu->patience);
	traceroute_finish(run);
}

static void release_question(struct traceroute_run *run)
{
	struct traceroute_mtu *mtu = run->mtu;
	for (unsigned i = mtu->first; i < mtu->next; i++)
		tracer_flow_release(flow_of(run), traceroute_tag(run->traceroute->serial, 0, (uint8_t)i));
}

static void settle(struct traceroute_run *run, enum mtu_answer answer)
{
	struct traceroute_mtu *mtu = run->mtu;
	mtu->outcome.answer = answer;
	release_question(run);
	if (run_is_logged(run->run)) {
		static const char *const words[] = {
			[MTU_SILENT] = "no answer",
			[MTU_ANSWERED] = "answered",
			[MTU_TOO_BIG] = "too big, says a router",
			[MTU_LOCAL_TOO_BIG] = "too big for this host",
		};
		run_log(run->run, "mtu: %u bytes%s: %s", mtu->question.size_bytes,
			mtu->question.hop_limit ? " to a hop before the target" : "", words[answer]);
	}
	mtu_search_note(&mtu->search, &mtu->outcome);
	go_on(run);
}

static void lose_patience(void *arg)
{
	struct traceroute_run *run = arg;
	struct traceroute_mtu *mtu = run->mtu;
	if (mtu->next == mtu->first) {
		ask(run);
		return;
	}
	mtu->outcome.sent = (uint8_t)(mtu->next - mtu->first);
	settle(run, MTU_SILENT);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* Which hop of the trace has this address; 0 = none. */
static uint8_t hop_of(const struct traceroute_run *run, const struct address *address)
{
	uint8_t last = path_last_hop(run->path, run->mtu->flow);
	for (uint8_t number = 1; number <= last; number++) {
		const struct path_hop *hop = path_hop_at(run->path, run->mtu->flow, number);
		for (uint8_t i = 0; hop && i < hop->naddresses; i++)
			if (address_equal(path_hop_address(hop, i), address))
				return number;
	}
	return 0;
}

/* Does the answer say that the packet got where it was to get to? */
static bool has_arrived(const struct traceroute_run *run, const struct tracer_event *event)
{
	if (run->mtu->question.hop_limit)
		return true;
	return event->reply->kind != TRACE_TTL_EXCEEDED && event->reply->kind != TRACE_UNREACHABLE &&
	       (event->reply->kind != TRACE_PORT_UNREACHABLE || traceroute_is_target(run->traceroute, event));
}

static void note_answer(struct traceroute_run *run, const struct tracer_event *event)
{
	struct traceroute_mtu *mtu = run->mtu;
	mtu->outcome.sent = 1;
	mtu->outcome.answered = 1;
	if (event->reply->kind == TRACE_TOO_BIG) {
		mtu->outcome.mtu_bytes = event->reply->mtu;
		mtu->outcome.hop = hop_of(run, &event->reply->from);
		settle(run, MTU_TOO_BIG);
	} else if (has_arrived(run, event)) {
		settle(run, MTU_ANSWERED);
	}
}

void traceroute_mtu_event(struct traceroute_run *run, const struct tracer_event *event)
{
	struct traceroute_mtu *mtu = run->mtu;
	uint8_t number = (uint8_t)event->tag;
	bool is_unclear = event->kind == TRACER_EVENT_UNCLEAR;
	if (mtu->is_over || (!is_unclear && (number < mtu->first || number >= mtu->next)))
		return;
	switch (event->kind) {
	case TRACER_EVENT_ANSWERED:
	case TRACER_EVENT_UNCLEAR: /* whichever of them it is for */
		note_answer(run, event);
		break;
	case TRACER_EVENT_UNSENT:
		/* What cannot leave for another reason waits for the others, and for the patience. */
		if (event->reason == REASON_TOO_BIG)
			settle(run, MTU_LOCAL_TOO_BIG);
		break;
	case TRACER_EVENT_SENT:
	case TRACER_EVENT_DUPLICATE:
	case TRACER_EVENT_LATE:
		break;
	}
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

static void describe_path(const struct traceroute_run *run, struct mtu_path *out)
{
	const struct path *path = run->path;
	uint8_t flow = run->mtu->flow;
	uint8_t last = path_last_hop(path, flow);
	const struct path_hop *end = path_hop_at(path, flow, last);
	const struct trace_flow *of = &flow_of(run)->flow;
	size_t payload = (size_t)traceroute_settings(run->traceroute)->size;
	size_t least = trace_wire_payload_min((enum trace_protocol)of->protocol);
	*out = (struct mtu_path){
		.family = (enum address_family)of->destination.family,
		.largest_bytes = of->protocol == TRACE_TCP ? TRACE_WIRE_TCP_MAX : TRACE_WIRE_PACKET_MAX,
		.passed_bytes = (uint32_t)(header_size(run) + (payload < least ? least : payload)),
		.passed_sent = end->sent,
		.passed_answered = end->received,
	};
	for (uint8_t number = path->plan.first_hop; number < last; number++) {
		const struct path_hop *hop = path_hop_at(path, flow, number);
		if (hop && hop->received)
			out->answering_hops |= UINT64_C(1) << (number - 1);
	}
}

void traceroute_mtu_begin(struct traceroute_run *run)
{
	struct mtu_path about;
	run->mtu = mem_zero(1, sizeof(*run->mtu));
	run->mtu->flow = path_main_flow(run->path);
	run->mtu->next = 1;
	alarm_prepare(&run->mtu->patience, lose_patience, run);
	describe_path(run, &about);
	mtu_search_begin(&run->mtu->search, &about);
	go_on(run);
}

void traceroute_mtu_stop(struct traceroute_run *run)
{
	if (!run->mtu)
		return;
	alarm_cancel(probe_loop(run->traceroute->probe), &run->mtu->patience);
	mem_free(run->mtu);
	run->mtu = NULL;
}
