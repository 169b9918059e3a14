/* The file of availability, which a disk may have damaged: what was read and written again says the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/mem.h"
#include "daemon/availability_book.h"
#include "daemon/availability_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int no_flush(void *arg, struct text *out)
{
	(void)arg;
	(void)out;
	return 0;
}

static struct availability_book *read_book(const void *bytes, size_t size, int *result)
{
	struct availability_book *book = availability_book_create();
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");
	struct err err = {0};
	int64_t alive_ms;

	*result = availability_book_read(book, file, &alive_ms, &err);
	fclose(file);
	return book;
}

/* The bytes as lines with right checksums, so that what comes after these is reached. */
static void add_lines(struct text *text, const uint8_t *data, size_t size)
{
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size;

		text_add_format(text, "%08lx ", crc32_z(crc32_z(0, NULL, 0), data, n));
		text_add_bytes(text, data, n);
		text_add_char(text, '\n');
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
}

static void read_and_write(const void *bytes, size_t size)
{
	char head[AVAILABILITY_HEAD_BYTES];
	struct text text = {0};
	int result;
	struct availability_book *book = read_book(bytes, size, &result), *again;

	availability_head_write(head, 1);
	text_add_bytes(&text, head, sizeof(head));
	require(availability_book_write(book, &text, no_flush, NULL) == 0);
	again = read_book(text.bytes, text.length, &result);
	require(result == 0 && availability_book_damaged(again) == 0);
	require(availability_book_count(again) <= availability_book_count(book));
	availability_book_free(book);
	availability_book_free(again);
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[AVAILABILITY_HEAD_BYTES];
	struct text text = {0};

	if (size == 0)
		return 0;
	availability_head_write(head, 1700000000000);
	text_add_bytes(&text, head, sizeof(head));
	text_add_bytes(&text, data, size);
	add_lines(&text, data, size);
	read_and_write(data, size);
	read_and_write(text.bytes, text.length);
	text_free(&text);
	return 0;
}
