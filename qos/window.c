#include "qos/window.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "qos/jitter.h"

/*
 * An entry: the code of the round-trip time in its upper 24 bits, and in the lower 8 how many steps it is younger than
 * the one before it (never needed when it is more than 255: all before it are too old then). A code is a float cut
 * down to 6 bits of exponent and 18 of mantissa, so codes are in the order of the times; 0: lost.
 */
#define STEPS_BITS 8
#define STEPS_MAX  0xff
#define LOST       0
/* The bits of the float 0.5, less one step: code 1 is 0.5 ns. */
#define CODE_BASE ((126u << 18) - 1)
#define CODE_MAX  0xffffffu

static uint32_t code_of(int64_t rtt_ns)
{
	float ns = (float)rtt_ns;
	uint32_t bits;

	if (ns < 0.5f)
		return 1;
	memcpy(&bits, &ns, sizeof(bits));
	bits = ((bits + 16) >> 5) - CODE_BASE;
	return bits < CODE_MAX ? bits : CODE_MAX;
}

double window_code_ns(uint32_t code)
{
	uint32_t bits = (code + CODE_BASE) << 5;
	float ns;

	memcpy(&ns, &bits, sizeof(ns));
	return (double)ns;
}

/* What a ring begins with: it doubles until it holds what comes within the length of the window. */
#define ROOM_MIN 8

struct window {
	uint32_t room, first, count;  /* of the ring: how large, the oldest, how many */
	uint32_t first_age, last_age; /* of the oldest and the newest: in steps since the clock's beginning */
	float jitter_ns, last_ns; /* RFC 3550; last: round-trip time, 0 = none yet, negated once there was a jitter */
	uint32_t entries[];
};

uint32_t window_count(const struct window *window)
{
	return window ? window->count : 0;
}

size_t window_size(const struct window *window)
{
	return window ? sizeof(*window) + window->room * sizeof(uint32_t) : 0;
}

static uint32_t age_of(const struct window_shape *shape, int64_t now_ns)
{
	int64_t step_ns = shape->length_ns / WINDOW_AGE_STEPS;

	return (uint32_t)(now_ns / (step_ns > 0 ? step_ns : 1));
}

static uint32_t *entry_at(struct window *window, uint32_t i)
{
	uint32_t at = window->first + i;

	return &window->entries[at < window->room ? at : at - window->room];
}

static void drop_oldest(struct window *window)
{
	window->first = window->first + 1 < window->room ? window->first + 1 : 0;
	window->count--;
	if (window->count > 0)
		window->first_age += *entry_at(window, 0) & STEPS_MAX;
}

static void expire(struct window *window, uint32_t age)
{
	if (window->count > 0 && age - window->last_age >= WINDOW_AGE_STEPS)
		window->count = 0;
	while (window->count > 0 && age - window->first_age >= WINDOW_AGE_STEPS)
		drop_oldest(window);
	/* What comes after so long a pause is no successor of what was. */
	if (window->count == 0)
		window->jitter_ns = window->last_ns = 0;
}

void window_expire(struct window *window, const struct window_shape *shape, int64_t now_ns)
{
	if (window)
		expire(window, age_of(shape, now_ns));
}

/* A ring that is full begins at its oldest entry afterwards. */
static void grow(struct window **window, const struct window_shape *shape)
{
	struct window *old = *window, *larger;
	uint32_t room = old ? old->room * 2 : ROOM_MIN;

	if (room > shape->capacity)
		room = shape->capacity;
	larger = mem_alloc(sizeof(*larger) + room * sizeof(uint32_t));
	if (old) {
		*larger = *old;
		for (uint32_t i = 0; i < old->count; i++)
			larger->entries[i] = *entry_at(old, i);
	} else {
		memset(larger, 0, sizeof(*larger));
	}
	larger->first = 0;
	larger->room = room;
	mem_free(old);
	*window = larger;
}

static struct window *add(struct window **owner, const struct window_shape *shape, int64_t now_ns, uint32_t code)
{
	uint32_t age = age_of(shape, now_ns), steps = 0;
	struct window *window;

	if (*owner)
		expire(*owner, age);
	if (!*owner || ((*owner)->count == (*owner)->room && (*owner)->room < shape->capacity))
		grow(owner, shape);
	window = *owner;
	if (window->count == window->room)
		drop_oldest(window);
	if (window->count > 0)
		steps = age - window->last_age;
	else
		window->first_age = age;
	*entry_at(window, window->count) = code << STEPS_BITS | steps;
	window->count++;
	window->last_age = age;
	return window;
}

void window_add(struct window **owner, const struct window_shape *shape, int64_t now_ns, int64_t rtt_ns)
{
	struct window *window = add(owner, shape, now_ns, code_of(rtt_ns));
	float ns = fmaxf((float)rtt_ns, 0.5f);

	if (window->last_ns != 0)
		window->jitter_ns += (fabsf(ns - fabsf(window->last_ns)) - window->jitter_ns) / 16;
	window->last_ns = window->last_ns != 0 ? -ns : ns;
}

void window_add_lost(struct window **owner, const struct window_shape *shape, int64_t now_ns)
{
	add(owner, shape, now_ns, LOST);
}

void window_read(const struct window *window, uint32_t *scratch, struct window_figures *figures)
{
	struct ipdv ipdv = {0};
	uint32_t at;

	memset(figures, 0, sizeof(*figures));
	if (!window)
		return;
	at = window->first;
	for (uint32_t i = 0; i < window->count; i++) {
		uint32_t code = window->entries[at] >> STEPS_BITS;

		loss_add(&figures->loss, code == LOST);
		if (code == LOST) {
			ipdv_add_lost(&ipdv);
		} else {
			ipdv_add(&ipdv, window_code_ns(code));
			scratch[figures->received++] = code;
		}
		at = at + 1 < window->room ? at + 1 : 0;
	}
	sort_codes(scratch, figures->received);
	figures->sorted = scratch;
	figures->pairs = ipdv.n;
	figures->ipdv_mean_abs_ns = ipdv_mean_abs(&ipdv);
	figures->ipdv_max_ns = ipdv.max_abs;
	figures->is_jitter_known = window->last_ns < 0;
	figures->jitter_ns = (double)window->jitter_ns;
}

double window_rtt_ns(const struct window_figures *figures, double q)
{
	return window_code_ns(figures->sorted[quantile_index(figures->received, q)]);
}

double window_pdv_ns(const struct window_figures *figures, double q)
{
	return window_rtt_ns(figures, q) - window_rtt_ns(figures, 0);
}

double window_late_ratio(const struct window_figures *figures, double buffer_ns)
{
	double limit = window_rtt_ns(figures, 0) + buffer_ns;
	uint32_t late = 0;

	while (late < figures->received && window_code_ns(figures->sorted[figures->received - 1 - late]) > limit)
		late++;
	return (double)late / figures->loss.n;
}
