#include "tests/unit/probes/path_fixture.h"

static struct sim sim;

static void end_is(enum path_end end, unsigned hop)
{
	cr_assert_eq(sim.path->flows[0].end, end, "ended as %u", sim.path->flows[0].end);
	cr_assert_eq(path_last_hop(sim.path, 0), hop, "at hop %u", path_last_hop(sim.path, 0));
}

static void hop_is(unsigned number, unsigned sent, unsigned received)
{
	const struct path_hop *hop = path_hop_at(sim.path, 0, (uint8_t)number);
	cr_assert_not_null(hop);
	cr_assert_eq(hop->sent, sent, "hop %u: %u sent", number, hop->sent);
	cr_assert_eq(hop->received, received, "hop %u: %u received", number, hop->received);
}

static bool answered_by(unsigned number, const char *text)
{
	struct address address;
	const struct path_hop *hop = path_hop_at(sim.path, 0, (uint8_t)number);
	address_parse(text, &address);
	for (uint8_t i = 0; i < hop->naddresses; i++)
		if (address_equal(path_hop_address(hop, i), &address))
			return true;
	return false;
}

/* --- how fast, and how many packets ------------------------------------------------------------------------------- */

Test(path, eight_hops_take_one_round_trip)
{
	sim_init(&sim, 8);
	sim.plan.attempts = 1;
	sim_run(&sim);
	end_is(PATH_REACHED, 8);
	cr_assert_eq(sim_took_ns(&sim), 16 * MS);
	for (unsigned hop = 1; hop <= 8; hop++)
		hop_is(hop, 1, 1);
	sim_free(&sim);
}

Test(path, known_length_sends_nothing_beyond_the_target)
{
	for (unsigned length = 1; length <= 30; length++) {
		sim_init(&sim, length);
		sim.plan.expected[0] = (uint8_t)length;
		sim_run(&sim);
		end_is(PATH_REACHED, length);
		cr_assert_eq(sim.sent, 3 * length);
		cr_assert_eq(sim_took_ns(&sim), 200 * MS + length * 2 * MS, "one round trip after the last attempt");
		sim_free(&sim);
	}
}

Test(path, grown_path_is_walked_to_its_end)
{
	sim_init(&sim, 20);
	sim.plan.expected[0] = 6;
	sim_run(&sim);
	end_is(PATH_REACHED, 20);
	for (unsigned hop = 1; hop <= 20; hop++)
		hop_is(hop, 3, 3);
	sim_free(&sim);
}

Test(path, shrunk_path_ends_earlier)
{
	sim_init(&sim, 4);
	sim.plan.expected[0] = 6;
	sim_run(&sim);
	end_is(PATH_REACHED, 4);
	cr_assert_leq(sim.sent_to[5] + sim.sent_to[6], 2);
	cr_assert_eq(sim.sent_to[7], 0);
	sim_free(&sim);
}

Test(path, senseless_expectation_is_none)
{
	sim_init(&sim, 4);
	sim.plan.first_hop = 3;
	sim.plan.expected[0] = 2;
	sim_run(&sim);
	end_is(PATH_REACHED, 4);
	cr_assert_eq(sim.sent_to[1] + sim.sent_to[2], 0);
	cr_assert_null(path_hop_at(sim.path, 0, 1));
	cr_assert_null(path_hop_at(sim.path, 0, 0));
	sim_free(&sim);
}

Test(path, forty_hops_in_a_window)
{
	sim_init(&sim, 40);
	sim.plan.max_hops = 64;
	sim.plan.attempts = 1;
	sim_run(&sim);
	end_is(PATH_REACHED, 40);
	cr_assert_leq(sim.most_flying, 8);
	cr_assert_lt(sim_took_ns(&sim), 400 * MS, "%g s", clock_seconds(sim_took_ns(&sim)));
	sim_free(&sim);
}

Test(path, window_of_one_goes_hop_by_hop)
{
	sim_init(&sim, 6);
	sim.plan.window = 1;
	sim.plan.attempts = 1;
	sim_run(&sim);
	end_is(PATH_REACHED, 6);
	cr_assert_eq(sim.most_flying, 1);
	cr_assert_eq(sim.sent, 6);
	cr_assert_eq(sim_took_ns(&sim), (2 + 4 + 6 + 8 + 10 + 12) * MS);
	sim_free(&sim);
}

Test(path, attempts_are_spaced)
{
	sim_init(&sim, 3);
	sim.plan.expected[0] = 3;
	sim.plan.spacing_ns = 250 * MS;
	sim_run(&sim);
	cr_assert_eq(sim_took_ns(&sim), 506 * MS);
	for (unsigned i = 0; i < sim.sent; i++)
		cr_assert_eq(sim.log[i].attempt, i / 3);
	sim_free(&sim);
}

static struct sim_reply every_second_silent(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop % 2 && packet.hop < of->length)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, silent_hops_in_between)
{
	sim_init(&sim, 10);
	sim.network = every_second_silent;
	sim_run(&sim);
	end_is(PATH_REACHED, 10);
	hop_is(9, 3, 0);
	hop_is(8, 3, 3);
	/* The target answers soon, and then silent hops are not waited for a whole second. */
	cr_assert_leq(sim_took_ns(&sim), 500 * MS, "%g s", clock_seconds(sim_took_ns(&sim)));
	sim_free(&sim);
}

static struct sim_reply first_attempt_lost(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.attempt == 0 && packet.hop == 2)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, until_answered_asks_again_only_who_is_silent)
{
	sim_init(&sim, 5);
	sim.plan.expected[0] = 5;
	sim.plan.until_answered = true;
	sim.network = first_attempt_lost;
	sim_run(&sim);
	end_is(PATH_REACHED, 5);
	cr_assert_eq(sim.sent, 6);
	hop_is(2, 2, 1);
	hop_is(3, 1, 1);
	sim_free(&sim);
}

/* --- where it ends ------------------------------------------------------------------------------------------------ */

static struct sim_reply silent_from(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop >= of->length)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, target_never_answers)
{
	sim_init(&sim, 5);
	sim.network = silent_from;
	sim_run(&sim);
	end_is(PATH_MAX_SILENT, 9);
	hop_is(5, 3, 0);
	cr_assert_eq(sim.sent_to[13], 0);
	cr_assert_lt(path_hop_loss(path_hop_at(sim.path, 0, 4)), 0.01);
	cr_assert_gt(path_forward_loss(sim.path, 0, 5), 0.99);
	cr_assert_eq(path_main_flow(sim.path), 0);
	sim_free(&sim);
}

Test(path, nobody_answers)
{
	sim_init(&sim, 1);
	sim.network = silent_from;
	sim_run(&sim);
	end_is(PATH_MAX_SILENT, 5);
	cr_assert_eq(path_forward_rtt_ns(sim.path, 0, 1), -1);
	sim_free(&sim);
}

Test(path, silence_of_the_known_target_opens_the_walk)
{
	sim_init(&sim, 5);
	sim.network = silent_from;
	sim.plan.expected[0] = 5;
	sim_run(&sim);
	end_is(PATH_MAX_SILENT, 9);
	sim_free(&sim);
}

Test(path, max_hops)
{
	sim_init(&sim, 60);
	sim.plan.max_hops = 12;
	sim_run(&sim);
	end_is(PATH_MAX_HOPS, 12);
	cr_assert_eq(sim.sent, 36);
	sim_free(&sim);
}

static struct sim_reply loop(struct sim *of, struct path_packet packet)
{
	(void)of;
	return sim_hop(packet.hop % 2 ? "10.0.0.1" : "10.0.0.2", TRACE_TTL_EXCEEDED, 3 * MS);
}

Test(path, routing_loop)
{
	sim_init(&sim, 0);
	sim.network = loop;
	sim_run(&sim);
	end_is(PATH_MAX_HOPS, 30);
	cr_assert_eq(path_loop_hop(sim.path, 0), 3);
	sim_free(&sim);
}

static struct sim_reply stuck_counter(struct sim *of, struct path_packet packet)
{
	if (packet.hop == 3)
		packet.hop = 2;
	return sim_line(of, packet);
}

Test(path, the_same_router_twice_in_a_row_is_no_loop)
{
	sim_init(&sim, 5);
	sim.network = stuck_counter;
	sim_run(&sim);
	cr_assert_eq(path_loop_hop(sim.path, 0), 0);
	sim_free(&sim);
}

static struct sim_reply no_way(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop >= 4) {
		reply = sim_hop("10.0.0.3", TRACE_UNREACHABLE, 8 * MS);
		reply.answer.reason = REASON_UNREACHABLE_HOST;
	}
	return reply;
}

Test(path, unreachable_ends_at_its_hop)
{
	sim_init(&sim, 9);
	sim.network = no_way;
	sim_run(&sim);
	end_is(PATH_UNREACHABLE, 4);
	cr_assert_eq(path_hop_at(sim.path, 0, 4)->reason, REASON_UNREACHABLE_HOST);
	sim_free(&sim);
}

static struct sim_reply no_way_at_first(struct sim *of, struct path_packet packet)
{
	return packet.attempt == 0 ? no_way(of, packet) : sim_line(of, packet);
}

Test(path, other_attempts_get_through)
{
	sim_init(&sim, 9);
	sim.network = no_way_at_first;
	sim_run(&sim);
	end_is(PATH_REACHED, 9);
	sim_free(&sim);
}

static struct sim_reply answers_of_the_end(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop >= of->length)
		reply.answer = (struct path_answer){.kind = (enum trace_answer)of->plan.attempts,
						    .reason = REASON_UNREACHABLE_PORT,
						    .is_from_target = of->is_local,
						    .rtt_ns = 1,
						    .hop_limit = 9};
	of->is_local = of->is_local && true;
	return reply;
}

/* The number of attempts says which answer: all kinds there are. */
Test(path, what_counts_as_reached)
{
	static const struct {
		enum trace_answer kind;
		bool is_from_target;
		enum path_end end;
	} table[] = {
		{TRACE_ECHO_REPLY, true, PATH_REACHED},
		{TRACE_PORT_UNREACHABLE, true, PATH_REACHED},
		{TRACE_PORT_UNREACHABLE, false, PATH_UNREACHABLE},
		{TRACE_SYN_ACK, true, PATH_REACHED},
		{TRACE_RESET, true, PATH_REACHED},
		{TRACE_UDP_REPLY, true, PATH_REACHED},
		{TRACE_UNREACHABLE, true, PATH_UNREACHABLE},
		{TRACE_TOO_BIG, false, PATH_UNREACHABLE},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		sim_init(&sim, 3);
		sim.plan.attempts = (uint8_t)table[i].kind;
		sim.is_local = table[i].is_from_target;
		sim.network = answers_of_the_end;
		sim_run(&sim);
		end_is(table[i].end, 3);
		sim_free(&sim);
	}
}

Test(path, deadline)
{
	sim_init(&sim, 5);
	sim.network = silent_from;
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, 30 * MS);
	path_finish(sim.path);
	cr_assert(path_is_done(sim.path));
	end_is(PATH_DEADLINE, 9);
	hop_is(5, 1, 0);
	cr_assert_eq(sim.path->flows[0].flying, 0);
	path_finish(sim.path);
	sim_free(&sim);

	sim_init(&sim, 5);
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, 30 * MS);
	path_finish(sim.path);
	end_is(PATH_REACHED, 5);
	sim_free(&sim);

	sim_init(&sim, 5);
	sim.network = no_way;
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, 30 * MS);
	path_finish(sim.path);
	end_is(PATH_UNREACHABLE, 4);
	sim_free(&sim);
}

/* --- changes under way -------------------------------------------------------------------------------------------- */

static struct sim_reply grows(struct sim *of, struct path_packet packet)
{
	of->length = packet.attempt == 0 ? 6 : 8;
	return sim_line(of, packet);
}

Test(path, growth_within_a_trace_is_no_loss)
{
	for (unsigned expected = 0; expected <= 6; expected += 6) {
		sim_init(&sim, 6);
		sim.network = grows;
		sim.plan.expected[0] = (uint8_t)expected;
		sim_run(&sim);
		end_is(PATH_REACHED, 8);
		for (uint8_t hop = 1; hop <= 8; hop++) {
			cr_assert_float_eq(path_hop_loss(path_hop_at(sim.path, 0, hop)), 0, 1e-9);
			cr_assert_float_eq(path_forward_loss(sim.path, 0, hop), 0, 1e-9);
		}
		sim_free(&sim);
	}
}

static struct sim_reply shrinks(struct sim *of, struct path_packet packet)
{
	of->length = packet.attempt == 0 ? 8 : 6;
	return sim_line(of, packet);
}

Test(path, shrinking_within_a_trace_is_no_loss)
{
	sim_init(&sim, 8);
	sim.network = shrinks;
	sim_run(&sim);
	end_is(PATH_REACHED, 6);
	for (uint8_t hop = 1; hop <= 6; hop++)
		cr_assert_float_eq(path_hop_loss(path_hop_at(sim.path, 0, hop)), 0, 1e-9);
	sim_free(&sim);
}

static struct sim_reply swapped(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	/* The first answer of the last hop is the last to come: the target had moved away meanwhile. */
	if (packet.hop == of->length && packet.attempt == 0)
		reply = sim_hop("10.9.9.9", TRACE_TTL_EXCEEDED, 400 * MS);
	return reply;
}

Test(path, attempts_count_not_the_order_of_answers)
{
	sim_init(&sim, 5);
	sim.network = swapped;
	sim_run(&sim);
	end_is(PATH_REACHED, 5);
	cr_assert(answered_by(5, "10.9.9.9"));
	cr_assert(answered_by(5, "192.0.2.1"));
	sim_free(&sim);
}

/* --- loss --------------------------------------------------------------------------------------------------------- */

static struct sim_reply limited(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 3 && packet.attempt)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, limited_answers_are_no_loss)
{
	sim_init(&sim, 5);
	sim.network = limited;
	sim_run(&sim);
	hop_is(3, 3, 1);
	cr_assert_float_eq(path_hop_loss(path_hop_at(sim.path, 0, 3)), 2.0 / 3, 1e-9);
	cr_assert_float_eq(path_forward_loss(sim.path, 0, 3), 0, 1e-9);
	cr_assert_lt(path_forward_loss(sim.path, 0, 29), 0);
	sim_free(&sim);
}

static struct sim_reply lossy_from_three(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop >= 3 && packet.attempt == 1)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, loss_that_goes_on)
{
	sim_init(&sim, 5);
	sim.network = lossy_from_three;
	sim_run(&sim);
	cr_assert_float_eq(path_forward_loss(sim.path, 0, 2), 0, 1e-9);
	cr_assert_float_eq(path_forward_loss(sim.path, 0, 3), 1.0 / 3, 1e-9);
	cr_assert_float_eq(path_forward_loss(sim.path, 0, 5), 1.0 / 3, 1e-9);
	sim_free(&sim);
}

static struct sim_reply late(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 2 && packet.attempt == 0)
		reply.delay_ns = reply.answer.rtt_ns = 600 * MS;
	if (packet.hop == 5 && packet.attempt == 2)
		reply.delay_ns = reply.answer.rtt_ns = 900 * MS;
	reply.copies = 1;
	return reply;
}

Test(path, late_answers_count_and_doubles_do_not)
{
	sim_init(&sim, 5);
	sim.network = late;
	sim_run(&sim);
	end_is(PATH_REACHED, 5);
	hop_is(2, 3, 3);
	hop_is(5, 3, 3);
	cr_assert_gt(sim.released, 0);
	cr_assert_eq(path_hop_at(sim.path, 0, 2)->rtt_max_ns, 600 * MS);
	sim_free(&sim);
}

static struct sim_reply slow_router(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 2)
		reply.answer.rtt_ns = 90 * MS;
	if (packet.hop == 3)
		reply.answer.rtt_ns = -1;
	return reply;
}

Test(path, slow_answers_of_a_router_are_not_the_paths)
{
	sim_init(&sim, 5);
	sim.network = slow_router;
	sim_run(&sim);
	cr_assert_eq(path_forward_rtt_ns(sim.path, 0, 1), 2 * MS);
	cr_assert_eq(path_forward_rtt_ns(sim.path, 0, 2), 8 * MS);
	cr_assert_eq(path_forward_rtt_ns(sim.path, 0, 3), 8 * MS);
	cr_assert_eq(path_hop_at(sim.path, 0, 3)->measured, 0);
	hop_is(3, 3, 3);
	sim_free(&sim);
}

/* --- this host ---------------------------------------------------------------------------------------------------- */

static struct sim_reply unsendable(struct sim *of, struct path_packet packet)
{
	(void)of, (void)packet;
	return (struct sim_reply){.fate = SIM_UNSENT, .answer.reason = REASON_LOCAL};
}

Test(path, nothing_can_be_sent)
{
	sim_init(&sim, 5);
	sim.network = unsendable;
	sim_run(&sim);
	end_is(PATH_LOCAL, 5);
	cr_assert_lt(path_hop_loss(path_hop_at(sim.path, 0, 1)), 0);
	sim_free(&sim);
}

static struct sim_reply one_unsent(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 5 && packet.attempt == 1)
		reply.fate = SIM_UNSENT;
	return reply;
}

Test(path, what_never_left_is_no_loss)
{
	sim_init(&sim, 5);
	sim.network = one_unsent;
	sim_run(&sim);
	hop_is(5, 2, 2);
	sim_free(&sim);
}

Test(path, what_was_lost_here_is_no_loss)
{
	sim_init(&sim, 5);
	sim.network = limited;
	sim.is_local = true;
	sim_run(&sim);
	hop_is(3, 1, 1);
	sim_free(&sim);
}

static unsigned busy;

static struct sim_reply busy_at_first(struct sim *of, struct path_packet packet)
{
	if (busy && busy--)
		return (struct sim_reply){.fate = SIM_BUSY};
	return sim_line(of, packet);
}

Test(path, what_is_not_taken_is_tried_again)
{
	sim_init(&sim, 5);
	busy = 20;
	sim.network = busy_at_first;
	sim_run(&sim);
	end_is(PATH_REACHED, 5);
	hop_is(5, 3, 3);
	sim_free(&sim);
}

static struct sim_reply never_taken(struct sim *of, struct path_packet packet)
{
	(void)of, (void)packet;
	return (struct sim_reply){.fate = SIM_BUSY};
}

Test(path, nothing_is_taken_until_the_deadline)
{
	sim_init(&sim, 5);
	sim.network = never_taken;
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, NS_PER_SECOND);
	cr_assert_not(path_is_done(sim.path));
	path_finish(sim.path);
	end_is(PATH_LOCAL, 0);
	sim_free(&sim);
}

/* --- who answers -------------------------------------------------------------------------------------------------- */

static struct sim_reply many_faces(struct sim *of, struct path_packet packet)
{
	char from[ADDRESS_TEXT_SIZE];
	if (packet.hop != 2)
		return sim_line(of, packet);
	snprintf(from, sizeof(from), "10.1.1.%u", packet.attempt % 12);
	return sim_hop(from, TRACE_TTL_EXCEEDED, 3 * MS);
}

Test(path, several_addresses_at_a_hop)
{
	sim_init(&sim, 4);
	sim.plan.attempts = 24;
	sim.plan.spacing_ns = 10 * MS;
	sim.network = many_faces;
	sim_run(&sim);
	end_is(PATH_REACHED, 4);
	hop_is(2, 24, 24);
	cr_assert_eq(path_hop_at(sim.path, 0, 2)->naddresses, PATH_ADDRESSES_MAX);
	cr_assert(answered_by(2, "10.1.1.7"));
	cr_assert_not(answered_by(2, "10.1.1.8"));
	sim_free(&sim);
}

static struct sim_reply labelled(struct sim *of, struct path_packet packet)
{
	static const struct trace_label labels[] = {{.label = 24001, .ttl = 1},
						    {.label = 7, .is_bottom = true, .ttl = 2}};
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 2) {
		reply.answer.labels = labels;
		reply.answer.nlabels = 2;
	}
	reply.answer.is_nat = packet.hop >= 3;
	if (packet.hop == 4)
		memset(reply.from, 0, sizeof(reply.from));
	return reply;
}

Test(path, labels_translations_and_nameless_answers)
{
	sim_init(&sim, 6);
	sim.network = labelled;
	sim_run(&sim);
	end_is(PATH_REACHED, 6);
	cr_assert_eq(path_hop_at(sim.path, 0, 2)->nlabels, 2);
	cr_assert_eq(path_hop_at(sim.path, 0, 2)->labels[1].label, 7);
	cr_assert_eq(path_nat_hop(sim.path, 0), 3);
	cr_assert_eq(path_hop_at(sim.path, 0, 4)->naddresses, 0);
	hop_is(4, 3, 3);
	sim_free(&sim);
	sim_init(&sim, 3);
	sim_run(&sim);
	cr_assert_eq(path_nat_hop(sim.path, 0), 0);
	sim_free(&sim);
}

/* --- flows -------------------------------------------------------------------------------------------------------- */

static struct sim_reply diamond(struct sim *of, struct path_packet packet)
{
	char from[ADDRESS_TEXT_SIZE];
	if (packet.flow == 2 && packet.hop >= 2)
		return (struct sim_reply){.fate = SIM_LOST};
	if (packet.hop != 2)
		return sim_line(of, packet);
	snprintf(from, sizeof(from), "10.2.%u.2", packet.flow);
	return sim_hop(from, TRACE_TTL_EXCEEDED, 3 * MS);
}

Test(path, flows_are_walked_at_the_same_time)
{
	sim_init(&sim, 5);
	sim.network = diamond;
	sim.plan.flows = 4;
	sim.plan.attempts = 1;
	sim_run(&sim);
	for (uint8_t flow = 0; flow < 4; flow++)
		cr_assert_eq(sim.path->flows[flow].end, flow == 2 ? PATH_MAX_SILENT : PATH_REACHED);
	cr_assert_not(address_equal(&path_hop_at(sim.path, 0, 2)->address, &path_hop_at(sim.path, 1, 2)->address));
	cr_assert_leq(sim_took_ns(&sim), 1100 * MS);
	cr_assert_eq(path_main_flow(sim.path), 0);
	sim_free(&sim);
}

static struct sim_reply first_flow_dies(struct sim *of, struct path_packet packet)
{
	return packet.flow == 0 ? no_way(of, packet) : sim_line(of, packet);
}

Test(path, a_flow_that_gets_there_stands_for_the_trace)
{
	sim_init(&sim, 8);
	sim.network = first_flow_dies;
	sim.plan.flows = 2;
	sim_run(&sim);
	end_is(PATH_UNREACHABLE, 4);
	cr_assert_eq(path_main_flow(sim.path), 1);
	sim_free(&sim);
}

/* --- answers that could be to several packets --------------------------------------------------------------------- */

/* Hop 3 quotes so little that only a packet that flies alone is told. */
static struct sim_reply terse(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 3 && of->path->flows[0].flying > 0)
		reply.fate = SIM_UNCLEAR;
	return reply;
}

Test(path, unclear_answers_are_asked_for_one_at_a_time)
{
	sim_init(&sim, 5);
	sim.network = terse;
	sim_run(&sim);
	end_is(PATH_REACHED, 5);
	hop_is(3, 3, 3);
	for (unsigned hop = 1; hop <= 5; hop++)
		hop_is(hop, 3, 3);
	cr_assert(sim.path->flows[0].is_serial);
	sim_free(&sim);
}

Test(path, unclear_flows_that_are_none)
{
	sim_init(&sim, 3);
	sim.path = path_create(&sim.plan);
	path_note_unclear(sim.path, 1);
	cr_assert_not(sim.path->flows[0].is_serial);
	path_note_unclear(sim.path, 0);
	sim_run_for(&sim, 60 * NS_PER_SECOND);
	end_is(PATH_REACHED, 3);
	cr_assert_eq(sim.most_flying, 1);
	sim_free(&sim);
}

Test(path, an_answer_to_what_was_taken_back_counts)
{
	const struct path_packet packet = {0, 2, 0};
	struct path_answer answer = {.kind = TRACE_TTL_EXCEEDED, .rtt_ns = -1, .hop_limit = -1};
	sim_init(&sim, 9);
	sim.network = silent_from;
	sim.length = 1;
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, 10 * MS);
	path_note_unclear(sim.path, 0);
	sim_run_for(&sim, 1200 * MS);
	path_note_answer(sim.path, packet, &answer);
	path_finish(sim.path);
	hop_is(2, 1, 1);
	cr_assert_eq(path_hop_at(sim.path, 0, 2)->attempts[0].time_ns, -1);
	sim_free(&sim);
}

/* --- what it is told ---------------------------------------------------------------------------------------------- */

Test(path, packets_that_never_were_are_ignored)
{
	static const struct path_packet strange[] = {{1, 1, 0},   {0, 0, 0}, {0, 31, 0},
						     {0, 255, 0}, {0, 1, 3}, {15, 64, 99}};
	const struct path_answer answer = {.kind = TRACE_ECHO_REPLY};
	sim_init(&sim, 3);
	sim.path = path_create(&sim.plan);
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		path_note_sent(sim.path, strange[i], 1);
		path_note_unsent(sim.path, strange[i], REASON_LOCAL);
		path_note_answer(sim.path, strange[i], &answer);
	}
	sim_run_for(&sim, 60 * NS_PER_SECOND);
	end_is(PATH_REACHED, 3);
	path_note_unsent(sim.path, (struct path_packet){0, 1, 0}, REASON_LOCAL);
	hop_is(1, 3, 3);
	sim_free(&sim);
	path_free(NULL);
}

static struct sim_reply queued(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == 1 && packet.attempt == 0)
		reply.fate = SIM_LOST;
	return reply;
}

Test(path, the_wait_begins_when_the_packet_leaves)
{
	sim_init(&sim, 1);
	sim.plan.attempts = 1;
	sim.network = queued;
	sim.path = path_create(&sim.plan);
	sim_run_for(&sim, 500 * MS);
	path_note_sent(sim.path, (struct path_packet){0, 1, 0}, sim.now_ns);
	sim_run_for(&sim, 900 * MS);
	cr_assert_eq(path_hop_at(sim.path, 0, 1)->flying, 0, "the target at hop 2 has answered: its patience ended");
	sim_free(&sim);
}

static struct sim_reply half_open(struct sim *of, struct path_packet packet)
{
	struct sim_reply reply = sim_line(of, packet);
	if (packet.hop == of->length)
		reply.delay_ns = 300 * MS;
	return reply;
}

Test(path, the_end_is_asked_one_at_a_time_if_wanted)
{
	sim_init(&sim, 4);
	sim.plan.expected[0] = 4;
	sim.plan.one_at_end = true;
	sim.network = half_open;
	sim_run(&sim);
	cr_assert_eq(sim_took_ns(&sim), 900 * MS);
	sim_free(&sim);
}
