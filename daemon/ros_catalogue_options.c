#include "daemon/ros_catalogue_reader.h"

#define OF(type, member) offsetof(struct ros_##type##_written, member)
#define COUNT(table)     (sizeof(table) / sizeof((table)[0]))

static const char *const tiers[] = {"realtime", "short", "medium", "long", "extended", NULL};
static const char *const costs[] = {"low", "medium", "high", "very_high", NULL};
static const char *const modes[] = {"rows", "group", "count", NULL};
static const char *const takes[] = {"all", "last", "last_section", NULL};
static const char *const missings[] = {"absent", "failure", NULL};
static const char *const policies[] = {"read", "test", NULL};
static const char *const forms[] = {"items", "properties", NULL};
static const char *const kinds[] = {"auto", "counter", "gauge", "integer", "info", "text", NULL};
static const char *const parses[] = {"integer", "number", "duration", "size", "rate", "boolean",
				     "word",    "date",   "items",    "text", NULL};
static const char *const combines[] = {"sum", "largest", "smallest", NULL};
static const char *const units[] = {"none",
				    "bytes",
				    "seconds",
				    "bits_per_second",
				    "date",
				    "kibibytes",
				    "milliseconds",
				    "microseconds",
				    "percent",
				    "per_second",
				    "megabits_per_second",
				    "hertz",
				    "megahertz",
				    "celsius",
				    "volts",
				    "amperes",
				    "milliamperes",
				    "watts",
				    "rpm",
				    "dbm",
				    "decibels",
				    "nanometers",
				    "meters",
				    "days",
				    NULL};

/* In the order of the words. */
const struct ros_unit ros_units[] = {
	{"", 1, NULL},
	{"_bytes", 1, NULL},
	{"_seconds", 1, NULL},
	{"_bits_per_second", 1, NULL},
	{"_timestamp_seconds", 1, NULL},
	{"_bytes", 1024, NULL},
	{"_seconds", 0.001, NULL},
	{"_seconds", 0.000001, NULL},
	{"_ratio", 0.01, "%"},
	{"_per_second", 1, NULL},
	{"_bits_per_second", 1e6, NULL},
	{"_hertz", 1, "Hz"},
	{"_hertz", 1e6, "MHz"},
	{"_celsius", 1, "C"},
	{"_volts", 1, "V"},
	{"_amperes", 1, "A"},
	{"_amperes", 0.001, "mA"},
	{"_watts", 1, "W"},
	{"_rpm", 1, "RPM"},
	{"_dbm", 1, "dBm"},
	{"_decibels", 1, "dB"},
	{"_meters", 1e-9, "nm"},
	{"_meters", 1, "m"},
	{"_seconds", 86400, NULL},
};
const size_t ros_nunits = COUNT(ros_units);

const struct option ros_set_options[] = {
	{"help", OPTION_TEXT, OF(set, help), 0, 0, NULL, NULL, "What a row of the set is"},
	{"tier", OPTION_CHOICE, OF(set, tier), 0, 0, "short", tiers, "How often it is asked for"},
	{"cost", OPTION_CHOICE, OF(set, cost), 0, 0, "low", costs, "What it costs the router"},
	{"enabled", OPTION_BOOLEAN, OF(set, is_enabled), 0, 0, "true", NULL,
	 "Asked for unless the router's settings say no"},
	{"max_rows", OPTION_INTEGER, OF(set, max_rows), 1, CATALOGUE_ROWS_MAX, "1000", NULL,
	 "More rows are left out, and counted"},
	{"timeout", OPTION_SECONDS, OF(set, timeout_ns), 0, 600, "0", NULL,
	 "Time for one command; 0 is that of the router's settings"},
	{"mode", OPTION_CHOICE, OF(set, mode), 0, 0, "rows", modes, "What a row is made of"},
	{"take", OPTION_CHOICE, OF(set, take), 0, 0, "all", takes, "Which of the items count"},
	{"section", OPTION_TEXT, OF(set, section), 0, 0, NULL, NULL, "The property that tells sections apart"},
	{"count", OPTION_TEXT, OF(set, count), 0, 0, NULL, NULL, "The measure that is the number of items"},
	{"count_help", OPTION_TEXT, OF(set, count_help), 0, 0, NULL, NULL, "What is counted"},
	{"missing", OPTION_CHOICE, OF(set, missing), 0, 0, "absent", missings, "What a missing menu means"},
	{"policy", OPTION_CHOICE, OF(set, policy), 0, 0, "read", policies, "What the user must be allowed to"},
	{"keys", OPTION_LIST, OF(set, keys), 0, 0, NULL, NULL, "Properties that become labels"},
	{"parameters", OPTION_LIST, OF(set, parameters), 0, 0, NULL, NULL, "What must be given for each run"},
};
const size_t ros_set_noptions = COUNT(ros_set_options);

const struct option ros_menu_options[] = {
	{"path", OPTION_TEXT, OF(menu, path), 0, 0, NULL, NULL, "The menu"},
	{"command", OPTION_TEXT, OF(menu, command), 0, 0, "print", NULL, "The command in it"},
	{"once", OPTION_BOOLEAN, OF(menu, is_once), 0, 0, "false", NULL, "A monitor that shall end after one answer"},
	{"since", OPTION_TEXT, OF(menu, since), 0, 0, NULL, NULL, "The first version that has it"},
	{"before", OPTION_TEXT, OF(menu, before), 0, 0, NULL, NULL, "The first version that has it no more"},
	{"packages", OPTION_LIST, OF(menu, packages), 0, 0, NULL, NULL, "One of them must be installed"},
	{"proplist", OPTION_LIST, OF(menu, proplist), 0, 0, NULL, NULL,
	 "Properties to ask for, in place of those used"},
	{"filters", OPTION_LIST, OF(menu, filters), 0, 0, NULL, NULL, "Query words, in order"},
	{"arguments", OPTION_LIST, OF(menu, arguments), 0, 0, NULL, NULL, "Arguments of the command"},
	{"labels", OPTION_LIST, OF(menu, labels), 0, 0, NULL, NULL, "Labels of each row of this menu"},
	{"form", OPTION_CHOICE, OF(menu, form), 0, 0, "items", forms, "Whether items or properties are the rows"},
	{"each", OPTION_TEXT, OF(menu, each), 0, 0, NULL, NULL, "The menu whose items the command is for"},
	{"each_property", OPTION_TEXT, OF(menu, each_property), 0, 0, "name", NULL, "The property that names an item"},
	{"each_argument", OPTION_TEXT, OF(menu, each_argument), 0, 0, "numbers", NULL,
	 "The argument that gets the names"},
	{"each_filters", OPTION_LIST, OF(menu, each_filters), 0, 0, NULL, NULL, "Query words for the items"},
	{"each_joined", OPTION_BOOLEAN, OF(menu, each_is_joined), 0, 0, "true", NULL, "All items in one command"},
};
const size_t ros_menu_noptions = COUNT(ros_menu_options);

const struct option ros_column_options[] = {
	{"property", OPTION_TEXT, OF(column, property), 0, 0, NULL, NULL, "The router's name for it"},
	{"measure", OPTION_TEXT, OF(column, measure), 0, 0, NULL, NULL, "Our name for it"},
	{"kind", OPTION_CHOICE, OF(column, kind), 0, 0, "auto", kinds, "Kind of the metric"},
	{"unit", OPTION_CHOICE, OF(column, unit), 0, 0, "none", units, "What the router counts in"},
	{"parse", OPTION_CHOICE, OF(column, parse), 0, 0, "integer", parses, "How the text is read"},
	{"separator", OPTION_TEXT, OF(column, separator), 0, 0, NULL, NULL, "Between the two sides of a pair"},
	{"part", OPTION_INTEGER, OF(column, part), 1, 2, "1", NULL, "Which side of the pair"},
	{"rate", OPTION_BOOLEAN, OF(column, is_rate), 0, 0, "false", NULL, "From the difference of two readings"},
	{"absent", OPTION_TEXT, OF(column, absent), 0, 0, NULL, NULL, "What it is without the property"},
	{"combine", OPTION_CHOICE, OF(column, combine), 0, 0, "sum", combines, "What a group makes of its items"},
	{"words", OPTION_LIST, OF(column, words), 0, 0, NULL, NULL, "\"word=number\" for parse = \"word\""},
	{"when", OPTION_LIST, OF(column, when), 0, 0, NULL, NULL, "\"property=pattern\": one of them must hold"},
	{"help", OPTION_TEXT, OF(column, help), 0, 0, NULL, NULL, "What it is"},
};
const size_t ros_column_noptions = COUNT(ros_column_options);
