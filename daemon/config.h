/*
 * The configuration as a struct: read once, checked whole, immutable afterwards. All semantic errors are collected,
 * each with file and line. libconfig's tree is freed as soon as it is read.
 */
#ifndef NETSONDE_DAEMON_CONFIG_H
#define NETSONDE_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/option.h"
#include "core/sample.h"
#include "core/text.h"
#include "daemon/availability.h"
#include "exporter/exporter.h"
#include "geo/edition.h"
#include "influx/influx.h"
#include "probes/probe.h"
#include "qos/emodel.h"

struct endpoint;
struct shared_catalogue;
struct target;

/* A list of labels that owns its strings. Names are valid Prometheus label names and none of the reserved ones (target,
 * probe, agent, reason, le, quantile, time, job, instance, __*, and the row labels of the probe types in use). */
struct config_labels {
	struct label *items;
	size_t n;
};

/* Section "agent". */
struct config_agent {
	char *name;            /* default: the host name */
	int64_t workers;       /* 0 = one per core */
	int64_t timer_slot_ns; /* due probes leave together in slots of this length */
	char *resolver;        /* DNS servers "192.0.2.1,[2001:db8::1]:53"; NULL = the system's */
	char *state_dir;
	char *user;                 /* "name", "uid", "user:group"; NULL = stay who we are */
	int filter;                 /* enum filter_mode */
	bool allows_core_files;     /* and debuggers of the same user */
	double latitude, longitude; /* both 0: not told */
	char *address;              /* by which databases know its place; literal; NULL = not told */
	int log_level;              /* enum log_level */
	int log_format;             /* enum log_format */
	struct config_labels labels;
};
extern const struct option config_agent_options[]; /* everything of the section but labels */
extern const size_t config_agent_noptions;

/* Section "probe_endpoint". */
struct config_endpoint {
	bool is_enabled;
	struct option_list allow, deny; /* rules of core/destination.h */
	int64_t max_concurrent, max_per_client;
	double rate;           /* requests a second, of one client; 0 = any */
	int64_t burst;         /* requests at once */
	char *blackbox_config; /* NULL = none */
	int64_t timeout_offset_ns, max_timeout_ns;
	int64_t history, history_bytes; /* the last probes with their logs */
};
extern const struct option config_endpoint_options[];
extern const size_t config_endpoint_noptions;
/* A deep copy, to be freed by option_free. */
void config_copy_endpoint(const struct config_endpoint *from, struct config_endpoint *to);

/* Section "routers". */
struct config_routers {
	struct option_list catalogues; /* files, seen from the folder of the configuration already */
	bool has_builtin;
};
extern const struct option config_routers_options[];
extern const size_t config_routers_noptions;

/* What a target should keep to; 0: anything will do. */
struct config_objectives {
	double loss_ratio;
	int64_t jitter_ns, delay_ns;
	double score; /* 0..100 */
};
extern const struct option config_objectives_options[];
extern const size_t config_objectives_noptions;

/* Section "qos". */
struct config_qos {
	bool is_enabled;
	struct option_list codecs; /* names of qos/codec.h, at least one */
	int64_t window_ns, window_packets;
	double buffer_quantile;
	int64_t buffer_min_ns, buffer_max_ns;
	int64_t tcp_window_bytes;
	double need_bps;
	int64_t throughput_min_bytes;
	int64_t apdex_http_ns, apdex_dns_ns;
	struct emodel emodel;                /* group "emodel" */
	struct config_objectives objectives; /* group "objectives": of targets that have none of their own */
};
extern const struct option config_qos_options[]; /* everything of the section but the groups */
extern const size_t config_qos_noptions;
void config_set_qos_defaults(struct config_qos *qos); /* zeroed before; freed by option_free */

/* An entry of "probes": a type with settings. */
struct config_probe {
	char *name;
	const struct probe_type *type;
	void *settings; /* of the type; option_free_settings */
};

/* One probe of one target. settings are the probe's own, or a copy with the target's changes. */
struct config_assignment {
	const struct config_probe *probe; /* borrowed from the same config */
	const void *settings;             /* borrowed: of the probe, or own_settings */
	void *own_settings;               /* NULL, or owned: the target overrides options */
};

/* An entry of "targets". */
struct config_target {
	struct target *target;                 /* held */
	struct config_assignment *assignments; /* owned; or the very ones of the target before, which has them too */
	size_t nassignments;
	bool is_parked; /* known, but not measured */
};

/* What many targets have in common. */
struct config_template {
	struct config_labels labels;
	struct config_assignment *assignments;
	size_t nassignments;
};

/* An entry of "target_files": what the targets of these files have in common. */
struct config_target_files {
	char *path; /* a file or a pattern (glob(7)), seen from the folder of the configuration already */
	int64_t refresh_interval_ns;
	struct config_template common;
};
extern const struct option config_target_files_options[];
extern const size_t config_target_files_noptions;

struct config {
	struct config_agent agent;
	struct exporter_settings web;
	struct config_endpoint probe_endpoint;
	struct config_qos qos;
	struct config_routers routers;
	struct shared_catalogue *catalogue; /* held; what can be asked of routers; NULL: nobody wants to know */
	struct endpoint *endpoint;          /* held: what /probe may do */
	struct availability_settings availability;
	struct geo_settings geo;
	struct geo_override **geo_overrides;
	size_t ngeo_overrides;
	struct influx_log_settings disk_log; /* path is set, whatever is written */
	struct influx_settings **outputs;
	size_t noutputs;
	struct config_probe *probes;
	size_t nprobes;
	struct config_target *targets;
	size_t ntargets;
	struct config_target_files *target_files;
	size_t ntarget_files;
	char *file;
};

/* Reads, applies NETSONDE_* from the environment, checks. On failure returns NULL and appends to errors one line each:
 * "file:line: what: why" (environment errors: "NETSONDE_WEB_LISTEN: ..."), in the order of the file. Called load,
 * because libconfig exports config_read and config_read_string itself. */
struct config *config_load(const char *file, struct text *errors);
/* The same from a string (tests, fuzzing); name stands for the file. @include is refused. */
struct config *config_load_string(const char *string, const char *name, struct text *errors);
void config_free(struct config *config);

/* What its edition of places is made of. Borrows from the configuration. */
void config_plan_geo(const struct config *config, struct edition_plan *plan);

struct config_labels config_copy_labels(const struct config_labels *labels);
void config_free_labels(struct config_labels *labels);

/* Is this name of a label taken by series, lines, rows of the probe types in use, or those of data sets that probes of
 * the template collect? */
bool config_is_reserved_label(const struct config *config, const struct config_template *template, const char *name);

/* The configuration with all defaults, as libconfig would read it; secrets as <secret>. */
void config_show(const struct config *config, struct text *out);
/* One entry of section probes. */
void config_show_probe(const struct config_probe *probe, struct text *out);

/* What is permitted but hardly meant (a probe that no target uses, no targets at all): one line each,
 * "file: warning: what: why". */
void config_warn(const struct config *config, struct text *warnings);

/* How many targets are not enabled. */
size_t config_count_parked(const struct config *config);

/* How many series /metrics is expected to have for the targets of this configuration (without those of target files),
 * and for one probe of this type. */
size_t config_count_series(const struct config *config);
size_t config_count_series_of(const struct config *config, const struct probe_type *type);

#endif
