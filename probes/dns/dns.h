/*
 * Queries to name servers: what the files of this folder share. Nobody else includes this; the type is dns_type.
 */
#ifndef NETSONDE_PROBES_DNS_DNS_H
#define NETSONDE_PROBES_DNS_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/host.h"
#include "core/loop.h"
#include "core/tls_client.h"
#include "probes/dns/dns_pool.h"
#include "probes/dns/dns_query.h"
#include "probes/dns/dns_reply.h"
#include "probes/dns/dns_rules.h"
#include "probes/dns/dns_server.h"
#include "probes/dns/dns_text.h"
#include "probes/probe.h"

struct dial;
struct fetch;

enum dns_histogram { DNS_HISTOGRAM_CLASSIC, DNS_HISTOGRAM_NONE };

struct dns_settings {
	int64_t interval_ns, timeout_ns;
	char *query_name, *query_type, *query_class;
	int64_t edns_size, attempts;
	bool recursion_desired, dnssec, checking_disabled, authentic_data;
	bool random_case, retry_truncated, answer_addresses, keep_address;
	int transport; /* enum dns_transport */
	int family;    /* enum host_family */
	int histogram; /* enum dns_histogram */
	char *source, *interface;
	struct option_list valid_rcodes;
	struct dns_rule_lists rules;
	struct tls_settings tls;
};

extern const struct probe_type dns_type;
extern const struct measure_set dns_set, dns_query_set, dns_answer_set;

/* Also for check. */
struct dns_query_plan dns_query_plan_of(const struct dns_settings *settings);

/* Of one target, from open to close. */
struct dns {
	struct probe *probe;
	struct host *host;      /* NULL: the address is a literal of a wanted family */
	struct address literal; /* then */
	struct dns_server server;
	struct dns_query query;
	struct dns_rules *rules; /* NULL: none */
	struct tls_client *tls;  /* with TLS only */
	struct dns_run *run;     /* NULL between runs */
	int64_t queries, answers;
	uint32_t spoofed;
};

struct dns_run {
	struct dns *dns;
	struct run *run;
	struct address server; /* with port; ADDRESS_NONE while it is not known */
	struct address source;
	struct alarm next_attempt;
	struct dial *dial;                      /* over TCP and TLS; or NULL */
	struct fetch *fetch;                    /* over HTTPS; or NULL */
	struct tls_facts *facts;                /* NULL without TLS */
	int64_t connect_ns, tls_ns, request_ns; /* -1 = not known */
	int64_t sent_ns;                        /* monotonic, over TCP */
	char *failure;                          /* in words, or NULL */
	uint32_t interface;
	uint32_t nattempts;
	uint8_t transport; /* enum dns_transport, now */
	uint8_t reason;    /* enum reason, of an end that is still to be told */
	uint8_t skipped;   /* messages on a connection that were none of ours */
	bool is_starting, has_retried;
	uint8_t *query;        /* dns->query.size bytes, behind asks */
	struct dns_ask asks[]; /* one an attempt */
};

static inline const struct dns_settings *dns_settings(const struct dns *dns)
{
	return probe_settings(dns->probe);
}

/* --- dns.c -------------------------------------------------------------------------------------------------------- */

void *dns_open(struct probe *probe, const void *settings, struct err *err);
void *dns_start(struct run *run, void *opened, const void *settings);
void dns_deadline(void *state);
void dns_stop(void *state);
void dns_close(void *opened);

/* The run ends without a message that could be read. */
void dns_fail(struct dns_run *run, enum reason reason, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A message came that fits the query: the run ends, or is tried again over TCP. */
void dns_take_reply(struct dns_run *run, const uint8_t *bytes, size_t size);

/* How the letters of the question were sent, and how they were meant. */
struct dns_text_case dns_letters(const struct dns_run *run);

/* --- dns_stream.c, dns_https.c: one query over a connection; they end in one of the two above --------------------- */

void dns_stream_begin(struct dns_run *run);
void dns_https_begin(struct dns_run *run);

/* --- dns_report.c ------------------------------------------------------------------------------------------------- */

/* How a run ended. reply: NULL without one. */
struct dns_outcome {
	enum reason reason;
	const struct dns_reply *reply;
	bool are_rules_applied, is_rule_failed;
};

/* Makes the rows and ends the run; dns->run is NULL afterwards. */
void dns_report(struct dns_run *run, const struct dns_outcome *outcome);
/* Into the run's log: the message as dig shows it. */
void dns_log_reply(const struct dns_run *run, const struct dns_reply *reply);
void dns_print(const struct sample *sample, FILE *out);

#endif
