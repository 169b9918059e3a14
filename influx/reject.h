/*
 * Lines that a server has refused for good, kept for somebody to look at: rejected.lp in the folder of the disk log,
 * and one older file of that kind. Each piece has a comment before it: when, which output, why.
 */
#ifndef NETSONDE_INFLUX_REJECT_H
#define NETSONDE_INFLUX_REJECT_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "influx/file.h"

#define REJECT_FILE "rejected.lp"

/* Zero-initialise, then reject_prepare. */
struct reject {
	char *path;
	struct influx_file file;
	bool is_open;
	struct text scratch;
	struct log_fault fault;
};

/* The file is made with the first line. ceiling_bytes: of both files together. */
void reject_prepare(struct reject *reject, const char *folder, int64_t ceiling_bytes);
void reject_close(struct reject *reject);

/* Whole lines. A disk that refuses costs them (logged when that begins). */
void reject_add(struct reject *reject, const char *output, const char *reason, const char *bytes, size_t n);

#endif
