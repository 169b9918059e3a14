#include "probes/drop_ledger.h"

#include "core/clock.h"

#define LOOK_PAUSE_NS (100 * NS_PER_MS)

bool drop_ledger_is_due(const struct drop_ledger *ledger, int64_t now_ns)
{
	int64_t since_ns = now_ns - ledger->looked_ns;
	return since_ns < 0 || since_ns >= LOOK_PAUSE_NS;
}

uint64_t drop_ledger_note(struct drop_ledger *ledger, uint64_t dropped, int64_t now_ns)
{
	uint64_t fresh = dropped > ledger->seen ? dropped - ledger->seen : 0;
	ledger->looked_ns = now_ns;
	if (fresh == 0)
		return 0;
	ledger->unpaid += fresh;
	ledger->seen = dropped;
	ledger->dropped_ns = now_ns;
	return fresh;
}

bool drop_ledger_take(struct drop_ledger *ledger, int64_t sent_ns)
{
	if (!ledger->unpaid || sent_ns > ledger->dropped_ns)
		return false;
	ledger->unpaid--;
	return true;
}
