/*
 * From the workers to the outputs. Each worker fills a buffer of its own through its port; full or 250 ms old, the
 * buffer goes to the influx thread, which writes it to every file and to the disk log, from where it is sent to every
 * server. Buffers come from a bounded pool: when the disk hangs, lines are dropped and counted, and no worker ever
 * waits.
 */
#ifndef NETSONDE_INFLUX_INFLUX_H
#define NETSONDE_INFLUX_INFLUX_H

#include <stdbool.h>
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
	/* a server */
	char *url; /* "http://influxdb:8086": the path of the interface is added */
	char *org, *bucket;
	char *database, *retention_policy;
	char *token;
	char *user, *password;
	char *ca_file, *certificate_file, *key_file;
	bool verifies;
	bool compresses;
	int64_t batch_lines, batch_bytes; /* ceilings of one request */
	int64_t flush_interval_ns;        /* the longest that lines wait for a batch to fill */
	int64_t connections;
	int64_t timeout_ns;
	int64_t queue_bytes; /* of the disk log that may wait; what is older is dropped */
};
extern const struct option influx_options[];
extern const size_t influx_noptions;

enum influx_kind { INFLUX_FILE, INFLUX_V1, INFLUX_V2 };
enum influx_kind influx_kind(const struct influx_settings *settings);

/* Rules between options. Pure. */
int influx_check(const struct influx_settings *settings, struct err *err);

/* The section "disk_log" of the configuration: where lines wait that a server has yet to take. */
struct influx_log_settings {
	char *path; /* folder; NULL: the daemon sets it to "log" in agent.state_dir */
	int64_t segment_bytes;
	int sync; /* enum journal_sync */
	int64_t sync_interval_ns;
	bool compresses;
	int64_t rejected_bytes; /* what rejected.lp and its predecessor may hold together */
};
extern const struct option influx_log_options[];
extern const size_t influx_log_noptions;

/* n outputs; settings are copied. Opens the files, and the disk log if there is a server among the outputs: NULL with
 * err naming output and path, also when two outputs have one name or one file. With n = 0 ports accept and forget. */
struct influx *influx_create(const struct influx_settings *const *settings, size_t n,
			     const struct influx_log_settings *log, struct err *err);
void influx_free(struct influx *influx); /* after all ports are closed and influx_stop */

/* The thread "influx". stop: writes and sends everything that was handed over (bounded by wait_ns; a server that does
 * not answer is not waited for: its lines are in the disk log), then ends the thread. */
int influx_start(struct influx *influx, struct err *err);
void influx_stop(struct influx *influx, int64_t wait_ns);

/* Other outputs from now on. Those whose settings are the same go on untouched; those that keep their name go on where
 * they were in the disk log; lines of those that are gone are forgotten. prepare opens everything that the new ones
 * need and changes nothing: NULL with err. Exactly one of apply and forget must follow. From one thread (that of
 * influx_create), while the influx thread runs. Not from no outputs to some (ports and tags are not made for that):
 * prepare says so. */
struct influx_change;
bool influx_has_thread(const struct influx *influx);  /* were there outputs at the start? */
bool influx_is_changing(const struct influx *influx); /* a change is on its way: no other can be prepared */
struct influx_change *influx_prepare(struct influx *influx, const struct influx_settings *const *settings, size_t n,
				     const struct influx_log_settings *log, struct err *err);
void influx_apply(struct influx_change *change);
void influx_forget(struct influx_change *change); /* NULL is harmless */

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

/* The same for rows that no run stands behind. */
unsigned influx_port_add_rows(struct influx_port *port, const struct line_tags *tags, const struct row *rows, size_t n,
			      int64_t stamp_ns);

/* The measure sets of outputs (label name) and of the disk log. each is called for every output, and once with name
 * NULL for the disk log if there is one. Any thread. */
extern const struct measure_set influx_set;     /* "output" */
extern const struct measure_set influx_log_set; /* "disk_log" */
void influx_read(struct influx *influx,
		 void (*each)(void *arg, const struct measure_set *set, const char *name,
			      const struct reading *readings, size_t n),
		 void *arg);

#endif
