#include "daemon/callers.h"

#include "core/clock.h"
#include "core/mem.h"
#include "exporter/clients.h"

/* The places where a client can be. */
#define WAYS 8
#define SETS (CALLERS_MAX / WAYS)

struct caller {
	struct address network; /* family ADDRESS_NONE: a free place */
	uint32_t running;
	/* When the requests so far would all have been made at the permitted rate (the "generic cell rate algorithm"):
	 * one number is the whole account. */
	int64_t account_ns;
};

struct callers {
	struct hash_key key;
	struct caller places[SETS][WAYS];
};

struct callers *callers_create(void)
{
	struct callers *callers = mem_zero(1, sizeof(*callers));

	callers->key = hash_key_random();
	return callers;
}

void callers_free(struct callers *callers)
{
	mem_free(callers);
}

/* The client's place, or the one whose client has been quiet for the longest time; NULL when all have requests under
 * way. */
static struct caller *find(struct callers *callers, const struct address *network)
{
	struct caller *set = callers->places[address_hash(callers->key, network) % SETS], *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].network.family != ADDRESS_NONE && address_equal(&set[i].network, network))
			return &set[i];
		if (set[i].running == 0 && (!oldest || set[i].account_ns < oldest->account_ns))
			oldest = &set[i];
	}
	return oldest;
}

static int64_t step_ns(const struct callers_limits *limits)
{
	return (int64_t)((double)NS_PER_SECOND / limits->rate);
}

/* How long until one more request is within the limits; 0 or less: now. */
static int64_t wait_ns(const struct caller *caller, const struct callers_limits *limits, int64_t now_ns)
{
	int64_t account_ns = caller->account_ns > now_ns ? caller->account_ns : now_ns;

	return account_ns - now_ns - (limits->burst - 1) * step_ns(limits);
}

enum callers_verdict callers_enter(struct callers *callers, const struct address *address,
				   const struct callers_limits *limits, int64_t now_ns, struct caller **caller)
{
	struct address network = clients_network(address);
	struct caller *found = find(callers, &network);

	*caller = NULL;
	if (!found)
		return CALLERS_NO_ROOM;
	if (found->network.family == ADDRESS_NONE || !address_equal(&found->network, &network))
		*found = (struct caller){.network = network};
	if (limits->rate > 0) {
		if (wait_ns(found, limits, now_ns) > 0)
			return CALLERS_TOO_FAST;
		found->account_ns = (found->account_ns > now_ns ? found->account_ns : now_ns) + step_ns(limits);
	} else {
		found->account_ns = now_ns;
	}
	if (found->running >= limits->max_running)
		return CALLERS_TOO_MANY;
	found->running++;
	*caller = found;
	return CALLERS_ADMITTED;
}

int64_t callers_wait_seconds(struct callers *callers, const struct address *address,
			     const struct callers_limits *limits, int64_t now_ns)
{
	struct address network = clients_network(address);
	const struct caller *caller = find(callers, &network);
	int64_t wait = caller && limits->rate > 0 ? wait_ns(caller, limits, now_ns) : 0;

	return wait > NS_PER_SECOND ? (wait + NS_PER_SECOND - 1) / NS_PER_SECOND : 1;
}

void callers_leave(struct caller *caller)
{
	caller->running--;
}
