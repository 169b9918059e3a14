#include "probes/icmp/icmp_flight.h"

#include "core/mem.h"

#define TABLE_START 64

struct icmp_flight {
	struct icmp_endpoint **buckets;
	size_t size; /* power of two */
	size_t count;
	struct hash_key key;
};

struct icmp_flight *icmp_flight_create(struct hash_key key)
{
	struct icmp_flight *flight = mem_zero(1, sizeof(*flight));
	flight->key = key;
	flight->size = TABLE_START;
	flight->buckets = mem_zero(flight->size, sizeof(struct icmp_endpoint *));
	return flight;
}

void icmp_flight_free(struct icmp_flight *flight)
{
	if (!flight)
		return;
	for (size_t i = 0; i < flight->size; i++)
		while (flight->buckets[i])
			icmp_flight_remove(flight, flight->buckets[i]);
	mem_free(flight->buckets);
	mem_free(flight);
}

static struct icmp_endpoint **bucket_of(const struct icmp_flight *flight, const struct address *address)
{
	return &flight->buckets[address_hash(flight->key, address) & (flight->size - 1)];
}

static void link_endpoint(struct icmp_endpoint **bucket, struct icmp_endpoint *endpoint)
{
	endpoint->next = *bucket;
	endpoint->link = bucket;
	if (endpoint->next)
		endpoint->next->link = &endpoint->next;
	*bucket = endpoint;
}

static void grow(struct icmp_flight *flight)
{
	struct icmp_endpoint **old = flight->buckets;
	size_t old_size = flight->size;
	flight->size *= 2;
	flight->buckets = mem_zero(flight->size, sizeof(struct icmp_endpoint *));
	for (size_t i = 0; i < old_size; i++) {
		for (struct icmp_endpoint *endpoint = old[i], *next; endpoint; endpoint = next) {
			next = endpoint->next;
			link_endpoint(bucket_of(flight, &endpoint->address), endpoint);
		}
	}
	mem_free(old);
}

void icmp_flight_add(struct icmp_flight *flight, struct icmp_endpoint *endpoint, const struct address *address,
		     size_t attempts, uint16_t first_sequence)
{
	size_t size = 1;
	while (size < attempts && size < ICMP_FLIGHT_RING_MAX)
		size *= 2;
	if (flight->count >= flight->size)
		grow(flight);
	endpoint->address = *address;
	endpoint->address.port = 0;
	endpoint->attempts = mem_zero(size, sizeof(struct icmp_attempt));
	endpoint->mask = (uint16_t)(size - 1);
	endpoint->next_sequence = first_sequence;
	endpoint->flying = 0;
	endpoint->last_answered = first_sequence;
	link_endpoint(bucket_of(flight, &endpoint->address), endpoint);
	flight->count++;
}

void icmp_flight_remove(struct icmp_flight *flight, struct icmp_endpoint *endpoint)
{
	if (!endpoint->link)
		return;
	*endpoint->link = endpoint->next;
	if (endpoint->next)
		endpoint->next->link = endpoint->link;
	endpoint->next = NULL;
	endpoint->link = NULL;
	mem_free(endpoint->attempts);
	endpoint->attempts = NULL;
	flight->count--;
}

static bool is_in_flight(const struct icmp_attempt *attempt)
{
	return attempt->state == ICMP_ATTEMPT_QUEUED || attempt->state == ICMP_ATTEMPT_FLYING;
}

struct icmp_attempt *icmp_endpoint_attempt(const struct icmp_endpoint *endpoint, uint16_t sequence)
{
	struct icmp_attempt *attempt = &endpoint->attempts[sequence & endpoint->mask];
	return attempt->state != ICMP_ATTEMPT_FREE && attempt->sequence == sequence ? attempt : NULL;
}

void icmp_endpoint_set_state(struct icmp_endpoint *endpoint, struct icmp_attempt *attempt,
			     enum icmp_attempt_state state)
{
	bool flew = is_in_flight(attempt);
	attempt->state = (uint8_t)state;
	bool flies = is_in_flight(attempt);
	if (flies && !flew)
		endpoint->flying++;
	else if (flew && !flies)
		endpoint->flying--;
}

/* Replies are told apart by their secret, errors only by their number: may one about this attempt still come? */
static bool expects_errors(const struct icmp_attempt *attempt)
{
	return attempt && (is_in_flight(attempt) || attempt->state == ICMP_ATTEMPT_EXPIRED);
}

/* Does another endpoint of this address have an attempt of this number whose errors could not be told from ours? */
static bool is_taken(const struct icmp_endpoint *first, const struct icmp_endpoint *asker, uint16_t sequence)
{
	for (const struct icmp_endpoint *other = first; other; other = other->next)
		if (other != asker && address_equal(&other->address, &asker->address) &&
		    expects_errors(icmp_endpoint_attempt(other, sequence)))
			return true;
	return false;
}

struct icmp_attempt *icmp_flight_launch(struct icmp_flight *flight, struct icmp_endpoint *endpoint, uint64_t secret)
{
	const struct icmp_endpoint *first = *bucket_of(flight, &endpoint->address);
	bool is_alone = first == endpoint && !endpoint->next;
	for (unsigned tries = 0; tries <= UINT16_MAX; tries++) {
		uint16_t sequence = endpoint->next_sequence++;
		struct icmp_attempt *attempt = &endpoint->attempts[sequence & endpoint->mask];
		if (is_in_flight(attempt)) {
			endpoint->next_sequence--;
			return NULL;
		}
		if (!is_alone && is_taken(first, endpoint, sequence))
			continue;
		*attempt = (struct icmp_attempt){.secret = secret, .sequence = sequence};
		icmp_endpoint_set_state(endpoint, attempt, ICMP_ATTEMPT_QUEUED);
		return attempt;
	}
	return NULL;
}

struct icmp_match icmp_flight_find(struct icmp_flight *flight, const struct address *destination, uint16_t sequence)
{
	for (struct icmp_endpoint *endpoint = *bucket_of(flight, destination); endpoint; endpoint = endpoint->next) {
		if (!address_equal(&endpoint->address, destination))
			continue;
		struct icmp_attempt *attempt = icmp_endpoint_attempt(endpoint, sequence);
		if (attempt && attempt->state == ICMP_ATTEMPT_FLYING)
			return (struct icmp_match){.endpoint = endpoint, .attempt = attempt};
	}
	return (struct icmp_match){.verdict = ICMP_VERDICT_FOREIGN};
}

struct icmp_match icmp_flight_error(struct icmp_flight *flight, const struct address *destination, uint16_t sequence)
{
	struct icmp_match match = icmp_flight_find(flight, destination, sequence);
	if (match.attempt)
		icmp_endpoint_set_state(match.endpoint, match.attempt, ICMP_ATTEMPT_FAILED);
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

static void judge(struct icmp_match *match)
{
	switch ((enum icmp_attempt_state)match->attempt->state) {
	case ICMP_ATTEMPT_FLYING:
		icmp_endpoint_set_state(match->endpoint, match->attempt, ICMP_ATTEMPT_ANSWERED);
		match->verdict = ICMP_VERDICT_ANSWER;
		match->is_reordered = note_order(match->endpoint, match->attempt);
		break;
	case ICMP_ATTEMPT_EXPIRED:
	case ICMP_ATTEMPT_FAILED:
		match->attempt->state = ICMP_ATTEMPT_LATE;
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
	for (struct icmp_endpoint *endpoint = *bucket_of(flight, from); endpoint; endpoint = endpoint->next) {
		if (!address_equal(&endpoint->address, from))
			continue;
		struct icmp_attempt *attempt = icmp_endpoint_attempt(endpoint, sequence);
		if (!attempt || attempt->secret != secret)
			continue;
		struct icmp_match match = {.endpoint = endpoint, .attempt = attempt};
		judge(&match);
		return match;
	}
	return (struct icmp_match){.verdict = ICMP_VERDICT_FOREIGN};
}
