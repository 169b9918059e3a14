#include "probes/tls_service.h"

static void *create(struct engine *engine)
{
	(void)engine;
	return tls_clients_create();
}

static void clear(void *service)
{
	tls_clients_free(service);
}

const struct probe_service tls_service = {
	.name = "tls",
	.create = create,
	.free = clear,
};
