#include <criterion/criterion.h>

#include "core/clock.h"
#include "probes/drop_ledger.h"

Test(drop_ledger, each_drop_is_put_down_to_one_packet_sent_before_it)
{
	struct drop_ledger ledger = {0};
	cr_assert_not(drop_ledger_take(&ledger, 0));
	cr_assert_eq(drop_ledger_note(&ledger, 0, 100), 0);
	cr_assert_eq(drop_ledger_note(&ledger, 2, 200), 2);
	cr_assert_eq(drop_ledger_note(&ledger, 2, 300), 0);
	cr_assert_not(drop_ledger_take(&ledger, 201), "sent after the last drop");
	cr_assert(drop_ledger_take(&ledger, 200));
	cr_assert(drop_ledger_take(&ledger, 10));
	cr_assert_not(drop_ledger_take(&ledger, 10), "only two were dropped");
	cr_assert_eq(drop_ledger_note(&ledger, 5, 400), 3);
	cr_assert(drop_ledger_take(&ledger, 400));
}

Test(drop_ledger, looks_are_due_every_100_ms_or_when_the_clock_goes_back)
{
	struct drop_ledger ledger = {0};
	drop_ledger_note(&ledger, 0, NS_PER_SECOND);
	cr_assert_not(drop_ledger_is_due(&ledger, NS_PER_SECOND + 99 * NS_PER_MS));
	cr_assert(drop_ledger_is_due(&ledger, NS_PER_SECOND + 100 * NS_PER_MS));
	cr_assert(drop_ledger_is_due(&ledger, NS_PER_SECOND - 1));
}
