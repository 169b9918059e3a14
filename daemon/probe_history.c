#include "daemon/probe_history.h"

#include <string.h>

#include "core/mem.h"

/* One piece of memory, with its strings behind it. Newer ones come first in a list. */
struct node {
	struct probe_entry entry; /* first */
	struct node *older, *newer;
	struct list *list;
	size_t size;
};

struct list {
	struct node *newest, *oldest;
	size_t n;
};

struct probe_history {
	struct list recent;
	struct list failed; /* older than all of recent */
	size_t bytes;
	uint64_t last_id;
};

struct probe_history *probe_history_create(void)
{
	return mem_zero(1, sizeof(struct probe_history));
}

static void unlink_node(struct node *node)
{
	*(node->newer ? &node->newer->older : &node->list->newest) = node->older;
	*(node->older ? &node->older->newer : &node->list->oldest) = node->newer;
	node->list->n--;
}

static void push(struct list *list, struct node *node)
{
	node->list = list;
	node->newer = NULL;
	node->older = list->newest;
	*(list->newest ? &list->newest->newer : &list->oldest) = node;
	list->newest = node;
	list->n++;
}

static void forget(struct probe_history *history, struct node *node)
{
	unlink_node(node);
	history->bytes -= node->size;
	mem_free(node);
}

void probe_history_free(struct probe_history *history)
{
	if (!history)
		return;
	while (history->recent.oldest)
		forget(history, history->recent.oldest);
	while (history->failed.oldest)
		forget(history, history->failed.oldest);
	mem_free(history);
}

static char *put(char **at, const char *bytes, size_t n)
{
	char *copy = *at;

	memcpy(copy, bytes, n);
	copy[n] = '\0';
	*at += n + 1;
	return copy;
}

static struct node *node_create(const struct probe_entry *entry, size_t ceiling)
{
	static const char too_long[] = "(too long to be kept: probe_endpoint.history_size)\n";
	size_t target = strlen(entry->target), module = strlen(entry->module);
	size_t size = sizeof(struct node) + target + module + entry->length + 3;
	const char *text = entry->text;
	size_t length = entry->length;
	struct node *node;
	char *at;

	if (size > ceiling) {
		text = too_long;
		length = sizeof(too_long) - 1;
		size = sizeof(struct node) + target + module + length + 3;
	}
	node = mem_alloc(size);
	at = (char *)(node + 1);
	node->entry = *entry;
	node->entry.target = put(&at, entry->target, target);
	node->entry.module = put(&at, entry->module, module);
	node->entry.text = put(&at, text, length);
	node->entry.length = length;
	node->size = size;
	return node;
}

/* What recent has no room for goes on among the failed ones, if it has failed. */
static void move_oldest(struct probe_history *history)
{
	struct node *oldest = history->recent.oldest;

	if (oldest->entry.reason == REASON_OK) {
		forget(history, oldest);
		return;
	}
	unlink_node(oldest);
	push(&history->failed, oldest);
}

static void trim(struct probe_history *history, const struct probe_history_limits *limits)
{
	while (history->recent.n > limits->entries)
		move_oldest(history);
	while (history->failed.n > limits->entries)
		forget(history, history->failed.oldest);
	while (history->bytes > limits->bytes && history->failed.oldest)
		forget(history, history->failed.oldest);
	while (history->bytes > limits->bytes && history->recent.oldest)
		forget(history, history->recent.oldest);
}

uint64_t probe_history_add(struct probe_history *history, const struct probe_entry *entry,
			   const struct probe_history_limits *limits)
{
	struct node *node = node_create(entry, limits->bytes);

	node->entry.id = ++history->last_id;
	history->bytes += node->size;
	push(&history->recent, node);
	trim(history, limits);
	return history->last_id;
}

const struct probe_entry *probe_history_next(const struct probe_history *history, const struct probe_entry *after)
{
	const struct node *node = (const struct node *)after;
	const struct node *next = node ? node->older : history->recent.newest;

	if (!next && (!node || node->list == &history->recent))
		next = history->failed.newest;
	return next ? &next->entry : NULL;
}

const struct probe_entry *probe_history_find(const struct probe_history *history, uint64_t id)
{
	const struct probe_entry *entry = probe_history_next(history, NULL);

	while (entry && entry->id != id)
		entry = probe_history_next(history, entry);
	return entry;
}

const struct probe_entry *probe_history_find_last(const struct probe_history *history, const char *target,
						  const char *module)
{
	const struct probe_entry *entry = probe_history_next(history, NULL);

	while (entry && (strcmp(entry->target, target) != 0 || (module && strcmp(entry->module, module) != 0)))
		entry = probe_history_next(history, entry);
	return entry;
}

size_t probe_history_bytes(const struct probe_history *history)
{
	return history->bytes;
}
