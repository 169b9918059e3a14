/*
 * "netsonde probe traceroute HOST" as a table over many runs: refreshed on a terminal, or printed at the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/manual.h"
#include "daemon/probe_usage.h"
#include "daemon/terminal.h"
#include "daemon/trace_json.h"
#include "daemon/trace_summary.h"
#include "daemon/trace_table.h"

#define CYCLES_DEFAULT 10
#define CYCLES_MAX     1000000
#define PACE_DEFAULT   NS_PER_SECOND
#define RETRY_NS       (10 * NS_PER_MS)
#define TIME_SIZE      64
#define SAID_SIZE      256

/* A run may take longer than the pause between two. */
#define RUN_INTERVAL "86400"

struct trace_show {
	struct manual *manual;
	bool is_screen;
	uint64_t cycles; /* runs after which it ends; 0 = none */
	int64_t pace_ns; /* from one run's begin to the next one's */
	const char *transport;
	struct trace_summary summary;

	struct terminal *terminal; /* while there is a screen */
	struct watch *keys;
	struct alarm next; /* run */
	int64_t begun_ns;
	bool is_running, is_paused, is_ending, is_hopeless, hides_names;
	char said[SAID_SIZE]; /* last by the log of a run */
	struct text text;
};

/* --- flags and options -------------------------------------------------------------------------------------------- */

static int read_cycles(struct trace_show *show, const char *value)
{
	char *end;
	unsigned long cycles;

	if (!value)
		return -1;
	errno = 0;
	cycles = strtoul(value, &end, 10);
	if (*end || end == value || value[0] == '-' || errno || cycles == 0 || cycles > CYCLES_MAX)
		return command_refuse("probe", "--cycles=%s: a number from 1 to %d", value, CYCLES_MAX);
	show->cycles = cycles;
	return -1;
}

int trace_show_create(struct manual *manual, const struct command_line *line)
{
	const char *cycles = line->values[PROBE_FLAG_CYCLES];
	bool is_report = line->values[PROBE_FLAG_REPORT] || (cycles && manual->is_json);
	bool is_once = line->values[PROBE_FLAG_ONCE];
	struct trace_show *show;

	if (is_once && (is_report || cycles))
		return command_refuse("probe", "--once is one run: it goes neither with --report nor with --cycles");
	if (is_once || (manual->is_json && !is_report))
		return -1;
	show = mem_zero(1, sizeof(*show));
	manual->trace = show;
	show->manual = manual;
	show->pace_ns = PACE_DEFAULT;
	show->is_screen = !is_report && terminal_is_usable(STDOUT_FILENO);
	show->cycles = show->is_screen ? 0 : CYCLES_DEFAULT;
	trace_summary_prepare(&show->summary);
	return read_cycles(show, cycles);
}

void trace_show_free(struct trace_show *show)
{
	if (!show)
		return;
	trace_summary_free(&show->summary);
	text_free(&show->text);
	mem_free(show);
}

/* The settings of a type are known by the names of its options only. */
static const void *setting(const struct manual *manual, const char *name, enum option_kind kind)
{
	const struct option *option = option_find(manual->type->options, manual->type->noptions, name);

	return option && option->kind == kind ? (const char *)manual->settings + option->offset : NULL;
}

int trace_show_set_defaults(struct manual *manual)
{
	return manual_set_option(manual, "attempts", "1");
}

static const char *transport_of(const struct manual *manual)
{
	const struct option *option = option_find(manual->type->options, manual->type->noptions, "transport");
	int choice;

	if (!option || option->kind != OPTION_CHOICE)
		return "";
	memcpy(&choice, (const char *)manual->settings + option->offset, sizeof(choice));
	return option->choices[choice];
}

int trace_show_set_pace(struct manual *manual, bool is_given)
{
	const void *interval = setting(manual, "interval", OPTION_SECONDS);
	struct trace_show *show = manual->trace;

	show->transport = transport_of(manual);
	if (is_given && interval)
		memcpy(&show->pace_ns, interval, sizeof(show->pace_ns));
	return manual_set_option(manual, "interval", RUN_INTERVAL);
}

/* --- showing ------------------------------------------------------------------------------------------------------ */

static void format_now(char out[TIME_SIZE])
{
	time_t now = (time_t)(clock_realtime_ns() / NS_PER_SECOND);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm);
}

static struct trace_view make_view(const struct trace_show *show, const char *time)
{
	return (struct trace_view){
		.target = show->manual->target,
		.transport = show->transport,
		.time = time,
		.has_names = !show->hides_names,
		.has_colours = terminal_has_colours(STDOUT_FILENO),
		.is_paused = show->is_paused,
	};
}

static void draw(struct trace_show *show)
{
	char time[TIME_SIZE] = "";
	struct trace_view view = make_view(show, time);
	struct terminal_size size;

	if (!show->terminal)
		return;
	format_now(time);
	size = terminal_size(show->terminal);
	view.columns = size.columns;
	view.rows = size.rows;
	view.has_keys = terminal_has_keys(show->terminal);
	text_clear(&show->text);
	trace_table_write(&show->summary, &view, &show->text);
	terminal_draw(show->terminal, &show->text);
}

/* As wide as the terminal it goes to, or as wide as it must be. */
static void print_table(struct trace_show *show, unsigned columns)
{
	char time[TIME_SIZE] = "";
	struct trace_view view = make_view(show, time);

	format_now(time);
	view.columns = columns;
	view.is_paused = false;
	text_clear(&show->text);
	trace_table_write(&show->summary, &view, &show->text);
	fwrite(show->text.bytes, 1, show->text.length, stdout);
}

static void print_json(struct trace_show *show)
{
	text_clear(&show->text);
	trace_json_write(&show->summary, show->manual->target, show->transport, &show->text);
	puts(text_string(&show->text));
}

/* --- the runs ----------------------------------------------------------------------------------------------------- */

static void start_run(void *arg)
{
	struct trace_show *show = arg;
	struct loop *loop = show->manual->loop;

	if (probe_run_once(show->manual->probe) == -1) {
		alarm_set(loop, &show->next, clock_monotonic_ns() + RETRY_NS);
		return;
	}
	show->is_running = true;
	show->begun_ns = clock_monotonic_ns();
}

static void end(struct trace_show *show)
{
	show->is_ending = true;
	alarm_cancel(show->manual->loop, &show->next);
	loop_stop(show->manual->loop);
}

/* What the first run cannot do, the others cannot either. */
static bool is_hopeless(const struct trace_summary *summary, const struct sample *sample)
{
	enum reason reason = sample->reason;

	return summary->runs == 1 && (reason == REASON_RESOLVE || reason == REASON_LOCAL || reason == REASON_DENIED);
}

void trace_show_log(struct trace_show *show, const char *line)
{
	snprintf(show->said, sizeof(show->said), "%s", line);
}

void trace_show_take(struct trace_show *show, const struct sample *sample)
{
	struct manual *manual = show->manual;

	show->is_running = false;
	if (show->is_ending && show->summary.runs > 0)
		return;
	trace_summary_add(&show->summary, sample);
	manual->result = show->summary.reached > 0 ? COMMAND_OK : COMMAND_FAILED;
	show->is_hopeless = is_hopeless(&show->summary, sample);
	if (show->is_ending || show->is_hopeless || (show->cycles > 0 && show->summary.runs >= show->cycles)) {
		end(show);
		return;
	}
	if (!show->is_paused)
		alarm_set(manual->loop, &show->next, show->begun_ns + show->pace_ns);
	draw(show);
}

/* --- keys and signals --------------------------------------------------------------------------------------------- */

static void toggle_pause(struct trace_show *show)
{
	show->is_paused = !show->is_paused;
	if (show->is_paused)
		alarm_cancel(show->manual->loop, &show->next);
	else if (!show->is_running)
		alarm_set(show->manual->loop, &show->next, show->begun_ns + show->pace_ns);
}

/* Without any complete run so far, there is one with what is known by now. */
static void quit(struct trace_show *show)
{
	show->is_ending = true;
	if (show->summary.runs > 0 || probe_end_run(show->manual->probe) == -1)
		end(show);
}

static void take_key(struct trace_show *show, int key)
{
	switch (key) {
	case 'q':
		quit(show);
		return;
	case 'p':
	case ' ':
		toggle_pause(show);
		break;
	case 'r':
		trace_summary_reset(&show->summary);
		break;
	case 'n':
		show->hides_names = !show->hides_names;
		break;
	default:
		return;
	}
	draw(show);
}

static void read_key(void *arg, unsigned events)
{
	struct trace_show *show = arg;
	int key = terminal_read_key(show->terminal);

	(void)events;
	if (key == -1)
		watch_set(show->keys, 0);
	else
		take_key(show, key);
}

/* The shell has the terminal meanwhile. */
static void suspend(struct trace_show *show)
{
	terminal_leave(show->terminal);
	kill(getpid(), SIGSTOP);
	terminal_enter(show->terminal);
}

void trace_show_signal(struct trace_show *show, int signal)
{
	if (signal == SIGTSTP && show->terminal)
		suspend(show);
	if (signal == SIGTSTP || signal == SIGWINCH)
		draw(show);
	else
		quit(show);
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

static void open_screen(struct trace_show *show)
{
	show->terminal = terminal_open(STDIN_FILENO, STDOUT_FILENO);
	if (terminal_has_keys(show->terminal)) {
		show->keys = watch_create(show->manual->loop, STDIN_FILENO, read_key, show);
		watch_set(show->keys, WATCH_READ);
	}
	draw(show);
}

void trace_show_begin(struct trace_show *show)
{
	alarm_prepare(&show->next, start_run, show);
	if (show->is_screen)
		open_screen(show);
	start_run(show);
}

void trace_show_print_once(const struct sample *sample)
{
	const struct trace_view view = {.has_colours = terminal_has_colours(STDOUT_FILENO)};
	struct trace_summary summary;
	struct text text = {0};

	trace_summary_prepare(&summary);
	trace_summary_add(&summary, sample);
	if (summary.nhops > 0)
		trace_table_write_foot(&summary, &view, &text);
	fputs(text_string(&text), stdout);
	text_free(&text);
	trace_summary_free(&summary);
}

static void print_failure(const struct trace_show *show)
{
	const struct trace_summary *summary = &show->summary;
	struct text line = {0};

	text_add_format(&line, "netsonde probe: %s: failed: %s", show->manual->target,
			summary->runs > 0 ? reason_name(summary->reason) : "interrupted");
	if (show->is_hopeless && show->said[0])
		text_add_format(&line, ": %s", show->said);
	probe_usage_print_line(text_string(&line), stderr);
	text_free(&line);
}

void trace_show_end(struct trace_show *show)
{
	unsigned columns = show->terminal ? terminal_size(show->terminal).columns : 0;

	alarm_cancel(show->manual->loop, &show->next);
	watch_free(show->keys);
	terminal_close(show->terminal);
	show->terminal = NULL;
	if (show->manual->is_json)
		print_json(show);
	else if (!show->is_hopeless)
		print_table(show, columns);
	fflush(stdout);
	if (show->summary.reached == 0)
		print_failure(show);
}
