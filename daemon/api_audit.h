/*
 * The audit line of a call: what was asked of whom, without the values of anything. Pure.
 *
 *   id=4f2a client=192.0.2.7 POST /api/v2/mikrotik/batch router=gw1 commands=2 /ip/address/print /ip/address/add
 *   status=200 outcome=partial parts=1/2 cached=0 duration=0.012
 */
#ifndef NETSONDE_DAEMON_API_AUDIT_H
#define NETSONDE_DAEMON_API_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

struct api_v2_answer;
struct api_v2_call;

/* How many routers and how many different commands are told by name. */
#define API_AUDIT_NAMES 8

/* Appends " router=gw1" or " host=192.0.2.1 user=admin" for each, and the paths of its commands. */
void api_audit_add_call(const struct api_v2_call *call, struct text *out);

/* Appends " status=200 outcome=success parts=1/1 cached=0 duration=0.012". */
void api_audit_add_answer(const struct api_v2_answer *answer, int64_t took_ns, struct text *out);

#endif
