#include "daemon/availability_book.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "daemon/availability_record.h"

#define FIRST_BUCKETS 256

struct page {
	struct page *next;
	struct availability_entry entry;
	size_t probe; /* place of its name in names */
	char names[]; /* target, NUL, probe, NUL */
};

struct availability_book {
	struct hash_key key;
	struct page **buckets;
	size_t nbuckets, n, damaged;
	struct availability_gaps gaps;
};

struct availability_book *availability_book_create(void)
{
	struct availability_book *book = mem_zero(1, sizeof(*book));

	book->key = hash_key_random();
	book->nbuckets = FIRST_BUCKETS;
	book->buckets = mem_zero(book->nbuckets, sizeof(*book->buckets));
	return book;
}

static void free_page(struct page *page)
{
	availability_free(&page->entry.availability);
	mem_free(page);
}

void availability_book_free(struct availability_book *book)
{
	if (!book)
		return;
	for (size_t i = 0; i < book->nbuckets; i++) {
		for (struct page *page = book->buckets[i], *next; page; page = next) {
			next = page->next;
			free_page(page);
		}
	}
	availability_gaps_free(&book->gaps);
	mem_free(book->buckets);
	mem_free(book);
}

struct availability_gaps *availability_book_gaps(struct availability_book *book)
{
	return &book->gaps;
}

size_t availability_book_count(const struct availability_book *book)
{
	return book->n;
}

size_t availability_book_damaged(const struct availability_book *book)
{
	return book->damaged;
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

static struct page **bucket_of(const struct availability_book *book, const char *target, const char *probe)
{
	uint64_t hash = hash_string(book->key, target) ^ hash_string(book->key, probe) * 31;

	return &book->buckets[hash % book->nbuckets];
}

/* Where the link to the page is, or would be. */
static struct page **find(const struct availability_book *book, const char *target, const char *probe)
{
	struct page **link = bucket_of(book, target, probe);

	while (*link && (strcmp((*link)->names, target) != 0 || strcmp((*link)->names + (*link)->probe, probe) != 0))
		link = &(*link)->next;
	return link;
}

static void grow(struct availability_book *book)
{
	struct page **old = book->buckets;
	size_t nold = book->nbuckets;

	book->nbuckets = nold * 2;
	book->buckets = mem_zero(book->nbuckets, sizeof(*book->buckets));
	for (size_t i = 0; i < nold; i++) {
		for (struct page *page = old[i], *next; page; page = next) {
			struct page **bucket = bucket_of(book, page->names, page->names + page->probe);

			next = page->next;
			page->next = *bucket;
			*bucket = page;
		}
	}
	mem_free(old);
}

static struct availability_entry *find_or_add(struct availability_book *book, const char *target, const char *probe)
{
	struct page **link = find(book, target, probe);
	size_t ntarget = strlen(target) + 1, nprobe = strlen(probe) + 1;

	if (*link)
		return &(*link)->entry;
	if (book->n++ >= book->nbuckets) {
		grow(book);
		link = find(book, target, probe);
	}
	struct page *page = *link = mem_zero(1, sizeof(*page) + ntarget + nprobe);
	page->probe = ntarget;
	memcpy(page->names, target, ntarget);
	memcpy(page->names + ntarget, probe, nprobe);
	return &page->entry;
}

struct availability_entry *availability_book_find(struct availability_book *book, const char *target, const char *probe)
{
	struct page *page = *find(book, target, probe);

	return page ? &page->entry : NULL;
}

bool availability_book_take(struct availability_book *book, const char *target, const char *probe,
			    struct availability_entry *out)
{
	struct page **link = find(book, target, probe), *page = *link;

	if (!page)
		return false;
	*out = page->entry;
	*link = page->next;
	book->n--;
	mem_free(page);
	return true;
}

void availability_book_give(struct availability_book *book, const char *target, const char *probe,
			    const struct availability_entry *entry)
{
	struct availability_entry *own = find_or_add(book, target, probe);

	availability_free(&own->availability);
	*own = *entry;
}

void availability_book_sift(struct availability_book *book,
			    bool (*each)(void *arg, const char *target, const char *probe,
					 struct availability_entry *entry),
			    void *arg)
{
	for (size_t i = 0; i < book->nbuckets; i++) {
		for (struct page **link = &book->buckets[i]; *link;) {
			struct page *page = *link;

			if (each(arg, page->names, page->names + page->probe, &page->entry)) {
				link = &page->next;
				continue;
			}
			*link = page->next;
			book->n--;
			free_page(page);
		}
	}
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void note(struct availability_book *book, const struct availability_record *record)
{
	struct availability_entry *entry;

	if (record->kind == AVAILABILITY_RECORD_GAP) {
		availability_gaps_add(&book->gaps, record->at_ms, record->to_ms);
		return;
	}
	entry = find_or_add(book, record->target, record->probe);
	if (record->kind == AVAILABILITY_RECORD_LEFT) {
		entry->left_ms = record->at_ms;
	} else if (record->kind == AVAILABILITY_RECORD_HOUR) {
		availability_restore_hour(&entry->availability, &record->hour);
	} else {
		availability_restore(&entry->availability, &record->change, &book->gaps);
	}
}

/* A line longer than there can be is damage, and so is one without its end: it was being written. */
static void read_line(struct availability_book *book, char *line, size_t length)
{
	struct availability_record record;
	bool is_whole = length > 0 && line[length - 1] == '\n' && strlen(line) == length;

	if (is_whole)
		line[length - 1] = '\0';
	if (is_whole && availability_record_read(line, &record))
		note(book, &record);
	else
		book->damaged++;
}

int availability_book_read(struct availability_book *book, FILE *file, int64_t *alive_ms, struct err *err)
{
	char head[AVAILABILITY_HEAD_BYTES], line[AVAILABILITY_LINE_MAX];
	size_t n = fread(head, 1, sizeof(head), file);

	*alive_ms = 0;
	if (n > 0 && !availability_head_read(head, n, alive_ms))
		return err_set(err, "is no file of availability (or its first line is damaged)");
	while (fgets(line, sizeof(line), file))
		read_line(book, line, strlen(line));
	return ferror(file) ? err_set_errno(err, "cannot be read") : 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

struct writing {
	struct text *out;
	struct availability_record record;
};

static void write_hour(void *arg, const struct availability_hour *hour)
{
	struct writing *writing = arg;

	writing->record.kind = AVAILABILITY_RECORD_HOUR;
	writing->record.hour = *hour;
	availability_record_write(writing->out, &writing->record);
}

static void write_change(void *arg, const struct availability_change *change)
{
	struct writing *writing = arg;

	writing->record.kind = AVAILABILITY_RECORD_CHANGE;
	writing->record.change = *change;
	availability_record_write(writing->out, &writing->record);
}

static void write_page(const struct page *page, struct text *out)
{
	struct writing writing = {out, {.target = page->names, .probe = page->names + page->probe}};
	const struct availability_visitor visitor = {write_hour, write_change, &writing};

	availability_visit(&page->entry.availability, &visitor);
	if (page->entry.left_ms == 0)
		return;
	writing.record.kind = AVAILABILITY_RECORD_LEFT;
	writing.record.at_ms = page->entry.left_ms;
	availability_record_write(out, &writing.record);
}

int availability_book_write(const struct availability_book *book, struct text *out,
			    int (*flush)(void *arg, struct text *out), void *arg)
{
	for (size_t i = 0; i < book->gaps.n; i++) {
		const struct availability_record gap = {.kind = AVAILABILITY_RECORD_GAP,
							.at_ms = book->gaps.items[i].from_ms,
							.to_ms = book->gaps.items[i].to_ms};

		availability_record_write(out, &gap);
	}
	for (size_t i = 0; i < book->nbuckets; i++) {
		for (const struct page *page = book->buckets[i]; page; page = page->next) {
			write_page(page, out);
			if (flush(arg, out) == -1)
				return -1;
		}
	}
	return flush(arg, out);
}
