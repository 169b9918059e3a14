/*
 * Which system calls the daemon may make once it runs, with which arguments.
 */
#ifndef NETSONDE_DAEMON_FILTER_CALLS_H
#define NETSONDE_DAEMON_FILTER_CALLS_H

#include <stddef.h>
#include <stdint.h>

/* Allowed whatever the arguments are. By name: what this kernel's architecture does not have is left out. */
extern const char *const filter_calls[]; /* NULL-terminated */

/* Allowed if argument & mask == value, and the same of a second argument (mask 0: whatever it is). Several rows of one
 * call: any of them will do. */
struct filter_rule {
	const char *call;
	struct {
		unsigned number;
		uint64_t mask, value;
	} first, second;
};
extern const struct filter_rule filter_rules[];
extern const size_t filter_nrules;

/* They fail with an error that makes the library take another way: no word of it is worth a line. Only if argument &
 * mask
 * == value (mask 0: whatever it is). */
struct filter_failure {
	const char *call;
	int error;
	struct {
		unsigned number;
		uint64_t mask, value;
	} only;
};
extern const struct filter_failure filter_failures[]; /* the last one has no call */

#endif
