/*
 * What the calls of /api/v2 do: they become jobs for the workers that have the links to the routers, and their rows
 * become JSON. The HTTP side (bodies, keys, roles, rates, audit) is in front of this; it hands over calls that are
 * permitted. On the web thread, but for the functions that say otherwise.
 *
 *     api_v2_parse  ->  ... may this key do that? ...  ->  api_v2_start  ->  done, once; or api_v2_cancel
 */
#ifndef NETSONDE_DAEMON_API_V2_H
#define NETSONDE_DAEMON_API_V2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"
#include "core/text.h"

struct destination_rules;
struct loop;
struct mailbox;
struct routers;
struct worker;

enum api_v2_kind {
	API_V2_TEST_CONNECTION, /* POST /api/v2/test-connection */
	API_V2_PING,            /* POST /api/v2/mikrotik/ping */
	API_V2_TRACEROUTE,      /* POST /api/v2/mikrotik/traceroute */
	API_V2_COMMAND,         /* POST /api/v2/mikrotik/command */
	API_V2_BATCH,           /* POST /api/v2/mikrotik/batch */
	API_V2_MULTI_HOST,      /* POST /api/v2/mikrotik/multi-host */
	API_V2_STATS,           /* GET  /api/v2/stats */
	API_V2_CACHE_CLEAR,     /* POST /api/v2/cache/clear */
	API_V2_KINDS
};
/* "test-connection", "ping", ... : for audit and metrics. */
const char *api_v2_kind_name(enum api_v2_kind kind);

/* --- a call, as its body has it ------------------------------------------------------------------------------------
 */

/* "=name=value" of a command. Borrowed from the call. */
struct api_v2_word {
	const char *name;  /* NULL: a query, which is value */
	const char *value; /* not NUL-free: see length */
	size_t length;     /* of value */
};

/* Borrowed from the call, as all that follows. */
struct api_v2_command {
	const char *path; /* "/system/identity/print" */
	const struct api_v2_word *words;
	size_t nwords;
	bool uses_cache; /* as the body says, or its default (true) */
	/* For ros_call: the words as they go to the router. */
	const void *sentence;
	size_t sentence_bytes;
};

struct api_v2_host {
	const char *name; /* as the body has it: the key in answers of multi-host */
	/* A configured router by its name, whose access is in the configuration, or NULL; */
	const char *router;
	/* else another host. */
	const char *host, *username, *password; /* username and password "" if the body has none */
	uint16_t port;                          /* 0: the default one, by uses_tls */
	bool uses_tls;
	const char *fingerprint; /* tls_fingerprint: of the router's certificate; NULL: it is verified, unless */
	bool is_anonymous;       /* tls_anonymous: it has none */
	bool is_unverified;      /* tls_verify is false */
};

struct api_v2_call {
	enum api_v2_kind kind;
	const struct api_v2_host *hosts; /* one, but for multi-host; none for STATS and CACHE_CLEAR */
	size_t nhosts;
	const struct api_v2_command *commands; /* those of ping (one for each target), too: whoever checks what may be
						  done needs look at nothing else */
	size_t ncommands;
	const char *const *targets;   /* of ping and traceroute: ncommands */
	int64_t max_concurrent;       /* commands of one host at a time; of multi-host: hosts. 0: as the settings say */
	int64_t timeout_ns;           /* of the whole; 0: as the settings say */
	struct api_v2_memory *memory; /* owned */
};

/* Ceilings for bodies: what is beyond them is an error that says so. */
struct api_v2_limits {
	size_t max_targets, max_commands, max_hosts;
};

/* Understands a body (JSON; ignored for STATS and CACHE_CLEAR). Owned: api_v2_call_free, or passed to api_v2_start.
 * NULL with err: "commands[3].command: missing", and field, if not NULL, has "commands[3].command", or "" when the body
 * is no JSON at all. Nothing of a password is ever in err. Unknown fields are ignored: clients of other services send
 * some. Pure; any thread. */
#define API_V2_FIELD_SIZE 96
struct api_v2_call *api_v2_parse(enum api_v2_kind kind, const char *body, size_t n, const struct api_v2_limits *limits,
				 char field[API_V2_FIELD_SIZE], struct err *err);
/* What is secret is overwritten before. NULL is harmless. */
void api_v2_call_free(struct api_v2_call *call);

/* How long a call may take: what it says, or else what the terms say and its pings need; at most max_timeout_ns. Pure.
 */
struct api_v2_terms;
int64_t api_v2_timeout_ns(const struct api_v2_call *call, const struct api_v2_terms *terms);

/* The value of a parameter of a command; false: it has none of this name. */
bool api_v2_find(const struct api_v2_command *command, const char *name, const char **value);

/* --- what is in force ----------------------------------------------------------------------------------------------
 */

/* What calls may do by one configuration. A call that runs keeps what it began with: see held. */
struct api_v2_terms {
	/* For hosts that are not configured; NULL: configured ones only. */
	const struct destination_rules *other_hosts;
	bool permits_other_hosts;
	int64_t cache_ttl_ns; /* 0: nothing is kept */
	int64_t cache_bytes;  /* ceiling */
	int64_t max_concurrent_hosts, max_concurrent_commands;
	int64_t max_connections_per_host;    /* to hosts that are not configured: links with different users */
	int64_t timeout_ns, max_timeout_ns;  /* of a call that names none; the most that one may name */
	int64_t connect_timeout_ns, idle_ns; /* of links to hosts that are not configured */
	int64_t max_rows, max_answer_bytes;  /* of one command; of a whole answer */
	/* Counted by those who hold it: nothing of the above goes before the last release(held). Any thread. */
	void *held;
	void (*hold)(void *held);
	void (*release)(void *held);
};

/* All borrowed until api_v2_free. */
struct api_v2_plan {
	struct worker *const *workers;
	size_t nworkers;
	struct loop *loop; /* of the web thread */
	struct mailbox *mailbox;
	/* The configured routers by name (daemon/routers.h), held for the caller. */
	struct routers *(*routers)(void *context);
	void *context;
	size_t max_running;      /* calls at a time; more are refused with 503. 0: 1024 */
	size_t max_memory_bytes; /* of answers while they are made, all together. 0: 512 MiB */
};

struct api_v2;

struct api_v2 *api_v2_create(const struct api_v2_plan *plan);
/* After the web server, whose calls are cancelled by then, and before the workers are freed. NULL is harmless. */
void api_v2_free(struct api_v2 *api);

/* --- calls ---------------------------------------------------------------------------------------------------------
 */

/* Borrowed for the call. */
struct api_v2_answer {
	int status;       /* of HTTP: 200, also when parts failed; 403 the host is not permitted; 404 no such router;
			     503 too much at a time */
	const char *json; /* one object */
	size_t length;
	const char *outcome; /* for the audit line: "success", "partial", "error", "refused" */
	size_t nparts, nsuccessful;
	size_t ncached;
};

struct api_v2_run;

/* Carries a call out; call is passed in any case. terms: borrowed for the call (see held). done comes once, never from
 * inside this function, on the web thread, unless cancelled before; the handle is valid until then. Never NULL. */
struct api_v2_run *api_v2_start(struct api_v2 *api, struct api_v2_call *call, const struct api_v2_terms *terms,
				void (*done)(void *arg, const struct api_v2_answer *answer), void *arg);

/* The client has left: done will not come; commands that were sent are cancelled at the router. */
void api_v2_cancel(struct api_v2_run *run);

/* --- figures -------------------------------------------------------------------------------------------------------
 */

/* For /stats: what the HTTP side has counted (all requests of /api/v2, those refused too). */
struct api_v2_requests {
	int64_t started_ns; /* monotonic: of the daemon */
	uint64_t total, successful, failed;
	uint64_t active, peak;
	int64_t took_ns; /* of all that ended, together */
};
/* Given once, called for STATS. */
void api_v2_set_requests(struct api_v2 *api, void (*read)(void *arg, struct api_v2_requests *out), void *arg);

/* For /metrics; any thread. Fills up to api_v2_set.n readings. */
extern const struct measure_set api_v2_set; /* "api_jobs" */
size_t api_v2_read(const struct api_v2 *api, struct reading *readings);

#endif
