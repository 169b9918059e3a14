#include "influx/sender.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "influx/figures.h"
#include "influx/hush.h"
#include "influx/parcel.h"
#include "influx/reject.h"
#include "influx/verdict.h"

#define CONNECT_TIMEOUT_NS (10 * NS_PER_SECOND)

/* A disk that cannot be read is tried again after this time. */
#define READ_PAUSE_NS NS_PER_SECOND

/* Smaller bodies gain nothing by compression. */
#define COMPRESS_BYTES 1024

/* What is made ready while others are under way is compressed in steps of so many bytes, well below a millisecond, so
 * that answers need not wait. */
#define COMPRESS_STEP_BYTES ((size_t)16 * 1024)

/* A server that finds requests too large or is too slow for them gets no smaller ones than this. */
#define BYTES_MIN 4096

/* After so many requests that went well, they may be twice as large again. */
#define GROW_AFTER 100

struct shipment {
	struct shipment *next;
	struct sender *sender;
	struct journal_position begin, end;
	int64_t since_ns; /* wall clock */
	struct parcel parcel;
	struct fetch *fetch;
	int64_t started_ns;
	int64_t again_ns; /* not sent before; 0 = at once */
	unsigned faults;
	uint64_t taken_before; /* the sender's count at the first fault */
	bool is_done;          /* waits only for older ones */
};

struct sender {
	struct sender_plan plan;
	char *url;
	const char *fields[6]; /* the first only with what is compressed */
	char *authorization;
	struct fetch_server server;
	struct shipment *first, **end; /* in the order of the log */
	size_t nopen, nsending;        /* shipments that are not done, that are under way */
	struct journal_position read;  /* what follows the last shipment */
	size_t most_bytes;             /* of a request, at present */
	unsigned good_streak, bad_streak;
	uint64_t taken; /* requests that the server took */
	int64_t pause_ns;
	int64_t blocked_until_ns, blocked_since_ns; /* 0 = is not */
	int64_t waiting_since_ns; /* monotonic: for how long there has been something to read; 0 = nothing */
	bool is_flushing;
	struct alarm alarm;
	struct deferred ahead;
	struct log_fault fault, reject_fault, drop_fault, read_fault;
};

static void pump(struct sender *sender);

/* --- figures ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const struct sender *sender)
{
	return sender->plan.settings->name;
}

struct journal_position sender_cursor(const struct sender *sender)
{
	return sender->first != NULL ? sender->first->begin : sender->read;
}

static void show(struct sender *sender)
{
	struct output_figures *figures = sender->plan.figures;
	struct journal_position end = journal_end(sender->plan.journal);
	uint64_t lines = end.line - sender->read.line;
	int64_t since_ns = 0;
	for (const struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
		lines += parcel_waiting(&shipment->parcel);
	if (sender->first != NULL)
		since_ns = sender->first->since_ns;
	else if (sender->waiting_since_ns != 0)
		since_ns = clock_realtime_ns() - (clock_monotonic_ns() - sender->waiting_since_ns);
	figure_set(figures, FIGURE_QUEUE_LINES, (int64_t)lines);
	figure_set(figures, FIGURE_QUEUE_BYTES, (int64_t)(end.offset - sender_cursor(sender).offset));
	figure_set(figures, FIGURE_QUEUE_AGE, since_ns);
}

static void drop_lines(struct sender *sender, uint64_t lines, const char *why)
{
	if (lines == 0)
		return;
	figure_add(sender->plan.figures, FIGURE_LINES_DROPPED, lines);
	log_fault_begin(&sender->drop_fault, "influx drop", name_of(sender), "%s", why);
}

/* --- pauses ------------------------------------------------------------------------------------------------------- */

/* 0.75 .. 1.25 of it. */
static int64_t vary(int64_t ns)
{
	uint16_t random;
	hash_random(&random, sizeof(random));
	return ns / 4 * 3 + ns / 2 / UINT16_MAX * random;
}

static int64_t grown(int64_t pause_ns, int64_t first_ns, int64_t last_ns)
{
	if (pause_ns < first_ns)
		return first_ns;
	return pause_ns > last_ns / 2 ? last_ns : pause_ns * 2;
}

/* Nothing is sent for a while. Answers to what was under way when a pause began do not make it longer. */
static void block(struct sender *sender, const struct shipment *shipment, int64_t first_ns, int64_t last_ns)
{
	int64_t now_ns = clock_monotonic_ns();
	if (sender->blocked_until_ns > now_ns && shipment->started_ns <= sender->blocked_since_ns)
		return;
	sender->pause_ns = grown(sender->pause_ns, first_ns, last_ns);
	sender->blocked_since_ns = now_ns;
	sender->blocked_until_ns = now_ns + vary(sender->pause_ns);
}

static bool is_blocked(const struct sender *sender)
{
	return sender->blocked_until_ns != 0;
}

static void note_failure(struct sender *sender, const struct shipment *shipment, const struct verdict *verdict)
{
	const struct parcel_part *part = parcel_next(&shipment->parcel);
	figure_add(sender->plan.figures, FIGURE_WRITE_ERRORS, 1);
	figure_add(sender->plan.figures, FIGURE_LINES_RETRIED, part->lines);
	log_fault_begin(&sender->fault, "influx", name_of(sender), "%s; lines wait in the disk log", verdict->reason);
}

/* --- what is not sent any more ------------------------------------------------------------------------------------ */

static void reject(struct sender *sender, const struct shipment *shipment, const struct parcel_part *part,
		   const char *reason)
{
	figure_add(sender->plan.figures, FIGURE_LINES_REJECTED, part->lines);
	log_fault_begin(&sender->reject_fault, "influx reject", name_of(sender), "%s; see " REJECT_FILE, reason);
	reject_add(sender->plan.reject, name_of(sender), reason, shipment->parcel.text.bytes + part->begin,
		   part->end - part->begin);
}

/* The server has taken something: lines that it refused before get their second and last chance. */
static void try_suspects(struct sender *sender)
{
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
		if (shipment->parcel.nsuspects > 0 && shipment->fetch == NULL)
			parcel_retry_suspects(&shipment->parcel);
}

static void shipment_free(struct shipment *shipment)
{
	fetch_cancel(shipment->fetch);
	parcel_free(&shipment->parcel);
	mem_free(shipment);
}

static void remove_first(struct sender *sender)
{
	struct shipment *shipment = sender->first;
	sender->first = shipment->next;
	if (sender->first == NULL)
		sender->end = &sender->first;
	shipment_free(shipment);
}

/* What is done needs no memory any more; the oldest that are done go, and the cursor with them. */
static void retire(struct sender *sender)
{
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next) {
		if (shipment->is_done || shipment->fetch != NULL || !parcel_is_done(&shipment->parcel))
			continue;
		shipment->is_done = true;
		sender->nopen--;
		parcel_free(&shipment->parcel);
	}
	while (sender->first != NULL && sender->first->is_done)
		remove_first(sender);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void grow(struct sender *sender)
{
	size_t most = (size_t)sender->plan.settings->batch_bytes;
	if (++sender->good_streak < GROW_AFTER || sender->most_bytes >= most)
		return;
	sender->good_streak = 0;
	sender->most_bytes = sender->most_bytes > most / 2 ? most : sender->most_bytes * 2;
}

static void shrink(struct sender *sender, const struct parcel_part *part)
{
	size_t half = (part->end - part->begin) / 2;
	sender->good_streak = 0;
	if (half < sender->most_bytes)
		sender->most_bytes = half > BYTES_MIN ? half : BYTES_MIN;
}

/* VERDICT_STORED, VERDICT_PARTLY */
static void take(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	struct output_figures *figures = sender->plan.figures;
	const struct parcel_part *part = parcel_next(&shipment->parcel);
	uint64_t refused = verdict->refused < part->lines ? verdict->refused : part->lines;
	figure_add(figures, FIGURE_LINES_WRITTEN, part->lines - refused);
	figure_add(figures, FIGURE_BYTES_WRITTEN, part->end - part->begin);
	figure_add(figures, FIGURE_LINES_REJECTED, refused);
	figure_set(figures, FIGURE_REFUSED, 0);
	if (refused > 0)
		log_fault_begin(&sender->reject_fault, "influx reject", name_of(sender), "%s", verdict->reason);
	else if (verdict->kind == VERDICT_STORED && sender->bad_streak == 0)
		log_fault_end(&sender->reject_fault, "influx reject", name_of(sender));
	log_fault_end(&sender->fault, "influx", name_of(sender));
	parcel_settle(&shipment->parcel);
	shipment->faults = 0;
	sender->taken++;
	sender->bad_streak = 0;
	/* What was under way when the server asked for a pause does not end it. */
	if (shipment->started_ns > sender->blocked_since_ns)
		sender->pause_ns = sender->blocked_until_ns = 0;
	grow(sender);
	try_suspects(sender);
}

static void wait_as_told(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	note_failure(sender, shipment, verdict);
	block(sender, shipment, SENDER_PAUSE_FIRST_NS, SENDER_PAUSE_LAST_NS);
	if (verdict->wait_ns > 0) {
		int64_t until_ns = clock_monotonic_ns() + verdict->wait_ns;
		if (until_ns > sender->blocked_until_ns)
			sender->blocked_until_ns = until_ns;
	}
}

/* Smaller requests may do. */
static void ask_for_less(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	const struct parcel_part *part = parcel_next(&shipment->parcel);
	bool is_small = part->end - part->begin <= 2 * BYTES_MIN;
	shrink(sender, part);
	wait_as_told(sender, shipment, verdict);
	if (!is_small)
		parcel_halve(&shipment->parcel);
}

static void refuse(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	note_failure(sender, shipment, verdict);
	figure_set(sender->plan.figures, FIGURE_REFUSED, 1);
	block(sender, shipment, SENDER_REFUSED_FIRST_NS, SENDER_REFUSED_LAST_NS);
}

/* A single line that the server alone refuses is given up when it is refused again after the server has taken another
 * one. */
static void set_aside(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	struct parcel *parcel = &shipment->parcel;
	if (parcel_next(parcel)->is_last_try) {
		reject(sender, shipment, parcel_next(parcel), verdict->reason);
		parcel_settle(parcel);
	} else {
		parcel_suspect(parcel);
	}
}

/* VERDICT_BAD, VERDICT_TOO_BIG */
static void halve(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	figure_add(sender->plan.figures, FIGURE_WRITE_ERRORS, 1);
	if (verdict->kind == VERDICT_TOO_BIG)
		shrink(sender, parcel_next(&shipment->parcel));
	if (++sender->bad_streak > SENDER_BAD_MAX) {
		sender->bad_streak = 0;
		refuse(sender, shipment, verdict);
		parcel_doubt(&shipment->parcel);
		return;
	}
	if (parcel_halve(&shipment->parcel))
		figure_add(sender->plan.figures, FIGURE_LINES_RETRIED,
			   parcel_next(&shipment->parcel)->lines +
				   shipment->parcel.parts[shipment->parcel.nparts - 2].lines);
	else
		set_aside(sender, shipment, verdict);
}

/* The server's fault, or that of these lines: others go on meanwhile. */
static void fail(struct sender *sender, struct shipment *shipment, const struct verdict *verdict)
{
	int64_t pause_ns = SENDER_PAUSE_FIRST_NS;
	note_failure(sender, shipment, verdict);
	if (shipment->faults++ == 0)
		shipment->taken_before = sender->taken;
	if (shipment->faults >= SENDER_FAULTS_MAX && sender->taken > shipment->taken_before) {
		reject(sender, shipment, parcel_next(&shipment->parcel), verdict->reason);
		parcel_settle(&shipment->parcel);
		shipment->faults = 0;
		return;
	}
	for (unsigned i = 1; i < shipment->faults; i++)
		pause_ns = grown(pause_ns, SENDER_PAUSE_FIRST_NS, SENDER_PAUSE_LAST_NS);
	shipment->again_ns = clock_monotonic_ns() + vary(pause_ns);
}

static void (*const deciders[VERDICT_KINDS])(struct sender *, struct shipment *, const struct verdict *) = {
	[VERDICT_STORED] = take, [VERDICT_PARTLY] = take,    [VERDICT_WAIT] = wait_as_told,
	[VERDICT_FAULT] = fail,  [VERDICT_TOO_BIG] = halve,  [VERDICT_SLOW] = ask_for_less,
	[VERDICT_BAD] = halve,   [VERDICT_REFUSED] = refuse,
};

static void answered(void *arg, const struct fetch_answer *answer)
{
	struct shipment *shipment = arg;
	struct sender *sender = shipment->sender;
	struct verdict verdict;
	verdict_of(&verdict, answer);
	hush_verdict(&verdict, sender->plan.settings, answer);
	figure_add(sender->plan.figures, FIGURE_REQUESTS, 1);
	shipment->fetch = NULL;
	sender->nsending--;
	deciders[verdict.kind](sender, shipment, &verdict);
	retire(sender);
	pump(sender);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* Records of the log may be larger than what the server wants at once. */
static const struct parcel_part *next_part(const struct sender *sender, struct shipment *shipment)
{
	const struct parcel_part *part = parcel_next(&shipment->parcel);
	uint64_t most_lines = 2 * (uint64_t)sender->plan.settings->batch_lines;
	while ((part->end - part->begin > sender->most_bytes / 2 * 3 || part->lines > most_lines) &&
	       parcel_halve(&shipment->parcel))
		part = parcel_next(&shipment->parcel);
	return part;
}

static bool is_compressed(const struct sender *sender, const struct parcel_part *part)
{
	return sender->plan.settings->compresses && part->end - part->begin >= COMPRESS_BYTES;
}

static void fill_body(struct sender *sender, struct shipment *shipment, struct fetch_plan *plan)
{
	const struct parcel_part *part = next_part(sender, shipment);
	plan->fields = sender->fields + 1;
	plan->body = shipment->parcel.text.bytes + part->begin;
	plan->body_length = part->end - part->begin;
	if (!is_compressed(sender, part))
		return;
	parcel_pack(&shipment->parcel, SIZE_MAX);
	plan->fields = sender->fields;
	plan->body = shipment->parcel.packed.bytes;
	plan->body_length = shipment->parcel.packed.length;
}

static void dispatch(struct sender *sender, struct shipment *shipment)
{
	const struct influx_settings *settings = sender->plan.settings;
	struct fetch_plan plan = {
		.method = "POST",
		.url = sender->url,
		.server = &sender->server,
		.connect_timeout_ns =
			settings->timeout_ns < CONNECT_TIMEOUT_NS ? settings->timeout_ns : CONNECT_TIMEOUT_NS,
		.timeout_ns = settings->timeout_ns,
		.done = answered,
		.arg = shipment,
	};
	struct err err = {0};
	fill_body(sender, shipment, &plan);
	shipment->started_ns = clock_monotonic_ns();
	shipment->fetch = fetch_start(sender->plan.fetcher, &plan, &err);
	if (shipment->fetch != NULL) {
		sender->nsending++;
		figure_add(sender->plan.figures, FIGURE_SENT_BYTES, plan.body_length);
		return;
	}
	/* A certificate file that is gone, say. */
	struct verdict verdict = {.kind = VERDICT_REFUSED, .wait_ns = -1};
	snprintf(verdict.reason, sizeof(verdict.reason), "%.*s", VERDICT_REASON_MAX - 1, err.text);
	refuse(sender, shipment, &verdict);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Is there a batch's worth to read? */
static bool has_batch(const struct sender *sender)
{
	struct journal_position end = journal_end(sender->plan.journal);
	return end.offset > sender->read.offset &&
	       (end.offset - sender->read.offset >= sender->most_bytes ||
		end.line - sender->read.line >= (uint64_t)sender->plan.settings->batch_lines);
}

/* Or has it waited for long enough? */
static bool is_due(const struct sender *sender)
{
	if (journal_end(sender->plan.journal).offset <= sender->read.offset)
		return false;
	return sender->is_flushing || has_batch(sender) ||
	       clock_monotonic_ns() >= sender->waiting_since_ns + sender->plan.settings->flush_interval_ns;
}

static void ship(struct sender *sender, const struct journal_piece *piece, struct text *lines)
{
	struct shipment *shipment = mem_zero(1, sizeof(*shipment));
	shipment->sender = sender;
	shipment->begin = piece->begin;
	shipment->end = piece->end;
	shipment->since_ns = piece->since_ns;
	shipment->parcel.text = *lines;
	parcel_begin(&shipment->parcel);
	*sender->end = shipment;
	sender->end = &shipment->next;
	sender->nopen++;
}

static bool load(struct sender *sender)
{
	const struct influx_settings *settings = sender->plan.settings;
	struct journal_piece piece = {0};
	struct text lines = {0};
	struct err err = {0};
	int found = journal_read(sender->plan.journal, sender->read, (size_t)settings->batch_lines, sender->most_bytes,
				 &lines, &piece, &err);
	if (found == -1) {
		log_fault_begin(&sender->read_fault, "influx", name_of(sender), "%s", err.text);
		sender->blocked_until_ns = clock_monotonic_ns() + READ_PAUSE_NS;
		text_free(&lines);
		return false;
	}
	log_fault_end(&sender->read_fault, "influx", name_of(sender));
	drop_lines(sender, piece.lost, "lines in the disk log cannot be read any more");
	if (found == 1)
		ship(sender, &piece, &lines);
	else
		text_free(&lines);
	/* Also where there was nothing: behind a gap. */
	sender->read = piece.end;
	sender->waiting_since_ns =
		journal_end(sender->plan.journal).offset > sender->read.offset ? clock_monotonic_ns() : 0;
	return found == 1;
}

static bool can_go(const struct shipment *shipment, int64_t now_ns)
{
	return shipment->fetch == NULL && shipment->again_ns <= now_ns && parcel_next(&shipment->parcel) != NULL;
}

/* The oldest that can be sent now. */
static struct shipment *next_shipment(const struct sender *sender)
{
	int64_t now_ns = clock_monotonic_ns();
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
		if (can_go(shipment, now_ns))
			return shipment;
	return NULL;
}

/* For one more shipment. */
static bool has_room(const struct sender *sender)
{
	return sender->nopen < (size_t)sender->plan.settings->connections + SENDER_WINDOW_MORE;
}

/* Nothing in the window but lines that the server has refused one by one, and it takes nothing else: they prove
 * nothing.
 */
static void doubt_everything(struct sender *sender)
{
	struct verdict verdict = {
		.kind = VERDICT_REFUSED, .wait_ns = -1, .reason = "the server understands no line at all"};
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
		if (!shipment->is_done && shipment->parcel.nsuspects == 0)
			return;
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
		if (!shipment->is_done)
			parcel_doubt(&shipment->parcel);
	refuse(sender, sender->first, &verdict);
}

/* --- the engine --------------------------------------------------------------------------------------------------- */

static void set_alarm(struct sender *sender)
{
	const struct influx_settings *settings = sender->plan.settings;
	int64_t due_ns = INT64_MAX;
	if (is_blocked(sender)) {
		due_ns = sender->blocked_until_ns;
	} else {
		for (const struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next)
			if (shipment->fetch == NULL && shipment->again_ns != 0 && shipment->again_ns < due_ns &&
			    parcel_next(&shipment->parcel) != NULL)
				due_ns = shipment->again_ns;
		if (sender->waiting_since_ns != 0 && has_room(sender) &&
		    sender->waiting_since_ns + settings->flush_interval_ns < due_ns)
			due_ns = sender->waiting_since_ns + settings->flush_interval_ns;
	}
	if (due_ns == INT64_MAX)
		alarm_cancel(sender->plan.loop, &sender->alarm);
	else
		alarm_set(sender->plan.loop, &sender->alarm, due_ns);
}

/* Does a bit of the work that the next request needs, while those before it are under way: at most one is made ready
 * for each connection, and only full ones, since others may still grow. false: there is nothing to do. */
static bool work_ahead(struct sender *sender)
{
	int64_t now_ns = clock_monotonic_ns();
	size_t nready = 0;
	if (is_blocked(sender) || sender->pause_ns > 0 || sender->nsending == 0)
		return false;
	for (struct shipment *shipment = sender->first; shipment != NULL; shipment = shipment->next) {
		if (!can_go(shipment, now_ns))
			continue;
		if (is_compressed(sender, next_part(sender, shipment)) && !parcel_is_packed(&shipment->parcel)) {
			parcel_pack(&shipment->parcel, COMPRESS_STEP_BYTES);
			return true;
		}
		nready++;
	}
	if (nready >= (size_t)sender->plan.settings->connections || !has_room(sender) || !has_batch(sender))
		return false;
	bool is_read = load(sender);
	set_alarm(sender);
	return is_read;
}

/* Again and again: the loop looks after answers in between. */
static void ahead(void *arg)
{
	struct sender *sender = arg;
	if (work_ahead(sender))
		loop_defer(sender->plan.loop, &sender->ahead);
}

/* Sends whatever may be sent now. While a server is away, one request at a time tries whether it is back. */
static void send_all(struct sender *sender)
{
	size_t most = sender->pause_ns > 0 ? 1 : (size_t)sender->plan.settings->connections;
	while (!is_blocked(sender) && sender->nsending < most) {
		struct shipment *shipment = next_shipment(sender);
		if (shipment == NULL && has_room(sender) && is_due(sender) && load(sender))
			shipment = next_shipment(sender);
		if (shipment == NULL)
			break;
		dispatch(sender, shipment);
	}
	if (sender->nsending == 0 && !has_room(sender) && !is_blocked(sender))
		doubt_everything(sender);
}

static void pump(struct sender *sender)
{
	if (is_blocked(sender) && clock_monotonic_ns() >= sender->blocked_until_ns)
		sender->blocked_until_ns = 0;
	send_all(sender);
	set_alarm(sender);
	show(sender);
	loop_defer(sender->plan.loop, &sender->ahead);
}

static void ring(void *arg)
{
	pump(arg);
}

void sender_poke(struct sender *sender)
{
	if (sender->waiting_since_ns == 0)
		sender->waiting_since_ns = clock_monotonic_ns();
	pump(sender);
}

void sender_enforce(struct sender *sender)
{
	struct journal_position least =
		journal_limit(sender->plan.journal, (uint64_t)sender->plan.settings->queue_bytes);
	uint64_t lines = 0;
	while (sender->first != NULL && sender->first->end.offset <= least.offset && sender->first->fetch == NULL) {
		lines += parcel_waiting(&sender->first->parcel);
		sender->nopen -= !sender->first->is_done;
		remove_first(sender);
	}
	if (sender->read.offset < least.offset) {
		lines += least.line > sender->read.line ? least.line - sender->read.line : 0;
		sender->read = least;
	}
	if (lines > 0)
		drop_lines(sender, lines, "more than queue_size waits, the oldest lines are given up");
	else if (!is_blocked(sender))
		log_fault_end(&sender->drop_fault, "influx drop", name_of(sender));
	show(sender);
}

bool sender_flush(struct sender *sender)
{
	sender->is_flushing = true;
	pump(sender);
	return sender->nsending == 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void make_url(struct sender *sender)
{
	const struct influx_settings *settings = sender->plan.settings;
	struct text url = {0};
	size_t n = strlen(settings->url);
	while (n > 0 && settings->url[n - 1] == '/')
		n--;
	text_add_bytes(&url, settings->url, n);
	if (influx_kind(settings) == INFLUX_V2) {
		text_add(&url, "/api/v2/write?org=");
		fetch_add_encoded(&url, settings->org);
		text_add(&url, "&bucket=");
		fetch_add_encoded(&url, settings->bucket);
	} else {
		text_add(&url, "/write?db=");
		fetch_add_encoded(&url, settings->database);
		if (settings->retention_policy != NULL) {
			text_add(&url, "&rp=");
			fetch_add_encoded(&url, settings->retention_policy);
		}
	}
	text_add(&url, "&precision=ns");
	sender->url = text_take(&url);
}

static void make_request(struct sender *sender)
{
	const struct influx_settings *settings = sender->plan.settings;
	size_t n = 0;
	make_url(sender);
	sender->fields[n++] = "Content-Encoding: gzip";
	sender->fields[n++] = "Content-Type: text/plain; charset=utf-8";
	sender->fields[n++] = "Accept: application/json";
	if (settings->token != NULL) {
		sender->authorization = mem_format("Authorization: Token %s", settings->token);
		sender->fields[n++] = sender->authorization;
	}
	sender->server = (struct fetch_server){
		.user = settings->user,
		.password = settings->password,
		.ca_file = settings->ca_file,
		.certificate_file = settings->certificate_file,
		.key_file = settings->key_file,
		.is_unverified = !settings->verifies,
	};
}

struct sender *sender_create(const struct sender_plan *plan, struct journal_position from)
{
	struct sender *sender = mem_zero(1, sizeof(*sender));
	sender->plan = *plan;
	sender->end = &sender->first;
	sender->read = from;
	sender->most_bytes = (size_t)plan->settings->batch_bytes;
	alarm_prepare(&sender->alarm, ring, sender);
	deferred_prepare(&sender->ahead, ahead, sender);
	make_request(sender);
	return sender;
}

void sender_free(struct sender *sender)
{
	if (sender == NULL)
		return;
	alarm_cancel(sender->plan.loop, &sender->alarm);
	loop_defer_cancel(sender->plan.loop, &sender->ahead);
	while (sender->first != NULL) {
		struct shipment *shipment = sender->first;
		sender->first = shipment->next;
		shipment_free(shipment);
	}
	if (sender->authorization != NULL)
		explicit_bzero(sender->authorization, strlen(sender->authorization));
	mem_free(sender->authorization);
	mem_free(sender->url);
	mem_free(sender);
}
