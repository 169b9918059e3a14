#include "influx/file_output.h"

#include "core/clock.h"

/* --- faults -------------------------------------------------------------------------------------------------- */

static void schedule(struct file_output *output)
{
	int64_t wait_ns = output->pause_ns > 0 ? output->pause_ns : FILE_OUTPUT_CHECK_NS;
	alarm_set(output->loop, &output->alarm, clock_monotonic_ns() + wait_ns);
}

static void output_failed(struct file_output *output, const struct err *why)
{
	log_fault_begin(&output->fault, "influx", output->settings->name, "%s: %s", output->settings->path, why->text);
	figure_add(output->figures, FIGURE_WRITE_ERRORS, 1);
	output->pause_ns = output->pause_ns == 0 ? FILE_OUTPUT_PAUSE_FIRST_NS : output->pause_ns * 2;
	if (output->pause_ns > FILE_OUTPUT_PAUSE_LAST_NS)
		output->pause_ns = FILE_OUTPUT_PAUSE_LAST_NS;
	schedule(output);
}

static void output_worked(struct file_output *output)
{
	log_fault_end(&output->fault, "influx", output->settings->name);
	output->pause_ns = 0;
}

static void count_dropped(struct file_output *output, uint64_t lines, const char *why)
{
	if (lines == 0)
		return;
	log_fault_begin(&output->drop_fault, "influx drop", output->settings->name, "%s", why);
	figure_add(output->figures, FIGURE_QUEUE_LINES, 0 - lines);
	figure_add(output->figures, FIGURE_LINES_DROPPED, lines);
}

static void note_oldest(struct file_output *output)
{
	const struct backlog_chunk *first = output->backlog.first;
	figure_set(output->figures, FIGURE_QUEUE_AGE, first != NULL ? first->since_ns : 0);
	if (first == NULL)
		log_fault_end(&output->drop_fault, "influx drop", output->settings->name);
}

/* --- writing ------------------------------------------------------------------------------------------------- */

/* Returns how many bytes, in whole lines, the file has taken. */
static size_t output_put(struct file_output *output, const char *bytes, size_t n)
{
	struct err err = {0};
	int64_t faults = output->file.rotation_faults;
	size_t done = influx_file_write(&output->file, bytes, n, &err);
	figure_add(output->figures, FIGURE_LINES_WRITTEN, backlog_count_lines(bytes, done));
	figure_add(output->figures, FIGURE_BYTES_WRITTEN, done);
	figure_add(output->figures, FIGURE_WRITE_ERRORS, (uint64_t)(output->file.rotation_faults - faults));
	figure_set(output->figures, FIGURE_ROTATIONS, output->file.rotations);
	if (done < n)
		output_failed(output, &err);
	else
		output_worked(output);
	return done;
}

bool file_output_flush(struct file_output *output)
{
	struct backlog *backlog = &output->backlog;
	while (backlog->first != NULL) {
		const char *bytes = backlog->first->bytes + backlog->first->done;
		size_t n = backlog->first->length - backlog->first->done;
		size_t done = output_put(output, bytes, n);
		figure_add(output->figures, FIGURE_QUEUE_LINES, 0 - backlog_count_lines(bytes, done));
		backlog_take(backlog, done);
		if (done < n)
			break;
	}
	note_oldest(output);
	return backlog->first == NULL;
}

void file_output_expect(struct file_output *output, int64_t since_ns)
{
	if (figure_get(output->figures, FIGURE_QUEUE_AGE) == 0)
		figure_set(output->figures, FIGURE_QUEUE_AGE, since_ns);
}

void file_output_write(struct file_output *output, const char *bytes, size_t n, int64_t since_ns)
{
	size_t done = output->pause_ns == 0 ? output_put(output, bytes, n) : 0;
	figure_add(output->figures, FIGURE_QUEUE_LINES, backlog_count_lines(bytes + done, n - done));
	uint64_t lost = backlog_push(&output->backlog, bytes + done, n - done, since_ns);
	count_dropped(output, lost, "the oldest waiting lines are given up");
	note_oldest(output);
}

void file_output_give_up(struct file_output *output)
{
	alarm_cancel(output->loop, &output->alarm);
	count_dropped(output, backlog_clear(&output->backlog), "could not be written before the end");
	figure_set(output->figures, FIGURE_QUEUE_AGE, 0);
}

/* --- life ---------------------------------------------------------------------------------------------------- */

/* The alarm: tries again what waits, or looks after an idle file. */
static void ring(void *arg)
{
	struct file_output *output = arg;
	struct err err = {0};
	if (output->backlog.first != NULL)
		file_output_flush(output);
	else if (influx_file_check(&output->file, &err) != 0)
		output_failed(output, &err);
	else
		output_worked(output);
	schedule(output);
}

void file_output_attend(struct file_output *output, struct loop *loop)
{
	output->loop = loop;
	schedule(output);
}

int file_output_open(struct file_output *output, const struct influx_settings *settings, struct output_figures *figures,
		     struct err *err)
{
	output->settings = settings;
	output->figures = figures;
	output->backlog.ceiling = FILE_OUTPUT_BACKLOG_BYTES;
	output->file = (struct influx_file){
		.path = output->settings->path,
		.rotate_bytes = settings->rotate_bytes,
		.keep = settings->keep,
		.descriptor = -1,
	};
	alarm_prepare(&output->alarm, ring, output);
	if (influx_file_open(&output->file, err) == 0)
		return 0;
	return err_prefix(err, "%s: %s", settings->name, settings->path);
}

void file_output_close(struct file_output *output)
{
	if (output->loop != NULL)
		alarm_cancel(output->loop, &output->alarm);
	backlog_clear(&output->backlog);
	influx_file_close(&output->file);
}
