/*
 * What a call of /api/v2 has to do at one host: what the cache knows, the rest by an ask, and the results of both.
 */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/destination.h"
#include "core/hash.h"
#include "core/mem.h"
#include "daemon/api_command.h"
#include "daemon/api_v2_run.h"
#include "daemon/routers.h"
#include "daemon/sample_json.h"
#include "daemon/worker.h"

#define OTHER_WINDOW 16 /* commands that a router which is not configured works on at a time; users get half */

/* --- who it is -----------------------------------------------------------------------------------------------------
 */

/* What would be refused in any case, whatever the name resolves to. */
static int check_other(const struct api_v2_part *part, const char **code, struct err *why)
{
	struct address address;
	struct destination destination = {.host = part->address, .port = ros_access_port(part->access)};
	const struct api_v2_terms *terms = &part->run->terms;

	*code = "host_not_permitted";
	if (!terms->permits_other_hosts) {
		err_set(why, "%.255s is not a configured router, and no other hosts are permitted (api.allow_hosts)",
			part->address);
		return 403;
	}
	if (address_parse(part->address, &address))
		destination.address = &address;
	return destination_is_permitted(terms->other_hosts, &destination, why) ? 0 : 403;
}

static void prepare_other(struct api_v2_part *part)
{
	const struct api_v2_host *host = part->host;
	const struct api_v2_terms *terms = &part->run->terms;
	struct ros_access *access = &part->other;

	ros_access_set_defaults(access);
	access->username = (char *)host->username;
	access->password = (char *)host->password;
	access->port = host->port;
	access->uses_tls = host->uses_tls;
	access->fingerprint = (char *)host->fingerprint;
	access->is_anonymous = host->is_anonymous;
	access->tls.is_verifying = !host->is_unverified;
	access->connect_timeout_ns = terms->connect_timeout_ns;
	access->idle_ns = terms->idle_ns;
	access->window = OTHER_WINDOW;
	part->is_other = true;
	part->address = host->host;
	part->access = access;
	part->worker = hash_stable(host->host) % part->run->api->plan.nworkers;
}

int api_v2_part_prepare(struct api_v2_part *part, const struct api_v2_host *host, const char **code, struct err *why)
{
	const struct router *router;

	part->host = host;
	if (!host->router) {
		prepare_other(part);
		return check_other(part, code, why);
	}
	router = part->run->routers ? routers_find(part->run->routers, host->router) : NULL;
	part->address = host->router;
	if (!router) {
		*code = "unknown_router";
		err_set(why, "there is no configured router \"%.255s\"", host->router);
		return 404;
	}
	part->address = router->host;
	part->access = router->access;
	part->worker = hash_stable(router->name) % part->run->api->plan.nworkers;
	return 0;
}

/* --- results -------------------------------------------------------------------------------------------------------
 */

static void count_outcome(struct api_v2_run *run, const struct api_v2_outcome *outcome)
{
	run->nparts++;
	run->nsuccessful += outcome->is_successful;
	run->ncached += outcome->is_cached;
	if (run->call->kind == API_V2_PING && outcome->is_successful && outcome->echoes.average_ns >= 0) {
		run->average_ms_sum += (double)outcome->echoes.average_ns / 1e6;
		run->naverages++;
	}
}

static void add_name(struct text *out, const char *name)
{
	json_add_string(out, name);
	text_add_char(out, ':');
}

/* The results of one host: one of each command. */
struct results {
	struct api_v2_part *part;
	struct text *out;
	size_t nsuccessful;
};

static void add_result(struct results *results, size_t command, struct api_v2_outcome *outcome)
{
	struct api_v2_run *run = results->part->run;
	const struct api_v2_call *call = run->call;
	bool is_named = call->kind == API_V2_PING || call->kind == API_V2_TRACEROUTE;
	bool is_listed = call->kind == API_V2_BATCH || (call->kind == API_V2_MULTI_HOST && call->ncommands > 1);
	char why[64];

	if (call->kind == API_V2_PING)
		api_v2_judge_ping(outcome, why);
	count_outcome(run, outcome);
	results->nsuccessful += outcome->is_successful;
	if (command > 0)
		text_add_char(results->out, ',');
	if (is_named)
		add_name(results->out, call->targets[command]);
	api_v2_add_outcome(results->out, call->kind,
			   is_listed || call->kind == API_V2_COMMAND ? call->commands[command].path : NULL, outcome);
}

static void outcome_of_kept(const struct api_v2_part *part, const struct api_v2_kept *kept,
			    struct api_v2_outcome *outcome)
{
	*outcome = (struct api_v2_outcome){
		.is_successful = true,
		.is_cached = true,
		.rows = part->run->kept.bytes + kept->at,
		.length = kept->length,
		.nrows = kept->nrows,
		.echoes = kept->echoes,
	};
}

static void outcome_of_result(const struct ros_answer *answer, const struct ros_result *result,
			      struct api_v2_outcome *outcome)
{
	const char *bytes = answer->text->bytes;

	*outcome = (struct api_v2_outcome){
		.is_successful = result->is_successful,
		.rows = bytes + result->at,
		.length = result->length,
		.nrows = result->rows,
		.error = bytes + result->message_at,
		.error_bytes = result->message_bytes,
		.took_ns = result->took_ns,
		.echoes = result->echoes,
	};
}

/* Only what looks is kept at all: see is_kept_for. */
static void keep(const struct api_v2_part *part, const struct ros_question *question, const struct ros_result *result,
		 const struct ros_answer *answer)
{
	struct api_v2_run *run = part->run;
	const struct ros_cache_entry entry = {
		.question = *question,
		.cached = {answer->text->bytes + result->at, result->length, result->rows, result->echoes},
		.made_ns = clock_monotonic_ns(),
		.epoch = part->epoch,
	};

	if (result->is_successful)
		ros_cache_add(run->api->cache, &part->place, &entry, (size_t)run->terms.cache_bytes);
}

static bool is_kept_for(const struct api_v2_run *run, const struct api_v2_command *command)
{
	return command->uses_cache && run->terms.cache_ttl_ns > 0 && api_command_is_looking(command);
}

static size_t add_results(struct api_v2_part *part, const struct ros_answer *answer, struct text *out)
{
	struct api_v2_run *run = part->run;
	struct results results = {part, out, 0};
	struct api_v2_outcome outcome;
	size_t asked = 0;

	for (size_t i = 0; i < run->call->ncommands; i++) {
		if (part->kept && part->kept[i].is_kept) {
			outcome_of_kept(part, &part->kept[i], &outcome);
		} else {
			const struct ros_result *result = &answer->results[asked];

			outcome_of_result(answer, result, &outcome);
			if (part->kept && is_kept_for(run, &run->call->commands[i]))
				keep(part, &part->questions[asked], result, answer);
			asked++;
		}
		add_result(&results, i, &outcome);
	}
	return results.nsuccessful;
}

static void add_connection(struct api_v2_part *part, const struct ros_answer *answer)
{
	struct api_v2_outcome outcome;
	struct api_v2_connection connection = {
		.host = part->host->name,
		.port = ros_access_port(part->access),
		.connect_ns = answer->connect_ns,
		.is_fresh = answer->is_fresh,
		.is_secured = answer->is_secured,
		.is_anonymous = answer->is_anonymous,
		.ended_realtime_ns = clock_realtime_ns(),
		.outcome = &outcome,
	};

	outcome_of_result(answer, &answer->results[0], &outcome);
	if (answer->connect_ns >= 0 && answer->login_ns >= 0)
		connection.connect_ns += answer->login_ns;
	connection.response_ns = answer->results[0].answered_ns;
	if (!outcome.is_successful && answer->is_fresh)
		connection.connect_ns = -1;
	count_outcome(part->run, &outcome);
	part->run->nhosts_successful += outcome.is_successful;
	api_v2_add_connection(&part->run->body, &connection);
}

/* {"status":..., "commands_requested":..., "commands_successful":..., "results":[...]} of one of several hosts. */
static void add_list(struct api_v2_part *part, const struct ros_answer *answer, struct text *out)
{
	size_t n = part->run->call->ncommands, nsuccessful;
	struct text list = {0};

	nsuccessful = add_results(part, answer, &list);
	text_add_format(out,
			"{\"status\":\"%s\",\"commands_requested\":%zu,\"commands_successful\":%zu,"
			"\"execution_time_seconds\":",
			nsuccessful == n ? "success" : "error", n, nsuccessful);
	text_add_seconds(out, clock_monotonic_ns() - part->begun_ns);
	text_add(out, ",\"results\":[");
	text_add_bytes(out, list.bytes, list.length);
	text_add(out, "]}");
	part->run->nhosts_successful += nsuccessful == n;
	text_free(&list);
}

/* Answers take memory until they are sent. */
static void charge(struct api_v2_run *run)
{
	ros_budget_add(run->budget, run->results.capacity - run->charged_bytes);
	run->charged_bytes = run->results.capacity;
}

static void add_part(struct api_v2_part *part, const struct ros_answer *answer)
{
	struct api_v2_run *run = part->run;

	if (run->call->kind == API_V2_TEST_CONNECTION) {
		add_connection(part, answer);
		return;
	}
	text_add(&run->results, run->separator);
	run->separator = ",";
	if (run->call->kind == API_V2_MULTI_HOST)
		add_name(&run->results, part->host->name);
	if (run->call->kind == API_V2_MULTI_HOST && run->call->ncommands > 1)
		add_list(part, answer, &run->results);
	else
		run->nhosts_successful += add_results(part, answer, &run->results) == run->call->ncommands;
	charge(run);
}

/* --- asking --------------------------------------------------------------------------------------------------------
 */

static void release_run(void *held)
{
	api_v2_run_release(held);
}

void api_v2_part_fail(struct api_v2_part *part, const char *why)
{
	struct text text = {0};
	struct ros_answer answer = {.text = &text, .n = part->run->call->ncommands, .connect_ns = -1, .login_ns = -1};

	answer.results = mem_zero(answer.n, sizeof(*answer.results));
	answer.is_fresh = true;
	text_add(&text, why);
	for (size_t i = 0; i < answer.n; i++)
		answer.results[i] = (struct ros_result){.reason = REASON_LOCAL, .message_bytes = text.length};
	add_part(part, &answer);
	mem_free(answer.results);
	text_free(&text);
	api_v2_part_ended(part);
}

static void take_answer(void *arg, struct ros_answer *answer)
{
	struct api_v2_part *part = arg;
	struct api_v2_run *run = part->run;

	part->ask = NULL;
	if (run->changes_routers)
		ros_cache_forget(run->api->cache, &part->place);
	if (run->results.length > 0 &&
	    run->results.length + answer->text->length > (size_t)run->terms.max_answer_bytes) {
		mem_free(part->kept);
		part->kept = NULL;
		api_v2_part_fail(part, "the answers are longer together than is taken (max_answer_size)");
		return;
	}
	add_part(part, answer);
	api_v2_part_ended(part);
}

static bool find_kept(struct api_v2_part *part, size_t command, const struct ros_question *question)
{
	struct api_v2_run *run = part->run;
	struct api_v2_kept *kept = &part->kept[command];
	struct ros_cached cached;

	if (!is_kept_for(run, &run->call->commands[command]) ||
	    !ros_cache_find(run->api->cache, &part->place, question, part->begun_ns - run->terms.cache_ttl_ns, &cached))
		return false;
	*kept = (struct api_v2_kept){true, run->kept.length, cached.length, cached.nrows, cached.echoes};
	text_add_bytes(&run->kept, cached.rows, cached.length);
	return true;
}

static bool wants_cache(const struct api_v2_run *run)
{
	if (run->terms.cache_ttl_ns <= 0 || run->changes_routers)
		return false;
	for (size_t i = 0; i < run->call->ncommands; i++)
		if (run->call->commands[i].uses_cache)
			return true;
	return false;
}

/* The commands that have to be sent. */
static void choose(struct api_v2_part *part)
{
	struct api_v2_run *run = part->run;
	size_t n = run->call->ncommands;

	part->questions = mem_alloc(n * sizeof(*part->questions));
	part->place = ros_cache_place(run->api->cache, part->address, part->access);
	part->epoch = ros_cache_epoch(run->api->cache);
	if (wants_cache(run))
		part->kept = mem_zero(n, sizeof(*part->kept));
	for (size_t i = 0; i < n; i++) {
		const struct api_v2_command *command = &run->call->commands[i];
		const struct ros_question question = {command->sentence, command->sentence_bytes};

		if (!part->kept || !find_kept(part, i, &question))
			part->questions[part->nquestions++] = question;
	}
	api_v2_publish_cache(run->api);
}

static void fill_job(struct api_v2_part *part, struct ros_job *job)
{
	struct api_v2_run *run = part->run;
	const struct api_v2_terms *terms = &run->terms;

	*job = (struct ros_job){
		.host = part->address,
		.access = part->access,
		.is_other = part->is_other,
		.rules = terms->other_hosts,
		.rules_held = terms->held,
		.rules_hold = terms->hold,
		.rules_release = terms->release,
		.max_connections = terms->max_connections_per_host,
		.items = part->questions,
		.n = part->nquestions,
		.max_concurrent =
			run->call->kind == API_V2_MULTI_HOST ? terms->max_concurrent_commands : run->max_concurrent,
		.deadline_ns = run->deadline_ns,
		.max_rows = (size_t)terms->max_rows,
		.max_bytes = (size_t)terms->max_answer_bytes,
		.budget = run->api->budget,
		.release = release_run,
		.held = run,
		.mailbox = run->api->plan.mailbox,
		.done = take_answer,
		.arg = part,
	};
	if (run->call->kind == API_V2_PING)
		job->style = ROS_STYLE_PING;
	else if (run->call->kind == API_V2_TRACEROUTE)
		job->style = ROS_STYLE_TRACE;
}

void api_v2_part_start(struct api_v2_part *part)
{
	struct api_v2_run *run = part->run;
	struct worker *worker = run->api->plan.workers[part->worker];
	struct ros_job job;

	part->begun_ns = clock_monotonic_ns();
	choose(part);
	if (part->nquestions == 0) {
		add_part(part, NULL);
		api_v2_part_ended(part);
		return;
	}
	fill_job(part, &job);
	atomic_fetch_add(&run->holders, 1);
	part->ask = ros_ask_post(worker_routers(worker), worker_mailbox(worker), &job);
	if (part->ask)
		return;
	atomic_fetch_sub(&run->holders, 1);
	mem_free(part->kept);
	part->kept = NULL;
	api_v2_part_fail(part, "the worker that has this router has too much to do: try again");
}

void api_v2_part_cancel(struct api_v2_part *part)
{
	ros_ask_cancel(part->ask);
	part->ask = NULL;
}
