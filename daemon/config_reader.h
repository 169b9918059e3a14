/*
 * What the files config_*.c share while a configuration is read. Nobody else includes this.
 */
#ifndef NETSONDE_DAEMON_CONFIG_READER_H
#define NETSONDE_DAEMON_CONFIG_READER_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "daemon/config_source.h"
#include "daemon/names.h"

#define CONFIG_TARGETS_MAX     1000000
#define CONFIG_PROBES_MAX      10000
#define CONFIG_OUTPUTS_MAX     64
#define CONFIG_FILES_MAX       1000
#define CONFIG_LABELS_MAX      64
#define CONFIG_OVERRIDES_MAX   4096
#define CONFIG_API_KEYS_MAX    256
#define CONFIG_ASSIGNMENTS_MAX 256
#define CONFIG_LABEL_BYTES_MAX 4096
#define CONFIG_NAME_BYTES_MAX  1024

struct config_reader {
	struct config *config;
	struct config_source source;
	bool is_string;          /* not a file: reads no other files */
	const char *manual;      /* what lists the keys that there are; NULL = netsonde reference options */
	char *folder;            /* of the configuration file: *_file options are seen from there */
	struct names probes;     /* name -> index into config->probes */
	struct names row_labels; /* labels of the rows of the probe types in use -> index into config->probes */
	unsigned *probe_lines;   /* where each probe stands */
	char **probe_errors;     /* what the type says against it as it stands there; or NULL */
	unsigned *output_lines;  /* where each output stands */
	struct names targets;    /* name -> index into config->targets */
	/* Of what is read now, when that is a piece of the text: lines before it, and targets. */
	unsigned lines_before;
	size_t targets_before;
};

/* A table of options and the settings that it fills. */
struct config_scope {
	const struct option *options;
	size_t n;
	void *settings;
};

/* --- config_reader.c -------------------------------------------------------------------------------------------------
 */

/* Parses the text and hands the tree, which is freed afterwards, to read. -1 after noting an error of syntax. */
int config_parse(struct config_reader *reader, struct text *text,
		 void (*read)(struct config_reader *reader, const config_setting_t *root));

/* Notes "path: why" at a setting; the path is that of the setting, followed by member unless that is NULL. */
void config_error_at(struct config_reader *reader, const config_setting_t *setting, const char *member,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The setting as text: owned by the caller, ${env:...} replaced, at most ceiling bytes. NULL after noting an error. */
char *config_text_of(struct config_reader *reader, const config_setting_t *setting, size_t ceiling);

/* As config_text_of for what becomes a name in labels and logs: not empty, no control characters. */
char *config_name_of(struct config_reader *reader, const config_setting_t *setting);

/* Does name (or, for a secret, its "_file" form) belong to the table? *from_file says which. */
const struct option *config_option_of(const struct config_scope *scope, const char *name, bool *from_file);

/* A secret that has an option of its own for a file ("password", "password_file"): the other one of the two. NULL: it
 * is no such thing. */
const struct option *config_other_form(const struct config_scope *scope, const struct option *option);

/* Where it stands in the whole. */
unsigned config_line_of(const struct config_reader *reader, const config_setting_t *setting);

/* Stores the setting in the scope. */
void config_store_option(struct config_reader *reader, const config_setting_t *setting,
			 const struct config_scope *scope, const struct option *option, bool from_file);

/* Reads a group: members in others (NULL-terminated, or NULL) are left alone, the rest are options of the scope or
 * errors. */
void config_read_group(struct config_reader *reader, const config_setting_t *group, const struct config_scope *scope,
		       const char *const *others);

/* Notes an unknown member, with the nearest of what the scopes and others know. */
struct config_known {
	const struct config_scope *scopes;
	size_t nscopes;
	const char *const *others; /* NULL-terminated, or NULL */
};
void config_error_unknown(struct config_reader *reader, const config_setting_t *setting,
			  const struct config_known *known);

/* Notes an error of an option ("web.listen"), where it is written; it may come from the environment instead. */
void config_error_of_option(struct config_reader *reader, const config_setting_t *root, const char *path,
			    const char *why);

/* Is the setting a group? Notes an error if not. */
bool config_is_group(struct config_reader *reader, const config_setting_t *setting);
/* A list ( ) or an array [ ]? */
bool config_is_list(struct config_reader *reader, const config_setting_t *setting, size_t most);

bool config_word_is_in(const char *word, const char *const *words);

/* --- config_expand.c -------------------------------------------------------------------------------------------------
 */

/* "${env:NAME}" replaced by the variable, "$$" by "$": owned by the caller. NULL with err. */
char *config_expand(const char *string, struct err *err);

/* --- config_labels.c -------------------------------------------------------------------------------------------------
 */

/* Notes the row labels of a probe's type as reserved. */
void config_reserve_labels(struct config_reader *reader, size_t probe);
void config_read_labels(struct config_reader *reader, const config_setting_t *group, struct config_labels *labels);

/* Letters, digits, _; pure. */
bool config_is_label_name(const char *name);

/* --- config_environment.c --------------------------------------------------------------------------------------------
 */

/* Applies NETSONDE_* to agent, web, probes and outputs. */
void config_apply_environment(struct config_reader *reader);

/* --- config_targets.c ------------------------------------------------------------------------------------------------
 */

/* How many there are, before the first of them is read. */
void config_count_targets(struct config_reader *reader, size_t n);
/* All of them, or those of a piece. */
void config_read_targets(struct config_reader *reader, const config_setting_t *list);

/* Probes, labels and options of their own for many targets, from a group that has also the members of others. */
void config_read_template(struct config_reader *reader, const config_setting_t *group, struct config_template *template,
			  const char *const *others);
void config_free_template(struct config_template *template);
void config_free_targets(struct config *config);

/* --- config_target_files.c ------------------------------------------------------------------------------------------
 */

void config_read_target_files(struct config_reader *reader, const config_setting_t *list);
void config_free_target_files(struct config *config);

/* --- config_endpoint.c ----------------------------------------------------------------------------------------------
 */

/* Checks the section, and makes the endpoint if nothing was wrong so far. After the probes. */
void config_finish_endpoint(struct config_reader *reader, const config_setting_t *root);

/* --- config_api.c ---------------------------------------------------------------------------------------------------
 */

void config_read_api(struct config_reader *reader, const config_setting_t *section);
/* Checks the section, and makes the rules if nothing was wrong so far. */
void config_finish_api(struct config_reader *reader, const config_setting_t *root);
void config_free_api(struct config *config);

/* --- config_geo.c ----------------------------------------------------------------------------------------------------
 */

void config_read_geo(struct config_reader *reader, const config_setting_t *section);
/* Checks the section, after the environment was applied. */
void config_finish_geo(struct config_reader *reader, const config_setting_t *root);
void config_free_geo(struct config *config);

/* --- config_routers.c ------------------------------------------------------------------------------------------------
 */

void config_read_routers(struct config_reader *reader, const config_setting_t *section);
/* Loads the catalogue if a probe uses one, or there are files to look at; after the probes and the environment, before
 * the labels of targets. */
void config_finish_routers(struct config_reader *reader);

/* The rules of a probe type for its settings, with the catalogue where it has one. -1 with err. */
int config_check_settings(const struct config *config, const struct probe_type *type, const void *settings,
			  struct err *err);
void config_free_routers(struct config *config);
/* The type of those probes whose rows have this label by the catalogue; NULL: none of them. There are many such names,
 * and they are taken from targets with such probes only. */
const struct probe_type *config_label_owner(const struct config *config, const struct config_template *template,
					    const char *name);

/* --- config_qos.c ----------------------------------------------------------------------------------------------------
 */

/* The section, without the rules between its options; NULL = it is not there. */
void config_read_qos(struct config_reader *reader, const config_setting_t *section);
void config_check_qos(struct config_reader *reader, const config_setting_t *root);
/* A group "objectives"; NULL is harmless. */
void config_read_objectives(struct config_reader *reader, const config_setting_t *group,
			    struct config_objectives *objectives);

/* --- config_address.c ------------------------------------------------------------------------------------------------
 */

/* Can this be the address of a target (literal, host name, host:port, URL)? Pure. -1 with err. */
int config_check_address(const char *address, struct err *err);
/* "192.0.2.1,[2001:db8::1]:53"? */
int config_check_resolver(const char *servers, struct err *err);
/* "0.0.0.0:9975", "[::]:9975"? */
int config_check_listen(const char *address, struct err *err);

#endif
