#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/family.h"

/* The heads of all families of these sets. */
static char *heads(const struct measure_set *const *sets, size_t n, enum render_format format)
{
	struct shapes *shapes = shapes_create();
	struct known_set *known[8];
	for (size_t i = 0; i < n; i++)
		known[i] = shapes_hold_set(shapes, sets[i]);
	struct family_list *list = family_list_create(known, n);
	struct text out = {0};
	for (size_t i = 0; i < list->n; i++)
		family_write_head(&list->families[i], format, &out);
	family_list_free(list);
	for (size_t i = 0; i < n; i++)
		shapes_drop_set(shapes, known[i]);
	shapes_free(shapes);
	return text_take(&out);
}

static void check(const struct measure *measure, const char *text, const char *openmetrics)
{
	const struct measure_set set = {"s", measure, 1, NULL, ""}, *sets[] = {&set};
	char *page = heads(sets, 1, RENDER_TEXT);
	cr_expect_str_eq(page, text, "%s", page);
	mem_free(page);
	page = heads(sets, 1, RENDER_OPENMETRICS);
	cr_expect_str_eq(page, openmetrics, "%s", page);
	mem_free(page);
}

Test(family, heads_by_kind)
{
	static const struct {
		struct measure measure;
		const char *text, *openmetrics;
	} cases[] = {
		{{"a_total", MEASURE_COUNTER, "H"},
		 "# HELP netsonde_s_a_total H\n# TYPE netsonde_s_a_total counter\n",
		 "# TYPE netsonde_s_a counter\n# HELP netsonde_s_a H\n"},
		{{"a_seconds_total", MEASURE_COUNTER_SECONDS, "H"},
		 "# HELP netsonde_s_a_seconds_total H\n# TYPE netsonde_s_a_seconds_total counter\n",
		 "# TYPE netsonde_s_a_seconds counter\n# UNIT netsonde_s_a_seconds seconds\n# HELP "
		 "netsonde_s_a_seconds H\n"},
		{{"a", MEASURE_COUNTER, "H"},
		 "# HELP netsonde_s_a H\n# TYPE netsonde_s_a counter\n",
		 "# TYPE netsonde_s_a unknown\n# HELP netsonde_s_a H\n"},
		{{"a_ratio", MEASURE_GAUGE, "H"},
		 "# HELP netsonde_s_a_ratio H\n# TYPE netsonde_s_a_ratio gauge\n",
		 "# TYPE netsonde_s_a_ratio gauge\n# UNIT netsonde_s_a_ratio ratio\n# HELP netsonde_s_a_ratio H\n"},
		{{"a_bytes", MEASURE_INTEGER, "H"},
		 "# HELP netsonde_s_a_bytes H\n# TYPE netsonde_s_a_bytes gauge\n",
		 "# TYPE netsonde_s_a_bytes gauge\n# UNIT netsonde_s_a_bytes bytes\n# HELP netsonde_s_a_bytes H\n"},
		{{"tx_bits_per_second", MEASURE_GAUGE, "H"},
		 "# HELP netsonde_s_tx_bits_per_second H\n# TYPE netsonde_s_tx_bits_per_second gauge\n",
		 "# TYPE netsonde_s_tx_bits_per_second gauge\n# UNIT netsonde_s_tx_bits_per_second bits_per_second\n"
		 "# HELP netsonde_s_tx_bits_per_second H\n"},
		{{"gigabytes", MEASURE_GAUGE, "H"},
		 "# HELP netsonde_s_gigabytes H\n# TYPE netsonde_s_gigabytes gauge\n",
		 "# TYPE netsonde_s_gigabytes gauge\n# HELP netsonde_s_gigabytes H\n"},
		{{"a_seconds", MEASURE_HISTOGRAM, "H"},
		 "# HELP netsonde_s_a_seconds H\n# TYPE netsonde_s_a_seconds histogram\n",
		 "# TYPE netsonde_s_a_seconds histogram\n# UNIT netsonde_s_a_seconds seconds\n# HELP "
		 "netsonde_s_a_seconds "
		 "H\n"},
		{{"info", MEASURE_INFO, "H"},
		 "# HELP netsonde_s_info H\n# TYPE netsonde_s_info gauge\n",
		 "# TYPE netsonde_s info\n# HELP netsonde_s H\n"},
		{{"a_seconds_info", MEASURE_INFO, "H"},
		 "# HELP netsonde_s_a_seconds_info H\n# TYPE netsonde_s_a_seconds_info gauge\n",
		 "# TYPE netsonde_s_a_seconds info\n# HELP netsonde_s_a_seconds H\n"},
		{{"place", MEASURE_INFO, "H"},
		 "# HELP netsonde_s_place H\n# TYPE netsonde_s_place gauge\n",
		 "# TYPE netsonde_s_place gauge\n# HELP netsonde_s_place H\n"},
		{{"t", MEASURE_TEXT, "H"}, "", ""},
		{{"a", MEASURE_GAUGE, ""}, "# TYPE netsonde_s_a gauge\n", "# TYPE netsonde_s_a gauge\n"},
		{{"a", MEASURE_GAUGE, NULL}, "# TYPE netsonde_s_a gauge\n", "# TYPE netsonde_s_a gauge\n"},
		{{"a", MEASURE_GAUGE, "say \"a\\b\"\nand c"},
		 "# HELP netsonde_s_a say \"a\\\\b\"\\nand c\n# TYPE netsonde_s_a gauge\n",
		 "# TYPE netsonde_s_a gauge\n# HELP netsonde_s_a say \\\"a\\\\b\\\"\\nand c\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i].measure, cases[i].text, cases[i].openmetrics);
}

Test(family, names_are_sorted_and_shared_ones_are_one_family)
{
	const struct measure first[] = {{"z", MEASURE_GAUGE, "1"}, {"b_c", MEASURE_GAUGE, "2"}};
	const struct measure second[] = {{"c", MEASURE_GAUGE, "3"}, {"a", MEASURE_GAUGE, "4"}};
	const struct measure_set one = {"s", first, 2, NULL, ""}, other = {"s_b", second, 2, NULL, ""};
	const struct measure_set *sets[] = {&one, &other}, *turned[] = {&other, &one};
	char *page = heads(sets, 2, RENDER_TEXT), *same = heads(turned, 2, RENDER_TEXT);
	cr_expect(strstr(page, "# TYPE netsonde_s_b_a gauge\n") < strstr(page, "# TYPE netsonde_s_b_c gauge\n"));
	cr_expect(strstr(page, "# TYPE netsonde_s_b_c gauge\n") < strstr(page, "# TYPE netsonde_s_z gauge\n"));
	const char *shared = strstr(page, "# TYPE netsonde_s_b_c");
	cr_assert(shared);
	cr_expect_null(strstr(shared + 1, "# TYPE netsonde_s_b_c"));
	cr_expect_eq(strlen(page), strlen(same));
	mem_free(page);
	mem_free(same);
}

Test(family, of_two_kinds_under_one_name_one_is_left)
{
	const struct measure first[] = {{"x", MEASURE_INTEGER, ""}}, second[] = {{"x", MEASURE_COUNTER, ""}};
	const struct measure_set one = {"s", first, 1, NULL, ""}, other = {"s", second, 1, NULL, ""};
	const struct measure_set *sets[] = {&one, &other};
	char *page = heads(sets, 2, RENDER_TEXT);
	cr_expect_str_eq(page, "# TYPE netsonde_s_x counter\n");
	mem_free(page);
}

Test(family, a_name_that_openmetrics_would_give_twice)
{
	const struct measure measures[] = {{"x", MEASURE_INTEGER, ""},   {"x_total", MEASURE_COUNTER, ""},
					   {"x_info", MEASURE_INFO, ""}, {"xa_total", MEASURE_COUNTER, ""},
					   {"xab", MEASURE_INTEGER, ""}, {"w_total", MEASURE_COUNTER, ""}};
	const struct measure_set set = {"s", measures, 6, NULL, ""}, *sets[] = {&set};
	char *page = heads(sets, 1, RENDER_OPENMETRICS);
	cr_expect_str_eq(page,
			 "# TYPE netsonde_s_w counter\n"
			 "# TYPE netsonde_s_x gauge\n"
			 "# TYPE netsonde_s_x_info gauge\n"
			 "# TYPE netsonde_s_x_total unknown\n"
			 "# TYPE netsonde_s_xa counter\n"
			 "# TYPE netsonde_s_xab gauge\n",
			 "%s", page);
	mem_free(page);
}

Test(family, none)
{
	char *page = heads(NULL, 0, RENDER_TEXT);
	cr_expect_str_eq(page, "");
	mem_free(page);
	family_list_free(NULL);
}
