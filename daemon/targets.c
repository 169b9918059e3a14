#include "daemon/targets.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"
#include "core/option_compare.h"
#include "daemon/config.h"
#include "daemon/spec.h"

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

void desired_set_hold_specs(struct desired_set *set, struct spec_table *specs)
{
	struct spec_memo memo = {0};

	for (size_t i = 0; i < set->n; i++) {
		struct desired *item = &set->items[i];
		const struct probe_spec wanted = {item->probe, item->type, item->settings};

		item->spec = spec_table_hold(specs, &wanted, &memo);
		item->settings = item->spec->settings;
	}
}

void desired_set_release_specs(struct desired_set *set, struct spec_table *specs)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->items[i].spec)
			spec_table_release(specs, set->items[i].spec);
		set->items[i].spec = NULL;
	}
}

void desired_set_close(struct desired_set *set)
{
	names_free(&set->identities);
}

size_t desired_set_count_targets(const struct desired_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (i == 0 || strcmp(set->items[i].target, set->items[i - 1].target) != 0)
			n++;
	}
	return n;
}

void desired_set_free(struct desired_set *set)
{
	mem_free(set->items);
	names_free(&set->identities);
	*set = (struct desired_set){0};
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

static enum target_change change_between(const struct desired *before, const struct desired *after)
{
	if (before->type != after->type || strcmp(before->address, after->address) != 0 ||
	    !option_settings_are_equal(after->type->options, after->type->noptions, before->settings, after->settings))
		return TARGET_RESTARTED;
	return label_sets_are_equal(before->labels, before->nlabels, after->labels, after->nlabels) ? TARGET_UNCHANGED
												    : TARGET_RELABELLED;
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

static void add_step(struct target_plan *plan, enum target_change change, const struct desired *before,
		     const struct desired *after)
{
	plan->steps[plan->n++] = (struct target_step){.change = change, .before = before, .after = after};
	plan->counts[change]++;
}

/* For each item of the new set the one of the same identity in the set in force, or NULL. What could not be opened is
 * as if it were not there: it is tried anew. Items without a counterpart are removed. */
static const struct desired **match(struct target_plan *plan, const struct desired_set *before,
				    const struct desired_set *after)
{
	const struct desired **matches = mem_zero(after->n, sizeof(*matches));

	for (size_t i = 0; i < before->n; i++) {
		const struct desired *old = &before->items[i];
		size_t k = names_find(&after->identities, identity_of(old));

		if (old->is_unopened)
			continue;
		if (k != NAMES_NONE && strcmp(after->items[k].source, old->source) == 0)
			matches[k] = old;
		else
			add_step(plan, TARGET_REMOVED, old, NULL);
	}
	return matches;
}

void target_plan_make(struct target_plan *plan, const struct desired_set *before, const struct desired_set *after)
{
	const struct desired **matches;

	*plan = (struct target_plan){.steps = mem_zero(before->n + after->n, sizeof(*plan->steps))};
	matches = match(plan, before, after);
	for (size_t i = 0; i < after->n; i++) {
		const struct desired *old = matches[i], *new = &after->items[i];

		add_step(plan, old ? change_between(old, new) : TARGET_ADDED, old, new);
	}
	mem_free(matches);
}

void target_plan_free(struct target_plan *plan)
{
	mem_free(plan->steps);
	*plan = (struct target_plan){0};
}
