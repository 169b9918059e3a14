#include "core/slabs.h"

#include <stdint.h>
#include <string.h>

#include "core/mem.h"

/* Sizes are rounded up to steps; what is larger than the last step is ordinary memory. */
#define STEP       8
#define STEPS      160
#define SLAB_ALIGN 65536
/* The allocator's own head, so that slab lies next to slab. */
#define SLAB_BYTES (SLAB_ALIGN - 16)

/* At the end of a slab, which begins at a multiple of SLAB_ALIGN: so things find it. */
struct slab {
	struct slab *next, **link; /* of those of its size that have room; of those that are empty */
	struct free_thing *free;
	uint16_t used;   /* things that are out */
	uint16_t virgin; /* where things that were never out begin, in bytes from the beginning */
};
#define ROOM (SLAB_BYTES - sizeof(struct slab))

struct free_thing {
	struct free_thing *next;
};

struct slabs {
	struct slab *with_room[STEPS + 1]; /* by size in steps */
	struct slab *empty;                /* for things of any size */
	size_t nempty;
};

/* Of empty slabs beyond so many the system has most pages. The allocator could hardly use them for anything else. */
#define EMPTY_KEPT 4

/* A sanitizer sees no fault in memory that it does not know. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIZE_MOST 0
#else
#define SIZE_MOST ((size_t)STEP * STEPS)
#endif

struct slabs *slabs_create(void)
{
	return mem_zero(1, sizeof(struct slabs));
}

static char *slab_begin(struct slab *slab)
{
	return (char *)slab - ROOM;
}

void slabs_free(struct slabs *slabs)
{
	if (!slabs)
		return;
	for (size_t step = 0; step <= STEPS; step++)
		if (slabs->with_room[step])
			mem_free(slab_begin(slabs->with_room[step]));
	while (slabs->empty) {
		struct slab *slab = slabs->empty;

		slabs->empty = slab->next;
		mem_free(slab_begin(slab));
	}
	mem_free(slabs);
}

/* --- slabs ------------------------------------------------------------------------------------------------------- */

static struct slab *slab_of(const void *thing)
{
	return (struct slab *)(((uintptr_t)thing & ~(uintptr_t)(SLAB_ALIGN - 1)) + ROOM);
}

static size_t step_of(size_t size)
{
	return (size + STEP - 1) / STEP;
}

static bool is_ordinary(size_t size)
{
	return size > SIZE_MOST || size == 0;
}

static bool is_full(const struct slab *slab, size_t step)
{
	return !slab->free && slab->virgin + step * STEP > ROOM;
}

static void link_slab(struct slabs *slabs, size_t step, struct slab *slab)
{
	slab->next = slabs->with_room[step];
	slab->link = &slabs->with_room[step];
	if (slab->next)
		slab->next->link = &slab->next;
	slabs->with_room[step] = slab;
}

static void unlink_slab(struct slab *slab)
{
	*slab->link = slab->next;
	if (slab->next)
		slab->next->link = slab->link;
}

static struct slab *need_slab(struct slabs *slabs, size_t step)
{
	struct slab *slab = slabs->with_room[step];

	if (slab)
		return slab;
	slab = slabs->empty;
	if (slab) {
		slabs->empty = slab->next;
		slabs->nempty--;
	} else {
		slab = slab_of(mem_alloc_aligned(SLAB_ALIGN, SLAB_BYTES));
	}
	*slab = (struct slab){0};
	link_slab(slabs, step, slab);
	return slab;
}

static void retire_slab(struct slabs *slabs, struct slab *slab)
{
	unlink_slab(slab);
	slab->next = slabs->empty;
	slabs->empty = slab;
	if (slabs->nempty++ >= EMPTY_KEPT)
		mem_forget(slab_begin(slab), ROOM);
}

/* --- things ------------------------------------------------------------------------------------------------------ */

void *slabs_take(struct slabs *slabs, size_t size)
{
	size_t step = step_of(size);
	struct slab *slab;
	void *thing;

	if (is_ordinary(size))
		return mem_zero(1, size);
	slab = need_slab(slabs, step);
	thing = slab->free;
	if (slab->free) {
		slab->free = slab->free->next;
	} else {
		thing = slab_begin(slab) + slab->virgin;
		slab->virgin = (uint16_t)(slab->virgin + step * STEP);
	}
	slab->used++;
	if (is_full(slab, step))
		unlink_slab(slab);
	return memset(thing, 0, step * STEP);
}

void slabs_give(struct slabs *slabs, void *memory, size_t size)
{
	size_t step = step_of(size);
	struct slab *slab = slab_of(memory);
	struct free_thing *thing = memory;

	if (!memory || is_ordinary(size)) {
		mem_free(memory);
		return;
	}
	if (is_full(slab, step))
		link_slab(slabs, step, slab);
	thing->next = slab->free;
	slab->free = thing;
	/* The last one with room stays: else a thing that comes and goes would cost a slab each time. */
	if (--slab->used == 0 && (slab->next || slabs->with_room[step] != slab))
		retire_slab(slabs, slab);
}

bool slabs_want_back(const struct slabs *slabs, const void *memory, size_t size)
{
	const struct slab *slab = slab_of(memory);
	size_t step = step_of(size);

	if (is_ordinary(size) || slab == slabs->with_room[step])
		return false;
	return slab->used * step * STEP * 4 < ROOM * 3;
}
