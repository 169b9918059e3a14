/*
 * Who may call /api/v2 by one configuration, and what calls may do: keys with their roles, the hosts that may be talked
 * to besides the routers of the configuration, origins of web pages, the section's options. Immutable, and counted by
 * those who hold it: a call that runs keeps what it began with, whatever is reloaded meanwhile. Any thread.
 *
 * Of a key no more than a digest is kept, made with a secret of this process: it is found by comparing digests with all
 * of them, which takes the same time whatever was sent.
 */
#ifndef NETSONDE_DAEMON_API_RULES_H
#define NETSONDE_DAEMON_API_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct api_rules;
struct config_api;
struct config_api_key;
struct destination_rules;

enum api_role { API_ROLE_READ, API_ROLE_OPERATE };

#define API_KEY_BYTES_MIN 16
#define API_KEY_BYTES_MAX 512
#define API_KEY_NAME_MAX  64

struct api_key {
	char *name;
	enum api_role role;
	int64_t rate, burst; /* requests a second; 0 = any. At once */
};

/* Borrowed for the call: everything is copied, of keys their digests. */
struct api_rules_plan {
	const struct config_api *settings;
	const struct config_api_key *const *keys;
	size_t nkeys;
};

/* Held once. NULL with err: "allow_hosts: ...", "keys: ...". Never with a key. */
struct api_rules *api_rules_create(const struct api_rules_plan *plan, struct err *err);

struct api_rules *api_rules_hold(struct api_rules *rules);
void api_rules_release(struct api_rules *rules); /* NULL is harmless */

const struct config_api *api_rules_settings(const struct api_rules *rules);
/* For hosts that are not configured. NULL: there is no rule that permits any. */
const struct destination_rules *api_rules_destinations(const struct api_rules *rules);

/* -1 with err: "is shorter than 16 characters ...". Pure. */
int api_rules_check_key(const struct config_api_key *key, struct err *err);
/* "*", "https://noc.example", "http://127.0.0.1:3000"? Pure. */
int api_rules_check_origin(const char *origin, struct err *err);

size_t api_rules_nkeys(const struct api_rules *rules);
const struct api_key *api_rules_key(const struct api_rules *rules, size_t i);

/* text: as a client sent it. *i: for api_rules_key. false: there is no such key. */
bool api_rules_find_key(const struct api_rules *rules, const char *text, size_t *i);

/* May a web page of this origin ask? */
bool api_rules_permits_origin(const struct api_rules *rules, const char *origin);

#endif
