#include "exporter/server.h"

#include <errno.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/address.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "exporter/clients.h"
#include "exporter/connection.h"
#include "exporter/listen_socket.h"

/* How long accepting pauses when the process has no descriptor left: the connection stays in the kernel's queue, and
 * trying at once again would only burn the CPU. */
#define ACCEPT_PAUSE_NS  (100 * NS_PER_MS)
#define HANDSHAKE_LOG_NS (60 * NS_PER_SECOND)
/* After so many connections the others get a turn of the loop. libevent accepts as long as somebody comes, and what was
 * evicted keeps its descriptor and its memory until the turn is over. */
#define ACCEPT_BATCH 64

struct listener {
	struct evconnlistener *events;
	char address[ADDRESS_TEXT_SIZE + 8];
};

struct server {
	struct server_plan plan;
	struct connection_owner owner;
	struct connection *connections; /* the newest first */
	struct clients *clients;
	struct alarm resume;
	unsigned accepted; /* since accepting paused last */
	struct log_fault accept_fault;
	struct text refusal;
	struct server_counts counts;
	int64_t told_ns; /* when a failed handshake was logged last */
	uint64_t untold; /* how many have failed since */
	size_t nlisteners;
	struct listener listeners[];
};

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static uint64_t figure(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

/* One line a minute, whatever strangers do. */
static void note_handshake(void *context, const struct address *peer, const char *why)
{
	struct server *server = context;
	char text[ADDRESS_TEXT_SIZE];
	int64_t now_ns = clock_monotonic_ns();
	server->untold++;
	if (server->told_ns != 0 && now_ns - server->told_ns < HANDSHAKE_LOG_NS)
		return;
	log_event(LOG_LEVEL_WARN, "web", address_format(peer, text),
		  "TLS handshake failed: %s (%" PRIu64 " since the last such line)", why, server->untold);
	server->told_ns = now_ns;
	server->untold = 0;
}

static void forget_connection(void *context, struct connection *connection)
{
	struct server *server = context;
	struct connection_links *links = connection_links(connection);
	*links->link = links->next;
	if (links->next)
		connection_links(links->next)->link = links->link;
	clients_leave(server->clients, links->client);
	atomic_fetch_sub_explicit(&server->counts.open, 1, memory_order_relaxed);
}

/* --- room -------------------------------------------------------------------------------------------------------- */

/* Of those that wait for their client, the oldest of the client that has the most connections. */
static struct connection *find_idle(const struct server *server)
{
	struct connection *found = NULL;
	size_t most = 0;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next) {
		const struct client *client = connection_links(each)->client;
		if (!connection_is_idle(each) || client->connections < most)
			continue;
		most = client->connections;
		found = each;
	}
	return found;
}

static struct connection *find_slowest(const struct server *server, bool is_heavy)
{
	int64_t now_ns = clock_monotonic_ns(), least = INT64_MAX;
	struct connection *found = NULL;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next) {
		int64_t speed = connection_speed(each, now_ns);
		if (speed >= least || (is_heavy && !connection_is_heavy(each)))
			continue;
		least = speed;
		found = each;
	}
	return found;
}

/* Returns false if there is nothing to evict. */
static bool evict(struct server *server, struct connection *victim)
{
	if (!victim)
		return false;
	count(&server->counts.evicted, 1);
	connection_close(victim);
	return true;
}

static bool make_room(struct server *server)
{
	return figure(&server->counts.open) < server->plan.max_connections || evict(server, find_idle(server)) ||
	       evict(server, find_slowest(server, false));
}

/* How many heavy replies there are, and how many of each client. */
static size_t count_heavy(const struct server *server)
{
	size_t n = 0;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next)
		connection_links(each)->client->heavy = 0;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next) {
		if (!connection_is_heavy(each))
			continue;
		connection_links(each)->client->heavy++;
		n++;
	}
	return n;
}

/* The oldest heavy reply of a client that has more of them than is fair beside another one. */
static struct connection *find_greedy(const struct server *server, const struct client *beside)
{
	struct connection *found = NULL;
	size_t most = beside->heavy + 2;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next) {
		if (!connection_is_heavy(each) || connection_links(each)->client->heavy < most)
			continue;
		most = connection_links(each)->client->heavy;
		found = each;
	}
	return found;
}

static bool claim(void *context, struct connection *connection)
{
	struct server *server = context;
	return count_heavy(server) < SERVER_HEAVY_MAX ||
	       evict(server, find_greedy(server, connection_links(connection)->client)) ||
	       evict(server, find_slowest(server, true));
}

/* The oldest part of a body that waits for its rest, of the client with the most bytes of such. */
static struct connection *find_hoarder(const struct server *server)
{
	struct connection *found = NULL;
	size_t most = 0;
	for (struct connection *each = server->connections; each; each = connection_links(each)->next) {
		const struct client *client = connection_links(each)->client;
		if (!connection_has_part(each) || client->body_bytes < most)
			continue;
		most = client->body_bytes;
		found = each;
	}
	return found;
}

/* Who has most already gets no more; everybody else does. */
static bool make_body_room(struct server *server, const struct client *client, size_t n)
{
	while (figure(&server->counts.body_bytes) + n > SERVER_BODIES_MAX) {
		struct connection *hoarder = find_hoarder(server);
		if (!hoarder || connection_links(hoarder)->client == client)
			return false;
		evict(server, hoarder);
	}
	return true;
}

static bool reserve(void *context, struct connection *connection, size_t n)
{
	struct server *server = context;
	struct client *client = connection_links(connection)->client;
	if (!make_body_room(server, client, n))
		return false;
	client->body_bytes += n;
	count(&server->counts.body_bytes, n);
	return true;
}

static void release(void *context, struct connection *connection, size_t n)
{
	struct server *server = context;
	connection_links(connection)->client->body_bytes -= n;
	count(&server->counts.body_bytes, UINT64_MAX - n + 1);
}

/* --- accepting --------------------------------------------------------------------------------------------------- */

static void refuse_connection(struct server *server, int descriptor)
{
	const struct server_guard *guard = server->plan.guard;
	bool is_plain = !guard || !guard->tls(guard->context);
	count(&server->counts.refused, 1);
	if (is_plain)
		listen_socket_tell(descriptor, server->refusal.bytes, server->refusal.length);
	close(descriptor);
}

static void add_connection(struct server *server, struct connection *connection)
{
	struct connection_links *links = connection_links(connection);
	links->next = server->connections;
	links->link = &server->connections;
	links->client = clients_enter(server->clients, connection_peer(connection));
	if (server->connections)
		connection_links(server->connections)->link = &links->next;
	server->connections = connection;
	count(&server->counts.open, 1);
}

static void set_accepting(struct server *server, bool is_accepting)
{
	for (size_t i = 0; i < server->nlisteners; i++) {
		if (is_accepting)
			evconnlistener_enable(server->listeners[i].events);
		else
			evconnlistener_disable(server->listeners[i].events);
	}
}

static void resume_accepting(void *arg)
{
	((struct server *)arg)->accepted = 0;
	set_accepting(arg, true);
}

static void pause_accepting(struct server *server, int64_t pause_ns)
{
	set_accepting(server, false);
	alarm_set(server->plan.loop, &server->resume, clock_monotonic_ns() + pause_ns);
}

static void accept_connection(struct evconnlistener *events, int descriptor, struct sockaddr *from, int length,
			      void *arg)
{
	struct server *server = arg;
	struct address peer;
	(void)events;
	log_fault_end(&server->accept_fault, "web", NULL);
	count(&server->counts.accepted, 1);
	if (++server->accepted == ACCEPT_BATCH)
		pause_accepting(server, 0);
	if (!make_room(server)) {
		refuse_connection(server, descriptor);
		return;
	}
	if (!address_from_sockaddr(from, (socklen_t)length, &peer))
		memset(&peer, 0, sizeof(peer));
	struct connection *connection = connection_open(&server->owner, descriptor, &peer);
	if (connection)
		add_connection(server, connection);
}

static void on_accept_error(struct evconnlistener *events, void *arg)
{
	struct server *server = arg;
	(void)events;
	log_fault_begin(&server->accept_fault, "web", NULL, "accept: %s", strerror(errno));
	pause_accepting(server, ACCEPT_PAUSE_NS);
}

static int parse_listen(const char *text, struct address *address, struct err *err)
{
	char host[ADDRESS_TEXT_SIZE];
	uint16_t port;
	if (address_split_host_port(text, host, sizeof(host), &port, SERVER_PORT_DEFAULT) != 0 ||
	    !address_parse(host, address))
		return err_set(err, "must be an IP address and a port, such as 0.0.0.0:%d or [::]:%d",
			       SERVER_PORT_DEFAULT, SERVER_PORT_DEFAULT);
	address->port = port;
	return 0;
}

static int open_listener(struct server *server, const char *text, struct err *err)
{
	struct listener *listener = &server->listeners[server->nlisteners];
	struct address address;
	char host[ADDRESS_TEXT_SIZE];
	if (parse_listen(text, &address, err) != 0)
		return -1;
	int descriptor = listen_socket_open(&address, err);
	if (descriptor < 0)
		return -1;
	if (listen_socket_address(descriptor, &address, err) != 0) {
		close(descriptor);
		return -1;
	}
	listener->events = evconnlistener_new(loop_base(server->plan.loop), accept_connection, server,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, descriptor);
	if (!listener->events) {
		close(descriptor);
		return err_set(err, "the event loop takes no listener");
	}
	evconnlistener_set_error_cb(listener->events, on_accept_error);
	address_format(&address, host);
	snprintf(listener->address, sizeof(listener->address), address.family == ADDRESS_IPV6 ? "[%s]:%u" : "%s:%u",
		 host, address.port);
	server->nlisteners++;
	return 0;
}

static void prepare_refusal(struct server *server)
{
	const char *body = "too many connections\n";
	http_write_head(&server->refusal, &(struct http_reply){503, "text/plain; charset=utf-8", "Retry-After: 1\r\n"},
			&(struct http_message){.framing = HTTP_LENGTH,
					       .length = strlen(body),
					       .minor = 1,
					       .date_seconds = clock_realtime_ns() / NS_PER_SECOND});
	text_add(&server->refusal, body);
}

struct server *server_create(const struct server_plan *plan, struct err *err)
{
	struct server *server = mem_zero(1, sizeof(*server) + plan->listen->n * sizeof(server->listeners[0]));
	server->plan = *plan;
	server->owner = (struct connection_owner){.plan = &server->plan,
						  .context = server,
						  .counts = &server->counts,
						  .claim = claim,
						  .reserve = reserve,
						  .release = release,
						  .note_handshake = note_handshake,
						  .closed = forget_connection};
	server->clients = clients_create(plan->max_connections);
	alarm_prepare(&server->resume, resume_accepting, server);
	prepare_refusal(server);
	for (size_t i = 0; i < plan->listen->n; i++) {
		if (open_listener(server, plan->listen->items[i], err) != 0) {
			err_prefix(err, "%s", plan->listen->items[i]);
			server_free(server);
			return NULL;
		}
	}
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->nlisteners; i++)
		evconnlistener_free(server->listeners[i].events);
	while (server->connections)
		connection_close(server->connections);
	alarm_cancel(server->plan.loop, &server->resume);
	text_free(&server->refusal);
	clients_free(server->clients);
	mem_free(server);
}

void server_set_guard(struct server *server, const struct server_guard *guard)
{
	server->plan.guard = guard;
}

const char *server_listener(const struct server *server, size_t i)
{
	return i < server->nlisteners ? server->listeners[i].address : NULL;
}

void server_read(const struct server *server, struct server_figures *out)
{
	const struct server_counts *counts = &server->counts;
	*out = (struct server_figures){.requests = figure(&counts->requests),
				       .connections_total = figure(&counts->accepted),
				       .refused = figure(&counts->refused),
				       .evicted = figure(&counts->evicted),
				       .handshakes_failed = figure(&counts->handshakes_failed),
				       .timeouts = figure(&counts->timeouts),
				       .sent_bytes = figure(&counts->sent_bytes),
				       .connections = figure(&counts->open),
				       .body_bytes = figure(&counts->body_bytes)};
}
