#include "exporter/shape.h"

#include <pthread.h>
#include <string.h>

#include "core/mem.h"

struct catalogue {
	pthread_mutex_t lock;
	struct known_set *sets;
};

struct catalogue *catalogue_create(void)
{
	struct catalogue *catalogue = mem_zero(1, sizeof(*catalogue));
	pthread_mutex_init(&catalogue->lock, NULL);
	return catalogue;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	pthread_mutex_destroy(&catalogue->lock);
	mem_free(catalogue);
}

/* --- sets; with the lock held ------------------------------------------------------------------------------------ */

/* The same pointer may be another set by now, when an old one lives on only in rows that wait to be freed. */
static bool is_same_set(const struct known_set *known, const struct measure_set *set)
{
	if (known->origin != set || known->n != set->n || strcmp(known->name, set->name) != 0)
		return false;
	for (size_t i = 0; i < set->n; i++) {
		if (known->measures[i].kind != set->measures[i].kind ||
		    strcmp(known->measures[i].name, set->measures[i].name) != 0)
			return false;
	}
	return true;
}

static struct known_set *set_create(const struct measure_set *set)
{
	struct known_set *known = mem_zero(1, sizeof(*known) + set->n * sizeof(known->measures[0]));
	known->origin = set;
	known->name = mem_copy_string(set->name);
	known->n = set->n;
	for (size_t i = 0; i < set->n; i++) {
		known->measures[i].name = mem_copy_string(set->measures[i].name);
		known->measures[i].help = mem_copy_string(set->measures[i].help ? set->measures[i].help : "");
		known->measures[i].kind = set->measures[i].kind;
	}
	return known;
}

static void set_free(struct known_set *known)
{
	for (size_t i = 0; i < known->n; i++) {
		mem_free(known->measures[i].name);
		mem_free(known->measures[i].help);
	}
	mem_free(known->name);
	mem_free(known);
}

static struct known_set *hold_set(struct catalogue *catalogue, const struct measure_set *set)
{
	struct known_set *known = catalogue->sets;
	while (known && !is_same_set(known, set))
		known = known->next;
	if (!known) {
		known = set_create(set);
		known->next = catalogue->sets;
		catalogue->sets = known;
	}
	known->references++;
	return known;
}

static void drop_set(struct catalogue *catalogue, struct known_set *known)
{
	if (--known->references > 0)
		return;
	struct known_set **link = &catalogue->sets;
	while (*link != known)
		link = &(*link)->next;
	*link = known->next;
	set_free(known);
}

struct known_set *catalogue_hold_set(struct catalogue *catalogue, const struct measure_set *set)
{
	pthread_mutex_lock(&catalogue->lock);
	struct known_set *known = hold_set(catalogue, set);
	pthread_mutex_unlock(&catalogue->lock);
	return known;
}

void catalogue_drop_set(struct catalogue *catalogue, struct known_set *set)
{
	pthread_mutex_lock(&catalogue->lock);
	drop_set(catalogue, set);
	pthread_mutex_unlock(&catalogue->lock);
}

struct known_set **catalogue_hold_all(struct catalogue *catalogue, size_t *n)
{
	pthread_mutex_lock(&catalogue->lock);
	size_t count = 0;
	for (struct known_set *known = catalogue->sets; known; known = known->next)
		count++;
	struct known_set **sets = mem_zero(count, sizeof(*sets));
	*n = count;
	count = 0;
	for (struct known_set *known = catalogue->sets; known; known = known->next) {
		known->references++;
		sets[count++] = known;
	}
	pthread_mutex_unlock(&catalogue->lock);
	return sets;
}

/* --- shapes; with the lock held ---------------------------------------------------------------------------------- */

static bool has_measure(const uint64_t *measures, size_t i)
{
	return measures[i / 64] >> (i % 64) & 1;
}

static bool is_wanted(const struct known_set *set, const uint64_t *measures, size_t i)
{
	return has_measure(measures, i) && set->measures[i].kind != MEASURE_TEXT;
}

/* FNV-1a over the bitmap: shapes come from our own tables, not from strangers. */
static uint64_t hash_measures(const uint64_t *measures, size_t n)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < SHAPE_BITMAP_WORDS(n); i++)
		hash = (hash ^ measures[i]) * UINT64_C(1099511628211);
	return hash;
}

static bool is_same_shape(const struct shape *shape, const uint64_t *measures, uint64_t hash)
{
	if (shape->hash != hash)
		return false;
	for (size_t i = 0; i < shape->set->n; i++) {
		if ((shape->where[i] != SHAPE_NONE) != is_wanted(shape->set, measures, i))
			return false;
	}
	return true;
}

static struct shape *shape_create(struct known_set *set, const uint64_t *measures, uint64_t hash)
{
	size_t ncolumns = 0;
	for (size_t i = 0; i < set->n; i++)
		ncolumns += is_wanted(set, measures, i);
	struct shape *shape = mem_zero(1, sizeof(*shape) + ncolumns * sizeof(shape->columns[0]));
	shape->set = set;
	shape->hash = hash;
	shape->where = mem_zero(set->n, sizeof(shape->where[0]));
	for (size_t i = 0; i < set->n; i++) {
		shape->where[i] = SHAPE_NONE;
		if (!is_wanted(set, measures, i))
			continue;
		bool is_histogram = set->measures[i].kind == MEASURE_HISTOGRAM;
		shape->where[i] = shape->words;
		shape->columns[shape->ncolumns++] =
			(struct column){(uint16_t)i, (uint8_t)set->measures[i].kind, shape->words};
		shape->words += is_histogram ? SHAPE_HISTOGRAM_WORDS : 1;
		shape->series += is_histogram ? SHAPE_HISTOGRAM_SERIES : 1;
	}
	return shape;
}

/* Takes over the caller's reference to the set. */
static struct shape *hold_shape(struct catalogue *catalogue, struct known_set *set, const uint64_t *measures)
{
	uint64_t hash = hash_measures(measures, set->n);
	struct shape *shape = set->shapes;
	while (shape && !is_same_shape(shape, measures, hash))
		shape = shape->next;
	if (shape) {
		drop_set(catalogue, set);
	} else {
		shape = shape_create(set, measures, hash);
		shape->next = set->shapes;
		set->shapes = shape;
	}
	shape->references++;
	return shape;
}

const struct shape *catalogue_hold_shape(struct catalogue *catalogue, const struct measure_set *set,
					 const uint64_t *measures)
{
	pthread_mutex_lock(&catalogue->lock);
	struct shape *shape = hold_shape(catalogue, hold_set(catalogue, set), measures);
	pthread_mutex_unlock(&catalogue->lock);
	return shape;
}

/* The entry of a shape that is held; found again because holders see it as const. */
static struct shape **find_shape(const struct shape *shape)
{
	struct shape **link = &shape->set->shapes;
	while (*link != shape)
		link = &(*link)->next;
	return link;
}

void catalogue_hold_again(struct catalogue *catalogue, const struct shape *shape)
{
	pthread_mutex_lock(&catalogue->lock);
	(*find_shape(shape))->references++;
	pthread_mutex_unlock(&catalogue->lock);
}

void catalogue_drop_shape(struct catalogue *catalogue, const struct shape *shape)
{
	pthread_mutex_lock(&catalogue->lock);
	struct shape **link = find_shape(shape), *found = *link;
	if (--found->references == 0) {
		*link = found->next;
		drop_set(catalogue, found->set);
		mem_free(found->where);
		mem_free(found);
	}
	pthread_mutex_unlock(&catalogue->lock);
}
