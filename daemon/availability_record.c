#include "daemon/availability_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SUM_DIGITS 8
/* What lies beyond has no hour that can be told. */
#define CHANGE_MOST_MS (INT64_C(3600000) * UINT32_MAX)

static uint32_t sum_of(const void *bytes, size_t n)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, n);
}

static bool read_sum(const char *text, uint32_t *sum)
{
	*sum = 0;
	for (int i = 0; i < SUM_DIGITS; i++) {
		const char *digit = text[i] ? strchr("0123456789abcdef", text[i]) : NULL;

		if (!digit)
			return false;
		*sum = *sum << 4 | (uint32_t)(strchr("0123456789abcdef", text[i]) - "0123456789abcdef");
	}
	return true;
}

/* --- the first line ---------------------------------------------------------------------------------------------- */

#define HEAD_TEXT   "netsonde availability 1 "
#define HEAD_DIGITS 20

void availability_head_write(char out[AVAILABILITY_HEAD_BYTES], int64_t alive_ms)
{
	char text[128];
	int n = snprintf(text, sizeof(text), HEAD_TEXT "%020" PRId64, alive_ms < 0 ? 0 : alive_ms);

	n += snprintf(text + n, sizeof(text) - (size_t)n, " %08" PRIx32, sum_of(text, (size_t)n));
	memset(out, ' ', AVAILABILITY_HEAD_BYTES);
	memcpy(out, text, (size_t)n);
	out[AVAILABILITY_HEAD_BYTES - 1] = '\n';
}

bool availability_head_read(const char *bytes, size_t n, int64_t *alive_ms)
{
	char wanted[AVAILABILITY_HEAD_BYTES], digits[HEAD_DIGITS + 1] = "";

	if (n < AVAILABILITY_HEAD_BYTES || memcmp(bytes, HEAD_TEXT, strlen(HEAD_TEXT)) != 0)
		return false;
	/* There is no NUL behind the bytes. */
	memcpy(digits, bytes + strlen(HEAD_TEXT), HEAD_DIGITS);
	*alive_ms = strtoll(digits, NULL, 10);
	availability_head_write(wanted, *alive_ms);
	return memcmp(wanted, bytes, sizeof(wanted)) == 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* A name without the characters that divide a line. */
static void add_name(struct text *out, const char *name)
{
	for (; *name; name++) {
		switch (*name) {
		case '\\':
			text_add(out, "\\\\");
			break;
		case '\n':
			text_add(out, "\\n");
			break;
		case '\t':
			text_add(out, "\\t");
			break;
		default:
			text_add_char(out, *name);
		}
	}
}

static void add_body(struct text *out, const struct availability_record *record)
{
	switch (record->kind) {
	case AVAILABILITY_RECORD_GAP:
		text_add_format(out, "gap %" PRId64 " %" PRId64, record->at_ms, record->to_ms);
		return;
	case AVAILABILITY_RECORD_CHANGE:
		text_add_format(out, "change %" PRId64 " %d", record->change.at_ms, record->change.state);
		break;
	case AVAILABILITY_RECORD_HOUR:
		text_add_format(out, "hour %" PRId64 " %" PRIu32 " %" PRIu32 " %" PRIu32, record->hour.hour,
				record->hour.down_ms, record->hour.hidden_ms, record->hour.outages);
		break;
	case AVAILABILITY_RECORD_LEFT:
		text_add_format(out, "left %" PRId64, record->at_ms);
		break;
	}
	text_add_char(out, '\t');
	add_name(out, record->target);
	text_add_char(out, '\t');
	add_name(out, record->probe);
}

void availability_record_write(struct text *out, const struct availability_record *record)
{
	char sum[SUM_DIGITS + 1];
	size_t start = out->length;

	text_add(out, "00000000 ");
	add_body(out, record);
	if (out->overflowed)
		return;
	size_t body = start + SUM_DIGITS + 1;
	snprintf(sum, sizeof(sum), "%08" PRIx32, sum_of(out->bytes + body, out->length - body));
	memcpy(out->bytes + start, sum, SUM_DIGITS);
	text_add_char(out, '\n');
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* The next number of the text, which goes on behind it. */
static bool take_number(char **at, int64_t most, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(*at, &end, 10);
	if (end == *at || errno != 0 || *number < 0 || *number > most || (*end != ' ' && *end != '\t' && *end != '\0'))
		return false;
	*at = *end ? end + 1 : end;
	return true;
}

/* Makes of an escaped name what it was, in its place. */
static void restore_name(char *name)
{
	char *out = name;

	for (; *name; name++) {
		if (*name != '\\' || name[1] == '\0') {
			*out++ = *name;
			continue;
		}
		name++;
		*out++ = (char)(*name == 'n' ? '\n' : *name == 't' ? '\t' : *name);
	}
	*out = '\0';
}

static bool take_names(char *at, struct availability_record *record)
{
	char *tab = strchr(at, '\t');

	if (!tab || tab == at || tab[1] == '\0' || strchr(tab + 1, '\t'))
		return false;
	*tab = '\0';
	restore_name(at);
	restore_name(tab + 1);
	record->target = at;
	record->probe = tab + 1;
	return true;
}

static bool read_gap(char *at, struct availability_record *record)
{
	record->kind = AVAILABILITY_RECORD_GAP;
	return take_number(&at, INT64_MAX, &record->at_ms) && take_number(&at, INT64_MAX, &record->to_ms) &&
	       *at == '\0';
}

static bool read_change(char *at, struct availability_record *record)
{
	int64_t state;

	record->kind = AVAILABILITY_RECORD_CHANGE;
	if (!take_number(&at, CHANGE_MOST_MS, &record->change.at_ms) || !take_number(&at, AVAILABILITY_DOWN, &state))
		return false;
	record->change.state = (enum availability_state)state;
	return take_names(at, record);
}

static bool read_hour(char *at, struct availability_record *record)
{
	struct availability_hour *hour = &record->hour;
	int64_t down_ms, hidden_ms, outages;

	record->kind = AVAILABILITY_RECORD_HOUR;
	if (!take_number(&at, UINT32_MAX, &hour->hour) || !take_number(&at, UINT32_MAX, &down_ms) ||
	    !take_number(&at, UINT32_MAX, &hidden_ms) || !take_number(&at, UINT32_MAX, &outages))
		return false;
	hour->down_ms = (uint32_t)down_ms;
	hour->hidden_ms = (uint32_t)hidden_ms;
	hour->outages = (uint32_t)outages;
	return take_names(at, record);
}

static bool read_left(char *at, struct availability_record *record)
{
	record->kind = AVAILABILITY_RECORD_LEFT;
	return take_number(&at, INT64_MAX, &record->at_ms) && take_names(at, record);
}

bool availability_record_read(char *line, struct availability_record *record)
{
	static const struct {
		const char *word;
		bool (*read)(char *at, struct availability_record *record);
	} kinds[] = {{"gap ", read_gap}, {"change ", read_change}, {"hour ", read_hour}, {"left ", read_left}};
	uint32_t sum;

	memset(record, 0, sizeof(*record));
	if (!read_sum(line, &sum) || line[SUM_DIGITS] != ' ')
		return false;
	line += SUM_DIGITS + 1;
	if (sum_of(line, strlen(line)) != sum)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].word);

		if (strncmp(line, kinds[i].word, n) == 0)
			return kinds[i].read(line + n, record);
	}
	return false;
}
