#include "influx/pool.h"

#include "core/mem.h"

void pool_prepare(struct pool *pool)
{
	pthread_mutex_init(&pool->lock, NULL);
}

static void buffer_free(struct buffer *buffer)
{
	text_free(&buffer->text);
	mem_free(buffer);
}

void pool_free(struct pool *pool)
{
	while (pool->idle != NULL) {
		struct buffer *buffer = (struct buffer *)(void *)pool->idle;
		pool->idle = pool->idle->next;
		buffer_free(buffer);
	}
	pthread_mutex_destroy(&pool->lock);
}

static struct buffer *buffer_create(struct pool *pool)
{
	struct buffer *buffer = mem_zero(1, sizeof(*buffer));
	buffer->pool = pool;
	buffer->text.ceiling = POOL_BUFFER_CEILING;
	return buffer;
}

struct buffer *pool_take(struct pool *pool)
{
	struct buffer *buffer = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->idle != NULL) {
		buffer = (struct buffer *)(void *)pool->idle;
		pool->idle = buffer->mail.next;
		pool->nidle--;
	} else if (pool->made < POOL_BUFFERS) {
		buffer = buffer_create(pool);
		pool->made++;
	}
	pthread_mutex_unlock(&pool->lock);
	if (buffer != NULL)
		text_reserve(&buffer->text, POOL_BUFFER_BYTES - 1);
	return buffer;
}

void pool_give(struct pool *pool, struct buffer *buffer)
{
	if (buffer->text.capacity > POOL_BUFFER_BYTES)
		text_free(&buffer->text);
	else
		text_clear(&buffer->text);
	buffer->lines = 0;
	pthread_mutex_lock(&pool->lock);
	bool is_kept = pool->nidle < POOL_IDLE_MAX;
	if (is_kept) {
		buffer->mail.next = pool->idle;
		pool->idle = &buffer->mail;
		pool->nidle++;
	} else {
		pool->made--;
	}
	pthread_mutex_unlock(&pool->lock);
	if (!is_kept)
		buffer_free(buffer);
}
