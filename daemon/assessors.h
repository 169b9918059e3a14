/*
 * All assessors there are.
 */
#ifndef NETSONDE_DAEMON_ASSESSORS_H
#define NETSONDE_DAEMON_ASSESSORS_H

#include "core/sample.h"

/* The sets of all their rows. NULL-terminated. */
extern const struct measure_set *const assessor_sets[];

#endif
