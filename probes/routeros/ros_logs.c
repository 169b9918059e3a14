#include "probes/routeros/ros_logs.h"

#include <string.h>

#include "core/mem.h"

struct ros_logs_place {
	struct ros_logs_place *next, **link;
	char *target;
	const struct ros_log *log;
};

struct ros_logs {
	struct ros_logs_place *first;
};

static void *create(struct engine *engine)
{
	(void)engine;
	return mem_zero(1, sizeof(struct ros_logs));
}

static void free_logs(void *logs)
{
	mem_free(logs);
}

const struct probe_service ros_logs_service = {.name = "routeros_logs", .create = create, .free = free_logs};

struct ros_logs_place *ros_logs_add(struct ros_logs *logs, const char *target, const struct ros_log *log)
{
	struct ros_logs_place *place = mem_zero(1, sizeof(*place));
	place->target = mem_copy_string(target);
	place->log = log;
	place->next = logs->first;
	place->link = &logs->first;
	if (place->next)
		place->next->link = &place->next;
	logs->first = place;
	return place;
}

void ros_logs_remove(struct ros_logs *logs, struct ros_logs_place *place)
{
	(void)logs;
	if (!place)
		return;
	*place->link = place->next;
	if (place->next)
		place->next->link = place->link;
	mem_free(place->target);
	mem_free(place);
}

const struct ros_log *ros_logs_find(const struct ros_logs *logs, const char *target)
{
	for (const struct ros_logs_place *place = logs->first; place; place = place->next)
		if (!strcmp(place->target, target))
			return place->log;
	return NULL;
}
