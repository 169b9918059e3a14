/*
 * A day of virtual time through all that a daemon is made of, but for its threads and its web server: two workers with
 * engine, ping, ICMP flight, series, history and pipeline; the influx loop with the disk log (real files) and two
 * servers. A second of the day has what a bad day has: loss, late and forged replies, duplicates, errors, a wall clock
 * that is set, names that move, targets that come and go, servers that are away for minutes and for hours.
 *
 * The network of the test keeps the truth, and the lines that reach the first server are compared with it at the end.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/crew.h"
#include "daemon/results.h"
#include "daemon/spec.h"
#include "daemon/targets.h"
#include "daemon/worker.h"
#include "exporter/render.h"
#include "exporter/series.h"
#include "influx/internal.h"
#include "probes/engine.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"
#include "tests/replay/day_ledger.h"

#define SECOND NS_PER_SECOND
#define MS     NS_PER_MS
#define STEP   (250 * MS)
#define HOURS  24

enum {
	WORKERS = 2,
	STEADY = 16, /* literals: 8 IPv4, 8 IPv6; the last two get new labels again and again */
	RELABELLED = 14,
	NAMED = 4,  /* names with one address, which changes */
	MANY = 2,   /* names with several addresses, all of them pinged */
	COMING = 4, /* there in every other period */
	MOVING = 2, /* literals that change: probes start again */
	FIRST_NAMED = STEADY,
	FIRST_MANY = FIRST_NAMED + NAMED,
	FIRST_COMING = FIRST_MANY + MANY,
	FIRST_MOVING = FIRST_COMING + COMING,
	TARGETS = FIRST_MOVING + MOVING,
	PERIOD_SECONDS = 300, /* between changes of the targets */
	PERIODS = HOURS * 3600 / PERIOD_SECONDS,
};

/* What the network did to requests for one address. */
struct truth {
	int64_t sent, in_time, late, duplicates, gone;
};

struct server {
	unsigned requests, taken, lost_answers;
	uint64_t lines;
};

struct day {
	char folder[64];
	struct loop *loop; /* the main thread's */
	struct mailbox *mailbox;
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct influx *influx;
	struct spec_table *specs;
	void *settings[2]; /* of ping: plain; all addresses */
	char names[TARGETS][8];
	struct desired_set *now, *next;
	size_t unanswered; /* batches */
	unsigned period;
	bool is_calm;
	uint64_t dice;
	struct truth truths[256];
	struct ledger ledgers[TARGETS];
	struct server main, small;
	unsigned second; /* of the day */
	unsigned asks, answers, results, pages, stalls;
	size_t bytes[HOURS], pieces[HOURS], page_bytes[HOURS];
	unsigned descriptors[HOURS];
};

/* The same numbers on every run: a fault can be had again. */
static unsigned roll(struct day *day, unsigned n)
{
	day->dice = day->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(day->dice >> 33) % n;
}

/* --- the network -------------------------------------------------------------------------------------------------- */

static const struct fake_answer nothing = {.copies = 0};

static struct fake_answer reply_in_time(struct day *day, struct truth *truth)
{
	truth->in_time++;
	return (struct fake_answer){.copies = 1, .delay_ns = (1 + roll(day, 80)) * MS - roll(day, 1000)};
}

static struct fake_answer reply_badly(struct day *day, struct truth *truth, unsigned fate)
{
	struct fake_answer answer = {.copies = 1, .delay_ns = 5 * MS};

	if (fate < 40) { /* late, but still remembered */
		truth->late++;
		answer.delay_ns = 1200 * MS + roll(day, 1000) * MS;
	} else if (fate < 60) {
		truth->in_time++;
		truth->duplicates++;
		answer.copies = 2;
	} else if (fate < 70) {
		truth->in_time++;
		answer.is_unstamped = true;
	} else if (fate < 80) {
		truth->gone++;
		answer.is_spoofed = true;
	} else if (fate < 90) {
		truth->gone++;
		answer.is_error = true;
		answer.error_type = 3;
		answer.error_code = 1;
	} else {
		truth->gone++;
		return nothing;
	}
	return answer;
}

/* One request in eight meets something, but for the last two minutes of each hour. */
static struct fake_answer network(void *context, const struct icmp_request *request, unsigned nth)
{
	struct day *day = context;
	const struct address *to = &request->destination;
	struct truth *truth = &day->truths[to->bytes[to->family == ADDRESS_IPV4 ? 3 : 15]];
	unsigned fate = day->is_calm ? 999 : roll(day, 1000);

	(void)nth;
	truth->sent++;
	return fate < 125 ? reply_badly(day, truth, fate) : reply_in_time(day, truth);
}

static const char *address_of(unsigned number, bool is_ipv6, char out[24])
{
	snprintf(out, 24, is_ipv6 ? "2001:db8::%x" : "198.51.100.%u", number);
	return out;
}

/* Names move every ten minutes, some have no address for two minutes of each hour. */
static void move_names(struct day *day)
{
	unsigned minute = day->second / 60;

	for (unsigned i = 0; i < NAMED; i++) {
		char address[24];

		if (i == 0 && minute % 60 >= 40 && minute % 60 < 42)
			fake_resolve_set_error(day->names[FIRST_NAMED + i], "server failure", 20 * MS);
		else
			fake_resolve_set_text(day->names[FIRST_NAMED + i],
					      address_of(100 + 2 * i + minute / 10 % 2, i % 2, address), 60);
	}
	for (unsigned i = 0; i < MANY; i++)
		fake_resolve_set_text(day->names[FIRST_MANY + i],
				      minute / 10 % 2 ? "198.51.100.120 2001:db8::79"
						      : "198.51.100.120 198.51.100.122 2001:db8::7b",
				      60);
}

/* --- the servers -------------------------------------------------------------------------------------------------- */

/* A line of the set ping, NUL-terminated. */
static void book(struct day *day, const char *line)
{
	unsigned target = (unsigned)ledger_number(line, ",target=t");
	const char *longest = strstr(line, "rtt_max_seconds=");
	double rtt = longest ? strtod(strchr(longest, '=') + 1, NULL) : 0;

	cr_assert_lt(target, TARGETS, "%s", line);
	cr_assert(rtt >= 0 && rtt <= 0.0801, "a round-trip time that never was: %s", line);
	ledger_book(&day->ledgers[target], line);
}

/* Splits a copy, so that strstr ends with the line. */
static void store(struct day *day, const struct fetch_plan *request)
{
	char *copy = mem_alloc(request->body_length + 1), *rest = copy, *line;

	memcpy(copy, request->body, request->body_length);
	copy[request->body_length] = '\0';
	while ((line = strsep(&rest, "\n")) && rest)
		if (!strncmp(line, "ping,", 5))
			book(day, line);
	mem_free(copy);
}

static uint64_t count_lines(const struct fetch_plan *request)
{
	const char *at = request->body, *end = at + request->body_length;
	uint64_t n = 0;

	for (; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		n++;
	return n;
}

static void serve_main(struct day *day, const struct fetch_plan *request, struct fake_reply *answer)
{
	unsigned hour = day->second / 3600, minute = day->second / 60 % 60;

	answer->after_ns = 30 * MS;
	if ((minute >= 20 && minute < 23) || (hour >= 9 && hour < 12)) {
		answer->error = "Connection refused";
		return;
	}
	if (minute == 30) {
		answer->status = 503;
		answer->retry_after_ns = 5 * SECOND;
		return;
	}
	store(day, request);
	day->main.taken++;
	day->main.lines += count_lines(request);
	if (minute == 35) {
		day->main.lost_answers++;
		answer->error = "Recv failure: Connection reset by peer";
		return;
	}
	answer->status = 204;
}

/* Away for longer than its queue lasts: in hours 5 and 15 to 17. */
static void serve_small(struct day *day, const struct fetch_plan *request, struct fake_reply *answer)
{
	unsigned hour = day->second / 3600;

	if (hour == 5 || (hour >= 15 && hour < 18)) {
		answer->is_timeout = true;
		answer->error = "timed out";
		answer->after_ns = 5 * SECOND;
		return;
	}
	day->small.lines += count_lines(request);
	answer->after_ns = 10 * MS;
	answer->status = 204;
}

static void serve(void *arg, const struct fetch_plan *request, struct fake_reply *answer)
{
	struct day *day = arg;
	bool is_small = !strncmp(request->url, "http://small", strlen("http://small"));
	struct server *server = is_small ? &day->small : &day->main;

	server->requests++;
	if (is_small)
		serve_small(day, request, answer);
	else
		serve_main(day, request, answer);
}

/* --- the targets -------------------------------------------------------------------------------------------------- */

/* A label of a target that changes; the text is in value. */
static struct label numbered(const char *name, unsigned number, char value[16])
{
	snprintf(value, 16, "%u", number);
	return (struct label){name, value};
}

/* A life is what a probe counts its runs in. */
static void want(struct day *day, struct desired_set *wanted, unsigned target)
{
	bool is_coming = target >= FIRST_COMING && target < FIRST_MOVING, is_moving = target >= FIRST_MOVING;
	const struct probe_spec spec = {"p", probe_type_find("ping"),
					day->settings[target >= FIRST_MANY && target < FIRST_COMING], NULL};
	char text[24], values[2][16];
	const char *address = day->names[target];
	struct label labels[2];
	size_t n = 0;

	if (is_coming && day->period % 2)
		return;
	if (target < STEADY)
		address = address_of(target, target >= STEADY / 2, text);
	else if (target >= FIRST_COMING)
		address = address_of(150 + 2 * target + (is_moving ? day->period % 2 : 0), false, text);
	if (is_coming || is_moving)
		labels[n++] = numbered("life", day->period, values[0]);
	if (target >= RELABELLED && target < STEADY)
		labels[n++] = numbered("tier", day->period % 3, values[1]);
	struct target *held = target_create(day->names[target], address, labels, n);

	cr_assert_eq(desired_set_add(wanted, "config", held, &spec, NULL), 0);
	target_release(held);
}

static struct desired_set *create_wanted(struct day *day)
{
	struct desired_set *wanted = mem_zero(1, sizeof(*wanted));

	wanted->specs = day->specs;
	return wanted;
}

static void free_wanted(struct desired_set *wanted)
{
	if (!wanted)
		return;
	desired_set_free(wanted);
	mem_free(wanted);
}

static void changed(void *arg, struct batch *batch)
{
	struct day *day = arg;

	cr_assert_null(batch_failure(batch, 0), "%s", batch_error(batch));
	if (--day->unanswered > 0)
		return;
	free_wanted(day->now);
	day->now = day->next;
	day->next = NULL;
}

/* As the main thread does it for a reload. all false: nothing is wanted any more. */
static void change_targets(struct day *day, bool all)
{
	const struct crew crew = {day->workers, WORKERS};
	struct batch *batches[WORKERS] = {NULL};
	struct target_plan plan;

	cr_assert_eq(day->unanswered, 0, "a change takes longer than the time until the next");
	day->next = create_wanted(day);
	for (unsigned i = 0; all && i < TARGETS; i++)
		want(day, day->next, i);
	target_plan_make(&plan, day->now, day->next);
	target_plan_share(&plan);
	day->unanswered = crew_split(&crew, &plan, &(struct crew_answer){day->mailbox, changed, day}, batches);
	cr_assert_gt(day->unanswered, 0);
	for (unsigned i = 0; i < WORKERS; i++)
		if (batches[i])
			cr_assert(worker_apply(day->workers[i], batches[i]));
	target_plan_free(&plan);
}

/* --- those who look ----------------------------------------------------------------------------------------------- */

static size_t render_page(struct day *day)
{
	struct render *render =
		render_create(&(struct render_plan){.store = day->store, .format = RENDER_OPENMETRICS, .shards = 1});
	struct text text = {0};
	size_t n = 0;
	bool has_more;

	do {
		has_more = render_more(render, &text, 4096);
		n += text.length;
		text_clear(&text);
	} while (has_more);
	text_free(&text);
	render_free(render);
	day->pages++;
	return n;
}

static void answered(void *arg, const struct worker_answer *answer)
{
	struct day *day = arg;

	cr_assert_not_null(answer->sample, "%s", answer->error);
	day->answers++;
}

/* One in four asks is withdrawn while its run lives. */
static void ask(struct day *day)
{
	const struct probe_type *type = probe_type_find("ping");
	struct worker_job job = {
		.target = "asked",
		.probe = "p",
		.address = "198.51.100.250",
		.type = type,
		.settings = option_copy_settings(type->options, type->noptions, type->settings_size, day->settings[0]),
		.wants_log = true,
		.mailbox = day->mailbox,
		.done = answered,
		.arg = day,
	};
	struct worker_ask *handle = worker_ask(day->workers[day->asks % WORKERS], &job);

	cr_assert_not_null(handle);
	if (day->asks++ % 4 != 3)
		return;
	fake_fire_ready();
	fake_advance_ns(2 * MS);
	worker_ask_cancel(handle);
	day->answers++;
}

static void told(void *arg, struct results *results)
{
	struct day *day = arg;

	cr_assert_eq(results->status, RESULTS_FOUND);
	cr_assert_gt(results->runs.n, 0);
	day->results++;
	results_free(results);
}

static void ask_results(struct day *day)
{
	const struct crew crew = {day->workers, WORKERS};
	const char *target = day->names[roll(day, STEADY)];
	const struct results_job job = {
		.target = target, .limit = 50, .mailbox = day->mailbox, .done = told, .arg = day};

	cr_assert_not_null(worker_results(crew_worker(&crew, target), &job));
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void *ping_settings(const char *option)
{
	const struct probe_type *type = probe_type_find("ping");
	void *settings = mem_zero(1, type->settings_size);

	option_set_defaults(type->options, type->noptions, settings);
	if (option)
		cr_assert_eq(
			option_set_text(option_find(type->options, type->noptions, option), settings, "true", NULL), 0);
	return settings;
}

static struct influx_settings *output(const char *name, const char *url, int64_t queue_bytes)
{
	struct influx_settings *settings = mem_zero(1, sizeof(*settings));

	option_set_defaults(influx_options, influx_noptions, settings);
	mem_free(settings->name);
	settings->name = mem_copy_string(name);
	settings->url = mem_copy_string(url);
	settings->database = mem_copy_string("d");
	settings->compresses = false; /* what is sent; the server of this test reads it */
	settings->flush_interval_ns = 10 * SECOND;
	settings->batch_bytes = 256 * 1024;
	settings->queue_bytes = queue_bytes;
	return settings;
}

/* What influx_start does, but without a thread: its loop is one of those that fake_advance_ns drives. */
static void open_outputs(struct day *day)
{
	struct influx_settings *settings[] = {output("main", "http://main:8086", INT64_C(1) << 30),
					      output("small", "http://small:8086", 1 << 20)};
	struct influx_log_settings log = {0};
	struct err err = {0};

	option_set_defaults(influx_log_options, influx_log_noptions, &log);
	log.path = day->folder;
	log.segment_bytes = 256 * 1024;
	log.sync = JOURNAL_SYNC_NEVER; /* else there is a thread for it */
	day->influx = influx_create((const struct influx_settings *const *)settings, 2, &log, &err);
	cr_assert_not_null(day->influx, "%s", err.text);
	for (size_t i = 0; i < 2; i++) {
		option_free_settings(influx_options, influx_noptions, settings[i]);
		influx_attend(day->influx, day->influx->outputs.items[i]);
	}
	alarm_set(day->influx->loop, &day->influx->housekeeping, clock_monotonic_ns() + SECOND);
}

static void open_workers(struct day *day)
{
	static const struct label agent[] = {{"agent", "day"}};
	struct err err = {0};

	day->store = series_store_create(WORKERS, 100000);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct worker_plan plan = {
			.index = i,
			.store = day->store,
			.agent_labels = agent,
			.nagent_labels = 1,
			.boot = "b",
			.wants_lines = true,
			.history_bytes = 256 * 1024,
		};
		day->workers[i] = worker_create(&plan, &err);
		cr_assert_not_null(day->workers[i], "%s", err.text);
		worker_set_influx(day->workers[i], day->influx);
	}
}

static struct day *open_day(void)
{
	struct day *day = mem_zero(1, sizeof(*day));

	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fake_reset();
	fake_icmp_reset(network, day);
	fake_fetch_set_server(&(struct fake_server){serve, day});
	strcpy(day->folder, "/tmp/netsonde-day-XXXXXX");
	cr_assert_not_null(mkdtemp(day->folder));
	for (unsigned i = 0; i < TARGETS; i++)
		snprintf(day->names[i], sizeof(day->names[i]), "t%u", i);
	day->settings[0] = ping_settings(NULL);
	day->settings[1] = ping_settings("all_addresses");
	day->loop = loop_create(0, NULL);
	day->mailbox = mailbox_create(day->loop, 4096, day, NULL);
	day->specs = spec_table_create();
	day->now = create_wanted(day);
	open_outputs(day);
	open_workers(day);
	return day;
}

static void close_day(struct day *day)
{
	const struct probe_type *type = probe_type_find("ping");
	char command[128];

	for (unsigned i = 0; i < WORKERS; i++)
		worker_set_influx(day->workers[i], NULL);
	influx_free(day->influx);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(day->workers[i]);
	series_store_free(day->store);
	free_wanted(day->now);
	spec_table_free(day->specs);
	mailbox_free(day->mailbox);
	loop_free(day->loop);
	for (size_t i = 0; i < 2; i++)
		option_free_settings(type->options, type->noptions, day->settings[i]);
	snprintf(command, sizeof(command), "rm -rf %s", day->folder);
	cr_assert_eq(system(command), 0);
	mem_free(day);
	fake_reset();
	cr_assert_eq(fake_alive(), 0);
}

/* --- the hours ---------------------------------------------------------------------------------------------------- */

static void pass(int64_t ns)
{
	for (int64_t done_ns = 0; done_ns < ns; done_ns += STEP) {
		fake_advance_ns(STEP);
		while (fake_fire_ready())
			;
	}
}

static int64_t schedule_figure(const struct day *day, const char *name)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		struct reading readings[16];
		size_t n = engine_read(worker_engine(day->workers[i]), readings);

		for (size_t k = 0; k < n; k++)
			if (!strcmp(engine_set.measures[readings[k].measure].name, name))
				sum += readings[k].value.integer;
	}
	return sum;
}

static void pick_exhausted(void *arg, const struct measure_set *set, const struct reading *readings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(set->measures[readings[i].measure].name, "sequence_exhausted_total"))
			*(int64_t *)arg += readings[i].value.integer;
}

static int64_t exhausted(const struct day *day)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		engine_read_services(worker_engine(day->workers[i]), pick_exhausted, &sum);
	return sum;
}

/* The wall clock is set by an NTP client that slept, by a leap second, by an hour and back; the kernel's queue is full
 * for a moment; the machine stalls for less than a timeout and for longer than an interval. */
static void disturb(struct day *day)
{
	unsigned minute = day->second / 60, second = day->second % 60;

	if (second == 7 && minute % 45 == 10)
		fake_step_realtime_ns((int64_t)roll(day, 1000) * MS - 500 * MS);
	if (day->second == 12 * 3600)
		fake_step_realtime_ns(-SECOND);
	if (day->second == 13 * 3600 || day->second == 13 * 3600 + 600)
		fake_step_realtime_ns((day->second == 13 * 3600 ? 1 : -1) * 3600 * SECOND);
	if (second == 20 && minute % 7 == 0)
		fake_icmp_stop_sending(3, ENOBUFS);
	if (second == 33 && minute % 120 == 50) {
		fake_stall_ns(day->stalls % 2 ? 2500 * MS : 300 * MS);
		day->stalls++;
	}
}

/* With every reply on its way in time, each that is to come belongs to runs that live: one each, or one an address. */
static void check_flights(const struct day *day)
{
	int64_t alive = schedule_figure(day, "runs_alive");
	int64_t flying = fake_icmp_pending();

	cr_assert(alive <= flying && flying <= alive + 2 * MANY, "second %u: %lld runs live, %lld replies are to come",
		  day->second, (long long)alive, (long long)flying);
}

static void pass_second(struct day *day)
{
	unsigned in_hour = day->second % 3600;

	day->is_calm = in_hour >= 58 * 60;
	if (!day->is_calm)
		disturb(day);
	if (day->second % 60 == 0)
		move_names(day);
	if (day->second % PERIOD_SECONDS == 0) {
		day->period = day->second / PERIOD_SECONDS;
		change_targets(day, true);
	}
	if (day->second % 30 == 5)
		ask(day);
	if (day->second % 60 == 11)
		render_page(day);
	if (day->second % 60 == 31)
		ask_results(day);
	pass(SECOND);
	day->second++;
	if (in_hour >= 59 * 60)
		check_flights(day);
}

static unsigned count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	cr_assert_not_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static int64_t figure(const struct day *day, size_t output, enum figure figure)
{
	return figure_get(&day->influx->outputs.items[output]->figures, figure);
}

static void note_hour(struct day *day, unsigned hour)
{
	day->page_bytes[hour] = render_page(day);
	day->bytes[hour] = fake_memory_bytes();
	day->pieces[hour] = fake_memory_pieces();
	day->descriptors[hour] = count_descriptors();
	fprintf(stderr,
		"hour %2u: %zu bytes in %zu pieces, %u descriptors, page %zu bytes, waiting %lld and %lld lines\n",
		hour + 1, day->bytes[hour], day->pieces[hour], day->descriptors[hour], day->page_bytes[hour],
		(long long)figure(day, 0, FIGURE_QUEUE_LINES), (long long)figure(day, 1, FIGURE_QUEUE_LINES));
}

/* --- what the day must have brought ------------------------------------------------------------------------------- */

/* Every run from the first to the last is there. */
static void check_life(const struct day *day, unsigned target, unsigned life, unsigned least)
{
	const struct ledger *ledger = &day->ledgers[target];

	cr_expect_eq(ledger_missing(ledger, life), 0, "target %u, life %u: %u runs are missing", target, life,
		     ledger_missing(ledger, life));
	cr_expect_geq(ledger->highest[life], least, "target %u, life %u: only %u runs", target, life,
		      ledger->highest[life]);
}

/* Turns may be passed over only by stalls: each costs at most three. */
static void check_runs(const struct day *day)
{
	for (unsigned target = 0; target < FIRST_COMING; target++)
		check_life(day, target, 0, HOURS * 3600 - 3 * day->stalls - 2);
	for (unsigned target = FIRST_COMING; target < TARGETS; target++)
		for (unsigned life = 0; life < PERIODS; life++)
			if (target >= FIRST_MOVING || life % 2 == 0)
				check_life(day, target, life, PERIOD_SECONDS - 7);
}

/* A reply that comes while the machine stalls may be read after its deadline: it is late then, not lost. */
static void check_truth(const struct day *day)
{
	for (unsigned i = 0; i < STEADY; i++) {
		const struct truth *truth = &day->truths[i];
		const struct ledger *ledger = &day->ledgers[i];

		cr_expect_eq(truth->sent, truth->in_time + truth->late + truth->gone);
		cr_expect_eq(ledger->sent, truth->sent, "target %u: %lld sent, says %lld", i, (long long)truth->sent,
			     (long long)ledger->sent);
		cr_expect_eq(ledger->received + ledger->late, truth->in_time + truth->late);
		cr_expect_eq(ledger->duplicates, truth->duplicates);
		cr_expect(ledger->late >= truth->late && ledger->late <= truth->late + day->stalls,
			  "target %u: %lld late, says %lld", i, (long long)truth->late, (long long)ledger->late);
		cr_expect_geq(truth->late, 1000);
	}
}

static void check_outputs(const struct day *day)
{
	uint64_t made = journal_end(day->influx->depot->journal).line;

	cr_expect_eq(atomic_load(&day->influx->pool.lines_lost), 0);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(figure(day, i, FIGURE_QUEUE_LINES), 0);
		cr_expect_eq(figure(day, i, FIGURE_LINES_REJECTED), 0);
		cr_expect_eq((uint64_t)(figure(day, i, FIGURE_LINES_WRITTEN) + figure(day, i, FIGURE_LINES_DROPPED)),
			     made, "output %zu", i);
	}
	cr_expect_eq(figure(day, 0, FIGURE_LINES_DROPPED), 0);
	cr_expect_gt(figure(day, 1, FIGURE_LINES_DROPPED), 0, "the small queue was to run over");
	cr_expect_gt(day->main.lost_answers, 0);
	cr_expect_geq(day->main.lines, made);
	cr_expect_eq(day->small.lines, (uint64_t)figure(day, 1, FIGURE_LINES_WRITTEN));
}

/* Series take the room that their values need: as counters grow they come to sizes that have no slab yet. That ends;
 * from hour SETTLED on nothing grows at all. */
#define SLABS_MORE 12
#define SETTLED    15u /* hour 16 */

/* Descriptors: while a server is away, segments of the disk log are open that are closed else. */
static void check_memory(const struct day *day)
{
	const unsigned last = HOURS - 1;

	for (unsigned hour = 1; hour < HOURS; hour++)
		cr_expect_leq(day->descriptors[hour], day->descriptors[0] + 4, "hour %u: %u descriptors, not %u",
			      hour + 1, day->descriptors[hour], day->descriptors[0]);
	cr_expect_leq(day->descriptors[last], day->descriptors[0] + 1);
	cr_expect_leq(day->bytes[last], day->bytes[0] + SLABS_MORE * 66 * 1024,
		      "%zu bytes at the end, %zu after an hour", day->bytes[last], day->bytes[0]);
	cr_expect_leq(day->bytes[last], day->bytes[SETTLED] + 16 * 1024, "%zu bytes at the end, %zu at hour %u",
		      day->bytes[last], day->bytes[SETTLED], SETTLED + 1);
	cr_expect_leq(day->pieces[last], day->pieces[0] + SLABS_MORE, "%zu pieces at the end, %zu after an hour",
		      day->pieces[last], day->pieces[0]);
}

/* Nothing is wanted any more. Between two runs, so that none is given up. */
static void empty(struct day *day)
{
	day->is_calm = true;
	pass(3 * SECOND);
	while (schedule_figure(day, "runs_alive") > 0)
		fake_advance_ns(5 * MS);
	change_targets(day, false);
	fake_fire_ready();
	cr_expect_eq(schedule_figure(day, "probes"), 0);
	cr_expect_eq(schedule_figure(day, "runs_alive"), 0);
	cr_expect_eq(fake_icmp_pending(), 0);
	cr_expect_eq(series_store_count(day->store), 0);
	pass(120 * SECOND);
	cr_expect_eq(day->unanswered, 0);
	cr_expect_eq(day->now->n, 0);
}

Test(day, nothing_grows_and_nothing_is_missing, .timeout = 1700)
{
	size_t before = fake_memory_bytes();
	struct day *day = open_day();

	for (unsigned hour = 0; hour < HOURS; hour++) {
		for (unsigned second = 0; second < 3600; second++)
			pass_second(day);
		note_hour(day, hour);
	}
	empty(day);
	cr_expect_eq(exhausted(day), 0);
	cr_expect_eq(day->answers, day->asks);
	cr_expect_eq(day->results, HOURS * 60);
	check_runs(day);
	check_truth(day);
	check_outputs(day);
	check_memory(day);
	close_day(day);
	cr_expect_eq(fake_memory_bytes(), before);
}
