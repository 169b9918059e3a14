/*
 * /probe under everything at once, for ThreadSanitizer: clients that wait for their answers and clients that leave,
 * while what /probe may do is another thing every millisecond and the figures are read. A plain program: exit code 0,
 * or 1 with what was wrong.
 */
#include <arpa/inet.h>
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
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/api_probe.h"
#include "daemon/config.h"
#include "daemon/endpoint.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "exporter/server.h"
#include "probes/engine.h"

#define WORKERS 2
#define CLIENTS 4
#define ROUNDS  400

/* --- a probe type that ends its runs at once, or never ------------------------------------------------------------ */

struct tick {
	struct run *run;
	struct loop *loop;
	struct alarm alarm;
};

struct tick_settings {
	int64_t timeout_ns;
};
static const struct option options[] = {
	{"timeout", OPTION_SECONDS, offsetof(struct tick_settings, timeout_ns), 0, 60, "50", NULL, "How long"},
};
static const struct measure measures[] = {{"count_total", MEASURE_COUNTER, "Runs"}};
static const struct measure_set set = {"tick", measures, 1, NULL, "A tick"};
static const struct measure_set *const sets[] = {&set, NULL};

static void *tick_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct tick_settings *tick = settings;
	const struct turn_plan turn = {.interval_ns = tick->timeout_ns, .timeout_ns = tick->timeout_ns};
	struct tick *opened = mem_zero(1, sizeof(*opened));

	(void)err;
	probe_add_turn(probe, &turn);
	opened->loop = probe_loop(probe);
	return opened;
}

/* Asks the gatekeeper, as every type does. */
static void tick_finish(void *state)
{
	struct tick *tick = state;
	struct address address;
	const struct reading reading = reading_integer(0, 1);
	const struct row row = {&set, NULL, 0, &reading, 1};

	address_parse("10.0.0.1", &address);
	run_log(tick->run, "a tick");
	run_finish(tick->run, run_permits(tick->run, "x", &address, 80) ? REASON_OK : REASON_DENIED, &row, 1);
}

/* A run that is given up looks at its rules to the very end. */
static void look(void *arg)
{
	struct tick *tick = arg;
	struct address address;

	address_parse("10.0.0.2", &address);
	run_permits(tick->run, "x", &address, 81);
	alarm_set(tick->loop, &tick->alarm, clock_monotonic_ns());
}

static void *tick_start(struct run *run, void *opened, const void *settings)
{
	struct tick *tick = opened;

	tick->run = run;
	alarm_prepare(&tick->alarm, look, tick);
	if (((const struct tick_settings *)settings)->timeout_ns < 20 * NS_PER_SECOND)
		run_finish_later(run, tick_finish);
	else
		alarm_set(tick->loop, &tick->alarm, clock_monotonic_ns());
	return tick;
}

static void tick_deadline(void *state)
{
	run_finish(((struct tick *)state)->run, REASON_TIMEOUT, NULL, 0);
}

static void tick_stop(void *state)
{
	struct tick *tick = state;

	alarm_cancel(tick->loop, &tick->alarm);
}

static const struct probe_type tick_type = {
	.name = "tick",
	.help = "Counts",
	.options = options,
	.noptions = 1,
	.settings_size = sizeof(struct tick_settings),
	.sets = sets,
	.open = tick_open,
	.start = tick_start,
	.deadline = tick_deadline,
	.stop = tick_stop,
	.close = mem_free,
};

/* --- the house ---------------------------------------------------------------------------------------------------- */

struct house {
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct thread *web;
	struct server *server;
	struct api_probe *api;
	struct sockaddr_in address;
	pthread_mutex_t lock;
	struct endpoint *endpoint; /* under the lock */
	atomic_bool is_ending;
	atomic_int good, denied, left, looks, faults, readings;
};

static struct endpoint *hold(void *context)
{
	struct house *house = context;
	struct endpoint *endpoint;

	pthread_mutex_lock(&house->lock);
	endpoint = endpoint_hold(house->endpoint);
	pthread_mutex_unlock(&house->lock);
	return endpoint;
}

static struct endpoint *make_endpoint(unsigned version)
{
	struct tick_settings settings = {50 * NS_PER_SECOND};
	struct config_probe probe = {(char *)(uintptr_t) "tick", &tick_type, &settings};
	struct config_endpoint section = {
		.is_enabled = true,
		.max_concurrent = 1000,
		.max_per_client = 1000,
		.timeout_offset_ns = 0,
		.max_timeout_ns = 60 * NS_PER_SECOND,
		.history = version % 20,
		.history_bytes = 65536,
		.burst = 1,
	};
	const struct endpoint_plan plan = {&section, &probe, 1, NULL};
	char *deny[] = {(char[]){"10.0.0.0/8"}, (char[]){"*.example"}};
	struct modules none = {0};
	struct err err = {0};

	section.deny = (struct option_list){deny, version % 3};
	return endpoint_create(&plan, &none, &err);
}

static void handle(void *context, struct connection *connection, const struct http_request *request)
{
	struct house *house = context;

	if (strcmp(request->path, "/probe") == 0)
		api_probe_serve(house->api, connection, request);
	else
		api_probe_serve_logs(house->api, connection, request);
}

static void take_row(void *arg, const struct measure_set *row_set, const char *reason, const struct reading *readings,
		     size_t n)
{
	struct house *house = arg;

	(void)row_set, (void)reason, (void)readings;
	atomic_fetch_add(&house->readings, (int)n);
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

static int open_socket(const struct house *house)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s != -1 && connect(s, (const struct sockaddr *)&house->address, sizeof(house->address)) == 0)
		return s;
	close(s);
	return -1;
}

/* The whole reply; returns its length. */
static size_t read_all(int s, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(s, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return n;
}

static void ask(struct house *house, const char *path, unsigned seconds, bool is_waiting)
{
	const struct linger linger = {1, 0};
	char request[256], reply[65536];
	int s = open_socket(house);

	if (s == -1) {
		atomic_fetch_add(&house->faults, 1);
		return;
	}
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Prometheus-Scrape-Timeout-Seconds: %u\r\n\r\n",
		 path, seconds);
	if (write(s, request, strlen(request)) < 0)
		atomic_fetch_add(&house->faults, 1);
	if (!is_waiting) {
		setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		atomic_fetch_add(&house->left, 1);
	} else if (read_all(s, reply, sizeof(reply)) == 0) {
		atomic_fetch_add(&house->faults, 1);
	} else if (strncmp(path, "/logs", 5) == 0) {
		atomic_fetch_add(&house->looks, 1);
	} else if (strstr(reply, "\nprobe_success 1\n")) {
		atomic_fetch_add(&house->good, 1);
	} else if (strstr(reply, "\nprobe_success 0\n")) {
		atomic_fetch_add(&house->denied, 1);
	}
	close(s);
}

static void *run_client(void *arg)
{
	struct house *house = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		ask(house, "/probe?target=host.test&module=tick", 1, true);
		if (i % 4 == 0)
			ask(house, "/probe?target=host.test&module=tick", 40, false);
		if (i % 8 == 0)
			ask(house, "/logs?target=host.test", 1, true);
	}
	return NULL;
}

static void *change(void *arg)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	struct house *house = arg;

	for (unsigned version = 1; !atomic_load(&house->is_ending); version++) {
		struct endpoint *next = make_endpoint(version), *old;

		pthread_mutex_lock(&house->lock);
		old = house->endpoint;
		house->endpoint = next;
		pthread_mutex_unlock(&house->lock);
		endpoint_release(old);
		api_probe_read(house->api, take_row, house);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

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

static int open_web(struct house *house, struct err *err)
{
	const struct thread_plan thread = {.name = "web", .mails = 4096};
	static char *listen_on[] = {(char *)(uintptr_t) "127.0.0.1:0"};
	static const struct option_list listen_list = {listen_on, 1};
	struct server_plan plan = {
		.listen = &listen_list,
		.max_connections = 1000,
		.request_timeout_ns = 60 * NS_PER_SECOND,
		.reply_timeout_ns = 60 * NS_PER_SECOND,
		.idle_timeout_ns = 60 * NS_PER_SECOND,
		.handle = handle,
		.context = house,
	};
	struct api_probe_plan probe = {
		.workers = house->workers, .nworkers = WORKERS, .endpoint = hold, .context = house};

	house->web = thread_create(&thread, err);
	if (!house->web)
		return -1;
	plan.loop = thread_loop(house->web);
	probe.mailbox = thread_mailbox(house->web);
	house->api = api_probe_create(&probe);
	house->server = server_create(&plan, err);
	if (!house->server)
		return -1;
	house->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(server_listener(house->server, 0), ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	return thread_start(house->web, err);
}

static void close_house(struct house *house)
{
	thread_stop(house->web);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	server_free(house->server);
	api_probe_free(house->api);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	thread_free(house->web);
	endpoint_release(house->endpoint);
	series_store_free(house->store);
	pthread_mutex_destroy(&house->lock);
}

static int run(struct house *house, struct err *err)
{
	pthread_t clients[CLIENTS], changer;

	if (pthread_create(&changer, NULL, change, house) != 0)
		return err_set(err, "no thread");
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (pthread_create(&clients[i], NULL, run_client, house) != 0)
			return err_set(err, "no thread");
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	atomic_store(&house->is_ending, true);
	pthread_join(changer, NULL);
	return 0;
}

int main(void)
{
	struct house house = {.endpoint = make_endpoint(0)};
	struct err err = {0};
	int good, denied;

	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&house.lock, NULL);
	if (open_workers(&house, &err) == -1 || open_web(&house, &err) == -1 || run(&house, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	close_house(&house);
	good = atomic_load(&house.good);
	denied = atomic_load(&house.denied);
	printf("%d good, %d denied, %d left, %d figures read, %d faults\n", good, denied, atomic_load(&house.left),
	       atomic_load(&house.readings), atomic_load(&house.faults));
	return good > 0 && denied > 0 && good + denied == CLIENTS * ROUNDS && atomic_load(&house.looks) > 0 &&
			       atomic_load(&house.faults) == 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}
