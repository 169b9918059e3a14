#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/wheel.h"

#define MS   INT64_C(1000000)
#define SLOT (5 * MS)
#define DAY  (INT64_C(86400) * 1000 * MS)

/* --- rounding ------------------------------------------------------------------------------------------------------
 */

static const struct {
	int64_t start, due, end;
} roundings[] = {
	{0, 1, SLOT},
	{0, SLOT - 1, SLOT},
	{0, SLOT, SLOT},
	{0, SLOT + 1, 2 * SLOT},
	{0, 0, SLOT},  /* the slot that ends now has ended: the next one */
	{0, -1, SLOT}, /* the past */
	{0, INT64_MIN, SLOT},
	{7 * MS, 3 * MS, 12 * MS},
	{7 * MS, 12 * MS, 12 * MS},
	{7 * MS, 12 * MS + 1, 17 * MS},
	{0, 4096 * SLOT, 4096 * SLOT},     /* one round */
	{0, 4096 * SLOT + 1, 4097 * SLOT}, /* behind it, in the bucket of the first slot */
	{0, 30 * DAY - 1, 30 * DAY},
	{-DAY, -DAY + 1, -DAY + SLOT},
	{-DAY, DAY, DAY},
	{0, INT64_MAX, INT64_MAX / SLOT *SLOT - SLOT}, /* the end of time */
};

Test(wheel, rounds_up_to_the_end_of_the_slot)
{
	for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) {
		struct wheel *wheel = wheel_create(SLOT, roundings[i].start);
		struct wheel_entry entry = {0};
		int64_t end = roundings[i].end;
		cr_assert_eq(wheel_next_ns(wheel), INT64_MAX);
		wheel_insert(wheel, &entry, roundings[i].due);
		cr_assert(wheel_holds(&entry));
		cr_assert_eq(wheel_next_ns(wheel), end, "row %zu: %lld", i, (long long)wheel_next_ns(wheel));
		cr_assert_null(wheel_take(wheel, end - 1), "row %zu: early", i);
		cr_assert_eq(wheel_take(wheel, end), &entry, "row %zu: not due", i);
		cr_assert(!wheel_holds(&entry));
		cr_assert_null(wheel_take(wheel, end));
		cr_assert_eq(wheel_next_ns(wheel), INT64_MAX);
		wheel_free(wheel);
	}
}

Test(wheel, tiny_slots_reach_the_end_of_time)
{
	struct wheel *wheel = wheel_create(1, INT64_MIN + 1);
	struct wheel_entry entry = {0};
	wheel_insert(wheel, &entry, INT64_MAX);
	cr_assert(wheel_next_ns(wheel) < INT64_MAX);
	cr_assert_eq(wheel_take(wheel, INT64_MAX), &entry);
	/* All of time is over: an insert is still safe. */
	wheel_insert(wheel, &entry, INT64_MAX);
	cr_assert(wheel_holds(&entry));
	wheel_free(wheel);
	cr_assert(!wheel_holds(&entry));
}

/* --- life of an entry ----------------------------------------------------------------------------------------------
 */

Test(wheel, remove_is_harmless_when_not_waiting)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entry = {0};
	wheel_remove(wheel, &entry);
	wheel_insert(wheel, &entry, SLOT);
	wheel_remove(wheel, &entry);
	wheel_remove(wheel, &entry);
	cr_assert(!wheel_holds(&entry));
	cr_assert_eq(wheel_next_ns(wheel), INT64_MAX);
	cr_assert_null(wheel_take(wheel, DAY));
	wheel_free(wheel);
	wheel_free(NULL);
}

Test(wheel, free_forgets_entries_and_leaves_them_reusable)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entries[3] = {0};
	for (size_t i = 0; i < 3; i++)
		wheel_insert(wheel, &entries[i], i < 2 ? SLOT : DAY);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[0]); /* the second one is left in the open slot */
	wheel_free(wheel);
	for (size_t i = 0; i < 3; i++)
		cr_assert(!wheel_holds(&entries[i]));
}

Test(wheel, insert_moves_an_entry_that_waits)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entry = {0};
	wheel_insert(wheel, &entry, SLOT);
	wheel_insert(wheel, &entry, 10 * SLOT);
	cr_assert_eq(wheel_next_ns(wheel), 10 * SLOT);
	cr_assert_null(wheel_take(wheel, 9 * SLOT));
	wheel_insert(wheel, &entry, 9 * SLOT); /* has ended: the next one */
	cr_assert_eq(wheel_next_ns(wheel), 10 * SLOT);
	cr_assert_eq(wheel_take(wheel, 10 * SLOT), &entry);
	wheel_free(wheel);
}

Test(wheel, comes_out_in_the_order_of_insertion_within_a_slot)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entries[6] = {0};
	/* Of one slot, but of different moments in it; the last one is of the same bucket a round later. */
	static const int64_t dues[6] = {SLOT, 1, 3 * MS, SLOT - 1, 2, 4097 * SLOT};
	wheel_insert(wheel, &entries[5], dues[5]);
	for (size_t i = 0; i < 5; i++)
		wheel_insert(wheel, &entries[i], dues[i]);
	wheel_remove(wheel, &entries[4]); /* the tail */
	wheel_remove(wheel, &entries[1]); /* the middle */
	wheel_insert(wheel, &entries[1], SLOT);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[0]);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[2]);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[3]);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[1]);
	cr_assert_null(wheel_take(wheel, SLOT));
	cr_assert_eq(wheel_next_ns(wheel), 4097 * SLOT);
	cr_assert_eq(wheel_take(wheel, 4097 * SLOT), &entries[5]);
	wheel_free(wheel);
}

Test(wheel, inserts_during_a_batch_come_out_after_it)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entries[3] = {0};
	for (size_t i = 0; i < 3; i++)
		wheel_insert(wheel, &entries[i], (int64_t)(i + 1) * SLOT);
	int64_t now = 1000 * SLOT + 1;
	size_t n = 0;
	struct wheel_entry *entry;
	while ((entry = wheel_take(wheel, now))) {
		wheel_insert(wheel, entry, 0);
		n++;
	}
	cr_assert_eq(n, 3);
	cr_assert_eq(wheel_next_ns(wheel), 1001 * SLOT);
	wheel_free(wheel);
}

Test(wheel, removing_what_is_left_of_the_open_slot)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entries[4] = {0};
	for (size_t i = 0; i < 4; i++)
		wheel_insert(wheel, &entries[i], SLOT);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[0]);
	cr_assert_eq(wheel_next_ns(wheel), SLOT); /* overdue */
	wheel_remove(wheel, &entries[3]);
	wheel_remove(wheel, &entries[1]);
	wheel_insert(wheel, &entries[3], SLOT);
	cr_assert_eq(wheel_take(wheel, SLOT), &entries[2]);
	cr_assert_null(wheel_take(wheel, SLOT));
	cr_assert_eq(wheel_take(wheel, 2 * SLOT), &entries[3]);
	wheel_free(wheel);
}

Test(wheel, the_next_time_is_exact_after_removals)
{
	struct wheel *wheel = wheel_create(SLOT, 0);
	struct wheel_entry entries[3] = {0};
	/* One bucket, three rounds, the nearest one removed. */
	for (size_t i = 0; i < 3; i++)
		wheel_insert(wheel, &entries[i], (int64_t)(7 + i * 4096) * SLOT);
	wheel_remove(wheel, &entries[0]);
	cr_assert_eq(wheel_next_ns(wheel), (7 + 4096) * SLOT);
	wheel_insert(wheel, &entries[0], 4000 * SLOT);
	cr_assert_eq(wheel_next_ns(wheel), 4000 * SLOT);
	wheel_remove(wheel, &entries[1]);
	wheel_remove(wheel, &entries[0]);
	cr_assert_eq(wheel_next_ns(wheel), (7 + 2 * 4096) * SLOT);
	wheel_free(wheel);
}

/* --- against a sorted list -----------------------------------------------------------------------------------------
 */

#define ENTRIES 400

struct model {
	struct wheel *wheel;
	struct wheel_entry entries[ENTRIES];
	int64_t slots[ENTRIES];  /* 0 = not waiting */
	uint64_t order[ENTRIES]; /* of insertion */
	uint64_t inserts;
	int64_t start, slot_ns, ended; /* ended: number of the last slot that is over */
	uint64_t random;
};

static uint64_t next_random(struct model *model)
{
	model->random ^= model->random << 13;
	model->random ^= model->random >> 7;
	model->random ^= model->random << 17;
	return model->random;
}

static void model_insert(struct model *model, size_t i, int64_t due)
{
	int64_t slot = model->ended + 1;
	while (model->start + slot * model->slot_ns < due)
		slot += (due - (model->start + slot * model->slot_ns) + model->slot_ns - 1) / model->slot_ns;
	model->slots[i] = slot;
	model->order[i] = model->inserts++;
	wheel_insert(model->wheel, &model->entries[i], due);
}

/* The entry that the list says is next, or ENTRIES. */
static size_t model_next(const struct model *model)
{
	size_t next = ENTRIES;
	for (size_t i = 0; i < ENTRIES; i++) {
		if (!model->slots[i])
			continue;
		if (next == ENTRIES || model->slots[i] < model->slots[next] ||
		    (model->slots[i] == model->slots[next] && model->order[i] < model->order[next]))
			next = i;
	}
	return next;
}

static int64_t random_distance(struct model *model)
{
	int64_t round = 4096 * model->slot_ns;
	switch (next_random(model) % 8) {
	case 0:
		return -(int64_t)(next_random(model) % (uint64_t)round);
	case 1:
		return (int64_t)(next_random(model) % (uint64_t)(100 * round));
	case 2:
		return (int64_t)(next_random(model) % (uint64_t)(5 * DAY));
	case 3:
		return (int64_t)(next_random(model) % (uint64_t)model->slot_ns);
	case 4:
		return model->slot_ns * (int64_t)(next_random(model) % 50);
	default:
		return (int64_t)(next_random(model) % (uint64_t)round);
	}
}

static void check_next(const struct model *model)
{
	size_t next = model_next(model);
	int64_t expected = next == ENTRIES ? INT64_MAX : model->start + model->slots[next] * model->slot_ns;
	cr_assert_eq(wheel_next_ns(model->wheel), expected, "next %lld, not %lld",
		     (long long)wheel_next_ns(model->wheel), (long long)expected);
}

/* Takes all that is due; on the way some come back and some others are removed. */
static void advance(struct model *model, int64_t now)
{
	int64_t ended = (now - model->start) / model->slot_ns;
	model->ended = ended > model->ended ? ended : model->ended;
	for (;;) {
		size_t next = model_next(model);
		struct wheel_entry *entry = wheel_take(model->wheel, now);
		if (next == ENTRIES || model->slots[next] > model->ended) {
			cr_assert_null(entry, "nothing is due, but something comes");
			return;
		}
		cr_assert_eq(entry, &model->entries[next], "wrong order");
		model->slots[next] = 0;
		if (next_random(model) % 2)
			model_insert(model, next, now + random_distance(model));
		size_t victim = next_random(model) % ENTRIES;
		if (next_random(model) % 8 == 0) {
			wheel_remove(model->wheel, &model->entries[victim]);
			model->slots[victim] = 0;
		}
	}
}

static void run_model(uint64_t seed, int64_t slot_ns, int64_t start)
{
	struct model *model = calloc(1, sizeof *model);
	*model = (struct model){.start = start, .slot_ns = slot_ns, .random = seed};
	model->wheel = wheel_create(slot_ns, start);
	int64_t now = start;
	for (int step = 0; step < 6000; step++) {
		size_t i = next_random(model) % ENTRIES;
		switch (next_random(model) % 8) {
		case 0:
			wheel_remove(model->wheel, &model->entries[i]);
			model->slots[i] = 0;
			break;
		case 1:
			now += (int64_t)(next_random(model) % (uint64_t)(3 * slot_ns));
			advance(model, now);
			break;
		case 2:
			if (step % 50 == 0)
				now += (int64_t)(next_random(model) % (uint64_t)(2 * DAY));
			advance(model, now);
			break;
		default:
			model_insert(model, i, now + random_distance(model));
		}
		if (step % 7 == 0)
			check_next(model);
	}
	wheel_free(model->wheel);
	free(model);
}

Test(wheel, behaves_as_a_sorted_list)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_model(seed * UINT64_C(0x9e3779b97f4a7c15), seed % 2 ? SLOT : 10 * MS, (int64_t)seed * 123456789);
}

/* --- many ----------------------------------------------------------------------------------------------------------
 */

Test(wheel, a_hundred_thousand_all_come_out_after_a_jump_of_days)
{
	const size_t n = 100000;
	struct wheel_entry *entries = calloc(n, sizeof *entries);
	struct wheel *wheel = wheel_create(SLOT, 0);
	for (size_t i = 0; i < n; i++)
		wheel_insert(wheel, &entries[i], (int64_t)(i * 7919 % 100003) * 20 * MS);
	size_t out = 0;
	int64_t last = 0;
	const struct wheel_entry *entry;
	while ((entry = wheel_take(wheel, 9 * DAY))) {
		cr_assert(entry->due_slot >= last, "out of order");
		last = entry->due_slot;
		out++;
	}
	cr_assert_eq(out, n);
	wheel_free(wheel);
	free(entries);
}
