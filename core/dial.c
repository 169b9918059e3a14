#include "core/dial.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/dial_socket.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/text.h"
#include "core/tls_client.h"

#define READ_BYTES      4096
#define DATAGRAM_BYTES  65536
#define READS_AT_A_TIME 32 /* then others have their turn */

enum phase { DIAL_CONNECTING, DIAL_OPEN, DIAL_HANDSHAKING, DIAL_SECURE, DIAL_OVER };

struct dial {
	struct dial_plan plan;
	int descriptor; /* -1: there was never one */
	enum phase phase;
	struct watch *watch;
	struct deferred later; /* tells what has happened inside a call, and reads on after a pause */
	unsigned untold;       /* a bit for each enum dial_event */
	bool is_telling;
	bool *is_gone; /* set when closed by who is told */
	struct dial_fault fault;

	SSL *ssl;
	struct tls_facts *facts;
	bool ssl_wants_write;

	struct text received; /* its ceiling is for datagrams */
	bool has_datagram;
	bool is_paused;   /* received is full: there may be more in ssl */
	bool has_more;    /* reading has stopped for the sake of others */
	bool has_ended;   /* no more comes */
	bool is_fin_seen; /* from the kernel */
	struct text unsent;
	size_t sent; /* of unsent */

	int64_t begun_ns, tls_begun_ns;
	int64_t connect_ns, tls_ns, received_ns;
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void raise_event(struct dial *dial, enum dial_event event)
{
	dial->untold |= 1U << event;
	if (!dial->is_telling)
		loop_defer(dial->plan.loop, &dial->later);
}

/* In the order of the enumeration. Returns false when the dial is gone. */
static bool tell(struct dial *dial)
{
	bool is_gone = false;
	loop_defer_cancel(dial->plan.loop, &dial->later);
	dial->is_telling = true;
	dial->is_gone = &is_gone;
	while (dial->untold) {
		enum dial_event event = (enum dial_event)__builtin_ctz(dial->untold);
		dial->untold &= ~(1U << event);
		dial->plan.happened(dial->plan.arg, event);
		if (is_gone)
			return false;
	}
	dial->is_telling = false;
	dial->is_gone = NULL;
	return true;
}

static bool wants_read(const struct dial *dial)
{
	if (dial->phase == DIAL_HANDSHAKING)
		return true;
	if (dial->phase != DIAL_OPEN && dial->phase != DIAL_SECURE)
		return false;
	return !dial->has_ended && !dial->has_datagram && !dial->is_paused;
}

static bool wants_write(const struct dial *dial)
{
	if (dial->phase == DIAL_OVER)
		return false;
	if (dial->phase == DIAL_CONNECTING || dial->ssl_wants_write)
		return true;
	return dial->unsent.length > dial->sent;
}

static void update_watch(struct dial *dial)
{
	if (dial->watch)
		watch_set(dial->watch, (wants_read(dial) ? WATCH_READ : 0U) | (wants_write(dial) ? WATCH_WRITE : 0U));
}

static void settle(struct dial *dial)
{
	if (!tell(dial))
		return;
	if (dial->has_more)
		loop_defer(dial->plan.loop, &dial->later);
	update_watch(dial);
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static void end_badly(struct dial *dial)
{
	dial->phase = DIAL_OVER;
	raise_event(dial, DIAL_FAILED);
}

static void fail(struct dial *dial, enum reason reason, const char *text)
{
	dial->fault.reason = reason;
	snprintf(dial->fault.text, sizeof(dial->fault.text), "%s", text);
	end_badly(dial);
}

static void fail_by_errno(struct dial *dial, int error)
{
	dial_socket_explain(dial->descriptor, &dial->plan, error, &dial->fault);
	end_badly(dial);
}

/* OpenSSL has said what is wrong, or it was the certificate. */
static void fail_by_tls(struct dial *dial)
{
	char words[200], text[256];
	tls_client_explain(words, sizeof(words));
	if (dial->phase == DIAL_HANDSHAKING && tls_facts_blame_certificate(dial->facts)) {
		snprintf(text, sizeof(text), "certificate: %s", dial->facts->verify_error);
		fail(dial, REASON_TLS_VERIFY, text);
		return;
	}
	snprintf(text, sizeof(text), "TLS: %s", words[0] ? words : "failed without a word");
	fail(dial, REASON_TLS_HANDSHAKE, text);
}

/* Of a call of OpenSSL that returned result <= 0. Returns true when it is only to be tried again. */
static bool handle_ssl_result(struct dial *dial, int result)
{
	int error = errno;
	switch (SSL_get_error(dial->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_WANT_WRITE:
		dial->ssl_wants_write = true;
		return true;
	case SSL_ERROR_ZERO_RETURN:
		dial->has_ended = true;
		break;
	case SSL_ERROR_SYSCALL:
		if (error != 0)
			fail_by_errno(dial, error);
		else
			dial->has_ended = true;
		break;
	default:
		fail_by_tls(dial);
	}
	return false;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static size_t room(const struct dial *dial)
{
	size_t most = dial->plan.is_datagram ? DATAGRAM_BYTES : DIAL_RECEIVED_MAX;
	size_t left = most - dial->received.length;
	return dial->plan.is_datagram ? left : left < READ_BYTES ? left : READ_BYTES;
}

static void take_bytes(struct dial *dial, size_t n)
{
	dial->received.length += n;
	dial->received_ns = clock_monotonic_ns();
	raise_event(dial, DIAL_RECEIVED);
}

/* Returns whether to go on. */
static bool read_ssl(struct dial *dial, char *to, size_t n)
{
	size_t got = 0;
	ERR_clear_error();
	errno = 0;
	int result = SSL_read_ex(dial->ssl, to, n, &got);
	if (result == 1) {
		take_bytes(dial, got);
		return true;
	}
	handle_ssl_result(dial, result);
	return false;
}

static bool read_socket(struct dial *dial, char *to, size_t n)
{
	ssize_t got = recv(dial->descriptor, to, n, 0);
	if (got > 0 || (got == 0 && dial->plan.is_datagram)) {
		take_bytes(dial, (size_t)got);
		dial->has_datagram = dial->plan.is_datagram;
		return (size_t)got == n && !dial->has_datagram;
	}
	if (got == 0)
		dial->has_ended = dial->is_fin_seen = true;
	else if (errno != EAGAIN && errno != EINTR)
		fail_by_errno(dial, errno);
	return false;
}

static void fill(struct dial *dial)
{
	bool goes_on = wants_read(dial);
	bool had_ended = dial->has_ended;
	for (int i = 0; goes_on && i < READS_AT_A_TIME; i++) {
		size_t n = room(dial);
		if (n == 0) {
			dial->is_paused = true;
			break;
		}
		char *to = text_reserve(&dial->received, n);
		goes_on = dial->ssl ? read_ssl(dial, to, n) : read_socket(dial, to, n);
	}
	if (dial->has_ended && !had_ended && dial->phase != DIAL_OVER)
		raise_event(dial, DIAL_ENDED);
	/* What OpenSSL has decrypted already shows on no descriptor. */
	dial->has_more = goes_on && dial->ssl && !dial->is_paused;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static bool write_ssl(struct dial *dial)
{
	size_t put = 0;
	ERR_clear_error();
	errno = 0;
	int result = SSL_write_ex(dial->ssl, dial->unsent.bytes + dial->sent, dial->unsent.length - dial->sent, &put);
	dial->sent += put;
	if (result == 1)
		return true;
	handle_ssl_result(dial, result);
	return false;
}

/* What the peer said before it went away is read before its going is told. */
static bool write_socket(struct dial *dial)
{
	ssize_t put =
		send(dial->descriptor, dial->unsent.bytes + dial->sent, dial->unsent.length - dial->sent, MSG_NOSIGNAL);
	if (put >= 0) {
		dial->sent += (size_t)put;
		return true;
	}
	if (errno == EAGAIN || errno == EINTR)
		return false;
	int error = errno;
	fill(dial);
	if (dial->phase != DIAL_OVER)
		fail_by_errno(dial, error);
	return false;
}

static void flush(struct dial *dial)
{
	bool goes_on = true;
	dial->ssl_wants_write = false;
	while (goes_on && dial->sent < dial->unsent.length && dial->phase != DIAL_OVER)
		goes_on = dial->phase == DIAL_SECURE ? write_ssl(dial) : write_socket(dial);
	if (dial->sent == dial->unsent.length) {
		text_clear(&dial->unsent);
		dial->sent = 0;
	}
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void shake_hands(struct dial *dial)
{
	flush(dial); /* what was said in the clear comes first */
	if (dial->phase != DIAL_HANDSHAKING || dial->unsent.length > 0)
		return;
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(dial->ssl);
	if (result == 1) {
		dial->phase = DIAL_SECURE;
		dial->tls_ns = clock_monotonic_ns() - dial->tls_begun_ns;
		tls_client_finish(dial->ssl, dial->facts);
		raise_event(dial, DIAL_SECURED);
		return;
	}
	if (handle_ssl_result(dial, result))
		return;
	if (dial->phase != DIAL_OVER)
		fail(dial, REASON_TLS_HANDSHAKE, "TLS: the server has closed the connection during the handshake");
	tls_client_finish(dial->ssl, dial->facts);
}

void dial_secure(struct dial *dial, struct ssl_st *ssl, struct tls_facts *facts)
{
	dial->ssl = ssl;
	dial->facts = facts;
	if (dial->phase != DIAL_OPEN) {
		if (dial->phase != DIAL_OVER)
			fail(dial, REASON_LOCAL, "TLS cannot begin now");
		return;
	}
	if (dial->received.length > 0) {
		fail(dial, REASON_PROTOCOL, "the server has sent something before TLS began");
		return;
	}
	dial->phase = DIAL_HANDSHAKING;
	dial->tls_begun_ns = clock_monotonic_ns();
	if (SSL_set_fd(ssl, dial->descriptor) == 1)
		shake_hands(dial);
	else
		fail_by_tls(dial);
	update_watch(dial);
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

static void finish_connect(struct dial *dial)
{
	dial_socket_finish(dial->descriptor, &dial->plan, &dial->fault);
	if (dial->fault.reason != REASON_OK) {
		end_badly(dial);
		return;
	}
	dial->phase = DIAL_OPEN;
	dial->connect_ns = clock_monotonic_ns() - dial->begun_ns;
	raise_event(dial, DIAL_CONNECTED);
}

static void handle_ready(void *arg, unsigned events)
{
	struct dial *dial = arg;
	dial->is_telling = true; /* it comes at the end */
	switch (dial->phase) {
	case DIAL_CONNECTING:
		finish_connect(dial);
		break;
	case DIAL_HANDSHAKING:
		shake_hands(dial);
		break;
	case DIAL_OPEN:
	case DIAL_SECURE:
		if ((events & WATCH_WRITE) != 0)
			flush(dial);
		if ((events & WATCH_READ) != 0 || dial->ssl)
			fill(dial);
		break;
	case DIAL_OVER:
		break;
	}
	settle(dial);
}

static void handle_later(void *arg)
{
	struct dial *dial = arg;
	dial->is_telling = true;
	if (dial->phase == DIAL_OPEN || dial->phase == DIAL_SECURE)
		fill(dial);
	settle(dial);
}

struct dial *dial_open(const struct dial_plan *plan)
{
	struct dial *dial = mem_zero(1, sizeof(*dial));
	dial->plan = *plan;
	dial->unsent.ceiling = DIAL_UNSENT_MAX;
	dial->connect_ns = dial->tls_ns = -1;
	deferred_prepare(&dial->later, handle_later, dial);
	dial->begun_ns = clock_monotonic_ns();
	dial->descriptor = dial_socket_open(plan, &dial->fault);
	dial->plan.interface = NULL;
	if (dial->descriptor < 0) {
		end_badly(dial);
		return dial;
	}
	dial->watch = watch_create(plan->loop, dial->descriptor, handle_ready, dial);
	if (plan->is_datagram) {
		dial->phase = DIAL_OPEN;
		dial->connect_ns = 0;
		raise_event(dial, DIAL_CONNECTED);
	}
	update_watch(dial);
	return dial;
}

void dial_close(struct dial *dial)
{
	if (!dial)
		return;
	if (dial->is_gone)
		*dial->is_gone = true;
	loop_defer_cancel(dial->plan.loop, &dial->later);
	watch_free(dial->watch);
	ERR_clear_error();
	if (dial->ssl && dial->phase == DIAL_SECURE)
		SSL_shutdown(dial->ssl);
	ERR_clear_error();
	SSL_free(dial->ssl);
	if (dial->descriptor >= 0)
		dial_socket_close(dial->descriptor, &dial->plan, dial->is_fin_seen);
	text_free(&dial->received);
	text_free(&dial->unsent);
	mem_free(dial);
}

const char *dial_received(const struct dial *dial, size_t *n)
{
	*n = dial->received.length;
	return dial->received.bytes ? dial->received.bytes : "";
}

void dial_consume(struct dial *dial, size_t n)
{
	if (dial->plan.is_datagram)
		n = dial->received.length;
	dial->received.length -= n;
	if (dial->received.length > 0)
		memmove(dial->received.bytes, dial->received.bytes + n, dial->received.length);
	dial->has_datagram = false;
	/* The descriptor may have nothing more to say: what is left may be inside OpenSSL. */
	if (dial->is_paused && n > 0) {
		dial->is_paused = false;
		loop_defer(dial->plan.loop, &dial->later);
	}
	update_watch(dial);
}

int dial_send(struct dial *dial, const void *bytes, size_t n)
{
	if (dial->unsent.length - dial->sent + n > DIAL_UNSENT_MAX)
		return -1;
	if (dial->plan.is_datagram) {
		if (dial->phase == DIAL_OPEN && send(dial->descriptor, bytes, n, MSG_NOSIGNAL) < 0)
			fail_by_errno(dial, errno);
		return 0;
	}
	if (dial->sent > 0) {
		memmove(dial->unsent.bytes, dial->unsent.bytes + dial->sent, dial->unsent.length - dial->sent);
		dial->unsent.length -= dial->sent;
		dial->sent = 0;
	}
	text_add_bytes(&dial->unsent, bytes, n);
	if (dial->phase == DIAL_OPEN || dial->phase == DIAL_SECURE)
		flush(dial);
	update_watch(dial);
	return 0;
}

bool dial_is_sent(const struct dial *dial)
{
	return dial->sent == dial->unsent.length;
}

void dial_trim(struct dial *dial)
{
	if (dial->received.length == 0)
		text_free(&dial->received);
	if (dial->unsent.length > 0 || !dial->unsent.bytes)
		return;
	OPENSSL_cleanse(dial->unsent.bytes, dial->unsent.capacity);
	text_free(&dial->unsent);
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

enum reason dial_reason(const struct dial *dial)
{
	return dial->fault.reason;
}

const char *dial_error(const struct dial *dial)
{
	return dial->fault.text;
}

int64_t dial_connect_ns(const struct dial *dial)
{
	return dial->connect_ns;
}

int64_t dial_tls_ns(const struct dial *dial)
{
	return dial->tls_ns;
}

int64_t dial_received_ns(const struct dial *dial)
{
	return dial->received_ns;
}

int dial_tcp_info(const struct dial *dial, struct tcp_info *out)
{
	socklen_t length = sizeof(*out);
	memset(out, 0, sizeof(*out));
	if (dial->connect_ns < 0 || dial->plan.is_datagram)
		return -1;
	return getsockopt(dial->descriptor, IPPROTO_TCP, TCP_INFO, out, &length);
}

struct ssl_st *dial_ssl(const struct dial *dial)
{
	return dial->ssl;
}
