/*
 * A file that lines are appended to: whole lines only, rotation by size, and an eye on what others do to it. System
 * calls only: no loop, no thread, no clock but for the log of faults.
 */
#ifndef NETSONDE_INFLUX_FILE_H
#define NETSONDE_INFLUX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/log.h"

struct influx_file {
	const char *path;     /* borrowed */
	int64_t rotate_bytes; /* 0 = never */
	int64_t keep;
	int descriptor; /* -1 = not open */
	dev_t device;
	ino_t inode;
	int64_t size;
	bool is_regular; /* a character device is neither rotated nor cut */
	bool is_torn;    /* the last line in it has no end: the next write begins with a line feed */
	int64_t rotations;
	int64_t rotation_faults;
	struct log_fault rotation_fault;
};

/* Opens or creates (0640) the file and remembers where it is. A regular file or a character device. Settings and path
 * must be set, descriptor -1. */
int influx_file_open(struct influx_file *file, struct err *err);
void influx_file_close(struct influx_file *file);

/* Opens anew when the path does not name the open file any more (rotated or removed from outside), and notices when the
 * file was cut. -1 with err when there is no file to write to. */
int influx_file_check(struct influx_file *file, struct err *err);

/* Appends whole lines, rotating between them. Returns how many of the n bytes are in the file: all, or, with err set,
 * fewer, up to the end of a line. n > 0, bytes end with a line feed. */
size_t influx_file_write(struct influx_file *file, const char *bytes, size_t n, struct err *err);

#endif
