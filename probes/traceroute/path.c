#include "probes/traceroute/path.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

/* What could not be sent is tried again after so long. */
#define RETRY_NS (5 * NS_PER_MS)

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static uint8_t larger(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* --- what is known of a hop --------------------------------------------------------------------------------------- */

static struct path_hop *hop_at(const struct path_flow *flow, unsigned hop)
{
	return hop >= 1 && hop <= flow->asked ? flow->hops[hop - 1] : NULL;
}

/* Has it answered, or been waited for in vain? A hop that is not asked yet has not. */
static bool is_settled(const struct path_hop *hop)
{
	return hop && (hop->received || hop->attempts[0].state > PATH_FLYING);
}

static bool wants_more(const struct path *path, const struct path_hop *hop)
{
	return hop->next < path->plan.attempts && !(path->plan.until_answered && hop->received);
}

/* Is there nothing more to ask it, or to wait for? */
static bool is_complete(const struct path *path, const struct path_hop *hop)
{
	return hop && !hop->flying && !wants_more(path, hop);
}

/* Does its latest answer say that the path ends there? */
static bool is_terminal(const struct path_hop *hop)
{
	return hop && hop->received && hop->kind != TRACE_TTL_EXCEEDED;
}

/* --- the life of a trace ------------------------------------------------------------------------------------------ */

struct path *path_create(const struct path_plan *plan)
{
	struct path *path = mem_zero(1, sizeof(*path));
	path->plan = *plan;
	path->open = plan->flows;
	for (unsigned i = 0; i < plan->flows; i++) {
		struct path_flow *flow = &path->flows[i];
		uint8_t expected = plan->expected[i];
		flow->hops = mem_zero(plan->max_hops, sizeof(struct path_hop *));
		flow->has_grown = expected < plan->first_hop || expected > plan->max_hops;
		flow->is_dirty = true;
	}
	return path;
}

static void free_hop(struct path_hop *hop)
{
	if (!hop)
		return;
	mem_free(hop->others);
	mem_free(hop->labels);
	mem_free(hop);
}

void path_free(struct path *path)
{
	if (!path)
		return;
	for (unsigned i = 0; i < path->plan.flows; i++) {
		for (unsigned hop = 0; hop < path->plan.max_hops; hop++)
			free_hop(path->flows[i].hops[hop]);
		mem_free(path->flows[i].hops);
	}
	mem_free(path);
}

static struct path_hop *make_hop(struct path *path, struct path_flow *flow, uint8_t hop)
{
	size_t size = sizeof(struct path_hop) + path->plan.attempts * sizeof(struct path_attempt);
	struct path_hop *made = mem_zero(1, size);
	made->hop_limit = -1;
	flow->hops[hop - 1] = made;
	flow->asked = larger(flow->asked, hop);
	return made;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static int64_t patience_ns(const struct path *path, const struct path_flow *flow, unsigned hop)
{
	if (!flow->end_hop || hop >= flow->end_hop)
		return path->plan.wait_ns;
	int64_t enough_ns = PATH_PATIENCE_FACTOR * flow->rtt_max_ns;
	if (enough_ns < PATH_PATIENCE_MIN_NS)
		enough_ns = PATH_PATIENCE_MIN_NS;
	return earlier(path->plan.wait_ns, enough_ns);
}

static void stop_flying(struct path_flow *flow, struct path_hop *hop, unsigned attempt, enum path_attempt_state state)
{
	if (hop->attempts[attempt].state == PATH_FLYING) {
		hop->flying--;
		flow->flying--;
	}
	hop->attempts[attempt].state = (uint8_t)state;
}

/* It is as if it had never been asked. */
static void take_back(struct path_hop *hop, unsigned attempt)
{
	hop->attempts[attempt] = (struct path_attempt){0};
	hop->sent--;
	if (attempt < hop->next)
		hop->next = (uint8_t)attempt;
}

static void give_up(struct path *path, struct path_flow *flow, struct path_packet packet)
{
	struct path_hop *hop = flow->hops[packet.hop - 1];
	bool is_unclear = hop->attempts[packet.attempt].is_unclear;
	bool is_ours = path->plan.release(path->plan.context, packet);
	stop_flying(flow, hop, packet.attempt, is_ours ? PATH_UNSENT : PATH_LOST);
	if (is_ours)
		hop->sent--;
	else if (is_unclear)
		take_back(hop, packet.attempt);
}

static uint8_t number_of(const struct path *path, const struct path_flow *flow)
{
	return (uint8_t)(flow - path->flows);
}

/* Gives up what has been waited for long enough; returns when the next one has been. */
static int64_t wait_for_hop(struct path *path, struct path_flow *flow, uint8_t number, int64_t now_ns)
{
	struct path_hop *hop = flow->hops[number - 1];
	struct path_packet packet = {number_of(path, flow), number, 0};
	int64_t patience = patience_ns(path, flow, number);
	int64_t wake_ns = INT64_MAX;
	unsigned left = hop->flying;
	bool is_first = true;
	for (unsigned i = hop->oldest; left && i < path->plan.attempts; i++) {
		if (hop->attempts[i].state != PATH_FLYING)
			continue;
		left--;
		packet.attempt = (uint8_t)i;
		if (hop->attempts[i].time_ns + patience <= now_ns) {
			give_up(path, flow, packet);
			continue;
		}
		wake_ns = earlier(wake_ns, hop->attempts[i].time_ns + patience);
		if (is_first)
			hop->oldest = (uint8_t)i;
		is_first = false;
	}
	return wake_ns;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static bool ask(struct path *path, struct path_flow *flow, uint8_t number, int64_t now_ns)
{
	struct path_hop *hop = hop_at(flow, number);
	struct path_packet packet = {number_of(path, flow), number, hop ? hop->next : 0};
	if (!path->plan.send(path->plan.context, packet))
		return false;
	if (!hop)
		hop = make_hop(path, flow, number);
	hop->attempts[packet.attempt] = (struct path_attempt){.time_ns = now_ns, .state = PATH_FLYING};
	hop->asked_ns = now_ns;
	hop->sent++;
	hop->flying++;
	flow->flying++;
	if (packet.attempt < hop->oldest)
		hop->oldest = packet.attempt;
	while (hop->next < path->plan.attempts && hop->attempts[hop->next].state != PATH_UNASKED)
		hop->next++;
	return true;
}

/* Up to where hops are certain to be on the path, or taken to be. */
static uint8_t known_reach(const struct path *path, const struct path_flow *flow)
{
	if (flow->end_hop)
		return flow->end_hop;
	uint8_t expected = flow->has_grown ? 0 : path->plan.expected[number_of(path, flow)];
	return larger(flow->answered, expected);
}

/* When an asked hop may be asked again; INT64_MAX = not before something else happens. */
static int64_t next_attempt_ns(const struct path *path, const struct path_flow *flow, uint8_t number)
{
	const struct path_hop *hop = flow->hops[number - 1];
	if (!wants_more(path, hop))
		return INT64_MAX;
	bool is_exclusive = path->plan.until_answered || (path->plan.one_at_end && number >= known_reach(path, flow));
	if (is_exclusive && hop->flying)
		return INT64_MAX;
	if (number > known_reach(path, flow) && hop->attempts[0].state == PATH_FLYING)
		return INT64_MAX;
	return hop->next ? hop->asked_ns + path->plan.spacing_ns : hop->asked_ns;
}

/* May a hop be asked for the first time? unsettled: hops before it that are. Where nobody answers, the walk is about to
 * end: nothing is asked that lies farther than what it is going to end with. */
static bool may_begin(const struct path *path, const struct path_flow *flow, unsigned unsettled, uint8_t number)
{
	const struct path_plan *plan = &path->plan;
	if (number <= known_reach(path, flow))
		return true;
	unsigned before = larger(flow->answered, (uint8_t)(plan->first_hop - 1));
	return !flow->end_hop && flow->has_grown && unsettled < plan->window &&
	       number <= before + larger(plan->max_silent, plan->window);
}

/* Asks all that is due; returns when the next packet is. */
static int64_t ask_due(struct path *path, struct path_flow *flow, int64_t now_ns)
{
	int64_t wake_ns = INT64_MAX;
	unsigned unsettled = 0;
	uint8_t last = flow->end_hop ? flow->end_hop : path->plan.max_hops;
	for (uint8_t number = path->plan.first_hop; number <= last; number++) {
		const struct path_hop *hop = hop_at(flow, number);
		if (!hop && !may_begin(path, flow, unsettled, number))
			break;
		int64_t due_ns = hop ? next_attempt_ns(path, flow, number) : now_ns;
		if (due_ns <= now_ns) {
			if (flow->is_serial && flow->flying)
				break;
			if (!ask(path, flow, number, now_ns))
				return now_ns + RETRY_NS;
		} else {
			wake_ns = earlier(wake_ns, due_ns);
		}
		unsettled += !is_settled(hop_at(flow, number));
	}
	return wake_ns;
}

/* --- the end of a flow -------------------------------------------------------------------------------------------- */

static void find_end(const struct path *path, struct path_flow *flow)
{
	flow->end_hop = 0;
	for (uint8_t number = path->plan.first_hop; number <= flow->asked && !flow->end_hop; number++)
		if (is_terminal(hop_at(flow, number)))
			flow->end_hop = number;
}

static void find_growth(const struct path *path, struct path_flow *flow)
{
	const struct path_hop *hop = hop_at(flow, path->plan.expected[number_of(path, flow)]);
	if (hop && (hop->received ? !is_terminal(hop) : is_complete(path, hop)))
		flow->has_grown = true;
}

static bool are_complete(const struct path *path, const struct path_flow *flow, unsigned last)
{
	for (unsigned number = path->plan.first_hop; number <= last; number++)
		if (!is_complete(path, hop_at(flow, number)))
			return false;
	return true;
}

static bool has_sent(const struct path *path, const struct path_flow *flow, unsigned last)
{
	for (unsigned number = path->plan.first_hop; number <= last; number++)
		if (hop_at(flow, number) && hop_at(flow, number)->sent)
			return true;
	return false;
}

static enum path_end silent_end(const struct path *path, const struct path_flow *flow)
{
	unsigned before = larger(flow->answered, (uint8_t)(path->plan.first_hop - 1));
	unsigned last = before + path->plan.max_silent;
	bool is_farthest = last > path->plan.max_hops;
	if (is_farthest)
		last = path->plan.max_hops;
	if (!are_complete(path, flow, last))
		return PATH_OPEN;
	if (!has_sent(path, flow, last))
		return PATH_LOCAL;
	return is_farthest ? PATH_MAX_HOPS : PATH_MAX_SILENT;
}

static enum path_end current_end(const struct path *path, const struct path_flow *flow)
{
	if (!flow->end_hop)
		return silent_end(path, flow);
	if (!are_complete(path, flow, flow->end_hop))
		return PATH_OPEN;
	return hop_at(flow, flow->end_hop)->is_target ? PATH_REACHED : PATH_UNREACHABLE;
}

static void close_flow(struct path *path, struct path_flow *flow, enum path_end end)
{
	flow->end = (uint8_t)end;
	flow->wake_ns = INT64_MAX;
	path->open--;
}

static int64_t wait_for_all(struct path *path, struct path_flow *flow, int64_t now_ns)
{
	int64_t wake_ns = INT64_MAX;
	for (uint8_t number = path->plan.first_hop; number <= flow->asked; number++)
		if (hop_at(flow, number) && hop_at(flow, number)->flying)
			wake_ns = earlier(wake_ns, wait_for_hop(path, flow, number, now_ns));
	return wake_ns;
}

static void walk(struct path *path, struct path_flow *flow, int64_t now_ns)
{
	flow->is_dirty = false;
	find_end(path, flow);
	int64_t waited_ns = wait_for_all(path, flow, now_ns);
	find_growth(path, flow);
	enum path_end end = current_end(path, flow);
	if (end != PATH_OPEN) {
		close_flow(path, flow, end);
		return;
	}
	int64_t asked_ns = ask_due(path, flow, now_ns);
	/* What was asked just now is waited for from now. */
	flow->wake_ns =
		earlier(earlier(waited_ns, asked_ns), flow->flying ? now_ns + patience_ns(path, flow, 0) : INT64_MAX);
}

int64_t path_advance(struct path *path, int64_t now_ns)
{
	int64_t wake_ns = INT64_MAX;
	for (unsigned i = 0; i < path->plan.flows; i++) {
		struct path_flow *flow = &path->flows[i];
		if (flow->end == PATH_OPEN && (flow->is_dirty || flow->wake_ns <= now_ns))
			walk(path, flow, now_ns);
		if (flow->end == PATH_OPEN)
			wake_ns = earlier(wake_ns, flow->wake_ns);
	}
	return wake_ns;
}

void path_finish(struct path *path)
{
	for (unsigned i = 0; i < path->plan.flows; i++) {
		struct path_flow *flow = &path->flows[i];
		if (flow->end != PATH_OPEN)
			continue;
		find_end(path, flow);
		wait_for_all(path, flow, INT64_MAX);
		enum path_end end = PATH_DEADLINE;
		if (flow->end_hop)
			end = hop_at(flow, flow->end_hop)->is_target ? PATH_REACHED : PATH_UNREACHABLE;
		else if (!flow->is_serial && !has_sent(path, flow, flow->asked))
			end = PATH_LOCAL;
		close_flow(path, flow, end);
	}
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

/* The hop of a packet that was asked once; NULL = it was not. */
static struct path_hop *hop_of(const struct path *path, struct path_packet packet)
{
	if (packet.flow >= path->plan.flows || packet.attempt >= path->plan.attempts)
		return NULL;
	return hop_at(&path->flows[packet.flow], packet.hop);
}

void path_note_sent(struct path *path, struct path_packet packet, int64_t now_ns)
{
	struct path_hop *hop = hop_of(path, packet);
	if (hop && hop->attempts[packet.attempt].state == PATH_FLYING)
		hop->attempts[packet.attempt].time_ns = now_ns;
}

void path_note_unsent(struct path *path, struct path_packet packet, enum reason reason)
{
	struct path_hop *hop = hop_of(path, packet);
	struct path_flow *flow = &path->flows[packet.flow];
	if (!hop || hop->attempts[packet.attempt].state != PATH_FLYING)
		return;
	stop_flying(flow, hop, packet.attempt, PATH_UNSENT);
	hop->sent--;
	if (!hop->received)
		hop->reason = (uint8_t)reason;
	flow->is_dirty = true;
}

static bool is_known(const struct path_hop *hop, const struct address *address)
{
	for (uint8_t i = 0; i < hop->naddresses; i++)
		if (address_equal(path_hop_address(hop, i), address))
			return true;
	return false;
}

static void note_address(struct path_hop *hop, const struct address *address)
{
	if (address->family == ADDRESS_NONE || hop->naddresses == PATH_ADDRESSES_MAX || is_known(hop, address))
		return;
	if (!hop->naddresses) {
		hop->address = *address;
	} else {
		hop->others = mem_resize(hop->others, hop->naddresses, sizeof(*hop->others));
		hop->others[hop->naddresses - 1] = *address;
	}
	hop->naddresses++;
}

static void note_labels(struct path_hop *hop, const struct path_answer *answer)
{
	if (!answer->nlabels)
		return;
	uint8_t n = answer->nlabels < TRACE_LABELS_MAX ? answer->nlabels : TRACE_LABELS_MAX;
	mem_free(hop->labels);
	hop->labels = mem_copy(answer->labels, n * sizeof(*hop->labels));
	hop->nlabels = n;
}

static void note_rtt(struct path_flow *flow, struct path_hop *hop, int64_t rtt_ns)
{
	if (rtt_ns < 0)
		return;
	if (!hop->measured || rtt_ns < hop->rtt_min_ns)
		hop->rtt_min_ns = rtt_ns;
	if (rtt_ns > hop->rtt_max_ns)
		hop->rtt_max_ns = rtt_ns;
	hop->rtt_sum_ns += rtt_ns;
	hop->measured++;
	if (rtt_ns > flow->rtt_max_ns)
		flow->rtt_max_ns = rtt_ns;
}

/* Does the answer show that packets get to the target? That a firewall on the target itself turns them down does not.
 */
static bool shows_target(const struct path_answer *answer)
{
	switch (answer->kind) {
	case TRACE_ECHO_REPLY:
	case TRACE_SYN_ACK:
	case TRACE_RESET:
	case TRACE_UDP_REPLY:
		return true;
	case TRACE_PORT_UNREACHABLE:
		return answer->is_from_target;
	case TRACE_TTL_EXCEEDED:
	case TRACE_UNREACHABLE:
	case TRACE_TOO_BIG:
		break;
	}
	return false;
}

static void note_meaning(struct path_hop *hop, uint8_t attempt, const struct path_answer *answer)
{
	hop->hop_limit = answer->hop_limit;
	hop->is_nat |= answer->is_nat;
	if (hop->received && attempt < hop->latest)
		return;
	hop->latest = attempt;
	hop->kind = (uint8_t)answer->kind;
	hop->reason = (uint8_t)answer->reason;
	hop->is_target = shows_target(answer);
}

void path_note_answer(struct path *path, struct path_packet packet, const struct path_answer *answer)
{
	struct path_hop *hop = hop_of(path, packet);
	if (!hop || hop->attempts[packet.attempt].state == PATH_ANSWERED)
		return;
	struct path_flow *flow = &path->flows[packet.flow];
	uint8_t state = hop->attempts[packet.attempt].state;
	/* Taken back or given up as unsent: it did leave. */
	if (state == PATH_UNASKED || state == PATH_UNSENT)
		hop->sent++;
	stop_flying(flow, hop, packet.attempt, PATH_ANSWERED);
	hop->attempts[packet.attempt].time_ns = answer->rtt_ns;
	note_meaning(hop, packet.attempt, answer);
	hop->received++;
	note_address(hop, &answer->from);
	note_labels(hop, answer);
	note_rtt(flow, hop, answer->rtt_ns);
	while (hop->next < path->plan.attempts && hop->attempts[hop->next].state != PATH_UNASKED)
		hop->next++;
	flow->answered = larger(flow->answered, packet.hop);
	flow->is_dirty = true;
}

void path_note_unclear(struct path *path, uint8_t number)
{
	if (number >= path->plan.flows)
		return;
	struct path_flow *flow = &path->flows[number];
	flow->is_serial = true;
	flow->is_dirty = true;
	for (unsigned i = path->plan.first_hop; i <= flow->asked; i++) {
		struct path_hop *hop = hop_at(flow, i);
		for (unsigned k = 0; hop && k < path->plan.attempts; k++)
			if (hop->attempts[k].state == PATH_FLYING)
				hop->attempts[k].is_unclear = true;
	}
}
