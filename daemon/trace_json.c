#include "daemon/trace_json.h"

#include <string.h>

#include "daemon/sample_json.h"

static void add_key(struct text *out, const char *key)
{
	text_add_char(out, ',');
	json_add_key(out, key);
}

static void add_integer(struct text *out, const char *key, uint64_t value)
{
	add_key(out, key);
	text_add_unsigned(out, value);
}

static void add_number(struct text *out, const char *key, double value)
{
	add_key(out, key);
	json_add_number(out, value);
}

static void add_string(struct text *out, const char *key, const char *value)
{
	add_key(out, key);
	json_add_string(out, value);
}

/* What is absent is left out, as in samples. */
static void add_known(struct text *out, const char *key, uint64_t value)
{
	if (value > 0)
		add_integer(out, key, value);
}

static void add_head(struct text *out, const struct trace_summary *summary, const char *target)
{
	bool is_ok = summary->reached > 0;

	text_add(out, "{\"type\":\"traceroute\"");
	add_string(out, "target", target);
	add_string(out, "address", summary->address[0] ? summary->address : NULL);
	text_add(out, is_ok ? ",\"success\":true" : ",\"success\":false");
	add_string(out, "reason", reason_name(is_ok ? REASON_OK : summary->reason));
	text_add(out, ",\"duration_seconds\":");
	text_add_seconds(out, summary->took_ns);
	text_add(out, ",\"time\":\"");
	sample_add_time(out, summary->begun_realtime_ns);
	text_add_char(out, '"');
}

static void add_path(struct text *out, const struct trace_summary *summary)
{
	double step;
	unsigned bottleneck = trace_summary_bottleneck(summary, &step);

	text_add_format(out, ",\"traceroute\":[{\"reached\":%d", summary->reason == REASON_OK);
	add_integer(out, "hops", summary->hop_count);
	add_string(out, "end", summary->end);
	add_integer(out, "path_changes_total", summary->changes);
	add_known(out, "paths", summary->paths);
	add_known(out, "bottleneck_hop", bottleneck);
	if (bottleneck > 0)
		add_number(out, "bottleneck_step_seconds", step);
	add_known(out, "nat_hop", summary->nat_hop);
	add_known(out, "loop_hop", summary->loop_hop);
	if (summary->mtu_bytes > 0) {
		add_integer(out, "mtu_bytes", (uint64_t)summary->mtu_bytes);
		add_integer(out, "mtu_black_hole", summary->is_black_hole);
		add_known(out, "mtu_hop", summary->mtu_hop);
	}
	text_add(out, "}]");
}

static void add_times(struct text *out, const struct trace_times *times)
{
	if (times->n == 0)
		return;
	add_number(out, "rtt_last_seconds", times->last);
	add_number(out, "rtt_min_seconds", times->best);
	add_number(out, "rtt_avg_seconds", times->mean);
	add_number(out, "rtt_max_seconds", times->worst);
	add_number(out, "rtt_stddev_seconds", trace_times_deviation(times));
	add_number(out, "jitter_seconds", trace_times_jitter(times));
}

static void add_nodes(struct text *out, const struct trace_hop *hop)
{
	double all = 0;

	for (size_t i = 0; i < hop->nnodes; i++)
		all += hop->nodes[i].answers;
	text_add(out, ",\"addresses\":[");
	for (size_t i = 0; i < hop->nnodes; i++) {
		const struct trace_node *node = &hop->nodes[i];

		text_add(out, i > 0 ? ",{\"address\":" : "{\"address\":");
		json_add_string(out, node->address);
		if (node->name[0])
			add_string(out, "name", node->name);
		if (node->mpls[0])
			add_string(out, "mpls", node->mpls);
		add_number(out, "share_ratio", all > 0 ? node->answers / all : 0);
		text_add_char(out, '}');
	}
	text_add_char(out, ']');
}

static void add_hop(struct text *out, const struct trace_summary *summary, unsigned number)
{
	const struct trace_hop *hop = &summary->hops[number - 1];
	struct trace_counts counts = trace_summary_counts(summary, number);

	text_add_format(out, "{\"hop\":\"%u\"", number);
	add_integer(out, "sent_total", counts.sent);
	add_integer(out, "received_total", counts.received);
	add_number(out, "loss_ratio", counts.loss);
	add_number(out, "forward_loss_ratio", counts.forward);
	add_times(out, &hop->times);
	if (hop->nnodes > 0)
		add_string(out, "reply", hop->reply);
	add_nodes(out, hop);
	text_add_char(out, '}');
}

void trace_json_write(const struct trace_summary *summary, const char *target, const char *transport, struct text *out)
{
	add_head(out, summary, target);
	add_string(out, "transport", transport);
	add_integer(out, "flows", summary->nflows > 0 ? summary->nflows : 1);
	add_integer(out, "cycles", summary->runs);
	add_integer(out, "cycles_reached", summary->reached);
	add_path(out, summary);
	add_key(out, "traceroute_hop");
	text_add_char(out, '[');
	for (unsigned hop = summary->first_hop; hop > 0 && hop <= summary->nhops; hop++) {
		text_add(out, hop > summary->first_hop ? "," : "");
		add_hop(out, summary, hop);
	}
	text_add(out, "]}");
}
