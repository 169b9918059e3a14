/* Messages made by ldns of lines of a zone file, for tests of the type dns. */
#ifndef NETSONDE_TESTS_UNIT_PROBES_DNS_MESSAGE_H
#define NETSONDE_TESTS_UNIT_PROBES_DNS_MESSAGE_H

#include <criterion/criterion.h>
#include <ldns/ldns.h>
#include <stdlib.h>

#include "core/mem.h"
#include "probes/dns/dns_query.h"
#include "probes/dns/dns_reply.h"

static inline ldns_rr *message_rr(const char *line)
{
	ldns_rr *rr = NULL;
	ldns_status status = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL);
	cr_assert_eq(status, LDNS_STATUS_OK, "%s: %s", line, ldns_get_errorstr_by_id(status));
	return rr;
}

/* lines: NULL-terminated lists of the three sections, one after the other. Owned by the caller: mem_free. */
static inline uint8_t *message_make(const char *name, ldns_rr_type type, const char *const *lines, size_t *size)
{
	static const ldns_pkt_section sections[] = {LDNS_SECTION_ANSWER, LDNS_SECTION_AUTHORITY,
						    LDNS_SECTION_ADDITIONAL};
	ldns_pkt *packet = ldns_pkt_query_new(ldns_dname_new_frm_str(name), type, LDNS_RR_CLASS_IN, 0);
	cr_assert_not_null(packet);
	ldns_pkt_set_id(packet, 0x1234);
	ldns_pkt_set_qr(packet, true);
	for (int section = 0; section < 3; section++, lines++)
		for (; *lines; lines++)
			ldns_pkt_push_rr(packet, sections[section], message_rr(*lines));
	uint8_t *wire = NULL;
	cr_assert_eq(ldns_pkt2wire(&wire, packet, size), LDNS_STATUS_OK);
	uint8_t *bytes = mem_copy(wire, *size);
	free(wire);
	ldns_pkt_free(packet);
	return bytes;
}

#endif
