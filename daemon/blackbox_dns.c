/* The prober dns of a blackbox.yml. */
#include <string.h>

#include "core/mem.h"
#include "daemon/blackbox_prober.h"

static int read_transport(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	(void)field;
	if (!text)
		return -1;
	mem_free(draft->transport);
	draft->transport = mem_copy_string(text);
	return 0;
}

static int read_over_tls(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_boolean(place, &((struct blackbox_draft *)out)->has_tls);
}

static const char *find_word(const char *text, const char *const *words)
{
	for (; text && *words; words++) {
		if (strcmp(text, *words) == 0)
			return *words;
	}
	return NULL;
}

/* The types that blackbox_exporter knows, at least those of the library that it has in 0.23. */
static int read_type(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const char *const types[] = {
		"A",          "AAAA",    "AFSDB",  "AMTRELAY", "ANY",   "APL",        "ATMA",     "AVC",    "AXFR",
		"CAA",        "CDNSKEY", "CDS",    "CERT",     "CNAME", "CSYNC",      "DHCID",    "DLV",    "DNAME",
		"DNSKEY",     "DS",      "EID",    "EUI48",    "EUI64", "GID",        "GPOS",     "HINFO",  "HIP",
		"HTTPS",      "ISDN",    "IXFR",   "IPSECKEY", "KEY",   "KX",         "L32",      "L64",    "LOC",
		"LP",         "MAILA",   "MAILB",  "MB",       "MD",    "MF",         "MG",       "MINFO",  "MR",
		"MX",         "NAPTR",   "NID",    "NIMLOC",   "NINFO", "NS",         "NSAP-PTR", "NSEC",   "NSEC3",
		"NSEC3PARAM", "NULL",    "NXNAME", "NXT",      "None",  "OPENPGPKEY", "OPT",      "PTR",    "PX",
		"RESINFO",    "RKEY",    "RP",     "RRSIG",    "RT",    "Reserved",   "SIG",      "SMIMEA", "SOA",
		"SPF",        "SRV",     "SSHFP",  "SVCB",     "TA",    "TALINK",     "TKEY",     "TLSA",   "TSIG",
		"TXT",        "UID",     "UINFO",  "UNSPEC",   "URI",   "X25",        "ZONEMD",   NULL};
	const char *text = blackbox_text(place);
	if (!text || text[0] == '\0')
		return text ? 0 : -1;
	if (!find_word(text, types))
		return blackbox_refuse(place, "there is no query type \"%s\"", text);
	return blackbox_draft_set_text(place, out, field->option, text);
}

static int read_class(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const char *const classes[] = {"IN", "CS", "CH", "HS", "NONE", "ANY", NULL};
	const char *text = blackbox_text(place);
	if (!text || text[0] == '\0')
		return text ? 0 : -1;
	if (!find_word(text, classes))
		return blackbox_refuse(place, "there is no query class \"%s\"", text);
	return blackbox_draft_set_text(place, out, field->option, text);
}

/* An empty list is as good as none. */
static int read_rcodes(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	if (yaml_node_kind(place->node) == YAML_LIST && yaml_node_count(place->node) == 0)
		return 0;
	return blackbox_read_texts(place, field, out);
}

#define RULES(section)                                                                                                 \
	{                                                                                                              \
		{"fail_if_matches_regexp", blackbox_read_late_regexes, "fail_if_" section "_matches", 0},              \
			{"fail_if_all_match_regexp", blackbox_read_late_regexes, "fail_if_" section "_all_match", 0},  \
			{"fail_if_not_matches_regexp", blackbox_read_late_regexes, "fail_if_" section "_not_matches",  \
			 0},                                                                                           \
			{"fail_if_none_matches_regexp", blackbox_read_late_regexes,                                    \
			 "fail_if_" section "_none_matches", 0},                                                       \
	}
#define NRULES 4

static const struct blackbox_field answer_fields[NRULES] = RULES("answer");
static const struct blackbox_field authority_fields[NRULES] = RULES("authority");
static const struct blackbox_field additional_fields[NRULES] = RULES("additional");

static int read_answer(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_map(place, answer_fields, NRULES, out);
}

static int read_authority(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_map(place, authority_fields, NRULES, out);
}

static int read_additional(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_map(place, additional_fields, NRULES, out);
}

static int set_transport(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	static const char *const transports[] = {"udp", "tcp", NULL};
	const char *transport = draft->transport && draft->transport[0] != '\0' ? draft->transport : "udp";
	if (!find_word(transport, transports))
		return blackbox_draft_refuse(place, draft, "transport_protocol must be udp or tcp");
	if (draft->has_tls && strcmp(transport, "tcp") != 0)
		return blackbox_draft_refuse(place, draft, "dns_over_tls needs transport_protocol tcp");
	return blackbox_draft_set_text(place, draft, "transport", draft->has_tls ? "tls" : transport);
}

static int finish(const struct blackbox_place *place, struct blackbox_draft *draft, bool has_block)
{
	if (!(draft->given & GIVEN_QUERY_NAME)) {
		if (has_block)
			return blackbox_refuse(place, "query_name must be given");
		blackbox_draft_refuse(place, draft, "dns.query_name must be given");
	}
	return set_transport(place, draft) == 0 ? blackbox_set_family(place, draft) : -1;
}

static const struct blackbox_field fields[] = {
	{"preferred_ip_protocol", blackbox_read_protocol, NULL, 0},
	{"ip_protocol_fallback", blackbox_read_fallback, NULL, 0},
	{"source_ip_address", blackbox_read_text, "source", 0},
	{"transport_protocol", read_transport, NULL, 0},
	{"dns_over_tls", read_over_tls, NULL, 0},
	{"tls_config", blackbox_read_tls, NULL, 0},
	{"query_name", blackbox_read_text, "query_name", GIVEN_QUERY_NAME},
	{"query_type", read_type, "query_type", 0},
	{"query_class", read_class, "query_class", 0},
	{"recursion_desired", blackbox_read_boolean, "recursion_desired", 0},
	{"valid_rcodes", read_rcodes, "valid_rcodes", 0},
	{"validate_answer_rrs", read_answer, NULL, 0},
	{"validate_authority_rrs", read_authority, NULL, 0},
	{"validate_additional_rrs", read_additional, NULL, 0},
};

/* One plain question, as there: no EDNS, no second attempt, what is cut short is taken as it is, and servers need not
 * repeat the letters of the name. */
static const char *const presets[] = {"query_type",      "ANY",   "edns_size",   "0",     "attempts", "1",
				      "retry_truncated", "false", "random_case", "false", NULL};

const struct blackbox_prober blackbox_dns = {
	.name = "dns",
	.type = "dns",
	.presets = presets,
	.fields = fields,
	.nfields = sizeof(fields) / sizeof(fields[0]),
	.finish = finish,
};
