/*
 * One output, whatever its kind. On the influx thread, but for opening.
 */
#ifndef NETSONDE_INFLUX_OUTPUT_H
#define NETSONDE_INFLUX_OUTPUT_H

#include "influx/figures.h"
#include "influx/file_output.h"
#include "influx/influx.h"
#include "influx/sender.h"

struct output {
	struct influx_settings
		*settings; /* a copy of its own: a thread that hangs in write may outlive the configuration */
	struct output_figures figures;
	struct file_output *file; /* one of both */
	struct sender *sender;    /* made by output_attend_server */
};

/* Copies the settings; opens the file, if it is one. NULL with err. Any thread. */
struct output *output_open(const struct influx_settings *settings, struct err *err);
/* NULL is harmless. */
void output_close(struct output *output);

bool output_is_server(const struct output *output);

/* Two that must not be outputs of one daemon: one name (their metrics would be one), or one file (each would rotate it
 * for the other). -1 with err. */
int output_check_pair(const struct output *a, const struct output *b, struct err *err);

#endif
