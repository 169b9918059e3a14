/*
 * Numbers as Go writes them: strconv's shortest form of 'g', which is what every exporter in Go shows. Pure.
 */
#ifndef NETSONDE_EXPORTER_GO_NUMBER_H
#define NETSONDE_EXPORTER_GO_NUMBER_H

#include "core/text.h"

/* The shortest digits that read back as the same double, with an exponent of at least two digits when that of the
 * first digit is below -4 or above 5: 0.0001, 1e-05, 123456, 1.234567e+06, -6.21355968e+10, NaN, +Inf, -Inf. */
void go_number_add(struct text *out, double value);

#endif
