/*
 * One output: its file, what could not be written yet, when to try again, and its figures. On the influx thread, but
 * for output_read.
 */
#ifndef NETSONDE_INFLUX_OUTPUT_H
#define NETSONDE_INFLUX_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/loop.h"
#include "core/sample.h"
#include "influx/backlog.h"
#include "influx/file.h"
#include "influx/influx.h"

/* Memory for lines that wait, an output. */
#define OUTPUT_BACKLOG_BYTES (16 * 1024 * 1024)

/* After a fault: tried again after this time, which doubles up to the second. */
#define OUTPUT_PAUSE_FIRST_NS (250 * INT64_C(1000000))
#define OUTPUT_PAUSE_LAST_NS  (30 * INT64_C(1000000000))

/* How often an idle output looks whether its file is still there. */
#define OUTPUT_CHECK_NS (5 * INT64_C(1000000000))

struct output {
	struct influx_settings
		*settings; /* a copy of its own: a thread that hangs in write may outlive the configuration */
	struct loop *loop;
	struct influx_file file;
	struct backlog backlog;
	struct alarm alarm;
	struct log_fault fault, drop_fault;
	int64_t pause_ns; /* 0 = the last write was good */
	/* for output_read */
	atomic_int_least64_t lines_written, bytes_written, lines_dropped, write_errors, lines_waiting, rotations;
	atomic_int_least64_t oldest_ns; /* monotonic; 0 = nothing waits */
};

/* Opens the file of a zeroed output. settings are copied, loop is borrowed. Nothing to close after a failure. */
int output_open(struct output *output, const struct influx_settings *settings, struct loop *loop, struct err *err);
void output_close(struct output *output);

/* Sets the alarm that looks after the file. */
void output_attend(struct output *output);

/* Lines made since since_ns are about to be written. */
void output_expect(struct output *output, int64_t since_ns);

/* Writes whole lines, or keeps a copy of them for later. */
void output_write(struct output *output, const char *bytes, size_t n, int64_t since_ns);

/* Tries at once to write what waits, whatever the pause. True when nothing waits any more. */
bool output_flush(struct output *output);

/* Counts what still waits as dropped; the alarm rings no more. */
void output_give_up(struct output *output);

/* Readings of influx_set; more_waiting, more_dropped: lines that the output does not know of. Any thread. */
size_t output_read(const struct output *output, uint64_t more_waiting, uint64_t more_dropped, struct reading *readings);

#endif
