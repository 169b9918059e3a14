#include "core/host.h"

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"

struct host {
	struct resolver *resolver;
	char *name; /* NULL: a literal */
	struct host_policy policy;
	struct resolution *resolution;
	struct deferred literal_done; /* what stands for the resolution of a literal */
	void (*done)(void *arg, const char *error);
	void *arg;
	struct address *addresses; /* owned; exactly n */
	size_t n;
	int64_t expires_ns;
};

static enum address_family preferred_family(const struct host *host)
{
	bool is_ipv4 = host->policy.family == HOST_PREFER_IPV4 || host->policy.family == HOST_ONLY_IPV4;
	return is_ipv4 ? ADDRESS_IPV4 : ADDRESS_IPV6;
}

static bool is_only(const struct host *host)
{
	return host->policy.family == HOST_ONLY_IPV4 || host->policy.family == HOST_ONLY_IPV6;
}

static void set_addresses(struct host *host, const struct address *addresses, size_t n, int64_t expires_ns)
{
	struct address *copy = n ? mem_copy(addresses, n * sizeof *addresses) : NULL;
	mem_free(host->addresses);
	host->addresses = copy;
	host->n = n;
	host->expires_ns = expires_ns;
}

/* Calls back, if anybody wants it. The host may be closed by that. */
static void tell(struct host *host, const char *error)
{
	void (*done)(void *, const char *) = host->done;
	host->done = NULL;
	if (done)
		done(host->arg, error);
}

static void finish_literal(void *arg)
{
	struct host *host = arg;
	tell(host, host->n ? NULL : "no address of that family");
}

struct host *host_open(struct resolver *resolver, const char *name, struct host_policy policy)
{
	struct host *host = mem_zero(1, sizeof *host);
	struct address literal;
	host->resolver = resolver;
	host->policy = policy;
	deferred_prepare(&host->literal_done, finish_literal, host);
	if (!address_parse(name, &literal))
		host->name = mem_copy_string(name);
	else if (!is_only(host) || literal.family == preferred_family(host))
		set_addresses(host, &literal, 1, INT64_MAX);
	return host;
}

void host_close(struct host *host)
{
	if (!host)
		return;
	resolve_cancel(host->resolution);
	loop_defer_cancel(resolver_loop(host->resolver), &host->literal_done);
	mem_free(host->addresses);
	mem_free(host->name);
	mem_free(host);
}

bool host_is_fresh(const struct host *host)
{
	return host->n && (!host->name || clock_monotonic_ns() < host->expires_ns);
}

const struct address *host_addresses(const struct host *host, size_t *n)
{
	*n = host->n;
	return host->addresses;
}

/* Puts the wanted ones of the answer into out, the preferred family first, each family in the order of the answer. */
static size_t order_addresses(const struct host *host, const struct resolve_answer *answer, struct address *out)
{
	size_t n = 0;
	for (size_t i = 0; i < answer->n; i++) {
		if (answer->addresses[i].family == preferred_family(host))
			out[n++] = answer->addresses[i];
	}
	for (size_t i = 0; i < answer->n && !is_only(host); i++) {
		if (answer->addresses[i].family != preferred_family(host))
			out[n++] = answer->addresses[i];
	}
	return n;
}

/* The one to use of n > 0 in order: that in use now, if it is still there and of the best family that there is. */
static size_t choose_address(const struct host *host, const struct address *addresses, size_t n)
{
	for (size_t i = 0; i < n && host->n && addresses[i].family == addresses[0].family; i++) {
		if (address_equal(&addresses[i], host->addresses))
			return i;
	}
	return 0;
}

static void resolved(void *arg, const struct resolve_answer *answer)
{
	struct host *host = arg;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	size_t n = order_addresses(host, answer, addresses);
	host->resolution = NULL;
	if (n && host->policy.wants_all) {
		set_addresses(host, addresses, n, answer->expires_ns);
	} else if (n) {
		struct address chosen = addresses[choose_address(host, addresses, n)];
		set_addresses(host, &chosen, 1, answer->expires_ns);
	} else if (!host->policy.keeps_last) {
		set_addresses(host, NULL, 0, 0);
	}
	if (host->n)
		tell(host, NULL);
	else
		tell(host, answer->error ? answer->error : "no address of that family");
}

void host_refresh(struct host *host, void (*done)(void *arg, const char *error), void *arg)
{
	host->done = done;
	host->arg = arg;
	if (!host->name) {
		loop_defer(resolver_loop(host->resolver), &host->literal_done);
	} else if (!host->resolution) {
		enum address_family family = is_only(host) ? preferred_family(host) : ADDRESS_NONE;
		host->resolution = resolve_start(host->resolver, host->name, family, resolved, host);
	}
}

void host_cancel(struct host *host)
{
	host->done = NULL;
}
