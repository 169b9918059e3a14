/*
 * One query over TCP or TLS: a message goes behind its length (RFC 1035 section 4.2.2, RFC 7858).
 */
#include "core/clock.h"
#include "core/dial.h"
#include "core/mem.h"
#include "core/tls_facts.h"
#include "probes/dns/dns.h"

#define LENGTH_BYTES 2
/* Messages that are none of ours, until the server is given up. */
#define SKIPPED_MAX 16

static void secure(struct dns_run *run)
{
	const struct dns *dns = run->dns;
	struct err err = {{0}};
	run->facts = mem_zero(1, sizeof(*run->facts));
	struct ssl_st *ssl = tls_client_make(dns->tls, dns->server.host, run->facts, &err);
	if (ssl)
		dial_secure(run->dial, ssl, run->facts);
	else
		dns_fail(run, REASON_LOCAL, "%s", err.text);
}

static void send_query(struct dns_run *run)
{
	struct dns *dns = run->dns;
	uint8_t length[LENGTH_BYTES] = {(uint8_t)(dns->query.size >> 8), (uint8_t)dns->query.size};
	uint16_t id = (uint16_t)dns_random_next(dns_pool_random(probe_service(dns->probe, &dns_service)));
	char text[ADDRESS_TEXT_SIZE];
	dns_query_set_id(run->query, id);
	if (run_is_logged(run->run))
		run_log(run->run, "over %s to %s#%u: %u bytes, id %u", run->transport == DNS_TLS ? "TLS" : "TCP",
			address_format(&run->server, text), run->server.port, dns->query.size, id);
	dns->queries++;
	run->sent_ns = clock_monotonic_ns();
	dial_send(run->dial, length, sizeof(length));
	dial_send(run->dial, run->query, dns->query.size);
}

/* With a retry over TCP, what the first query took is part of it. */
static void note_answer(struct dns_run *run)
{
	int64_t took_ns = dial_received_ns(run->dial) - run->sent_ns;
	run->request_ns = took_ns + (run->request_ns > 0 ? run->request_ns : 0);
}

/* False when the run is over. */
static bool take_message(struct dns_run *run, const uint8_t *bytes, size_t size)
{
	const struct dns *dns = run->dns;
	enum dns_verdict verdict =
		dns_reply_check(bytes, size, run->query, dns->query.question_end, dns_settings(dns)->random_case);
	if (verdict == DNS_REPLY_FITS) {
		note_answer(run);
		/* What is borrowed from the connection goes with it. */
		uint8_t *copy = mem_copy(bytes, size);
		dns_take_reply(run, copy, size);
		mem_free(copy);
		return false;
	}
	run->dns->spoofed++;
	if (verdict == DNS_REPLY_SHORT || ++run->skipped >= SKIPPED_MAX) {
		dns_fail(run, REASON_PROTOCOL, "the server's message %s", dns_verdict_describe(verdict));
		return false;
	}
	run_log(run->run, "not taken: a message that %s", dns_verdict_describe(verdict));
	return true;
}

static void take_received(struct dns_run *run)
{
	size_t n;
	for (;;) {
		const uint8_t *bytes = (const uint8_t *)dial_received(run->dial, &n);
		if (n < LENGTH_BYTES)
			return;
		size_t size = (size_t)(bytes[0] << 8 | bytes[1]);
		if (size >= DNS_HEADER_BYTES && n < LENGTH_BYTES + size)
			return;
		if (!take_message(run, bytes + LENGTH_BYTES, size))
			return;
		dial_consume(run->dial, LENGTH_BYTES + size);
	}
}

static void stream_happened(void *arg, enum dial_event event)
{
	struct dns_run *run = arg;
	switch (event) {
	case DIAL_CONNECTED:
		run->connect_ns = dial_connect_ns(run->dial);
		if (run->transport == DNS_TLS)
			secure(run);
		else
			send_query(run);
		break;
	case DIAL_SECURED:
		run->tls_ns = dial_tls_ns(run->dial);
		send_query(run);
		break;
	case DIAL_RECEIVED:
		take_received(run);
		break;
	case DIAL_ENDED:
		dns_fail(run, REASON_PROTOCOL, "the server closed the connection before it had answered");
		break;
	case DIAL_FAILED:
		dns_fail(run, dial_reason(run->dial), "%s", dial_error(run->dial));
		break;
	}
}

void dns_stream_begin(struct dns_run *run)
{
	const struct dns *dns = run->dns;
	run->dial = dial_open(&(struct dial_plan){
		.loop = probe_loop(dns->probe),
		.address = run->server,
		.source = run->source,
		.interface = dns_settings(dns)->interface,
		.happened = stream_happened,
		.arg = run,
	});
}
