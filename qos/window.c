#include "qos/window.h"

#include <math.h>
#include <string.h>

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

static double time_of(uint32_t code)
{
	uint32_t bits = (code + CODE_BASE) << 5;
	float ns;

	memcpy(&ns, &bits, sizeof(ns));
	return (double)ns;
}

size_t window_size(const struct window_shape *shape)
{
	return sizeof(struct window) + shape->capacity * sizeof(uint32_t);
}

static uint32_t age_of(const struct window_shape *shape, int64_t now_ns)
{
	int64_t step_ns = shape->length_ns / WINDOW_AGE_STEPS;

	return (uint32_t)(now_ns / (step_ns > 0 ? step_ns : 1));
}

static uint32_t *entry_at(struct window *window, const struct window_shape *shape, uint32_t i)
{
	uint32_t at = window->first + i;

	return &window->entries[at < shape->capacity ? at : at - shape->capacity];
}

static void drop_oldest(struct window *window, const struct window_shape *shape)
{
	window->first = window->first + 1 < shape->capacity ? window->first + 1 : 0;
	window->count--;
	if (window->count > 0)
		window->first_age += *entry_at(window, shape, 0) & STEPS_MAX;
}

static void expire(struct window *window, const struct window_shape *shape, uint32_t age)
{
	if (window->count > 0 && age - window->last_age >= WINDOW_AGE_STEPS)
		window->count = 0;
	while (window->count > 0 && age - window->first_age >= WINDOW_AGE_STEPS)
		drop_oldest(window, shape);
	/* What comes after so long a pause is no successor of what was. */
	if (window->count == 0)
		window->jitter_ns = window->last_ns = 0;
}

void window_expire(struct window *window, const struct window_shape *shape, int64_t now_ns)
{
	expire(window, shape, age_of(shape, now_ns));
}

static void add(struct window *window, const struct window_shape *shape, int64_t now_ns, uint32_t code)
{
	uint32_t age = age_of(shape, now_ns), steps = 0;

	expire(window, shape, age);
	if (window->count == shape->capacity)
		drop_oldest(window, shape);
	if (window->count > 0)
		steps = age - window->last_age;
	else
		window->first_age = age;
	*entry_at(window, shape, window->count) = code << STEPS_BITS | steps;
	window->count++;
	window->last_age = age;
}

void window_add(struct window *window, const struct window_shape *shape, int64_t now_ns, int64_t rtt_ns)
{
	float ns = fmaxf((float)rtt_ns, 0.5f);

	add(window, shape, now_ns, code_of(rtt_ns));
	/* The sign tells whether there was a difference yet. */
	if (window->last_ns != 0)
		window->jitter_ns += (fabsf(ns - fabsf(window->last_ns)) - window->jitter_ns) / 16;
	window->last_ns = window->last_ns != 0 ? -ns : ns;
}

void window_add_lost(struct window *window, const struct window_shape *shape, int64_t now_ns)
{
	add(window, shape, now_ns, LOST);
}

void window_read(const struct window *window, const struct window_shape *shape, uint32_t *scratch,
		 struct window_figures *figures)
{
	struct ipdv ipdv = {0};
	uint32_t at = window->first;

	memset(figures, 0, sizeof(*figures));
	for (uint32_t i = 0; i < window->count; i++) {
		uint32_t code = window->entries[at] >> STEPS_BITS;

		loss_add(&figures->loss, code == LOST);
		if (code == LOST) {
			ipdv_add_lost(&ipdv);
		} else {
			ipdv_add(&ipdv, time_of(code));
			scratch[figures->received++] = code;
		}
		at = at + 1 < shape->capacity ? at + 1 : 0;
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
	return time_of(figures->sorted[quantile_index(figures->received, q)]);
}

double window_pdv_ns(const struct window_figures *figures, double q)
{
	return window_rtt_ns(figures, q) - window_rtt_ns(figures, 0);
}

double window_late_ratio(const struct window_figures *figures, double buffer_ns)
{
	double limit = window_rtt_ns(figures, 0) + buffer_ns;
	uint32_t late = 0;

	while (late < figures->received && time_of(figures->sorted[figures->received - 1 - late]) > limit)
		late++;
	return (double)late / figures->loss.n;
}
