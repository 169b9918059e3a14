#include <math.h>
#include <string.h>
#include <strings.h>

#include "probes/routeros/ros_table_parts.h"

#define NANOSECONDS 1e9
/* Counters are int64: those of a router that have grown beyond begin anew, as if it had restarted. */
#define COUNTER_MASK ((uint64_t)INT64_MAX)
#define COUNTER_SPAN 0x1p63

/* What a word says, before it is stored as the kind of its measure wants it. */
struct amount {
	bool is_whole, is_negative;
	uint64_t whole;
	double real;   /* when it is not whole */
	double factor; /* to our unit */
};

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

static enum ros_value read_integer(struct ros_word word, struct amount *amount)
{
	int64_t value;
	enum ros_value status = ros_value_unsigned(word, &amount->whole);
	amount->is_whole = true;
	if (status != ROS_VALUE_BAD)
		return status;
	status = ros_value_integer(word, &value);
	if (status != ROS_VALUE_OK)
		return status;
	amount->is_negative = value < 0;
	amount->whole = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	return ROS_VALUE_OK;
}

static enum ros_value read_duration(struct ros_word word, struct amount *amount)
{
	int64_t value_ns;
	enum ros_value status = ros_value_duration(word, &value_ns);
	if (status != ROS_VALUE_OK)
		return status;
	amount->is_whole = true;
	amount->is_negative = value_ns < 0;
	amount->whole = value_ns < 0 ? 0 - (uint64_t)value_ns : (uint64_t)value_ns;
	amount->factor /= NANOSECONDS;
	return ROS_VALUE_OK;
}

/* The column's factor is for numbers without a unit. */
static enum ros_value read_size(struct ros_word word, struct amount *amount)
{
	char last = word.length ? word.bytes[word.length - 1] : '\0';
	amount->is_whole = true;
	if (last < '0' || last > '9')
		amount->factor = 1;
	return ros_value_size(word, &amount->whole);
}

static enum ros_value read_boolean(struct ros_word word, struct amount *amount)
{
	bool is_on;
	enum ros_value status = ros_value_bool(word, &is_on);
	if (status == ROS_VALUE_OK)
		amount->real = is_on;
	return status;
}

static enum ros_value read_word(const struct catalogue_column *column, struct ros_word word, struct amount *amount)
{
	for (size_t i = 0; i < column->nwords; i++) {
		const char *known = column->words[i].word;
		if (strlen(known) != word.length || strncasecmp(known, word.length ? word.bytes : "", word.length) != 0)
			continue;
		amount->real = column->words[i].value;
		return ROS_VALUE_OK;
	}
	return word.length ? ROS_VALUE_BAD : ROS_VALUE_NONE;
}

static enum ros_value read_date(struct ros_word word, int32_t zone_seconds, struct amount *amount)
{
	struct ros_date date;
	int64_t seconds;
	enum ros_value status = ros_value_date(word, &date);
	if (status != ROS_VALUE_OK)
		return status;
	if (!ros_date_seconds(&date, zone_seconds, &seconds))
		return ROS_VALUE_BAD;
	amount->real = (double)seconds;
	return ROS_VALUE_OK;
}

static enum ros_value count_items(struct ros_word list, struct amount *amount)
{
	struct ros_word item;
	while (ros_value_next(&list, &item))
		amount->real++;
	return ROS_VALUE_OK;
}

static enum ros_value read_amount(const struct catalogue_column *column, struct ros_word word, int32_t zone_seconds,
				  struct amount *amount)
{
	*amount = (struct amount){.factor = column->factor};
	switch (column->parse) {
	case CATALOGUE_INTEGER:
		return read_integer(word, amount);
	case CATALOGUE_NUMBER:
		return ros_value_number(word, column->router_unit, &amount->real);
	case CATALOGUE_DURATION:
		return read_duration(word, amount);
	case CATALOGUE_SIZE:
		return read_size(word, amount);
	case CATALOGUE_RATE:
		amount->is_whole = true;
		return ros_value_rate(word, &amount->whole);
	case CATALOGUE_BOOLEAN:
		return read_boolean(word, amount);
	case CATALOGUE_WORD:
		return read_word(column, word, amount);
	case CATALOGUE_DATE:
		return read_date(word, zone_seconds, amount);
	case CATALOGUE_ITEMS:
		return count_items(word, amount);
	case CATALOGUE_TEXT:
		break;
	}
	return ROS_VALUE_BAD;
}

/* --- storing ---------------------------------------------------------------------------------------------------------
 */

/* Dividing by a whole number rounds once; multiplying by its inverse, which is none, would round twice: 57 % is 0.57.
 */
static double scale(double value, double factor)
{
	double inverse = factor > 0 && factor < 1 ? round(1 / factor) : 0;
	if (inverse > 0 && fabs(inverse * factor - 1) < 1e-12)
		return value / inverse;
	return value * factor;
}

static double real_of(const struct amount *amount)
{
	double real = amount->is_whole ? (double)amount->whole : amount->real;
	return scale(amount->is_negative ? -real : real, amount->factor);
}

/* As a counter: exactly, as long as the factor is a whole number. */
static enum ros_value count_of(const struct amount *amount, int64_t *out)
{
	double factor = round(amount->factor), real;
	if (amount->is_whole && !amount->is_negative && factor >= 1 && factor < COUNTER_SPAN &&
	    fabs(amount->factor - factor) < 1e-9 * factor) {
		*out = (int64_t)(amount->whole * (uint64_t)factor & COUNTER_MASK);
		return ROS_VALUE_OK;
	}
	real = real_of(amount);
	if (!(real >= 0))
		return ROS_VALUE_BAD;
	*out = (int64_t)fmod(round(real), COUNTER_SPAN);
	return ROS_VALUE_OK;
}

static enum ros_value integer_of(const struct amount *amount, int64_t *out)
{
	double real = round(real_of(amount));
	if (amount->is_whole && amount->factor == 1) {
		if (amount->whole > COUNTER_MASK)
			return ROS_VALUE_BAD;
		*out = amount->is_negative ? -(int64_t)amount->whole : (int64_t)amount->whole;
		return ROS_VALUE_OK;
	}
	if (!(fabs(real) < COUNTER_SPAN))
		return ROS_VALUE_BAD;
	*out = (int64_t)real;
	return ROS_VALUE_OK;
}

static enum ros_value store(const struct catalogue_column *column, enum measure_kind kind, struct amount *amount,
			    struct reading *cell)
{
	enum ros_value status = ROS_VALUE_OK;
	int64_t integer = 0;
	if (column->is_rate) {
		if (!amount->is_whole || amount->is_negative)
			return ROS_VALUE_BAD;
		*cell = reading_integer(column->measure, (int64_t)amount->whole);
		cell->count = ROS_CELL_IS_SET;
		return ROS_VALUE_OK;
	}
	if (kind == MEASURE_COUNTER_SECONDS)
		amount->factor *= NANOSECONDS;
	if (kind == MEASURE_COUNTER || kind == MEASURE_COUNTER_SECONDS)
		status = count_of(amount, &integer);
	else if (kind == MEASURE_INTEGER || kind == MEASURE_INFO)
		status = integer_of(amount, &integer);
	if (status != ROS_VALUE_OK)
		return status;
	*cell = kind == MEASURE_GAUGE ? reading_number(column->measure, real_of(amount))
				      : reading_integer(column->measure, integer);
	cell->count = ROS_CELL_IS_SET;
	return ROS_VALUE_OK;
}

static enum ros_value read_text(const struct ros_cells *cells, const struct catalogue_column *column,
				struct ros_word word, struct reading *cell)
{
	if (word.length == 0)
		return ROS_VALUE_NONE;
	*cell = reading_integer(column->measure, (int64_t)cells->strings->length);
	cell->count = ROS_CELL_IS_SET;
	ros_text_add(cells->text, word, ROS_TABLE_TEXT_MAX, cells->strings);
	text_add_char(cells->strings, '\0');
	return ROS_VALUE_OK;
}

enum ros_value ros_cell_read(const struct ros_cells *cells, const struct catalogue_column *column,
			     enum measure_kind kind, struct ros_word word, struct reading *cell)
{
	struct ros_word first, second;
	struct amount amount;
	if (column->separator) {
		bool is_pair = ros_value_split(word, column->separator, &first, &second);
		if (column->part > 0 && !is_pair)
			return ROS_VALUE_NONE;
		word = column->part > 0 ? second : first;
	}
	if (column->parse == CATALOGUE_TEXT)
		return read_text(cells, column, word, cell);
	enum ros_value status = read_amount(column, word, cells->zone_seconds, &amount);
	return status == ROS_VALUE_OK ? store(column, kind, &amount, cell) : status;
}

void ros_cell_set(const struct catalogue_column *column, enum measure_kind kind, double value, struct reading *cell)
{
	struct amount amount = {.real = value, .factor = 1};
	store(column, kind, &amount, cell);
}

/* --- combining -------------------------------------------------------------------------------------------------------
 */

/* Should b stand in the place of a? */
static bool is_preferred(const struct catalogue_column *column, bool is_larger)
{
	return (column->combine == CATALOGUE_LARGEST) == is_larger;
}

static int64_t sum_of_integers(int64_t a, int64_t b)
{
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static void combine_integers(const struct catalogue_column *column, enum measure_kind kind, int64_t other,
			     int64_t *value)
{
	if (column->combine != CATALOGUE_SUM) {
		if (other != *value && is_preferred(column, other > *value))
			*value = other;
	} else if (kind == MEASURE_INTEGER) {
		*value = sum_of_integers(*value, other);
	} else {
		*value = (int64_t)(((uint64_t)*value + (uint64_t)other) & COUNTER_MASK);
	}
}

/* All 64 bits of what a rate is made of. */
static void combine_raw(const struct catalogue_column *column, uint64_t other, int64_t *value)
{
	uint64_t mine = (uint64_t)*value;
	if (column->combine == CATALOGUE_SUM)
		*value = (int64_t)(mine + other);
	else if (other != mine && is_preferred(column, other > mine))
		*value = (int64_t)other;
}

static void combine_numbers(const struct catalogue_column *column, double other, double *value)
{
	if (column->combine == CATALOGUE_SUM)
		*value += other;
	else if (other != *value && is_preferred(column, other > *value))
		*value = other;
}

void ros_cell_combine(const struct catalogue_column *column, enum measure_kind kind, const struct reading *other,
		      struct reading *cell)
{
	if (!other->count)
		return;
	if (!cell->count) {
		*cell = *other;
		return;
	}
	if (column->is_rate)
		combine_raw(column, (uint64_t)other->value.integer, &cell->value.integer);
	else if (kind == MEASURE_GAUGE)
		combine_numbers(column, other->value.number, &cell->value.number);
	else if (kind != MEASURE_TEXT && kind != MEASURE_INFO)
		combine_integers(column, kind, other->value.integer, &cell->value.integer);
}
