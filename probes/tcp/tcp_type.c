/*
 * TCP: the options and the type.
 */
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "probes/tcp/exchange.h"
#include "probes/tls_service.h"

#define TIMEOUT_MOST_NS (10 * NS_PER_SECOND)

#define AT(member) .offset = offsetof(struct tcp_settings, member)

static const struct option tcp_options[] = {
	EXCHANGE_OPTIONS(struct tcp_settings),
	{"tls", OPTION_BOOLEAN, AT(uses_tls), .fallback = "false",
	 .help = "TLS from the beginning of the connection on"},
	TLS_CLIENT_OPTIONS(struct tcp_settings, tls),
	{"starttls", OPTION_CHOICE, AT(starttls), .fallback = "none", .choices = dialogue_starttls_words,
	 .help = "Asks for TLS as the clients of this protocol do; the steps follow"},
	{"steps", OPTION_LIST, AT(common.steps),
	 .help = "What is said and awaited: expect REGEX, reject REGEX, label NAME=VALUE, expect_bytes TEXT, send "
		 "LINE, "
		 "send_raw TEXT, starttls; docs/dialogues.md has them all"},
	{"pause", OPTION_SECONDS, AT(pause_ns), .minimum = 0, .maximum = 60, .fallback = "0.1",
	 .help = "When the server pauses for so long in the middle of a line, expect looks at what there is of it: a "
		 "prompt has no line end. 0: only whole lines count"},
};

int64_t exchange_timeout_ns(const struct exchange_settings *settings)
{
	if (settings->timeout_ns)
		return settings->timeout_ns;
	int64_t most_ns = settings->interval_ns / 10 * 9;
	return most_ns < TIMEOUT_MOST_NS ? most_ns : TIMEOUT_MOST_NS;
}

static int check_source(const struct exchange_settings *settings, struct err *err)
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

int exchange_check(const struct exchange_settings *settings, struct err *err)
{
	int64_t timeout_ns = exchange_timeout_ns(settings);
	if (timeout_ns > settings->interval_ns)
		return err_set(err, "timeout (%g s) must not be longer than interval (%g s)", clock_seconds(timeout_ns),
			       clock_seconds(settings->interval_ns));
	if (settings->interface && (settings->interface[0] == '\0' || strlen(settings->interface) > 15))
		return err_set(err, "interface: \"%s\" is no name of an interface", settings->interface);
	return check_source(settings, err);
}

static int check_steps(const struct tcp_settings *settings, struct err *err)
{
	struct dialogue *dialogue = dialogue_create((enum dialogue_starttls)settings->starttls,
						    settings->common.steps.items, settings->common.steps.n, err);
	bool has_starttls = dialogue && dialogue_has_starttls(dialogue);
	dialogue_free(dialogue);
	if (dialogue && has_starttls && settings->uses_tls)
		return err_set(err, "starttls: with tls there is TLS already");
	return dialogue ? 0 : -1;
}

static int tcp_check(const void *arg, struct err *err)
{
	const struct tcp_settings *settings = arg;
	if (exchange_check(&settings->common, err) != 0 || tls_settings_check(&settings->tls, err) != 0)
		return -1;
	return check_steps(settings, err);
}

static const struct measure_set *const tcp_sets[] = {&tcp_set, &tcp_expect_set, TLS_FACTS_SETS, NULL};
static const struct probe_service *const tcp_services[] = {&tls_service, NULL};
static const char *const tcp_manual_settings[] = {"interval=86400", "timeout=10", NULL};

const struct probe_type tcp_type = {
	.name = "tcp",
	.help = "TCP connections, with TLS or STARTTLS, certificates and dialogues; the address is HOST:PORT",
	.options = tcp_options,
	.noptions = sizeof(tcp_options) / sizeof(*tcp_options),
	.settings_size = sizeof(struct tcp_settings),
	.sets = tcp_sets,
	.services = tcp_services,
	.manual_settings = tcp_manual_settings,
	.check = tcp_check,
	.open = exchange_open_tcp,
	.start = exchange_start,
	.deadline = exchange_deadline,
	.stop = exchange_stop,
	.close = exchange_close,
};
