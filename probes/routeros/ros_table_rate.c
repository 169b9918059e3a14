#include "core/mem.h"
#include "probes/routeros/ros_table_parts.h"

#define NANOSECONDS 1e9

/* Rows mostly come in the order of before; when one does not, all are indexed. */
static void make_index(struct ros_rates *rates)
{
	rates->index_size = 2;
	while (rates->index_size < rates->n * 2)
		rates->index_size *= 2;
	rates->index = mem_zero(rates->index_size, sizeof(*rates->index));
	for (size_t i = 0; i < rates->n; i++) {
		size_t at = rates->rows[i].hash & (rates->index_size - 1);
		while (rates->index[at])
			at = (at + 1) & (rates->index_size - 1);
		rates->index[at] = (uint32_t)i + 1;
	}
}

static struct ros_rate *find_indexed(struct ros_rates *rates, uint64_t hash)
{
	if (!rates->index)
		make_index(rates);
	for (size_t at = hash & (rates->index_size - 1); rates->index[at]; at = (at + 1) & (rates->index_size - 1)) {
		struct ros_rate *row = &rates->rows[rates->index[at] - 1];
		if (row->hash == hash)
			return row;
	}
	return NULL;
}

const struct ros_rate *ros_rates_find(struct ros_rates *rates, const struct ros_slot *slot)
{
	struct ros_rate *row = NULL;
	if (rates->place < rates->n && rates->rows[rates->place].hash == slot->hash)
		row = &rates->rows[rates->place];
	else if (rates->n > 0)
		row = find_indexed(rates, slot->hash);
	if (!row)
		return NULL;
	rates->place = (size_t)(row - rates->rows) + 1;
	return row->items == slot->items ? row : NULL;
}

bool ros_rates_read(const struct ros_rates *rates, const struct ros_rate *row, const struct ros_slot *now,
		    size_t column, uint64_t counter, double *per_second)
{
	uint64_t before = rates->counters[(size_t)(row - rates->rows) * rates->ncolumns + column];
	if (before == ROS_RATE_NONE || counter < before || now->at_ns <= row->at_ns)
		return false;
	*per_second = (double)(counter - before) / ((double)(now->at_ns - row->at_ns) / NANOSECONDS);
	return true;
}

void ros_rates_free(struct ros_rates *rates)
{
	mem_free(rates->rows);
	mem_free(rates->counters);
	mem_free(rates->index);
	*rates = (struct ros_rates){0};
}
