/* Names of the reverse zones and the answers of their servers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reverse_wire.h"

/* --- names ---------------------------------------------------------------------------------------------------------
 */

static const struct {
	const char *address, *name;
} zones[] = {
	{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
	{"255.255.255.255", "255.255.255.255.in-addr.arpa"},
	{"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	{"fe80::f", "f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa"},
};

Test(reverse_wire, zones)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct address address;
		char name[REVERSE_WIRE_NAME_SIZE];
		cr_assert(address_parse(zones[i].address, &address));
		reverse_wire_name(&address, name);
		cr_expect_str_eq(name, zones[i].name);
	}
}

static const struct {
	const char *name, *shown;
} strangers[] = {
	{"core-1.example.net", "core-1.example.net"},
	{"core-1.example.net.", "core-1.example.net"},
	{"A_b.9", "A_b.9"},
	{"x\x1b[J", "x\\027\\091J"},
	{"caf\xc3\xa9.fr", "caf\\195\\169.fr"},
	{"a b\"c\\d", "a\\032b\\034c\\092d"},
	{"", NULL},
	{".", NULL},
};

Test(reverse_wire, strangers_text_is_harmless)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		char shown[RESOLVE_NAME_MAX + 1];
		bool is_shown = reverse_wire_show(strangers[i].name, shown);
		cr_expect_eq(is_shown, strangers[i].shown != NULL, "%zu", i);
		if (is_shown)
			cr_expect_str_eq(shown, strangers[i].shown, "%zu: %s", i, shown);
	}
}

Test(reverse_wire, the_longest_name)
{
	char name[400], shown[RESOLVE_NAME_MAX + 1];
	memset(name, 'a', sizeof(name));
	name[RESOLVE_NAME_MAX] = '\0';
	cr_expect(reverse_wire_show(name, shown));
	cr_expect_eq(strlen(shown), RESOLVE_NAME_MAX);
	name[RESOLVE_NAME_MAX] = 'a';
	name[RESOLVE_NAME_MAX + 1] = '\0';
	cr_expect_not(reverse_wire_show(name, shown));
	memset(name, ' ', 63);
	name[63] = '\0';
	cr_expect(reverse_wire_show(name, shown));
	name[63] = ' ';
	name[64] = '\0';
	cr_expect_not(reverse_wire_show(name, shown), "64 escapes are 256 bytes");
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

struct message {
	uint8_t bytes[1024];
	size_t n;
};

static void put(struct message *message, const void *bytes, size_t n)
{
	memcpy(message->bytes + message->n, bytes, n);
	message->n += n;
}

static void put_u16(struct message *message, unsigned value)
{
	put(message, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_name(struct message *message, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		put(message, (uint8_t[]){(uint8_t)n}, 1);
		put(message, name, n);
		name += n + (name[n] == '.');
	}
	put(message, "", 1);
}

/* Header, and the question for 1.2.0.192.in-addr.arpa at offset 12. */
static struct message begin(unsigned answers)
{
	struct message message = {.n = 0};
	put(&message, "\x12\x34\x81\x80\0\1", 6);
	put_u16(&message, answers);
	put(&message, "\0\0\0\0", 4);
	put_name(&message, "1.2.0.192.in-addr.arpa");
	put(&message, "\0\14\0\1", 4);
	return message;
}

static void put_record(struct message *message, unsigned type, uint32_t ttl, const void *data, size_t n)
{
	put_u16(message, 0xc00c);
	put_u16(message, type);
	put_u16(message, 1);
	put_u16(message, ttl >> 16);
	put_u16(message, ttl & 0xffff);
	put_u16(message, (unsigned)n);
	put(message, data, n);
}

static void put_pointer(struct message *message, unsigned type, uint32_t ttl, const char *name)
{
	struct message data = {.n = 0};
	put_name(&data, name);
	put_record(message, type, ttl, data.bytes, data.n);
}

/* In memory of its very size, so that a sanitizer sees who reads beyond. */
static bool read_cut(const struct message *message, size_t n, struct reverse_wire_answer *answer)
{
	uint8_t *copy = malloc(n ? n : 1);
	memcpy(copy, message->bytes, n);
	bool is_read = reverse_wire_read(copy, n, answer);
	free(copy);
	return is_read;
}

Test(reverse_wire, an_answer_cut_anywhere)
{
	struct message message = begin(2);
	struct reverse_wire_answer answer;
	put_pointer(&message, 5, 30, "1.0-25.2.0.192.in-addr.arpa");
	put_pointer(&message, 12, 300, "core-1.example.net");
	for (size_t n = 0; n < message.n; n++)
		cr_expect_not(read_cut(&message, n, &answer), "%zu of %zu bytes", n, message.n);
	cr_assert(read_cut(&message, message.n, &answer));
	cr_expect_str_eq(answer.name, "core-1.example.net");
	cr_expect_eq(answer.ttl_seconds, 30);
}

Test(reverse_wire, names_are_compressed)
{
	struct message message = begin(1);
	struct reverse_wire_answer answer;
	/* "gw" and then the question's name from its third label on (offset 16). */
	put_record(&message, 12, 60, "\2gw\300\20", 5);
	cr_assert(read_cut(&message, message.n, &answer));
	cr_expect_str_eq(answer.name, "gw.0.192.in-addr.arpa");
}

static const struct {
	const char *what, *data;
	size_t n;
} bad_names[] = {
	{"a pointer to itself", "\300\64", 2}, /* offset 52: where the data of the first record begin */
	{"a pointer forward", "\300\377", 2},       {"a pointer back to a piece that leads here", "\1a\300\64", 4},
	{"a reserved kind of label", "\100a\0", 3}, {"the root", "\0", 1},
};

Test(reverse_wire, names_that_lead_nowhere)
{
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++) {
		struct message message = begin(1);
		struct reverse_wire_answer answer;
		cr_assert_eq(message.n + 12, 52);
		put_record(&message, 12, 60, bad_names[i].data, bad_names[i].n);
		cr_expect_not(read_cut(&message, message.n, &answer), "%s: %s", bad_names[i].what, answer.name);
	}
}

Test(reverse_wire, a_label_with_a_dot_in_it_is_told_from_two)
{
	struct message message = begin(1);
	struct reverse_wire_answer answer;
	put_record(&message, 12, 60, "\3a.b\2\r\n\0", 8);
	cr_assert(read_cut(&message, message.n, &answer));
	cr_expect_str_eq(answer.name, "a\\046b.\\013\\010");
}

Test(reverse_wire, other_records_are_passed_over)
{
	struct message message = begin(3);
	struct reverse_wire_answer answer;
	put_record(&message, 16, 5, "\2hi", 3);
	put_pointer(&message, 12, 0x80000000, "first.example");
	put_pointer(&message, 12, 9, "second.example");
	cr_assert(read_cut(&message, message.n, &answer));
	cr_expect_str_eq(answer.name, "first.example");
	cr_expect_eq(answer.ttl_seconds, 0, "a TTL with the highest bit is none");
}

Test(reverse_wire, no_name)
{
	struct message message = begin(1);
	struct reverse_wire_answer answer;
	put_record(&message, 1, 5, "\1\2\3\4", 4);
	cr_expect_not(read_cut(&message, message.n, &answer));
	message = begin(0);
	cr_expect_not(read_cut(&message, message.n, &answer));
}

Test(reverse_wire, a_name_that_is_too_long_is_none)
{
	struct message data = {.n = 0}, message = begin(2);
	struct reverse_wire_answer answer;
	for (int i = 0; i < 5; i++) {
		put(&data, "\77", 1);
		for (int j = 0; j < 63; j++)
			put(&data, "x", 1);
	}
	put(&data, "", 1);
	put_record(&message, 12, 60, data.bytes, data.n);
	put_pointer(&message, 12, 60, "short.example");
	cr_assert(read_cut(&message, message.n, &answer));
	cr_expect_str_eq(answer.name, "short.example");
}
