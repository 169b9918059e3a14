#include "exporter/dialect_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define NO_SET UINT32_MAX

/* What the dialect has to do with a set in use. */
struct role {
	const struct known_set *known;
	bool is_of_device;
	uint32_t set;   /* NO_SET: no metric comes from it */
	uint32_t joins; /* bit i: it is that of join i */
};

struct candidate {
	const struct block *block;
	struct label_text target, probe;
	size_t order;
};

struct building {
	struct dialect_index *index;
	const struct dialect_index_plan *plan;
	struct role *roles; /* by address of the set */
	struct candidate *candidates;
	size_t ncandidates, candidates_size, pieces_size, joined_size;
};

struct label_text dialect_value_of(struct label_text labels, const char *name)
{
	struct label_text found, value;
	size_t length = strlen(name);
	while (labels_next(&labels, &found, &value)) {
		if (found.length == length && memcmp(found.bytes, name, length) == 0)
			return value;
	}
	return (struct label_text){0};
}

static bool is_joined_name(struct label_text found, const char *set, const char *name)
{
	size_t length = strlen(set);
	return found.length == length + 1 + strlen(name) && memcmp(found.bytes, set, length) == 0 &&
	       found.bytes[length] == '_' && memcmp(found.bytes + length + 1, name, found.length - length - 1) == 0;
}

struct label_text dialect_row_value(const struct dialect *dialect, const struct block *block, size_t row,
				    const char *name)
{
	const char *set = block->rows[row].shape->set->name;
	size_t prefix = strlen(dialect->prefix);
	struct label_text labels = block_row_labels(block, row), found, value = dialect_value_of(labels, name);
	if (value.length > 0 || strncmp(set, dialect->prefix, prefix) != 0 || set[prefix] != '_')
		return value;
	while (labels_next(&labels, &found, &value)) {
		if (is_joined_name(found, set + prefix + 1, name))
			return value;
	}
	return (struct label_text){0};
}

static int compare_texts(struct label_text a, struct label_text b)
{
	size_t length = a.length < b.length ? a.length : b.length;
	int order = length > 0 ? memcmp(a.bytes, b.bytes, length) : 0;
	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* Room for one more; doubled when it is full. */
static void *grow(void *array, size_t n, size_t *size, size_t element)
{
	if (n < *size)
		return array;
	*size = *size > 0 ? *size * 2 : 64;
	return mem_resize(array, *size, element);
}

/* --- sets -------------------------------------------------------------------------------------------------------- */

static int compare_roles(const void *a, const void *b)
{
	uintptr_t one = (uintptr_t)((const struct role *)a)->known, other = (uintptr_t)((const struct role *)b)->known;
	return (one > other) - (one < other);
}

static struct role role_of(const struct dialect *dialect, const struct known_set *known)
{
	struct role role = {.known = known, .set = NO_SET};
	size_t length = strlen(dialect->prefix);
	role.is_of_device = strncmp(known->name, dialect->prefix, length) == 0 &&
			    (known->name[length] == '\0' || known->name[length] == '_');
	for (size_t i = 0; i < dialect->nsets; i++) {
		if (strcmp(dialect->sets[i], known->name) == 0)
			role.set = (uint32_t)i;
	}
	for (size_t i = 0; i < dialect->njoins; i++) {
		if (strcmp(dialect->joins[i].set, known->name) == 0)
			role.joins |= 1U << i;
	}
	return role;
}

static void list_roles(struct building *building)
{
	const struct dialect_index_plan *plan = building->plan;
	building->roles = mem_zero(plan->nsets, sizeof(*building->roles));
	for (size_t i = 0; i < plan->nsets; i++)
		building->roles[i] = role_of(plan->dialect, plan->sets[i]);
	if (plan->nsets > 0)
		qsort(building->roles, plan->nsets, sizeof(*building->roles), compare_roles);
}

/* NULL: a set that came after the page was begun. */
static const struct role *find_role(const struct building *building, const struct known_set *known)
{
	const struct role key = {.known = known};
	return building->plan->nsets > 0
		       ? bsearch(&key, building->roles, building->plan->nsets, sizeof(key), compare_roles)
		       : NULL;
}

static const struct known_set *set_of(const struct block *block, size_t row)
{
	return block->rows[row].shape->set;
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static bool is_of_device(const struct building *building, const struct block *block)
{
	const struct known_set *last = NULL;
	for (size_t i = 0; i < block->nrows; i++) {
		if (set_of(block, i) == last)
			continue;
		last = set_of(block, i);
		const struct role *role = find_role(building, last);
		if (role && role->is_of_device)
			return true;
	}
	return false;
}

static void add_candidate(struct building *building, const struct block *block)
{
	size_t n = building->ncandidates;
	struct label_text labels = block_labels(block);
	building->candidates = grow(building->candidates, n, &building->candidates_size, sizeof(*building->candidates));
	building->candidates[n] =
		(struct candidate){block, dialect_value_of(labels, "target"), dialect_value_of(labels, "probe"), n};
	building->ncandidates++;
}

static void find_candidates(struct building *building)
{
	const struct dialect_index_plan *plan = building->plan;
	struct store_cursor cursor = {.store = plan->store, .ticket = plan->ticket};
	const struct block *block;
	while ((block = store_next(&cursor)) != NULL) {
		if (plan->shards > 1 && block->hash % plan->shards != plan->shard)
			continue;
		if (is_of_device(building, block))
			add_candidate(building, block);
	}
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;
	int order = compare_texts(one->target, other->target);
	if (order == 0)
		order = compare_texts(one->probe, other->probe);
	return order != 0 ? order : (one->order > other->order) - (one->order < other->order);
}

/* --- pieces and joins -------------------------------------------------------------------------------------------- */

static void add_piece(struct building *building, const struct block *block, size_t row, uint32_t set)
{
	struct dialect_index *index = building->index;
	index->pieces = grow(index->pieces, index->npieces, &building->pieces_size, sizeof(*index->pieces));
	index->pieces[index->npieces++] =
		(struct dialect_piece){block, (uint32_t)row, 0, (uint32_t)(index->ndevices - 1), set};
}

static void add_joined(struct building *building, const struct block *block, size_t row, uint32_t joins)
{
	struct dialect_index *index = building->index;
	for (uint32_t i = 0; i < index->dialect->njoins; i++) {
		struct label_text value = {0};
		if (!(joins & 1U << i))
			continue;
		if (index->dialect->joins[i].here)
			value = dialect_row_value(index->dialect, block, row, index->dialect->joins[i].there);
		index->joined = grow(index->joined, index->njoined, &building->joined_size, sizeof(*index->joined));
		index->joined[index->njoined++] = (struct dialect_joined){
			hash_bytes(index->key, value.bytes, value.length), block, (uint32_t)row, i};
	}
}

static void add_block(struct building *building, const struct block *block)
{
	const struct known_set *last = NULL;
	const struct role *role = NULL;
	for (size_t i = 0; i < block->nrows; i++) {
		bool is_new = set_of(block, i) != last;
		if (is_new) {
			last = set_of(block, i);
			role = find_role(building, last);
		}
		if (role && role->set != NO_SET) {
			if (is_new)
				add_piece(building, block, i, role->set);
			building->index->pieces[building->index->npieces - 1].n++;
		}
		if (role && role->joins)
			add_joined(building, block, i, role->joins);
	}
}

static int compare_joined(const void *a, const void *b)
{
	const struct dialect_joined *one = a, *other = b;
	if (one->join != other->join)
		return one->join > other->join ? 1 : -1;
	return (one->hash > other->hash) - (one->hash < other->hash);
}

/* Of rows with the same value the first comes first, on each page. */
static int compare_entries(const void *a, const void *b)
{
	const struct dialect_joined *one = a, *other = b;
	int order = compare_joined(a, b);
	return order != 0 ? order : (one->row > other->row) - (one->row < other->row);
}

static void end_device(struct dialect_index *index)
{
	struct dialect_device *device = &index->devices[index->ndevices - 1];
	device->end_joined = index->njoined;
	if (device->end_joined > device->first_joined)
		qsort(index->joined + device->first_joined, device->end_joined - device->first_joined,
		      sizeof(*index->joined), compare_entries);
}

/* Blocks of one target stand together, those of its first probe first. */
static void add_devices(struct building *building)
{
	struct dialect_index *index = building->index;
	const struct candidate *first = NULL;
	index->devices = mem_zero(building->ncandidates, sizeof(*index->devices));
	for (size_t i = 0; i < building->ncandidates; i++) {
		const struct candidate *candidate = &building->candidates[i];
		if (!first || compare_texts(candidate->target, first->target) != 0) {
			if (first)
				end_device(index);
			first = candidate;
			index->devices[index->ndevices++] =
				(struct dialect_device){.block = candidate->block, .first_joined = index->njoined};
		}
		if (compare_texts(candidate->probe, first->probe) == 0)
			add_block(building, candidate->block);
	}
	if (first)
		end_device(index);
}

/* Each set's pieces are in the order of devices already: they are counted out. */
static void sort_pieces(struct dialect_index *index)
{
	size_t next[DIALECT_SETS_MAX + 1] = {0};
	struct dialect_piece *sorted = mem_alloc(index->npieces * sizeof(*sorted));
	for (size_t i = 0; i < index->npieces; i++)
		index->sets[index->pieces[i].set + 1]++;
	for (size_t i = 0; i < DIALECT_SETS_MAX; i++) {
		index->sets[i + 1] += index->sets[i];
		next[i + 1] = index->sets[i + 1];
	}
	for (size_t i = 0; i < index->npieces; i++)
		sorted[next[index->pieces[i].set]++] = index->pieces[i];
	mem_free(index->pieces);
	index->pieces = sorted;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

void dialect_index_build(struct dialect_index *index, const struct dialect_index_plan *plan)
{
	struct building building = {.index = index, .plan = plan};
	*index = (struct dialect_index){.dialect = plan->dialect, .key = plan->store->key};
	list_roles(&building);
	find_candidates(&building);
	if (building.ncandidates > 0)
		qsort(building.candidates, building.ncandidates, sizeof(*building.candidates), compare_candidates);
	add_devices(&building);
	sort_pieces(index);
	mem_free(building.candidates);
	mem_free(building.roles);
}

void dialect_index_clear(struct dialect_index *index)
{
	mem_free(index->devices);
	mem_free(index->pieces);
	mem_free(index->joined);
	*index = (struct dialect_index){0};
}

/* The first entry of the device that is not before this one. */
static size_t lower_bound(const struct dialect_index *index, const struct dialect_device *device,
			  const struct dialect_joined *wanted)
{
	size_t low = device->first_joined, high = device->end_joined;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_joined(&index->joined[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct block *dialect_index_find(const struct dialect_index *index, size_t device, size_t join,
				       struct label_text value, size_t *row)
{
	const struct dialect_join *by = &index->dialect->joins[join];
	const struct dialect_joined wanted = {.hash = hash_bytes(index->key, value.bytes, value.length),
					      .join = (uint32_t)join};
	for (size_t i = lower_bound(index, &index->devices[device], &wanted); i < index->devices[device].end_joined;
	     i++) {
		const struct dialect_joined *joined = &index->joined[i];
		if (compare_joined(joined, &wanted) != 0)
			break;
		if (by->here &&
		    compare_texts(dialect_row_value(index->dialect, joined->block, joined->row, by->there), value) != 0)
			continue;
		*row = joined->row;
		return joined->block;
	}
	return NULL;
}
