#include "probes/dns/dns_query.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

/* "TYPE123", "CLASS3": RFC 3597 section 5. 0 = not so, or not one that can be asked for. */
static uint16_t read_numbered(const char *text, const char *word)
{
	size_t n = strlen(word);
	unsigned long value = 0;
	if (strncasecmp(text, word, n) != 0 || text[n] == '\0' || strlen(text + n) > 5)
		return 0;
	for (const char *at = text + n; *at; at++) {
		if (!isdigit((unsigned char)*at))
			return 0;
		value = value * 10 + (unsigned long)(*at - '0');
	}
	return value <= UINT16_MAX ? (uint16_t)value : 0;
}

uint16_t dns_query_type(const char *text)
{
	uint16_t number = read_numbered(text, "TYPE");
	if (number || !strncasecmp(text, "TYPE", 4))
		return number;
	if (!strcasecmp(text, "ANY"))
		return LDNS_RR_TYPE_ANY;
	return (uint16_t)ldns_get_rr_type_by_name(text);
}

uint16_t dns_query_class(const char *text)
{
	static const struct {
		const char *name;
		uint16_t class;
	} known[] = {{"IN", 1}, {"CS", 2}, {"CH", 3}, {"CHAOS", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(text, known[i].name))
			return known[i].class;
	return read_numbered(text, "CLASS");
}

static void set_flags(ldns_pkt *packet, const struct dns_query_plan *plan)
{
	ldns_pkt_set_rd(packet, plan->wants_recursion);
	ldns_pkt_set_cd(packet, plan->is_checking_disabled);
	ldns_pkt_set_ad(packet, plan->wants_authentic);
	if (plan->edns_size)
		ldns_pkt_set_edns_udp_size(packet, plan->edns_size);
	if (plan->wants_dnssec)
		ldns_pkt_set_edns_do(packet, true);
}

static int write_packet(const ldns_pkt *packet, struct dns_query *out, struct err *err)
{
	uint8_t *wire = NULL;
	size_t size = 0;
	ldns_status status = ldns_pkt2wire(&wire, packet, &size);
	if (status != LDNS_STATUS_OK)
		return err_set(err, "the query cannot be built: %s", ldns_get_errorstr_by_id(status));
	out->wire = mem_copy(wire, size);
	out->size = (uint16_t)size;
	free(wire);
	dns_query_set_id(out->wire, 0);
	return 0;
}

/* ldns takes over the name, whatever comes of it. */
static int build_packet(ldns_rdf *name, const struct dns_query_plan *plan, struct dns_query *out, struct err *err)
{
	out->question_end = (uint16_t)(DNS_HEADER_BYTES + ldns_rdf_size(name) + 4);
	ldns_pkt *packet = ldns_pkt_query_new(name, (ldns_rr_type)out->type, (ldns_rr_class)out->class, 0);
	if (!packet) {
		ldns_rdf_deep_free(name);
		return err_set(err, "the query cannot be built");
	}
	set_flags(packet, plan);
	int result = write_packet(packet, out, err);
	ldns_pkt_free(packet);
	return result;
}

int dns_query_build(const struct dns_query_plan *plan, struct dns_query *out, struct err *err)
{
	*out = (struct dns_query){.type = dns_query_type(plan->type), .class = dns_query_class(plan->class)};
	if (!out->type)
		return err_set(err,
			       "query_type: \"%.*s\" is no type of records; any type can be written as TYPE and "
			       "its number",
			       60, plan->type);
	if (!out->class)
		return err_set(err, "query_class: \"%.*s\" is no class", 60, plan->class);
	if (plan->wants_dnssec && !plan->edns_size)
		return err_set(err, "dnssec needs EDNS: edns_size must not be 0");
	ldns_rdf *name = NULL;
	ldns_status status = ldns_str2rdf_dname(&name, plan->name);
	if (status != LDNS_STATUS_OK)
		return err_set(err, "query_name: \"%.*s\" is not a domain name: %s", 300, plan->name,
			       ldns_get_errorstr_by_id(status));
	return build_packet(name, plan, out, err);
}

void dns_query_free(struct dns_query *query)
{
	mem_free(query->wire);
	*query = (struct dns_query){0};
}

uint64_t dns_random_next(struct dns_random *random)
{
	return hash_number(random->key, ++random->count);
}

void dns_query_set_id(uint8_t *wire, uint16_t id)
{
	wire[0] = (uint8_t)(id >> 8);
	wire[1] = (uint8_t)id;
}

/* Lengths of labels are below 64: none of them is a letter. */
void dns_query_mix_case(uint8_t *wire, size_t question_end, struct dns_random *random)
{
	uint64_t bits = 0;
	unsigned left = 0;
	for (size_t i = DNS_HEADER_BYTES; i + 5 < question_end; i++) {
		uint8_t lower = wire[i] | 0x20;
		if (lower < 'a' || lower > 'z')
			continue;
		if (!left) {
			bits = dns_random_next(random);
			left = 64;
		}
		wire[i] = (uint8_t)(lower ^ ((bits & 1) << 5));
		bits >>= 1;
		left--;
	}
}
