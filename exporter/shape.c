#include "exporter/shape.h"

#include <pthread.h>
#include <string.h>

#include "core/mem.h"

struct shapes {
	pthread_mutex_t lock;
	struct known_set *sets;
};

struct shapes *shapes_create(void)
{
	struct shapes *shapes = mem_zero(1, sizeof(*shapes));
	pthread_mutex_init(&shapes->lock, NULL);
	return shapes;
}

void shapes_free(struct shapes *shapes)
{
	if (!shapes)
		return;
	pthread_mutex_destroy(&shapes->lock);
	mem_free(shapes);
}

/* --- room --------------------------------------------------------------------------------------------------------- */

/* Buckets are made room for in so large steps. */
#define ROOM_BUCKETS_STEP 4

static struct room room_of_buckets(unsigned first, unsigned last)
{
	return (struct room){(uint8_t)(ROOM_SUM_CELLS + last - first + 1), (uint8_t)first};
}

static struct room room_observed(const struct reading *reading)
{
	unsigned first = SERIES_BUCKETS, last = 0;
	for (unsigned i = 0; i < reading->count; i++) {
		unsigned bucket = series_bucket(reading->value.observed_ns[i]);
		first = bucket < first ? bucket : first;
		last = bucket > last ? bucket : last;
	}
	return first <= last ? room_of_buckets(first, last) : (struct room){ROOM_SUM_CELLS, 0};
}

struct room room_needed(enum measure_kind kind, const struct reading *reading)
{
	int64_t integer;
	switch (kind) {
	case MEASURE_HISTOGRAM:
		return room_observed(reading);
	case MEASURE_GAUGE:
		return (struct room){2, 0};
	case MEASURE_INFO:
		return (struct room){1, 0};
	case MEASURE_TEXT:
		return (struct room){0, 0};
	default:
		/* The least stands for an absent value. */
		integer = reading->value.integer;
		return (struct room){integer > INT32_MIN && integer <= INT32_MAX ? 1 : 2, 0};
	}
}

bool room_holds(enum measure_kind kind, struct room room, struct room needed)
{
	if (kind != MEASURE_HISTOGRAM || needed.cells <= ROOM_SUM_CELLS)
		return room.cells >= needed.cells;
	return needed.first >= room.first && needed.first + needed.cells <= room.first + room.cells;
}

struct room room_join(enum measure_kind kind, struct room a, struct room b)
{
	if (room_holds(kind, a, b))
		return a;
	if (kind != MEASURE_HISTOGRAM)
		return b;
	unsigned first = b.first, end = (unsigned)b.first + b.cells - ROOM_SUM_CELLS;
	if (a.cells > ROOM_SUM_CELLS) {
		unsigned end_of_a = (unsigned)a.first + a.cells - ROOM_SUM_CELLS;
		first = a.first < first ? a.first : first;
		end = end_of_a > end ? end_of_a : end;
	}
	/* To spare at the slow end, where outliers are. */
	end += (ROOM_BUCKETS_STEP - (end - first) % ROOM_BUCKETS_STEP) % ROOM_BUCKETS_STEP;
	return room_of_buckets(first, end <= SERIES_BUCKETS ? end - 1 : SERIES_BUCKETS);
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

static struct known_set *hold_set(struct shapes *shapes, const struct measure_set *set)
{
	struct known_set *known = shapes->sets;
	while (known && !is_same_set(known, set))
		known = known->next;
	if (!known) {
		known = set_create(set);
		known->next = shapes->sets;
		shapes->sets = known;
	}
	known->references++;
	return known;
}

static void drop_set(struct shapes *shapes, struct known_set *known)
{
	if (--known->references > 0)
		return;
	struct known_set **link = &shapes->sets;
	while (*link != known)
		link = &(*link)->next;
	*link = known->next;
	set_free(known);
}

struct known_set *shapes_hold_set(struct shapes *shapes, const struct measure_set *set)
{
	pthread_mutex_lock(&shapes->lock);
	struct known_set *known = hold_set(shapes, set);
	pthread_mutex_unlock(&shapes->lock);
	return known;
}

void shapes_drop_set(struct shapes *shapes, struct known_set *set)
{
	pthread_mutex_lock(&shapes->lock);
	drop_set(shapes, set);
	pthread_mutex_unlock(&shapes->lock);
}

struct known_set **shapes_hold_all(struct shapes *shapes, size_t *n)
{
	pthread_mutex_lock(&shapes->lock);
	size_t count = 0;
	for (struct known_set *known = shapes->sets; known; known = known->next)
		count++;
	struct known_set **sets = mem_zero(count, sizeof(*sets));
	*n = count;
	count = 0;
	for (struct known_set *known = shapes->sets; known; known = known->next) {
		known->references++;
		sets[count++] = known;
	}
	pthread_mutex_unlock(&shapes->lock);
	return sets;
}

/* --- shapes; with the lock held ---------------------------------------------------------------------------------- */

/* What has 64-bit values begins on an even cell; single cells come behind. */
static void place_columns(struct shape *shape)
{
	for (unsigned is_single = 0; is_single < 2; is_single++) {
		for (size_t i = 0; i < shape->ncolumns; i++) {
			struct column *column = &shape->columns[i];
			if ((column->room.cells == 1) != is_single)
				continue;
			column->cell = shape->cells;
			shape->cells += column->room.cells + (is_single ? 0 : column->room.cells % 2u);
		}
	}
	shape->cells += shape->cells % 2;
}

static struct shape *shape_create(struct known_set *set, const struct room *rooms)
{
	size_t ncolumns = 0;
	for (size_t i = 0; i < set->n; i++)
		ncolumns += rooms[i].cells > 0;
	struct shape *shape = mem_zero(1, sizeof(*shape) + ncolumns * sizeof(shape->columns[0]));
	shape->set = set;
	shape->rooms = mem_copy(rooms, set->n * sizeof(*rooms));
	shape->where = mem_zero(set->n, sizeof(shape->where[0]));
	for (size_t i = 0; i < set->n; i++) {
		enum measure_kind kind = set->measures[i].kind;
		if (rooms[i].cells == 0)
			continue;
		shape->where[i] = (uint32_t)shape->ncolumns;
		shape->columns[shape->ncolumns++] =
			(struct column){.measure = (uint16_t)i, .kind = (uint8_t)kind, .room = rooms[i]};
		shape->series += kind == MEASURE_HISTOGRAM ? SHAPE_HISTOGRAM_SERIES : 1;
	}
	place_columns(shape);
	return shape;
}

/* Takes over the caller's reference to the set. */
static struct shape *hold_shape(struct shapes *shapes, struct known_set *set, const struct room *rooms)
{
	struct shape *shape = set->shapes;
	while (shape && memcmp(shape->rooms, rooms, set->n * sizeof(*rooms)) != 0)
		shape = shape->next;
	if (shape) {
		drop_set(shapes, set);
	} else {
		shape = shape_create(set, rooms);
		shape->next = set->shapes;
		set->shapes = shape;
	}
	shape->references++;
	return shape;
}

const struct shape *shapes_hold_shape(struct shapes *shapes, const struct measure_set *set, const struct room *rooms)
{
	pthread_mutex_lock(&shapes->lock);
	struct shape *shape = hold_shape(shapes, hold_set(shapes, set), rooms);
	pthread_mutex_unlock(&shapes->lock);
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

void shapes_hold_again(struct shapes *shapes, const struct shape *shape)
{
	pthread_mutex_lock(&shapes->lock);
	(*find_shape(shape))->references++;
	pthread_mutex_unlock(&shapes->lock);
}

void shapes_drop_shape(struct shapes *shapes, const struct shape *shape)
{
	pthread_mutex_lock(&shapes->lock);
	struct shape **link = find_shape(shape), *found = *link;
	if (--found->references == 0) {
		*link = found->next;
		drop_set(shapes, found->set);
		mem_free(found->rooms);
		mem_free(found->where);
		mem_free(found);
	}
	pthread_mutex_unlock(&shapes->lock);
}
