/*
 * ICMP echo: requests of a run, what becomes of them, when the run is over.
 */
#include "probes/ping/ping.h"

#include <net/if.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

/* Late and duplicate replies are recognised for this long after a run. */
#define LATE_WINDOW_NS (3 * NS_PER_SECOND)
/* Requests to one address that leave together, after a stall. */
#define BURST_MAX 8

/* --- the run ------------------------------------------------------------------------------------------------------ */

static enum reason path_reason(const struct ping_path *path)
{
	if (path->tally.received)
		return REASON_OK;
	if (path->reason != REASON_OK)
		return path->reason;
	bool is_ours = path->tally.lost_locally && path->tally.lost_locally >= path->tally.sent;
	return is_ours || !path->tally.sent ? REASON_LOCAL : REASON_TIMEOUT;
}

/* All addresses must answer; the first that does not gives the reason. */
static void ping_finish(void *arg)
{
	struct ping *ping = arg;
	enum reason reason = REASON_OK;
	for (size_t i = 0; i < ping->npaths && reason == REASON_OK; i++)
		reason = path_reason(&ping->paths[i]);
	ping_report(ping, reason);
}

static bool is_settled(const struct ping *ping)
{
	if (ping->requested < ping->settings->count)
		return false;
	for (size_t i = 0; i < ping->npaths; i++)
		if (ping->paths[i].peer.endpoint.flying)
			return false;
	return true;
}

static void finish_if_settled(struct ping *ping)
{
	if (!ping->run || !is_settled(ping))
		return;
	if (ping->is_starting)
		run_finish_later(ping->run, ping_finish);
	else
		ping_finish(ping);
}

static void note_failure(struct ping_path *path, enum reason reason)
{
	if (path->reason == REASON_OK)
		path->reason = reason;
}

static void note_answer(struct ping_path *path, const struct icmp_event *event)
{
	struct ping *ping = path->ping;
	path->tally.received++;
	path->totals.received++;
	ping->totals.received++;
	path->totals.reordered += event->is_reordered;
	ping->totals.reordered += event->is_reordered;
	path->hop_limit = event->hop_limit;
	if (event->rtt_ns < 0)
		return;
	tally_add_rtt(&path->tally, event->rtt_ns);
	jitter_add_rtt(&path->jitter, event->rtt_ns);
	if (ping->observed_ns)
		ping->observed_ns[ping->nobserved++] = event->rtt_ns;
}

static void ping_event(struct icmp_peer *peer, const struct icmp_event *event)
{
	struct ping_path *path = (struct ping_path *)peer;
	struct ping *ping = path->ping;
	switch (event->kind) {
	case ICMP_EVENT_SENT:
		path->tally.sent++;
		path->totals.sent++;
		ping->totals.sent++;
		return;
	case ICMP_EVENT_ANSWERED:
		note_answer(path, event);
		break;
	case ICMP_EVENT_DUPLICATE:
		path->totals.duplicates++;
		ping->totals.duplicates++;
		break;
	case ICMP_EVENT_LATE:
		path->totals.late++;
		ping->totals.late++;
		break;
	case ICMP_EVENT_FAILED:
		path->tally.failed++;
		note_failure(path, event->reason);
		break;
	case ICMP_EVENT_UNSENT:
		path->tally.unsent++;
		note_failure(path, event->reason);
		break;
	}
	if (ping->run && run_is_logged(ping->run))
		ping_log_event(path, event);
	finish_if_settled(ping);
}

static void request_path(struct ping_path *path)
{
	uint16_t sequence;
	if (icmp_peer_send(&path->peer, &path->ping->shape, &sequence)) {
		path->tally.unsent++;
		note_failure(path, REASON_LOCAL);
		run_log(path->ping->run, "no free sequence number");
		return;
	}
	if (!path->has_first)
		path->first_sequence = sequence;
	path->has_first = true;
}

static void request_all(struct ping *ping)
{
	for (size_t i = 0; i < ping->npaths; i++)
		request_path(&ping->paths[i]);
	ping->requested++;
	ping->due_ns += ping->settings->spacing_ns;
}

/* Alarms ring once a slot, which may be longer than the spacing: what is due by now leaves together. */
static void request_due(void *arg)
{
	struct ping *ping = arg;
	int64_t now_ns = clock_monotonic_ns();
	for (int n = 0; n < BURST_MAX && ping->due_ns <= now_ns && ping->requested < ping->settings->count; n++)
		request_all(ping);
	if (ping->requested < ping->settings->count)
		alarm_set(probe_loop(ping->probe), &ping->next_request, ping->due_ns);
	finish_if_settled(ping);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* How many requests are sent from the start of a run until replies to it are no longer recognised. */
static size_t requests_remembered(const struct ping_settings *settings)
{
	int64_t runs = 1 + (LATE_WINDOW_NS + settings->interval_ns - 1) / settings->interval_ns;
	return (size_t)(runs * settings->count);
}

static void path_open(struct ping *ping, struct ping_path *path, const struct address *address)
{
	*path = (struct ping_path){.ping = ping, .hop_limit = -1};
	icmp_peer_open(&path->peer, ping->lanes[address->family - 1], address, requests_remembered(ping->settings),
		       ping_event);
}

static const struct ping_path *path_find(const struct ping *ping, const struct address *address)
{
	for (size_t i = 0; i < ping->npaths; i++)
		if (address_equal(&ping->paths[i].peer.endpoint.address, address))
			return &ping->paths[i];
	return NULL;
}

/* Paths point into tables, so they are never moved: a changed set of addresses makes a new array, in which an address
 * that stays keeps its totals and its jitter, but not the memory of its past requests. */
static void set_paths(struct ping *ping, const struct address *addresses, size_t n)
{
	struct ping_path *paths = mem_zero(n, sizeof(*paths));
	for (size_t i = 0; i < n; i++) {
		const struct ping_path *old = path_find(ping, &addresses[i]);
		path_open(ping, &paths[i], &addresses[i]);
		if (old) {
			paths[i].totals = old->totals;
			paths[i].jitter = old->jitter;
		}
	}
	for (size_t i = 0; i < ping->npaths; i++)
		icmp_peer_close(&ping->paths[i].peer);
	mem_free(ping->paths);
	ping->paths = paths;
	ping->npaths = n;
	if (ping->settings->histogram == PING_HISTOGRAM_NONE)
		return;
	mem_free(ping->observed_ns);
	ping->observed_ns = mem_zero(n * (size_t)ping->settings->count, sizeof(*ping->observed_ns));
}

static bool paths_match(const struct ping *ping, const struct address *addresses, size_t n)
{
	if (n != ping->npaths)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!path_find(ping, &addresses[i]))
			return false;
	return true;
}

static bool is_link_local(const struct address *address)
{
	return address->family == ADDRESS_IPV6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* Leaves out addresses of a family that this host has no socket for. A link-local one is that of the interface asked
 * for: replies from it come with their interface. */
static size_t usable_addresses(const struct ping *ping, struct address out[RESOLVE_ADDRESSES_MAX])
{
	size_t n;
	size_t usable = 0;
	const struct address *addresses = host_addresses(ping->host, &n);
	for (size_t i = 0; i < n && usable < RESOLVE_ADDRESSES_MAX; i++) {
		if (!ping->lanes[addresses[i].family - 1])
			continue;
		out[usable] = addresses[i];
		if (is_link_local(&out[usable]) && !out[usable].scope_id)
			out[usable].scope_id = ping->shape.interface;
		usable++;
	}
	return usable;
}

static void log_beginning(const struct ping *ping)
{
	char text[ADDRESS_TEXT_SIZE];
	if (!run_is_logged(ping->run))
		return;
	for (size_t i = 0; i < ping->npaths; i++) {
		const struct address *address = &ping->paths[i].peer.endpoint.address;
		int headers = address->family == ADDRESS_IPV4 ? 28 : 48;
		run_log(ping->run, "PING %s (%s) %lld(%lld) bytes of data.", probe_address(ping->probe),
			address_format(address, text), (long long)ping->settings->size,
			(long long)ping->settings->size + headers);
	}
}

static int find_interface(struct ping *ping)
{
	if (!ping->settings->interface)
		return 0;
	ping->shape.interface = if_nametoindex(ping->settings->interface);
	return ping->shape.interface ? 0 : -1;
}

static void ping_finish_local(void *arg)
{
	ping_report(arg, REASON_LOCAL);
}

/* The addresses are known: the first requests go out, or the run ends as local. */
static void begin_requests(struct ping *ping)
{
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	const char *fault = find_interface(ping) ? "there is no such interface now" : NULL;
	size_t n = usable_addresses(ping, addresses);
	if (!n)
		fault = "this host has no ICMP socket for the address family of the target";
	if (fault) {
		run_log(ping->run, "%s", fault);
		run_finish_later(ping->run, ping_finish_local);
		return;
	}
	if (!paths_match(ping, addresses, n))
		set_paths(ping, addresses, n);
	run_set_address(ping->run, &ping->paths[0].peer.endpoint.address);
	log_beginning(ping);
	ping->due_ns = clock_monotonic_ns();
	request_due(ping);
}

static void ping_resolved(void *arg, const char *error)
{
	struct ping *ping = arg;
	if (!error) {
		begin_requests(ping);
		return;
	}
	run_log(ping->run, "%s: %s", probe_address(ping->probe), error);
	ping_report(ping, REASON_RESOLVE);
}

void *ping_start(struct run *run, void *opened, const void *settings)
{
	struct ping *ping = opened;
	(void)settings;
	ping->run = run;
	ping->requested = 0;
	ping->nobserved = 0;
	for (size_t i = 0; i < ping->npaths; i++) {
		struct ping_path *path = &ping->paths[i];
		path->tally = (struct tally){0};
		path->reason = REASON_OK;
		path->has_first = false;
		path->hop_limit = -1;
	}
	ping->is_starting = true;
	if (host_is_fresh(ping->host))
		begin_requests(ping);
	else
		host_refresh(ping->host, ping_resolved, ping);
	ping->is_starting = false;
	return ping;
}

static void ping_expire(struct ping *ping)
{
	for (size_t i = 0; i < ping->npaths; i++) {
		struct ping_path *path = &ping->paths[i];
		struct icmp_leftover leftover = icmp_peer_expire(&path->peer);
		path->tally.unsent += leftover.unsent;
		path->tally.lost_locally += leftover.lost_locally;
		path->totals.lost_locally += leftover.lost_locally;
		ping->totals.lost_locally += leftover.lost_locally;
	}
}

void ping_deadline(void *state)
{
	struct ping *ping = state;
	if (!ping->requested) {
		run_log(ping->run, "%s: no answer from the resolver in time", probe_address(ping->probe));
		ping_report(ping, REASON_RESOLVE);
		return;
	}
	ping_expire(ping);
	ping_finish(ping);
}

void ping_stop(void *state)
{
	struct ping *ping = state;
	alarm_cancel(probe_loop(ping->probe), &ping->next_request);
	host_cancel(ping->host);
	ping_expire(ping);
	ping->run = NULL;
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

void ping_close(void *opened)
{
	struct ping *ping = opened;
	for (size_t i = 0; i < ping->npaths; i++)
		icmp_peer_close(&ping->paths[i].peer);
	host_close(ping->host);
	mem_free(ping->paths);
	mem_free(ping->observed_ns);
	mem_free(ping);
}

/* A source address leaves no choice. */
static enum host_family family_of(const struct ping *ping)
{
	if (ping->shape.source.family == ADDRESS_NONE)
		return (enum host_family)ping->settings->family;
	return ping->shape.source.family == ADDRESS_IPV4 ? HOST_ONLY_IPV4 : HOST_ONLY_IPV6;
}

static bool wants_family(const struct ping *ping, enum address_family family)
{
	if (family_of(ping) == HOST_ONLY_IPV4)
		return family == ADDRESS_IPV4;
	return family_of(ping) != HOST_ONLY_IPV6 || family == ADDRESS_IPV6;
}

/* One family is enough to live on (a host may have no IPv6). */
static int open_lanes(struct ping *ping, struct err *err)
{
	const struct ping_settings *settings = ping->settings;
	const struct icmp_profile profile = {
		.fwmark = (uint32_t)settings->fwmark,
		.dont_fragment = settings->dont_fragment,
		.transmit_timestamps = settings->transmit_timestamps,
	};
	struct icmp *icmp = probe_service(ping->probe, &icmp_service);
	int opened = 0;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		if (!wants_family(ping, family))
			continue;
		ping->lanes[family - 1] = icmp_lane_open(icmp, family, &profile, err);
		opened += ping->lanes[family - 1] != NULL;
	}
	return opened ? 0 : -1;
}

void *ping_open(struct probe *probe, const void *arg, struct err *err)
{
	const struct ping_settings *settings = arg;
	struct ping *ping = mem_zero(1, sizeof(*ping));
	ping->probe = probe;
	ping->settings = settings;
	ping->shape = (struct icmp_shape){
		.payload_size = (uint16_t)settings->size,
		.hop_limit = (uint8_t)settings->ttl,
		.traffic_class = (uint8_t)(settings->dscp << 2),
	};
	if (settings->source)
		address_parse(settings->source, &ping->shape.source);
	alarm_prepare(&ping->next_request, request_due, ping);
	struct host_policy policy = {
		.family = family_of(ping),
		.keeps_last = settings->keep_address,
		.wants_all = settings->all_addresses,
	};
	ping->host = host_open(probe_resolver(probe), probe_address(probe), policy);
	if (open_lanes(ping, err)) {
		ping_close(ping);
		return NULL;
	}
	probe_add_turn(probe, &(struct turn_plan){.interval_ns = settings->interval_ns,
						  .timeout_ns = ping_timeout_ns(settings)});
	return ping;
}
