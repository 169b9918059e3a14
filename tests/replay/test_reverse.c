/* Reverse names on virtual time: what is asked, when it is asked again, what is forgotten. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/resolve.h"
#include "core/reverse.h"
#include "tests/fakes/fakes.h"

struct bench {
	struct loop *loop;
	struct resolver *resolver;
	struct reverse *reverse;
};

static struct bench open_bench(void)
{
	struct bench bench;
	fake_reset();
	bench.loop = loop_create(0, NULL);
	bench.resolver = resolver_create(bench.loop, NULL, NULL);
	bench.reverse = reverse_create(bench.resolver);
	return bench;
}

static void close_bench(struct bench *bench)
{
	reverse_free(bench->reverse);
	cr_expect_eq(fake_resolve_running(), 0);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	cr_expect_eq(fake_alive(), 0);
	fake_reset();
}

static const char *find(struct bench *bench, const char *text)
{
	struct address address;
	cr_assert(address_parse(text, &address), "%s", text);
	address.port = 33434;
	return reverse_find(bench->reverse, &address);
}

static void name_address(const char *address, const char *name, int64_t ttl_seconds)
{
	fake_resolve_set_reverse(&(struct fake_reverse){.address = address, .name = name, .ttl_seconds = ttl_seconds});
}

static void advance_seconds(int64_t seconds)
{
	fake_advance_ns(seconds * NS_PER_SECOND);
}

Test(reverse, a_name_is_there_when_it_is_asked_for_again)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "10.0.0.1", "fe80::1%1"};
	struct bench bench = open_bench();
	for (size_t i = 0; i < 4; i++) {
		name_address(addresses[i], "core-1.example", 300);
		cr_expect_null(find(&bench, addresses[i]));
		cr_expect_null(find(&bench, addresses[i]), "%s: no answer yet", addresses[i]);
		advance_seconds(0);
		cr_expect_str_eq(find(&bench, addresses[i]), "core-1.example");
		cr_expect_eq(fake_resolve_asked_reverse(addresses[i]), 1);
	}
	cr_expect_eq(reverse_count(bench.reverse), 4);
	cr_expect_null(reverse_find(bench.reverse, &(struct address){.family = ADDRESS_NONE}));
	close_bench(&bench);
}

static const struct {
	const char *what, *name, *error;
	int64_t ttl_seconds, again_seconds;
} lives[] = {
	{"a name, for its TTL", "a.example", NULL, 300, 300},
	{"a name with a short TTL", "a.example", NULL, 1, REVERSE_TTL_MIN_SECONDS},
	{"a name with a long TTL", "a.example", NULL, 10 * REVERSE_TTL_MAX_SECONDS, REVERSE_TTL_MAX_SECONDS},
	{"no name", NULL, NULL, 0, REVERSE_NONE_SECONDS},
	{"no answer", NULL, "timeout", 0, REVERSE_FAILURE_SECONDS},
};

Test(reverse, when_it_is_asked_again)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		struct bench bench = open_bench();
		fake_resolve_set_reverse(
			&(struct fake_reverse){"192.0.2.1", lives[i].name, lives[i].ttl_seconds, lives[i].error, 0});
		find(&bench, "192.0.2.1");
		advance_seconds(lives[i].again_seconds - 1);
		cr_expect_eq(find(&bench, "192.0.2.1") != NULL, lives[i].name != NULL, "%s", lives[i].what);
		advance_seconds(0);
		cr_expect_eq(fake_resolve_asked_reverse("192.0.2.1"), 1, "%s: asked too early", lives[i].what);
		advance_seconds(2);
		cr_expect_eq(find(&bench, "192.0.2.1") != NULL, lives[i].name != NULL, "%s", lives[i].what);
		advance_seconds(0);
		cr_expect_eq(fake_resolve_asked_reverse("192.0.2.1"), 2, "%s: not asked again", lives[i].what);
		close_bench(&bench);
	}
}

Test(reverse, a_name_changes_and_goes)
{
	struct bench bench = open_bench();
	name_address("192.0.2.1", "old.example", 60);
	find(&bench, "192.0.2.1");
	advance_seconds(61);
	name_address("192.0.2.1", "new.example", 60);
	cr_expect_str_eq(find(&bench, "192.0.2.1"), "old.example", "the old one goes on meanwhile");
	advance_seconds(0);
	cr_expect_str_eq(find(&bench, "192.0.2.1"), "new.example");
	advance_seconds(61);
	name_address("192.0.2.1", NULL, 0);
	find(&bench, "192.0.2.1");
	advance_seconds(0);
	cr_expect_null(find(&bench, "192.0.2.1"));
	close_bench(&bench);
}

Test(reverse, servers_that_fail_cost_the_name_later)
{
	struct bench bench = open_bench();
	name_address("192.0.2.1", "kept.example", 60);
	find(&bench, "192.0.2.1");
	advance_seconds(61);
	fake_resolve_set_reverse(&(struct fake_reverse){.address = "192.0.2.1", .error = "timeout"});
	find(&bench, "192.0.2.1");
	advance_seconds(1000);
	cr_expect_str_eq(find(&bench, "192.0.2.1"), "kept.example");
	advance_seconds(REVERSE_STALE_SECONDS);
	cr_expect_null(find(&bench, "192.0.2.1"));
	close_bench(&bench);
}

static const char *numbered(unsigned i, char out[32])
{
	snprintf(out, 32, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
	return out;
}

Test(reverse, only_so_many_lookups_at_a_time)
{
	struct bench bench = open_bench();
	char text[32];
	for (unsigned i = 0; i < 2 * REVERSE_PARALLEL_MAX; i++) {
		fake_resolve_set_reverse(&(struct fake_reverse){.address = numbered(i, text),
								.name = "slow.example",
								.ttl_seconds = 300,
								.delay_ns = NS_PER_SECOND});
		find(&bench, text);
	}
	cr_expect_eq(reverse_running(bench.reverse), REVERSE_PARALLEL_MAX);
	cr_expect_eq(fake_resolve_running(), REVERSE_PARALLEL_MAX);
	cr_expect_eq(reverse_count(bench.reverse), REVERSE_PARALLEL_MAX, "the others are not known");
	advance_seconds(1);
	cr_expect_eq(reverse_running(bench.reverse), 0);
	cr_expect_null(find(&bench, text));
	advance_seconds(1);
	cr_expect_str_eq(find(&bench, text), "slow.example");
	close_bench(&bench);
}

/* As many as there is room for, and the first one once more, so that the second is the one used longest ago. */
Test(reverse, who_was_used_longest_ago_is_forgotten)
{
	struct bench bench = open_bench();
	char text[32];
	for (unsigned i = 0; i < REVERSE_ENTRIES_MAX; i++) {
		name_address(numbered(i, text), "r.example", REVERSE_TTL_MAX_SECONDS);
		find(&bench, text);
		advance_seconds(0);
	}
	cr_expect_eq(reverse_count(bench.reverse), REVERSE_ENTRIES_MAX);
	cr_expect_not_null(find(&bench, numbered(0, text)));
	find(&bench, "192.0.2.1");
	advance_seconds(0);
	cr_expect_eq(reverse_count(bench.reverse), REVERSE_ENTRIES_MAX);
	cr_expect_not_null(find(&bench, numbered(0, text)));
	cr_expect_null(find(&bench, numbered(1, text)));
	close_bench(&bench);
}

Test(reverse, what_is_forgotten_while_it_is_asked_is_cancelled)
{
	struct bench bench = open_bench();
	char text[32];
	fake_resolve_set_reverse(
		&(struct fake_reverse){.address = "192.0.2.1", .name = "late.example", .delay_ns = 5 * NS_PER_SECOND});
	find(&bench, "192.0.2.1");
	for (unsigned i = 0; i < REVERSE_ENTRIES_MAX; i++) {
		find(&bench, numbered(i, text));
		fake_advance_ns(0);
	}
	cr_expect_eq(reverse_running(bench.reverse), 0);
	cr_expect_eq(fake_resolve_running(), 0);
	advance_seconds(6);
	close_bench(&bench);
}

Test(reverse, the_end_with_lookups_under_way)
{
	struct bench bench = open_bench();
	fake_resolve_set_reverse(
		&(struct fake_reverse){.address = "192.0.2.1", .name = "late.example", .delay_ns = NS_PER_SECOND});
	find(&bench, "192.0.2.1");
	reverse_free(bench.reverse);
	cr_expect_eq(fake_resolve_running(), 0);
	bench.reverse = NULL;
	advance_seconds(2);
	close_bench(&bench);
}
