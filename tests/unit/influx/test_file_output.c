#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "influx/file_output.h"
#include "scratch.h"

/* How long a test may wait for what must come, which then comes at once. */
#define PATIENCE_NS (30 * NS_PER_SECOND)
#define LOOK_NS     (10 * NS_PER_MS)

struct fixture {
	struct scratch scratch;
	char *path;
	struct loop *loop;
	struct influx_settings settings;
	struct output_figures figures;
	struct file_output output;
	/* wait_until */
	struct alarm look;
	bool (*is_over)(struct fixture *fixture);
	int64_t give_up_ns;
};

static void look(void *arg)
{
	struct fixture *fixture = arg;
	cr_assert_lt(clock_monotonic_ns(), fixture->give_up_ns, "what the test waits for does not come");
	if (fixture->is_over(fixture))
		loop_stop(fixture->loop);
	else
		alarm_set(fixture->loop, &fixture->look, clock_monotonic_ns() + LOOK_NS);
}

static void wait_until(struct fixture *fixture, bool (*is_over)(struct fixture *fixture))
{
	struct err err = {0};
	fixture->is_over = is_over;
	fixture->give_up_ns = clock_monotonic_ns() + PATIENCE_NS;
	alarm_prepare(&fixture->look, look, fixture);
	alarm_set(fixture->loop, &fixture->look, clock_monotonic_ns() + LOOK_NS);
	cr_assert_eq(loop_run(fixture->loop, &err), 0, "%s", err.text);
}

static struct fixture *setup(void)
{
	struct fixture *fixture = mem_zero(1, sizeof(*fixture));
	struct err err = {0};
	fixture->scratch = scratch_make();
	fixture->path = scratch_path(&fixture->scratch, "lines");
	fixture->loop = loop_create(0, &err);
	cr_assert_not_null(fixture->loop, "%s", err.text);
	static char name[] = "main";
	fixture->settings =
		(struct influx_settings){.name = name, .path = fixture->path, .rotate_bytes = 100, .keep = 5};
	cr_assert_eq(file_output_open(&fixture->output, &fixture->settings, &fixture->figures, &err), 0, "%s",
		     err.text);
	fixture->output.loop = fixture->loop;
	return fixture;
}

static void teardown(struct fixture *fixture)
{
	file_output_close(&fixture->output);
	loop_free(fixture->loop);
	scratch_remove(&fixture->scratch);
	mem_free(fixture->path);
	mem_free(fixture);
}

static void put(struct fixture *fixture, const char *lines, int64_t since_ns)
{
	file_output_write(&fixture->output, lines, strlen(lines), since_ns);
}

static int64_t figure(const struct fixture *fixture, const char *name)
{
	struct reading readings[16];
	size_t n = figures_read(&fixture->figures, 0, 0, readings);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(readings[i].measure, i);
		if (strcmp(influx_set.measures[i].name, name) == 0)
			return influx_set.measures[i].kind == MEASURE_GAUGE ? (int64_t)(readings[i].value.number * 1e3)
									    : readings[i].value.integer;
	}
	cr_assert(false, "no figure %s", name);
	return 0;
}

/* No byte more fits into any file. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool is_written(struct fixture *fixture)
{
	return fixture->output.backlog.first == NULL;
}

Test(file_output, refuses_a_path_that_does_not_open)
{
	struct influx_settings settings = {.name = (char[]){"main"}, .path = (char[]){"/no/such/folder"}};
	struct output_figures figures = {0};
	struct file_output output = {0};
	struct err err = {0};
	cr_expect_eq(file_output_open(&output, &settings, &figures, &err), -1);
	cr_expect_str_eq(err.text, "main: /no/such/folder: open: No such file or directory");
}

Test(file_output, writes_and_counts)
{
	struct fixture *fixture = setup();
	file_output_expect(&fixture->output, clock_realtime_ns() - 5 * NS_PER_SECOND);
	file_output_expect(&fixture->output, clock_realtime_ns());
	cr_expect_geq(figure(fixture, "queue_age_seconds"), 5000);
	put(fixture, "a\nb\n", 1);
	cr_expect_eq(figure(fixture, "queue_age_seconds"), 0);
	put(fixture, "c\n", 2);
	scratch_expect(fixture->path, "", "a\nb\nc\n");
	cr_expect_eq(figure(fixture, "lines_written_total"), 3);
	cr_expect_eq(figure(fixture, "bytes_written_total"), 6);
	cr_expect_eq(figure(fixture, "queue_lines"), 0);
	cr_expect_eq(figure(fixture, "write_errors_total"), 0);
	char long_line[99];
	memset(long_line, 'x', 98);
	long_line[97] = '\n';
	long_line[98] = '\0';
	put(fixture, long_line, 3);
	cr_expect_eq(figure(fixture, "rotations_total"), 1);
	cr_expect_eq(figure(fixture, "bytes_written_total"), 104);
	teardown(fixture);
}

Test(file_output, adds_what_it_does_not_know_of)
{
	struct fixture *fixture = setup();
	struct reading readings[16];
	cr_expect_eq(figures_read(&fixture->figures, 7, 5, readings), FIGURE_ROTATIONS + 1);
	cr_expect_eq(readings[2].value.integer, 5);
	cr_expect_eq(readings[4].value.integer, 7);
	teardown(fixture);
}

Test(file_output, keeps_what_cannot_be_written_and_tries_again)
{
	struct fixture *fixture = setup();
	limit_file_size(4);
	put(fixture, "a\nb\nc\nd\n", clock_realtime_ns() - 5 * NS_PER_SECOND);
	cr_expect_eq(figure(fixture, "lines_written_total"), 2);
	cr_expect_eq(figure(fixture, "queue_lines"), 2);
	cr_expect_geq(figure(fixture, "queue_age_seconds"), 5000);
	cr_expect_eq(figure(fixture, "write_errors_total"), 1);
	cr_expect_eq(fixture->output.pause_ns, FILE_OUTPUT_PAUSE_FIRST_NS);
	put(fixture, "e\n", clock_realtime_ns());
	cr_expect_eq(figure(fixture, "write_errors_total"), 1, "not tried before the pause is over");
	cr_expect_eq(figure(fixture, "queue_lines"), 3);
	limit_file_size(6);
	cr_expect_not(file_output_flush(&fixture->output));
	cr_expect_eq(fixture->output.pause_ns, 2 * FILE_OUTPUT_PAUSE_FIRST_NS);
	cr_expect_eq(figure(fixture, "queue_lines"), 2);
	limit_file_size(RLIM_INFINITY);
	wait_until(fixture, is_written);
	scratch_expect(fixture->path, "", "a\nb\nc\nd\ne\n");
	cr_expect_eq(figure(fixture, "lines_written_total"), 5);
	cr_expect_eq(figure(fixture, "queue_lines"), 0);
	cr_expect_eq(figure(fixture, "queue_age_seconds"), 0);
	cr_expect_eq(figure(fixture, "lines_dropped_total"), 0);
	cr_expect_eq(fixture->output.pause_ns, 0);
	teardown(fixture);
}

Test(file_output, drops_the_oldest)
{
	struct fixture *fixture = setup();
	limit_file_size(0);
	fixture->output.backlog.ceiling = 2 * (sizeof(struct backlog_chunk) + 4);
	put(fixture, "a\nb\n", 1);
	put(fixture, "c\nd\n", 2);
	put(fixture, "e\nf\n", 3);
	cr_expect_eq(figure(fixture, "lines_dropped_total"), 2);
	cr_expect_eq(figure(fixture, "queue_lines"), 4);
	cr_expect_neq(fixture->output.drop_fault.since_ns, 0);
	limit_file_size(RLIM_INFINITY);
	cr_expect(file_output_flush(&fixture->output));
	scratch_expect(fixture->path, "", "c\nd\ne\nf\n");
	cr_expect_eq(fixture->output.drop_fault.since_ns, 0);
	cr_expect_eq(figure(fixture, "lines_written_total"), 4);
	teardown(fixture);
}

Test(file_output, pause_doubles_up_to_a_limit)
{
	struct fixture *fixture = setup();
	limit_file_size(0);
	put(fixture, "a\n", 1);
	int64_t pause_ns = FILE_OUTPUT_PAUSE_FIRST_NS;
	for (int i = 0; i < 20; i++) {
		cr_expect_eq(fixture->output.pause_ns, pause_ns);
		cr_expect_not(file_output_flush(&fixture->output));
		pause_ns = pause_ns * 2 > FILE_OUTPUT_PAUSE_LAST_NS ? FILE_OUTPUT_PAUSE_LAST_NS : pause_ns * 2;
	}
	cr_expect_eq(fixture->output.pause_ns, FILE_OUTPUT_PAUSE_LAST_NS);
	cr_expect_eq(figure(fixture, "write_errors_total"), 21);
	limit_file_size(RLIM_INFINITY);
	file_output_give_up(&fixture->output);
	cr_expect_eq(figure(fixture, "lines_dropped_total"), 1);
	cr_expect_eq(figure(fixture, "queue_lines"), 0);
	cr_expect_eq(figure(fixture, "queue_age_seconds"), 0);
	teardown(fixture);
}

static bool exists(struct fixture *fixture)
{
	return access(fixture->path, F_OK) == 0;
}

static bool has_failed(struct fixture *fixture)
{
	return figure(fixture, "write_errors_total") > 0;
}

static bool has_recovered(struct fixture *fixture)
{
	return fixture->output.pause_ns == 0;
}

/* As if the time of the alarm had come. */
static void attend_now(struct fixture *fixture)
{
	file_output_attend(&fixture->output, fixture->loop);
	alarm_set(fixture->loop, &fixture->output.alarm, clock_monotonic_ns());
}

/* Nothing is written meanwhile. */
Test(file_output, idle_output_looks_after_its_file)
{
	struct fixture *fixture = setup();
	cr_assert_eq(unlink(fixture->path), 0);
	attend_now(fixture);
	wait_until(fixture, exists);
	scratch_remove(&fixture->scratch);
	attend_now(fixture);
	wait_until(fixture, has_failed);
	cr_assert_eq(mkdir(fixture->scratch.folder, 0700), 0);
	wait_until(fixture, has_recovered);
	put(fixture, "a\n", 1);
	scratch_expect(fixture->path, "", "a\n");
	teardown(fixture);
}

Test(file_output, rotation_that_fails_is_counted)
{
	struct fixture *fixture = setup();
	char *folder = mem_format("%s.1", fixture->path);
	cr_assert_eq(mkdir(folder, 0700), 0);
	fixture->output.file.keep = 1;
	for (int i = 0; i < 11; i++)
		put(fixture, "123456789\n", 1);
	cr_expect_eq(figure(fixture, "write_errors_total"), 1);
	cr_expect_eq(figure(fixture, "lines_written_total"), 11);
	cr_expect_eq(figure(fixture, "rotations_total"), 0);
	mem_free(folder);
	teardown(fixture);
}
