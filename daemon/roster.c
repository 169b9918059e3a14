#include "daemon/roster.h"

#include <stdint.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "daemon/pipeline.h"
#include "probes/engine.h"

struct roster_probe {
	struct publication publication;
	struct probe *probe;
};

struct roster_target {
	struct roster_target *next; /* in its bucket */
	struct label *labels;
	uint32_t nlabels;
	uint32_t nprobes;
	const char *name, *address; /* behind the probes */
	struct roster_probe probes[];
};

struct roster {
	struct engine *engine;
	struct pipeline *pipeline;
	struct roster_target **buckets; /* a power of two of them */
	size_t nbuckets;
	size_t ntargets, nprobes;
};

#define BUCKETS_MIN 64

struct roster *roster_create(struct engine *engine, struct pipeline *pipeline)
{
	struct roster *roster = mem_zero(1, sizeof(*roster));

	roster->engine = engine;
	roster->pipeline = pipeline;
	roster->nbuckets = BUCKETS_MIN;
	roster->buckets = mem_zero(roster->nbuckets, sizeof(struct roster_target *));
	return roster;
}

static struct roster_target **find(struct roster *roster, const char *name)
{
	struct roster_target **link = &roster->buckets[hash_stable(name) & (roster->nbuckets - 1)];

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

static void grow(struct roster *roster)
{
	struct roster_target **old = roster->buckets;
	size_t nold = roster->nbuckets;

	roster->nbuckets = nold * 2;
	roster->buckets = mem_zero(roster->nbuckets, sizeof(struct roster_target *));
	for (size_t i = 0; i < nold; i++) {
		for (struct roster_target *target = old[i], *next; target; target = next) {
			struct roster_target **head =
				&roster->buckets[hash_stable(target->name) & (roster->nbuckets - 1)];

			next = target->next;
			target->next = *head;
			*head = target;
		}
	}
	mem_free(old);
}

struct label *labels_copy(const struct label *labels, size_t n)
{
	size_t size = n * sizeof(*labels);
	struct label *copy;
	char *string;

	for (size_t i = 0; i < n; i++)
		size += strlen(labels[i].name) + strlen(labels[i].value) + 2;
	copy = mem_alloc(size);
	string = (char *)(copy + n);
	for (size_t i = 0; i < n; i++) {
		copy[i].name = string;
		string = stpcpy(string, labels[i].name) + 1;
		copy[i].value = string;
		string = stpcpy(string, labels[i].value) + 1;
	}
	return copy;
}

struct roster_target *roster_target_create(const struct worker_target_plan *plan)
{
	size_t size = sizeof(struct roster_target) + plan->nprobes * sizeof(struct roster_probe);
	struct roster_target *target =
		mem_zero(1, size + strlen(plan->name) + strlen(plan->address) + 2);
	char *strings = (char *)target + size;

	target->nprobes = (uint32_t)plan->nprobes;
	target->nlabels = (uint32_t)plan->nlabels;
	target->labels = labels_copy(plan->labels, plan->nlabels);
	target->name = strings;
	strings = stpcpy(strings, plan->name) + 1;
	target->address = strings;
	stpcpy(strings, plan->address);
	return target;
}

void roster_target_free(struct roster_target *target)
{
	if (!target)
		return;
	mem_free(target->labels);
	mem_free(target);
}

const char *roster_target_name(const struct roster_target *target)
{
	return target->name;
}

static void close_probes(struct roster_target *target, size_t n)
{
	while (n-- > 0) {
		probe_close(target->probes[n].probe);
		publication_close(&target->probes[n].publication);
	}
}

static int open_probe(struct roster *roster, struct roster_target *target, size_t i,
		      const struct worker_probe_plan *plan, struct err *err)
{
	struct roster_probe *slot = &target->probes[i];
	const struct subject subject = {
		.target = target->name,
		.probe = plan->name,
		.type = plan->type->name,
		.labels = target->labels,
		.nlabels = target->nlabels,
	};
	struct probe_plan probe_plan = {
		.type = plan->type,
		.settings = plan->settings,
		.subject = &slot->publication.subject,
		.address = target->address,
		.sink = {.deliver = publication_deliver, .context = &slot->publication},
	};

	publication_open(&slot->publication, roster->pipeline, &subject);
	slot->probe = probe_open(roster->engine, &probe_plan, err);
	if (slot->probe)
		return 0;
	publication_close(&slot->publication);
	return err_prefix(err, "%s: %s", target->name, plan->name);
}

int roster_open(struct roster *roster, struct roster_target *target, const struct worker_probe_plan *probes,
		struct err *err)
{
	struct roster_target **link = find(roster, target->name);

	if (*link)
		return err_set(err, "%s: there is a target of this name already", target->name);
	for (size_t i = 0; i < target->nprobes; i++) {
		if (open_probe(roster, target, i, &probes[i], err) == -1) {
			close_probes(target, i);
			return -1;
		}
	}
	*link = target;
	roster->ntargets++;
	roster->nprobes += target->nprobes;
	if (roster->ntargets > roster->nbuckets)
		grow(roster);
	return 0;
}

int roster_close(struct roster *roster, const char *name)
{
	struct roster_target **link = find(roster, name);
	struct roster_target *target = *link;

	if (!target)
		return -1;
	*link = target->next;
	roster->ntargets--;
	roster->nprobes -= target->nprobes;
	close_probes(target, target->nprobes);
	roster_target_free(target);
	return 0;
}

int roster_relabel(struct roster *roster, const char *name, struct label *labels, size_t nlabels)
{
	struct roster_target *target = *find(roster, name);

	if (!target)
		return -1;
	for (size_t i = 0; i < target->nprobes; i++) {
		struct roster_probe *slot = &target->probes[i];

		publication_relabel(&slot->publication, labels, nlabels);
		probe_set_subject(slot->probe, &slot->publication.subject);
	}
	mem_free(target->labels);
	target->labels = labels;
	target->nlabels = (uint32_t)nlabels;
	return 0;
}

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	for (size_t i = 0; i < roster->nbuckets; i++) {
		for (struct roster_target *target = roster->buckets[i], *next; target; target = next) {
			next = target->next;
			close_probes(target, target->nprobes);
			roster_target_free(target);
		}
	}
	mem_free(roster->buckets);
	mem_free(roster);
}

size_t roster_targets(const struct roster *roster)
{
	return roster->ntargets;
}

size_t roster_probes(const struct roster *roster)
{
	return roster->nprobes;
}
