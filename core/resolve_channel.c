#include "core/resolve_channel.h"

#include <arpa/nameser.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"

/* Shorter and a distant recursive server would have no chance to ask others. */
#define TIMEOUT_MIN_MS 300

/* A socket of c-ares, watched. */
struct channel_socket {
	struct channel_socket *next;
	struct resolve_channel *channel;
	ares_socket_t descriptor;
	struct watch *watch;
};

struct resolve_channel {
	struct loop *loop;
	ares_channel ares;
	struct alarm alarm; /* when c-ares wants to look for timeouts */
	struct channel_socket *sockets;
};

/* c-ares has been called: sets the alarm to when it wants to be called again. */
static void set_alarm(struct resolve_channel *channel)
{
	struct timeval left;
	if (!ares_timeout(channel->ares, NULL, &left)) {
		alarm_cancel(channel->loop, &channel->alarm);
		return;
	}
	int64_t left_ns = (int64_t)left.tv_sec * NS_PER_SECOND + (int64_t)left.tv_usec * NS_PER_US;
	alarm_set(channel->loop, &channel->alarm, clock_monotonic_ns() + left_ns);
}

static void check_timeouts(void *arg)
{
	struct resolve_channel *channel = arg;
	ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_alarm(channel);
}

static void socket_ready(void *arg, unsigned events)
{
	/* The socket may be gone when c-ares returns, the channel not. */
	const struct channel_socket *ready = arg;
	struct resolve_channel *channel = ready->channel;
	ares_socket_t descriptor = ready->descriptor;
	ares_process_fd(channel->ares, events & WATCH_READ ? descriptor : ARES_SOCKET_BAD,
			events & WATCH_WRITE ? descriptor : ARES_SOCKET_BAD);
	set_alarm(channel);
}

/* c-ares tells what it wants of a socket; neither = it is about to close it. */
static void socket_changed(void *arg, ares_socket_t descriptor, int is_readable_wanted, int is_writable_wanted)
{
	struct resolve_channel *channel = arg;
	struct channel_socket **link = &channel->sockets;
	while (*link && (*link)->descriptor != descriptor)
		link = &(*link)->next;
	struct channel_socket *found = *link;
	unsigned events = (is_readable_wanted ? WATCH_READ : 0u) | (is_writable_wanted ? WATCH_WRITE : 0u);
	if (events && !found) {
		found = mem_zero(1, sizeof *found);
		found->channel = channel;
		found->descriptor = descriptor;
		found->watch = watch_create(channel->loop, descriptor, socket_ready, found);
		found->next = channel->sockets;
		channel->sockets = found;
	}
	if (events) {
		watch_set(found->watch, events);
	} else if (found) {
		*link = found->next;
		watch_free(found->watch);
		mem_free(found);
	}
}

/* With one server its SERVFAIL or REFUSED is the answer, and c-ares then says which it was; with several, c-ares goes
 * on to the next one. Each round through the servers takes twice as long as the one before. */
static int open_ares(struct resolve_channel *channel, const struct resolve_places *places, int nservers, int budget_ms)
{
	int rounds = (1 << RESOLVE_TRIES) - 1;
	struct ares_options options = {
		.flags = nservers == 1 ? ARES_FLAG_NOCHECKRESP : 0,
		.timeout = budget_ms / (rounds * (nservers > 0 ? nservers : 1)),
		.tries = RESOLVE_TRIES,
		.lookups = places->hosts_only ? (char[]){"f"} : (char[]){"b"},
		.sock_state_cb = socket_changed,
		.sock_state_cb_data = channel,
	};
	if (options.timeout < TIMEOUT_MIN_MS)
		options.timeout = TIMEOUT_MIN_MS;
	return ares_init_options(&channel->ares, &options,
				 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
					 ARES_OPT_SOCK_STATE_CB);
}

static int count_servers(const struct ares_addr_port_node *server)
{
	int n = 0;
	for (; server; server = server->next)
		n++;
	return n;
}

/* The number of servers in resolv.conf as c-ares reads it. */
static int count_system_servers(ares_channel ares)
{
	struct ares_addr_port_node *servers = NULL;
	if (ares_get_servers_ports(ares, &servers) != ARES_SUCCESS)
		return 1;
	int n = count_servers(servers);
	ares_free_data(servers);
	return n;
}

static int open_for_servers(struct resolve_channel *channel, const struct resolve_places *places, int budget_ms)
{
	int nservers = places->servers ? count_servers(places->servers) : 1;
	int status = open_ares(channel, places, nservers, budget_ms);
	if (status != ARES_SUCCESS)
		return status;
	if (places->servers)
		return ares_set_servers_ports(channel->ares, places->servers);
	/* How many there are is known only now, and options cannot be changed afterwards. */
	nservers = count_system_servers(channel->ares);
	if (nservers == 1)
		return ARES_SUCCESS;
	ares_destroy(channel->ares);
	channel->ares = NULL;
	return open_ares(channel, places, nservers, budget_ms);
}

struct resolve_channel *resolve_channel_create(struct loop *loop, const struct resolve_places *places, int budget_ms,
					       struct err *err)
{
	struct resolve_channel *channel = mem_zero(1, sizeof *channel);
	channel->loop = loop;
	alarm_prepare(&channel->alarm, check_timeouts, channel);
	int status = open_for_servers(channel, places, budget_ms);
	if (status != ARES_SUCCESS) {
		err_set(err, "cannot start the resolver: %s", ares_strerror(status));
		resolve_channel_free(channel);
		return NULL;
	}
	return channel;
}

void resolve_channel_free(struct resolve_channel *channel)
{
	if (!channel)
		return;
	if (channel->ares)
		ares_destroy(channel->ares);
	alarm_cancel(channel->loop, &channel->alarm);
	mem_free(channel);
}

void resolve_channel_ask(struct resolve_channel *channel, const char *name, int family, ares_addrinfo_callback answered,
			 void *arg)
{
	/* Unsorted: sorting opens a socket for each address to find out how it would be routed. */
	const struct ares_addrinfo_hints hints = {.ai_family = family, .ai_flags = ARES_AI_NOSORT};
	ares_getaddrinfo(channel->ares, name, NULL, &hints, answered, arg);
	set_alarm(channel);
}

void resolve_channel_ask_pointer(struct resolve_channel *channel, const char *name, ares_callback answered, void *arg)
{
	ares_query(channel->ares, name, ns_c_in, ns_t_ptr, answered, arg);
	set_alarm(channel);
}

void resolve_channel_ask_host(struct resolve_channel *channel, const struct address *address,
			      ares_host_callback answered, void *arg)
{
	const struct address_family_facts *facts = &address_families[address->family - 1];
	ares_gethostbyaddr(channel->ares, address->bytes, (int)facts->size, facts->af, answered, arg);
}
