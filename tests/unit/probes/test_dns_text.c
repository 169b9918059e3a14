/* Records in the form of miekg/dns: tests/peers/test_dns.py asks blackbox_exporter for the same. */
#include <criterion/criterion.h>
#include <string.h>

#include "probes/dns/dns_text.h"
#include "tests/unit/probes/dns_message.h"

static const struct {
	const char *line, *text;
} records[] = {
	{"Www.Example.net. 300 IN A 192.0.2.1", "Www.Example.net.\t300\tIN\tA\t192.0.2.1"},
	{". 0 IN NS a.root-servers.net.", ".\t0\tIN\tNS\ta.root-servers.net."},
	{"a. 1 IN AAAA 2001:db8:0:0:1:0:0:1", "a.\t1\tIN\tAAAA\t2001:db8::1:0:0:1"},
	{"a. 1 IN AAAA ::192.0.2.1", "a.\t1\tIN\tAAAA\t::c000:201"},
	{"a. 1 CH TXT \"x\"", "a.\t1\tCH\tTXT\t\"x\""},
	{"a. 1 IN TXT \"two words\" \"q\\\"b\\\\s\" \"\\009\\200;\" \"\"",
	 "a.\t1\tIN\tTXT\t\"two words\" \"q\\\"b\\\\s\" \"\\009\\200;\" \"\""},
	{"a. 1 IN CNAME b\\.c.d\\032e\\@\\'f.", "a.\t1\tIN\tCNAME\tb\\.c.d\\ e\\@\\'f."},
	{"a. 1 IN CNAME \\000\\255\\(\\).", "a.\t1\tIN\tCNAME\t\\000\\255\\(\\)."},
	{"a. 1 IN MX 10 mx.a.", "a.\t1\tIN\tMX\t10 mx.a."},
	{"a. 1 IN SRV 1 2 3 host.a.", "a.\t1\tIN\tSRV\t1 2 3 host.a."},
	{"a. 1 IN SOA ns.a. host.a. 2024010101 7200 3600 1209600 300",
	 "a.\t1\tIN\tSOA\tns.a. host.a. 2024010101 7200 3600 1209600 300"},
	{"a. 1 IN CAA 0 issue \"ca.example.net; x=1\"", "a.\t1\tIN\tCAA\t0 issue \"ca.example.net; x=1\""},
	{"a. 1 IN HINFO \"RFC8482\" \"\"", "a.\t1\tIN\tHINFO\t\"RFC8482\" \"\""},
	{"a. 1 IN NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:x@a!\" .",
	 "a.\t1\tIN\tNAPTR\t1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:x@a!\" ."},
	{"a. 1 IN DS 1 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	 "a.\t1\tIN\tDS\t1 8 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"},
	{"a. 1 IN SSHFP 1 1 0123456789abcdef0123456789abcdef01234567",
	 "a.\t1\tIN\tSSHFP\t1 1 0123456789ABCDEF0123456789ABCDEF01234567"},
	{"a. 1 IN TLSA 3 1 1 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	 "a.\t1\tIN\tTLSA\t3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	{"a. 1 IN DNSKEY 257 3 8 AwEAAQ==", "a.\t1\tIN\tDNSKEY\t257 3 8 AwEAAQ=="},
	{"a. 1 IN RRSIG A 8 2 300 20300101000000 20200102030405 12345 a. AAECAw==",
	 "a.\t1\tIN\tRRSIG\tA 8 2 300 20300101000000 20200102030405 12345 a. AAECAw=="},
	{"a. 1 IN NSEC b. A NS SOA TYPE65280", "a.\t1\tIN\tNSEC\tb. A NS SOA TYPE65280"},
	{"a. 1 IN NSEC3 1 0 5 ab 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG",
	 "a.\t1\tIN\tNSEC3\t1 0 5 AB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG"},
	{"a. 1 IN NSEC3PARAM 1 0 0 -", "a.\t1\tIN\tNSEC3PARAM\t1 0 0 -"},
	{"a. 1 IN NSEC3PARAM 1 0 0 aabb", "a.\t1\tIN\tNSEC3PARAM\t1 0 0 AABB"},
	{"a. 1 IN URI 1 2 \"ftp://x/\"", "a.\t1\tIN\tURI\t1 2 \"ftp://x/\""},
	{"a. 1 IN TYPE65280 \\# 3 0aFF00", "a.\t1\tCLASS1\tTYPE65280\t\\# 3 0aff00"},
	{"a. 1 IN TYPE65280 \\# 0", "a.\t1\tCLASS1\tTYPE65280\t\\# 0 "},
	{"a. 1 IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1 port=8443",
	 "a.\t1\tIN\tHTTPS\t1 . alpn=\"h2,h3\" port=\"8443\" ipv4hint=\"192.0.2.1,192.0.2.2\" "
	 "ipv6hint=\"2001:db8::1\""},
	{"a. 1 IN HTTPS 0 b.", "a.\t1\tIN\tHTTPS\t0 b."},
	{"a. 1 IN SVCB 1 b. mandatory=alpn,port alpn=x no-default-alpn port=1 ech=AAEC key65000=abc",
	 "a.\t1\tIN\tSVCB\t1 b. mandatory=\"alpn,port\" alpn=\"x\" no-default-alpn=\"\" port=\"1\" ech=\"AAEC\" "
	 "key65000=\"abc\""},
	{"a. 1 IN EUI48 00-11-22-aa-bb-cc", "a.\t1\tIN\tEUI48\t00-11-22-aa-bb-cc"},
	{"a. 1 CLASS42 A 192.0.2.1", "a.\t1\tCLASS42\tA\t192.0.2.1"},
	{"a. 1 IN CDS 0 0 0 00", "a.\t1\tIN\tCDS\t0 0 0 00"},
	{"a. 1 IN RP m.a. t.a.", "a.\t1\tIN\tRP\tm.a. t.a."},
	{"a. 1 IN CERT PKIX 1 8 AAAA", "a.\t1\tIN\tCERT\tPKIX 1 RSASHA256 AAAA"},
	{"a. 1 IN APL 1:192.0.2.0/24 !2:2001:db8::/32", "a.\t1\tIN\tAPL\t1:192.0.2.0/24 !2:2001:db8::/32"},
	{"a. 1 IN CSYNC 66 3 A NS AAAA", "a.\t1\tIN\tCSYNC\t66 3 A NS AAAA"},
	{"a. 1 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000m 10m",
	 "a.\t1\tIN\tLOC\t52 22 23.000 N 04 53 32.000 E -2m 1m 10000m 10m"},
	{"a. 1 IN OPENPGPKEY AAEC", "a.\t1\tIN\tOPENPGPKEY\tAAEC"},
	{"a. 4294967295 IN PTR b.", "a.\t4294967295\tIN\tPTR\tb."},
};

Test(dns_text, is_that_of_miekg)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		/* Over the wire, as they come. */
		const char *const lines[] = {records[i].line, NULL, NULL, NULL};
		struct dns_reply reply;
		struct err err = {{0}};
		struct text text = {0};
		size_t size;
		uint8_t *bytes = message_make("a", LDNS_RR_TYPE_A, lines, &size);
		cr_assert_eq(dns_reply_read(bytes, size, &reply, &err), 0, "%s: %s", records[i].line, err.text);
		dns_text_add(&text, ldns_rr_list_rr(ldns_pkt_answer(reply.packet), 0), NULL);
		cr_expect_str_eq(text_string(&text), records[i].text);
		text_free(&text);
		dns_reply_free(&reply);
		mem_free(bytes);
	}
}

Test(dns_text, names_of_types_and_classes)
{
	static const struct {
		unsigned type, class;
		const char *text;
	} names[] = {{1, 1, "A IN"}, {255, 255, "ANY ANY"}, {65280, 254, "TYPE65280 NONE"}, {65, 7, "HTTPS CLASS7"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct text text = {0};
		dns_text_add_type(&text, names[i].type);
		text_add_char(&text, ' ');
		dns_text_add_class(&text, names[i].class);
		cr_expect_str_eq(text_string(&text), names[i].text);
		text_free(&text);
	}
}

/* What has the question's letters as they were sent gets them as they were meant; ends of labels are none of names. */
Test(dns_text, letters_are_given_back)
{
	static const uint8_t sent[] = "\3wWw\7ExAmPlE\3NeT";
	static const uint8_t meant[] = "\3www\7example\3net";
	const struct dns_text_case letters = {sent, meant, sizeof(sent)};
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"wWw.ExAmPlE.NeT. 1 IN CNAME A.B.ExAmPlE.NeT.", "www.example.net.\t1\tIN\tCNAME\tA.B.example.net."},
		{"WWW.ExAmPlE.NeT. 1 IN CNAME XExAmPlE.NeT.", "WWW.example.net.\t1\tIN\tCNAME\tXExAmPlE.net."},
		{"wWw.ExAmPlE.NeT.x. 1 IN CNAME .", "wWw.ExAmPlE.NeT.x.\t1\tIN\tCNAME\t."},
		{"ExAmPlE.net. 1 IN MX 1 x.wWw.ExAmPlE.NeT.", "ExAmPlE.net.\t1\tIN\tMX\t1 x.www.example.net."},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text text = {0};
		ldns_rr *rr = message_rr(cases[i].line);
		dns_text_add(&text, rr, &letters);
		cr_expect_str_eq(text_string(&text), cases[i].text);
		text_free(&text);
		ldns_rr_free(rr);
	}
}
