#include "daemon/targets.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"
#include "core/option.h"
#include "daemon/config.h"

#define SOURCE_CONFIG "config"

/* --- sets -------------------------------------------------------------------------------------------------------- */

static struct names_key identity_of(const struct desired *desired)
{
	return (struct names_key){{desired->target, desired->probe, NULL}};
}

int desired_set_add(struct desired_set *set, const struct desired *desired, const struct desired **other)
{
	size_t there = names_add(&set->identities, identity_of(desired), set->n);

	if (there != NAMES_NONE) {
		if (other)
			*other = &set->items[there];
		return -1;
	}
	if (set->n == set->room) {
		set->room = set->room ? set->room * 2 : 64;
		set->items = mem_resize(set->items, set->room, sizeof(*set->items));
	}
	set->items[set->n++] = *desired;
	return 0;
}

void desired_set_add_config(struct desired_set *set, const struct config *config)
{
	for (size_t i = 0; i < config->ntargets; i++) {
		const struct config_target *target = &config->targets[i];

		for (size_t k = 0; k < target->nassignments; k++) {
			const struct config_assignment *assignment = &target->assignments[k];

			/* Names are unique in a configuration; only another source may have been there first. */
			desired_set_add(set,
					&(struct desired){.source = SOURCE_CONFIG,
							  .target = target->name,
							  .probe = assignment->probe->name,
							  .address = target->address,
							  .type = assignment->probe->type,
							  .settings = assignment->settings,
							  .labels = target->labels.items,
							  .nlabels = target->labels.n},
					NULL);
		}
	}
}

void desired_set_free(struct desired_set *set)
{
	mem_free(set->items);
	names_free(&set->identities);
	*set = (struct desired_set){0};
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

static bool texts_are_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool lists_are_equal(const struct option_list *a, const struct option_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

/* a and b: where the option's value is. */
static bool values_are_equal(const struct option *option, const void *a, const void *b)
{
	switch (option->kind) {
	case OPTION_SECONDS:
	case OPTION_INTEGER:
	case OPTION_SIZE:
		return *(const int64_t *)a == *(const int64_t *)b;
	case OPTION_NUMBER:
		/* By their bytes: equal is what was written the same way. */
		return memcmp(a, b, sizeof(double)) == 0;
	case OPTION_BOOLEAN:
		return *(const bool *)a == *(const bool *)b;
	case OPTION_CHOICE:
		return *(const int *)a == *(const int *)b;
	case OPTION_TEXT:
	case OPTION_SECRET:
		return texts_are_equal(*(char *const *)a, *(char *const *)b);
	case OPTION_LIST:
		return lists_are_equal(a, b);
	}
	return false;
}

static bool settings_are_equal(const struct probe_type *type, const void *a, const void *b)
{
	for (size_t i = 0; i < type->noptions; i++) {
		const struct option *option = &type->options[i];

		if (!values_are_equal(option, (const char *)a + option->offset, (const char *)b + option->offset))
			return false;
	}
	return true;
}

static bool has_label(const struct desired *desired, const struct label *label)
{
	for (size_t i = 0; i < desired->nlabels; i++) {
		if (strcmp(desired->labels[i].name, label->name) == 0)
			return strcmp(desired->labels[i].value, label->value) == 0;
	}
	return false;
}

/* In any order: it makes the same series. Names are unique. */
static bool labels_are_equal(const struct desired *a, const struct desired *b)
{
	if (a->nlabels != b->nlabels)
		return false;
	for (size_t i = 0; i < a->nlabels; i++) {
		if (!has_label(b, &a->labels[i]))
			return false;
	}
	return true;
}

static enum target_change change_between(const struct desired *before, const struct desired *after)
{
	if (before->type != after->type || strcmp(before->address, after->address) != 0 ||
	    !settings_are_equal(after->type, before->settings, after->settings))
		return TARGET_RESTARTED;
	return labels_are_equal(before, after) ? TARGET_UNCHANGED : TARGET_RELABELLED;
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

/* The same identity in the other set, or NULL. */
static const struct desired *counterpart(const struct desired_set *set, const struct desired *desired)
{
	size_t i = names_find(&set->identities, identity_of(desired));

	return i != NAMES_NONE && strcmp(set->items[i].source, desired->source) == 0 ? &set->items[i] : NULL;
}

static void add_step(struct target_plan *plan, enum target_change change, const struct desired *before,
		     const struct desired *after)
{
	plan->steps[plan->n++] = (struct target_step){.change = change, .before = before, .after = after};
	plan->counts[change]++;
}

void target_plan_make(struct target_plan *plan, const struct desired_set *before, const struct desired_set *after)
{
	*plan = (struct target_plan){.steps = mem_zero(before->n + after->n, sizeof(*plan->steps))};
	for (size_t i = 0; i < before->n; i++) {
		if (!counterpart(after, &before->items[i]))
			add_step(plan, TARGET_REMOVED, &before->items[i], NULL);
	}
	for (size_t i = 0; i < after->n; i++) {
		const struct desired *old = counterpart(before, &after->items[i]);

		add_step(plan, old ? change_between(old, &after->items[i]) : TARGET_ADDED, old, &after->items[i]);
	}
}

void target_plan_free(struct target_plan *plan)
{
	mem_free(plan->steps);
	*plan = (struct target_plan){0};
}
