#include "probes/traceroute/trace_flight.h"

#include "core/mem.h"
#include "probes/traceroute/trace_wire.h"

#define IDS           65536
#define ID_FIRST      1
#define ID_LAST       0xfffe
#define BUSY_MAX      60000 /* ids in use at once: the others are found soon, and rest a while */
#define PLACES_START  16
#define BUCKETS_START 16
#define PLACE_NONE    UINT32_MAX

struct place {
	struct trace_owner *owner; /* NULL = free */
	uint32_t number;           /* of those who had it */
	uint32_t next_free;
};

struct trace_flights {
	struct hash_key key;
	struct trace_flight *table; /* by id; NULL until the first packet */
	uint16_t last;              /* the id that was given out last */
	unsigned busy;              /* queued or flying */
	struct place *places;
	uint32_t nplaces, first_free;
	struct trace_owner **buckets; /* by what an answer of the target tells */
	size_t nbuckets;              /* a power of two */
	size_t nowners;
};

/* --- flows -------------------------------------------------------------------------------------------------------- */

/* Of what is known of a packet when nothing of it is quoted. */
static uint64_t hash_of(const struct trace_flights *flights, uint8_t protocol, const struct address *destination,
			uint16_t source_port)
{
	uint64_t rest = (uint64_t)protocol << 32 | (uint32_t)destination->port << 16 | source_port;
	return hash_number(flights->key, address_hash(flights->key, destination) ^ rest);
}

static struct trace_owner **bucket_of(const struct trace_flights *flights, const struct trace_flow *flow)
{
	uint64_t hash = hash_of(flights, flow->protocol, &flow->destination, flow->source.port);
	return &flights->buckets[hash & (flights->nbuckets - 1)];
}

static void put_owner(const struct trace_flights *flights, struct trace_owner *owner)
{
	struct trace_owner **bucket = bucket_of(flights, owner->flow);
	owner->next = *bucket;
	*bucket = owner;
}

static void make_buckets(struct trace_flights *flights, size_t n)
{
	flights->nbuckets = n;
	flights->buckets = mem_zero(n, sizeof(struct trace_owner *));
}

static void grow_buckets(struct trace_flights *flights)
{
	struct trace_owner **old = flights->buckets;
	size_t n = flights->nbuckets;
	make_buckets(flights, n * 2);
	for (size_t i = 0; i < n; i++) {
		for (struct trace_owner *owner = old[i], *next; owner; owner = next) {
			next = owner->next;
			put_owner(flights, owner);
		}
	}
	mem_free(old);
}

static void add_places(struct trace_flights *flights)
{
	uint32_t n = flights->nplaces ? flights->nplaces * 2 : PLACES_START;
	flights->places = mem_resize(flights->places, n, sizeof(*flights->places));
	for (uint32_t i = n; i-- > flights->nplaces;) {
		flights->places[i] = (struct place){.next_free = flights->first_free};
		flights->first_free = i;
	}
	flights->nplaces = n;
}

struct trace_flights *trace_flights_create(struct hash_key key)
{
	struct trace_flights *flights = mem_zero(1, sizeof(*flights));
	flights->key = key;
	flights->first_free = PLACE_NONE;
	make_buckets(flights, BUCKETS_START);
	return flights;
}

void trace_flights_free(struct trace_flights *flights)
{
	if (!flights)
		return;
	for (uint32_t i = 0; i < flights->nplaces; i++)
		if (flights->places[i].owner)
			flights->places[i].owner->is_added = false;
	mem_free(flights->places);
	mem_free(flights->buckets);
	mem_free(flights->table);
	mem_free(flights);
}

void trace_flights_add(struct trace_flights *flights, struct trace_owner *owner, const struct trace_flow *flow)
{
	if (flights->first_free == PLACE_NONE)
		add_places(flights);
	if (++flights->nowners > flights->nbuckets)
		grow_buckets(flights);
	*owner = (struct trace_owner){.flow = flow, .place = flights->first_free, .is_added = true};
	struct place *place = &flights->places[owner->place];
	flights->first_free = place->next_free;
	place->owner = owner;
	put_owner(flights, owner);
}

void trace_flights_remove(struct trace_flights *flights, struct trace_owner *owner)
{
	if (!owner->is_added)
		return;
	struct trace_owner **link = bucket_of(flights, owner->flow);
	while (*link != owner)
		link = &(*link)->next;
	*link = owner->next;
	struct place *place = &flights->places[owner->place];
	*place = (struct place){.number = place->number + 1, .next_free = flights->first_free};
	flights->first_free = owner->place;
	flights->busy -= owner->flying;
	flights->nowners--;
	*owner = (struct trace_owner){0};
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

static bool is_busy(enum trace_flight_state state)
{
	return state == TRACE_FLIGHT_QUEUED || state == TRACE_FLIGHT_FLYING;
}

struct trace_flight *trace_flights_at(struct trace_flights *flights, uint16_t id)
{
	return &flights->table[id];
}

struct trace_owner *trace_flights_owner(const struct trace_flights *flights, uint16_t id)
{
	if (!flights->table || flights->table[id].state == TRACE_FLIGHT_FREE)
		return NULL;
	const struct trace_flight *flight = &flights->table[id];
	const struct place *place = &flights->places[flight->place];
	return place->number == flight->number ? place->owner : NULL;
}

static void link_flight(struct trace_flights *flights, struct trace_owner *owner, uint16_t id)
{
	flights->table[id].older = owner->newest;
	flights->table[id].newer = 0;
	if (owner->newest)
		flights->table[owner->newest].newer = id;
	owner->newest = id;
	owner->flying++;
	flights->busy++;
}

static void unlink_flight(struct trace_flights *flights, struct trace_owner *owner, uint16_t id)
{
	const struct trace_flight *flight = &flights->table[id];
	if (flight->newer)
		flights->table[flight->newer].older = flight->older;
	else
		owner->newest = flight->older;
	if (flight->older)
		flights->table[flight->older].newer = flight->newer;
	owner->flying--;
	flights->busy--;
}

void trace_flights_set_state(struct trace_flights *flights, uint16_t id, enum trace_flight_state state)
{
	struct trace_flight *flight = &flights->table[id];
	bool was_busy = is_busy(flight->state);
	flight->state = (uint8_t)state;
	if (was_busy && !is_busy(state))
		unlink_flight(flights, flights->places[flight->place].owner, id);
	else if (!was_busy && is_busy(state))
		link_flight(flights, flights->places[flight->place].owner, id);
}

uint16_t trace_flights_launch(struct trace_flights *flights, struct trace_owner *owner, uint32_t tag)
{
	if (flights->busy >= BUSY_MAX || owner->flying >= TRACE_FLIGHTS_OF_FLOW)
		return 0;
	if (!flights->table)
		flights->table = mem_zero(IDS, sizeof(*flights->table));
	uint16_t id = flights->last;
	do
		id = id == ID_LAST ? ID_FIRST : (uint16_t)(id + 1);
	while (is_busy(flights->table[id].state) && trace_flights_owner(flights, id));
	flights->last = id;
	flights->table[id] = (struct trace_flight){
		.tag = tag,
		.place = owner->place,
		.number = flights->places[owner->place].number,
	};
	trace_flights_set_state(flights, id, TRACE_FLIGHT_QUEUED);
	return id;
}

uint16_t trace_flights_find(const struct trace_flights *flights, const struct trace_owner *owner, uint32_t tag)
{
	uint16_t id = owner->newest;
	while (id && flights->table[id].tag != tag)
		id = flights->table[id].older;
	return id;
}

struct trace_packet trace_flights_packet(const struct trace_flights *flights, uint16_t id)
{
	const struct trace_flight *flight = &flights->table[id];
	return (struct trace_packet){
		.flow = flights->places[flight->place].owner->flow,
		.id = id,
		.payload_size = flight->payload_size,
		.hop_limit = flight->hop_limit,
		.dont_fragment = flight->dont_fragment,
	};
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static struct trace_match judge(struct trace_flights *flights, struct trace_match match)
{
	switch ((enum trace_flight_state)flights->table[match.id].state) {
	case TRACE_FLIGHT_FLYING:
		match.verdict = TRACE_VERDICT_ANSWER;
		break;
	case TRACE_FLIGHT_RELEASED:
		match.verdict = TRACE_VERDICT_LATE;
		break;
	case TRACE_FLIGHT_ANSWERED:
		match.verdict = TRACE_VERDICT_DUPLICATE;
		break;
	case TRACE_FLIGHT_FREE:
	case TRACE_FLIGHT_QUEUED:
		return (struct trace_match){.verdict = TRACE_VERDICT_FOREIGN};
	}
	trace_flights_set_state(flights, match.id, TRACE_FLIGHT_ANSWERED);
	return match;
}

static bool is_about(const struct trace_flights *flights, uint16_t id, const struct trace_reply *reply,
		     struct trace_match *match)
{
	match->id = id;
	match->owner = trace_flights_owner(flights, id);
	if (!match->owner)
		return false;
	const struct trace_packet sent = trace_flights_packet(flights, id);
	return trace_wire_belongs(&sent, reply, &match->changed);
}

/* The oldest that has left, and how many have. */
static uint16_t oldest_flying(const struct trace_flights *flights, const struct trace_owner *owner, unsigned *n)
{
	uint16_t oldest = 0;
	*n = 0;
	for (uint16_t id = owner->newest; id; id = flights->table[id].older) {
		if (flights->table[id].state != TRACE_FLIGHT_FLYING)
			continue;
		oldest = id;
		++*n;
	}
	return oldest;
}

static bool is_of_flow(const struct trace_flow *flow, const struct trace_reply *reply)
{
	return flow->protocol == reply->quote.protocol && flow->source.port == reply->quote.source.port &&
	       flow->destination.port == reply->quote.destination.port &&
	       address_equal(&flow->destination, &reply->quote.destination);
}

/* The answer does not say to which packet. If several flows are alike, it is taken for the one that sends at all. */
static struct trace_match match_flow(struct trace_flights *flights, const struct trace_reply *reply)
{
	uint64_t hash = hash_of(flights, reply->quote.protocol, &reply->quote.destination, reply->quote.source.port);
	struct trace_owner *owner = flights->buckets[hash & (flights->nbuckets - 1)];
	for (; owner; owner = owner->next) {
		unsigned n;
		uint16_t id = owner->flying && is_of_flow(owner->flow, reply) ? oldest_flying(flights, owner, &n) : 0;
		if (!id)
			continue;
		if (n == 1)
			return judge(flights, (struct trace_match){.owner = owner, .id = id});
		return (struct trace_match){.owner = owner, .verdict = TRACE_VERDICT_UNCLEAR};
	}
	return (struct trace_match){.verdict = TRACE_VERDICT_FOREIGN};
}

struct trace_match trace_flights_match(struct trace_flights *flights, const struct trace_reply *reply)
{
	struct trace_match match;
	if (reply->quote.has_id && is_about(flights, reply->quote.id, reply, &match))
		return judge(flights, match);
	if (reply->quote.has_identification && is_about(flights, reply->quote.identification, reply, &match))
		return judge(flights, match);
	/* What looks like an id in what a target has to say of its own is none. The error queue may have no more than
	 * that it was a packet of this flow; a whole quote that lacks the id is damaged. */
	if (reply->kind == TRACE_UDP_REPLY ||
	    (reply->quote.protocol == TRACE_UDP && !reply->quote.has_id && !reply->quote.has_addresses))
		return match_flow(flights, reply);
	return (struct trace_match){.verdict = TRACE_VERDICT_FOREIGN};
}
