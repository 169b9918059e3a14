/*
 * The path to a target: joins the logic of a trace with the worker's tracer, the resolver and the engine.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "probes/reverse_service.h"
#include "probes/traceroute/traceroute_run.h"

/* --- settings ----------------------------------------------------------------------------------------------------- */

static struct address source_of(const struct traceroute_settings *settings)
{
	struct address source = {0};
	if (settings->source)
		address_parse(settings->source, &source);
	return source;
}

/* A source address leaves no choice. */
static enum host_family family_of(const struct traceroute_settings *settings)
{
	struct address source = source_of(settings);
	if (source.family == ADDRESS_NONE)
		return (enum host_family)settings->family;
	return source.family == ADDRESS_IPV4 ? HOST_ONLY_IPV4 : HOST_ONLY_IPV6;
}

static struct trace_profile profile_of(const struct traceroute_settings *settings)
{
	return (struct trace_profile){.fwmark = (uint32_t)settings->fwmark};
}

static bool wants_family(enum host_family policy, enum address_family family)
{
	if (policy == HOST_ONLY_IPV4)
		return family == ADDRESS_IPV4;
	return policy != HOST_ONLY_IPV6 || family == ADDRESS_IPV6;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

static void advance(struct traceroute_run *run);

static struct traceroute_flow *flow_at(const struct traceroute_run *run, uint8_t number)
{
	return &run->traceroute->flows[number];
}

static bool send_packet(void *context, struct path_packet packet)
{
	struct traceroute_run *run = context;
	struct traceroute *traceroute = run->traceroute;
	const struct tracer_shape shape = {
		.hop_limit = packet.hop,
		.payload_size = (uint16_t)traceroute_settings(traceroute)->size,
	};
	uint32_t tag = traceroute_tag(traceroute->serial, packet.hop, packet.attempt);
	return tracer_flow_send(&flow_at(run, packet.flow)->flow, &shape, tag) == 0;
}

static bool release_packet(void *context, struct path_packet packet)
{
	struct traceroute_run *run = context;
	uint32_t tag = traceroute_tag(run->traceroute->serial, packet.hop, packet.attempt);
	enum tracer_loss loss = tracer_flow_release(&flow_at(run, packet.flow)->flow, tag);
	return loss == TRACER_LOSS_UNSENT || loss == TRACER_LOSS_LOCAL;
}

/* Hosts and routers answer UDP from whatever address the answer leaves by: nobody says "no such port" but who was
 * reached. (A firewall that says so for its own reasons cannot be told from that.) */
bool traceroute_is_target(const struct traceroute *traceroute, const struct tracer_event *event)
{
	return event->is_from_target || (traceroute_settings(traceroute)->transport == TRACE_UDP &&
					 event->reply->kind == TRACE_PORT_UNREACHABLE);
}

static void note_answer(struct traceroute_run *run, struct path_packet packet, const struct tracer_event *event)
{
	const struct trace_reply *reply = event->reply;
	const struct path_answer answer = {
		.from = reply->from,
		.kind = reply->kind,
		.reason = event->reason,
		.is_from_target = traceroute_is_target(run->traceroute, event),
		.is_nat = event->is_translated,
		.hop_limit = reply->hop_limit,
		.rtt_ns = event->rtt_ns,
		.nlabels = reply->nlabels,
		.labels = reply->labels,
	};
	path_note_answer(run->path, packet, &answer);
	/* Asked for now, so that the name is there when the trace is over. */
	traceroute_name_of(run->traceroute, &reply->from);
}

static void note_event(struct traceroute_run *run, struct path_packet packet, const struct tracer_event *event)
{
	switch (event->kind) {
	case TRACER_EVENT_SENT:
		path_note_sent(run->path, packet, clock_monotonic_ns());
		break;
	case TRACER_EVENT_UNSENT:
		path_note_unsent(run->path, packet, event->reason);
		if (event->error_text)
			run_log(run->run, "hop %u: not sent: %s", packet.hop, event->error_text);
		break;
	case TRACER_EVENT_ANSWERED:
	case TRACER_EVENT_LATE:
		note_answer(run, packet, event);
		break;
	case TRACER_EVENT_UNCLEAR:
		path_note_unclear(run->path, packet.flow);
		break;
	case TRACER_EVENT_DUPLICATE:
		run_log(run->run, "hop %u: answered twice", packet.hop);
		break;
	}
}

/* What is left of an earlier run, or belongs to the search, is not the path's. */
static void traceroute_event(struct tracer_flow *flow, const struct tracer_event *event)
{
	struct traceroute_flow *of = (struct traceroute_flow *)flow;
	struct traceroute *traceroute = of->traceroute;
	struct traceroute_run *run = traceroute->run;
	bool is_unclear = event->kind == TRACER_EVENT_UNCLEAR;
	uint16_t serial = (uint16_t)(event->tag >> 16);
	uint8_t hop = (uint8_t)(event->tag >> 8);
	if (!run || !run->path || (!is_unclear && serial != traceroute->serial))
		return;
	if (run->mtu && (is_unclear || hop == 0)) {
		traceroute_mtu_event(run, event);
		return;
	}
	if (!is_unclear && hop == 0)
		return;
	struct path_packet packet = {(uint8_t)(of - traceroute->flows), hop, (uint8_t)event->tag};
	note_event(run, packet, event);
	if (event->kind != TRACER_EVENT_SENT && event->kind != TRACER_EVENT_DUPLICATE && !path_is_done(run->path))
		advance(run);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static bool wants_mtu(const struct traceroute_run *run)
{
	return traceroute_settings(run->traceroute)->mtu && !run->mtu &&
	       run->path->flows[path_main_flow(run->path)].end == PATH_REACHED;
}

void traceroute_finish(struct traceroute_run *run)
{
	alarm_cancel(probe_loop(run->traceroute->probe), &run->wake);
	if (wants_mtu(run))
		traceroute_mtu_begin(run);
	else
		traceroute_report(run);
}

static void advance(struct traceroute_run *run)
{
	int64_t wake_ns = path_advance(run->path, clock_monotonic_ns());
	if (path_is_done(run->path))
		traceroute_finish(run);
	else if (wake_ns != INT64_MAX)
		alarm_set(probe_loop(run->traceroute->probe), &run->wake, wake_ns);
}

static void wake(void *arg)
{
	advance(arg);
}

static struct path *make_path(const struct traceroute *traceroute, struct traceroute_run *run)
{
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	struct path_plan plan = {
		.flows = (uint8_t)settings->flows,
		.first_hop = (uint8_t)settings->first_hop,
		.max_hops = (uint8_t)settings->max_hops,
		.max_silent = (uint8_t)settings->max_silent,
		.window = (uint8_t)settings->window,
		.attempts = (uint8_t)settings->attempts,
		.until_answered = settings->until_answered,
		.one_at_end = settings->transport == TRACE_TCP,
		.spacing_ns = settings->spacing_ns,
		.wait_ns = settings->wait_ns,
		.context = run,
		.send = send_packet,
		.release = release_packet,
	};
	for (unsigned i = 0; i < plan.flows; i++)
		plan.expected[i] = trail_expected(&traceroute->flows[i].trail);
	return path_create(&plan);
}

/* --- whom to trace ------------------------------------------------------------------------------------------------ */

static struct tracer_lane *lane_of(const struct traceroute *traceroute, enum address_family family)
{
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	const struct trace_profile profile = profile_of(settings);
	return tracer_lane_find(probe_service(traceroute->probe, &tracer_service), family,
				(enum trace_protocol)settings->transport, (unsigned)settings->flows, &profile);
}

static void close_flows(struct traceroute *traceroute)
{
	for (int64_t i = 0; traceroute->flows && i < traceroute_settings(traceroute)->flows; i++)
		tracer_flow_close(&traceroute->flows[i].flow);
	traceroute->address.family = ADDRESS_NONE;
}

static void prepare_flow(struct traceroute *traceroute, unsigned i)
{
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	struct traceroute_flow *of = &traceroute->flows[i];
	of->traceroute = traceroute;
	of->flow.event = traceroute_event;
	of->flow.flow = (struct trace_flow){
		.source = source_of(settings),
		.destination = traceroute->address,
		.interface = traceroute->interface,
		.protocol = (uint8_t)settings->transport,
		.traffic_class = (uint8_t)(settings->dscp << 2),
		.index = (uint8_t)i,
	};
	of->flow.flow.destination.port = traceroute_port(settings);
}

/* Opens the flows to this address; 0 or an errno. A path to another address is another path, not a changed one. */
static int open_flows(struct traceroute *traceroute, const struct address *address, uint32_t interface)
{
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	size_t size = (size_t)settings->flows * sizeof(*traceroute->flows);
	if (!traceroute->flows)
		traceroute->flows = slabs_take(probe_slabs(traceroute->probe), size);
	close_flows(traceroute);
	traceroute->address = *address;
	traceroute->interface = interface;
	int error = 0;
	for (unsigned i = 0; i < settings->flows && !error; i++) {
		bool is_other = !address_equal(&traceroute->flows[i].flow.flow.destination, address);
		if (is_other)
			trail_forget(&traceroute->flows[i].trail);
		prepare_flow(traceroute, i);
		error = tracer_flow_open(&traceroute->flows[i].flow, lane_of(traceroute, address->family));
	}
	if (error)
		close_flows(traceroute);
	return error;
}

static int refresh_flows(struct traceroute *traceroute)
{
	int error = 0;
	for (int64_t i = 0; i < traceroute_settings(traceroute)->flows && !error; i++)
		error = tracer_flow_refresh(&traceroute->flows[i].flow);
	return error;
}

static bool is_link_local(const struct address *address)
{
	return address->family == ADDRESS_IPV6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* A link-local address is that of the interface asked for, unless it names one. */
static bool find_address(const struct traceroute *traceroute, uint32_t interface, struct address *out)
{
	*out = (struct address){0};
	size_t n = 1;
	if (traceroute->host) {
		const struct address *addresses = host_addresses(traceroute->host, &n);
		if (n)
			*out = addresses[0];
	} else {
		address_parse(probe_address(traceroute->probe), out);
	}
	if (is_link_local(out) && !out->scope_id)
		out->scope_id = interface;
	out->port = 0;
	return out->family != ADDRESS_NONE && lane_of(traceroute, out->family);
}

static void report_fault(void *arg)
{
	traceroute_report(arg);
}

static void fail(struct traceroute_run *run, enum reason reason)
{
	run->fault = reason;
	run_finish_later(run->run, report_fault);
}

/* Opens the flows or looks at their routes anew; false: the run ends as local. */
static bool ready_flows(struct traceroute_run *run, const struct address *address, uint32_t interface)
{
	struct traceroute *traceroute = run->traceroute;
	char text[ADDRESS_TEXT_SIZE];
	bool is_open = address_equal(&traceroute->address, address) && traceroute->interface == interface;
	int error = is_open ? refresh_flows(traceroute) : open_flows(traceroute, address, interface);
	if (error)
		run_log(run->run, "%s: no packet can be sent: %s", address_format(address, text), strerror(error));
	return !error;
}

/* The address is known: the first packets go out, or the run ends. */
static void begin_trace(struct traceroute_run *run)
{
	struct traceroute *traceroute = run->traceroute;
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	uint32_t interface = settings->interface ? if_nametoindex(settings->interface) : 0;
	struct address address;
	const char *fault = NULL;
	if (settings->interface && !interface)
		fault = "there is no such interface now";
	else if (!find_address(traceroute, interface, &address))
		fault = "this host has no socket for the address family of the target";
	if (fault) {
		run_log(run->run, "%s", fault);
		fail(run, REASON_LOCAL);
		return;
	}
	run_set_address(run->run, &address);
	if (!run_permits(run->run, probe_address(traceroute->probe), &address, traceroute_port(settings))) {
		fail(run, REASON_DENIED);
		return;
	}
	if (!ready_flows(run, &address, interface)) {
		fail(run, REASON_LOCAL);
		return;
	}
	traceroute->serial++;
	run->path = make_path(traceroute, run);
	traceroute_log_beginning(run);
	advance(run);
}

static void traceroute_resolved(void *arg, const char *error)
{
	struct traceroute_run *run = arg;
	run_add_lookup(run->run, clock_monotonic_ns() - run_begun_ns(run->run));
	if (!error) {
		begin_trace(run);
		return;
	}
	run_log(run->run, "%s: %s", probe_address(run->traceroute->probe), error);
	run->fault = REASON_RESOLVE;
	traceroute_report(run);
}

void *traceroute_start(struct run *run_, void *opened, const void *settings)
{
	struct traceroute *traceroute = opened;
	struct traceroute_run *run = slabs_take(probe_slabs(traceroute->probe), sizeof(*run));
	(void)settings;
	traceroute->run = run;
	run->traceroute = traceroute;
	run->run = run_;
	alarm_prepare(&run->wake, wake, run);
	if (!traceroute->host)
		run_add_lookup(run_, 0); /* a literal */
	if (!traceroute->host || host_is_fresh(traceroute->host))
		begin_trace(run);
	else
		host_refresh(traceroute->host, traceroute_resolved, run);
	return run;
}

void traceroute_deadline(void *state)
{
	struct traceroute_run *run = state;
	if (run->path) {
		path_finish(run->path);
	} else if (run->fault == REASON_OK) {
		run_log(run->run, "%s: no answer from the resolver in time", probe_address(run->traceroute->probe));
		run->fault = REASON_RESOLVE;
	}
	traceroute_report(run);
}

void traceroute_stop(void *state)
{
	struct traceroute_run *run = state;
	struct traceroute *traceroute = run->traceroute;
	alarm_cancel(probe_loop(traceroute->probe), &run->wake);
	traceroute_mtu_stop(run);
	if (traceroute->host)
		host_cancel(traceroute->host);
	for (unsigned i = 0; run->path && i < run->path->plan.flows; i++)
		tracer_flow_release_all(&traceroute->flows[i].flow);
	traceroute->run = NULL;
	path_free(run->path);
	slabs_give(probe_slabs(traceroute->probe), run, sizeof(*run));
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

const char *traceroute_name_of(const struct traceroute *traceroute, const struct address *address)
{
	if (!traceroute_settings(traceroute)->reverse_names || address->family == ADDRESS_NONE)
		return NULL;
	return reverse_find(probe_service(traceroute->probe, &reverse_service), address);
}

void traceroute_close(void *opened)
{
	struct traceroute *traceroute = opened;
	int64_t flows = traceroute_settings(traceroute)->flows;
	close_flows(traceroute);
	for (int64_t i = 0; traceroute->flows && i < flows; i++)
		trail_free(&traceroute->flows[i].trail);
	host_close(traceroute->host);
	slabs_give(probe_slabs(traceroute->probe), traceroute->flows, (size_t)flows * sizeof(*traceroute->flows));
	slabs_give(probe_slabs(traceroute->probe), traceroute, sizeof(*traceroute));
}

/* One family is enough to live on (a host may have no IPv6). */
static int open_lanes(const struct traceroute *traceroute, enum host_family policy, struct err *err)
{
	const struct traceroute_settings *settings = traceroute_settings(traceroute);
	const struct trace_profile profile = profile_of(settings);
	struct tracer *tracer = probe_service(traceroute->probe, &tracer_service);
	int opened = 0;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		if (wants_family(policy, family))
			opened += tracer_lane_open(tracer, family, (enum trace_protocol)settings->transport,
						   (unsigned)settings->flows, &profile, err) != NULL;
	return opened ? 0 : -1;
}

/* A literal of a wanted family needs no host: it is what it says. */
static void open_host(struct traceroute *traceroute, enum host_family family)
{
	struct address literal;
	const char *address = probe_address(traceroute->probe);
	if (!address_parse(address, &literal) || !wants_family(family, literal.family))
		traceroute->host =
			host_open(probe_resolver(traceroute->probe), address, (struct host_policy){.family = family});
}

void *traceroute_open(struct probe *probe, const void *arg, struct err *err)
{
	const struct traceroute_settings *settings = arg;
	struct traceroute *traceroute = slabs_take(probe_slabs(probe), sizeof(*traceroute));
	enum host_family family = family_of(settings);
	traceroute->probe = probe;
	open_host(traceroute, family);
	if (open_lanes(traceroute, family, err)) {
		traceroute_close(traceroute);
		return NULL;
	}
	probe_add_turn(probe, &(struct turn_plan){
				      .interval_ns = settings->scheduled ? settings->interval_ns : 0,
				      .timeout_ns = traceroute_timeout_ns(settings),
			      });
	return traceroute;
}
