#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/loop.h"
#include "influx/backlog.h"
#include "influx/internal.h"
#include "influx/line.h"
#include "scratch.h"

#define PATIENCE_NS (30 * NS_PER_SECOND)
#define LOOK_NS     (10 * NS_PER_MS)

struct fixture {
	struct scratch scratch;
	char *paths[2];
	struct loop *loop; /* of the worker, which is this thread */
	struct influx *influx;
	struct influx_port *port;
	/* run_until_written */
	struct alarm look;
	int64_t lines, give_up_ns;
};

static struct influx *create(const char *path, const char *other, struct err *err)
{
	struct influx_settings main = {.name = (char[]){"main"}, .path = (char *)(uintptr_t)path};
	struct influx_settings second = {.name = (char[]){"second"}, .path = (char *)(uintptr_t)other};
	const struct influx_settings *const settings[] = {&main, &second};
	return influx_create(settings, other != NULL ? 2 : 1, NULL, err);
}

/* n outputs, a port, the thread not started. */
static struct fixture *setup(size_t n)
{
	struct fixture *fixture = mem_zero(1, sizeof(*fixture));
	struct err err = {0};
	fixture->scratch = scratch_make();
	fixture->paths[0] = scratch_path(&fixture->scratch, "a");
	fixture->paths[1] = scratch_path(&fixture->scratch, "b");
	fixture->loop = loop_create(0, &err);
	cr_assert_not_null(fixture->loop, "%s", err.text);
	fixture->influx = n > 0 ? create(fixture->paths[0], n > 1 ? fixture->paths[1] : NULL, &err)
				: influx_create(NULL, 0, NULL, &err);
	cr_assert_not_null(fixture->influx, "%s", err.text);
	fixture->port = influx_port_open(fixture->influx, fixture->loop);
	return fixture;
}

static void start(struct fixture *fixture)
{
	struct err err = {0};
	cr_assert_eq(influx_start(fixture->influx, &err), 0, "%s", err.text);
}

static void stop(struct fixture *fixture)
{
	influx_port_close(fixture->port);
	fixture->port = NULL;
	influx_stop(fixture->influx, PATIENCE_NS);
}

static void teardown(struct fixture *fixture)
{
	influx_port_close(fixture->port);
	influx_free(fixture->influx);
	loop_free(fixture->loop);
	scratch_remove(&fixture->scratch);
	mem_free(fixture->paths[0]);
	mem_free(fixture->paths[1]);
	mem_free(fixture);
}

/* What influx_read is searched for. */
struct search {
	const char *output, *figure;
	int64_t value;
	bool is_found;
};

static void look_for(void *arg, const struct measure_set *set, const char *name, const struct reading *readings,
		     size_t n)
{
	struct search *search = arg;
	for (size_t i = 0; name != NULL && strcmp(name, search->output) == 0 && i < n; i++) {
		if (strcmp(set->measures[readings[i].measure].name, search->figure) != 0)
			continue;
		search->value = readings[i].value.integer;
		search->is_found = true;
	}
}

static int64_t figure(const struct fixture *fixture, size_t output, const char *name)
{
	struct search search = {.output = output == 0 ? "main" : "second", .figure = name};
	influx_read(fixture->influx, look_for, &search);
	cr_assert(search.is_found, "no figure %s", name);
	return search.value;
}

static void add(struct fixture *fixture, const char *lines, unsigned n)
{
	struct text *text = influx_port_buffer(fixture->port);
	cr_assert_not_null(text);
	text_add(text, lines);
	influx_port_added(fixture->port, n);
}

static void look(void *arg)
{
	struct fixture *fixture = arg;
	cr_assert_lt(clock_monotonic_ns(), fixture->give_up_ns, "the lines do not come");
	if (figure(fixture, 0, "lines_written_total") == fixture->lines)
		loop_stop(fixture->loop);
	else
		alarm_set(fixture->loop, &fixture->look, clock_monotonic_ns() + LOOK_NS);
}

/* Runs the worker's loop. */
static void run_until_written(struct fixture *fixture, int64_t lines)
{
	struct err err = {0};
	fixture->lines = lines;
	fixture->give_up_ns = clock_monotonic_ns() + PATIENCE_NS;
	alarm_prepare(&fixture->look, look, fixture);
	alarm_set(fixture->loop, &fixture->look, clock_monotonic_ns());
	cr_assert_eq(loop_run(fixture->loop, &err), 0);
}

/* --- outputs ------------------------------------------------------------------------------------------------- */

Test(influx, refuses)
{
	struct scratch scratch = scratch_make();
	char *path = scratch_path(&scratch, "a"), *link_path = scratch_path(&scratch, "b");
	scratch_write(path, "");
	cr_assert_eq(symlink(path, link_path), 0);
	char *same = mem_format("influx: second: %s: is the file of main too", link_path);
	const struct {
		const char *path, *other, *why;
	} cases[] = {
		{"/no/such/folder", NULL, "influx: main: /no/such/folder: open: No such file or directory"},
		{path, "/proc", "influx: second: /proc: open: Is a directory"},
		{path, link_path, same},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};
		cr_expect_null(create(cases[i].path, cases[i].other, &err));
		cr_expect_str_eq(err.text, cases[i].why);
	}
	mem_free(same);
	mem_free(link_path);
	mem_free(path);
	scratch_remove(&scratch);
	influx_free(NULL);
	influx_stop(NULL, 0);
	influx_port_close(NULL);
}

Test(influx, refuses_one_name_twice)
{
	struct influx_settings settings = {.name = (char[]){"main"}, .path = (char[]){"/dev/null"}};
	const struct influx_settings *const both[] = {&settings, &settings};
	struct err err = {0};
	cr_expect_null(influx_create(both, 2, NULL, &err));
	cr_expect_str_eq(err.text, "influx: two outputs have the name main");
}

Test(influx, without_outputs_lines_are_forgotten)
{
	struct fixture *fixture = setup(0);
	struct sample sample = {.nrows = 1};
	struct line_tags tags = {0};
	start(fixture);
	for (int i = 0; i < 100000; i++)
		add(fixture, "a line that nobody wants, but long enough to fill any buffer in the end\n", 1);
	influx_port_lost(fixture->port, 1);
	cr_expect_eq(influx_port_add_sample(fixture->port, &tags, &sample, "boot"), 0);
	stop(fixture);
	teardown(fixture);
}

Test(influx, stop_writes_everything_to_both_outputs)
{
	struct fixture *fixture = setup(2);
	struct text all = {0};
	start(fixture);
	for (int i = 0; i < 20000; i++) {
		char line[32];
		snprintf(line, sizeof(line), "line n=%di\n", i);
		add(fixture, line, 1);
		text_add(&all, line);
	}
	stop(fixture);
	for (size_t i = 0; i < 2; i++) {
		scratch_expect(fixture->paths[i], "", text_string(&all));
		cr_expect_eq(figure(fixture, i, "lines_written_total"), 20000);
		cr_expect_eq(figure(fixture, i, "bytes_written_total"), (int64_t)all.length);
		cr_expect_eq(figure(fixture, i, "lines_dropped_total"), 0);
		cr_expect_eq(figure(fixture, i, "queue_lines"), 0);
	}
	influx_stop(fixture->influx, 0);
	text_free(&all);
	teardown(fixture);
}

Test(influx, lines_come_when_they_are_old_enough)
{
	struct fixture *fixture = setup(1);
	start(fixture);
	add(fixture, "a\nb\n", 2);
	add(fixture, "", 0);
	run_until_written(fixture, 2);
	scratch_expect(fixture->paths[0], "", "a\nb\n");
	add(fixture, "c\n", 1);
	run_until_written(fixture, 3);
	scratch_expect(fixture->paths[0], "", "a\nb\nc\n");
	stop(fixture);
	teardown(fixture);
}

static void change_outputs(struct fixture *fixture, size_t n)
{
	struct influx_settings main = {.name = (char[]){"main"}, .path = fixture->paths[0]};
	const struct influx_settings *const settings[] = {&main};
	struct err err = {0};
	struct influx_change *change = influx_prepare(fixture->influx, settings, n, NULL, &err);
	cr_assert_not_null(change, "%s", err.text);
	influx_apply(change);
	while (influx_is_changing(fixture->influx))
		usleep(1000);
}

/* A buffer may live through a time without outputs: what it says of its lines stays true. */
Test(influx, outputs_go_and_come_back)
{
	struct fixture *fixture = setup(1);
	start(fixture);
	add(fixture, "a\nb\n", 2);
	change_outputs(fixture, 0);
	add(fixture, "c\n", 1);
	change_outputs(fixture, 1);
	add(fixture, "d\n", 1);
	const struct text *text = influx_port_buffer(fixture->port);
	const struct buffer *buffer =
		(const struct buffer *)(const void *)((const char *)text - offsetof(struct buffer, text));
	cr_expect_eq(buffer->lines, backlog_count_lines(text->bytes, text->length), "%u lines", buffer->lines);
	stop(fixture);
	scratch_expect(fixture->paths[0], "", "d\n");
	teardown(fixture);
}

/* The thread is not there to take any: as when it hangs in a write. */
Test(influx, no_buffer_is_free)
{
	struct fixture *fixture = setup(1);
	char line[1000];
	memset(line, 'x', sizeof(line) - 2);
	strcpy(line + sizeof(line) - 2, "\n");
	int64_t added = 0, lost = 0;
	while (lost < 10) {
		struct text *text = influx_port_buffer(fixture->port);
		if (text != NULL) {
			text_add(text, line);
			influx_port_added(fixture->port, 1);
			added++;
		} else {
			influx_port_lost(fixture->port, 1);
			lost++;
		}
		cr_assert_lt(added, 1000000, "buffers never end");
	}
	influx_port_lost(fixture->port, 0);
	cr_expect_geq(added, POOL_BUFFERS * POOL_BUFFER_FULL / 999);
	cr_expect_eq(figure(fixture, 0, "lines_dropped_total"), 10);
	cr_expect_eq(figure(fixture, 0, "queue_lines"), added);
	start(fixture);
	stop(fixture);
	cr_expect_eq(figure(fixture, 0, "lines_written_total"), added);
	cr_expect_eq(figure(fixture, 0, "queue_lines"), 0);
	struct influx_port *port = influx_port_open(fixture->influx, fixture->loop);
	cr_expect_not_null(influx_port_buffer(port), "the buffers came back");
	influx_port_close(port);
	teardown(fixture);
}

Test(influx, never_started)
{
	struct fixture *fixture = setup(1);
	add(fixture, "a\n", 1);
	stop(fixture);
	cr_expect_eq(figure(fixture, 0, "queue_lines"), 1);
	teardown(fixture);
}

Test(influx, handed_over_after_the_stop)
{
	struct fixture *fixture = setup(1);
	start(fixture);
	struct influx_port *late = influx_port_open(fixture->influx, fixture->loop);
	stop(fixture);
	text_add(influx_port_buffer(late), "a\n");
	influx_port_added(late, 1);
	influx_port_close(late);
	cr_expect_eq(figure(fixture, 0, "queue_lines"), 1);
	teardown(fixture);
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(influx, stop_gives_up_when_its_time_is_over)
{
	struct fixture *fixture = setup(2);
	start(fixture);
	limit_file_size(3);
	add(fixture, "a\nb\nc\n", 3);
	influx_port_close(fixture->port);
	fixture->port = NULL;
	influx_stop(fixture->influx, 0);
	limit_file_size(RLIM_INFINITY);
	for (size_t i = 0; i < 2; i++) {
		scratch_expect(fixture->paths[i], "", "a\n");
		cr_expect_eq(figure(fixture, i, "lines_dropped_total"), 2);
		cr_expect_eq(figure(fixture, i, "queue_lines"), 0);
	}
	teardown(fixture);
}

static void *make_room(void *arg)
{
	const struct fixture *fixture = arg;
	while (figure(fixture, 0, "write_errors_total") < 2)
		usleep(1000);
	limit_file_size(RLIM_INFINITY);
	return NULL;
}

Test(influx, stop_tries_again_until_its_time_is_over)
{
	struct fixture *fixture = setup(1);
	pthread_t thread;
	start(fixture);
	limit_file_size(3);
	cr_assert_eq(pthread_create(&thread, NULL, make_room, fixture), 0);
	add(fixture, "a\nb\nc\n", 3);
	stop(fixture);
	pthread_join(thread, NULL);
	scratch_expect(fixture->paths[0], "", "a\nb\nc\n");
	teardown(fixture);
}

/* One output without room does not keep the other from its lines. */
Test(influx, a_full_output_beside_a_good_one)
{
	struct fixture *fixture = setup(1);
	struct err err = {0};
	influx_port_close(fixture->port);
	influx_free(fixture->influx);
	fixture->influx = create("/dev/full", fixture->paths[1], &err);
	cr_assert_not_null(fixture->influx, "%s", err.text);
	fixture->port = influx_port_open(fixture->influx, fixture->loop);
	start(fixture);
	for (int i = 0; i < 1000; i++)
		add(fixture, "0123456789012345678901234567890123456789012345678901234567890123456789\n", 1);
	influx_port_close(fixture->port);
	fixture->port = NULL;
	influx_stop(fixture->influx, 0);
	cr_expect_eq(figure(fixture, 0, "lines_written_total"), 0);
	cr_expect_eq(figure(fixture, 0, "lines_dropped_total"), 1000);
	cr_expect_eq(figure(fixture, 1, "lines_written_total"), 1000);
	cr_expect_eq(figure(fixture, 1, "lines_dropped_total"), 0);
	teardown(fixture);
}

/* A thread that does not come back is left behind, and nothing that it may still use is freed. */
Test(influx, a_thread_that_hangs_is_left_behind)
{
	struct fixture *fixture = setup(1);
	struct influx *influx = fixture->influx;
	add(fixture, "a\n", 1);
	influx_port_close(fixture->port);
	fixture->port = NULL;
	pthread_mutex_lock(&influx->pool.lock);
	start(fixture);
	influx_stop(influx, 0);
	cr_assert(influx->is_hung);
	influx_free(influx);
	pthread_mutex_unlock(&influx->pool.lock);
	pthread_mutex_lock(&influx->lock);
	while (!influx->has_ended)
		pthread_cond_wait(&influx->has_ended_cond, &influx->lock);
	pthread_mutex_unlock(&influx->lock);
	influx->is_hung = false;
	teardown(fixture);
}

/* --- samples ------------------------------------------------------------------------------------------------- */

static const struct measure measures[] = {{"n", MEASURE_INTEGER, ""}, {"a", MEASURE_TEXT, ""}, {"b", MEASURE_TEXT, ""},
					  {"c", MEASURE_TEXT, ""},    {"d", MEASURE_TEXT, ""}, {"e", MEASURE_TEXT, ""}};
static const struct measure_set set = {.name = "s", .measures = measures, .n = 6};

Test(influx, samples)
{
	struct fixture *fixture = setup(1);
	struct reading readings[] = {reading_integer(0, 1), reading_integer(0, 2)};
	struct row rows[] = {
		{&set, NULL, 0, &readings[0], 1}, {&set, NULL, 0, NULL, 0}, {&set, NULL, 0, &readings[1], 1}};
	struct sample sample = {
		.reason = REASON_OK, .begun_realtime_ns = 5, .took_ns = 7, .run = 1, .rows = rows, .nrows = 3};
	struct line_tags tags = {0};
	start(fixture);
	cr_expect_eq(influx_port_add_sample(fixture->port, &tags, &sample, "x"), 2);
	stop(fixture);
	scratch_expect(fixture->paths[0], "",
		       "s success=1i,reason=\"ok\",duration_seconds=0.000000007,run=1i,boot=\"x\","
		       "n=1i 5\ns n=2i 5\n");
	teardown(fixture);
}

/* More rows than a buffer holds, and one that no buffer holds. */
Test(influx, samples_that_are_too_large)
{
	struct fixture *fixture = setup(1);
	char *large = mem_alloc(60001);
	memset(large, 'x', 60000);
	large[60000] = '\0';
	struct reading readings[6] = {reading_integer(0, 1)};
	for (unsigned i = 1; i < 6; i++)
		readings[i] = reading_text(i, large);
	struct row rows[40];
	for (size_t i = 0; i < 40; i++)
		rows[i] = (struct row){&set, NULL, 0, readings, i == 20 ? 6 : 1 + i % 4};
	struct sample sample = {.begun_realtime_ns = 1, .rows = rows, .nrows = 40};
	struct line_tags tags = {0};
	start(fixture);
	cr_expect_eq(influx_port_add_sample(fixture->port, &tags, &sample, "x"), 39);
	stop(fixture);
	cr_expect_eq(figure(fixture, 0, "lines_written_total"), 39);
	cr_expect_eq(figure(fixture, 0, "lines_dropped_total"), 1);
	mem_free(large);
	teardown(fixture);
}

Test(influx, samples_without_a_free_buffer)
{
	struct fixture *fixture = setup(1);
	struct buffer *buffers[POOL_BUFFERS];
	for (size_t i = 0; i < POOL_BUFFERS; i++)
		cr_assert_not_null(buffers[i] = pool_take(&fixture->influx->pool));
	struct reading reading = reading_integer(0, 1);
	struct row rows[] = {{&set, NULL, 0, &reading, 1}, {&set, NULL, 0, &reading, 1}};
	struct sample sample = {.rows = rows, .nrows = 2};
	struct line_tags tags = {0};
	cr_expect_eq(influx_port_add_sample(fixture->port, &tags, &sample, "x"), 0);
	influx_port_added(fixture->port, 0);
	cr_expect_eq(figure(fixture, 0, "lines_dropped_total"), 2);
	for (size_t i = 0; i < POOL_BUFFERS; i++)
		pool_give(&fixture->influx->pool, buffers[i]);
	cr_expect_eq(fixture->influx->pool.nidle, POOL_IDLE_MAX, "what a busy time needed is given back");
	cr_expect_eq(fixture->influx->pool.made, POOL_IDLE_MAX);
	cr_expect_eq(influx_port_add_sample(fixture->port, &tags, &sample, "x"), 2);
	cr_expect_eq(fixture->influx->pool.nidle, POOL_IDLE_MAX - 1);
	for (size_t i = 0; i < POOL_BUFFERS - 1; i++)
		cr_assert_not_null(buffers[i] = pool_take(&fixture->influx->pool), "there are as many as ever");
	cr_expect_null(pool_take(&fixture->influx->pool));
	for (size_t i = 0; i < POOL_BUFFERS - 1; i++)
		pool_give(&fixture->influx->pool, buffers[i]);
	teardown(fixture);
}

/* For those who append without influx_port_add_sample. */
Test(influx, text_that_overflows)
{
	struct fixture *fixture = setup(1);
	char *large = mem_alloc(POOL_BUFFER_CEILING + 2);
	memset(large, 'x', POOL_BUFFER_CEILING + 1);
	large[POOL_BUFFER_CEILING + 1] = '\0';
	start(fixture);
	add(fixture, "a\n", 1);
	add(fixture, large, 0);
	add(fixture, large, 0);
	add(fixture, "b\n", 1);
	stop(fixture);
	scratch_expect(fixture->paths[0], "", "a\nb\n");
	cr_expect_eq(figure(fixture, 0, "lines_dropped_total"), 2);
	mem_free(large);
	teardown(fixture);
}
