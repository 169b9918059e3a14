/*
 * The section "qos": its options, and what the tables cannot check.
 */
#include <stddef.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/config_reader.h"
#include "daemon/quality.h"
#include "qos/codec.h"

#define AT(member) offsetof(struct config_qos, member)

const struct option config_qos_options[] = {
	{"enabled", OPTION_BOOLEAN, AT(is_enabled), .fallback = "true",
	 .help = "Are scores worked out from what ping, http and dns find (set qos)?"},
	{"codecs", OPTION_LIST, AT(codecs), .fallback = "g711-plc",
	 .help = "Codecs that voice is scored for, at most 16; the first of them gives the score of use \"voice\". "
		 "'netsonde score --help' lists them"},
	{"window_seconds", OPTION_SECONDS, AT(window_ns), .minimum = 1, .maximum = 86400, .fallback = "60",
	 .help = "How far back the window of each probe looks: not farther than this"},
	{"window_packets", OPTION_INTEGER, AT(window_packets), .minimum = 2, .maximum = 10000, .fallback = "100",
	 .help = "and not farther than so many packets (pages, queries): 4 bytes each for each probe of a target"},
	{"buffer_quantile", OPTION_NUMBER, AT(buffer_quantile), .minimum = 0.5, .maximum = 1, .fallback = "0.95",
	 .help = "The de-jitter buffer of a call is this quantile of the packet delay variation; packets that come "
		 "later than it are lost to the call"},
	{"buffer_min", OPTION_SECONDS, AT(buffer_min_ns), .minimum = 0, .maximum = 1, .fallback = "0.02",
	 .help = "The shortest de-jitter buffer"},
	{"buffer_max", OPTION_SECONDS, AT(buffer_max_ns), .minimum = 0, .maximum = 1, .fallback = "0.2",
	 .help = "The longest de-jitter buffer"},
	{"tcp_window", OPTION_SIZE, AT(tcp_window_bytes), .minimum = 1024, .maximum = 1099511627776.0,
	 .fallback = "6MiB",
	 .help = "Receive window of the TCP connection whose throughput is estimated: its ceiling where no packet was "
		 "lost"},
	{"data_need", OPTION_NUMBER, AT(need_bps), .minimum = 1, .maximum = 1e15, .fallback = "10000000",
	 .help = "Throughput in bit/s that has the full score of use \"data\""},
	{"throughput_min_size", OPTION_SIZE, AT(throughput_min_bytes), .minimum = 1, .maximum = 1099511627776.0,
	 .fallback = "1MiB", .help = "Answers of HTTP that are shorter than this say nothing about the throughput"},
	{"apdex_http", OPTION_SECONDS, AT(apdex_http_ns), .minimum = 0.001, .maximum = 3600, .fallback = "0.5",
	 .help = "Threshold T of Apdex for http: up to T is satisfied, up to 4 T tolerating"},
	{"apdex_dns", OPTION_SECONDS, AT(apdex_dns_ns), .minimum = 0.001, .maximum = 3600, .fallback = "0.05",
	 .help = "Threshold T of Apdex for dns"},
};
const size_t config_qos_noptions = sizeof(config_qos_options) / sizeof(config_qos_options[0]);

#define OF(member) offsetof(struct config_objectives, member)

const struct option config_objectives_options[] = {
	{"loss", OPTION_NUMBER, OF(loss_ratio), .minimum = 0, .maximum = 1, .fallback = "0",
	 .help = "The highest loss ratio of the window that is no violation; 0: any"},
	{"jitter", OPTION_SECONDS, OF(jitter_ns), .minimum = 0, .maximum = 3600, .fallback = "0",
	 .help = "The highest jitter (RFC 3550); 0: any"},
	{"delay", OPTION_SECONDS, OF(delay_ns), .minimum = 0, .maximum = 3600, .fallback = "0",
	 .help = "The highest median of the round-trip times, or of the times of pages or queries; 0: any"},
	{"score", OPTION_NUMBER, OF(score), .minimum = 0, .maximum = 100, .fallback = "0",
	 .help = "The lowest score of use \"voice\" (http: \"web\"; dns: 100 x Apdex); 0: any"},
};
const size_t config_objectives_noptions = sizeof(config_objectives_options) / sizeof(config_objectives_options[0]);

void config_set_qos_defaults(struct config_qos *qos)
{
	option_set_defaults(config_qos_options, config_qos_noptions, qos);
	option_set_defaults(config_objectives_options, config_objectives_noptions, &qos->objectives);
	emodel_set_defaults(&qos->emodel);
}

static void check_codecs(struct config_reader *reader, const config_setting_t *root)
{
	const struct option_list *codecs = &reader->config->qos.codecs;
	struct err err = {0};

	if (codecs->n < 1 || codecs->n > QUALITY_CODECS_MAX)
		config_error_of_option(reader, root, "qos.codecs", "must name 1 to 16 codecs");
	for (size_t i = 0; i < codecs->n; i++) {
		const char *name = codecs->items[i], *nearest = codec_nearest(name);

		if (codec_find(name))
			continue;
		err_set(&err, "no codec \"%.100s\"%s%s%s", name, nearest ? ", did you mean " : "",
			nearest ? nearest : "", nearest ? "?" : " (netsonde score --help lists them)");
		config_error_of_option(reader, root, "qos.codecs", err.text);
	}
}

void config_read_objectives(struct config_reader *reader, const config_setting_t *group,
			    struct config_objectives *objectives)
{
	struct config_scope scope = {config_objectives_options, config_objectives_noptions, objectives};

	if (group && config_is_group(reader, group))
		config_read_group(reader, group, &scope, NULL);
}

void config_read_qos(struct config_reader *reader, const config_setting_t *section)
{
	static const char *const groups[] = {"emodel", "objectives", NULL};
	struct config_qos *qos = &reader->config->qos;
	struct config_scope scope = {config_qos_options, config_qos_noptions, qos};
	struct config_scope model = {emodel_options, emodel_noptions, &qos->emodel};
	const config_setting_t *emodel;

	if (!section || !config_is_group(reader, section))
		return;
	config_read_group(reader, section, &scope, groups);
	emodel = config_setting_get_member(section, "emodel");
	if (emodel && config_is_group(reader, emodel))
		config_read_group(reader, emodel, &model, NULL);
	config_read_objectives(reader, config_setting_get_member(section, "objectives"), &qos->objectives);
}

void config_check_qos(struct config_reader *reader, const config_setting_t *root)
{
	const struct config_qos *qos = &reader->config->qos;
	struct err err = {0};

	check_codecs(reader, root);
	if (qos->buffer_min_ns > qos->buffer_max_ns)
		config_error_of_option(reader, root, "qos.buffer_min", "must not be longer than buffer_max");
	if (emodel_check(&qos->emodel, &err) == -1)
		config_error_of_option(reader, root, "qos.emodel", err.text);
}
