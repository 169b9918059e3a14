/* core/mem.c with a count of what is held, so that a test can say that nothing grows. */
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tests/fakes/fakes.h"

static struct {
	atomic_size_t bytes, pieces;
} fake;

size_t fake_memory_bytes(void)
{
	return atomic_load_explicit(&fake.bytes, memory_order_relaxed);
}

size_t fake_memory_pieces(void)
{
	return atomic_load_explicit(&fake.pieces, memory_order_relaxed);
}

static void *note(void *memory)
{
	if (memory == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	atomic_fetch_add_explicit(&fake.bytes, malloc_usable_size(memory), memory_order_relaxed);
	atomic_fetch_add_explicit(&fake.pieces, 1, memory_order_relaxed);
	return memory;
}

static void forget(void *memory)
{
	atomic_fetch_sub_explicit(&fake.bytes, malloc_usable_size(memory), memory_order_relaxed);
	atomic_fetch_sub_explicit(&fake.pieces, 1, memory_order_relaxed);
}

static size_t product(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		abort();
	return all > 0 ? all : 1;
}

void *mem_alloc(size_t size)
{
	return note(malloc(size > 0 ? size : 1));
}

void *mem_zero(size_t n, size_t size)
{
	return note(calloc(1, product(n, size)));
}

void *mem_resize(void *old, size_t n, size_t size)
{
	if (old != NULL)
		forget(old);
	return note(realloc(old, product(n, size)));
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
	return note(length >= 0 ? string : NULL);
}

void mem_free(void *memory)
{
	if (memory == NULL)
		return;
	forget(memory);
	free(memory);
}

void *mem_alloc_aligned(size_t alignment, size_t size)
{
	void *memory = NULL;

	return note(posix_memalign(&memory, alignment, size > 0 ? size : 1) == 0 ? memory : NULL);
}

void mem_forget(void *memory, size_t size)
{
	(void)memory, (void)size;
}
