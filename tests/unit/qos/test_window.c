#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "qos/window.h"

#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

static const struct window_shape usual = {60 * SECOND, 100};

Test(window, fits_its_memory)
{
	struct window *window = NULL;

	cr_assert_eq(window_size(window), 0, "nothing is taken before it is needed");
	for (int i = 0; i < 1000; i++)
		window_add(&window, &usual, i * SECOND, MS);
	cr_assert_leq(window_size(window), 300, "one packet a second: %zu bytes", window_size(window));
	for (int i = 0; i < 1000; i++)
		window_add(&window, &usual, 1000 * SECOND + i, MS);
	cr_assert_leq(window_size(window), 450, "%zu bytes", window_size(window));
	mem_free(window);
}

Test(window, of_nothing)
{
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[100];

	window_expire(window, &usual, 5 * SECOND);
	window_read(window, scratch, &figures);
	cr_assert(figures.loss.n == 0 && figures.received == 0 && figures.pairs == 0 && !figures.is_jitter_known);
	mem_free(window);
}

/* The delays of quality.md 3, in milliseconds. */
Test(window, worked_example)
{
	static const double ms[] = {20.0, 21.5, 19.8, 25.0, 20.2, 20.4, 31.0, 20.1};
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[100];

	for (unsigned i = 0; i < 8; i++)
		window_add(&window, &usual, i * SECOND, (int64_t)(ms[i] * 1e6));
	window_read(window, scratch, &figures);
	cr_assert_eq(figures.loss.n, 8);
	cr_assert_eq(figures.received, 8);
	near(figures.ipdv_mean_abs_ns / 1e6, 4.985714, 1e-4);
	near(figures.ipdv_max_ns / 1e6, 10.9, 1e-3);
	near(figures.jitter_ns / 1e6, 1.952173173, 1e-5);
	cr_assert(figures.is_jitter_known);
	near(window_rtt_ns(&figures, 0) / 1e6, 19.8, 1e-4);
	near(window_rtt_ns(&figures, 0.5) / 1e6, 20.2, 1e-4);
	near(window_pdv_ns(&figures, 1) / 1e6, 11.2, 1e-3);
	near(window_pdv_ns(&figures, 0.85) / 1e6, 5.2, 1e-3);
	near(window_late_ratio(&figures, 5.3 * 1e6), 1.0 / 8, 1e-9);
	near(window_late_ratio(&figures, 0.1 * 1e6), 7.0 / 8, 1e-9);
	near(window_late_ratio(&figures, 20 * 1e6), 0, 0);
	mem_free(window);
}

Test(window, loss)
{
	const char *packets = "0000010000011000000000001110000000010000";
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[100];
	double ratio;

	for (unsigned i = 0; packets[i]; i++) {
		if (packets[i] == '1')
			window_add_lost(&window, &usual, i * SECOND);
		else
			window_add(&window, &usual, i * SECOND, 10 * MS);
	}
	window_read(window, scratch, &figures);
	cr_assert(figures.loss.n == 40 && figures.loss.lost == 7 && figures.loss.runs == 4 && figures.received == 33);
	cr_assert_eq(figures.pairs, 28);
	cr_assert(loss_burst_ratio(&figures.loss, &ratio));
	near(ratio, 1.443750, 1e-9);
	near(window_late_ratio(&figures, -1), 33.0 / 40, 1e-9);
	mem_free(window);
}

/* Any time from nothing to hours is kept to 2 parts in a million, and times keep their order. */
Test(window, exactness)
{
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[100];
	double before = 0;

	for (double ns = 1; ns < 1e13; ns *= 1.013) {
		int64_t rtt_ns = (int64_t)ns;

		mem_free(window);
		window = NULL;
		window_add(&window, &usual, 0, rtt_ns);
		window_read(window, scratch, &figures);
		near(window_rtt_ns(&figures, 0), (double)rtt_ns, (double)rtt_ns * 2e-6);
		cr_assert(window_rtt_ns(&figures, 0) >= before);
		before = window_rtt_ns(&figures, 0);
	}
	for (int64_t rtt_ns = -1; rtt_ns <= 0; rtt_ns++) {
		mem_free(window);
		window = NULL;
		window_add(&window, &usual, 0, rtt_ns);
		window_read(window, scratch, &figures);
		cr_assert_eq(figures.loss.lost, 0);
		near(window_rtt_ns(&figures, 0), 0.5, 0);
	}
	mem_free(window);
	window = NULL;
	window_add(&window, &usual, 0, INT64_MAX);
	window_read(window, scratch, &figures);
	near(window_rtt_ns(&figures, 0) / 9.2233720368547758e18, 1, 1e-5);
	mem_free(window);
}

Test(window, forgets_after_its_length)
{
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[100];

	for (int i = 0; i < 1000; i++) {
		window_add(&window, &usual, i * SECOND, (i + 1) * MS);
		cr_assert(window_count(window) <= 60 && (i < 60 || window_count(window) >= 59), "%d: %u", i,
			  window_count(window));
	}
	window_read(window, scratch, &figures);
	near(window_rtt_ns(&figures, 0) / 1e6, 1000.0 - window_count(window) + 1, 0.01);
	window_expire(window, &usual, (999 + 30) * SECOND);
	cr_assert(window_count(window) >= 29 && window_count(window) <= 30, "%u", window_count(window));
	window_expire(window, &usual, (999 + 60) * SECOND);
	cr_assert_eq(window_count(window), 0);
	window_read(window, scratch, &figures);
	cr_assert_not(figures.is_jitter_known, "what comes now is no successor of what was");
	mem_free(window);
}

Test(window, forgets_after_its_number)
{
	struct window_shape shape = {60 * SECOND, 7};
	struct window *window = NULL;
	struct window_figures figures;
	uint32_t scratch[7];

	for (int i = 0; i < 100; i++)
		window_add(&window, &shape, i * MS, (i + 1) * MS);
	window_read(window, scratch, &figures);
	cr_assert_eq(figures.loss.n, 7);
	near(window_rtt_ns(&figures, 0) / 1e6, 94, 0.001);
	near(window_rtt_ns(&figures, 1) / 1e6, 100, 0.001);
	mem_free(window);
}

/* Against a plain list, with pauses of any length. */
Test(window, is_a_list)
{
	struct window_shape shape = {10 * SECOND, 50};
	struct window *window = NULL;
	static int64_t times[100000];
	static bool lost[100000];
	int64_t now_ns = 12345;
	size_t n = 0;

	srand(11);
	for (int i = 0; i < 20000; i++) {
		struct window_figures figures;
		uint32_t scratch[50];
		size_t sure = 0, most = 0, missing = 0;

		now_ns += rand() % 100 == 0 ? rand() % 40 * SECOND : rand() % 1000 * MS;
		times[n] = now_ns;
		lost[n++] = rand() % 5 == 0;
		if (lost[n - 1])
			window_add_lost(&window, &shape, now_ns);
		else
			window_add(&window, &shape, now_ns, 5 * MS);
		for (size_t at = n; at-- > 0 && n - at <= 50;) {
			sure += now_ns - times[at] < shape.length_ns - shape.length_ns / WINDOW_AGE_STEPS;
			most += now_ns - times[at] <= shape.length_ns;
		}
		window_read(window, scratch, &figures);
		cr_assert(figures.loss.n >= sure && figures.loss.n <= most, "%u: %zu to %zu", figures.loss.n, sure,
			  most);
		for (size_t at = n - figures.loss.n; at < n; at++)
			missing += lost[at];
		cr_assert_eq(figures.loss.lost, missing);
	}
	mem_free(window);
}

Test(window, of_a_moment)
{
	struct window_shape shape = {10, 3};
	struct window *window = NULL;

	for (int i = 0; i < 10; i++)
		window_add(&window, &shape, 1000 + i, MS);
	cr_assert_eq(window_count(window), 3, "a window shorter than its steps has steps of a nanosecond");
	mem_free(window);
}
