/*
 * Reading numbers from a word, for the files that read values: a place in it that moves on over what is read. Whoever
 * answers false has read nothing of use; where the place is then, is nobody's to know, except after ros_scan_char and
 * ros_scan_string, which leave it. Pure.
 */
#ifndef NETSONDE_PROBES_ROS_SCAN_H
#define NETSONDE_PROBES_ROS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/routeros/ros_wire.h"

struct ros_scan {
	const char *at; /* borrowed */
	size_t left;
};

struct ros_scan ros_scan_of(struct ros_word text);
/* Is it one of the words that say that there is no value? See ROS_VALUE_NONE. */
bool ros_scan_is_none(struct ros_word text);
bool ros_scan_char(struct ros_scan *scan, char c);
bool ros_scan_string(struct ros_scan *scan, const char *string);
/* Decimal digits, at least one; false also when the number is above max. */
bool ros_scan_number(struct ros_scan *scan, uint64_t max, uint64_t *out);
/* Exactly n of them. */
bool ros_scan_digits(struct ros_scan *scan, unsigned n, unsigned max, unsigned *out);
/* 0 to 15, or -1. */
int ros_scan_hex(char c);

/* "12.345": digits before the point, and if there is one, behind it. */
struct ros_decimal {
	uint64_t whole;
	struct ros_word fraction; /* borrowed; digits */
};
bool ros_scan_decimal(struct ros_scan *scan, struct ros_decimal *out);

/* decimal * factor, rounded down, exactly; false when it does not fit. factor: at most 2^60. */
bool ros_decimal_times(const struct ros_decimal *decimal, uint64_t factor, uint64_t *out);

#endif
