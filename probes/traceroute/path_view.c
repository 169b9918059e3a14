/*
 * What a report reads of a trace.
 */
#include "probes/traceroute/path.h"

const struct path_hop *path_hop_at(const struct path *path, uint8_t flow, uint8_t hop)
{
	const struct path_flow *of = &path->flows[flow];
	return hop >= 1 && hop <= of->asked ? of->hops[hop - 1] : NULL;
}

uint8_t path_last_hop(const struct path *path, uint8_t number)
{
	const struct path_flow *flow = &path->flows[number];
	if (flow->end_hop)
		return flow->end_hop;
	unsigned before = path->plan.first_hop - 1U;
	if (flow->answered > before)
		before = flow->answered;
	unsigned last = before + path->plan.max_silent;
	return last < flow->asked ? (uint8_t)last : flow->asked;
}

const struct address *path_hop_address(const struct path_hop *hop, uint8_t n)
{
	return n ? &hop->others[n - 1] : &hop->address;
}

double path_hop_loss(const struct path_hop *hop)
{
	return hop->sent ? (double)(hop->sent - hop->received) / hop->sent : -1;
}

double path_forward_loss(const struct path *path, uint8_t flow, uint8_t number)
{
	const struct path_hop *hop = path_hop_at(path, flow, number);
	double loss = hop ? path_hop_loss(hop) : -1;
	uint8_t last = path_last_hop(path, flow);
	for (uint8_t i = (uint8_t)(number + 1); i <= last; i++) {
		const struct path_hop *farther = path_hop_at(path, flow, i);
		if (farther && farther->received && path_hop_loss(farther) < loss)
			loss = path_hop_loss(farther);
	}
	return loss;
}

int64_t path_forward_rtt_ns(const struct path *path, uint8_t flow, uint8_t number)
{
	int64_t rtt_ns = -1;
	uint8_t last = path_last_hop(path, flow);
	for (uint8_t i = number; i <= last; i++) {
		const struct path_hop *hop = path_hop_at(path, flow, i);
		if (hop && hop->measured && (rtt_ns < 0 || hop->rtt_min_ns < rtt_ns))
			rtt_ns = hop->rtt_min_ns;
	}
	return rtt_ns;
}

static bool answered_before(const struct path *path, uint8_t flow, uint8_t number, const struct address *address)
{
	for (uint8_t i = path->plan.first_hop; i < number; i++) {
		const struct path_hop *hop = path_hop_at(path, flow, i);
		if (hop && hop->received && address_equal(&hop->address, address))
			return true;
	}
	return false;
}

uint8_t path_loop_hop(const struct path *path, uint8_t flow)
{
	uint8_t last = path_last_hop(path, flow);
	const struct path_hop *before = NULL;
	for (uint8_t i = path->plan.first_hop; i <= last; i++) {
		const struct path_hop *hop = path_hop_at(path, flow, i);
		if (!hop || !hop->received || hop->kind != TRACE_TTL_EXCEEDED)
			continue;
		/* A router that does not count down shows twice in a row, which is no circle. */
		bool is_same = before && address_equal(&before->address, &hop->address);
		if (!is_same && answered_before(path, flow, i, &hop->address))
			return i;
		before = hop;
	}
	return 0;
}

uint8_t path_nat_hop(const struct path *path, uint8_t flow)
{
	uint8_t last = path_last_hop(path, flow);
	for (uint8_t i = path->plan.first_hop; i <= last; i++) {
		const struct path_hop *hop = path_hop_at(path, flow, i);
		if (hop && hop->is_nat)
			return i;
	}
	return 0;
}

uint8_t path_main_flow(const struct path *path)
{
	for (uint8_t i = 0; i < path->plan.flows; i++)
		if (path->flows[i].end == PATH_REACHED)
			return i;
	return 0;
}
