/* Replies read without building records: the same as dns_reply_read, or nothing at all. */
#include <criterion/criterion.h>
#include <string.h>

#include "probes/dns/dns_plain.h"
#include "tests/unit/probes/dns_message.h"

/* Answer, authority, additional. */
static const char *const addresses[] = {
	"www.example.net. 300 IN CNAME host.example.net.",
	"host.example.net. 60 IN A 192.0.2.1",
	"host.example.net. 90 IN A 192.0.2.2",
	"host.example.net. 90 IN A 192.0.2.1",
	"host.example.net. 120 IN AAAA 2001:db8::1",
	NULL,
	"example.net. 10 IN NS ns.example.net.",
	NULL,
	"ns.example.net. 5 IN A 192.0.2.53",
	"ns.example.net. 5 IN AAAA 2001:db8::53",
	NULL,
};
static const char *const zones[] = {
	"example.net. 70 IN SOA ns.example.net. mail.example.net. 2026010203 1 2 3 4",
	"example.net. 80 IN SOA ns.example.net. mail.example.net. 7 1 2 3 4",
	NULL,
	NULL,
	NULL,
};
static const char *const missing[] = {
	NULL,
	"example.net. 80 IN SOA ns.example.net. mail.example.net. 7 1 2 3 4",
	NULL,
	NULL,
};
static const char *const many[] = {
	"a. 1 IN A 192.0.2.1",
	"a. 1 IN A 192.0.2.2",
	"a. 1 IN A 192.0.2.3",
	"a. 1 IN A 192.0.2.4",
	"a. 1 IN A 192.0.2.5",
	"a. 1 IN A 192.0.2.6",
	"a. 1 IN A 192.0.2.7",
	"a. 1 IN A 192.0.2.8",
	"a. 1 IN A 192.0.2.9",
	"a. 1 IN A 192.0.2.10",
	"a. 1 IN A 192.0.2.11",
	"a. 1 IN A 192.0.2.12",
	"a. 1 IN A 192.0.2.13",
	"a. 1 IN A 192.0.2.14",
	"a. 1 IN A 192.0.2.15",
	"a. 1 IN A 192.0.2.16",
	"a. 1 IN A 192.0.2.17",
	NULL,
	NULL,
	NULL,
};
static const char *const texts[] = {"www.example.net. 1 IN TXT \"a\"", NULL, NULL, NULL};

static void expect_same(const uint8_t *bytes, size_t size)
{
	struct dns_reply plain, read;
	cr_assert(dns_plain_read(bytes, size, &plain));
	cr_assert_eq(dns_reply_read(bytes, size, &read, NULL), 0);
	cr_expect_null(plain.packet);
	cr_expect_eq(plain.size, read.size);
	cr_expect_arr_eq(plain.counts, read.counts, sizeof(plain.counts));
	cr_expect_eq(plain.rcode, read.rcode);
	cr_expect_eq(plain.is_truncated, read.is_truncated);
	cr_expect_eq(plain.is_authoritative, read.is_authoritative);
	cr_expect_eq(plain.is_authentic, read.is_authentic);
	cr_expect_eq(plain.offers_recursion, read.offers_recursion);
	cr_expect_eq(plain.is_checking_disabled, read.is_checking_disabled);
	cr_expect_eq(plain.has_edns, read.has_edns);
	cr_expect_eq(plain.edns_size, read.edns_size);
	cr_expect_eq(plain.has_soa, read.has_soa);
	cr_expect_eq(plain.serial, read.serial);
	cr_expect_eq(plain.min_ttl, read.min_ttl);
	cr_expect_eq(plain.naddresses, read.naddresses);
	for (size_t i = 0; i < read.naddresses; i++)
		cr_expect(address_equal(&plain.addresses[i], &read.addresses[i]));
	dns_reply_free(&plain);
	dns_reply_free(&read);
}

/* Also cut at every offset (the copy is as long as what there is) and with a byte too many. */
static void expect_whole_only(const uint8_t *bytes, size_t size)
{
	struct dns_reply reply;
	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = mem_copy(bytes, n);
		cr_expect(!dns_plain_read(cut, n, &reply), "%zu of %zu", n, size);
		mem_free(cut);
	}
	uint8_t *longer = mem_zero(1, size + 1);
	memcpy(longer, bytes, size);
	cr_expect(!dns_plain_read(longer, size + 1, &reply));
	mem_free(longer);
}

Test(dns_plain, agrees)
{
	static const char *const *const all[] = {addresses, zones, missing, many};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		size_t size;
		uint8_t *bytes = message_make("www.example.net", LDNS_RR_TYPE_A, all[i], &size);
		expect_same(bytes, size);
		expect_whole_only(bytes, size);
		for (unsigned flags = 0; flags < 256; flags++) {
			bytes[2] = (uint8_t)(0x80 | (flags & 7));
			bytes[3] = (uint8_t)flags;
			expect_same(bytes, size);
		}
		mem_free(bytes);
	}
}

/* Appends a record; the counts of answer and additional are those given. */
static size_t append(uint8_t *bytes, size_t size, const void *record, size_t length)
{
	memcpy(bytes + size, record, length);
	return size + length;
}

#define QUESTION "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\3www\7example\3net\0\0\1\0\1"
#define RECORD(text)                                                                                                   \
	{                                                                                                              \
		text, sizeof(text) - 1                                                                                 \
	}

struct bytes {
	const char *bytes;
	size_t size;
};

/* The question and one record of this section. */
static size_t with_record(uint8_t *bytes, enum dns_section section, const struct bytes *record)
{
	size_t size = append(bytes, 0, QUESTION, sizeof(QUESTION) - 1);
	bytes[7 + section * 2] = 1;
	return append(bytes, size, record->bytes, record->size);
}

Test(dns_plain, edns)
{
	static const struct bytes good = RECORD("\0\0\x29\4\xd0\1\0\x80\0\0\0"),
				  cookie = RECORD("\0\0\x29\4\xd0\0\0\0\0\0\x06\0\x0a\0\2zz"),
				  named = RECORD("\xc0\x0c\0\x29\4\xd0\0\0\0\0\0\0");
	uint8_t bytes[512];
	struct dns_reply reply;
	size_t size = with_record(bytes, DNS_ADDITIONAL, &good);
	expect_same(bytes, size);
	cr_assert(dns_plain_read(bytes, size, &reply));
	cr_expect_eq(reply.rcode, 16);
	cr_expect_eq(reply.edns_size, 1232);
	cr_expect_eq(reply.counts[DNS_ADDITIONAL], 0);
	bytes[11] = 2;
	cr_expect(!dns_plain_read(bytes, append(bytes, size, good.bytes, good.size), &reply), "twice");
	cr_expect(!dns_plain_read(bytes, with_record(bytes, DNS_ANSWER, &good), &reply), "in the answer");
	cr_expect(!dns_plain_read(bytes, with_record(bytes, DNS_ADDITIONAL, &cookie), &reply), "with options");
	cr_expect(!dns_plain_read(bytes, with_record(bytes, DNS_ADDITIONAL, &named), &reply), "with a name");
}

/* Some of it is well-formed: ldns says so. */
Test(dns_plain, leaves_what_is_unusual)
{
	static const struct bytes records[] = {
		RECORD("\xc0\x0c\0\1\0\1\0\0\0\1\0\3abc"),       /* short address */
		RECORD("\xc0\x0c\0\1\0\1\0\0\0\1\0\5abcde"),     /* long address */
		RECORD("\xc0\x0c\0\x1c\0\1\0\0\0\1\0\4abcd"),    /* short address */
		RECORD("\xc0\x0c\0\5\0\1\0\0\0\1\0\3\xc0\x0c!"), /* data behind the name */
		RECORD("\xc0\x0c\0\5\0\1\0\0\0\1\0\1\xc0\x0c"),  /* name behind the data */
		RECORD("\xc0\x0c\0\x10\0\1\0\0\0\1\0\2\1a"),     /* another type */
		RECORD("\xc0\x21\0\1\0\1\0\0\0\1\0\4abcd"),      /* points at itself */
		RECORD("\xc0\x30\0\1\0\1\0\0\0\1\0\4abcd"),      /* points forward */
		RECORD("\xc0\x02\0\1\0\1\0\0\0\1\0\4abcd"),      /* points into the header */
		RECORD("\xff\xff\0\1\0\1\0\0\0\1\0\4abcd"),      /* points beyond the end */
		RECORD("\x41z\0\0\1\0\1\0\0\0\1\0\4abcd"),       /* label of an unknown kind */
		RECORD("\2a"),                                   /* ends in a label */
		RECORD("\xc0"),                                  /* ends in a pointer */
	};
	uint8_t bytes[512];
	struct dns_reply reply;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		cr_expect(!dns_plain_read(bytes, with_record(bytes, DNS_ANSWER, &records[i]), &reply), "%zu", i);
	size_t size;
	uint8_t *text = message_make("www.example.net", LDNS_RR_TYPE_TXT, texts, &size);
	cr_expect(!dns_plain_read(text, size, &reply));
	mem_free(text);
}

Test(dns_plain, wants_one_question)
{
	uint8_t bytes[] = QUESTION;
	struct dns_reply reply;
	expect_same(bytes, sizeof(bytes) - 1);
	bytes[5] = 0;
	cr_expect(!dns_plain_read(bytes, DNS_HEADER_BYTES, &reply));
	bytes[5] = 2;
	cr_expect(!dns_plain_read(bytes, sizeof(bytes) - 1, &reply));
}

/* A name may have 255 bytes, pointers followed. */
Test(dns_plain, names_have_a_longest)
{
	for (size_t last = 1; last <= 63; last++) {
		uint8_t bytes[512] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1};
		size_t size = DNS_HEADER_BYTES;
		for (int i = 0; i < 3; i++) {
			bytes[size] = 63;
			memset(bytes + size + 1, 'a', 63);
			size += 64;
		}
		size = append(bytes, size, "\0\0\1\0\1", 5);
		bytes[size] = (uint8_t)last;
		memset(bytes + size + 1, 'b', last);
		size = append(bytes, size + 1 + last, "\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd", 16);
		struct dns_reply reply;
		bool fits = last + 1 + 3 * 64 + 1 <= DNS_NAME_MAX;
		cr_expect_eq(dns_plain_read(bytes, size, &reply), fits, "%zu", last);
		cr_expect_eq(dns_reply_read(bytes, size, &reply, NULL), fits ? 0 : -1, "%zu", last);
		if (fits)
			dns_reply_free(&reply);
	}
}

/* Pointers to pointers, each back: so many and no more. */
Test(dns_plain, pointers_are_followed_so_far)
{
	for (unsigned hops = 1; hops < 30; hops++) {
		uint8_t bytes[1024] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 0};
		size_t size = append(bytes, DNS_HEADER_BYTES, "\1a\0\0\1\0\1", 7), target = DNS_HEADER_BYTES;
		for (unsigned i = 0; i < hops; i++) {
			const uint8_t pointer[2] = {(uint8_t)(0xc0 | target >> 8), (uint8_t)target};
			bytes[7]++;
			target = size;
			size = append(bytes, size, pointer, 2);
			size = append(bytes, size, "\0\1\0\1\0\0\0\1\0\4abcd", 14);
		}
		struct dns_reply reply;
		cr_expect_eq(dns_plain_read(bytes, size, &reply), hops <= 16, "%u", hops);
	}
}
