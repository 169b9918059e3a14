/*
 * What an answer must be like: status, version, TLS, header, body and JSON rules of the settings, read once, asked
 * often. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_RULES_H
#define NETSONDE_PROBES_HTTP_HTTP_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/sample.h"
#include "probes/http/http.h"

struct http_rules;

/* Bytes of a head and of a body that rules look at, at most. */
#define HTTP_HEAD_MAX ((size_t)256 * 1024)
#define HTTP_BODY_MAX ((size_t)16 * 1024 * 1024)

/* NULL with err ("valid_status: \"20x\" is ..."). */
struct http_rules *http_rules_create(const struct http_settings *settings, struct err *err);
void http_rules_free(struct http_rules *rules); /* NULL is harmless */

/* Is there a rule that looks at the body? */
bool http_rules_want_body(const struct http_rules *rules);

/* Borrowed for the call. */
struct http_answer {
	int status;
	double version;
	bool uses_tls;
	bool has_credentials; /* the request had some: 401 and 407 are then about them */
	const char *head;     /* the lines of the head, the first and the empty one may be among them */
	size_t head_length;
	const char *body;
	size_t body_length;
};

struct http_verdict {
	bool rule_failed;   /* of head or body */
	struct err failure; /* why not, when the reason is not OK */
	/* Each rule and what came of it, one line each; NULL = nobody wants to know. */
	void (*log)(void *arg, const char *line);
	void *arg;
};

/* The first rule that does not hold gives the reason; as blackbox_exporter does it, head and body are not looked at any
 * more once something has failed. */
enum reason http_rules_judge(const struct http_rules *rules, const struct http_answer *answer,
			     struct http_verdict *verdict);

/* The first of these steps alone: for an answer whose rest did not come. */
enum reason http_rules_judge_status(const struct http_rules *rules, const struct http_answer *answer,
				    struct http_verdict *verdict);

/* The next field of that name in a head, behind *at (0 to begin with), which moves on. The value is trimmed; NULL:
 * there are no more. */
const char *http_head_find(const char *head, size_t length, const char *name, size_t *at, size_t *value_length);

#endif
