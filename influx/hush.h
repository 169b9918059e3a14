/*
 * What a server answers may repeat what it was sent: an answer with a secret in it is not shown to anybody.
 */
#ifndef NETSONDE_INFLUX_HUSH_H
#define NETSONDE_INFLUX_HUSH_H

#include <stdbool.h>

struct fetch_answer;
struct influx_settings;
struct verdict;

/* Replaces verdict's reason if the answer, or the reason itself, has the token or the password in it, or both user and
 * password as they are sent (base64, RFC 7617); likewise for the proxies of the environment. Words of less than
 * HUSH_MIN bytes are no secrets: they would be found in every answer. */
#define HUSH_MIN 4
void hush_verdict(struct verdict *verdict, const struct influx_settings *settings, const struct fetch_answer *answer);

/* base64 (RFC 4648, section 4) of bytes; mem_free. */
char *hush_encode(const char *bytes);

#endif
