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

static struct icmp_attempt *launch(struct icmp_flight *flight, struct icmp_endpoint *endpoint, uint64_t secret)
{
	struct icmp_attempt *attempt = icmp_flight_launch(flight, endpoint, secret);
	if (attempt)
		icmp_endpoint_set_state(endpoint, attempt, ICMP_ATTEMPT_FLYING);
	return attempt;
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
	icmp_flight_add(one->flight, &one->endpoint, &one->address, remembered, first);
}

static void one_close(struct one *one)
{
	icmp_flight_remove(one->flight, &one->endpoint);
	icmp_flight_free(one->flight);
}

Test(icmp_flight, an_answer_needs_address_sequence_and_secret)
{
	struct one one;
	one_open(&one, 4, 100);
	launch(one.flight, &one.endpoint, 77);
	struct address other = address("192.0.2.2");
	cr_assert_eq(icmp_flight_reply(one.flight, &other, 100, 77).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 101, 77).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 100, 78).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(one.endpoint.flying, 1);
	struct icmp_match match = icmp_flight_reply(one.flight, &one.address, 100, 77);
	cr_assert_eq(match.verdict, ICMP_VERDICT_ANSWER);
	cr_assert_eq(match.endpoint, &one.endpoint);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 100, 77).verdict, ICMP_VERDICT_DUPLICATE);
	one_close(&one);
}

Test(icmp_flight, a_reply_to_what_is_not_sent_yet_is_foreign)
{
	struct one one;
	one_open(&one, 4, 5);
	cr_assert_not_null(icmp_flight_launch(one.flight, &one.endpoint, 1));
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 5, 1).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(one.endpoint.flying, 1);
	one_close(&one);
}

Test(icmp_flight, late_then_duplicate)
{
	struct one one;
	one_open(&one, 4, 0);
	struct icmp_attempt *attempt = launch(one.flight, &one.endpoint, 9);
	icmp_endpoint_set_state(&one.endpoint, attempt, ICMP_ATTEMPT_EXPIRED);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 0, 9).verdict, ICMP_VERDICT_LATE);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 0, 9).verdict, ICMP_VERDICT_DUPLICATE);
	one_close(&one);
}

Test(icmp_flight, an_error_ends_only_what_flies)
{
	struct one one;
	one_open(&one, 4, 3);
	launch(one.flight, &one.endpoint, 9);
	struct address other = address("192.0.2.9");
	cr_assert_null(icmp_flight_error(one.flight, &other, 3).endpoint);
	cr_assert_null(icmp_flight_error(one.flight, &one.address, 4).endpoint);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, 3).endpoint, &one.endpoint);
	cr_assert_eq(one.endpoint.flying, 0);
	cr_assert_null(icmp_flight_error(one.flight, &one.address, 3).endpoint, "a second error is nobody's");
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 3, 9).verdict, ICMP_VERDICT_LATE);
	one_close(&one);
}

Test(icmp_flight, reordering_in_a_circle)
{
	struct one one;
	one_open(&one, 16, 65533);
	uint16_t sequence[6];
	for (int i = 0; i < 6; i++) {
		struct icmp_attempt *attempt = launch(one.flight, &one.endpoint, 1);
		attempt->sent_ns = 1000 + i;
		sequence[i] = attempt->sequence;
	}
	cr_assert_eq(sequence[3], 0);
	static const struct {
		int index;
		bool is_reordered;
	} arrivals[] = {{0, false}, {2, false}, {1, true}, {4, false}, {3, true}, {5, false}};
	for (size_t i = 0; i < 6; i++) {
		struct icmp_match match = icmp_flight_reply(one.flight, &one.address, sequence[arrivals[i].index], 1);
		cr_assert_eq(match.verdict, ICMP_VERDICT_ANSWER);
		cr_assert_eq(match.is_reordered, arrivals[i].is_reordered, "arrival %zu", i);
	}
	one_close(&one);
}

Test(icmp_flight, reordering_is_against_the_order_of_sending)
{
	struct one one;
	one_open(&one, 4, 65535);
	struct icmp_attempt *held_up = launch(one.flight, &one.endpoint, 1);
	struct icmp_attempt *prompt = launch(one.flight, &one.endpoint, 1);
	held_up->sent_ns = 2000;
	prompt->sent_ns = 1000;
	cr_assert_not(icmp_flight_reply(one.flight, &one.address, prompt->sequence, 1).is_reordered);
	cr_assert_not(icmp_flight_reply(one.flight, &one.address, held_up->sequence, 1).is_reordered);
	/* The wall clock was set back in between: the times say nothing. */
	struct icmp_attempt *after = launch(one.flight, &one.endpoint, 1);
	after->sent_ns = 500;
	after->clock_epoch = 1;
	cr_assert_not(icmp_flight_reply(one.flight, &one.address, after->sequence, 1).is_reordered);
	one_close(&one);
}

Test(icmp_flight, a_long_silence_makes_no_reordering)
{
	struct one one;
	one_open(&one, 4, 0);
	launch(one.flight, &one.endpoint, 1);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 0, 1).verdict, ICMP_VERDICT_ANSWER);
	/* Longer than half of the circle: the last number answered seems to lie ahead. */
	for (int i = 0; i < 40000; i++)
		icmp_endpoint_set_state(&one.endpoint, launch(one.flight, &one.endpoint, 1), ICMP_ATTEMPT_EXPIRED);
	for (int i = 0; i < 10; i++) {
		uint16_t sequence = launch(one.flight, &one.endpoint, 1)->sequence;
		struct icmp_match match = icmp_flight_reply(one.flight, &one.address, sequence, 1);
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
	icmp_flight_add(one.flight, &other, &one.address, 4, 7);
	launch(one.flight, &one.endpoint, 1);
	icmp_flight_reply(one.flight, &one.address, 7, 1);
	cr_assert_eq(launch(one.flight, &other, 2)->sequence, 7, "no error can come any more");
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 7, 1).verdict, ICMP_VERDICT_DUPLICATE);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, 7).endpoint, &other);
	/* One that expired may still be hit by a late error, which must not end another's request. */
	icmp_endpoint_set_state(&one.endpoint, launch(one.flight, &one.endpoint, 3), ICMP_ATTEMPT_EXPIRED);
	cr_assert_eq(launch(one.flight, &other, 4)->sequence, 9);
	icmp_flight_remove(one.flight, &other);
	one_close(&one);
}

Test(icmp_flight, many_probes_of_one_address_find_numbers)
{
	enum { N = 40 };
	struct icmp_flight *flight = icmp_flight_create((struct hash_key){3, 4});
	struct icmp_endpoint *endpoints = mem_zero(N, sizeof(*endpoints));
	struct address to = address("192.0.2.1");
	for (unsigned i = 0; i < N; i++)
		icmp_flight_add(flight, &endpoints[i], &to, 2000, (uint16_t)(i * 100));
	for (unsigned n = 0; n < 2500; n++) {
		for (unsigned i = 0; i < N; i++) {
			struct icmp_attempt *attempt = launch(flight, &endpoints[i], i);
			cr_assert_not_null(attempt, "request %u of endpoint %u", n, i);
			cr_assert_eq(icmp_flight_reply(flight, &to, attempt->sequence, i).verdict, ICMP_VERDICT_ANSWER);
		}
	}
	icmp_flight_free(flight);
	mem_free(endpoints);
}

Test(icmp_flight, a_ring_full_of_flights_gives_no_number)
{
	struct one one;
	one_open(&one, 3, 65535); /* rounded up to 4 */
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(launch(one.flight, &one.endpoint, 1));
	uint16_t next = one.endpoint.next_sequence;
	cr_assert_null(launch(one.flight, &one.endpoint, 1));
	cr_assert_null(launch(one.flight, &one.endpoint, 1));
	cr_assert_eq(one.endpoint.next_sequence, next, "a refusal uses nothing up");
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 65535, 1).verdict, ICMP_VERDICT_ANSWER);
	cr_assert_not_null(launch(one.flight, &one.endpoint, 1), "a number that is answered makes room");
	one_close(&one);
}

Test(icmp_flight, old_numbers_are_forgotten)
{
	struct one one;
	one_open(&one, 4, 0);
	for (int i = 0; i < 5; i++) {
		struct icmp_attempt *attempt = launch(one.flight, &one.endpoint, 1);
		icmp_endpoint_set_state(&one.endpoint, attempt, ICMP_ATTEMPT_EXPIRED);
	}
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 0, 1).verdict, ICMP_VERDICT_FOREIGN);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, 1, 1).verdict, ICMP_VERDICT_LATE);
	one_close(&one);
}

Test(icmp_flight, endpoints_of_one_address_keep_apart)
{
	struct one one;
	struct icmp_endpoint second = {0};
	one_open(&one, 8, 10);
	icmp_flight_add(one.flight, &second, &one.address, 8, 10);
	uint16_t a = launch(one.flight, &one.endpoint, 1)->sequence;
	uint16_t b = launch(one.flight, &second, 2)->sequence;
	cr_assert_eq(a, 10);
	cr_assert_eq(b, 11);
	cr_assert_eq(icmp_flight_error(one.flight, &one.address, b).endpoint, &second);
	cr_assert_eq(icmp_flight_reply(one.flight, &one.address, a, 1).endpoint, &one.endpoint);
	icmp_flight_remove(one.flight, &second);
	icmp_flight_remove(one.flight, &second);
	one_close(&one);
}

Test(icmp_flight, all_numbers_taken_by_others_gives_none)
{
	struct one one;
	struct icmp_endpoint others[2] = {0};
	struct icmp_endpoint last = {0};
	one_open(&one, 4, 0);
	for (int i = 0; i < 2; i++) {
		icmp_flight_add(one.flight, &others[i], &one.address, ICMP_FLIGHT_RING_MAX, (uint16_t)(i * 32768));
		for (int n = 0; n < ICMP_FLIGHT_RING_MAX; n++)
			cr_assert_not_null(launch(one.flight, &others[i], 1));
	}
	icmp_flight_add(one.flight, &last, &one.address, 4, 0);
	cr_assert_null(launch(one.flight, &last, 1));
	icmp_flight_remove(one.flight, &last);
	for (int i = 0; i < 2; i++)
		icmp_flight_remove(one.flight, &others[i]);
	one_close(&one);
}

Test(icmp_flight, many_endpoints_are_each_found)
{
	enum { N = 3000 };
	struct icmp_flight *flight = icmp_flight_create((struct hash_key){3, 4});
	struct icmp_endpoint *endpoints = mem_zero(N, sizeof(*endpoints));
	for (unsigned i = 0; i < N; i++) {
		struct address to = {.family = i % 2 ? ADDRESS_IPV4 : ADDRESS_IPV6, .port = 7};
		memcpy(to.bytes, &i, 4);
		icmp_flight_add(flight, &endpoints[i], &to, 1, (uint16_t)i);
		launch(flight, &endpoints[i], i);
	}
	for (unsigned i = 0; i < N; i++)
		cr_assert_eq(icmp_flight_find(flight, &endpoints[i].address, (uint16_t)i).endpoint, &endpoints[i]);
	for (unsigned i = 0; i < N; i += 2)
		icmp_flight_remove(flight, &endpoints[i]);
	for (unsigned i = 1; i < N; i += 2)
		cr_assert_eq(icmp_flight_reply(flight, &endpoints[i].address, (uint16_t)i, i).verdict,
			     ICMP_VERDICT_ANSWER);
	icmp_flight_free(flight); /* with endpoints still in it */
	cr_assert_null(endpoints[1].attempts);
	mem_free(endpoints);
	icmp_flight_free(NULL);
}
