/* A network for the logic of a trace, in time of its own: the test says what becomes of each packet. */
#ifndef NETSONDE_TESTS_PATH_FIXTURE_H
#define NETSONDE_TESTS_PATH_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/traceroute/path.h"

#define MS        NS_PER_MS
#define SIM_MAX   8192
#define SIM_BEGIN (100 * NS_PER_SECOND)

enum sim_fate { SIM_ANSWER, SIM_LOST, SIM_UNSENT, SIM_UNCLEAR, SIM_BUSY };

struct sim_reply {
	enum sim_fate fate;
	int64_t delay_ns;
	struct path_answer answer;
	char from[ADDRESS_TEXT_SIZE];
	unsigned copies; /* more than one */
};

struct sim {
	struct path_plan plan;
	struct path *path;
	int64_t now_ns;
	/* What a packet gets. */
	struct sim_reply (*network)(struct sim *sim, struct path_packet packet);
	unsigned length; /* of the path, for networks that want one */
	unsigned sent, released, sent_to[PATH_HOPS_MAX + 1], most_flying;
	bool is_local; /* what is released was lost on this host */
	struct {
		int64_t due_ns;
		struct path_packet packet;
		struct sim_reply reply;
	} pending[SIM_MAX];
	unsigned npending;
	struct path_packet log[SIM_MAX];
};

static inline struct sim_reply sim_hop(const char *from, enum trace_answer kind, int64_t delay_ns)
{
	struct sim_reply reply = {.delay_ns = delay_ns, .answer = {.kind = kind, .hop_limit = 60, .rtt_ns = delay_ns}};
	snprintf(reply.from, sizeof(reply.from), "%s", from);
	return reply;
}

/* 10.0.flow.hop, and 192.0.2.1 at the end; each hop takes 2 ms. */
static inline struct sim_reply sim_line(struct sim *sim, struct path_packet packet)
{
	char from[ADDRESS_TEXT_SIZE];
	if (packet.hop >= sim->length)
		return sim_hop("192.0.2.1", TRACE_ECHO_REPLY, sim->length * 2 * MS);
	snprintf(from, sizeof(from), "10.0.0.%u", packet.hop);
	return sim_hop(from, TRACE_TTL_EXCEEDED, packet.hop * 2 * MS);
}

static inline bool sim_send(void *context, struct path_packet packet)
{
	struct sim *sim = context;
	struct sim_reply reply = sim->network(sim, packet);
	if (reply.fate == SIM_BUSY)
		return false;
	cr_assert_lt(sim->npending, SIM_MAX);
	sim->log[sim->sent++] = packet;
	sim->sent_to[packet.hop]++;
	if (reply.fate == SIM_LOST)
		return true;
	sim->pending[sim->npending].due_ns = sim->now_ns + reply.delay_ns;
	sim->pending[sim->npending].packet = packet;
	sim->pending[sim->npending++].reply = reply;
	return true;
}

static inline bool sim_release(void *context, struct path_packet packet)
{
	struct sim *sim = context;
	(void)packet;
	sim->released++;
	return sim->is_local;
}

static inline void sim_deliver(struct sim *sim, unsigned i)
{
	struct path_packet packet = sim->pending[i].packet;
	struct sim_reply reply = sim->pending[i].reply;
	sim->pending[i] = sim->pending[--sim->npending];
	switch (reply.fate) {
	case SIM_UNSENT:
		path_note_unsent(sim->path, packet, reply.answer.reason);
		return;
	case SIM_UNCLEAR:
		path_note_unclear(sim->path, packet.flow);
		return;
	default:
		break;
	}
	address_parse(reply.from, &reply.answer.from);
	for (unsigned n = 0; n <= reply.copies; n++)
		path_note_answer(sim->path, packet, &reply.answer);
}

static inline unsigned sim_earliest(const struct sim *sim)
{
	unsigned earliest = 0;
	for (unsigned i = 1; i < sim->npending; i++)
		if (sim->pending[i].due_ns < sim->pending[earliest].due_ns)
			earliest = i;
	return earliest;
}

static inline void sim_init(struct sim *sim, unsigned length)
{
	memset(sim, 0, sizeof(*sim));
	sim->length = length;
	sim->now_ns = SIM_BEGIN;
	sim->network = sim_line;
	sim->plan = (struct path_plan){
		.flows = 1,
		.first_hop = 1,
		.max_hops = 30,
		.max_silent = 5,
		.window = 8,
		.attempts = 3,
		.spacing_ns = 100 * MS,
		.wait_ns = NS_PER_SECOND,
		.context = sim,
		.send = sim_send,
		.release = sim_release,
	};
}

/* Until the trace is over or so much time has gone. */
static inline void sim_run_for(struct sim *sim, int64_t ns)
{
	int64_t end_ns = sim->now_ns + ns;
	for (;;) {
		int64_t wake_ns = path_advance(sim->path, sim->now_ns);
		if (path_is_done(sim->path))
			return;
		for (unsigned flow = 0; flow < sim->plan.flows; flow++)
			if (sim->path->flows[flow].flying > sim->most_flying)
				sim->most_flying = sim->path->flows[flow].flying;
		unsigned next = sim_earliest(sim);
		bool is_answer = sim->npending && sim->pending[next].due_ns <= wake_ns;
		int64_t next_ns = is_answer ? sim->pending[next].due_ns : wake_ns;
		cr_assert(is_answer || wake_ns > sim->now_ns, "it wants to be called at once, for ever");
		if (next_ns > end_ns) {
			sim->now_ns = end_ns;
			return;
		}
		sim->now_ns = next_ns;
		if (is_answer)
			sim_deliver(sim, next);
	}
}

static inline void sim_run(struct sim *sim)
{
	sim->path = path_create(&sim->plan);
	sim_run_for(sim, 600 * NS_PER_SECOND);
	cr_assert(path_is_done(sim->path), "the trace never ends");
}

static inline int64_t sim_took_ns(const struct sim *sim)
{
	return sim->now_ns - SIM_BEGIN;
}

static inline void sim_free(struct sim *sim)
{
	path_free(sim->path);
	sim->path = NULL;
}

#endif
