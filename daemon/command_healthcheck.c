#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/mem.h"
#include "daemon/command.h"
#include "daemon/config.h"

#define TIMEOUT_SECONDS 5L

enum { FLAG_URL, FLAG_CONFIG, FLAGS };
static const struct command_flag flags[FLAGS] = {
	[FLAG_URL] = {"url", "URL", false, "the daemon's address, such as http://127.0.0.1:9975"},
	[FLAG_CONFIG] = {"config", "FILE", false, "ask the first listener of this configuration"},
};
static const struct command_usage usage = {
	.line = "healthcheck [--url=URL | --config=FILE]",
	.text = "Asks a running daemon for /-/healthy, for at most 5 s. Without --url the address is the first of "
		"web.listen in\n"
		"the configuration: FILE, else NETSONDE_CONFIG, else " COMMAND_CONFIG_DEFAULT ".\n"
		"A daemon that wants a password or a client's certificate is healthy if it says so: this command has "
		"neither,\n"
		"and takes any certificate.",
	.flags = flags,
	.nflags = FLAGS,
	.end = "exit code: 0 = healthy, 1 = not, 2 = wrong use",
};

/* "0.0.0.0:9975" -> "http://127.0.0.1:9975": a listener on every address is reached on this host's own. */
static char *listener_url(const char *listener, const char *scheme, struct err *err)
{
	struct address address;
	char host[256];
	uint16_t port;

	if (address_split_host_port(listener, host, sizeof(host), &port, 9975) == -1) {
		err_set(err, "web.listen: %s: not an address", listener);
		return NULL;
	}
	if (!address_parse(host, &address))
		return mem_format("%s://%s:%u", scheme, host, port);
	if (address_is_unspecified(&address))
		strcpy(host, address.family == ADDRESS_IPV4 ? "127.0.0.1" : "::1");
	return mem_format(address.family == ADDRESS_IPV4 ? "%s://%s:%u" : "%s://[%s]:%u", scheme, host, port);
}

/* Owned by the caller; NULL when there is none (the reason is printed). */
static char *configured_url(const char *file)
{
	struct text errors = {0};
	struct err err = {0};
	struct config *config = config_load(file, &errors);
	char *url = NULL;

	if (!config)
		printf("unhealthy: the configuration is not good: %s", text_string(&errors));
	else if (config->web.listen.n == 0)
		printf("unhealthy: %s: web.listen is empty\n", file);
	else if (!(url = listener_url(config->web.listen.items[0], exporter_wants_tls(&config->web) ? "https" : "http",
				      &err)))
		printf("unhealthy: %s: %s\n", file, err.text);
	text_free(&errors);
	config_free(config);
	return url;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

/* 0 with the status, or -1 with err. A server that ends the connection right after the handshake has not got the
 * certificate it wants (with TLS 1.3 it says so only then): that counts as a 401. */
static int get(const char *url, long *status, struct err *err)
{
	CURL *curl = curl_easy_init();
	curl_off_t shaken_us = 0;
	CURLcode code;

	if (!curl)
		return err_set(err, "libcurl cannot be started");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &shaken_us);
	if (shaken_us > 0 && (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING)) {
		*status = 401;
		code = CURLE_OK;
	} else if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	} else {
		err_set(err, "%s", curl_easy_strerror(code));
	}
	curl_easy_cleanup(curl);
	return code == CURLE_OK ? 0 : -1;
}

static int report(const char *base)
{
	size_t n = strlen(base);
	struct err err = {0};
	long status = 0;
	char *url;

	while (n > 0 && base[n - 1] == '/')
		n--;
	url = mem_format("%.*s/-/healthy", (int)n, base);
	if (get(url, &status, &err) == -1)
		printf("unhealthy: %s: %s\n", url, err.text);
	else if (status == 401)
		printf("healthy: %s, which wants credentials\n", url);
	else if (status != 200)
		printf("unhealthy: %s: HTTP status %ld\n", url, status);
	else
		printf("healthy: %s\n", url);
	mem_free(url);
	return status == 200 || status == 401 ? COMMAND_OK : COMMAND_FAILED;
}

int command_healthcheck(int argc, char **argv)
{
	struct command_line line;
	char *url;
	int result = command_parse(&usage, &line, argc, argv);

	if (result != -1)
		return result;
	if (line.values[FLAG_URL] && line.values[FLAG_CONFIG])
		return command_refuse(argv[0], "--url and --config exclude each other");
	url = line.values[FLAG_URL] ? mem_copy_string(line.values[FLAG_URL])
				    : configured_url(command_config_file(line.values[FLAG_CONFIG]));
	if (!url)
		return COMMAND_FAILED;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	result = report(url);
	curl_global_cleanup();
	mem_free(url);
	return result;
}
