/*
 * One query over HTTPS (RFC 8484): a POST with the message, answered by the message.
 */
#include "probes/dns/dns_https.h"

#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/mem.h"
#include "core/tls_facts.h"
#include "probes/dns/dns.h"
#include "probes/engine.h"

#define MEDIA_TYPE "application/dns-message"

struct https {
	struct loop *loop;
	struct fetcher *fetcher; /* NULL until it is needed */
};

static void *https_create(struct engine *engine)
{
	struct https *https = mem_zero(1, sizeof(*https));
	https->loop = engine_loop(engine);
	return https;
}

static void https_free(void *service)
{
	struct https *https = service;
	fetcher_free(https->fetcher);
	mem_free(https);
}

const struct probe_service dns_https_service = {
	.name = "dns_https",
	.create = https_create,
	.free = https_free,
};

/* Parameters may follow the type. */
static bool is_message(const char *type)
{
	size_t n = strlen(MEDIA_TYPE);
	return !strncasecmp(type, MEDIA_TYPE, n) && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static void take_message(struct dns_run *run, const struct fetch_answer *answer)
{
	const struct dns *dns = run->dns;
	const uint8_t *bytes = (const uint8_t *)answer->body;
	enum dns_verdict verdict = dns_reply_check(bytes, answer->length, run->query, dns->query.question_end, false);
	if (verdict == DNS_REPLY_FITS)
		dns_take_reply(run, bytes, answer->length);
	else
		dns_fail(run, REASON_PROTOCOL, "the server's message %s", dns_verdict_describe(verdict));
}

static void https_done(void *arg, const struct fetch_answer *answer)
{
	struct dns_run *run = arg;
	run->fetch = NULL; /* it ends with this call */
	run->connect_ns = answer->connect_ns;
	run->tls_ns = answer->tls_ns;
	if (answer->reason != REASON_OK) {
		dns_fail(run, (enum reason)answer->reason, "%s", answer->error);
		return;
	}
	run->request_ns = answer->exchange_ns;
	if (answer->status != 200)
		dns_fail(run, REASON_STATUS, "the server answered with HTTP status %d", answer->status);
	else if (!is_message(answer->type))
		dns_fail(run, REASON_PROTOCOL, "the server's answer is of type \"%.60s\", not " MEDIA_TYPE,
			 answer->type);
	else
		take_message(run, answer);
}

/* The id is 0, so that caches on the way see equal queries as such (section 4.1). */
static struct fetch *start(struct dns_run *run, struct fetcher *fetcher, struct err *err)
{
	static const char *const fields[] = {"Content-Type: " MEDIA_TYPE, "Accept: " MEDIA_TYPE, NULL};
	const struct dns *dns = run->dns;
	const struct fetch_route route = {
		.address = run->server,
		.source = run->source,
		.interface = dns_settings(dns)->interface,
		.host = dns->server.host,
		.tls = dns->tls,
		.facts = run->facts,
	};
	char *url = dns_server_url(&dns->server);
	struct fetch *fetch =
		fetch_start(fetcher,
			    &(struct fetch_plan){
				    .method = "POST",
				    .url = url,
				    .route = &route,
				    .fields = fields,
				    .body = run->query,
				    .body_length = dns->query.size,
				    .connect_timeout_ns = run_deadline_ns(run->run) - clock_monotonic_ns(),
				    .timeout_ns = run_deadline_ns(run->run) - clock_monotonic_ns(),
				    .done = https_done,
				    .arg = run,
			    },
			    err);
	run_log(run->run, "over HTTPS to %s: %u bytes", url, dns->query.size);
	mem_free(url);
	return fetch;
}

void dns_https_begin(struct dns_run *run)
{
	struct err err = {{0}};
	struct https *https = probe_service(run->dns->probe, &dns_https_service);
	run->facts = mem_zero(1, sizeof(*run->facts));
	if (!https->fetcher)
		https->fetcher = fetcher_create(https->loop, 0, &err);
	if (https->fetcher)
		run->fetch = start(run, https->fetcher, &err);
	if (run->fetch)
		run->dns->queries++;
	else
		dns_fail(run, REASON_LOCAL, "%s", err.text);
}
