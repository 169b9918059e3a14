#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "core/mem.h"

Test(mem, nothing_is_something)
{
	char *a = mem_alloc(0), *b = mem_zero(0, 8), *c = mem_zero(8, 0), *d = mem_resize(NULL, 0, 4),
	     *e = mem_copy(NULL, 0);

	cr_expect(a != NULL && b != NULL && c != NULL && d != NULL && e != NULL);
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
	mem_free(e);
	mem_free(NULL);
}

Test(mem, zero_and_resize)
{
	int *numbers = mem_zero(4, sizeof(int));

	for (int i = 0; i < 4; i++) {
		cr_expect_eq(numbers[i], 0);
		numbers[i] = i;
	}
	numbers = mem_resize(numbers, 1000, sizeof(int));
	for (int i = 0; i < 4; i++)
		cr_expect_eq(numbers[i], i);
	mem_free(numbers);
}

Test(mem, copies)
{
	char *bytes = mem_copy("a\0b", 3);
	char *string = mem_copy_string("string");
	char *formatted = mem_format("%d-%s", 5, "x");

	cr_expect_arr_eq(bytes, "a\0b", 3);
	cr_expect_str_eq(string, "string");
	cr_expect_str_eq(formatted, "5-x");
	cr_expect_null(mem_copy_string(NULL));
	mem_free(bytes);
	mem_free(string);
	mem_free(formatted);
}

Test(mem, stops_when_there_is_none, .exit_code = 1)
{
	mem_resize(NULL, SIZE_MAX / 2, 4); /* the product does not fit a size_t */
}

Test(mem, stops_when_there_is_no_zeroed_memory, .exit_code = 1)
{
	mem_zero(2, SIZE_MAX);
}

/* The address space is bounded for this process alone. */
Test(mem, stops_when_the_kernel_gives_none, .exit_code = 1)
{
	setrlimit(RLIMIT_DATA, &(struct rlimit){1 << 20, 1 << 20});
	mem_alloc((size_t)1 << 30);
}
