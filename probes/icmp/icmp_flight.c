#include "probes/icmp/icmp_flight.h"

#include "core/mem.h"

#define TABLE_START   64
#define PLACES_START  16
#define PLACE_NONE    UINT32_MAX
#define CIPHER_ROUNDS 4

struct place {
	struct icmp_endpoint *endpoint; /* NULL = free */
	uint32_t number;                /* of those who had it */
	uint32_t next_free;
};

/* Of an attempt of which an error may still come. */
struct entry {
	uint32_t hash;  /* of address and sequence number */
	uint32_t place; /* PLACE_NONE = no entry */
};

struct icmp_flight {
	struct hash_key key;
	struct place *places;
	uint32_t nplaces, first_free;
	struct entry *table; /* open addressing, at most half full */
	size_t size;         /* a power of two */
	size_t count;
};

/* --- secrets ------------------------------------------------------------------------------------------------------ */

/* A Feistel cipher of 64 bits: four rounds with a keyed hash make it a random permutation to whoever lacks the key
 * (Luby, Rackoff 1988). */
static uint32_t scramble(struct hash_key key, unsigned round, uint32_t half)
{
	return (uint32_t)hash_number(key, (uint64_t)(round + 1) << 32 | half);
}

static uint64_t encrypt(struct hash_key key, uint32_t left, uint32_t right)
{
	for (unsigned round = 0; round < CIPHER_ROUNDS; round++) {
		uint32_t mixed = left ^ scramble(key, round, right);
		left = right;
		right = mixed;
	}
	return (uint64_t)left << 32 | right;
}

static void decrypt(struct hash_key key, uint64_t text, uint32_t *left, uint32_t *right)
{
	*left = (uint32_t)(text >> 32);
	*right = (uint32_t)text;
	for (unsigned round = CIPHER_ROUNDS; round-- > 0;) {
		uint32_t mixed = *right ^ scramble(key, round, *left);
		*right = *left;
		*left = mixed;
	}
}

/* Of the last 65536 requests, the one with this sequence number. */
static uint32_t request_number(const struct icmp_endpoint *endpoint, uint16_t sequence)
{
	uint32_t last = endpoint->next_request - 1;
	return last - (uint16_t)((uint16_t)last - sequence);
}

uint64_t icmp_flight_secret(const struct icmp_flight *flight, const struct icmp_endpoint *endpoint,
			    const struct icmp_attempt *attempt)
{
	return encrypt(flight->key, endpoint->place, request_number(endpoint, attempt->sequence));
}

/* --- the table of attempts ---------------------------------------------------------------------------------------- */

static uint32_t hash_of(const struct icmp_flight *flight, const struct address *address, uint16_t sequence)
{
	return (uint32_t)((address_hash(flight->key, address) + sequence) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static void put_entry(struct icmp_flight *flight, struct entry entry)
{
	size_t i = entry.hash;
	while (flight->table[i & (flight->size - 1)].place != PLACE_NONE)
		i++;
	flight->table[i & (flight->size - 1)] = entry;
}

static void make_table(struct icmp_flight *flight, size_t size)
{
	flight->size = size;
	flight->table = mem_alloc(size * sizeof(struct entry));
	for (size_t i = 0; i < size; i++)
		flight->table[i].place = PLACE_NONE;
}

static void add_entry(struct icmp_flight *flight, struct entry entry)
{
	if (++flight->count * 2 > flight->size) {
		struct entry *old = flight->table;
		size_t old_size = flight->size;
		make_table(flight, old_size * 2);
		for (size_t i = 0; i < old_size; i++)
			if (old[i].place != PLACE_NONE)
				put_entry(flight, old[i]);
		mem_free(old);
	}
	put_entry(flight, entry);
}

/* Entries behind the gap move up, but for those that would come to lie before their own place. */
static void remove_entry(struct icmp_flight *flight, struct entry entry)
{
	size_t mask = flight->size - 1;
	size_t gap = entry.hash & mask;
	while (flight->table[gap].hash != entry.hash || flight->table[gap].place != entry.place)
		gap = (gap + 1) & mask;
	for (size_t i = (gap + 1) & mask; flight->table[i].place != PLACE_NONE; i = (i + 1) & mask) {
		if (((i - flight->table[i].hash) & mask) < ((i - gap) & mask))
			continue;
		flight->table[gap] = flight->table[i];
		gap = i;
	}
	flight->table[gap].place = PLACE_NONE;
	flight->count--;
}

static bool is_in_flight(const struct icmp_attempt *attempt)
{
	return attempt->state == ICMP_ATTEMPT_QUEUED || attempt->state == ICMP_ATTEMPT_FLYING;
}

/* Replies are told apart by their secret, errors only by their number: may one about this attempt still come? */
static bool expects_errors(const struct icmp_attempt *attempt)
{
	return is_in_flight(attempt) || attempt->state == ICMP_ATTEMPT_EXPIRED;
}

/* The attempt to this address of this number of which an error may still come. */
static struct icmp_match find_expected(const struct icmp_flight *flight, const struct address *address,
				       uint16_t sequence, uint32_t hash)
{
	const struct entry *entry;
	for (size_t i = hash; (entry = &flight->table[i & (flight->size - 1)])->place != PLACE_NONE; i++) {
		struct icmp_endpoint *endpoint = flight->places[entry->place].endpoint;
		if (entry->hash != hash || !address_equal(&endpoint->address, address))
			continue;
		struct icmp_attempt *attempt = icmp_endpoint_attempt(endpoint, sequence);
		if (attempt && expects_errors(attempt))
			return (struct icmp_match){.endpoint = endpoint, .attempt = attempt};
	}
	return (struct icmp_match){.verdict = ICMP_VERDICT_FOREIGN};
}

void icmp_flight_set_state(struct icmp_flight *flight, struct icmp_endpoint *endpoint, struct icmp_attempt *attempt,
			   enum icmp_attempt_state state)
{
	bool flew = is_in_flight(attempt);
	bool was_expected = expects_errors(attempt);
	attempt->state = (uint8_t)state;
	endpoint->flying = (uint16_t)(endpoint->flying + is_in_flight(attempt) - flew);
	if (expects_errors(attempt) == was_expected)
		return;
	struct entry entry = {hash_of(flight, &endpoint->address, attempt->sequence), endpoint->place};
	if (was_expected)
		remove_entry(flight, entry);
	else
		add_entry(flight, entry);
}

/* --- endpoints ---------------------------------------------------------------------------------------------------- */

struct icmp_flight *icmp_flight_create(struct hash_key key)
{
	struct icmp_flight *flight = mem_zero(1, sizeof(*flight));
	flight->key = key;
	flight->first_free = PLACE_NONE;
	make_table(flight, TABLE_START);
	return flight;
}

void icmp_flight_free(struct icmp_flight *flight)
{
	if (!flight)
		return;
	for (uint32_t i = 0; i < flight->nplaces; i++)
		if (flight->places[i].endpoint)
			flight->places[i].endpoint->attempts = NULL;
	mem_free(flight->places);
	mem_free(flight->table);
	mem_free(flight);
}

size_t icmp_flight_ring_size(size_t remembered)
{
	size_t size = 1;
	while (size < remembered && size < ICMP_FLIGHT_RING_MAX)
		size *= 2;
	return size;
}

static void add_places(struct icmp_flight *flight)
{
	uint32_t n = flight->nplaces ? flight->nplaces * 2 : PLACES_START;
	flight->places = mem_resize(flight->places, n, sizeof(*flight->places));
	for (uint32_t i = n; i-- > flight->nplaces;) {
		flight->places[i] = (struct place){.next_free = flight->first_free};
		flight->first_free = i;
	}
	flight->nplaces = n;
}

void icmp_flight_add(struct icmp_flight *flight, struct icmp_endpoint *endpoint, const struct address *address,
		     struct icmp_attempt *attempts, size_t size, uint32_t first_request)
{
	if (flight->first_free == PLACE_NONE)
		add_places(flight);
	*endpoint = (struct icmp_endpoint){
		.attempts = attempts,
		.address = *address,
		.place = flight->first_free,
		.next_request = first_request,
		.mask = (uint16_t)(size - 1),
		.last_answered = (uint16_t)first_request,
	};
	endpoint->address.port = 0;
	flight->first_free = flight->places[endpoint->place].next_free;
	flight->places[endpoint->place].endpoint = endpoint;
}

void icmp_flight_remove(struct icmp_flight *flight, struct icmp_endpoint *endpoint)
{
	if (!endpoint->attempts)
		return;
	for (size_t i = 0; i <= endpoint->mask; i++)
		icmp_flight_set_state(flight, endpoint, &endpoint->attempts[i], ICMP_ATTEMPT_FREE);
	endpoint->attempts = NULL;
	struct place *place = &flight->places[endpoint->place];
	*place = (struct place){.number = place->number + 1, .next_free = flight->first_free};
	flight->first_free = endpoint->place;
}

struct icmp_place icmp_flight_place(const struct icmp_flight *flight, const struct icmp_endpoint *endpoint)
{
	return (struct icmp_place){endpoint->place, flight->places[endpoint->place].number};
}

struct icmp_endpoint *icmp_flight_at(const struct icmp_flight *flight, struct icmp_place place)
{
	const struct place *at = &flight->places[place.place];
	return at->number == place.number ? at->endpoint : NULL;
}

struct icmp_attempt *icmp_endpoint_attempt(const struct icmp_endpoint *endpoint, uint16_t sequence)
{
	struct icmp_attempt *attempt = &endpoint->attempts[sequence & endpoint->mask];
	return attempt->state != ICMP_ATTEMPT_FREE && attempt->sequence == sequence ? attempt : NULL;
}

/* --- requests and what comes back --------------------------------------------------------------------------------- */

struct icmp_attempt *icmp_flight_launch(struct icmp_flight *flight, struct icmp_endpoint *endpoint)
{
	for (unsigned tries = 0; tries <= UINT16_MAX; tries++) {
		uint16_t sequence = (uint16_t)endpoint->next_request;
		struct icmp_attempt *attempt = &endpoint->attempts[sequence & endpoint->mask];
		if (is_in_flight(attempt))
			return NULL;
		endpoint->next_request++;
		uint32_t hash = hash_of(flight, &endpoint->address, sequence);
		if (find_expected(flight, &endpoint->address, sequence, hash).endpoint)
			continue;
		icmp_flight_set_state(flight, endpoint, attempt, ICMP_ATTEMPT_FREE);
		*attempt = (struct icmp_attempt){.sequence = sequence};
		icmp_flight_set_state(flight, endpoint, attempt, ICMP_ATTEMPT_QUEUED);
		return attempt;
	}
	return NULL;
}

struct icmp_match icmp_flight_find(const struct icmp_flight *flight, const struct address *destination,
				   uint16_t sequence)
{
	uint32_t hash = hash_of(flight, destination, sequence);
	struct icmp_match match = find_expected(flight, destination, sequence, hash);
	if (match.attempt && match.attempt->state == ICMP_ATTEMPT_FLYING)
		return match;
	return (struct icmp_match){.verdict = ICMP_VERDICT_FOREIGN};
}

struct icmp_match icmp_flight_error(struct icmp_flight *flight, const struct address *destination, uint16_t sequence)
{
	struct icmp_match match = icmp_flight_find(flight, destination, sequence);
	if (match.attempt)
		icmp_flight_set_state(flight, match.endpoint, match.attempt, ICMP_ATTEMPT_FAILED);
	return match;
}

/* First answer to an attempt that flies: is one that was sent later answered already? The times of sending tell,
 * because numbers run in a circle, and are not in order when a device refused a request at first. A step of the clock
 * between the two leaves it open. */
static bool note_order(struct icmp_endpoint *endpoint, const struct icmp_attempt *attempt)
{
	const struct icmp_attempt *last = icmp_endpoint_attempt(endpoint, endpoint->last_answered);
	if (last && last->state == ICMP_ATTEMPT_ANSWERED && last->clock_epoch == attempt->clock_epoch &&
	    attempt->sent_ns < last->sent_ns)
		return true;
	endpoint->last_answered = attempt->sequence;
	return false;
}

static void judge(struct icmp_flight *flight, struct icmp_match *match)
{
	switch ((enum icmp_attempt_state)match->attempt->state) {
	case ICMP_ATTEMPT_FLYING:
		icmp_flight_set_state(flight, match->endpoint, match->attempt, ICMP_ATTEMPT_ANSWERED);
		match->verdict = ICMP_VERDICT_ANSWER;
		match->is_reordered = note_order(match->endpoint, match->attempt);
		break;
	case ICMP_ATTEMPT_EXPIRED:
	case ICMP_ATTEMPT_FAILED:
		icmp_flight_set_state(flight, match->endpoint, match->attempt, ICMP_ATTEMPT_LATE);
		match->verdict = ICMP_VERDICT_LATE;
		break;
	case ICMP_ATTEMPT_ANSWERED:
	case ICMP_ATTEMPT_LATE:
		match->verdict = ICMP_VERDICT_DUPLICATE;
		break;
	case ICMP_ATTEMPT_FREE:
	case ICMP_ATTEMPT_QUEUED:
		*match = (struct icmp_match){.verdict = ICMP_VERDICT_FOREIGN};
		break;
	}
}

struct icmp_match icmp_flight_reply(struct icmp_flight *flight, const struct address *from, uint16_t sequence,
				    uint64_t secret)
{
	struct icmp_match match = {.verdict = ICMP_VERDICT_FOREIGN};
	uint32_t place, request;
	decrypt(flight->key, secret, &place, &request);
	struct icmp_endpoint *endpoint = place < flight->nplaces ? flight->places[place].endpoint : NULL;
	if (!endpoint || (uint16_t)request != sequence || request != request_number(endpoint, sequence) ||
	    !address_equal(&endpoint->address, from))
		return match;
	struct icmp_attempt *attempt = icmp_endpoint_attempt(endpoint, sequence);
	if (!attempt)
		return match;
	match.endpoint = endpoint;
	match.attempt = attempt;
	judge(flight, &match);
	return match;
}
