#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/names.h"

Test(names, keeps_the_first_of_equal_keys)
{
	struct names names = {0};

	cr_expect_eq(names_find(&names, names_key_of("a")), NAMES_NONE);
	cr_expect_eq(names_add(&names, names_key_of("a"), 7), NAMES_NONE);
	cr_expect_eq(names_add(&names, names_key_of("a"), 8), 7);
	cr_expect_eq(names_find(&names, names_key_of("a")), 7);
	cr_expect_eq(names_find(&names, names_key_of("b")), NAMES_NONE);
	cr_expect_eq(names_find(&names, names_key_of("")), NAMES_NONE);
	cr_expect_eq(names.n, 1);
	names_free(&names);
	cr_expect_eq(names_find(&names, names_key_of("a")), NAMES_NONE);
}

Test(names, tells_parts_apart)
{
	static const struct names_key keys[] = {
		{{"a", NULL, NULL}}, {{"a", "b", NULL}},   {{"b", "a", NULL}}, {{"ab", NULL, NULL}},
		{{"a", "", NULL}},   {{"", "a", NULL}},    {{"a", "b", "c"}},  {{"a", "bc", NULL}},
		{{"a", "b", ""}},    {{NULL, NULL, NULL}},
	};
	struct names names = {0};
	size_t n = sizeof(keys) / sizeof(keys[0]);

	for (size_t i = 0; i < n; i++)
		cr_expect_eq(names_add(&names, keys[i], i), NAMES_NONE, "key %zu", i);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(names_find(&names, keys[i]), i);
	names_free(&names);
}

Test(names, grows)
{
	enum { N = 20000 };
	static char texts[N][16];
	struct names names = {0};

	for (size_t i = 0; i < N; i++) {
		snprintf(texts[i], sizeof(texts[i]), "name-%zu", i);
		cr_assert_eq(names_add(&names, names_key_of(texts[i]), i), NAMES_NONE);
	}
	for (size_t i = 0; i < N; i++)
		cr_assert_eq(names_find(&names, names_key_of(texts[i])), i);
	cr_expect_eq(names.n, N);
	cr_expect(names.capacity >= 2 * N, "at most half full");
	names_free(&names);
}
