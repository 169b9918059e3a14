/*
 * Rules over a body of JSON: "POINTER OPERATOR VALUE", such as "/status == "up"", "/queue/0/length <= 100",
 * "/version =~ ^2\.", "/error absent". POINTER: RFC 6901, "" for the whole. VALUE: JSON, else a text as it stands.
 * Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_JSON_H
#define NETSONDE_PROBES_HTTP_HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

/* Bytes of a body that are read as JSON, at most: its tree takes some thirty times as much. */
#define HTTP_JSON_MAX ((size_t)1024 * 1024)

struct http_json_rule;
struct json_t;

/* NULL with err. */
struct http_json_rule *http_json_rule_create(const char *text, struct err *err);
void http_json_rule_free(struct http_json_rule *rule); /* NULL is harmless */
/* As it was written, borrowed. */
const char *http_json_rule_text(const struct http_json_rule *rule);

/* NULL with err ("line 2: unexpected token near '}'"). To be freed with http_json_free. */
struct json_t *http_json_read(const char *bytes, size_t n, struct err *err);
void http_json_free(struct json_t *document);

/* Does it hold? If not, why says what is there instead. */
bool http_json_rule_holds(const struct http_json_rule *rule, const struct json_t *document, struct err *why);

#endif
