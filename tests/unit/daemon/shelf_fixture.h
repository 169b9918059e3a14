/*
 * Targets for tests of workers, which borrow them: all of them stay to the end of the test.
 */
#ifndef NETSONDE_TESTS_SHELF_FIXTURE_H
#define NETSONDE_TESTS_SHELF_FIXTURE_H

#include "core/mem.h"
#include "daemon/target.h"

static struct target **shelf;
static size_t nshelf;

static const struct target *shelved(const char *name, const struct label *labels, size_t n)
{
	shelf = mem_resize(shelf, nshelf + 1, sizeof(struct target *));
	shelf[nshelf] = target_create(name, "192.0.2.1", labels, n);
	return shelf[nshelf++];
}

#endif
