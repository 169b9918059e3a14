/*
 * Queries to name servers: the readings of a run, and the form that people know from dig.
 */
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/tls_facts.h"
#include "probes/dns/dns.h"
#include "probes/dns/dns_text.h"

enum dns_measure {
	DNS_QUERIES,
	DNS_ANSWERS,
	DNS_SPOOFED,
	DNS_QUERY,
	DNS_CONNECT,
	DNS_TLS_SECONDS,
	DNS_REQUEST,
	DNS_ANSWERED,
	DNS_RCODE,
	DNS_RCODE_NAME,
	DNS_ANSWER_RRS,
	DNS_AUTHORITY_RRS,
	DNS_ADDITIONAL_RRS,
	DNS_SERIAL,
	DNS_MIN_TTL,
	DNS_RESPONSE_BYTES,
	DNS_TRUNCATED,
	DNS_AUTHORITATIVE,
	DNS_AUTHENTIC,
	DNS_SIGNED,
	DNS_RECURSION,
	DNS_EXTENDED_ERROR,
	DNS_RETRIED,
	DNS_RULE_FAILED,
	DNS_TRANSPORT,
	DNS_FAILURE,
	DNS_MEASURES
};

static const struct measure dns_measures[DNS_MEASURES] = {
	[DNS_QUERIES] = {"queries_total", MEASURE_COUNTER, "Queries sent, each attempt and retry counted"},
	[DNS_ANSWERS] = {"answers_total", MEASURE_COUNTER, "Messages that came back and fitted their query"},
	[DNS_SPOOFED] = {"spoofed_total", MEASURE_COUNTER,
			 "Messages not taken: with the id and port of a query, but from another address or port, or "
			 "with another question or letter case"},
	[DNS_QUERY] = {"query_seconds", MEASURE_HISTOGRAM, "Time from query to answer (request_seconds) of each run"},
	[DNS_CONNECT] = {"connect_seconds", MEASURE_GAUGE, "Time to connect; not over UDP"},
	[DNS_TLS_SECONDS] = {"tls_seconds", MEASURE_GAUGE, "Time of the TLS handshake"},
	[DNS_REQUEST] = {"request_seconds", MEASURE_GAUGE,
			 "Time from query to answer; with a retry over TCP, of both queries, without connecting"},
	[DNS_ANSWERED] = {"answered", MEASURE_INTEGER, "1: a well-formed answer came, whatever its reply code"},
	[DNS_RCODE] = {"rcode", MEASURE_INTEGER, "Reply code: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED, ..."},
	[DNS_RCODE_NAME] = {"rcode_name", MEASURE_TEXT, "Name of the reply code"},
	[DNS_ANSWER_RRS] = {"answer_rrs", MEASURE_INTEGER, "Records in the answer section"},
	[DNS_AUTHORITY_RRS] = {"authority_rrs", MEASURE_INTEGER, "Records in the authority section"},
	[DNS_ADDITIONAL_RRS] = {"additional_rrs", MEASURE_INTEGER,
				"Records in the additional section, without the one of EDNS"},
	[DNS_SERIAL] = {"serial", MEASURE_INTEGER, "Serial number of the zone (queries for SOA); 0: no SOA came"},
	[DNS_MIN_TTL] = {"min_ttl_seconds", MEASURE_INTEGER, "Shortest time to live of the records of the answer"},
	[DNS_RESPONSE_BYTES] = {"response_bytes", MEASURE_INTEGER, "Size of the message that answered"},
	[DNS_TRUNCATED] = {"truncated", MEASURE_INTEGER, "1: the answer is cut off (flag TC)"},
	[DNS_AUTHORITATIVE] = {"authoritative", MEASURE_INTEGER, "1: the server is responsible for the name (flag AA)"},
	[DNS_AUTHENTIC] = {"authentic_data", MEASURE_INTEGER, "1: the server verified the answer by DNSSEC (flag AD)"},
	[DNS_SIGNED] = {"signed", MEASURE_INTEGER, "1: the answer has signatures (option dnssec)"},
	[DNS_RECURSION] = {"recursion_available", MEASURE_INTEGER, "1: the server resolves for others (flag RA)"},
	[DNS_EXTENDED_ERROR] =
		{"extended_error", MEASURE_INTEGER,
		 "Extended error code, when the server gave one (RFC 8914: 6 DNSSEC bogus, 3 stale, ...)"},
	[DNS_RETRIED] = {"retried_tcp", MEASURE_INTEGER, "1: asked again over TCP after a truncated answer"},
	[DNS_RULE_FAILED] = {"rule_failed", MEASURE_INTEGER, "1: the records break a rule (fail_if_...)"},
	[DNS_TRANSPORT] = {"transport", MEASURE_TEXT, "How the server was asked last: udp, tcp, tls, https"},
	[DNS_FAILURE] = {"failure", MEASURE_TEXT, "What failed, in words"},
};

const struct measure_set dns_set = {
	.name = "dns",
	.measures = dns_measures,
	.n = DNS_MEASURES,
	.help = "Queries to a name server",
};

static const struct measure info_measure[] = {{"info", MEASURE_INFO, "Always 1"}};
static const char *const query_labels[] = {"query_name", "query_type", NULL};
static const char *const answer_labels[] = {"address", NULL};

const struct measure_set dns_query_set = {
	.name = "dns_query",
	.measures = info_measure,
	.n = 1,
	.label_names = query_labels,
	.help = "What a name server is asked for",
};

const struct measure_set dns_answer_set = {
	.name = "dns_answer",
	.measures = info_measure,
	.n = 1,
	.label_names = answer_labels,
	.help = "An address of the answer (answer_addresses)",
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define ROWS_MAX (2 + DNS_ADDRESSES_MAX + TLS_FACTS_ROWS_MAX)

/* What rows point to. */
struct storage {
	struct reading readings[DNS_MEASURES];
	struct reading info[1];
	struct label query_labels[2];
	struct label labels[DNS_ADDRESSES_MAX];
	char texts[DNS_ADDRESSES_MAX][ADDRESS_TEXT_SIZE];
	char rcode[16];
	struct tls_facts_rows tls;
};

static size_t read_times(const struct dns_run *run, struct reading *out)
{
	const struct dns *dns = run->dns;
	size_t n = 0;
	out[n++] = reading_integer(DNS_QUERIES, dns->queries);
	out[n++] = reading_integer(DNS_ANSWERS, dns->answers);
	out[n++] = reading_integer(DNS_SPOOFED, dns->spoofed);
	if (dns_settings(dns)->histogram != DNS_HISTOGRAM_NONE)
		out[n++] = reading_histogram(DNS_QUERY, &run->request_ns, run->request_ns >= 0);
	if (run->connect_ns >= 0)
		out[n++] = reading_number(DNS_CONNECT, clock_seconds(run->connect_ns));
	if (run->tls_ns >= 0)
		out[n++] = reading_number(DNS_TLS_SECONDS, clock_seconds(run->tls_ns));
	if (run->request_ns >= 0)
		out[n++] = reading_number(DNS_REQUEST, clock_seconds(run->request_ns));
	return n;
}

static size_t read_reply(const struct dns_run *run, const struct dns_reply *reply, char *buffer, struct reading *out)
{
	size_t n = 0;
	out[n++] = reading_integer(DNS_ANSWERED, reply != NULL);
	if (!reply)
		return n;
	out[n++] = reading_integer(DNS_RCODE, reply->rcode);
	out[n++] = reading_text(DNS_RCODE_NAME, dns_rcode_name(reply->rcode, buffer));
	out[n++] = reading_integer(DNS_ANSWER_RRS, (int64_t)reply->counts[DNS_ANSWER]);
	out[n++] = reading_integer(DNS_AUTHORITY_RRS, (int64_t)reply->counts[DNS_AUTHORITY]);
	out[n++] = reading_integer(DNS_ADDITIONAL_RRS, (int64_t)reply->counts[DNS_ADDITIONAL]);
	if (run->dns->query.type == LDNS_RR_TYPE_SOA)
		out[n++] = reading_integer(DNS_SERIAL, reply->serial);
	if (reply->counts[DNS_ANSWER])
		out[n++] = reading_integer(DNS_MIN_TTL, reply->min_ttl);
	out[n++] = reading_integer(DNS_RESPONSE_BYTES, (int64_t)reply->size);
	out[n++] = reading_integer(DNS_TRUNCATED, reply->is_truncated);
	out[n++] = reading_integer(DNS_AUTHORITATIVE, reply->is_authoritative);
	out[n++] = reading_integer(DNS_AUTHENTIC, reply->is_authentic);
	if (dns_settings(run->dns)->dnssec)
		out[n++] = reading_integer(DNS_SIGNED, reply->has_signature);
	out[n++] = reading_integer(DNS_RECURSION, reply->offers_recursion);
	if (reply->has_extended_error)
		out[n++] = reading_integer(DNS_EXTENDED_ERROR, reply->extended_error);
	return n;
}

static size_t read_end(const struct dns_run *run, const struct dns_outcome *outcome, struct reading *out)
{
	size_t n = 0;
	if (run->dns->server.transport == DNS_UDP)
		out[n++] = reading_integer(DNS_RETRIED, run->has_retried);
	if (outcome->are_rules_applied)
		out[n++] = reading_integer(DNS_RULE_FAILED, outcome->is_rule_failed);
	out[n++] = reading_text(DNS_TRANSPORT, dns_transport_names[run->transport]);
	if (run->failure)
		out[n++] = reading_text(DNS_FAILURE, run->failure);
	return n;
}

static size_t add_addresses(const struct dns_reply *reply, struct storage *storage, struct row *rows)
{
	for (size_t i = 0; i < reply->naddresses; i++) {
		storage->labels[i] = (struct label){"address", address_format(&reply->addresses[i], storage->texts[i])};
		rows[i] = (struct row){
			.set = &dns_answer_set,
			.labels = &storage->labels[i],
			.nlabels = 1,
			.readings = storage->info,
			.n = 1,
		};
	}
	return reply->naddresses;
}

static struct row query_row(const struct dns_settings *settings, struct storage *storage)
{
	storage->query_labels[0] = (struct label){"query_name", settings->query_name};
	storage->query_labels[1] = (struct label){"query_type", settings->query_type};
	return (struct row){
		.set = &dns_query_set,
		.labels = storage->query_labels,
		.nlabels = 2,
		.readings = storage->info,
		.n = 1,
	};
}

void dns_report(struct dns_run *run, const struct dns_outcome *outcome)
{
	const struct dns_settings *settings = dns_settings(run->dns);
	struct storage storage;
	struct row rows[ROWS_MAX];
	size_t n = read_times(run, storage.readings);
	n += read_reply(run, outcome->reply, storage.rcode, storage.readings + n);
	n += read_end(run, outcome, storage.readings + n);
	storage.info[0] = reading_integer(0, 1);
	rows[0] = (struct row){.set = &dns_set, .readings = storage.readings, .n = n};
	rows[1] = query_row(settings, &storage);
	size_t nrows = 2;
	if (settings->answer_addresses && outcome->reply)
		nrows += add_addresses(outcome->reply, &storage, rows + nrows);
	if (run->facts)
		nrows += tls_facts_make_rows(run->facts, &storage.tls, rows + nrows);
	run->dns->run = NULL;
	run_finish(run->run, outcome->reason, rows, nrows);
}

/* --- for people --------------------------------------------------------------------------------------------------- */

/* Logs show control characters as such. */
static void blank_tabs(struct text *text)
{
	for (size_t i = 0; i < text->length; i++)
		if (text->bytes[i] == '\t')
			text->bytes[i] = ' ';
}

static void log_section(const struct dns_run *run, const char *name, const ldns_rr_list *list)
{
	const struct dns_text_case letters = dns_letters(run);
	struct text text = {.ceiling = 4096};
	for (size_t i = 0; i < ldns_rr_list_rr_count(list) && run_is_logged(run->run); i++) {
		text_clear(&text);
		dns_text_add(&text, ldns_rr_list_rr(list, i), &letters);
		blank_tabs(&text);
		run_log(run->run, "%s: %s", name, text_string(&text));
	}
	text_free(&text);
}

void dns_log_reply(const struct dns_run *run, const struct dns_reply *reply)
{
	char buffer[16];
	run_log(run->run, "%s, flags:%s%s%s%s%s%s, %zu answer, %zu authority, %zu additional, %zu bytes",
		dns_rcode_name(reply->rcode, buffer), reply->is_authoritative ? " aa" : "",
		reply->is_truncated ? " tc" : "", reply->offers_recursion ? " ra" : "",
		reply->is_authentic ? " ad" : "", reply->is_checking_disabled ? " cd" : "",
		reply->has_edns ? " edns" : "", reply->counts[DNS_ANSWER], reply->counts[DNS_AUTHORITY],
		reply->counts[DNS_ADDITIONAL], reply->size);
	if (reply->has_extended_error)
		run_log(run->run, "extended error %u", reply->extended_error);
	log_section(run, "answer", ldns_pkt_answer(reply->packet));
	log_section(run, "authority", ldns_pkt_authority(reply->packet));
	log_section(run, "additional", ldns_pkt_additional(reply->packet));
}

static const struct reading *find_reading(const struct row *row, unsigned measure)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->readings[i].measure == measure)
			return &row->readings[i];
	return NULL;
}

static void print_time(const struct row *row, unsigned measure, const char *what, FILE *out)
{
	const struct reading *reading = find_reading(row, measure);
	if (reading)
		fprintf(out, ";; %s: %.3f ms\n", what, reading->value.number * 1e3);
}

static int64_t integer_of(const struct row *row, unsigned measure)
{
	const struct reading *reading = find_reading(row, measure);
	return reading ? reading->value.integer : 0;
}

void dns_print(const struct sample *sample, FILE *out)
{
	const struct row *row = &sample->rows[0];
	const struct reading *rcode = find_reading(row, DNS_RCODE_NAME);
	char text[ADDRESS_TEXT_SIZE];
	if (rcode)
		fprintf(out, "\n;; status: %s; ANSWER: %" PRId64 ", AUTHORITY: %" PRId64 ", ADDITIONAL: %" PRId64 "\n",
			rcode->value.text, integer_of(row, DNS_ANSWER_RRS), integer_of(row, DNS_AUTHORITY_RRS),
			integer_of(row, DNS_ADDITIONAL_RRS));
	print_time(row, DNS_CONNECT, "Connect time", out);
	print_time(row, DNS_TLS_SECONDS, "TLS time", out);
	print_time(row, DNS_REQUEST, "Query time", out);
	if (sample->address.family != ADDRESS_NONE)
		fprintf(out, ";; SERVER: %s#%u (%s)\n", address_format(&sample->address, text), sample->address.port,
			find_reading(row, DNS_TRANSPORT)->value.text);
	if (rcode)
		fprintf(out, ";; MSG SIZE rcvd: %" PRId64 "\n", integer_of(row, DNS_RESPONSE_BYTES));
}
