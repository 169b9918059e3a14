#include <criterion/criterion.h>
#include <string.h>

#include "influx/backlog.h"

/* Room for n chunks of length bytes each. */
static size_t room(size_t n, size_t length)
{
	return n * (sizeof(struct backlog_chunk) + length);
}

static uint64_t push(struct backlog *backlog, const char *lines, int64_t since_ns)
{
	return backlog_push(backlog, lines, strlen(lines), since_ns);
}

Test(backlog, counts_lines)
{
	static const struct {
		const char *bytes;
		uint64_t lines;
	} cases[] = {{"", 0}, {"a", 0}, {"\n", 1}, {"a\n", 1}, {"a\nb", 1}, {"a\nb\n\n", 3}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(backlog_count_lines(cases[i].bytes, strlen(cases[i].bytes)), cases[i].lines);
	cr_expect_eq(backlog_count_lines("a\nb\n", 2), 1);
}

Test(backlog, gives_back_in_order)
{
	struct backlog backlog = {.ceiling = 10000};
	cr_expect_eq(push(&backlog, "a\nb\n", 1), 0);
	cr_expect_eq(push(&backlog, "c\n", 2), 0);
	cr_expect_eq(push(&backlog, "", 3), 0);
	cr_assert_not_null(backlog.first);
	cr_expect_eq(backlog.first->since_ns, 1);
	cr_expect_eq(memcmp(backlog.first->bytes, "a\nb\n", 4), 0);
	backlog_take(&backlog, 2);
	cr_expect_eq(backlog.first->done, 2);
	backlog_take(&backlog, 0);
	backlog_take(&backlog, 2);
	cr_expect_eq(backlog.first->since_ns, 2);
	backlog_take(&backlog, 2);
	cr_expect_null(backlog.first);
	cr_expect_eq(backlog.bytes, 0);
	push(&backlog, "d\n", 4);
	cr_expect_eq(backlog.first->since_ns, 4);
	cr_expect_eq(backlog_clear(&backlog), 1);
}

Test(backlog, forgets_the_oldest)
{
	struct backlog backlog = {.ceiling = room(3, 4)};
	push(&backlog, "a\nb\n", 1);
	push(&backlog, "c\nd\n", 2);
	push(&backlog, "e\nf\n", 3);
	cr_expect_eq(backlog.bytes, backlog.ceiling);
	backlog_take(&backlog, 2);
	cr_expect_eq(push(&backlog, "g\nh\n", 4), 1, "one of the two lines was taken already");
	cr_expect_eq(backlog.first->since_ns, 2);
	cr_expect_eq(push(&backlog, "1234567\n1234567890\n", 5), 4, "one longer chunk takes the place of two");
	cr_expect_eq(backlog.first->since_ns, 4);
	cr_expect_leq(backlog.bytes, backlog.ceiling);
	cr_expect_eq(backlog_clear(&backlog), 4);
	cr_expect_eq(backlog_clear(&backlog), 0);
}

Test(backlog, loses_what_is_longer_than_the_ceiling)
{
	struct backlog backlog = {.ceiling = room(1, 4)};
	push(&backlog, "a\nb\n", 1);
	cr_expect_eq(push(&backlog, "c\nd\n\n", 2), 3);
	cr_expect_eq(backlog.first->since_ns, 1);
	cr_expect_eq(push(&backlog, "e\nf\n", 3), 2);
	cr_expect_eq(backlog.first->since_ns, 3);
	backlog_clear(&backlog);
	backlog.ceiling = 0;
	cr_expect_eq(push(&backlog, "a\n", 1), 1);
	cr_expect_null(backlog.first);
}
