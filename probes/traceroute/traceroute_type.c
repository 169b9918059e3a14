/*
 * The path to a target: the options and the type.
 */
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/host.h"
#include "probes/reverse_service.h"
#include "probes/traceroute/traceroute_run.h"

#define UDP_PORT 33434
#define TCP_PORT 80
/* For what a run does besides waiting for packets: a name, the queue of the worker. */
#define SPARE_NS NS_PER_SECOND

static const char *const transports[] = {
	[TRACE_ICMP] = "icmp",
	[TRACE_UDP] = "udp",
	[TRACE_TCP] = "tcp",
	NULL,
};

#define AT(member) .offset = offsetof(struct traceroute_settings, member)

static const struct option traceroute_options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), .minimum = 0.1, .maximum = 86400, .fallback = "60",
	 .help = "Time from one trace to the next"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), .minimum = 0, .maximum = 86400, .fallback = "0",
	 .help = "When a trace ends, whatever it knows by then. At most the interval. 0: as long as a trace may take, "
		 "but "
		 "at most nine tenths of the interval"},
	{"transport", OPTION_CHOICE, AT(transport), .fallback = "icmp", .choices = transports,
	 .help = "What the packets are: ICMP echo requests, UDP datagrams, or the SYN of a TCP connection, which is "
		 "never "
		 "made. TCP needs CAP_NET_RAW"},
	{"port", OPTION_INTEGER, AT(port), .minimum = 0, .maximum = 65535, .fallback = "0",
	 .help = "Destination port, the same for all packets. 0: 33434 with udp, 80 with tcp; icmp has none"},
	{"flows", OPTION_INTEGER, AT(flows), .minimum = 1, .maximum = TRACE_FLOWS_MAX, .fallback = "1",
	 .help = "Flows that are traced, each along its own path: routers with several equal ways choose one by the "
		 "flow. "
		 "With more than one, hops have the label flow"},
	{"attempts", OPTION_INTEGER, AT(attempts), .minimum = 1, .maximum = PATH_ATTEMPTS_MAX, .fallback = "3",
	 .help = "Packets to each hop of each flow"},
	{"spacing", OPTION_SECONDS, AT(spacing_ns), .minimum = 0.001, .maximum = 60, .fallback = "0.1",
	 .help = "Time between the packets to one hop. Routers limit their answers: less may show loss that there is "
		 "not"},
	{"until_answered", OPTION_BOOLEAN, AT(until_answered), .fallback = "false",
	 .help = "Asks a hop again only while it has not answered: fewer packets, but no loss and one round-trip time "
		 "a "
		 "hop"},
	{"first_hop", OPTION_INTEGER, AT(first_hop), .minimum = 1, .maximum = PATH_HOPS_MAX, .fallback = "1",
	 .help = "The first hop that is asked"},
	{"max_hops", OPTION_INTEGER, AT(max_hops), .minimum = 1, .maximum = PATH_HOPS_MAX, .fallback = "30",
	 .help = "The last hop that is asked; a path that is longer ends there with the reason ttl_exceeded"},
	{"max_silent", OPTION_INTEGER, AT(max_silent), .minimum = 1, .maximum = PATH_HOPS_MAX, .fallback = "5",
	 .help = "A trace ends after so many hops in a row that do not answer"},
	{"window", OPTION_INTEGER, AT(window), .minimum = 1, .maximum = PATH_HOPS_MAX, .fallback = "8",
	 .help = "Hops that are asked at the same time while nobody knows how long the path is. From the second trace "
		 "on, "
		 "all hops of the known path are asked at once, and none beyond it unless it has grown"},
	{"wait", OPTION_SECONDS, AT(wait_ns), .minimum = 0.01, .maximum = 60, .fallback = "1",
	 .help = "How long one packet is waited for. Once the target has answered, hops before it are waited for at "
		 "most "
		 "four times the longest round-trip time, but at least 0.25 s. A later answer still counts while the "
		 "trace "
		 "lives"},
	{"size", OPTION_SIZE, AT(size), .minimum = 0, .maximum = 65467, .fallback = "32",
	 .help = "Payload of a packet in bytes, without IP, ICMP, UDP and TCP headers; the first bytes tell the "
		 "packets "
		 "apart, so that small values are raised"},
	{"dscp", OPTION_INTEGER, AT(dscp), .minimum = 0, .maximum = 63, .fallback = "0",
	 .help = "Differentiated services code point of the packets (46 = expedited forwarding)"},
	{"source", OPTION_TEXT, AT(source), .help = "Source address of the packets"},
	{"interface", OPTION_TEXT, AT(interface),
	 .help = "Interface that packets leave by, by name; looked up at every trace"},
	{"fwmark", OPTION_INTEGER, AT(fwmark), .minimum = 0, .maximum = 4294967295.0, .fallback = "0",
	 .help = "Mark for policy routing (SO_MARK). Needs CAP_NET_ADMIN or CAP_NET_RAW. 0: none"},
	{"family", OPTION_CHOICE, AT(family), .fallback = "prefer_ipv4", .choices = host_family_words,
	 .help = "Which address of a name is used; prefer_ falls back to the other family"},
	{"reverse_names", OPTION_BOOLEAN, AT(reverse_names), .fallback = "false",
	 .help = "Asks the name servers for the names of the hops. Never holds a trace up: a name that is not known "
		 "yet "
		 "shows from the next trace on"},
	{"hop_address", OPTION_BOOLEAN, AT(hop_address), .fallback = "false",
	 .help = "Gives the series of hops the label hop_address: the path is then seen in Prometheus, but each new "
		 "address makes new series"},
	{"mtu", OPTION_BOOLEAN, AT(mtu), .fallback = "false",
	 .help = "Finds the largest packet that gets to the target unfragmented, once the target has answered, and "
		 "names "
		 "the hop that is narrow or swallows large packets without a word"},
	{"scheduled", OPTION_BOOLEAN, AT(scheduled), .fallback = "true",
	 .help = "Traces at every interval. false: only when another probe of the same target triggers it, see "
		 "on_failure, on_loss and on_rtt"},
	{"on_failure", OPTION_BOOLEAN, AT(on_failure), .fallback = "false",
	 .help = "A failed run of another probe of the same target triggers a trace"},
	{"on_loss", OPTION_NUMBER, AT(on_loss), .minimum = 0, .maximum = 1, .fallback = "0",
	 .help = "A run of another probe of the same target that loses this part of its packets or more triggers a "
		 "trace. "
		 "0: off"},
	{"on_rtt", OPTION_SECONDS, AT(on_rtt_ns), .minimum = 0, .maximum = 3600, .fallback = "0",
	 .help = "A run of another probe of the same target with an average round-trip time of this or more triggers a "
		 "trace. 0: off"},
	{"trigger_probes", OPTION_LIST, AT(trigger_probes),
	 .help = "Names of the probes that may trigger a trace. Empty: all others of the target"},
	{"trigger_pause", OPTION_SECONDS, AT(trigger_pause_ns), .minimum = 1, .maximum = 86400, .fallback = "60",
	 .help = "Least time from one triggered trace to the next. While the trouble goes on it doubles each time, up "
		 "to an "
		 "hour"},
};

/* For a person at a terminal, who has time but wants names. */
static const char *const traceroute_manual_settings[] = {"interval=86400", "attempts=3", "reverse_names=true", NULL};

uint16_t traceroute_port(const struct traceroute_settings *settings)
{
	if (settings->transport == TRACE_ICMP || settings->port)
		return (uint16_t)settings->port;
	return settings->transport == TRACE_UDP ? UDP_PORT : TCP_PORT;
}

/* The slowest walk: one hop after the other, all silent but for the last of each max_silent. */
static int64_t slowest_walk_ns(const struct traceroute_settings *settings)
{
	int64_t hops = settings->max_hops - settings->first_hop + 1;
	int64_t rounds = (hops + settings->window - 1) / settings->window + 1;
	int64_t repeat_ns = settings->until_answered ? settings->wait_ns : settings->spacing_ns;
	int64_t hop_ns = settings->wait_ns + (settings->attempts - 1) * repeat_ns + settings->wait_ns;
	return rounds * hop_ns + (settings->mtu ? 20 * settings->wait_ns : 0) + SPARE_NS;
}

int64_t traceroute_timeout_ns(const struct traceroute_settings *settings)
{
	if (settings->timeout_ns)
		return settings->timeout_ns;
	int64_t wanted_ns = slowest_walk_ns(settings);
	int64_t most_ns = settings->interval_ns / 10 * 9;
	return wanted_ns < most_ns ? wanted_ns : most_ns;
}

static int check_times(const struct traceroute_settings *settings, struct err *err)
{
	int64_t timeout_ns = traceroute_timeout_ns(settings);
	int64_t sending_ns = (settings->attempts - 1) * settings->spacing_ns;
	if (timeout_ns > settings->interval_ns)
		return err_set(err, "timeout (%g s) must not be longer than interval (%g s)", clock_seconds(timeout_ns),
			       clock_seconds(settings->interval_ns));
	if (sending_ns >= timeout_ns)
		return err_set(err, "%lld attempts %g s apart take %g s: longer than the timeout of a trace (%g s)",
			       (long long)settings->attempts, clock_seconds(settings->spacing_ns),
			       clock_seconds(sending_ns), clock_seconds(timeout_ns));
	return 0;
}

static int check_source(const struct traceroute_settings *settings, struct err *err)
{
	struct address source;
	if (!settings->source)
		return 0;
	if (!address_parse(settings->source, &source))
		return err_set(err, "source: \"%s\" is not an IP address", settings->source);
	if ((source.family == ADDRESS_IPV4 && settings->family == HOST_ONLY_IPV6) ||
	    (source.family == ADDRESS_IPV6 && settings->family == HOST_ONLY_IPV4))
		return err_set(err, "source: %s is not of the family that is asked for", settings->source);
	return 0;
}

static int check_triggers(const struct traceroute_settings *settings, struct err *err)
{
	bool is_triggered = settings->on_failure || settings->on_loss > 0 || settings->on_rtt_ns > 0;
	if (!settings->scheduled && !is_triggered)
		return err_set(err,
			       "scheduled is false and nothing triggers a trace: set on_failure, on_loss or on_rtt");
	if (settings->trigger_probes.n && !is_triggered)
		return err_set(err,
			       "trigger_probes names probes, but nothing triggers a trace: set on_failure, on_loss or "
			       "on_rtt");
	return 0;
}

static int traceroute_check(const void *arg, struct err *err)
{
	const struct traceroute_settings *settings = arg;
	if (settings->first_hop > settings->max_hops)
		return err_set(err, "first_hop (%lld) must not be larger than max_hops (%lld)",
			       (long long)settings->first_hop, (long long)settings->max_hops);
	if (settings->transport == TRACE_ICMP && settings->port)
		return err_set(err, "port: ICMP has no ports; set transport to udp or tcp");
	if (settings->interface && (settings->interface[0] == '\0' || strlen(settings->interface) > 15))
		return err_set(err, "interface: \"%s\" is no name of an interface", settings->interface);
	if (check_times(settings, err) || check_source(settings, err))
		return -1;
	return check_triggers(settings, err);
}

static bool traceroute_trigger(const void *arg, struct trigger_plan *plan)
{
	const struct traceroute_settings *settings = arg;
	*plan = (struct trigger_plan){
		.on_failure = settings->on_failure,
		.on_loss = settings->on_loss,
		.on_rtt_ns = settings->on_rtt_ns,
		.pause_ns = settings->trigger_pause_ns,
		.probes = (const char *const *)settings->trigger_probes.items,
		.nprobes = settings->trigger_probes.n,
	};
	return settings->on_failure || settings->on_loss > 0 || settings->on_rtt_ns > 0;
}

static const struct measure_set *const traceroute_sets[] = {&traceroute_set, &traceroute_hop_set, &traceroute_edge_set,
							    NULL};
static const struct probe_service *const traceroute_services[] = {&tracer_service, &reverse_service, NULL};

const struct probe_type traceroute_type = {
	.name = "traceroute",
	.help = "The path to a target, hop by hop: addresses, round-trip times, where loss begins, changes of the path",
	.options = traceroute_options,
	.noptions = sizeof(traceroute_options) / sizeof(*traceroute_options),
	.settings_size = sizeof(struct traceroute_settings),
	.sets = traceroute_sets,
	.services = traceroute_services,
	.manual_settings = traceroute_manual_settings,
	.check = traceroute_check,
	.trigger = traceroute_trigger,
	.open = traceroute_open,
	.start = traceroute_start,
	.deadline = traceroute_deadline,
	.stop = traceroute_stop,
	.close = traceroute_close,
};
