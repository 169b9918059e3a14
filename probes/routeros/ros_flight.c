#include "probes/routeros/ros_flight.h"

#include "core/mem.h"

/* A tag is the number of a launch above the place in the window: so a reply finds its place without a search. */
#define PLACE_BITS 8
#define PLACE_MASK (ROS_WINDOW_MAX - 1U)
#define LAUNCH_MAX (UINT32_MAX >> PLACE_BITS)

/* Every so many launches, one goes to who has waited longest. */
#define OLDEST_EVERY 8

enum place_state { PLACE_FREE, PLACE_FLYING, PLACE_DRAINING };

struct place {
	struct ros_command *command; /* while FLYING */
	int64_t drain_end_ns;        /* while DRAINING */
	uint32_t tag;
	uint8_t state; /* enum place_state */
	uint8_t rank;
	bool is_cancel_due; /* "/cancel" is not sent yet */
};

struct queue {
	struct ros_command *first, *last;
};

struct ros_flight {
	struct ros_flight_limits limits;
	struct ros_flight_figures figures;
	struct queue queues[ROS_RANKS];
	struct place *places; /* limits.window of them */
	size_t users;         /* places that commands of users have, also while they drain */
	size_t cancels_due;
	uint64_t numbers;    /* of commands queued */
	uint32_t launch;     /* number of the last launch, in tags */
	int64_t earliest_ns; /* no deadline is before it */
};

/* Tier 0, users, the other tiers. */
static const uint8_t order[ROS_RANKS] = {0, ROS_RANK_USER, 1, 2, 3, 4};
_Static_assert(ROS_RANKS == 6, "each rank has a place in the order");

struct ros_flight *ros_flight_create(struct ros_flight_limits limits)
{
	struct ros_flight *flight = mem_zero(1, sizeof(*flight));
	if (limits.window == 0)
		limits.window = 1;
	if (limits.window > ROS_WINDOW_MAX)
		limits.window = ROS_WINDOW_MAX;
	if (limits.answer_max == 0)
		limits.answer_max = ROS_REPLY_MAX;
	flight->limits = limits;
	flight->places = mem_zero(limits.window, sizeof(flight->places[0]));
	flight->earliest_ns = INT64_MAX;
	return flight;
}

static void unqueue(struct ros_flight *flight, struct ros_command *command)
{
	struct queue *queue = &flight->queues[command->rank];
	*(command->previous ? &command->previous->next : &queue->first) = command->next;
	*(command->next ? &command->next->previous : &queue->last) = command->previous;
	command->next = command->previous = NULL;
	command->state = ROS_COMMAND_IDLE;
	flight->figures.queued[command->rank]--;
}

void ros_flight_free(struct ros_flight *flight)
{
	if (!flight)
		return;
	while (ros_flight_lose(flight))
		;
	for (size_t rank = 0; rank < ROS_RANKS; rank++)
		while (flight->queues[rank].first)
			unqueue(flight, flight->queues[rank].first);
	mem_free(flight->places);
	mem_free(flight);
}

int ros_flight_queue(struct ros_flight *flight, struct ros_command *command, uint8_t rank, int64_t deadline_ns,
		     struct err *err)
{
	struct queue *queue = &flight->queues[rank];
	if (flight->figures.queued[rank] >= ROS_QUEUE_MAX)
		return err_set(err, "%d commands wait for this router already: ask less, or less often", ROS_QUEUE_MAX);
	*command = (struct ros_command){.previous = queue->last,
					.deadline_ns = deadline_ns,
					.number = ++flight->numbers,
					.rank = rank,
					.state = ROS_COMMAND_QUEUED};
	*(queue->last ? &queue->last->next : &queue->first) = command;
	queue->last = command;
	flight->figures.queued[rank]++;
	if (deadline_ns < flight->earliest_ns)
		flight->earliest_ns = deadline_ns;
	return 0;
}

static bool may_launch(const struct ros_flight *flight, uint8_t rank)
{
	size_t half = flight->limits.window / 2;
	if (!flight->queues[rank].first)
		return false;
	return rank != ROS_RANK_USER || flight->users < (half > 0 ? half : 1);
}

static struct ros_command *find_oldest(const struct ros_flight *flight)
{
	struct ros_command *oldest = NULL;
	for (uint8_t rank = 0; rank < ROS_RANKS; rank++) {
		struct ros_command *first = flight->queues[rank].first;
		if (may_launch(flight, rank) && (!oldest || first->number < oldest->number))
			oldest = first;
	}
	return oldest;
}

static struct ros_command *find_next(const struct ros_flight *flight)
{
	if (flight->figures.launched % OLDEST_EVERY == OLDEST_EVERY - 1)
		return find_oldest(flight);
	for (size_t i = 0; i < ROS_RANKS; i++)
		if (may_launch(flight, order[i]))
			return flight->queues[order[i]].first;
	return NULL;
}

static struct place *find_free(struct ros_flight *flight)
{
	for (size_t i = 0; i < flight->limits.window; i++)
		if (flight->places[i].state == PLACE_FREE)
			return &flight->places[i];
	return NULL;
}

static uint32_t new_tag(struct ros_flight *flight, const struct place *place)
{
	flight->launch = flight->launch == LAUNCH_MAX ? 1 : flight->launch + 1;
	return flight->launch << PLACE_BITS | (uint32_t)(place - flight->places);
}

struct ros_command *ros_flight_launch(struct ros_flight *flight, int64_t now_ns)
{
	struct ros_flight_figures *figures = &flight->figures;
	if (figures->flying + figures->draining >= flight->limits.window)
		return NULL;
	struct ros_command *command = find_next(flight);
	struct place *place = find_free(flight);
	if (!command || !place)
		return NULL;
	unqueue(flight, command);
	command->state = ROS_COMMAND_FLYING;
	command->launched_ns = now_ns;
	command->tag = new_tag(flight, place);
	*place = (struct place){.command = command, .tag = command->tag, .state = PLACE_FLYING, .rank = command->rank};
	figures->flying++;
	figures->launched++;
	flight->users += command->rank == ROS_RANK_USER;
	return command;
}

static struct place *place_of(const struct ros_flight *flight, uint32_t tag)
{
	size_t i = tag & PLACE_MASK;
	struct place *place = i < flight->limits.window ? &flight->places[i] : NULL;
	return place && place->state != PLACE_FREE && place->tag == tag ? place : NULL;
}

static void free_place(struct ros_flight *flight, struct place *place)
{
	if (place->state == PLACE_FLYING) {
		place->command->state = ROS_COMMAND_IDLE;
		flight->figures.flying--;
	} else {
		flight->figures.draining--;
	}
	flight->users -= place->rank == ROS_RANK_USER;
	flight->cancels_due -= place->is_cancel_due;
	*place = (struct place){0};
}

void ros_flight_unlaunch(struct ros_flight *flight, struct ros_command *command)
{
	if (command->state == ROS_COMMAND_FLYING)
		free_place(flight, place_of(flight, command->tag));
}

static void drain(struct ros_flight *flight, struct place *place, int64_t now_ns)
{
	place->command->state = ROS_COMMAND_IDLE;
	place->command = NULL;
	place->state = PLACE_DRAINING;
	place->is_cancel_due = true;
	place->drain_end_ns = now_ns + flight->limits.drain_ns;
	if (place->drain_end_ns < flight->earliest_ns)
		flight->earliest_ns = place->drain_end_ns;
	flight->cancels_due++;
	flight->figures.flying--;
	flight->figures.draining++;
	flight->figures.cancelled++;
}

void ros_flight_cancel(struct ros_flight *flight, struct ros_command *command, int64_t now_ns)
{
	if (command->state == ROS_COMMAND_QUEUED)
		unqueue(flight, command);
	else if (command->state == ROS_COMMAND_FLYING)
		drain(flight, place_of(flight, command->tag), now_ns);
}

static void note_deadline(int64_t deadline_ns, int64_t *earliest_ns)
{
	if (deadline_ns < *earliest_ns)
		*earliest_ns = deadline_ns;
}

/* One that is over, or NULL and the earliest of all times to come. */
static struct ros_command *find_expired(const struct ros_flight *flight, int64_t now_ns, int64_t *earliest_ns)
{
	*earliest_ns = INT64_MAX;
	for (size_t i = 0; i < flight->limits.window; i++) {
		const struct place *place = &flight->places[i];
		if (place->state == PLACE_FLYING && place->command->deadline_ns <= now_ns)
			return place->command;
		if (place->state != PLACE_FREE)
			note_deadline(place->command ? place->command->deadline_ns : place->drain_end_ns, earliest_ns);
	}
	for (size_t rank = 0; rank < ROS_RANKS; rank++)
		for (struct ros_command *command = flight->queues[rank].first; command; command = command->next) {
			if (command->deadline_ns <= now_ns)
				return command;
			note_deadline(command->deadline_ns, earliest_ns);
		}
	return NULL;
}

struct ros_command *ros_flight_expire(struct ros_flight *flight, int64_t now_ns)
{
	int64_t earliest_ns;
	if (now_ns < flight->earliest_ns)
		return NULL;
	struct ros_command *command = find_expired(flight, now_ns, &earliest_ns);
	if (!command) {
		flight->earliest_ns = earliest_ns;
		return NULL;
	}
	ros_flight_cancel(flight, command, now_ns);
	flight->figures.expired++;
	return command;
}

bool ros_flight_cancel_next(struct ros_flight *flight, uint32_t *tag)
{
	for (size_t i = 0; flight->cancels_due > 0 && i < flight->limits.window; i++) {
		struct place *place = &flight->places[i];
		if (!place->is_cancel_due)
			continue;
		place->is_cancel_due = false;
		flight->cancels_due--;
		*tag = place->tag;
		return true;
	}
	return false;
}

bool ros_flight_is_stuck(const struct ros_flight *flight, int64_t now_ns)
{
	for (size_t i = 0; flight->figures.draining > 0 && i < flight->limits.window; i++)
		if (flight->places[i].state == PLACE_DRAINING && flight->places[i].drain_end_ns <= now_ns)
			return true;
	return false;
}

int64_t ros_flight_wake_ns(const struct ros_flight *flight)
{
	return flight->earliest_ns;
}

static struct ros_flight_match end_command(struct ros_flight *flight, struct place *place)
{
	struct ros_flight_match match = {place->command, ROS_VERDICT_DONE};
	free_place(flight, place);
	flight->figures.done++;
	return match;
}

/* For a command that flies. */
static struct ros_flight_match read_answer(struct ros_flight *flight, struct place *place,
					   const struct ros_reply *reply, int64_t now_ns)
{
	struct ros_command *command = place->command;
	command->answer_bytes += reply->size_bytes;
	if (reply->kind == ROS_REPLY_DONE)
		return end_command(flight, place);
	if (command->answer_bytes > flight->limits.answer_max) {
		drain(flight, place, now_ns);
		return (struct ros_flight_match){command, ROS_VERDICT_TOO_LARGE};
	}
	if (reply->kind == ROS_REPLY_ROW) {
		command->rows++;
		return (struct ros_flight_match){command, ROS_VERDICT_ROW};
	}
	if (reply->kind == ROS_REPLY_TRAP) {
		command->is_trapped = true;
		return (struct ros_flight_match){command, ROS_VERDICT_TRAP};
	}
	return (struct ros_flight_match){command, ROS_VERDICT_SKIP};
}

struct ros_flight_match ros_flight_reply(struct ros_flight *flight, const struct ros_reply *reply, int64_t now_ns)
{
	if (reply->kind == ROS_REPLY_FATAL)
		return (struct ros_flight_match){NULL, ROS_VERDICT_FATAL};
	struct place *place = place_of(flight, reply->tag);
	if (!place) {
		flight->figures.foreign++;
		return (struct ros_flight_match){NULL, ROS_VERDICT_FOREIGN};
	}
	if (place->state == PLACE_FLYING)
		return read_answer(flight, place, reply, now_ns);
	flight->figures.late++;
	if (reply->kind == ROS_REPLY_DONE)
		free_place(flight, place);
	return (struct ros_flight_match){NULL, ROS_VERDICT_LATE};
}

struct ros_command *ros_flight_lose(struct ros_flight *flight)
{
	for (size_t i = 0; i < flight->limits.window; i++) {
		struct place *place = &flight->places[i];
		struct ros_command *command = place->command;
		if (place->state != PLACE_FREE)
			free_place(flight, place);
		if (command) {
			flight->figures.lost++;
			return command;
		}
	}
	return NULL;
}

struct ros_command *ros_flight_drop(struct ros_flight *flight, uint64_t newest)
{
	for (size_t rank = 0; rank < ROS_RANKS; rank++) {
		struct ros_command *first = flight->queues[rank].first;
		if (first && first->number <= newest) {
			unqueue(flight, first);
			return first;
		}
	}
	return NULL;
}

uint64_t ros_flight_newest(const struct ros_flight *flight)
{
	return flight->numbers;
}

const struct ros_flight_figures *ros_flight_figures(const struct ros_flight *flight)
{
	return &flight->figures;
}
