#include "daemon/crew.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/targets.h"
#include "daemon/worker.h"

/* Opening fewer probes than this takes no time worth showing. */
#define PROGRESS_STEP 1000

static size_t index_of(const struct crew *crew, const char *target)
{
	return hash_stable(target) % crew->n;
}

struct worker *crew_worker(const struct crew *crew, const char *target)
{
	return crew->workers[index_of(crew, target)];
}

static void add_step(struct batch *batch, enum batch_change change, const struct desired *desired)
{
	batch_add(batch, &(struct batch_step){
				 .change = change,
				 .target = desired->target,
				 .spec = desired->spec,
				 .tag = (void *)(uintptr_t)desired,
			 });
}

/* --- the start --------------------------------------------------------------------------------------------------- */

static void show_progress(size_t n, size_t all)
{
	if (n % PROGRESS_STEP == 0 || n == all)
		fprintf(stderr, "\ropening probes: %zu of %zu%s", n, all, n == all ? "\n" : "");
}

/* items[0..n) are of one target. */
static int open_target(struct worker *worker, const struct desired *items, size_t n, struct err *err)
{
	struct batch *batch = batch_create(NULL, NULL, NULL);
	int result;

	for (size_t i = 0; i < n; i++)
		add_step(batch, BATCH_ADD, &items[i]);
	result = worker_open(worker, batch, err);
	batch_free(batch);
	return result;
}

int crew_open(const struct crew *crew, const struct desired_set *wanted, struct err *err)
{
	bool has_progress = wanted->n > PROGRESS_STEP && isatty(STDERR_FILENO);

	for (size_t i = 0, end = 0; i < wanted->n; i = end) {
		const struct desired *first = &wanted->items[i];

		while (end < wanted->n && wanted->items[end].target == first->target)
			end++;
		if (open_target(crew_worker(crew, target_name(first->target)), first, end - i, err) == -1)
			return -1;
		for (size_t k = i + 1; has_progress && k <= end; k++)
			show_progress(k, wanted->n);
	}
	return 0;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static void add_planned(struct batch *batch, const struct target_step *step)
{
	switch (step->change) {
	case TARGET_REMOVED:
		add_step(batch, BATCH_REMOVE, step->before);
		break;
	case TARGET_RESTARTED:
		add_step(batch, BATCH_REMOVE, step->before);
		add_step(batch, BATCH_ADD, step->after);
		break;
	case TARGET_ADDED:
		add_step(batch, BATCH_ADD, step->after);
		break;
	case TARGET_RELABELLED:
		add_step(batch, BATCH_RELABEL, step->after);
		break;
	case TARGET_UNCHANGED:
	case TARGET_CHANGES:
		break;
	}
}

size_t crew_split(const struct crew *crew, const struct target_plan *plan, const struct crew_answer *answer,
		  struct batch **batches)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct target_step *step = &plan->steps[i];
		const struct desired *one = step->after ? step->after : step->before;
		size_t k = index_of(crew, target_name(one->target));

		if (step->change == TARGET_UNCHANGED)
			continue;
		if (!batches[k]) {
			batches[k] = batch_create(answer->mailbox, answer->done, answer->arg);
			n++;
		}
		add_planned(batches[k], step);
	}
	return n;
}
