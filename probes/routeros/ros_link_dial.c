/*
 * One connection of a link: name, address, TCP, TLS, login; and its end.
 */
#include <net/if.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/mem.h"
#include "probes/routeros/ros_link_internal.h"

/* A router whose kernel has acknowledged nothing for so long has gone. */
#define SILENCE_NS (30 * NS_PER_SECOND)
/* Before the login nobody knows who is there. */
#define STRANGERS_WORD_BYTES     4096
#define STRANGERS_SENTENCE_BYTES 16384

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void forget_login(struct ros_link *link)
{
	ros_login_wipe(&link->out);
	if (link->password)
		OPENSSL_cleanse(link->password, strlen(link->password));
	mem_free(link->password);
	link->password = NULL;
	link->login = (struct ros_login){0};
}

static void close_connection(struct ros_link *link)
{
	host_cancel(link->host);
	dial_close(link->dial);
	link->dial = NULL;
	tls_facts_clear(&link->facts);
	forget_login(link);
	text_free(&link->out);
	ros_reader_free(&link->reader);
	ros_reply_free(&link->reply);
	link->reader = (struct ros_reader){0};
	link->choked_ns = 0;
	link->is_proven = false;
	link->figures.up_since_ns = 0;
}

static void set_state(struct ros_link *link, enum ros_link_state state)
{
	bool was_up = link->state == ROS_LINK_UP, is_up = state == ROS_LINK_UP;
	link->state = state;
	if (was_up != is_up && link->base->changed)
		link->base->changed(link, is_up);
}

static void note_failure(struct ros_link *link, bool was_up)
{
	if (was_up)
		link->figures.losses++;
	else
		link->figures.failures++;
	if (!link->guard)
		log_fault_begin(&link->fault, "routeros", link->label, "%s%s", was_up ? "the connection is lost: " : "",
				link->figures.message);
}

void ros_link_fail(struct ros_link *link, enum reason reason, const char *format, ...)
{
	bool was_up = link->state == ROS_LINK_UP;
	int64_t now_ns = clock_monotonic_ns();
	uint32_t random;
	va_list args;
	va_start(args, format);
	vsnprintf(link->figures.message, sizeof(link->figures.message), format, args);
	va_end(args);
	link->figures.reason = reason;
	if (was_up)
		ros_breaker_settle(&link->breaker, now_ns - link->figures.up_since_ns);
	hash_random(&random, sizeof(random));
	ros_breaker_fail(&link->breaker, now_ns, reason == REASON_LOGIN, random);
	close_connection(link);
	set_state(link, ROS_LINK_PAUSING);
	note_failure(link, was_up);
	ros_link_end_flying(link);
	ros_link_wake(link);
}

void ros_link_give_up(struct ros_link *link)
{
	enum ros_link_state state = link->state;
	double seconds = clock_seconds(link->access->connect_timeout_ns);
	if (state == ROS_LINK_RESOLVING)
		ros_link_fail(link, REASON_RESOLVE, "%s: no answer from the resolver in time", link->name);
	else if (state == ROS_LINK_LOGIN)
		ros_link_fail(link, REASON_TIMEOUT, "no answer to the login within %g s of the connection's start",
			      seconds);
	else if (dial_connect_ns(link->dial) >= 0)
		ros_link_fail(link, REASON_TIMEOUT, "the TLS handshake has not ended within %g s", seconds);
	else
		ros_link_fail(link, REASON_TIMEOUT, "no connection within %g s", seconds);
}

void ros_link_hang_up(struct ros_link *link)
{
	if (link->state == ROS_LINK_UP)
		ros_breaker_settle(&link->breaker, clock_monotonic_ns() - link->figures.up_since_ns);
	close_connection(link);
	set_state(link, ROS_LINK_IDLE);
}

/* --- the login ---------------------------------------------------------------------------------------------------- */

/* The sentence goes at once; the next one has memory of its own. */
static void send_login(struct ros_link *link)
{
	dial_send(link->dial, link->out.bytes, link->out.length);
	link->figures.sent_bytes += link->out.length;
	ros_login_wipe(&link->out);
}

static const char *find_password(struct ros_link *link, struct err *err)
{
	const struct ros_access *access = link->access;
	if (!access->password_file)
		return access->password ? access->password : "";
	link->password = file_read_secret(access->password_file, err);
	if (!link->password)
		err_prefix(err, "password_file: %s", access->password_file);
	return link->password;
}

static void begin_login(struct ros_link *link)
{
	struct err err = {0};
	const char *password = find_password(link, &err);
	link->figures.connect_ns = dial_connect_ns(link->dial) + (dial_ssl(link->dial) ? dial_tls_ns(link->dial) : 0);
	link->reader.word_max = STRANGERS_WORD_BYTES;
	link->reader.sentence_max = STRANGERS_SENTENCE_BYTES;
	if (!password) {
		ros_link_fail(link, REASON_LOCAL, "%s", err.text);
		return;
	}
	link->login = (struct ros_login){.user = link->access->username,
					 .password = password,
					 .style = (enum ros_login_style)link->access->login};
	if (ros_login_begin(&link->login, &link->out, &err) != 0) {
		ros_link_fail(link, REASON_LOCAL, "%s", err.text);
		return;
	}
	link->login_begun_ns = clock_monotonic_ns();
	set_state(link, ROS_LINK_LOGIN);
	send_login(link);
}

static void come_up(struct ros_link *link)
{
	int64_t now_ns = clock_monotonic_ns();
	forget_login(link);
	link->reader.word_max = link->reader.sentence_max = 0;
	link->figures.login_ns = now_ns - link->login_begun_ns;
	link->figures.epoch++;
	link->figures.reason = REASON_OK;
	link->figures.message[0] = '\0';
	link->figures.up_since_ns = link->used_ns = now_ns;
	log_fault_end(&link->fault, "routeros", link->label);
	set_state(link, ROS_LINK_UP);
	ros_link_wake(link);
}

/* false: the connection has gone. */
static bool take_login(struct ros_link *link)
{
	struct err err = {0};
	switch (ros_login_reply(&link->login, &link->reply, &link->out, &err)) {
	case ROS_LOGIN_WAIT:
		return true;
	case ROS_LOGIN_SEND:
		send_login(link);
		return true;
	case ROS_LOGIN_IN:
		come_up(link);
		return true;
	case ROS_LOGIN_REFUSED:
		ros_link_fail(link, REASON_LOGIN, "%s", err.text);
		return false;
	case ROS_LOGIN_BROKEN:
		break;
	}
	ros_link_fail(link, REASON_PROTOCOL, "%s", err.text);
	return false;
}

/* --- what comes --------------------------------------------------------------------------------------------------- */

static bool take_sentence(struct ros_link *link, const struct ros_sentence *sentence)
{
	struct err err = {0};
	if (ros_reply_read(&link->reply, sentence, &err) != 0) {
		ros_link_fail(link, REASON_PROTOCOL, "%s", err.text);
		return false;
	}
	return link->state == ROS_LINK_LOGIN ? take_login(link) : ros_link_take(link, &link->reply);
}

/* All of it: the reader keeps the beginning of a sentence itself. */
static void take_bytes(struct ros_link *link)
{
	struct err err = {0};
	struct ros_sentence sentence;
	enum ros_read read;
	size_t n;
	const char *bytes = dial_received(link->dial, &n);
	struct wire piece = wire_reader(bytes, n);
	link->figures.replies_bytes += n;
	while ((read = ros_reader_next(&link->reader, &piece, &sentence, &err)) == ROS_READ_SENTENCE)
		if (!take_sentence(link, &sentence))
			return;
	if (read == ROS_READ_BROKEN) {
		ros_link_fail(link, REASON_PROTOCOL, "what comes from the router is not its API: %s", err.text);
		return;
	}
	dial_consume(link->dial, n);
	ros_link_wake(link);
}

static void take_end(struct ros_link *link)
{
	if (ros_reader_is_inside(&link->reader))
		ros_link_fail(link, REASON_PROTOCOL,
			      "the router has closed the connection in the middle of a sentence");
	else if (link->state == ROS_LINK_UP)
		ros_link_fail(link, REASON_RESET, "the router has closed the connection");
	else
		ros_link_fail(link, REASON_RESET,
			      "the router has closed the connection before the login: too many sessions "
			      "(max-sessions of /ip service), or it is no API");
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void secure(struct ros_link *link)
{
	struct err err = {0};
	struct ssl_st *ssl = ros_link_make_ssl(link, &err);
	if (ssl)
		dial_secure(link->dial, ssl, &link->facts);
	else
		ros_link_fail(link, REASON_LOCAL, "%s", err.text);
}

static void secured(struct ros_link *link)
{
	struct err err = {0};
	if (ros_link_check_peer(link, &err) != 0) {
		ros_link_fail(link, REASON_TLS_VERIFY, "%s", err.text);
		return;
	}
	link->figures.is_secured = true;
	link->figures.is_anonymous = link->access->is_anonymous;
	if (link->access->is_anonymous && !link->has_warned) {
		link->has_warned = true;
		log_event(
			LOG_LEVEL_WARN, "routeros", link->label,
			"TLS without a certificate (tls_anonymous): nobody proves that this is the router; whoever is "
			"between can read the password and change what it says");
	}
	begin_login(link);
}

/* What is likely wrong, where the router's alert says little. */
static const char *hint_of(const struct ros_link *link)
{
	if (dial_reason(link->dial) != REASON_TLS_HANDSHAKE)
		return "";
	if (link->access->is_anonymous)
		return "; has the router a certificate? Then tls_anonymous does not fit";
	return "; a router whose service api-ssl has no certificate needs one, or tls_anonymous = true";
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

static void happened(void *arg, enum dial_event event)
{
	struct ros_link *link = arg;
	switch (event) {
	case DIAL_CONNECTED:
		if (link->access->uses_tls)
			secure(link);
		else
			begin_login(link);
		break;
	case DIAL_SECURED:
		secured(link);
		break;
	case DIAL_RECEIVED:
		if (link->state == ROS_LINK_LOGIN || link->state == ROS_LINK_UP)
			take_bytes(link);
		break;
	case DIAL_ENDED:
		take_end(link);
		break;
	case DIAL_FAILED:
		ros_link_fail(link, dial_reason(link->dial), "%s%s", dial_error(link->dial), hint_of(link));
		break;
	}
}

static struct dial_plan make_plan(struct ros_link *link, const struct address *address)
{
	const struct ros_access *access = link->access;
	struct dial_plan plan = {
		.loop = link->base->loop,
		.address = *address,
		.interface = access->interface,
		.fwmark = (uint32_t)access->fwmark,
		.silence_ns = SILENCE_NS,
		.happened = happened,
		.arg = link,
	};
	plan.address.port = link->port;
	if (access->source)
		address_parse(access->source, &plan.source);
	if (access->interface && plan.address.family == ADDRESS_IPV6 && !plan.address.scope_id &&
	    plan.address.bytes[0] == 0xfe && (plan.address.bytes[1] & 0xc0) == 0x80)
		plan.address.scope_id = if_nametoindex(access->interface);
	return plan;
}

static void dial(struct ros_link *link)
{
	size_t n;
	struct err err = {0};
	const struct address *addresses = host_addresses(link->host, &n);
	struct dial_plan plan = make_plan(link, &addresses[0]);
	const struct ros_link_guard *guard = link->guard;
	link->figures.address = plan.address;
	if (guard && !guard->permits(guard->arg, link->name, &plan.address, link->port, &err)) {
		ros_link_fail(link, REASON_DENIED, "%s", err.text);
		return;
	}
	link->attempt_end_ns = clock_monotonic_ns() + link->access->connect_timeout_ns;
	set_state(link, ROS_LINK_CONNECTING);
	link->dial = dial_open(&plan);
	ros_link_wake(link);
}

static void resolved(void *arg, const char *error)
{
	struct ros_link *link = arg;
	if (error)
		ros_link_fail(link, REASON_RESOLVE, "%s: %s", link->name, error);
	else
		dial(link);
}

void ros_link_connect(struct ros_link *link)
{
	ros_breaker_begin(&link->breaker);
	link->figures.attempts++;
	link->figures.connect_ns = link->figures.login_ns = -1;
	link->figures.is_secured = link->figures.is_anonymous = false;
	link->figures.address = (struct address){0};
	if (host_is_fresh(link->host)) {
		dial(link);
		return;
	}
	link->attempt_end_ns = clock_monotonic_ns() + link->access->connect_timeout_ns;
	set_state(link, ROS_LINK_RESOLVING);
	host_refresh(link->host, resolved, link);
}
