/* The numbers of ros_value.h that have a unit. */
#include <stdlib.h>
#include <string.h>

#include "probes/routeros/ros_scan.h"
#include "probes/routeros/ros_value.h"

/* Longest number that is read; a double has 17 digits that count. */
#define NUMBER_MAX 40

static const struct unit {
	const char *name;
	const char *base;
	int exponent; /* of ten */
} units[] = {
	{"C", "C", 0},
	{"\xc2\xb0"
	 "C",
	 "C", 0},
	{"V", "V", 0},
	{"mV", "V", -3},
	{"A", "A", 0},
	{"mA", "A", -3},
	{"W", "W", 0},
	{"mW", "W", -3},
	{"RPM", "RPM", 0},
	{"dBm", "dBm", 0},
	{"dB", "dB", 0},
	{"%", "%", 0},
	{"Hz", "Hz", 0},
	{"kHz", "Hz", 3},
	{"MHz", "Hz", 6},
	{"GHz", "Hz", 9},
	{"nm", "m", -9},
	{"m", "m", 0},
	{"km", "m", 3},
};

static const struct unit *find_unit(struct ros_word name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ros_word_equals(name, units[i].name))
			return &units[i];
	return NULL;
}

bool ros_value_is_unit(const char *unit)
{
	return find_unit(ros_word_of(unit)) != NULL;
}

/* Dividing by a power of ten that is a whole number rounds once; multiplying by its inverse would round twice. */
static double shift_point(double value, int exponent)
{
	double power = 1;
	for (int i = 0; i < abs(exponent); i++)
		power *= 10;
	return exponent < 0 ? value / power : value * power;
}

/* "-13.5" and what follows it. */
static bool read_double(struct ros_scan *scan, double *out)
{
	struct ros_decimal decimal;
	char number[NUMBER_MAX + 1];
	const char *begun = scan->at;
	if (!ros_scan_char(scan, '-'))
		ros_scan_char(scan, '+');
	if (!ros_scan_decimal(scan, &decimal))
		return false;
	size_t n = (size_t)(scan->at - begun);
	if (n > NUMBER_MAX)
		return false;
	memcpy(number, begun, n);
	number[n] = '\0';
	*out = strtod(number, NULL);
	return true;
}

enum ros_value ros_value_number(struct ros_word text, const char *unit, double *out)
{
	struct ros_scan scan = ros_scan_of(text);
	double value;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (!read_double(&scan, &value))
		return ROS_VALUE_BAD;
	if (scan.left > 0) {
		ros_scan_char(&scan, ' ');
		const struct unit *wanted = find_unit(ros_word_of(unit ? unit : ""));
		const struct unit *given = find_unit((struct ros_word){scan.at, scan.left});
		if (!wanted || !given || strcmp(wanted->base, given->base) != 0)
			return ROS_VALUE_BAD;
		value = shift_point(value, given->exponent - wanted->exponent);
	}
	*out = value;
	return ROS_VALUE_OK;
}

enum ros_value ros_value_ratio(struct ros_word text, double *out)
{
	double per_cent;
	enum ros_value status = ros_value_number(text, "%", &per_cent);
	if (status == ROS_VALUE_OK)
		*out = per_cent / 100;
	return status;
}
