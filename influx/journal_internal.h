/*
 * What the files journal_*.c share.
 */
#ifndef NETSONDE_INFLUX_JOURNAL_INTERNAL_H
#define NETSONDE_INFLUX_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>

#include "core/log.h"
#include "influx/journal.h"
#include "influx/journal_wire.h"

struct journal_sync_thread;

/* A segment file. */
struct segment {
	struct journal_position begin;
	uint64_t end;       /* offset behind its last record */
	bool is_line_known; /* begin.line is right; otherwise it may be too large */
	bool is_closed;     /* nothing is written to it any more */
	bool reads_around;  /* what cannot be read in it is not waited for any more */
	unsigned faults;    /* attempts to read on in it that have failed since the last that has not */
};

/* A record that the disk has not taken: bytes as they would be there. */
struct kept_record {
	struct kept_record *next;
	struct journal_record record;
	unsigned char bytes[];
};

#define READ_CACHE 4

/* A segment that is being read. */
struct read_slot {
	uint64_t offset; /* of the segment */
	int descriptor;  /* -1 = free */
	unsigned used;
};

/* Bytes of a segment that were read last. */
struct read_window {
	uint64_t segment;
	uint64_t from, to; /* offsets */
	unsigned char *bytes;
	size_t room;
};

struct journal {
	struct journal_plan plan;
	char *folder;
	int lock;
	struct segment *segments; /* by offset; the last may be the one that is written */
	size_t nsegments, room;
	int current; /* descriptor of the last segment, -1 = the next record begins a new one */
	struct journal_position end;
	/* what the disk has not taken */
	struct kept_record *kept, **kept_end;
	size_t kept_bytes;
	int64_t pause_ns, again_ns;
	struct log_fault write_fault, damage_fault, trim_fault;
	unsigned char *record; /* being made */
	size_t record_room;
	/* reading */
	struct read_slot slots[READ_CACHE];
	unsigned clock;
	struct read_window window;
	struct journal_sync_thread *sync;
	pthread_mutex_t lock_figures;
	struct journal_figures figures, shown; /* shown: a copy for any thread */
};

/* --- journal.c ---------------------------------------------------------------------------------------------------- */

/* The figures of now, for any thread. */
void journal_show(struct journal *journal);

/* Behind all others. */
void journal_add_segment(struct journal *journal, const struct segment *segment);

/* --- journal_file.c: system calls --------------------------------------------------------------------------------- */

/* "FOLDER/0123456789abcdef.log", to be freed. */
char *journal_path(const char *folder, uint64_t offset);
/* The offset that such a name says. false: another file. */
bool journal_parse_name(const char *name, uint64_t *offset);

/* The offsets of all segments, rising; to be freed. -1 with err. */
int journal_list(const char *folder, uint64_t **offsets, size_t *n, struct err *err);

/* Makes the folder with its parents. -1 with err. */
int journal_make_folder(const char *folder, struct err *err);

/* Is an error about this process and its rights, not about the disk? What is on the disk is not given up for that. */
bool journal_is_passing(int error);

/* The calls below are made again when they are interrupted, but not for ever. */

/* As open; a new file may be read and written by us and read by our group. */
int journal_open_file(const char *path, int flags);

/* As pread and pwrite, but all of it. *got: how many bytes there were, also when it fails; fewer only at the end. -1
 * with errno. */
int journal_pread(int descriptor, void *bytes, size_t n, off_t at, size_t *got);
int journal_pwrite(int descriptor, const void *bytes, size_t n, off_t at);

/* As journal_pread, but zeros stand for what the disk does not give after a few attempts, in whole blocks; *bad_end is
 * then where the last of them ends, and is not changed otherwise. All n bytes should be within the file. -1 with an
 * errno that is passing. */
int journal_pread_around(int descriptor, void *bytes, size_t n, off_t at, size_t *got, off_t *bad_end);

/* --- journal_open.c ----------------------------------------------------------------------------------------------- */

/* Fills segments, end and current from the folder. -1 with err. */
int journal_find_segments(struct journal *journal, struct journal_position floor, struct err *err);

/* --- journal_read.c ----------------------------------------------------------------------------------------------- */

void journal_forget_reads(struct journal *journal, uint64_t segment);
void journal_close_reads(struct journal *journal);

/* The next whole record of a segment at offset or behind it, found in bytes [offset, end) that look() gives. */
struct journal_source {
	/* Bytes of the log from offset on, at least n of them if there are; *got = how many. NULL with errno. */
	const unsigned char *(*look)(struct journal_source *source, uint64_t offset, size_t n, size_t *got);
	uint64_t end;
	bool is_damaged; /* set when something was skipped */
};
/* 1: *record, whose bytes are in *bytes until the next look. 0: there is none. -1 with errno. */
int journal_find_record(struct journal_source *source, uint64_t offset, struct journal_record *record,
			const unsigned char **bytes);

/* The lines of a record appended to out. false: they cannot be had. */
bool journal_unpack(const struct journal_record *record, const unsigned char *bytes, struct text *out);

/* --- journal_sync.c ----------------------------------------------------------------------------------------------- */

/* NULL with err. */
struct journal_sync_thread *journal_sync_start(const struct journal_plan *plan, int folder, struct err *err);
/* Something was written to the descriptor, which stays the caller's. is_new: the file itself is. */
void journal_sync_note(struct journal_sync_thread *sync, int descriptor, bool is_new);
/* Flushes what is left; waits for at most wait_ns. NULL is harmless. */
void journal_sync_stop(struct journal_sync_thread *sync, int64_t wait_ns);
/* Any thread. */
void journal_sync_read(struct journal_sync_thread *sync, struct journal_figures *figures);

#endif
