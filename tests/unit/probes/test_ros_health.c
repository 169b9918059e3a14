#include <criterion/criterion.h>
#include <math.h>

#include "probes/routeros/ros_health.h"

static void check_near(double value, double expected)
{
	cr_assert(fabs(value - expected) < 1e-9, "%.17g is not %.17g", value, expected);
}

Test(ros_health, nothing_known_has_no_score)
{
	struct ros_health health = {0};
	double score;
	unsigned parts;
	cr_assert_not(ros_health_score(&health, &score, &parts));
	cr_assert_eq(parts, 0);
}

Test(ros_health, parts_lie_between_their_ends)
{
	static const struct {
		enum ros_health_part part;
		double figure, score;
	} cases[] = {
		{ROS_HEALTH_CPU, 0, 100},          {ROS_HEALTH_CPU, 0.7, 100},
		{ROS_HEALTH_CPU, 0.85, 50},        {ROS_HEALTH_CPU, 1, 0},
		{ROS_HEALTH_MEMORY, 0.6, 100},     {ROS_HEALTH_MEMORY, 0.15, 50},
		{ROS_HEALTH_MEMORY, 0.01, 0},      {ROS_HEALTH_STORAGE, 0.05, 100},
		{ROS_HEALTH_STORAGE, 0.03, 50},    {ROS_HEALTH_STORAGE, 0, 0},
		{ROS_HEALTH_TEMPERATURE, 40, 100}, {ROS_HEALTH_TEMPERATURE, 82.5, 50},
		{ROS_HEALTH_TEMPERATURE, 120, 0},  {ROS_HEALTH_POWER, 0, 100},
		{ROS_HEALTH_POWER, 2, 0},          {ROS_HEALTH_RESPONSE, 0.001, 100},
		{ROS_HEALTH_RESPONSE, 1.1, 50},    {ROS_HEALTH_RESPONSE, 5, 0},
		{ROS_HEALTH_COLLECTIONS, 0, 100},  {ROS_HEALTH_COLLECTIONS, 0.25, 50},
		{ROS_HEALTH_COLLECTIONS, 1, 0},    {ROS_HEALTH_CPU, NAN, 100},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ros_health health = {0};
		ros_health_note(&health, cases[i].part, cases[i].figure);
		check_near(ros_health_part_score(&health, cases[i].part), cases[i].score);
	}
}

Test(ros_health, each_part_takes_its_weight_at_most)
{
	struct ros_health health = {0};
	double score;
	unsigned parts;
	ros_health_note(&health, ROS_HEALTH_CPU, 1);
	cr_assert(ros_health_score(&health, &score, &parts));
	check_near(score, 50);
	ros_health_note_share(&health, ROS_HEALTH_MEMORY, 15, 100);
	cr_assert(ros_health_score(&health, &score, &parts));
	check_near(score, 37.5);
	cr_assert_eq(parts, 2);
	ros_health_note_share(&health, ROS_HEALTH_MEMORY, 15, 0);
	ros_health_forget(&health, ROS_HEALTH_CPU);
	cr_assert_not(ros_health_score(&health, &score, &parts));
	for (enum ros_health_part part = 0; part < ROS_HEALTH_PARTS; part++)
		cr_assert_neq(ros_health_part_name(part)[0], '\0');
}

static const struct measure measures[] = {
	{"temperature_celsius", MEASURE_GAUGE, "T"},
	{"voltage_volts", MEASURE_GAUGE, "V"},
	{"ok", MEASURE_GAUGE, "O"},
	{"fan_rpm", MEASURE_GAUGE, "F"},
	{"info", MEASURE_INFO, "I"},
};
static const struct measure_set set = {.name = "routeros_health", .measures = measures, .n = 5};

/* One row: a sensor with one reading. */
struct sensor {
	const char *name;
	unsigned measure;
	double value;
};

static struct ros_health note(const struct sensor *sensors, size_t n)
{
	struct ros_health health = {0};
	struct label labels[8];
	struct reading readings[8];
	struct row rows[8];
	for (size_t i = 0; i < n; i++) {
		labels[i] = (struct label){"sensor", sensors[i].name};
		readings[i] = reading_number(sensors[i].measure, sensors[i].value);
		rows[i] =
			(struct row){.set = &set, .labels = &labels[i], .nlabels = 1, .readings = &readings[i], .n = 1};
	}
	ros_health_note_sensors(&health, rows, n);
	return health;
}

Test(ros_health, the_hottest_sensor_counts)
{
	static const struct sensor sensors[] = {{"cpu", 0, 40}, {"board", 0, 82.5}, {"fan1", 3, 0}, {"x", 4, 0}};
	struct ros_health health = note(sensors, 4);
	check_near(ros_health_part_score(&health, ROS_HEALTH_TEMPERATURE), 50);
	cr_assert_not(health.is_known[ROS_HEALTH_POWER]);
}

Test(ros_health, failed_parts_and_low_voltages)
{
	static const struct sensor good[] = {
		{"psu1-state", 2, 1}, {"psu2-state", 2, -1}, {"voltage", 1, 24}, {"psu2-voltage", 1, 0}};
	static const struct sensor failed[] = {{"psu1-state", 2, 0}};
	static const struct sensor low[] = {{"voltage", 1, 8.2}};
	struct ros_health health = note(good, 4);
	check_near(ros_health_part_score(&health, ROS_HEALTH_POWER), 100);
	cr_assert_not(health.is_known[ROS_HEALTH_TEMPERATURE]);
	health = note(failed, 1);
	check_near(ros_health_part_score(&health, ROS_HEALTH_POWER), 0);
	health = note(low, 1);
	check_near(ros_health_part_score(&health, ROS_HEALTH_POWER), 0);
	/* A row without the label is none of them. */
	struct reading reading = reading_number(1, 3);
	struct row row = {.set = &set, .readings = &reading, .n = 1};
	ros_health_note_sensors(&health, &row, 1);
	cr_assert_not(health.is_known[ROS_HEALTH_POWER]);
}
