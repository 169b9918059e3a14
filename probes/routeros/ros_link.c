#include "probes/routeros/ros_link.h"

#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/clock.h"
#include "core/mem.h"
#include "probes/routeros/ros_link_internal.h"

/* How long a cancelled command may go on before the router counts as stuck. */
#define DRAIN_NS (5 * NS_PER_SECOND)
/* Sentences for one dial_send; what more may go, goes in the next round. */
#define BATCH_BYTES ((size_t)256 * 1024)
/* A sentence of a caller's: two of them, and a batch, are below DIAL_UNSENT_MAX. */
#define SENTENCE_BYTES ((size_t)256 * 1024)
/* The router reads slowly: when to offer it again what it did not take. */
#define CHOKED_NS (50 * NS_PER_MS)

const char *ros_link_state_name(enum ros_link_state state)
{
	static const char *const names[ROS_LINK_STATES] = {"idle", "resolving", "connecting", "login", "up", "pausing"};
	return names[state];
}

size_t ros_link_sentence(const void *bytes, size_t n)
{
	const char *text = bytes;
	return n > 0 && text[n - 1] == '\0' ? n - 1 : n;
}

static struct ros_call *call_of(struct ros_command *command)
{
	return (struct ros_call *)command; /* its first member */
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

/* The command is idle. Whoever is told may use the call again, so nothing of it is looked at afterwards. */
static void end_call(struct ros_link *link, struct ros_command *command, struct ros_end *end)
{
	struct ros_call *call = call_of(command);
	int64_t now_ns = clock_monotonic_ns();
	char *message = call->message;
	end->took_ns = command->launched_ns ? now_ns - command->launched_ns : 0;
	end->rows = command->rows;
	end->bytes = command->answer_bytes;
	call->link = NULL;
	call->message = NULL;
	link->used_ns = now_ns;
	call->ended(call, end);
	mem_free(message);
}

static void end_with_message(struct ros_link *link, struct ros_command *command, struct ros_end end,
			     const char *message)
{
	char copy[ROS_MESSAGE_SIZE]; /* the link's own may change while people are told */
	snprintf(copy, sizeof(copy), "%s", message);
	end.message = copy;
	end_call(link, command, &end);
}

static void end_lost(struct ros_link *link, struct ros_command *command)
{
	struct ros_end end = {.kind = ROS_END_LOST, .reason = link->figures.reason};
	end_with_message(link, command, end, link->figures.message);
}

static void end_late(struct ros_link *link, struct ros_command *command)
{
	static const char *const where[ROS_LINK_STATES] = {
		[ROS_LINK_RESOLVING] = "no connection in time: its name is still being looked up",
		[ROS_LINK_CONNECTING] = "no connection in time",
		[ROS_LINK_LOGIN] = "the login has not ended in time",
	};
	const char *message = where[link->state];
	struct ros_end end = {.kind = ROS_END_TIMEOUT, .reason = REASON_TIMEOUT};
	link->figures.timeouts++;
	if (!message)
		message = command->launched_ns ? "the router has not answered in time"
					       : "its turn did not come in time: other commands were before it";
	end_with_message(link, command, end, message);
}

static void end_too_large(struct ros_link *link, struct ros_command *command)
{
	struct ros_end end = {.kind = ROS_END_TOO_LARGE,
			      .reason = REASON_PROTOCOL,
			      .message = "the answer is larger than 64 MiB: ask for less of it"};
	end_call(link, command, &end);
}

static void end_done(struct ros_link *link, struct ros_command *command, const struct ros_reply *reply)
{
	struct ros_end end = {.kind = ROS_END_DONE, .message = "", .reply = reply};
	struct ros_call *call = call_of(command);
	if (command->is_trapped) {
		bool is_forbidden = call->trap == ROS_TRAP_PERMISSION || call->trap == ROS_TRAP_LOGIN;
		end = (struct ros_end){.kind = ROS_END_TRAP,
				       .reason = is_forbidden ? REASON_LOGIN : REASON_STATUS,
				       .trap = (enum ros_trap)call->trap,
				       .message = call->message ? call->message : ""};
		link->figures.traps++;
	}
	end_call(link, command, &end);
}

void ros_link_end_flying(struct ros_link *link)
{
	struct ros_command *command;
	while ((command = ros_flight_lose(link->flight)))
		end_lost(link, command);
}

static void refuse_waiting(struct ros_link *link)
{
	struct ros_command *command;
	uint64_t newest = ros_flight_newest(link->flight);
	while (link->state == ROS_LINK_PAUSING && (command = ros_flight_drop(link->flight, newest)))
		end_lost(link, command);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The first trap says what it is about; of those behind it, one that can be understood. */
static void note_trap(struct ros_link *link, struct ros_call *call, const struct ros_reply *reply)
{
	char message[ROS_MESSAGE_SIZE];
	enum ros_trap trap = ros_reply_trap(reply);
	if (call->message && (call->trap != ROS_TRAP_OTHER || trap == ROS_TRAP_OTHER))
		return;
	mem_free(call->message);
	call->trap = (uint8_t)trap;
	call->message = mem_copy_string(ros_reply_describe(reply, link->access->password, message));
}

/* A router that answers is one that works. */
static void prove(struct ros_link *link)
{
	if (link->is_proven)
		return;
	link->is_proven = true;
	ros_breaker_succeed(&link->breaker);
}

static bool end_fatally(struct ros_link *link, const struct ros_reply *reply)
{
	char message[ROS_MESSAGE_SIZE];
	ros_reply_describe(reply, link->access->password, message);
	ros_link_fail(link, REASON_PROTOCOL, "the router has ended the session: %s", message);
	return false;
}

bool ros_link_take(struct ros_link *link, const struct ros_reply *reply)
{
	struct ros_flight_match match = ros_flight_reply(link->flight, reply, clock_monotonic_ns());
	struct ros_call *call = match.command ? call_of(match.command) : NULL;
	switch (match.verdict) {
	case ROS_VERDICT_ROW:
		if (call->row)
			call->row(call, reply);
		break;
	case ROS_VERDICT_TRAP:
		note_trap(link, call, reply);
		break;
	case ROS_VERDICT_DONE:
		prove(link);
		end_done(link, match.command, reply);
		break;
	case ROS_VERDICT_TOO_LARGE:
		end_too_large(link, match.command);
		break;
	case ROS_VERDICT_FATAL:
		return end_fatally(link, reply);
	case ROS_VERDICT_SKIP:
	case ROS_VERDICT_LATE:
	case ROS_VERDICT_FOREIGN:
		break;
	}
	return true;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void write_cancels(struct ros_link *link)
{
	uint32_t tag;
	char digits[16];
	while (ros_flight_cancel_next(link->flight, &tag)) {
		struct ros_writer writer = ros_write_begin(&link->out, "/cancel");
		snprintf(digits, sizeof(digits), "%u", (unsigned)tag);
		ros_write_string(&writer, "tag", digits);
		ros_write_end(&writer, NULL);
	}
}

static void write_command(struct ros_link *link, struct ros_command *command)
{
	struct ros_call *call = call_of(command);
	struct ros_writer writer = {.out = &link->out, .begun = link->out.length};
	text_add_bytes(&link->out, call->sentence, call->sentence_bytes);
	ros_write_tag(&writer, command->tag);
	ros_write_end(&writer, NULL);
	link->figures.commands++;
}

/* As much as may go, in one piece: what the window has room for is not many. */
static void send_all(struct ros_link *link, int64_t now_ns)
{
	struct ros_command *command;
	if (now_ns < link->choked_ns)
		return;
	write_cancels(link);
	while (link->out.length < BATCH_BYTES && (command = ros_flight_launch(link->flight, now_ns)))
		write_command(link, command);
	if (link->out.length == 0)
		return;
	if (dial_send(link->dial, link->out.bytes, link->out.length) != 0) {
		link->choked_ns = now_ns + CHOKED_NS;
		return;
	}
	if (link->out.length >= BATCH_BYTES)
		ros_link_wake(link);
	link->choked_ns = 0;
	link->figures.sent_bytes += link->out.length;
	text_clear(&link->out);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static size_t count_queued(const struct ros_link *link)
{
	const struct ros_flight_figures *figures = ros_flight_figures(link->flight);
	size_t n = 0;
	for (size_t rank = 0; rank < ROS_RANKS; rank++)
		n += figures->queued[rank];
	return n;
}

static bool is_at_work(const struct ros_link *link)
{
	const struct ros_flight_figures *figures = ros_flight_figures(link->flight);
	return figures->flying > 0 || figures->draining > 0 || link->out.length > 0 || count_queued(link) > 0;
}

static int64_t idle_end_ns(const struct ros_link *link)
{
	return link->access->idle_ns > 0 ? link->used_ns + link->access->idle_ns : INT64_MAX;
}

/* Thousands of links wait most of the time: they keep no buffers. */
static void rest(struct ros_link *link)
{
	if (!ros_reader_is_inside(&link->reader))
		ros_reader_free(&link->reader);
	ros_reply_free(&link->reply);
	text_free(&link->out);
	dial_trim(link->dial);
}

static void work_up(struct ros_link *link, int64_t now_ns)
{
	if (ros_flight_is_stuck(link->flight, now_ns)) {
		ros_link_fail(link, REASON_TIMEOUT, "the router has stopped answering");
		return;
	}
	send_all(link, now_ns);
	if (is_at_work(link))
		return;
	if (idle_end_ns(link) <= now_ns)
		ros_link_hang_up(link);
	else
		rest(link);
}

static void work_down(struct ros_link *link, int64_t now_ns)
{
	if (count_queued(link) == 0)
		return;
	if (link->state == ROS_LINK_PAUSING && now_ns < link->breaker.retry_ns)
		refuse_waiting(link);
	else
		ros_link_connect(link);
}

/* When the link itself wants to wake. */
static int64_t wake_ns(const struct ros_link *link)
{
	switch (link->state) {
	case ROS_LINK_RESOLVING:
	case ROS_LINK_CONNECTING:
	case ROS_LINK_LOGIN:
		return link->attempt_end_ns;
	case ROS_LINK_UP:
		if (link->choked_ns)
			return link->choked_ns;
		return is_at_work(link) ? INT64_MAX : idle_end_ns(link);
	default:
		return INT64_MAX;
	}
}

static void set_alarm(struct ros_link *link)
{
	int64_t flight_ns = ros_flight_wake_ns(link->flight), link_ns = wake_ns(link);
	int64_t due_ns = flight_ns < link_ns ? flight_ns : link_ns;
	if (due_ns == INT64_MAX)
		alarm_cancel(link->base->loop, &link->alarm);
	else
		alarm_set(link->base->loop, &link->alarm, due_ns);
}

static void work(void *arg)
{
	struct ros_link *link = arg;
	struct ros_command *command;
	int64_t now_ns = clock_monotonic_ns();
	while ((command = ros_flight_expire(link->flight, now_ns)))
		end_late(link, command);
	if (link->state == ROS_LINK_UP)
		work_up(link, now_ns);
	else if (link->state == ROS_LINK_IDLE || link->state == ROS_LINK_PAUSING)
		work_down(link, now_ns);
	else if (now_ns >= link->attempt_end_ns)
		ros_link_give_up(link);
	set_alarm(link);
}

void ros_link_wake(struct ros_link *link)
{
	loop_defer(link->base->loop, &link->work);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

int ros_link_call(struct ros_link *link, struct ros_call *call, uint8_t rank, int64_t deadline_ns, struct err *err)
{
	if (call->link)
		return err_set(err, "this command is under way already");
	if (call->sentence_bytes == 0 || call->sentence_bytes > SENTENCE_BYTES)
		return err_set(err, "this command has %zu bytes; it must have at least one, and 256 KiB at most",
			       call->sentence_bytes);
	if (ros_flight_queue(link->flight, &call->command, rank, deadline_ns, err) != 0)
		return -1;
	call->link = link;
	call->message = NULL;
	call->trap = ROS_TRAP_OTHER;
	ros_link_wake(link);
	return 0;
}

void ros_link_cancel(struct ros_call *call)
{
	struct ros_link *link = call->link;
	if (!link)
		return;
	ros_flight_cancel(link->flight, &call->command, clock_monotonic_ns());
	mem_free(call->message);
	call->message = NULL;
	call->link = NULL;
	ros_link_wake(link);
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

void ros_link_read(const struct ros_link *link, struct ros_link_figures *out)
{
	int64_t now_ns = clock_monotonic_ns();
	*out = link->figures;
	out->state = link->state;
	out->breaker = link->breaker.state;
	out->flying = ros_flight_figures(link->flight)->flying;
	out->queued = count_queued(link);
	out->retry_ns = link->state == ROS_LINK_PAUSING && link->breaker.retry_ns > now_ns ? link->breaker.retry_ns : 0;
	if (link->state == ROS_LINK_PAUSING && out->retry_ns == 0)
		out->state = ROS_LINK_IDLE;
}

/* --- links -------------------------------------------------------------------------------------------------------- */

static struct host *open_host(struct ros_link_base *base, const char *host, const struct ros_access *access)
{
	const struct host_policy policy = {.family = (enum host_family)access->family, .keeps_last = true};
	return host_open(base->resolver, host, policy);
}

struct ros_link *ros_link_create(struct ros_link_base *base, const char *host, const struct ros_access *access,
				 const struct ros_link_guard *guard, struct err *err)
{
	char fingerprint[65] = "";
	if (ros_access_check(access, err) != 0)
		return NULL;
	if (access->fingerprint && ros_fingerprint_parse(access->fingerprint, fingerprint, err) != 0)
		return NULL;
	struct ros_link *link = mem_zero(1, sizeof(*link));
	link->base = base;
	link->name = mem_copy_string(host);
	link->access = ros_access_copy(access);
	link->guard = guard;
	link->host = open_host(base, host, access);
	link->port = ros_access_port(access);
	memcpy(link->fingerprint, fingerprint, sizeof(fingerprint));
	snprintf(link->label, sizeof(link->label), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, link->port);
	link->flight =
		ros_flight_create((struct ros_flight_limits){.window = (size_t)access->window, .drain_ns = DRAIN_NS});
	link->breaker = (struct ros_breaker){.pause_min_ns = access->pause_min_ns,
					     .pause_max_ns = access->pause_max_ns,
					     .open_pause_ns = access->breaker_pause_ns,
					     .failures_max = access->breaker_failures};
	link->figures.connect_ns = link->figures.login_ns = -1;
	link->used_ns = clock_monotonic_ns();
	if (access->uses_tls && !access->is_anonymous) {
		struct tls_settings tls = access->tls;
		tls.is_verifying = tls.is_verifying && !access->fingerprint;
		link->tls = tls_client_open(base->tls, &tls);
	}
	deferred_prepare(&link->work, work, link);
	alarm_prepare(&link->alarm, work, link);
	return link;
}

void ros_link_free(struct ros_link *link)
{
	if (!link)
		return;
	ros_link_hang_up(link);
	loop_defer_cancel(link->base->loop, &link->work);
	alarm_cancel(link->base->loop, &link->alarm);
	ros_flight_free(link->flight);
	host_close(link->host);
	tls_client_close(link->tls);
	ros_access_free(link->access);
	mem_free(link->name);
	mem_free(link);
}
