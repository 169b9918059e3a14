/* Queries over UDP on virtual time: sockets of the test's own, the real engine, pool of ports and type. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/option.h"
#include "core/resolve.h"
#include "probes/dns/dns_pool.h"
#include "probes/dns/dns_socket.h"
#include "probes/engine.h"
#include "tests/fakes/fakes.h"

#define MS NS_PER_MS

/* --- sockets in place of probes/dns/dns_socket.c ------------------------------------------------------------------ */

struct dns_buffers {
	struct dns_socket_events events;
};

struct dns_socket {
	void *owner;
	enum address_family family;
	uint16_t port;
};

struct datagram {
	struct dns_socket *socket;
	uint16_t port;
	struct address to;
	uint8_t bytes[512];
	size_t size;
};

static struct {
	struct dns_buffers *buffers;
	struct datagram sent[4096];
	size_t nsent, nopen, nopened, room, may_open;
	int error; /* of every datagram */
} net;

struct dns_buffers *dns_buffers_create(struct loop *loop, const struct dns_socket_events *events)
{
	(void)loop;
	net.buffers = mem_zero(1, sizeof(*net.buffers));
	net.buffers->events = *events;
	return net.buffers;
}

void dns_buffers_free(struct dns_buffers *buffers)
{
	mem_free(buffers);
}

struct dns_socket *dns_socket_open(struct dns_buffers *buffers, enum address_family family, void *owner,
				   struct err *err)
{
	(void)buffers;
	if (net.nopened >= net.may_open) {
		err_set(err, "no more sockets");
		return NULL;
	}
	struct dns_socket *one = mem_zero(1, sizeof(*one));
	one->owner = owner;
	one->family = family;
	one->port = (uint16_t)(1024 + ++net.nopened);
	net.nopen++;
	return one;
}

void dns_socket_close(struct dns_socket *one)
{
	net.nopen -= one != NULL;
	mem_free(one);
}

uint16_t dns_socket_port(const struct dns_socket *one)
{
	return one->port;
}

size_t dns_socket_send(struct dns_socket *one, const struct dns_outgoing *outgoing, size_t n, int *results,
		       int64_t *begun_ns, int64_t *ended_ns)
{
	size_t done = 0;
	*begun_ns = *ended_ns = clock_realtime_ns();
	for (; done < n && net.room; done++, net.room--) {
		results[done] = net.error;
		struct datagram *datagram = &net.sent[net.nsent % 4096];
		if (net.error)
			continue;
		net.nsent++;
		*datagram = (struct datagram){.socket = one, .port = one->port, .to = *outgoing[done].to};
		datagram->size = outgoing[done].size;
		memcpy(datagram->bytes, outgoing[done].bytes, outgoing[done].size);
	}
	return done;
}

static void deliver(const struct datagram *to, const struct dns_incoming *incoming)
{
	net.buffers->events.receiving(net.buffers->events.context);
	net.buffers->events.received(net.buffers->events.context, to->socket->owner, incoming);
	fake_advance_ns(0);
}

/* The right answer, without records. */
static struct dns_incoming answer_to(struct datagram *query)
{
	query->bytes[2] |= 0x80;
	return (struct dns_incoming){
		.from = query->to,
		.bytes = query->bytes,
		.size = query->size,
		.stamp_ns = clock_realtime_ns(),
	};
}

static void answer(struct datagram *query)
{
	struct dns_incoming incoming = answer_to(query);
	deliver(query, &incoming);
}

/* Port unreachable, with so much of our datagram. */
static void refuse(const struct datagram *query, size_t quoted)
{
	const struct dns_incoming incoming = {
		.from = query->to,
		.bytes = query->bytes,
		.size = quoted,
		.is_error = true,
		.error_type = 3,
		.error_code = 3,
		.offender = query->to,
	};
	deliver(query, &incoming);
}

/* --- the bench ---------------------------------------------------------------------------------------------------- */

struct bench {
	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct probe *probes[8];
	size_t nprobes;
	const struct probe_type *type;
	void *settings;
	struct subject subject;
	struct sample *last;
	unsigned samples, reasons[REASON_COUNT];
	bool is_denied;
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

static bool bench_permits(const void *context, const char *host, const struct address *address, uint16_t port,
			  struct err *err)
{
	const struct bench *bench = context;
	cr_expect_str_eq(host, "192.0.2.1");
	cr_expect_eq(address->family, ADDRESS_IPV4);
	cr_expect_eq(port, 53);
	if (bench->is_denied)
		err_set(err, "not this one");
	return !bench->is_denied;
}

/* options: "name=value" words. n probes of the same server. */
static struct bench *bench_open(const char *address, const char *options, size_t n)
{
	static struct gatekeeper gatekeeper;
	struct bench *bench = mem_zero(1, sizeof(*bench));
	struct err err = {{0}};
	bench->type = probe_type_find("dns");
	bench->settings = mem_zero(1, bench->type->settings_size);
	option_set_defaults(bench->type->options, bench->type->noptions, bench->settings);
	char *words = mem_format("query_name=www.example.net %s", options);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');
		*value++ = '\0';
		const struct option *option = option_find(bench->type->options, bench->type->noptions, word);
		cr_assert_not_null(option, "%s", word);
		cr_assert_eq(option_set_text(option, bench->settings, value, &err), 0, "%s: %s", word, err.text);
	}
	mem_free(words);
	cr_assert_eq(bench->type->check(bench->settings, &err), 0, "%s", err.text);
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->engine = engine_create(&(struct engine_plan){.loop = bench->loop, .resolver = bench->resolver});
	bench->subject = (struct subject){.target = "t", .probe = "p", .type = "dns"};
	gatekeeper = (struct gatekeeper){bench_permits, bench};
	for (; bench->nprobes < n; bench->nprobes++) {
		const struct probe_plan plan = {
			.type = bench->type,
			.settings = bench->settings,
			.subject = &bench->subject,
			.address = address,
			.sink = {.deliver = bench_deliver, .log = bench_log, .context = bench},
			.gatekeeper = strcmp(address, "192.0.2.1") ? NULL : &gatekeeper,
			.is_single = true,
		};
		bench->probes[bench->nprobes] = probe_open(bench->engine, &plan, &err);
		cr_assert_not_null(bench->probes[bench->nprobes], "%s", err.text);
	}
	return bench;
}

static void bench_close(struct bench *bench)
{
	for (size_t i = 0; i < bench->nprobes; i++)
		probe_close(bench->probes[i]);
	engine_free(bench->engine);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	option_free_settings(bench->type->options, bench->type->noptions, bench->settings);
	mem_free(bench->last);
	mem_free(bench);
	cr_assert_eq(fake_alive(), 0);
	cr_assert_eq(net.nopen, 0);
}

static void reset(void)
{
	fake_reset();
	memset(&net, 0, sizeof(net));
	net.room = net.may_open = SIZE_MAX;
}

static void run_once(struct bench *bench, size_t i)
{
	cr_assert_eq(probe_run_once(bench->probes[i]), 0);
	fake_advance_ns(0);
}

static const struct reading *find(const struct bench *bench, const char *name)
{
	const struct row *row = &bench->last->rows[0];
	for (size_t i = 0; i < row->n; i++)
		if (!strcmp(row->set->measures[row->readings[i].measure].name, name))
			return &row->readings[i];
	return NULL;
}

static int64_t integer(const struct bench *bench, const char *name)
{
	const struct reading *reading = find(bench, name);
	cr_assert_not_null(reading, "no %s", name);
	return reading->value.integer;
}

struct wanted {
	const char *name;
	int64_t value;
};

static void read_one(void *arg, const struct measure_set *set, const struct reading *readings, size_t n)
{
	struct wanted *wanted = arg;
	if (strcmp(set->name, "dns_pool") != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(set->measures[readings[i].measure].name, wanted->name))
			wanted->value = readings[i].value.integer;
}

static int64_t counter(const struct bench *bench, const char *name)
{
	struct wanted wanted = {name, -1};
	engine_read_services(bench->engine, read_one, &wanted);
	return wanted.value;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

Test(dns, an_answer)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "", 1);
	run_once(bench, 0);
	cr_assert_eq(net.nsent, 1);
	cr_expect_eq(net.sent[0].to.port, 53);
	fake_advance_ns(20 * MS);
	answer(&net.sent[0]);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_expect_float_eq(find(bench, "request_seconds")->value.number, 0.02, 1e-9);
	cr_expect_eq(integer(bench, "answered"), 1);
	cr_expect_eq(bench->last->lookup_ns, 0);
	/* The same once more is nobody's. */
	answer(&net.sent[0]);
	cr_expect_eq(counter(bench, "unexpected_total"), 1);
	bench_close(bench);
}

Test(dns, what_does_not_fit_is_not_taken)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "", 1);
	run_once(bench, 0);
	struct datagram *query = &net.sent[0];
	struct dns_incoming incoming = answer_to(query);
	incoming.from.port = 54;
	deliver(query, &incoming);
	incoming = answer_to(query);
	incoming.from.bytes[3] ^= 1;
	deliver(query, &incoming);
	incoming = answer_to(query);
	incoming.size = 11;
	deliver(query, &incoming);
	query->bytes[13] ^= 0x20; /* a letter */
	answer(query);
	query->bytes[13] ^= 0x20;
	query->bytes[0] ^= 1;
	answer(query);
	query->bytes[0] ^= 1;
	cr_assert_eq(bench->samples, 0);
	cr_expect_eq(counter(bench, "spoofed_total"), 3);
	cr_expect_eq(counter(bench, "unexpected_total"), 2);
	answer(query);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_expect_eq(integer(bench, "spoofed_total"), 3);
	bench_close(bench);
}

Test(dns, attempts)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "attempts=3 timeout=3 interval=10", 1);
	run_once(bench, 0);
	cr_assert_eq(net.nsent, 1);
	fake_advance_ns(1100 * MS);
	cr_assert_eq(net.nsent, 2);
	cr_expect_neq(memcmp(net.sent[0].bytes, net.sent[1].bytes, 2), 0, "the same id");
	cr_expect_arr_eq(net.sent[0].bytes + 2, net.sent[1].bytes + 2, net.sent[0].size - 2);
	/* The first one's answer, while the second is under way: its time is its own. */
	answer(&net.sent[0]);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_expect_float_eq(find(bench, "request_seconds")->value.number, 1.1, 1e-9);
	cr_expect_eq(integer(bench, "queries_total"), 2);
	fake_advance_ns(3000 * MS);
	cr_expect_eq(net.nsent, 2);
	/* Nobody answers at all. */
	run_once(bench, 0);
	fake_advance_ns(3010 * MS);
	cr_expect_eq(net.nsent, 5);
	cr_expect_eq(bench->reasons[REASON_TIMEOUT], 1);
	bench_close(bench);
}

Test(dns, errors_of_routers)
{
	for (size_t quoted = 0; quoted <= 2; quoted += 2) {
		reset();
		struct bench *bench = bench_open("192.0.2.1", "", 1);
		run_once(bench, 0);
		/* About somebody else. */
		struct datagram other = net.sent[0];
		other.to.port = 54;
		refuse(&other, quoted);
		cr_expect_eq(bench->samples, 0);
		refuse(&net.sent[0], quoted);
		cr_expect_eq(bench->reasons[REASON_UNREACHABLE_PORT], 1, "%zu bytes quoted", quoted);
		cr_expect_eq(counter(bench, "errors_total"), 1);
		bench_close(bench);
	}
}

/* Two queries to one server by one port: an error without a quote may be about either. */
Test(dns, errors_that_quote_nothing_must_be_clear)
{
	reset();
	net.may_open = 1;
	struct bench *bench = bench_open("192.0.2.1", "", 2);
	run_once(bench, 0);
	run_once(bench, 1);
	cr_assert_eq(net.nsent, 2);
	cr_assert_eq(net.sent[0].socket, net.sent[1].socket);
	refuse(&net.sent[0], 0);
	cr_expect_eq(bench->samples, 0);
	refuse(&net.sent[1], 40);
	cr_expect_eq(bench->samples, 1);
	refuse(&net.sent[0], 0);
	cr_expect_eq(bench->reasons[REASON_UNREACHABLE_PORT], 2);
	bench_close(bench);
}

Test(dns, no_room_now)
{
	reset();
	net.room = 0;
	struct bench *bench = bench_open("192.0.2.1", "", 3);
	for (size_t i = 0; i < 3; i++)
		run_once(bench, i);
	fake_advance_ns(20 * MS);
	cr_expect_eq(net.nsent, 0);
	cr_expect_gt(counter(bench, "stopped_total"), 0);
	net.room = 2;
	fake_advance_ns(10 * MS);
	cr_expect_eq(net.nsent, 2);
	net.room = 10;
	fake_advance_ns(10 * MS);
	cr_assert_eq(net.nsent, 3);
	for (size_t i = 0; i < 3; i++)
		answer(&net.sent[i]);
	cr_expect_eq(bench->reasons[REASON_OK], 3);
	/* What is still queued goes with its run. */
	net.room = 0;
	for (size_t i = 0; i < 3; i++)
		run_once(bench, i);
	fake_advance_ns(6000 * MS);
	cr_expect_eq(bench->reasons[REASON_TIMEOUT], 3);
	run_once(bench, 0);
	bench_close(bench);
}

Test(dns, faults_of_our_own)
{
	static const struct {
		int error;
		enum reason reason;
	} cases[] = {{ENETUNREACH, REASON_LOCAL}, {EMSGSIZE, REASON_TOO_BIG}, {EPERM, REASON_LOCAL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reset();
		net.error = cases[i].error;
		struct bench *bench = bench_open("192.0.2.1", "", 2);
		cr_assert_eq(probe_run_once(bench->probes[0]), 0);
		run_once(bench, 1);
		cr_expect_eq(bench->reasons[cases[i].reason], 2);
		bench_close(bench);
	}
	reset();
	net.may_open = 0;
	struct bench *bench = bench_open("192.0.2.1", "", 1);
	run_once(bench, 0);
	cr_expect_eq(bench->reasons[REASON_LOCAL], 1);
	bench_close(bench);
}

Test(dns, the_clock_is_set)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "", 1);
	run_once(bench, 0);
	fake_step_realtime_ns(-3600 * NS_PER_SECOND);
	fake_advance_ns(20 * MS);
	answer(&net.sent[0]);
	cr_assert_eq(bench->reasons[REASON_OK], 1);
	cr_expect_null(find(bench, "request_seconds"));
	bench_close(bench);
}

/* Ports are opened as they are needed, are used for so long, and the old ones go when nothing is under way by them. */
Test(dns, ports_rotate)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "interval=10 timeout=1", 1);
	for (int i = 0; i < 3000; i++) {
		run_once(bench, 0);
		cr_assert_lt(net.nsent, 4096);
		answer(&net.sent[net.nsent - 1]);
	}
	cr_expect_eq(net.nopen, DNS_POOL_PORTS);
	cr_expect_eq(counter(bench, "ports"), DNS_POOL_PORTS);
	cr_expect_eq(net.nopened, DNS_POOL_PORTS);
	fake_advance_ns(DNS_POOL_PORT_SECONDS * NS_PER_SECOND);
	run_once(bench, 0);
	cr_expect_eq(net.nopened, DNS_POOL_PORTS + 1);
	cr_expect_eq(net.nopen, DNS_POOL_PORTS);
	bench_close(bench);
}

Test(dns, worn_port_waits_for_its_last_answer)
{
	reset();
	net.may_open = 1;
	struct bench *bench = bench_open("192.0.2.1", "interval=1000 timeout=900", 2);
	run_once(bench, 0);
	struct datagram first = net.sent[0];
	fake_advance_ns(DNS_POOL_PORT_SECONDS * NS_PER_SECOND);
	net.may_open = 1000;
	/* Until the same place of the pool has its turn again. */
	while (!counter(bench, "opened_total") || net.nopen < DNS_POOL_PORTS + 1) {
		run_once(bench, 1);
		answer(&net.sent[(net.nsent - 1) % 4096]);
		cr_assert_lt(net.nsent, 100000);
	}
	answer(&first);
	cr_expect_eq(bench->reasons[REASON_TIMEOUT], 0);
	cr_expect_eq(net.nopen, DNS_POOL_PORTS);
	bench_close(bench);
}

Test(dns, denied)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "", 1);
	bench->is_denied = true;
	run_once(bench, 0);
	cr_expect_eq(net.nsent, 0);
	cr_expect_eq(bench->reasons[REASON_DENIED], 1);
	bench->is_denied = false;
	run_once(bench, 0);
	cr_expect_eq(net.nsent, 1);
	bench_close(bench);
}

Test(dns, names)
{
	reset();
	fake_resolve_set_text("ns.example.net", "192.0.2.7 2001:db8::7", 60);
	struct bench *bench = bench_open("ns.example.net:5353", "family=prefer_ipv6", 1);
	run_once(bench, 0);
	fake_advance_ns(5 * MS);
	cr_assert_eq(net.nsent, 1);
	cr_expect_eq(net.sent[0].to.family, ADDRESS_IPV6);
	cr_expect_eq(net.sent[0].to.port, 5353);
	answer(&net.sent[0]);
	cr_expect_eq(bench->reasons[REASON_OK], 1);
	cr_expect_geq(bench->last->lookup_ns, 0);
	bench_close(bench);
	reset();
	fake_resolve_set_error("ns.example.net", "no such name", 0);
	bench = bench_open("ns.example.net", "", 1);
	run_once(bench, 0);
	fake_advance_ns(10 * MS);
	cr_expect_eq(bench->reasons[REASON_RESOLVE], 1);
	bench_close(bench);
	reset();
	const struct fake_name slow = {.name = "ns.example.net", .error = "timeout", .delay_ns = 60 * NS_PER_SECOND};
	fake_resolve_set(&slow);
	bench = bench_open("ns.example.net", "", 1);
	run_once(bench, 0);
	fake_advance_ns(6000 * MS);
	cr_expect_eq(bench->reasons[REASON_RESOLVE], 1);
	bench_close(bench);
}

/* --- what people see ---------------------------------------------------------------------------------------------- */

/* Two records, and what EDNS adds: reply code 16, extended error 6. */
static size_t write_answer(const struct datagram *query, uint8_t *out)
{
	static const uint8_t records[] = {
		0xc0, 12, 0, 1, 0,  1, 0,   0,    0, 60,   0,    4, 192, 0, 2,  1, 0xc0, 12, 0, 28, 0,
		1,    0,  0, 0, 30, 0, 16,  0x20, 1, 0x0d, 0xb8, 0, 0,   0, 0,  0, 0,    0,  0, 0,  0,
		0,    1,  0, 0, 41, 4, 208, 1,    0, 0,    0,    0, 6,   0, 15, 0, 2,    0,  6,
	};
	size_t question_end = query->size - 11;
	memcpy(out, query->bytes, question_end);
	out[2] = 0x87; /* QR, AA, TC, RD */
	out[3] = 0xb0; /* RA, AD, CD */
	out[7] = 2;
	memcpy(out + question_end, records, sizeof(records));
	return question_end + sizeof(records);
}

static bool has(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	fprintf(stderr, "\"%s\" is not in:\n%s", part, text);
	return false;
}

static char *print(const struct bench *bench)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bench->type->print(bench->last, out);
	fclose(out);
	return text;
}

Test(dns, log_and_summary)
{
	reset();
	struct bench *bench = bench_open("192.0.2.1", "retry_truncated=false answer_addresses=true dnssec=true", 1);
	uint8_t bytes[512];
	run_once(bench, 0);
	struct dns_incoming incoming = answer_to(&net.sent[0]);
	incoming.from.port = 54;
	deliver(&net.sent[0], &incoming);
	incoming = answer_to(&net.sent[0]);
	incoming.bytes = bytes;
	incoming.size = write_answer(&net.sent[0], bytes);
	incoming.stamp_ns += 1234 * NS_PER_US;
	deliver(&net.sent[0], &incoming);
	cr_assert_eq(bench->reasons[REASON_RCODE], 1);
	static const char *const lines[] = {
		"not taken: a datagram from 192.0.2.1#54 that was not asked\n",
		"over UDP to 192.0.2.1#53: 44 bytes, id ",
		"BADVERS, flags: aa tc ra ad cd edns, 2 answer, 0 authority, 0 additional, 94 bytes\n",
		"extended error 6\n",
		"answer: www.example.net. 60 IN A 192.0.2.1\n",
		"answer: www.example.net. 30 IN AAAA 2001:db8::1\n",
		"the server answered BADVERS\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		cr_expect(has(bench->log, lines[i]));
	static const struct wanted figures[] = {
		{"rcode", 16},         {"answer_rrs", 2},     {"min_ttl_seconds", 30},    {"truncated", 1},
		{"authoritative", 1},  {"authentic_data", 1}, {"recursion_available", 1}, {"signed", 0},
		{"extended_error", 6}, {"retried_tcp", 0},    {"response_bytes", 94},     {"spoofed_total", 1},
	};
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		cr_expect_eq(integer(bench, figures[i].name), figures[i].value, "%s", figures[i].name);
	cr_assert_eq(bench->last->nrows, 4);
	cr_expect_str_eq(bench->last->rows[2].labels[0].value, "192.0.2.1");
	cr_expect_str_eq(bench->last->rows[3].labels[0].value, "2001:db8::1");
	char *text = print(bench);
	cr_expect_str_eq(text, "\n;; status: BADVERS; ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 0\n"
			       ";; Query time: 1.234 ms\n"
			       ";; SERVER: 192.0.2.1#53 (udp)\n"
			       ";; MSG SIZE rcvd: 94\n");
	free(text);
	bench_close(bench);
}

Test(dns, rules_and_serials)
{
	reset();
	struct bench *bench =
		bench_open("192.0.2.1",
			   "query_type=SOA valid_rcodes=BADVERS fail_if_answer_matches=AAAA histogram=none "
			   "retry_truncated=false",
			   1);
	uint8_t bytes[512];
	run_once(bench, 0);
	struct dns_incoming incoming = answer_to(&net.sent[0]);
	incoming.bytes = bytes;
	incoming.size = write_answer(&net.sent[0], bytes);
	deliver(&net.sent[0], &incoming);
	cr_assert_eq(bench->reasons[REASON_CONTENT], 1);
	cr_expect_eq(integer(bench, "rule_failed"), 1);
	cr_expect_eq(integer(bench, "serial"), 0);
	cr_expect_null(find(bench, "query_seconds"));
	cr_expect_null(find(bench, "signed"));
	cr_expect_str_eq(find(bench, "failure")->value.text,
			 "answer section: \"www.example.net.\t30\tIN\tAAAA\t2001:db8::1\" matches \"AAAA\"");
	/* Malformed: nothing is known of it. */
	run_once(bench, 0);
	incoming = answer_to(&net.sent[1]);
	incoming.bytes = bytes;
	incoming.size = write_answer(&net.sent[1], bytes) - 1;
	deliver(&net.sent[1], &incoming);
	cr_assert_eq(bench->reasons[REASON_PROTOCOL], 1);
	cr_expect_eq(integer(bench, "answered"), 0);
	cr_expect_null(find(bench, "rcode"));
	char *text = print(bench);
	cr_expect_str_eq(text, ";; Query time: 0.000 ms\n;; SERVER: 192.0.2.1#53 (udp)\n");
	free(text);
	bench_close(bench);
}

Test(dns, options_that_do_not_go_together)
{
	static const struct {
		const char *name, *value, *error;
	} cases[] = {
		{"query_name", "", "query_name must be set"},
		{"query_name", "a..b", "is not a domain name"},
		{"query_type", "", "is no type of records"},
		{"query_type", "Q", "is no type of records"},
		{"query_class", "Q", "is no class"},
		{"valid_rcodes", "NOERROR,FINE", "\"FINE\" is no reply code"},
		{"interval", "1", "must not be longer than interval"},
		{"edns_size", "511", "at least 512"},
		{"source", "localhost", "is not an IP address"},
		{"source", "2001:db8::1", "is not of the family"},
		{"interface", "", "is no name of an interface"},
		{"interface", "averyverylongname", "is no name of an interface"},
		{"fail_if_answer_matches", "(", "fail_if_answer_matches"},
		{"tls_cert_file", "/x", "tls_key"},
	};
	const struct probe_type *type = probe_type_find("dns");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *settings = mem_zero(1, type->settings_size);
		struct err err = {{0}};
		option_set_defaults(type->options, type->noptions, settings);
		option_set_text(option_find(type->options, type->noptions, "query_name"), settings, "a.b", NULL);
		option_set_text(option_find(type->options, type->noptions, "timeout"), settings, "2", NULL);
		option_set_text(option_find(type->options, type->noptions, "family"), settings, "only_ipv4", NULL);
		cr_assert_eq(type->check(settings, &err), 0, "%s", err.text);
		option_set_text(option_find(type->options, type->noptions, cases[i].name), settings, cases[i].value,
				&err);
		cr_expect_eq(type->check(settings, &err), -1, "%s = \"%s\"", cases[i].name, cases[i].value);
		cr_expect(has(err.text, cases[i].error), "%s", cases[i].name);
		option_free_settings(type->options, type->noptions, settings);
	}
}
