#include "core/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve_channel.h"
#include "core/reverse_wire.h"

#define RESOLV_CONF          "/etc/resolv.conf"
#define RESOLV_CONF_CHECK_NS (10 * NS_PER_SECOND)
#define DEADLINE_NS          (5 * NS_PER_SECOND)
#define BUDGET_MS            4900 /* for c-ares, so that it says first what went wrong */
#define SERVERS_MAX          16
#define SERVERS_TEXT_MAX     1024
/* Names begun in one go: each costs a look into the hosts file. */
#define LAUNCH_BATCH 64

/* The servers of one reading of resolv.conf. Lives until its last question is answered. */
struct source {
	SLIST_ENTRY(source) older;
	struct resolve_channel *channel;
	size_t questions; /* in c-ares now */
};

struct resolver {
	struct loop *loop;
	struct ares_addr_port_node *servers; /* owned; NULL = resolv.conf */
	size_t nservers;
	struct resolve_channel *hosts;
	SLIST_HEAD(, source) sources; /* the first one is the present one */
	TAILQ_HEAD(resolution_list, resolution) waiting;
	struct resolution_list started; /* in c-ares, or with an answer that is about to be told */
	size_t running;                 /* those in c-ares */
	struct deferred launch;
	struct deferred sweep;
	int64_t checked_ns; /* when resolv.conf was looked at */
	struct stat resolv_conf;
	bool is_closing;
};

/* One family of one name. */
struct question {
	struct resolution *resolution;
	struct source *source;
	int status; /* of c-ares; ARES_ETIMEOUT until it answers */
	int64_t ttl_seconds;
	size_t n;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
};

struct resolution {
	TAILQ_ENTRY(resolution) place;
	struct resolver *resolver;
	char *name;
	enum address_family family;
	void (*done)(void *arg, const struct resolve_answer *answer);
	void (*named)(void *arg, const struct resolve_name_answer *answer); /* instead of done: asks for a name */
	void *arg;
	struct address address; /* whose name is asked for */
	char *found;            /* that name */
	struct alarm deadline;
	struct deferred finish;
	struct question *questions; /* by family - 1; NULL while waiting */
	unsigned unanswered;        /* questions that c-ares has */
	bool is_over;               /* told or cancelled: only c-ares still refers to it */
};

/* --- resolutions ---------------------------------------------------------------------------------------------------
 */

static void free_resolution(struct resolution *resolution)
{
	struct resolver *resolver = resolution->resolver;
	alarm_cancel(resolver->loop, &resolution->deadline);
	loop_defer_cancel(resolver->loop, &resolution->finish);
	TAILQ_REMOVE(resolution->questions ? &resolver->started : &resolver->waiting, resolution, place);
	mem_free(resolution->questions);
	mem_free(resolution->name);
	mem_free(resolution->found);
	mem_free(resolution);
}

/* Frees the resolution, or leaves it to the last answer of c-ares, which cannot be told to forget a single question. */
static void end_resolution(struct resolution *resolution)
{
	struct resolver *resolver = resolution->resolver;
	if (!resolution->unanswered) {
		free_resolution(resolution);
		return;
	}
	resolution->is_over = true;
	alarm_cancel(resolver->loop, &resolution->deadline);
	loop_defer_cancel(resolver->loop, &resolution->finish);
}

static bool is_wanted(const struct resolution *resolution, size_t index)
{
	return resolution->family == ADDRESS_NONE || (size_t)resolution->family == index + 1;
}

static bool holds_address(const struct question *question, const struct address *address)
{
	for (size_t i = 0; i < question->n; i++) {
		if (address_equal(&question->addresses[i], address))
			return true;
	}
	return false;
}

/* Takes the addresses of one family out of an answer. */
static void take_addresses(struct question *question, size_t index, const struct ares_addrinfo *info)
{
	int64_t ttl = RESOLVE_TTL_MAX_SECONDS;
	for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next)
		ttl = cname->ttl < ttl ? cname->ttl : ttl;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		struct address address;
		if (question->n == RESOLVE_ADDRESSES_MAX)
			break;
		if (!address_from_sockaddr(node->ai_addr, (socklen_t)node->ai_addrlen, &address))
			continue;
		address.port = 0;
		if (address.family != index + 1 || holds_address(question, &address))
			continue;
		question->addresses[question->n++] = address;
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
	}
	question->ttl_seconds = ttl > RESOLVE_TTL_MIN_SECONDS ? ttl : RESOLVE_TTL_MIN_SECONDS;
	question->status = question->n ? ARES_SUCCESS : ARES_ENODATA;
}

/* --- the answer ----------------------------------------------------------------------------------------------------
 */

/* Does the status say for certain that there is nothing of that family? */
static bool is_final(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

static const char *describe(int status, enum address_family family)
{
	switch (status) {
	case ARES_ENODATA:
		return family == ADDRESS_NONE ? "no address" : "no address of that family";
	case ARES_ENOTFOUND:
		return "no such name";
	case ARES_EBADNAME:
		return "not a valid name";
	case ARES_ESERVFAIL:
		return "server failure";
	case ARES_EREFUSED:
		return "refused";
	case ARES_ENOTIMP:
		return "not implemented by the server";
	case ARES_EFORMERR:
	case ARES_EBADRESP:
		return "malformed answer";
	case ARES_ECONNREFUSED:
		return "no server answers";
	case ARES_ETIMEOUT:
		return "timeout";
	default:
		return ares_strerror(status);
	}
}

/* Which of two failures tells more: that the name does not exist settles it; that one family has none does not. */
static int clearer_status(int a, int b)
{
	if (a == ARES_ENOTFOUND || b == ARES_ENODATA)
		return a;
	if (b == ARES_ENOTFOUND || a == ARES_ENODATA)
		return b;
	return a;
}

/* How many addresses of each family go into the answer: all, or a fair share when both have many. */
static void share_places(const struct question *questions, size_t shares[ADDRESS_FAMILIES])
{
	const size_t half = RESOLVE_ADDRESSES_MAX / ADDRESS_FAMILIES;
	for (size_t i = 0; i < ADDRESS_FAMILIES; i++) {
		size_t other = questions[1 - i].n < half ? questions[1 - i].n : half;
		size_t most = RESOLVE_ADDRESSES_MAX - other;
		shares[i] = questions[i].n < most ? questions[i].n : most;
	}
}

/* Puts the questions' results together; addresses has room for RESOLVE_ADDRESSES_MAX. */
static struct resolve_answer make_answer(const struct resolution *resolution, struct address *addresses)
{
	struct resolve_answer answer = {.addresses = addresses};
	int64_t ttl = RESOLVE_TTL_MAX_SECONDS;
	int status = ARES_ENODATA;
	size_t shares[ADDRESS_FAMILIES];
	share_places(resolution->questions, shares);
	for (size_t i = 0; i < ADDRESS_FAMILIES; i++) {
		const struct question *question = &resolution->questions[i];
		if (!is_wanted(resolution, i))
			continue;
		memcpy(addresses + answer.n, question->addresses, shares[i] * sizeof *addresses);
		answer.n += shares[i];
		int64_t limit = is_final(question->status) ? RESOLVE_TTL_MAX_SECONDS : RESOLVE_TTL_PARTIAL_SECONDS;
		if (question->n)
			limit = question->ttl_seconds;
		ttl = limit < ttl ? limit : ttl;
		if (question->status != ARES_SUCCESS)
			status = clearer_status(question->status, status);
	}
	answer.expires_ns = clock_monotonic_ns() + (answer.n ? ttl * NS_PER_SECOND : 0);
	answer.error = answer.n ? NULL : describe(status, resolution->family);
	return answer;
}

static void tell_name(struct resolution *resolution)
{
	const struct question *question = &resolution->questions[0];
	void (*named)(void *, const struct resolve_name_answer *) = resolution->named;
	void *named_arg = resolution->arg;
	char *found = resolution->found;
	int64_t ttl = found ? question->ttl_seconds : 0;
	struct resolve_name_answer answer = {
		.name = found,
		.expires_ns = clock_monotonic_ns() + ttl * NS_PER_SECOND,
		.error = found ? NULL : describe(question->status, ADDRESS_NONE),
		.is_final = is_final(question->status),
	};
	resolution->found = NULL;
	end_resolution(resolution);
	named(named_arg, &answer);
	mem_free(found);
}

/* On a fresh stack: tells the answer. The caller may do anything in done, even free the resolver. */
static void finish_resolution(void *arg)
{
	struct resolution *resolution = arg;
	if (resolution->named) {
		tell_name(resolution);
		return;
	}
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	struct resolve_answer answer = make_answer(resolution, addresses);
	void (*done)(void *, const struct resolve_answer *) = resolution->done;
	void *done_arg = resolution->arg;
	end_resolution(resolution);
	done(done_arg, &answer);
}

/* --- questions -----------------------------------------------------------------------------------------------------
 */

static void hosts_answered(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	(void)timeouts;
	struct resolution *resolution = arg;
	if (status == ARES_SUCCESS && info) {
		for (size_t i = 0; i < ADDRESS_FAMILIES; i++) {
			if (is_wanted(resolution, i))
				take_addresses(&resolution->questions[i], i, info);
		}
	}
	ares_freeaddrinfo(info);
}

static void host_answered(void *arg, int status, int timeouts, struct hostent *host)
{
	(void)timeouts;
	struct resolution *resolution = arg;
	char shown[RESOLVE_NAME_MAX + 1];
	if (status == ARES_SUCCESS && host && host->h_name && reverse_wire_show(host->h_name, shown))
		resolution->found = mem_copy_string(shown);
}

/* An address in the hosts file: true, and its name is there. */
static bool name_locally(struct resolution *resolution)
{
	resolve_channel_ask_host(resolution->resolver->hosts, &resolution->address, host_answered, resolution);
	resolution->questions[0].ttl_seconds = RESOLVE_TTL_HOSTS_SECONDS;
	resolution->questions[0].status = resolution->found ? ARES_SUCCESS : ARES_ENOTFOUND;
	return resolution->found != NULL;
}

/* A literal, or a name in the hosts file: true, and the answer is there. */
static bool answer_locally(struct resolution *resolution)
{
	if (resolution->named)
		return name_locally(resolution);
	struct question *questions = resolution->questions;
	struct address literal;
	int64_t ttl = RESOLVE_TTL_HOSTS_SECONDS;
	bool is_literal = address_parse(resolution->name, &literal);
	if (is_literal) {
		ttl = RESOLVE_TTL_MAX_SECONDS;
		for (size_t i = 0; i < ADDRESS_FAMILIES; i++)
			questions[i].status = ARES_ENODATA;
		questions[literal.family - 1].addresses[0] = literal;
		questions[literal.family - 1].n = is_wanted(resolution, literal.family - 1u);
	} else {
		int family = resolution->family ? address_families[resolution->family - 1].af : AF_UNSPEC;
		resolve_channel_ask(resolution->resolver->hosts, resolution->name, family, hosts_answered, resolution);
	}
	questions[0].ttl_seconds = ttl;
	questions[1].ttl_seconds = ttl;
	return is_literal || questions[0].n || questions[1].n;
}

/* c-ares has answered the question; what it said is kept. */
static void end_question(struct question *question)
{
	struct resolution *resolution = question->resolution;
	struct resolver *resolver = resolution->resolver;
	resolution->unanswered--;
	if (resolver->is_closing)
		return;
	if (!--question->source->questions && question->source != SLIST_FIRST(&resolver->sources))
		loop_defer(resolver->loop, &resolver->sweep);
	if (resolution->unanswered)
		return;
	resolver->running--;
	if (!TAILQ_EMPTY(&resolver->waiting))
		loop_defer(resolver->loop, &resolver->launch);
	if (resolution->is_over)
		free_resolution(resolution);
	else
		loop_defer(resolver->loop, &resolution->finish);
}

static void question_answered(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	(void)timeouts;
	struct question *question = arg;
	question->status = status;
	if (status == ARES_SUCCESS && info)
		take_addresses(question, (size_t)(question - question->resolution->questions), info);
	ares_freeaddrinfo(info);
	end_question(question);
}

static void pointer_answered(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	(void)timeouts;
	struct question *question = arg;
	struct reverse_wire_answer answer;
	question->status = status;
	if (status == ARES_SUCCESS && !reverse_wire_read(bytes, (size_t)n, &answer))
		question->status = ARES_ENODATA;
	if (question->status == ARES_SUCCESS) {
		int64_t ttl =
			answer.ttl_seconds < RESOLVE_TTL_MAX_SECONDS ? answer.ttl_seconds : RESOLVE_TTL_MAX_SECONDS;
		question->ttl_seconds = ttl > RESOLVE_TTL_MIN_SECONDS ? ttl : RESOLVE_TTL_MIN_SECONDS;
		question->resolution->found = mem_copy_string(answer.name);
	}
	end_question(question);
}

static void prepare_question(struct question *question, struct resolution *resolution)
{
	struct source *source = SLIST_FIRST(&resolution->resolver->sources);
	question->resolution = resolution;
	question->source = source;
	question->status = ARES_ETIMEOUT;
	source->questions++;
}

static void ask_for_name(struct resolution *resolution)
{
	struct question *question = &resolution->questions[0];
	resolution->unanswered = 1;
	prepare_question(question, resolution);
	resolve_channel_ask_pointer(question->source->channel, resolution->name, pointer_answered, question);
}

static void ask_servers(struct resolution *resolution)
{
	struct resolver *resolver = resolution->resolver;
	resolver->running++;
	alarm_set(resolver->loop, &resolution->deadline, clock_monotonic_ns() + DEADLINE_NS);
	if (resolution->named) {
		ask_for_name(resolution);
		return;
	}
	resolution->unanswered = resolution->family == ADDRESS_NONE ? ADDRESS_FAMILIES : 1;
	for (size_t i = 0; i < ADDRESS_FAMILIES; i++) {
		struct question *question = &resolution->questions[i];
		if (!is_wanted(resolution, i))
			continue;
		prepare_question(question, resolution);
		resolve_channel_ask(question->source->channel, resolution->name, address_families[i].af,
				    question_answered, question);
	}
}

/* --- servers -------------------------------------------------------------------------------------------------------
 */

static int add_source(struct resolver *resolver, struct err *err)
{
	const struct resolve_places places = {.servers = resolver->servers};
	struct resolve_channel *channel = resolve_channel_create(resolver->loop, &places, BUDGET_MS, err);
	if (!channel)
		return -1;
	struct source *source = mem_zero(1, sizeof *source);
	source->channel = channel;
	SLIST_INSERT_HEAD(&resolver->sources, source, older);
	return 0;
}

/* Frees the old sources that nobody waits for. */
static void sweep_sources(void *arg)
{
	struct resolver *resolver = arg;
	struct source *present = SLIST_FIRST(&resolver->sources);
	struct source *source = SLIST_NEXT(present, older);
	while (source) {
		struct source *older = SLIST_NEXT(source, older);
		if (!source->questions) {
			SLIST_REMOVE(&resolver->sources, source, source, older);
			resolve_channel_free(source->channel);
			mem_free(source);
		}
		source = older;
	}
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void check_resolv_conf(struct resolver *resolver)
{
	int64_t now_ns = clock_monotonic_ns();
	if (resolver->servers || now_ns - resolver->checked_ns < RESOLV_CONF_CHECK_NS)
		return;
	resolver->checked_ns = now_ns;
	struct stat found;
	/* While it is being replaced it may be missing for a moment; that is no reason to forget the servers. */
	if (stat(RESOLV_CONF, &found) || is_same_file(&found, &resolver->resolv_conf))
		return;
	struct err err = {0};
	if (add_source(resolver, &err)) {
		log_event(LOG_LEVEL_WARN, "resolve", NULL, "%s changed: %s", RESOLV_CONF, err.text);
		return;
	}
	resolver->resolv_conf = found;
	loop_defer(resolver->loop, &resolver->sweep);
	log_event(LOG_LEVEL_INFO, "resolve", NULL, "%s changed: read again", RESOLV_CONF);
}

/* Starts those whose turn it is. */
static void launch_waiting(void *arg)
{
	struct resolver *resolver = arg;
	check_resolv_conf(resolver);
	for (int i = 0; i < LAUNCH_BATCH && resolver->running < RESOLVE_PARALLEL_MAX; i++) {
		struct resolution *resolution = TAILQ_FIRST(&resolver->waiting);
		if (!resolution)
			return;
		TAILQ_REMOVE(&resolver->waiting, resolution, place);
		TAILQ_INSERT_TAIL(&resolver->started, resolution, place);
		resolution->questions = mem_zero(ADDRESS_FAMILIES, sizeof *resolution->questions);
		if (answer_locally(resolution))
			loop_defer(resolver->loop, &resolution->finish);
		else
			ask_servers(resolution);
	}
	if (!TAILQ_EMPTY(&resolver->waiting) && resolver->running < RESOLVE_PARALLEL_MAX)
		loop_defer(resolver->loop, &resolver->launch);
}

static int add_server(struct resolver *resolver, const char *text, struct err *err)
{
	char host[ADDRESS_TEXT_SIZE];
	uint16_t port;
	struct address address;
	if (address_split_host_port(text, host, sizeof host, &port, 53) || !address_parse(host, &address))
		return err_set(err, "\"%s\" is not an address of a name server", text);
	if (resolver->nservers == SERVERS_MAX)
		return err_set(err, "more than %d name servers", SERVERS_MAX);
	struct ares_addr_port_node *server = &resolver->servers[resolver->nservers];
	const struct address_family_facts *facts = &address_families[address.family - 1];
	server->family = facts->af;
	memcpy(&server->addr, address.bytes, facts->size);
	server->udp_port = port;
	server->tcp_port = port;
	if (resolver->nservers++)
		server[-1].next = server;
	return 0;
}

static int set_servers(struct resolver *resolver, const char *servers, struct err *err)
{
	char text[SERVERS_TEXT_MAX];
	if ((size_t)snprintf(text, sizeof text, "%s", servers) >= sizeof text)
		return err_set(err, "the list of name servers is too long");
	resolver->servers = mem_zero(SERVERS_MAX, sizeof *resolver->servers);
	char *rest = text;
	char *item;
	while ((item = strsep(&rest, ","))) {
		item += strspn(item, " ");
		item[strcspn(item, " ")] = '\0';
		if (add_server(resolver, item, err))
			return -1;
	}
	return 0;
}

static int open_resolver(struct resolver *resolver, const char *servers, struct err *err)
{
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status != ARES_SUCCESS)
		return err_set(err, "cannot start the resolver: %s", ares_strerror(status));
	if (servers && set_servers(resolver, servers, err))
		return -1;
	(void)stat(RESOLV_CONF, &resolver->resolv_conf);
	resolver->checked_ns = clock_monotonic_ns();
	const struct resolve_places hosts = {.hosts_only = true};
	resolver->hosts = resolve_channel_create(resolver->loop, &hosts, BUDGET_MS, err);
	return resolver->hosts ? add_source(resolver, err) : -1;
}

/* --- the interface -------------------------------------------------------------------------------------------------
 */

struct resolver *resolver_create(struct loop *loop, const char *servers, struct err *err)
{
	struct resolver *resolver = mem_zero(1, sizeof *resolver);
	resolver->loop = loop;
	SLIST_INIT(&resolver->sources);
	TAILQ_INIT(&resolver->waiting);
	TAILQ_INIT(&resolver->started);
	deferred_prepare(&resolver->launch, launch_waiting, resolver);
	deferred_prepare(&resolver->sweep, sweep_sources, resolver);
	if (open_resolver(resolver, servers, err)) {
		resolver_free(resolver);
		return NULL;
	}
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->is_closing = true;
	loop_defer_cancel(resolver->loop, &resolver->launch);
	loop_defer_cancel(resolver->loop, &resolver->sweep);
	struct source *source;
	while ((source = SLIST_FIRST(&resolver->sources))) {
		SLIST_REMOVE_HEAD(&resolver->sources, older);
		resolve_channel_free(source->channel);
		mem_free(source);
	}
	resolve_channel_free(resolver->hosts);
	struct resolution *resolution;
	while ((resolution = TAILQ_FIRST(&resolver->waiting)))
		free_resolution(resolution);
	while ((resolution = TAILQ_FIRST(&resolver->started)))
		free_resolution(resolution);
	mem_free(resolver->servers);
	mem_free(resolver);
}

struct loop *resolver_loop(const struct resolver *resolver)
{
	return resolver->loop;
}

/* name: taken over. */
static struct resolution *add_resolution(struct resolver *resolver, char *name, void *arg)
{
	struct resolution *resolution = mem_zero(1, sizeof *resolution);
	resolution->resolver = resolver;
	resolution->name = name;
	resolution->arg = arg;
	alarm_prepare(&resolution->deadline, finish_resolution, resolution);
	deferred_prepare(&resolution->finish, finish_resolution, resolution);
	TAILQ_INSERT_TAIL(&resolver->waiting, resolution, place);
	if (resolver->running < RESOLVE_PARALLEL_MAX)
		loop_defer(resolver->loop, &resolver->launch);
	return resolution;
}

struct resolution *resolve_start(struct resolver *resolver, const char *name, enum address_family family,
				 void (*done)(void *arg, const struct resolve_answer *answer), void *arg)
{
	struct resolution *resolution = add_resolution(resolver, mem_copy_string(name), arg);
	resolution->family = family;
	resolution->done = done;
	return resolution;
}

struct resolution *resolve_start_reverse(struct resolver *resolver, const struct address *address,
					 void (*done)(void *arg, const struct resolve_name_answer *answer), void *arg)
{
	char name[REVERSE_WIRE_NAME_SIZE];
	reverse_wire_name(address, name);
	struct resolution *resolution = add_resolution(resolver, mem_copy_string(name), arg);
	resolution->address = *address;
	resolution->named = done;
	return resolution;
}

void resolve_cancel(struct resolution *resolution)
{
	if (resolution)
		end_resolution(resolution);
}
