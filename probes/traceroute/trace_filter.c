#include "probes/traceroute/trace_filter.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "probes/traceroute/trace_wire.h"

#define SCRATCH_PROTOCOL 0 /* the quoted protocol waits there while X is computed */
#define TO_END           0xff

/* What differs between the families, by enum address_family - 1. */
static const struct {
	uint8_t echo_reply;
	uint8_t numbers[TRACE_PROTOCOLS];
} facts[ADDRESS_FAMILIES] = {
	{ICMP_ECHOREPLY, {IPPROTO_ICMP, IPPROTO_UDP, IPPROTO_TCP}},
	{ICMP6_ECHO_REPLY, {IPPROTO_ICMPV6, IPPROTO_UDP, IPPROTO_TCP}},
};

static void add(struct trace_filter *filter, struct sock_filter step)
{
	filter->code[filter->size++] = step;
}

static void add_step(struct trace_filter *filter, uint16_t code, uint32_t value)
{
	add(filter, (struct sock_filter)BPF_STMT(code, value));
}

/* Jumps over `yes` or `no` steps; TO_END: to the last step, which drops. */
static void add_test(struct trace_filter *filter, uint16_t test, uint32_t value, uint8_t yes, uint8_t no)
{
	add(filter, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | test), value, yes, no));
}

/* A 16-bit field at X + offset in the block: taken; else dropped. */
static void add_block_test(struct trace_filter *filter, uint32_t offset, uint16_t first)
{
	add_step(filter, BPF_LD | BPF_H | BPF_IND, offset);
	add_step(filter, BPF_ALU | BPF_AND | BPF_K, (uint16_t) ~(TRACE_FILTER_BLOCK - 1));
	/* Blocks are aligned: what is masked is never 1. */
	add_test(filter, BPF_JEQ, first == TRACE_FILTER_NONE ? 1 : first, 0, TO_END);
	add_step(filter, BPF_RET | BPF_K, UINT32_MAX);
}

/* The last step, to which the jumps that are open go. Loads beyond the end of the packet drop it as well. */
static void finish(struct trace_filter *filter)
{
	uint16_t last = filter->size;
	add_step(filter, BPF_RET | BPF_K, 0);
	for (uint16_t i = 0; i < last; i++) {
		struct sock_filter *step = &filter->code[i];
		if (BPF_CLASS(step->code) != BPF_JMP)
			continue;
		uint8_t distance = (uint8_t)(last - i - 1);
		step->jt = step->jt == TO_END ? distance : step->jt;
		step->jf = step->jf == TO_END ? distance : step->jf;
	}
}

/* X = where the ICMP or TCP header begins. */
static void begin(struct trace_filter *filter, enum address_family family)
{
	filter->size = 0;
	if (family == ADDRESS_IPV4)
		add_step(filter, BPF_LDX | BPF_B | BPF_MSH, 0);
	else
		add_step(filter, BPF_LDX | BPF_W | BPF_IMM, 0);
}

/* The quoted IPv4 header begins at X + TRACE_WIRE_QUOTE_AT: its length is added to X. */
static void add_quoted_ipv4(struct trace_filter *filter)
{
	add_step(filter, BPF_LD | BPF_B | BPF_IND, TRACE_WIRE_QUOTE_AT + TRACE_WIRE_IPV4_PROTOCOL_AT);
	add_step(filter, BPF_ST, SCRATCH_PROTOCOL);
	add_step(filter, BPF_LD | BPF_B | BPF_IND, TRACE_WIRE_QUOTE_AT);
	add_step(filter, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	add_step(filter, BPF_ALU | BPF_LSH | BPF_K, 2);
	add_step(filter, BPF_ALU | BPF_ADD | BPF_X, 0);
	add_step(filter, BPF_MISC | BPF_TAX, 0);
	add_step(filter, BPF_LD | BPF_MEM, SCRATCH_PROTOCOL);
}

void trace_filter_icmp(struct trace_filter *filter, enum address_family family, const uint16_t first[TRACE_PROTOCOLS])
{
	static const uint32_t places[TRACE_PROTOCOLS] = {
		[TRACE_ICMP] = TRACE_WIRE_IDENTIFIER_AT,
		[TRACE_UDP] = TRACE_WIRE_SOURCE_PORT_AT,
		[TRACE_TCP] = TRACE_WIRE_SOURCE_PORT_AT,
	};
	const uint8_t *numbers = facts[family - 1].numbers;
	uint32_t at = TRACE_WIRE_QUOTE_AT; /* of the quoted transport header, beyond X */
	begin(filter, family);
	add_step(filter, BPF_LD | BPF_B | BPF_IND, 0);
	add_test(filter, BPF_JEQ, facts[family - 1].echo_reply, 0, 4);
	add_block_test(filter, TRACE_WIRE_IDENTIFIER_AT, first[TRACE_ICMP]);
	if (family == ADDRESS_IPV4) {
		add_quoted_ipv4(filter);
	} else {
		add_step(filter, BPF_LD | BPF_B | BPF_IND, TRACE_WIRE_QUOTE_AT + TRACE_WIRE_IPV6_NEXT_AT);
		at += TRACE_WIRE_IPV6_HEADER;
	}
	for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
		add_test(filter, BPF_JEQ, numbers[protocol], 0, 4);
		add_block_test(filter, at + places[protocol], first[protocol]);
	}
	finish(filter);
}

void trace_filter_tcp(struct trace_filter *filter, enum address_family family, uint16_t first)
{
	begin(filter, family);
	add_step(filter, BPF_LD | BPF_B | BPF_IND, TRACE_WIRE_TCP_FLAGS_AT);
	add_test(filter, BPF_JSET, TRACE_WIRE_TCP_RST, 2, 0);
	add_step(filter, BPF_ALU | BPF_AND | BPF_K, TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK);
	add_test(filter, BPF_JEQ, TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, 0, TO_END);
	add_block_test(filter, TRACE_WIRE_DEST_PORT_AT, first);
	finish(filter);
}

void trace_filter_nothing(struct trace_filter *filter)
{
	filter->size = 0;
	finish(filter);
}
