/*
 * The last lines of a router's log, as the probe type collects them.
 */
#ifndef NETSONDE_PROBES_ROUTEROS_LOG_H
#define NETSONDE_PROBES_ROUTEROS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct collection_figures;
struct routeros;
struct routeros_log;
struct routeros_log_rows;

struct routeros_log_plan {
	size_t lines;     /* that are kept */
	int64_t whole_ns; /* between two times that all of the log is asked for */
	/* A collection has ended; later than its start, and not after routeros_log_stop. */
	void (*ended)(void *arg);
	void *arg;
};

struct routeros_log *routeros_log_open(struct routeros *opened, const struct routeros_log_plan *plan);
void routeros_log_close(struct routeros_log *log); /* NULL is harmless */

/* false: there is nothing to ask now, or it failed (routeros_log_figures). */
bool routeros_log_start(struct routeros_log *log, int64_t deadline_ns);
void routeros_log_stop(struct routeros_log *log);
void routeros_log_fail(struct routeros_log *log, enum reason reason, const char *message);
/* The router has restarted. */
void routeros_log_restart(struct routeros_log *log);

bool routeros_log_is_asking(const struct routeros_log *log);
const struct collection_figures *routeros_log_figures(const struct routeros_log *log);
const char *routeros_log_message(const struct routeros_log *log); /* NULL: it did not fail */

/* The first row, and the new lines if they are wanted in the outputs. Borrowed from the log until free. */
struct routeros_log_rows *routeros_log_take_rows(const struct routeros_log *log, const struct row *first, size_t *n);
const struct row *routeros_log_rows_of(const struct routeros_log_rows *rows);
void routeros_log_free_rows(struct routeros_log_rows *rows);

#endif
