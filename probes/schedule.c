#include "probes/schedule.h"

#include <stdio.h>

#include "core/hash.h"
#include "core/mem.h"

int64_t schedule_phase_ns(const char *target, const char *probe, uint32_t tag, int64_t interval_ns)
{
	char *identity = mem_format("%s\n%s\n%u", target, probe, tag);
	uint64_t hash = hash_stable(identity);
	mem_free(identity);
	return (int64_t)(hash % (uint64_t)interval_ns);
}

int64_t schedule_first_ns(int64_t now_monotonic_ns, int64_t now_realtime_ns, int64_t phase_ns, int64_t interval_ns)
{
	int64_t place = now_realtime_ns % interval_ns;
	if (place < 0)
		place += interval_ns;
	int64_t wait = phase_ns - place;
	if (wait <= 0)
		wait += interval_ns;
	return now_monotonic_ns + wait;
}

int64_t schedule_next_ns(int64_t due_ns, int64_t now_ns, int64_t interval_ns, uint64_t *missed)
{
	int64_t next_ns = due_ns + interval_ns;
	if (next_ns > now_ns)
		return next_ns;
	int64_t turns = (now_ns - due_ns) / interval_ns;
	*missed += (uint64_t)turns;
	return due_ns + (turns + 1) * interval_ns;
}
