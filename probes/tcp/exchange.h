/*
 * TCP and UDP: what the files of this folder share. Nobody else includes this; the types are tcp_type and udp_type. A
 * run of either is an exchange: a connection (core/dial.h) and the dialogue on it.
 */
#ifndef NETSONDE_PROBES_TCP_EXCHANGE_H
#define NETSONDE_PROBES_TCP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dial.h"
#include "core/host.h"
#include "core/loop.h"
#include "core/option.h"
#include "core/tls_client.h"
#include "probes/probe.h"
#include "probes/tcp/dialogue.h"

/* What both types have; the first member of their settings. */
struct exchange_settings {
	int64_t interval_ns;
	int64_t timeout_ns; /* 0: nine tenths of the interval, at most 10 s */
	int64_t fwmark;
	int64_t dscp;
	int family; /* enum host_family */
	char *source;
	char *interface;
	struct option_list steps;
};

struct tcp_settings {
	struct exchange_settings common; /* first */
	struct tls_settings tls;
	int64_t pause_ns;
	int starttls; /* enum dialogue_starttls */
	bool uses_tls;
};

struct udp_settings {
	struct exchange_settings common; /* first */
	int64_t attempts;
	int64_t wait_ns; /* from one attempt to the next */
};

extern const struct probe_type tcp_type;
extern const struct probe_type udp_type;
extern const struct measure_set tcp_set;
extern const struct measure_set tcp_expect_set;
extern const struct measure_set udp_set;

#define EXCHANGE_AT(type, member) .offset = offsetof(type, common.member)

/* The rows of the option tables that both have. */
#define EXCHANGE_OPTIONS(type)                                                                                         \
	{"interval",       OPTION_SECONDS,   EXCHANGE_AT(type, interval_ns),         .minimum = 0.1,                   \
	 .maximum = 86400, .fallback = "15", .help = "Time from one run to the next"},                                 \
		{"timeout",                                                                                            \
		 OPTION_SECONDS,                                                                                       \
		 EXCHANGE_AT(type, timeout_ns),                                                                        \
		 .minimum = 0,                                                                                         \
		 .maximum = 86400,                                                                                     \
		 .fallback = "0",                                                                                      \
		 .help = "When a run ends, counted from its start; at most the interval. 0: nine tenths of the "       \
			 "interval, at most 10 seconds"},                                                              \
		{"family",                                                                                             \
		 OPTION_CHOICE,                                                                                        \
		 EXCHANGE_AT(type, family),                                                                            \
		 .fallback = "prefer_ipv4",                                                                            \
		 .choices = host_family_words,                                                                         \
		 .help = "Which addresses of a name are used; prefer_ falls back to the other family"},                \
		{"source", OPTION_TEXT, EXCHANGE_AT(type, source), .help = "Source address"},                          \
		{"interface", OPTION_TEXT, EXCHANGE_AT(type, interface), .help = "Interface to leave by, by name"},    \
		{"fwmark",                                                                                             \
		 OPTION_INTEGER,                                                                                       \
		 EXCHANGE_AT(type, fwmark),                                                                            \
		 .minimum = 0,                                                                                         \
		 .maximum = 4294967295.0,                                                                              \
		 .fallback = "0",                                                                                      \
		 .help = "Mark for policy routing (SO_MARK). The daemon must keep CAP_NET_ADMIN or CAP_NET_RAW for "   \
			 "it, which it does not; a run ends as local then. 0: none"},                                  \
	{                                                                                                              \
		"dscp", OPTION_INTEGER, EXCHANGE_AT(type, dscp),                                                       \
			.minimum = 0, .maximum = 63, .fallback = "0",                                                  \
			.help = "Differentiated services code point (46 = expedited forwarding)"                       \
	}

/* Rules that both have. Pure. */
int exchange_check(const struct exchange_settings *settings, struct err *err);
int64_t exchange_timeout_ns(const struct exchange_settings *settings);

/* Of one target, from open to close. */
struct exchange {
	struct probe *probe;
	struct host *host;
	char *name; /* of the host, without the port */
	struct dialogue *dialogue;
	struct tls_client *tls; /* NULL: never TLS */
	uint16_t port;
	bool is_datagram;
};

/* One run. */
struct exchange_run {
	struct exchange *exchange;
	struct run *run;
	struct dial *dial; /* NULL until the address is known */
	struct dialogue_talk talk;
	struct tls_facts facts;
	struct alarm alarm;    /* TCP: the peer pauses. UDP: the next attempt */
	struct text request;   /* UDP: what is sent again */
	char failure[512];     /* in words; "" */
	int64_t talk_begun_ns; /* 0: not yet */
	int64_t received_bytes;
	int64_t attempts;  /* UDP */
	bool is_connected; /* and secured, when TLS comes first */
	bool has_ended;    /* the peer */
	bool is_paused;    /* nothing has come for a while */
	bool is_over;      /* the sample is out */
};

static inline const struct tcp_settings *tcp_settings(const struct exchange *exchange)
{
	return probe_settings(exchange->probe);
}

static inline const struct udp_settings *udp_settings(const struct exchange *exchange)
{
	return probe_settings(exchange->probe);
}

static inline const struct exchange_settings *exchange_settings(const struct exchange *exchange)
{
	return probe_settings(exchange->probe);
}

/* exchange.c: see struct probe_type. */
void *exchange_open_tcp(struct probe *probe, const void *settings, struct err *err);
void *exchange_open_udp(struct probe *probe, const void *settings, struct err *err);
void *exchange_start(struct run *run, void *opened, const void *settings);
void exchange_deadline(void *state);
void exchange_stop(void *state);
void exchange_close(void *opened);

/* exchange_report.c: makes the rows and ends the run. */
void exchange_report(struct exchange_run *run, enum reason reason);
/* exchange_report.c: a line of the run's log; bytes of strangers are escaped and cut. */
void exchange_log(void *arg, const char *what, const char *bytes, size_t n);

#endif
