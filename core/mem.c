#include "core/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"

#define LARGE_BYTES (256 * 1024)

/* The log needs no memory of its own. No core dump: it would be as large as the memory that has just run out. */
static void *checked(void *memory, size_t n, size_t size)
{
	if (memory == NULL) {
		log_event(LOG_LEVEL_ERROR, "memory", NULL, "out of memory: no room for %zu x %zu bytes", n, size);
		_exit(EXIT_FAILURE);
	}
	return memory;
}

/* An allocation of 0 bytes may give NULL, which is not a failure. */
static size_t at_least_one(size_t n)
{
	return n > 0 ? n : 1;
}

/* calloc looks too, but a sanitizer's stops with a message of its own. */
static bool has_overflow(size_t n, size_t size)
{
	size_t product;

	return __builtin_mul_overflow(n, size, &product);
}

void *mem_alloc(size_t size)
{
	return checked(malloc(at_least_one(size)), 1, size);
}

void *mem_alloc_aligned(size_t alignment, size_t size)
{
	void *memory = NULL;

	return checked(posix_memalign(&memory, alignment, at_least_one(size)) == 0 ? memory : NULL, 1, size);
}

void *mem_zero(size_t n, size_t size)
{
	return checked(has_overflow(n, size) ? NULL : calloc(at_least_one(n), at_least_one(size)), n, size);
}

void *mem_resize(void *old, size_t n, size_t size)
{
	return checked(has_overflow(n, size) ? NULL : realloc(old, at_least_one(n * size)), n, size);
}

void *mem_copy(const void *bytes, size_t size)
{
	void *copy = mem_alloc(size);

	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

char *mem_copy_string(const char *string)
{
	return string != NULL ? mem_copy(string, strlen(string) + 1) : NULL;
}

char *mem_format(const char *format, ...)
{
	va_list arguments;
	char *string = NULL;

	va_start(arguments, format);
	int length = vasprintf(&string, format, arguments);
	va_end(arguments);
	return checked(length >= 0 ? string : NULL, 1, 0);
}

void mem_free(void *memory)
{
	free(memory);
}

void mem_forget(void *memory, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
	uintptr_t end = ((uintptr_t)memory + size) / page * page;

	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* The allocator would raise its threshold with every large piece that is freed, and then keep them. */
void mem_prepare(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

void mem_trim(void)
{
	malloc_trim(0);
}
