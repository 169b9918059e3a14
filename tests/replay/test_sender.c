/*
 * Delivery on virtual time: the disk log is real (a temporary folder), the server and the clock are not.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/loop.h"
#include "core/mem.h"
#include "influx/figures.h"
#include "influx/journal.h"
#include "influx/reject.h"
#include "influx/sender.h"
#include "tests/fakes/fakes.h"

#define SECOND NS_PER_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

#define LINES_MAX 200000

#define BODY_MAX ((size_t)1 << 20)

struct scene;

/* What the server does with a request of these lines. */
typedef void (*behaviour)(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer);

struct scene {
	char folder[64];
	struct loop *loop;
	struct fetcher *fetcher;
	struct journal *journal;
	struct reject reject;
	struct influx_settings settings;
	struct output_figures figures;
	struct sender *sender;
	behaviour behave;
	uint32_t next;              /* number of the next line that is made */
	unsigned char *got;         /* how often the server stored each line */
	unsigned requests, running; /* requests since the start; most at a time */
	uint64_t lines_in_requests;
	size_t longest;            /* bytes of a request */
	int64_t first_ns, last_ns; /* when requests began */
	unsigned countdown;
	unsigned compressed; /* requests that were */
	char *inflated;
};

/* --- the server --------------------------------------------------------------------------------------------------- */

static void store(struct scene *scene, const char *lines, size_t n)
{
	for (const char *end = lines + n; lines < end;
	     lines = (const char *)memchr(lines, '\n', (size_t)(end - lines)) + 1) {
		unsigned number = (unsigned)strtoul(lines + strlen("m n="), NULL, 10);
		cr_assert_lt(number, scene->next);
		scene->got[number]++;
	}
}

static void take_all(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	store(scene, lines, n);
	answer->status = 204;
}

static void refuse_connections(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	(void)scene;
	(void)lines;
	(void)n;
	answer->error = "Connection refused";
}

static void look_at(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	cr_assert_eq(lines[n - 1], '\n');
	if (n > scene->longest)
		scene->longest = n;
	for (size_t i = 0; i < n; i++)
		scene->lines_in_requests += lines[i] == '\n';
	scene->behave(scene, lines, n, answer);
}

static size_t inflate_body(struct scene *scene, const struct fetch_plan *request)
{
	z_stream stream = {.next_in = (z_const Bytef *)request->body, .avail_in = (uInt)request->body_length};
	stream.next_out = (Bytef *)scene->inflated;
	stream.avail_out = (uInt)BODY_MAX;
	cr_assert_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(stream.avail_in, 0);
	size_t n = stream.total_out;
	inflateEnd(&stream);
	return n;
}

static void handle(void *arg, const struct fetch_plan *request, struct fake_reply *answer)
{
	struct scene *scene = arg;
	cr_assert_str_eq(request->method, "POST");
	cr_assert_str_eq(request->url, "http://influx:8086/write?db=d%201&precision=ns");
	cr_assert_gt(request->body_length, 0);
	scene->requests++;
	scene->last_ns = fake_now_ns();
	if (scene->first_ns == 0)
		scene->first_ns = scene->last_ns;
	if (fake_fetch_running() > scene->running)
		scene->running = (unsigned)fake_fetch_running();
	answer->after_ns = 20 * NS_PER_MS;
	if (strcmp(request->fields[0], "Content-Encoding: gzip") == 0) {
		scene->compressed++;
		look_at(scene, scene->inflated, inflate_body(scene, request), answer);
	} else {
		look_at(scene, request->body, request->body_length, answer);
	}
}

/* --- the scene ---------------------------------------------------------------------------------------------------- */

static void open_sender(struct scene *scene, struct journal_position from)
{
	struct sender_plan plan = {
		.settings = &scene->settings,
		.loop = scene->loop,
		.fetcher = scene->fetcher,
		.journal = scene->journal,
		.reject = &scene->reject,
		.figures = &scene->figures,
	};
	scene->sender = sender_create(&plan, from);
}

static struct scene *setup(void)
{
	struct scene *scene = mem_zero(1, sizeof(*scene));
	struct fake_server server = {handle, scene};
	struct err err = {0};
	static char name[] = "main", url[] = "http://influx:8086//", database[] = "d 1";
	fake_reset();
	strcpy(scene->folder, "/tmp/netsonde-replay-XXXXXX");
	cr_assert_not_null(mkdtemp(scene->folder));
	scene->got = mem_zero(LINES_MAX, 1);
	scene->inflated = mem_zero(BODY_MAX, 1);
	scene->settings = (struct influx_settings){
		.name = name,
		.url = url,
		.database = database,
		.batch_lines = 1000,
		.batch_bytes = 64 * 1024,
		.flush_interval_ns = SECOND,
		.connections = 2,
		.timeout_ns = 10 * SECOND,
		.queue_bytes = 1 << 30,
	};
	scene->behave = take_all;
	fake_fetch_set_server(&server);
	scene->loop = loop_create(0, NULL);
	scene->fetcher = fetcher_create(scene->loop, 8, NULL);
	struct journal_plan plan = {.folder = scene->folder, .segment_bytes = 64 * 1024, .sync = JOURNAL_SYNC_NEVER};
	scene->journal = journal_open(&plan, (struct journal_position){0}, &err);
	cr_assert_not_null(scene->journal, "%s", err.text);
	reject_prepare(&scene->reject, scene->folder, 1 << 20);
	open_sender(scene, journal_begin(scene->journal));
	return scene;
}

static void teardown(struct scene *scene)
{
	char command[128];
	sender_free(scene->sender);
	fetcher_free(scene->fetcher);
	journal_close(scene->journal);
	reject_close(&scene->reject);
	loop_free(scene->loop);
	snprintf(command, sizeof(command), "rm -rf %s", scene->folder);
	cr_assert_eq(system(command), 0);
	mem_free(scene->got);
	mem_free(scene->inflated);
	mem_free(scene);
	cr_assert_eq(fake_alive(), 0);
}

/* n lines come into the log, as of one buffer. */
static void make_lines(struct scene *scene, unsigned n)
{
	struct text text = {0};
	cr_assert_leq(scene->next + n, LINES_MAX);
	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		text_add_format(&text, "m n=%u,pad=\"0123456789012345678901234567890123456789\" 1\n", scene->next++);
	journal_append(scene->journal, text.bytes, text.length, n, clock_realtime_ns(), false);
	text_free(&text);
	sender_poke(scene->sender);
}

/* As the influx thread does it: lines come twice a second, and the house is kept once. */
static void pass(struct scene *scene, int64_t ns, unsigned lines_per_second)
{
	for (int64_t done_ns = 0; done_ns < ns; done_ns += SECOND) {
		make_lines(scene, lines_per_second / 2);
		fake_advance_ns(SECOND / 2);
		make_lines(scene, lines_per_second - lines_per_second / 2);
		fake_advance_ns(SECOND / 2);
		sender_enforce(scene->sender);
		journal_trim(scene->journal, sender_cursor(scene->sender));
	}
}

static int64_t figure(const struct scene *scene, enum figure figure)
{
	return figure_get(&scene->figures, figure);
}

static unsigned count_missing(const struct scene *scene)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < scene->next; i++)
		n += scene->got[i] == 0;
	return n;
}

static unsigned count_twice(const struct scene *scene)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < scene->next; i++)
		n += scene->got[i] > 1;
	return n;
}

static char *read_rejected(const struct scene *scene)
{
	char path[128];
	struct text text = {0};
	snprintf(path, sizeof(path), "%s/" REJECT_FILE, scene->folder);
	FILE *file = fopen(path, "r");
	for (int c; file != NULL && (c = getc(file)) != EOF;)
		text_add_char(&text, (char)c);
	if (file != NULL)
		fclose(file);
	return text_take(&text);
}

/* --- all is well -------------------------------------------------------------------------------------------------- */

Test(sender, waits_for_a_batch_or_for_the_flush_interval)
{
	struct scene *scene = setup();
	make_lines(scene, 10);
	fake_advance_ns(SECOND - 10 * NS_PER_MS);
	cr_expect_eq(scene->requests, 0);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 10);
	fake_advance_ns(20 * NS_PER_MS);
	cr_expect_eq(scene->requests, 1);
	fake_advance_ns(SECOND);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_AGE), 0);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_BYTES), 0);
	make_lines(scene, 1000);
	cr_expect_eq(scene->requests, 2, "a full batch goes at once");
	fake_advance_ns(SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 1010);
	cr_expect_eq(sender_cursor(scene->sender).line, 1010);
	teardown(scene);
}

/* The two hours: nothing is lost, nobody is hammered, and then it catches up as fast as the server takes it. */
Test(sender, an_outage_of_two_hours)
{
	struct scene *scene = setup();
	pass(scene, MINUTE, 20);
	unsigned before = scene->requests;
	scene->behave = refuse_connections;
	pass(scene, 2 * HOUR, 20);
	unsigned meanwhile = scene->requests - before;
	cr_expect_leq(meanwhile, 2 * 60 * 2, "one request each 45 s at most, after the first: %u", meanwhile);
	cr_expect_geq(meanwhile, 2 * 60 / 2);
	cr_expect_geq(figure(scene, FIGURE_QUEUE_LINES), 2 * 3600 * 20 - 40);
	int64_t age_ns = clock_realtime_ns() - figure(scene, FIGURE_QUEUE_AGE);
	cr_expect_geq(age_ns, 2 * HOUR - 3 * SECOND);
	scene->behave = take_all;
	scene->first_ns = 0;
	int64_t back_ns = fake_now_ns();
	while (figure(scene, FIGURE_QUEUE_LINES) > 0)
		pass(scene, SECOND, 0);
	before = scene->requests;
	int64_t caught_up_ns = scene->last_ns;
	printf("two hours at 20 lines/s: %u requests meanwhile; the server is asked again after %.1f s, all is there "
	       "%.1f s later; "
	       "%u of %u lines missing, %u twice\n",
	       meanwhile, (double)(scene->first_ns - back_ns) / 1e9, (double)(caught_up_ns - scene->first_ns) / 1e9,
	       count_missing(scene), scene->next, count_twice(scene));
	cr_expect_eq(count_missing(scene), 0);
	cr_expect_eq(count_twice(scene), 0);
	cr_expect_eq(scene->running, 2, "%u", scene->running);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 0);
	pass(scene, MINUTE, 20);
	cr_expect_eq(scene->requests - before, 60, "back to one request a second: %u", scene->requests - before);
	struct journal_figures log;
	journal_read_figures(scene->journal, &log);
	cr_expect_leq(log.bytes, 2 * 64 * 1024, "the space is given back");
	teardown(scene);
}

Test(sender, a_restart_in_the_outage)
{
	struct scene *scene = setup();
	scene->behave = refuse_connections;
	pass(scene, MINUTE, 100);
	struct journal_position cursor = sender_cursor(scene->sender);
	cr_expect_eq(cursor.line, 0);
	sender_free(scene->sender);
	open_sender(scene, cursor);
	scene->behave = take_all;
	sender_poke(scene->sender);
	pass(scene, MINUTE, 100);
	fake_advance_ns(2 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	teardown(scene);
}

Test(sender, more_than_may_wait)
{
	struct scene *scene = setup();
	scene->settings.queue_bytes = 1 << 20;
	scene->behave = refuse_connections;
	pass(scene, 10 * MINUTE, 100);
	uint64_t waiting = journal_end(scene->journal).offset - sender_cursor(scene->sender).offset;
	cr_expect_leq(waiting, 1 << 20);
	cr_expect_geq(waiting, (1 << 20) - 2 * 64 * 1024);
	int64_t dropped = figure(scene, FIGURE_LINES_DROPPED);
	cr_expect_gt(dropped, 0);
	cr_expect_eq(dropped + figure(scene, FIGURE_QUEUE_LINES), scene->next);
	scene->behave = take_all;
	pass(scene, 2 * MINUTE, 0);
	cr_expect_eq(count_missing(scene), dropped, "exactly what was counted");
	for (uint32_t i = 0; i < scene->next; i++)
		cr_assert_eq(scene->got[i], i >= dropped, "the oldest go first");
	teardown(scene);
}

/* A place where nothing is and nothing was (files of others, a power failure): the cursor gets past it. */
Test(sender, a_gap_without_lines)
{
	struct scene *scene = setup();
	make_lines(scene, 10);
	fake_advance_ns(2 * SECOND);
	struct journal_position at = sender_cursor(scene->sender), floor = {at.offset + 10000, at.line};
	cr_assert_eq(at.line, 10);
	sender_free(scene->sender);
	journal_close(scene->journal);
	struct journal_plan plan = {.folder = scene->folder, .segment_bytes = 64 * 1024, .sync = JOURNAL_SYNC_NEVER};
	scene->journal = journal_open(&plan, floor, NULL);
	open_sender(scene, at);
	sender_poke(scene->sender);
	fake_advance_ns(2 * SECOND);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_BYTES), 0, "%d", (int)figure(scene, FIGURE_QUEUE_BYTES));
	cr_expect_eq(sender_cursor(scene->sender).offset, floor.offset);
	make_lines(scene, 10);
	fake_advance_ns(2 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 0);
	teardown(scene);
}

/* The first segment is there, but not what it was; and back. */
static void hide_segment(const struct scene *scene, bool is_hidden)
{
	char path[128], other[128];
	snprintf(path, sizeof(path), "%s/0000000000000000.log", scene->folder);
	snprintf(other, sizeof(other), "%s/hidden", scene->folder);
	if (!is_hidden)
		cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(rename(is_hidden ? path : other, is_hidden ? other : path), 0);
	if (is_hidden)
		cr_assert_eq(mkdir(path, 0700), 0);
}

Test(sender, a_disk_that_cannot_be_read_for_a_while)
{
	struct scene *scene = setup();
	make_lines(scene, 10);
	hide_segment(scene, true);
	fake_advance_ns(10 * SECOND);
	cr_expect_eq(scene->requests, 0);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 10);
	hide_segment(scene, false);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 0);
	teardown(scene);
}

Test(sender, a_disk_that_cannot_be_read_any_more)
{
	struct scene *scene = setup();
	make_lines(scene, 10);
	hide_segment(scene, true);
	fake_advance_ns(MINUTE);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 10);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	hide_segment(scene, false);
	make_lines(scene, 10);
	fake_advance_ns(MINUTE);
	cr_expect_eq(count_missing(scene), 10);
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 10);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 10);
	teardown(scene);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void too_many(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (scene->countdown-- > 0)
		*answer = (struct fake_reply){.status = 429, .retry_after_ns = 100 * SECOND};
	else
		take_all(scene, lines, n, answer);
}

Test(sender, waits_as_told)
{
	struct scene *scene = setup();
	scene->behave = too_many;
	scene->countdown = 2;
	make_lines(scene, 1000);
	fake_advance_ns(99 * SECOND);
	cr_expect_eq(scene->requests, 1);
	fake_advance_ns(100 * SECOND);
	cr_expect_eq(scene->requests, 2);
	fake_advance_ns(3 * SECOND);
	cr_expect_eq(scene->requests, 3);
	cr_expect_eq(count_missing(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_RETRIED), 2000);
	teardown(scene);
}

static void wants_small_ones(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (n > 5000)
		answer->status = 413;
	else
		take_all(scene, lines, n, answer);
}

Test(sender, halves_what_is_too_large)
{
	struct scene *scene = setup();
	scene->behave = wants_small_ones;
	pass(scene, MINUTE, 500);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	unsigned wasted = scene->requests;
	pass(scene, MINUTE, 500);
	cr_expect_lt(scene->requests - wasted, 60 * 500 * 60 / 5000 * 2, "it remembers: %u", scene->requests - wasted);
	teardown(scene);
}

static bool has_line(const char *lines, size_t n, const char *number)
{
	char text[64];
	snprintf(text, sizeof(text), "m n=%s,", number);
	return memmem(lines, n, text, strlen(text)) != NULL;
}

static void knows_better(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (has_line(lines, n, "123") || has_line(lines, n, "777"))
		*answer = (struct fake_reply){.status = 400, .body = "{\"error\":\"unable to parse\"}"};
	else
		take_all(scene, lines, n, answer);
}

Test(sender, a_bad_line_costs_one_line)
{
	struct scene *scene = setup();
	scene->behave = knows_better;
	make_lines(scene, 900);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene), 2);
	cr_expect_eq(scene->got[123] + scene->got[777], 0);
	cr_expect_eq(count_twice(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 2);
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 898);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	cr_expect_leq(scene->requests, 1 + 2 * (2 * 11 + 1), "%u", scene->requests);
	char *rejected = read_rejected(scene);
	cr_expect(strstr(rejected, " main: HTTP 400: unable to parse\nm n=123,") != NULL, "%s", rejected);
	cr_expect(strstr(rejected, " main: HTTP 400: unable to parse\nm n=777,") != NULL, "%s", rejected);
	mem_free(rejected);
	teardown(scene);
}

/* A batch of one bad line proves nothing until the server has taken something else. */
Test(sender, a_bad_line_alone_waits_for_proof)
{
	struct scene *scene = setup();
	scene->behave = knows_better;
	make_lines(scene, 123);
	fake_advance_ns(5 * SECOND);
	make_lines(scene, 1);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(scene->requests, 2);
	scene->requests = 0;
	sender_poke(scene->sender);
	fake_advance_ns(30 * SECOND);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED) + figure(scene, FIGURE_QUEUE_LINES), 1);
	make_lines(scene, 1);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 1);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	teardown(scene);
}

static void understands_nothing(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	(void)scene;
	(void)lines;
	(void)n;
	*answer = (struct fake_reply){.status = 400, .body = "what?"};
}

Test(sender, a_server_that_understands_nothing_costs_nothing)
{
	struct scene *scene = setup();
	scene->behave = understands_nothing;
	pass(scene, HOUR, 20);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 0);
	cr_expect_eq(figure(scene, FIGURE_REFUSED), 1);
	cr_expect_leq(scene->requests, 60 * 60, "%u requests", scene->requests);
	scene->behave = take_all;
	pass(scene, 10 * MINUTE, 20);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene), 0, "%u of %u, %d rejected", count_missing(scene), scene->next,
		     (int)figure(scene, FIGURE_LINES_REJECTED));
	cr_expect_eq(figure(scene, FIGURE_REFUSED), 0);
	teardown(scene);
}

/* Takes small requests, and so many of them. */
static void takes_some(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (n > 20000)
		*answer = (struct fake_reply){.status = 413};
	else if (scene->countdown > 0 && scene->countdown-- > 0)
		take_all(scene, lines, n, answer);
	else
		understands_nothing(scene, lines, n, answer);
}

/* What it has taken of a batch before is neither sent nor counted again. */
Test(sender, a_server_that_understands_nothing_any_more)
{
	struct scene *scene = setup();
	scene->behave = takes_some;
	scene->countdown = 2;
	make_lines(scene, 1000);
	pass(scene, MINUTE, 0);
	cr_assert_gt(figure(scene, FIGURE_LINES_WRITTEN), 100);
	cr_assert_eq(figure(scene, FIGURE_REFUSED), 1);
	scene->behave = take_all;
	pass(scene, 10 * MINUTE, 0);
	cr_expect_eq(count_missing(scene), 0);
	cr_expect_eq(count_twice(scene), 0, "%u lines twice", count_twice(scene));
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 1000, "%d", (int)figure(scene, FIGURE_LINES_WRITTEN));
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 0);
	teardown(scene);
}

static void partly(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	take_all(scene, lines, n, answer);
	*answer = (struct fake_reply){.status = 400, .body = "{\"error\":\"partial write: conflict dropped=3\"}"};
}

Test(sender, never_sends_a_partial_write_again)
{
	struct scene *scene = setup();
	scene->behave = partly;
	make_lines(scene, 1000);
	fake_advance_ns(10 * MINUTE);
	cr_expect_eq(scene->requests, 1);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 3);
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 997);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	teardown(scene);
}

static void wants_a_token(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	(void)scene;
	(void)lines;
	(void)n;
	answer->status = 401;
}

Test(sender, refused_is_asked_seldom_and_loses_nothing)
{
	struct scene *scene = setup();
	scene->behave = wants_a_token;
	pass(scene, HOUR, 20);
	cr_expect_eq(figure(scene, FIGURE_REFUSED), 1);
	cr_expect_leq(scene->requests, 25, "%u", scene->requests);
	scene->behave = take_all;
	pass(scene, 10 * MINUTE, 20);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	cr_expect_eq(figure(scene, FIGURE_REFUSED), 0);
	teardown(scene);
}

static void stumbles(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (has_line(lines, n, "10"))
		*answer = (struct fake_reply){.status = 500, .body = "{\"error\":\"panic\"}"};
	else
		take_all(scene, lines, n, answer);
}

Test(sender, what_the_server_always_fails_at_is_given_up_while_others_pass)
{
	struct scene *scene = setup();
	scene->behave = stumbles;
	pass(scene, 20 * MINUTE, 20);
	fake_advance_ns(5 * SECOND);
	cr_expect_gt(figure(scene, FIGURE_LINES_REJECTED), 0);
	cr_expect_leq(figure(scene, FIGURE_LINES_REJECTED), 20);
	cr_expect_eq(count_missing(scene), figure(scene, FIGURE_LINES_REJECTED));
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	teardown(scene);
}

static void always_fails(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	(void)scene;
	(void)lines;
	(void)n;
	answer->status = 500;
}

static void fails_at_each(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	if (n > 20000)
		*answer = (struct fake_reply){.status = 413};
	else if (++scene->countdown % (SENDER_FAULTS_MAX - 3) != 0)
		*answer = (struct fake_reply){.status = 500};
	else
		take_all(scene, lines, n, answer);
}

/* Each part of a batch is counted for itself. */
Test(sender, a_server_that_fails_now_and_then_loses_nothing)
{
	struct scene *scene = setup();
	scene->behave = fails_at_each;
	make_lines(scene, 1000);
	pass(scene, HOUR, 0);
	cr_expect_eq(count_missing(scene), 0, "%u", count_missing(scene));
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 0);
	cr_expect_eq(figure(scene, FIGURE_LINES_WRITTEN), 1000);
	teardown(scene);
}

Test(sender, a_server_that_only_fails_loses_nothing)
{
	struct scene *scene = setup();
	scene->behave = always_fails;
	pass(scene, HOUR, 20);
	cr_expect_eq(figure(scene, FIGURE_LINES_REJECTED), 0);
	scene->behave = take_all;
	pass(scene, 5 * MINUTE, 20);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	teardown(scene);
}

static void slow_with_large_ones(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	answer->after_ns = (int64_t)n * NS_PER_MS;
	if (answer->after_ns <= 10 * SECOND)
		take_all(scene, lines, n, answer);
	else
		answer->status = 204;
}

Test(sender, a_slow_server_gets_smaller_requests)
{
	struct scene *scene = setup();
	scene->behave = slow_with_large_ones;
	pass(scene, 2 * MINUTE, 10);
	make_lines(scene, 1000);
	pass(scene, 20 * MINUTE, 0);
	cr_expect_eq(count_missing(scene), 0);
	teardown(scene);
}

/* --- out of order, and the end ------------------------------------------------------------------------------------ */

static void every_other_is_slow(struct scene *scene, const char *lines, size_t n, struct fake_reply *answer)
{
	take_all(scene, lines, n, answer);
	answer->after_ns = scene->requests % 2 == 1 ? 5 * SECOND : 10 * NS_PER_MS;
}

Test(sender, the_cursor_waits_for_the_oldest)
{
	struct scene *scene = setup();
	scene->behave = every_other_is_slow;
	make_lines(scene, 1000);
	make_lines(scene, 1000);
	fake_advance_ns(SECOND);
	cr_expect_eq(scene->requests, 2);
	cr_expect_eq(sender_cursor(scene->sender).line, 0);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 1000);
	fake_advance_ns(5 * SECOND);
	cr_expect_eq(sender_cursor(scene->sender).line, 2000);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 0);
	teardown(scene);
}

Test(sender, flush_sends_at_once_and_does_not_wait_for_who_is_away)
{
	struct scene *scene = setup();
	make_lines(scene, 3);
	cr_expect_not(sender_flush(scene->sender));
	cr_expect_eq(scene->requests, 1);
	fake_advance_ns(SECOND);
	cr_expect(sender_flush(scene->sender));
	scene->behave = refuse_connections;
	make_lines(scene, 3);
	cr_expect_not(sender_flush(scene->sender));
	fake_advance_ns(30 * NS_PER_MS);
	cr_expect(sender_flush(scene->sender));
	teardown(scene);
}

/* --- made ready ahead --------------------------------------------------------------------------------------------- */

static void make_batches(struct scene *scene, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		make_lines(scene, 1000);
}

/* As many as there are connections, beside those under way (and the log itself has looked at one more). */
Test(sender, what_is_ready_needs_no_log)
{
	struct scene *scene = setup();
	char command[128];
	make_batches(scene, 8);
	fake_advance_ns(5 * NS_PER_MS);
	cr_expect_eq(scene->requests, 2);
	cr_expect_eq(figure(scene, FIGURE_QUEUE_LINES), 8000);
	snprintf(command, sizeof(command), "truncate -s 0 %s/*.log", scene->folder);
	cr_assert_eq(system(command), 0);
	fake_advance_ns(MINUTE);
	int64_t written = figure(scene, FIGURE_LINES_WRITTEN);
	cr_expect_geq(written, 4000, "%d", (int)written);
	cr_expect_eq(count_missing(scene), 8000 - written);
	cr_expect_eq(figure(scene, FIGURE_LINES_DROPPED), 8000 - written);
	teardown(scene);
}

Test(sender, what_is_not_full_is_not_made_ready)
{
	struct scene *scene = setup();
	scene->behave = every_other_is_slow;
	scene->settings.connections = 1;
	make_lines(scene, 1000);
	make_lines(scene, 500);
	fake_advance_ns(2 * SECOND);
	make_lines(scene, 500);
	fake_advance_ns(10 * SECOND);
	cr_expect_eq(scene->requests, 2, "%u", scene->requests);
	cr_expect_eq(count_missing(scene) + count_twice(scene), 0);
	teardown(scene);
}

/* What is ready is sent as it is, in other parts, or thrown away. */
Test(sender, compressed)
{
	struct scene *scene = setup();
	scene->settings.compresses = true;
	scene->behave = knows_better;
	make_batches(scene, 8);
	fake_advance_ns(MINUTE);
	cr_expect_eq(count_missing(scene), 2);
	cr_expect_eq(scene->got[123] + scene->got[777], 0);
	scene->behave = wants_small_ones;
	make_batches(scene, 8);
	fake_advance_ns(MINUTE);
	scene->behave = refuse_connections;
	pass(scene, 20 * MINUTE, 20);
	scene->behave = take_all;
	while (figure(scene, FIGURE_QUEUE_LINES) > 0)
		pass(scene, SECOND, 0);
	cr_expect_eq(count_missing(scene), 2);
	cr_expect_eq(count_twice(scene), 0);
	cr_expect_gt(scene->compressed, scene->requests / 2);
	cr_expect_lt(figure(scene, FIGURE_SENT_BYTES), figure(scene, FIGURE_BYTES_WRITTEN));
	teardown(scene);
}

Test(sender, ends_while_something_is_made_ready)
{
	struct scene *scene = setup();
	scene->settings.compresses = true;
	make_batches(scene, 8);
	cr_expect_eq(scene->requests, 2);
	teardown(scene);
	scene = setup();
	scene->settings.compresses = true;
	make_batches(scene, 8);
	fake_advance_ns(5 * NS_PER_MS);
	teardown(scene);
}
