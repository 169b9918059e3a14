#include "exporter/gate.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "exporter/clients.h"
#include "exporter/credentials.h"
#include "exporter/hasher.h"
#include "exporter/tls_context.h"
#include "exporter/web_config.h"

#define LOOK_NS          NS_PER_SECOND
#define TOKENS_BYTES_MAX ((size_t)256 * 1024)
#define FILES_MAX        5
#define TEXT_TYPE        "text/plain; charset=utf-8"

/* How a file looked before it was read: if it looks different, it has changed. */
struct look {
	char *path; /* owned */
	int error;  /* of stat */
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* What one reading of the files has given. */
struct rules {
	struct web_config *config; /* never NULL */
	struct tls_context *tls;   /* NULL: plain text */
	struct credentials *credentials;
};

/* Borrowed; NULL = none. */
struct files {
	const char *config, *tokens;
};

struct gate {
	struct loop *loop;
	char *config_file, *tokens_file, *folder;
	struct server_guard guard;
	struct rules rules;
	struct hasher *hasher;
	uint64_t generation; /* of the rules */
	struct look looks[FILES_MAX];
	size_t nlooks;
	struct alarm alarm;
	struct err failure; /* why the files were no good when they were read last */
	double tokens;      /* of the rate limit, */
	int64_t filled_ns;  /* as of this time; monotonic */
	_Atomic uint64_t unauthorized, limited, postponed;
	_Atomic int64_t expiry_seconds;
	atomic_bool is_good;
};

/* A request that waits until its password was compared. */
struct waiting {
	struct gate *gate;
	struct connection *connection; /* NULL: gone */
	uint64_t generation;
};

/* --- reading the files ------------------------------------------------------------------------------------------- */

static void free_rules(struct rules *rules)
{
	tls_context_release(rules->tls);
	credentials_free(rules->credentials);
	web_config_free(rules->config);
	*rules = (struct rules){0};
}

static struct web_config *read_config(const char *file, struct err *err)
{
	struct text content = {.ceiling = WEB_CONFIG_BYTES_MAX};
	struct web_config *config = NULL;
	if (!file)
		return web_config_parse("", 0, err);
	if (file_read_regular(file, &content, err) == 0)
		config = web_config_parse(content.bytes ? content.bytes : "", content.length, err);
	if (!config)
		err_prefix(err, "%s", file);
	file_wipe(&content);
	return config;
}

static struct credentials *read_credentials(const char *file, const struct web_config *config,
					    const struct credentials *before, struct err *err)
{
	struct text content = {.ceiling = TOKENS_BYTES_MAX};
	struct credentials *credentials = NULL;
	if (!file)
		return credentials_create(config, NULL, before, err);
	if (file_read_regular(file, &content, err) == 0)
		credentials = credentials_create(config, text_string(&content), before, err);
	if (!credentials)
		err_prefix(err, "%s", file);
	file_wipe(&content);
	return credentials;
}

/* The files that the configuration names are seen from its folder. */
static struct tls_context *read_tls(const char *file, const struct web_tls *tls, struct err *err)
{
	char *folder = file_folder(file);
	struct tls_context *context = tls_context_create(tls, folder, err);
	if (!context)
		err_prefix(err, "%s", file);
	mem_free(folder);
	return context;
}

/* --- noticing that they change ----------------------------------------------------------------------------------- */

static void look_at(struct look *look)
{
	struct stat status;
	look->error = stat(look->path, &status) == 0 ? 0 : errno;
	if (look->error != 0)
		return;
	look->device = status.st_dev;
	look->inode = status.st_ino;
	look->size = status.st_size;
	look->modified = status.st_mtim;
	look->changed = status.st_ctim;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_changed(const struct look *before)
{
	struct look now = {.path = before->path};
	look_at(&now);
	if (now.error != 0 || before->error != 0)
		return now.error != before->error;
	return now.device != before->device || now.inode != before->inode || now.size != before->size ||
	       !is_same_time(&now.modified, &before->modified) || !is_same_time(&now.changed, &before->changed);
}

static void forget_looks(struct gate *gate)
{
	for (size_t i = 0; i < gate->nlooks; i++)
		mem_free(gate->looks[i].path);
	gate->nlooks = 0;
}

/* path: passed on; NULL is no file. */
static void add_look(struct gate *gate, char *path)
{
	if (!path)
		return;
	gate->looks[gate->nlooks] = (struct look){.path = path};
	look_at(&gate->looks[gate->nlooks++]);
}

/* config: NULL if there is none yet. */
static void look_at_named_files(struct gate *gate, const struct web_config *config)
{
	if (!config || !config->tls.is_wanted)
		return;
	const struct web_tls *tls = &config->tls;
	const char *const names[] = {tls->certificate.file, tls->key.file, tls->client_ca.file};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_look(gate, names[i] ? file_resolve(gate->folder, names[i]) : NULL);
}

/* gate: notes how the files that the configuration names look before they are read; or NULL. */
static int read_rules(struct gate *gate, const struct files *files, struct rules *rules, struct err *err)
{
	*rules = (struct rules){.config = read_config(files->config, err)};
	bool wants_tls = rules->config && rules->config->tls.is_wanted;
	if (gate)
		look_at_named_files(gate, rules->config ? rules->config : gate->rules.config);
	if (wants_tls)
		rules->tls = read_tls(files->config, &rules->config->tls, err);
	if (rules->config && (rules->tls || !wants_tls))
		rules->credentials =
			read_credentials(files->tokens, rules->config, gate ? gate->rules.credentials : NULL, err);
	if (rules->credentials)
		return 0;
	free_rules(rules);
	return -1;
}

/* Each file is looked at before it is read: what changes meanwhile will look different next time. */
static int look_and_read(struct gate *gate, struct rules *rules, struct err *err)
{
	forget_looks(gate);
	add_look(gate, mem_copy_string(gate->config_file));
	add_look(gate, mem_copy_string(gate->tokens_file));
	return read_rules(gate, &(struct files){gate->config_file, gate->tokens_file}, rules, err);
}

static void accept_rules(struct gate *gate, const struct rules *rules)
{
	free_rules(&gate->rules);
	gate->rules = *rules;
	gate->generation++;
	gate->tokens = (double)rules->config->rate_burst;
	gate->filled_ns = clock_monotonic_ns();
	atomic_store(&gate->is_good, true);
	atomic_store(&gate->expiry_seconds, rules->tls ? tls_context_expiry(rules->tls) : 0);
}

/* As long as what is there is no good it is read each time, since any file may be the one that mends it: so only what
 * is new is said. */
static void note_failure(struct gate *gate, const struct err *err)
{
	atomic_store(&gate->is_good, false);
	if (strcmp(gate->failure.text, err->text) != 0)
		log_event(LOG_LEVEL_ERROR, "web", NULL, "%s; what was good last stays in force", err->text);
	gate->failure = *err;
}

static void note_success(struct gate *gate)
{
	gate->failure = (struct err){0};
	log_event(LOG_LEVEL_INFO, "web", gate->config_file ? gate->config_file : gate->tokens_file,
		  "read again: certificates and credentials are as the files say now");
}

static void read_again(struct gate *gate)
{
	struct rules rules;
	struct err err = {0};
	if (look_and_read(gate, &rules, &err) == 0) {
		accept_rules(gate, &rules);
		note_success(gate);
	} else {
		note_failure(gate, &err);
	}
}

static void look_again(void *arg)
{
	struct gate *gate = arg;
	bool is_changed = !atomic_load(&gate->is_good);
	for (size_t i = 0; i < gate->nlooks; i++)
		is_changed = is_changed || has_changed(&gate->looks[i]);
	if (is_changed)
		read_again(gate);
	alarm_set(gate->loop, &gate->alarm, clock_monotonic_ns() + LOOK_NS);
}

/* --- admission --------------------------------------------------------------------------------------------------- */

static void count(_Atomic uint64_t *figure)
{
	atomic_fetch_add_explicit(figure, 1, memory_order_relaxed);
}

static void reply(struct connection *connection, int status, const char *fields, const char *body)
{
	connection_reply(connection, &(struct http_reply){status, TEXT_TYPE, fields}, body, strlen(body));
}

static void reply_unauthorized(struct gate *gate, struct connection *connection)
{
	count(&gate->unauthorized);
	reply(connection, 401, credentials_challenge(gate->rules.credentials), "not without the right credentials\n");
}

/* A bucket of burst tokens, one more each interval. */
static bool is_within_limit(struct gate *gate)
{
	const struct web_config *config = gate->rules.config;
	if (config->rate_interval_ns == 0)
		return true;
	int64_t now_ns = clock_monotonic_ns();
	double burst = (double)config->rate_burst;
	gate->tokens += (double)(now_ns - gate->filled_ns) / (double)config->rate_interval_ns;
	gate->tokens = gate->tokens < burst ? gate->tokens : burst;
	gate->filled_ns = now_ns;
	if (gate->tokens < 1)
		return false;
	gate->tokens--;
	return true;
}

static void take_answer(void *arg, const struct claim *claim, bool is_right)
{
	struct waiting *waiting = arg;
	struct gate *gate = waiting->gate;
	/* With other rules the answer means nothing any more. */
	bool is_current = waiting->generation == gate->generation;
	if (is_current)
		credentials_note(gate->rules.credentials, claim, is_right);
	if (waiting->connection && is_current && is_right)
		connection_resume(waiting->connection);
	else if (waiting->connection)
		reply_unauthorized(gate, waiting->connection);
	mem_free(waiting);
}

/* The answer is still wanted: a comparison that takes longer than its client waits would be made for nothing again and
 * again. */
static void leave(void *arg)
{
	((struct waiting *)arg)->connection = NULL;
}

static enum server_admission ask_hasher(struct gate *gate, struct connection *connection, const struct claim *claim)
{
	struct waiting *waiting = mem_zero(1, sizeof(*waiting));
	struct hash_plan plan = {
		.claim = *claim,
		.client = clients_network(connection_peer(connection)),
		.done = take_answer,
		.drop = mem_free,
		.arg = waiting,
	};
	*waiting = (struct waiting){gate, connection, gate->generation};
	bool is_asked = hasher_ask(gate->hasher, &plan);
	OPENSSL_cleanse(&plan.claim, sizeof(plan.claim));
	if (is_asked) {
		connection_wait(connection, leave, waiting);
		return SERVER_DECIDED_LATER;
	}
	mem_free(waiting);
	count(&gate->postponed);
	reply(connection, 503, "Retry-After: 1\r\n", "too many passwords are being checked\n");
	return SERVER_ANSWERED;
}

static enum server_admission admit(void *context, struct connection *connection, const struct http_request *request)
{
	struct gate *gate = context;
	struct claim claim;
	if (!is_within_limit(gate)) {
		count(&gate->limited);
		reply(connection, 429, "Retry-After: 1\r\n", "too many requests\n");
		return SERVER_ANSWERED;
	}
	if (!credentials_are_wanted(gate->rules.credentials))
		return SERVER_ADMITTED;
	switch (credentials_look(gate->rules.credentials, http_field(request, "authorization"), &claim)) {
	case CREDENTIALS_GOOD:
		return SERVER_ADMITTED;
	case CREDENTIALS_UNKNOWN: {
		enum server_admission admission = ask_hasher(gate, connection, &claim);
		OPENSSL_cleanse(&claim, sizeof(claim));
		return admission;
	}
	default:
		reply_unauthorized(gate, connection);
		return SERVER_ANSWERED;
	}
}

static struct tls_context *give_tls(void *context)
{
	return ((struct gate *)context)->rules.tls;
}

static const char *give_fields(void *context)
{
	return ((struct gate *)context)->rules.config->headers;
}

/* --- create and free --------------------------------------------------------------------------------------------- */

struct gate *gate_create(struct loop *loop, const char *config_file, const char *tokens_file, struct err *err)
{
	struct gate *gate = mem_zero(1, sizeof(*gate));
	struct rules rules;
	gate->loop = loop;
	gate->config_file = mem_copy_string(config_file);
	gate->tokens_file = mem_copy_string(tokens_file);
	gate->folder = file_folder(config_file ? config_file : "");
	gate->guard = (struct server_guard){gate, give_tls, give_fields, admit};
	alarm_prepare(&gate->alarm, look_again, gate);
	gate->hasher = hasher_create(loop, err);
	if (!gate->hasher || look_and_read(gate, &rules, err) != 0) {
		gate_free(gate);
		return NULL;
	}
	accept_rules(gate, &rules);
	if (gate->nlooks > 0)
		alarm_set(loop, &gate->alarm, clock_monotonic_ns() + LOOK_NS);
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	alarm_cancel(gate->loop, &gate->alarm);
	hasher_free(gate->hasher);
	free_rules(&gate->rules);
	forget_looks(gate);
	mem_free(gate->folder);
	mem_free(gate->tokens_file);
	mem_free(gate->config_file);
	mem_free(gate);
}

int gate_check(const char *config_file, const char *tokens_file, struct err *err)
{
	const struct files files = {config_file, tokens_file};
	struct rules rules;
	int result = read_rules(NULL, &files, &rules, err);
	if (result == 0)
		free_rules(&rules);
	return result;
}

bool gate_would_have_tls(const char *config_file)
{
	struct err err = {0};
	struct web_config *config = read_config(config_file, &err);
	bool has_tls = config && config->tls.is_wanted;
	web_config_free(config);
	return has_tls;
}

const struct server_guard *gate_guard(const struct gate *gate)
{
	return &gate->guard;
}

void gate_read(const struct gate *gate, struct gate_figures *out)
{
	*out = (struct gate_figures){
		.unauthorized = atomic_load_explicit(&gate->unauthorized, memory_order_relaxed),
		.limited = atomic_load_explicit(&gate->limited, memory_order_relaxed),
		.postponed = atomic_load_explicit(&gate->postponed, memory_order_relaxed),
		.is_good = atomic_load(&gate->is_good),
		.expiry_seconds = atomic_load(&gate->expiry_seconds),
	};
}
