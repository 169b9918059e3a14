#include "daemon/generation.h"

#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/target_files.h"

/* Everything that is to be measured. This is the one place where sources of targets come together: a source beside the
 * configuration adds its own here, after the configuration, whose targets win. */
static void want(struct generation *generation, struct target_files *files)
{
	desired_set_add_config(&generation->wanted, generation->config);
	if (!files)
		return;
	target_files_add(files, &generation->wanted);
	generation->contents = target_files_hold(files, &generation->ncontents);
}

struct generation *generation_create(struct config *config, struct target_files *files, struct spec_table *specs)
{
	struct generation *generation = mem_zero(1, sizeof(*generation));

	generation->config = config;
	generation->wanted.specs = specs;
	want(generation, files);
	generation->ntargets = desired_set_count_targets(&generation->wanted);
	return generation;
}

/* The set begins with the targets of the configuration, which need not be kept twice. */
static void share_targets(struct generation *generation)
{
	struct config *config = generation->config;
	const struct desired *item = generation->wanted.items;

	for (size_t i = 0; i < config->ntargets; i++) {
		struct config_target *target = &config->targets[i];

		if (target->nassignments == 0 || target->is_parked)
			continue;
		/* Others may be looking, where nothing is to be changed. */
		if (target->target != item->target) {
			target_release(target->target);
			target->target = target_hold(item->target);
		}
		item += target->nassignments;
	}
}

void generation_plan(struct generation *generation, const struct generation *before, struct target_plan *plan)
{
	target_plan_make(plan, &before->wanted, &generation->wanted);
	target_plan_share(plan);
	share_targets(generation);
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	desired_set_free(&generation->wanted);
	for (size_t i = 0; i < generation->ncontents; i++)
		target_content_release(generation->contents[i]);
	mem_free(generation->contents);
	config_free(generation->config);
	mem_free(generation);
}
