/*
 * The buffers in which lines travel from the workers to the influx thread. There is a fixed number of them: when they
 * are all on their way, lines are dropped, and nobody waits.
 */
#ifndef NETSONDE_INFLUX_POOL_H
#define NETSONDE_INFLUX_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mailbox.h"
#include "core/text.h"

#define POOL_BUFFERS 256

/* What a buffer holds without growing, how full it is handed over, and how far one large sample may make it grow. */
#define POOL_BUFFER_BYTES   (64 * 1024)
#define POOL_BUFFER_FULL    (56 * 1024)
#define POOL_BUFFER_CEILING (256 * 1024)

/* Of idle buffers beyond so many the system has the memory: after a stall there are as many as ever were out. */
#define POOL_BUFFERS_KEPT 16

struct pool;

struct buffer {
	struct mail mail; /* first */
	struct pool *pool;
	struct text text;
	unsigned lines;
	int64_t since_ns; /* monotonic: when its first line was made */
};

/* Zero-initialise, then pool_prepare. */
struct pool {
	pthread_mutex_t lock;
	struct mail *idle;
	size_t made, nidle;
	atomic_uint_least64_t lines_on_their_way;
	atomic_uint_least64_t lines_lost; /* that no output has ever seen */
};

void pool_prepare(struct pool *pool);
/* All buffers must have come back. */
void pool_free(struct pool *pool);

/* An empty buffer, or NULL when all are out. Any thread. */
struct buffer *pool_take(struct pool *pool);
/* Any thread. */
void pool_give(struct pool *pool, struct buffer *buffer);

#endif
