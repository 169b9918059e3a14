#include "probes/http/http_json.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pattern.h"

enum operator{
	OPERATOR_EQUAL,
	OPERATOR_UNEQUAL,
	OPERATOR_LESS,
	OPERATOR_AT_MOST,
	OPERATOR_MORE,
	OPERATOR_AT_LEAST,
	OPERATOR_MATCHES,
	OPERATOR_EXISTS,
	OPERATOR_ABSENT,
	OPERATORS
};

static const char *const operator_words[OPERATORS] = {
	[OPERATOR_EQUAL] = "==",   [OPERATOR_UNEQUAL] = "!=",    [OPERATOR_LESS] = "<",
	[OPERATOR_AT_MOST] = "<=", [OPERATOR_MORE] = ">",        [OPERATOR_AT_LEAST] = ">=",
	[OPERATOR_MATCHES] = "=~", [OPERATOR_EXISTS] = "exists", [OPERATOR_ABSENT] = "absent",
};

struct http_json_rule {
	char *text;
	char *pointer;
	enum operator operator;
	json_t *value;           /* of the comparisons */
	struct pattern *pattern; /* of =~ */
};

/* Longest value that is shown, in bytes. */
#define SHOWN_MAX 100

/* --- reading a rule ----------------------------------------------------------------------------------------------- */

void http_json_rule_free(struct http_json_rule *rule)
{
	if (rule == NULL)
		return;
	mem_free(rule->text);
	mem_free(rule->pointer);
	json_decref(rule->value);
	pattern_free(rule->pattern);
	mem_free(rule);
}

const char *http_json_rule_text(const struct http_json_rule *rule)
{
	return rule->text;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int read_operator(struct http_json_rule *rule, const char *text, size_t length, struct err *err)
{
	for (int i = 0; i < OPERATORS; i++) {
		if (is_word(text, length, operator_words[i])) {
			rule->operator=(enum operator) i;
			return 0;
		}
	}
	return err_set(err, "after the pointer comes one of == != < <= > >= =~ exists absent, not \"%.*s\"",
		       (int)(length < SHOWN_MAX ? length : SHOWN_MAX), text);
}

static bool is_order(enum operator operator)
{
	return operator>= OPERATOR_LESS && operator<= OPERATOR_AT_LEAST;
}

static int read_value(struct http_json_rule *rule, const char *text, struct err *err)
{
	bool has_value = rule->operator!= OPERATOR_EXISTS && rule->operator!= OPERATOR_ABSENT;
	if (has_value != (*text != '\0'))
		return err_set(err, has_value ? "the value is missing" : "exists and absent take no value");
	if (!has_value)
		return 0;
	if (rule->operator== OPERATOR_MATCHES) {
		rule->pattern = pattern_create(text, err);
		return rule->pattern != NULL ? 0 : -1;
	}
	rule->value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (rule->value == NULL)
		rule->value = json_string(text);
	if (rule->value == NULL)
		return err_set(err, "the value is not UTF-8");
	if (is_order(rule->operator) && !json_is_number(rule->value))
		return err_set(err, "%s compares with a number", operator_words[rule->operator]);
	return 0;
}

/* RFC 6901: "~" only in "~0" and "~1". */
static int check_pointer(const char *pointer, struct err *err)
{
	if (*pointer != '\0' && *pointer != '/')
		return err_set(err, "a pointer begins with \"/\" (RFC 6901), not \"%.*s\"", SHOWN_MAX, pointer);
	for (const char *c = pointer; *c != '\0'; c++)
		if (*c == '~' && c[1] != '0' && c[1] != '1')
			return err_set(err, "\"~\" in a pointer is written \"~0\" (RFC 6901)");
	return 0;
}

static int read_rule(struct http_json_rule *rule, const char *text, struct err *err)
{
	/* A pointer to the whole is empty: the operator comes first, or behind "". */
	size_t length = strcspn(text, " \t");
	if (*text == '/' || *text == '\0') {
		rule->pointer = mem_format("%.*s", (int)length, text);
		text = skip_blanks(text + length);
	} else {
		rule->pointer = mem_copy_string("");
		if (is_word(text, length, "\"\""))
			text = skip_blanks(text + length);
	}
	length = strcspn(text, " \t");
	if (check_pointer(rule->pointer, err) != 0 || read_operator(rule, text, length, err) != 0)
		return -1;
	return read_value(rule, skip_blanks(text + length), err);
}

struct http_json_rule *http_json_rule_create(const char *text, struct err *err)
{
	struct http_json_rule *rule = mem_zero(1, sizeof(*rule));
	rule->text = mem_copy_string(text);
	if (read_rule(rule, skip_blanks(text), err) == 0)
		return rule;
	http_json_rule_free(rule);
	return NULL;
}

/* --- a document --------------------------------------------------------------------------------------------------- */

json_t *http_json_read(const char *bytes, size_t n, struct err *err)
{
	json_error_t error;
	if (n > HTTP_JSON_MAX) {
		err_set(err, "it is longer than %zu bytes", HTTP_JSON_MAX);
		return NULL;
	}
	json_t *document = json_loadb(bytes, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (document == NULL)
		err_set(err, "line %d: %s", error.line, error.text);
	return document;
}

void http_json_free(json_t *document)
{
	json_decref(document);
}

/* One reference token, its "~1" and "~0" undone; owned by the caller. */
static char *token_of(const char *text, size_t length)
{
	char *token = mem_alloc(length + 1);
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		token[n] = text[i];
		if (text[i] == '~' && i + 1 < length)
			token[n] = text[++i] == '1' ? '/' : '~';
		n++;
	}
	token[n] = '\0';
	return token;
}

/* An index is "0" or has no leading zero. */
static const json_t *element_of(const json_t *array, const char *token)
{
	char *end;
	if (!isdigit((unsigned char)token[0]) || (token[0] == '0' && token[1] != '\0'))
		return NULL;
	errno = 0;
	unsigned long index = strtoul(token, &end, 10);
	return *end == '\0' && errno == 0 ? json_array_get(array, index) : NULL;
}

/* NULL when there is nothing. */
static const json_t *find(const json_t *at, const char *pointer)
{
	while (at != NULL && *pointer == '/') {
		size_t length = strcspn(pointer + 1, "/");
		char *token = token_of(pointer + 1, length);
		if (json_is_object(at))
			at = json_object_get(at, token);
		else
			at = json_is_array(at) ? element_of(at, token) : NULL;
		mem_free(token);
		pointer += 1 + length;
	}
	return at;
}

/* --- the verdict -------------------------------------------------------------------------------------------------- */

/* -1, 0, 1. Integers are compared as such: a double does not hold them all. */
static int compare_numbers(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);
		return (x > y) - (x < y);
	}
	double x = json_number_value(a), y = json_number_value(b);
	return (x > y) - (x < y);
}

static bool are_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return compare_numbers(a, b) == 0;
	return json_equal(a, b);
}

static bool is_in_order(enum operator operator, int order)
{
	switch (operator) {
	case OPERATOR_LESS:
		return order < 0;
	case OPERATOR_AT_MOST:
		return order <= 0;
	case OPERATOR_MORE:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* In words: "/a/b is "down"". */
static void tell(const struct http_json_rule *rule, const json_t *found, struct err *why)
{
	char *shown = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t length = shown != NULL ? strlen(shown) : 0;
	err_set(why, "%s is %.*s%s", rule->pointer[0] != '\0' ? rule->pointer : "the body", SHOWN_MAX,
		shown != NULL ? shown : "?", length > SHOWN_MAX ? "…" : "");
	free(shown);
}

static bool matches(const struct http_json_rule *rule, const json_t *found)
{
	char *dumped = NULL;
	const char *text = json_string_value(found);
	size_t length = text != NULL ? json_string_length(found) : 0;
	if (text == NULL) {
		dumped = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
		text = dumped != NULL ? dumped : "";
		length = strlen(text);
	}
	bool is_found = pattern_find(rule->pattern, text, length, NULL) == PATTERN_FOUND;
	free(dumped);
	return is_found;
}

static bool holds(const struct http_json_rule *rule, const json_t *found)
{
	switch (rule->operator) {
	case OPERATOR_EXISTS:
		return true;
	case OPERATOR_ABSENT:
		return false;
	case OPERATOR_MATCHES:
		return matches(rule, found);
	case OPERATOR_EQUAL:
		return are_equal(found, rule->value);
	case OPERATOR_UNEQUAL:
		return !are_equal(found, rule->value);
	default:
		return json_is_number(found) && is_in_order(rule->operator, compare_numbers(found, rule->value));
	}
}

bool http_json_rule_holds(const struct http_json_rule *rule, const json_t *document, struct err *why)
{
	const json_t *found = find(document, rule->pointer);
	if (found == NULL) {
		err_set(why, "there is no %s", rule->pointer);
		return rule->operator== OPERATOR_ABSENT;
	}
	if (holds(rule, found))
		return true;
	tell(rule, found, why);
	return false;
}
