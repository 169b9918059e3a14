/* Traces on virtual time: what is remembered from one to the next, several flows, several targets, the path MTU. */
#include <errno.h>
#include <stdlib.h>

#include "tests/replay/trace_bench.h"

/* --- length ------------------------------------------------------------------------------------------------------- */

Test(traceroute_runs, no_packet_beyond_a_known_target)
{
	reset(line, 5);
	struct bench *bench = trace(TARGET4, "");
	cr_assert_gt(fake_trace_farthest(), 5);
	for (unsigned i = 0; i < 3; i++) {
		run_trace(bench);
		ended(bench, REASON_OK, "reached", 5);
		cr_assert_eq(fake_trace_farthest(), 5);
	}
	cr_assert_eq(integer(bench, "received_total"), 12);
	cr_assert_eq(integer_of(hop_row(bench, 2), "received_total"), 12);
	cr_assert_eq(integer(bench, "path_changes_total"), 0);
	bench_close(bench);
}

static struct fake_trace_answer grows_and_shrinks(void *context, const struct trace_packet *packet, unsigned nth)
{
	static const unsigned lengths[] = {5, 12, 12, 3, 5};
	net.length = lengths[net.trace % 5];
	return line(context, packet, nth);
}

Test(traceroute_runs, a_path_that_grows_and_shrinks_between_traces)
{
	static const unsigned lengths[] = {5, 12, 12, 3, 5};
	reset(grows_and_shrinks, 5);
	struct bench *bench = bench_open(TARGET4, "");
	for (unsigned i = 0; i < 5; i++) {
		run_trace(bench);
		ended(bench, REASON_OK, "reached", lengths[i]);
		cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
		cr_assert_eq(count_rows(bench, "traceroute_hop"), lengths[i]);
	}
	cr_assert_eq(integer(bench, "path_changes_total"), 3);
	bench_close(bench);
}

static struct fake_trace_answer grows_meanwhile(void *context, const struct trace_packet *packet, unsigned nth)
{
	net.length = net.seen[packet->hop_limit]++ ? 8 : 6;
	return line(context, packet, nth);
}

static struct fake_trace_answer shrinks_meanwhile(void *context, const struct trace_packet *packet, unsigned nth)
{
	net.length = net.seen[packet->hop_limit]++ ? 6 : 8;
	return line(context, packet, nth);
}

Test(traceroute_runs, a_path_that_grows_during_a_trace_is_no_loss)
{
	reset(grows_meanwhile, 6);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 8);
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_not(has(bench, "first_lossy_hop"));
	for (unsigned hop = 1; hop <= 8; hop++)
		cr_assert_float_eq(number_of(hop_row(bench, hop), "loss_ratio"), 0, 1e-9);
	bench_close(bench);
}

Test(traceroute_runs, a_path_that_shrinks_during_a_trace_is_no_loss)
{
	reset(shrinks_meanwhile, 8);
	struct bench *bench = trace(TARGET4, "");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_eq(count_rows(bench, "traceroute_hop"), 6);
	bench_close(bench);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static struct fake_trace_answer other_middle(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2 && net.trace >= 2)
		answer.from = router(nth, ADDRESS_IPV4, 9, 2);
	return answer;
}

Test(traceroute_runs, a_change_is_counted_and_told_with_both_paths)
{
	reset(other_middle, 4);
	struct bench *bench = trace(TARGET4, "");
	int64_t hash = integer(bench, "path_hash");
	run_trace(bench);
	cr_assert_eq(integer(bench, "path_changes_total"), 0);
	cr_assert_eq(count_rows(bench, "event"), 0);
	run_trace(bench);
	cr_assert_eq(integer(bench, "path_changes_total"), 1);
	cr_assert_neq(integer(bench, "path_hash"), hash);
	const struct row *event = &bench->last->rows[bench->last->nrows - 1];
	cr_assert_str_eq(event->set->name, "event");
	cr_assert_str_eq(label_of(event, "kind"), "path_change");
	cr_assert_str_eq(event_text(event, EVENT_BEFORE), "10.0.0.1 > 10.0.0.2 > 10.0.0.3 > " TARGET4);
	cr_assert_str_eq(event_text(event, EVENT_AFTER), "10.0.0.1 > 10.0.9.2 > 10.0.0.3 > " TARGET4);
	cr_assert_not_null(strstr(bench->log, "changed: 10.0.0.1 > 10.0.0.2 > 10.0.0.3 > " TARGET4 " -> 10.0.0.1"));
	run_trace(bench);
	cr_assert_eq(integer(bench, "path_changes_total"), 1);
	cr_assert_eq(count_rows(bench, "event"), 0);
	bench_close(bench);
}

/* In turn: hop 2 silent, the target silent, a router that says "unreachable", all well. */
static struct fake_trace_answer troubled(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	unsigned trouble = net.trace % 4;
	if ((trouble == 1 && packet->hop_limit == 2) || (trouble == 2 && packet->hop_limit >= net.length))
		answer.kind = FAKE_TRACE_NOTHING;
	if (trouble == 3 && packet->hop_limit >= 3) {
		answer.kind = FAKE_TRACE_UNREACHABLE;
		answer.code = 1;
		answer.from = router(nth, ADDRESS_IPV4, 0, 2);
	}
	return answer;
}

Test(traceroute_runs, trouble_is_no_change)
{
	reset(troubled, 5);
	struct bench *bench = trace(TARGET4, "");
	int64_t hash = integer(bench, "path_hash");
	for (unsigned i = 0; i < 8; i++) {
		run_trace(bench);
		cr_assert_eq(integer(bench, "path_hash"), hash, "trace %u", net.trace);
	}
	cr_assert_eq(integer(bench, "path_changes_total"), 0);
	cr_assert_eq(bench->reasons[REASON_UNREACHABLE_HOST], 2);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], 2);
	bench_close(bench);
}

/* --- flows -------------------------------------------------------------------------------------------------------- */

/* Routers choose by the source port (of ICMP by the identifier), between three ways. */
static struct fake_trace_answer diamond(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2 || packet->hop_limit == 3)
		answer.from = router(nth, ADDRESS_IPV4, 1 + packet->flow->source.port % 3, packet->hop_limit);
	return answer;
}

Test(traceroute_runs, four_flows_through_a_diamond)
{
	static const char *const options[] = {"flows=4", "flows=4 transport=udp", "flows=4 transport=tcp"};
	for (size_t i = 0; i < 3; i++) {
		reset(diamond, 5);
		struct bench *bench = trace(TARGET4, options[i]);
		ended(bench, REASON_OK, "reached", 5);
		cr_assert_eq(integer(bench, "paths"), 3);
		cr_assert_eq(integer(bench, "sent_total"), 12);
		cr_assert_eq(count_rows(bench, "traceroute_hop"), 20);
		int64_t hash = integer(bench, "path_hash");
		const char *first = text_of(row_of(bench, "traceroute_hop", 2, "0"), "address");
		const char *second = text_of(row_of(bench, "traceroute_hop", 2, "1"), "address");
		cr_assert_str_neq(first, second);
		cr_assert_null(find(row_of(bench, "traceroute_hop", 2, "0"), "addresses"), "a flow takes one way");
		run_trace(bench);
		cr_assert_eq(integer(bench, "path_hash"), hash);
		cr_assert_eq(integer(bench, "path_changes_total"), 0);
		bench_close(bench);
	}
}

static struct fake_trace_answer one_flow_lossy(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = diamond(context, packet, nth);
	if (packet->flow->index == 1 && packet->hop_limit >= 2)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

Test(traceroute_runs, loss_of_one_flow)
{
	reset(one_flow_lossy, 4);
	struct bench *bench = trace(TARGET4, "flows=2");
	ended(bench, REASON_OK, "reached", 4);
	cr_assert_float_eq(number(bench, "loss_ratio"), 0.5, 1e-9);
	cr_assert_eq(integer(bench, "first_lossy_hop"), 2);
	cr_assert_float_eq(number_of(row_of(bench, "traceroute_hop", 2, "0"), "forward_loss_ratio"), 0, 1e-9);
	cr_assert_float_eq(number_of(row_of(bench, "traceroute_hop", 2, "1"), "forward_loss_ratio"), 1, 1e-9);
	bench_close(bench);
}

/* Packet by packet, whatever the flow. */
static struct fake_trace_answer balanced(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	if (packet->hop_limit == 2)
		answer.from = router(nth, ADDRESS_IPV4, 1 + net.seen[2]++ % 2, 2);
	return answer;
}

Test(traceroute_runs, balancing_packet_by_packet)
{
	reset(balanced, 4);
	struct bench *bench = trace(TARGET4, "");
	cr_assert_str_eq(text_of(hop_row(bench, 2), "address"), "10.0.1.2");
	cr_assert_str_eq(text_of(hop_row(bench, 2), "addresses"), "10.0.1.2 10.0.2.2");
	for (unsigned i = 0; i < 4; i++)
		run_trace(bench);
	cr_assert_eq(integer(bench, "path_changes_total"), 0);
	cr_assert_eq(integer(bench, "paths"), 1);
	bench_close(bench);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

Test(traceroute_runs, a_name_that_does_not_resolve)
{
	reset(line, 4);
	struct bench *bench = trace("nowhere.example", "");
	cr_assert_eq(bench->last->reason, REASON_RESOLVE);
	cr_assert_str_eq(text(bench, "end"), "resolve");
	cr_assert_eq(bench->last->nrows, 1);
	cr_assert_eq(integer(bench, "reached"), 0);
	fake_resolve_set_text("nowhere.example", TARGET4, 60);
	run_trace(bench);
	ended(bench, REASON_OK, "reached", 4);
	bench_close(bench);
}

Test(traceroute_runs, a_resolver_that_never_answers)
{
	reset(line, 4);
	fake_resolve_set_error("slow.example", "no answer", 3600 * SECOND);
	struct bench *bench = trace("slow.example", "timeout=2");
	cr_assert_eq(bench->last->reason, REASON_RESOLVE);
	cr_assert_eq(bench->last->took_ns, 2 * SECOND);
	bench_close(bench);
}

/* Another address has another path: that is no change, and nothing is expected of it. */
Test(traceroute_runs, a_name_that_changes_its_address)
{
	reset(line, 4);
	fake_resolve_set_text("moving.example", TARGET4, 30);
	struct bench *bench = trace("moving.example", "");
	ended(bench, REASON_OK, "reached", 4);
	int64_t hash = integer(bench, "path_hash");
	fake_resolve_set_text("moving.example", TARGET6, 30);
	net.length = 9;
	run_trace(bench);
	ended(bench, REASON_OK, "reached", 9);
	cr_assert_str_eq(text_of(hop_row(bench, 9), "address"), TARGET6);
	cr_assert_neq(integer(bench, "path_hash"), hash);
	cr_assert_eq(integer(bench, "path_changes_total"), 0);
	cr_assert_eq(bench->last->address.family, ADDRESS_IPV6);
	bench_close(bench);
}

Test(traceroute_runs, reverse_names)
{
	const struct fake_reverse known = {.address = "10.0.0.1", .name = "gw.example.net", .ttl_seconds = 300};
	reset(line, 3);
	fake_resolve_set_reverse(&known);
	struct bench *bench = trace(TARGET4, "reverse_names=true");
	cr_assert_str_eq(text_of(hop_row(bench, 1), "name"), "gw.example.net");
	cr_assert_null(find(hop_row(bench, 2), "name"));
	cr_assert_not_null(strstr(bench->log, "gw.example.net (10.0.0.1)"));
	bench_close(bench);
}

Test(traceroute_runs, hop_address_is_a_label_if_wanted)
{
	reset(line, 3);
	struct bench *bench = trace(TARGET4, "hop_address=true");
	cr_assert_str_eq(label_of(hop_row(bench, 2), "hop_address"), "10.0.0.2");
	bench_close(bench);
}

/* --- numbers of packets ------------------------------------------------------------------------------------------- */

Test(traceroute_runs, numbers_of_packets_come_round)
{
	reset(line, 8);
	struct bench *bench = bench_open(TARGET4, "attempts=100 spacing=0.01 interval=2");
	while (fake_trace_sent() < 140000) {
		run_trace(bench);
		ended(bench, REASON_OK, "reached", 8);
		cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
		cr_assert_float_eq(number_of(hop_row(bench, 3), "loss_ratio"), 0, 1e-9);
		bench->log[0] = '\0';
	}
	cr_assert_eq(tracer_counter(bench, "foreign_total"), 0);
	cr_assert_eq(tracer_counter(bench, "ids_exhausted_total"), 0);
	bench_close(bench);
}

/* --- several at once ---------------------------------------------------------------------------------------------- */

#define MANY 200

struct many {
	struct probe *probes[MANY];
	struct subject subjects[MANY];
	char addresses[MANY][ADDRESS_TEXT_SIZE];
	unsigned reached, samples;
};

static void many_deliver(void *context, const struct sample *sample)
{
	struct many *many = context;
	many->samples++;
	many->reached += sample->reason == REASON_OK && integer_of(&sample->rows[0], "hops") == 6 &&
			 number_of(&sample->rows[0], "loss_ratio") < 1e-9;
}

Test(traceroute_runs, many_traces_at_once)
{
	static struct many many;
	struct err err = {{0}};
	reset(line, 6);
	struct bench *bench = bench_open(TARGET4, "flows=2");
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(many.addresses[i], ADDRESS_TEXT_SIZE, i % 2 ? "2001:db8:6::%x" : "198.51.101.%u", i + 1);
		many.subjects[i] = (struct subject){.target = many.addresses[i], .probe = "p", .type = "traceroute"};
		many.probes[i] = probe_open(bench->engine,
					    &(struct probe_plan){.type = bench->type,
								 .settings = bench->settings,
								 .subject = &many.subjects[i],
								 .address = many.addresses[i],
								 .sink = {many_deliver, NULL, &many}},
					    &err);
		cr_assert_not_null(many.probes[i], "%s", err.text);
		probe_run_once(many.probes[i]);
	}
	fake_advance_ns(3 * SECOND);
	cr_assert_geq(many.samples, MANY);
	cr_assert_eq(many.reached, many.samples);
	for (unsigned i = 0; i < MANY; i++)
		probe_close(many.probes[i]);
	bench_close(bench);
}

Test(traceroute_runs, closed_in_the_middle_of_a_trace)
{
	reset(line, 6);
	struct bench *bench = bench_open(TARGET4, "mtu=true");
	probe_run_once(bench->probe);
	fake_advance_ns(10 * MS);
	cr_assert_eq(bench->samples, 0);
	cr_assert_gt(fake_trace_pending(), 0);
	bench_close(bench);
}

Test(traceroute_runs, a_triggered_trace_tells_its_cause)
{
	reset(line, 4);
	struct bench *bench = bench_open(TARGET4, "scheduled=false on_failure=true");
	fake_advance_ns(300 * SECOND);
	cr_assert_eq(bench->samples, 0);
	cr_assert_eq(probe_trigger(bench->probe, "ping failed: timeout"), 0);
	run_trace(bench);
	cr_assert_str_eq(text(bench, "cause"), "ping failed: timeout");
	ended(bench, REASON_OK, "reached", 4);
	bench_close(bench);
}

/* --- path MTU ----------------------------------------------------------------------------------------------------- */

static unsigned size_of(const struct trace_packet *packet)
{
	return packet->payload_size + (packet->flow->destination.family == ADDRESS_IPV6 ? 48U : 28U);
}

/* The interface here takes 1500 bytes. */
static struct fake_trace_answer ethernet(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = line(context, packet, nth);
	answer.send_errno = size_of(packet) > 1500 ? EMSGSIZE : 0;
	return answer;
}

static struct fake_trace_answer narrow(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = ethernet(context, packet, nth);
	if (size_of(packet) > 1400 && packet->hop_limit > 2 && !answer.send_errno)
		answer = (struct fake_trace_answer){.kind = FAKE_TRACE_TOO_BIG,
						    .mtu = 1400,
						    .from = router(nth, packet->flow->destination.family, 0, 2),
						    .delay_ns = 8 * MS};
	return answer;
}

static struct fake_trace_answer black_hole(void *context, const struct trace_packet *packet, unsigned nth)
{
	struct fake_trace_answer answer = ethernet(context, packet, nth);
	if (size_of(packet) > 1300 && packet->hop_limit > 3)
		answer.kind = FAKE_TRACE_NOTHING;
	return answer;
}

static void mtu_is(fake_trace_network network, const char *address, int64_t mtu, int64_t hop)
{
	reset(network, 6);
	struct bench *bench = trace(address, "mtu=true");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_eq(integer(bench, "mtu_bytes"), mtu, "%ld\n%s", (long)integer(bench, "mtu_bytes"), bench->log);
	cr_assert_eq(integer(bench, "mtu_black_hole"), network == black_hole);
	if (hop)
		cr_assert_eq(integer(bench, "mtu_hop"), hop, "hop %ld", (long)integer(bench, "mtu_hop"));
	else
		cr_assert_not(has(bench, "mtu_hop"));
	cr_assert_float_eq(number(bench, "loss_ratio"), 0, 1e-9);
	cr_assert_eq(integer_of(hop_row(bench, 6), "sent_total"), 3, "packets of the search are not the trace's");
	bench_close(bench);
}

Test(traceroute_runs, mtu_of_this_host)
{
	mtu_is(ethernet, TARGET4, 1500, 0);
	mtu_is(ethernet, TARGET6, 1500, 0);
}

Test(traceroute_runs, mtu_that_a_router_tells)
{
	mtu_is(narrow, TARGET4, 1400, 2);
	mtu_is(narrow, TARGET6, 1400, 2);
}

Test(traceroute_runs, mtu_of_a_black_hole)
{
	mtu_is(black_hole, TARGET4, 1300, 3);
	mtu_is(black_hole, TARGET6, 1300, 3);
}

Test(traceroute_runs, mtu_search_that_has_no_time)
{
	reset(black_hole, 6);
	struct bench *bench = trace(TARGET4, "mtu=true timeout=0.8");
	ended(bench, REASON_OK, "reached", 6);
	cr_assert_gt(integer(bench, "mtu_bytes"), 0);
	cr_assert_eq(bench->last->took_ns, 800 * MS);
	bench_close(bench);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

Test(traceroute_runs, rules_between_options)
{
	static const struct {
		const char *options, *error;
	} table[] = {
		{"", NULL},
		{"first_hop=9 max_hops=8", "first_hop (9) must not be larger than max_hops (8)"},
		{"port=80", "port: ICMP has no ports; set transport to udp or tcp"},
		{"port=80 transport=udp", NULL},
		{"timeout=100", "timeout (100 s) must not be longer than interval (60 s)"},
		{"timeout=0.2", "3 attempts 0.1 s apart take 0.2 s: longer than the timeout of a trace (0.2 s)"},
		{"source=here", "source: \"here\" is not an IP address"},
		{"source=::1 family=only_ipv4", "source: ::1 is not of the family that is asked for"},
		{"source=192.0.2.1 family=only_ipv4", NULL},
		{"interface=averyverylongname", "interface: \"averyverylongname\" is no name of an interface"},
		{"scheduled=false",
		 "scheduled is false and nothing triggers a trace: set on_failure, on_loss or on_rtt"},
		{"scheduled=false on_loss=0.2", NULL},
		{"trigger_probes=ping",
		 "trigger_probes names probes, but nothing triggers a trace: set on_failure, on_loss or on_rtt"},
		{"trigger_probes=ping on_rtt=0.3", NULL},
	};
	const struct probe_type *type = probe_type_find("traceroute");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {{0}};
		struct trigger_plan plan;
		void *settings = make_settings(type, table[i].options);
		cr_assert_eq(type->check(settings, &err), table[i].error ? -1 : 0, "%s: %s", table[i].options,
			     err.text);
		if (table[i].error)
			cr_assert_str_eq(err.text, table[i].error);
		cr_assert_eq(type->trigger(settings, &plan), strstr(table[i].options, "on_") != NULL);
		option_free_settings(type->options, type->noptions, settings);
	}
}
