/*
 * What the file of availability says, in memory: by target and probe, and the gaps in which the daemon did not run.
 */
#ifndef NETSONDE_DAEMON_AVAILABILITY_BOOK_H
#define NETSONDE_DAEMON_AVAILABILITY_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/text.h"
#include "qos/availability.h"

struct availability_book;

/* A target and probe with what is known about them. */
struct availability_entry {
	struct availability availability;
	int64_t left_ms; /* not measured any more since then; 0 = they are */
};

struct availability_book *availability_book_create(void);
void availability_book_free(struct availability_book *book); /* NULL is harmless */

/* Reads a whole file on from its first line. What is damaged is passed over and counted. *alive_ms: until when the
 * daemon surely ran. -1 with err when it is no such file at all; an empty one is fine (alive_ms 0). */
int availability_book_read(struct availability_book *book, FILE *file, int64_t *alive_ms, struct err *err);
size_t availability_book_damaged(const struct availability_book *book);

struct availability_gaps *availability_book_gaps(struct availability_book *book);

size_t availability_book_count(const struct availability_book *book);
/* NULL when there is none. Borrowed until it is taken. */
struct availability_entry *availability_book_find(struct availability_book *book, const char *target,
						  const char *probe);
/* The entry's content goes to the caller; false when there is none. */
bool availability_book_take(struct availability_book *book, const char *target, const char *probe,
			    struct availability_entry *out);
/* The content goes into the book, in the place of what it has of this target and probe. */
void availability_book_give(struct availability_book *book, const char *target, const char *probe,
			    const struct availability_entry *entry);

/* Calls each for every entry; a false answer throws it away. */
void availability_book_sift(struct availability_book *book,
			    bool (*each)(void *arg, const char *target, const char *probe,
					 struct availability_entry *entry),
			    void *arg);

/* Lines that say all of it, but for the first line, as far as out has room: each entry is passed on to flush, which
 * empties the text; -1 when that says so. */
int availability_book_write(const struct availability_book *book, struct text *out,
			    int (*flush)(void *arg, struct text *out), void *arg);

#endif
