#include "influx/pool.h"

#include "core/mem.h"

void pool_prepare(struct pool *pool)
{
	pthread_mutex_init(&pool->lock, NULL);
}

void pool_free(struct pool *pool)
{
	while (pool->idle != NULL) {
		struct buffer *buffer = (struct buffer *)(void *)pool->idle;
		pool->idle = pool->idle->next;
		text_free(&buffer->text);
		mem_free(buffer);
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
	buffer->lines = 0;
	pthread_mutex_lock(&pool->lock);
	if (buffer->text.capacity > POOL_BUFFER_BYTES)
		text_free(&buffer->text);
	else if (pool->nidle >= POOL_BUFFERS_KEPT)
		mem_forget(buffer->text.bytes, buffer->text.capacity);
	text_clear(&buffer->text);
	buffer->mail.next = pool->idle;
	pool->idle = &buffer->mail;
	pool->nidle++;
	pthread_mutex_unlock(&pool->lock);
}
