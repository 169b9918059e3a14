/*
 * Who shares a link with whom, and when links go.
 */
#include "tests/replay/ros_bench.h"

static struct bench bench;

static void begin(void)
{
	bench_open(&bench);
}

static void end(void)
{
	bench_close(&bench);
}

TestSuite(ros_pool, .init = begin, .fini = end);

static struct ros_link *take(const char *host, const struct ros_access *access, const struct ros_link_guard *guard)
{
	struct err err = {0};
	struct ros_link *link = ros_pool_take(bench.pool, host, access, guard, &err);
	cr_assert_not_null(link, "%s", err.text);
	return link;
}

static struct ros_pool_figures figures(void)
{
	struct ros_pool_figures figures;
	ros_pool_read(bench.pool, &figures);
	return figures;
}

Test(ros_pool, equal_access_to_one_router_is_one_link)
{
	struct ros_access *same = ros_access_copy(bench.access), *other = ros_access_copy(bench.access);
	other->password[0] = 'X';
	struct ros_link *links[] = {
		take("192.0.2.1", bench.access, NULL), take("192.0.2.1", same, NULL),
		take("192.0.2.1", other, NULL),        take("192.0.2.2", bench.access, NULL),
		take("router", bench.access, NULL),
	};
	cr_assert_eq(links[0], links[1]);
	for (size_t i = 1; i < 5; i++)
		for (size_t j = i + 1; j < 5; j++)
			cr_assert_neq(links[i], links[j]);
	cr_assert_eq(figures().links, 4);
	cr_assert_eq(figures().held, 4);
	cr_assert_eq(figures().opened, 4);
	cr_assert_eq(figures().reused, 1);
	for (size_t i = 0; i < 5; i++)
		ros_pool_give(bench.pool, links[i]);
	cr_assert_eq(figures().held, 0);
	ros_access_free(same);
	ros_access_free(other);
}

static bool permits(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err)
{
	(void)arg, (void)host, (void)address, (void)port, (void)err;
	return true;
}

Test(ros_pool, links_with_a_guard_are_nobody_elses)
{
	const struct ros_link_guard guard = {permits, NULL};
	struct ros_link *first = take("192.0.2.1", bench.access, &guard);
	struct ros_link *second = take("192.0.2.1", bench.access, &guard);
	struct ros_link *third = take("192.0.2.1", bench.access, NULL);
	cr_assert_neq(first, second);
	cr_assert_neq(first, third);
	cr_assert_neq(second, third);
	ros_pool_give(bench.pool, first);
	ros_pool_give(bench.pool, second);
	ros_pool_give(bench.pool, third);
	cr_assert_eq(figures().links, 3);
	bench_advance(10 * MS);
	cr_assert_eq(figures().links, 1, "theirs go at once");
}

Test(ros_pool, a_link_waits_for_its_next_holder)
{
	struct ros_link *link = take("192.0.2.1", bench.access, NULL);
	ros_pool_give(bench.pool, link);
	bench_advance(ROS_POOL_LINGER_NS - SECOND);
	cr_assert_eq(take("192.0.2.1", bench.access, NULL), link);
	bench_advance(10 * ROS_POOL_LINGER_NS);
	cr_assert_eq(figures().links, 1);
	ros_pool_give(bench.pool, link);
	bench_advance(ROS_POOL_LINGER_NS + SECOND);
	cr_assert_eq(figures().links, 0);
}

Test(ros_pool, links_that_nobody_holds_have_a_ceiling)
{
	char host[32];
	for (int i = 0; i < ROS_POOL_IDLE_MAX + 50; i++) {
		snprintf(host, sizeof(host), "192.0.%d.%d", i / 250, i % 250 + 1);
		ros_pool_give(bench.pool, take(host, bench.access, NULL));
		bench_advance(10 * MS);
	}
	cr_assert_eq(figures().links, ROS_POOL_IDLE_MAX);
	ros_pool_give(bench.pool, take("192.0.1.1", bench.access, NULL));
	cr_assert_eq(figures().reused, 1, "the last ones are still there");
	ros_pool_give(bench.pool, take("192.0.0.1", bench.access, NULL));
	cr_assert_eq(figures().reused, 1, "the first ones have gone");
}

Test(ros_pool, the_connection_stays_for_the_next_holder)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	router_welcome(&bench);
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(figures().up, 1);
	ros_pool_give(bench.pool, bench.link);
	bench_advance(60 * SECOND);
	bench_take(&bench);
	ask(&bench, &asked, "/ip/arp/print");
	bench_pump();
	cr_assert_str_eq(router_sentence(&bench), "/ip/arp/print .tag=512");
	router_say(&bench, "!done", ".tag=512");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	bench_hang_up(&bench);
	bench_pump();
	cr_assert_eq(figures().up, 0);
	asked_free(&asked);
}

Test(ros_pool, what_can_never_work_is_refused)
{
	struct err err = {0};
	bench.access->uses_tls = true;
	bench.access->fingerprint = mem_copy_string("deadbeef");
	cr_assert_null(ros_pool_take(bench.pool, "192.0.2.1", bench.access, NULL, &err));
	cr_assert_str_eq(err.text, "tls_fingerprint: it has 8 hexadecimal digits instead of 64: it must be the SHA-256 "
				   "of the certificate");
	cr_assert_eq(figures().links, 0);
}

/* A guard may go with its holder, while the link goes a little later. */
Test(ros_pool, a_guard_is_not_asked_after_its_link_was_given_back)
{
	struct asked asked = {0};
	struct ros_link_guard *guard = mem_zero(1, sizeof(*guard));
	guard->permits = permits;
	struct address here;
	cr_assert(address_parse("127.0.0.1", &here));
	fake_resolve_set(&(struct fake_name){"router.example", &here, 1, 60, NULL, SECOND});
	bench.link = take("router.example", bench.access, guard);
	ask(&bench, &asked, "/ip/route/print");
	fake_advance_ns(0);
	ros_link_cancel(&asked.call);
	ros_pool_give(bench.pool, bench.link);
	bench.link = NULL;
	mem_free(guard);
	bench_advance(2 * SECOND);
	cr_assert_not(router_accept(&bench));
	cr_assert_eq(figures().links, 0);
	asked_free(&asked);
}
