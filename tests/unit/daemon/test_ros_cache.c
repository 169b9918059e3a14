#include "daemon/ros_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define SECOND NS_PER_SECOND
#define ROOM   ((size_t)1 << 20)

static struct ros_place place_of(const struct ros_cache *cache, const char *host, const char *password)
{
	struct ros_access access = {.username = "u", .password = (char *)password};

	return ros_cache_place(cache, host, &access);
}

static struct ros_question question_of(const char *text)
{
	return (struct ros_question){text, strlen(text)};
}

static void add(struct ros_cache *cache, const struct ros_place *place, const char *question, const char *rows,
		int64_t now_ns, size_t room)
{
	const struct ros_cache_entry entry = {
		.question = question_of(question),
		.cached = {.rows = rows, .length = strlen(rows), .nrows = 1, .echoes = {.sent = 4}},
		.made_ns = now_ns,
		.epoch = ros_cache_epoch(cache),
	};

	ros_cache_add(cache, place, &entry, room);
}

static bool finds(struct ros_cache *cache, const struct ros_place *place, const char *question, const char *rows,
		  int64_t oldest_ns)
{
	const struct ros_question asked = question_of(question);
	struct ros_cached out;

	if (!ros_cache_find(cache, place, &asked, oldest_ns, &out))
		return false;
	cr_expect_eq(out.length, strlen(rows));
	cr_expect_eq(memcmp(out.rows, rows, out.length), 0);
	cr_expect_eq(out.nrows, 1);
	cr_expect_eq(out.echoes.sent, 4);
	return true;
}

Test(ros_cache, by_router_access_and_command)
{
	struct ros_cache *cache = ros_cache_create();
	const struct ros_place a = place_of(cache, "a", "x"), other = place_of(cache, "a", "y"),
			       b = place_of(cache, "b", "x");

	cr_expect_not(finds(cache, &a, "print", "", 0));
	add(cache, &a, "print", "{}", SECOND, ROOM);
	cr_expect(finds(cache, &a, "print", "{}", SECOND));
	cr_expect_not(finds(cache, &other, "print", "", 0), "another password");
	cr_expect_not(finds(cache, &b, "print", "", 0), "another host");
	cr_expect_not(finds(cache, &a, "get", "", 0), "another command");
	cr_expect_eq(ros_cache_figures(cache)->hits, 1);
	cr_expect_eq(ros_cache_figures(cache)->lookups, 5);
	ros_cache_free(cache);
	ros_cache_free(NULL);
}

Test(ros_cache, goes_with_time)
{
	struct ros_cache *cache = ros_cache_create();
	const struct ros_place a = place_of(cache, "a", "x");

	add(cache, &a, "one", "1", 1 * SECOND, ROOM);
	add(cache, &a, "two", "2", 5 * SECOND, ROOM);
	cr_expect(finds(cache, &a, "one", "1", 1 * SECOND));
	cr_expect_not(finds(cache, &a, "one", "", 1 * SECOND + 1));
	cr_expect(finds(cache, &a, "two", "2", 5 * SECOND));
	cr_expect_eq(ros_cache_figures(cache)->entries, 1);
	cr_expect_not(finds(cache, &a, "two", "", 9 * SECOND));
	cr_expect_eq(ros_cache_figures(cache)->bytes, 0);
	ros_cache_free(cache);
}

Test(ros_cache, replaced_by_what_is_newer)
{
	struct ros_cache *cache = ros_cache_create();
	const struct ros_place a = place_of(cache, "a", "x");

	add(cache, &a, "one", "1", 1 * SECOND, ROOM);
	add(cache, &a, "one", "11", 2 * SECOND, ROOM);
	cr_expect(finds(cache, &a, "one", "11", 2 * SECOND));
	cr_expect_eq(ros_cache_figures(cache)->entries, 1);
	ros_cache_free(cache);
}

Test(ros_cache, ceiling)
{
	struct ros_cache *cache = ros_cache_create();
	const struct ros_place a = place_of(cache, "a", "x");
	char name[16], rows[401] = {0};
	size_t entries;

	memset(rows, 'r', 400);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		add(cache, &a, name, rows, i, ROOM);
		cr_assert(finds(cache, &a, name, rows, 0));
		cr_assert(ros_cache_figures(cache)->bytes <= ROOM);
	}
	cr_expect_not(finds(cache, &a, "0", "", 0), "the oldest has gone");
	cr_expect_gt(ros_cache_figures(cache)->evicted, 0);
	cr_expect_gt(ros_cache_figures(cache)->entries, 1000);
	add(cache, &a, "small room", rows, 4000, 100);
	cr_expect_not(finds(cache, &a, "small room", "", 0), "larger than the whole room");
	entries = ros_cache_figures(cache)->entries;
	cr_expect_eq(ros_cache_clear(cache), entries);
	cr_expect_eq(ros_cache_figures(cache)->bytes, 0);
	ros_cache_free(cache);
}

Test(ros_cache, forgets_a_router)
{
	struct ros_cache *cache = ros_cache_create();
	const struct ros_place a = place_of(cache, "a", "x"), other = place_of(cache, "a", "y"),
			       b = place_of(cache, "b", "x");
	struct ros_cache_entry asked_before = {.question = question_of("late"), .epoch = ros_cache_epoch(cache)};

	add(cache, &a, "print", "1", 1, ROOM);
	add(cache, &other, "print", "2", 2, ROOM);
	add(cache, &b, "print", "3", 3, ROOM);
	ros_cache_forget(cache, &a);
	cr_expect_not(finds(cache, &a, "print", "", 0));
	cr_expect_not(finds(cache, &other, "print", "", 0), "whoever asked");
	cr_expect(finds(cache, &b, "print", "3", 0));
	ros_cache_add(cache, &b, &asked_before, ROOM);
	cr_expect_not(finds(cache, &b, "late", "", 0), "it may be from before the change");
	ros_cache_free(cache);
}
