/*
 * The health score of a router, 0 to 100: one number to sort a list of routers by. Pure.
 *
 * Each part that is known has a score of its own: 100 while its figure is at its good end or better, 0 at its bad end
 *or beyond, on a straight line between. It takes away at most its weight of the whole:
 *
 *	score = 100 * product over the known parts of (1 - weight * (1 - part / 100))
 *
 * A part that is not known takes nothing away. docs/routeros.md has the table of ends and weights.
 */
#ifndef NETSONDE_PROBES_ROS_HEALTH_H
#define NETSONDE_PROBES_ROS_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"

enum ros_health_part {
	ROS_HEALTH_CPU,         /* its load, 0 to 1 */
	ROS_HEALTH_MEMORY,      /* the free share of it */
	ROS_HEALTH_STORAGE,     /* the same */
	ROS_HEALTH_TEMPERATURE, /* of the hottest sensor, degrees Celsius */
	ROS_HEALTH_POWER,       /* how many parts have failed, or have too low a voltage */
	ROS_HEALTH_RESPONSE,    /* seconds until the answer to a small question */
	ROS_HEALTH_COLLECTIONS, /* the share of data sets whose last collection failed */
	ROS_HEALTH_PARTS
};

/* "cpu", "memory", ... */
const char *ros_health_part_name(enum ros_health_part part);

/* What is known. Zero-initialise: nothing is. */
struct ros_health {
	bool is_known[ROS_HEALTH_PARTS];
	double figures[ROS_HEALTH_PARTS];
};

void ros_health_note(struct ros_health *health, enum ros_health_part part, double figure);
/* A share of a whole: known only if there is a whole. */
void ros_health_note_share(struct ros_health *health, enum ros_health_part part, double some, double whole);
void ros_health_forget(struct ros_health *health, enum ros_health_part part);

/* The rows of the data set "health": its sensors make the parts temperature and power. None of them there: not known.
 */
void ros_health_note_sensors(struct ros_health *health, const struct row *rows, size_t n);

/* 0 to 100; only of a known part. */
double ros_health_part_score(const struct ros_health *health, enum ros_health_part part);
/* 0 to 100. parts: how many counted; with none there is no score (false). */
bool ros_health_score(const struct ros_health *health, double *score, unsigned *parts);

#endif
