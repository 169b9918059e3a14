#include "daemon/roster.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "daemon/pipeline.h"
#include "daemon/shared_catalogue.h"
#include "daemon/spec.h"
#include "daemon/target.h"
#include "daemon/trigger.h"
#include "probes/engine.h"

/* A probe of a target. */
struct entry {
	struct entry *next; /* in its bucket: all probes of a target are in one */
	const struct target *target;
	struct probe *probe;
	struct publication publication;
};

struct roster {
	struct engine *engine;
	struct pipeline *pipeline;
	struct trigger_desk *triggers;
	size_t nlisteners;      /* probes that others may set off */
	struct entry **buckets; /* a power of two of them */
	size_t nbuckets;
	size_t n;
};

#define BUCKETS_MIN 64

/* --- the table --------------------------------------------------------------------------------------------------- */

struct roster *roster_create(struct engine *engine, struct pipeline *pipeline, struct trigger_desk *triggers)
{
	struct roster *roster = mem_zero(1, sizeof(*roster));

	roster->engine = engine;
	roster->pipeline = pipeline;
	roster->triggers = triggers;
	roster->nbuckets = BUCKETS_MIN;
	roster->buckets = mem_zero(roster->nbuckets, sizeof(struct entry *));
	return roster;
}

static struct entry **bucket_of(const struct roster *roster, const char *target)
{
	return &roster->buckets[hash_stable(target) & (roster->nbuckets - 1)];
}

/* The link to the probe, or to the end of its bucket. */
static struct entry **find(const struct roster *roster, const char *target, const char *probe)
{
	struct entry **link = bucket_of(roster, target);

	while (*link && (strcmp(target_name((*link)->target), target) != 0 ||
			 strcmp((*link)->publication.subject.probe, probe) != 0))
		link = &(*link)->next;
	return link;
}

static void push(struct entry **bucket, struct entry *entry)
{
	entry->next = *bucket;
	*bucket = entry;
}

static void grow(struct roster *roster)
{
	struct entry **old = roster->buckets;
	size_t nold = roster->nbuckets;

	roster->nbuckets = nold * 2;
	roster->buckets = mem_zero(roster->nbuckets, sizeof(struct entry *));
	for (size_t i = 0; i < nold; i++) {
		for (struct entry *entry = old[i], *next; entry; entry = next) {
			next = entry->next;
			push(bucket_of(roster, target_name(entry->target)), entry);
		}
	}
	mem_free(old);
}

/* --- probes that set off others ---------------------------------------------------------------------------------- */

static void make_listener(struct roster *roster, struct entry *entry, const struct probe_spec *spec)
{
	struct trigger_plan plan = {0};

	if (!spec->type->trigger || !spec->type->trigger(spec->settings, &plan))
		return;
	ties_listen(&entry->publication.ties, roster->triggers, entry->probe, &plan);
	roster->nlisteners++;
}

/* The next of those that are in one bucket with it and belong to the same target; from: NULL at first. */
static struct entry *neighbour(const struct roster *roster, const struct entry *entry, const struct entry *from)
{
	const char *target = target_name(entry->target);
	struct entry *other = from ? from->next : *bucket_of(roster, target);

	while (other && (other == entry || strcmp(target_name(other->target), target) != 0))
		other = other->next;
	return other;
}

/* To all others of its target, in both directions. Neighbours are looked for only if there are listeners at all. */
static void join(struct roster *roster, struct entry *entry, const struct probe_spec *spec)
{
	const struct ties_end end = {&entry->publication.ties, entry->publication.subject.probe};

	make_listener(roster, entry, spec);
	if (roster->nlisteners == 0)
		return;
	for (struct entry *other = neighbour(roster, entry, NULL); other; other = neighbour(roster, entry, other)) {
		const struct ties_end other_end = {&other->publication.ties, other->publication.subject.probe};

		ties_join(&end, &other_end);
		ties_join(&other_end, &end);
	}
}

/* Out of its bucket already. */
static void part(struct roster *roster, struct entry *entry)
{
	if (!ties_are_of_listener(entry->publication.ties))
		return;
	for (struct entry *other = neighbour(roster, entry, NULL); other; other = neighbour(roster, entry, other))
		ties_part(&other->publication.ties, &entry->publication.ties);
	roster->nlisteners--;
}

/* --- probes ------------------------------------------------------------------------------------------------------ */

static void entry_close(struct roster *roster, struct entry *entry)
{
	probe_close(entry->probe);
	ties_close(&entry->publication.ties);
	publication_close(&entry->publication);
	slabs_give(engine_slabs(roster->engine), entry, sizeof(*entry));
}

static int entry_open(struct roster *roster, struct entry *entry, const struct probe_spec *spec, struct err *err)
{
	const struct subject subject = {
		.target = target_name(entry->target),
		.probe = spec->name,
		.type = spec->type->name,
		.labels = entry->target->labels,
		.nlabels = entry->target->nlabels,
	};
	const struct probe_plan probe = {
		.type = spec->type,
		.settings = spec->settings,
		.subject = &entry->publication.subject,
		.address = target_address(entry->target),
		.sink = {.deliver = publication_deliver, .context = &entry->publication},
		.catalogue = shared_catalogue_of(spec->catalogue),
	};

	if (*find(roster, subject.target, subject.probe))
		return err_set(err, "%s: %s: is measured already", subject.target, subject.probe);
	publication_open(&entry->publication, roster->pipeline, &subject);
	entry->publication.objectives = entry->target->objectives;
	entry->probe = probe_open(roster->engine, &probe, err);
	if (entry->probe) {
		publication_assess(&entry->publication, probe_interval_ns(entry->probe));
		return 0;
	}
	publication_close(&entry->publication);
	return err_prefix(err, "%s: %s", subject.target, subject.probe);
}

int roster_open(struct roster *roster, const struct target *target, const struct probe_spec *spec, struct err *err)
{
	struct entry *entry = slabs_take(engine_slabs(roster->engine), sizeof(*entry));

	entry->target = target;
	if (entry_open(roster, entry, spec, err) == -1) {
		slabs_give(engine_slabs(roster->engine), entry, sizeof(*entry));
		return -1;
	}
	if (roster->n >= roster->nbuckets)
		grow(roster);
	push(bucket_of(roster, target_name(target)), entry);
	roster->n++;
	join(roster, entry, spec);
	return 0;
}

bool roster_close(struct roster *roster, const char *target, const char *probe)
{
	struct entry **link = find(roster, target, probe), *entry = *link;

	if (!entry)
		return false;
	*link = entry->next;
	part(roster, entry);
	entry_close(roster, entry);
	roster->n--;
	return true;
}

bool roster_relabel(struct roster *roster, const struct target *target, const char *probe)
{
	struct entry *entry = *find(roster, target_name(target), probe);

	if (!entry)
		return false;
	entry->target = target;
	publication_relabel(&entry->publication, target_name(target), target->labels, target->nlabels);
	probe_set_subject(entry->probe, &entry->publication.subject, target_address(target));
	return true;
}

size_t roster_list(const struct roster *roster, const char *target, const char *probe,
		   void (*each)(void *arg, const struct publication *publication), void *arg)
{
	size_t n = 0;

	for (const struct entry *entry = *bucket_of(roster, target); entry; entry = entry->next) {
		if (strcmp(target_name(entry->target), target) != 0 ||
		    (probe && strcmp(entry->publication.subject.probe, probe) != 0))
			continue;
		each(arg, &entry->publication);
		n++;
	}
	return n;
}

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	for (size_t i = 0; i < roster->nbuckets; i++) {
		while (roster->buckets[i]) {
			struct entry *entry = roster->buckets[i];

			roster->buckets[i] = entry->next;
			part(roster, entry);
			entry_close(roster, entry);
		}
	}
	mem_free(roster->buckets);
	mem_free(roster);
}
