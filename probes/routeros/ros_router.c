#include "probes/routeros/ros_router.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/ros_value.h"

/* A package that was installed shows after a restart, which is noticed anyway; the offset of the clock changes twice a
 * year. */
#define PACKAGES_NS (INT64_C(86400) * NS_PER_SECOND)
#define CLOCK_NS    (INT64_C(3600) * NS_PER_SECOND)
/* What failed is asked again no sooner. */
#define RETRY_NS (60 * NS_PER_SECOND)
/* An uptime is told in seconds. */
#define UPTIME_GRAIN_NS (5 * NS_PER_SECOND)

enum question { ASK_RESOURCE, ASK_PACKAGES, ASK_CLOCK, QUESTIONS };

struct asked {
	struct ros_call call; /* first */
	struct ros_router *router;
	struct text sentence;
	int64_t due_ns; /* monotonic: not before it */
	size_t rows;    /* of this answer */
	bool is_under_way;
};

struct ros_router {
	struct ros_router_plan plan;
	struct ros_facts facts;
	struct ros_absent absent;
	struct ros_resources resources;
	struct ros_health health;
	struct asked asked[QUESTIONS];
	struct ros_waiter *waiters;
	uint64_t epoch; /* of the session in which the facts were learnt */
	uint64_t restarts;
	int64_t boot_ns, boot_seen_ns; /* monotonic; when the router started, and when that was told */
	bool has_boot, is_known;
	enum reason reason; /* of the refresh */
	char message[ERR_TEXT_SIZE];
	struct deferred finished; /* nothing could be asked */
};

bool ros_uptime_shows_restart(int64_t boot_before_ns, int64_t boot_ns, int64_t between_ns)
{
	return boot_ns - boot_before_ns > UPTIME_GRAIN_NS + between_ns / 1000;
}

/* --- what it is asked ----------------------------------------------------------------------------------------------
 */

static const char *const sentences[QUESTIONS][2] = {
	[ASK_RESOURCE] = {"/system/resource/print", "uptime,version,board-name,architecture-name,cpu-load,free-memory,"
						    "total-memory,free-hdd-space,total-hdd-space"},
	[ASK_PACKAGES] = {"/system/package/print", "name,disabled,available"},
	[ASK_CLOCK] = {"/system/clock/print", "gmt-offset"},
};

static void write_sentence(struct asked *asked, enum question question)
{
	struct ros_writer writer = ros_write_begin(&asked->sentence, sentences[question][0]);
	ros_write_proplist(&writer, sentences[question][1]);
	ros_write_end(&writer, NULL);
	asked->call.sentence = asked->sentence.bytes;
	asked->call.sentence_bytes = ros_link_sentence(asked->sentence.bytes, asked->sentence.length);
}

/* --- resources -----------------------------------------------------------------------------------------------------
 */

static void copy_word(struct ros_router *router, const struct ros_reply *reply, const char *name,
		      char out[ROS_ROUTER_TEXT_MAX])
{
	struct ros_word word;
	struct text text = {0};
	if (!ros_reply_find(reply, name, NULL, &word))
		return;
	ros_text_add(router->plan.text, word, ROS_ROUTER_TEXT_MAX - 1, &text);
	snprintf(out, ROS_ROUTER_TEXT_MAX, "%s", text_string(&text));
	text_free(&text);
}

static bool find_size(const struct ros_reply *reply, const char *name, double *out)
{
	struct ros_word word;
	uint64_t bytes;
	if (!ros_reply_find(reply, name, NULL, &word) || ros_value_size(word, &bytes) != ROS_VALUE_OK)
		return false;
	*out = (double)bytes;
	return true;
}

static void note_share(struct ros_router *router, const struct ros_reply *reply, const char *const names[2],
		       enum ros_health_part part)
{
	double some, whole;
	ros_health_forget(&router->health, part);
	if (find_size(reply, names[0], &some) && find_size(reply, names[1], &whole))
		ros_health_note_share(&router->health, part, some, whole);
}

static void note_load(struct ros_router *router, const struct ros_reply *reply)
{
	static const char *const memory[2] = {"free-memory", "total-memory"};
	static const char *const storage[2] = {"free-hdd-space", "total-hdd-space"};
	struct ros_word word;
	double load;
	ros_health_forget(&router->health, ROS_HEALTH_CPU);
	if (ros_reply_find(reply, "cpu-load", NULL, &word) && ros_value_ratio(word, &load) == ROS_VALUE_OK)
		ros_health_note(&router->health, ROS_HEALTH_CPU, load);
	note_share(router, reply, memory, ROS_HEALTH_MEMORY);
	note_share(router, reply, storage, ROS_HEALTH_STORAGE);
}

static void ask(struct ros_router *router, enum question question);

/* All that was known of the router may be different now. */
static void begin_anew(struct ros_router *router)
{
	ros_absent_forget(&router->absent);
	router->asked[ASK_PACKAGES].due_ns = router->asked[ASK_CLOCK].due_ns = 0;
	ask(router, ASK_PACKAGES);
	ask(router, ASK_CLOCK);
	router->plan.restarted(router->plan.arg);
}

/* Has it restarted since it last told? */
static bool note_uptime(struct ros_router *router, const struct ros_reply *reply, int64_t now_ns)
{
	struct ros_resources *resources = &router->resources;
	struct ros_word word;
	resources->has_uptime = ros_reply_find(reply, "uptime", NULL, &word) &&
				ros_value_duration(word, &resources->uptime_ns) == ROS_VALUE_OK;
	if (!resources->has_uptime)
		return false;
	int64_t boot_ns = now_ns - resources->uptime_ns;
	bool has_restarted =
		router->has_boot && ros_uptime_shows_restart(router->boot_ns, boot_ns, now_ns - router->boot_seen_ns);
	router->boot_ns = boot_ns;
	router->boot_seen_ns = now_ns;
	router->has_boot = true;
	router->restarts += has_restarted;
	return has_restarted;
}

static void take_resource(struct ros_call *call, const struct ros_reply *reply)
{
	struct ros_router *router = ((struct asked *)(void *)call)->router;
	int64_t version, before = router->facts.version;
	copy_word(router, reply, "version", router->resources.version);
	copy_word(router, reply, "board-name", router->resources.board);
	copy_word(router, reply, "architecture-name", router->resources.architecture);
	note_load(router, reply);
	version = catalogue_parse_version(router->resources.version);
	router->facts.version = version > 0 ? version : 0;
	bool has_restarted = note_uptime(router, reply, clock_monotonic_ns());
	if (has_restarted || (before && before != router->facts.version))
		begin_anew(router);
}

/* --- packages and clock --------------------------------------------------------------------------------------------
 */

static void take_package(struct ros_call *call, const struct ros_reply *reply)
{
	struct ros_router *router = ((struct asked *)(void *)call)->router;
	if (!((struct asked *)(void *)call)->rows++)
		ros_facts_forget_packages(&router->facts);
	ros_facts_add_package(&router->facts, reply);
}

static void take_clock(struct ros_call *call, const struct ros_reply *reply)
{
	struct ros_router *router = ((struct asked *)(void *)call)->router;
	struct ros_word word;
	int32_t zone_seconds;
	if (ros_reply_find(reply, "gmt-offset", NULL, &word) && ros_value_zone(word, &zone_seconds) == ROS_VALUE_OK)
		router->facts.zone_seconds = zone_seconds;
}

/* --- a refresh -----------------------------------------------------------------------------------------------------
 */

static const char *describe(const struct ros_end *end)
{
	return end->message[0] ? end->message : reason_name(end->reason);
}

static void tell_waiters(struct ros_router *router)
{
	/* Who is told may wait for the next one. */
	struct ros_waiter *waiters = router->waiters;
	router->waiters = NULL;
	if (waiters)
		waiters->link = &waiters;
	while (waiters) {
		struct ros_waiter *waiter = waiters;
		ros_router_leave(router, waiter);
		waiter->ready(waiter, router->reason, router->message);
	}
}

static bool is_under_way(const struct ros_router *router)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (router->asked[i].is_under_way)
			return true;
	return false;
}

static void settle(struct ros_router *router)
{
	if (is_under_way(router))
		return;
	struct ros_link_figures figures;
	ros_link_read(router->plan.link, &figures);
	router->is_known = router->reason == REASON_OK && router->facts.version;
	router->epoch = figures.epoch;
	tell_waiters(router);
}

static void note_failure(struct ros_router *router, enum reason reason, const char *message)
{
	router->reason = reason == REASON_OK ? REASON_STATUS : reason;
	router->resources.response_ns = 0;
	snprintf(router->message, sizeof(router->message), "%s", message);
}

static void end_resource(struct ros_call *call, const struct ros_end *end)
{
	struct asked *asked = (struct asked *)(void *)call;
	struct ros_router *router = asked->router;
	asked->is_under_way = false;
	router->resources.response_ns = end->took_ns;
	if (end->kind != ROS_END_DONE)
		note_failure(router, end->reason, describe(end));
	else if (!router->facts.version)
		note_failure(router, REASON_PROTOCOL, "the router did not tell a version that can be read");
	settle(router);
}

/* A user who may not see these is none the worse for it. */
static void end_other(struct ros_call *call, const struct ros_end *end)
{
	static const int64_t pauses_ns[QUESTIONS] = {[ASK_PACKAGES] = PACKAGES_NS, [ASK_CLOCK] = CLOCK_NS};
	struct asked *asked = (struct asked *)(void *)call;
	struct ros_router *router = asked->router;
	size_t question = (size_t)(asked - router->asked);
	asked->is_under_way = false;
	asked->due_ns = clock_monotonic_ns() + (end->kind == ROS_END_DONE ? pauses_ns[question] : RETRY_NS);
	if (question == ASK_PACKAGES && end->kind != ROS_END_DONE)
		ros_facts_forget_packages(&router->facts);
	settle(router);
}

static void ask(struct ros_router *router, enum question question)
{
	struct asked *asked = &router->asked[question];
	int64_t now_ns = clock_monotonic_ns();
	struct err err = {0};
	if (asked->is_under_way || now_ns < asked->due_ns)
		return;
	asked->rows = 0;
	asked->is_under_way = true;
	if (ros_link_call(router->plan.link, &asked->call, 0, now_ns + router->plan.timeout_ns, &err) == 0)
		return;
	asked->is_under_way = false;
	if (question == ASK_RESOURCE)
		note_failure(router, REASON_LOCAL, err.text);
}

void ros_router_refresh(struct ros_router *router, struct ros_waiter *waiter)
{
	waiter->next = router->waiters;
	waiter->link = &router->waiters;
	if (waiter->next)
		waiter->next->link = &waiter->next;
	router->waiters = waiter;
	if (is_under_way(router))
		return;
	router->reason = REASON_OK;
	router->message[0] = '\0';
	for (enum question question = 0; question < QUESTIONS; question++)
		ask(router, question);
	if (!is_under_way(router))
		loop_defer(router->plan.loop, &router->finished);
}

void ros_router_leave(struct ros_router *router, struct ros_waiter *waiter)
{
	(void)router;
	if (!waiter->link)
		return;
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

/* --- from outside --------------------------------------------------------------------------------------------------
 */

static void finish(void *arg)
{
	settle(arg);
}

struct ros_router *ros_router_create(const struct ros_router_plan *plan)
{
	static void (*const takes[QUESTIONS])(struct ros_call *, const struct ros_reply *) = {take_resource,
											      take_package, take_clock};
	struct ros_router *router = mem_zero(1, sizeof(*router));
	router->plan = *plan;
	deferred_prepare(&router->finished, finish, router);
	for (enum question question = 0; question < QUESTIONS; question++) {
		struct asked *asked = &router->asked[question];
		asked->router = router;
		asked->call.row = takes[question];
		asked->call.ended = question == ASK_RESOURCE ? end_resource : end_other;
		write_sentence(asked, question);
	}
	return router;
}

void ros_router_free(struct ros_router *router)
{
	if (!router)
		return;
	loop_defer_cancel(router->plan.loop, &router->finished);
	for (enum question question = 0; question < QUESTIONS; question++) {
		ros_link_cancel(&router->asked[question].call);
		text_free(&router->asked[question].sentence);
	}
	ros_facts_free(&router->facts);
	ros_absent_free(&router->absent);
	mem_free(router);
}

bool ros_router_is_known(const struct ros_router *router)
{
	struct ros_link_figures figures;
	ros_link_read(router->plan.link, &figures);
	return router->is_known && figures.state == ROS_LINK_UP && figures.epoch == router->epoch;
}

const struct ros_facts *ros_router_facts(const struct ros_router *router)
{
	return &router->facts;
}

struct ros_absent *ros_router_absent(struct ros_router *router)
{
	return &router->absent;
}

const struct ros_resources *ros_router_resources(const struct ros_router *router)
{
	return &router->resources;
}

uint64_t ros_router_restarts(const struct ros_router *router)
{
	return router->restarts;
}

void ros_router_note_health(const struct ros_router *router, struct ros_health *health)
{
	static const enum ros_health_part parts[] = {ROS_HEALTH_CPU, ROS_HEALTH_MEMORY, ROS_HEALTH_STORAGE};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		ros_health_forget(health, parts[i]);
		if (router->health.is_known[parts[i]])
			ros_health_note(health, parts[i], router->health.figures[parts[i]]);
	}
	ros_health_forget(health, ROS_HEALTH_RESPONSE);
	if (router->resources.response_ns)
		ros_health_note(health, ROS_HEALTH_RESPONSE, clock_seconds(router->resources.response_ns));
}
