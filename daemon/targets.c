#include "daemon/targets.h"

#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"

#define SOURCE_CONFIG "config"

/* --- sets -------------------------------------------------------------------------------------------------------- */

static struct names_key identity_of(const struct target *target, const char *probe)
{
	return (struct names_key){{target_name(target), probe, NULL}};
}

static void make_room(struct desired_set *set)
{
	if (!set->memo)
		set->memo = mem_zero(1, sizeof(*set->memo));
	if (set->n < set->room)
		return;
	set->room = set->room ? set->room * 2 : 64;
	set->items = mem_resize(set->items, set->room, sizeof(*set->items));
}

int desired_set_add(struct desired_set *set, const char *source, struct target *target, const struct probe_spec *probe,
		    const struct desired **other)
{
	size_t there = names_add(&set->identities, identity_of(target, probe->name), set->n);

	if (there != NAMES_NONE) {
		if (other)
			*other = &set->items[there];
		return -1;
	}
	make_room(set);
	set->items[set->n++] = (struct desired){
		.source = source,
		.target = target_hold(target),
		.spec = spec_table_hold(set->specs, probe, set->memo),
	};
	return 0;
}

struct probe_spec desired_spec(const struct config *config, const struct config_assignment *assignment)
{
	const struct probe_type *type = assignment->probe->type;

	return (struct probe_spec){
		.name = assignment->probe->name,
		.type = type,
		.settings = assignment->settings,
		.catalogue = type->uses_catalogue ? config->catalogue : NULL,
	};
}

void desired_set_add_config(struct desired_set *set, const struct config *config)
{
	for (size_t i = 0; i < config->ntargets; i++) {
		const struct config_target *target = &config->targets[i];

		for (size_t k = 0; k < target->nassignments && !target->is_parked; k++) {
			const struct config_assignment *assignment = &target->assignments[k];
			const struct probe_spec probe = desired_spec(config, assignment);

			/* Names are unique in a configuration; only another source may have been there first. */
			desired_set_add(set, SOURCE_CONFIG, target->target, &probe, NULL);
		}
	}
}

void desired_set_close(struct desired_set *set)
{
	names_free(&set->identities);
	mem_free(set->memo);
	set->memo = NULL;
}

size_t desired_set_count_targets(const struct desired_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (i == 0 || set->items[i].target != set->items[i - 1].target)
			n++;
	}
	return n;
}

void desired_set_free(struct desired_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		target_release(set->items[i].target);
		spec_table_release(set->specs, set->items[i].spec);
	}
	mem_free(set->items);
	mem_free(set->memo);
	names_free(&set->identities);
	*set = (struct desired_set){.specs = set->specs};
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

static enum target_change change_between(const struct desired *before, const struct desired *after)
{
	const struct target *old = before->target, *new = after->target;

	if (before->spec != after->spec || strcmp(target_address(old), target_address(new)) != 0 ||
	    !target_has_same_objectives(old, new))
		return TARGET_RESTARTED;
	if (old == new || label_sets_are_equal(old->labels, old->nlabels, new->labels, new->nlabels))
		return TARGET_UNCHANGED;
	return TARGET_RELABELLED;
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
		size_t k = names_find(&after->identities, identity_of(old->target, old->spec->name));

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

void target_plan_share(const struct target_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct target_step *step = &plan->steps[i];
		struct desired *after = (struct desired *)(uintptr_t)step->after;

		if (step->change != TARGET_UNCHANGED)
			continue;
		target_hold(step->before->target);
		target_release(after->target);
		after->target = step->before->target;
	}
}

void target_plan_free(struct target_plan *plan)
{
	mem_free(plan->steps);
	*plan = (struct target_plan){0};
}
