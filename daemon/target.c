#include "daemon/target.h"

#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"

static size_t strings_size(const char *name, const char *address, const struct label *labels, size_t n)
{
	size_t size = strlen(name) + strlen(address) + 2;

	for (size_t i = 0; i < n; i++)
		size += strlen(labels[i].name) + strlen(labels[i].value) + 2;
	return size;
}

struct target *target_create(const char *name, const char *address, const struct label *labels, size_t n)
{
	size_t size = sizeof(struct target) + n * sizeof(*labels);
	struct target *target = mem_alloc(size + strings_size(name, address, labels, n));
	char *string = (char *)target + size;

	*target = (struct target){
		.holders = 1, .nlabels = (uint32_t)n, .name = (uint32_t)size, .address = (uint32_t)size};
	string = stpcpy(string, name) + 1;
	/* Many are called by their address. */
	if (strcmp(name, address) != 0) {
		target->address = (uint32_t)(string - (char *)target);
		string = stpcpy(string, address) + 1;
	}
	for (size_t i = 0; i < n; i++) {
		target->labels[i].name = string;
		string = stpcpy(string, labels[i].name) + 1;
		target->labels[i].value = string;
		string = stpcpy(string, labels[i].value) + 1;
	}
	return target;
}

void target_set_objectives(struct target *target, const struct config_objectives *objectives)
{
	mem_free(target->objectives);
	target->objectives = mem_copy(objectives, sizeof(*objectives));
}

bool target_has_same_objectives(const struct target *left, const struct target *right)
{
	const struct config_objectives *a = left->objectives, *b = right->objectives;

	if (!a || !b)
		return a == b;
	return a->loss_ratio == b->loss_ratio && a->jitter_ns == b->jitter_ns && a->delay_ns == b->delay_ns &&
	       a->score == b->score;
}

struct target *target_hold(struct target *target)
{
	target->holders++;
	return target;
}

void target_release(struct target *target)
{
	if (!target || --target->holders > 0)
		return;
	mem_free(target->objectives);
	mem_free(target);
}
