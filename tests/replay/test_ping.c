/* Ping on virtual time: a network of the test's own, the real engine, flight table and type. */
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/option.h"
#include "core/resolve.h"
#include "probes/engine.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"

#define MS NS_PER_MS

struct bench {
	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct probe *probe;
	const struct probe_type *type;
	void *settings;
	struct subject subject;
	struct sample *last;
	unsigned samples, reasons[REASON_COUNT];
	char log[4096];
};

static void bench_deliver(void *context, const struct sample *sample)
{
	struct bench *bench = context;
	mem_free(bench->last);
	bench->last = sample_copy(sample);
	bench->samples++;
	bench->reasons[sample->reason]++;
}

static void bench_log(void *context, const char *line)
{
	struct bench *bench = context;
	size_t used = strlen(bench->log);
	snprintf(bench->log + used, sizeof(bench->log) - used, "%s\n", line);
}

/* options: "name=value" words. Call fake_icmp_reset before. */
static struct bench *bench_open_err(const char *address, const char *options, bool is_single, struct err *err)
{
	struct bench *bench = mem_zero(1, sizeof(*bench));
	bench->type = probe_type_find("ping");
	bench->settings = mem_zero(1, bench->type->settings_size);
	option_set_defaults(bench->type->options, bench->type->noptions, bench->settings);
	char *words = mem_copy_string(options);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');
		*value++ = '\0';
		const struct option *option = option_find(bench->type->options, bench->type->noptions, word);
		cr_assert_not_null(option, "%s", word);
		cr_assert_eq(option_set_text(option, bench->settings, value, err), 0, "%s: %s", word, err->text);
	}
	mem_free(words);
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->engine = engine_create(&(struct engine_plan){.loop = bench->loop, .resolver = bench->resolver});
	bench->subject = (struct subject){.target = "t", .probe = "p", .type = "ping"};
	if (bench->type->check(bench->settings, err) == 0)
		bench->probe = probe_open(bench->engine,
					  &(struct probe_plan){.type = bench->type,
							       .settings = bench->settings,
							       .subject = &bench->subject,
							       .address = address,
							       .sink = {bench_deliver, bench_log, bench},
							       .is_single = is_single},
					  err);
	return bench;
}

static struct bench *bench_open(const char *address, const char *options)
{
	struct err err = {{0}};
	struct bench *bench = bench_open_err(address, options, false, &err);
	cr_assert_not_null(bench->probe, "%s", err.text);
	return bench;
}

static void bench_close(struct bench *bench)
{
	probe_close(bench->probe);
	engine_free(bench->engine);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	option_free_settings(bench->type->options, bench->type->noptions, bench->settings);
	mem_free(bench->last);
	mem_free(bench);
	cr_assert_eq(fake_alive(), 0);
}

static void reset(fake_network network)
{
	fake_reset();
	fake_icmp_reset(network, NULL);
}

static const struct reading *find(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (!strcmp(row->set->measures[row->readings[i].measure].name, name))
			return &row->readings[i];
	return NULL;
}

static const struct reading *reading(const struct bench *bench, const char *name)
{
	cr_assert_not_null(bench->last);
	cr_assert_geq(bench->last->nrows, 1);
	return find(&bench->last->rows[0], name);
}

static int64_t integer(const struct bench *bench, const char *name)
{
	const struct reading *found = reading(bench, name);
	cr_assert_not_null(found, "no %s", name);
	return found->value.integer;
}

static double number(const struct bench *bench, const char *name)
{
	const struct reading *found = reading(bench, name);
	cr_assert_not_null(found, "no %s", name);
	return found->value.number;
}

/* A counter of the icmp service. */
struct wanted {
	const char *name;
	int64_t value;
};

static void pick(void *arg, const struct measure_set *set, const struct reading *readings, size_t n)
{
	struct wanted *wanted = arg;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(set->name, "icmp") && !strcmp(set->measures[readings[i].measure].name, wanted->name))
			wanted->value = readings[i].value.integer;
}

static int64_t service_counter(const struct bench *bench, const char *name)
{
	struct wanted wanted = {name, -1};
	engine_read_services(bench->engine, pick, &wanted);
	return wanted.value;
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

static struct fake_answer good(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request;
	return (struct fake_answer){.copies = 1, .delay_ns = (20 + nth % 2 * 10) * MS, .hop_limit = 57};
}

static struct fake_answer every_fourth_lost(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(context, request, nth);
	answer.copies = nth % 4 != 3;
	return answer;
}

static struct fake_answer twice(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(context, request, nth);
	answer.copies = 2;
	return answer;
}

static struct fake_answer slow(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request, (void)nth;
	return (struct fake_answer){.copies = 1, .delay_ns = 1500 * MS};
}

static struct fake_answer swapped(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request;
	return (struct fake_answer){.copies = 1, .delay_ns = (nth % 2 ? 20 : 200) * MS};
}

static struct fake_answer spoofed(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request;
	return (struct fake_answer){.copies = 1,
				    .delay_ns = 10 * MS,
				    .is_spoofed = nth % 3 == 0,
				    .is_short = nth % 3 == 1,
				    .from = nth % 3 == 2 ? "198.51.100.9" : NULL};
}

static struct fake_answer unreachable(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request, (void)nth;
	return (struct fake_answer){.copies = 1,
				    .delay_ns = 5 * MS,
				    .is_error = true,
				    .error_type = 3,
				    .error_code = 1,
				    .from = "192.0.2.254"};
}

static struct fake_answer narrow(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)nth;
	if (request->payload_size > 1000)
		return (struct fake_answer){.copies = 1,
					    .delay_ns = 5 * MS,
					    .is_error = true,
					    .error_type = 3,
					    .error_code = 4,
					    .error_info = 1280,
					    .from = "192.0.2.254"};
	return good(context, request, nth);
}

static struct fake_answer no_buffer(void *context, const struct icmp_request *request, unsigned nth)
{
	(void)context, (void)request, (void)nth;
	return (struct fake_answer){.send_errno = ENETUNREACH};
}

static struct fake_answer unstamped(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(context, request, nth);
	answer.is_unstamped = nth == 0;
	return answer;
}

/* A router says that there is a better way, and forwards the request all the same. */
static struct fake_answer redirected(void *context, const struct icmp_request *request, unsigned nth)
{
	const struct icmp_reply redirect = {
		.destination = request->destination,
		.sequence = request->sequence,
		.is_error = true,
		.error_type = request->destination.family == ADDRESS_IPV4 ? 5 : 137,
		.error_code = 1,
	};
	fake_icmp_inject_later(&redirect, 5 * MS);
	return good(context, request, nth);
}

/* The device of 192.0.2.1 takes nothing. */
static struct fake_answer one_device_full(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(context, request, nth);
	answer.send_errno = request->destination.bytes[3] == 1 ? ENOBUFS : 0;
	return answer;
}

/* The device has room only after *context tries. */
static struct fake_answer device_full_at_first(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(NULL, request, 0);
	unsigned *tries = context;
	(void)nth;
	answer.send_errno = *tries ? ENOBUFS : 0;
	*tries -= *tries > 0;
	return answer;
}

/* Answers until *context is set. */
static struct fake_answer until_cut(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(NULL, request, nth);
	answer.copies = *(const bool *)context ? 0 : 1;
	return answer;
}

/* 192.0.2.1 and every IPv6 address answer, others do not. */
static struct fake_answer first_only(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(context, request, nth);
	answer.copies = request->destination.bytes[3] == 1;
	return answer;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

Test(ping, a_good_path)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 9);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_eq(integer(bench, "sent_total"), bench->samples);
	cr_assert_eq(integer(bench, "received_total"), bench->samples);
	cr_assert_eq(number(bench, "loss_ratio"), 0);
	cr_assert_eq(integer(bench, "reply_hop_limit"), 57);
	double rtt = number(bench, "rtt_avg_seconds");
	cr_assert(rtt == 0.02 || rtt == 0.03, "%g: exact although the loop is coarse", rtt);
	cr_assert_eq(number(bench, "rtt_min_seconds"), number(bench, "rtt_max_seconds"));
	cr_assert_eq(number(bench, "rtt_stddev_seconds"), 0);
	cr_assert_eq(reading(bench, "rtt_seconds")->count, 1);
	cr_assert_eq(bench->last->address.bytes[3], 1);
	/* |D| is 10 ms every time: J = 10 ms * (1 - (15/16)^pairs). */
	double jitter = 0;
	for (unsigned i = 1; i < bench->samples; i++)
		jitter += (0.01 - jitter) / 16;
	cr_assert_float_eq(number(bench, "jitter_seconds"), jitter, 1e-9);
	bench_close(bench);
}

Test(ping, loss_within_a_run)
{
	reset(every_fourth_lost);
	struct bench *bench = bench_open("192.0.2.1", "interval=5 count=8 spacing=0.1 timeout=2");
	fake_advance_ns(11 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 2);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples, "a run with some replies succeeds");
	cr_assert_eq(number(bench, "loss_ratio"), 0.25);
	cr_assert_eq(integer(bench, "sent_total"), 8 * bench->samples);
	cr_assert_eq(integer(bench, "received_total"), 6 * bench->samples);
	cr_assert_eq(reading(bench, "rtt_seconds")->count, 6);
	bench_close(bench);
}

Test(ping, no_reply_is_a_timeout_without_times)
{
	reset(NULL);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	while (!bench->samples)
		fake_advance_ns(100 * MS);
	cr_assert_null(reading(bench, "reply_hop_limit"), "not in the first run either");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], bench->samples);
	cr_assert_eq(number(bench, "loss_ratio"), 1);
	cr_assert_null(reading(bench, "rtt_avg_seconds"), "absent is not 0");
	cr_assert_null(reading(bench, "jitter_seconds"));
	cr_assert_null(reading(bench, "reply_hop_limit"));
	cr_assert_eq(reading(bench, "rtt_seconds")->count, 0);
	cr_assert_geq(bench->last->took_ns, 900 * MS);
	bench_close(bench);
}

Test(ping, duplicates_are_counted_and_change_nothing_else)
{
	reset(twice);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(5500 * MS);
	unsigned samples = bench->samples;
	cr_assert_eq(integer(bench, "received_total"), samples);
	/* A duplicate comes after the run: it goes out with the next sample. */
	cr_assert_geq(integer(bench, "duplicates_total"), samples - 1);
	cr_assert_eq(number(bench, "loss_ratio"), 0);
	cr_assert_eq(reading(bench, "rtt_seconds")->count, 1);
	bench_close(bench);
}

Test(ping, late_replies_are_loss_and_counted_late)
{
	reset(slow);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], bench->samples);
	cr_assert_eq(integer(bench, "received_total"), 0);
	cr_assert_geq(integer(bench, "late_total"), bench->samples - 2);
	cr_assert_eq(number(bench, "loss_ratio"), 1);
	cr_assert_eq(integer(bench, "duplicates_total"), 0);
	bench_close(bench);
}

Test(ping, reordered_replies)
{
	reset(swapped);
	struct bench *bench = bench_open("192.0.2.1", "interval=5 count=4 spacing=0.05");
	fake_advance_ns(6 * NS_PER_SECOND);
	cr_assert_eq(integer(bench, "received_total"), 4 * bench->samples);
	cr_assert_eq(integer(bench, "reordered_total"), 2 * bench->samples);
	bench_close(bench);
}

Test(ping, spoofed_replies_do_not_count)
{
	reset(spoofed);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(6500 * MS);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], bench->samples);
	cr_assert_eq(integer(bench, "received_total"), 0);
	cr_assert_eq(integer(bench, "late_total"), 0);
	cr_assert_geq(service_counter(bench, "foreign_total"), bench->samples);
	bench_close(bench);
}

Test(ping, an_error_ends_the_attempt_at_once)
{
	reset(unreachable);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_UNREACHABLE_HOST], bench->samples);
	cr_assert_leq(bench->last->took_ns, 20 * MS, "it does not wait for the timeout");
	cr_assert_eq(number(bench, "loss_ratio"), 1);
	cr_assert_not_null(strstr(bench->log, "From 192.0.2.254 icmp_seq=1 Destination Host Unreachable"), "%s",
			   bench->log);
	bench_close(bench);
}

Test(ping, a_redirect_is_no_failure)
{
	static const char *const targets[] = {"192.0.2.1", "2001:db8::1"};
	for (size_t i = 0; i < 2; i++) {
		reset(redirected);
		struct bench *bench = bench_open(targets[i], "interval=1");
		fake_advance_ns(5 * NS_PER_SECOND);
		cr_assert_geq(bench->samples, 4);
		cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
		cr_assert_eq(integer(bench, "late_total"), 0);
		cr_assert_eq(integer(bench, "received_total"), bench->samples);
		bench_close(bench);
	}
}

Test(ping, errors_about_others_do_not_hit)
{
	reset(slow);
	struct bench *bench = bench_open("192.0.2.1", "interval=5 timeout=3");
	while (!fake_icmp_sent())
		fake_advance_ns(5 * MS);
	struct icmp_reply error = {.is_error = true,
				   .error_type = 3,
				   .error_code = 1,
				   .sequence = fake_icmp_last()->sequence,
				   .destination = {.family = ADDRESS_IPV4}};
	address_parse("192.0.2.2", &error.destination);
	fake_icmp_inject(&error); /* the same sequence, another destination */
	error.destination = fake_icmp_last()->destination;
	error.sequence++;
	fake_icmp_inject(&error); /* our destination, another sequence */
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_assert_eq(service_counter(bench, "foreign_total"), 2);
	bench_close(bench);
}

Test(ping, too_big)
{
	reset(narrow);
	struct bench *bench = bench_open("192.0.2.1", "interval=1 size=1400 dont_fragment=true");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_TOO_BIG], bench->samples);
	cr_assert_not_null(strstr(bench->log, "Fragmentation Needed (mtu = 1280)"), "%s", bench->log);
	bench_close(bench);
}

Test(ping, what_cannot_be_sent_is_local_and_no_loss)
{
	reset(no_buffer);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	cr_assert_eq(integer(bench, "sent_total"), 0);
	cr_assert_null(reading(bench, "loss_ratio"), "nothing was sent: no loss can be told");
	bench_close(bench);
}

Test(ping, a_full_socket_is_tried_again)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interval=5");
	fake_icmp_stop_sending(3, ENOBUFS);
	fake_advance_ns(6 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_eq(service_counter(bench, "send_stalls_total"), 3);
	bench_close(bench);
}

Test(ping, a_socket_that_stays_full_is_a_local_fault)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interval=5 timeout=1");
	fake_icmp_stop_sending(100000, ENOBUFS);
	fake_advance_ns(6 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	fake_icmp_writable();
	cr_assert_eq(fake_icmp_sent(), 0, "requests that nobody waits for are not sent");
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_geq(bench->reasons[REASON_OK], 1);
	bench_close(bench);
}

Test(ping, what_a_device_refuses_is_tried_again)
{
	unsigned tries = 20;
	fake_reset();
	fake_icmp_reset(device_full_at_first, &tries);
	struct bench *bench = bench_open("192.0.2.1", "interval=1 count=3 spacing=0.01");
	fake_advance_ns(4 * NS_PER_SECOND);
	cr_assert_eq(tries, 0);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_eq(integer(bench, "sent_total"), 3 * bench->samples);
	cr_assert_eq(integer(bench, "received_total"), 3 * bench->samples);
	cr_assert_eq(integer(bench, "reordered_total"), 0, "it was us who sent them in another order");
	bench_close(bench);
}

Test(ping, a_full_device_holds_up_nobody_else)
{
	reset(one_device_full);
	struct bench *bench = bench_open("192.0.2.1", "interval=1 count=5 spacing=0.1");
	struct bench *other = mem_zero(1, sizeof(*other));
	struct subject subject = {.target = "other", .probe = "p", .type = "ping"};
	struct probe *probe = probe_open(bench->engine,
					 &(struct probe_plan){.type = bench->type,
							      .settings = bench->settings,
							      .subject = &subject,
							      .address = "192.0.2.2",
							      .sink = {bench_deliver, NULL, other}},
					 NULL);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_geq(other->samples, 4);
	cr_assert_eq(other->reasons[REASON_OK], other->samples);
	cr_assert_eq(integer(other, "received_total"), 5 * other->samples);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	cr_assert_eq(integer(bench, "sent_total"), 0);
	cr_assert_null(reading(bench, "loss_ratio"));
	probe_close(probe);
	mem_free(other->last);
	mem_free(other);
	bench_close(bench);
}

/* Every device is full while *context is set. */
static struct fake_answer all_full_while(void *context, const struct icmp_request *request, unsigned nth)
{
	struct fake_answer answer = good(NULL, request, nth);
	answer.send_errno = *(const bool *)context ? ENOBUFS : 0;
	return answer;
}

/* Opens n probes of addresses 10.0.0.0 and on. */
static void open_many(const struct bench *bench, const struct subject *subject, struct bench *sink,
		      struct probe **probes, unsigned n)
{
	static char addresses[20000][16];
	for (unsigned i = 0; i < n; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		probes[i] = probe_open(bench->engine,
				       &(struct probe_plan){.type = bench->type,
							    .settings = bench->settings,
							    .subject = subject,
							    .address = addresses[i],
							    .sink = {bench_deliver, NULL, sink}},
				       NULL);
		cr_assert_not_null(probes[i]);
	}
}

/* Many probes go while their requests are stuck, and others take their places at the same addresses: what was queued is
 * forgotten, at no cost that grows with the queue, and nothing of it is taken for the others'. */
Test(ping, many_go_while_their_requests_are_stuck, .timeout = 60)
{
	enum { N = 20000, AFTER = 300 };
	bool is_full = true;
	fake_reset();
	fake_icmp_reset(all_full_while, &is_full);
	struct bench *bench = bench_open("192.0.2.1", "interval=1 count=10 spacing=0.05");
	struct bench *sink = mem_zero(1, sizeof(*sink));
	struct subject subject = {.target = "many", .probe = "p", .type = "ping"};
	struct probe **probes = mem_zero(N, sizeof(*probes));
	open_many(bench, &subject, sink, probes, N);
	fake_advance_ns(6 * NS_PER_SECOND / 5); /* in the midst of the first run */
	for (unsigned i = 0; i < N; i++)
		probe_close(probes[i]);
	is_full = false;
	sink->samples = 0;
	memset(sink->reasons, 0, sizeof(sink->reasons));
	open_many(bench, &subject, sink, probes, AFTER);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_geq(sink->samples, 3 * AFTER);
	cr_assert_eq(sink->reasons[REASON_OK], sink->samples);
	cr_assert_eq(integer(sink, "received_total") % 10, 0);
	for (unsigned i = 0; i < AFTER; i++)
		probe_close(probes[i]);
	mem_free(probes);
	mem_free(sink->last);
	mem_free(sink);
	bench_close(bench);
}

Test(ping, old_drops_excuse_no_new_loss)
{
	bool is_cut = false;
	fake_reset();
	fake_icmp_reset(until_cut, &is_cut);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	/* Of a flood that was none of our replies. */
	fake_icmp_set_dropped(1000000);
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	unsigned before = bench->samples;
	is_cut = true;
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], bench->samples - before, "an outage is told as one");
	cr_assert_eq(number(bench, "loss_ratio"), 1);
	cr_assert_eq(integer(bench, "lost_locally_total"), 0);
	bench_close(bench);
}

Test(ping, requests_closer_than_a_slot_all_leave_in_time)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interval=2 count=1000 spacing=0.001");
	fake_advance_ns(4 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 1);
	cr_assert_eq(integer(bench, "sent_total"), 1000 * bench->samples);
	cr_assert_eq(number(bench, "loss_ratio"), 0);
	bench_close(bench);
}

Test(ping, drops_in_our_own_buffer_are_told_apart)
{
	reset(NULL);
	struct bench *bench = bench_open("192.0.2.1", "interval=10 count=4 spacing=0.1 timeout=1");
	while (fake_icmp_sent() < 4)
		fake_advance_ns(5 * MS);
	fake_icmp_set_dropped(3);
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(integer(bench, "lost_locally_total"), 3);
	cr_assert_eq(number(bench, "loss_ratio"), 1, "the fourth is the network's");
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], 1);
	cr_assert_eq(service_counter(bench, "receive_drops_total"), 3);
	fake_icmp_set_dropped(7);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_LOCAL], 1, "all four may be ours");
	cr_assert_null(reading(bench, "loss_ratio"));
	bench_close(bench);
}

Test(ping, replies_without_a_stamp_count_but_have_no_time)
{
	reset(unstamped);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_advance_ns(1100 * MS);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_assert_eq(integer(bench, "received_total"), 1);
	cr_assert_null(reading(bench, "rtt_avg_seconds"));
	cr_assert_eq(service_counter(bench, "unstamped_total"), 1);
	fake_advance_ns(NS_PER_SECOND);
	cr_assert_not_null(reading(bench, "rtt_avg_seconds"));
	bench_close(bench);
}

Test(ping, a_long_batch_makes_no_wrong_number)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	fake_icmp_take_ns(MS);
	fake_advance_ns(1100 * MS);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_assert_eq(integer(bench, "received_total"), 1);
	cr_assert_null(reading(bench, "rtt_avg_seconds"));
	cr_assert_eq(service_counter(bench, "unstamped_total"), 1);
	fake_icmp_take_ns(MS - 1);
	fake_advance_ns(NS_PER_SECOND);
	cr_assert_not_null(reading(bench, "rtt_avg_seconds"));
	bench_close(bench);
}

Test(ping, a_clock_step_makes_no_wrong_number)
{
	static const int64_t steps[] = {NS_PER_SECOND, -NS_PER_SECOND, 3600 * NS_PER_SECOND, -10 * MS, 10 * MS};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		reset(slow);
		struct bench *bench = bench_open("192.0.2.1", "interval=5 timeout=3");
		while (!fake_icmp_sent())
			fake_advance_ns(5 * MS);
		fake_advance_ns(50 * MS);
		fake_step_realtime_ns(steps[i]);
		fake_advance_ns(2 * NS_PER_SECOND);
		cr_assert_eq(bench->reasons[REASON_OK], 1, "the reply counts");
		cr_assert_null(reading(bench, "rtt_avg_seconds"), "step %zu", i);
		cr_assert_eq(service_counter(bench, "clock_steps_total"), 1, "step %zu", i);
		fake_advance_ns(5 * NS_PER_SECOND);
		cr_assert_eq(number(bench, "rtt_avg_seconds"), 1.5, "the next run is right again");
		bench_close(bench);
	}
}

Test(ping, names)
{
	reset(good);
	fake_resolve_set_text("host.example", "192.0.2.1 2001:db8::1", 30);
	struct bench *bench = bench_open("host.example", "interval=10");
	fake_advance_ns(100 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_eq(bench->last->address.family, ADDRESS_IPV4);
	cr_assert(fake_resolve_asked("host.example") >= 3 && fake_resolve_asked("host.example") <= 4,
		  "%zu: the TTL is honoured", fake_resolve_asked("host.example"));
	fake_resolve_set_text("host.example", "192.0.2.77", 30);
	fake_advance_ns(50 * NS_PER_SECOND);
	cr_assert_eq(bench->last->address.bytes[3], 77, "the name moved, and so did we");
	cr_assert_eq(integer(bench, "sent_total"), bench->samples, "counters go on");
	bench_close(bench);
}

Test(ping, family_preference_and_fallback)
{
	static const struct {
		const char *options, *addresses;
		int family; /* 0 = resolve fails */
	} table[] = {
		{"family=prefer_ipv4", "192.0.2.1 2001:db8::1", ADDRESS_IPV4},
		{"family=prefer_ipv6", "192.0.2.1 2001:db8::1", ADDRESS_IPV6},
		{"family=prefer_ipv6", "192.0.2.1", ADDRESS_IPV4},
		{"family=prefer_ipv4", "2001:db8::1", ADDRESS_IPV6},
		{"family=only_ipv6", "192.0.2.1 2001:db8::1", ADDRESS_IPV6},
		{"family=only_ipv6", "192.0.2.1", 0},
		{"family=only_ipv4", "2001:db8::1", 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		reset(good);
		fake_resolve_set_text("host.example", table[i].addresses, 30);
		struct bench *bench = bench_open("host.example", table[i].options);
		fake_advance_ns(1500 * MS);
		cr_assert_geq(bench->samples, 1);
		cr_assert_eq(bench->last->reason, table[i].family ? REASON_OK : REASON_RESOLVE, "row %zu", i);
		cr_assert_eq(bench->last->address.family, table[i].family, "row %zu", i);
		bench_close(bench);
	}
}

Test(ping, a_name_that_fails_is_a_failed_run)
{
	reset(good);
	fake_resolve_set_error("host.example", "no such name", 50 * MS);
	struct bench *bench = bench_open("host.example", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 2);
	cr_assert_eq(bench->reasons[REASON_RESOLVE], bench->samples);
	cr_assert_eq(integer(bench, "sent_total"), 0);
	cr_assert_null(reading(bench, "loss_ratio"));
	cr_assert_leq(fake_resolve_asked("host.example"), 1, "name servers are not asked at every run");
	fake_resolve_set_text("host.example", "192.0.2.1", 30);
	fake_advance_ns(7 * NS_PER_SECOND);
	cr_assert_geq(bench->reasons[REASON_OK], 1);
	bench_close(bench);
}

Test(ping, a_resolver_that_is_silent_is_a_failed_run)
{
	reset(good);
	fake_resolve_set_error("host.example", "timeout", 10 * NS_PER_SECOND);
	struct bench *bench = bench_open("host.example", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 2);
	cr_assert_eq(bench->reasons[REASON_RESOLVE], bench->samples);
	bench_close(bench);
}

Test(ping, the_last_good_address_by_option)
{
	reset(good);
	fake_resolve_set_text("host.example", "192.0.2.1", 5);
	struct bench *keeps = bench_open("host.example", "interval=1 keep_address=true");
	fake_advance_ns(3 * NS_PER_SECOND);
	fake_resolve_set_error("host.example", "no such name", 0);
	fake_advance_ns(20 * NS_PER_SECOND);
	cr_assert_eq(keeps->reasons[REASON_OK], keeps->samples);
	/* Nor does a run wait for name servers that do not answer. */
	fake_resolve_set_error("host.example", "timeout", 5 * NS_PER_SECOND);
	fake_advance_ns(30 * NS_PER_SECOND);
	cr_assert_eq(keeps->reasons[REASON_OK], keeps->samples);
	fake_resolve_set_text("host.example", "192.0.2.9", 5);
	fake_advance_ns(20 * NS_PER_SECOND);
	cr_assert_eq(keeps->last->address.bytes[3], 9, "and the new address is taken when they do");
	bench_close(keeps);

	reset(good);
	fake_resolve_set_text("host.example", "192.0.2.1", 5);
	struct bench *forgets = bench_open("host.example", "interval=1");
	fake_advance_ns(3 * NS_PER_SECOND);
	fake_resolve_set_error("host.example", "no such name", 0);
	fake_advance_ns(20 * NS_PER_SECOND);
	cr_assert_geq(forgets->reasons[REASON_RESOLVE], 10);
	bench_close(forgets);
}

Test(ping, all_addresses)
{
	reset(first_only);
	fake_resolve_set_text("host.example", "192.0.2.1 192.0.2.2", 300);
	struct bench *bench = bench_open("host.example", "interval=2 count=2 spacing=0.1 all_addresses=true");
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_TIMEOUT], bench->samples, "one address does not answer");
	cr_assert_eq(bench->last->nrows, 3);
	cr_assert_eq(number(bench, "loss_ratio"), 0.5);
	cr_assert_eq(integer(bench, "sent_total"), 4 * bench->samples);
	unsigned seen = 0;
	for (size_t i = 1; i < 3; i++) {
		const struct row *row = &bench->last->rows[i];
		cr_assert_str_eq(row->set->name, "ping_address");
		cr_assert_str_eq(row->labels[0].name, "address");
		bool answers = !strcmp(row->labels[0].value, "192.0.2.1");
		seen |= answers ? 1 : 2;
		cr_assert_eq(find(row, "loss_ratio")->value.number, answers ? 0 : 1);
		cr_assert_eq(find(row, "rtt_avg_seconds") != NULL, answers);
		cr_assert_eq(find(row, "sent_total")->value.integer, 2 * bench->samples);
	}
	cr_assert_eq(seen, 3);
	int64_t sent = integer(bench, "sent_total");
	/* One address goes, one comes, one stays: what stays keeps its figures. */
	fake_resolve_set_text("host.example", "192.0.2.1 2001:db8::1", 300);
	fake_advance_ns(400 * NS_PER_SECOND);
	cr_assert_gt(integer(bench, "sent_total"), sent);
	cr_assert_eq(bench->last->nrows, 3);
	for (size_t i = 1; i < 3; i++) {
		const struct row *row = &bench->last->rows[i];
		bool stays = !strcmp(row->labels[0].value, "192.0.2.1");
		int64_t of_path = find(row, "sent_total")->value.integer;
		cr_assert(stays ? of_path == 2 * bench->samples : of_path < 2 * bench->samples);
	}
	bench_close(bench);
}

Test(ping, requests_look_as_asked)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "size=1200 ttl=9 dscp=46 source=192.0.2.50 interface=lo");
	fake_advance_ns(2 * NS_PER_SECOND);
	const struct icmp_request *request = fake_icmp_last();
	cr_assert_eq(request->payload_size, 1200);
	cr_assert_eq(request->hop_limit, 9);
	cr_assert_eq(request->traffic_class, 46 << 2);
	cr_assert_eq(request->source.bytes[3], 50);
	cr_assert_eq(request->interface, 1);
	bench_close(bench);
}

Test(ping, a_source_decides_the_family)
{
	reset(good);
	fake_resolve_set_text("both.example", "192.0.2.1 2001:db8::1", 300);
	fake_resolve_set_text("four.example", "192.0.2.1", 300);
	struct bench *bench = bench_open("both.example", "interval=1 source=2001:db8::99");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_eq(fake_icmp_last()->destination.family, ADDRESS_IPV6);
	bench_close(bench);
	reset(good);
	fake_resolve_set_text("four.example", "192.0.2.1", 300);
	bench = bench_open("four.example", "interval=1 source=2001:db8::99");
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 1);
	cr_assert_eq(bench->reasons[REASON_OK], 0, "not from another source than the one asked for");
	cr_assert_eq(fake_icmp_sent(), 0);
	bench_close(bench);
}

Test(ping, a_link_local_address_is_that_of_the_interface)
{
	reset(good);
	struct bench *bench = bench_open("fe80::1", "interval=1 interface=lo");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 1);
	/* The kernel says where replies came in; without it they would be a stranger's. */
	cr_assert_eq(fake_icmp_last()->destination.scope_id, if_nametoindex("lo"));
	bench_close(bench);
}

Test(ping, an_interface_that_is_gone_is_local)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "interface=nosuch0");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_geq(bench->samples, 1);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	cr_assert_eq(fake_icmp_sent(), 0);
	bench_close(bench);
}

Test(ping, a_host_without_ipv6)
{
	reset(good);
	fake_icmp_refuse(ADDRESS_IPV6);
	struct bench *bench = bench_open("2001:db8::1", "");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	bench_close(bench);

	reset(good);
	fake_icmp_refuse(ADDRESS_IPV6);
	struct err err = {{0}};
	bench = bench_open_err("2001:db8::1", "family=only_ipv6", false, &err);
	cr_assert_null(bench->probe);
	cr_assert_str_eq(err.text, "refused by the test");
	bench_close(bench);
}

Test(ping, no_histogram_by_option)
{
	reset(good);
	struct bench *bench = bench_open("192.0.2.1", "histogram=none");
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_null(reading(bench, "rtt_seconds"));
	cr_assert_not_null(reading(bench, "rtt_avg_seconds"));
	bench_close(bench);
}

Test(ping, rules_between_options)
{
	static const struct {
		const char *options, *message;
	} table[] = {
		{"interval=1 timeout=2", "timeout (2 s) must not be longer than interval (1 s)"},
		{"interval=1 count=10 spacing=0.1",
		 "10 requests 0.1 s apart take 0.9 s: longer than the timeout of a run (0.9 s)"},
		{"source=nonsense", "source: \"nonsense\" is not an IP address"},
		{"source=::1 family=only_ipv4", "source: ::1 is not of the family that is asked for"},
		{"source=127.0.0.1 family=only_ipv6", "source: 127.0.0.1 is not of the family that is asked for"},
		{"interface=averylongname016", "interface: \"averylongname016\" is no name of an interface"},
		{"interval=1 timeout=1", NULL},
		{"interval=60 count=20 spacing=1", NULL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		reset(good);
		struct err err = {{0}};
		struct bench *bench = bench_open_err("192.0.2.1", table[i].options, false, &err);
		cr_assert_eq(bench->probe == NULL, table[i].message != NULL, "row %zu: %s", i, err.text);
		if (table[i].message)
			cr_assert_str_eq(err.text, table[i].message);
		bench_close(bench);
	}
}

Test(ping, closing_in_flight_is_safe)
{
	reset(slow);
	struct bench *bench = bench_open("192.0.2.1", "interval=5 count=10 spacing=0.1 timeout=3");
	while (fake_icmp_sent() < 4)
		fake_advance_ns(5 * MS);
	probe_close(bench->probe);
	bench->probe = NULL;
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_eq(bench->samples, 0);
	bench_close(bench);
}

Test(ping, prints_as_ping_does)
{
	reset(twice);
	struct err err = {{0}};
	struct bench *bench = bench_open_err("192.0.2.1", "interval=60 count=3 spacing=1", true, &err);
	probe_run_once(bench->probe);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_eq(bench->samples, 1);
	cr_assert_not_null(strstr(bench->log, "PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n"), "%s", bench->log);
	cr_assert_not_null(strstr(bench->log, "64 bytes from 192.0.2.1: icmp_seq=1 ttl=57 time=20.00 ms\n"), "%s",
			   bench->log);
	cr_assert_not_null(strstr(bench->log, "64 bytes from 192.0.2.1: icmp_seq=2 ttl=57 time=30.00 ms\n"), "%s",
			   bench->log);
	cr_assert_not_null(strstr(bench->log, "(DUP!)"), "%s", bench->log);
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	bench->type->print(bench->last, out);
	fclose(out);
	cr_assert_not_null(strstr(text, "--- t ping statistics ---\n"), "%s", text);
	cr_assert_not_null(strstr(text, "3 packets transmitted, 3 received, +2 duplicates, 0% packet loss"), "%s",
			   text);
	cr_assert_not_null(strstr(text, "rtt min/avg/max/mdev = 20.000/23.333/30.000/4.714 ms"), "%s", text);
	bench_close(bench);
}

Test(ping, requests_of_one_slot_leave_in_batches)
{
	reset(good);
	enum { N = 200 };
	struct bench *bench = bench_open("192.0.2.1", "interval=1");
	struct probe *probes[N];
	struct subject subjects[N];
	char names[N][16];
	char addresses[N][32];
	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "t%u", i);
		snprintf(addresses[i], sizeof(addresses[i]), "198.51.100.%u", i);
		subjects[i] = (struct subject){.target = names[i], .probe = "p", .type = "ping"};
		probes[i] = probe_open(bench->engine,
				       &(struct probe_plan){.type = bench->type,
							    .settings = bench->settings,
							    .subject = &subjects[i],
							    .address = addresses[i],
							    .sink = {bench_deliver, NULL, bench},
							    .is_single = true},
				       NULL);
		probe_run_once(probes[i]);
	}
	fake_advance_ns(0);
	cr_assert_eq(fake_icmp_sent(), N);
	cr_assert_eq(fake_icmp_batches(), (N + ICMP_SEND_BATCH - 1) / ICMP_SEND_BATCH);
	fake_advance_ns(500 * MS);
	cr_assert_geq(bench->reasons[REASON_OK], N);
	for (unsigned i = 0; i < N; i++)
		probe_close(probes[i]);
	bench_close(bench);
}

/* 3 ms, 30 ms, 300 ms, then one that swaps places with the next, and one that is late. */
static struct fake_answer all_kinds(void *context, const struct icmp_request *request, unsigned nth)
{
	static const int64_t delays_ms[] = {3, 30, 300, 1500, 20, 4000};
	(void)context, (void)request;
	return (struct fake_answer){.copies = 1, .delay_ns = delays_ms[nth % 6] * MS, .hop_limit = nth == 1 ? -1 : 64};
}

static const char *print_last(struct bench *bench, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	bench->type->print(bench->last, out);
	fclose(out);
	return text;
}

Test(ping, prints_every_kind_of_reply)
{
	static const char *const lines[] = {
		"PING 2001:db8::1 (2001:db8::1) 56(104) bytes of data.\n",
		"64 bytes from 2001:db8::1: icmp_seq=1 ttl=64 time=3.000 ms\n",
		"64 bytes from 2001:db8::1: icmp_seq=2 time=30.00 ms\n",
		"64 bytes from 2001:db8::1: icmp_seq=3 ttl=64 time=300.0 ms\n",
		"64 bytes from 2001:db8::1: icmp_seq=4 ttl=64 time=1500.0 ms (reordered)\n",
	};
	reset(all_kinds);
	struct err err = {{0}};
	struct bench *bench = bench_open_err("2001:db8::1", "interval=6 count=6 spacing=0.5 timeout=5", false, &err);
	fake_advance_ns(20 * NS_PER_SECOND);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		cr_assert_not_null(strstr(bench->log, lines[i]), "%s%s", lines[i], bench->log);
	cr_assert_not_null(strstr(bench->log, " (late)\n"), "%s", bench->log);
	char text[512] = "";
	print_last(bench, text, sizeof(text));
	cr_assert_not_null(strstr(text, "16.6667% packet loss"), "%s", text);
	cr_assert_not_null(strstr(text, "jitter (RFC 3550) = "), "%s", text);
	bench_close(bench);
}

Test(ping, prints_what_was_never_sent)
{
	reset(no_buffer);
	struct err err = {{0}};
	struct bench *bench = bench_open_err("192.0.2.1", "interval=60 count=2 spacing=0.1", true, &err);
	probe_run_once(bench->probe);
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_not_null(strstr(bench->log, "From this host icmp_seq=1 Network is unreachable\n"), "%s", bench->log);
	char text[512] = "";
	print_last(bench, text, sizeof(text));
	cr_assert_not_null(strstr(text, "0 packets transmitted, 0 received, time "), "%s", text);
	cr_assert_null(strstr(text, "rtt"), "%s", text);
	cr_assert_null(strstr(text, "jitter"), "%s", text);
	bench_close(bench);
}

Test(ping, addresses_with_nothing_to_tell)
{
	reset(no_buffer);
	fake_resolve_set_text("host.example", "192.0.2.1 2001:db8::1", 300);
	struct bench *bench = bench_open("host.example", "interval=2 all_addresses=true");
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_LOCAL], bench->samples);
	for (size_t i = 1; i < 3; i++) {
		const struct row *row = &bench->last->rows[i];
		cr_assert_eq(row->n, 2, "sent and received, nothing else");
		cr_assert_eq(find(row, "sent_total")->value.integer, 0);
	}
	bench_close(bench);

	reset(good);
	fake_resolve_set_text("host.example", "192.0.2.1 2001:db8::1", 300);
	bench = bench_open("host.example", "interval=2 count=3 all_addresses=true");
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench->reasons[REASON_OK], bench->samples);
	cr_assert_not_null(find(&bench->last->rows[1], "jitter_seconds"));
	cr_assert_not_null(reading(bench, "jitter_seconds"));
	cr_assert_null(reading(bench, "reply_hop_limit"), "of which address?");
	bench_close(bench);
}
