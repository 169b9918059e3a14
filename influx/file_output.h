/*
 * An output to a file: the file, what could not be written yet, and when to try again. On the influx thread.
 */
#ifndef NETSONDE_INFLUX_FILE_OUTPUT_H
#define NETSONDE_INFLUX_FILE_OUTPUT_H

#include <stdbool.h>

#include "core/loop.h"
#include "influx/backlog.h"
#include "influx/figures.h"
#include "influx/file.h"
#include "influx/influx.h"

/* Memory for lines that wait, an output. */
#define FILE_OUTPUT_BACKLOG_BYTES (16 * 1024 * 1024)

/* After a fault: tried again after this time, which doubles up to the second. */
#define FILE_OUTPUT_PAUSE_FIRST_NS (250 * INT64_C(1000000))
#define FILE_OUTPUT_PAUSE_LAST_NS  (30 * INT64_C(1000000000))

/* How often an idle output looks whether its file is still there. */
#define FILE_OUTPUT_CHECK_NS (5 * INT64_C(1000000000))

struct file_output {
	const struct influx_settings *settings; /* borrowed */
	struct output_figures *figures;         /* borrowed */
	struct loop *loop;
	struct influx_file file;
	struct backlog backlog;
	struct alarm alarm;
	struct log_fault fault, drop_fault;
	int64_t pause_ns; /* 0 = the last write was good */
};

/* Opens the file of a zeroed output. settings are borrowed. Nothing to close after a failure. */
int file_output_open(struct file_output *output, const struct influx_settings *settings, struct output_figures *figures,
		     struct err *err);
void file_output_close(struct file_output *output);

/* On the influx thread from now on; sets the alarm that looks after the file. loop is borrowed. */
void file_output_attend(struct file_output *output, struct loop *loop);

/* Lines made since since_ns are about to be written. */
void file_output_expect(struct file_output *output, int64_t since_ns);

/* Writes whole lines, or keeps a copy of them for later. */
void file_output_write(struct file_output *output, const char *bytes, size_t n, int64_t since_ns);

/* Tries at once to write what waits, whatever the pause. True when nothing waits any more. */
bool file_output_flush(struct file_output *output);

/* Counts what still waits as dropped; the alarm rings no more. */
void file_output_give_up(struct file_output *output);

#endif
