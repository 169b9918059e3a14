/*
 * TCP and UDP: the readings of a run, and its log.
 */
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "probes/tcp/exchange.h"

#define LOG_BYTES_MAX 200

enum {
	TCP_CONNECT,
	TCP_TLS,
	TCP_DIALOGUE,
	TCP_RULE_FAILED,
	TCP_BYTES_FAILED,
	TCP_STEPS,
	TCP_RECEIVED,
	TCP_RTT,
	TCP_RETRANSMITS,
	TCP_FAILURE,
	TCP_MEASURES
};

static const struct measure tcp_measures[TCP_MEASURES] = {
	[TCP_CONNECT] = {"connect_seconds", MEASURE_GAUGE, "Until the connection was there"},
	[TCP_TLS] = {"tls_seconds", MEASURE_GAUGE, "The TLS handshake"},
	[TCP_DIALOGUE] = {"dialogue_seconds", MEASURE_GAUGE,
			  "The steps, as far as they went, without the TLS handshake"},
	[TCP_RULE_FAILED] = {"rule_failed", MEASURE_INTEGER,
			     "1 if the server ended before a line matched an expect, or sent one that is rejected"},
	[TCP_BYTES_FAILED] = {"bytes_failed", MEASURE_INTEGER, "1 if other bytes came than an expect_bytes wants"},
	[TCP_STEPS] = {"steps", MEASURE_INTEGER, "Steps that were done"},
	[TCP_RECEIVED] = {"received_bytes", MEASURE_INTEGER, "What the server sent, above TCP and below TLS's end"},
	[TCP_RTT] = {"rtt_seconds", MEASURE_GAUGE, "Smoothed round-trip time of the connection, as the kernel sees it"},
	[TCP_RETRANSMITS] = {"retransmits", MEASURE_INTEGER, "Segments that the kernel sent again in this connection"},
	[TCP_FAILURE] = {"failure", MEASURE_TEXT, "What failed, in words"},
};

const struct measure_set tcp_set = {
	.name = "tcp",
	.measures = tcp_measures,
	.n = TCP_MEASURES,
	.help = "A TCP connection to a target, and a dialogue on it",
};

static const struct measure expect_measures[] = {
	{"info", MEASURE_INFO, "What the steps have captured, as labels"},
};

const struct measure_set tcp_expect_set = {
	.name = "tcp_expect",
	.measures = expect_measures,
	.n = 1,
	.help = "One row for a run that captured something: its labels are those of the steps",
};

enum { UDP_REQUEST, UDP_RULE_FAILED, UDP_BYTES_FAILED, UDP_ATTEMPTS, UDP_BYTES, UDP_FAILURE, UDP_MEASURES };

static const struct measure udp_measures[UDP_MEASURES] = {
	[UDP_REQUEST] = {"request_seconds", MEASURE_GAUGE,
			 "From the first request to the answer that ended the dialogue"},
	[UDP_RULE_FAILED] = {"rule_failed", MEASURE_INTEGER, "1 if a line came that is rejected"},
	[UDP_BYTES_FAILED] = {"bytes_failed", MEASURE_INTEGER, "1 if other bytes came than an expect_bytes wants"},
	[UDP_ATTEMPTS] = {"attempts", MEASURE_INTEGER, "How often the last request was sent"},
	[UDP_BYTES] = {"bytes", MEASURE_INTEGER, "Payload of the datagrams that came"},
	[UDP_FAILURE] = {"failure", MEASURE_TEXT, "What failed, in words"},
};

const struct measure_set udp_set = {
	.name = "udp",
	.measures = udp_measures,
	.n = UDP_MEASURES,
	.help = "A dialogue in UDP datagrams with a target",
};

/* --- readings ----------------------------------------------------------------------------------------------------- */

static size_t read_kernel(const struct exchange_run *run, struct reading *out)
{
	struct tcp_info info;
	size_t n = 0;
	if (!run->dial || dial_tcp_info(run->dial, &info) != 0)
		return 0;
	if (info.tcpi_rtt > 0)
		out[n++] = reading_number(TCP_RTT, info.tcpi_rtt / 1e6);
	out[n++] = reading_integer(TCP_RETRANSMITS, info.tcpi_total_retrans);
	return n;
}

/* TLS that began in the middle has taken its time of the dialogue's. */
static int64_t dialogue_ns(const struct exchange_run *run)
{
	int64_t took_ns = clock_monotonic_ns() - run->talk_begun_ns;
	int64_t tls_ns = dial_tls_ns(run->dial);
	return tls_ns > 0 && dialogue_has_starttls(run->exchange->dialogue) ? took_ns - tls_ns : took_ns;
}

static size_t read_tcp(const struct exchange_run *run, struct reading *out)
{
	size_t n = 0;
	bool has_steps = !dialogue_is_empty(run->exchange->dialogue);
	if (run->dial && dial_connect_ns(run->dial) >= 0)
		out[n++] = reading_number(TCP_CONNECT, clock_seconds(dial_connect_ns(run->dial)));
	if (run->dial && dial_tls_ns(run->dial) >= 0)
		out[n++] = reading_number(TCP_TLS, clock_seconds(dial_tls_ns(run->dial)));
	if (run->is_connected && has_steps)
		out[n++] = reading_number(TCP_DIALOGUE, clock_seconds(dialogue_ns(run)));
	if (run->is_connected) {
		out[n++] = reading_integer(TCP_RULE_FAILED, run->talk.failure == DIALOGUE_RULE);
		out[n++] = reading_integer(TCP_BYTES_FAILED, run->talk.failure == DIALOGUE_BYTES);
	}
	if (run->is_connected && has_steps) {
		out[n++] = reading_integer(TCP_STEPS, (int64_t)run->talk.steps);
		out[n++] = reading_integer(TCP_RECEIVED, run->received_bytes);
	}
	n += read_kernel(run, out + n);
	if (run->failure[0])
		out[n++] = reading_text(TCP_FAILURE, run->failure);
	return n;
}

static size_t read_udp(const struct exchange_run *run, enum reason reason, struct reading *out)
{
	size_t n = 0;
	if (reason == REASON_OK)
		out[n++] = reading_number(UDP_REQUEST, clock_seconds(clock_monotonic_ns() - run->talk_begun_ns));
	if (run->is_connected) {
		out[n++] = reading_integer(UDP_RULE_FAILED, run->talk.failure == DIALOGUE_RULE);
		out[n++] = reading_integer(UDP_BYTES_FAILED, run->talk.failure == DIALOGUE_BYTES);
		out[n++] = reading_integer(UDP_ATTEMPTS, run->attempts);
		out[n++] = reading_integer(UDP_BYTES, run->received_bytes);
	}
	if (run->failure[0])
		out[n++] = reading_text(UDP_FAILURE, run->failure);
	return n;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static bool is_taken(const struct exchange_run *run, const char *name)
{
	size_t n;
	const struct label *labels = probe_target_labels(run->exchange->probe, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A label that the target has itself goes: the same name twice would spoil the page. */
static size_t take_labels(const struct exchange_run *run, struct label *out)
{
	size_t n = 0;
	for (size_t i = 0; i < run->talk.nlabels; i++) {
		if (!is_taken(run, run->talk.labels[i].name))
			out[n++] = run->talk.labels[i];
		else
			run_log(run->run, "the label %s is left out: the target has one of that name",
				run->talk.labels[i].name);
	}
	return n;
}

static size_t make_expect_row(const struct label *labels, size_t n, struct row *out)
{
	static const struct reading info[] = {{.measure = 0, .value.integer = 1}};
	if (n == 0)
		return 0;
	*out = (struct row){.set = &tcp_expect_set, .labels = labels, .nlabels = n, .readings = info, .n = 1};
	return 1;
}

void exchange_report(struct exchange_run *run, enum reason reason)
{
	struct reading readings[TCP_MEASURES + UDP_MEASURES];
	struct label labels[DIALOGUE_LABELS_MAX];
	struct tls_facts_rows storage;
	struct row rows[2 + TLS_FACTS_ROWS_MAX];
	bool is_datagram = run->exchange->is_datagram;
	size_t n = 1;
	rows[0] = (struct row){.set = is_datagram ? &udp_set : &tcp_set, .readings = readings};
	rows[0].n = is_datagram ? read_udp(run, reason, readings) : read_tcp(run, readings);
	n += make_expect_row(labels, take_labels(run, labels), rows + n);
	n += tls_facts_make_rows(&run->facts, &storage, rows + n);
	run->is_over = true;
	run_finish(run->run, reason, rows, n);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

/* What is sent may be a password: only how much it was is told. */
void exchange_log(void *arg, const char *what, const char *bytes, size_t n)
{
	const struct exchange_run *run = arg;
	char shown[LOG_BYTES_MAX * 4 + 1];
	size_t length = 0;
	if (strcmp(what, "send") == 0) {
		run_log(run->run, "send: %zu bytes", n);
		return;
	}
	for (size_t i = 0; i < n && i < LOG_BYTES_MAX; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool is_plain = c >= ' ' && c < 0x7f && c != '\\';
		length += (size_t)snprintf(shown + length, 5, is_plain ? "%c" : "\\x%02x", c);
	}
	shown[length] = '\0';
	run_log(run->run, "%s: %s%s", what, shown, n > LOG_BYTES_MAX ? " ..." : "");
}
