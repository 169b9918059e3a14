#include "influx/backlog.h"

#include <string.h>

#include "core/mem.h"

uint64_t backlog_count_lines(const char *bytes, size_t n)
{
	uint64_t lines = 0;
	const char *end = bytes + n;
	while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		lines++;
		bytes++;
	}
	return lines;
}

static size_t chunk_size(size_t n)
{
	return sizeof(struct backlog_chunk) + n;
}

static void forget_first(struct backlog *backlog)
{
	struct backlog_chunk *chunk = backlog->first;
	backlog->first = chunk->next;
	if (backlog->first == NULL)
		backlog->end = NULL;
	backlog->bytes -= chunk_size(chunk->length);
	mem_free(chunk);
}

static uint64_t lose_first(struct backlog *backlog)
{
	const struct backlog_chunk *chunk = backlog->first;
	uint64_t lines = backlog_count_lines(chunk->bytes + chunk->done, chunk->length - chunk->done);
	forget_first(backlog);
	return lines;
}

uint64_t backlog_push(struct backlog *backlog, const char *bytes, size_t n, int64_t since_ns)
{
	uint64_t lost = 0;
	if (n == 0)
		return 0;
	if (chunk_size(n) > backlog->ceiling)
		return backlog_count_lines(bytes, n);
	while (backlog->bytes + chunk_size(n) > backlog->ceiling)
		lost += lose_first(backlog);
	struct backlog_chunk *chunk = mem_alloc(chunk_size(n));
	*chunk = (struct backlog_chunk){.since_ns = since_ns, .length = n};
	memcpy(chunk->bytes, bytes, n);
	*(backlog->end != NULL ? backlog->end : &backlog->first) = chunk;
	backlog->end = &chunk->next;
	backlog->bytes += chunk_size(n);
	return lost;
}

void backlog_take(struct backlog *backlog, size_t n)
{
	backlog->first->done += n;
	if (backlog->first->done == backlog->first->length)
		forget_first(backlog);
}

uint64_t backlog_clear(struct backlog *backlog)
{
	uint64_t lines = 0;
	while (backlog->first != NULL)
		lines += lose_first(backlog);
	return lines;
}
