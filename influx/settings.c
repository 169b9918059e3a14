#include "influx/influx.h"

#define SETTING(kind, field) kind, offsetof(struct influx_settings, field)

const struct option influx_options[] = {
	{"name", SETTING(OPTION_TEXT, name), .fallback = "main",
	 .help = "Names the output in the log and in metrics; each output needs a name of its own"},
	{"path", SETTING(OPTION_TEXT, path),
	 .help = "File that lines are appended to. Its folder must exist. Other programs may rotate it by renaming"},
	{"rotate_size", SETTING(OPTION_SIZE, rotate_bytes), .maximum = 1e15, .fallback = "64MiB",
	 .help = "A new file is begun before the present one would pass this size; 0 = never"},
	{"keep", SETTING(OPTION_INTEGER, keep), .maximum = 1000, .fallback = "5",
	 .help = "How many old files PATH.1 (the youngest), PATH.2, ... stay"},
};
const size_t influx_noptions = sizeof(influx_options) / sizeof(influx_options[0]);

int influx_check(const struct influx_settings *settings, struct err *err)
{
	if (settings->name == NULL || settings->name[0] == '\0')
		return err_set(err, "name: must not be empty");
	if (settings->path == NULL || settings->path[0] == '\0')
		return err_set(err, "path: must be given");
	return 0;
}
