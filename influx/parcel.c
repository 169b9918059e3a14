#include "influx/parcel.h"

#include <string.h>

#include "core/gzip.h"
#include "core/mem.h"
#include "influx/backlog.h"

/* --- compression -------------------------------------------------------------------------------------------------- */

static void forget_packed(struct parcel *parcel)
{
	gzip_free(parcel->gzip);
	parcel->gzip = NULL;
	text_free(&parcel->packed);
	parcel->pack_begin = parcel->pack_end = parcel->pack_done = 0;
}

static bool is_of_next_part(const struct parcel *parcel)
{
	const struct parcel_part *part = parcel_next(parcel);
	return part != NULL && parcel->pack_begin == part->begin && parcel->pack_end == part->end;
}

bool parcel_is_packed(const struct parcel *parcel)
{
	return is_of_next_part(parcel) && parcel->pack_done == parcel->pack_end;
}

bool parcel_pack(struct parcel *parcel, size_t most_bytes)
{
	const struct parcel_part *part = parcel_next(parcel);
	if (!is_of_next_part(parcel)) {
		forget_packed(parcel);
		parcel->gzip = gzip_create(1);
		parcel->pack_begin = parcel->pack_done = part->begin;
		parcel->pack_end = part->end;
	}
	size_t left = part->end - parcel->pack_done;
	size_t n = left < most_bytes ? left : most_bytes;
	if (n == 0)
		return left == 0;
	gzip_write(parcel->gzip, parcel->text.bytes + parcel->pack_done, n, n == left, &parcel->packed);
	parcel->pack_done += n;
	if (n < left)
		return false;
	gzip_free(parcel->gzip);
	parcel->gzip = NULL;
	return true;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

void parcel_begin(struct parcel *parcel)
{
	parcel->nparts = 0;
	if (parcel->text.length == 0)
		return;
	parcel->parts[parcel->nparts++] = (struct parcel_part){
		.end = parcel->text.length,
		.lines = backlog_count_lines(parcel->text.bytes, parcel->text.length),
	};
}

void parcel_free(struct parcel *parcel)
{
	forget_packed(parcel);
	mem_free(parcel->suspects);
	text_free(&parcel->text);
	parcel->suspects = NULL;
	parcel->nparts = parcel->nsuspects = 0;
}

const struct parcel_part *parcel_next(const struct parcel *parcel)
{
	return parcel->nparts > 0 ? &parcel->parts[parcel->nparts - 1] : NULL;
}

void parcel_settle(struct parcel *parcel)
{
	parcel->nparts--;
}

/* Where the line after the middle begins, or else the line that the middle is in; the part's begin if there is but one.
 */
static size_t find_cut(const struct parcel *parcel, const struct parcel_part *part)
{
	const char *bytes = parcel->text.bytes;
	size_t middle = part->begin + (part->end - part->begin) / 2;
	const char *feed = memchr(bytes + middle, '\n', part->end - middle);
	size_t cut = feed != NULL ? (size_t)(feed - bytes) + 1 : part->end;
	if (cut < part->end)
		return cut;
	feed = memrchr(bytes + part->begin, '\n', middle - part->begin);
	return feed != NULL ? (size_t)(feed - bytes) + 1 : part->begin;
}

bool parcel_halve(struct parcel *parcel)
{
	struct parcel_part *part = &parcel->parts[parcel->nparts - 1];
	size_t cut = find_cut(parcel, part);
	if (cut == part->begin || parcel->nparts == PARCEL_PARTS_MAX)
		return false;
	struct parcel_part first = {
		.begin = part->begin,
		.end = cut,
		.lines = backlog_count_lines(parcel->text.bytes + part->begin, cut - part->begin),
	};
	part->begin = cut;
	part->lines -= first.lines;
	parcel->parts[parcel->nparts++] = first;
	return true;
}

void parcel_suspect(struct parcel *parcel)
{
	parcel->suspects = mem_resize(parcel->suspects, parcel->nsuspects + 1, sizeof(*parcel->suspects));
	parcel->suspects[parcel->nsuspects++] = parcel->parts[--parcel->nparts];
}

static void send_suspects(struct parcel *parcel, bool is_last_try)
{
	while (parcel->nsuspects > 0 && parcel->nparts < PARCEL_PARTS_MAX) {
		parcel->parts[parcel->nparts] = parcel->suspects[--parcel->nsuspects];
		parcel->parts[parcel->nparts++].is_last_try = is_last_try;
	}
}

void parcel_retry_suspects(struct parcel *parcel)
{
	send_suspects(parcel, true);
}

void parcel_doubt(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->nparts; i++)
		parcel->parts[i].is_last_try = false;
	send_suspects(parcel, false);
}

uint64_t parcel_waiting(const struct parcel *parcel)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < parcel->nparts; i++)
		lines += parcel->parts[i].lines;
	for (size_t i = 0; i < parcel->nsuspects; i++)
		lines += parcel->suspects[i].lines;
	return lines;
}

bool parcel_is_done(const struct parcel *parcel)
{
	return parcel->nparts == 0 && parcel->nsuspects == 0;
}
