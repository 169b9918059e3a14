#include <criterion/criterion.h>

#include "core/clock.h"
#include "daemon/callers.h"

static struct address address_of(const char *text)
{
	struct address address;

	cr_assert(address_parse(text, &address));
	return address;
}

/* A request that is over at once. */
static enum callers_verdict ask(struct callers *callers, const char *who, const struct callers_limits *limits,
				int64_t now_ns)
{
	struct address address = address_of(who);
	struct caller *caller;
	enum callers_verdict verdict = callers_enter(callers, &address, limits, now_ns, &caller);

	cr_expect_eq(caller != NULL, verdict == CALLERS_ADMITTED);
	if (caller)
		callers_leave(caller);
	return verdict;
}

Test(callers, rate_and_burst)
{
	const struct callers_limits limits = {.rate = 10, .burst = 3, .max_running = 100};
	struct callers *callers = callers_create();
	struct address one = address_of("192.0.2.1");
	int64_t now_ns = 1000 * NS_PER_SECOND;

	for (int i = 0; i < 3; i++)
		cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_ADMITTED, "%d", i);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_TOO_FAST);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns + 99 * NS_PER_MS), CALLERS_TOO_FAST);
	cr_expect_eq(callers_wait_seconds(callers, &one, &limits, now_ns), 1);
	/* Others are not touched by it. */
	cr_expect_eq(ask(callers, "192.0.2.2", &limits, now_ns), CALLERS_ADMITTED);
	/* One more each 100 ms, not two. */
	now_ns += 100 * NS_PER_MS;
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_ADMITTED);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_TOO_FAST);
	/* After a rest the burst is there again, and no more. */
	now_ns += 3600 * NS_PER_SECOND;
	for (int i = 0; i < 3; i++)
		cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_ADMITTED, "%d", i);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_TOO_FAST);
	callers_free(callers);
}

Test(callers, how_long_to_wait)
{
	const struct callers_limits limits = {.rate = 0.1, .burst = 1, .max_running = 100};
	struct callers *callers = callers_create();
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
	int64_t now_ns = 1000 * NS_PER_SECOND;

	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_ADMITTED);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns), CALLERS_TOO_FAST);
	cr_expect_eq(callers_wait_seconds(callers, &one, &limits, now_ns), 10);
	cr_expect_eq(callers_wait_seconds(callers, &one, &limits, now_ns + NS_PER_SECOND / 2), 10);
	cr_expect_eq(callers_wait_seconds(callers, &one, &limits, now_ns + 9 * NS_PER_SECOND), 1);
	cr_expect_eq(callers_wait_seconds(callers, &other, &limits, now_ns), 1);
	cr_expect_eq(ask(callers, "192.0.2.1", &limits, now_ns + 10 * NS_PER_SECOND), CALLERS_ADMITTED);
	callers_free(callers);
}

Test(callers, no_rate)
{
	const struct callers_limits limits = {.rate = 0, .burst = 1, .max_running = 1};
	struct callers *callers = callers_create();

	for (int i = 0; i < 1000; i++)
		cr_expect_eq(ask(callers, "192.0.2.1", &limits, NS_PER_SECOND), CALLERS_ADMITTED);
	callers_free(callers);
}

Test(callers, at_a_time)
{
	const struct callers_limits limits = {.rate = 0, .burst = 1, .max_running = 2};
	struct callers *callers = callers_create();
	struct address address = address_of("2001:db8::1"), neighbour = address_of("2001:db8::2");
	struct caller *first, *second, *third;

	cr_expect_eq(callers_enter(callers, &address, &limits, 1, &first), CALLERS_ADMITTED);
	/* The same network, so the same client. */
	cr_expect_eq(callers_enter(callers, &neighbour, &limits, 1, &second), CALLERS_ADMITTED);
	cr_expect_eq(callers_enter(callers, &address, &limits, 1, &third), CALLERS_TOO_MANY);
	cr_expect_null(third);
	cr_expect_eq(ask(callers, "2001:db8:0:1::1", &limits, 1), CALLERS_ADMITTED);
	callers_leave(first);
	cr_expect_eq(callers_enter(callers, &address, &limits, 1, &third), CALLERS_ADMITTED);
	callers_leave(second);
	callers_leave(third);
	callers_free(callers);
}

/* More clients than places: each of them is counted while it asks, and those with requests under way are not
 * forgotten. */
Test(callers, many_clients)
{
	const struct callers_limits limits = {.rate = 1, .burst = 1, .max_running = 1};
	struct callers *callers = callers_create();
	struct address address = {.family = ADDRESS_IPV4, .bytes = {10}};
	struct caller *caller, *held[2 * CALLERS_MAX];
	size_t nheld = 0, refused = 0;

	for (unsigned i = 0; i < 2 * CALLERS_MAX; i++) {
		enum callers_verdict verdict;

		address.bytes[2] = (uint8_t)(i >> 8);
		address.bytes[3] = (uint8_t)i;
		verdict = callers_enter(callers, &address, &limits, NS_PER_SECOND, &caller);
		if (verdict == CALLERS_ADMITTED)
			held[nheld++] = caller;
		else
			refused++;
		cr_expect(verdict == CALLERS_ADMITTED || verdict == CALLERS_NO_ROOM);
	}
	cr_expect_leq(nheld, (size_t)CALLERS_MAX);
	cr_expect_geq(nheld, (size_t)CALLERS_MAX / 2);
	cr_expect_eq(nheld + refused, (size_t)2 * CALLERS_MAX);
	cr_expect_eq(callers_wait_seconds(callers, &address, &limits, NS_PER_SECOND), 1);
	for (size_t i = 0; i < nheld; i++)
		callers_leave(held[i]);
	/* The quiet ones make room. */
	for (unsigned i = 0; i < 2 * CALLERS_MAX; i++) {
		address.bytes[1] = 1;
		address.bytes[2] = (uint8_t)(i >> 8);
		address.bytes[3] = (uint8_t)i;
		cr_expect_eq(callers_enter(callers, &address, &limits, 5 * NS_PER_SECOND, &caller), CALLERS_ADMITTED);
		callers_leave(caller);
	}
	callers_free(callers);
	callers_free(NULL);
}
