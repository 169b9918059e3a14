#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/probe_page.h"

/* --- sets as the probe types have them --------------------------------------------------------------------------- */

enum {
	HTTP_CONNECT,
	HTTP_TLS,
	HTTP_PROCESSING,
	HTTP_TRANSFER,
	HTTP_STATUS,
	HTTP_REDIRECTS,
	HTTP_LENGTH,
	HTTP_BODY,
	HTTP_USES_TLS,
	HTTP_VERSION,
	HTTP_MODIFIED,
	HTTP_RULE,
	HTTP_FAILURE,
	HTTP_HISTOGRAM,
	HTTP_COUNTER,
	HTTP_SPENT
};
static const struct measure http_measures[] = {
	[HTTP_CONNECT] = {"connect_seconds", MEASURE_GAUGE, "Connecting"},
	[HTTP_TLS] = {"tls_seconds", MEASURE_GAUGE, "TLS"},
	[HTTP_PROCESSING] = {"processing_seconds", MEASURE_GAUGE, "Processing"},
	[HTTP_TRANSFER] = {"transfer_seconds", MEASURE_GAUGE, "Transfer"},
	[HTTP_STATUS] = {"status_code", MEASURE_INTEGER, "Status"},
	[HTTP_REDIRECTS] = {"redirects", MEASURE_INTEGER, "Redirects"},
	[HTTP_LENGTH] = {"content_length_bytes", MEASURE_INTEGER, "Length"},
	[HTTP_BODY] = {"body_bytes", MEASURE_INTEGER, "Body"},
	[HTTP_USES_TLS] = {"uses_tls", MEASURE_INTEGER, "TLS?"},
	[HTTP_VERSION] = {"version", MEASURE_GAUGE, "Version"},
	[HTTP_MODIFIED] = {"last_modified_timestamp_seconds", MEASURE_GAUGE, "Modified"},
	[HTTP_RULE] = {"rule_failed", MEASURE_INTEGER, "Rule"},
	[HTTP_FAILURE] = {"failure", MEASURE_TEXT, "What failed"},
	[HTTP_HISTOGRAM] = {"response_seconds", MEASURE_HISTOGRAM, "Response"},
	[HTTP_COUNTER] = {"sent_total", MEASURE_COUNTER, "Back\\slash and\nline"},
	[HTTP_SPENT] = {"spent_seconds_total", MEASURE_COUNTER_SECONDS, "Spent"},
};
static const struct measure_set http_set = {"http", http_measures, 16, NULL, "A request"};

enum { TCP_RULE, TCP_BYTES };
static const struct measure tcp_measures[] = {
	[TCP_RULE] = {"rule_failed", MEASURE_INTEGER, "Rule"},
	[TCP_BYTES] = {"bytes_failed", MEASURE_INTEGER, "Bytes"},
};
static const struct measure_set tcp_set = {"tcp", tcp_measures, 2, NULL, "A connection"};

enum { DNS_CONNECT, DNS_REQUEST, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_ANSWERED, DNS_SERIAL };
static const struct measure dns_measures[] = {
	[DNS_CONNECT] = {"connect_seconds", MEASURE_GAUGE, "Connecting"},
	[DNS_REQUEST] = {"request_seconds", MEASURE_GAUGE, "Asking"},
	[DNS_ANSWER] = {"answer_rrs", MEASURE_INTEGER, "Answer"},
	[DNS_AUTHORITY] = {"authority_rrs", MEASURE_INTEGER, "Authority"},
	[DNS_ADDITIONAL] = {"additional_rrs", MEASURE_INTEGER, "Additional"},
	[DNS_ANSWERED] = {"answered", MEASURE_INTEGER, "Answered"},
	[DNS_SERIAL] = {"serial", MEASURE_INTEGER, "Serial"},
};
static const struct measure_set dns_set = {"dns", dns_measures, 7, NULL, "A question"};

enum { PING_RTT, PING_LIMIT };
static const struct measure ping_measures[] = {
	[PING_RTT] = {"rtt_avg_seconds", MEASURE_GAUGE, "RTT"},
	[PING_LIMIT] = {"reply_hop_limit", MEASURE_INTEGER, "Hop limit"},
};
static const struct measure_set ping_set = {"ping", ping_measures, 2, NULL, "Echoes"};

enum { TLS_EARLIEST, TLS_CHAIN };
static const struct measure tls_measures[] = {
	[TLS_EARLIEST] = {"earliest_expiry_timestamp_seconds", MEASURE_GAUGE, "Earliest"},
	[TLS_CHAIN] = {"chain_expiry_timestamp_seconds", MEASURE_GAUGE, "Chain"},
};
static const struct measure_set tls_set = {"tls", tls_measures, 2, NULL, "TLS"};

static const struct measure info_measures[] = {{"info", MEASURE_INFO, "Info"}};
static const struct measure_set connection_set = {"tls_connection", info_measures, 1, NULL, "A connection"};
static const struct measure_set certificate_set = {"tls_certificate", info_measures, 1, NULL, "A certificate"};
static const struct measure_set expect_set = {"tcp_expect", info_measures, 1, NULL, "Something expected"};

#define ROW(of, what)                                                                                                  \
	{                                                                                                              \
		.set = &(of), .readings = (what), .n = sizeof(what) / sizeof((what)[0])                                \
	}
#define LABELLED(of, what)                                                                                             \
	{                                                                                                              \
		.set = &(of), .labels = (what), .nlabels = sizeof(what) / sizeof((what)[0]), .readings = info, .n = 1  \
	}
static const struct reading info[] = {{.measure = 0}};

/* --- pages ------------------------------------------------------------------------------------------------------- */

static char *write_page(const struct probe_page *page)
{
	struct text out = {0};
	probe_page_write(page, &out);
	char *string = mem_copy_string(text_string(&out));
	text_free(&out);
	return string;
}

static char *write_sample(const char *type, struct sample *sample, const struct row *rows, size_t n)
{
	sample->rows = rows;
	sample->nrows = n;
	if (sample->took_ns == 0)
		sample->took_ns = 1500 * 1000 * 1000;
	const struct probe_page page = {.sample = sample, .type = type, .timeout_ns = INT64_C(9500) * 1000 * 1000};
	return write_page(&page);
}

static size_t count(const char *page, const char *what)
{
	size_t n = 0;
	for (const char *at = strstr(page, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* Is this line in the page, exactly once? */
static void expect_line(const char *page, const char *line)
{
	char *whole = mem_format("\n%s\n", line);
	cr_expect_eq(count(page, whole), 1, "%s is not in\n%s", line, page);
	mem_free(whole);
}

static void expect_lines(const char *page, const char *const *lines)
{
	for (; *lines; lines++)
		expect_line(page, *lines);
}

static void expect_none(const char *page, const char *what)
{
	cr_expect_eq(count(page, what), 0, "%s is in\n%s", what, page);
}

static struct address address_of(const char *text)
{
	struct address address;
	cr_assert(address_parse(text, &address));
	return address;
}

/* All of a page, to the byte. */
Test(probe_page, whole)
{
	const struct reading readings[] = {reading_number(PING_RTT, 0.0125), reading_integer(PING_LIMIT, 57)};
	const struct row rows[] = {ROW(ping_set, readings)};
	struct sample sample = {.address = address_of("10.42.49.95"), .lookup_ns = 2000};
	char *page = write_sample("ping", &sample, rows, 1);
	cr_expect_str_eq(
		page,
		"# HELP probe_dns_lookup_time_seconds Time that resolving the target's name took, in seconds\n"
		"# TYPE probe_dns_lookup_time_seconds gauge\n"
		"probe_dns_lookup_time_seconds 2e-06\n"
		"# HELP probe_duration_seconds Time that the probe took, in seconds\n"
		"# TYPE probe_duration_seconds gauge\n"
		"probe_duration_seconds 1.5\n"
		"# HELP probe_icmp_duration_seconds Time that each phase of the probe took, in seconds\n"
		"# TYPE probe_icmp_duration_seconds gauge\n"
		"probe_icmp_duration_seconds{phase=\"resolve\"} 2e-06\n"
		"probe_icmp_duration_seconds{phase=\"rtt\"} 0.0125\n"
		"probe_icmp_duration_seconds{phase=\"setup\"} 0\n"
		"# HELP probe_icmp_reply_hop_limit Hop limit (IPv4: time to live) of the reply\n"
		"# TYPE probe_icmp_reply_hop_limit gauge\n"
		"probe_icmp_reply_hop_limit 57\n"
		"# HELP probe_ip_addr_hash FNV-1a hash of the address that was used; it changes when the address does\n"
		"# TYPE probe_ip_addr_hash gauge\n"
		"probe_ip_addr_hash 3.521344457e+09\n"
		"# HELP probe_ip_protocol Version of the IP protocol that was used, 4 or 6; 0 for none\n"
		"# TYPE probe_ip_protocol gauge\n"
		"probe_ip_protocol 4\n"
		"# HELP probe_success Whether the probe succeeded\n"
		"# TYPE probe_success gauge\n"
		"probe_success 1\n"
		"# HELP probe_timeout_seconds Time that the probe was given, in seconds\n"
		"# TYPE probe_timeout_seconds gauge\n"
		"probe_timeout_seconds 9.5\n"
		"# HELP netsonde_ping_reply_hop_limit Hop limit\n"
		"# TYPE netsonde_ping_reply_hop_limit gauge\n"
		"netsonde_ping_reply_hop_limit 57\n"
		"# HELP netsonde_ping_rtt_avg_seconds RTT\n"
		"# TYPE netsonde_ping_rtt_avg_seconds gauge\n"
		"netsonde_ping_rtt_avg_seconds 0.0125\n"
		"# HELP netsonde_probe_success Whether the run succeeded\n"
		"# TYPE netsonde_probe_success gauge\n"
		"netsonde_probe_success 1\n");
	mem_free(page);
}

Test(probe_page, ping_that_failed)
{
	const struct reading readings[] = {reading_integer(PING_LIMIT, 57)};
	const struct row rows[] = {ROW(ping_set, readings)};
	struct sample sample = {.reason = REASON_TIMEOUT, .address = address_of("2001:db8::1"), .lookup_ns = 0};
	static const char *const lines[] = {"probe_success 0",
					    "probe_icmp_duration_seconds{phase=\"resolve\"} 0",
					    "probe_icmp_duration_seconds{phase=\"setup\"} 0",
					    "probe_icmp_duration_seconds{phase=\"rtt\"} 0",
					    "probe_ip_protocol 6",
					    "netsonde_probe_success 0",
					    "netsonde_probe_failure_info{reason=\"timeout\"} 1",
					    NULL};
	char *page = write_sample("ping", &sample, rows, 1);
	expect_lines(page, lines);
	expect_none(page, "probe_icmp_reply_hop_limit ");
	expect_line(page, "netsonde_ping_reply_hop_limit 57");
	mem_free(page);
}

/* Without a sample there is what is always there. */
Test(probe_page, nothing_was_run)
{
	static const struct {
		const char *type;
		const char *const lines[10];
	} cases[] = {
		{"ping", {"probe_icmp_duration_seconds{phase=\"rtt\"} 0"}},
		{"tcp", {NULL}},
		{"udp", {NULL}},
		{"http",
		 {"probe_http_status_code 0", "probe_http_content_length 0", "probe_http_uncompressed_body_length 0",
		  "probe_http_redirects 0", "probe_http_ssl 0", "probe_http_version 0", "probe_failed_due_to_regex 0"}},
		{"dns",
		 {"probe_dns_duration_seconds{phase=\"resolve\"} 0", "probe_dns_duration_seconds{phase=\"connect\"} 0",
		  "probe_dns_duration_seconds{phase=\"request\"} 0", "probe_dns_answer_rrs 0",
		  "probe_dns_authority_rrs 0", "probe_dns_additional_rrs 0", "probe_dns_query_succeeded 0"}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct probe_page from = {
			.reason = REASON_DENIED, .type = cases[i].type, .timeout_ns = 1000, .took_ns = 3000};
		char *page = write_page(&from);
		expect_lines(page, cases[i].lines);
		expect_line(page, "probe_success 0");
		expect_line(page, "probe_duration_seconds 3e-06");
		expect_line(page, "netsonde_probe_failure_info{reason=\"denied\"} 1");
		expect_none(page, "probe_ip_");
		expect_none(page, "probe_dns_lookup");
		expect_none(page, "probe_http_duration_seconds");
		mem_free(page);
	}
}

/* --- http -------------------------------------------------------------------------------------------------------- */

static const struct reading http_readings[] = {
	{.measure = HTTP_CONNECT, .value.number = 0.1},
	{.measure = HTTP_TLS, .value.number = 0.2},
	{.measure = HTTP_PROCESSING, .value.number = 0.3},
	{.measure = HTTP_TRANSFER, .value.number = 0.4},
	{.measure = HTTP_STATUS, .value.integer = 200},
	{.measure = HTTP_REDIRECTS, .value.integer = 1},
	{.measure = HTTP_LENGTH, .value.integer = 1234567},
	{.measure = HTTP_BODY, .value.integer = 42},
	{.measure = HTTP_USES_TLS, .value.integer = 1},
	{.measure = HTTP_VERSION, .value.number = 1.1},
	{.measure = HTTP_MODIFIED, .value.number = 1.7e9},
	{.measure = HTTP_RULE, .value.integer = 1},
	{.measure = HTTP_FAILURE, .value.text = "no"},
	{.measure = HTTP_COUNTER, .value.integer = 7},
	{.measure = HTTP_SPENT, .value.integer = 250 * 1000 * 1000},
};
static const struct label connection_labels[] = {{"version", "TLS 1.3"}, {"cipher", "TLS_AES_128_GCM_SHA256"}};
static const struct label position_labels[] = {{"position", "0"}};
static const struct label leaf_labels[] = {
	{"subject", "CN=a,O=\"b\\c\""}, {"issuer", "CN=i\nj"}, {"fingerprint_sha256", "00ff"}, {"serialnumber", "01"}};
static const struct reading tls_readings[] = {{.measure = TLS_EARLIEST, .value.number = 1893456000},
					      {.measure = TLS_CHAIN, .value.number = 1893456001}};

static const char *const tls_lines[] = {
	"probe_ssl_earliest_cert_expiry 1.893456e+09", "probe_ssl_last_chain_expiry_timestamp_seconds 1.893456001e+09",
	"probe_ssl_last_chain_info{fingerprint_sha256=\"00ff\",issuer=\"CN=i\\nj\",serialnumber=\"01\","
	"subject=\"CN=a,O=\\\"b\\\\c\\\"\",subjectalternative=\"\"} 1",
	"probe_tls_version_info{version=\"TLS 1.3\"} 1", NULL};

Test(probe_page, http)
{
	const struct row rows[] = {ROW(http_set, http_readings), ROW(tls_set, tls_readings),
				   LABELLED(connection_set, connection_labels),
				   LABELLED(certificate_set, position_labels), LABELLED(certificate_set, leaf_labels)};
	static const char *const lines[] = {"probe_http_duration_seconds{phase=\"resolve\"} 0.5",
					    "probe_http_duration_seconds{phase=\"connect\"} 0.1",
					    "probe_http_duration_seconds{phase=\"tls\"} 0.2",
					    "probe_http_duration_seconds{phase=\"processing\"} 0.3",
					    "probe_http_duration_seconds{phase=\"transfer\"} 0.4",
					    "probe_http_status_code 200",
					    "probe_http_content_length 1.234567e+06",
					    "probe_http_uncompressed_body_length 42",
					    "probe_http_redirects 1",
					    "probe_http_ssl 1",
					    "probe_http_version 1.1",
					    "probe_failed_due_to_regex 1",
					    "probe_http_last_modified_timestamp_seconds 1.7e+09",
					    "probe_tls_cipher_info{cipher=\"TLS_AES_128_GCM_SHA256\"} 1",
					    "# HELP netsonde_http_sent_total Back\\\\slash and\\nline",
					    "# TYPE netsonde_http_sent_total counter",
					    "netsonde_http_sent_total 7",
					    "# TYPE netsonde_http_spent_seconds_total counter",
					    "netsonde_http_spent_seconds_total 0.25",
					    "netsonde_tls_connection_info{version=\"TLS 1.3\","
					    "cipher=\"TLS_AES_128_GCM_SHA256\"} 1",
					    NULL};
	struct sample sample = {.reason = REASON_CONTENT, .lookup_ns = 500 * 1000 * 1000};
	char *page = write_sample("http", &sample, rows, 5);
	expect_lines(page, lines);
	expect_lines(page, tls_lines);
	expect_line(page, "probe_ip_protocol 0");
	expect_line(page, "probe_ip_addr_hash 0");
	expect_none(page, "failure{");
	expect_none(page, "netsonde_http_failure");
	mem_free(page);
}

/* The certificate was refused: blackbox_exporter says nothing of it, netsonde does. */
Test(probe_page, http_with_a_bad_certificate)
{
	const struct reading readings[] = {reading_number(HTTP_CONNECT, 0.1), reading_number(HTTP_TLS, 0.2),
					   reading_integer(HTTP_USES_TLS, 1)};
	const struct row rows[] = {ROW(http_set, readings), ROW(tls_set, tls_readings),
				   LABELLED(connection_set, connection_labels), LABELLED(certificate_set, leaf_labels)};
	struct sample sample = {.reason = REASON_TLS_VERIFY, .lookup_ns = -1};
	char *page = write_sample("http", &sample, rows, 4);
	expect_line(page, "probe_http_ssl 0");
	expect_line(page, "probe_http_content_length 0");
	expect_line(page, "probe_http_version 0");
	expect_none(page, "\nprobe_ssl");
	expect_none(page, "\nprobe_tls");
	expect_none(page, "phase=\"resolve\"");
	expect_none(page, "phase=\"transfer\"");
	expect_line(page, "netsonde_tls_earliest_expiry_timestamp_seconds 1.893456e+09");
	mem_free(page);
}

/* An answer without a length; a redirect from TLS to plain HTTP. */
Test(probe_page, http_without_tls)
{
	const struct reading readings[] = {reading_integer(HTTP_STATUS, 302), reading_integer(HTTP_USES_TLS, 0)};
	const struct row rows[] = {ROW(http_set, readings), ROW(tls_set, tls_readings),
				   LABELLED(connection_set, connection_labels)};
	struct sample sample = {.lookup_ns = 0};
	char *page = write_sample("http", &sample, rows, 3);
	expect_line(page, "probe_http_status_code 302");
	expect_line(page, "probe_http_content_length -1");
	expect_line(page, "probe_http_ssl 0");
	expect_none(page, "\nprobe_tls");
	expect_none(page, "\nprobe_http_last_modified");
	mem_free(page);
}

/* --- tcp --------------------------------------------------------------------------------------------------------- */

Test(probe_page, tcp)
{
	const struct reading readings[] = {reading_integer(TCP_RULE, 1), reading_integer(TCP_BYTES, 0)};
	static const struct label expected[] = {{"banner", "ESMTP \xff\xfe x\xc3\xa9"}};
	static const struct reading unverified[] = {{.measure = TLS_EARLIEST, .value.number = 1893456000}};
	const struct row rows[] = {ROW(tcp_set, readings), ROW(tls_set, unverified),
				   LABELLED(connection_set, connection_labels), LABELLED(certificate_set, leaf_labels),
				   LABELLED(expect_set, expected)};
	struct sample sample = {.reason = REASON_CONTENT, .lookup_ns = 0};
	char *page = write_sample("tcp", &sample, rows, 5);
	expect_line(page, "probe_failed_due_to_regex 1");
	expect_line(page, "probe_failed_due_to_bytes 0");
	expect_line(page, "probe_expect_info{banner=\"ESMTP \xEF\xBF\xBD\xEF\xBF\xBD x\xc3\xa9\"} 1");
	expect_line(page, "probe_ssl_last_chain_expiry_timestamp_seconds -6.21355968e+10");
	expect_line(page, "probe_tls_version_info{version=\"TLS 1.3\"} 1");
	expect_none(page, "\nprobe_tls_cipher_info");
	mem_free(page);
}

Test(probe_page, tcp_with_one_kind_of_rule)
{
	const struct reading readings[] = {reading_integer(TCP_BYTES, 1)};
	const struct row rows[] = {ROW(tcp_set, readings)};
	struct sample sample = {.reason = REASON_CONTENT, .lookup_ns = 0};
	char *page = write_sample("tcp", &sample, rows, 1);
	expect_line(page, "probe_failed_due_to_regex 0");
	expect_line(page, "probe_failed_due_to_bytes 1");
	mem_free(page);
	/* Not connected. */
	page = write_sample("tcp", &sample, NULL, 0);
	expect_none(page, "probe_failed_due_to");
	mem_free(page);
}

/* --- dns, others ------------------------------------------------------------------------------------------------- */

Test(probe_page, dns)
{
	const struct reading readings[] = {reading_number(DNS_CONNECT, 0.001),     reading_number(DNS_REQUEST, 0.002),
					   reading_integer(DNS_ANSWER, 1),         reading_integer(DNS_AUTHORITY, 2),
					   reading_integer(DNS_ADDITIONAL, 3),     reading_integer(DNS_ANSWERED, 1),
					   reading_integer(DNS_SERIAL, 2026010101)};
	const struct row rows[] = {ROW(dns_set, readings), LABELLED(connection_set, connection_labels)};
	static const char *const lines[] = {"probe_dns_duration_seconds{phase=\"connect\"} 0.001",
					    "probe_dns_duration_seconds{phase=\"request\"} 0.002",
					    "probe_dns_duration_seconds{phase=\"resolve\"} 0.25",
					    "probe_dns_answer_rrs 1",
					    "probe_dns_authority_rrs 2",
					    "probe_dns_additional_rrs 3",
					    "probe_dns_query_succeeded 1",
					    "probe_dns_serial 2.026010101e+09",
					    NULL};
	struct sample sample = {.reason = REASON_RCODE, .lookup_ns = 250 * 1000 * 1000};
	char *page = write_sample("dns", &sample, rows, 2);
	expect_lines(page, lines);
	expect_none(page, "\nprobe_tls");
	mem_free(page);
}

/* Lines that are the same come once, families come together, labels in their order. */
Test(probe_page, order)
{
	static const struct label first[] = {{"n", "b"}}, second[] = {{"n", "a"}}, third[] = {{"n", "b"}};
	static const struct measure_set other = {"a", info_measures, 1, NULL, "Something"};
	const struct row rows[] = {LABELLED(other, first), LABELLED(other, second), LABELLED(other, third)};
	struct sample sample = {.lookup_ns = -1};
	char *page = write_sample("udp", &sample, rows, 3);
	cr_expect(strstr(page, "# HELP netsonde_a_info Info\n# TYPE netsonde_a_info gauge\n"
			       "netsonde_a_info{n=\"a\"} 1\nnetsonde_a_info{n=\"b\"} 1\n# HELP netsonde_probe_success"),
		  "%s", page);
	mem_free(page);
}
