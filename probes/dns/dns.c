/*
 * Queries to name servers: from the name of the server to the message that answers, and what it is worth.
 */
#include "probes/dns/dns.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/dial.h"
#include "core/fetch.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "core/tls_facts.h"
#include "probes/dns/dns_plain.h"
#include "probes/tls_service.h"

#define TIMEOUT_NS  (5 * NS_PER_SECOND)
#define FAILURE_MAX 512

static struct dns_pool *pool_of(const struct dns *dns)
{
	return probe_service(dns->probe, &dns_service);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static int64_t timeout_of(const struct dns_settings *settings)
{
	int64_t most_ns = settings->interval_ns / 10 * 9;
	if (settings->timeout_ns)
		return settings->timeout_ns;
	return TIMEOUT_NS < most_ns ? TIMEOUT_NS : most_ns;
}

static struct address source_of(const struct dns_settings *settings)
{
	struct address source = {0};
	if (settings->source)
		address_parse(settings->source, &source);
	return source;
}

/* A source address leaves no choice. */
static enum host_family family_of(const struct dns_settings *settings)
{
	struct address source = source_of(settings);
	if (source.family == ADDRESS_NONE)
		return (enum host_family)settings->family;
	return source.family == ADDRESS_IPV4 ? HOST_ONLY_IPV4 : HOST_ONLY_IPV6;
}

static bool wants_family(enum host_family policy, enum address_family family)
{
	if (policy == HOST_ONLY_IPV4)
		return family == ADDRESS_IPV4;
	return policy != HOST_ONLY_IPV6 || family == ADDRESS_IPV6;
}

/* --- how a run ends ----------------------------------------------------------------------------------------------- */

static void release(struct dns_run *run)
{
	struct dns *dns = run->dns;
	alarm_cancel(probe_loop(dns->probe), &run->next_attempt);
	for (uint32_t i = 0; i < run->nattempts; i++)
		dns_pool_cancel(pool_of(dns), &run->asks[i]);
	if (run->fetch)
		fetch_cancel(run->fetch);
	run->fetch = NULL;
	dial_close(run->dial);
	run->dial = NULL;
}

static void finish_failed(void *state)
{
	struct dns_run *run = state;
	dns_report(run, &(struct dns_outcome){.reason = (enum reason)run->reason});
}

void dns_fail(struct dns_run *run, enum reason reason, const char *format, ...)
{
	char text[FAILURE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mem_free(run->failure);
	run->failure = mem_copy_string(text);
	run->reason = (uint8_t)reason;
	run_log(run->run, "%s", text);
	release(run);
	if (run->is_starting)
		run_finish_later(run->run, finish_failed);
	else
		finish_failed(run);
}

struct dns_text_case dns_letters(const struct dns_run *run)
{
	const struct dns_query *query = &run->dns->query;
	return (struct dns_text_case){
		.sent = run->query + DNS_HEADER_BYTES,
		.meant = query->wire + DNS_HEADER_BYTES,
		.size = query->question_end - DNS_HEADER_BYTES - 4u, /* without type and class */
	};
}

static bool is_rcode_valid(const struct dns_settings *settings, uint16_t rcode)
{
	if (!settings->valid_rcodes.n)
		return rcode == DNS_RCODE_OK;
	for (size_t i = 0; i < settings->valid_rcodes.n; i++)
		if (dns_rcode_find(settings->valid_rcodes.items[i]) == rcode)
			return true;
	return false;
}

/* Not more than what a person reads. */
static void set_failure(struct dns_run *run, const char *what, const char *text)
{
	mem_free(run->failure);
	run->failure = mem_format("%s%s", what, text);
	run_log(run->run, "%s", run->failure);
}

static void judge(struct dns_run *run, struct dns_outcome *outcome)
{
	char buffer[16];
	struct err failure = {{0}};
	const struct dns *dns = run->dns;
	if (!is_rcode_valid(dns_settings(dns), outcome->reply->rcode)) {
		outcome->reason = REASON_RCODE;
		set_failure(run, "the server answered ", dns_rcode_name(outcome->reply->rcode, buffer));
		return;
	}
	if (!dns->rules)
		return;
	outcome->are_rules_applied = true;
	const struct dns_text_case letters = dns_letters(run);
	outcome->is_rule_failed = !dns_rules_apply(dns->rules, outcome->reply, &letters, &failure);
	if (!outcome->is_rule_failed)
		return;
	outcome->reason = REASON_CONTENT;
	set_failure(run, "", failure.text);
}

/* TCP has no limit below that of all messages. What UDP brought is forgotten but for the time that it took. */
static void retry_over_tcp(struct dns_run *run)
{
	run_log(run->run, "the answer was truncated: again over TCP");
	release(run);
	run->transport = DNS_TCP;
	run->has_retried = true;
	dns_stream_begin(run);
}

/* The records themselves are for rules and logs. */
static int read_reply(const struct dns_run *run, const uint8_t *bytes, size_t size, struct dns_reply *out,
		      struct err *err)
{
	bool wants_records = run->dns->rules || run_is_logged(run->run);
	if (!wants_records && dns_plain_read(bytes, size, out))
		return 0;
	return dns_reply_read(bytes, size, out, err);
}

void dns_take_reply(struct dns_run *run, const uint8_t *bytes, size_t size)
{
	struct dns *dns = run->dns;
	struct dns_reply reply;
	struct dns_outcome outcome = {.reply = &reply};
	struct err err = {{0}};
	dns->answers++;
	if (run->transport == DNS_UDP && dns_reply_is_truncated(bytes) && dns_settings(dns)->retry_truncated) {
		retry_over_tcp(run);
		return;
	}
	if (read_reply(run, bytes, size, &reply, &err)) {
		dns_fail(run, REASON_PROTOCOL, "%s", err.text);
		return;
	}
	release(run);
	if (run_is_logged(run->run))
		dns_log_reply(run, &reply);
	judge(run, &outcome);
	dns_report(run, &outcome);
	dns_reply_free(&reply);
}

/* --- over UDP ----------------------------------------------------------------------------------------------------- */

static void note_unfitting(struct dns_run *run, const struct dns_event *event)
{
	char text[ADDRESS_TEXT_SIZE];
	run->dns->spoofed++;
	if (run_is_logged(run->run))
		run_log(run->run, "not taken: a datagram from %s#%u %s", address_format(&event->from, text),
			event->from.port,
			event->is_from_other ? "that was not asked" : dns_verdict_describe(event->verdict));
}

static void ask_ended(struct dns_ask *ask, const struct dns_event *event);

static void send_attempt(void *arg)
{
	struct dns_run *run = arg;
	struct dns *dns = run->dns;
	const struct dns_settings *settings = dns_settings(dns);
	struct dns_ask *ask = &run->asks[run->nattempts++];
	*ask = (struct dns_ask){
		.server = run->server,
		.source = run->source,
		.interface = run->interface,
		.size = dns->query.size,
		.question_end = dns->query.question_end,
		.is_case_checked = settings->random_case,
		.query = run->query + (run->nattempts - 1) * dns->query.size,
		.event = ask_ended,
		.owner = run,
	};
	dns->queries++;
	dns_pool_ask(pool_of(dns), ask);
	if (run->nattempts < settings->attempts)
		alarm_set(probe_loop(dns->probe), &run->next_attempt,
			  clock_monotonic_ns() + timeout_of(settings) / settings->attempts);
}

static void log_sent(const struct dns_run *run, const struct dns_ask *ask)
{
	char text[ADDRESS_TEXT_SIZE];
	run_log(run->run, "over UDP to %s#%u: %u bytes, id %u", address_format(&run->server, text), run->server.port,
		ask->size, ask->id);
}

static void ask_ended(struct dns_ask *ask, const struct dns_event *event)
{
	struct dns_run *run = ask->owner;
	if (event->kind != DNS_EVENT_UNSENT && event->kind != DNS_EVENT_UNFITTING && run_is_logged(run->run))
		log_sent(run, ask);
	switch (event->kind) {
	case DNS_EVENT_UNFITTING:
		note_unfitting(run, event);
		break;
	case DNS_EVENT_UNSENT:
		dns_fail(run, event->reason, "the query could not be sent: %s", event->error_text);
		break;
	case DNS_EVENT_FAILED:
		dns_fail(run, event->reason, "%s", event->error_text);
		break;
	case DNS_EVENT_ANSWERED:
		run->request_ns = event->rtt_ns;
		dns_take_reply(run, event->reply, event->size);
		break;
	}
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

static bool is_link_local(const struct address *address)
{
	return address->family == ADDRESS_IPV6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static void set_server(struct dns_run *run)
{
	const struct dns *dns = run->dns;
	size_t n = 1;
	const struct address *addresses = dns->host ? host_addresses(dns->host, &n) : &dns->literal;
	if (!n)
		return;
	run->server = addresses[0];
	run->server.port = dns->server.port;
	if (is_link_local(&run->server) && !run->server.scope_id)
		run->server.scope_id = run->interface;
	run_set_address(run->run, &run->server);
}

/* The same letters in each attempt, the id of each is the pool's. */
static void write_queries(struct dns_run *run)
{
	const struct dns *dns = run->dns;
	const struct dns_settings *settings = dns_settings(dns);
	memcpy(run->query, dns->query.wire, dns->query.size);
	if (settings->random_case && dns->server.transport != DNS_HTTPS)
		dns_query_mix_case(run->query, dns->query.question_end, dns_pool_random(pool_of(dns)));
	for (int64_t i = 1; i < settings->attempts; i++)
		memcpy(run->query + i * dns->query.size, run->query, dns->query.size);
}

static void begin(struct dns_run *run)
{
	struct dns *dns = run->dns;
	const char *interface = dns_settings(dns)->interface;
	if (interface && !(run->interface = if_nametoindex(interface))) {
		dns_fail(run, REASON_LOCAL, "%s: there is no such interface now", interface);
		return;
	}
	set_server(run);
	if (run->server.family == ADDRESS_NONE) {
		dns_fail(run, REASON_RESOLVE, "%s: no address", dns->server.host);
		return;
	}
	if (!run_permits(run->run, dns->server.host, &run->server, run->server.port)) {
		dns_fail(run, REASON_DENIED, "%s is not a server that may be asked", dns->server.host);
		return;
	}
	write_queries(run);
	if (run->transport == DNS_UDP)
		send_attempt(run);
	else if (run->transport == DNS_HTTPS)
		dns_https_begin(run);
	else
		dns_stream_begin(run);
}

static void server_resolved(void *arg, const char *error)
{
	struct dns_run *run = arg;
	run_add_lookup(run->run, clock_monotonic_ns() - run_begun_ns(run->run));
	if (error)
		dns_fail(run, REASON_RESOLVE, "%s: %s", run->dns->server.host, error);
	else
		begin(run);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static size_t run_size(const struct dns *dns)
{
	return sizeof(struct dns_run) +
	       (size_t)dns_settings(dns)->attempts * (sizeof(struct dns_ask) + dns->query.size);
}

void *dns_start(struct run *run_, void *opened, const void *settings_)
{
	const struct dns_settings *settings = settings_;
	struct dns *dns = opened;
	struct dns_run *run = slabs_take(probe_slabs(dns->probe), run_size(dns));
	dns->run = run;
	run->dns = dns;
	run->run = run_;
	run->source = source_of(settings);
	run->transport = dns->server.transport;
	run->connect_ns = run->tls_ns = run->request_ns = -1;
	run->query = (uint8_t *)&run->asks[settings->attempts];
	alarm_prepare(&run->next_attempt, send_attempt, run);
	run->is_starting = true;
	if (!dns->host || host_is_fresh(dns->host)) {
		run_add_lookup(run_, 0);
		begin(run);
	} else {
		host_refresh(dns->host, server_resolved, run);
	}
	run->is_starting = false;
	return run;
}

void dns_deadline(void *state)
{
	struct dns_run *run = state;
	if (run->server.family == ADDRESS_NONE)
		dns_fail(run, REASON_RESOLVE, "%s: no answer from the resolver in time", run->dns->server.host);
	else if (run->dial && run->connect_ns < 0)
		dns_fail(run, REASON_TIMEOUT, "no connection in time");
	else
		dns_fail(run, REASON_TIMEOUT, "no answer in time");
}

void dns_stop(void *state)
{
	struct dns_run *run = state;
	struct dns *dns = run->dns;
	release(run);
	if (dns->host)
		host_cancel(dns->host);
	if (run->facts)
		tls_facts_clear(run->facts);
	mem_free(run->facts);
	mem_free(run->failure);
	dns->run = NULL;
	slabs_give(probe_slabs(dns->probe), run, run_size(dns));
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

void dns_close(void *opened)
{
	struct dns *dns = opened;
	host_close(dns->host);
	tls_client_close(dns->tls);
	dns_rules_free(dns->rules);
	dns_query_free(&dns->query);
	dns_server_free(&dns->server);
	slabs_give(probe_slabs(dns->probe), dns, sizeof(*dns));
}

/* A literal of a wanted family needs no host: it is what it says. */
static void open_host(struct dns *dns, const struct dns_settings *settings)
{
	enum host_family family = family_of(settings);
	const struct host_policy policy = {.family = family, .keeps_last = settings->keep_address};
	if (!address_parse(dns->server.host, &dns->literal) || !wants_family(family, dns->literal.family))
		dns->host = host_open(probe_resolver(dns->probe), dns->server.host, policy);
}

void *dns_open(struct probe *probe, const void *arg, struct err *err)
{
	const struct dns_settings *settings = arg;
	const struct dns_query_plan plan = dns_query_plan_of(settings);
	struct dns *dns = slabs_take(probe_slabs(probe), sizeof(*dns));
	dns->probe = probe;
	if (dns_server_parse(probe_address(probe), (enum dns_transport)settings->transport, &dns->server, err) ||
	    dns_query_build(&plan, &dns->query, err)) {
		dns_close(dns);
		return NULL;
	}
	open_host(dns, settings);
	dns->rules = dns_rules_create(&settings->rules);
	if (dns->server.transport >= DNS_TLS)
		dns->tls = tls_client_open(probe_service(probe, &tls_service), &settings->tls);
	probe_add_turn(probe,
		       &(struct turn_plan){.interval_ns = settings->interval_ns, .timeout_ns = timeout_of(settings)});
	return dns;
}
