/*
 * Availability as an assessor: each probe of each target has one (qos/availability.h), kept over restarts by the
 * keeper.
 */
#ifndef NETSONDE_DAEMON_AVAILABILITY_H
#define NETSONDE_DAEMON_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/option.h"
#include "daemon/assessment.h"

struct availability_keeper;

/* Section availability of the configuration. */
struct availability_settings {
	bool is_enabled;
	int64_t failures;
};
extern const struct option availability_options[];
extern const size_t availability_noptions;

extern const struct measure_set availability_set;
/* Series of a target without outages: three, and four of each window. */
#define AVAILABILITY_SERIES 19

/* Its context is a struct availability_desk, which all workers may share. */
extern const struct assessor availability_assessor;

struct availability_desk {
	struct availability_keeper *keeper;
	uint32_t failures; /* in a row that make a target down */
};

#endif
