/*
 * A trace in the form that people know from traceroute.
 */
#include <stdio.h>

#include "core/clock.h"
#include "core/text.h"
#include "probes/traceroute/trace_wire.h"
#include "probes/traceroute/traceroute_run.h"

static const char *const transports[] = {
	[TRACE_ICMP] = "ICMP",
	[TRACE_UDP] = "UDP",
	[TRACE_TCP] = "TCP",
};

void traceroute_log_beginning(const struct traceroute_run *run)
{
	char text[ADDRESS_TEXT_SIZE];
	const struct traceroute *traceroute = run->traceroute;
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	if (!run_is_logged(run->run))
		return;
	enum trace_protocol protocol = (enum trace_protocol)settings->transport;
	enum address_family family = (enum address_family)traceroute->address.family;
	size_t least = trace_wire_payload_min(protocol);
	size_t payload = (size_t)settings->size < least ? least : (size_t)settings->size;
	run_log(run->run, "traceroute to %s (%s), %u hops max, %zu byte packets, %s by %s",
		probe_address(traceroute->probe), address_format(&traceroute->address, text), run->path->plan.max_hops,
		trace_wire_header_size(family, protocol) + payload, transports[protocol],
		tracer_lane_kind(traceroute->flows[0].flow.lane));
}

/* What traceroute puts behind a time. */
static const char *remark(const struct path_hop *hop)
{
	if (hop->kind == TRACE_TOO_BIG)
		return " !F";
	if (hop->is_target || hop->kind == TRACE_TTL_EXCEEDED)
		return "";
	switch ((enum reason)hop->reason) {
	case REASON_UNREACHABLE_NET:
		return " !N";
	case REASON_UNREACHABLE_HOST:
		return " !H";
	case REASON_UNREACHABLE_PORT:
		return " !p";
	case REASON_UNREACHABLE_ADMIN:
		return " !X";
	default:
		return " !";
	}
}

static void add_attempt(struct text *line, const struct path_attempt *attempt)
{
	switch (attempt->state) {
	case PATH_ANSWERED:
		if (attempt->time_ns >= 0)
			text_add_format(line, "  %.3f ms", (double)attempt->time_ns / 1e6);
		else
			text_add(line, "  ?");
		break;
	case PATH_LOST:
	case PATH_FLYING:
		text_add(line, "  *");
		break;
	case PATH_UNSENT:
		text_add(line, "  -");
		break;
	default:
		break;
	}
}

static void add_labels(struct text *line, const struct path_hop *hop)
{
	for (uint8_t i = 0; i < hop->nlabels; i++) {
		const struct trace_label *label = &hop->labels[i];
		text_add_format(line, " [MPLS: Lbl %u TC %u S %d TTL %u]", label->label, label->traffic_class,
				label->is_bottom, label->ttl);
	}
}

static void add_addresses(const struct traceroute *traceroute, struct text *line, const struct path_hop *hop)
{
	char text[ADDRESS_TEXT_SIZE];
	for (uint8_t i = 0; i < hop->naddresses; i++) {
		const struct address *address = path_hop_address(hop, i);
		const char *name = traceroute_name_of(traceroute, address);
		address_format(address, text);
		text_add_format(line, "  %s (%s)", name ? name : text, text);
	}
}

static void log_hop(const struct traceroute_run *run, uint8_t number, const struct path_hop *hop)
{
	struct text line = {.ceiling = 4096};
	text_add_format(&line, "%2u", number);
	if (hop) {
		add_addresses(run->traceroute, &line, hop);
		for (uint8_t i = 0; i < run->path->plan.attempts; i++)
			add_attempt(&line, &hop->attempts[i]);
		text_add(&line, hop->received ? remark(hop) : "");
		add_labels(&line, hop);
		text_add(&line, hop->is_nat ? " [NAT]" : "");
	}
	run_log(run->run, "%s", text_string(&line));
	text_free(&line);
}

static void log_end(const struct traceroute_run *run, uint8_t flow)
{
	char text[ADDRESS_TEXT_SIZE];
	const struct path *path = run->path;
	uint8_t loop = path_loop_hop(path, flow);
	if (loop)
		run_log(run->run, "routing loop: %s again at hop %u",
			address_format(&path_hop_at(path, flow, loop)->address, text), loop);
	if (path->flows[flow].end != PATH_REACHED)
		run_log(run->run, "not reached: %s", traceroute_end_name(path, flow));
}

void traceroute_log_path(const struct traceroute_run *run)
{
	const struct path *path = run->path;
	if (!run_is_logged(run->run))
		return;
	for (uint8_t flow = 0; flow < path->plan.flows; flow++) {
		if (path->plan.flows > 1)
			run_log(run->run, "flow %u:", flow);
		uint8_t last = path_last_hop(path, flow);
		for (uint8_t number = path->plan.first_hop; number <= last; number++)
			log_hop(run, number, path_hop_at(path, flow, number));
		log_end(run, flow);
	}
}
