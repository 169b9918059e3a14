#include <criterion/criterion.h>
#include <string.h>

#include "core/event.h"

Test(event, kinds_have_names)
{
	for (unsigned i = 0; i < EVENT_KINDS; i++)
		cr_expect_eq(event_kind_find(event_kind_name((enum event_kind)i)), i);
	cr_expect_str_eq(event_kind_name(EVENT_KINDS), "unknown");
	cr_expect_eq(event_kind_find("unknown"), EVENT_KINDS);
	cr_expect_eq(event_kind_find(""), EVENT_KINDS);
}

Test(event, rows_are_read)
{
	const struct label labels[] = {{"hop", "3"}, {"kind", "path_change"}};
	const struct reading readings[] = {reading_text(EVENT_BEFORE, "a"), reading_text(EVENT_AFTER, "b")};
	const struct row row = {&event_row_set, labels, 2, readings, 2}, bare = {.set = &event_row_set};

	cr_expect_eq(event_kind_of(&row), EVENT_PATH_CHANGE);
	cr_expect_eq(event_kind_of(&bare), EVENT_KINDS);
	cr_expect_str_eq(event_text(&row, EVENT_BEFORE), "a");
	cr_expect_str_eq(event_text(&row, EVENT_AFTER), "b");
	cr_expect_null(event_text(&row, EVENT_TEXT));
	cr_expect_null(event_text(&bare, EVENT_TEXT));
}
