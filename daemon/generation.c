#include "daemon/generation.h"

#include "core/mem.h"
#include "daemon/config.h"

/* Everything that is to be measured. This is the one place where sources of targets come together: a source beside the
 * configuration adds its own here, after the configuration, whose targets win. */
static void want(struct generation *generation)
{
	desired_set_add_config(&generation->wanted, generation->config);
}

struct generation *generation_create(struct config *config, struct spec_table *specs)
{
	struct generation *generation = mem_zero(1, sizeof(*generation));

	generation->config = config;
	generation->specs = specs;
	want(generation);
	generation->ntargets = desired_set_count_targets(&generation->wanted);
	desired_set_hold_specs(&generation->wanted, specs);
	return generation;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	desired_set_release_specs(&generation->wanted, generation->specs);
	desired_set_free(&generation->wanted);
	config_free(generation->config);
	mem_free(generation);
}
