/*
 * TCP and UDP: the connection, and the dialogue on it.
 */
#include "probes/tcp/exchange.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "probes/tls_service.h"

#define HOST_SIZE 256

static void finish(struct exchange_run *run, enum reason reason, const char *failure)
{
	if (run->is_over)
		return;
	if (failure)
		snprintf(run->failure, sizeof(run->failure), "%s", failure);
	if (run->failure[0])
		run_log(run->run, "%s", run->failure);
	exchange_report(run, reason);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void secure(struct exchange_run *run)
{
	struct err err = {0};
	struct ssl_st *ssl = tls_client_make(run->exchange->tls, run->exchange->name, &run->facts, &err);
	if (!ssl) {
		finish(run, REASON_LOCAL, err.text);
		return;
	}
	run_log(run->run, "TLS begins");
	dial_secure(run->dial, ssl, &run->facts);
}

/* --- the dialogue ------------------------------------------------------------------------------------------------- */

/* A prompt has no line end: it is looked at when nothing more comes for a while. */
static void await_pause(struct exchange_run *run, size_t rest)
{
	struct loop *loop = probe_loop(run->exchange->probe);
	alarm_cancel(loop, &run->alarm);
	if (rest == 0 || run->is_paused || !dialogue_wants_pause(&run->talk))
		return;
	if (tcp_settings(run->exchange)->pause_ns > 0)
		alarm_set(loop, &run->alarm, clock_monotonic_ns() + tcp_settings(run->exchange)->pause_ns);
}

static void attempt(struct exchange_run *run)
{
	const struct udp_settings *settings = udp_settings(run->exchange);
	run->attempts++;
	dial_send(run->dial, run->request.bytes, run->request.length);
	if (run->attempts < settings->attempts)
		alarm_set(probe_loop(run->exchange->probe), &run->alarm, clock_monotonic_ns() + settings->wait_ns);
}

static int send_output(struct exchange_run *run)
{
	struct text *output = &run->talk.output;
	int result = 0;
	if (run->exchange->is_datagram) {
		text_clear(&run->request);
		text_add_bytes(&run->request, output->bytes, output->length);
		run->attempts = 0;
		attempt(run);
	} else {
		result = dial_send(run->dial, output->bytes, output->length);
	}
	text_clear(output);
	return result;
}

static void finish_failed(struct exchange_run *run)
{
	bool is_excess = run->talk.failure == DIALOGUE_EXCESS;
	finish(run, is_excess ? REASON_PROTOCOL : REASON_CONTENT, text_string(&run->talk.problem));
}

/* Returns false when the run is to wait, or over. */
static bool handle_verdict(struct exchange_run *run, enum dialogue_verdict verdict, size_t rest)
{
	switch (verdict) {
	case DIALOGUE_SENDS:
		if (send_output(run) == 0)
			return true;
		finish(run, REASON_PROTOCOL, "the server does not take what is sent");
		return false;
	case DIALOGUE_STARTS_TLS:
		secure(run);
		return false;
	case DIALOGUE_WAITS:
		if (!run->exchange->is_datagram)
			await_pause(run, rest);
		return false;
	case DIALOGUE_DONE:
		finish(run, REASON_OK, NULL);
		return false;
	case DIALOGUE_FAILED:
		finish_failed(run);
		return false;
	}
	return false;
}

/* As far as it goes with what has come. A datagram is looked at as a whole, and what of it nobody wanted is forgotten.
 */
static void go_on(struct exchange_run *run)
{
	bool is_datagram = run->exchange->is_datagram;
	size_t offset = 0, rest = 0, n = 0;
	enum dialogue_verdict verdict;
	do {
		size_t steps = run->talk.steps;
		const char *bytes = dial_received(run->dial, &n);
		const struct dialogue_input input = {.bytes = bytes + offset,
						     .n = n - offset,
						     .has_ended = run->has_ended,
						     .is_paused = run->is_paused || is_datagram};
		verdict = dialogue_go_on(&run->talk, &input);
		rest = input.n - run->talk.consumed;
		if (is_datagram) {
			offset += run->talk.consumed;
		} else {
			run->received_bytes += (int64_t)run->talk.consumed;
			dial_consume(run->dial, run->talk.consumed);
		}
		if (run->talk.steps > steps)
			alarm_cancel(probe_loop(run->exchange->probe), &run->alarm);
	} while (handle_verdict(run, verdict, rest));
	if (is_datagram)
		dial_consume(run->dial, n);
}

static void alarm_rang(void *arg)
{
	struct exchange_run *run = arg;
	if (run->exchange->is_datagram) {
		attempt(run);
		return;
	}
	run->is_paused = true;
	go_on(run);
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

static void begin_dialogue(struct exchange_run *run)
{
	if (!run->is_connected) {
		run->is_connected = true;
		run->talk_begun_ns = clock_monotonic_ns();
	}
	go_on(run);
}

static void connected(struct exchange_run *run)
{
	const struct exchange *exchange = run->exchange;
	if (!exchange->is_datagram)
		run_log(run->run, "connected in %.6f s", clock_seconds(dial_connect_ns(run->dial)));
	if (!exchange->is_datagram && tcp_settings(exchange)->uses_tls)
		secure(run);
	else
		begin_dialogue(run);
}

static void secured(struct exchange_run *run)
{
	run_log(run->run, "%s, %s, in %.6f s", run->facts.version ? run->facts.version : "TLS",
		run->facts.cipher ? run->facts.cipher : "unknown cipher", clock_seconds(dial_tls_ns(run->dial)));
	begin_dialogue(run);
}

static void received(struct exchange_run *run)
{
	size_t n;
	dial_received(run->dial, &n);
	run->is_paused = false;
	if (run->exchange->is_datagram)
		run->received_bytes += (int64_t)n;
	if (run->is_connected)
		go_on(run);
}

static void happened(void *arg, enum dial_event event)
{
	struct exchange_run *run = arg;
	if (run->is_over)
		return;
	switch (event) {
	case DIAL_CONNECTED:
		connected(run);
		break;
	case DIAL_SECURED:
		secured(run);
		break;
	case DIAL_RECEIVED:
		received(run);
		break;
	case DIAL_ENDED:
		run->has_ended = true;
		if (run->is_connected)
			go_on(run);
		break;
	case DIAL_FAILED:
		finish(run, dial_reason(run->dial), dial_error(run->dial));
		break;
	}
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static void finish_denied(void *arg)
{
	finish(arg, REASON_DENIED, NULL);
}

static void connect_to(struct exchange_run *run, const struct address *address)
{
	const struct exchange_settings *settings = exchange_settings(run->exchange);
	char text[ADDRESS_TEXT_SIZE];
	struct dial_plan plan = {
		.loop = probe_loop(run->exchange->probe),
		.address = *address,
		.interface = settings->interface,
		.fwmark = (uint32_t)settings->fwmark,
		.dscp = (uint8_t)settings->dscp,
		.is_datagram = run->exchange->is_datagram,
		.happened = happened,
		.arg = run,
	};
	plan.address.port = run->exchange->port;
	if (settings->source)
		address_parse(settings->source, &plan.source);
	if (settings->interface && plan.address.family == ADDRESS_IPV6 && !plan.address.scope_id &&
	    plan.address.bytes[0] == 0xfe && (plan.address.bytes[1] & 0xc0) == 0x80)
		plan.address.scope_id = if_nametoindex(settings->interface);
	run_set_address(run->run, &plan.address);
	if (!run_permits(run->run, run->exchange->name, &plan.address, plan.address.port)) {
		run_finish_later(run->run, finish_denied);
		return;
	}
	run_log(run->run, "%s port %u", address_format(&plan.address, text), (unsigned)plan.address.port);
	run->dial = dial_open(&plan);
}

/* The addresses are known. */
static void begin(struct exchange_run *run)
{
	size_t n;
	const struct address *addresses = host_addresses(run->exchange->host, &n);
	connect_to(run, &addresses[0]);
}

static void resolved(void *arg, const char *error)
{
	struct exchange_run *run = arg;
	run_add_lookup(run->run, clock_monotonic_ns() - run_begun_ns(run->run));
	if (!error) {
		begin(run);
		return;
	}
	snprintf(run->failure, sizeof(run->failure), "%s: %s", run->exchange->name, error);
	finish(run, REASON_RESOLVE, NULL);
}

void *exchange_start(struct run *run_, void *opened, const void *settings)
{
	struct exchange *exchange = opened;
	struct exchange_run *run = slabs_take(probe_slabs(exchange->probe), sizeof(*run));
	(void)settings;
	run->exchange = exchange;
	run->run = run_;
	run->talk.dialogue = exchange->dialogue;
	if (run_is_logged(run_)) {
		run->talk.log = exchange_log;
		run->talk.arg = run;
	}
	alarm_prepare(&run->alarm, alarm_rang, run);
	if (host_is_fresh(exchange->host)) {
		run_add_lookup(run_, clock_monotonic_ns() - run_begun_ns(run_));
		begin(run);
	} else {
		host_refresh(exchange->host, resolved, run);
	}
	return run;
}

void exchange_deadline(void *state)
{
	struct exchange_run *run = state;
	const char *step = dialogue_current_step(&run->talk);
	if (!run->dial) {
		finish(run, REASON_RESOLVE, "no answer from the resolver in time");
		return;
	}
	if (run->is_connected && *step)
		snprintf(run->failure, sizeof(run->failure), "time is up; still waiting for: %s", step);
	else if (dial_connect_ns(run->dial) < 0)
		snprintf(run->failure, sizeof(run->failure), "no connection in time");
	else
		snprintf(run->failure, sizeof(run->failure), "the TLS handshake has not ended in time");
	finish(run, REASON_TIMEOUT, NULL);
}

void exchange_stop(void *state)
{
	struct exchange_run *run = state;
	struct exchange *exchange = run->exchange;
	alarm_cancel(probe_loop(exchange->probe), &run->alarm);
	host_cancel(exchange->host);
	dial_close(run->dial);
	dialogue_talk_free(&run->talk);
	tls_facts_clear(&run->facts);
	text_free(&run->request);
	slabs_give(probe_slabs(exchange->probe), run, sizeof(*run));
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

void exchange_close(void *opened)
{
	struct exchange *exchange = opened;
	host_close(exchange->host);
	tls_client_close(exchange->tls);
	dialogue_free(exchange->dialogue);
	mem_free(exchange->name);
	slabs_give(probe_slabs(exchange->probe), exchange, sizeof(*exchange));
}

static int find_target(struct exchange *exchange, struct err *err)
{
	const char *address = probe_address(exchange->probe);
	char name[HOST_SIZE];
	if (address_split_host_port(address, name, sizeof(name), &exchange->port, 0) != 0 || exchange->port == 0)
		return err_set(err, "the address \"%s\" is not HOST:PORT", address);
	exchange->name = mem_copy_string(name);
	const struct host_policy policy = {.family = (enum host_family)exchange_settings(exchange)->family};
	exchange->host = host_open(probe_resolver(exchange->probe), name, policy);
	return 0;
}

static struct exchange *open_exchange(struct probe *probe, enum dialogue_starttls starttls, bool is_datagram,
				      struct err *err)
{
	const struct exchange_settings *settings = probe_settings(probe);
	struct exchange *exchange = slabs_take(probe_slabs(probe), sizeof(*exchange));
	exchange->probe = probe;
	exchange->is_datagram = is_datagram;
	exchange->dialogue = dialogue_create(starttls, settings->steps.items, settings->steps.n, err);
	if (exchange->dialogue && find_target(exchange, err) == 0) {
		probe_add_turn(probe, &(struct turn_plan){.interval_ns = settings->interval_ns,
							  .timeout_ns = exchange_timeout_ns(settings)});
		return exchange;
	}
	exchange_close(exchange);
	return NULL;
}

void *exchange_open_tcp(struct probe *probe, const void *arg, struct err *err)
{
	const struct tcp_settings *settings = arg;
	struct exchange *exchange = open_exchange(probe, (enum dialogue_starttls)settings->starttls, false, err);
	if (exchange && (settings->uses_tls || dialogue_has_starttls(exchange->dialogue)))
		exchange->tls = tls_client_open(probe_service(probe, &tls_service), &settings->tls);
	return exchange;
}

void *exchange_open_udp(struct probe *probe, const void *settings, struct err *err)
{
	(void)settings;
	return open_exchange(probe, DIALOGUE_NO_STARTTLS, true, err);
}
