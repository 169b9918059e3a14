/* Traceroute on virtual time: what its tests share. The real engine, tracer, packets and type; the network is fake. */
#ifndef NETSONDE_TESTS_REPLAY_TRACE_BENCH_H
#define NETSONDE_TESTS_REPLAY_TRACE_BENCH_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/option.h"
#include "core/resolve.h"
#include "probes/engine.h"
#include "probes/traceroute/path.h"
#include "tests/fakes/fake_trace.h"
#include "tests/fakes/fakes.h"

#define MS     NS_PER_MS
#define SECOND NS_PER_SECOND

#define TARGET4 "198.51.100.7"
#define TARGET6 "2001:db8:5::7"

/* What the networks of a test share. */
struct net {
	unsigned length;                  /* of the path: the hop of the target */
	unsigned trace;                   /* counts the traces, for what changes between them */
	unsigned seen[PATH_HOPS_MAX + 1]; /* packets of this trace to each hop */
	char from[4096][ADDRESS_TEXT_SIZE];
};
static struct net net;

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
	char log[65536];
};

static void bench_deliver(void *context, const struct sample *sample)
{
	struct bench *bench = context;
	mem_free(bench->last);
	bench->last = sample_copy(sample);
	bench->samples++;
	bench->reasons[sample->reason]++;
	net.trace++;
	memset(net.seen, 0, sizeof(net.seen));
}

static void bench_log(void *context, const char *line)
{
	struct bench *bench = context;
	size_t used = strlen(bench->log);
	snprintf(bench->log + used, sizeof(bench->log) - used, "%s\n", line);
}

/* options: "name=value" words. */
static void *make_settings(const struct probe_type *type, const char *options)
{
	struct err err = {{0}};
	void *settings = mem_zero(1, type->settings_size);
	char *words = mem_copy_string(options);
	option_set_defaults(type->options, type->noptions, settings);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');
		*value++ = '\0';
		const struct option *option = option_find(type->options, type->noptions, word);
		cr_assert_not_null(option, "%s", word);
		cr_assert_eq(option_set_text(option, settings, value, &err), 0, "%s: %s", word, err.text);
	}
	mem_free(words);
	return settings;
}

/* Call reset before. */
static struct bench *bench_open_err(const char *address, const char *options, struct err *err)
{
	struct bench *bench = mem_zero(1, sizeof(*bench));
	bench->type = probe_type_find("traceroute");
	bench->settings = make_settings(bench->type, options);
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->engine = engine_create(&(struct engine_plan){.loop = bench->loop, .resolver = bench->resolver});
	bench->subject = (struct subject){.target = "t", .probe = "p", .type = "traceroute"};
	if (bench->type->check(bench->settings, err) == 0)
		bench->probe = probe_open(bench->engine,
					  &(struct probe_plan){.type = bench->type,
							       .settings = bench->settings,
							       .subject = &bench->subject,
							       .address = address,
							       .sink = {bench_deliver, bench_log, bench}},
					  err);
	return bench;
}

static struct bench *bench_open(const char *address, const char *options)
{
	struct err err = {{0}};
	struct bench *bench = bench_open_err(address, options, &err);
	cr_assert_not_null(bench->probe, "%s", err.text);
	return bench;
}

static void bench_close(struct bench *bench)
{
	if (bench->probe)
		probe_close(bench->probe);
	engine_free(bench->engine);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	option_free_settings(bench->type->options, bench->type->noptions, bench->settings);
	mem_free(bench->last);
	mem_free(bench);
	cr_assert_eq(fake_alive(), 0);
}

static void reset(fake_trace_network network, unsigned length)
{
	fake_reset();
	fake_trace_reset(network, NULL);
	memset(&net, 0, sizeof(net));
	net.length = length;
}

/* Until the next result is there. */
static void run_trace(struct bench *bench)
{
	unsigned before = bench->samples;
	for (int64_t waited_ns = 0; bench->samples == before; waited_ns += 100 * MS) {
		cr_assert_lt(waited_ns, 300 * SECOND, "no result");
		fake_advance_ns(100 * MS);
	}
}

static struct bench *trace(const char *address, const char *options)
{
	struct bench *bench = bench_open(address, options);
	run_trace(bench);
	return bench;
}

/* --- what it found ------------------------------------------------------------------------------------------------ */

static const struct reading *find(const struct row *row, const char *name)
{
	for (size_t i = 0; row && i < row->n; i++)
		if (!strcmp(row->set->measures[row->readings[i].measure].name, name))
			return &row->readings[i];
	return NULL;
}

static const char *label_of(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->nlabels; i++)
		if (!strcmp(row->labels[i].name, name))
			return row->labels[i].value;
	return "";
}

/* The n-th row of that set whose labels hop and flow are these; flow NULL = any. */
static const struct row *row_of(const struct bench *bench, const char *set, unsigned hop, const char *flow)
{
	char number[16];
	snprintf(number, sizeof(number), "%u", hop);
	for (size_t i = 0; i < bench->last->nrows; i++) {
		const struct row *row = &bench->last->rows[i];
		if (!strcmp(row->set->name, set) && !strcmp(label_of(row, "hop"), number) &&
		    (!flow || !strcmp(label_of(row, "flow"), flow)))
			return row;
	}
	return NULL;
}

static const struct row *hop_row(const struct bench *bench, unsigned hop)
{
	return row_of(bench, "traceroute_hop", hop, NULL);
}

static size_t count_rows(const struct bench *bench, const char *set)
{
	size_t n = 0;
	for (size_t i = 0; i < bench->last->nrows; i++)
		n += !strcmp(bench->last->rows[i].set->name, set);
	return n;
}

static int64_t integer_of(const struct row *row, const char *name)
{
	const struct reading *found = find(row, name);
	cr_assert_not_null(found, "no %s", name);
	return found->value.integer;
}

static double number_of(const struct row *row, const char *name)
{
	const struct reading *found = find(row, name);
	cr_assert_not_null(found, "no %s", name);
	return found->value.number;
}

static const char *text_of(const struct row *row, const char *name)
{
	const struct reading *found = find(row, name);
	return found ? found->value.text : "(absent)";
}

static int64_t integer(const struct bench *bench, const char *name)
{
	return integer_of(&bench->last->rows[0], name);
}

static double number(const struct bench *bench, const char *name)
{
	return number_of(&bench->last->rows[0], name);
}

static const char *text(const struct bench *bench, const char *name)
{
	return text_of(&bench->last->rows[0], name);
}

static bool has(const struct bench *bench, const char *name)
{
	return find(&bench->last->rows[0], name) != NULL;
}

static void ended(const struct bench *bench, enum reason reason, const char *end, int64_t hops)
{
	cr_assert_eq(bench->last->reason, reason, "%s\n%s", reason_name(bench->last->reason), bench->log);
	cr_assert_str_eq(text(bench, "end"), end);
	cr_assert_eq(integer(bench, "reached"), reason == REASON_OK);
	cr_assert_eq(integer(bench, "hops"), hops, "%ld hops", (long)integer(bench, "hops"));
}

/* Counters of the worker's tracer. */
struct wanted {
	const char *name;
	int64_t value;
};

static void pick(void *arg, const struct measure_set *set, const struct reading *readings, size_t n)
{
	struct wanted *wanted = arg;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(set->name, "tracer") && !strcmp(set->measures[readings[i].measure].name, wanted->name))
			wanted->value = readings[i].value.integer;
}

static int64_t tracer_counter(const struct bench *bench, const char *name)
{
	struct wanted wanted = {name, -1};
	engine_read_services(bench->engine, pick, &wanted);
	return wanted.value;
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

/* A text that lives as long as the test. */
static const char *router(unsigned nth, enum address_family family, unsigned variant, unsigned hop)
{
	char *out = net.from[nth % 4096];
	snprintf(out, ADDRESS_TEXT_SIZE, family == ADDRESS_IPV6 ? "2001:db8:a:%u::%u" : "10.0.%u.%u", variant, hop);
	return out;
}

/* A straight path: 10.0.0.1, 10.0.0.2, ...; 4 ms a hop. */
static struct fake_trace_answer line(void *context, const struct trace_packet *packet, unsigned nth)
{
	(void)context;
	if (packet->hop_limit >= net.length)
		return (struct fake_trace_answer){.kind = FAKE_TRACE_TARGET, .delay_ns = net.length * 4 * MS};
	return (struct fake_trace_answer){
		.kind = FAKE_TRACE_TTL_EXCEEDED,
		.from = router(nth, packet->flow->destination.family, 0, packet->hop_limit),
		.delay_ns = packet->hop_limit * 4 * MS,
	};
}

#endif
