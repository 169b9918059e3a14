#include "probes/routeros/ros_table.h"

#include <string.h>

#include "core/mem.h"
#include "probes/routeros/ros_table_parts.h"

/* A value that a condition looks at; a longer one matches nothing. */
#define CONDITION_MAX 512

/* What an end without a beginning answers. */
static const struct row no_rows[1];

/* What is there from begin to rest. */
struct collection {
	int64_t begun_ns;
	int32_t zone_seconds;
	struct text strings;
	struct ros_slots slots;
	struct reading *cells; /* ncolumns for each slot */
	size_t cells_room;     /* slots */
	struct reading *item;  /* ncolumns: of the item that is read */
	size_t *places;        /* of keys and columns: where the property was in the item before */
	struct ros_held held;
	struct row *rows; /* when it has ended */
	struct label *labels;
};

/* Small: a router has one of each data set. */
struct ros_table {
	const struct catalogue_set *set;
	struct ros_text *text;
	struct hash_key hash;
	char **names;           /* of the labels; NULL: as the set has them */
	struct ros_rates rates; /* of the last good collection */
	struct ros_table_figures figures;
	struct collection *open; /* NULL: there is none */
	uint32_t max_rows;
	uint16_t nfixed, nlabels; /* of the menu; all */
	uint16_t ncounters;       /* columns that are rates */
};

/* --- names of labels -------------------------------------------------------------------------------------------------
 */

static const char *catalogue_name(const struct catalogue_set *set, size_t label)
{
	size_t nfixed = set->nmenus ? set->menus[0].nlabels : 0;
	return label < nfixed ? set->menus[0].labels[label].name : set->keys[label - nfixed].label;
}

static bool is_target_label(const struct ros_table_plan *plan, const char *name)
{
	if (strcmp(name, "target") == 0 || strcmp(name, "probe") == 0)
		return true;
	for (size_t i = 0; i < plan->ntarget_labels; i++)
		if (strcmp(plan->target_labels[i].name, name) == 0)
			return true;
	return false;
}

static bool is_own_name(const struct ros_table *table, const char *name)
{
	for (size_t i = 0; i < table->nlabels; i++)
		if (strcmp(catalogue_name(table->set, i), name) == 0)
			return true;
	for (size_t i = 0; i < table->set->measure.n; i++)
		if (strcmp(table->set->measure.measures[i].name, name) == 0)
			return true;
	return false;
}

/* One more "<set>_" before it, until nobody else is called so. */
static char *free_name(const struct ros_table *table, const struct ros_table_plan *plan, const char *name)
{
	char *candidate = mem_format("%s_%s", table->set->name, name);
	while (is_target_label(plan, candidate) || is_own_name(table, candidate)) {
		char *longer = mem_format("%s_%s", table->set->name, candidate);
		mem_free(candidate);
		candidate = longer;
	}
	return candidate;
}

static void name_labels(struct ros_table *table, const struct ros_table_plan *plan)
{
	bool has_clash = false;
	for (size_t i = 0; i < table->nlabels; i++)
		has_clash = has_clash || is_target_label(plan, catalogue_name(table->set, i));
	if (!has_clash)
		return;
	table->names = mem_zero(table->nlabels, sizeof(*table->names));
	for (size_t i = 0; i < table->nlabels; i++) {
		const char *name = catalogue_name(table->set, i);
		table->names[i] = is_target_label(plan, name) ? free_name(table, plan, name) : mem_copy_string(name);
	}
}

/* --- life ------------------------------------------------------------------------------------------------------------
 */

struct ros_table *ros_table_create(const struct ros_table_plan *plan)
{
	struct ros_table *table = mem_zero(1, sizeof(*table));
	const struct catalogue_set *set = plan->set;
	table->set = set;
	table->text = plan->text;
	table->hash = hash_key_random();
	table->max_rows = plan->max_rows ? plan->max_rows : set->max_rows;
	table->nfixed = (uint16_t)(set->nmenus ? set->menus[0].nlabels : 0);
	table->nlabels = (uint16_t)(table->nfixed + set->nkeys);
	for (size_t i = 0; i < set->ncolumns; i++)
		if (set->columns[i].is_rate)
			table->ncounters++;
	name_labels(table, plan);
	return table;
}

void ros_table_rest(struct ros_table *table)
{
	struct collection *open = table->open;
	if (!open)
		return;
	ros_slots_free(&open->slots);
	ros_held_free(&open->held);
	text_free(&open->strings);
	mem_free(open->cells);
	mem_free(open->item);
	mem_free(open->places);
	mem_free(open->rows);
	mem_free(open->labels);
	mem_free(open);
	table->open = NULL;
}

void ros_table_abandon(struct ros_table *table)
{
	ros_table_rest(table);
}

void ros_table_forget(struct ros_table *table)
{
	ros_rates_free(&table->rates);
}

void ros_table_free(struct ros_table *table)
{
	if (!table)
		return;
	ros_table_rest(table);
	ros_table_forget(table);
	for (size_t i = 0; table->names && i < table->nlabels; i++)
		mem_free(table->names[i]);
	mem_free(table->names);
	mem_free(table);
}

void ros_table_read(const struct ros_table *table, struct ros_table_figures *out)
{
	*out = table->figures;
}

void ros_table_begin(struct ros_table *table, int64_t now_ns, int32_t zone_seconds)
{
	ros_table_rest(table);
	table->open = mem_zero(1, sizeof(*table->open));
	table->open->begun_ns = now_ns;
	table->open->zone_seconds = zone_seconds;
	table->open->item = mem_zero(table->set->ncolumns, sizeof(*table->open->item));
	table->open->places = mem_zero(table->set->nkeys + table->set->ncolumns, sizeof(*table->open->places));
	ros_slots_reserve(&table->open->slots, table->figures.rows + 1);
}

static bool is_collecting(const struct ros_table *table)
{
	return table->open && !table->open->rows;
}

/* --- an item ---------------------------------------------------------------------------------------------------------
 */

/* The first of its names that the item has. place: see ros_reply_find; it stays at what was found. */
static bool find_property(const struct ros_reply *reply, const struct catalogue_property *property, size_t *place,
			  struct ros_word *value)
{
	for (size_t i = 0; i < property->n; i++) {
		if (!ros_reply_find(reply, property->names[i], place, value))
			continue;
		--*place;
		return true;
	}
	return false;
}

static void add_value(struct ros_table *table, struct ros_word value)
{
	ros_text_add(table->text, value, ROS_TABLE_TEXT_MAX, &table->open->strings);
	text_add_char(&table->open->strings, '\0');
}

static void add_menu_labels(struct ros_table *table, const struct catalogue_menu *menu)
{
	for (size_t i = 0; i < table->nfixed; i++)
		add_value(table, ros_word_of(i < menu->nlabels ? menu->labels[i].value : ""));
}

/* The values of the item's labels, behind what is in strings. Returns where. */
static size_t add_key(struct ros_table *table, const struct ros_item *item, const struct ros_reply *reply)
{
	size_t begun = table->open->strings.length;
	add_menu_labels(table, item->menu);
	for (size_t i = 0; i < table->set->nkeys; i++) {
		const struct catalogue_property *property = &table->set->keys[i].property;
		struct ros_word value = {0};
		if (property->n && strcmp(property->names[0], CATALOGUE_EACH) == 0)
			value = ros_word_of(item->each ? item->each : "");
		else
			find_property(reply, property, &table->open->places[i], &value);
		add_value(table, value);
	}
	return begun;
}

static bool holds(const struct catalogue_condition *condition, const struct ros_reply *reply)
{
	char text[CONDITION_MAX];
	struct ros_word value;
	if (!ros_reply_find(reply, condition->property, NULL, &value) || value.length >= sizeof(text))
		return false;
	if (value.length > 0)
		memcpy(text, value.bytes, value.length);
	text[value.length] = '\0';
	return strlen(text) == value.length && catalogue_pattern_matches(condition->pattern, text);
}

static bool is_looked_at(const struct catalogue_column *column, const struct ros_reply *reply)
{
	for (size_t i = 0; i < column->nconditions; i++)
		if (holds(&column->conditions[i], reply))
			return true;
	return column->nconditions == 0;
}

static void read_column(struct ros_table *table, size_t i, const struct ros_reply *reply)
{
	const struct catalogue_column *column = &table->set->columns[i];
	enum measure_kind kind = table->set->measure.measures[column->measure].kind;
	struct ros_cells cells = {table->text, &table->open->strings, table->open->zone_seconds};
	struct ros_word value;
	table->open->item[i].count = 0;
	if (!is_looked_at(column, reply))
		return;
	if (column->is_count || kind == MEASURE_INFO)
		ros_cell_set(column, kind, 1, &table->open->item[i]);
	else if (!find_property(reply, &column->property, &table->open->places[table->set->nkeys + i], &value)) {
		if (column->has_absent)
			ros_cell_set(column, kind, column->absent, &table->open->item[i]);
	} else if (ros_cell_read(&cells, column, kind, value, &table->open->item[i]) == ROS_VALUE_BAD)
		table->figures.unreadable++;
}

static struct reading *cells_of(struct ros_table *table, const struct ros_slot *slot)
{
	struct collection *open = table->open;
	size_t ncolumns = table->set->ncolumns;
	if (open->cells_room < open->slots.room) {
		open->cells_room = open->slots.room;
		open->cells = mem_resize(open->cells, open->cells_room, ncolumns * sizeof(*open->cells));
	}
	return open->cells + (size_t)(slot - open->slots.slots) * ncolumns;
}

/* What has been read of the item, into the row of the key that lies at the end of strings. NULL: there is no room. */
static struct reading *put(struct ros_table *table, size_t key, int64_t now_ns)
{
	bool is_new;
	struct ros_slot *slot =
		ros_slots_find(&table->open->slots, table->hash, &table->open->strings, key, table->max_rows, &is_new);
	if (!slot) {
		table->figures.left_out++;
		return NULL;
	}
	slot->items++;
	slot->at_ns = now_ns;
	struct reading *cells = cells_of(table, slot);
	if (is_new)
		memset(cells, 0, table->set->ncolumns * sizeof(*cells));
	return cells;
}

static void put_item(struct ros_table *table, const struct ros_item *item, const struct ros_reply *reply)
{
	const struct catalogue_set *set = table->set;
	struct reading *cells = put(table, add_key(table, item, reply), item->now_ns);
	if (!cells)
		return;
	for (size_t i = 0; i < set->ncolumns; i++) {
		read_column(table, i, reply);
		ros_cell_combine(&set->columns[i], set->measure.measures[i].kind, &table->open->item[i], &cells[i]);
	}
}

/* --- items -----------------------------------------------------------------------------------------------------------
 */

static void put_held(struct ros_table *table)
{
	struct ros_held *held = &table->open->held;
	struct ros_reply reply = {0};
	for (size_t i = 0; i < held->nitems; i++) {
		struct ros_item item = ros_held_read(held, i, &reply);
		put_item(table, &item, &reply);
	}
	ros_reply_free(&reply);
	ros_held_drop(held);
}

/* Of commands whose later items stand in the place of earlier ones. */
static void hold_item(struct ros_table *table, const struct ros_item *item, const struct ros_reply *reply)
{
	const char *section = table->set->take == CATALOGUE_TAKE_LAST_SECTION ? table->set->section : NULL;
	struct ros_held *held = &table->open->held;
	if (held->menu && !ros_held_is_of(held, item))
		put_held(table);
	if (held->menu && ros_held_is_over(held, section, reply))
		ros_held_drop(held);
	if (!ros_held_add(held, item, section, reply, table->max_rows))
		table->figures.left_out++;
}

static void take_item(struct ros_table *table, const struct ros_item *item, const struct ros_reply *reply)
{
	if (table->set->take == CATALOGUE_TAKE_ALL)
		put_item(table, item, reply);
	else
		hold_item(table, item, reply);
}

/* Each property is an item; those of the router itself (".id") are none. */
static void take_properties(struct ros_table *table, const struct ros_item *item, const struct ros_reply *reply)
{
	for (size_t i = 0; i < reply->npairs; i++) {
		const struct ros_pair *pair = &reply->pairs[i];
		struct ros_pair pairs[] = {{ros_word_of("name"), pair->name}, {ros_word_of("value"), pair->value}};
		struct ros_reply one = {.kind = ROS_REPLY_ROW, .pairs = pairs, .npairs = 2};
		if (pair->name.length > 0 && pair->name.bytes[0] != '.')
			take_item(table, item, &one);
	}
}

void ros_table_add(struct ros_table *table, const struct catalogue_menu *menu, const char *each,
		   const struct ros_reply *reply, int64_t now_ns)
{
	struct ros_item item = {menu, each, now_ns};
	if (!is_collecting(table))
		return;
	if (menu->form == CATALOGUE_FORM_PROPERTIES)
		take_properties(table, &item, reply);
	else
		take_item(table, &item, reply);
}

void ros_table_count(struct ros_table *table, const struct catalogue_menu *menu, uint64_t count)
{
	const struct catalogue_set *set = table->set;
	if (!is_collecting(table) || set->mode != CATALOGUE_COUNT)
		return;
	size_t key = table->open->strings.length;
	add_menu_labels(table, menu);
	struct reading *cells = put(table, key, table->open->begun_ns);
	for (size_t i = 0; cells && i < set->ncolumns; i++) {
		struct reading one =
			reading_integer(set->columns[i].measure, count > INT64_MAX ? INT64_MAX : (int64_t)count);
		one.count = ROS_CELL_IS_SET;
		ros_cell_combine(&set->columns[i], set->measure.measures[i].kind, &one, &cells[i]);
	}
}

/* --- the end ---------------------------------------------------------------------------------------------------------
 */

static void make_labels(const struct ros_table *table, const struct ros_slot *slot, struct label *labels)
{
	const char *value = table->nlabels ? table->open->strings.bytes + slot->key : NULL;
	for (size_t i = 0; i < table->nlabels; i++) {
		labels[i].name = table->names ? table->names[i] : catalogue_name(table->set, i);
		labels[i].value = value;
		value += strlen(value) + 1;
	}
}

/* The counters of this collection, which the next one's rates are taken from. */
static struct ros_rates take_counters(const struct ros_table *table)
{
	struct ros_rates rates = {.n = table->open->slots.n, .ncolumns = table->ncounters};
	if (table->ncounters == 0 || rates.n == 0)
		return (struct ros_rates){0};
	rates.rows = mem_zero(rates.n, sizeof(*rates.rows));
	rates.counters = mem_zero(rates.n * rates.ncolumns, sizeof(*rates.counters));
	for (size_t row = 0; row < rates.n; row++) {
		const struct ros_slot *slot = &table->open->slots.slots[row];
		const struct reading *cells = table->open->cells + row * table->set->ncolumns;
		uint64_t *counter = rates.counters + row * rates.ncolumns;
		rates.rows[row] = (struct ros_rate){slot->hash, slot->at_ns, slot->items};
		for (size_t i = 0; i < table->set->ncolumns; i++)
			if (table->set->columns[i].is_rate)
				*counter++ = cells[i].count ? (uint64_t)cells[i].value.integer : ROS_RATE_NONE;
	}
	return rates;
}

/* Counters become rates; those that do not are absent. */
static void make_rates(struct ros_table *table, const struct ros_slot *slot, struct reading *cells)
{
	const struct ros_rate *before = ros_rates_find(&table->rates, slot);
	size_t column = 0;
	for (size_t i = 0; i < table->set->ncolumns; i++) {
		double rate;
		if (!table->set->columns[i].is_rate)
			continue;
		if (cells[i].count && before &&
		    ros_rates_read(&table->rates, before, slot, column, (uint64_t)cells[i].value.integer, &rate))
			cells[i].value.number = rate * table->set->columns[i].factor;
		else
			cells[i].count = 0;
		column++;
	}
}

/* The readings that are there, in the place of the cells. */
static size_t make_readings(const struct ros_table *table, const struct reading *cells, struct reading *out)
{
	size_t n = 0;
	for (size_t i = 0; i < table->set->ncolumns; i++) {
		struct reading reading = cells[i];
		if (!reading.count)
			continue;
		reading.count = 0;
		if (table->set->measure.measures[reading.measure].kind == MEASURE_TEXT)
			reading.value.text = table->open->strings.bytes + reading.value.integer;
		out[n++] = reading;
	}
	return n;
}

/* The row of a slot, if there is anything to tell. labels: where its labels go. */
static bool make_row(struct ros_table *table, size_t i, struct label *labels, struct row *row)
{
	const struct ros_slot *slot = &table->open->slots.slots[i];
	struct reading *cells = table->open->cells + i * table->set->ncolumns;
	if (table->ncounters)
		make_rates(table, slot, cells);
	*row = (struct row){&table->set->measure, labels, table->nlabels, cells, 0};
	row->n = make_readings(table, cells, cells);
	if (row->n > 0)
		make_labels(table, slot, labels);
	return row->n > 0;
}

const struct row *ros_table_end(struct ros_table *table, size_t *n)
{
	struct collection *open = table->open;
	*n = 0;
	if (!is_collecting(table))
		return no_rows;
	put_held(table);
	struct ros_rates rates = take_counters(table);
	open->rows = mem_zero(open->slots.n, sizeof(*open->rows));
	open->labels = mem_zero(open->slots.n * table->nlabels, sizeof(*open->labels));
	for (size_t i = 0; i < open->slots.n; i++)
		*n += make_row(table, i, open->labels + *n * table->nlabels, &open->rows[*n]);
	ros_rates_free(&table->rates);
	table->rates = rates;
	table->figures.rows = *n;
	return open->rows;
}
