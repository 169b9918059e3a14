#include <string.h>

#include "core/mem.h"
#include "probes/routeros/ros_table_parts.h"

static bool is_same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool ros_held_is_of(const struct ros_held *held, const struct ros_item *item)
{
	return held->menu == item->menu && is_same_string(held->each, item->each);
}

/* An item that does not say is of the section that is there. */
bool ros_held_is_over(const struct ros_held *held, const char *property, const struct ros_reply *reply)
{
	struct ros_word section;
	if (!property)
		return true;
	if (!ros_reply_find(reply, property, NULL, &section))
		return false;
	return section.length != held->section.length ||
	       (section.length > 0 && memcmp(section.bytes, held->section.bytes, section.length) != 0);
}

void ros_held_drop(struct ros_held *held)
{
	mem_free(held->each);
	held->each = NULL;
	held->menu = NULL;
	held->npairs = held->nitems = 0;
	text_clear(&held->bytes);
	text_clear(&held->section);
}

/* For n more; doubled, so that it is cheap. */
static void *grow(void *memory, size_t *room, size_t n, size_t size)
{
	size_t wanted = *room ? *room : 16;
	while (wanted < n)
		wanted *= 2;
	if (wanted == *room)
		return memory;
	*room = wanted;
	return mem_resize(memory, wanted, size);
}

static bool has_room(const struct ros_held *held, const struct ros_reply *reply, size_t max)
{
	size_t left = ROS_HELD_BYTES_MAX - held->bytes.length;
	if (held->nitems >= max || held->npairs + reply->npairs > ROS_HELD_PAIRS_MAX)
		return false;
	for (size_t i = 0; i < reply->npairs; i++) {
		size_t n = reply->pairs[i].name.length + reply->pairs[i].value.length;
		if (n > left)
			return false;
		left -= n;
	}
	return true;
}

static size_t keep(struct ros_held *held, struct ros_word word)
{
	size_t at = held->bytes.length;
	text_add_bytes(&held->bytes, word.bytes, word.length);
	return at;
}

static void keep_section(struct ros_held *held, const char *property, const struct ros_reply *reply)
{
	struct ros_word section;
	if (property && ros_reply_find(reply, property, NULL, &section)) {
		text_clear(&held->section);
		text_add_bytes(&held->section, section.bytes, section.length);
	}
}

bool ros_held_add(struct ros_held *held, const struct ros_item *item, const char *property,
		  const struct ros_reply *reply, size_t max)
{
	if (!held->menu) {
		held->menu = item->menu;
		held->each = mem_copy_string(item->each);
	}
	keep_section(held, property, reply);
	if (!has_room(held, reply, max))
		return false;
	held->items = grow(held->items, &held->items_room, held->nitems + 1, sizeof(*held->items));
	held->pairs = grow(held->pairs, &held->pairs_room, held->npairs + reply->npairs, sizeof(*held->pairs));
	held->items[held->nitems++] = (struct ros_held_item){item->now_ns, held->npairs, reply->npairs};
	for (size_t i = 0; i < reply->npairs; i++) {
		struct ros_word name = reply->pairs[i].name, value = reply->pairs[i].value;
		held->pairs[held->npairs++] =
			(struct ros_held_pair){keep(held, name), name.length, keep(held, value), value.length};
	}
	return true;
}

struct ros_item ros_held_read(const struct ros_held *held, size_t i, struct ros_reply *reply)
{
	const struct ros_held_item *item = &held->items[i];
	const char *bytes = held->bytes.bytes ? held->bytes.bytes : "";
	reply->kind = ROS_REPLY_ROW;
	reply->pairs = grow(reply->pairs, &reply->room, item->npairs, sizeof(*reply->pairs));
	reply->npairs = item->npairs;
	for (size_t k = 0; k < item->npairs; k++) {
		const struct ros_held_pair *pair = &held->pairs[item->first_pair + k];
		reply->pairs[k] = (struct ros_pair){{bytes + pair->name, pair->name_bytes},
						    {bytes + pair->value, pair->value_bytes}};
	}
	return (struct ros_item){held->menu, held->each, item->now_ns};
}

void ros_held_free(struct ros_held *held)
{
	ros_held_drop(held);
	text_free(&held->bytes);
	text_free(&held->section);
	mem_free(held->pairs);
	mem_free(held->items);
	*held = (struct ros_held){0};
}
