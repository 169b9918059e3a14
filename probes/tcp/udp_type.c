/*
 * UDP: the options and the type.
 */
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "probes/tcp/exchange.h"

#define AT(member) .offset = offsetof(struct udp_settings, member)

static const struct option udp_options[] = {
	EXCHANGE_OPTIONS(struct udp_settings),
	{"steps", OPTION_LIST, AT(common.steps),
	 .help = "What is sent and awaited, as with tcp, but in datagrams: each request is one, and each answer is "
		 "looked "
		 "at as a whole. At least one send or send_raw and one expect or expect_bytes after it"},
	{"attempts", OPTION_INTEGER, AT(attempts), .minimum = 1, .maximum = 100, .fallback = "3",
	 .help = "How often a request is sent, at most, while there is no answer"},
	{"wait", OPTION_SECONDS, AT(wait_ns), .minimum = 0.01, .maximum = 3600, .fallback = "1",
	 .help = "Time from one attempt to the next"},
};

static bool begins_with(const char *item, const char *word)
{
	size_t n = strlen(word);
	return strncmp(item, word, n) == 0 && (item[n] == ' ' || item[n] == '\0');
}

/* Without a request there is no answer, and without an answer UDP tells nothing. */
static int check_order(const struct option_list *steps, struct err *err)
{
	bool has_sent = false;
	const char *last = "";
	for (size_t i = 0; i < steps->n; i++) {
		const char *item = steps->items[i];
		bool sends = begins_with(item, "send") || begins_with(item, "send_raw");
		has_sent |= sends;
		if (begins_with(item, "starttls"))
			return err_set(err, "steps: item %zu: starttls: there is no TLS in UDP", i + 1);
		if (!has_sent)
			return err_set(err, "steps: the first one must send something");
		if (sends || begins_with(item, "expect") || begins_with(item, "expect_bytes"))
			last = item;
	}
	if (!begins_with(last, "expect") && !begins_with(last, "expect_bytes"))
		return err_set(err,
			       "steps: the last one must expect something: with UDP only an answer tells anything");
	return 0;
}

static int udp_check(const void *arg, struct err *err)
{
	const struct udp_settings *settings = arg;
	if (exchange_check(&settings->common, err) != 0)
		return -1;
	struct dialogue *dialogue =
		dialogue_create(DIALOGUE_NO_STARTTLS, settings->common.steps.items, settings->common.steps.n, err);
	dialogue_free(dialogue);
	return dialogue ? check_order(&settings->common.steps, err) : -1;
}

static const struct measure_set *const udp_sets[] = {&udp_set, &tcp_expect_set, NULL};
static const char *const udp_manual_settings[] = {"interval=86400", "timeout=10", NULL};

const struct probe_type udp_type = {
	.name = "udp",
	.help = "Dialogues in UDP datagrams; the address is HOST:PORT",
	.options = udp_options,
	.noptions = sizeof(udp_options) / sizeof(*udp_options),
	.settings_size = sizeof(struct udp_settings),
	.sets = udp_sets,
	.manual_settings = udp_manual_settings,
	.check = udp_check,
	.open = exchange_open_udp,
	.start = exchange_start,
	.deadline = exchange_deadline,
	.stop = exchange_stop,
	.close = exchange_close,
};
