/* The probe type routeros on virtual time, with a link of the test's own: what is asked when, and what becomes of it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/ros_catalogue.h"
#include "probes/engine.h"
#include "probes/routeros/ros_pool.h"
#include "probes/routeros/routeros.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"

/* --- a router that answers by itself -------------------------------------------------------------------------------
 */

#define CALLS_MAX 64
#define PAIRS_MAX 8

struct answer {
	struct ros_call *call; /* NULL: free */
	struct alarm alarm;
	char path[64];
};

/* The one link; the test sets what the router does. */
struct ros_link {
	struct loop *loop;
	struct answer answers[CALLS_MAX];
	bool is_down;
	uint64_t epoch, commands;
	int64_t booted_ns, delay_ns;
	const char *trapped; /* the path of a command that fails, with trap; NULL: none */
	enum ros_trap trap;
	const char *stuck; /* that is never answered before its deadline */
	const char *version;
	unsigned asked[4]; /* fast, slow, many, monitors */
	char items[64];    /* what the last monitor was for */
	unsigned holders;
};

static struct ros_link the_link;

const struct probe_service ros_pool_service;
static void *create_pool(struct engine *engine)
{
	the_link.loop = engine_loop(engine);
	return &the_link;
}
static void free_pool(void *pool)
{
	(void)pool;
}
const struct probe_service ros_pool_service = {.name = "routeros", .create = create_pool, .free = free_pool};

struct ros_link *ros_pool_take(struct ros_pool *pool, const char *host, const struct ros_access *access,
			       const struct ros_link_guard *guard, struct err *err)
{
	(void)pool, (void)host, (void)access, (void)guard, (void)err;
	the_link.holders++;
	return &the_link;
}

void ros_pool_give(struct ros_pool *pool, struct ros_link *link)
{
	(void)pool;
	link->holders--;
	for (size_t i = 0; i < CALLS_MAX; i++)
		cr_assert_null(link->answers[i].call, "nothing is left of who has gone");
}

size_t ros_link_sentence(const void *bytes, size_t n)
{
	(void)bytes;
	return n - 1;
}

static void say(struct ros_call *call, const char *const *words)
{
	struct ros_pair pairs[PAIRS_MAX];
	struct ros_reply reply = {.kind = ROS_REPLY_ROW, .pairs = pairs};
	for (; words[reply.npairs]; reply.npairs++) {
		const char *word = words[reply.npairs], *equals = strchr(word, '=');
		pairs[reply.npairs].name = (struct ros_word){word, (size_t)(equals - word)};
		pairs[reply.npairs].value = ros_word_of(equals + 1);
	}
	if (call->row)
		call->row(call, &reply);
}

#define SAY(call, ...) say(call, (const char *const[]){__VA_ARGS__, NULL})

static void say_resource(struct ros_link *link, struct ros_call *call)
{
	char uptime[64], version[64];
	snprintf(uptime, sizeof(uptime), "uptime=%llds",
		 (long long)((clock_monotonic_ns() - link->booted_ns) / NS_PER_SECOND));
	snprintf(version, sizeof(version), "version=%s", link->version);
	SAY(call, uptime, version, "board-name=test", "cpu-load=10", "free-memory=900", "total-memory=1000");
}

static void say_rows(struct ros_link *link, struct ros_call *call, const char *path)
{
	if (!strcmp(path, "/system/resource/print"))
		say_resource(link, call);
	else if (!strcmp(path, "/system/clock/print"))
		SAY(call, "gmt-offset=+01:00");
	else if (!strcmp(path, "/fast/print"))
		SAY(call, "name=a", "value=1");
	else if (!strcmp(path, "/slow/print"))
		SAY(call, "name=b", "value=2");
	else if (!strcmp(path, "/many/print"))
		for (unsigned i = 0; i < 40; i++) {
			char name[16];
			snprintf(name, sizeof(name), "name=i%u", i);
			SAY(call, name);
		}
	else if (!strcmp(path, "/many/monitor"))
		SAY(call, "value=3");
}

static void end_call(struct answer *answer, enum ros_end_kind kind, enum reason reason)
{
	struct ros_call *call = answer->call;
	struct ros_pair returned = {ros_word_of("ret"), ros_word_of("7")};
	const struct ros_reply done = {.kind = ROS_REPLY_DONE, .pairs = &returned, .npairs = 1};
	const struct ros_end end = {
		.kind = kind,
		.reason = reason,
		.trap = the_link.trap,
		.message = kind == ROS_END_DONE ? "" : "it failed",
		.reply = kind == ROS_END_DONE ? &done : NULL,
		.took_ns = kind == ROS_END_LOST ? 0 : the_link.delay_ns,
		.bytes = 10,
	};
	alarm_cancel(the_link.loop, &answer->alarm);
	answer->call = NULL;
	call->link = NULL;
	call->ended(call, &end);
}

static void ring(void *arg)
{
	struct answer *answer = arg;
	struct ros_link *link = &the_link;
	if (link->is_down) {
		end_call(answer, ROS_END_LOST, REASON_REFUSED);
	} else if (link->stuck && !strcmp(link->stuck, answer->path)) {
		end_call(answer, ROS_END_TIMEOUT, REASON_TIMEOUT);
	} else if (link->trapped && !strcmp(link->trapped, answer->path)) {
		say_rows(link, answer->call, answer->path);
		end_call(answer, ROS_END_TRAP, REASON_STATUS);
	} else {
		say_rows(link, answer->call, answer->path);
		end_call(answer, ROS_END_DONE, REASON_OK);
	}
}

static void count(struct ros_link *link, const struct answer *answer)
{
	static const char *const paths[] = {"/fast/print", "/slow/print", "/many/print", "/many/monitor"};
	for (size_t i = 0; i < 4; i++)
		link->asked[i] += !strcmp(paths[i], answer->path);
}

int ros_link_call(struct ros_link *link, struct ros_call *call, uint8_t rank, int64_t deadline_ns, struct err *err)
{
	struct answer *answer = link->answers;
	const uint8_t *bytes = call->sentence;
	while (answer < link->answers + CALLS_MAX && answer->call)
		answer++;
	if (answer == link->answers + CALLS_MAX)
		return err_set(err, "too many commands wait");
	cr_assert_lt(rank, ROS_TIERS);
	cr_assert_gt(deadline_ns, clock_monotonic_ns());
	answer->call = call;
	call->link = link;
	snprintf(answer->path, sizeof(answer->path), "%.*s", bytes[0], (const char *)bytes + 1);
	link->commands++;
	count(link, answer);
	bool is_stuck = link->stuck && !strcmp(link->stuck, answer->path) && !link->is_down;
	alarm_prepare(&answer->alarm, ring, answer);
	alarm_set(link->loop, &answer->alarm, is_stuck ? deadline_ns : clock_monotonic_ns() + link->delay_ns);
	return 0;
}

void ros_link_cancel(struct ros_call *call)
{
	for (size_t i = 0; i < CALLS_MAX && call->link; i++) {
		if (the_link.answers[i].call != call)
			continue;
		alarm_cancel(the_link.loop, &the_link.answers[i].alarm);
		the_link.answers[i].call = NULL;
		call->link = NULL;
	}
}

void ros_link_read(const struct ros_link *link, struct ros_link_figures *out)
{
	*out = (struct ros_link_figures){
		.state = link->is_down ? ROS_LINK_PAUSING : ROS_LINK_UP,
		.epoch = link->epoch,
		.commands = link->commands,
		.connect_ns = -1,
		.login_ns = -1,
	};
}

static void come_back(void)
{
	the_link.is_down = false;
	the_link.epoch++;
}

static void restart(void)
{
	the_link.booted_ns = clock_monotonic_ns();
	the_link.epoch++;
}

/* --- what is collected ---------------------------------------------------------------------------------------------
 */

static const char catalogue_text[] =
	"sets: {\n"
	" fast: { help = \"F\"; tier = \"realtime\"; menus = ( { path = \"/fast\"; } ); keys = [ \"name\" ];\n"
	"  columns = ( { property = \"value\"; measure = \"fast_value\"; help = \"V\"; } ); };\n"
	" slow: { help = \"S\"; tier = \"extended\"; menus = ( { path = \"/slow\"; } ); keys = [ \"name\" ];\n"
	"  columns = ( { property = \"value\"; measure = \"slow_value\"; help = \"V\"; } ); };\n"
	" many: { help = \"M\"; tier = \"short\"; menus = ( { path = \"/many\"; command = \"monitor\"; once = true;\n"
	"  each = \"/many\"; each_joined = false; } ); keys = [ \"name=@each\" ];\n"
	"  columns = ( { property = \"value\"; measure = \"many_value\"; help = \"V\"; } ); };\n"
	" number: { help = \"N\"; tier = \"short\"; mode = \"count\"; count = \"entries\"; count_help = \"E\";\n"
	"  menus = ( { path = \"/number\"; labels = [ \"of=all\" ]; } ); };\n"
	" never: { help = \"X\"; tier = \"realtime\"; menus = ( { path = \"/never\"; before = \"6.0\"; } ); keys = [ "
	"\"name\" ];\n"
	"  columns = ( { property = \"value\"; measure = \"never_value\"; help = \"V\"; } ); };\n"
	"};\n";

enum part { WHOLE, FAST, SLOW, MANY, NUMBER, NEVER, LOG, PARTS };

struct heard {
	unsigned samples, failures, quiet, kept;
	enum reason reason;
	size_t rows;
	int64_t at_ns;
	bool keeps_rows;
};

struct bench {
	struct loop *loop;
	struct resolver *resolver;
	struct catalogue *catalogue;
	struct engine *engine;
	struct probe *probe;
	void *settings;
	struct subject subject;
	struct heard heard[PARTS];
	int64_t restarts, up;
	unsigned lines;
	size_t pieces; /* of memory, before */
};

static const struct reading *find_reading(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (!strcmp(row->set->measures[row->readings[i].measure].name, name))
			return &row->readings[i];
	return NULL;
}

static void deliver(void *context, const struct sample *sample)
{
	struct bench *bench = context;
	struct heard *heard = &bench->heard[sample->part];
	cr_assert_lt(sample->part, PARTS);
	if (!sample->nrows)
		return;
	heard->samples++;
	heard->failures += sample->reason != REASON_OK;
	heard->quiet += sample->nquiet == sample->nrows;
	heard->keeps_rows = sample->keeps_rows;
	heard->reason = sample->reason;
	heard->rows = sample->nrows - 1;
	heard->at_ns = clock_monotonic_ns();
	for (size_t i = 0; i < sample->nrows; i++)
		for (size_t k = 1; k < sample->rows[i].n; k++)
			cr_assert_gt(sample->rows[i].readings[k].measure, sample->rows[i].readings[k - 1].measure);
	if (sample->part)
		return;
	bench->restarts = find_reading(&sample->rows[0], "restarts_total")->value.integer;
	bench->up = find_reading(&sample->rows[0], "up")->value.integer;
}

static void note_line(void *context, const char *line)
{
	(void)line;
	((struct bench *)context)->lines++;
}

static void set(const struct probe_type *type, void *settings, const char *name, const char *value)
{
	struct err err = {0};
	const struct option *option = option_find(type->options, type->noptions, name);
	cr_assert_eq(option_set_text(option, settings, value, &err), 0, "%s", err.text);
}

static void open_bench(struct bench *bench, bool is_single)
{
	const struct probe_type *type = probe_type_find("routeros");
	struct text errors = {0};
	struct err err = {0};
	fake_reset();
	fake_icmp_reset(NULL, NULL);
	memset(bench, 0, sizeof(*bench));
	bench->pieces = fake_memory_pieces();
	the_link = (struct ros_link){.delay_ns = 20 * NS_PER_MS, .epoch = 1, .version = "7.12 (stable)"};
	the_link.booted_ns = clock_monotonic_ns() - 900 * NS_PER_SECOND;
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->catalogue = ros_catalogue_load_string(catalogue_text, "test.conf", &errors);
	cr_assert(bench->catalogue, "%s", text_string(&errors));
	text_free(&errors);
	bench->engine = engine_create(
		&(struct engine_plan){.loop = bench->loop, .resolver = bench->resolver, .catalogue = bench->catalogue});
	bench->settings = mem_zero(1, type->settings_size);
	option_set_defaults(type->options, type->noptions, bench->settings);
	set(type, bench->settings, "username", "netsonde");
	set(type, bench->settings, "extended", "300");
	set(type, bench->settings, "short", "20");
	cr_assert_eq(type->check(bench->settings, &err), 0, "%s", err.text);
	bench->subject = (struct subject){.target = "gw1", .probe = "routers", .type = "routeros"};
	bench->probe = probe_open(bench->engine,
				  &(struct probe_plan){.type = type,
						       .settings = bench->settings,
						       .subject = &bench->subject,
						       .address = "192.0.2.1",
						       .sink = {deliver, note_line, bench},
						       .is_single = is_single},
				  &err);
	cr_assert(bench->probe, "%s", err.text);
}

static void close_bench(struct bench *bench)
{
	const struct probe_type *type = probe_type_find("routeros");
	probe_close(bench->probe);
	cr_assert_eq(the_link.holders, 0);
	engine_free(bench->engine);
	option_free_settings(type->options, type->noptions, bench->settings);
	catalogue_free(bench->catalogue);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	cr_assert_eq(fake_alive(), 0);
	cr_assert_eq(fake_memory_pieces(), bench->pieces);
}

/* --- tests ---------------------------------------------------------------------------------------------------------
 */

static void advance(int64_t seconds)
{
	fake_advance_ns(seconds * NS_PER_SECOND);
}

Test(routeros, each_part_comes_in_its_time)
{
	struct bench bench;
	open_bench(&bench, false);
	advance(100);
	cr_assert_geq(bench.heard[WHOLE].samples, 19);
	cr_assert_geq(bench.heard[FAST].samples, 19);
	cr_assert_leq(bench.heard[FAST].samples, 21);
	cr_assert_eq(bench.heard[SLOW].samples, 1, "what is rare comes soon, and once");
	cr_assert_geq(bench.heard[MANY].samples, 4);
	cr_assert_eq(bench.heard[MANY].rows, 40);
	cr_assert_eq(the_link.asked[3], the_link.asked[2] * 40);
	cr_assert_eq(bench.heard[NUMBER].rows, 1);
	cr_assert_eq(bench.heard[NEVER].rows, 0);
	cr_assert_eq(bench.up, 1);
	for (size_t i = 0; i < PARTS; i++)
		cr_assert_eq(bench.heard[i].failures, 0, "part %zu", i);
	close_bench(&bench);
}

Test(routeros, rows_stay_for_half_a_minute)
{
	struct bench bench;
	open_bench(&bench, false);
	advance(20);
	cr_assert_eq(bench.heard[FAST].rows, 1);
	int64_t good_ns = bench.heard[FAST].at_ns;
	the_link.trapped = "/fast/print";
	the_link.trap = ROS_TRAP_OTHER;
	while (clock_monotonic_ns() < good_ns + 25 * NS_PER_SECOND)
		advance(1);
	cr_assert_eq(bench.heard[FAST].reason, REASON_STATUS);
	cr_assert(bench.heard[FAST].keeps_rows);
	advance(20);
	cr_assert_not(bench.heard[FAST].keeps_rows);
	cr_assert_eq(bench.up, 1);
	the_link.trapped = NULL;
	advance(10);
	cr_assert_eq(bench.heard[FAST].reason, REASON_OK);
	cr_assert_eq(bench.heard[FAST].rows, 1);
	close_bench(&bench);
}

Test(routeros, what_was_missed_is_made_up_for_within_a_minute)
{
	struct bench bench;
	open_bench(&bench, false);
	the_link.is_down = true;
	advance(31);
	cr_assert_eq(bench.heard[SLOW].samples, 1);
	cr_assert_eq(bench.heard[SLOW].reason, REASON_REFUSED);
	cr_assert_eq(bench.heard[SLOW].quiet, 0, "the first failure is told");
	cr_assert_eq(bench.up, 0);
	advance(61);
	cr_assert_geq(bench.heard[SLOW].quiet, 1, "that it failed again is not");
	come_back();
	advance(61);
	cr_assert_eq(bench.heard[SLOW].reason, REASON_OK);
	cr_assert_eq(bench.heard[SLOW].rows, 1);
	cr_assert_eq(the_link.asked[1], 1, "and it was asked once");
	close_bench(&bench);
}

Test(routeros, what_is_absent_is_asked_for_after_a_restart)
{
	struct bench bench;
	open_bench(&bench, false);
	the_link.trapped = "/fast/print";
	the_link.trap = ROS_TRAP_NO_MENU;
	advance(60);
	cr_assert_eq(the_link.asked[0], 1);
	cr_assert_eq(bench.heard[FAST].reason, REASON_OK);
	the_link.trapped = NULL;
	advance(20);
	cr_assert_eq(the_link.asked[0], 1);
	cr_assert_eq(bench.restarts, 0);
	restart();
	advance(20);
	cr_assert_eq(bench.restarts, 1);
	cr_assert_gt(the_link.asked[0], 1);
	cr_assert_eq(bench.heard[FAST].rows, 1);
	/* So it is after an upgrade. */
	the_link.trapped = "/fast/print";
	advance(20);
	unsigned asked = the_link.asked[0];
	advance(20);
	cr_assert_eq(the_link.asked[0], asked);
	the_link.version = "7.13";
	advance(20);
	cr_assert_gt(the_link.asked[0], asked);
	close_bench(&bench);
}

Test(routeros, an_item_that_has_gone_is_no_failure_and_an_answer_that_never_comes_is)
{
	struct bench bench;
	open_bench(&bench, false);
	the_link.trapped = "/many/monitor";
	the_link.trap = ROS_TRAP_NO_ITEM;
	advance(45);
	cr_assert_eq(bench.heard[MANY].failures, 0);
	the_link.stuck = "/many/print";
	the_link.trapped = NULL;
	advance(45);
	cr_assert_gt(bench.heard[MANY].failures, 0);
	cr_assert_eq(bench.heard[MANY].reason, REASON_TIMEOUT);
	cr_assert_eq(bench.heard[FAST].failures, 0);
	the_link.stuck = "/system/resource/print";
	advance(20);
	cr_assert_eq(bench.heard[WHOLE].reason, REASON_TIMEOUT);
	cr_assert_eq(bench.up, 0);
	close_bench(&bench);
}

Test(routeros, one_run_has_everything)
{
	struct bench bench;
	open_bench(&bench, true);
	cr_assert_eq(probe_run_once(bench.probe), 0);
	advance(2);
	cr_assert_eq(bench.heard[WHOLE].samples, 1);
	/* The router, its version, five collections, and 1 + 1 + 40 + 1 rows. */
	cr_assert_eq(bench.heard[WHOLE].rows, 1 + 5 + 43);
	cr_assert_gt(bench.lines, 5);
	the_link.stuck = "/slow/print";
	cr_assert_eq(probe_run_once(bench.probe), 0);
	advance(2);
	cr_assert_eq(probe_end_run(bench.probe), 0);
	cr_assert_eq(bench.heard[WHOLE].samples, 2);
	cr_assert_eq(bench.heard[WHOLE].reason, REASON_OK, "what came counts");
	cr_assert_eq(bench.heard[WHOLE].rows, 1 + 5 + 42);
	the_link.is_down = true;
	cr_assert_eq(probe_run_once(bench.probe), 0);
	advance(2);
	cr_assert_eq(bench.heard[WHOLE].reason, REASON_REFUSED);
	close_bench(&bench);
}

/* Whatever happens: every run ends, every command finds its end, and nothing is left behind. */
Test(routeros, a_day_of_faults, .timeout = 120)
{
	static const char *const paths[] = {NULL,
					    "/fast/print",
					    "/slow/print",
					    "/many/print",
					    "/many/monitor",
					    "/number/print",
					    "/log/print",
					    "/system/resource/print",
					    "/system/package/print"};
	static const enum ros_trap traps[] = {ROS_TRAP_OTHER, ROS_TRAP_NO_MENU, ROS_TRAP_NO_ITEM, ROS_TRAP_PERMISSION};
	struct bench bench;
	open_bench(&bench, false);
	srandom(8);
	for (int64_t passed = 0; passed < 86400;) {
		int64_t pause = 1 + random() % 40;
		advance(pause);
		passed += pause;
		bool was_down = the_link.is_down;
		the_link.is_down = random() % 6 == 0;
		if (was_down && !the_link.is_down)
			come_back();
		if (random() % 20 == 0)
			restart();
		the_link.trapped = paths[random() % 9];
		the_link.trap = traps[random() % 4];
		the_link.stuck = paths[random() % 30 < 9 ? random() % 9 : 0];
		the_link.delay_ns = random() % 400 * NS_PER_MS;
	}
	the_link.is_down = false;
	the_link.trapped = the_link.stuck = NULL;
	the_link.epoch++;
	the_link.delay_ns = NS_PER_MS;
	restart();
	advance(400);
	for (enum part part = WHOLE; part < PARTS; part++)
		cr_assert_eq(bench.heard[part].reason, REASON_OK, "part %d", part);
	cr_assert_eq(bench.heard[SLOW].rows, 1);
	cr_assert_eq(bench.heard[MANY].rows, 40);
	cr_assert_gt(bench.restarts, 10);
	close_bench(&bench);
}
