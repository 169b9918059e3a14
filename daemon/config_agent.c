#include <stddef.h>

#include "core/log.h"
#include "daemon/config.h"

#define SETTING(kind, field) kind, offsetof(struct config_agent, field)

/* In the order of enum log_level, enum log_format and enum filter_mode. */
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};
static const char *const filter_modes[] = {"off", "log", "refuse", "kill", NULL};

const struct option config_agent_options[] = {
	{"name", SETTING(OPTION_TEXT, name),
	 .help = "Names this daemon: the tag \"agent\" of every line. Default: the host name"},
	{"workers", SETTING(OPTION_INTEGER, workers), .minimum = 0, .maximum = 1024, .fallback = "0",
	 .help = "Threads that run probes; 0 = one for each processor core"},
	{"timer_slot", SETTING(OPTION_SECONDS, timer_slot_ns), .minimum = 0.001, .maximum = 0.1, .fallback = "0.005",
	 .help = "Probes that are due within a slot of this length start together. A longer slot costs less processor "
		 "time; it does not touch the measured times"},
	{"resolver", SETTING(OPTION_TEXT, resolver),
	 .help = "DNS servers for the names of targets, such as \"192.0.2.1,[2001:db8::1]:53\". Default: those of the "
		 "system"},
	{"state_dir", SETTING(OPTION_TEXT, state_dir), .fallback = "/var/lib/netsonde",
	 .help = "Folder for what has to outlive a restart"},
	{"user", SETTING(OPTION_TEXT, user),
	 .help = "Who the daemon becomes when its sockets are open, if it was started as root: a name, a number, or "
		 "\"user:group\". Must be able to write state_dir and to read the configuration with its secrets"},
	{"seccomp", SETTING(OPTION_CHOICE, filter), .fallback = "off", .choices = filter_modes,
	 .help = "What happens at a system call that the daemon has no use for: it is noted by the kernel (log), it "
		 "fails "
		 "and the daemon's log says so (refuse), or the daemon says so and ends (kill). Off by default, "
		 "because "
		 "another version of a library may need a call that is not in the list: try \"refuse\" first"},
	{"core_files", SETTING(OPTION_BOOLEAN, allows_core_files), .fallback = "false",
	 .help = "May a crash leave a core file, and a debugger of the same user look inside? Either shows the "
		 "secrets"},
	{"latitude", SETTING(OPTION_NUMBER, latitude), .minimum = -90, .maximum = 90,
	 .help = "Where this daemon stands, in degrees; south is negative. 0, 0 counts as not told"},
	{"longitude", SETTING(OPTION_NUMBER, longitude), .minimum = -180, .maximum = 180,
	 .help = "Where this daemon stands, in degrees; west is negative"},
	{"address", SETTING(OPTION_TEXT, address),
	 .help = "A public IP address of this daemon's site: where the databases of section geo place it, this daemon "
		 "stands, if latitude and longitude do not say so"},
	{"log_level", SETTING(OPTION_CHOICE, log_level), .fallback = "info", .choices = log_levels,
	 .help = "The least severe events that are logged"},
	{"log_format", SETTING(OPTION_CHOICE, log_format), .fallback = "logfmt", .choices = log_formats,
	 .help = "How a line of the log is written"},
};
const size_t config_agent_noptions = sizeof(config_agent_options) / sizeof(config_agent_options[0]);
