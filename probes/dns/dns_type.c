/*
 * Queries to name servers: the options and the type.
 */
#include <net/if.h>
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/tls_facts.h"
#include "probes/dns/dns.h"
#include "probes/dns/dns_https.h"
#include "probes/tls_service.h"

static const char *const histograms[] = {
	[DNS_HISTOGRAM_CLASSIC] = "classic",
	[DNS_HISTOGRAM_NONE] = "none",
	NULL,
};

#define AT(member)          .offset = offsetof(struct dns_settings, member)
#define RULE(section, rule) .offset = offsetof(struct dns_settings, rules.lists[section][rule])

/* Rules for the records of a section. */
#define RULE_OPTIONS(word, section)                                                                                    \
	{"fail_if_" word "_matches", OPTION_LIST, RULE(section, DNS_RULE_MATCHES),                                     \
	 .help = "Regular expressions: the run fails if a record of the " word                                         \
		 " section matches one of them. Records look like \"name.\\tTTL\\tIN\\tA\\t192.0.2.1\" (tabs "         \
		 "between the first five parts)"},                                                                     \
		{"fail_if_" word "_not_matches", OPTION_LIST, RULE(section, DNS_RULE_NOT_MATCHES),                     \
		 .help = "Fails if the " word " section is empty, or has a record that does not match all of these"},  \
		{"fail_if_" word "_all_match", OPTION_LIST, RULE(section, DNS_RULE_ALL_MATCH),                         \
		 .help = "Fails if the " word " section has records, and every record matches all of these"},          \
	{                                                                                                              \
		"fail_if_" word "_none_matches", OPTION_LIST, RULE(section, DNS_RULE_NONE_MATCHES),                    \
			.help = "Fails if no record of the " word " section matches any of these"                      \
	}

static const struct option dns_options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), .minimum = 0.02, .maximum = 86400, .fallback = "15",
	 .help = "Time from one run to the next"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), .minimum = 0, .maximum = 86400, .fallback = "0",
	 .help = "When a run ends, counted from its start. At most the interval. 0: after five seconds, but at most "
		 "nine tenths of the interval"},
	{"query_name", OPTION_TEXT, AT(query_name), .help = "Name to ask for. Must be set"},
	{"query_type", OPTION_TEXT, AT(query_type), .fallback = "A",
	 .help = "Type of records to ask for: a name, or TYPE and a number (TYPE65)"},
	{"query_class", OPTION_TEXT, AT(query_class), .fallback = "IN",
	 .help = "Class to ask in: IN, CH, ... or CLASS and a number"},
	{"transport", OPTION_CHOICE, AT(transport), .fallback = "udp", .choices = dns_transport_names,
	 .help = "How to ask, unless the target's address says it (tls://server, https://server/dns-query)"},
	{"retry_truncated", OPTION_BOOLEAN, AT(retry_truncated), .fallback = "true",
	 .help = "Asks again over TCP when an answer over UDP is cut off"},
	{"attempts", OPTION_INTEGER, AT(attempts), .minimum = 1, .maximum = 16, .fallback = "1",
	 .help = "Queries over UDP in one run: evenly over the timeout, each with an id and a port of its own, until "
		 "one is answered"},
	{"recursion_desired", OPTION_BOOLEAN, AT(recursion_desired), .fallback = "true",
	 .help = "Sets the flag RD: the server is to find the answer elsewhere"},
	{"edns_size", OPTION_SIZE, AT(edns_size), .minimum = 0, .maximum = 65535, .fallback = "1232",
	 .help = "Largest answer over UDP that is asked for by EDNS, in bytes. 0: no EDNS, so at most 512"},
	{"dnssec", OPTION_BOOLEAN, AT(dnssec), .fallback = "false",
	 .help = "Sets the EDNS flag DO: signatures are to come with the answer"},
	{"checking_disabled", OPTION_BOOLEAN, AT(checking_disabled), .fallback = "false",
	 .help = "Sets the flag CD: the server is not to verify DNSSEC"},
	{"authentic_data", OPTION_BOOLEAN, AT(authentic_data), .fallback = "false",
	 .help = "Sets the flag AD: the server is to say whether it verified the answer, without dnssec as well"},
	{"random_case", OPTION_BOOLEAN, AT(random_case), .fallback = "true",
	 .help = "Writes the name in random letter case, and takes only answers that repeat it: one more thing that "
		 "who forges answers must guess. false for servers that do not repeat it"},
	{"valid_rcodes", OPTION_LIST, AT(valid_rcodes), .fallback = "NOERROR",
	 .help = "Reply codes with which the run succeeds (NOERROR, NXDOMAIN, ...)"},
	RULE_OPTIONS("answer", DNS_ANSWER),
	RULE_OPTIONS("authority", DNS_AUTHORITY),
	RULE_OPTIONS("additional", DNS_ADDITIONAL),
	{"answer_addresses", OPTION_BOOLEAN, AT(answer_addresses), .fallback = "false",
	 .help = "Shows each address of the answer (up to 16) as a series of its own"},
	{"source", OPTION_TEXT, AT(source), .help = "Source address of queries"},
	{"interface", OPTION_TEXT, AT(interface),
	 .help = "Interface that queries leave by, by name; looked up at every run"},
	{"family", OPTION_CHOICE, AT(family), .fallback = "prefer_ipv4", .choices = host_family_words,
	 .help = "Which addresses of the server's name are used; prefer_ falls back to the other family"},
	{"keep_address", OPTION_BOOLEAN, AT(keep_address), .fallback = "false",
	 .help = "Goes on with the last good address while the server's name does not resolve"},
	{"histogram", OPTION_CHOICE, AT(histogram), .fallback = "classic", .choices = histograms,
	 .help = "Form of the histogram of query times on /metrics: classic buckets (50 us times powers of two), or "
		 "none"},
	TLS_CLIENT_OPTIONS(struct dns_settings, tls),
};

/* A person waits for it. */
static const char *const dns_manual_settings[] = {"interval=86400", "timeout=5", NULL};

struct dns_query_plan dns_query_plan_of(const struct dns_settings *settings)
{
	return (struct dns_query_plan){
		.name = settings->query_name,
		.type = settings->query_type,
		.class = settings->query_class,
		.edns_size = (uint16_t)settings->edns_size,
		.wants_recursion = settings->recursion_desired,
		.wants_dnssec = settings->dnssec,
		.is_checking_disabled = settings->checking_disabled,
		.wants_authentic = settings->authentic_data,
	};
}

static int check_query(const struct dns_settings *settings, struct err *err)
{
	const struct dns_query_plan plan = dns_query_plan_of(settings);
	struct dns_query query;
	if (!settings->query_name || !settings->query_name[0])
		return err_set(err, "query_name must be set: the name to ask for");
	if (!settings->query_type || !settings->query_class)
		return err_set(err, "query_type and query_class must not be empty");
	if (dns_query_build(&plan, &query, err))
		return -1;
	dns_query_free(&query);
	for (size_t i = 0; i < settings->valid_rcodes.n; i++)
		if (dns_rcode_find(settings->valid_rcodes.items[i]) < 0)
			return err_set(err, "valid_rcodes: \"%.*s\" is no reply code (NOERROR, NXDOMAIN, ...)", 60,
				       settings->valid_rcodes.items[i]);
	return 0;
}

static int check_source(const struct dns_settings *settings, struct err *err)
{
	struct address source;
	if (settings->interface && (settings->interface[0] == '\0' || strlen(settings->interface) >= IF_NAMESIZE))
		return err_set(err, "interface: \"%s\" is no name of an interface", settings->interface);
	if (!settings->source)
		return 0;
	if (!address_parse(settings->source, &source))
		return err_set(err, "source: \"%s\" is not an IP address", settings->source);
	if ((source.family == ADDRESS_IPV4 && settings->family == HOST_ONLY_IPV6) ||
	    (source.family == ADDRESS_IPV6 && settings->family == HOST_ONLY_IPV4))
		return err_set(err, "source: %s is not of the family that is asked for", settings->source);
	return 0;
}

static int dns_check(const void *arg, struct err *err)
{
	const struct dns_settings *settings = arg;
	if (settings->timeout_ns > settings->interval_ns)
		return err_set(err, "timeout (%g s) must not be longer than interval (%g s)",
			       clock_seconds(settings->timeout_ns), clock_seconds(settings->interval_ns));
	if (settings->edns_size && settings->edns_size < 512)
		return err_set(err, "edns_size: must be 0 or at least 512 (RFC 6891 section 6.2.3)");
	if (check_query(settings, err) || check_source(settings, err) || dns_rules_check(&settings->rules, err))
		return -1;
	return tls_settings_check(&settings->tls, err);
}

static const struct measure_set *const dns_sets[] = {&dns_set, &dns_query_set, &dns_answer_set, TLS_FACTS_SETS, NULL};
static const struct probe_service *const dns_services[] = {&dns_service, &dns_https_service, &tls_service, NULL};

const struct probe_type dns_type = {
	.name = "dns",
	.help = "DNS queries over UDP, TCP, TLS and HTTPS: time, reply code, records and what they must look like",
	.options = dns_options,
	.noptions = sizeof(dns_options) / sizeof(*dns_options),
	.settings_size = sizeof(struct dns_settings),
	.sets = dns_sets,
	.services = dns_services,
	.manual_settings = dns_manual_settings,
	.check = dns_check,
	.open = dns_open,
	.start = dns_start,
	.deadline = dns_deadline,
	.stop = dns_stop,
	.close = dns_close,
	.print = dns_print,
};
