#include "influx/batch.h"

#include <string.h>

#include "core/mem.h"
#include "influx/backlog.h"

void batch_forget_suspects(struct batch *batch)
{
	mem_free(batch->suspects);
	batch->suspects = NULL;
	batch->nsuspects = 0;
}

void batch_begin(struct batch *batch)
{
	batch_forget_suspects(batch);
	batch->nparts = 0;
	if (batch->text.length == 0)
		return;
	batch->parts[batch->nparts++] = (struct batch_part){
		.end = batch->text.length,
		.lines = backlog_count_lines(batch->text.bytes, batch->text.length),
	};
}

void batch_free(struct batch *batch)
{
	batch_forget_suspects(batch);
	text_free(&batch->text);
	batch->nparts = 0;
}

const struct batch_part *batch_next(const struct batch *batch)
{
	return batch->nparts > 0 ? &batch->parts[batch->nparts - 1] : NULL;
}

void batch_settle(struct batch *batch)
{
	batch->nparts--;
}

/* Where the line after the middle begins, or else the line that the middle is in; the part's begin if there is but one.
 */
static size_t find_cut(const struct batch *batch, const struct batch_part *part)
{
	const char *bytes = batch->text.bytes;
	size_t middle = part->begin + (part->end - part->begin) / 2;
	const char *feed = memchr(bytes + middle, '\n', part->end - middle);
	size_t cut = feed != NULL ? (size_t)(feed - bytes) + 1 : part->end;
	if (cut < part->end)
		return cut;
	feed = memrchr(bytes + part->begin, '\n', middle - part->begin);
	return feed != NULL ? (size_t)(feed - bytes) + 1 : part->begin;
}

bool batch_halve(struct batch *batch)
{
	struct batch_part *part = &batch->parts[batch->nparts - 1];
	size_t cut = find_cut(batch, part);
	if (cut == part->begin || batch->nparts == BATCH_PARTS_MAX)
		return false;
	struct batch_part first = {
		.begin = part->begin,
		.end = cut,
		.lines = backlog_count_lines(batch->text.bytes + part->begin, cut - part->begin),
	};
	part->begin = cut;
	part->lines -= first.lines;
	batch->parts[batch->nparts++] = first;
	return true;
}

void batch_suspect(struct batch *batch)
{
	batch->suspects = mem_resize(batch->suspects, batch->nsuspects + 1, sizeof(*batch->suspects));
	batch->suspects[batch->nsuspects++] = batch->parts[--batch->nparts];
}

void batch_retry_suspects(struct batch *batch)
{
	while (batch->nsuspects > 0 && batch->nparts < BATCH_PARTS_MAX)
		batch->parts[batch->nparts++] = batch->suspects[--batch->nsuspects];
}

uint64_t batch_waiting(const struct batch *batch)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < batch->nparts; i++)
		lines += batch->parts[i].lines;
	for (size_t i = 0; i < batch->nsuspects; i++)
		lines += batch->suspects[i].lines;
	return lines;
}

bool batch_is_done(const struct batch *batch)
{
	return batch->nparts == 0 && batch->nsuspects == 0;
}
