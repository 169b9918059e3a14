/*
 * So many a second, and some at once: whether one more may be now. Pure.
 */
#ifndef NETSONDE_DAEMON_PACE_H
#define NETSONDE_DAEMON_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	int64_t gap_ns;   /* between two of them in the long run */
	int64_t burst_ns; /* gaps that may be saved up: n - 1 of them for n at once */
	int64_t free_ns;  /* when all that was taken is paid for */
};

/* rate: a second. burst: at once, at least 1. */
struct pace pace_make(unsigned rate, unsigned burst);

/* now_ns never goes back. */
bool pace_allows(const struct pace *pace, int64_t now_ns);
/* To be asked first: pace_allows. */
void pace_take(struct pace *pace, int64_t now_ns);

#endif
