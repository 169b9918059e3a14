#include <stddef.h>
#include <string.h>

#include "core/fetch.h"
#include "influx/influx.h"

#define SETTING(kind, field)     kind, offsetof(struct influx_settings, field)
#define LOG_SETTING(kind, field) kind, offsetof(struct influx_log_settings, field)

const struct option influx_options[] = {
	{"name", SETTING(OPTION_TEXT, name), .fallback = "main",
	 .help = "Names the output in the log and in metrics; each output needs a name of its own"},
	{"path", SETTING(OPTION_TEXT, path),
	 .help = "File that lines are appended to. Its folder must exist. Other programs may rotate it by renaming"},
	{"rotate_size", SETTING(OPTION_SIZE, rotate_bytes), .maximum = 1e15, .fallback = "64MiB",
	 .help = "A new file is begun before the present one would pass this size; 0 = never. For path"},
	{"keep", SETTING(OPTION_INTEGER, keep), .maximum = 1000, .fallback = "5",
	 .help = "How many old files PATH.1 (the youngest), PATH.2, ... stay. For path"},
	{"url", SETTING(OPTION_TEXT, url),
	 .help = "Server that lines are sent to, such as \"http://influxdb:8086\", without the path of the interface. "
		 "A "
		 "proxy is taken from http_proxy, https_proxy and no_proxy of the environment"},
	{"org", SETTING(OPTION_TEXT, org), .help = "Organisation of the bucket, by name or id. InfluxDB 2"},
	{"bucket", SETTING(OPTION_TEXT, bucket),
	 .help = "Makes the output an InfluxDB 2 (/api/v2/write): the bucket that lines go to"},
	{"database", SETTING(OPTION_TEXT, database),
	 .help = "Makes the output an InfluxDB 1 (/write), or what speaks like it, such as VictoriaMetrics: the "
		 "database "
		 "that lines go to"},
	{"retention_policy", SETTING(OPTION_TEXT, retention_policy),
	 .help = "Retention policy of the database; default: the database's own. InfluxDB 1"},
	{"token", SETTING(OPTION_SECRET, token), .help = "Token that may write. Better in a file: token_file"},
	{"user", SETTING(OPTION_TEXT, user), .help = "User that may write (basic authentication). Without token"},
	{"password", SETTING(OPTION_SECRET, password), .help = "Password of the user. Better in a file: password_file"},
	{"ca_file", SETTING(OPTION_TEXT, ca_file),
	 .help = "Certificates of the authorities to trust (PEM) instead of the system's"},
	{"certificate_file", SETTING(OPTION_TEXT, certificate_file),
	 .help = "Certificate to show to the server (PEM), if it wants one"},
	{"key_file", SETTING(OPTION_TEXT, key_file),
	 .help = "Private key of the certificate (PEM); default: in certificate_file"},
	{"verify", SETTING(OPTION_BOOLEAN, verifies), .fallback = "true",
	 .help = "Check the server's certificate. Without that anybody in between can read the token"},
	{"compress", SETTING(OPTION_BOOLEAN, compresses), .fallback = "true", .help = "Send gzip"},
	{"batch_lines", SETTING(OPTION_INTEGER, batch_lines), .minimum = 1, .maximum = 1000000, .fallback = "5000",
	 .help = "The most lines in one request, more or less"},
	{"batch_size", SETTING(OPTION_SIZE, batch_bytes), .minimum = 1024, .maximum = 32 * 1024 * 1024,
	 .fallback = "2MiB", .help = "The most bytes of lines in one request, before compression, more or less"},
	{"flush_interval", SETTING(OPTION_SECONDS, flush_interval_ns), .minimum = 0.05, .maximum = 300, .fallback = "1",
	 .help = "The longest time that lines wait for a batch to fill"},
	{"connections", SETTING(OPTION_INTEGER, connections), .minimum = 1, .maximum = 16, .fallback = "2",
	 .help = "Requests under way at a time"},
	{"timeout", SETTING(OPTION_SECONDS, timeout_ns), .minimum = 0.1, .maximum = 600, .fallback = "30",
	 .help = "The longest time for a request and its answer"},
	{"queue_size", SETTING(OPTION_SIZE, queue_bytes), .minimum = 1024 * 1024, .maximum = 1e15, .fallback = "1GiB",
	 .help = "How much of the disk log may wait for this server. What is older is dropped, and counted"},
};
const size_t influx_noptions = sizeof(influx_options) / sizeof(influx_options[0]);

/* In the order of enum journal_sync. */
static const char *const sync_words[] = {"never", "interval", "always", NULL};

const struct option influx_log_options[] = {
	{"path", LOG_SETTING(OPTION_TEXT, path),
	 .help = "Folder where lines wait until every server has them; used only if there is a server among the "
		 "outputs. "
		 "Default: the folder \"log\" in agent.state_dir"},
	{"segment_size", LOG_SETTING(OPTION_SIZE, segment_bytes), .minimum = 64 * 1024, .maximum = 1024 * 1024 * 1024,
	 .fallback = "16MiB", .help = "Size of one file of the log. Space is given back file by file"},
	{"sync", LOG_SETTING(OPTION_CHOICE, sync), .choices = sync_words, .fallback = "interval",
	 .help = "When lines are forced out to the disk: this is about power failures only, a crash or kill of the "
		 "daemon costs "
		 "nothing that is in the log"},
	{"sync_interval", LOG_SETTING(OPTION_SECONDS, sync_interval_ns), .minimum = 0.05, .maximum = 3600,
	 .fallback = "1", .help = "How often, with sync = \"interval\""},
	{"compress", LOG_SETTING(OPTION_BOOLEAN, compresses), .fallback = "true",
	 .help = "Compress what is written while a server is away: the same space lasts some five times longer"},
	{"rejected_size", LOG_SETTING(OPTION_SIZE, rejected_bytes), .minimum = 4096, .maximum = 1e12,
	 .fallback = "16MiB",
	 .help = "How much of the lines that a server has refused for good is kept, in rejected.lp and rejected.lp.1"},
};
const size_t influx_log_noptions = sizeof(influx_log_options) / sizeof(influx_log_options[0]);

enum influx_kind influx_kind(const struct influx_settings *settings)
{
	if (settings->bucket != NULL)
		return INFLUX_V2;
	return settings->database != NULL ? INFLUX_V1 : INFLUX_FILE;
}

static bool is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* Options that mean something only beside another one. */
static int check_company(const struct influx_settings *settings, struct err *err)
{
	enum influx_kind kind = influx_kind(settings);
	const struct {
		const char *option, *text, *why;
		bool is_wrong;
	} rules[] = {
		{"url", settings->url, "needs bucket (InfluxDB 2) or database (InfluxDB 1)", kind == INFLUX_FILE},
		{"org", settings->org, "is for bucket (InfluxDB 2) only", kind != INFLUX_V2},
		{"retention_policy", settings->retention_policy, "is for database (InfluxDB 1) only",
		 kind != INFLUX_V1},
		{"token", settings->token, "is for url only", kind == INFLUX_FILE},
		{"user", settings->user, "is for url only", kind == INFLUX_FILE},
		{"user", settings->user, "does not go with token", settings->token != NULL},
		{"password", settings->password, "needs user", settings->user == NULL},
		{"ca_file", settings->ca_file, "is for url only", kind == INFLUX_FILE},
		{"certificate_file", settings->certificate_file, "is for url only", kind == INFLUX_FILE},
		{"key_file", settings->key_file, "needs certificate_file", settings->certificate_file == NULL},
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].text != NULL && rules[i].is_wrong)
			return err_set(err, "%s: %s", rules[i].option, rules[i].why);
	return 0;
}

static int check_server(const struct influx_settings *settings, struct err *err)
{
	if (is_empty(settings->url))
		return err_set(err, "url: must be given beside %s", settings->bucket != NULL ? "bucket" : "database");
	if (fetch_check_url(settings->url, err) != 0)
		return err_prefix(err, "url");
	if (strpbrk(settings->url, "?#") != NULL)
		return err_set(err, "url: must not have a query or fragment: it is the server's address only");
	if (settings->bucket != NULL && is_empty(settings->bucket))
		return err_set(err, "bucket: must not be empty");
	if (settings->bucket != NULL && is_empty(settings->org))
		return err_set(err, "org: must be given beside bucket");
	if (settings->database != NULL && is_empty(settings->database))
		return err_set(err, "database: must not be empty");
	if (settings->token != NULL && strpbrk(settings->token, "\r\n") != NULL)
		return err_set(err, "token: must be one line");
	return 0;
}

int influx_check(const struct influx_settings *settings, struct err *err)
{
	int kinds = (settings->path != NULL) + (settings->bucket != NULL) + (settings->database != NULL);
	if (is_empty(settings->name))
		return err_set(err, "name: must not be empty");
	if (kinds == 0 && settings->url == NULL)
		return err_set(err, "path, or url with bucket or database: must be given");
	if (kinds > 1)
		return err_set(err, "path, bucket, database: only one of them");
	if (check_company(settings, err) != 0)
		return -1;
	if (influx_kind(settings) != INFLUX_FILE)
		return check_server(settings, err);
	return is_empty(settings->path) ? err_set(err, "path: must not be empty") : 0;
}
