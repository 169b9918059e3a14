#include "probes/routeros/ros_value.h"

#include <string.h>

#include "probes/routeros/ros_scan.h"

static const char *const none_words[] = {"", "never", "none", "infinity", "unlimited", "unknown", "n/a", "not-present"};

bool ros_scan_is_none(struct ros_word text)
{
	for (size_t i = 0; i < sizeof(none_words) / sizeof(none_words[0]); i++)
		if (ros_word_equals(text, none_words[i]))
			return true;
	return false;
}

struct ros_scan ros_scan_of(struct ros_word text)
{
	return (struct ros_scan){.at = text.bytes, .left = text.length};
}

bool ros_scan_char(struct ros_scan *scan, char c)
{
	if (scan->left == 0 || *scan->at != c)
		return false;
	scan->at++;
	scan->left--;
	return true;
}

bool ros_scan_string(struct ros_scan *scan, const char *string)
{
	size_t n = strlen(string);
	if (scan->left < n || memcmp(scan->at, string, n) != 0)
		return false;
	scan->at += n;
	scan->left -= n;
	return true;
}

static bool at_digit(const struct ros_scan *scan)
{
	return scan->left > 0 && *scan->at >= '0' && *scan->at <= '9';
}

bool ros_scan_number(struct ros_scan *scan, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (!at_digit(scan))
		return false;
	for (; at_digit(scan); scan->at++, scan->left--) {
		unsigned digit = (unsigned)(*scan->at - '0');
		if (value > max / 10 || value * 10 > max - digit)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool ros_scan_digits(struct ros_scan *scan, unsigned n, unsigned max, unsigned *out)
{
	unsigned value = 0;
	for (unsigned i = 0; i < n; i++, scan->at++, scan->left--) {
		if (!at_digit(scan))
			return false;
		value = value * 10 + (unsigned)(*scan->at - '0');
	}
	*out = value;
	return value <= max;
}

bool ros_scan_decimal(struct ros_scan *scan, struct ros_decimal *out)
{
	*out = (struct ros_decimal){0};
	if (!ros_scan_number(scan, UINT64_MAX, &out->whole))
		return false;
	if (!ros_scan_char(scan, '.'))
		return true;
	out->fraction.bytes = scan->at;
	for (; at_digit(scan); scan->at++, scan->left--)
		out->fraction.length++;
	return out->fraction.length > 0;
}

/* Cutting off at each digit, from the last to the first, is the same as cutting off once. */
bool ros_decimal_times(const struct ros_decimal *decimal, uint64_t factor, uint64_t *out)
{
	uint64_t fraction = 0;
	for (size_t i = decimal->fraction.length; i-- > 0;)
		fraction = (fraction + (uint64_t)(decimal->fraction.bytes[i] - '0') * factor) / 10;
	return !__builtin_mul_overflow(decimal->whole, factor, out) && !__builtin_add_overflow(*out, fraction, out);
}

static enum ros_value read_hexadecimal(struct ros_scan *scan, uint64_t *out)
{
	uint64_t value = 0;
	if (scan->left == 0 || scan->left > 16)
		return ROS_VALUE_BAD;
	for (; scan->left > 0; scan->at++, scan->left--) {
		int digit = ros_scan_hex(*scan->at);
		if (digit < 0)
			return ROS_VALUE_BAD;
		value = value << 4 | (unsigned)digit;
	}
	*out = value;
	return ROS_VALUE_OK;
}

int ros_scan_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum ros_value ros_value_unsigned(struct ros_word text, uint64_t *out)
{
	struct ros_scan scan = ros_scan_of(text);
	uint64_t value;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (ros_scan_string(&scan, "0x"))
		return read_hexadecimal(&scan, out);
	if (!ros_scan_number(&scan, UINT64_MAX, &value) || scan.left > 0)
		return ROS_VALUE_BAD;
	*out = value;
	return ROS_VALUE_OK;
}

enum ros_value ros_value_integer(struct ros_word text, int64_t *out)
{
	struct ros_scan scan = ros_scan_of(text);
	uint64_t value;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	bool is_negative = ros_scan_char(&scan, '-');
	if (!ros_scan_number(&scan, (uint64_t)INT64_MAX + is_negative, &value) || scan.left > 0)
		return ROS_VALUE_BAD;
	*out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return ROS_VALUE_OK;
}

struct suffix {
	const char *name;
	uint64_t factor;
};

/* The factor of the whole rest. */
static bool find_suffix(const struct suffix *suffixes, const struct ros_scan *scan, uint64_t *factor)
{
	for (; suffixes->name; suffixes++)
		if (ros_word_equals((struct ros_word){scan->at, scan->left}, suffixes->name)) {
			*factor = suffixes->factor;
			return true;
		}
	return false;
}

#define KILO UINT64_C(1000)
#define KIBI UINT64_C(1024)

static const struct suffix size_suffixes[] = {
	{"", 1},
	{"B", 1},
	{"KiB", KIBI},
	{"MiB", KIBI *KIBI},
	{"GiB", KIBI *KIBI *KIBI},
	{"TiB", KIBI *KIBI *KIBI *KIBI},
	{"k", KILO},
	{"K", KILO},
	{"kB", KILO},
	{"M", KILO *KILO},
	{"MB", KILO *KILO},
	{"G", KILO *KILO *KILO},
	{"GB", KILO *KILO *KILO},
	{"T", KILO *KILO *KILO *KILO},
	{"TB", KILO *KILO *KILO *KILO},
	{NULL, 0},
};

static const struct suffix rate_suffixes[] = {
	{"", 1},
	{"bps", 1},
	{"k", KILO},
	{"K", KILO},
	{"kbps", KILO},
	{"Kbps", KILO},
	{"M", KILO *KILO},
	{"Mbps", KILO *KILO},
	{"G", KILO *KILO *KILO},
	{"Gbps", KILO *KILO *KILO},
	{"T", KILO *KILO *KILO *KILO},
	{"Tbps", KILO *KILO *KILO *KILO},
	{NULL, 0},
};

static enum ros_value read_with_suffix(struct ros_word text, const struct suffix *suffixes, uint64_t *out)
{
	struct ros_scan scan = ros_scan_of(text);
	struct ros_decimal decimal;
	uint64_t factor, value;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (!ros_scan_decimal(&scan, &decimal) || !find_suffix(suffixes, &scan, &factor) ||
	    !ros_decimal_times(&decimal, factor, &value))
		return ROS_VALUE_BAD;
	*out = value;
	return ROS_VALUE_OK;
}

enum ros_value ros_value_size(struct ros_word text, uint64_t *out_bytes)
{
	return read_with_suffix(text, size_suffixes, out_bytes);
}

enum ros_value ros_value_rate(struct ros_word text, uint64_t *out)
{
	struct ros_word rate, channel;
	/* "65Mbps-20MHz/1S": how the rate comes about is told behind it */
	if (ros_value_split(text, '-', &rate, &channel) && rate.length > 3 &&
	    memcmp(rate.bytes + rate.length - 3, "bps", 3) == 0)
		text = rate;
	return read_with_suffix(text, rate_suffixes, out);
}

enum ros_value ros_value_bool(struct ros_word text, bool *out)
{
	if (text.length == 0 || ros_word_equals(text, "true") || ros_word_equals(text, "yes"))
		*out = true;
	else if (ros_word_equals(text, "false") || ros_word_equals(text, "no"))
		*out = false;
	else
		return ros_scan_is_none(text) ? ROS_VALUE_NONE : ROS_VALUE_BAD;
	return ROS_VALUE_OK;
}

enum ros_value ros_value_mac(struct ros_word text, uint8_t out[ROS_MAC_BYTES])
{
	uint8_t bytes[ROS_MAC_BYTES];
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (text.length != ROS_MAC_BYTES * 3 - 1)
		return ROS_VALUE_BAD;
	for (size_t i = 0; i < ROS_MAC_BYTES; i++) {
		const char *at = text.bytes + 3 * i;
		int high = ros_scan_hex(at[0]), low = ros_scan_hex(at[1]);
		if (high < 0 || low < 0 || (i + 1 < ROS_MAC_BYTES && at[2] != ':'))
			return ROS_VALUE_BAD;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(out, bytes, sizeof(bytes));
	return ROS_VALUE_OK;
}

static bool read_stage(struct ros_scan *scan, struct ros_version *out)
{
	static const char *const stages[] = {"alpha", "beta", "rc"};
	uint64_t number;
	out->stage = ROS_STAGE_RELEASE;
	for (uint8_t i = 0; i < ROS_STAGE_RELEASE; i++) {
		if (!ros_scan_string(scan, stages[i]))
			continue;
		if (!ros_scan_number(scan, UINT16_MAX, &number))
			return false;
		out->stage = i;
		out->stage_number = (uint16_t)number;
	}
	return true;
}

static bool read_channel(struct ros_scan *scan, struct ros_version *out)
{
	if (scan->left == 0)
		return true;
	if (!ros_scan_string(scan, " (") || scan->left < 2 || scan->at[scan->left - 1] != ')')
		return false;
	out->channel = (struct ros_word){scan->at, scan->left - 1};
	return true;
}

enum ros_value ros_value_version(struct ros_word text, struct ros_version *out)
{
	struct ros_scan scan = ros_scan_of(text);
	struct ros_version version = {0};
	uint64_t major, minor, patch = 0;
	if (ros_scan_is_none(text))
		return ROS_VALUE_NONE;
	if (!ros_scan_number(&scan, UINT16_MAX, &major) || !ros_scan_char(&scan, '.') ||
	    !ros_scan_number(&scan, UINT16_MAX, &minor))
		return ROS_VALUE_BAD;
	if (ros_scan_char(&scan, '.') && !ros_scan_number(&scan, UINT16_MAX, &patch))
		return ROS_VALUE_BAD;
	if (!read_stage(&scan, &version) || !read_channel(&scan, &version))
		return ROS_VALUE_BAD;
	version.major = (uint16_t)major;
	version.minor = (uint16_t)minor;
	version.patch = (uint16_t)patch;
	*out = version;
	return ROS_VALUE_OK;
}

int ros_version_compare(const struct ros_version *a, const struct ros_version *b)
{
	const int differences[] = {a->major - b->major, a->minor - b->minor, a->patch - b->patch, a->stage - b->stage,
				   a->stage_number - b->stage_number};
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
		if (differences[i] != 0)
			return differences[i];
	return 0;
}

bool ros_version_is_since(const struct ros_version *version, uint16_t major, uint16_t minor)
{
	struct ros_version since = {.major = major, .minor = minor, .stage = ROS_STAGE_RELEASE};
	return ros_version_compare(version, &since) >= 0;
}

bool ros_value_split(struct ros_word text, char separator, struct ros_word *first, struct ros_word *second)
{
	const char *at = text.length ? memchr(text.bytes, separator, text.length) : NULL;
	*first = text;
	*second = (struct ros_word){0};
	if (!at)
		return false;
	first->length = (size_t)(at - text.bytes);
	*second = (struct ros_word){at + 1, text.length - first->length - 1};
	return true;
}

bool ros_value_next(struct ros_word *list, struct ros_word *item)
{
	if (list->length == 0)
		return false;
	ros_value_split(*list, ',', item, list);
	return true;
}
