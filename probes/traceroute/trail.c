#include "probes/traceroute/trail.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"

static const struct hash_key no_key = {0, 0};

/* Never 0. */
static uint32_t short_hash(const void *bytes, size_t n)
{
	uint32_t hash = (uint32_t)hash_bytes(no_key, bytes, n);
	return hash ? hash : 1;
}

static uint32_t hash_of(const struct address *address)
{
	return short_hash(address->bytes, sizeof(address->bytes));
}

void trail_free(struct trail *trail)
{
	mem_free(trail->hops);
	*trail = (struct trail){0};
}

void trail_forget(struct trail *trail)
{
	for (unsigned i = 0; i < trail->room; i++) {
		trail->hops[i].address = (struct address){0};
		memset(trail->hops[i].others, 0, sizeof(trail->hops[i].others));
	}
	trail->length = 0;
	trail->is_reached = false;
	trail->hash = 0;
}

/* --- the two sides that are compared ------------------------------------------------------------------------------ */

/* A hop of the trace that says where the path leads; NULL = silent, or at odds with the path ("unreachable"). */
static const struct path_hop *told_hop(const struct path *path, uint8_t flow, unsigned number)
{
	const struct path_hop *hop = path_hop_at(path, flow, (uint8_t)number);
	if (!hop || !hop->naddresses || !(hop->kind == TRACE_TTL_EXCEEDED || hop->is_target))
		return NULL;
	return hop;
}

/* How far the trace tells of the path. */
static uint8_t told_length(const struct path *path, uint8_t flow)
{
	for (uint8_t number = path_last_hop(path, flow); number; number--)
		if (told_hop(path, flow, number))
			return number;
	return 0;
}

static const struct trail_hop *known_hop(const struct trail *trail, unsigned number)
{
	if (number > trail->length || trail->hops[number - 1].address.family == ADDRESS_NONE)
		return NULL;
	return &trail->hops[number - 1];
}

static bool knows_address(const struct trail_hop *known, const struct address *address)
{
	if (address_equal(&known->address, address))
		return true;
	uint32_t hash = hash_of(address);
	for (unsigned i = 0; i < TRAIL_OTHERS; i++)
		if (known->others[i] == hash)
			return true;
	return false;
}

static bool agrees(const struct trail_hop *known, const struct path_hop *told)
{
	for (uint8_t i = 0; i < told->naddresses; i++)
		if (knows_address(known, path_hop_address(told, i)))
			return true;
	return false;
}

static bool is_reached(const struct path *path, uint8_t flow)
{
	return path->flows[flow].end == PATH_REACHED;
}

/* Nobody stands where somebody else stood, and nobody stands behind the target. */
static bool agrees_by_place(const struct trail *trail, const struct path *path, uint8_t flow)
{
	uint8_t length = told_length(path, flow);
	bool reaches = is_reached(path, flow);
	if ((trail->is_reached && length > trail->length) || (reaches && trail->length > length))
		return false;
	if (trail->is_reached && reaches && length != trail->length)
		return false;
	for (unsigned number = 1; number <= length; number++) {
		const struct trail_hop *known = known_hop(trail, number);
		const struct path_hop *told = told_hop(path, flow, number);
		if (known && told && !agrees(known, told))
			return false;
	}
	return true;
}

/* The same stand in the same order, with silent hops at other places in between. */
static bool agrees_by_order(const struct trail *trail, const struct path *path, uint8_t flow)
{
	if (!trail->is_reached || !is_reached(path, flow))
		return false;
	unsigned last = told_length(path, flow);
	unsigned a = 1;
	for (unsigned b = 1; b <= last; b++) {
		const struct path_hop *told = told_hop(path, flow, b);
		if (!told)
			continue;
		while (a <= trail->length && !known_hop(trail, a))
			a++;
		if (a > trail->length || !agrees(known_hop(trail, a), told))
			return false;
		a++;
	}
	while (a <= trail->length && !known_hop(trail, a))
		a++;
	return a > trail->length;
}

/* --- learning ----------------------------------------------------------------------------------------------------- */

static void make_room(struct trail *trail, uint8_t hops)
{
	if (hops <= trail->room)
		return;
	trail->hops = mem_resize(trail->hops, hops, sizeof(*trail->hops));
	memset(trail->hops + trail->room, 0, (size_t)(hops - trail->room) * sizeof(*trail->hops));
	trail->room = hops;
}

static void learn_address(struct trail *trail, struct trail_hop *known, const struct address *address)
{
	if (known->address.family == ADDRESS_NONE) {
		known->address = *address;
		known->address.port = 0;
	}
	if (knows_address(known, address))
		return;
	known->others[trail->oldest_other] = hash_of(address);
	trail->oldest_other = (uint8_t)((trail->oldest_other + 1) % TRAIL_OTHERS);
}

static void learn_hops(struct trail *trail, const struct path *path, uint8_t flow)
{
	uint8_t length = told_length(path, flow);
	if (length > trail->length)
		trail->length = length;
	for (unsigned number = 1; number <= length; number++) {
		const struct path_hop *told = told_hop(path, flow, number);
		for (uint8_t i = 0; told && i < told->naddresses; i++)
			learn_address(trail, &trail->hops[number - 1], path_hop_address(told, i));
	}
}

static uint32_t hash_path(const struct trail *trail)
{
	uint8_t bytes[PATH_HOPS_MAX * sizeof(trail->hops->address.bytes)];
	size_t n = 0;
	for (unsigned number = 1; number <= trail->length; number++) {
		const struct trail_hop *known = known_hop(trail, number);
		if (!known)
			continue;
		memcpy(bytes + n, known->address.bytes, sizeof(known->address.bytes));
		n += sizeof(known->address.bytes);
	}
	return n ? short_hash(bytes, n) : 0;
}

static void count(struct trail *trail, const struct path *path, uint8_t flow, uint8_t last)
{
	for (uint8_t number = 1; number <= last; number++) {
		const struct path_hop *hop = path_hop_at(path, flow, number);
		if (!hop)
			continue;
		trail->hops[number - 1].sent += hop->sent;
		trail->hops[number - 1].received += hop->received;
	}
}

bool trail_learn(struct trail *trail, const struct path *path, uint8_t flow, struct text *before)
{
	uint8_t last = path_last_hop(path, flow);
	bool reaches = is_reached(path, flow);
	make_room(trail, last);
	count(trail, path, flow, last);
	bool is_same_by_place = agrees_by_place(trail, path, flow);
	bool is_changed = !is_same_by_place && !agrees_by_order(trail, path, flow);
	bool is_complete = reaches && !trail->is_reached;
	uint32_t hash = trail->hash;
	if (is_changed && before)
		trail_print(trail, path->plan.first_hop, before);
	/* The same in another order of places, too, is written down anew. */
	if (!is_same_by_place)
		trail_forget(trail);
	learn_hops(trail, path, flow);
	trail->is_reached |= reaches;
	trail->hash = is_changed || is_complete || !hash ? hash_path(trail) : hash;
	return is_changed;
}

uint8_t trail_expected(const struct trail *trail)
{
	return trail->is_reached ? trail->length : 0;
}

void trail_print(const struct trail *trail, uint8_t first, struct text *out)
{
	char address[ADDRESS_TEXT_SIZE];
	for (unsigned number = first; number <= trail->length; number++) {
		const struct trail_hop *known = known_hop(trail, number);
		if (number > first)
			text_add(out, " > ");
		text_add(out, known ? address_format(&known->address, address) : "*");
	}
}

/* --- all flows together ------------------------------------------------------------------------------------------- */

/* Inserts into a sorted list without doubles. */
static unsigned insert(uint32_t *hashes, unsigned n, uint32_t hash)
{
	unsigned at = 0;
	while (at < n && hashes[at] < hash)
		at++;
	if (at < n && hashes[at] == hash)
		return n;
	memmove(hashes + at + 1, hashes + at, (n - at) * sizeof(*hashes));
	hashes[at] = hash;
	return n + 1;
}

uint32_t trail_hash_all(const struct trail *trails, unsigned n, unsigned *distinct)
{
	uint32_t hashes[TRACE_FLOWS_MAX + 1];
	unsigned known = 0;
	for (unsigned i = 0; i < n; i++)
		if (trails[i].hash)
			known = insert(hashes, known, trails[i].hash);
	*distinct = known;
	if (known <= 1)
		return known ? hashes[0] : 0;
	return short_hash(hashes, known * sizeof(*hashes));
}
