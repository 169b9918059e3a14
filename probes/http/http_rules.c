#include "probes/http/http_rules.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "probes/http/http_json.h"

struct status_range {
	int from, to;
};

/* A regular expression that the head or the body must match, or must not. */
struct text_rule {
	const char *option;
	char *name; /* of the field; NULL: the body */
	bool may_be_missing;
	bool must_match;
	struct pattern *pattern;
};

struct text_rules {
	struct text_rule *items;
	size_t n;
};

struct http_rules {
	struct status_range *statuses;
	size_t nstatuses;
	unsigned versions; /* a bit for each enum http_version; 0 = any */
	bool fails_if_tls, fails_if_not_tls;
	struct text_rules fields, bodies;
	struct http_json_rule **json;
	size_t njson;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Three digits, or -1. */
static int read_code(const char *text)
{
	int code = 0;
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		code = code * 10 + text[i] - '0';
	}
	return code;
}

static int read_status(const char *text, struct status_range *out, struct err *err)
{
	size_t length = strlen(text);
	*out = (struct status_range){-1, -1};
	if (strcasecmp(text, "any") == 0)
		*out = (struct status_range){100, 999};
	else if (length == 3 && isdigit((unsigned char)text[0]) && strcasecmp(text + 1, "xx") == 0)
		*out = (struct status_range){(text[0] - '0') * 100, (text[0] - '0') * 100 + 99};
	else if (length == 3)
		*out = (struct status_range){read_code(text), read_code(text)};
	else if (length == 7 && text[3] == '-')
		*out = (struct status_range){read_code(text), read_code(text + 4)};
	if (out->from >= 100 && out->to >= out->from)
		return 0;
	return err_set(err, "valid_status: \"%s\" is none of \"200\", \"2xx\", \"200-299\", \"any\"", text);
}

static int read_statuses(struct http_rules *rules, const struct option_list *list, struct err *err)
{
	rules->statuses = mem_zero(list->n, sizeof(*rules->statuses));
	for (size_t i = 0; i < list->n; i++)
		if (read_status(list->items[i], &rules->statuses[rules->nstatuses++], err) != 0)
			return -1;
	return 0;
}

static int read_versions(struct http_rules *rules, const struct option_list *list, struct err *err)
{
	static const struct {
		const char *text;
		enum http_version version;
	} words[] = {
		{"1.0", HTTP_VERSION_1_0}, {"1.1", HTTP_VERSION_1_1}, {"2", HTTP_VERSION_2},
		{"2.0", HTTP_VERSION_2},   {"3", HTTP_VERSION_3},     {"3.0", HTTP_VERSION_3},
	};
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i];
		unsigned bit = 0;
		if (strncasecmp(text, "HTTP/", 5) == 0)
			text += 5;
		for (size_t j = 0; j < sizeof(words) / sizeof(*words); j++)
			if (strcmp(text, words[j].text) == 0)
				bit = 1u << words[j].version;
		if (bit == 0)
			return err_set(err, "valid_versions: \"%s\" is none of 1.0, 1.1, 2, 3", list->items[i]);
		rules->versions |= bit;
	}
	return 0;
}

/* "Name: expression", "Name?: expression". */
static const char *read_name(struct text_rule *rule, const char *text, struct err *err)
{
	size_t length = strcspn(text, ":");
	if (text[length] != ':') {
		err_set(err, "\"%s\" is not \"Name: expression\"", text);
		return NULL;
	}
	size_t name = length;
	rule->may_be_missing = name > 0 && text[name - 1] == '?';
	name -= rule->may_be_missing;
	for (size_t i = 0; i < name; i++)
		if (!isgraph((unsigned char)text[i]) || strchr("(),/:;<=>?@[\\]{}\"", text[i]) != NULL)
			name = 0;
	if (name == 0) {
		err_set(err, "\"%s\" does not begin with the name of a header field", text);
		return NULL;
	}
	rule->name = mem_format("%.*s", (int)name, text);
	return text + length + 1 + strspn(text + length + 1, " \t");
}

static int read_text_rule(struct text_rule *rule, const char *text, bool is_field, struct err *err)
{
	const char *expression = is_field ? read_name(rule, text, err) : text;
	rule->pattern = expression != NULL ? pattern_create(expression, err) : NULL;
	return rule->pattern != NULL ? 0 : -1;
}

/* One option's list of rules. */
struct text_rule_list {
	struct text_rules *to;
	const struct option_list *from;
	const char *option;
	bool is_of_fields, must_match;
};

static int read_text_rule_list(const struct text_rule_list *list, struct err *err)
{
	struct text_rules *rules = list->to;
	rules->items = mem_resize(rules->items, rules->n + list->from->n, sizeof(*rules->items));
	for (size_t i = 0; i < list->from->n; i++) {
		struct text_rule *rule = &rules->items[rules->n++];
		*rule = (struct text_rule){.option = list->option, .must_match = list->must_match};
		if (read_text_rule(rule, list->from->items[i], list->is_of_fields, err) != 0)
			return err_prefix(err, "%s", list->option);
	}
	return 0;
}

static int read_text_rules(struct http_rules *rules, const struct http_settings *settings, struct err *err)
{
	const struct text_rule_list lists[] = {
		{&rules->fields, &settings->header_matches, "fail_if_header_matches", true, false},
		{&rules->fields, &settings->header_not_matches, "fail_if_header_not_matches", true, true},
		{&rules->bodies, &settings->body_matches, "fail_if_body_matches", false, false},
		{&rules->bodies, &settings->body_not_matches, "fail_if_body_not_matches", false, true},
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (read_text_rule_list(&lists[i], err) != 0)
			return -1;
	return 0;
}

static int read_json_rules(struct http_rules *rules, const struct option_list *list, struct err *err)
{
	rules->json = mem_zero(list->n, sizeof(struct http_json_rule *));
	for (size_t i = 0; i < list->n; i++) {
		struct http_json_rule *rule = http_json_rule_create(list->items[i], err);
		if (rule == NULL)
			return err_prefix(err, "json_rules: \"%s\"", list->items[i]);
		rules->json[rules->njson++] = rule;
	}
	return 0;
}

struct http_rules *http_rules_create(const struct http_settings *settings, struct err *err)
{
	struct http_rules *rules = mem_zero(1, sizeof(*rules));
	rules->fails_if_tls = settings->fails_if_tls;
	rules->fails_if_not_tls = settings->fails_if_not_tls;
	if (read_statuses(rules, &settings->valid_status, err) == 0 &&
	    read_versions(rules, &settings->valid_versions, err) == 0 && read_text_rules(rules, settings, err) == 0 &&
	    read_json_rules(rules, &settings->json_rules, err) == 0)
		return rules;
	http_rules_free(rules);
	return NULL;
}

static void free_text_rules(struct text_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		mem_free(rules->items[i].name);
		pattern_free(rules->items[i].pattern);
	}
	mem_free(rules->items);
}

void http_rules_free(struct http_rules *rules)
{
	if (rules == NULL)
		return;
	mem_free(rules->statuses);
	free_text_rules(&rules->fields);
	free_text_rules(&rules->bodies);
	for (size_t i = 0; i < rules->njson; i++)
		http_json_rule_free(rules->json[i]);
	mem_free(rules->json);
	mem_free(rules);
}

bool http_rules_want_body(const struct http_rules *rules)
{
	return rules->bodies.n > 0 || rules->njson > 0;
}

/* --- a head ------------------------------------------------------------------------------------------------------- */

static bool is_field(const char *line, size_t length, const char *name, size_t name_length)
{
	return length > name_length && line[name_length] == ':' && strncasecmp(line, name, name_length) == 0;
}

const char *http_head_find(const char *head, size_t length, const char *name, size_t *at, size_t *value_length)
{
	size_t name_length = strlen(name);
	while (*at < length) {
		const char *line = head + *at;
		const char *end = memchr(line, '\n', length - *at);
		size_t n = end != NULL ? (size_t)(end - line) : length - *at;
		*at += n + (end != NULL);
		if (!is_field(line, n, name, name_length))
			continue;
		line += name_length + 1;
		n -= name_length + 1;
		while (n > 0 && (*line == ' ' || *line == '\t')) {
			line++;
			n--;
		}
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			n--;
		*value_length = n;
		return line;
	}
	return NULL;
}

/* --- the verdict -------------------------------------------------------------------------------------------------- */

static void tell(const struct http_verdict *verdict, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct http_verdict *verdict, const char *format, ...)
{
	char line[512];
	va_list args;
	if (verdict->log == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	verdict->log(verdict->arg, line);
}

static bool is_valid_status(const struct http_rules *rules, int status)
{
	for (size_t i = 0; i < rules->nstatuses; i++)
		if (status >= rules->statuses[i].from && status <= rules->statuses[i].to)
			return true;
	return rules->nstatuses == 0;
}

static bool is_valid_version(const struct http_rules *rules, double number)
{
	enum http_version version = number >= 3   ? HTTP_VERSION_3
				    : number >= 2 ? HTTP_VERSION_2
				    : number > 1  ? HTTP_VERSION_1_1
						  : HTTP_VERSION_1_0;
	return rules->versions == 0 || (rules->versions & 1u << version) != 0;
}

static const char *verdict_word(enum pattern_verdict found)
{
	return found == PATTERN_FOUND ? "matches" : found == PATTERN_NONE ? "does not match" : "is too much work for";
}

/* A search that was given up is no match, and never a reason to be content. */
static bool is_good(const struct text_rule *rule, enum pattern_verdict found)
{
	return found == (rule->must_match ? PATTERN_FOUND : PATTERN_NONE);
}

/* Every field of the name is looked at: none may match, or one must. */
static enum pattern_verdict search_fields(const struct text_rule *rule, const struct http_answer *answer, size_t *n)
{
	enum pattern_verdict worst = PATTERN_NONE;
	size_t at = 0;
	size_t length;
	const char *value;
	*n = 0;
	while ((value = http_head_find(answer->head, answer->head_length, rule->name, &at, &length)) != NULL) {
		enum pattern_verdict found = pattern_find(rule->pattern, value, length, NULL);
		++*n;
		if (found == PATTERN_FOUND)
			return found;
		if (found == PATTERN_LIMIT)
			worst = found;
	}
	return worst;
}

static bool field_rule_holds(const struct text_rule *rule, const struct http_answer *answer,
			     struct http_verdict *verdict)
{
	size_t n;
	enum pattern_verdict found = search_fields(rule, answer, &n);
	bool holds = n > 0 ? is_good(rule, found) : rule->may_be_missing;
	const char *expression = pattern_expression(rule->pattern);
	if (n > 0)
		tell(verdict, "Rule %s %s: header %s %s \"%s\"", rule->option, holds ? "holds" : "FAILS", rule->name,
		     verdict_word(found), expression);
	else
		tell(verdict, "Rule %s %s: there is no header %s", rule->option, holds ? "holds" : "FAILS", rule->name);
	if (!holds && n > 0)
		err_set(&verdict->failure, "header %s %s \"%.100s\"", rule->name, verdict_word(found), expression);
	else if (!holds)
		err_set(&verdict->failure, "there is no header %s", rule->name);
	return holds;
}

static bool body_rule_holds(const struct text_rule *rule, const struct http_answer *answer,
			    struct http_verdict *verdict)
{
	enum pattern_verdict found = pattern_find(rule->pattern, answer->body, answer->body_length, NULL);
	const char *expression = pattern_expression(rule->pattern);
	bool holds = is_good(rule, found);
	tell(verdict, "Rule %s %s: the body %s \"%s\"", rule->option, holds ? "holds" : "FAILS", verdict_word(found),
	     expression);
	if (!holds)
		err_set(&verdict->failure, "the body %s \"%.100s\"", verdict_word(found), expression);
	return holds;
}

static bool json_rules_hold(const struct http_rules *rules, const struct http_answer *answer,
			    struct http_verdict *verdict)
{
	struct err why = {0};
	if (rules->njson == 0)
		return true;
	struct json_t *document = http_json_read(answer->body, answer->body_length, &why);
	bool hold = document != NULL;
	if (!hold) {
		err_set(&verdict->failure, "the body cannot be read as JSON: %s", why.text);
		tell(verdict, "Rules json_rules FAIL: %s", verdict->failure.text);
	}
	for (size_t i = 0; i < rules->njson && hold; i++) {
		const char *written = http_json_rule_text(rules->json[i]);
		hold = http_json_rule_holds(rules->json[i], document, &why);
		tell(verdict, "Rule json_rules \"%s\" %s%s", written, hold ? "holds" : "FAILS: ", hold ? "" : why.text);
		if (!hold)
			err_set(&verdict->failure, "%s, which is not as in \"%.100s\"", why.text, written);
	}
	http_json_free(document);
	return hold;
}

static bool text_rules_hold(const struct http_rules *rules, const struct http_answer *answer,
			    struct http_verdict *verdict)
{
	for (size_t i = 0; i < rules->fields.n; i++)
		if (!field_rule_holds(&rules->fields.items[i], answer, verdict))
			return false;
	for (size_t i = 0; i < rules->bodies.n; i++)
		if (!body_rule_holds(&rules->bodies.items[i], answer, verdict))
			return false;
	return json_rules_hold(rules, answer, verdict);
}

enum reason http_rules_judge_status(const struct http_rules *rules, const struct http_answer *answer,
				    struct http_verdict *verdict)
{
	bool is_valid = is_valid_status(rules, answer->status);
	tell(verdict, "Status %d is %s", answer->status, is_valid ? "valid" : "NOT valid");
	if (is_valid)
		return REASON_OK;
	if (answer->has_credentials && (answer->status == 401 || answer->status == 407)) {
		err_set(&verdict->failure, "status %d: the credentials were not accepted", answer->status);
		return REASON_LOGIN;
	}
	err_set(&verdict->failure, "status %d", answer->status);
	return REASON_STATUS;
}

static enum reason judge_tls(const struct http_rules *rules, const struct http_answer *answer,
			     struct http_verdict *verdict)
{
	if (!(answer->uses_tls ? rules->fails_if_tls : rules->fails_if_not_tls))
		return REASON_OK;
	err_set(&verdict->failure, "the final request was%s over TLS", answer->uses_tls ? "" : " not");
	tell(verdict, "Rule %s FAILS: %s", answer->uses_tls ? "fail_if_tls" : "fail_if_not_tls", verdict->failure.text);
	return REASON_CONTENT;
}

enum reason http_rules_judge(const struct http_rules *rules, const struct http_answer *answer,
			     struct http_verdict *verdict)
{
	enum reason reason = http_rules_judge_status(rules, answer, verdict);
	if (reason != REASON_OK)
		return reason;
	verdict->rule_failed = !text_rules_hold(rules, answer, verdict);
	if (verdict->rule_failed)
		return REASON_CONTENT;
	if (!is_valid_version(rules, answer->version)) {
		err_set(&verdict->failure, "the answer is HTTP/%.1f, which is not one of valid_versions",
			answer->version);
		tell(verdict, "Rule valid_versions FAILS: HTTP/%.1f", answer->version);
		return REASON_PROTOCOL;
	}
	return judge_tls(rules, answer, verdict);
}
