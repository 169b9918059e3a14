#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "core/slabs.h"

Test(slabs, nothing_and_much)
{
	struct slabs *slabs = slabs_create();
	void *nothing = slabs_take(slabs, 0);
	unsigned char *much = slabs_take(slabs, 100000);

	cr_expect_eq(much[0], 0);
	cr_expect_eq(much[99999], 0);
	slabs_give(slabs, nothing, 0);
	slabs_give(slabs, much, 100000);
	slabs_give(slabs, NULL, 8);
	slabs_free(slabs);
	slabs_free(NULL);
}

/* Things of all sizes come and go in any order: each is zero at first, aligned, and nobody else's. */
Test(slabs, many_things)
{
	enum { N = 5000, STEPS = 200000 };
	static struct {
		unsigned char *bytes;
		size_t size;
	} things[N];
	struct slabs *slabs = slabs_create();
	uint64_t random = 7;

	for (unsigned step = 0; step < STEPS; step++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		unsigned i = (unsigned)((random >> 33) % N);
		unsigned char mark = (unsigned char)(1 + i % 255);

		if (things[i].bytes) {
			for (size_t k = 0; k < things[i].size; k++)
				cr_assert_eq(things[i].bytes[k], mark);
			slabs_give(slabs, things[i].bytes, things[i].size);
			things[i].bytes = NULL;
			continue;
		}
		/* Waves of sizes, so that slabs run empty. */
		things[i].size = 1 + (random >> 20) % (step / 20000 % 2 ? 40 : 1500);
		things[i].bytes = slabs_take(slabs, things[i].size);
		cr_assert_eq((uintptr_t)things[i].bytes % 8, 0);
		for (size_t k = 0; k < things[i].size; k++)
			cr_assert_eq(things[i].bytes[k], 0);
		memset(things[i].bytes, mark, things[i].size);
	}
	for (unsigned i = 0; i < N; i++)
		slabs_give(slabs, things[i].bytes, things[i].size);
	slabs_free(slabs);
}

/* Who is asked back moves, until nearly no slab is kept for the sake of a few. */
Test(slabs, few_that_stay_move_together)
{
	enum { N = 20000, SIZE = 200, EACH = 50 };
	static unsigned char *things[N];
	struct slabs *slabs = slabs_create();
	size_t asked = 0, asked_again = 0;

	for (unsigned i = 0; i < N; i++)
		things[i] = slabs_take(slabs, SIZE);
	for (unsigned i = 0; i < N; i++) {
		cr_expect_not(slabs_want_back(slabs, things[i], SIZE));
		things[i][SIZE - 1] = (unsigned char)(i / EACH);
	}
	for (unsigned i = 0; i < N; i++)
		if (i % EACH != 0) {
			slabs_give(slabs, things[i], SIZE);
			things[i] = NULL;
		}
	for (unsigned i = 0; i < N; i += EACH) {
		if (!slabs_want_back(slabs, things[i], SIZE))
			continue;
		unsigned char *moved = slabs_take(slabs, SIZE);
		memcpy(moved, things[i], SIZE);
		slabs_give(slabs, things[i], SIZE);
		things[i] = moved;
		asked++;
	}
	for (unsigned i = 0; i < N; i += EACH) {
		asked_again += slabs_want_back(slabs, things[i], SIZE);
		cr_expect_eq(things[i][SIZE - 1], (unsigned char)(i / EACH));
		slabs_give(slabs, things[i], SIZE);
	}
	/* A sanitizer's build has ordinary memory, which asks for nothing. */
	cr_expect(asked == 0 || asked > N / EACH / 2, "%zu", asked);
	cr_expect(asked_again < N / EACH / 4, "%zu", asked_again);
	slabs_free(slabs);
}
