/* The times of ros_value.h: durations, dates and zones. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "probes/routeros/ros_scan.h"
#include "probes/routeros/ros_value.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* In the order in which they must come; those that begin as another one are sought before it. */
static const struct {
	const char *name;
	unsigned rank;
	uint64_t ns;
} units[] = {
	{"ms", 6, 1000000},
	{"us", 7, 1000},
	{"ns", 8, 1},
	{"w", 1, 7 * 86400 * NS_PER_SECOND},
	{"d", 2, 86400 * NS_PER_SECOND},
	{"h", 3, 3600 * NS_PER_SECOND},
	{"m", 4, 60 * NS_PER_SECOND},
	{"s", 5, NS_PER_SECOND},
};
#define RANK_DAYS 2

struct span {
	uint64_t ns;
	unsigned rank;     /* of the last unit; 0 before the first */
	bool has_fraction; /* and nothing may follow */
};

static bool add_ns(struct span *span, const struct ros_decimal *decimal, uint64_t factor)
{
	uint64_t ns;
	span->has_fraction = decimal->fraction.length > 0;
	return ros_decimal_times(decimal, factor, &ns) && !__builtin_add_overflow(span->ns, ns, &span->ns);
}

/* ":MM:SS[.fraction]" behind the hours, to the end. */
static bool read_clock(struct ros_scan *scan, struct span *span, const struct ros_decimal *hours)
{
	unsigned minutes, seconds;
	if (hours->fraction.length > 0 || span->rank > RANK_DAYS || (span->rank > 0 && hours->whole > 23))
		return false;
	if (!ros_scan_digits(scan, 2, 59, &minutes) || !ros_scan_char(scan, ':'))
		return false;
	const char *begun = scan->at;
	if (!ros_scan_digits(scan, 2, 59, &seconds))
		return false;
	struct ros_decimal rest;
	*scan = (struct ros_scan){begun, scan->left + 2};
	return ros_scan_decimal(scan, &rest) && rest.whole == seconds && scan->left == 0 &&
	       add_ns(span, hours, 3600 * NS_PER_SECOND) &&
	       add_ns(span, &(struct ros_decimal){.whole = minutes}, 60 * NS_PER_SECOND) &&
	       add_ns(span, &rest, NS_PER_SECOND);
}

static bool read_unit(struct ros_scan *scan, struct span *span, const struct ros_decimal *decimal)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!ros_scan_string(scan, units[i].name))
			continue;
		bool is_in_order = units[i].rank > span->rank && !span->has_fraction;
		span->rank = units[i].rank;
		return is_in_order && add_ns(span, decimal, units[i].ns);
	}
	/* a number alone: seconds */
	return span->rank == 0 && scan->left == 0 && add_ns(span, decimal, NS_PER_SECOND);
}

static bool read_span(struct ros_scan *scan, struct span *span)
{
	do {
		struct ros_decimal decimal;
		if (!ros_scan_decimal(scan, &decimal))
			return false;
		if (ros_scan_char(scan, ':') ? !read_clock(scan, span, &decimal) : !read_unit(scan, span, &decimal))
			return false;
	} while (scan->left > 0);
	return span->ns <= INT64_MAX;
}

enum ros_value ros_value_duration(struct ros_word text, int64_t *out_ns)
{
	struct ros_scan scan = ros_scan_of(text);
	struct span span = {0};
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	bool is_negative = ros_scan_char(&scan, '-');
	if (!read_span(&scan, &span))
		return ROS_VALUE_BAD;
	*out_ns = is_negative ? -(int64_t)span.ns : (int64_t)span.ns;
	return ROS_VALUE_OK;
}

static unsigned days_of(const struct ros_date *date)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	/* without a year it may be a leap year */
	bool is_leap = !date->has_year || (date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0));
	return days[date->month - 1] + (date->month == 2 && is_leap ? 1U : 0U);
}

static bool read_month_name(struct ros_scan *scan, unsigned *month)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	for (unsigned i = 0; i < 12 && scan->left >= 4; i++)
		if (strncasecmp(scan->at, names + 3 * i, 3) == 0 && scan->at[3] == '/') {
			*scan = (struct ros_scan){scan->at + 4, scan->left - 4};
			*month = i + 1;
			return true;
		}
	return false;
}

static bool set_day(struct ros_date *date, unsigned month, unsigned day, bool has_year, unsigned year)
{
	if (month == 0 || day == 0 || (has_year && year == 0))
		return false;
	date->has_day = true;
	date->has_year = has_year;
	date->year = (uint16_t)year;
	date->month = (uint8_t)month;
	date->day = (uint8_t)day;
	return day <= days_of(date);
}

/* "oct/18/2006", "oct/18", behind the month. */
static bool read_named_day(struct ros_scan *scan, struct ros_date *date, unsigned month)
{
	unsigned day, year = 0;
	if (!ros_scan_digits(scan, 2, 31, &day))
		return false;
	bool has_year = ros_scan_char(scan, '/');
	if (has_year && !ros_scan_digits(scan, 4, 9999, &year))
		return false;
	return set_day(date, month, day, has_year, year);
}

/* "2024-03-01", "03-01". */
static bool read_iso_day(struct ros_scan *scan, struct ros_date *date, bool has_year)
{
	unsigned year = 0, month, day;
	if (has_year && (!ros_scan_digits(scan, 4, 9999, &year) || !ros_scan_char(scan, '-')))
		return false;
	if (!ros_scan_digits(scan, 2, 12, &month) || !ros_scan_char(scan, '-') || !ros_scan_digits(scan, 2, 31, &day))
		return false;
	return set_day(date, month, day, has_year, year);
}

static bool read_time(struct ros_scan *scan, struct ros_date *date)
{
	unsigned hour, minute, second;
	if (!ros_scan_digits(scan, 2, 23, &hour) || !ros_scan_char(scan, ':') ||
	    !ros_scan_digits(scan, 2, 59, &minute) || !ros_scan_char(scan, ':') ||
	    !ros_scan_digits(scan, 2, 60, &second))
		return false;
	date->has_time = true;
	date->hour = (uint8_t)hour;
	date->minute = (uint8_t)minute;
	date->second = (uint8_t)second;
	return scan->left == 0;
}

static bool read_date(struct ros_scan *scan, struct ros_date *date)
{
	unsigned month;
	bool is_whole;
	if (read_month_name(scan, &month))
		is_whole = read_named_day(scan, date, month);
	else if (scan->left > 4 && scan->at[4] == '-')
		is_whole = read_iso_day(scan, date, true);
	else if (scan->left > 2 && scan->at[2] == '-')
		is_whole = read_iso_day(scan, date, false);
	else
		return read_time(scan, date);
	return is_whole && (scan->left == 0 || (ros_scan_char(scan, ' ') && read_time(scan, date)));
}

enum ros_value ros_value_date(struct ros_word text, struct ros_date *out)
{
	struct ros_scan scan = ros_scan_of(text);
	struct ros_date date = {0};
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (!read_date(&scan, &date))
		return ROS_VALUE_BAD;
	*out = date;
	return ROS_VALUE_OK;
}

bool ros_date_seconds(const struct ros_date *date, int32_t zone_seconds, int64_t *out)
{
	if (!date->has_year)
		return false;
	struct tm broken = {.tm_year = date->year - 1900,
			    .tm_mon = date->month - 1,
			    .tm_mday = date->day,
			    .tm_hour = date->hour,
			    .tm_min = date->minute,
			    .tm_sec = date->second};
	*out = (int64_t)timegm(&broken) - zone_seconds;
	return true;
}

enum ros_value ros_value_zone(struct ros_word text, int32_t *out_seconds)
{
	struct ros_scan scan = ros_scan_of(text);
	unsigned hours, minutes;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	bool is_west = ros_scan_char(&scan, '-');
	if ((!is_west && !ros_scan_char(&scan, '+')) || !ros_scan_digits(&scan, 2, 14, &hours) ||
	    !ros_scan_char(&scan, ':') || !ros_scan_digits(&scan, 2, 59, &minutes) || scan.left > 0)
		return ROS_VALUE_BAD;
	int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
	*out_seconds = is_west ? -seconds : seconds;
	return ROS_VALUE_OK;
}
