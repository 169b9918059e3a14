/*
 * One result, as values only: what a run of a probe found out. Whoever measures fills it; whoever publishes reads it.
 */
#ifndef NETSONDE_CORE_SAMPLE_H
#define NETSONDE_CORE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

/* Why a run ended as it did: one bounded enumeration for every probe type. */
enum reason {
	REASON_OK,
	REASON_RESOLVE,
	REASON_UNREACHABLE_NET,
	REASON_UNREACHABLE_HOST,
	REASON_UNREACHABLE_PORT,
	REASON_UNREACHABLE_ADMIN,
	REASON_TTL_EXCEEDED,
	REASON_TOO_BIG,
	REASON_REFUSED,
	REASON_RESET,
	REASON_TIMEOUT,
	REASON_TLS_HANDSHAKE,
	REASON_TLS_VERIFY,
	REASON_PROTOCOL,
	REASON_STATUS,
	REASON_CONTENT,
	REASON_RCODE,
	REASON_LOGIN,
	REASON_DENIED, /* the destination is not one that single runs may talk to (section probe_endpoint) */
	REASON_LOCAL,  /* the fault is ours: no socket, no buffer, no interface, no route */
	REASON_COUNT
};

/* "ok", "resolve", "unreachable_net", ... */
const char *reason_name(enum reason reason);

enum measure_kind {
	MEASURE_COUNTER,         /* cumulative int64; name ends in _total */
	MEASURE_COUNTER_SECONDS, /* cumulative nanoseconds, shown in seconds; name ends in _seconds_total */
	MEASURE_GAUGE,           /* double */
	MEASURE_INTEGER,         /* int64 that can fall; an integer field in line protocol */
	MEASURE_HISTOGRAM,       /* observations of this run in nanoseconds, shown in seconds; name ends in _seconds */
	MEASURE_INFO,            /* always 1: what matters is in the labels; no field in line protocol */
	MEASURE_TEXT,            /* a string field in line protocol; not in /metrics */
};

/* One measure makes a metric exist everywhere: Prometheus netsonde_<set>_<name>, InfluxDB measurement <set> field
 * <name>, "netsonde reference metrics", docs/metrics.md. The unit ends the name (_seconds, _bytes, _ratio, ...). */
struct measure {
	const char *name;
	enum measure_kind kind;
	const char *help; /* one sentence, without a full stop at the end */
};

/* Static for most types; built when a catalogue is read (RouterOS). label_names: the row labels that rows of this set
 * carry, for the reference; the rows themselves say what they have. */
struct measure_set {
	const char *name;
	const struct measure *measures;
	size_t n;
	const char *const *label_names; /* NULL-terminated, or NULL */
	const char *help;               /* what a row of this set is */
};

struct label {
	const char *name, *value;
};

/* The same names with the same values, in any order: they make the same series. Names are unique in each. */
bool label_sets_are_equal(const struct label *a, size_t na, const struct label *b, size_t nb);

/* A value of one measure. A measure that has no reading in a row is absent: never 0. */
struct reading {
	uint16_t measure; /* index into the row's set->measures; readings are in rising order of it */
	uint16_t count;   /* MEASURE_HISTOGRAM: number of observations, may be 0 */
	union {
		double number;              /* GAUGE */
		int64_t integer;            /* COUNTER, COUNTER_SECONDS (ns), INTEGER */
		const char *text;           /* TEXT */
		const int64_t *observed_ns; /* HISTOGRAM: borrowed */
	} value;
};

static inline struct reading reading_number(unsigned measure, double number)
{
	return (struct reading){.measure = (uint16_t)measure, .value.number = number};
}

static inline struct reading reading_integer(unsigned measure, int64_t integer)
{
	return (struct reading){.measure = (uint16_t)measure, .value.integer = integer};
}

static inline struct reading reading_text(unsigned measure, const char *text)
{
	return (struct reading){.measure = (uint16_t)measure, .value.text = text};
}

static inline struct reading reading_histogram(unsigned measure, const int64_t *observed_ns, unsigned count)
{
	return (struct reading){
		.measure = (uint16_t)measure, .count = (uint16_t)count, .value.observed_ns = observed_ns};
}

/* One label set in Prometheus, one line in InfluxDB. Everything is borrowed. */
struct row {
	const struct measure_set *set;
	const struct label *labels; /* beyond target, probe and the target's own */
	size_t nlabels;
	const struct reading *readings;
	size_t n;
};

/* Who was measured by what. Lives as long as the probe; shared by all its samples. */
struct subject {
	const char *target;         /* the target's name */
	const char *probe;          /* the probe's name in the configuration */
	const char *type;           /* the probe type's name */
	const struct label *labels; /* the target's own labels */
	size_t nlabels;
};

/* rows[0], when there is one, is of the type's own set and stands for the run as a whole; it has no labels. */
struct sample {
	const struct subject *subject; /* borrowed */
	enum reason reason;
	int64_t begun_realtime_ns; /* wall clock at the start of the run: the stamp of the result */
	int64_t took_ns;
	uint64_t run;     /* counts the runs of this target and probe since the daemon started, from 1 */
	uint64_t skipped; /* turns skipped so far because the run before them still lived, or the daemon was late */
	struct address address; /* who was really talked to; family ADDRESS_NONE when nobody */
	int64_t lookup_ns;      /* how long the names took to resolve, all together; -1: nothing was resolved */
	const struct row *rows;
	size_t nrows;
	/* So many rows at the end, before any events (core/event.h), are for /metrics only: they make no lines and are
	 * not among the last results. */
	size_t nquiet;
	/* 0: the run of the probe as a whole. Else one of several things that the probe collects, each in turns of its
	 * own (turn_plan.part): rows[0] tells about this collection and makes a line only; the others replace the rows
	 * of the same part, and of no other. run counts the runs of this part, skipped too. There are no events in it,
	 * and it is not among the last results: its rows' sets may go with their catalogue. */
	uint16_t part;
	bool keeps_rows;   /* of a part: its rows of before stay in /metrics; there are none but rows[0] */
	const char *cause; /* why it ran out of turn, for people; NULL: it was its turn, or somebody asked */
};

/* A deep copy in one piece of memory (mem_free), for answers that travel between threads. Sets stay borrowed. */
struct sample *sample_copy(const struct sample *sample);

#endif
