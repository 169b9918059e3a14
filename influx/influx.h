/*
 * From the workers to the outputs. Each worker fills a buffer of its own through its port; full or 250 ms old, the
 * buffer goes to the influx thread, which writes it to every output. Buffers come from a bounded pool: when the disk
 * hangs, lines are dropped and counted, and no worker ever waits.
 */
#ifndef NETSONDE_INFLUX_INFLUX_H
#define NETSONDE_INFLUX_INFLUX_H

#include <stdint.h>

#include "core/err.h"
#include "core/option.h"
#include "core/sample.h"
#include "core/text.h"

struct influx;
struct influx_port;
struct line_tags;
struct loop;

/* One entry of the list "influx" of the configuration. Exactly one of path, bucket, database says what it is. */
struct influx_settings {
	char *name;
	/* a file */
	char *path;
	int64_t rotate_bytes; /* a new file is begun at this size; 0 = never */
	int64_t keep;         /* how many old files path.1 .. path.keep stay */
};
extern const struct option influx_options[];
extern const size_t influx_noptions;

/* Rules between options. Pure. */
int influx_check(const struct influx_settings *settings, struct err *err);

/* n outputs; settings are copied. Opens the files: NULL with err naming output and path, also when two outputs have one
 * name or one file. With n = 0 ports accept and forget. */
struct influx *influx_create(const struct influx_settings *const *settings, size_t n, struct err *err);
void influx_free(struct influx *influx); /* after all ports are closed and influx_stop */

/* The thread "influx". stop: writes everything that was handed over (bounded by wait_ns), then ends the thread. */
int influx_start(struct influx *influx, struct err *err);
void influx_stop(struct influx *influx, int64_t wait_ns);

/* A worker's way in; on that worker's loop and thread (or before it starts). close hands the last buffer over. */
struct influx_port *influx_port_open(struct influx *influx, struct loop *loop);
void influx_port_close(struct influx_port *port);

/* The buffer to append lines to, with line_format*, or NULL when no buffer is free (then call influx_port_lost). After
 * appending call influx_port_added with the number of lines; if the text has overflowed by then, one line more is
 * counted as lost. */
struct text *influx_port_buffer(struct influx_port *port);
void influx_port_added(struct influx_port *port, unsigned lines);
void influx_port_lost(struct influx_port *port, unsigned lines);

/* All of that for the rows of a sample, row by row, so that even a sample larger than a buffer goes through. Returns
 * the number of lines added; those that were not are counted as lost. Costs nothing when there are no outputs. */
unsigned influx_port_add_sample(struct influx_port *port, const struct line_tags *tags, const struct sample *sample,
				const char *boot);

/* Per output: the label (name=...) and readings of influx_set; any thread. Returns the number filled. i < the number
 * of outputs. */
extern const struct measure_set influx_set; /* "output" */
size_t influx_outputs(const struct influx *influx);
const char *influx_output_name(const struct influx *influx, size_t i);
size_t influx_read(const struct influx *influx, size_t i, struct reading *readings);

#endif
