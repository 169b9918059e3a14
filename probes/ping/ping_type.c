/*
 * ICMP echo: the options and the type.
 */
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "probes/ping/ping.h"

#define LAST_WAIT_NS (5 * NS_PER_SECOND)

static const char *const histograms[] = {
	[PING_HISTOGRAM_CLASSIC] = "classic",
	[PING_HISTOGRAM_NONE] = "none",
	NULL,
};

#define AT(member) .offset = offsetof(struct ping_settings, member)

static const struct option ping_options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), .minimum = 0.02, .maximum = 86400, .fallback = "1",
	 .help = "Time from one run to the next"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), .minimum = 0, .maximum = 86400, .fallback = "0",
	 .help = "When a run ends, counted from its start; a reply that comes later is late, not received. At most the "
		 "interval. 0: five seconds after the last request, but at most nine tenths of the interval"},
	{"count", OPTION_INTEGER, AT(count), .minimum = 1, .maximum = 1000, .fallback = "1",
	 .help = "Echo requests of one run, to each address"},
	{"spacing", OPTION_SECONDS, AT(spacing_ns), .minimum = 0.001, .maximum = 60, .fallback = "0.1",
	 .help = "Time between the requests of one run"},
	{"size", OPTION_SIZE, AT(size), .minimum = ICMP_PAYLOAD_MIN, .maximum = 65500, .fallback = "56",
	 .help = "Payload of a request in bytes, without IP and ICMP headers; the first 8 are the secret of the "
		 "request"},
	{"ttl", OPTION_INTEGER, AT(ttl), .minimum = 0, .maximum = 255, .fallback = "0",
	 .help = "Time to live (IPv6: hop limit) of requests. 0: the system's default"},
	{"dscp", OPTION_INTEGER, AT(dscp), .minimum = 0, .maximum = 63, .fallback = "0",
	 .help = "Differentiated services code point of requests (46 = expedited forwarding)"},
	{"dont_fragment", OPTION_BOOLEAN, AT(dont_fragment), .fallback = "false",
	 .help = "Never fragment: a request larger than the path allows fails with the reason too_big"},
	{"source", OPTION_TEXT, AT(source), .help = "Source address of requests"},
	{"interface", OPTION_TEXT, AT(interface),
	 .help = "Interface that requests leave by, by name; looked up at every run"},
	{"fwmark", OPTION_INTEGER, AT(fwmark), .minimum = 0, .maximum = 4294967295.0, .fallback = "0",
	 .help = "Mark for policy routing (SO_MARK). Needs CAP_NET_ADMIN or CAP_NET_RAW. 0: none"},
	{"family", OPTION_CHOICE, AT(family), .fallback = "prefer_ipv4", .choices = host_family_words,
	 .help = "Which addresses of a name are used; prefer_ falls back to the other family"},
	{"all_addresses", OPTION_BOOLEAN, AT(all_addresses), .fallback = "false",
	 .help = "Pings every address of the name (up to 16) in each run, with figures of their own; the run succeeds "
		 "when "
		 "all answer"},
	{"keep_address", OPTION_BOOLEAN, AT(keep_address), .fallback = "false",
	 .help = "Goes on with the last good address while the name does not resolve"},
	{"histogram", OPTION_CHOICE, AT(histogram), .fallback = "classic", .choices = histograms,
	 .help = "Form of the histogram of round-trip times on /metrics: classic buckets (50 us times powers of two), "
		 "or none"},
	{"transmit_timestamps", OPTION_BOOLEAN, AT(transmit_timestamps), .fallback = "false",
	 .help = "Takes the kernel's time of sending, too: more exact, but dearer, since each request is then a system "
		 "call of its own. Replies are always stamped by the kernel"},
};

/* For a person at a terminal: five requests, a second apart. */
static const char *const ping_manual_settings[] = {"interval=86400", "count=5", "spacing=1", NULL};

int64_t ping_timeout_ns(const struct ping_settings *settings)
{
	if (settings->timeout_ns)
		return settings->timeout_ns;
	int64_t wanted_ns = (settings->count - 1) * settings->spacing_ns + LAST_WAIT_NS;
	int64_t most_ns = settings->interval_ns / 10 * 9;
	return wanted_ns < most_ns ? wanted_ns : most_ns;
}

static int check_source(const struct ping_settings *settings, struct err *err)
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

static int ping_check(const void *arg, struct err *err)
{
	const struct ping_settings *settings = arg;
	int64_t timeout_ns = ping_timeout_ns(settings);
	int64_t sending_ns = (settings->count - 1) * settings->spacing_ns;
	if (timeout_ns > settings->interval_ns)
		return err_set(err, "timeout (%g s) must not be longer than interval (%g s)", clock_seconds(timeout_ns),
			       clock_seconds(settings->interval_ns));
	if (sending_ns >= timeout_ns)
		return err_set(err, "%lld requests %g s apart take %g s: longer than the timeout of a run (%g s)",
			       (long long)settings->count, clock_seconds(settings->spacing_ns),
			       clock_seconds(sending_ns), clock_seconds(timeout_ns));
	if (settings->interface && (settings->interface[0] == '\0' || strlen(settings->interface) > 15))
		return err_set(err, "interface: \"%s\" is no name of an interface", settings->interface);
	return check_source(settings, err);
}

static const struct measure_set *const ping_sets[] = {&ping_set, &ping_address_set, NULL};
static const struct probe_service *const ping_services[] = {&icmp_service, NULL};

const struct probe_type ping_type = {
	.name = "ping",
	.help = "ICMP echo over IPv4 and IPv6: loss, round-trip times, jitter, duplicates, reordering",
	.options = ping_options,
	.noptions = sizeof(ping_options) / sizeof(*ping_options),
	.settings_size = sizeof(struct ping_settings),
	.sets = ping_sets,
	.services = ping_services,
	.manual_settings = ping_manual_settings,
	.check = ping_check,
	.open = ping_open,
	.start = ping_start,
	.deadline = ping_deadline,
	.stop = ping_stop,
	.close = ping_close,
	.print = ping_print,
};
