/*
 * The log: one line an event, "what: target: why". The sink is one of the two mutable file-scope variables there are.
 * Thread-safe; a line is written with one write().
 */
#ifndef NETSONDE_CORE_LOG_H
#define NETSONDE_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Where lines go (a descriptor, borrowed; default 2), from which level on (default info) and in which form (default
 * logfmt: time=... level=... what=... target=... why="..."). Call before threads start. */
void log_configure(int descriptor, enum log_level level, enum log_format format);

/* Another level and form from now on. Any thread, at any time: each line is whole in one form. */
void log_change(enum log_level level, enum log_format format);

/* One event. what: a short constant ("resolve", "config"); target: whom it concerns or NULL; why: printf text.
 * Control characters and bytes that are not UTF-8 are escaped; a line is cut at 4 KiB. */
void log_event(enum log_level level, const char *what, const char *target, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Would an event of this level be written? */
bool log_enabled(enum log_level level);

/* A fault that may repeat: logged when it begins and when it ends, with how often it came and how long it lasted.
 * Zero-initialise. Not thread-safe: one owner. */
struct log_fault {
	int64_t since_ns; /* monotonic; 0 = no fault now */
	uint64_t times;
};

/* The fault happened (again). Logged at LOG_LEVEL_WARN when it begins, then silent until it ends. */
void log_fault_begin(struct log_fault *fault, const char *what, const char *target, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The fault is over; logged at LOG_LEVEL_INFO if there was one. */
void log_fault_end(struct log_fault *fault, const char *what, const char *target);

#endif
