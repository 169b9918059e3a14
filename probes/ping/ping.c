/*
 * ICMP echo: requests of a run, what becomes of them, when the run is over.
 */
#include "probes/ping/ping.h"

#include <net/if.h>
#include <string.h>

#include "core/clock.h"
#include "core/slabs.h"

/* Late and duplicate replies are recognised for this long after a run. */
#define LATE_WINDOW_NS (3 * NS_PER_SECOND)
/* Requests to one address that leave together, after a stall. */
#define BURST_MAX 8

/* --- settings ----------------------------------------------------------------------------------------------------- */

static struct address source_of(const struct ping_settings *settings)
{
	struct address source = {0};
	if (settings->source)
		address_parse(settings->source, &source);
	return source;
}

/* A source address leaves no choice. */
static enum host_family family_of(const struct ping_settings *settings)
{
	struct address source = source_of(settings);
	if (source.family == ADDRESS_NONE)
		return (enum host_family)settings->family;
	return source.family == ADDRESS_IPV4 ? HOST_ONLY_IPV4 : HOST_ONLY_IPV6;
}

static struct icmp_profile profile_of(const struct ping_settings *settings)
{
	return (struct icmp_profile){
		.fwmark = (uint32_t)settings->fwmark,
		.dont_fragment = settings->dont_fragment,
		.transmit_timestamps = settings->transmit_timestamps,
	};
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static enum reason figures_reason(const struct ping_figures *figures)
{
	const struct tally *tally = &figures->tally;
	if (tally->received)
		return REASON_OK;
	if (figures->reason != REASON_OK)
		return figures->reason;
	bool is_ours = tally->lost_locally && tally->lost_locally >= tally->sent;
	return is_ours || !tally->sent ? REASON_LOCAL : REASON_TIMEOUT;
}

/* All addresses must answer; the first that does not gives the reason. */
static void ping_finish(void *arg)
{
	struct ping_run *run = arg;
	enum reason reason = REASON_OK;
	for (size_t i = 0; i < run->ping->npaths && reason == REASON_OK; i++)
		reason = figures_reason(&run->figures[i]);
	ping_report(run, reason);
}

static bool is_settled(const struct ping_run *run)
{
	const struct ping *ping = run->ping;
	if (run->requested < ping_settings(ping)->count)
		return false;
	for (size_t i = 0; i < ping->npaths; i++)
		if (ping->paths[i].peer.endpoint.flying)
			return false;
	return true;
}

static void finish_if_settled(struct ping_run *run)
{
	if (!run || !is_settled(run))
		return;
	if (run->is_starting)
		run_finish_later(run->run, ping_finish);
	else
		ping_finish(run);
}

static void note_failure(struct ping_figures *figures, enum reason reason)
{
	if (figures->reason == REASON_OK)
		figures->reason = reason;
}

static void note_sent(struct ping_path *path)
{
	struct ping_figures *figures = ping_figures(path);
	path->ping->totals.sent++;
	if (ping_settings(path->ping)->all_addresses)
		ping_counts(path)->sent++;
	if (figures)
		figures->tally.sent++;
}

static void note_answer(struct ping_path *path, const struct icmp_event *event)
{
	struct ping *ping = path->ping;
	struct ping_run *run = ping->run;
	struct ping_figures *figures = ping_figures(path);
	ping->totals.received++;
	if (ping_settings(ping)->all_addresses)
		ping_counts(path)->received++;
	ping->totals.reordered += event->is_reordered;
	if (event->rtt_ns >= 0)
		jitter_add_rtt(&path->jitter, event->rtt_ns);
	if (!figures)
		return;
	figures->tally.received++;
	figures->hop_limit = event->hop_limit;
	if (event->rtt_ns < 0)
		return;
	tally_add_rtt(&figures->tally, event->rtt_ns);
	if (run->observed_ns)
		run->observed_ns[run->nobserved++] = event->rtt_ns;
}

/* What flies belongs to the run: only duplicates and what is late come without one. */
static void note_trouble(struct ping_path *path, const struct icmp_event *event)
{
	struct ping_figures *figures = ping_figures(path);
	if (!figures)
		return;
	if (event->kind == ICMP_EVENT_FAILED)
		figures->tally.failed++;
	else
		figures->tally.unsent++;
	note_failure(figures, event->reason);
}

static void ping_event(struct icmp_peer *peer, const struct icmp_event *event)
{
	struct ping_path *path = (struct ping_path *)peer;
	struct ping *ping = path->ping;
	switch (event->kind) {
	case ICMP_EVENT_SENT:
		note_sent(path);
		return;
	case ICMP_EVENT_ANSWERED:
		note_answer(path, event);
		break;
	case ICMP_EVENT_DUPLICATE:
		ping->totals.duplicates++;
		break;
	case ICMP_EVENT_LATE:
		ping->totals.late++;
		break;
	case ICMP_EVENT_FAILED:
	case ICMP_EVENT_UNSENT:
		note_trouble(path, event);
		break;
	}
	if (ping->run && run_is_logged(ping->run->run))
		ping_log_event(path, event);
	finish_if_settled(ping->run);
}

static void request_path(struct ping_run *run, size_t i)
{
	uint16_t sequence;
	struct ping_figures *figures = &run->figures[i];
	if (icmp_peer_send(&run->ping->paths[i].peer, &run->shape, &sequence)) {
		figures->tally.unsent++;
		note_failure(figures, REASON_LOCAL);
		run_log(run->run, "no free sequence number");
		return;
	}
	if (!figures->has_first)
		figures->first_sequence = sequence;
	figures->has_first = true;
}

static void request_all(struct ping_run *run)
{
	for (size_t i = 0; i < run->ping->npaths; i++)
		request_path(run, i);
	run->requested++;
	run->due_ns += ping_settings(run->ping)->spacing_ns;
}

/* Alarms ring once a slot, which may be longer than the spacing: what is due by now leaves together. */
static void request_due(void *arg)
{
	struct ping_run *run = arg;
	int64_t count = ping_settings(run->ping)->count;
	int64_t now_ns = clock_monotonic_ns();
	for (int n = 0; n < BURST_MAX && run->due_ns <= now_ns && run->requested < count; n++)
		request_all(run);
	if (run->requested < count)
		alarm_set(probe_loop(run->ping->probe), &run->next_request, run->due_ns);
	finish_if_settled(run);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static struct icmp_lane *lane_of(const struct ping *ping, enum address_family family)
{
	const struct icmp_profile profile = profile_of(ping_settings(ping));
	return icmp_lane_find(probe_service(ping->probe, &icmp_service), family, &profile);
}

/* How many requests are sent from the start of a run until replies to it are no longer recognised. */
static size_t requests_remembered(const struct ping_settings *settings)
{
	int64_t runs = 1 + (LATE_WINDOW_NS + settings->interval_ns - 1) / settings->interval_ns;
	return (size_t)(runs * settings->count);
}

static const struct ping_path *path_find(const struct ping *ping, const struct address *address)
{
	for (size_t i = 0; i < ping->npaths; i++)
		if (address_equal(&ping->paths[i].peer.endpoint.address, address))
			return &ping->paths[i];
	return NULL;
}

static size_t ring_size(const struct ping *ping)
{
	return icmp_flight_ring_size(requests_remembered(ping_settings(ping)));
}

/* With counts and rings. */
static size_t paths_size(const struct ping *ping, size_t n)
{
	size_t counts = ping_settings(ping)->all_addresses ? sizeof(struct ping_counts) : 0;
	return n * (sizeof(struct ping_path) + counts + ring_size(ping) * sizeof(struct icmp_attempt));
}

static void close_paths(struct ping *ping)
{
	for (size_t i = 0; i < ping->npaths; i++)
		icmp_peer_close(&ping->paths[i].peer);
	slabs_give(probe_slabs(ping->probe), ping->paths, paths_size(ping, ping->npaths));
}

static void open_path(struct ping *ping, size_t i, const struct address *address)
{
	struct ping_path *path = &ping->paths[i];
	struct ping_counts *counts = (struct ping_counts *)(ping->paths + ping->npaths);
	size_t ring = ring_size(ping);
	struct icmp_attempt *attempts =
		(struct icmp_attempt *)(counts + (ping_settings(ping)->all_addresses ? ping->npaths : 0));
	path->ping = ping;
	path->peer.event = ping_event;
	icmp_peer_open(&path->peer, lane_of(ping, address->family), address, attempts + i * ring, ring);
}

/* Paths point into tables, so they are never moved: a changed set of addresses makes a new array, in which an address
 * that stays keeps its totals and its jitter, but not the memory of its past requests. */
static void set_paths(struct ping *ping, const struct address *addresses, size_t n)
{
	struct ping before = *ping;
	ping->paths = slabs_take(probe_slabs(ping->probe), paths_size(ping, n));
	ping->npaths = n;
	for (size_t i = 0; i < n; i++) {
		struct ping_path *path = &ping->paths[i];
		const struct ping_path *old = path_find(&before, &addresses[i]);
		open_path(ping, i, &addresses[i]);
		if (old)
			path->jitter = old->jitter;
		if (old && ping_settings(ping)->all_addresses)
			*ping_counts(path) = ((struct ping_counts *)(before.paths + before.npaths))[old - before.paths];
	}
	close_paths(&before);
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
static size_t usable_addresses(const struct ping_run *run, struct address out[RESOLVE_ADDRESSES_MAX])
{
	const struct ping *ping = run->ping;
	struct address literal;
	const struct address *addresses = &literal;
	size_t n = 1;
	size_t usable = 0;
	if (ping->host)
		addresses = host_addresses(ping->host, &n);
	else
		address_parse(probe_address(ping->probe), &literal);
	for (size_t i = 0; i < n && usable < RESOLVE_ADDRESSES_MAX; i++) {
		if (!lane_of(ping, addresses[i].family))
			continue;
		out[usable] = addresses[i];
		if (is_link_local(&out[usable]) && !out[usable].scope_id)
			out[usable].scope_id = run->shape.interface;
		usable++;
	}
	return usable;
}

static void log_beginning(const struct ping_run *run)
{
	const struct ping *ping = run->ping;
	char text[ADDRESS_TEXT_SIZE];
	if (!run_is_logged(run->run))
		return;
	for (size_t i = 0; i < ping->npaths; i++) {
		const struct address *address = &ping->paths[i].peer.endpoint.address;
		int headers = address->family == ADDRESS_IPV4 ? 28 : 48;
		run_log(run->run, "PING %s (%s) %lld(%lld) bytes of data.", probe_address(ping->probe),
			address_format(address, text), (long long)ping_settings(ping)->size,
			(long long)ping_settings(ping)->size + headers);
	}
}

static int find_interface(struct ping_run *run)
{
	const char *name = ping_settings(run->ping)->interface;
	if (!name)
		return 0;
	run->shape.interface = if_nametoindex(name);
	return run->shape.interface ? 0 : -1;
}

static void ping_finish_local(void *arg)
{
	ping_report(arg, REASON_LOCAL);
}

static void ping_finish_denied(void *arg)
{
	ping_report(arg, REASON_DENIED);
}

static bool are_permitted(struct run *run, const char *host, const struct address *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!run_permits(run, host, &addresses[i], 0))
			return false;
	return true;
}

/* Those of each path, and room for every round-trip time if it is wanted. */
static size_t figures_size(const struct ping *ping)
{
	size_t observed =
		ping_settings(ping)->histogram == PING_HISTOGRAM_NONE ? 0 : (size_t)ping_settings(ping)->count;
	return ping->npaths * (sizeof(struct ping_figures) + observed * sizeof(int64_t));
}

static void make_figures(struct ping_run *run)
{
	const struct ping *ping = run->ping;
	run->figures = slabs_take(probe_slabs(ping->probe), figures_size(ping));
	if (ping_settings(ping)->histogram != PING_HISTOGRAM_NONE)
		run->observed_ns = (int64_t *)(run->figures + ping->npaths);
	for (size_t i = 0; i < ping->npaths; i++)
		run->figures[i].hop_limit = -1;
}

/* The addresses are known: the first requests go out, or the run ends as local. */
static void begin_requests(struct ping_run *run)
{
	struct ping *ping = run->ping;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	const char *fault = find_interface(run) ? "there is no such interface now" : NULL;
	size_t n = usable_addresses(run, addresses);
	if (!n)
		fault = "this host has no ICMP socket for the address family of the target";
	if (fault) {
		run_log(run->run, "%s", fault);
		run_finish_later(run->run, ping_finish_local);
		return;
	}
	if (!are_permitted(run->run, probe_address(ping->probe), addresses, n)) {
		run_finish_later(run->run, ping_finish_denied);
		return;
	}
	if (!paths_match(ping, addresses, n))
		set_paths(ping, addresses, n);
	make_figures(run);
	run_set_address(run->run, &ping->paths[0].peer.endpoint.address);
	log_beginning(run);
	run->due_ns = clock_monotonic_ns();
	request_due(run);
}

static void ping_resolved(void *arg, const char *error)
{
	struct ping_run *run = arg;
	run_add_lookup(run->run, clock_monotonic_ns() - run_begun_ns(run->run));
	if (!error) {
		begin_requests(run);
		return;
	}
	run_log(run->run, "%s: %s", probe_address(run->ping->probe), error);
	ping_report(run, REASON_RESOLVE);
}

void *ping_start(struct run *run_, void *opened, const void *settings_)
{
	const struct ping_settings *settings = settings_;
	struct ping *ping = opened;
	struct ping_run *run = slabs_take(probe_slabs(ping->probe), sizeof(*run));
	ping->run = run;
	run->ping = ping;
	run->run = run_;
	run->shape = (struct icmp_shape){
		.source = source_of(settings),
		.payload_size = (uint16_t)settings->size,
		.hop_limit = (uint8_t)settings->ttl,
		.traffic_class = (uint8_t)(settings->dscp << 2),
	};
	alarm_prepare(&run->next_request, request_due, run);
	run->is_starting = true;
	if (!ping->host)
		run_add_lookup(run_, 0); /* a literal */
	if (!ping->host || host_is_fresh(ping->host))
		begin_requests(run);
	else
		host_refresh(ping->host, ping_resolved, run);
	run->is_starting = false;
	return run;
}

static void ping_expire(struct ping_run *run)
{
	struct ping *ping = run->ping;
	for (size_t i = 0; run->figures && i < ping->npaths; i++) {
		struct tally *tally = &run->figures[i].tally;
		struct icmp_leftover leftover = icmp_peer_expire(&ping->paths[i].peer);
		tally->unsent += leftover.unsent;
		tally->lost_locally += leftover.lost_locally;
		ping->totals.lost_locally += leftover.lost_locally;
	}
}

void ping_deadline(void *state)
{
	struct ping_run *run = state;
	if (!run->requested) {
		run_log(run->run, "%s: no answer from the resolver in time", probe_address(run->ping->probe));
		ping_report(run, REASON_RESOLVE);
		return;
	}
	ping_expire(run);
	ping_finish(run);
}

void ping_stop(void *state)
{
	struct ping_run *run = state;
	struct ping *ping = run->ping;
	alarm_cancel(probe_loop(ping->probe), &run->next_request);
	if (ping->host)
		host_cancel(ping->host);
	ping_expire(run);
	ping->run = NULL;
	slabs_give(probe_slabs(ping->probe), run->figures, figures_size(ping));
	slabs_give(probe_slabs(ping->probe), run, sizeof(*run));
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

void ping_close(void *opened)
{
	struct ping *ping = opened;
	close_paths(ping);
	host_close(ping->host);
	slabs_give(probe_slabs(ping->probe), ping, sizeof(*ping));
}

static bool wants_family(enum host_family policy, enum address_family family)
{
	if (policy == HOST_ONLY_IPV4)
		return family == ADDRESS_IPV4;
	return policy != HOST_ONLY_IPV6 || family == ADDRESS_IPV6;
}

/* One family is enough to live on (a host may have no IPv6). */
static int open_lanes(struct ping *ping, enum host_family policy, struct err *err)
{
	const struct icmp_profile profile = profile_of(ping_settings(ping));
	struct icmp *icmp = probe_service(ping->probe, &icmp_service);
	int opened = 0;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		if (wants_family(policy, family))
			opened += icmp_lane_open(icmp, family, &profile, err) != NULL;
	return opened ? 0 : -1;
}

/* A literal of a wanted family needs no host: it is what it says. */
static void open_host(struct ping *ping, enum host_family family)
{
	struct address literal;
	const char *address = probe_address(ping->probe);
	const struct host_policy policy = {
		.family = family,
		.keeps_last = ping_settings(ping)->keep_address,
		.wants_all = ping_settings(ping)->all_addresses,
	};
	if (!address_parse(address, &literal) || !wants_family(family, literal.family))
		ping->host = host_open(probe_resolver(ping->probe), address, policy);
}

void *ping_open(struct probe *probe, const void *arg, struct err *err)
{
	const struct ping_settings *settings = arg;
	struct ping *ping = slabs_take(probe_slabs(probe), sizeof(*ping));
	enum host_family family = family_of(settings);
	ping->probe = probe;
	open_host(ping, family);
	if (open_lanes(ping, family, err)) {
		ping_close(ping);
		return NULL;
	}
	probe_add_turn(probe, &(struct turn_plan){.interval_ns = settings->interval_ns,
						  .timeout_ns = ping_timeout_ns(settings)});
	return ping;
}
