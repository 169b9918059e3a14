/* Arbitrary bytes as a file of targets: refused with a reason, or targets that could be measured. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/file_sd.h"
#include "daemon/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_reserved(const void *context, const char *name)
{
	(void)context;
	return strcmp(name, "job") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct label more = {"site", "fra"};
	static const struct file_sd_rules rules = {is_reserved, NULL, &more, 1};
	struct file_targets targets;
	struct err err = {0};

	if (file_sd_parse(&targets, (const char *)data, size, &rules, &err) == -1) {
		if (err.text[0] == '\0' || targets.n > 0)
			abort();
		return 0;
	}
	for (size_t i = 0; i < targets.n; i++) {
		const struct target *target = targets.items[i];

		if (target_name(target)[0] == '\0' || target_address(target)[0] == '\0' || target->nlabels == 0)
			abort();
		for (size_t k = 0; k < target->nlabels; k++)
			if (is_reserved(NULL, target->labels[k].name) || strncmp(target->labels[k].name, "__", 2) == 0)
				abort();
	}
	file_targets_free(&targets);
	return 0;
}
