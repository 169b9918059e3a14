#include "probes/reverse_service.h"

#include "probes/engine.h"

static void *create(struct engine *engine)
{
	return reverse_create(engine_resolver(engine));
}

static void clear(void *service)
{
	reverse_free(service);
}

const struct probe_service reverse_service = {
	.name = "reverse",
	.create = create,
	.free = clear,
};
