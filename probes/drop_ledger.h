/*
 * Which answers that stay out may have been dropped in our own socket buffer? The kernel's count of drops is put down
 * to them one for one: what is more the network lost, and so it did what was sent only after the drops. Pure.
 */
#ifndef NETSONDE_PROBES_DROP_LEDGER_H
#define NETSONDE_PROBES_DROP_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct drop_ledger {
	uint64_t seen;      /* by the kernel, as of the last look */
	uint64_t unpaid;    /* drops that nothing has been put down to yet */
	int64_t dropped_ns; /* wall clock: the last drop was before this */
	int64_t looked_ns;  /* wall clock: the last look */
};

/* While answers come a look is due at most every 100 ms. */
bool drop_ledger_is_due(const struct drop_ledger *ledger, int64_t now_ns);

/* A look: the kernel's count is this now. Returns how many drops are new. */
uint64_t drop_ledger_note(struct drop_ledger *ledger, uint64_t dropped, int64_t now_ns);

/* A packet that was sent then has no answer: puts a drop down to it, if there is one. */
bool drop_ledger_take(struct drop_ledger *ledger, int64_t sent_ns);

#endif
