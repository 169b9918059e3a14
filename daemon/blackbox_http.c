/* The prober http of a blackbox.yml. */
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/quantity.h"
#include "core/text.h"
#include "daemon/blackbox_prober.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- lists ------------------------------------------------------------------------------------------------------- */

static int add_status(const struct blackbox_place *place, void *out)
{
	int64_t status;
	if (blackbox_integer(place, &status) != 0)
		return -1;
	blackbox_words_add(out, mem_format("%lld", (long long)status));
	return 0;
}

static int read_list(const struct blackbox_place *place, const struct blackbox_field *field, void *out,
		     int (*add)(const struct blackbox_place *, void *))
{
	struct blackbox_words words = {0};
	int result = blackbox_read_items(place, add, &words);
	/* An empty list is as good as none. */
	if (result == 0 && words.n > 0)
		result = blackbox_draft_set_words(place, out, field->option, &words);
	blackbox_words_free(&words);
	return result;
}

static int read_status_codes(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_list(place, field, out, add_status);
}

/* HTTP/2 and HTTP/3 are what people write who mean HTTP/2.0 and HTTP/3.0. */
static int add_version(const struct blackbox_place *place, void *out)
{
	static const char *const names[][2] = {{"HTTP/1.0", "1.0"}, {"HTTP/1.1", "1.1"}, {"HTTP/2.0", "2"},
					       {"HTTP/2", "2"},     {"HTTP/3.0", "3"},   {"HTTP/3", "3"}};
	const char *text = blackbox_text(place);
	if (!text)
		return -1;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(text, names[i][0]) == 0)
			text = names[i][1];
	}
	blackbox_words_add(out, mem_copy_string(text));
	return 0;
}

static int read_versions(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_list(place, field, out, add_version);
}

/* --- headers ----------------------------------------------------------------------------------------------------- */

static int read_header(const struct blackbox_place *place, void *out)
{
	struct blackbox_draft *draft = out;
	const char *value = blackbox_text(place);
	if (!value)
		return -1;
	if (strcasecmp(place->key, "Host") == 0)
		return blackbox_draft_set_text(place, draft, "host", value);
	if (strcasecmp(place->key, "Accept-Encoding") == 0) {
		mem_free(draft->accept_encoding);
		draft->accept_encoding = mem_copy_string(value);
	}
	blackbox_words_add(&draft->headers, mem_format("%s: %s", place->key, value));
	return 0;
}

static int read_headers(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_entries(place, read_header, out);
}

/* One of fail_if_header_matches. */
struct header_rule {
	const char *header;
	struct text regexp;
	bool is_optional;
};

static int read_rule_header(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	const char *text = blackbox_text(place);
	((struct header_rule *)out)->header = text;
	return text ? 0 : -1;
}

static int read_rule_regexp(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_add_regex(place, &((struct header_rule *)out)->regexp);
}

static int read_rule_missing(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_boolean(place, &((struct header_rule *)out)->is_optional);
}

static int add_header_rule(const struct blackbox_place *place, void *out)
{
	static const struct blackbox_field fields[] = {
		{"header", read_rule_header, NULL, 0},
		{"regexp", read_rule_regexp, NULL, 0},
		{"allow_missing", read_rule_missing, NULL, 0},
	};
	struct header_rule rule = {.header = ""};
	int result = yaml_node_is_null(place->node) ? 0 : blackbox_read_map(place, fields, COUNT(fields), &rule);
	if (result == 0 && (rule.header[0] == '\0' || rule.regexp.length == 0))
		result = blackbox_refuse(place, "header and regexp must be given");
	if (result == 0)
		blackbox_words_add(out, mem_format("%s%s: %s", rule.header, rule.is_optional ? "?" : "",
						   text_string(&rule.regexp)));
	text_free(&rule.regexp);
	return result;
}

static int read_header_rules(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_list(place, field, out, add_header_rule);
}

/* --- single values ----------------------------------------------------------------------------------------------- */

/* Powers of 1024 all of them, as there. A negative size is no limit. */
static int read_size(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const struct quantity_unit units[] = {
		{"B", 1},
		{"KB", INT64_C(1) << 10},
		{"MB", INT64_C(1) << 20},
		{"GB", INT64_C(1) << 30},
		{"TB", INT64_C(1) << 40},
		{"PB", INT64_C(1) << 50},
		{"EB", INT64_C(1) << 60},
		{"KiB", INT64_C(1) << 10},
		{"MiB", INT64_C(1) << 20},
		{"GiB", INT64_C(1) << 30},
		{"TiB", INT64_C(1) << 40},
		{"PiB", INT64_C(1) << 50},
		{"EiB", INT64_C(1) << 60},
	};
	const char *text = blackbox_text(place);
	int64_t size;
	if (!text)
		return -1;
	if (!quantity_parse(text, units, COUNT(units), &size))
		return blackbox_refuse(place, "must be a size such as 10MB or 512KiB");
	if (size <= 0)
		return 0;
	return blackbox_draft_set(place, out, field->option,
				  &(struct option_value){.form = OPTION_WRITTEN_INTEGER, .integer = size});
}

static int read_compression(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	if (!text || text[0] == '\0')
		return text ? 0 : -1;
	mem_free(draft->compression);
	draft->compression = mem_copy_string(text);
	return blackbox_draft_set_text(place, draft, field->option, text);
}

static int read_http2(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	bool is_on;
	(void)field;
	if (blackbox_boolean(place, &is_on) != 0)
		return -1;
	draft->is_http2_off = !is_on;
	return 0;
}

static int read_http3(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_boolean(place, &((struct blackbox_draft *)out)->is_http3_on);
}

/* no_follow_redirects, which is older, goes before it, whichever comes first. */
static int read_follow(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	bool value;
	if (draft->given & GIVEN_NO_FOLLOW)
		return blackbox_boolean(place, &value);
	return blackbox_read_boolean(place, field, out);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int set_version(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	if (draft->is_http3_on && !draft->is_http2_off)
		return blackbox_refuse(place, "enable_http3 needs enable_http2 to be false");
	if (!draft->is_http3_on && !draft->is_http2_off)
		return 0;
	return blackbox_draft_set_text(place, draft, "http_version", draft->is_http3_on ? "3" : "1.1");
}

static int finish(const struct blackbox_place *place, struct blackbox_draft *draft, bool has_block)
{
	(void)has_block;
	if (!blackbox_encoding_is_accepted(draft->compression, draft->accept_encoding))
		return blackbox_refuse(place, "the header Accept-Encoding: %s asks for no answer with compression %s",
				       draft->accept_encoding, draft->compression);
	if (set_version(place, draft) != 0 || blackbox_finish_client(place, draft) != 0)
		return -1;
	return blackbox_set_family(place, draft);
}

static const struct blackbox_field fields[] = {
	{"valid_status_codes", read_status_codes, "valid_status", 0},
	{"valid_http_versions", read_versions, "valid_versions", 0},
	{"preferred_ip_protocol", blackbox_read_protocol, NULL, 0},
	{"ip_protocol_fallback", blackbox_read_fallback, NULL, 0},
	{"skip_resolve_phase_with_proxy", blackbox_read_boolean, "skip_resolve_with_proxy", 0},
	{"no_follow_redirects", blackbox_read_negation, "follow_redirects", GIVEN_NO_FOLLOW},
	{"follow_redirects", read_follow, "follow_redirects", 0},
	{"fail_if_ssl", blackbox_read_boolean, "fail_if_tls", 0},
	{"fail_if_not_ssl", blackbox_read_boolean, "fail_if_not_tls", 0},
	{"method", blackbox_read_text, "method", 0},
	{"headers", read_headers, NULL, 0},
	{"http_headers", blackbox_read_http_headers, NULL, 0},
	{"fail_if_body_matches_regexp", blackbox_read_regexes, "fail_if_body_matches", 0},
	{"fail_if_body_not_matches_regexp", blackbox_read_regexes, "fail_if_body_not_matches", 0},
	{"fail_if_body_json_matches_cel", blackbox_read_unsupported, NULL, 0},
	{"fail_if_body_json_not_matches_cel", blackbox_read_unsupported, NULL, 0},
	{"fail_if_header_matches", read_header_rules, "fail_if_header_matches", 0},
	{"fail_if_header_not_matches", read_header_rules, "fail_if_header_not_matches", 0},
	{"body", blackbox_read_text, "body", GIVEN_BODY},
	{"body_file", blackbox_read_text, "body_file", GIVEN_BODY_FILE},
	{"compression", read_compression, "compression", 0},
	{"body_size_limit", read_size, "body_size_limit", 0},
	{"basic_auth", blackbox_read_basic_auth, NULL, GIVEN_BASIC_AUTH},
	{"authorization", blackbox_read_authorization, NULL, GIVEN_AUTHORIZATION},
	{"oauth2", blackbox_read_oauth2, NULL, GIVEN_OAUTH2},
	{"bearer_token", blackbox_read_text, "bearer_token", GIVEN_BEARER},
	{"bearer_token_file", blackbox_read_secret_file, "bearer_token", GIVEN_BEARER_FILE},
	{"tls_config", blackbox_read_tls, NULL, 0},
	{"enable_http2", read_http2, NULL, 0},
	{"enable_http3", read_http3, NULL, 0},
	{"proxy_url", blackbox_read_proxy, "proxy", GIVEN_PROXY_URL},
	{"no_proxy", blackbox_read_text, "no_proxy", GIVEN_NO_PROXY},
	{"proxy_from_environment", blackbox_read_unsupported, NULL, GIVEN_PROXY_ENVIRONMENT},
	{"proxy_connect_header", blackbox_read_proxy_headers, "proxy_headers", GIVEN_PROXY_HEADER},
};

const struct blackbox_prober blackbox_http = {
	.name = "http",
	.type = "http",
	.fields = fields,
	.nfields = COUNT(fields),
	.finish = finish,
};
