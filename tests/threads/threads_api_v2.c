/*
 * Calls of /api/v2 under everything at once, for ThreadSanitizer: calls that are waited for and calls that are given
 * up, to a configured router and to others, with cache and without, while terms come and go and the figures are read;
 * in the end the workers stop with calls under way. A plain program: exit code 0, or 1 with what was wrong.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/destination.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/api_v2.h"
#include "daemon/config.h"
#include "daemon/generation.h"
#include "daemon/routers.h"
#include "daemon/spec.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "probes/routeros/ros_wire.h"

#define WORKERS  2
#define CALLS    24 /* under way */
#define ENDS     1500
#define SESSIONS 64

/* --- a router ------------------------------------------------------------------------------------------------------
 */

struct fake {
	int listener;
	uint16_t port;
	pthread_t thread, sessions[SESSIONS];
	size_t n;
};

static void say(int s, const char *const *words)
{
	char out[512];
	size_t n = 0;

	for (; *words; words++) {
		size_t length = strlen(*words);

		out[n++] = (char)length;
		memcpy(out + n, *words, length);
		n += length;
	}
	out[n++] = 0;
	if (write(s, out, n) != (ssize_t)n)
		return;
}

static void answer(int s, const struct ros_sentence *sentence)
{
	char tag[64] = ".tag=";

	for (size_t i = 1; i < sentence->n; i++)
		if (ros_word_starts_with(sentence->words[i], ".tag=") ||
		    ros_word_starts_with(sentence->words[i], "=tag="))
			snprintf(tag, sizeof(tag), ".%.*s", (int)sentence->words[i].length - 1,
				 sentence->words[i].bytes + 1);
	if (ros_word_equals(sentence->words[0], "/stuck/print"))
		return;
	if (ros_word_starts_with(sentence->words[0], "/system"))
		say(s, (const char *[]){"!re", "=name=x", "=comment=\"y\"", tag, NULL});
	say(s, (const char *[]){"!done", tag[5] ? tag : NULL, NULL});
}

static void *serve(void *arg)
{
	int s = (int)(intptr_t)arg, at_once = 1;
	struct ros_reader reader = {0};
	struct ros_sentence sentence;
	struct err err = {0};
	char bytes[4096];
	ssize_t n;

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
	while ((n = read(s, bytes, sizeof(bytes))) > 0) {
		struct wire piece = wire_reader(bytes, (size_t)n);

		while (ros_reader_next(&reader, &piece, &sentence, &err) == ROS_READ_SENTENCE)
			answer(s, &sentence);
	}
	ros_reader_free(&reader);
	close(s);
	return NULL;
}

static void *listen_on(void *arg)
{
	struct fake *fake = arg;
	int s;

	while (fake->n < SESSIONS && (s = accept(fake->listener, NULL, NULL)) != -1)
		if (pthread_create(&fake->sessions[fake->n], NULL, serve, (void *)(intptr_t)s) == 0)
			fake->n++;
	return NULL;
}

static int open_fake(struct fake *fake)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fake->listener, (struct sockaddr *)&address, size) == -1 || listen(fake->listener, 64) == -1 ||
	    getsockname(fake->listener, (struct sockaddr *)&address, &size) == -1)
		return -1;
	fake->port = ntohs(address.sin_port);
	return pthread_create(&fake->thread, NULL, listen_on, fake);
}

/* The links are closed by then. */
static void close_fake(struct fake *fake)
{
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	for (size_t i = 0; i < fake->n; i++)
		pthread_join(fake->sessions[i], NULL);
	close(fake->listener);
}

/* --- the house -----------------------------------------------------------------------------------------------------
 */

struct house;

struct caller {
	struct house *house;
	struct api_v2_run *run;
	unsigned seed;
	int64_t patience_ns;
};

struct house {
	struct fake fake;
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct thread *web;
	struct api_v2 *api;
	struct spec_table *specs;
	struct generation *generation;
	struct destination_rules *rules;
	struct caller callers[CALLS];
	struct alarm tick;
	atomic_int held; /* terms */
	atomic_int ended, cancelled, successful, cached, faults, readings;
	atomic_bool is_ending;
};

static void hold(void *held)
{
	atomic_fetch_add((atomic_int *)held, 1);
}

static void release(void *held)
{
	atomic_fetch_sub((atomic_int *)held, 1);
}

static struct routers *hold_routers(void *context)
{
	return routers_hold(((struct house *)context)->generation->routers);
}

static void write_body(struct caller *caller, struct text *out)
{
	const unsigned kind = caller->seed % 5;

	text_add(out, "{");
	if (kind < 2)
		text_add(out, "\"router\":\"gw1\"");
	else
		text_add_format(out, "\"host\":\"127.0.0.1\",\"port\":%u,\"username\":\"u%u\",\"password\":\"p\"",
				caller->house->fake.port, kind);
	text_add_format(out, ",\"timeout\":%s,\"use_cache\":%s,\"commands\":[", caller->seed % 7 == 0 ? "0.01" : "20",
			caller->seed % 3 ? "false" : "true");
	for (int i = 0; i < 10; i++)
		text_add(out, "{\"command\":\"/system/identity/print\"},");
	text_add_format(out, "{\"command\":\"%s\"}]}", caller->seed % 7 == 0 ? "/stuck/print" : "/system/clock/print");
}

static void begin(struct caller *caller);

static void take_answer(void *arg, const struct api_v2_answer *done)
{
	struct caller *caller = arg;
	struct house *house = caller->house;

	caller->run = NULL;
	if (done->status != 200 || done->nparts != 11)
		atomic_fetch_add(&house->faults, 1);
	atomic_fetch_add(&house->successful, (int)done->nsuccessful);
	atomic_fetch_add(&house->cached, (int)done->ncached);
	atomic_fetch_add(&house->ended, 1);
	begin(caller);
}

static void begin(struct caller *caller)
{
	const struct api_v2_limits limits = {8, 100, 8};
	struct house *house = caller->house;
	const struct api_v2_terms terms = {
		.permits_other_hosts = true,
		.other_hosts = house->rules,
		.cache_ttl_ns = 5 * NS_PER_MS,
		.cache_bytes = 1 << 20,
		.max_concurrent_hosts = 4,
		.max_concurrent_commands = 4,
		.max_connections_per_host = 4,
		.timeout_ns = NS_PER_SECOND,
		.max_timeout_ns = 60 * NS_PER_SECOND,
		.connect_timeout_ns = 20 * NS_PER_SECOND,
		.idle_ns = 20 * NS_PER_MS,
		.max_rows = 100,
		.max_answer_bytes = 1 << 20,
		.held = &house->held,
		.hold = hold,
		.release = release,
	};
	struct api_v2_call *call;
	struct text body = {0};
	struct err err = {0};

	caller->seed = caller->seed * 1103515245 + 12345;
	caller->patience_ns = clock_monotonic_ns() + (int64_t)(caller->seed >> 16 & 31) * NS_PER_MS;
	write_body(caller, &body);
	call = api_v2_parse(API_V2_BATCH, body.bytes, body.length, &limits, NULL, &err);
	text_free(&body);
	if (call)
		caller->run = api_v2_start(house->api, call, &terms, take_answer, caller);
	else
		atomic_fetch_add(&house->faults, 1);
}

/* Whoever waited too long leaves. */
static void tick(void *arg)
{
	struct house *house = arg;
	int64_t now_ns = clock_monotonic_ns();

	for (size_t i = 0; i < CALLS; i++) {
		struct caller *caller = &house->callers[i];

		if (caller->run && now_ns > caller->patience_ns) {
			api_v2_cancel(caller->run);
			caller->run = NULL;
			atomic_fetch_add(&house->cancelled, 1);
		}
		if (!caller->run)
			begin(caller);
	}
	alarm_set(thread_loop(house->web), &house->tick, now_ns + 10 * NS_PER_MS);
}

/* --- all of it -----------------------------------------------------------------------------------------------------
 */

static int open_workers(struct house *house, struct err *err)
{
	static const struct label agent[] = {{"agent", "a"}};
	struct worker_plan plan = {.agent_labels = agent, .nagent_labels = 1, .boot = "b", .resolver = "127.0.0.1:9"};

	house->store = series_store_create(WORKERS, 1000);
	plan.store = house->store;
	for (unsigned i = 0; i < WORKERS; i++) {
		plan.index = i;
		house->workers[i] = worker_create(&plan, err);
		if (!house->workers[i] || worker_start(house->workers[i], err) == -1)
			return -1;
	}
	return 0;
}

static int open_routers(struct house *house, struct err *err)
{
	static char *allow[] = {(char *)(uintptr_t) "127.0.0.0/8"};
	struct text errors = {0};
	char *text =
		mem_format("agent: { name = \"a\"; };\n"
			   "probes: { r: { type = \"routeros\"; username = \"c\"; password = \"p\"; port = %u; }; };\n"
			   "targets: ( { name = \"gw1\"; address = \"127.0.0.1\"; probes = [\"r\"]; } );\n",
			   house->fake.port);
	struct config *config = config_load_string(text, "test", &errors);

	mem_free(text);
	if (!config)
		return err_set(err, "%s", text_string(&errors));
	text_free(&errors);
	house->rules = destination_rules_create(&(struct option_list){allow, 1}, &(struct option_list){0}, err);
	house->specs = spec_table_create();
	house->generation = generation_create(config, NULL, house->specs);
	return 0;
}

static int open_web(struct house *house, struct err *err)
{
	const struct thread_plan thread = {.name = "web", .mails = 4096};
	struct api_v2_plan plan = {
		.workers = house->workers, .nworkers = WORKERS, .routers = hold_routers, .context = house};

	house->web = thread_create(&thread, err);
	if (!house->web)
		return -1;
	plan.loop = thread_loop(house->web);
	plan.mailbox = thread_mailbox(house->web);
	house->api = api_v2_create(&plan);
	for (unsigned i = 0; i < CALLS; i++)
		house->callers[i] = (struct caller){.house = house, .seed = i};
	alarm_prepare(&house->tick, tick, house);
	alarm_set(plan.loop, &house->tick, clock_monotonic_ns());
	return thread_start(house->web, err);
}

/* As instance.c: the web thread stops first, with calls under way. */
static void close_house(struct house *house)
{
	thread_stop(house->web);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	alarm_cancel(thread_loop(house->web), &house->tick);
	for (size_t i = 0; i < CALLS; i++)
		if (house->callers[i].run)
			api_v2_cancel(house->callers[i].run);
	api_v2_free(house->api);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	thread_free(house->web);
	generation_free(house->generation);
	destination_rules_free(house->rules);
	spec_table_free(house->specs);
	series_store_free(house->store);
	close_fake(&house->fake);
}

static void watch(struct house *house)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	const int64_t end_ns = clock_monotonic_ns() + 120 * NS_PER_SECOND;

	while (atomic_load(&house->ended) < ENDS && clock_monotonic_ns() < end_ns) {
		struct reading *readings = mem_zero(api_v2_set.n, sizeof(*readings));

		atomic_fetch_add(&house->readings, (int)api_v2_read(house->api, readings));
		mem_free(readings);
		nanosleep(&pause, NULL);
	}
}

int main(void)
{
	struct house house = {0};
	struct err err = {0};

	signal(SIGPIPE, SIG_IGN);
	if (open_fake(&house.fake) != 0 || open_workers(&house, &err) == -1 || open_routers(&house, &err) == -1 ||
	    open_web(&house, &err) == -1) {
		fprintf(stderr, "cannot begin: %s\n", err.text);
		return EXIT_FAILURE;
	}
	watch(&house);
	close_house(&house);
	printf("%d ended, %d given up, %d commands succeeded, %d from the cache, %d figures read, %d faults, %d held\n",
	       atomic_load(&house.ended), atomic_load(&house.cancelled), atomic_load(&house.successful),
	       atomic_load(&house.cached), atomic_load(&house.readings), atomic_load(&house.faults),
	       atomic_load(&house.held));
	return atomic_load(&house.ended) >= ENDS && atomic_load(&house.cancelled) > 0 &&
			       atomic_load(&house.successful) > ENDS && atomic_load(&house.cached) > 0 &&
			       atomic_load(&house.faults) == 0 && atomic_load(&house.held) == 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}
