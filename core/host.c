#include "core/host.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"

#define NO_SUCH_FAMILY "no address of that family"

const char *const host_family_words[] = {
	[HOST_PREFER_IPV4] = "prefer_ipv4",
	[HOST_PREFER_IPV6] = "prefer_ipv6",
	[HOST_ONLY_IPV4] = "only_ipv4",
	[HOST_ONLY_IPV6] = "only_ipv6",
	NULL,
};

struct host {
	struct resolver *resolver;
	char *name; /* NULL: a literal */
	struct host_policy policy;
	struct resolution *resolution;
	struct deferred known; /* tells what is known without a resolution */
	void (*done)(void *arg, const char *error);
	void *arg;
	struct address *addresses; /* owned; exactly n */
	size_t n;
	int64_t expires_ns;
	char *error;      /* why the last resolution failed; NULL when it did not */
	int64_t retry_ns; /* a name that failed is not asked for again before */
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

static void tell_known(void *arg)
{
	struct host *host = arg;
	char error[128]; /* the host may be closed by who is told */
	snprintf(error, sizeof error, "%s", host->error ? host->error : NO_SUCH_FAMILY);
	tell(host, host->n ? NULL : error);
}

struct host *host_open(struct resolver *resolver, const char *name, struct host_policy policy)
{
	struct host *host = mem_zero(1, sizeof *host);
	struct address literal;
	host->resolver = resolver;
	host->policy = policy;
	deferred_prepare(&host->known, tell_known, host);
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
	loop_defer_cancel(resolver_loop(host->resolver), &host->known);
	mem_free(host->error);
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

static void note_outcome(struct host *host, const char *error)
{
	mem_free(host->error);
	host->error = mem_copy_string(error);
	host->retry_ns = error ? clock_monotonic_ns() + HOST_RETRY_SECONDS * NS_PER_SECOND : 0;
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
	note_outcome(host, n ? NULL : answer->error ? answer->error : NO_SUCH_FAMILY);
	loop_defer_cancel(resolver_loop(host->resolver), &host->known);
	tell_known(host);
}

/* Nobody waits for name servers when the answer is known anyway: a literal, a name that failed just now, or one whose
 * last good addresses serve for as long as need be. */
static bool is_known(const struct host *host, int64_t now_ns)
{
	return !host->name || now_ns < host->retry_ns || (host->policy.keeps_last && host->n);
}

void host_refresh(struct host *host, void (*done)(void *arg, const char *error), void *arg)
{
	int64_t now_ns = clock_monotonic_ns();
	host->done = done;
	host->arg = arg;
	if (is_known(host, now_ns))
		loop_defer(resolver_loop(host->resolver), &host->known);
	if (host->name && !host->resolution && now_ns >= host->retry_ns) {
		enum address_family family = is_only(host) ? preferred_family(host) : ADDRESS_NONE;
		host->resolution = resolve_start(host->resolver, host->name, family, resolved, host);
	}
}

void host_cancel(struct host *host)
{
	host->done = NULL;
}
