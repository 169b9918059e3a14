#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "probes/icmp/icmp_flight.h"

static struct address address(const char *text)
{
	struct address out;
	cr_assert(address_parse(text, &out), "%s", text);
	return out;
}

static void add(struct icmp_flight *flight, struct icmp_endpoint *endpoint, const struct address *to, size_t remembered,
		uint32_t first)
{
	size_t size = icmp_flight_ring_size(remembered);
	icmp_flight_add(flight, endpoint, to, mem_zero(size, sizeof(struct icmp_attempt)), size, first);
}

static void take_out(struct icmp_flight *flight, struct icmp_endpoint *endpoint)
{
	struct icmp_attempt *attempts = endpoint->attempts;
	icmp_flight_remove(flight, endpoint);
	mem_free(attempts);
}

static struct icmp_attempt *launch(struct icmp_flight *flight, struct icmp_endpoint *endpoint)
{
	struct icmp_attempt *attempt = icmp_flight_launch(flight, endpoint);
	if (attempt)
		icmp_flight_set_state(flight, endpoint, attempt, ICMP_ATTEMPT_FLYING);
	return attempt;
}

/* What comes back to a request of this number, if the address answers truly. */
static struct icmp_match reply_to(struct icmp_flight *flight, const struct icmp_endpoint *endpoint, uint16_t sequence)
{
	const struct icmp_attempt attempt = {.sequence = sequence};
	struct address from = endpoint->address;
	return icmp_flight_reply(flight, &from, sequence, icmp_flight_secret(flight, endpoint, &attempt));
}

/* A table with one endpoint at 192.0.2.1. */
struct one {
	struct icmp_flight *flight;
	struct icmp_endpoint endpoint;
	struct address address;
};

static void one_open(struct one *one, size_t remembered, uint16_t first)
{
	memset(one, 0, sizeof(*one));
	one->flight = icmp_flight_create((struct hash_key){1, 2});
	one->address = address("192.0.2.1");
	add(one->flight, &one->endpoint, &one->address, remembered, first);
}

static void one_close(struct one *one)
{
	take_out(one->flight, &one->endpoint);
	icmp_flight_free(one->flight);
}

Test(icmp_flight, an_answer_needs_address_sequence_and_secret)
{
	struct one one;
	one_open(&one, 4, 100);
	const struct icmp_attempt *attempt = launch(one.flight, &one.endpoint);
	uint64_t secret = icmp_flight_secret(one.flight, &one.endpoint, attempt);
	struct address other = address("192.0.2.2");
	cr_assert_eq(icmp_flight_reply(one.flight, &other, 100, secret).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 101, secret).verdict, ICMP_VERDICT_FOREIGN);
	for (unsigned bit = 0; bit < 64; bit++)
		cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 100, secret ^ UINT64_C(1) << bit).verdict,
			     ICMP_VERDICT_FOREIGN, "bit %u of the secret", bit);
	cr_assert_eq(one.endpoint.flying, 1);
	struct icmp_match match = icmp_flight_reply(one.flight, &one.address, 100, secret);
	cr_assert_eq(match.verdict, ICMP_VERDICT_ANSWER);
	cr_assert_eq(match.endpoint, &one.endpoint);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 100, secret).verdict, ICMP_VERDICT_DUPLICATE);
	one_close(&one);
}

Test(icmp_flight, a_reply_to_what_is_not_sent_yet_is_foreign)
{
	struct one one;
	one_open(&one, 4, 5);
	cr_assert_not_null(icmp_flight_launch(one.flight, &one.endpoint));
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 5).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(one.endpoint.flying, 1);
	one_close(&one);
}

Test(icmp_flight, late_then_duplicate)
{
	struct one one;
	one_open(&one, 4, 0);
	struct icmp_attempt *attempt = launch(one.flight, &one.endpoint);
	icmp_flight_set_state(one.flight, &one.endpoint, attempt, ICMP_ATTEMPT_EXPIRED);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 0).verdict, ICMP_VERDICT_LATE);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 0).verdict, ICMP_VERDICT_DUPLICATE);
	one_close(&one);
}

Test(icmp_flight, an_error_ends_only_what_flies)
{
	struct one one;
	one_open(&one, 4, 3);
	launch(one.flight, &one.endpoint);
	struct address other = address("192.0.2.9");
	cr_assert_null(icmp_flight_error(one.flight, &other, 3).endpoint);
	cr_assert_null(icmp_flight_error(one.flight, &one.address, 4).endpoint);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, 3).endpoint, &one.endpoint);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_null(icmp_flight_error(one.flight, &one.address, 3).endpoint, "a second error is nobody's");
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 3).verdict, ICMP_VERDICT_LATE);
	one_close(&one);
}

Test(icmp_flight, reordering_in_a_circle)
{
	struct one one;
	one_open(&one, 16, 65533);
	uint16_t sequence[6];
	for (int i = 0; i < 6; i++) {
		struct icmp_attempt *attempt = launch(one.flight, &one.endpoint);
		attempt->sent_ns = 1000 + i;
		sequence[i] = attempt->sequence;
	}
	cr_assert_eq(sequence[3], 0);
	static const struct {
		int index;
		bool is_reordered;
	} arrivals[] = {{0, false}, {2, false}, {1, true}, {4, false}, {3, true}, {5, false}};
	for (size_t i = 0; i < 6; i++) {
		struct icmp_match match = reply_to(one.flight, &one.endpoint, sequence[arrivals[i].index]);
		cr_assert_eq(match.verdict, ICMP_VERDICT_ANSWER);
		cr_assert_eq(match.is_reordered, arrivals[i].is_reordered, "arrival %zu", i);
	}
	one_close(&one);
}

Test(icmp_flight, reordering_is_against_the_order_of_sending)
{
	struct one one;
	one_open(&one, 4, 65535);
	struct icmp_attempt *held_up = launch(one.flight, &one.endpoint);
	struct icmp_attempt *prompt = launch(one.flight, &one.endpoint);
	held_up->sent_ns = 2000;
	prompt->sent_ns = 1000;
	cr_assert_not(reply_to(one.flight, &one.endpoint, prompt->sequence).is_reordered);
	cr_assert_not(reply_to(one.flight, &one.endpoint, held_up->sequence).is_reordered);
	/* The wall clock was set back in between: the times say nothing. */
	struct icmp_attempt *after = launch(one.flight, &one.endpoint);
	after->sent_ns = 500;
	after->clock_epoch = 1;
	cr_assert_not(reply_to(one.flight, &one.endpoint, after->sequence).is_reordered);
	one_close(&one);
}

Test(icmp_flight, a_long_silence_makes_no_reordering)
{
	struct one one;
	one_open(&one, 4, 0);
	launch(one.flight, &one.endpoint);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 0).verdict, ICMP_VERDICT_ANSWER);
	/* Longer than half of the circle: the last number answered seems to lie ahead. */
	for (int i = 0; i < 40000; i++)
		icmp_flight_set_state(one.flight, &one.endpoint, launch(one.flight, &one.endpoint),
				      ICMP_ATTEMPT_EXPIRED);
	for (int i = 0; i < 10; i++) {
		uint16_t sequence = launch(one.flight, &one.endpoint)->sequence;
		struct icmp_match match = reply_to(one.flight, &one.endpoint, sequence);
		cr_assert_eq(match.verdict, ICMP_VERDICT_ANSWER);
		cr_assert_not(match.is_reordered, "answer %d after the silence", i);
	}
	one_close(&one);
}

Test(icmp_flight, numbers_that_are_answered_are_free_for_others)
{
	struct one one;
	struct icmp_endpoint other = {0};
	one_open(&one, 4, 7);
	add(one.flight, &other, &one.address, 4, 7);
	launch(one.flight, &one.endpoint);
	reply_to(one.flight, &one.endpoint, 7);
	cr_assert_eq(launch(one.flight, &other)->sequence, 7, "no error can come any more");
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 7).verdict, ICMP_VERDICT_DUPLICATE);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, 7).endpoint, &other);
	/* One that expired may still be hit by a late error, which must not end another's request. */
	icmp_flight_set_state(one.flight, &one.endpoint, launch(one.flight, &one.endpoint), ICMP_ATTEMPT_EXPIRED);
	cr_assert_eq(launch(one.flight, &other)->sequence, 9);
	take_out(one.flight, &other);
	one_close(&one);
}

Test(icmp_flight, many_probes_of_one_address_find_numbers)
{
	enum { N = 40 };
	struct icmp_flight *flight = icmp_flight_create((struct hash_key){3, 4});
	struct icmp_endpoint *endpoints = mem_zero(N, sizeof(*endpoints));
	struct address to = address("192.0.2.1");
	for (unsigned i = 0; i < N; i++)
		add(flight, &endpoints[i], &to, 2000, (uint16_t)(i * 100));
	for (unsigned n = 0; n < 2500; n++) {
		for (unsigned i = 0; i < N; i++) {
			struct icmp_attempt *attempt = launch(flight, &endpoints[i]);
			cr_assert_not_null(attempt, "request %u of endpoint %u", n, i);
			cr_assert_eq(reply_to(flight, &endpoints[i], attempt->sequence).verdict, ICMP_VERDICT_ANSWER);
		}
	}
	for (unsigned i = 0; i < N; i++)
		take_out(flight, &endpoints[i]);
	icmp_flight_free(flight);
	mem_free(endpoints);
}

Test(icmp_flight, a_ring_full_of_flights_gives_no_number)
{
	struct one one;
	one_open(&one, 3, 65535); /* rounded up to 4 */
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(launch(one.flight, &one.endpoint));
	uint32_t next = one.endpoint.next_request;
	cr_assert_null(launch(one.flight, &one.endpoint));
	cr_assert_null(launch(one.flight, &one.endpoint));
	cr_assert_eq(one.endpoint.next_request, next, "a refusal uses nothing up");
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 65535).verdict, ICMP_VERDICT_ANSWER);
	cr_assert_not_null(launch(one.flight, &one.endpoint), "a number that is answered makes room");
	one_close(&one);
}

Test(icmp_flight, old_numbers_are_forgotten)
{
	struct one one;
	one_open(&one, 4, 0);
	for (int i = 0; i < 5; i++) {
		struct icmp_attempt *attempt = launch(one.flight, &one.endpoint);
		icmp_flight_set_state(one.flight, &one.endpoint, attempt, ICMP_ATTEMPT_EXPIRED);
	}
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 0).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 1).verdict, ICMP_VERDICT_LATE);
	one_close(&one);
}

Test(icmp_flight, endpoints_of_one_address_keep_apart)
{
	struct one one;
	struct icmp_endpoint second = {0};
	one_open(&one, 8, 10);
	add(one.flight, &second, &one.address, 8, 10);
	uint16_t a = launch(one.flight, &one.endpoint)->sequence;
	uint16_t b = launch(one.flight, &second)->sequence;
	cr_assert_eq(a, 10);
	cr_assert_eq(b, 11);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, b).endpoint, &second);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, a).endpoint, &one.endpoint);
	take_out(one.flight, &second);
	take_out(one.flight, &second);
	one_close(&one);
}

Test(icmp_flight, all_numbers_taken_by_others_gives_none)
{
	struct one one;
	struct icmp_endpoint others[2] = {0};
	struct icmp_endpoint last = {0};
	one_open(&one, 4, 0);
	for (int i = 0; i < 2; i++) {
		add(one.flight, &others[i], &one.address, ICMP_FLIGHT_RING_MAX, (uint16_t)(i * 32768));
		for (int n = 0; n < ICMP_FLIGHT_RING_MAX; n++)
			cr_assert_not_null(launch(one.flight, &others[i]));
	}
	add(one.flight, &last, &one.address, 4, 0);
	cr_assert_null(launch(one.flight, &last));
	take_out(one.flight, &last);
	for (int i = 0; i < 2; i++)
		take_out(one.flight, &others[i]);
	one_close(&one);
}

Test(icmp_flight, many_endpoints_are_each_found)
{
	enum { N = 3000 };
	struct icmp_flight *flight = icmp_flight_create((struct hash_key){3, 4});
	struct icmp_endpoint *endpoints = mem_zero(N, sizeof(*endpoints));
	struct icmp_attempt *attempts = mem_zero(N, sizeof(*attempts));
	for (unsigned i = 0; i < N; i++) {
		struct address to = {.family = i % 2 ? ADDRESS_IPV4 : ADDRESS_IPV6, .port = 7};
		memcpy(to.bytes, &i, 4);
		icmp_flight_add(flight, &endpoints[i], &to, &attempts[i], 1, i);
		launch(flight, &endpoints[i]);
	}
	for (unsigned i = 0; i < N; i++)
		cr_assert_eq(icmp_flight_find(flight, &endpoints[i].address, (uint16_t)i).endpoint, &endpoints[i]);
	for (unsigned i = 0; i < N; i += 2)
		icmp_flight_remove(flight, &endpoints[i]);
	for (unsigned i = 1; i < N; i += 2)
		cr_assert_eq(reply_to(flight, &endpoints[i], (uint16_t)i).verdict, ICMP_VERDICT_ANSWER);
	icmp_flight_free(flight); /* with endpoints still in it */
	cr_assert_null(endpoints[1].attempts);
	mem_free(attempts);
	mem_free(endpoints);
	icmp_flight_free(NULL);
}

Test(icmp_flight, what_was_sent_before_is_nobody_elses)
{
	struct one one;
	struct icmp_endpoint next = {0};
	one_open(&one, 4, 7);
	uint64_t secret = icmp_flight_secret(one.flight, &one.endpoint, launch(one.flight, &one.endpoint));
	struct icmp_place place = icmp_flight_place(one.flight, &one.endpoint);
	cr_assert_eq(icmp_flight_at(one.flight, place), &one.endpoint);
	take_out(one.flight, &one.endpoint);
	cr_assert_null(icmp_flight_at(one.flight, place));
	/* Another takes the place, with the same address and the same sequence number. */
	add(one.flight, &next, &one.address, 4, 7 + 65536);
	cr_assert_eq(icmp_flight_place(one.flight, &next).place, place.place);
	cr_assert_null(icmp_flight_at(one.flight, place));
	cr_assert_eq(launch(one.flight, &next)->sequence, 7);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 7, secret).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(next.flying, 1);
	take_out(one.flight, &next);
	icmp_flight_free(one.flight);
}

Test(icmp_flight, a_number_that_comes_round_again_has_another_secret)
{
	struct one one;
	one_open(&one, 4, 0);
	uint64_t secret = icmp_flight_secret(one.flight, &one.endpoint, launch(one.flight, &one.endpoint));
	icmp_flight_set_state(one.flight, &one.endpoint, &one.endpoint.attempts[0], ICMP_ATTEMPT_ANSWERED);
	for (int i = 0; i < 65535; i++)
		icmp_flight_set_state(one.flight, &one.endpoint, launch(one.flight, &one.endpoint),
				      ICMP_ATTEMPT_ANSWERED);
	cr_assert_eq(launch(one.flight, &one.endpoint)->sequence, 0);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 0, secret).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(reply_to(one.flight, &one.endpoint, 0).verdict, ICMP_VERDICT_ANSWER);
	one_close(&one);
}

/* The table under a random load, against a plain list of what is expected. */
Test(icmp_flight, errors_find_whose_they_are_among_many)
{
	enum { N = 60, STEPS = 40000 };
	struct icmp_flight *flight = icmp_flight_create((struct hash_key){5, 6});
	struct icmp_endpoint endpoints[N] = {0};
	uint64_t random = 1;
	for (unsigned i = 0; i < N; i++) {
		struct address to = address(i % 3 ? "192.0.2.1" : "192.0.2.2");
		add(flight, &endpoints[i], &to, 8, i);
	}
	for (unsigned step = 0; step < STEPS; step++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		struct icmp_endpoint *endpoint = &endpoints[(random >> 33) % N];
		struct icmp_attempt *attempt = &endpoint->attempts[(random >> 50) % 8];
		if (random >> 62 && attempt->state == ICMP_ATTEMPT_FLYING) {
			struct icmp_match match = icmp_flight_error(flight, &endpoint->address, attempt->sequence);
			cr_assert_eq(match.endpoint, endpoint, "step %u", step);
			cr_assert_eq(match.attempt, attempt);
		} else if (!launch(flight, endpoint)) {
			for (unsigned i = 0; i < 8; i++)
				icmp_flight_set_state(flight, endpoint, &endpoint->attempts[i], ICMP_ATTEMPT_EXPIRED);
		}
	}
	for (unsigned i = 0; i < N; i++)
		take_out(flight, &endpoints[i]);
	icmp_flight_free(flight);
}
