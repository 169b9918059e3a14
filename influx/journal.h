/*
 * The disk log: lines of all outputs in the order they came, in append-only segments of a folder. Nothing is ever
 * changed in place; a segment goes when nobody needs it any more. What the disk refuses stays in memory, bounded, and
 * is read from there like the rest, so that a full or broken disk costs safety, not delivery.
 *
 * On disk: a folder with a file "lock", files "<offset in 16 hex digits>.log", and the "cursors" of the outputs. An
 * offset counts the bytes of the log from its very beginning: a segment is named by that of its first byte, and there
 * may be gaps between segments. A record is a head (journal_wire) and whole lines, perhaps deflated.
 *
 * One thread. Calls read and write; only flushing to the medium (fdatasync) is on a thread of its own.
 */
#ifndef NETSONDE_INFLUX_JOURNAL_H
#define NETSONDE_INFLUX_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct journal;

/* Longest piece of lines in one record, in bytes. */
#define JOURNAL_RECORD_MAX (1024 * 1024)

/* Memory for records that the disk has not taken. */
#define JOURNAL_MEMORY_BYTES (32 * 1024 * 1024)

/* After a fault of the disk: tried again after this time, which doubles up to the second. */
#define JOURNAL_PAUSE_FIRST_NS (250 * INT64_C(1000000))
#define JOURNAL_PAUSE_LAST_NS  (30 * INT64_C(1000000000))

enum journal_sync {
	JOURNAL_SYNC_NEVER,    /* the kernel decides: a kill costs nothing, a power failure perhaps half a minute */
	JOURNAL_SYNC_INTERVAL, /* every sync_interval_ns */
	JOURNAL_SYNC_ALWAYS,   /* as soon as something is written; delivery does not wait for it */
};

struct journal_plan {
	const char *folder;    /* copied; made (0750, with its parents) if missing */
	int64_t segment_bytes; /* a new segment is begun when the next record would pass this */
	enum journal_sync sync;
	int64_t sync_interval_ns;
};

/* No log becomes so long; what lies behind is not ours. */
#define JOURNAL_OFFSET_MAX (UINT64_C(1) << 60)

/* Where a record begins or ends. line: how many lines the log has ever had before it. */
struct journal_position {
	uint64_t offset, line;
};

/* Locks the folder (NULL with err "FOLDER: is used by another process"), looks at the segments, cuts a torn last record
 * off. A read error cuts nothing off, removes nothing, and no offset or line number is given twice for it: a folder
 * that cannot be read, or a last segment that cannot be opened, is a failure (err names the file and the reason); a
 * segment with a place that cannot be read stays as it is, and the log goes on behind it, with line numbers that are
 * certainly large enough. floor: what cursors of earlier days say; the next record begins at no smaller offset and
 * line, even when a power failure has cost the end of the log, so that no cursor is ahead of what comes. Writes nothing
 * else before the first append, but tries whether a file can be made (err says why not). Starts the flushing thread
 * unless JOURNAL_SYNC_NEVER. */
struct journal *journal_open(const struct journal_plan *plan, struct journal_position floor, struct err *err);

/* Tries once more to write what is in memory only, flushes unless JOURNAL_SYNC_NEVER (waiting at most a second for a
 * disk that hangs), unlocks. NULL is harmless. Returns the lines that are lost with the memory. */
uint64_t journal_close(struct journal *journal);

/* Appends n bytes (0 < n <= JOURNAL_RECORD_MAX): whole lines, so many of them, the first made at since_ns (wall clock).
 * is_deflated: keep it compressed (zlib level 1) if that is shorter. A disk that refuses is no failure: the record
 * waits in memory. Returns how many lines were forgotten to make room there (the oldest in memory): 0 in all usual
 * cases. */
uint64_t journal_append(struct journal *journal, const char *bytes, size_t n, uint64_t lines, int64_t since_ns,
			bool is_deflated);

/* After the last record, and before the oldest that is there. */
struct journal_position journal_end(const struct journal *journal);
struct journal_position journal_begin(const struct journal *journal);

/* What journal_read has read. */
struct journal_piece {
	struct journal_position begin,
		end; /* of the records; begin is later than asked for when something is missing */
	uint64_t lines;
	uint64_t lost; /* lines between the position asked for and end that cannot be read any more: corrupt, or gone */
	int64_t since_ns; /* wall clock: when the first of them was made */
};

/* Appends whole records from position (of a record's begin or end, or older than everything) on to out: one at least,
 * then as long as lines and bytes stay within the ceilings. Damaged records are skipped: the rest of a segment is
 * searched for the next good one. So are, after some attempts, those that the disk does not give; but what is only for
 * want of descriptors, memory or rights is waited for. 1: something was read; 0: there is nothing after position now
 * (then piece->lost may still tell of damage up to piece->end, which is where to go on); -1 with err: the disk does not
 * let us read now, try later. */
int journal_read(struct journal *journal, struct journal_position position, size_t most_lines, size_t most_bytes,
		 struct text *out, struct journal_piece *piece, struct err *err);

/* Nobody needs anything before position: whole segments (and records in memory) before it are removed. */
void journal_trim(struct journal *journal, struct journal_position position);

/* The smallest position (begin of a segment or of a record in memory) from which there are at most so many bytes to the
 * end, gaps not counted. */
struct journal_position journal_limit(const struct journal *journal, uint64_t bytes);

struct journal_figures {
	uint64_t bytes, segments; /* on disk now */
	uint64_t memory_bytes;    /* waiting for the disk */
	uint64_t written_lines, written_bytes, forgotten_lines;
	uint64_t write_errors, sync_errors, damaged; /* damaged: places where records could not be read */
	uint64_t syncs;
	int64_t unsynced_ns; /* monotonic since when something waits for the medium; 0 = nothing does */
};
/* Any thread. */
void journal_read_figures(const struct journal *journal, struct journal_figures *out);

#endif
