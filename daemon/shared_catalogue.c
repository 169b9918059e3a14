#include "daemon/shared_catalogue.h"

#include <stdatomic.h>

#include "core/mem.h"
#include "probes/routeros/catalogue.h"

struct shared_catalogue {
	atomic_size_t holders;
	struct catalogue *catalogue;
};

struct shared_catalogue *shared_catalogue_create(struct catalogue *catalogue)
{
	struct shared_catalogue *shared = mem_zero(1, sizeof(*shared));

	atomic_init(&shared->holders, 1);
	shared->catalogue = catalogue;
	return shared;
}

struct shared_catalogue *shared_catalogue_hold(struct shared_catalogue *shared)
{
	if (shared)
		atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
	return shared;
}

void shared_catalogue_release(struct shared_catalogue *shared)
{
	if (!shared || atomic_fetch_sub(&shared->holders, 1) != 1)
		return;
	catalogue_free(shared->catalogue);
	mem_free(shared);
}

const struct catalogue *shared_catalogue_of(const struct shared_catalogue *shared)
{
	return shared ? shared->catalogue : NULL;
}

uint64_t shared_catalogue_hash(const struct shared_catalogue *shared)
{
	return shared ? shared->catalogue->text_hash : 0;
}

bool shared_catalogue_is_equal(const struct shared_catalogue *a, const struct shared_catalogue *b)
{
	if (!a || !b)
		return a == b;
	return a == b || a->catalogue->text_hash == b->catalogue->text_hash;
}
