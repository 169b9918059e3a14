/*
 * RouterOS: a router as a whole (part 0) and each of its data sets (a part each), in turns of their own. Who asks for
 * one run gets all of it in one sample.
 */
#include "probes/routeros/routeros.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "probes/routeros/ros_pool.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/routeros_log.h"

/* No run needs longer; a long tier only comes seldom. */
#define RUN_MOST_NS (300 * NS_PER_SECOND)
#define SINGLE_NS   (60 * NS_PER_SECOND)

/* Answers are given up a little before the run is, so that what is wrong with each can be told. */
#define MARGIN_MOST_NS (100 * NS_PER_MS)
#define MARGIN_SHARE   20

/* A collection that failed because there was no connection comes again so soon, whatever its tier. */
#define RETRY_NS (60 * NS_PER_SECOND)

/* One run: of the router as a whole, of one data set, or of everything for who asks once. */
struct routeros_run {
	struct run *run;
	struct routeros *opened;
	struct collection *collection; /* NULL: as a whole */
	struct ros_waiter waiter;
	size_t pending; /* collections of a single run */
	bool is_retry, is_log;
};

static struct routeros_run *run_of(struct ros_waiter *waiter)
{
	return (struct routeros_run *)(void *)((char *)waiter - offsetof(struct routeros_run, waiter));
}

static const char *target_of(const struct routeros *opened)
{
	return probe_target(opened->probe);
}

/* --- the router as a whole -----------------------------------------------------------------------------------------
 */

static bool is_up(const struct routeros *opened)
{
	struct ros_link_figures figures;
	ros_link_read(opened->link, &figures);
	return figures.state == ROS_LINK_UP;
}

/* Of connections that fail the link itself speaks. */
static void note_reachability(struct routeros *opened, enum reason reason, const char *message)
{
	if (probe_is_single(opened->probe))
		return;
	if (reason == REASON_OK)
		log_fault_end(&opened->fault, "routeros", target_of(opened));
	else if (is_up(opened))
		log_fault_begin(&opened->fault, "routeros", target_of(opened), "%s: %s", reason_name(reason),
				message[0] ? message : "no answer");
}

static void set_address(struct routeros_run *state)
{
	struct ros_link_figures figures;
	ros_link_read(state->opened->link, &figures);
	if (figures.address.family != ADDRESS_NONE)
		run_set_address(state->run, &figures.address);
}

/* The rows of the router and, in a single run, those of all data sets. */
static struct row *join_rows(struct routeros *opened, const struct row *rows, size_t *n)
{
	size_t total = *n, more;
	for (size_t i = 0; i < opened->ncollections; i++) {
		collection_rows(&opened->collections[i], &more);
		total += more;
	}
	struct row *all = mem_zero(total, sizeof(*all));
	memcpy(all, rows, *n * sizeof(*all));
	for (size_t i = 0; i < opened->ncollections; i++) {
		const struct row *added = collection_rows(&opened->collections[i], &more);
		if (more)
			memcpy(all + *n, added, more * sizeof(*all));
		*n += more;
	}
	return all;
}

static void finish_whole(struct routeros_run *state, enum reason reason, const char *message)
{
	struct routeros *opened = state->opened;
	struct routeros_report *report = routeros_report_create(opened->ncollections);
	size_t n, quiet;
	const struct row *rows = routeros_report_fill(report, opened, reason == REASON_OK, &n);
	note_reachability(opened, reason, message);
	if (reason != REASON_OK)
		run_log(state->run, "%s: %s", reason_name(reason), message);
	set_address(state);
	quiet = n - 1;
	if (!probe_is_single(opened->probe)) {
		run_set_quiet(state->run, quiet);
		run_finish(state->run, reason, rows, n);
	} else {
		struct row *all = join_rows(opened, rows, &n);
		run_finish(state->run, reason, all, n);
		mem_free(all);
	}
	routeros_report_free(report);
}

static void whole_ready(struct ros_waiter *waiter, enum reason reason, const char *message)
{
	finish_whole(run_of(waiter), reason, message);
}

/* --- a single run --------------------------------------------------------------------------------------------------
 */

static int64_t answers_ns(const struct run *run)
{
	int64_t deadline_ns = run_deadline_ns(run), margin_ns = (deadline_ns - run_begun_ns(run)) / MARGIN_SHARE;
	return deadline_ns - (margin_ns < MARGIN_MOST_NS ? margin_ns : MARGIN_MOST_NS);
}

static void log_collection(const struct collection *collection, struct run *run)
{
	size_t n;
	collection_rows(collection, &n);
	if (collection->figures.reason != REASON_OK)
		run_log(run, "data set %s: %s: %s", collection->set->name, reason_name(collection->figures.reason),
			collection->message);
	else if (collection->figures.is_absent)
		run_log(run, "data set %s: the router has none", collection->set->name);
	else
		run_log(run, "data set %s: %zu rows in %.3f s", collection->set->name, n,
			clock_seconds(collection->figures.took_ns));
}

static void note_sensors(struct collection *collection, struct ros_health *health)
{
	size_t n;
	const struct row *rows = collection_rows(collection, &n);
	if (!strcmp(collection->set->name, "health") && collection->figures.reason == REASON_OK)
		ros_health_note_sensors(health, rows, n);
}

static void single_ended(struct collection *collection)
{
	struct routeros_run *state = collection->run;
	collection->run = NULL;
	log_collection(collection, state->run);
	note_sensors(collection, &state->opened->health);
	if (--state->pending == 0)
		finish_whole(state, REASON_OK, "");
}

static void single_ready(struct ros_waiter *waiter, enum reason reason, const char *message)
{
	struct routeros_run *state = run_of(waiter);
	struct routeros *opened = state->opened;
	if (reason != REASON_OK || !opened->ncollections) {
		finish_whole(state, reason, message);
		return;
	}
	const struct ros_resources *resources = ros_router_resources(opened->router);
	run_log(state->run, "RouterOS %s on %s", resources->version, resources->board);
	state->pending = opened->ncollections;
	for (size_t i = 0; i < opened->ncollections; i++) {
		opened->collections[i].run = state;
		opened->collections[i].ended = single_ended;
		collection_start(&opened->collections[i], answers_ns(state->run));
	}
}

/* What has come counts. */
static void end_single(struct routeros_run *state)
{
	struct routeros *opened = state->opened;
	for (size_t i = 0; i < opened->ncollections; i++) {
		struct collection *collection = &opened->collections[i];
		if (!collection->is_running)
			continue;
		collection_fail(collection, REASON_TIMEOUT, "no answer in time");
		log_collection(collection, state->run);
	}
	finish_whole(state, REASON_OK, "");
}

/* --- a data set ----------------------------------------------------------------------------------------------------
 */

/* That the router cannot be reached is said once, and not by each data set. */
static void note_fault(struct routeros_run *state)
{
	struct collection *collection = state->collection;
	const char *target = target_of(state->opened);
	if (collection->figures.reason == REASON_OK)
		log_fault_end(&collection->fault, "routeros", target);
	else if (is_up(state->opened))
		log_fault_begin(&collection->fault, "routeros", target, "data set %s: %s: %s", collection->set->name,
				reason_name(collection->figures.reason), collection->message);
}

static void finish_failed_set(struct routeros_run *state, const struct row *row)
{
	struct collection *collection = state->collection;
	int64_t interval_ns = state->opened->settings->tier_ns[collection->tier];
	if (!collection_is_stale(collection, interval_ns, clock_monotonic_ns()))
		run_keep_rows(state->run);
	if (!is_up(state->opened) && interval_ns > RETRY_NS) {
		collection->is_retrying = true;
		run_hurry_next(state->run, RETRY_NS);
		if (state->is_retry)
			run_set_quiet(state->run, 1);
	}
	run_finish(state->run, collection->figures.reason, row, 1);
}

static void finish_set(struct routeros_run *state)
{
	struct collection *collection = state->collection;
	struct routeros_report *report = routeros_report_create(1);
	const struct row *row = routeros_report_fill_one(report, collection);
	note_fault(state);
	set_address(state);
	log_collection(collection, state->run);
	if (collection->figures.reason != REASON_OK) {
		finish_failed_set(state, row);
	} else {
		size_t n;
		const struct row *rows = collection_rows(collection, &n);
		struct row *all = mem_zero(n + 1, sizeof(*all));
		all[0] = *row;
		if (n)
			memcpy(all + 1, rows, n * sizeof(*all));
		run_finish(state->run, REASON_OK, all, n + 1);
		mem_free(all);
	}
	routeros_report_free(report);
}

static void set_ended(struct collection *collection)
{
	struct routeros_run *state = collection->run;
	collection->run = NULL;
	note_sensors(collection, &state->opened->health);
	finish_set(state);
	collection_rest(collection);
}

static void begin_set(struct routeros_run *state)
{
	state->collection->run = state;
	state->collection->ended = set_ended;
	collection_start(state->collection, answers_ns(state->run));
}

static void set_ready(struct ros_waiter *waiter, enum reason reason, const char *message)
{
	struct routeros_run *state = run_of(waiter);
	if (reason == REASON_OK) {
		begin_set(state);
		return;
	}
	collection_fail(state->collection, reason, message);
	finish_set(state);
}

/* --- the log -------------------------------------------------------------------------------------------------------
 */

static void finish_log(struct routeros_run *state)
{
	const struct routeros_log *log = state->opened->log;
	enum reason reason = routeros_log_figures(log)->reason;
	struct routeros_report *report = routeros_report_create(1);
	size_t n;
	struct routeros_log_rows *rows = routeros_log_take_rows(log, routeros_report_fill_log(report, log), &n);
	set_address(state);
	if (reason != REASON_OK)
		run_log(state->run, "log: %s: %s", reason_name(reason), routeros_log_message(log));
	run_finish(state->run, reason, routeros_log_rows_of(rows), n);
	routeros_log_free_rows(rows);
	routeros_report_free(report);
}

static void log_ended(void *arg)
{
	struct routeros *opened = arg;
	struct routeros_run *state = opened->log_run;
	opened->log_run = NULL;
	finish_log(state);
}

/* It is not yet time to ask, or nothing could be sent. */
static void finish_idle_log(void *arg)
{
	struct routeros_run *state = arg;
	if (routeros_log_figures(state->opened->log)->reason != REASON_OK)
		finish_log(state);
	else
		run_finish(state->run, REASON_OK, NULL, 0);
}

static void begin_log(struct routeros_run *state)
{
	if (routeros_log_start(state->opened->log, answers_ns(state->run)))
		state->opened->log_run = state;
	else
		run_finish_later(state->run, finish_idle_log);
}

static void log_ready(struct ros_waiter *waiter, enum reason reason, const char *message)
{
	struct routeros_run *state = run_of(waiter);
	if (reason == REASON_OK) {
		begin_log(state);
		return;
	}
	routeros_log_fail(state->opened->log, reason, message);
	finish_log(state);
}

/* --- runs ----------------------------------------------------------------------------------------------------------
 */

static struct collection *find_part(struct routeros *opened, uint32_t part)
{
	for (size_t i = 0; part && i < opened->ncollections; i++)
		if (opened->collections[i].part == part)
			return &opened->collections[i];
	return NULL;
}

static void prepare_run(struct routeros_run *state)
{
	struct routeros *opened = state->opened;
	state->collection = find_part(opened, run_tag(state->run));
	state->is_log = opened->log && run_tag(state->run) == opened->log_part;
	if (state->is_log)
		state->waiter.ready = log_ready;
	else if (state->collection)
		state->waiter.ready = set_ready;
	else
		state->waiter.ready = probe_is_single(opened->probe) ? single_ready : whole_ready;
}

static void begin_run(struct routeros_run *state)
{
	struct routeros *opened = state->opened;
	bool is_known = ros_router_is_known(opened->router);
	if (state->collection) {
		state->is_retry = state->collection->is_retrying;
		state->collection->is_retrying = false;
	}
	if (is_known && state->collection)
		begin_set(state);
	else if (is_known && state->is_log)
		begin_log(state);
	else
		ros_router_refresh(opened->router, &state->waiter);
}

void *routeros_start(struct run *run, void *arg, const void *settings)
{
	struct routeros *opened = arg;
	struct routeros_run *state = slabs_take(probe_slabs(opened->probe), sizeof(*state));
	(void)settings;
	state->run = run;
	state->opened = opened;
	opened->guarded_run = run;
	prepare_run(state);
	begin_run(state);
	return state;
}

static const char *late_message(const struct routeros *opened, struct ros_link_figures *figures)
{
	ros_link_read(opened->link, figures);
	if (figures->state != ROS_LINK_UP && figures->message[0])
		return figures->message;
	return figures->state == ROS_LINK_UP ? "no answer in time" : "no connection in time";
}

void routeros_deadline(void *arg)
{
	struct routeros_run *state = arg;
	struct ros_link_figures figures;
	const char *message = late_message(state->opened, &figures);
	ros_router_leave(state->opened->router, &state->waiter);
	if (state->pending) {
		end_single(state);
	} else if (state->is_log) {
		state->opened->log_run = NULL;
		routeros_log_fail(state->opened->log, REASON_TIMEOUT, message);
		finish_log(state);
	} else if (!state->collection) {
		finish_whole(state, REASON_TIMEOUT, message);
	} else {
		state->collection->run = NULL;
		collection_fail(state->collection, REASON_TIMEOUT, message);
		finish_set(state);
	}
}

static void stop_collections(struct routeros_run *state)
{
	struct routeros *opened = state->opened;
	for (size_t i = 0; i < opened->ncollections; i++) {
		struct collection *collection = &opened->collections[i];
		if (collection->run == state)
			collection_stop(collection);
		if (collection->run == state)
			collection->run = NULL;
	}
}

void routeros_stop(void *arg)
{
	struct routeros_run *state = arg;
	struct routeros *opened = state->opened;
	ros_router_leave(opened->router, &state->waiter);
	stop_collections(state);
	if (opened->log_run == state) {
		routeros_log_stop(opened->log);
		opened->log_run = NULL;
	}
	if (opened->guarded_run == state->run)
		opened->guarded_run = NULL;
	slabs_give(probe_slabs(opened->probe), state, sizeof(*state));
}

/* --- from open to close --------------------------------------------------------------------------------------------
 */

/* A run may have ended while its connection is still being made. */
static bool guard_permits(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err)
{
	struct routeros *opened = arg;
	if (opened->guarded_run && run_permits(opened->guarded_run, host, address, port))
		return true;
	err_set(err, "the address is not one that this run may talk to");
	return false;
}

static void note_restart(void *arg)
{
	struct routeros *opened = arg;
	for (size_t i = 0; i < opened->ncollections; i++)
		opened->collections[i].must_forget = true;
	if (opened->log)
		routeros_log_restart(opened->log);
	if (!probe_is_single(opened->probe))
		log_event(LOG_LEVEL_INFO, "routeros", target_of(opened),
			  "the router has restarted or has another version: %s",
			  ros_router_resources(opened->router)->version);
}

static int64_t refresh_timeout_ns(const struct routeros *opened)
{
	const struct routeros_settings *settings = opened->settings;
	int64_t most_ns = settings->tier_ns[CATALOGUE_REALTIME] / 10 * 9;
	int64_t wanted_ns = settings->access.command_timeout_ns;
	return probe_is_single(opened->probe) || wanted_ns < most_ns ? wanted_ns : most_ns;
}

static void create_router(struct routeros *opened)
{
	const struct ros_router_plan plan = {
		.loop = probe_loop(opened->probe),
		.link = opened->link,
		.text = opened->text,
		.timeout_ns = refresh_timeout_ns(opened),
		.restarted = note_restart,
		.arg = opened,
	};
	opened->router = ros_router_create(&plan);
	opened->place = (struct collection_place){
		.loop = plan.loop,
		.catalogue = probe_catalogue(opened->probe),
		.link = opened->link,
		.router = opened->router,
		.choice = &opened->choice,
		.command_timeout_ns = opened->settings->access.command_timeout_ns,
	};
}

static void add_collection(struct routeros *opened, size_t index, enum catalogue_tier tier)
{
	struct collection *collection = &opened->collections[opened->ncollections++];
	size_t n;
	const struct label *labels = probe_target_labels(opened->probe, &n);
	collection->place = &opened->place;
	collection->set = opened->place.catalogue->sets[index];
	collection->tier = tier;
	collection->part = (uint16_t)(1 + index);
	collection_open(collection, labels, n, opened->text);
}

static void add_collections(struct routeros *opened)
{
	const struct catalogue *catalogue = opened->place.catalogue;
	enum catalogue_tier tier;
	size_t n = 0;
	for (size_t i = 0; i < catalogue->n; i++)
		n += ros_choice_tier(&opened->choice, catalogue->sets[i], &tier);
	opened->collections = mem_zero(n, sizeof(*opened->collections));
	for (size_t i = 0; i < catalogue->n; i++)
		if (ros_choice_tier(&opened->choice, catalogue->sets[i], &tier))
			add_collection(opened, i, tier);
}

static void add_turn(struct routeros *opened, int64_t interval_ns, uint16_t part)
{
	const struct turn_plan plan = {
		.interval_ns = interval_ns,
		.timeout_ns = interval_ns < RUN_MOST_NS ? interval_ns : RUN_MOST_NS,
		.tag = part,
		.part = part,
	};
	probe_add_turn(opened->probe, &plan);
}

static void add_turns(struct routeros *opened)
{
	const int64_t *tier_ns = opened->settings->tier_ns;
	if (probe_is_single(opened->probe)) {
		add_turn(opened, SINGLE_NS, 0);
		return;
	}
	add_turn(opened, tier_ns[CATALOGUE_REALTIME], 0);
	for (size_t i = 0; i < opened->ncollections; i++)
		add_turn(opened, tier_ns[opened->collections[i].tier], opened->collections[i].part);
	if (opened->log)
		add_turn(opened, tier_ns[CATALOGUE_SHORT], opened->log_part);
}

static void open_log(struct routeros *opened)
{
	const struct routeros_log_plan plan = {
		.lines = (size_t)opened->settings->log_size,
		.whole_ns = opened->settings->tier_ns[CATALOGUE_MEDIUM],
		.ended = log_ended,
		.arg = opened,
	};
	if (!plan.lines || probe_is_single(opened->probe))
		return;
	opened->log = routeros_log_open(opened, &plan);
	opened->log_part = (uint16_t)(1 + opened->place.catalogue->n);
}

static int take_link(struct routeros *opened, struct err *err)
{
	const struct probe *probe = opened->probe;
	const struct ros_link_guard *guard = probe_is_single(probe) ? &opened->guard : NULL;
	opened->guard = (struct ros_link_guard){guard_permits, opened};
	opened->link = ros_pool_take(probe_service(probe, &ros_pool_service), probe_address(probe),
				     &opened->settings->access, guard, err);
	return opened->link ? 0 : -1;
}

static int prepare(struct routeros *opened, struct err *err)
{
	const struct routeros_settings *settings = opened->settings;
	opened->choice = (struct ros_choice){&settings->sets, &settings->max_rows, &settings->skip};
	if (ros_choice_match(&opened->choice, probe_catalogue(opened->probe), err) != 0)
		return -1;
	opened->text = ros_text_open(settings->code_page, err);
	if (!opened->text)
		return err_prefix(err, "code_page");
	return take_link(opened, err);
}

void *routeros_open(struct probe *probe, const void *settings, struct err *err)
{
	struct routeros *opened = mem_zero(1, sizeof(*opened));
	opened->probe = probe;
	opened->settings = settings;
	if (prepare(opened, err) != 0) {
		routeros_close(opened);
		return NULL;
	}
	create_router(opened);
	add_collections(opened);
	open_log(opened);
	add_turns(opened);
	return opened;
}

void routeros_close(void *arg)
{
	struct routeros *opened = arg;
	for (size_t i = 0; i < opened->ncollections; i++)
		collection_close(&opened->collections[i]);
	routeros_log_close(opened->log);
	ros_router_free(opened->router);
	ros_pool_give(probe_service(opened->probe, &ros_pool_service), opened->link);
	ros_text_close(opened->text);
	mem_free(opened->collections);
	mem_free(opened);
}
