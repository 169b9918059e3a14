/*
 * The values of RouterOS: text, in the forms that its versions write. Each is read exactly, or not at all: what is
 * absent or cannot be read is never 0, and the output then stays as it was. Bytes of strangers. Pure.
 *
 * No property, an empty one and one that cannot be read are three things: the first is told by ros_reply_find, the
 * others here.
 */
#ifndef NETSONDE_PROBES_ROS_VALUE_H
#define NETSONDE_PROBES_ROS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/routeros/ros_wire.h"

enum ros_value {
	ROS_VALUE_OK,
	ROS_VALUE_NONE, /* the router says that there is none: empty, or "never", "none", "infinity", "unlimited",
			   "unknown", "n/a", "not-present" */
	ROS_VALUE_BAD,  /* none of the forms below, or too large: to be counted, and a value that is left out */
};

/* Durations, to nanoseconds (what is below is cut off):
 *	"1w2d3h4m5s600ms700us"  units in this order, any may be missing, a fraction in the last ("1.5s", "10.25ms")
 *	"00:05:11", "2d03:04:05", "00:00:00.025000"  hours may be more than 23 without days before them
 *	"300"  seconds, as the router takes it too
 * each with "-" before it when it is over. */
enum ros_value ros_value_duration(struct ros_word text, int64_t *out_ns);

/* Counters and counts: "18446744073709551615", hexadecimal "0x81902A5B". */
enum ros_value ros_value_unsigned(struct ros_word text, uint64_t *out);
/* "-51". */
enum ros_value ros_value_integer(struct ros_word text, int64_t *out);

/* Bytes: "4096", "512KiB", "1.5GiB" (1024), "10k", "10M", "1kB" (1000); "B" may stand alone. Rounded down to bytes. */
enum ros_value ros_value_size(struct ros_word text, uint64_t *out_bytes);

/* Bits per second: "1500000", "10M", "1.5Mbps", "1961.1kbps", "65Mbps-20MHz/1S" (only the rate of it); all by 1000. */
enum ros_value ros_value_rate(struct ros_word text, uint64_t *out);

/* "true", "yes"; "false", "no". Empty is true: a switch that is there without a value ("ebgp" of BGP). A switch that is
 * off is often not there at all: whether that means false is known by who knows the property. */
enum ros_value ros_value_bool(struct ros_word text, bool *out);

/* A number with a point, in unit: "26.6", "-13.5", "41C", "0.4mW", "-87dBm", "5180 MHz". Without a unit in the text it
 * is in this unit; another of the same kind is converted (unit "V": "3300mV" is 3.3); one of another kind is bad. unit:
 * one of C V mV A mA W mW RPM dBm dB % Hz kHz MHz GHz nm m km; NULL or "" = the text must have none. */
enum ros_value ros_value_number(struct ros_word text, const char *unit, double *out);
bool ros_value_is_unit(const char *unit);

/* "12%", "12": per cent -> 0.12. */
enum ros_value ros_value_ratio(struct ros_word text, double *out);

/* "AA:BB:CC:DD:EE:FF", in either case. */
#define ROS_MAC_BYTES 6
enum ros_value ros_value_mac(struct ros_word text, uint8_t out[ROS_MAC_BYTES]);

/* A date in the router's own time zone. */
struct ros_date {
	bool has_year, has_day, has_time; /* has_year: only with has_day */
	uint16_t year;
	uint8_t month, day;           /* from 1 */
	uint8_t hour, minute, second; /* second: up to 60 */
};

/* v6: "oct/18/2006 16:24:41", "jul/14/2023"; v7.10 and later: "2024-03-01 13:13:32", "2024-03-01"; logs, of this year
 * or day: "oct/18 16:24:41", "10-18 16:24:41", "16:24:41". Names of months in any case. */
enum ros_value ros_value_date(struct ros_word text, struct ros_date *out);

/* Seconds since 1970 of a date with year; without time: of its midnight. zone_seconds: east of Greenwich, see
 * ros_value_zone. false: it has no year. */
bool ros_date_seconds(const struct ros_date *date, int32_t zone_seconds, int64_t *out);

/* The offset of /system/clock: "+02:00", "-03:30". */
enum ros_value ros_value_zone(struct ros_word text, int32_t *out_seconds);

enum ros_stage { ROS_STAGE_ALPHA, ROS_STAGE_BETA, ROS_STAGE_CANDIDATE, ROS_STAGE_RELEASE };

/* "7.18.2 (stable)", "6.49.21 (long-term)", "7.1beta4 (development)", "7.24rc1". */
struct ros_version {
	uint16_t major, minor, patch, stage_number;
	uint8_t stage;           /* enum ros_stage */
	struct ros_word channel; /* borrowed: "stable"; may be empty */
};
enum ros_value ros_value_version(struct ros_word text, struct ros_version *out);

/* < 0, 0, > 0, as strcmp; 7.1beta4 < 7.1rc1 < 7.1 < 7.1.1. The channel does not count. */
int ros_version_compare(const struct ros_version *a, const struct ros_version *b);
/* Is it this version or a later one? A beta of it is none. */
bool ros_version_is_since(const struct ros_version *version, uint16_t major, uint16_t minor);

/* "10M/20M", "123,456", "-51@1Mbps": the parts around the first separator. false, and all of it in first, when there is
 * none. */
bool ros_value_split(struct ros_word text, char separator, struct ros_word *first, struct ros_word *second);
/* The next of a list "ether1,bridge", which shrinks; false at its end. An empty list has no items. */
bool ros_value_next(struct ros_word *list, struct ros_word *item);

#endif
