#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int pipe_ends[2];

static void open_pipe(void)
{
	cr_assert_eq(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_configure(pipe_ends[1], LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
}

static void close_pipe(void)
{
	log_configure(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

TestSuite(log, .init = open_pipe, .fini = close_pipe);

/* All that was logged since the last call; "" for nothing. */
static const char *logged(char out[8192])
{
	ssize_t n = read(pipe_ends[0], out, 8191);

	out[n > 0 ? n : 0] = '\0';
	return out;
}

/* The same behind the time, which is checked for its form. */
static const char *logged_after_time(char out[8192])
{
	static const char form[] =
		"^(time=|\\{\"time\":\")"
		"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z\"?[ ,]";
	regex_t regex;
	regmatch_t match;

	logged(out);
	cr_assert_eq(regcomp(&regex, form, REG_EXTENDED), 0);
	int result = regexec(&regex, out, 1, &match, 0);
	regfree(&regex);
	cr_assert_eq(result, 0, "no time: %s", out);
	return out + match.rm_eo;
}

Test(log, logfmt)
{
	char out[8192];

	log_event(LOG_LEVEL_WARN, "resolve", "quad9", "no such name (%d)", 3);
	cr_expect_str_eq(logged_after_time(out), "level=warn what=resolve target=quad9 why=\"no such name (3)\"\n");
	log_event(LOG_LEVEL_DEBUG, "config", NULL, "read");
	cr_expect_str_eq(logged_after_time(out), "level=debug what=config why=\"read\"\n");
	log_event(LOG_LEVEL_ERROR, "x", "", "%s", "");
	cr_expect_str_eq(logged_after_time(out), "level=error what=x target=\"\" why=\"\"\n");
}

Test(log, changes_while_it_runs)
{
	char out[8192];

	log_change(LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
	log_event(LOG_LEVEL_WARN, "x", NULL, "y");
	cr_expect_str_eq(logged(out), "");
	cr_expect_not(log_enabled(LOG_LEVEL_WARN));
	log_event(LOG_LEVEL_ERROR, "x", NULL, "y");
	cr_expect_str_eq(logged_after_time(out), "\"level\":\"error\",\"what\":\"x\",\"why\":\"y\"}\n");
	log_change(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	log_event(LOG_LEVEL_DEBUG, "x", NULL, "y");
	cr_expect_str_eq(logged_after_time(out), "level=debug what=x why=\"y\"\n");
}

Test(log, json)
{
	char out[8192];

	log_configure(pipe_ends[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_event(LOG_LEVEL_INFO, "resolve", "quad9", "no \"name\" \\ %s", "there");
	cr_expect_str_eq(logged_after_time(out), "\"level\":\"info\",\"what\":\"resolve\",\"target\":\"quad9\","
						 "\"why\":\"no \\\"name\\\" \\\\ there\"}\n");
	log_event(LOG_LEVEL_ERROR, "config", NULL, "bad");
	cr_expect_str_eq(logged_after_time(out), "\"level\":\"error\",\"what\":\"config\",\"why\":\"bad\"}\n");
}

Test(log, levels)
{
	char out[8192];

	for (int from = LOG_LEVEL_DEBUG; from <= LOG_LEVEL_ERROR; from++) {
		log_configure(pipe_ends[1], (enum log_level)from, LOG_FORMAT_LOGFMT);
		for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
			cr_expect_eq(log_enabled((enum log_level)level), level >= from);
			log_event((enum log_level)level, "what", NULL, "why");
			cr_expect_eq(*logged(out) != '\0', level >= from);
		}
	}
}

Test(log, quotes_targets_that_need_it)
{
	static const struct {
		const char *target, *expected;
	} table[] = {
		{"plain-1.example:80/x?y", "plain-1.example:80/x?y"},
		{"two words", "\"two words\""},
		{"a=b", "\"a=b\""},
		{"say \"x\"", "\"say \\\"x\\\"\""},
		{"back\\slash", "\"back\\\\slash\""},
		{"Z\xc3\xbcrich", "Z\xc3\xbcrich"},
		{"bad\xff", "\"bad\\xff\""},
		{"tab\t", "\"tab\\t\""},
	};
	char out[8192], expected[256];

	for (size_t i = 0; i < LENGTH(table); i++) {
		log_event(LOG_LEVEL_INFO, "w", table[i].target, "y");
		snprintf(expected, sizeof(expected), "level=info what=w target=%s why=\"y\"\n", table[i].expected);
		cr_expect_str_eq(logged_after_time(out), expected);
	}
}

/* What the kernel, a router or a certificate may put into a message. */
static const struct {
	const char *why, *logfmt, *json;
} escapes[] = {
	{"one\nlevel=error\r", "one\\nlevel=error\\r", "one\\nlevel=error\\r"},
	{"\x1b[31m\x01\x7f", "\\u001b[31m\\u0001\\u007f", "\\u001b[31m\\u0001\\u007f"},
	{"\xc2\x9b"
	 "31m\xc2\xa0",
	 "\\u009b31m\xc2\xa0", "\\u009b31m\xc2\xa0"},
	{"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
	{"\x80", "\\x80", "\\\\x80"},
	{"\xc0\xaf", "\\xc0\\xaf", "\\\\xc0\\\\xaf"},
	{"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\\\xe0\\\\x80\\\\xaf"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"},
	{"\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80", "\\\\xf0\\\\x80\\\\x80\\\\x80"},
	{"\xf5", "\\xf5", "\\\\xf5"},
	{"\xe2\x82", "\\xe2\\x82", "\\\\xe2\\\\x82"},
	{"\xf0\x9f\x98x", "\\xf0\\x9f\\x98x", "\\\\xf0\\\\x9f\\\\x98x"},
	{"\xc3\xbc\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbd", "\xc3\xbc\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbd",
	 "\xc3\xbc\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbd"},
};

Test(log, escapes_in_both_forms)
{
	char out[8192], expected[256];

	for (size_t i = 0; i < LENGTH(escapes); i++) {
		log_configure(pipe_ends[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
		log_event(LOG_LEVEL_INFO, "w", NULL, "%s", escapes[i].why);
		snprintf(expected, sizeof(expected), "level=info what=w why=\"%s\"\n", escapes[i].logfmt);
		cr_expect_str_eq(logged_after_time(out), expected);
		log_configure(pipe_ends[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
		log_event(LOG_LEVEL_INFO, "w", NULL, "%s", escapes[i].why);
		snprintf(expected, sizeof(expected), "\"level\":\"info\",\"what\":\"w\",\"why\":\"%s\"}\n",
			 escapes[i].json);
		cr_expect_str_eq(logged_after_time(out), expected);
	}
}

/* Whatever a line is made of, it is cut between whole characters and whole escapes, and ends as a line ends. */
static void check_long_line(const char *unit, const char *printed, enum log_format format, size_t target_units)
{
	static const char *const ends[] = {"...\"\n", "...\"}\n"};
	char why[6000], target[2048], out[8192];
	size_t n = strlen(unit), used = 0;

	for (; used + n < sizeof(why); used += n)
		memcpy(why + used, unit, n);
	why[used] = '\0';
	memset(target, 't', target_units);
	target[target_units] = '\0';
	log_configure(pipe_ends[1], LOG_LEVEL_INFO, format);
	log_event(LOG_LEVEL_INFO, "what", target, "%s", why);

	size_t length = strlen(logged(out));
	cr_assert_leq(length, 4096);
	cr_assert_geq(length, 4096 - 16);
	const char *end = strstr(out, ends[format]);
	cr_assert_not_null(end);
	cr_assert_eq((size_t)(end - out) + strlen(ends[format]), length);
	for (; end - strlen(printed) >= out && memcmp(end - strlen(printed), printed, strlen(printed)) == 0;)
		end -= strlen(printed);
	cr_assert_eq(end[-1], '"', "cut inside a character: %.20s", end - 10);
}

Test(log, long_lines_are_cut_between_characters)
{
	for (size_t n = 1; n < 20; n++) {
		check_long_line("x", "x", LOG_FORMAT_LOGFMT, n);
		check_long_line("\xc3\xbc", "\xc3\xbc", LOG_FORMAT_LOGFMT, n);
		check_long_line("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", LOG_FORMAT_JSON, n);
		check_long_line("\xff", "\\xff", LOG_FORMAT_LOGFMT, n);
		check_long_line("\xff", "\\\\xff", LOG_FORMAT_JSON, n);
		check_long_line("\x01", "\\u0001", LOG_FORMAT_JSON, n);
		check_long_line("\n", "\\n", LOG_FORMAT_LOGFMT, n);
	}
}

Test(log, a_long_name_leaves_room_for_the_reason)
{
	char target[5000], out[8192];

	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	for (int format = LOG_FORMAT_LOGFMT; format <= LOG_FORMAT_JSON; format++) {
		log_configure(pipe_ends[1], LOG_LEVEL_INFO, (enum log_format)format);
		log_event(LOG_LEVEL_INFO, target, target, "the reason");
		cr_expect_not_null(strstr(logged(out), "the reason"));
		cr_expect_leq(strlen(out), 4096);
	}
}

Test(log, keeps_errno)
{
	errno = ENOENT;
	log_event(LOG_LEVEL_INFO, "w", NULL, "y");
	cr_expect_eq(errno, ENOENT);
	log_configure(-1, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_event(LOG_LEVEL_INFO, "w", NULL, "nobody hears it");
	cr_expect_eq(errno, ENOENT);
}

Test(log, a_failing_format_is_an_empty_reason)
{
	char out[8192];

	log_event(LOG_LEVEL_INFO, "w", NULL, "%ls", L"\x110000");
	cr_expect_str_eq(logged_after_time(out), "level=info what=w why=\"\"\n");
}

Test(log, a_fault_is_logged_at_both_ends)
{
	struct log_fault fault = {0};
	char out[8192];

	log_fault_end(&fault, "send", "quad9");
	cr_expect_str_eq(logged(out), "");
	log_fault_begin(&fault, "send", "quad9", "no route %d", 1);
	cr_expect_str_eq(logged_after_time(out), "level=warn what=send target=quad9 why=\"no route 1\"\n");
	log_fault_begin(&fault, "send", "quad9", "no route %d", 2);
	log_fault_begin(&fault, "send", "quad9", "no route %d", 3);
	cr_expect_str_eq(logged(out), "");
	cr_expect_eq(fault.times, 3);
	log_fault_end(&fault, "send", "quad9");
	const char *line = logged_after_time(out);
	cr_expect_eq(strncmp(line, "level=info what=send target=quad9 why=\"over: happened 3 times in ", 64), 0, "%s",
		     line);
	cr_expect_eq(fault.since_ns, 0);
	cr_expect_eq(fault.times, 0);
	log_fault_end(&fault, "send", "quad9");
	cr_expect_str_eq(logged(out), "");
	log_fault_begin(&fault, "send", NULL, "again");
	cr_expect_str_eq(logged_after_time(out), "level=warn what=send why=\"again\"\n");
	log_fault_end(&fault, "send", NULL);
	cr_expect_not_null(strstr(logged_after_time(out), "happened 1 time in "));
}

Test(log, a_silenced_fault_is_counted_all_the_same)
{
	struct log_fault fault = {0};
	char out[8192];

	log_configure(pipe_ends[1], LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	log_fault_begin(&fault, "send", NULL, "x");
	cr_expect_eq(fault.times, 1);
	cr_expect_neq(fault.since_ns, 0);
	log_fault_end(&fault, "send", NULL);
	cr_expect_str_eq(logged(out), "");
}

#define THREADS      4
#define THREAD_LINES 300

static void *log_many(void *argument)
{
	char why[3000];

	memset(why, *(const char *)argument, sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	for (int i = 0; i < THREAD_LINES; i++)
		log_event(LOG_LEVEL_INFO, "w", NULL, "%s", why);
	return NULL;
}

/* Is the line of n bytes whole, and by one writer alone? */
static bool is_whole(const char *line, size_t n)
{
	const char *why = memmem(line, n, "why=\"", 5);

	if (why == NULL || line + n - (why + 5) != 3001 || line[0] != 't')
		return false;
	for (int i = 0; i < 2999; i++)
		if (why[5 + i] != why[5])
			return false;
	return true;
}

Test(log, lines_of_several_threads_stay_whole)
{
	pthread_t threads[THREADS];
	char *buffer = malloc(8192);
	size_t length = 0, lines = 0;

	fcntl(pipe_ends[0], F_SETFL, 0);
	fcntl(pipe_ends[1], F_SETFL, 0);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, log_many, &"abcd"[i]), 0);
	while (lines < THREADS * THREAD_LINES) {
		ssize_t n = read(pipe_ends[0], buffer + length, 8192 - length);

		cr_assert_gt(n, 0);
		length += (size_t)n;
		for (char *end; (end = memchr(buffer, '\n', length)) != NULL; lines++) {
			size_t line_length = (size_t)(end + 1 - buffer);

			cr_assert(is_whole(buffer, line_length));
			memmove(buffer, end + 1, length - line_length);
			length -= line_length;
		}
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(length, 0);
	free(buffer);
}
