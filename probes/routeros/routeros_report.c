/*
 * The figures of a router as a whole, and of its collections: readings and rows.
 */
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/routeros/routeros.h"
#include "probes/routeros/routeros_log.h"

enum {
	UP,
	STATE,
	BREAKER,
	RESPONSE,
	HEALTH,
	HEALTH_CPU, /* in the order of enum ros_health_part */
	HEALTH_LAST = HEALTH_CPU + ROS_HEALTH_PARTS - 1,
	HEALTH_PARTS,
	ATTEMPTS,
	ATTEMPT_FAILURES,
	LOGINS,
	LOSSES,
	RESTARTS,
	COMMANDS,
	COMMAND_RATE,
	TRAPS,
	TIMEOUTS,
	RECEIVED,
	SENT,
	CONNECT,
	LOGIN,
	CONNECTED,
	FLYING,
	QUEUED,
	SECURED,
	ANONYMOUS,
	SETS,
	SETS_FAILED,
	SETS_ABSENT,
	INFO,
	FAILURE,
	ROUTER_MEASURES
};

static const struct measure router_measures[ROUTER_MEASURES] = {
	[UP] = {"up", MEASURE_INTEGER, "Whether the router answered (1) or not (0)"},
	[STATE] = {"state", MEASURE_INTEGER,
		   "State of the connection: 0 idle, 1 resolving, 2 connecting, 3 login, 4 up, 5 pausing after a "
		   "failure"},
	[BREAKER] = {"breaker_state", MEASURE_INTEGER,
		     "State of the circuit breaker: 0 closed, 1 half open (an attempt is under way), 2 open"},
	[RESPONSE] = {"response_seconds", MEASURE_GAUGE,
		      "From the command for the router's resources to the end of its answer"},
	[HEALTH] = {"health_score", MEASURE_GAUGE,
		    "How well the router is, 0 to 100, by the parts that are known (docs/routeros.md)"},
	[HEALTH_CPU + ROS_HEALTH_CPU] = {"health_cpu_score", MEASURE_GAUGE, "Its part: load of the CPU, 0 to 100"},
	[HEALTH_CPU + ROS_HEALTH_MEMORY] = {"health_memory_score", MEASURE_GAUGE, "Its part: free memory"},
	[HEALTH_CPU + ROS_HEALTH_STORAGE] = {"health_storage_score", MEASURE_GAUGE, "Its part: free storage"},
	[HEALTH_CPU +
		ROS_HEALTH_TEMPERATURE] = {"health_temperature_score", MEASURE_GAUGE, "Its part: the hottest sensor"},
	[HEALTH_CPU + ROS_HEALTH_POWER] = {"health_power_score", MEASURE_GAUGE,
					   "Its part: fans and supplies that have failed, and too low a voltage"},
	[HEALTH_CPU + ROS_HEALTH_RESPONSE] = {"health_response_score", MEASURE_GAUGE,
					      "Its part: how fast the router answers"},
	[HEALTH_CPU + ROS_HEALTH_COLLECTIONS] = {"health_collections_score", MEASURE_GAUGE,
						 "Its part: data sets that could not be read"},
	[HEALTH_PARTS] = {"health_parts", MEASURE_INTEGER, "How many parts were known and counted"},
	[ATTEMPTS] = {"connect_attempts_total", MEASURE_COUNTER, "Connections that were tried"},
	[ATTEMPT_FAILURES] = {"connect_failures_total", MEASURE_COUNTER, "Those of them that failed, logins included"},
	[LOGINS] = {"logins_total", MEASURE_COUNTER, "Logins that succeeded"},
	[LOSSES] = {"losses_total", MEASURE_COUNTER, "Connections that ended after the login"},
	[RESTARTS] = {"restarts_total", MEASURE_COUNTER, "Restarts of the router, noticed by its uptime"},
	[COMMANDS] = {"commands_total", MEASURE_COUNTER, "Commands sent on the connection, by whoever shares it"},
	[COMMAND_RATE] = {"commands_per_second", MEASURE_GAUGE, "The same as a rate since the run before"},
	[TRAPS] = {"traps_total", MEASURE_COUNTER, "Commands that the router refused"},
	[TIMEOUTS] = {"timeouts_total", MEASURE_COUNTER, "Commands whose answer did not come in time"},
	[RECEIVED] = {"received_bytes_total", MEASURE_COUNTER, "Bytes of the router's answers"},
	[SENT] = {"sent_bytes_total", MEASURE_COUNTER, "Bytes of commands"},
	[CONNECT] = {"connect_seconds", MEASURE_GAUGE, "How long TCP and TLS took for the present connection"},
	[LOGIN] = {"login_seconds", MEASURE_GAUGE, "How long its login took"},
	[CONNECTED] = {"connected_seconds", MEASURE_GAUGE, "Age of the connection"},
	[FLYING] = {"commands_flying", MEASURE_INTEGER, "Commands that the router works on"},
	[QUEUED] = {"commands_queued", MEASURE_INTEGER, "Commands that wait for room in the window"},
	[SECURED] = {"is_secured", MEASURE_INTEGER, "Whether the connection is TLS"},
	[ANONYMOUS] = {"is_anonymous", MEASURE_INTEGER, "Whether it is TLS without any proof of who the router is"},
	[SETS] = {"data_sets", MEASURE_INTEGER, "Data sets that are collected"},
	[SETS_FAILED] = {"data_sets_failed", MEASURE_INTEGER, "Those of them whose last collection failed"},
	[SETS_ABSENT] = {"data_sets_absent", MEASURE_INTEGER, "Those of them that this router does not have"},
	[INFO] = {"info", MEASURE_INFO, "Version, board and architecture in the labels"},
	[FAILURE] = {"failure", MEASURE_TEXT, "Why there is no answer, in words"},
};

static const char *const router_labels[] = {"version", "board", "architecture", NULL};

const struct measure_set routeros_set = {
	.name = "routeros",
	.measures = router_measures,
	.n = ROUTER_MEASURES,
	.label_names = router_labels,
	.help = "A router as a whole, and the connection to it; the labels are those of info only",
};

enum {
	SET_SUCCESS,
	SET_DURATION,
	SET_ROWS,
	SET_LEFT_OUT,
	SET_SKIPPED,
	SET_UNREADABLE,
	SET_RUNS,
	SET_FAILURES,
	SET_COMMANDS,
	SET_RECEIVED,
	SET_ROUTER_TIME,
	SET_GOOD,
	SET_AGE,
	SET_ABSENT,
	SET_FAILURE,
	SET_MEASURES
};

static const struct measure collection_measures[SET_MEASURES] = {
	[SET_SUCCESS] = {"success", MEASURE_INTEGER, "Whether the last collection succeeded (1) or failed (0)"},
	[SET_DURATION] = {"duration_seconds", MEASURE_GAUGE, "How long it took, waiting for other commands included"},
	[SET_ROWS] = {"rows", MEASURE_INTEGER, "Rows of the last one that succeeded"},
	[SET_LEFT_OUT] = {"left_out_total", MEASURE_COUNTER, "Items that were beyond the ceiling of rows (max_rows)"},
	[SET_SKIPPED] = {"skipped_total", MEASURE_COUNTER, "Items that were left out by their names (skip)"},
	[SET_UNREADABLE] = {"unreadable_total", MEASURE_COUNTER, "Values in a form that is not known, and left out"},
	[SET_RUNS] = {"runs_total", MEASURE_COUNTER, "Collections"},
	[SET_FAILURES] = {"failures_total", MEASURE_COUNTER, "Collections that failed"},
	[SET_COMMANDS] = {"commands_total", MEASURE_COUNTER, "Commands that they took"},
	[SET_RECEIVED] = {"received_bytes_total", MEASURE_COUNTER, "Bytes of their answers"},
	[SET_ROUTER_TIME] = {"router_seconds_total", MEASURE_COUNTER_SECONDS,
			     "Times from each command to the end of its answer, added up: what the data set costs"},
	[SET_GOOD] = {"last_success_timestamp_seconds", MEASURE_GAUGE, "When the last one that succeeded ended"},
	[SET_AGE] = {"age_seconds", MEASURE_GAUGE, "Time since then"},
	[SET_ABSENT] = {"is_absent", MEASURE_INTEGER, "1 if the router has no such menu"},
	[SET_FAILURE] = {"failure", MEASURE_TEXT, "Why the last one failed, in words"},
};

static const char *const collection_labels[] = {"set", NULL};

const struct measure_set routeros_collection_set = {
	.name = "routeros_collection",
	.measures = collection_measures,
	.n = SET_MEASURES,
	.label_names = collection_labels,
	.help = "How one data set of a router is collected",
};

static const struct measure log_measures[] = {
	{"message", MEASURE_TEXT, "The line"},
	{"router_time", MEASURE_TEXT, "When it was written, by the router's clock and as the router tells it"},
};

static const char *const log_labels[] = {"topics", "line", NULL};

const struct measure_set routeros_log_line_set = {
	.name = "routeros_log_line",
	.measures = log_measures,
	.n = sizeof(log_measures) / sizeof(*log_measures),
	.label_names = log_labels,
	.help = "A line of the router's log, with the option log_lines; stamped with when it was read",
};

/* --- rows ----------------------------------------------------------------------------------------------------------
 */

struct one_collection {
	struct label label;
	struct reading readings[SET_MEASURES];
	size_t n;
};

struct routeros_report {
	struct row *rows;
	struct one_collection *collections;
	struct reading readings[ROUTER_MEASURES];
	size_t n;
	struct reading info;
	struct label info_labels[3];
	struct ros_link_figures link;
};

struct routeros_report *routeros_report_create(size_t collections)
{
	struct routeros_report *report = mem_zero(1, sizeof(*report));
	/* The router, its version, and the log. */
	report->rows = mem_zero(collections + 3, sizeof(*report->rows));
	report->collections = mem_zero(collections + 1, sizeof(*report->collections));
	return report;
}

void routeros_report_free(struct routeros_report *report)
{
	if (!report)
		return;
	mem_free(report->rows);
	mem_free(report->collections);
	mem_free(report);
}

static void put(struct one_collection *one, unsigned measure, int64_t value)
{
	one->readings[one->n++] = reading_integer(measure, value);
}

static void put_success(struct one_collection *one, const struct collection_figures *figures)
{
	if (!figures->runs)
		return;
	put(one, SET_SUCCESS, figures->reason == REASON_OK);
	one->readings[one->n++] = reading_number(SET_DURATION, clock_seconds(figures->took_ns));
}

/* What is said about one thing that is collected. */
struct account {
	const char *name;
	const struct collection_figures *figures;
	const char *message; /* NULL: it did not fail */
	uint64_t left_out, unreadable;
};

static void put_last_success(struct one_collection *one, const struct collection_figures *figures)
{
	if (!figures->good_ns)
		return;
	int64_t age_ns = clock_monotonic_ns() - figures->good_ns;
	one->readings[one->n++] = reading_number(SET_GOOD, clock_seconds(figures->good_realtime_ns));
	one->readings[one->n++] = reading_number(SET_AGE, clock_seconds(age_ns));
}

/* is_line: of a sample of its own, whose line has these two fields from the sample. */
static void fill_account(struct one_collection *one, const struct account *account, bool is_line)
{
	const struct collection_figures *figures = account->figures;
	one->n = 0;
	one->label = (struct label){"set", account->name};
	if (!is_line)
		put_success(one, figures);
	if (figures->good_ns)
		put(one, SET_ROWS, (int64_t)figures->rows);
	put(one, SET_LEFT_OUT, (int64_t)account->left_out);
	put(one, SET_SKIPPED, (int64_t)figures->skipped);
	put(one, SET_UNREADABLE, (int64_t)account->unreadable);
	put(one, SET_RUNS, (int64_t)figures->runs);
	put(one, SET_FAILURES, (int64_t)figures->failures);
	put(one, SET_COMMANDS, (int64_t)figures->commands);
	put(one, SET_RECEIVED, (int64_t)figures->bytes);
	put(one, SET_ROUTER_TIME, figures->router_ns);
	put_last_success(one, figures);
	if (figures->runs)
		put(one, SET_ABSENT, figures->is_absent);
	if (account->message)
		one->readings[one->n++] = reading_text(SET_FAILURE, account->message);
}

static void fill_collection(struct one_collection *one, const struct collection *collection, bool is_line)
{
	const struct account account = {
		.name = collection->set->name,
		.figures = &collection->figures,
		.message = collection->message,
		.left_out = collection_left_out(collection),
		.unreadable = collection_unreadable(collection),
	};
	fill_account(one, &account, is_line);
}

static void fill_log(struct one_collection *one, const struct routeros_log *log, bool is_line)
{
	const struct account account = {
		.name = "log_line",
		.figures = routeros_log_figures(log),
		.message = routeros_log_message(log),
	};
	fill_account(one, &account, is_line);
}

static struct row row_of(const struct one_collection *one)
{
	return (struct row){
		.set = &routeros_collection_set,
		.labels = &one->label,
		.nlabels = 1,
		.readings = one->readings,
		.n = one->n,
	};
}

const struct row *routeros_report_fill_one(struct routeros_report *report, const struct collection *collection)
{
	fill_collection(&report->collections[0], collection, true);
	report->rows[0] = row_of(&report->collections[0]);
	return report->rows;
}

const struct row *routeros_report_fill_log(struct routeros_report *report, const struct routeros_log *log)
{
	fill_log(&report->collections[0], log, true);
	report->rows[0] = row_of(&report->collections[0]);
	return report->rows;
}

static void add(struct routeros_report *report, unsigned measure, int64_t value)
{
	report->readings[report->n++] = reading_integer(measure, value);
}

static void add_seconds(struct routeros_report *report, unsigned measure, int64_t value_ns)
{
	report->readings[report->n++] = reading_number(measure, clock_seconds(value_ns));
}

static void add_health(struct routeros_report *report, const struct ros_health *health)
{
	double score;
	unsigned parts;
	if (!ros_health_score(health, &score, &parts))
		return;
	report->readings[report->n++] = reading_number(HEALTH, score);
	for (enum ros_health_part part = 0; part < ROS_HEALTH_PARTS; part++)
		if (health->is_known[part])
			report->readings[report->n++] =
				reading_number(HEALTH_CPU + part, ros_health_part_score(health, part));
	add(report, HEALTH_PARTS, parts);
}

static void add_rate(struct routeros_report *report, struct routeros_before *before, int64_t now_ns)
{
	uint64_t commands = report->link.commands;
	if (before->now_ns && now_ns > before->now_ns && commands >= before->commands)
		report->readings[report->n++] = reading_number(
			COMMAND_RATE, (double)(commands - before->commands) / clock_seconds(now_ns - before->now_ns));
	*before = (struct routeros_before){now_ns, commands};
}

static void add_connection(struct routeros_report *report, struct routeros *opened)
{
	const struct ros_link_figures *link = &report->link;
	int64_t now_ns = clock_monotonic_ns();
	add(report, ATTEMPTS, (int64_t)link->attempts);
	add(report, ATTEMPT_FAILURES, (int64_t)link->failures);
	add(report, LOGINS, (int64_t)link->epoch);
	add(report, LOSSES, (int64_t)link->losses);
	add(report, RESTARTS, (int64_t)ros_router_restarts(opened->router));
	add(report, COMMANDS, (int64_t)link->commands);
	add_rate(report, &opened->before, now_ns);
	add(report, TRAPS, (int64_t)link->traps);
	add(report, TIMEOUTS, (int64_t)link->timeouts);
	add(report, RECEIVED, (int64_t)link->replies_bytes);
	add(report, SENT, (int64_t)link->sent_bytes);
	if (link->connect_ns >= 0)
		add_seconds(report, CONNECT, link->connect_ns);
	if (link->login_ns >= 0)
		add_seconds(report, LOGIN, link->login_ns);
	if (link->up_since_ns)
		add_seconds(report, CONNECTED, now_ns - link->up_since_ns);
	add(report, FLYING, (int64_t)link->flying);
	add(report, QUEUED, (int64_t)link->queued);
	if (link->up_since_ns) {
		add(report, SECURED, link->is_secured);
		add(report, ANONYMOUS, link->is_anonymous);
	}
}

struct tally {
	size_t known, failed, absent;
};

static struct tally tally_collections(const struct routeros *opened)
{
	struct tally tally = {0};
	for (size_t i = 0; i < opened->ncollections; i++) {
		const struct collection_figures *figures = &opened->collections[i].figures;
		tally.known += figures->runs != 0;
		tally.failed += figures->runs && figures->reason != REASON_OK;
		tally.absent += figures->is_absent;
	}
	return tally;
}

static void fill_router(struct routeros_report *report, struct routeros *opened, bool is_up)
{
	struct tally tally = tally_collections(opened);
	ros_health_note_share(&opened->health, ROS_HEALTH_COLLECTIONS, (double)tally.failed, (double)tally.known);
	report->n = 0;
	add(report, UP, is_up);
	add(report, STATE, report->link.state);
	add(report, BREAKER, report->link.breaker);
	if (is_up) {
		ros_router_note_health(opened->router, &opened->health);
		add_seconds(report, RESPONSE, ros_router_resources(opened->router)->response_ns);
		add_health(report, &opened->health);
	}
	add_connection(report, opened);
	add(report, SETS, (int64_t)opened->ncollections);
	add(report, SETS_FAILED, (int64_t)tally.failed);
	add(report, SETS_ABSENT, (int64_t)tally.absent);
	if (!is_up && report->link.message[0])
		report->readings[report->n++] = reading_text(FAILURE, report->link.message);
	report->rows[0] = (struct row){.set = &routeros_set, .readings = report->readings, .n = report->n};
}

static void fill_info(struct routeros_report *report, const struct ros_resources *resources)
{
	report->info = reading_integer(INFO, 1);
	report->info_labels[0] = (struct label){"version", resources->version};
	report->info_labels[1] = (struct label){"board", resources->board};
	report->info_labels[2] = (struct label){"architecture", resources->architecture};
	report->rows[1] = (struct row){
		.set = &routeros_set,
		.labels = report->info_labels,
		.nlabels = 3,
		.readings = &report->info,
		.n = 1,
	};
}

const struct row *routeros_report_fill(struct routeros_report *report, struct routeros *opened, bool is_up, size_t *n)
{
	const struct ros_resources *resources = ros_router_resources(opened->router);
	ros_link_read(opened->link, &report->link);
	fill_router(report, opened, is_up);
	*n = 1;
	if (resources->version[0]) {
		fill_info(report, resources);
		++*n;
	}
	for (size_t i = 0; i < opened->ncollections; i++) {
		fill_collection(&report->collections[i], &opened->collections[i], false);
		report->rows[(*n)++] = row_of(&report->collections[i]);
	}
	if (opened->log) {
		struct one_collection *one = &report->collections[opened->ncollections];
		fill_log(one, opened->log, false);
		report->rows[(*n)++] = row_of(one);
	}
	return report->rows;
}
