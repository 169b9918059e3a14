/*
 * What an answer to a write means for the lines that were sent. Pure.
 *
 * https://docs.influxdata.com/influxdb/v2/api/write/ and the sources of InfluxDB 1.
 */
#ifndef NETSONDE_INFLUX_VERDICT_H
#define NETSONDE_INFLUX_VERDICT_H

#include <stdint.h>

struct fetch_answer;

enum verdict_kind {
	VERDICT_STORED,  /* all of it */
	VERDICT_PARTLY,  /* stored but for some lines, refused for good: never send again. refused says how many */
	VERDICT_WAIT,    /* not now: the same again later. wait_ns is what the server asked for, or -1 */
	VERDICT_FAULT,   /* the server's fault (500): as WAIT, but the batch may be the cause */
	VERDICT_TOO_BIG, /* send halves */
	VERDICT_SLOW,    /* no whole answer in time: as WAIT, halves may do better */
	VERDICT_BAD,     /* a line is not understood, nothing is stored: find it by halving */
	VERDICT_REFUSED, /* the server does not want us (token, database, address): keep everything, tell somebody */
	VERDICT_KINDS
};

#define VERDICT_REASON_MAX  256
#define VERDICT_WAIT_MAX_NS (3600 * INT64_C(1000000000))

struct verdict {
	enum verdict_kind kind;
	int64_t wait_ns;                 /* at most VERDICT_WAIT_MAX_NS; -1 = the server does not say */
	uint64_t refused;                /* VERDICT_PARTLY: at least 1 */
	char reason[VERDICT_REASON_MAX]; /* "HTTP 401: authorization failed"; printable UTF-8, one line; "" when STORED
					  */
};

void verdict_of(struct verdict *verdict, const struct fetch_answer *answer);

/* "stored", "partly", ... */
const char *verdict_name(enum verdict_kind kind);

#endif
