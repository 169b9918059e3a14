/*
 * RouterOS: the options and the type.
 */
#include <stddef.h>

#include "core/clock.h"
#include "probes/routeros/ros_log.h"
#include "probes/routeros/ros_logs.h"
#include "probes/routeros/ros_pool.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/routeros.h"
#include "probes/tls_service.h"

#define AT(member) .offset = offsetof(struct routeros_settings, member)

#define DAY 86400

static const struct option routeros_options[] = {
	ROS_ACCESS_OPTIONS(struct routeros_settings, access),
	{"realtime", OPTION_SECONDS, AT(tier_ns[CATALOGUE_REALTIME]), .minimum = 1, .maximum = DAY, .fallback = "5",
	 .help = "Interval of the fastest tier: the router's load, interfaces, and whether it answers"},
	{"short", OPTION_SECONDS, AT(tier_ns[CATALOGUE_SHORT]), .minimum = 5, .maximum = DAY, .fallback = "60",
	 .help = "Interval of the tier short: queues, firewall, sessions, neighbours of routing protocols"},
	{"medium", OPTION_SECONDS, AT(tier_ns[CATALOGUE_MEDIUM]), .minimum = 30, .maximum = DAY, .fallback = "300",
	 .help = "Interval of the tier medium: ports, optical modules, pools"},
	{"long", OPTION_SECONDS, AT(tier_ns[CATALOGUE_LONG]), .minimum = 60, .maximum = 7 * DAY, .fallback = "3600",
	 .help = "Interval of the tier long: tables that are long or rarely change"},
	{"extended", OPTION_SECONDS, AT(tier_ns[CATALOGUE_EXTENDED]), .minimum = 300, .maximum = 30 * DAY,
	 .fallback = "86400", .help = "Interval of the tier extended: hardware, packages, certificates"},
	{"sets", OPTION_LIST, AT(sets),
	 .help = "Data sets in other tiers than the catalogue has them in, on or off: \"arp=off\", \"routes=on\", "
		 "\"queue_simple=medium\""},
	{"max_rows", OPTION_LIST, AT(max_rows),
	 .help = "Most rows of a data set, instead of what the catalogue says: \"interface=5000\". More are left out, "
		 "and counted"},
	{"skip", OPTION_LIST, AT(skip),
	 .help = "Items that are left out and counted, by the first key of their data set: \"interface=vlan9*\" (* "
		 "stands for any bytes, case is ignored)"},
	{"code_page", OPTION_TEXT, AT(code_page),
	 .help = "How text on the router that is not UTF-8 is read: \"windows-1251\", \"latin1\" or another code page "
		 "that iconv knows. Without it such bytes are replaced"},
	{"log_size", OPTION_INTEGER, AT(log_size), .minimum = 0, .maximum = ROS_LOG_LINES_MAX, .fallback = "100",
	 .help = "How many of the last lines of the router's log are kept for /api/v1/routers/NAME/log. 0: the log is "
		 "not read"},
	{"log_lines", OPTION_BOOLEAN, AT(has_log_lines), .fallback = "false",
	 .help = "New lines of the router's log become lines of the outputs (routeros_log_line)"},
};

static int check_code_page(const char *page, struct err *err)
{
	struct ros_text *text = ros_text_open(page, err);
	if (!text)
		return err_prefix(err, "code_page");
	ros_text_close(text);
	return 0;
}

static int routeros_check(const void *arg, struct err *err)
{
	const struct routeros_settings *settings = arg;
	const struct ros_choice choice = {&settings->sets, &settings->max_rows, &settings->skip};
	if (ros_access_check(&settings->access, err) != 0 || ros_choice_check(&choice, err) != 0)
		return -1;
	if (settings->has_log_lines && !settings->log_size)
		return err_set(err, "log_lines: the log is not read when log_size is 0");
	return check_code_page(settings->code_page, err);
}

static int routeros_match(const void *arg, const struct catalogue *catalogue, struct err *err)
{
	const struct routeros_settings *settings = arg;
	const struct ros_choice choice = {&settings->sets, &settings->max_rows, &settings->skip};
	return ros_choice_match(&choice, catalogue, err);
}

static const struct measure_set *const routeros_sets[] = {&routeros_set, &routeros_collection_set,
							  &routeros_log_line_set, NULL};
static const struct probe_service *const routeros_services[] = {&tls_service, &ros_pool_service, &ros_logs_service,
								NULL};
static const char *const routeros_manual_settings[] = {"command_timeout=30", NULL};

const struct probe_type routeros_type = {
	.name = "routeros",
	.help = "MikroTik routers over their API: everything that the catalogue of data sets knows, each in its tier",
	.options = routeros_options,
	.noptions = sizeof(routeros_options) / sizeof(*routeros_options),
	.settings_size = sizeof(struct routeros_settings),
	.uses_catalogue = true,
	.sets = routeros_sets,
	.services = routeros_services,
	.manual_settings = routeros_manual_settings,
	.check = routeros_check,
	.match = routeros_match,
	.open = routeros_open,
	.start = routeros_start,
	.deadline = routeros_deadline,
	.stop = routeros_stop,
	.close = routeros_close,
	.print = routeros_print,
};
