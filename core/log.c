#include "core/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

/* A write of up to PIPE_BUF bytes to a pipe is never mixed with those of other threads: no lock is needed. */
#define LINE_SIZE 4096
_Static_assert(LINE_SIZE <= PIPE_BUF, "a line must be written atomically");

/* So that a target with a monstrous name leaves room for what happened. */
#define NAME_MAX_BYTES 1024

/* "..." of a line that was cut, the closing quote and bracket, the newline. */
#define LINE_TAIL 6

/* Level and form may change while other threads log. */
static struct {
	int descriptor;
	atomic_int level;  /* enum log_level */
	atomic_int format; /* enum log_format */
} sink = {STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT};

/* A line in the making. limit: where the present field must end. */
struct line {
	char bytes[LINE_SIZE];
	size_t length;
	size_t limit;
	bool is_json; /* for the whole line, whatever the sink is set to meanwhile */
};

/* A piece that does not fit as a whole is left out. */
static bool line_add(struct line *line, const char *bytes, size_t n)
{
	if (n > line->limit - line->length)
		return false;
	memcpy(line->bytes + line->length, bytes, n);
	line->length += n;
	return true;
}

static bool line_add_string(struct line *line, const char *string)
{
	return line_add(line, string, strlen(string));
}

/* Length of the well-formed UTF-8 sequence at bytes (RFC 3629, section 4), or 0. Ends at the NUL at the latest. */
static size_t utf8_length(const unsigned char *bytes)
{
	unsigned char first = bytes[0], low = 0x80, high = 0xbf;
	size_t n;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	/* The second byte rules out overlong forms, surrogates and what is beyond U+10FFFF. */
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* U+0000 to U+001F, U+007F and U+0080 to U+009F: a terminal obeys them. */
static bool is_control(const unsigned char *bytes)
{
	return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

/* How the character at bytes, n bytes long (0 = not UTF-8), is written inside quotes. Returns the length. A byte that
 * is not UTF-8 becomes \xNN; JSON knows no such escape, so there it is the text "\xNN". */
static size_t escape(char out[8], const unsigned char *bytes, size_t n, bool is_json)
{
	static const char shorthand[] = "\"\"\\\\\nn\tt\rr";

	if (n == 0)
		return (size_t)snprintf(out, 8, is_json ? "\\\\x%02x" : "\\x%02x", *bytes);
	for (const char *pair = shorthand; *pair != '\0'; pair += 2) {
		if (bytes[0] == (unsigned char)pair[0]) {
			out[0] = '\\';
			out[1] = pair[1];
			return 2;
		}
	}
	if (is_control(bytes))
		return (size_t)snprintf(out, 8, "\\u%04x", n == 1 ? bytes[0] : bytes[1]);
	memcpy(out, bytes, n);
	return n;
}

/* Escaped text; cut with "..." where it does not fit before the line's limit. */
static void line_add_escaped(struct line *line, const char *text)
{
	const unsigned char *next = (const unsigned char *)text;

	while (*next != '\0') {
		char out[8];
		size_t n = utf8_length(next);

		if (!line_add(line, out, escape(out, next, n, line->is_json))) {
			line->limit += 3;
			line_add(line, "...", 3);
			return;
		}
		next += n > 0 ? n : 1;
	}
}

/* Can the text stand in logfmt without quotes? */
static bool is_plain(const char *text)
{
	const unsigned char *next = (const unsigned char *)text;
	size_t n;

	if (*next == '\0')
		return false;
	for (; *next != '\0'; next += n) {
		n = utf8_length(next);
		if (n == 0 || is_control(next) || strchr(" =\"\\", *next) != NULL)
			return false;
	}
	return true;
}

/* One field. limit: where it has to end at the latest, with its quote and its "...". */
static void line_add_field(struct line *line, const char *name, const char *value, size_t limit)
{
	bool is_first = line->length == 0;
	bool is_quoted = line->is_json || strcmp(name, "why") == 0 || !is_plain(value);

	line->limit = limit - LINE_TAIL;
	if (line->is_json) {
		line_add_string(line, is_first ? "{\"" : ",\"");
		line_add_string(line, name);
		line_add_string(line, "\":");
	} else {
		line_add_string(line, is_first ? "" : " ");
		line_add_string(line, name);
		line_add_string(line, "=");
	}
	if (is_quoted)
		line_add(line, "\"", 1);
	line_add_escaped(line, value);
	line->limit = limit;
	if (is_quoted)
		line_add(line, "\"", 1);
}

/* RFC 3339, UTC, milliseconds. */
static void print_time(char out[40], int64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_SECOND);
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 40 - n, ".%03uZ", (unsigned)(realtime_ns % NS_PER_SECOND / NS_PER_MS));
}

/* A log that cannot be written has nobody to tell. */
static void write_line(const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(sink.descriptor, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		n -= (size_t)written;
	}
}

static bool sink_is_json(void)
{
	return atomic_load_explicit(&sink.format, memory_order_relaxed) == LOG_FORMAT_JSON;
}

static void log_arguments(enum log_level level, const char *what, const char *target, const char *format,
			  va_list arguments)
{
	static const char *const level_names[] = {"debug", "info", "warn", "error"};
	int saved_errno = errno;
	struct line line = {.length = 0, .is_json = sink_is_json()};
	char time[40], why[LINE_SIZE];

	if (vsnprintf(why, sizeof(why), format, arguments) < 0)
		why[0] = '\0';
	print_time(time, clock_realtime_ns());
	line_add_field(&line, "time", time, LINE_SIZE);
	line_add_field(&line, "level", level_names[level], LINE_SIZE);
	line_add_field(&line, "what", what, line.length + NAME_MAX_BYTES);
	if (target != NULL)
		line_add_field(&line, "target", target, line.length + NAME_MAX_BYTES);
	line_add_field(&line, "why", why, LINE_SIZE - 2);
	line.limit = LINE_SIZE;
	line_add_string(&line, line.is_json ? "}\n" : "\n");
	write_line(line.bytes, line.length);
	errno = saved_errno;
}

void log_configure(int descriptor, enum log_level level, enum log_format format)
{
	sink.descriptor = descriptor;
	log_change(level, format);
}

void log_change(enum log_level level, enum log_format format)
{
	atomic_store_explicit(&sink.level, (int)level, memory_order_relaxed);
	atomic_store_explicit(&sink.format, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

void log_event(enum log_level level, const char *what, const char *target, const char *format, ...)
{
	va_list arguments;

	if (!log_enabled(level))
		return;
	va_start(arguments, format);
	log_arguments(level, what, target, format, arguments);
	va_end(arguments);
}

void log_fault_begin(struct log_fault *fault, const char *what, const char *target, const char *format, ...)
{
	va_list arguments;

	fault->times++;
	if (fault->since_ns != 0)
		return;
	int64_t now_ns = clock_monotonic_ns();
	fault->since_ns = now_ns != 0 ? now_ns : 1; /* 0 means no fault */
	if (!log_enabled(LOG_LEVEL_WARN))
		return;
	va_start(arguments, format);
	log_arguments(LOG_LEVEL_WARN, what, target, format, arguments);
	va_end(arguments);
}

void log_fault_end(struct log_fault *fault, const char *what, const char *target)
{
	if (fault->since_ns == 0)
		return;
	log_event(LOG_LEVEL_INFO, what, target, "over: happened %llu time%s in %.3f s",
		  (unsigned long long)fault->times, fault->times == 1 ? "" : "s",
		  clock_seconds(clock_monotonic_ns() - fault->since_ns));
	*fault = (struct log_fault){0};
}
