#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <string.h>

#include "core/mem.h"

/* The ceiling on the work of one search, in bytes looked at: PCRE2 calls back before each item of an expression
 * (PCRE2_AUTO_CALLOUT), and tells where it is. Its own limits do not do: they count from anew at each place where a
 * match may begin, and do not see how far a repeated item runs. A whole MiB without a match is some 30 ms. */
#define WORK_FLOOR    4000000
#define WORK_PER_BYTE 16
#define WORK_OF_ITEM  8

/* Of the interpreter, which takes over where the stack of compiled expressions does not suffice. */
#define HEAP_KIB_MAX (32 * 1024)

/* As in RE2: "$" is the very end, "^" of (?m) also follows a newline at the end. */
#define OPTIONS (PCRE2_AUTO_CALLOUT | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C)

struct pattern {
	char *expression;
	pcre2_code *code;  /* for subjects that are UTF-8 */
	pcre2_code *bytes; /* for others; made when the first one comes */
	pcre2_match_context *limits;
	size_t work_left;
	size_t last_position;
};

/* Before each item of the expression, at each attempt. */
static int count_work(pcre2_callout_block *at, void *arg)
{
	struct pattern *pattern = arg;
	size_t position = at->current_position;
	size_t work = WORK_OF_ITEM + (position > pattern->last_position ? position - pattern->last_position
									: pattern->last_position - position);
	pattern->last_position = position;
	if (work > pattern->work_left)
		return PCRE2_ERROR_MATCHLIMIT;
	pattern->work_left -= work;
	return 0;
}

static int refuse(struct err *err, int code, size_t offset)
{
	PCRE2_UCHAR text[256] = "";
	pcre2_get_error_message(code, text, sizeof(text));
	return err_set(err, "at offset %zu: %s", offset, (const char *)text);
}

static pcre2_code *compile(const char *expression, uint32_t options, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;
	int error = 0;
	size_t offset = 0;
	if (context) {
		pcre2_set_newline(context, PCRE2_NEWLINE_LF);
		pcre2_set_max_pattern_length(context, PATTERN_LENGTH_MAX);
		code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, options, &error, &offset, context);
	}
	pcre2_compile_context_free(context);
	if (!code)
		refuse(err, error, offset);
	return code;
}

static int check_groups(const pcre2_code *code, struct err *err)
{
	uint32_t groups = 0;
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (groups > PATTERN_GROUPS_MAX)
		return err_set(err, "it has %u groups, and %d may be; (?:...) is a group that does not count",
			       (unsigned)groups, PATTERN_GROUPS_MAX);
	return 0;
}

static pcre2_code *compile_checked(const char *expression, struct err *err)
{
	pcre2_code *code = compile(expression, OPTIONS | PCRE2_UTF, err);
	if (!code || check_groups(code, err) == 0)
		return code;
	pcre2_code_free(code);
	return NULL;
}

int pattern_check(const char *expression, struct err *err)
{
	pcre2_code *code = compile_checked(expression, err);
	pcre2_code_free(code);
	return code ? 0 : -1;
}

/* Machine code, where memory may be both written and run. Where it may not (agent.seccomp) the interpreter does the
 * same at a fifth of the speed: the filter lets just that call fail. */
static void quicken(pcre2_code *code)
{
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
}

static pcre2_match_context *create_limits(struct pattern *pattern)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	if (!limits)
		return NULL;
	pcre2_set_heap_limit(limits, HEAP_KIB_MAX);
	pcre2_set_callout(limits, count_work, pattern);
	return limits;
}

struct pattern *pattern_create(const char *expression, struct err *err)
{
	pcre2_code *code = compile_checked(expression, err);
	if (!code)
		return NULL;
	struct pattern *pattern = mem_zero(1, sizeof(*pattern));
	pattern->expression = mem_copy_string(expression);
	pattern->code = code;
	pattern->limits = create_limits(pattern);
	quicken(code);
	if (pattern->limits)
		return pattern;
	pattern_free(pattern);
	err_set(err, "no memory");
	return NULL;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_context_free(pattern->limits);
	pcre2_code_free(pattern->bytes);
	pcre2_code_free(pattern->code);
	mem_free(pattern->expression);
	mem_free(pattern);
}

const char *pattern_expression(const struct pattern *pattern)
{
	return pattern->expression;
}

/* --- searching --------------------------------------------------------------------------------------------------- */

struct search {
	struct pattern *pattern;
	const char *bytes;
	size_t n;
	pcre2_match_data *found;
};

static int search_once(const struct search *search, const pcre2_code *code, uint32_t options)
{
	struct pattern *pattern = search->pattern;
	pattern->last_position = 0;
	return pcre2_match(code, (PCRE2_SPTR)search->bytes, search->n, 0, options, search->found, pattern->limits);
}

/* With the machine code first; its stack is small, and then the interpreter goes on with what work is left. */
static int search_with(const struct search *search, const pcre2_code *code)
{
	int result = search_once(search, code, 0);
	return result == PCRE2_ERROR_JIT_STACKLIMIT ? search_once(search, code, PCRE2_NO_JIT) : result;
}

static bool is_not_utf8(int result)
{
	return result <= PCRE2_ERROR_UTF8_ERR1 && result >= PCRE2_ERROR_UTF8_ERR21;
}

/* An expression may be valid as UTF-8 only (\x{20ac}): then there is no match in what is not. */
static int search_bytes(const struct search *search)
{
	struct pattern *pattern = search->pattern;
	if (!pattern->bytes) {
		pattern->bytes = compile(pattern->expression, OPTIONS, NULL);
		if (!pattern->bytes)
			return PCRE2_ERROR_NOMATCH;
		quicken(pattern->bytes);
	}
	return search_with(search, pattern->bytes);
}

static void note_groups(const struct search *search, int n, struct pattern_match *match)
{
	const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(search->found);
	match->ngroups = pcre2_get_ovector_count(search->found);
	for (size_t i = 0; i < match->ngroups; i++) {
		bool is_set = i < (size_t)n && bounds[2 * i] != PCRE2_UNSET;
		match->groups[i].begin = is_set ? bounds[2 * i] : PATTERN_UNSET;
		match->groups[i].end = is_set ? bounds[2 * i + 1] : PATTERN_UNSET;
	}
	/* \K in a look-ahead can turn these round. */
	if (match->groups[0].begin > match->groups[0].end)
		match->groups[0].begin = match->groups[0].end;
}

enum pattern_verdict pattern_find(struct pattern *pattern, const char *bytes, size_t n, struct pattern_match *match)
{
	struct search search = {pattern, n ? bytes : "", n, pcre2_match_data_create_from_pattern(pattern->code, NULL)};
	if (match) {
		match->pattern = pattern;
		match->subject = search.bytes;
		match->ngroups = 0;
	}
	if (!search.found)
		return PATTERN_LIMIT;
	pattern->work_left = WORK_FLOOR + n * WORK_PER_BYTE;
	int result = search_with(&search, pattern->code);
	if (is_not_utf8(result))
		result = search_bytes(&search);
	if (result > 0 && match)
		note_groups(&search, result, match);
	pcre2_match_data_free(search.found);
	return result > 0 ? PATTERN_FOUND : result == PCRE2_ERROR_NOMATCH ? PATTERN_NONE : PATTERN_LIMIT;
}

/* --- expansion: https://pkg.go.dev/regexp#Regexp.Expand ------------------------------------------------------------
 */

static bool is_name_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The name behind a dollar: where it begins, how long it is, and where the form goes on. NULL: there is none. */
static const char *find_name(const char *form, size_t *length, const char **rest)
{
	bool is_braced = form[0] == '{';
	const char *name = form + is_braced;
	size_t n = 0;
	while (is_name_byte(name[n]))
		n++;
	if (n == 0 || (is_braced && name[n] != '}'))
		return NULL;
	*length = n;
	*rest = name + n + is_braced;
	return name;
}

/* -1: it is not a number. As with Go, one with a leading zero is a name. */
static int group_number(const char *name, size_t length)
{
	int number = 0;
	if (name[0] == '0' && length > 1)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		number = number > PATTERN_GROUPS_MAX ? number : number * 10 + (name[i] - '0');
	}
	return number;
}

static int group_of_name(const struct pattern *pattern, const char *name, size_t length)
{
	char copy[64];
	if (length >= sizeof(copy))
		return -1;
	memcpy(copy, name, length);
	copy[length] = '\0';
	return pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)copy);
}

static void add_group(const struct pattern_match *match, const char *name, size_t length, struct text *out)
{
	if (!match || match->ngroups == 0)
		return;
	int number = group_number(name, length);
	if (number < 0)
		number = group_of_name(match->pattern, name, length);
	if (number < 0 || (size_t)number >= match->ngroups || match->groups[number].begin == PATTERN_UNSET)
		return;
	size_t begin = match->groups[number].begin;
	text_add_bytes(out, match->subject + begin, match->groups[number].end - begin);
}

void pattern_expand(const struct pattern_match *match, const char *form, struct text *out)
{
	while (*form != '\0') {
		size_t plain = strcspn(form, "$"), length;
		const char *name, *rest;
		text_add_bytes(out, form, plain);
		form += plain;
		if (*form == '\0')
			break;
		name = find_name(form + 1, &length, &rest);
		if (name) {
			add_group(match, name, length, out);
			form = rest;
			continue;
		}
		text_add_char(out, '$');
		form += form[1] == '$' ? 2 : 1;
	}
}
