#include "core/destination.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/text.h"

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63
#define PORT_MAX        65535
#define RULE_MAX_BYTES  512

enum rule_kind { RULE_EVERYBODY, RULE_NETWORK, RULE_NAME, RULE_BELOW };

struct rule {
	char *text; /* as it was written */
	enum rule_kind kind;
	struct address network;
	unsigned bits;
	char *name;      /* of RULE_BELOW without "*.": in lower case, without the dot at the end */
	int first, last; /* ports */
	bool has_ports;  /* false: all of them, and ICMP */
};

struct rule_list {
	struct rule *items;
	size_t n;
};

struct destination_rules {
	struct rule_list allow, deny;
	const char *allow_option, *deny_option; /* NULL: those of /probe */
};

/* Does the rule match, as far as that is known? */
enum match { MATCH_NO, MATCH_PERHAPS, MATCH_YES };

/* --- what is refused without a rule ------------------------------------------------------------------------------ */

struct range {
	uint8_t family;
	uint8_t bits;
	uint8_t bytes[16];
	const char *text, *what;
};

#define V4(a, b, c, d, length, what_)                                                                                  \
	{                                                                                                              \
		ADDRESS_IPV4, length, {a, b, c, d}, #a "." #b "." #c "." #d "/" #length, what_                         \
	}

static const char metadata[] = "a metadata service of a cloud";

/* The narrower ones first. */
static const struct range ranges[] = {
	V4(169, 254, 169, 254, 32, metadata), /* most clouds */
	V4(169, 254, 170, 2, 32, metadata),   /* Amazon: tasks of containers */
	V4(169, 254, 170, 23, 32, metadata),  /* Amazon: identity of pods */
	V4(169, 254, 42, 42, 32, metadata),   /* Scaleway */
	V4(100, 100, 100, 200, 32, metadata), /* Alibaba */
	V4(168, 63, 129, 16, 32, metadata),   /* Azure */
	V4(192, 0, 0, 192, 32, metadata),     /* Oracle */
	V4(255, 255, 255, 255, 32, "broadcast"),
	V4(0, 0, 0, 0, 8, "this host (unspecified)"),
	V4(127, 0, 0, 0, 8, "loopback"),
	V4(169, 254, 0, 0, 16, "link-local"),
	V4(224, 0, 0, 0, 4, "multicast"),
	V4(240, 0, 0, 0, 4, "reserved"),
	{ADDRESS_IPV6, 128, {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, "fd00:ec2::254/128", metadata},
	{ADDRESS_IPV6, 128, {0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23}, "fd00:ec2::23/128", metadata},
	{ADDRESS_IPV6, 128, {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}, "fd20:ce::254/128", metadata},
	{ADDRESS_IPV6,
	 128,
	 {0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe},
	 "fd00:c1::a9fe:a9fe/128",
	 metadata},
	{ADDRESS_IPV6, 128, {0xfd, 0x00, 0x00, 0x42, [15] = 0x42}, "fd00:42::42/128", metadata},
	{ADDRESS_IPV6, 128, {0}, "::/128", "this host (unspecified)"},
	{ADDRESS_IPV6, 128, {[15] = 1}, "::1/128", "loopback"},
	{ADDRESS_IPV6, 10, {0xfe, 0x80}, "fe80::/10", "link-local"},
	{ADDRESS_IPV6, 8, {0xff}, "ff00::/8", "multicast"},
	/* Where the IPv4 address stands in it is known to the network's owner only. */
	{ADDRESS_IPV6, 48, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, "64:ff9b:1::/48", "translation to IPv4 (RFC 8215)"},
};

/* IPv6 networks whose addresses have an IPv4 address inside. */
static const struct embedding {
	uint8_t bits, bytes[12];
	uint8_t offset; /* of the IPv4 address, in bytes */
	uint8_t flip;   /* what each of its bytes is changed by */
	uint8_t before; /* bits that must be given before those of the IPv4 address say something */
} embeddings[] = {
	{96, {0x00, 0x64, 0xff, 0x9b}, 12, 0x00, 96}, /* NAT64, RFC 6052 */
	{16, {0x20, 0x02}, 2, 0x00, 16},              /* 6to4, RFC 3056 */
	{32, {0x20, 0x01, 0x00, 0x00}, 12, 0xff, 96}, /* Teredo, RFC 4380: the client */
	{32, {0x20, 0x01, 0x00, 0x00}, 4, 0x00, 32},  /* Teredo: the server */
	{96, {[8] = 0xff, 0xff}, 12, 0x00, 96},       /* SIIT, RFC 2765 */
	{96, {0}, 12, 0x00, 96},                      /* IPv4-compatible, RFC 4291 2.5.5.1 */
};
#define EMBEDDINGS (sizeof(embeddings) / sizeof(embeddings[0]))

static bool bits_are_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static const struct range *find_range(const struct address *address)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const struct range *range = &ranges[i];

		if (range->family == address->family && bits_are_equal(range->bytes, address->bytes, range->bits))
			return range;
	}
	return NULL;
}

/* IPv4-mapped IPv6 is IPv4: the kernel makes the same connection of both. */
static struct address unmap(const struct address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, 0xff};
	struct address plain = {.family = ADDRESS_IPV4};

	if (address->family != ADDRESS_IPV6 || memcmp(address->bytes, prefix, sizeof(prefix)) != 0)
		return *address;
	memcpy(plain.bytes, address->bytes + sizeof(prefix), 4);
	return plain;
}

/* The IPv4 address inside, if the address is of that kind. */
static bool extract(const struct embedding *embedding, const struct address *address, struct address *inner)
{
	if (address->family != ADDRESS_IPV6 || !bits_are_equal(embedding->bytes, address->bytes, embedding->bits))
		return false;
	*inner = (struct address){.family = ADDRESS_IPV4};
	for (unsigned i = 0; i < 4; i++)
		inner->bytes[i] = address->bytes[embedding->offset + i] ^ embedding->flip;
	return true;
}

/* --- reading rules ------------------------------------------------------------------------------------------------ */

/* Digits only, n of them. */
static int read_number(const char *text, size_t n, int maximum)
{
	int number = 0;

	if (n == 0 || n > 5)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number <= maximum ? number : -1;
}

/* What follows the colon. */
static int read_ports(struct rule *rule, const char *text, struct err *err)
{
	size_t n = strcspn(text, "-");

	rule->has_ports = true;
	rule->first = rule->last = read_number(text, n, PORT_MAX);
	if (text[n] == '-')
		rule->last = read_number(text + n + 1, strlen(text + n + 1), PORT_MAX);
	if (rule->first < 1 || rule->last < 1)
		return err_set(err, "\":%s\" is no port (1 to 65535) and no range of ports, such as 80-443", text);
	if (rule->first > rule->last)
		return err_set(err, "the range of ports %s begins behind its end", text);
	return 0;
}

static void cut_bits(struct address *network, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned left = bits > 8 * i ? bits - 8 * i : 0;

		if (left < 8)
			network->bytes[i] &= (uint8_t)(0xff00 >> left);
	}
}

/* length: what follows the slash, or NULL. is_long: written as IPv6, which may have become IPv4. */
static int read_length(struct rule *rule, const char *length, bool is_long, struct err *err)
{
	unsigned most = address_families[rule->network.family - 1].bits;
	bool was_mapped = is_long && rule->network.family == ADDRESS_IPV4;
	char text[ADDRESS_TEXT_SIZE];
	struct address cut = rule->network;
	int bits;

	rule->bits = most;
	if (!length)
		return 0;
	bits = read_number(length, strlen(length), is_long ? 128 : 32);
	if (bits == -1)
		return err_set(err, "\"/%s\" is no length of a network (0 to %d)", length, is_long ? 128 : 32);
	if (was_mapped && bits < 96)
		return err_set(err, "write IPv4 networks as such: 10.0.0.0/8");
	rule->bits = (unsigned)bits - (was_mapped ? 96 : 0);
	cut_bits(&cut, rule->bits);
	if (!address_equal(&cut, &rule->network))
		return err_set(err, "has bits behind the first %u, did you mean %s/%u?", rule->bits,
			       address_format(&cut, text), rule->bits);
	return 0;
}

/* n bytes of host that can only be an address. */
static int read_network(struct rule *rule, const char *host, size_t n, const char *length, struct err *err)
{
	char copy[ADDRESS_TEXT_SIZE];

	rule->kind = RULE_NETWORK;
	if (n < sizeof(copy)) {
		memcpy(copy, host, n);
		copy[n] = '\0';
	}
	if (memchr(host, '%', n))
		return err_set(err, "an address of a rule has no zone (%%)");
	if (n >= sizeof(copy) || !address_parse(copy, &rule->network))
		return err_set(err, "\"%.*s\" is not an IP address", (int)(n < 100 ? n : 100), host);
	return read_length(rule, length, memchr(host, ':', n) != NULL, err);
}

static bool is_label(const char *label, size_t n)
{
	if (n == 0 || n > LABEL_MAX_BYTES || label[0] == '-' || label[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = label[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* A last label that is a number, also in hexadecimal, makes an IPv4 address of some kind (WHATWG URL, 3.5). */
static bool is_numeric(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return strspn(label + 2, "0123456789abcdef") == strlen(label + 2);
	return strspn(label, "0123456789") == strlen(label);
}

static int check_name(const char *name, struct err *err)
{
	const char *last = name;

	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(err, "is longer than a name can be");
	for (const char *at = name;; at++) {
		size_t n = strcspn(at, ".");

		if (!is_label(at, n))
			return err_set(err,
				       "\"%.100s\" is not a name (letters, digits, - and _ between dots; other "
				       "letters as xn--...)",
				       name);
		last = at;
		at += n;
		if (*at == '\0')
			break;
	}
	if (is_numeric(last))
		return err_set(err, "\"%.100s\" is neither an IP address nor a name, which cannot end in a number",
			       name);
	return 0;
}

static int read_name(struct rule *rule, const char *host, size_t n, struct err *err)
{
	bool is_below = n > 2 && host[0] == '*' && host[1] == '.';
	struct text name = {0};

	rule->kind = is_below ? RULE_BELOW : RULE_NAME;
	for (size_t i = is_below ? 2 : 0; i < n; i++)
		text_add_char(&name, host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i]);
	if (name.length > 1 && name.bytes[name.length - 1] == '.')
		name.length--;
	rule->name = text_take(&name);
	if (strchr(rule->name, '*'))
		return err_set(err, "a star stands at the beginning only, as in *.example.com");
	return check_name(rule->name, err);
}

/* The parts of a rule: pieces of its text. */
struct parts {
	const char *host;
	size_t n;
	const char *length; /* after the slash; NUL-terminated, or NULL */
	const char *ports;  /* after the colon; or NULL */
	bool is_address;    /* it cannot be a name */
};

/* Cuts the text, in which it ends the length where ports follow. */
static int split(char *text, struct parts *parts, struct err *err)
{
	char *rest, *slash = strchr(text, '/');

	*parts = (struct parts){.host = text};
	if (text[0] == '[') {
		rest = strchr(text, ']');
		if (!rest)
			return err_set(err, "the bracket is not closed");
		*parts = (struct parts){.host = text + 1, .n = (size_t)(rest - text - 1), .is_address = true};
		rest++;
	} else if (slash) {
		parts->n = (size_t)(slash - text);
		parts->is_address = true;
		rest = slash;
	} else {
		char *colon = strchr(text, ':');

		/* More than one colon: IPv6 without a port. */
		parts->is_address = colon && strchr(colon + 1, ':');
		rest = colon && !parts->is_address ? colon : text + strlen(text);
		parts->n = (size_t)(rest - text);
	}
	if (*rest == '/') {
		parts->length = rest + 1;
		rest += strcspn(rest, ":");
	}
	if (*rest == ':') {
		*rest = '\0';
		parts->ports = rest + 1;
	} else if (*rest != '\0') {
		return err_set(err,
			       "has \"%.100s\" behind the bracket: a length (/32) or a port (:443) may stand there",
			       rest);
	}
	return 0;
}

static int read_host(struct rule *rule, const struct parts *parts, struct err *err)
{
	bool is_number = parts->n > 0 && strspn(parts->host, "0123456789.") >= parts->n;

	if (parts->is_address || (is_number && memchr(parts->host, '.', parts->n)))
		return read_network(rule, parts->host, parts->n, parts->length, err);
	if (parts->n == 0 && !parts->ports)
		return err_set(err, "is empty");
	if (parts->n == 0 || (parts->n == 1 && parts->host[0] == '*'))
		return 0; /* RULE_EVERYBODY */
	return read_name(rule, parts->host, parts->n, err);
}

static void rule_free(struct rule *rule)
{
	mem_free(rule->text);
	mem_free(rule->name);
}

static int rule_read(struct rule *rule, const char *text, struct err *err)
{
	char copy[RULE_MAX_BYTES];
	struct parts parts;

	*rule = (struct rule){.text = mem_copy_string(text)};
	if (strlen(text) >= sizeof(copy))
		err_set(err, "is too long");
	else if (split(strcpy(copy, text), &parts, err) == 0 && read_host(rule, &parts, err) == 0 &&
		 (!parts.ports || read_ports(rule, parts.ports, err) == 0))
		return 0;
	return err_prefix(err, "\"%.200s\"", text);
}

int destination_check_rule(const char *text, struct err *err)
{
	struct rule rule;
	int result = rule_read(&rule, text, err);

	rule_free(&rule);
	return result;
}

static int read_list(struct rule_list *list, const struct option_list *texts, struct err *err)
{
	list->items = mem_zero(texts->n, sizeof(struct rule));
	for (; list->n < texts->n; list->n++) {
		if (rule_read(&list->items[list->n], texts->items[list->n], err) == -1) {
			rule_free(&list->items[list->n]);
			return -1;
		}
	}
	return 0;
}

static void free_list(struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		rule_free(&list->items[i]);
	mem_free(list->items);
}

struct destination_rules *destination_rules_create(const struct option_list *allow, const struct option_list *deny,
						   struct err *err)
{
	struct destination_rules *rules = mem_zero(1, sizeof(*rules));

	if (read_list(&rules->allow, allow, err) == -1)
		err_prefix(err, "allow");
	else if (read_list(&rules->deny, deny, err) == -1)
		err_prefix(err, "deny");
	else
		return rules;
	destination_rules_free(rules);
	return NULL;
}

void destination_rules_name(struct destination_rules *rules, const char *allow, const char *deny)
{
	rules->allow_option = allow;
	rules->deny_option = deny;
}

void destination_rules_free(struct destination_rules *rules)
{
	if (!rules)
		return;
	free_list(&rules->allow);
	free_list(&rules->deny);
	mem_free(rules);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

/* What is to be decided, made ready once. */
struct question {
	const char *host;
	size_t length; /* without a dot at the end */
	const struct address *address;
	int port;
	bool is_left;
};

static bool network_has(const struct rule *rule, const struct address *address)
{
	return rule->network.family == address->family &&
	       bits_are_equal(rule->network.bytes, address->bytes, rule->bits);
}

static bool name_matches(const struct rule *rule, const struct question *question)
{
	size_t n = strlen(rule->name);
	const char *end = question->host + question->length;

	if (rule->kind == RULE_NAME)
		return question->length == n && strncasecmp(question->host, rule->name, n) == 0;
	return question->length > n + 1 && end[-(ptrdiff_t)n - 1] == '.' && strncasecmp(end - n, rule->name, n) == 0;
}

static enum match match_host(const struct rule *rule, const struct question *question)
{
	switch (rule->kind) {
	case RULE_NETWORK:
		if (!question->address)
			return question->is_left ? MATCH_NO : MATCH_PERHAPS;
		return network_has(rule, question->address) ? MATCH_YES : MATCH_NO;
	case RULE_NAME:
	case RULE_BELOW:
		return name_matches(rule, question) ? MATCH_YES : MATCH_NO;
	default:
		return MATCH_YES;
	}
}

static enum match match_port(const struct rule *rule, const struct question *question)
{
	if (!rule->has_ports)
		return MATCH_YES;
	if (question->port == DESTINATION_UNKNOWN_PORT)
		return MATCH_PERHAPS;
	return question->port >= rule->first && question->port <= rule->last ? MATCH_YES : MATCH_NO;
}

static enum match match(const struct rule *rule, const struct question *question)
{
	enum match host = match_host(rule, question), port = match_port(rule, question);

	return host < port ? host : port;
}

/* The first rule that matches at least so well. */
static const struct rule *find_rule(const struct rule_list *list, const struct question *question, enum match least)
{
	for (size_t i = 0; i < list->n; i++) {
		if (match(&list->items[i], question) >= least)
			return &list->items[i];
	}
	return NULL;
}

/* Of the address, or of the one inside it. */
static const struct rule *find_denial(const struct rule_list *deny, const struct question *question)
{
	const struct rule *rule = find_rule(deny, question, MATCH_YES);
	struct question inner = *question;
	struct address address;

	inner.address = &address;
	for (size_t i = 0; i < EMBEDDINGS && !rule && question->address; i++) {
		if (extract(&embeddings[i], question->address, &address))
			rule = find_rule(deny, &inner, MATCH_YES);
	}
	return rule;
}

/* Does a rule open what is refused without one? It must be at least so narrow. */
static bool is_opened(const struct rule_list *allow, const struct question *question, unsigned bits)
{
	for (size_t i = 0; i < allow->n; i++) {
		const struct rule *rule = &allow->items[i];

		if (rule->kind == RULE_NETWORK && rule->bits >= bits && match(rule, question) != MATCH_NO)
			return true;
	}
	return false;
}

/* The range that the address is in, or the one inside it. *inside: the latter. */
static const struct range *find_closed(const struct rule_list *allow, const struct question *question, bool *is_inside)
{
	const struct range *range = find_range(question->address);
	struct address inner;

	*is_inside = false;
	if (range)
		return is_opened(allow, question, range->bits) ? NULL : range;
	*is_inside = true;
	for (size_t i = 0; i < EMBEDDINGS; i++) {
		range = extract(&embeddings[i], question->address, &inner) ? find_range(&inner) : NULL;
		if (range && !is_opened(allow, question, embeddings[i].before + range->bits))
			return range;
	}
	return NULL;
}

/* "192.0.2.1:80 (name.example)" */
static void describe(const struct question *question, struct text *out)
{
	char address[ADDRESS_TEXT_SIZE];
	int shown = (int)(question->length < 100 ? question->length : 100);

	if (!question->address) {
		text_add_format(out, "%.*s", shown, question->host);
		return;
	}
	address_format(question->address, address);
	if (question->port > 0)
		text_add_format(out, question->address->family == ADDRESS_IPV6 ? "[%s]:%d" : "%s:%d", address,
				question->port);
	else
		text_add(out, address);
	if ((size_t)shown != strlen(address) || strncmp(address, question->host, (size_t)shown) != 0)
		text_add_format(out, " (%.*s)", shown, question->host);
}

static bool refuse(const struct question *question, struct text *reason, struct err *why)
{
	struct text who = {0};

	describe(question, &who);
	err_set(why, "%s is refused: %s", text_string(&who), text_string(reason));
	text_free(&who);
	text_free(reason);
	return false;
}

static const char *allow_option(const struct destination_rules *rules)
{
	return rules->allow_option ? rules->allow_option : "probe_endpoint.allow";
}

static bool decide(const struct destination_rules *rules, const struct question *question, struct err *why)
{
	const struct rule *denial = find_denial(&rules->deny, question);
	const struct range *range;
	struct text reason = {0};
	bool is_inside;

	if (denial) {
		text_add_format(&reason, "the rule \"%s\" of %s", denial->text,
				rules->deny_option ? rules->deny_option : "probe_endpoint.deny");
		return refuse(question, &reason, why);
	}
	range = question->address ? find_closed(&rules->allow, question, &is_inside) : NULL;
	if (range) {
		text_add_format(&reason, "%s%s (%s), which only a rule of %s opens that is no wider",
				is_inside ? "it leads to " : "", range->what, range->text, allow_option(rules));
		return refuse(question, &reason, why);
	}
	if (rules->allow.n > 0 && !find_rule(&rules->allow, question, MATCH_PERHAPS)) {
		text_add_format(&reason, "no rule of %s permits it", allow_option(rules));
		return refuse(question, &reason, why);
	}
	return true;
}

bool destination_is_permitted(const struct destination_rules *rules, const struct destination *destination,
			      struct err *why)
{
	static const struct destination_rules none;
	struct question question = {
		.host = destination->host, .port = destination->port, .is_left = destination->is_left};
	struct address plain;

	question.length = strlen(question.host);
	if (question.length > 1 && question.host[question.length - 1] == '.')
		question.length--;
	if (destination->address) {
		plain = unmap(destination->address);
		question.address = &plain;
	}
	return decide(rules ? rules : &none, &question, why);
}
