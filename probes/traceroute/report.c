/*
 * The path to a target: the rows of a trace.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/mem.h"
#include "core/text.h"
#include "probes/traceroute/traceroute_run.h"

/* --- measures ----------------------------------------------------------------------------------------------------- */

enum trace_measure {
	TRACE_M_REACHED,
	TRACE_M_HOPS,
	TRACE_M_SENT,
	TRACE_M_RECEIVED,
	TRACE_M_LOSS,
	TRACE_M_RTT_MIN,
	TRACE_M_RTT_AVG,
	TRACE_M_RTT_MAX,
	TRACE_M_SILENT,
	TRACE_M_SLOWEST,
	TRACE_M_SLOWEST_RTT,
	TRACE_M_BOTTLENECK,
	TRACE_M_BOTTLENECK_STEP,
	TRACE_M_FIRST_LOSSY,
	TRACE_M_PATHS,
	TRACE_M_PATH_HASH,
	TRACE_M_CHANGES,
	TRACE_M_AS_PATH_HASH,
	TRACE_M_MTU,
	TRACE_M_MTU_BLACK_HOLE,
	TRACE_M_MTU_HOP,
	TRACE_M_NAT_HOP,
	TRACE_M_LOOP_HOP,
	TRACE_M_END,
	TRACE_M_PATH,
	TRACE_M_AS_PATH,
	TRACE_M_PATH_METERS,
	TRACE_M_CAUSE,
	TRACE_MEASURES
};

static const struct measure trace_measures[TRACE_MEASURES] = {
	[TRACE_M_REACHED] = {"reached", MEASURE_INTEGER, "1 when the target answered, else 0"},
	[TRACE_M_HOPS] = {"hops", MEASURE_INTEGER,
			  "Hop of the target (of the nearest flow's path that gets there), or the last that answered"},
	[TRACE_M_SENT] = {"sent_total", MEASURE_COUNTER,
			  "Packets sent to the hop of the target, or to the last hop when the target was not reached"},
	[TRACE_M_RECEIVED] = {"received_total", MEASURE_COUNTER, "Of these, those that the target answered"},
	[TRACE_M_LOSS] =
		{"loss_ratio", MEASURE_GAUGE,
		 "Part of the last trace's packets to the target that went unanswered, 0 to 1; 1 when it was not "
		 "reached"},
	[TRACE_M_RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time to the target"},
	[TRACE_M_RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, "Average round-trip time to the target"},
	[TRACE_M_RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, "Longest round-trip time to the target"},
	[TRACE_M_SILENT] = {"silent_hops", MEASURE_INTEGER, "Hops that answered nothing, of all flows"},
	[TRACE_M_SLOWEST] = {"slowest_hop", MEASURE_INTEGER, "Hop with the longest average round-trip time"},
	[TRACE_M_SLOWEST_RTT] = {"slowest_hop_rtt_seconds", MEASURE_GAUGE, "That time"},
	[TRACE_M_BOTTLENECK] = {"bottleneck_hop", MEASURE_INTEGER,
				"Hop before which the path gets longest: the largest step between hops that answer"},
	[TRACE_M_BOTTLENECK_STEP] = {"bottleneck_step_seconds", MEASURE_GAUGE,
				     "That step of the shortest round-trip times; what a router takes to make its "
				     "answer is not part of it"},
	[TRACE_M_FIRST_LOSSY] = {"first_lossy_hop", MEASURE_INTEGER,
				 "First hop with loss that goes on to the end; absent when there is none"},
	[TRACE_M_PATHS] = {"paths", MEASURE_INTEGER, "Different paths that the flows take"},
	[TRACE_M_PATH_HASH] =
		{"path_hash", MEASURE_INTEGER,
		 "A number for the path, or the set of paths; stays as long as the path is the same, also "
		 "while hops are silent or the target is not reached"},
	[TRACE_M_CHANGES] = {"path_changes_total", MEASURE_COUNTER,
			     "Traces of a flow that found another path than before"},
	[TRACE_M_AS_PATH_HASH] = {"as_path_hash", MEASURE_INTEGER,
				  "A number for the networks (AS) along the path; only with a database of networks"},
	[TRACE_M_MTU] = {"mtu_bytes", MEASURE_INTEGER,
			 "Largest packet that gets to the target unfragmented (option mtu)"},
	[TRACE_M_MTU_BLACK_HOLE] = {"mtu_black_hole", MEASURE_INTEGER,
				    "1 when larger packets vanish and nobody says why (option mtu)"},
	[TRACE_M_MTU_HOP] = {"mtu_hop", MEASURE_INTEGER,
			     "Hop that says packets are too big, or the last that they reach before they vanish"},
	[TRACE_M_NAT_HOP] = {"nat_hop", MEASURE_INTEGER,
			     "First hop behind a translation of addresses; absent when none was seen"},
	[TRACE_M_LOOP_HOP] =
		{"loop_hop", MEASURE_INTEGER,
		 "First hop at which packets are where they have been before; absent when there is no loop"},
	[TRACE_M_END] =
		{"end", MEASURE_TEXT,
		 "Why the trace ended: reached, max_silent, max_hops, timeout, or the reason that a router told"},
	[TRACE_M_PATH] = {"path", MEASURE_TEXT, "Addresses of the hops, joined by > ; * is a silent hop"},
	/* These two, as_path_hash, and the last four of a hop are filled where places are known (daemon/trace_places).
	 */
	[TRACE_M_AS_PATH] = {"as_path", MEASURE_TEXT,
			     "Numbers of the networks (AS) along the path of the first flow, joined by blanks; only "
			     "with a database of "
			     "networks"},
	[TRACE_M_PATH_METERS] = {"path_meters", MEASURE_GAUGE,
				 "Way over the ground from the agent along the hops of the first flow whose places are "
				 "known and can be true"},
	[TRACE_M_CAUSE] = {"cause", MEASURE_TEXT, "What triggered the trace; absent when it was its turn"},
};

const struct measure_set traceroute_set = {
	.name = "traceroute",
	.measures = trace_measures,
	.n = TRACE_MEASURES,
	.help = "The path to a target as a whole",
};

enum hop_measure {
	HOP_SENT,
	HOP_RECEIVED,
	HOP_LOSS,
	HOP_FORWARD_LOSS,
	HOP_RTT_MIN,
	HOP_RTT_AVG,
	HOP_RTT_MAX,
	HOP_ADDRESS,
	HOP_ADDRESSES,
	HOP_NAME,
	HOP_REPLY,
	HOP_MPLS,
	HOP_REPLY_HOP_LIMIT,
	HOP_IS_NAT,
	HOP_COUNTRY,
	HOP_CITY,
	HOP_ASN,
	HOP_IS_IMPLAUSIBLE,
	HOP_MEASURES
};

static const struct measure hop_measures[HOP_MEASURES] = {
	[HOP_SENT] = {"sent_total", MEASURE_COUNTER, "Packets sent to this hop"},
	[HOP_RECEIVED] = {"received_total", MEASURE_COUNTER, "Packets that this hop answered"},
	[HOP_LOSS] =
		{"loss_ratio", MEASURE_GAUGE,
		 "Part of the last trace's packets that this hop did not answer; routers limit their answers, so this "
		 "need not be loss"},
	[HOP_FORWARD_LOSS] =
		{"forward_loss_ratio", MEASURE_GAUGE,
		 "The part of it that goes on to the end: the smallest loss of this hop and of all farther "
		 "ones that answer"},
	[HOP_RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time of the last trace"},
	[HOP_RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, "Average round-trip time of the last trace"},
	[HOP_RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, "Longest round-trip time of the last trace"},
	[HOP_ADDRESS] = {"address", MEASURE_TEXT, "Who answered; absent when nobody did"},
	[HOP_ADDRESSES] = {"addresses", MEASURE_TEXT, "All who answered, when there were several, joined by blanks"},
	[HOP_NAME] = {"name", MEASURE_TEXT, "Reverse name of the address (option reverse_names)"},
	[HOP_REPLY] =
		{"reply", MEASURE_TEXT,
		 "Kind of the answer: ttl_exceeded, echo_reply, port_unreachable, syn_ack, reset, udp_reply, too_big, "
		 "or the reason why there is no way on"},
	[HOP_MPLS] = {"mpls", MEASURE_TEXT,
		      "MPLS labels of the packet as it got there: label/class/bottom/ttl, joined by blanks"},
	[HOP_REPLY_HOP_LIMIT] = {"reply_hop_limit", MEASURE_INTEGER,
				 "Time to live (IPv6: hop limit) of the last answer when it got here"},
	[HOP_IS_NAT] = {"is_nat", MEASURE_INTEGER, "1 when addresses were translated before this hop; else absent"},
	[HOP_COUNTRY] = {"country", MEASURE_TEXT, "Where databases place the address: ISO code of the country"},
	[HOP_CITY] = {"city", MEASURE_TEXT, "Where databases place the address: the city"},
	[HOP_ASN] = {"asn", MEASURE_TEXT, "Number of the network (AS) that the address belongs to"},
	[HOP_IS_IMPLAUSIBLE] =
		{"is_implausible", MEASURE_INTEGER,
		 "1 when the answer came sooner than light could have: the hop is not where databases place it"},
};

static const char *const hop_labels[] = {"hop", "flow", "hop_address", NULL};
static const char *const edge_labels[] = {"hop", "flow", "hop_before", "hop_address", NULL};

const struct measure_set traceroute_hop_set = {
	.name = "traceroute_hop",
	.measures = hop_measures,
	.n = HOP_MEASURES,
	.label_names = hop_labels,
	.help = "One hop of the path to a target",
};

enum edge_measure { EDGE_ID, EDGE_SOURCE, EDGE_TARGET, EDGE_STEP, EDGE_INFO, EDGE_MEASURES };

static const struct measure edge_measures[EDGE_MEASURES] = {
	[EDGE_ID] = {"id", MEASURE_TEXT, "Names the edge: source > target"},
	[EDGE_SOURCE] =
		{"source", MEASURE_TEXT,
		 "Node before it: an address, agent for where the path begins, hop N of TARGET for a silent hop"},
	[EDGE_TARGET] = {"destination", MEASURE_TEXT, "Node behind it"},
	[EDGE_STEP] = {"step_seconds", MEASURE_GAUGE,
		       "How much longer the shortest round trip is than to the last hop before that was measured"},
	[EDGE_INFO] = {"info", MEASURE_INFO,
		       "Always 1; with the option hop_address the labels hop_before and hop_address name the nodes"},
};

const struct measure_set traceroute_edge_set = {
	.name = "traceroute_edge",
	.measures = edge_measures,
	.n = EDGE_MEASURES,
	.label_names = edge_labels,
	.help = "A step from one hop to the next, for graphs of nodes",
};

/* --- names -------------------------------------------------------------------------------------------------------- */

const char *traceroute_reply_name(const struct path_hop *hop)
{
	static const char *const names[TRACE_ANSWERS] = {
		[TRACE_TTL_EXCEEDED] = "ttl_exceeded",
		[TRACE_ECHO_REPLY] = "echo_reply",
		[TRACE_PORT_UNREACHABLE] = "port_unreachable",
		[TRACE_SYN_ACK] = "syn_ack",
		[TRACE_RESET] = "reset",
		[TRACE_UDP_REPLY] = "udp_reply",
		[TRACE_TOO_BIG] = "too_big",
	};
	const char *name = hop->kind < TRACE_ANSWERS ? names[hop->kind] : NULL;
	return name ? name : reason_name((enum reason)hop->reason);
}

/* How a flow that ended somewhere else than at the target went wrong. */
static enum reason end_reason(const struct path *path, uint8_t flow)
{
	const struct path_hop *hop = path_hop_at(path, flow, path->flows[flow].end_hop);
	switch ((enum path_end)path->flows[flow].end) {
	case PATH_REACHED:
		return REASON_OK;
	case PATH_UNREACHABLE:
		return hop && hop->reason != REASON_OK ? (enum reason)hop->reason : REASON_PROTOCOL;
	case PATH_MAX_HOPS:
		return REASON_TTL_EXCEEDED;
	case PATH_LOCAL:
		return REASON_LOCAL;
	case PATH_MAX_SILENT:
	case PATH_DEADLINE:
	case PATH_OPEN:
		break;
	}
	return REASON_TIMEOUT;
}

const char *traceroute_end_name(const struct path *path, uint8_t flow)
{
	switch ((enum path_end)path->flows[flow].end) {
	case PATH_REACHED:
		return "reached";
	case PATH_MAX_SILENT:
		return "max_silent";
	case PATH_MAX_HOPS:
		return "max_hops";
	default:
		return reason_name(end_reason(path, flow));
	}
}

/* --- what a report is made of ------------------------------------------------------------------------------------- */

/* Texts of a report, kept until it has been handed over. */
struct keep {
	struct keep *next;
	size_t used;
	char bytes[4096];
};

struct lines {
	struct reading hop[HOP_MEASURES], edge[EDGE_MEASURES];
	struct label labels[3], edge_labels[4];
};

struct report {
	const struct traceroute_run *run;
	const struct path *path; /* NULL: there is none */
	struct keep *kept;
	struct row *rows;
	struct lines *lines; /* one a hop */
	size_t nrows, nlines;
	struct reading trace[TRACE_MEASURES];
	struct reading events[TRACE_FLOWS_MAX][EVENT_MEASURES];
	struct label event_label;
	const char *before[TRACE_FLOWS_MAX]; /* of flows whose path has changed; else NULL */
	const char *after[TRACE_FLOWS_MAX];
};

static const char *keep(struct report *report, const char *string)
{
	size_t size = strlen(string) + 1;
	if (!report->kept || sizeof(report->kept->bytes) - report->kept->used < size) {
		size_t room = size > sizeof(report->kept->bytes) ? size - sizeof(report->kept->bytes) : 0;
		struct keep *made = mem_alloc(sizeof(*made) + room);
		made->next = report->kept;
		made->used = 0;
		report->kept = made;
	}
	char *kept = report->kept->bytes + report->kept->used;
	memcpy(kept, string, size);
	report->kept->used += size;
	return kept;
}

static const char *keep_text(struct report *report, struct text *text)
{
	const char *kept = keep(report, text_string(text));
	text_free(text);
	return kept;
}

static const char *keep_number(struct report *report, unsigned number)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", number);
	return keep(report, text);
}

static const char *keep_address(struct report *report, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	return keep(report, address_format(address, text));
}

static struct reading seconds(unsigned measure, int64_t ns)
{
	return reading_number(measure, clock_seconds(ns));
}

/* --- hops --------------------------------------------------------------------------------------------------------- */

static const char *keep_addresses(struct report *report, const struct path_hop *hop)
{
	struct text text = {0};
	char address[ADDRESS_TEXT_SIZE];
	for (uint8_t i = 0; i < hop->naddresses; i++) {
		text_add(&text, i ? " " : "");
		text_add(&text, address_format(path_hop_address(hop, i), address));
	}
	return keep_text(report, &text);
}

static const char *keep_mpls(struct report *report, const struct path_hop *hop)
{
	struct text text = {0};
	for (uint8_t i = 0; i < hop->nlabels; i++) {
		const struct trace_label *label = &hop->labels[i];
		text_add_format(&text, "%s%u/%u/%u/%u", i ? " " : "", label->label, label->traffic_class,
				label->is_bottom, label->ttl);
	}
	return keep_text(report, &text);
}

static size_t read_answers(struct report *report, const struct path_hop *hop, struct reading *readings)
{
	size_t n = 0;
	if (hop->measured) {
		readings[n++] = seconds(HOP_RTT_MIN, hop->rtt_min_ns);
		readings[n++] = seconds(HOP_RTT_AVG, hop->rtt_sum_ns / hop->measured);
		readings[n++] = seconds(HOP_RTT_MAX, hop->rtt_max_ns);
	}
	if (hop->naddresses)
		readings[n++] = reading_text(HOP_ADDRESS, keep_address(report, &hop->address));
	if (hop->naddresses > 1)
		readings[n++] = reading_text(HOP_ADDRESSES, keep_addresses(report, hop));
	const char *name = traceroute_name_of(report->run->traceroute, &hop->address);
	if (name)
		readings[n++] = reading_text(HOP_NAME, keep(report, name));
	if (hop->received)
		readings[n++] = reading_text(HOP_REPLY, traceroute_reply_name(hop));
	if (hop->nlabels)
		readings[n++] = reading_text(HOP_MPLS, keep_mpls(report, hop));
	if (hop->hop_limit >= 0)
		readings[n++] = reading_integer(HOP_REPLY_HOP_LIMIT, hop->hop_limit);
	if (hop->is_nat)
		readings[n++] = reading_integer(HOP_IS_NAT, 1);
	return n;
}

static size_t read_hop(struct report *report, uint8_t flow, uint8_t number, struct reading *readings)
{
	const struct path_hop *hop = path_hop_at(report->path, flow, number);
	const struct trail_hop *counted = &report->run->traceroute->flows[flow].trail.hops[number - 1];
	size_t n = 0;
	readings[n++] = reading_integer(HOP_SENT, counted->sent);
	readings[n++] = reading_integer(HOP_RECEIVED, counted->received);
	if (!hop)
		return n;
	if (hop->sent) {
		readings[n++] = reading_number(HOP_LOSS, path_hop_loss(hop));
		readings[n++] = reading_number(HOP_FORWARD_LOSS, path_forward_loss(report->path, flow, number));
	}
	return n + read_answers(report, hop, readings + n);
}

static size_t label_hop(struct report *report, uint8_t flow, uint8_t number, struct label *labels)
{
	const struct traceroute_settings *settings = traceroute_settings(report->run->traceroute);
	const struct path_hop *hop = path_hop_at(report->path, flow, number);
	size_t n = 0;
	labels[n++] = (struct label){"hop", keep_number(report, number)};
	if (report->path->plan.flows > 1)
		labels[n++] = (struct label){"flow", keep_number(report, flow)};
	if (settings->hop_address && hop && hop->naddresses)
		labels[n++] = (struct label){"hop_address", keep_address(report, &hop->address)};
	return n;
}

/* --- edges -------------------------------------------------------------------------------------------------------- */

static const char *keep_node(struct report *report, uint8_t flow, unsigned number)
{
	if (number < report->path->plan.first_hop)
		return "agent";
	const struct path_hop *hop = path_hop_at(report->path, flow, (uint8_t)number);
	if (hop && hop->naddresses)
		return keep_address(report, &hop->address);
	struct text text = {0};
	text_add_format(&text, "hop %u of %s", number, probe_target(report->run->traceroute->probe));
	return keep_text(report, &text);
}

/* From the last hop before this one that was measured (or from here) to this one; -1 = it was not measured. */
static int64_t step_ns(const struct path *path, uint8_t flow, uint8_t number)
{
	const struct path_hop *hop = path_hop_at(path, flow, number);
	if (!hop || !hop->measured)
		return -1;
	int64_t before_ns = 0;
	for (uint8_t i = path->plan.first_hop; i < number; i++) {
		const struct path_hop *before = path_hop_at(path, flow, i);
		if (before && before->measured)
			before_ns = path_forward_rtt_ns(path, flow, i);
	}
	return path_forward_rtt_ns(path, flow, number) - before_ns;
}

static size_t read_edge(struct report *report, uint8_t flow, uint8_t number, struct reading *readings)
{
	const char *source = keep_node(report, flow, number - 1U);
	const char *target = keep_node(report, flow, number);
	int64_t step = step_ns(report->path, flow, number);
	struct text id = {0};
	size_t n = 0;
	text_add_format(&id, "%s > %s", source, target);
	readings[n++] = reading_text(EDGE_ID, keep_text(report, &id));
	readings[n++] = reading_text(EDGE_SOURCE, source);
	readings[n++] = reading_text(EDGE_TARGET, target);
	if (step >= 0)
		readings[n++] = seconds(EDGE_STEP, step);
	if (traceroute_settings(report->run->traceroute)->hop_address)
		readings[n++] = reading_integer(EDGE_INFO, 1);
	return n;
}

/* An edge has two ends, silent ones too. */
static size_t label_edge(struct report *report, uint8_t flow, uint8_t number, struct label *labels)
{
	size_t n = 0;
	labels[n++] = (struct label){"hop", keep_number(report, number)};
	if (report->path->plan.flows > 1)
		labels[n++] = (struct label){"flow", keep_number(report, flow)};
	if (traceroute_settings(report->run->traceroute)->hop_address) {
		labels[n++] = (struct label){"hop_before", keep_node(report, flow, number - 1U)};
		labels[n++] = (struct label){"hop_address", keep_node(report, flow, number)};
	}
	return n;
}

static void add_hop(struct report *report, uint8_t flow, uint8_t number)
{
	struct lines *lines = &report->lines[report->nlines++];
	size_t nlabels = label_hop(report, flow, number, lines->labels);
	report->rows[report->nrows++] = (struct row){
		.set = &traceroute_hop_set,
		.labels = lines->labels,
		.nlabels = nlabels,
		.readings = lines->hop,
		.n = read_hop(report, flow, number, lines->hop),
	};
	report->rows[report->nrows++] = (struct row){
		.set = &traceroute_edge_set,
		.labels = lines->edge_labels,
		.nlabels = label_edge(report, flow, number, lines->edge_labels),
		.readings = lines->edge,
		.n = read_edge(report, flow, number, lines->edge),
	};
}

/* --- the trace as a whole ----------------------------------------------------------------------------------------- */

/* Of all flows together. */
struct summary {
	unsigned sent, received, measured; /* at the target */
	unsigned silent;
	int64_t min_ns, max_ns, sum_ns; /* to the target */
	int64_t slowest_ns, step_ns;
	uint8_t slowest, bottleneck, first_lossy, nat, loop; /* hops; 0 = none */
};

static uint8_t nearer(uint8_t a, uint8_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void sum_target(struct summary *summary, const struct path *path, uint8_t flow)
{
	const struct path_hop *hop = path_hop_at(path, flow, path_last_hop(path, flow));
	if (!hop)
		return;
	summary->sent += hop->sent;
	if (path->flows[flow].end != PATH_REACHED)
		return;
	summary->received += hop->received;
	if (!hop->measured)
		return;
	if (!summary->measured || hop->rtt_min_ns < summary->min_ns)
		summary->min_ns = hop->rtt_min_ns;
	if (hop->rtt_max_ns > summary->max_ns)
		summary->max_ns = hop->rtt_max_ns;
	summary->sum_ns += hop->rtt_sum_ns;
	summary->measured += hop->measured;
}

static void sum_hop(struct summary *summary, const struct path *path, uint8_t flow, uint8_t number)
{
	const struct path_hop *hop = path_hop_at(path, flow, number);
	if (!hop)
		return;
	summary->silent += !hop->received;
	if (path_forward_loss(path, flow, number) > 0)
		summary->first_lossy = nearer(summary->first_lossy, number);
	if (!hop->measured)
		return;
	int64_t average_ns = hop->rtt_sum_ns / hop->measured;
	int64_t step = step_ns(path, flow, number);
	if (!summary->slowest || average_ns > summary->slowest_ns) {
		summary->slowest = number;
		summary->slowest_ns = average_ns;
	}
	if (!summary->bottleneck || step > summary->step_ns) {
		summary->bottleneck = number;
		summary->step_ns = step;
	}
}

static struct summary sum_up(const struct path *path)
{
	struct summary summary = {0};
	for (uint8_t flow = 0; flow < path->plan.flows; flow++) {
		uint8_t last = path_last_hop(path, flow);
		sum_target(&summary, path, flow);
		for (uint8_t number = path->plan.first_hop; number <= last; number++)
			sum_hop(&summary, path, flow, number);
		summary.nat = nearer(summary.nat, path_nat_hop(path, flow));
		summary.loop = nearer(summary.loop, path_loop_hop(path, flow));
	}
	return summary;
}

static uint8_t hops_of(const struct path *path, uint8_t flow)
{
	return path->flows[flow].end_hop ? path->flows[flow].end_hop : path->flows[flow].answered;
}

static const char *keep_path(struct report *report, uint8_t flow)
{
	struct text text = {0};
	char address[ADDRESS_TEXT_SIZE];
	uint8_t first = report->path->plan.first_hop;
	uint8_t last = path_last_hop(report->path, flow);
	for (uint8_t number = first; number <= last; number++) {
		const struct path_hop *hop = path_hop_at(report->path, flow, number);
		text_add(&text, number > first ? " > " : "");
		text_add(&text, hop && hop->naddresses ? address_format(&hop->address, address) : "*");
	}
	return keep_text(report, &text);
}

static size_t read_times(const struct summary *summary, struct reading *readings)
{
	size_t n = 0;
	if (summary->measured) {
		readings[n++] = seconds(TRACE_M_RTT_MIN, summary->min_ns);
		readings[n++] = seconds(TRACE_M_RTT_AVG, summary->sum_ns / summary->measured);
		readings[n++] = seconds(TRACE_M_RTT_MAX, summary->max_ns);
	}
	readings[n++] = reading_integer(TRACE_M_SILENT, summary->silent);
	if (summary->slowest) {
		readings[n++] = reading_integer(TRACE_M_SLOWEST, summary->slowest);
		readings[n++] = seconds(TRACE_M_SLOWEST_RTT, summary->slowest_ns);
		readings[n++] = reading_integer(TRACE_M_BOTTLENECK, summary->bottleneck);
		readings[n++] = seconds(TRACE_M_BOTTLENECK_STEP, summary->step_ns);
	}
	if (summary->first_lossy)
		readings[n++] = reading_integer(TRACE_M_FIRST_LOSSY, summary->first_lossy);
	return n;
}

static size_t read_paths(const struct report *report, struct reading *readings)
{
	const struct traceroute *traceroute = report->run->traceroute;
	struct trail trails[TRACE_FLOWS_MAX];
	unsigned distinct = 0;
	size_t n = 0;
	for (unsigned i = 0; i < report->path->plan.flows; i++)
		trails[i] = traceroute->flows[i].trail;
	uint32_t hash = trail_hash_all(trails, report->path->plan.flows, &distinct);
	if (distinct) {
		readings[n++] = reading_integer(TRACE_M_PATHS, distinct);
		readings[n++] = reading_integer(TRACE_M_PATH_HASH, hash);
	}
	readings[n++] = reading_integer(TRACE_M_CHANGES, traceroute->changes);
	return n;
}

static size_t read_mtu(const struct traceroute_mtu *mtu, struct reading *readings)
{
	struct mtu_result result;
	size_t n = 0;
	if (!mtu)
		return 0;
	mtu_search_result(&mtu->search, &result);
	readings[n++] = reading_integer(TRACE_M_MTU, result.mtu_bytes);
	readings[n++] = reading_integer(TRACE_M_MTU_BLACK_HOLE, result.is_black_hole);
	if (result.has_hop)
		readings[n++] = reading_integer(TRACE_M_MTU_HOP, result.hop);
	return n;
}

/* What there is to say without a path. */
static size_t read_nothing(const struct report *report, struct reading *readings)
{
	const struct traceroute *traceroute = report->run->traceroute;
	size_t n = 0;
	readings[n++] = reading_integer(TRACE_M_REACHED, 0);
	readings[n++] = reading_integer(TRACE_M_SENT, traceroute->sent);
	readings[n++] = reading_integer(TRACE_M_RECEIVED, traceroute->received);
	readings[n++] = reading_integer(TRACE_M_CHANGES, traceroute->changes);
	readings[n++] = reading_text(TRACE_M_END, reason_name(report->run->fault));
	return n;
}

static size_t read_path(struct report *report, const struct summary *summary, struct reading *readings)
{
	const struct path *path = report->path;
	const struct traceroute *traceroute = report->run->traceroute;
	uint8_t flow = path_main_flow(path);
	bool is_reached = path->flows[flow].end == PATH_REACHED;
	size_t n = 0;
	readings[n++] = reading_integer(TRACE_M_REACHED, is_reached);
	readings[n++] = reading_integer(TRACE_M_HOPS, hops_of(path, flow));
	readings[n++] = reading_integer(TRACE_M_SENT, traceroute->sent);
	readings[n++] = reading_integer(TRACE_M_RECEIVED, traceroute->received);
	if (summary->sent)
		readings[n++] =
			reading_number(TRACE_M_LOSS, (double)(summary->sent - summary->received) / summary->sent);
	n += read_times(summary, readings + n);
	n += read_paths(report, readings + n);
	n += read_mtu(report->run->mtu, readings + n);
	if (summary->nat)
		readings[n++] = reading_integer(TRACE_M_NAT_HOP, summary->nat);
	if (summary->loop)
		readings[n++] = reading_integer(TRACE_M_LOOP_HOP, summary->loop);
	readings[n++] = reading_text(TRACE_M_END, traceroute_end_name(path, flow));
	readings[n++] = reading_text(TRACE_M_PATH, keep_path(report, flow));
	return n;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void learn_flow(struct report *report, uint8_t flow)
{
	struct traceroute *traceroute = report->run->traceroute;
	struct trail *trail = &traceroute->flows[flow].trail;
	struct text before = {0};
	struct text after = {0};
	if (!trail_learn(trail, report->path, flow, &before)) {
		text_free(&before);
		return;
	}
	traceroute->changes++;
	trail_print(trail, report->path->plan.first_hop, &after);
	report->before[flow] = keep_text(report, &before);
	report->after[flow] = keep_text(report, &after);
	run_log(report->run->run, "path: changed: %s -> %s", report->before[flow], report->after[flow]);
}

/* Behind all other rows. */
static void add_events(struct report *report)
{
	report->event_label = (struct label){"kind", event_kind_name(EVENT_PATH_CHANGE)};
	for (unsigned flow = 0; flow < report->path->plan.flows; flow++) {
		struct reading *readings = report->events[flow];
		size_t n = 0;
		if (!report->before[flow])
			continue;
		if (report->path->plan.flows > 1) {
			struct text text = {0};
			text_add_format(&text, "flow %u", flow);
			readings[n++] = reading_text(EVENT_TEXT, keep_text(report, &text));
		}
		readings[n++] = reading_text(EVENT_BEFORE, report->before[flow]);
		readings[n++] = reading_text(EVENT_AFTER, report->after[flow]);
		report->rows[report->nrows++] = (struct row){
			.set = &event_row_set,
			.labels = &report->event_label,
			.nlabels = 1,
			.readings = readings,
			.n = n,
		};
	}
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static size_t count_hops(const struct path *path)
{
	size_t n = 0;
	for (uint8_t flow = 0; flow < path->plan.flows; flow++) {
		uint8_t last = path_last_hop(path, flow);
		n += last >= path->plan.first_hop ? last - path->plan.first_hop + 1U : 0U;
	}
	return n;
}

static void add_path(struct report *report)
{
	const struct path *path = report->path;
	struct traceroute *traceroute = report->run->traceroute;
	for (uint8_t flow = 0; flow < path->plan.flows; flow++)
		learn_flow(report, flow);
	struct summary summary = sum_up(path);
	traceroute->sent += summary.sent;
	traceroute->received += summary.received;
	report->rows[0].n = read_path(report, &summary, report->trace);
	for (uint8_t flow = 0; flow < path->plan.flows; flow++) {
		uint8_t last = path_last_hop(path, flow);
		for (uint8_t number = path->plan.first_hop; number <= last; number++)
			add_hop(report, flow, number);
	}
	add_events(report);
}

static void free_report(struct report *report)
{
	while (report->kept) {
		struct keep *next = report->kept->next;
		mem_free(report->kept);
		report->kept = next;
	}
	mem_free(report->rows);
	mem_free(report->lines);
}

static void add_cause(struct report *report)
{
	const char *cause = run_cause(report->run->run);
	if (cause)
		report->trace[report->rows[0].n++] = reading_text(TRACE_M_CAUSE, cause);
}

void traceroute_report(struct traceroute_run *run)
{
	struct report report = {.run = run, .path = run->path};
	size_t hops = run->path ? count_hops(run->path) : 0;
	enum reason reason = run->fault;
	report.rows = mem_alloc((1 + 2 * hops + TRACE_FLOWS_MAX) * sizeof(*report.rows));
	report.lines = mem_alloc((hops + 1) * sizeof(*report.lines));
	report.rows[0] = (struct row){.set = &traceroute_set, .readings = report.trace};
	report.nrows = 1;
	if (run->path) {
		traceroute_log_path(run);
		add_path(&report);
		reason = end_reason(run->path, path_main_flow(run->path));
	} else {
		report.rows[0].n = read_nothing(&report, report.trace);
	}
	add_cause(&report);
	run->traceroute->run = NULL;
	run_finish(run->run, reason, report.rows, report.nrows);
	free_report(&report);
}
