/*
 * The figures of one output, and the measure set "output" that shows them. Written by the influx thread (the file of an
 * output is opened before that runs), read by any thread.
 */
#ifndef NETSONDE_INFLUX_FIGURES_H
#define NETSONDE_INFLUX_FIGURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/sample.h"

/* In the order of influx_set's measures. */
enum figure {
	FIGURE_LINES_WRITTEN,
	FIGURE_BYTES_WRITTEN,
	FIGURE_LINES_DROPPED,
	FIGURE_WRITE_ERRORS,
	FIGURE_QUEUE_LINES,
	FIGURE_QUEUE_AGE, /* kept as the moment since when, on the wall clock, in nanoseconds; 0 = nothing waits */
	FIGURE_ROTATIONS, /* files only */
	/* servers only */
	FIGURE_QUEUE_BYTES,
	FIGURE_REQUESTS,
	FIGURE_SENT_BYTES,
	FIGURE_LINES_RETRIED,
	FIGURE_LINES_REJECTED,
	FIGURE_REFUSED,
	FIGURE_COUNT
};

/* Zero-initialise. */
struct output_figures {
	bool is_server;
	atomic_int_least64_t values[FIGURE_COUNT];
};

static inline int64_t figure_get(const struct output_figures *figures, enum figure figure)
{
	return atomic_load_explicit(&figures->values[figure], memory_order_relaxed);
}

static inline void figure_set(struct output_figures *figures, enum figure figure, int64_t value)
{
	atomic_store_explicit(&figures->values[figure], value, memory_order_relaxed);
}

/* One writer. */
static inline void figure_add(struct output_figures *figures, enum figure figure, uint64_t value)
{
	figure_set(figures, figure, figure_get(figures, figure) + (int64_t)value);
}

/* Readings of influx_set (influx.h); more_waiting, more_dropped: lines that the output does not know of. Returns how
 * many were filled. */
size_t figures_read(const struct output_figures *figures, uint64_t more_waiting, uint64_t more_dropped,
		    struct reading *readings);

#endif
