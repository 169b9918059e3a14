#include "probes/routeros/ros_health.h"

#include <string.h>

/* Below this a router's input is about to fail: the boards need 8 to 10 V at least. A sensor that reads 0 is one of a
 * supply that is not there. */
#define VOLTAGE_LEAST 9.0

struct part_rule {
	const char *name;
	double good, bad; /* figures */
	double weight;
};

static const struct part_rule rules[ROS_HEALTH_PARTS] = {
	[ROS_HEALTH_CPU] = {"cpu", 0.7, 1.0, 0.5},
	[ROS_HEALTH_MEMORY] = {"memory", 0.25, 0.05, 0.5},
	/* Boards with 16 MB of flash are nearly full when all is well. */
	[ROS_HEALTH_STORAGE] = {"storage", 0.05, 0.01, 0.3},
	[ROS_HEALTH_TEMPERATURE] = {"temperature", 70, 95, 0.5},
	[ROS_HEALTH_POWER] = {"power", 0, 1, 0.5},
	[ROS_HEALTH_RESPONSE] = {"response", 0.2, 2, 0.3},
	[ROS_HEALTH_COLLECTIONS] = {"collections", 0, 0.5, 0.5},
};

const char *ros_health_part_name(enum ros_health_part part)
{
	return rules[part].name;
}

void ros_health_note(struct ros_health *health, enum ros_health_part part, double figure)
{
	health->is_known[part] = true;
	health->figures[part] = figure;
}

void ros_health_note_share(struct ros_health *health, enum ros_health_part part, double some, double whole)
{
	if (whole > 0)
		ros_health_note(health, part, some / whole);
	else
		ros_health_forget(health, part);
}

void ros_health_forget(struct ros_health *health, enum ros_health_part part)
{
	health->is_known[part] = false;
}

static const char *label_value(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->nlabels; i++)
		if (!strcmp(row->labels[i].name, name))
			return row->labels[i].value;
	return "";
}

struct sensors {
	bool has_temperature, has_power;
	double hottest, failed;
};

static void note_reading(struct sensors *sensors, const struct row *row, const struct reading *reading)
{
	const char *measure = row->set->measures[reading->measure].name;
	double value = reading->value.number;
	if (!strcmp(measure, "temperature_celsius")) {
		if (!sensors->has_temperature || value > sensors->hottest)
			sensors->hottest = value;
		sensors->has_temperature = true;
	} else if (!strcmp(measure, "ok")) {
		sensors->has_power = true;
		sensors->failed += value == 0;
	} else if (!strcmp(measure, "voltage_volts") && !strcmp(label_value(row, "sensor"), "voltage")) {
		sensors->has_power = true;
		sensors->failed += value > 0 && value < VOLTAGE_LEAST;
	}
}

void ros_health_note_sensors(struct ros_health *health, const struct row *rows, size_t n)
{
	struct sensors sensors = {0};
	ros_health_forget(health, ROS_HEALTH_TEMPERATURE);
	ros_health_forget(health, ROS_HEALTH_POWER);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < rows[i].n; k++)
			if (rows[i].set->measures[rows[i].readings[k].measure].kind == MEASURE_GAUGE)
				note_reading(&sensors, &rows[i], &rows[i].readings[k]);
	if (sensors.has_temperature)
		ros_health_note(health, ROS_HEALTH_TEMPERATURE, sensors.hottest);
	if (sensors.has_power)
		ros_health_note(health, ROS_HEALTH_POWER, sensors.failed);
}

double ros_health_part_score(const struct ros_health *health, enum ros_health_part part)
{
	const struct part_rule *rule = &rules[part];
	double badness = (health->figures[part] - rule->good) / (rule->bad - rule->good);
	if (!(badness > 0))
		return 100;
	return badness < 1 ? 100 * (1 - badness) : 0;
}

bool ros_health_score(const struct ros_health *health, double *score, unsigned *parts)
{
	*score = 100;
	*parts = 0;
	for (enum ros_health_part part = 0; part < ROS_HEALTH_PARTS; part++) {
		if (!health->is_known[part])
			continue;
		*score *= 1 - rules[part].weight * (1 - ros_health_part_score(health, part) / 100);
		++*parts;
	}
	return *parts > 0;
}
