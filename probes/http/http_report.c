/*
 * HTTP: the readings of a run, and how they are shown to people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "probes/http/http_client.h"

/* What came in less than this, or faster, says nothing about a rate. */
#define THROUGHPUT_BYTES_MIN (64 * 1024)
#define THROUGHPUT_NS_MIN    NS_PER_MS

enum http_measure {
	HTTP_CONNECT,
	HTTP_TLS,
	HTTP_PROCESSING,
	HTTP_TRANSFER,
	HTTP_RESPONSE,
	HTTP_STATUS,
	HTTP_REDIRECTS,
	HTTP_CONTENT_LENGTH,
	HTTP_BODY_BYTES,
	HTTP_RECEIVED_BYTES,
	HTTP_THROUGHPUT,
	HTTP_USES_TLS,
	HTTP_VERSION,
	HTTP_LAST_MODIFIED,
	HTTP_RULE_FAILED,
	HTTP_TCP_RTT,
	HTTP_TCP_RETRANSMITS,
	HTTP_TCP_DELIVERY_RATE,
	HTTP_FINAL_HOST,
	HTTP_FAILURE,
	HTTP_MEASURES
};

static const struct measure http_measures[HTTP_MEASURES] = {
	[HTTP_CONNECT] = {"connect_seconds", MEASURE_GAUGE,
			  "Time to connect by TCP in the last run, added up over redirects"},
	[HTTP_TLS] = {"tls_seconds", MEASURE_GAUGE,
		      "Time of the TLS handshakes of the last run, added up over redirects"},
	[HTTP_PROCESSING] = {"processing_seconds", MEASURE_GAUGE,
			     "Time from the request to the first byte of the answer in the last run, added up over "
			     "redirects"},
	[HTTP_TRANSFER] =
		{"transfer_seconds", MEASURE_GAUGE,
		 "Time from the first byte of the answer to the last in the last run, added up over redirects"},
	[HTTP_RESPONSE] = {"response_seconds", MEASURE_HISTOGRAM,
			   "Time of a whole run, from the name to the last byte, when an answer came"},
	[HTTP_STATUS] = {"status_code", MEASURE_INTEGER, "Status of the final answer"},
	[HTTP_REDIRECTS] = {"redirects", MEASURE_INTEGER, "Redirects seen in the last run, followed or not"},
	[HTTP_CONTENT_LENGTH] = {"content_length_bytes", MEASURE_INTEGER,
				 "Length of the final answer's body as its head says"},
	[HTTP_BODY_BYTES] = {"body_bytes", MEASURE_INTEGER, "Body of the final answer after decompression"},
	[HTTP_RECEIVED_BYTES] = {"received_bytes", MEASURE_INTEGER, "Body of the final answer as it was received"},
	[HTTP_THROUGHPUT] = {"throughput_bytes_per_second", MEASURE_GAUGE,
			     "Rate at which the final answer's body was received; only of one that takes at least 64 "
			     "KiB and a millisecond"},
	[HTTP_USES_TLS] = {"uses_tls", MEASURE_INTEGER, "1 if the final answer came over TLS"},
	[HTTP_VERSION] = {"version", MEASURE_GAUGE, "Version of HTTP of the final answer: 1.0, 1.1, 2 or 3"},
	[HTTP_LAST_MODIFIED] = {"last_modified_timestamp_seconds", MEASURE_GAUGE,
				"Header Last-Modified of the final answer"},
	[HTTP_RULE_FAILED] = {"rule_failed", MEASURE_INTEGER, "1 if a header, body or JSON rule failed the run"},
	[HTTP_TCP_RTT] = {"tcp_rtt_seconds", MEASURE_GAUGE,
			  "Smoothed round-trip time of the last connection, as the kernel measured it"},
	[HTTP_TCP_RETRANSMITS] = {"tcp_retransmits", MEASURE_INTEGER,
				  "Segments that were sent again on the last connection"},
	[HTTP_TCP_DELIVERY_RATE] = {"tcp_delivery_rate_bytes_per_second", MEASURE_GAUGE,
				    "Rate at which the kernel last saw what was sent being acknowledged; a short "
				    "request makes it small"},
	[HTTP_FINAL_HOST] = {"final_host", MEASURE_TEXT, "Host that the final request went to"},
	[HTTP_FAILURE] = {"failure", MEASURE_TEXT, "What failed, in words"},
};

const struct measure_set http_set = {
	.name = "http",
	.measures = http_measures,
	.n = HTTP_MEASURES,
	.help = "Requests to a URL",
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static struct reading seconds(unsigned measure, int64_t ns)
{
	return reading_number(measure, clock_seconds(ns));
}

static size_t read_phases(const struct http_run *run, struct reading *out)
{
	size_t n = 0;
	if (!run->has_begun)
		return 0;
	out[n++] = seconds(HTTP_CONNECT, run->phases.connect_ns);
	out[n++] = seconds(HTTP_TLS, run->phases.tls_ns);
	out[n++] = seconds(HTTP_PROCESSING, run->phases.processing_ns);
	out[n++] = seconds(HTTP_TRANSFER, run->phases.transfer_ns);
	return n;
}

static size_t read_body(const struct http_figures *figures, struct reading *out)
{
	size_t n = 0;
	if (figures->content_length >= 0)
		out[n++] = reading_integer(HTTP_CONTENT_LENGTH, figures->content_length);
	out[n++] = reading_integer(HTTP_BODY_BYTES, figures->body_bytes);
	out[n++] = reading_integer(HTTP_RECEIVED_BYTES, figures->received_bytes);
	if (figures->received_bytes >= THROUGHPUT_BYTES_MIN && figures->body_ns >= THROUGHPUT_NS_MIN)
		out[n++] = reading_number(HTTP_THROUGHPUT,
					  (double)figures->received_bytes / clock_seconds(figures->body_ns));
	return n;
}

static size_t read_answer(const struct http_run *run, struct reading *out)
{
	const struct http_figures *figures = &run->figures;
	size_t n = 0;
	bool is_answered = figures->status != 0;
	if (is_answered)
		out[n++] = reading_integer(HTTP_STATUS, figures->status);
	if (run->has_begun)
		out[n++] = reading_integer(HTTP_REDIRECTS, run->redirects);
	if (is_answered)
		n += read_body(figures, out + n);
	out[n++] = reading_integer(HTTP_USES_TLS, is_answered && run->url->is_https);
	if (figures->version > 0)
		out[n++] = reading_number(HTTP_VERSION, figures->version);
	if (figures->last_modified >= 0)
		out[n++] = reading_number(HTTP_LAST_MODIFIED, (double)figures->last_modified);
	out[n++] = reading_integer(HTTP_RULE_FAILED, run->rule_failed);
	return n;
}

static size_t read_tcp(const struct http_tcp *tcp, struct reading *out)
{
	size_t n = 0;
	if (!tcp->is_known)
		return 0;
	out[n++] = reading_number(HTTP_TCP_RTT, (double)tcp->rtt_us / 1e6);
	out[n++] = reading_integer(HTTP_TCP_RETRANSMITS, tcp->retransmits);
	if (tcp->delivery_rate > 0)
		out[n++] = reading_number(HTTP_TCP_DELIVERY_RATE, (double)tcp->delivery_rate);
	return n;
}

static size_t read_tls(const struct http_run *run, struct tls_facts_rows *storage, struct row *rows)
{
	const struct http_client *client = run->client;
	bool has_tls = client != NULL && run->url->is_https && (client->contexts > 0 || run->http->kept != NULL);
	return has_tls ? tls_facts_make_rows(client->facts, storage, rows) : 0;
}

void http_report(struct http_run *run, enum reason reason)
{
	struct row rows[1 + TLS_FACTS_ROWS_MAX];
	struct reading readings[HTTP_MEASURES];
	struct tls_facts_rows tls;
	int64_t took_ns = clock_monotonic_ns() - run_begun_ns(run->run);
	size_t n = read_phases(run, readings);
	if (http_settings(run->http)->histogram != HTTP_HISTOGRAM_NONE)
		readings[n++] = reading_histogram(HTTP_RESPONSE, &took_ns, run->figures.is_answered);
	n += read_answer(run, readings + n);
	n += read_tcp(&run->tcp, readings + n);
	if (!http_tells_secret(run, run->url->host, strlen(run->url->host)))
		readings[n++] = reading_text(HTTP_FINAL_HOST, run->url->host);
	if (reason != REASON_OK)
		readings[n++] = reading_text(HTTP_FAILURE, run->failure);
	rows[0] = (struct row){.set = &http_set, .readings = readings, .n = n};
	run_finish(run->run, reason, rows, 1 + read_tls(run, &tls, rows + 1));
}

/* --- for people --------------------------------------------------------------------------------------------------- */

static const struct reading *find(const struct row *row, unsigned measure)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->readings[i].measure == measure)
			return &row->readings[i];
	return NULL;
}

static void print_phase(const struct row *row, unsigned measure, const char *name, FILE *out)
{
	const struct reading *reading = find(row, measure);
	if (reading != NULL)
		fprintf(out, "  %-10s %9.3f ms\n", name, reading->value.number * 1e3);
}

static void print_answer(const struct row *row, FILE *out)
{
	const struct reading *status = find(row, HTTP_STATUS), *version = find(row, HTTP_VERSION);
	const struct reading *body = find(row, HTTP_BODY_BYTES), *rate = find(row, HTTP_THROUGHPUT);
	if (status == NULL)
		return;
	fprintf(out, "status %" PRId64, status->value.integer);
	if (version != NULL)
		fprintf(out, ", HTTP/%.*f", version->value.number < 2, version->value.number);
	if (body != NULL)
		fprintf(out, ", %" PRId64 " bytes", body->value.integer);
	if (rate != NULL)
		fprintf(out, " at %.3g MB/s", rate->value.number / 1e6);
	fprintf(out, ", %" PRId64 " redirects\n", find(row, HTTP_REDIRECTS)->value.integer);
}

static void print_tls(const struct sample *sample, FILE *out)
{
	for (size_t i = 1; i < sample->nrows; i++) {
		const struct row *row = &sample->rows[i];
		bool is_leaf = row->set == &tls_certificate_set && row->nlabels > 1;
		if (row->set != &tls_connection_set && !is_leaf)
			continue;
		for (size_t j = 0; j < row->nlabels; j++)
			fprintf(out, "  %-10s %s\n", row->labels[j].name, row->labels[j].value);
	}
}

void http_print(const struct sample *sample, FILE *out)
{
	const struct row *row = &sample->rows[0];
	const struct reading *rtt = find(row, HTTP_TCP_RTT), *failure = find(row, HTTP_FAILURE);
	fprintf(out, "\n--- %s ---\n", sample->subject->target);
	print_answer(row, out);
	if (failure != NULL)
		fprintf(out, "failed (%s): %s\n", reason_name(sample->reason), failure->value.text);
	print_tls(sample, out);
	if (sample->lookup_ns >= 0)
		fprintf(out, "  %-10s %9.3f ms\n", "resolve", (double)sample->lookup_ns / 1e6);
	print_phase(row, HTTP_CONNECT, "connect", out);
	print_phase(row, HTTP_TLS, "tls", out);
	print_phase(row, HTTP_PROCESSING, "processing", out);
	print_phase(row, HTTP_TRANSFER, "transfer", out);
	fprintf(out, "  %-10s %9.3f ms\n", "total", (double)sample->took_ns / 1e6);
	if (rtt != NULL)
		fprintf(out, "  %-10s %9.3f ms, %" PRId64 " retransmits\n", "tcp rtt", rtt->value.number * 1e3,
			find(row, HTTP_TCP_RETRANSMITS)->value.integer);
}
