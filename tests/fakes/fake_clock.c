#include "core/clock.h"
#include "tests/fakes/fakes.h"

static struct {
	int64_t monotonic_ns;
	int64_t realtime_ns;
} fake = {FAKE_MONOTONIC_START_NS, FAKE_REALTIME_START_NS};

int64_t clock_monotonic_ns(void)
{
	return fake.monotonic_ns;
}

int64_t clock_realtime_ns(void)
{
	return fake.realtime_ns;
}

int64_t fake_now_ns(void)
{
	return fake.monotonic_ns;
}

void fake_stall_ns(int64_t ns)
{
	fake.monotonic_ns += ns;
	fake.realtime_ns += ns;
}

void fake_step_realtime_ns(int64_t ns)
{
	fake.realtime_ns += ns;
}

void fake_clock_set_ns(int64_t now_ns)
{
	if (now_ns > fake.monotonic_ns)
		fake_stall_ns(now_ns - fake.monotonic_ns);
}

void fake_clock_reset(void)
{
	fake.monotonic_ns = FAKE_MONOTONIC_START_NS;
	fake.realtime_ns = FAKE_REALTIME_START_NS;
}

void fake_reset(void)
{
	fake_clock_reset();
	fake_loop_reset();
	fake_resolve_reset();
	fake_fetch_reset();
}

size_t fake_alive(void)
{
	return fake_loop_alive() + fake_resolve_alive() + fake_fetch_alive();
}
