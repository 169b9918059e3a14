#include "daemon/trace_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void trace_summary_prepare(struct trace_summary *summary)
{
	memset(summary, 0, sizeof(*summary));
	summary->hops = mem_zero(TRACE_SUMMARY_HOPS, sizeof(*summary->hops));
}

void trace_summary_free(struct trace_summary *summary)
{
	mem_free(summary->hops);
	summary->hops = NULL;
}

static void reset_hop(struct trace_hop *hop)
{
	for (size_t i = 0; i < TRACE_SUMMARY_FLOWS; i++) {
		hop->flows[i].sent = hop->flows[i].received = 0;
		hop->flows[i].last = 0;
	}
	memset(&hop->times, 0, sizeof(hop->times));
	memset(hop->nodes, 0, sizeof(hop->nodes));
	hop->nnodes = 0;
}

void trace_summary_reset(struct trace_summary *summary)
{
	for (size_t i = 0; i < TRACE_SUMMARY_HOPS; i++)
		reset_hop(&summary->hops[i]);
	summary->runs = summary->reached = 0;
	summary->nhops = summary->first_hop = 0;
	summary->changes = 0;
	summary->took_ns = 0;
}

/* --- reading rows ------------------------------------------------------------------------------------------------- */

static const struct reading *find(const struct row *row, const char *measure)
{
	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->set->measures[row->readings[i].measure].name, measure) == 0)
			return &row->readings[i];
	}
	return NULL;
}

static uint64_t integer_of(const struct row *row, const char *measure)
{
	const struct reading *reading = find(row, measure);

	return reading && reading->value.integer > 0 ? (uint64_t)reading->value.integer : 0;
}

static unsigned hop_of(const struct row *row, const char *measure)
{
	uint64_t hop = integer_of(row, measure);

	return hop <= TRACE_SUMMARY_HOPS ? (unsigned)hop : 0;
}

static double number_of(const struct row *row, const char *measure)
{
	const struct reading *reading = find(row, measure);

	return reading ? reading->value.number : NAN;
}

static const char *text_of(const struct row *row, const char *measure)
{
	const struct reading *reading = find(row, measure);

	return reading && reading->value.text ? reading->value.text : "";
}

/* The number in a label, below max; or fallback. */
static unsigned label_of(const struct row *row, const char *name, unsigned max, unsigned fallback)
{
	for (size_t i = 0; i < row->nlabels; i++) {
		unsigned long value;

		if (strcmp(row->labels[i].name, name) != 0)
			continue;
		value = strtoul(row->labels[i].value, NULL, 10);
		return value < max ? (unsigned)value : max;
	}
	return fallback;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *text, size_t n)
{
	snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), text);
}

/* NULL: there is no room for more. */
static struct trace_node *need_node(struct trace_hop *hop, const char *address, size_t n)
{
	struct trace_node *node;

	for (size_t i = 0; i < hop->nnodes; i++) {
		if (strncmp(hop->nodes[i].address, address, n) == 0 && hop->nodes[i].address[n] == '\0')
			return &hop->nodes[i];
	}
	if (hop->nnodes == TRACE_SUMMARY_NODES || n == 0 || n >= TRACE_SUMMARY_TEXT_SIZE)
		return NULL;
	node = &hop->nodes[hop->nnodes++];
	copy_text(node->address, sizeof(node->address), address, n);
	return node;
}

/* Names and labels are those of the address in front. */
static void take_nodes(struct trace_hop *hop, const struct row *row, uint64_t received)
{
	const char *main = text_of(row, "address"), *list = text_of(row, "addresses");
	const char *name = text_of(row, "name"), *mpls = text_of(row, "mpls");
	struct trace_node *node = need_node(hop, main, strlen(main));
	size_t n = 1;

	if (node && name[0])
		copy_text(node->name, sizeof(node->name), name, strlen(name));
	if (node)
		copy_text(node->mpls, sizeof(node->mpls), mpls, strlen(mpls));
	list = list[0] ? list : main;
	for (const char *c = list; *c; c++)
		n += *c == ' ';
	for (const char *c = list; *c; c += strspn(c, " ")) {
		node = need_node(hop, c, strcspn(c, " "));
		if (node)
			node->answers += (double)received / (double)n;
		c += strcspn(c, " ");
	}
}

/* --- one run ------------------------------------------------------------------------------------------------------ */

/* last: of the flow. */
static void take_times(struct trace_times *times, double *last, const struct row *row, uint64_t received)
{
	double min = number_of(row, "rtt_min_seconds"), max = number_of(row, "rtt_max_seconds");
	double average = number_of(row, "rtt_avg_seconds"), before = times->mean;

	if (isnan(average) || received == 0)
		return;
	min = isnan(min) ? average : min;
	max = isnan(max) ? average : max;
	times->best = times->n == 0 || min < times->best ? min : times->best;
	times->worst = times->n == 0 || max > times->worst ? max : times->worst;
	if (*last > 0) {
		times->jitter += fabs(average - *last);
		times->differences++;
	}
	times->last = *last = average;
	times->n += received;
	times->mean += (average - before) * (double)received / (double)times->n;
	times->squares += (double)received * (average - before) * (average - times->mean);
}

/* What a counter has grown by; it begins anew when the probe does. */
static uint64_t growth(uint64_t now, uint64_t *before)
{
	uint64_t grown = now >= *before ? now - *before : now;

	*before = now;
	return grown;
}

/* Returns the hop's number; 0: the row is of no use. */
static unsigned take_hop(struct trace_summary *summary, const struct row *row)
{
	unsigned number = label_of(row, "hop", TRACE_SUMMARY_HOPS + 1, 0);
	unsigned flow = label_of(row, "flow", TRACE_SUMMARY_FLOWS, 0);
	struct trace_flow_figures *figures;
	struct trace_hop *hop;
	uint64_t received;

	if (number == 0 || number > TRACE_SUMMARY_HOPS || flow >= TRACE_SUMMARY_FLOWS)
		return 0;
	hop = &summary->hops[number - 1];
	figures = &hop->flows[flow];
	received = growth(integer_of(row, "received_total"), &figures->received_before);
	figures->sent += growth(integer_of(row, "sent_total"), &figures->sent_before);
	figures->received += received;
	take_nodes(hop, row, received);
	take_times(&hop->times, &figures->last, row, received);
	if (text_of(row, "reply")[0])
		copy_text(hop->reply, sizeof(hop->reply), text_of(row, "reply"), strlen(text_of(row, "reply")));
	summary->nflows = flow + 1 > summary->nflows ? flow + 1 : summary->nflows;
	if (summary->first_hop == 0 || number < summary->first_hop)
		summary->first_hop = number;
	return number;
}

static void take_run(struct trace_summary *summary, const struct row *row)
{
	copy_text(summary->end, sizeof(summary->end), text_of(row, "end"), strlen(text_of(row, "end")));
	summary->hop_count = hop_of(row, "hops");
	summary->paths = (unsigned)integer_of(row, "paths");
	summary->nat_hop = hop_of(row, "nat_hop");
	summary->mtu_hop = hop_of(row, "mtu_hop");
	summary->loop_hop = hop_of(row, "loop_hop");
	summary->mtu_bytes = (int64_t)integer_of(row, "mtu_bytes");
	summary->is_black_hole = integer_of(row, "mtu_black_hole") != 0;
	summary->changes += growth(integer_of(row, "path_changes_total"), &summary->changes_before);
}

static bool is_of(const struct row *row, const char *set)
{
	return strcmp(row->set->name, set) == 0;
}

void trace_summary_add(struct trace_summary *summary, const struct sample *sample)
{
	unsigned nhops = 0, hop;
	bool is_whole;

	if (summary->runs == 0)
		summary->begun_realtime_ns = sample->begun_realtime_ns;
	summary->runs++;
	summary->took_ns += sample->took_ns;
	summary->reason = sample->reason;
	summary->reached += sample->reason == REASON_OK;
	if (sample->address.family != ADDRESS_NONE)
		address_format(&sample->address, summary->address);
	summary->end[0] = '\0';
	for (size_t i = 0; i < sample->nrows; i++) {
		if (is_of(&sample->rows[i], "traceroute"))
			take_run(summary, &sample->rows[i]);
		hop = is_of(&sample->rows[i], "traceroute_hop") ? take_hop(summary, &sample->rows[i]) : 0;
		nhops = hop > nhops ? hop : nhops;
	}
	/* A run that was cut short says nothing of what lies farther. */
	is_whole = nhops > 0 && strcmp(summary->end, "timeout") != 0;
	if (is_whole || nhops > summary->nhops)
		summary->nhops = nhops;
}

/* --- what follows ------------------------------------------------------------------------------------------------- */

static double loss_of(const struct trace_flow_figures *figures)
{
	if (figures->sent == 0 || figures->received >= figures->sent)
		return 0;
	return (double)(figures->sent - figures->received) / (double)figures->sent;
}

static double forward_of(const struct trace_summary *summary, unsigned hop, unsigned flow)
{
	double least = loss_of(&summary->hops[hop - 1].flows[flow]);

	for (unsigned i = hop; i < summary->nhops; i++) {
		const struct trace_flow_figures *farther = &summary->hops[i].flows[flow];

		if (farther->received > 0 && loss_of(farther) < least)
			least = loss_of(farther);
	}
	return least;
}

struct trace_counts trace_summary_counts(const struct trace_summary *summary, unsigned hop)
{
	struct trace_counts counts = {0};
	double forward = 0;

	for (unsigned flow = 0; flow < TRACE_SUMMARY_FLOWS; flow++) {
		const struct trace_flow_figures *figures = &summary->hops[hop - 1].flows[flow];

		counts.sent += figures->sent;
		counts.received += figures->received;
		forward += (double)figures->sent * forward_of(summary, hop, flow);
	}
	if (counts.sent == 0)
		return counts;
	if (counts.received < counts.sent)
		counts.loss = (double)(counts.sent - counts.received) / (double)counts.sent;
	counts.forward = forward / (double)counts.sent;
	return counts;
}

bool trace_counts_are_limited(const struct trace_counts *counts)
{
	return counts->received > 0 && counts->loss > counts->forward + 1e-9;
}

double trace_times_deviation(const struct trace_times *times)
{
	return times->n > 0 && times->squares > 0 ? sqrt(times->squares / (double)times->n) : 0;
}

double trace_times_jitter(const struct trace_times *times)
{
	return times->differences > 0 ? times->jitter / (double)times->differences : 0;
}

/* From the far end: what a hop takes to make its answer is not the path's. */
unsigned trace_summary_bottleneck(const struct trace_summary *summary, double *step)
{
	double farther = INFINITY;
	unsigned found = 0, after = 0;

	*step = 0;
	for (unsigned hop = summary->nhops; hop > 0; hop--) {
		const struct trace_times *times = &summary->hops[hop - 1].times;
		double here = times->best < farther ? times->best : farther;

		if (times->n == 0)
			continue;
		if (after > 0 && farther - here >= *step) {
			found = after;
			*step = farther - here;
		}
		farther = here;
		after = hop;
	}
	if (after > 0 && farther >= *step) {
		found = after;
		*step = farther;
	}
	return found;
}
