/*
 * The path to a target, hop by hop: what the files of this folder share. Nobody else includes this; the type is
 * traceroute_type.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACEROUTE_H
#define NETSONDE_PROBES_TRACEROUTE_TRACEROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/option.h"
#include "probes/probe.h"
#include "probes/traceroute/path.h"

struct traceroute_settings {
	int64_t interval_ns;
	int64_t timeout_ns; /* 0 = traceroute_timeout_ns decides */
	int transport;      /* enum trace_protocol */
	int64_t port;       /* 0 = traceroute_port decides */
	int64_t flows;
	int64_t attempts;
	int64_t spacing_ns;
	bool until_answered;
	int64_t first_hop;
	int64_t max_hops;
	int64_t max_silent;
	int64_t window;
	int64_t wait_ns;
	int64_t size;
	int64_t dscp;
	int64_t fwmark;
	char *source;
	char *interface;
	int family; /* enum host_family */
	bool reverse_names;
	bool hop_address;
	bool mtu;
	/* When it runs: scheduled, or triggered by another probe of the same target. Read by the engine's side, which
	 * starts the run; the type itself only tells the cause. */
	bool scheduled;
	bool on_failure;
	double on_loss;    /* ratio; 0 = off */
	int64_t on_rtt_ns; /* 0 = off */
	struct option_list trigger_probes;
	int64_t trigger_pause_ns;
};

extern const struct probe_type traceroute_type;

/* The timeout of a run: the one set; else as long as the worst walk may take, at most 9/10 of the interval. */
int64_t traceroute_timeout_ns(const struct traceroute_settings *settings);

/* The destination port: the one set; else 33434 for UDP, 80 for TCP, 0 for ICMP. */
uint16_t traceroute_port(const struct traceroute_settings *settings);

#endif
