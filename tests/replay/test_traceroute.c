/* Traces on virtual time: what the network does to packets and answers. test_traceroute_runs.c has what goes on from
 * one trace to the next. */
#include <errno.h>

#include "tests/replay/trace_bench.h"

/* --- each transport, both families -------------------------------------------------------------------------------- */

static void plain_trace(const char *address, const char *transport, const char *reply)
{
	char options[64];
	char first[ADDRESS_TEXT_SIZE];
	bool is_v6 = strchr(address, ':') != NULL;
	snprintf(options, sizeof(options), "transport=%s", transport);
	reset(line, 8);
	struct bench *bench = trace(address, options);
	ended(bench, REASON_OK, "reached", 8);
	snprintf(first, sizeof(first), "%s", is_v6 ? "2001:db8:a::1" : "10.0.0.1");
	cr_assert_str_eq(text_of(hop_row(bench, 1), "address"), first);
	cr_assert_str_eq(text_of(hop_row(bench, 1), "reply"), "ttl_exceeded");
	cr_assert_str_eq(text_of(hop_row(bench, 8), "address"), address);
	cr_assert_str_eq(text_of(hop_row(bench, 8), "reply"), reply);
	cr_assert_null(hop_row(bench, 9));
	cr_assert_eq(count_rows(bench, "traceroute_hop"), 8);
	cr_assert_eq(count_rows(bench, "traceroute_edge"), 8);
	for (unsigned hop = 1; hop <= 8; hop++) {
		cr_assert_eq(integer_of(hop_row(bench, hop), "sent_total"), 3);
		cr_assert_eq(integer_of(hop_row(bench, hop), "received_total"), 3);
		cr_assert_float_eq(number_of(hop_row(bench, hop), "rtt_min_seconds"), 0.004 * hop, 1e-9);
		cr_assert_null(find(hop_row(bench, hop), "is_nat"));
	}
	cr_assert_eq(integer(bench, "sent_total"), 3);
	cr_assert_eq(integer(bench, "received_total"), 3);
	cr_assert_eq(integer(bench, "paths"), 1);
	cr_assert_gt(integer(bench, "path_hash"), 0);
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_float_eq(number(bench, "rtt_max_seconds"), 0.032, 1e-9);
	cr_assert_not(has(bench, "first_lossy_hop"));
	cr_assert_not(has(bench, "nat_hop"));
	cr_assert_eq(tracer_counter(bench, "foreign_total"), 0);
	bench_close(bench);
}

Test(traceroute, icmp)
{
	plain_trace(TARGET4, "icmp", "echo_reply");
}

Test(traceroute, icmp_ipv6)
{
	plain_trace(TARGET6, "icmp", "echo_reply");
}

Test(traceroute, udp)
{
	plain_trace(TARGET4, "udp", "port_unreachable");
}

Test(traceroute, udp_ipv6)
{
	plain_trace(TARGET6, "udp", "port_unreachable");
}

Test(traceroute, tcp)
{
	plain_trace(TARGET4, "tcp", "syn_ack");
}

Test(traceroute, tcp_ipv6)
{
	plain_trace(TARGET6, "tcp", "syn_ack");
}

static struct fake_trace_answer closed_port(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (answer.kind == FAKE_TRACE_TARGET)
		answer.kind = FAKE_TRACE_RESET;
	return answer;
}

Test(traceroute, tcp_reset_is_reached)
{
	reset(closed_port, 4);
	struct bench *bench = trace(TARGET4, "transport=tcp port=443");
	ended(bench, REASON_OK, "reached", 4);
	cr_assert_str_eq(text_of(hop_row(bench, 4), "reply"), "reset");
	bench_close(bench);
}

static struct fake_trace_answer chatty(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (answer.kind == FAKE_TRACE_TARGET)
		answer.kind = FAKE_TRACE_UDP_REPLY;
	return answer;
}

/* An answer of a service quotes nothing: only of a packet that flies alone it can be told which it is to. */
Test(traceroute, udp_reply_of_a_service)
{
	reset(chatty, 4);
	struct bench *bench = trace(TARGET4, "transport=udp port=53");
	ended(bench, REASON_OK, "reached", 4);
	cr_assert_str_eq(text_of(hop_row(bench, 4), "reply"), "udp_reply");
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_gt(tracer_counter(bench, "unclear_total"), 0);
	bench_close(bench);
}

/* --- without rights ----------------------------------------------------------------------------------------------- */

Test(traceroute, without_rights)
{
	static const char *const transports[] = {"icmp", "udp"};
	static const char *const addresses[] = {TARGET4, TARGET6};
	for (size_t i = 0; i < 4; i++) {
		char options[64];
		snprintf(options, sizeof(options), "transport=%s", transports[i % 2]);
		reset(line, 6);
		fake_trace_drop_rights();
		struct bench *bench = trace(addresses[i / 2], options);
		ended(bench, REASON_OK, "reached", 6);
		cr_assert_eq(integer_of(hop_row(bench, 3), "received_total"), 3);
		cr_assert_not_null(strstr(bench->log, "error queue"));
		bench_close(bench);
	}
}

Test(traceroute, tcp_without_rights_is_refused)
{
	struct err err = {{0}};
	reset(line, 6);
	fake_trace_drop_rights();
	struct bench *bench = bench_open_err(TARGET4, "transport=tcp", &err);
	cr_assert_null(bench->probe);
	cr_assert_str_eq(err.text, "tcp: needs a right that is not there");
	bench_close(bench);
}

static struct fake_trace_answer eight_bytes(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.quoted = 8;
	return answer;
}

/* The kernel gives the payload of the quote only: of eight bytes nothing is left, and hops are asked one by one. */
Test(traceroute, eight_bytes_without_rights)
{
	reset(eight_bytes, 5);
	fake_trace_drop_rights();
	struct bench *bench = trace(TARGET4, "transport=udp");
	ended(bench, REASON_OK, "reached", 5);
	for (unsigned hop = 1; hop <= 5; hop++) {
		cr_assert_float_eq(number_of(hop_row(bench, hop), "loss_ratio"), 0, 1e-9, "hop %u", hop);
		cr_assert_str_eq(text_of(hop_row(bench, hop), "addresses"), "(absent)");
	}
	bench_close(bench);
}

/* --- quotes, damage, forgery -------------------------------------------------------------------------------------- */

Test(traceroute, eight_bytes_are_enough)
{
	static const char *const options[] = {"transport=icmp", "transport=udp", "transport=tcp"};
	for (size_t i = 0; i < 3; i++) {
		reset(eight_bytes, 8);
		struct bench *bench = trace(TARGET4, options[i]);
		ended(bench, REASON_OK, "reached", 8);
		cr_assert_eq(integer_of(hop_row(bench, 3), "received_total"), 3, "%s", options[i]);
		bench_close(bench);
	}
}

static struct fake_trace_answer garbage(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 3)
		answer.kind = FAKE_TRACE_GARBAGE;
	return answer;
}

Test(traceroute, garbage)
{
	reset(garbage, 6);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_eq(integer_of(hop_row(bench, 3), "received_total"), 0);
	cr_assert_geq(fake_trace_refused() + tracer_counter(bench, "foreign_total"), 3);
	bench_close(bench);
}

static struct fake_trace_answer spoofed(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.is_spoofed = packet->hop_limit == 2 || packet->hop_limit >= 4;
	return answer;
}

Test(traceroute, spoofed_answers_are_no_answers)
{
	static const char *const options[] = {"transport=icmp", "transport=udp"};
	for (size_t i = 0; i < 2; i++) {
		reset(spoofed, 4);
		struct bench *bench = trace(TARGET4, options[i]);
		ended(bench, REASON_TIMEOUT, "max_silent", 3);
		cr_assert_eq(integer_of(hop_row(bench, 2), "received_total"), 0, "%s", options[i]);
		cr_assert_gt(tracer_counter(bench, "foreign_total"), 0);
		bench_close(bench);
	}
}

static struct fake_trace_answer doubled(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.copies = 2;
	return answer;
}

Test(traceroute, duplicates_count_once)
{
	reset(doubled, 5);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 5);
	cr_assert_eq(integer_of(hop_row(bench, 2), "received_total"), 3);
	cr_assert_not_null(strstr(bench->log, "answered twice"));
	bench_close(bench);
}

static struct fake_trace_answer late_hop(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2)
		answer.delay_ns = 400 * MS;
	if (packet->hop_limit == 3)
		answer.delay_ns = 30 * SECOND;
	return answer;
}

/* The trace waits for hop 2 no longer than it must; what comes while it lives counts, what comes later does not. */
Test(traceroute, late_answers)
{
	reset(late_hop, 5);
	struct bench *bench = trace(TARGET4, "attempts=2 spacing=0.3");
	ended(bench, REASON_OK, "reached", 5);
	cr_assert_eq(integer_of(hop_row(bench, 2), "received_total"), 2);
	cr_assert_eq(integer_of(hop_row(bench, 3), "received_total"), 0);
	run_trace(bench);
	cr_assert_eq(integer_of(hop_row(bench, 3), "received_total"), 0,
		     "answers to the first trace are not the second's");
	bench_close(bench);
}

static struct fake_trace_answer reversed(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.delay_ns = (100 - packet->hop_limit * 5) * MS;
	return answer;
}

Test(traceroute, answers_out_of_order)
{
	reset(reversed, 8);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 8);
	cr_assert_eq(integer_of(hop_row(bench, 1), "received_total"), 3);
	/* Times that fall along the path are no steps of it. */
	cr_assert_eq(integer(bench, "bottleneck_hop"), 1);
	cr_assert_float_eq(number(bench, "bottleneck_step_seconds"), 0.06, 1e-9);
	cr_assert_eq(integer(bench, "slowest_hop"), 1);
	bench_close(bench);
}

/* --- silence and loss --------------------------------------------------------------------------------------------- */

static struct fake_trace_answer silent_hops(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2 || packet->hop_limit == 5)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

Test(traceroute, silent_hops)
{
	reset(silent_hops, 8);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 8);
	cr_assert_eq(integer(bench, "silent_hops"), 2);
	cr_assert_not(has(bench, "first_lossy_hop"));
	cr_assert_str_eq(text_of(hop_row(bench, 2), "address"), "(absent)");
	cr_assert_float_eq(number_of(hop_row(bench, 2), "loss_ratio"), 1, 1e-9);
	cr_assert_float_eq(number_of(hop_row(bench, 2), "forward_loss_ratio"), 0, 1e-9);
	cr_assert_str_eq(text(bench, "path"),
			 "10.0.0.1 > * > 10.0.0.3 > 10.0.0.4 > * > 10.0.0.6 > 10.0.0.7 > " TARGET4);
	const struct row *edge = row_of(bench, "traceroute_edge", 2, NULL);
	cr_assert_str_eq(text_of(edge, "source"), "10.0.0.1");
	cr_assert_str_eq(text_of(edge, "destination"), "hop 2 of t");
	cr_assert_null(find(edge, "step_seconds"));
	edge = row_of(bench, "traceroute_edge", 3, NULL);
	cr_assert_str_eq(text_of(edge, "id"), "hop 2 of t > 10.0.0.3");
	cr_assert_float_eq(number_of(edge, "step_seconds"), 0.008, 1e-9);
	cr_assert_str_eq(text_of(row_of(bench, "traceroute_edge", 1, NULL), "source"), "agent");
	bench_close(bench);
}

static struct fake_trace_answer rate_limited(void *context, const struct trace_packet *packet, unsigned nth)
{
	static unsigned answered;
	struct fake_trace_answer answer = line(context, packet, nth);
	if (nth == 0)
		answered = 0;
	if (packet->hop_limit == 3 && answered++)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

Test(traceroute, a_hop_that_limits_its_answers_is_no_loss)
{
	reset(rate_limited, 6);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_float_eq(number_of(hop_row(bench, 3), "loss_ratio"), 2.0 / 3, 1e-9);
	cr_assert_float_eq(number_of(hop_row(bench, 3), "forward_loss_ratio"), 0, 1e-9);
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_not(has(bench, "first_lossy_hop"));
	bench_close(bench);
}

static struct fake_trace_answer lossy(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit >= 4 && (nth * 2654435761U >> 20) % 2)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

Test(traceroute, loss_that_goes_on_to_the_end)
{
	reset(lossy, 6);
	struct bench *bench = trace(TARGET4, "attempts=20 spacing=0.05");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_gt(number(bench, "loss_ratio"), 0.2);
	cr_assert_lt(number(bench, "loss_ratio"), 0.8);
	cr_assert_eq(integer(bench, "first_lossy_hop"), 4);
	cr_assert_float_eq(number_of(hop_row(bench, 3), "forward_loss_ratio"), 0, 1e-9);
	bench_close(bench);
}

static struct fake_trace_answer no_target(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit >= net.length)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

Test(traceroute, target_that_never_answers)
{
	reset(no_target, 5);
	struct bench *bench = trace(TARGET4, "max_silent=3");
	ended(bench, REASON_TIMEOUT, "max_silent", 4);
	cr_assert_eq(count_rows(bench, "traceroute_hop"), 7);
	cr_assert_eq(integer(bench, "silent_hops"), 3);
	cr_assert_eq(integer(bench, "first_lossy_hop"), 5);
	cr_assert_float_eq(number(bench, "loss_ratio"), 1, 1e-9);
	cr_assert_not(has(bench, "rtt_avg_seconds"));
	cr_assert_lt(bench->last->took_ns, 3 * SECOND);
	bench_close(bench);
}

Test(traceroute, max_hops)
{
	reset(line, 50);
	struct bench *bench = trace(TARGET4, "max_hops=20");
	ended(bench, REASON_TTL_EXCEEDED, "max_hops", 20);
	cr_assert_float_eq(number(bench, "loss_ratio"), 1, 1e-9);
	bench_close(bench);
}

Test(traceroute, forty_hops)
{
	reset(line, 40);
	struct bench *bench = trace(TARGET4, "max_hops=64 attempts=1");
	ended(bench, REASON_OK, "reached", 40);
	cr_assert_lt(bench->last->took_ns, SECOND);
	bench_close(bench);
}

Test(traceroute, until_answered)
{
	reset(silent_hops, 6);
	struct bench *bench = trace(TARGET4, "until_answered=true attempts=2");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_eq(integer_of(hop_row(bench, 1), "sent_total"), 1);
	cr_assert_eq(integer_of(hop_row(bench, 2), "sent_total"), 2);
	bench_close(bench);
}

/* --- where it ends ------------------------------------------------------------------------------------------------ */

static uint8_t unreachable_code;

static struct fake_trace_answer dead_end(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit >= 4) {
		answer = (struct fake_trace_answer){
			.kind = FAKE_TRACE_UNREACHABLE, .code = unreachable_code, .delay_ns = 13 * MS};
		answer.from = router(nth, packet->flow->destination.family, 0, 3);
	}
	return answer;
}

Test(traceroute, unreachable_of_each_kind)
{
	static const struct {
		const char *address;
		uint8_t code;
		enum reason reason;
	} table[] = {
		{TARGET4, 0, REASON_UNREACHABLE_NET},   {TARGET4, 1, REASON_UNREACHABLE_HOST},
		{TARGET4, 3, REASON_UNREACHABLE_PORT},  {TARGET4, 13, REASON_UNREACHABLE_ADMIN},
		{TARGET6, 0, REASON_UNREACHABLE_NET},   {TARGET6, 3, REASON_UNREACHABLE_HOST},
		{TARGET6, 1, REASON_UNREACHABLE_ADMIN},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		reset(dead_end, 9);
		unreachable_code = table[i].code;
		struct bench *bench = trace(table[i].address, "");
		ended(bench, table[i].reason, reason_name(table[i].reason), 4);
		cr_assert_eq(count_rows(bench, "traceroute_hop"), 4);
		if (table[i].reason != REASON_UNREACHABLE_PORT)
			cr_assert_str_eq(text_of(hop_row(bench, 4), "reply"), reason_name(table[i].reason));
		cr_assert_float_eq(number(bench, "loss_ratio"), 1, 1e-9);
		bench_close(bench);
	}
}

static struct fake_trace_answer other_address(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit >= net.length)
		answer.from = "203.0.113.77";
	return answer;
}

/* As routers do that are asked at their loopback address. */
Test(traceroute, udp_target_that_answers_from_another_address)
{
	reset(other_address, 4);
	struct bench *bench = trace(TARGET4, "transport=udp");
	ended(bench, REASON_OK, "reached", 4);
	cr_assert_str_eq(text_of(hop_row(bench, 4), "address"), "203.0.113.77");
	bench_close(bench);
}

static struct fake_trace_answer circle(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit > 3)
		answer.from = router(nth, ADDRESS_IPV4, 0, packet->hop_limit % 2 ? 3 : 4);
	return answer;
}

Test(traceroute, routing_loop)
{
	reset(circle, 60);
	struct bench *bench = trace(TARGET4, "max_hops=12");
	ended(bench, REASON_TTL_EXCEEDED, "max_hops", 12);
	cr_assert_eq(integer(bench, "loop_hop"), 5);
	cr_assert_not_null(strstr(bench->log, "routing loop: 10.0.0.3 again at hop 5"));
	bench_close(bench);
}

static struct fake_trace_answer too_slow(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.delay_ns *= packet->hop_limit > 2 ? 1000 : 1;
	return answer;
}

Test(traceroute, deadline)
{
	reset(too_slow, 9);
	struct bench *bench = trace(TARGET4, "timeout=0.5 wait=5");
	ended(bench, REASON_TIMEOUT, "timeout", 2);
	cr_assert_eq(bench->last->took_ns / MS, 500);
	cr_assert_eq(count_rows(bench, "traceroute_hop"), 7);
	bench_close(bench);
}

/* --- what answers tell besides ------------------------------------------------------------------------------------ */

static struct fake_trace_answer translated(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit >= 3) {
		answer.nat_source = "203.0.113.80";
		answer.nat_source_port = 777;
	}
	return answer;
}

Test(traceroute, nat_in_the_middle)
{
	reset(translated, 6);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_eq(integer(bench, "nat_hop"), 3);
	cr_assert_null(find(hop_row(bench, 2), "is_nat"));
	cr_assert_eq(integer_of(hop_row(bench, 3), "is_nat"), 1);
	bench_close(bench);
}

static struct fake_trace_answer labelled(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 3) {
		answer.labels[0] = 24001U << 12 | 3 << 9 | 1;
		answer.labels[1] = 17U << 12 | 1 << 8 | 2;
	}
	return answer;
}

Test(traceroute, mpls)
{
	static const char *const addresses[] = {TARGET4, TARGET6};
	for (size_t i = 0; i < 2; i++) {
		reset(labelled, 5);
		struct bench *bench = trace(addresses[i], "");
		ended(bench, REASON_OK, "reached", 5);
		cr_assert_str_eq(text_of(hop_row(bench, 3), "mpls"), "24001/3/0/1 17/0/1/2");
		cr_assert_null(find(hop_row(bench, 2), "mpls"));
		cr_assert_not_null(strstr(bench->log, "[MPLS: Lbl 24001 TC 3 S 0 TTL 1]"));
		bench_close(bench);
	}
}

/* --- this host ---------------------------------------------------------------------------------------------------- */

static struct fake_trace_answer refused(void *context, const struct trace_packet *packet, unsigned nth)
{
	(void)context, (void)packet, (void)nth;
	return (struct fake_trace_answer){.send_errno = EPERM};
}

Test(traceroute, nothing_can_be_sent)
{
	reset(refused, 5);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_LOCAL, "local", 0);
	cr_assert_eq(integer(bench, "sent_total"), 0);
	cr_assert_not(has(bench, "loss_ratio"));
	bench_close(bench);
}

static struct fake_trace_answer some_refused(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2 && packet->id % 2)
		answer.send_errno = EPERM;
	return answer;
}

Test(traceroute, what_never_left_is_no_loss)
{
	reset(some_refused, 5);
	struct bench *bench = trace(TARGET4, "attempts=8 spacing=0.05");
	ended(bench, REASON_OK, "reached", 5);
	cr_assert_lt(integer_of(hop_row(bench, 2), "sent_total"), 8);
	cr_assert_float_eq(number_of(hop_row(bench, 2), "loss_ratio"), 0, 1e-9);
	bench_close(bench);
}

Test(traceroute, full_sockets_hold_packets_up_but_lose_none)
{
	reset(line, 5);
	fake_trace_stop_sending(20);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 5);
	cr_assert_eq(integer_of(hop_row(bench, 5), "received_total"), 3);
	cr_assert_float_eq(number(bench, "rtt_min_seconds"), 0.02, 1e-9);
	bench_close(bench);
}

Test(traceroute, no_route)
{
	reset(line, 5);
	fake_trace_set_route_error(ENETUNREACH);
	struct bench *bench = bench_open(TARGET4, "");
	run_trace(bench);
	cr_assert_eq(bench->last->reason, REASON_LOCAL);
	cr_assert_str_eq(text(bench, "end"), "local");
	cr_assert_not_null(strstr(bench->log, "Network is unreachable"));
	fake_trace_set_route_error(0);
	run_trace(bench);
	ended(bench, REASON_OK, "reached", 5);
	bench_close(bench);
}

Test(traceroute, no_such_interface)
{
	reset(line, 5);
	struct bench *bench = trace(TARGET4, "interface=nosuch0");
	cr_assert_eq(bench->last->reason, REASON_LOCAL);
	bench_close(bench);
}

static struct fake_trace_answer stepping(void *context, const struct trace_packet *packet, unsigned nth)
{
	if (nth == 12)
		fake_step_realtime_ns(-3600 * SECOND);
	return line(context, packet, nth);
}

/* What was under way when somebody set the clock counts as answered, and has no time. */
Test(traceroute, clock_step)
{
	reset(stepping, 8);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 8);
	for (unsigned hop = 1; hop <= 8; hop++) {
		cr_assert_float_eq(number_of(hop_row(bench, hop), "loss_ratio"), 0, 1e-9);
		cr_assert_float_eq(number_of(hop_row(bench, hop), "rtt_max_seconds"), hop * 0.004, 1e-9);
	}
	cr_assert_eq(tracer_counter(bench, "clock_steps_total"), 1);
	bench_close(bench);
}

static struct fake_trace_answer unstamped(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.is_unstamped = packet->hop_limit == 2;
	return answer;
}

Test(traceroute, answers_without_a_time)
{
	reset(unstamped, 4);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 4);
	cr_assert_null(find(hop_row(bench, 2), "rtt_min_seconds"));
	cr_assert_eq(integer_of(hop_row(bench, 2), "received_total"), 3);
	bench_close(bench);
}
