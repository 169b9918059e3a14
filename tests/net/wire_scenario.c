/*
 * The scenario file: one rule a line, the first that fits an address holds.
 *
 *   ADDRESS[/BITS]|default  [KEY=VALUE ...]        # begins a comment
 *
 *   plan=LETTERS   what happens to the requests to one address, one letter a request, then from the beginning; with $
 * at the end the last letter holds for ever. Default "." .  a reply                    x  nothing d  a reply and
 * copies= more   h  a reply, but only after the reply to a later request l  a reply after late=        e  the error of
 * error= t  a reply cut to truncate=   g  garbage= bytes that are no reply s  the lie of spoof= alone    S  the lie,
 * then the true reply delay=LIST     between request and answer, "5ms" or "1ms,20ms,3ms" (one a request, then from the
 * beginning) late=TIME  copies=N  hop_limit=N  class=N  truncate=BYTES  garbage=BYTES error=KIND     net host protocol
 * port too_big source_route net_unknown host_unknown net_admin host_admin admin scope policy reject ttl reassembly
 * parameter quench, or TYPE/CODE router=ADDRESS who sends errors (default: the address that was asked) mtu=BYTES
 * packets above it that may not be fragmented get "too big" quote=BYTES    how much an error quotes after the IP header
 *   spoof=KIND     id sequence payload source quote checksum request empty;  other=ADDRESS for source and quote
 *   silent=1       nobody has that address: no answer to ARP or neighbour solicitation
 *
 * Times: "200us", "5ms", "1.5s".
 */
#include "wire.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct error_kind {
	const char *name;
	int v4[2], v6[2];
};

static const struct error_kind error_kinds[] = {
	{"net", {3, 0}, {1, 0}},           {"host", {3, 1}, {1, 3}},           {"protocol", {3, 2}, {4, 1}},
	{"port", {3, 3}, {1, 4}},          {"too_big", {3, 4}, {2, 0}},        {"source_route", {3, 5}, {-1, -1}},
	{"net_unknown", {3, 6}, {-1, -1}}, {"host_unknown", {3, 7}, {-1, -1}}, {"net_admin", {3, 9}, {1, 1}},
	{"host_admin", {3, 10}, {1, 1}},   {"admin", {3, 13}, {1, 1}},         {"scope", {-1, -1}, {1, 2}},
	{"policy", {-1, -1}, {1, 5}},      {"reject", {-1, -1}, {1, 6}},       {"ttl", {11, 0}, {3, 0}},
	{"reassembly", {11, 1}, {3, 1}},   {"parameter", {12, 0}, {4, 0}},     {"quench", {4, 0}, {-1, -1}},
};

static const char *const spoof_names[WIRE_SPOOF_COUNT] = {"id",    "sequence", "payload", "source",
							  "quote", "checksum", "request", "empty"};

bool wire_address_parse(const char *text, struct wire_address *out)
{
	*out = (struct wire_address){0};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->bytes) == 1)
		out->family = 6;
	return out->family != 0;
}

const char *wire_address_format(const struct wire_address *address, char out[WIRE_ADDRESS_TEXT])
{
	if (!inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, out, WIRE_ADDRESS_TEXT))
		out[0] = '\0';
	return out;
}

static bool parse_number(const char *text, long maximum, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return end != text && *end == '\0' && *out >= 0 && *out <= maximum;
}

static bool parse_time(const char *text, int64_t *ns)
{
	char *end;
	double number = strtod(text, &end);
	double unit = strcmp(end, "us") == 0 ? 1e3 : strcmp(end, "ms") == 0 ? 1e6 : strcmp(end, "s") == 0 ? 1e9 : 0;

	if (end == text || unit == 0 || number < 0 || number * unit > 3600e9)
		return false;
	*ns = (int64_t)(number * unit);
	return true;
}

static bool set_delays(struct wire_rule *rule, char *list)
{
	char *rest = NULL;

	rule->ndelays = 0;
	for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		if (rule->ndelays == WIRE_DELAYS_MAX || !parse_time(one, &rule->delays_ns[rule->ndelays++]))
			return false;
	return rule->ndelays > 0;
}

static bool set_plan(struct wire_rule *rule, const char *letters)
{
	size_t length = strlen(letters);

	rule->plan_ends = length > 0 && letters[length - 1] == '$';
	length -= rule->plan_ends;
	if (length == 0 || length >= sizeof(rule->plan) || strspn(letters, ".xdhletgsS") != length)
		return false;
	memcpy(rule->plan, letters, length);
	rule->plan[length] = '\0';
	return true;
}

static bool set_error(struct wire_rule *rule, const char *name)
{
	int type, code;
	char rest;

	if (sscanf(name, "%d/%d%c", &type, &code, &rest) == 2 && type >= 0 && type < 256 && code >= 0 && code < 256) {
		rule->error_type[0] = rule->error_type[1] = type;
		rule->error_code[0] = rule->error_code[1] = code;
		return true;
	}
	for (size_t i = 0; i < sizeof(error_kinds) / sizeof(error_kinds[0]); i++) {
		const struct error_kind *kind = &error_kinds[i];

		if (strcmp(kind->name, name) != 0)
			continue;
		rule->error_type[0] = kind->v4[0];
		rule->error_code[0] = kind->v4[1];
		rule->error_type[1] = kind->v6[0];
		rule->error_code[1] = kind->v6[1];
		return true;
	}
	return false;
}

static bool set_spoof(struct wire_rule *rule, const char *name)
{
	for (unsigned i = 0; i < WIRE_SPOOF_COUNT; i++)
		if (strcmp(spoof_names[i], name) == 0) {
			rule->spoof = (enum wire_spoof)i;
			return true;
		}
	return false;
}

/* The keys whose value is a number. */
static bool set_number(struct wire_rule *rule, const char *key, long number)
{
	if (strcmp(key, "copies") == 0)
		rule->copies = (unsigned)number;
	else if (strcmp(key, "hop_limit") == 0)
		rule->hop_limit = (uint8_t)number;
	else if (strcmp(key, "class") == 0)
		rule->traffic_class = (uint8_t)number;
	else if (strcmp(key, "mtu") == 0)
		rule->mtu = (uint32_t)number;
	else if (strcmp(key, "quote") == 0)
		rule->quote = (int)number;
	else if (strcmp(key, "truncate") == 0)
		rule->truncate = (int)number;
	else if (strcmp(key, "garbage") == 0)
		rule->garbage = (int)number;
	else if (strcmp(key, "silent") == 0)
		rule->is_silent = number != 0;
	else
		return false;
	return true;
}

static bool set_key(struct wire_rule *rule, const char *key, char *value)
{
	long number;

	if (strcmp(key, "plan") == 0)
		return set_plan(rule, value);
	if (strcmp(key, "delay") == 0)
		return set_delays(rule, value);
	if (strcmp(key, "late") == 0)
		return parse_time(value, &rule->late_ns);
	if (strcmp(key, "error") == 0)
		return set_error(rule, value);
	if (strcmp(key, "spoof") == 0)
		return set_spoof(rule, value);
	if (strcmp(key, "router") == 0)
		return wire_address_parse(value, &rule->router);
	if (strcmp(key, "other") == 0)
		return wire_address_parse(value, &rule->other);
	return parse_number(value, 65535, &number) && set_number(rule, key, number);
}

static bool set_prefix(struct wire_rule *rule, char *text)
{
	char *slash = strchr(text, '/');
	long bits;

	if (strcmp(text, "default") == 0)
		return true;
	if (slash)
		*slash = '\0';
	if (!wire_address_parse(text, &rule->prefix))
		return false;
	rule->bits = rule->prefix.family == 4 ? 32 : 128;
	if (slash) {
		if (!parse_number(slash + 1, (long)rule->bits, &bits))
			return false;
		rule->bits = (unsigned)bits;
	}
	return true;
}

/* 1: a rule; 0: an empty line; -1: nonsense. */
static int parse_line(char *line, struct wire_rule *rule)
{
	char *rest = NULL, *comment = strchr(line, '#'), *word;

	*rule = (struct wire_rule){
		.plan = ".", .ndelays = 1, .copies = 1, .hop_limit = 64, .quote = -1, .truncate = 12, .garbage = 32};
	set_error(rule, "host");
	if (comment)
		*comment = '\0';
	word = strtok_r(line, " \t\n", &rest);
	if (!word)
		return 0;
	if (!set_prefix(rule, word))
		return -1;
	while ((word = strtok_r(NULL, " \t\n", &rest))) {
		char *equals = strchr(word, '=');

		if (!equals)
			return -1;
		*equals = '\0';
		if (!set_key(rule, word, equals + 1)) {
			fprintf(stderr, "wire: what is \"%s=%s\"?\n", word, equals + 1);
			return -1;
		}
	}
	return 1;
}

int wire_scenario_read(struct wire_scenario *scenario, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0, number = 0;
	int status = 0;

	if (!file) {
		perror(path);
		return -1;
	}
	wire_scenario_free(scenario);
	while (status == 0 && getline(&line, &size, file) >= 0) {
		struct wire_rule rule;
		struct wire_rule *grown;
		int found = parse_line(line, &rule);

		number++;
		if (found < 0) {
			fprintf(stderr, "wire: %s:%zu: not understood\n", path, number);
			status = -1;
		} else if (found > 0 && (grown = realloc(scenario->rules, (scenario->n + 1) * sizeof(rule)))) {
			scenario->rules = grown;
			scenario->rules[scenario->n++] = rule;
		}
	}
	free(line);
	fclose(file);
	return status;
}

void wire_scenario_free(struct wire_scenario *scenario)
{
	free(scenario->rules);
	*scenario = (struct wire_scenario){0};
}

static bool prefix_fits(const struct wire_rule *rule, const struct wire_address *address)
{
	unsigned whole = rule->bits / 8, rest = rule->bits % 8;

	if (rule->prefix.family == 0)
		return true;
	if (rule->prefix.family != address->family || memcmp(rule->prefix.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (rule->prefix.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

const struct wire_rule *wire_scenario_find(const struct wire_scenario *scenario, const struct wire_address *address)
{
	for (size_t i = 0; i < scenario->n; i++)
		if (prefix_fits(&scenario->rules[i], address))
			return &scenario->rules[i];
	return NULL;
}
