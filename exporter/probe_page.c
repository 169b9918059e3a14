#include "exporter/probe_page.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/utf8.h"
#include "exporter/go_number.h"

#define NS_TO_SECONDS(ns) ((double)(ns) / 1e9)

/* What Go makes of a time that was never set: the answer where there is no verified chain. */
#define GO_ZERO_TIME (-62135596800.0)

#define FNV_OFFSET UINT32_C(2166136261)
#define FNV_PRIME  UINT32_C(16777619)

/* A piece of the page's text. */
struct piece {
	size_t at, length;
};

/* One line of the answer before it is put in order. */
struct line {
	bool is_extra; /* netsonde's own: after the others */
	bool is_counter;
	struct piece name, labels;
	const char *help;
	double value;
};

struct page {
	const struct probe_page *from;
	struct text text; /* names and labels of all lines */
	struct line *lines;
	size_t n, capacity;
};

/* --- lines ------------------------------------------------------------------------------------------------------- */

static struct line *add_line(struct page *page, const char *name, const char *help, double value)
{
	if (page->n == page->capacity) {
		page->capacity = page->capacity ? 2 * page->capacity : 64;
		page->lines = mem_resize(page->lines, page->capacity, sizeof(*page->lines));
	}
	struct line *line = &page->lines[page->n++];
	*line = (struct line){.name = {page->text.length, strlen(name)}, .help = help, .value = value};
	text_add(&page->text, name);
	return line;
}

static void add_escaped(struct text *out, const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (value[i] == '\n')
			text_add(out, "\\n");
		else if (value[i] == '\\' || value[i] == '"')
			text_add_format(out, "\\%c", value[i]);
		else
			text_add_char(out, value[i]);
	}
}

/* What is not UTF-8 would make Prometheus refuse the whole page: each such byte becomes U+FFFD. */
static void add_value(struct text *out, const char *value)
{
	size_t left = strlen(value);
	while (left > 0) {
		size_t valid = utf8_length(value, left);
		add_escaped(out, value, valid);
		if (valid == left)
			break;
		text_add(out, "\xEF\xBF\xBD");
		value += valid + 1;
		left -= valid + 1;
	}
}

/* Unlike those of /metrics, labels are never cut, and shown when they are empty: as blackbox_exporter does. */
static void add_labels(struct page *page, struct line *line, const struct label *labels, size_t n)
{
	line->labels.at = page->text.length;
	for (size_t i = 0; i < n; i++) {
		text_add(&page->text, i > 0 ? "," : "");
		text_add(&page->text, labels[i].name);
		text_add(&page->text, "=\"");
		add_value(&page->text, labels[i].value);
		text_add_char(&page->text, '"');
	}
	line->labels.length = page->text.length - line->labels.at;
}

static void add_labelled(struct page *page, const char *name, const char *help, struct label label)
{
	add_labels(page, add_line(page, name, help, 1), &label, 1);
}

static void add_phase(struct page *page, const char *name, const char *phase, double seconds)
{
	add_labels(page, add_line(page, name, "Time that each phase of the probe took, in seconds", seconds),
		   &(struct label){"phase", phase}, 1);
}

/* --- what a sample says ------------------------------------------------------------------------------------------ */

static const struct row *find_row(const struct page *page, const char *set)
{
	const struct sample *sample = page->from->sample;
	for (size_t i = 0; sample && i < sample->nrows; i++) {
		if (strcmp(sample->rows[i].set->name, set) == 0)
			return &sample->rows[i];
	}
	return NULL;
}

static double reading_value(const struct measure *measure, const struct reading *reading)
{
	switch (measure->kind) {
	case MEASURE_COUNTER_SECONDS:
		return NS_TO_SECONDS(reading->value.integer);
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
		return (double)reading->value.integer;
	case MEASURE_GAUGE:
		return reading->value.number;
	default:
		return 1;
	}
}

/* Returns false when the row, which may be NULL, does not have it. */
static bool find_reading(const struct row *row, const char *measure, double *value)
{
	for (size_t i = 0; row && i < row->n; i++) {
		const struct measure *found = &row->set->measures[row->readings[i].measure];
		if (strcmp(found->name, measure) == 0) {
			*value = reading_value(found, &row->readings[i]);
			return true;
		}
	}
	return false;
}

static double reading_or(const struct row *row, const char *measure, double otherwise)
{
	find_reading(row, measure, &otherwise);
	return otherwise;
}

static const char *find_label(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->nlabels; i++) {
		if (strcmp(row->labels[i].name, name) == 0)
			return row->labels[i].value;
	}
	return NULL;
}

static enum reason page_reason(const struct page *page)
{
	return page->from->sample ? page->from->sample->reason : page->from->reason;
}

static bool has_lookup(const struct page *page)
{
	return page->from->sample && page->from->sample->lookup_ns >= 0;
}

static double lookup_seconds(const struct page *page)
{
	return has_lookup(page) ? NS_TO_SECONDS(page->from->sample->lookup_ns) : 0;
}

/* --- what every type has ----------------------------------------------------------------------------------------- */

static uint32_t hash_address(const struct address *address)
{
	uint32_t hash = FNV_OFFSET;
	if (address->family == ADDRESS_NONE)
		return 0;
	for (size_t i = 0; i < address_families[address->family - 1].size; i++)
		hash = (hash ^ address->bytes[i]) * FNV_PRIME;
	return hash;
}

static void add_lookup(struct page *page)
{
	static const double protocols[] = {[ADDRESS_NONE] = 0, [ADDRESS_IPV4] = 4, [ADDRESS_IPV6] = 6};
	if (!has_lookup(page))
		return;
	const struct address *address = &page->from->sample->address;
	add_line(page, "probe_dns_lookup_time_seconds", "Time that resolving the target's name took, in seconds",
		 lookup_seconds(page));
	add_line(page, "probe_ip_protocol", "Version of the IP protocol that was used, 4 or 6; 0 for none",
		 protocols[address->family]);
	add_line(page, "probe_ip_addr_hash",
		 "FNV-1a hash of the address that was used; it changes when the address does", hash_address(address));
}

static void add_common(struct page *page)
{
	const struct probe_page *from = page->from;
	bool is_ok = page_reason(page) == REASON_OK;
	add_line(page, "probe_success", "Whether the probe succeeded", is_ok);
	add_line(page, "probe_duration_seconds", "Time that the probe took, in seconds",
		 NS_TO_SECONDS(from->sample ? from->sample->took_ns : from->took_ns));
	add_line(page, "probe_timeout_seconds", "Time that the probe was given, in seconds",
		 NS_TO_SECONDS(from->timeout_ns));
	add_lookup(page);
}

/* --- TLS --------------------------------------------------------------------------------------------------------- */

static void add_leaf(struct page *page)
{
	static const char *const names[] = {"fingerprint_sha256", "issuer", "serialnumber", "subject",
					    "subjectalternative"};
	struct label labels[sizeof(names) / sizeof(names[0])];
	const size_t n = sizeof(names) / sizeof(names[0]);
	const struct sample *sample = page->from->sample;
	for (size_t i = 0; i < sample->nrows; i++) {
		const struct row *row = &sample->rows[i];
		if (strcmp(row->set->name, "tls_certificate") != 0 || !find_label(row, names[0]))
			continue;
		for (size_t j = 0; j < n; j++) {
			const char *value = find_label(row, names[j]);
			labels[j] = (struct label){names[j], value ? value : ""};
		}
		add_labels(page, add_line(page, "probe_ssl_last_chain_info", "The certificate of the server itself", 1),
			   labels, n);
		return;
	}
}

static void add_connection_label(struct page *page, const char *label, const char *family, const char *help)
{
	const char *value = find_label(find_row(page, "tls_connection"), label);
	if (value)
		add_labelled(page, family, help, (struct label){label, value});
}

/* Nothing of it without a handshake, or when the certificate was refused. */
static void add_tls(struct page *page, bool has_cipher)
{
	const struct row *tls = find_row(page, "tls");
	double expiry;
	if (!find_row(page, "tls_connection") || page_reason(page) == REASON_TLS_VERIFY)
		return;
	if (find_reading(tls, "earliest_expiry_timestamp_seconds", &expiry))
		add_line(page, "probe_ssl_earliest_cert_expiry",
			 "When the first of the certificates that the server sent expires, as Unix time", expiry);
	add_line(page, "probe_ssl_last_chain_expiry_timestamp_seconds",
		 "When the verified chain expires, as Unix time; -62135596800 when there is none",
		 reading_or(tls, "chain_expiry_timestamp_seconds", GO_ZERO_TIME));
	add_leaf(page);
	add_connection_label(page, "version", "probe_tls_version_info", "Version of TLS that was used");
	if (has_cipher)
		add_connection_label(page, "cipher", "probe_tls_cipher_info", "Cipher suite that was used");
}

/* --- types ------------------------------------------------------------------------------------------------------- */

static void add_http_phases(struct page *page, const struct row *http)
{
	static const struct {
		const char *phase, *measure;
	} phases[] = {
		{"connect", "connect_seconds"},
		{"tls", "tls_seconds"},
		{"processing", "processing_seconds"},
		{"transfer", "transfer_seconds"},
	};
	static const char name[] = "probe_http_duration_seconds";
	double seconds;
	if (has_lookup(page))
		add_phase(page, name, "resolve", lookup_seconds(page));
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		if (find_reading(http, phases[i].measure, &seconds))
			add_phase(page, name, phases[i].phase, seconds);
	}
}

static void add_regex(struct page *page, const struct row *row)
{
	add_line(page, "probe_failed_due_to_regex", "Whether a regular expression made the probe fail",
		 reading_or(row, "rule_failed", 0));
}

static void add_http(struct page *page)
{
	const struct row *http = find_row(page, "http");
	double modified, status = reading_or(http, "status_code", 0);
	bool has_answer = status != 0, is_tls = has_answer && reading_or(http, "uses_tls", 0) != 0;
	add_http_phases(page, http);
	add_line(page, "probe_http_status_code", "Status of the last answer; 0 when there was none", status);
	add_line(page, "probe_http_content_length",
		 "Length that the last answer announced, in bytes; -1 when it did not, 0 without an answer",
		 has_answer ? reading_or(http, "content_length_bytes", -1) : 0);
	add_line(page, "probe_http_uncompressed_body_length", "Length of the body after decompression, in bytes",
		 reading_or(http, "body_bytes", 0));
	add_line(page, "probe_http_redirects", "Redirects that were met", reading_or(http, "redirects", 0));
	add_line(page, "probe_http_ssl", "Whether the last request went over TLS", is_tls);
	add_line(page, "probe_http_version", "Version of HTTP of the last answer; 0 when there was none",
		 has_answer ? reading_or(http, "version", 0) : 0);
	add_regex(page, http);
	if (find_reading(http, "last_modified_timestamp_seconds", &modified))
		add_line(page, "probe_http_last_modified_timestamp_seconds",
			 "What the answer said of its last modification, as Unix time", modified);
	if (is_tls)
		add_tls(page, true);
}

static void add_expected(struct page *page)
{
	const struct sample *sample = page->from->sample;
	for (size_t i = 0; sample && i < sample->nrows; i++) {
		const struct row *row = &sample->rows[i];
		if (strcmp(row->set->name, "tcp_expect") == 0)
			add_labels(page, add_line(page, "probe_expect_info", "What an expected text had in it", 1),
				   row->labels, row->nlabels);
	}
}

static void add_tcp(struct page *page)
{
	const struct row *tcp = find_row(page, "tcp");
	double failed;
	if (find_reading(tcp, "rule_failed", &failed) || find_reading(tcp, "bytes_failed", &failed)) {
		add_regex(page, tcp);
		add_line(page, "probe_failed_due_to_bytes",
			 "Whether expected bytes that did not come made the probe fail",
			 reading_or(tcp, "bytes_failed", 0));
	}
	add_expected(page);
	add_tls(page, false);
}

static void add_dns(struct page *page)
{
	static const char name[] = "probe_dns_duration_seconds";
	const struct row *dns = find_row(page, "dns");
	double serial;
	add_phase(page, name, "resolve", lookup_seconds(page));
	add_phase(page, name, "connect", reading_or(dns, "connect_seconds", 0));
	add_phase(page, name, "request", reading_or(dns, "request_seconds", 0));
	add_line(page, "probe_dns_answer_rrs", "Records in the answer section", reading_or(dns, "answer_rrs", 0));
	add_line(page, "probe_dns_authority_rrs", "Records in the authority section",
		 reading_or(dns, "authority_rrs", 0));
	add_line(page, "probe_dns_additional_rrs", "Records in the additional section",
		 reading_or(dns, "additional_rrs", 0));
	add_line(page, "probe_dns_query_succeeded", "Whether an answer came, whatever its code",
		 reading_or(dns, "answered", 0));
	if (find_reading(dns, "serial", &serial))
		add_line(page, "probe_dns_serial", "Serial number of the zone", serial);
}

static void add_ping(struct page *page)
{
	static const char name[] = "probe_icmp_duration_seconds";
	const struct row *ping = find_row(page, "ping");
	double limit;
	add_phase(page, name, "resolve", lookup_seconds(page));
	add_phase(page, name, "setup", 0); /* the sockets are there from the start */
	add_phase(page, name, "rtt", reading_or(ping, "rtt_avg_seconds", 0));
	if (page_reason(page) == REASON_OK && find_reading(ping, "reply_hop_limit", &limit))
		add_line(page, "probe_icmp_reply_hop_limit", "Hop limit (IPv4: time to live) of the reply", limit);
}

static void add_of_type(struct page *page)
{
	static const struct {
		const char *type;
		void (*add)(struct page *);
	} types[] = {{"http", add_http}, {"tcp", add_tcp}, {"dns", add_dns}, {"ping", add_ping}};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(page->from->type, types[i].type) == 0)
			types[i].add(page);
	}
}

/* --- netsonde's own ---------------------------------------------------------------------------------------------- */

static void add_extra(struct page *page, const struct row *row, const struct reading *reading)
{
	const struct measure *measure = &row->set->measures[reading->measure];
	struct text name = {0};
	if (measure->kind == MEASURE_HISTOGRAM || measure->kind == MEASURE_TEXT)
		return;
	text_add_format(&name, "netsonde_%s_%s", row->set->name, measure->name);
	struct line *line = add_line(page, text_string(&name), measure->help, reading_value(measure, reading));
	line->is_extra = true;
	line->is_counter = measure->kind == MEASURE_COUNTER || measure->kind == MEASURE_COUNTER_SECONDS;
	add_labels(page, line, row->labels, row->nlabels);
	text_free(&name);
}

static void add_extras(struct page *page)
{
	const struct sample *sample = page->from->sample;
	enum reason reason = page_reason(page);
	add_line(page, "netsonde_probe_success", "Whether the run succeeded", reason == REASON_OK)->is_extra = true;
	if (reason != REASON_OK) {
		add_labelled(page, "netsonde_probe_failure_info", "Why the run failed",
			     (struct label){"reason", reason_name(reason)});
		page->lines[page->n - 1].is_extra = true;
	}
	for (size_t i = 0; sample && i < sample->nrows; i++) {
		for (size_t j = 0; j < sample->rows[i].n; j++)
			add_extra(page, &sample->rows[i], &sample->rows[i].readings[j]);
	}
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static int compare_pieces(const struct text *text, struct piece a, struct piece b)
{
	size_t n = a.length < b.length ? a.length : b.length;
	int order = n > 0 ? memcmp(text->bytes + a.at, text->bytes + b.at, n) : 0;
	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_lines(const void *left, const void *right, void *arg)
{
	const struct text *text = arg;
	const struct line *a = left, *b = right;
	if (a->is_extra != b->is_extra)
		return a->is_extra ? 1 : -1;
	int order = compare_pieces(text, a->name, b->name);
	return order != 0 ? order : compare_pieces(text, a->labels, b->labels);
}

static void write_head(const struct page *page, const struct line *line, struct text *out)
{
	const char *name = page->text.bytes + line->name.at;
	text_add(out, "# HELP ");
	text_add_bytes(out, name, line->name.length);
	text_add_char(out, ' ');
	for (const char *c = line->help; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\\')
			text_add_char(out, '\\');
		text_add_char(out, *c == '\n' ? 'n' : *c);
	}
	text_add(out, "\n# TYPE ");
	text_add_bytes(out, name, line->name.length);
	text_add(out, line->is_counter ? " counter\n" : " gauge\n");
}

static void write_line(const struct page *page, const struct line *line, struct text *out)
{
	text_add_bytes(out, page->text.bytes + line->name.at, line->name.length);
	if (line->labels.length > 0) {
		text_add_char(out, '{');
		text_add_bytes(out, page->text.bytes + line->labels.at, line->labels.length);
		text_add_char(out, '}');
	}
	text_add_char(out, ' ');
	go_number_add(out, line->value);
	text_add_char(out, '\n');
}

/* Of two lines with the same name and labels only one is shown: Prometheus would refuse the page. */
static void write_lines(const struct page *page, struct text *out)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct line *line = &page->lines[i], *before = i > 0 ? line - 1 : NULL;
		bool is_new = !before || compare_pieces(&page->text, before->name, line->name) != 0;
		if (is_new)
			write_head(page, line, out);
		if (is_new || compare_pieces(&page->text, before->labels, line->labels) != 0)
			write_line(page, line, out);
	}
}

void probe_page_write(const struct probe_page *from, struct text *out)
{
	struct page page = {.from = from};
	add_common(&page);
	add_of_type(&page);
	add_extras(&page);
	qsort_r(page.lines, page.n, sizeof(*page.lines), compare_lines, &page.text);
	write_lines(&page, out);
	mem_free(page.lines);
	text_free(&page.text);
}
