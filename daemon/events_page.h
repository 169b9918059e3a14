/*
 * Events as a page of JSON (RFC 8259), in pieces, newest first:
 *
 *   {"events":[
 *   {"time":"2026-01-02T03:04:05.678901234Z","time_ns":1767323045678901234,"kind":"trigger","target":"quad9",
 *    "probe":"trace","type":"traceroute","run":7,"success":true,"reason":"ok","duration_seconds":0.21,
 *    "text":"loss of fast_ping: 0.4 (threshold 0.2)","source":"fast_ping","value":0.4,"threshold":0.2,
 *    "result":{...}}
 *   ]}
 *
 * result is the run as /api/v1/results has it, where it was kept. Pure.
 */
#ifndef NETSONDE_DAEMON_EVENTS_PAGE_H
#define NETSONDE_DAEMON_EVENTS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct events_page;
struct found_events;

struct events_page *events_page_create(struct found_events *found); /* passed on */
void events_page_free(struct events_page *page);                    /* NULL is harmless */

/* Appends at least some and about `enough` bytes. Returns true while there is more to come. */
bool events_page_more(struct events_page *page, struct text *out, size_t enough);

#endif
