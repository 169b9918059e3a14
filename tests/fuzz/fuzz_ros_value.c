/* Values and texts of a router: whatever is not read leaves its output as it was; what is read can be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/ros_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BEFORE 77

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_whole_numbers(struct ros_word word)
{
	uint64_t counter = BEFORE, bytes = BEFORE, rate = BEFORE;
	int64_t integer = BEFORE, ns = BEFORE;
	expect(ros_value_unsigned(word, &counter) == ROS_VALUE_OK || counter == BEFORE);
	expect(ros_value_integer(word, &integer) == ROS_VALUE_OK || integer == BEFORE);
	expect(ros_value_size(word, &bytes) == ROS_VALUE_OK || bytes == BEFORE);
	expect(ros_value_rate(word, &rate) == ROS_VALUE_OK || rate == BEFORE);
	expect(ros_value_duration(word, &ns) == ROS_VALUE_OK || ns == BEFORE);
	if (ros_value_integer(word, &integer) == ROS_VALUE_OK && integer > 0) {
		expect(ros_value_unsigned(word, &counter) == ROS_VALUE_OK && counter == (uint64_t)integer);
		expect(ros_value_size(word, &bytes) == ROS_VALUE_OK && bytes == counter);
		expect(ros_value_rate(word, &rate) == ROS_VALUE_OK && rate == counter);
	}
}

static void check_numbers(struct ros_word word)
{
	static const char *const units[] = {NULL, "C", "mV", "MHz", "%", "nm"};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double value = BEFORE;
		expect(ros_value_number(word, units[i], &value) == ROS_VALUE_OK || value == BEFORE);
		expect(isfinite(value));
	}
	double ratio = BEFORE;
	expect(ros_value_ratio(word, &ratio) == ROS_VALUE_OK || ratio == BEFORE);
}

static void check_dates(struct ros_word word)
{
	struct ros_date date = {.year = BEFORE};
	int64_t seconds;
	int32_t zone = BEFORE;
	if (ros_value_date(word, &date) != ROS_VALUE_OK) {
		expect(date.year == BEFORE && !date.has_day && !date.has_time);
	} else {
		expect(date.has_day || date.has_time);
		expect(!date.has_day || (date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31));
		expect(date.hour <= 23 && date.minute <= 59 && date.second <= 60);
		expect(ros_date_seconds(&date, 0, &seconds) == date.has_year);
	}
	expect(ros_value_zone(word, &zone) == ROS_VALUE_OK || zone == BEFORE);
}

static void check_others(struct ros_word word)
{
	uint8_t mac[ROS_MAC_BYTES];
	bool flag;
	struct ros_version version = {.major = BEFORE};
	struct ros_word first, second, list = word, item;
	size_t n = 0;
	ros_value_mac(word, mac);
	ros_value_bool(word, &flag);
	if (ros_value_version(word, &version) == ROS_VALUE_OK)
		expect(ros_version_compare(&version, &version) == 0 && version.channel.length < word.length);
	else
		expect(version.major == BEFORE);
	bool is_pair = ros_value_split(word, '/', &first, &second);
	expect(first.length + second.length + is_pair == word.length);
	while (ros_value_next(&list, &item))
		n++;
	expect(n <= word.length);
}

static void check_text(const char *page, struct ros_word word)
{
	struct ros_text *text = ros_text_open(page, NULL);
	struct text out = {0}, cut = {0};
	expect(text != NULL);
	expect(ros_text_add(text, word, SIZE_MAX, &out));
	expect(utf8_length(out.bytes, out.length) == out.length);
	expect(!ros_text_is_plain(word) || out.length == word.length);
	expect(ros_text_add(text, word, word.length / 2, &cut) == (out.length <= word.length / 2));
	expect(cut.length <= word.length / 2 && utf8_length(cut.bytes, cut.length) == cut.length);
	text_free(&out);
	text_free(&cut);
	ros_text_close(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ros_word word = {(const char *)data, size};
	if (size > 65536)
		return 0;
	check_whole_numbers(word);
	check_numbers(word);
	check_dates(word);
	check_others(word);
	check_text(NULL, word);
	check_text("windows-1251", word);
	check_text("GBK", word);
	return 0;
}
