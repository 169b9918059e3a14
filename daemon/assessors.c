#include "daemon/assessors.h"

#include <stddef.h>

#include "daemon/availability.h"
#include "daemon/quality.h"

const struct measure_set *const assessor_sets[] = {&availability_set, &quality_set, NULL};
