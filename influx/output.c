#include "influx/output.h"

#include "core/clock.h"

enum {
	LINES_WRITTEN,
	BYTES_WRITTEN,
	LINES_DROPPED,
	WRITE_ERRORS,
	QUEUE_LINES,
	QUEUE_AGE,
	ROTATIONS,
	FIGURES,
};

static const struct measure output_measures[FIGURES] = {
	[LINES_WRITTEN] = {"lines_written_total", MEASURE_COUNTER, "Lines written to the output"},
	[BYTES_WRITTEN] = {"bytes_written_total", MEASURE_COUNTER, "Bytes of lines written to the output"},
	[LINES_DROPPED] =
		{"lines_dropped_total", MEASURE_COUNTER,
		 "Lines lost because the output could not be written for too long or all buffers were in use"},
	[WRITE_ERRORS] = {"write_errors_total", MEASURE_COUNTER, "Attempts to open, write or rotate that failed"},
	[QUEUE_LINES] = {"queue_lines", MEASURE_INTEGER, "Lines waiting to be written"},
	[QUEUE_AGE] = {"queue_age_seconds", MEASURE_GAUGE,
		       "Age of the oldest line waiting to be written, 0 if none waits"},
	[ROTATIONS] = {"rotations_total", MEASURE_COUNTER,
		       "Times that a new file was begun because the old one was full"},
};
static const char *const output_labels[] = {"name", NULL};
const struct measure_set influx_set = {
	.name = "output",
	.measures = output_measures,
	.n = FIGURES,
	.label_names = output_labels,
	.help = "An output of line protocol",
};

static int64_t get(const atomic_int_least64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

static void set(atomic_int_least64_t *figure, int64_t value)
{
	atomic_store_explicit(figure, value, memory_order_relaxed);
}

/* Only the influx thread writes figures. */
static void add(atomic_int_least64_t *figure, uint64_t value)
{
	set(figure, get(figure) + (int64_t)value);
}

/* --- faults -------------------------------------------------------------------------------------------------- */

static void schedule(struct output *output)
{
	int64_t wait_ns = output->pause_ns > 0 ? output->pause_ns : OUTPUT_CHECK_NS;
	alarm_set(output->loop, &output->alarm, clock_monotonic_ns() + wait_ns);
}

static void output_failed(struct output *output, const struct err *why)
{
	log_fault_begin(&output->fault, "influx", output->settings->name, "%s: %s", output->settings->path, why->text);
	add(&output->write_errors, 1);
	output->pause_ns = output->pause_ns == 0 ? OUTPUT_PAUSE_FIRST_NS : output->pause_ns * 2;
	if (output->pause_ns > OUTPUT_PAUSE_LAST_NS)
		output->pause_ns = OUTPUT_PAUSE_LAST_NS;
	schedule(output);
}

static void output_worked(struct output *output)
{
	log_fault_end(&output->fault, "influx", output->settings->name);
	output->pause_ns = 0;
}

static void count_dropped(struct output *output, uint64_t lines, const char *why)
{
	if (lines == 0)
		return;
	log_fault_begin(&output->drop_fault, "influx drop", output->settings->name, "%s", why);
	add(&output->lines_waiting, 0 - lines);
	add(&output->lines_dropped, lines);
}

static void note_oldest(struct output *output)
{
	const struct backlog_chunk *first = output->backlog.first;
	set(&output->oldest_ns, first != NULL ? first->since_ns : 0);
	if (first == NULL)
		log_fault_end(&output->drop_fault, "influx drop", output->settings->name);
}

/* --- writing ------------------------------------------------------------------------------------------------- */

/* Returns how many bytes, in whole lines, the file has taken. */
static size_t output_put(struct output *output, const char *bytes, size_t n)
{
	struct err err = {0};
	int64_t faults = output->file.rotation_faults;
	size_t done = influx_file_write(&output->file, bytes, n, &err);
	add(&output->lines_written, backlog_count_lines(bytes, done));
	add(&output->bytes_written, done);
	add(&output->write_errors, (uint64_t)(output->file.rotation_faults - faults));
	set(&output->rotations, output->file.rotations);
	if (done < n)
		output_failed(output, &err);
	else
		output_worked(output);
	return done;
}

bool output_flush(struct output *output)
{
	struct backlog *backlog = &output->backlog;
	while (backlog->first != NULL) {
		const char *bytes = backlog->first->bytes + backlog->first->done;
		size_t n = backlog->first->length - backlog->first->done;
		size_t done = output_put(output, bytes, n);
		add(&output->lines_waiting, 0 - backlog_count_lines(bytes, done));
		backlog_take(backlog, done);
		if (done < n)
			break;
	}
	note_oldest(output);
	return backlog->first == NULL;
}

void output_expect(struct output *output, int64_t since_ns)
{
	if (get(&output->oldest_ns) == 0)
		set(&output->oldest_ns, since_ns);
}

void output_write(struct output *output, const char *bytes, size_t n, int64_t since_ns)
{
	size_t done = output->pause_ns == 0 ? output_put(output, bytes, n) : 0;
	add(&output->lines_waiting, backlog_count_lines(bytes + done, n - done));
	uint64_t lost = backlog_push(&output->backlog, bytes + done, n - done, since_ns);
	count_dropped(output, lost, "the oldest waiting lines are given up");
	note_oldest(output);
}

void output_give_up(struct output *output)
{
	alarm_cancel(output->loop, &output->alarm);
	count_dropped(output, backlog_clear(&output->backlog), "could not be written before the end");
	set(&output->oldest_ns, 0);
}

/* --- life ---------------------------------------------------------------------------------------------------- */

/* The alarm: tries again what waits, or looks after an idle file. */
static void ring(void *arg)
{
	struct output *output = arg;
	struct err err = {0};
	if (output->backlog.first != NULL)
		output_flush(output);
	else if (influx_file_check(&output->file, &err) != 0)
		output_failed(output, &err);
	else
		output_worked(output);
	schedule(output);
}

void output_attend(struct output *output)
{
	schedule(output);
}

int output_open(struct output *output, const struct influx_settings *settings, struct loop *loop, struct err *err)
{
	output->settings = option_copy_settings(influx_options, influx_noptions, sizeof(*settings), settings);
	output->loop = loop;
	output->backlog.ceiling = OUTPUT_BACKLOG_BYTES;
	output->file = (struct influx_file){
		.path = output->settings->path,
		.rotate_bytes = settings->rotate_bytes,
		.keep = settings->keep,
		.descriptor = -1,
	};
	alarm_prepare(&output->alarm, ring, output);
	if (influx_file_open(&output->file, err) == 0)
		return 0;
	option_free_settings(influx_options, influx_noptions, output->settings);
	return err_prefix(err, "%s: %s", settings->name, settings->path);
}

void output_close(struct output *output)
{
	alarm_cancel(output->loop, &output->alarm);
	backlog_clear(&output->backlog);
	influx_file_close(&output->file);
	option_free_settings(influx_options, influx_noptions, output->settings);
}

size_t output_read(const struct output *output, uint64_t more_waiting, uint64_t more_dropped, struct reading *readings)
{
	int64_t oldest_ns = get(&output->oldest_ns);
	double age = oldest_ns != 0 ? clock_seconds(clock_monotonic_ns() - oldest_ns) : 0;
	int64_t dropped = get(&output->lines_dropped) + (int64_t)more_dropped;
	int64_t waiting = get(&output->lines_waiting) + (int64_t)more_waiting;
	readings[LINES_WRITTEN] = reading_integer(LINES_WRITTEN, get(&output->lines_written));
	readings[BYTES_WRITTEN] = reading_integer(BYTES_WRITTEN, get(&output->bytes_written));
	readings[LINES_DROPPED] = reading_integer(LINES_DROPPED, dropped);
	readings[WRITE_ERRORS] = reading_integer(WRITE_ERRORS, get(&output->write_errors));
	readings[QUEUE_LINES] = reading_integer(QUEUE_LINES, waiting > 0 ? waiting : 0);
	readings[QUEUE_AGE] = reading_number(QUEUE_AGE, age > 0 ? age : 0);
	readings[ROTATIONS] = reading_integer(ROTATIONS, get(&output->rotations));
	return FIGURES;
}
