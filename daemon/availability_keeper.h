/*
 * Keeps availability over restarts: one file in agent.state_dir, to which each change is appended, and which is written
 * anew when it has doubled. A thread of its own writes it, so that no disk ever holds up a probe. Where it cannot be
 * written, the figures begin anew with each start, and the log says so.
 */
#ifndef NETSONDE_DAEMON_AVAILABILITY_KEEPER_H
#define NETSONDE_DAEMON_AVAILABILITY_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"
#include "qos/availability.h"

struct availability_keeper;

/* Reads what there is ("availability" in the folder, NULL = nothing is kept). What cannot be read is logged, and the
 * figures begin anew; the file stays as it is then. Never fails as a whole. */
struct availability_keeper *availability_keeper_open(const char *folder);
void availability_keeper_free(struct availability_keeper *keeper); /* stopped; NULL is harmless */

/* With the rights that the daemon keeps: begins to write. -1 with err only when there can be no thread. */
int availability_keeper_start(struct availability_keeper *keeper, struct err *err);
/* Writes what is left, and the moment of the end. Harmless when it does not run. */
void availability_keeper_stop(struct availability_keeper *keeper);

/* When the daemon did not run: complete from open on. */
const struct availability_gaps *availability_keeper_gaps(const struct availability_keeper *keeper);

/* --- any thread -------------------------------------------------------------------------------------------------- */

/* Begins to be measured: what is known goes to the caller (zeroed: nothing is). */
void availability_keeper_take(struct availability_keeper *keeper, const char *target, const char *probe,
			      const struct availability_rules *rules, struct availability *out);
/* Is not measured any more, for now: what is known comes back (and is zeroed). */
void availability_keeper_give(struct availability_keeper *keeper, const char *target, const char *probe,
			      struct availability *availability);
void availability_keeper_note(struct availability_keeper *keeper, const char *target, const char *probe,
			      const struct availability_change *changes, size_t n);

/* Its own figures. */
extern const struct measure_set availability_keeper_set; /* "availability_file" */
size_t availability_keeper_read(struct availability_keeper *keeper, struct reading *readings);

#endif
