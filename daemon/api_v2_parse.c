/*
 * Bodies of /api/v2 -> calls.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/api_v2.h"
#include "daemon/api_v2_memory.h"
#include "daemon/names.h"
#include "probes/routeros/ros_access.h"
#include "probes/routeros/ros_wire.h"

#define HOST_MAX         253
#define USER_MAX         256
#define SECRET_MAX       1024
#define WORDS_MAX        256   /* of one command */
#define NAME_MAX_BYTES   128   /* of a parameter */
#define VALUE_MAX        65536 /* of a parameter; also of a proplist */
#define PATH_MAX_BYTES   256
#define COUNT_DEFAULT    4
#define COUNT_MAX        1000
#define HOPS_DEFAULT     30
#define TRACES_DEFAULT   1
#define FINGERPRINT_SIZE 65
#define TIMEOUT_MAX      86400.0
#define CONCURRENT_LIMIT 100000

static const char *const kind_names[API_V2_KINDS] = {
	[API_V2_TEST_CONNECTION] = "test-connection",
	[API_V2_PING] = "ping",
	[API_V2_TRACEROUTE] = "traceroute",
	[API_V2_COMMAND] = "command",
	[API_V2_BATCH] = "batch",
	[API_V2_MULTI_HOST] = "multi-host",
	[API_V2_STATS] = "stats",
	[API_V2_CACHE_CLEAR] = "cache-clear",
};

const char *api_v2_kind_name(enum api_v2_kind kind)
{
	return kind_names[kind];
}

/* A body while it is read. */
struct reading_call {
	const struct api_v2_limits *limits;
	struct api_v2_call *call;
	struct text scratch; /* for sentences and values */
	char at[32];         /* "commands[3].": where in the body */
	char *field;         /* NULL, or API_V2_FIELD_SIZE bytes */
	struct err *err;
};

/* what: why. -1 */
static int fail(const struct reading_call *in, const char *name, const char *why)
{
	if (in->field)
		snprintf(in->field, API_V2_FIELD_SIZE, "%.31s%.63s", in->at, name);
	return err_set(in->err, "%s%s: %s", in->at, name, why);
}

static void enter(struct reading_call *in, const char *list, size_t position)
{
	snprintf(in->at, sizeof(in->at), "%s[%zu].", list, position);
}

static void leave(struct reading_call *in)
{
	in->at[0] = '\0';
}

/* --- pieces --------------------------------------------------------------------------------------------------------
 */

static bool has_control(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
			return true;
	return false;
}

/* A copy of a text of at most max bytes; *out stays as it is when there is none. */
static int read_text(struct reading_call *in, const json_t *object, const char *name, size_t max, const char **out)
{
	const json_t *value = json_object_get(object, name);
	char why[64];

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return fail(in, name, "must be a text");
	if (json_string_length(value) > max) {
		snprintf(why, sizeof(why), "longer than %zu bytes", max);
		return fail(in, name, why);
	}
	*out = api_v2_copy(in->call->memory, json_string_value(value), json_string_length(value));
	return 0;
}

static int read_boolean(struct reading_call *in, const json_t *object, const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return fail(in, name, "must be true or false");
	*out = json_is_true(value);
	return 0;
}

static int read_integer(struct reading_call *in, const json_t *object, const char *name, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, name);
	char why[64];

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > max) {
		snprintf(why, sizeof(why), "must be a whole number from 1 to %lld", (long long)max);
		return fail(in, name, why);
	}
	*out = json_integer_value(value);
	return 0;
}

static int read_timeout(struct reading_call *in, const json_t *body)
{
	const json_t *value = json_object_get(body, "timeout");
	double seconds = json_number_value(value);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_number(value) || !(seconds > 0 && seconds <= TIMEOUT_MAX))
		return fail(in, "timeout", "must be a number of seconds above 0, at most 86400");
	in->call->timeout_ns = (int64_t)ceil(seconds * 1e9);
	return 0;
}

/* A list with one to max items; NULL: no. */
static const json_t *read_list(struct reading_call *in, const json_t *body, const char *name, size_t max)
{
	const json_t *value = json_object_get(body, name);
	char why[64];

	if (!value || json_is_null(value))
		fail(in, name, "missing");
	else if (!json_is_array(value))
		fail(in, name, "must be a list");
	else if (json_array_size(value) == 0)
		fail(in, name, "must not be empty");
	else if (json_array_size(value) <= max)
		return value;
	else {
		snprintf(why, sizeof(why), "has %zu items: at most %zu are taken", json_array_size(value), max);
		fail(in, name, why);
	}
	return NULL;
}

/* --- hosts ---------------------------------------------------------------------------------------------------------
 */

static int check_host(const struct reading_call *in, const char *name, const char *text)
{
	size_t n = strlen(text);

	if (n == 0)
		return fail(in, name, "must not be empty");
	if (has_control(text, n) || strchr(text, ' '))
		return fail(in, name, "must be an address or a name, without spaces");
	return 0;
}

static int read_tls(struct reading_call *in, const json_t *object, struct api_v2_host *host)
{
	char bytes[FINGERPRINT_SIZE];
	bool is_verified = true;

	if (read_text(in, object, "tls_fingerprint", 128, &host->fingerprint) == -1 ||
	    read_boolean(in, object, "tls_anonymous", &host->is_anonymous) == -1 ||
	    read_boolean(in, object, "tls_verify", &is_verified) == -1)
		return -1;
	host->is_unverified = !is_verified;
	if (host->fingerprint && ros_fingerprint_parse(host->fingerprint, bytes, NULL) == -1)
		return fail(in, "tls_fingerprint", "must be 32 bytes in hexadecimal");
	return 0;
}

static int read_other_host(struct reading_call *in, const json_t *object, struct api_v2_host *host)
{
	int64_t port = 0;

	if (check_host(in, "host", host->host) == -1)
		return -1;
	if (!host->username)
		return fail(in, "username", "missing");
	if (!host->password)
		return fail(in, "password", "missing");
	if (strlen(host->username) == 0 || has_control(host->username, strlen(host->username)))
		return fail(in, "username", "must not be empty, nor have control characters");
	if (read_integer(in, object, "port", 65535, &port) == -1 ||
	    read_boolean(in, object, "use_ssl", &host->uses_tls) == -1 || read_tls(in, object, host) == -1)
		return -1;
	host->port = (uint16_t)port;
	host->name = host->host;
	return 0;
}

static int read_host(struct reading_call *in, const json_t *object, struct api_v2_host *host)
{
	if (read_text(in, object, "router", HOST_MAX, &host->router) == -1 ||
	    read_text(in, object, "host", HOST_MAX, &host->host) == -1 ||
	    read_text(in, object, "username", USER_MAX, &host->username) == -1 ||
	    read_text(in, object, "password", SECRET_MAX, &host->password) == -1)
		return -1;
	if (host->router && host->host)
		return fail(in, "router", "not together with host");
	if (!host->router && !host->host)
		return fail(in, "host", "missing: say host, username and password, or the router's name as router");
	/* A host without an access of its own is the name of one whose access is known. */
	if (host->host && !host->username && !host->password) {
		host->router = host->host;
		host->host = NULL;
	}
	if (!host->router)
		return read_other_host(in, object, host);
	host->name = host->router;
	return host->router[0] ? 0 : fail(in, "router", "must not be empty");
}

static struct api_v2_host *take_hosts(struct reading_call *in, size_t n)
{
	struct api_v2_host *hosts = api_v2_take(in->call->memory, n, sizeof(*hosts));

	in->call->hosts = hosts;
	in->call->nhosts = n;
	return hosts;
}

/* Two of one name would be one in the answer: the second is known by its port as well. */
static int name_host(struct reading_call *in, struct names *names, struct api_v2_host *host, size_t position)
{
	char with_port[HOST_MAX + 16];

	if (names_add(names, names_key_of(host->name), position) == NAMES_NONE)
		return 0;
	if (host->router)
		return fail(in, "router", "comes twice");
	snprintf(with_port, sizeof(with_port), "%s:%u", host->host,
		 host->port       ? (unsigned)host->port
		 : host->uses_tls ? 8729U
				  : 8728U);
	host->name = api_v2_copy(in->call->memory, with_port, strlen(with_port));
	return names_add(names, names_key_of(host->name), position) == NAMES_NONE ? 0 : fail(in, "host", "comes twice");
}

static int read_hosts_of(struct reading_call *in, const json_t *list, struct names *names)
{
	struct api_v2_host *hosts = take_hosts(in, json_array_size(list));

	for (size_t i = 0; i < in->call->nhosts; i++) {
		const json_t *item = json_array_get(list, i);

		enter(in, "hosts", i);
		if (json_is_string(item)) {
			hosts[i].router =
				api_v2_copy(in->call->memory, json_string_value(item), json_string_length(item));
			hosts[i].name = hosts[i].router;
			if (!hosts[i].router[0] || strlen(hosts[i].router) > HOST_MAX)
				return fail(in, "router", "must be the name of a configured router");
		} else if (!json_is_object(item)) {
			return fail(in, "host", "each item must be an object, or the name of a configured router");
		} else if (read_host(in, item, &hosts[i]) == -1) {
			return -1;
		}
		if (name_host(in, names, &hosts[i], i) == -1)
			return -1;
	}
	leave(in);
	return 0;
}

static int read_hosts(struct reading_call *in, const json_t *body)
{
	const json_t *list = read_list(in, body, "hosts", in->limits->max_hosts);
	struct names names = {0};
	int result;

	if (!list)
		return -1;
	result = read_hosts_of(in, list, &names);
	names_free(&names);
	return result;
}

/* --- commands ------------------------------------------------------------------------------------------------------
 */

/* Room for the words of a command, of which there will be at most n. */
static struct api_v2_word *take_words(struct reading_call *in, struct api_v2_command *command, size_t n)
{
	struct api_v2_word *words = api_v2_take(in->call->memory, n, sizeof(*words));

	command->words = words;
	command->nwords = 0;
	return words;
}

static void add_word(struct reading_call *in, struct api_v2_command *command, const char *name,
		     const struct text *value)
{
	struct api_v2_word *word = (struct api_v2_word *)&command->words[command->nwords++];

	word->name = name ? api_v2_copy(in->call->memory, name, strlen(name)) : NULL;
	word->value = api_v2_copy(in->call->memory, value->bytes, value->length);
	word->length = value->length;
}

static void add_string(struct reading_call *in, struct api_v2_command *command, const char *name, const char *value)
{
	text_clear(&in->scratch);
	text_add(&in->scratch, value);
	add_word(in, command, name, &in->scratch);
}

/* As the router would have it written. false: a list or an object. */
static bool write_scalar(struct text *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		text_add_bytes(out, json_string_value(value), json_string_length(value));
		return true;
	case JSON_INTEGER:
		text_add_integer(out, json_integer_value(value));
		return true;
	case JSON_REAL:
		text_add_double(out, json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		text_add(out, json_is_true(value) ? "yes" : "no");
		return true;
	case JSON_NULL:
		return true;
	default:
		return false;
	}
}

/* A list is one value with commas. */
static bool write_value(struct text *out, const json_t *value)
{
	text_clear(out);
	if (!json_is_array(value))
		return write_scalar(out, value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0)
			text_add_char(out, ',');
		if (!write_scalar(out, json_array_get(value, i)))
			return false;
	}
	return true;
}

/* "?type": "ether" is a query, "?type=ether"; as is "?#!": "". */
static void add_query(struct reading_call *in, struct api_v2_command *command, const char *name)
{
	struct text query = {0};

	text_add(&query, name);
	if (in->scratch.length > 0) {
		text_add_char(&query, '=');
		text_add_bytes(&query, in->scratch.bytes, in->scratch.length);
	}
	add_word(in, command, NULL, &query);
	text_free(&query);
}

static int add_parameter(struct reading_call *in, struct api_v2_command *command, const char *name, const json_t *value)
{
	char field[NAME_MAX_BYTES + 16];

	snprintf(field, sizeof(field), "parameters.%.64s", has_control(name, strlen(name)) ? "?" : name);
	if (name[0] == '\0' || strlen(name) > NAME_MAX_BYTES || has_control(name, strlen(name)))
		return fail(in, field, "its name is empty, too long or has control characters");
	if (command->nwords == WORDS_MAX)
		return fail(in, field, "one command has at most 256 parameters and queries");
	if (!write_value(&in->scratch, value))
		return fail(in, field, "must be a text, a number, true, false, or a list of them");
	if (in->scratch.length > VALUE_MAX)
		return fail(in, field, "longer than 64 KiB");
	if (name[0] == '?') {
		add_query(in, command, name);
		return 0;
	}
	if (strchr(name, '='))
		return fail(in, field, "its name has a \"=\"");
	add_word(in, command, name, &in->scratch);
	return 0;
}

static int read_parameters(struct reading_call *in, const json_t *object, struct api_v2_command *command)
{
	json_t *parameters = json_object_get(object, "parameters"), *value;
	const char *name;

	if (!parameters || json_is_null(parameters))
		return 0;
	if (!json_is_object(parameters))
		return fail(in, "parameters", "must be an object of names and values");
	json_object_foreach(parameters, name, value)
	{
		if (add_parameter(in, command, name, value) == -1)
			return -1;
	}
	return 0;
}

static int read_queries(struct reading_call *in, const json_t *object, struct api_v2_command *command)
{
	const json_t *queries = json_object_get(object, "queries");

	if (!queries || json_is_null(queries))
		return 0;
	if (!json_is_array(queries))
		return fail(in, "queries", "must be a list");
	for (size_t i = 0; i < json_array_size(queries); i++) {
		const json_t *query = json_array_get(queries, i);

		if (!json_is_string(query) || json_string_value(query)[0] != '?' ||
		    json_string_length(query) > VALUE_MAX)
			return fail(in, "queries",
				    "each must be a text that begins with \"?\", such as \"?type=ether\"");
		if (command->nwords == WORDS_MAX)
			return fail(in, "queries", "one command has at most 256 parameters and queries");
		add_string(in, command, NULL, json_string_value(query));
	}
	return 0;
}

static int read_proplist(struct reading_call *in, const json_t *object, struct api_v2_command *command)
{
	const json_t *value = json_object_get(object, "proplist");

	if (!value || json_is_null(value))
		return 0;
	if ((!json_is_string(value) && !json_is_array(value)) || !write_value(&in->scratch, value))
		return fail(in, "proplist", "must be a list of names");
	if (in->scratch.length > VALUE_MAX)
		return fail(in, "proplist", "longer than 64 KiB");
	if (command->nwords == WORDS_MAX)
		return fail(in, "proplist", "one command has at most 256 parameters and queries");
	add_word(in, command, ".proplist", &in->scratch);
	return 0;
}

/* Nothing that could hide a secret in a log. */
static bool is_path(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/")] == '\0';
}

/* What ends or changes the session, which others share. */
static bool is_of_session(const char *path)
{
	return strcmp(path, "/login") == 0 || strcmp(path, "/quit") == 0 || strcmp(path, "/cancel") == 0;
}

/* "/system identity print", as people type it, is a path, too. */
static int read_path(struct reading_call *in, const json_t *object, struct api_v2_command *command)
{
	const char *path = NULL;

	if (read_text(in, object, "command", PATH_MAX_BYTES, &path) == -1)
		return -1;
	if (!path)
		return fail(in, "command", "missing");
	for (char *c = (char *)path; *c; c++)
		*c = *c == ' ' ? '/' : *c;
	if (path[0] != '/' || path[1] == '\0' || path[strlen(path) - 1] == '/' || strstr(path, "//"))
		return fail(in, "command", "must be a path such as /system/identity/print");
	if (!is_path(path))
		return fail(in, "command", "has other characters than letters, digits and \"-\" between its \"/\"");
	if (is_of_session(path))
		return fail(in, "command", "is of the session, which belongs to others as well");
	command->path = path;
	return 0;
}

/* Everything of it is there: the bytes that go to the router. */
static int write_sentence(struct reading_call *in, struct api_v2_command *command, const char *field)
{
	struct ros_writer writer;
	struct err why = {0};

	text_clear(&in->scratch);
	writer = ros_write_begin(&in->scratch, command->path);
	for (size_t i = 0; i < command->nwords; i++) {
		const struct api_v2_word *word = &command->words[i];

		if (word->name)
			ros_write_attribute(&writer, word->name, (struct ros_word){word->value, word->length});
		else
			ros_write_query(&writer, word->value);
	}
	if (ros_write_end(&writer, &why) == -1)
		return fail(in, field, why.text);
	command->sentence_bytes = in->scratch.length - 1; /* without the end: the tag comes before it */
	command->sentence = api_v2_copy(in->call->memory, in->scratch.bytes, command->sentence_bytes);
	return 0;
}

static int read_command(struct reading_call *in, const json_t *object, struct api_v2_command *command)
{
	command->uses_cache = true;
	if (read_path(in, object, command) == -1 || read_boolean(in, object, "use_cache", &command->uses_cache) == -1)
		return -1;
	take_words(in, command,
		   1 + json_object_size(json_object_get(object, "parameters")) +
			   json_array_size(json_object_get(object, "queries")));
	if (read_parameters(in, object, command) == -1 || read_queries(in, object, command) == -1 ||
	    read_proplist(in, object, command) == -1)
		return -1;
	return write_sentence(in, command, "command");
}

static struct api_v2_command *take_commands(struct reading_call *in, size_t n)
{
	struct api_v2_command *commands = api_v2_take(in->call->memory, n, sizeof(*commands));

	in->call->commands = commands;
	in->call->ncommands = n;
	return commands;
}

/* use_cache of the body is that of the commands which do not say. */
static int read_commands(struct reading_call *in, const json_t *body)
{
	const json_t *list = read_list(in, body, "commands", in->limits->max_commands);
	struct api_v2_command *commands;
	bool uses_cache = true;

	if (!list || read_boolean(in, body, "use_cache", &uses_cache) == -1)
		return -1;
	commands = take_commands(in, json_array_size(list));
	for (size_t i = 0; i < in->call->ncommands; i++) {
		const json_t *item = json_array_get(list, i);

		enter(in, "commands", i);
		if (!json_is_object(item))
			return fail(in, "command", "each item must be an object with a command");
		if (read_command(in, item, &commands[i]) == -1)
			return -1;
		commands[i].uses_cache = commands[i].uses_cache && uses_cache;
	}
	leave(in);
	return 0;
}

/* --- kinds ---------------------------------------------------------------------------------------------------------
 */

static int read_one_host(struct reading_call *in, const json_t *body)
{
	return read_host(in, body, take_hosts(in, 1));
}

static int read_test_connection(struct reading_call *in, const json_t *body)
{
	struct api_v2_command *command = take_commands(in, 1);

	(void)body;
	command->path = "/system/identity/print";
	take_words(in, command, 1);
	return write_sentence(in, command, "command");
}

struct target_plan {
	const char *path;
	const char *limit_name; /* another word with a number; NULL: none */
	int64_t count_default, limit_default;
};

static int make_target(struct reading_call *in, const json_t *body, const struct target_plan *plan,
		       struct api_v2_command *command)
{
	const char *target = in->call->targets[command - in->call->commands];
	int64_t count = plan->count_default, limit = plan->limit_default;
	char number[24];

	command->path = plan->path;
	command->uses_cache = true;
	if (read_integer(in, body, "count", COUNT_MAX, &count) == -1 ||
	    (plan->limit_name && read_integer(in, body, "max_hops", 255, &limit) == -1) ||
	    read_boolean(in, body, "use_cache", &command->uses_cache) == -1)
		return -1;
	take_words(in, command, 3 + json_object_size(json_object_get(body, "parameters")));
	add_string(in, command, "address", target);
	snprintf(number, sizeof(number), "%lld", (long long)count);
	add_string(in, command, "count", number);
	if (plan->limit_name) {
		snprintf(number, sizeof(number), "%lld", (long long)limit);
		add_string(in, command, plan->limit_name, number);
	}
	if (read_parameters(in, body, command) == -1)
		return -1;
	return write_sentence(in, command, "parameters");
}

/* Each once: the answer has them by name. */
static int read_targets_of(struct reading_call *in, const json_t *list, struct names *names)
{
	const char **targets = api_v2_take(in->call->memory, json_array_size(list), sizeof(*targets));
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		snprintf(in->at, sizeof(in->at), "targets[%zu]", i);
		if (!json_is_string(item) || json_string_length(item) > HOST_MAX)
			return fail(in, "", "must be an address or a name");
		targets[n] = api_v2_copy(in->call->memory, json_string_value(item), json_string_length(item));
		if (check_host(in, "", targets[n]) == -1)
			return -1;
		if (names_add(names, names_key_of(targets[n]), i) == NAMES_NONE)
			n++;
	}
	leave(in);
	in->call->targets = targets;
	take_commands(in, n);
	return 0;
}

static const json_t *find_targets(struct reading_call *in, json_t *body)
{
	json_t *one = json_object_get(body, "target");

	if (json_is_string(one) && !json_object_get(body, "targets"))
		json_object_set_new(body, "targets", json_pack("[O]", one));
	return read_list(in, body, "targets", in->limits->max_targets);
}

static int read_targets(struct reading_call *in, json_t *body, const struct target_plan *plan)
{
	const json_t *list = find_targets(in, body);
	struct names names = {0};
	int result;

	if (!list)
		return -1;
	result = read_targets_of(in, list, &names);
	names_free(&names);
	for (size_t i = 0; result == 0 && i < in->call->ncommands; i++)
		result = make_target(in, body, plan, (struct api_v2_command *)&in->call->commands[i]);
	return result;
}

static int read_multi_host(struct reading_call *in, const json_t *body)
{
	if (read_hosts(in, body) == -1 ||
	    read_integer(in, body, "max_concurrent_hosts", CONCURRENT_LIMIT, &in->call->max_concurrent) == -1)
		return -1;
	if (!json_object_get(body, "command") && json_object_get(body, "commands"))
		return read_commands(in, body);
	return read_command(in, body, take_commands(in, 1));
}

static int read_body(struct reading_call *in, json_t *body)
{
	static const struct target_plan ping = {"/ping", NULL, COUNT_DEFAULT, 0};
	static const struct target_plan trace = {"/tool/traceroute", "max-hops", TRACES_DEFAULT, HOPS_DEFAULT};

	if (read_timeout(in, body) == -1)
		return -1;
	if (in->call->kind == API_V2_MULTI_HOST)
		return read_multi_host(in, body);
	if (read_one_host(in, body) == -1 ||
	    read_integer(in, body, "max_concurrent", CONCURRENT_LIMIT, &in->call->max_concurrent) == -1)
		return -1;
	switch (in->call->kind) {
	case API_V2_TEST_CONNECTION:
		return read_test_connection(in, body);
	case API_V2_PING:
		return read_targets(in, body, &ping);
	case API_V2_TRACEROUTE:
		return read_targets(in, body, &trace);
	case API_V2_BATCH:
		return read_commands(in, body);
	default:
		return read_command(in, body, take_commands(in, 1));
	}
}

/* --- all of it -----------------------------------------------------------------------------------------------------
 */

static json_t *load(const char *bytes, size_t n, struct err *err)
{
	json_error_t error;
	json_t *body = json_loadb(n > 0 ? bytes : "", n, JSON_REJECT_DUPLICATES, &error);

	/* Not the text of the error: it has what stands there, which may be a password. */
	if (!body)
		err_set(err, "the body is not JSON: line %d, column %d", error.line, error.column);
	else if (!json_is_object(body))
		err_set(err, "the body is not a JSON object");
	else
		return body;
	json_decref(body);
	return NULL;
}

/* The library frees what it has read without a look. */
static void wipe(const json_t *object)
{
	const json_t *secret = json_object_get(object, "password");

	if (json_is_string(secret))
		explicit_bzero((char *)json_string_value(secret), json_string_length(secret));
}

static void wipe_all(const json_t *body)
{
	const json_t *hosts = json_object_get(body, "hosts");

	wipe(body);
	for (size_t i = 0; i < json_array_size(hosts); i++)
		wipe(json_array_get(hosts, i));
}

struct api_v2_call *api_v2_parse(enum api_v2_kind kind, const char *body, size_t n, const struct api_v2_limits *limits,
				 char field[API_V2_FIELD_SIZE], struct err *err)
{
	struct reading_call in = {.limits = limits, .field = field, .err = err};
	json_t *read;
	int result;

	if (field)
		field[0] = '\0';
	in.call = mem_zero(1, sizeof(*in.call));
	in.call->kind = kind;
	in.call->memory = api_v2_memory_create();
	if (kind == API_V2_STATS || kind == API_V2_CACHE_CLEAR)
		return in.call;
	read = load(body, n, err);
	result = read ? read_body(&in, read) : -1;
	wipe_all(read);
	json_decref(read);
	text_free(&in.scratch);
	if (result == 0)
		return in.call;
	api_v2_call_free(in.call);
	return NULL;
}

void api_v2_call_free(struct api_v2_call *call)
{
	if (!call)
		return;
	api_v2_memory_free(call->memory);
	mem_free(call);
}

/* A second for each ping, and what the terms give on top. */
int64_t api_v2_timeout_ns(const struct api_v2_call *call, const struct api_v2_terms *terms)
{
	int64_t wanted_ns = call->timeout_ns;
	const char *count;

	if (wanted_ns == 0) {
		wanted_ns = terms->timeout_ns;
		if (call->kind == API_V2_PING && api_v2_find(&call->commands[0], "count", &count))
			wanted_ns += atoll(count) * NS_PER_SECOND;
	}
	return wanted_ns < terms->max_timeout_ns ? wanted_ns : terms->max_timeout_ns;
}

bool api_v2_find(const struct api_v2_command *command, const char *name, const char **value)
{
	for (size_t i = 0; i < command->nwords; i++)
		if (command->words[i].name && strcmp(command->words[i].name, name) == 0) {
			*value = command->words[i].value;
			return true;
		}
	return false;
}
