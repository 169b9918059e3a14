/*
 * What the files ros_catalogue*.c share while a catalogue is read. Nobody else includes this.
 */
#ifndef NETSONDE_DAEMON_ROS_CATALOGUE_READER_H
#define NETSONDE_DAEMON_ROS_CATALOGUE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/option.h"
#include "daemon/config_reader.h"
#include "probes/routeros/catalogue.h"

struct ros_reader {
	struct config_reader config; /* the first member: what config.read gets is this */
	struct catalogue *catalogue;
	struct names metrics; /* names of metrics -> index into catalogue->sets */
};

/* As they are written; each has a table of options. */
struct ros_set_written {
	char *help, *count, *count_help, *section;
	int tier, cost, mode, take, missing, policy;
	bool is_enabled;
	int64_t max_rows, timeout_ns;
	struct option_list keys, parameters;
};

struct ros_menu_written {
	char *path, *command, *since, *before;
	char *each, *each_property, *each_argument;
	bool is_once, each_is_joined;
	int form;
	struct option_list packages, proplist, filters, arguments, labels, each_filters;
};

struct ros_column_written {
	char *property, *measure, *separator, *help, *absent;
	int kind, unit, parse, combine;
	int64_t part;
	bool is_rate;
	struct option_list words, when;
};

enum ros_kind { ROS_KIND_AUTO, ROS_KIND_COUNTER, ROS_KIND_GAUGE, ROS_KIND_INTEGER, ROS_KIND_INFO, ROS_KIND_TEXT };

/* What the router counts in: ours is factor times that, and ends the measure's name. */
struct ros_unit {
	const char *suffix; /* "_bytes"; "" for none */
	double factor;
	const char *in_text; /* as the router writes it behind a number; NULL = it does not */
};

enum ros_unit_id {
	ROS_UNIT_NONE,
	ROS_UNIT_BYTES,
	ROS_UNIT_SECONDS,
	ROS_UNIT_BITS_PER_SECOND,
	ROS_UNIT_DATE,
	ROS_UNIT_KIBIBYTES
};

/* --- ros_catalogue_options.c -----------------------------------------------------------------------------------------
 */

extern const struct option ros_set_options[], ros_menu_options[], ros_column_options[];
extern const size_t ros_set_noptions, ros_menu_noptions, ros_column_noptions;
extern const struct ros_unit ros_units[]; /* by the option unit */
extern const size_t ros_nunits;

/* --- ros_catalogue_text.c --------------------------------------------------------------------------------------------
 */

/* Notes an error at the group's member, or at the group when the member is not written. */
void ros_wrong(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Small letters, digits and _, beginning with a letter? Notes an error if not. */
bool ros_is_name(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *name);

/* A label's name: as above, not reserved, not there already. */
bool ros_is_label(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *name);

/* Not empty, printable ASCII without blanks, not too long? */
bool ros_is_word(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *word);

/* One sentence that tells people something. */
void ros_check_help(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *help);

/* A NULL-terminated copy of the words. */
const char *const *ros_take_words(struct ros_reader *reader, const struct option_list *list);

/* "a|b" */
struct catalogue_property ros_read_property(struct ros_reader *reader, const config_setting_t *group,
					    const char *member, const char *written);

/* "left=right" cut in two: left and right are taken; false after noting an error. */
bool ros_cut(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *written,
	     struct label *parts);

bool ros_ends_with(const char *string, const char *end);

/* --- ros_catalogue_column.c, ros_catalogue_menu.c --------------------------------------------------------------------
 */

/* Columns and their measures. */
void ros_read_columns(struct ros_reader *reader, const config_setting_t *group, const struct ros_set_written *written,
		      struct catalogue_set *set);

/* Menus, after the columns and keys, which say what is asked for. */
void ros_read_menus(struct ros_reader *reader, const config_setting_t *group, struct catalogue_set *set);

#endif
