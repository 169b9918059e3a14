#include "exporter/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "exporter/http_body.h"
#include "exporter/listen_socket.h"
#include "exporter/tls_context.h"

/* Input that waits while a reply is on its way; more is not read. */
#define INPUT_MAX ((size_t)2 * HTTP_HEAD_MAX)
/* The next piece of a stream is made when no more than this of the last is unsent. */
#define OUTPUT_LOW ((size_t)64 * 1024)
/* libevent's own 16 KiB would cost a turn of the loop for each. */
#define WRITE_MAX ((size_t)512 * 1024)
/* Time for the client to close after our last reply: closing first, with its bytes unread, would reset the connection
 * and destroy what it has not read yet. */
#define LINGER_NS (2 * NS_PER_SECOND)
/* Bytes read and forgotten meanwhile. */
#define LINGER_BYTES ((size_t)1 << 20)

enum phase {
	PHASE_READING,  /* the handshake, the head of a request, or nothing yet */
	PHASE_BODY,     /* its body */
	PHASE_WAITING,  /* the reply comes later */
	PHASE_REPLYING, /* the reply is on its way */
	PHASE_LINGERING,
};

struct connection {
	struct connection_links links;
	const struct connection_owner *owner;
	struct address peer;
	struct bufferevent *events;
	struct tls_context *tls; /* held; NULL = plain text */
	bool is_shaking;         /* the handshake is not done */
	bool is_heavy;
	struct alarm alarm;
	enum phase phase;
	size_t scanned; /* bytes of the head looked through already */
	bool is_timed;  /* the alarm of this request is set */
	bool is_last;   /* no request will be taken after this one */
	bool has_ended; /* the client has closed its sending side */
	bool is_chunked;
	bool is_streaming;
	bool is_head;
	bool keeps_alive;
	unsigned minor;
	char *head; /* of the request that is not handled yet; owned */
	struct http_request request;
	struct http_body body;
	struct text kept; /* of the body */
	size_t reserved;  /* bytes of it that the server has counted */
	struct stream stream;
	void (*gone)(void *arg); /* while waiting */
	void *gone_arg;
	struct event *reset; /* while waiting for a client that has closed its sending side, or NULL */
	size_t lingered;
	int64_t replied_ns; /* when the present reply began */
	size_t replied;     /* bytes of it that were handed over */
};

struct connection_links *connection_links(struct connection *connection)
{
	return &connection->links;
}

static struct evbuffer *input_of(const struct connection *connection)
{
	return bufferevent_get_input(connection->events);
}

static struct evbuffer *output_of(const struct connection *connection)
{
	return bufferevent_get_output(connection->events);
}

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static const struct server_guard *guard_of(const struct connection *connection)
{
	return connection->owner->plan->guard;
}

const struct address *connection_peer(const struct connection *connection)
{
	return &connection->peer;
}

/* --- room -------------------------------------------------------------------------------------------------------- */

bool connection_is_idle(const struct connection *connection)
{
	return connection->phase == PHASE_READING || connection->phase == PHASE_BODY ||
	       connection->phase == PHASE_LINGERING;
}

bool connection_has_part(const struct connection *connection)
{
	return connection->phase == PHASE_BODY && connection->reserved > 0;
}

bool connection_is_heavy(const struct connection *connection)
{
	return connection->is_heavy;
}

int64_t connection_speed(const struct connection *connection, int64_t now_ns)
{
	int64_t age_ns = now_ns - connection->replied_ns;
	if (connection->phase != PHASE_REPLYING || age_ns < CONNECTION_GRACE_NS)
		return INT64_MAX;
	size_t unsent = evbuffer_get_length(output_of(connection));
	int queued = 0; /* in the kernel, not acknowledged */
	if (ioctl(bufferevent_getfd(connection->events), SIOCOUTQ, &queued) == 0 && queued > 0)
		unsent += (size_t)queued;
	double taken = connection->replied > unsent ? (double)(connection->replied - unsent) : 0;
	return (int64_t)(taken * (double)NS_PER_SECOND / (double)age_ns);
}

bool connection_claim(struct connection *connection)
{
	if (!connection->is_heavy)
		connection->is_heavy = connection->owner->claim(connection->owner->context, connection);
	return connection->is_heavy;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void end_stream(struct connection *connection, bool is_complete)
{
	if (!connection->is_streaming)
		return;
	connection->is_streaming = false;
	connection->stream.free(connection->stream.state, is_complete);
}

/* There are passwords in bodies. */
static void forget_body(struct connection *connection)
{
	connection->owner->release(connection->owner->context, connection, connection->reserved);
	connection->reserved = 0;
	file_wipe(&connection->kept);
}

static void end_waiting(struct connection *connection)
{
	if (connection->reset)
		event_free(connection->reset);
	connection->reset = NULL;
	connection->phase = PHASE_REPLYING;
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	bool was_waiting = connection->phase == PHASE_WAITING;
	end_waiting(connection);
	if (was_waiting)
		connection->gone(connection->gone_arg);
	end_stream(connection, false);
	alarm_cancel(connection->owner->plan->loop, &connection->alarm);
	bufferevent_free(connection->events);
	tls_context_release(connection->tls);
	forget_body(connection);
	connection->owner->closed(connection->owner->context, connection);
	mem_free(connection->head);
	mem_free(connection);
}

static void set_alarm(struct connection *connection, int64_t after_ns)
{
	alarm_set(connection->owner->plan->loop, &connection->alarm, clock_monotonic_ns() + after_ns);
}

/* The time of a request begins with its first byte and does not begin again. */
static void begin_time(struct connection *connection)
{
	if (connection->is_timed)
		return;
	connection->is_timed = true;
	set_alarm(connection, connection->owner->plan->request_timeout_ns);
}

/* --- replies that come later ------------------------------------------------------------------------------------- */

/* A connection that was closed by the client and one that was closed on its sending side alone look the same until
 * something is sent, unless a reset follows. libevent watches for nothing of the kind once reading has ended; an
 * edge-triggered event tells it once, and does not report the end of the stream again and again. */
static void on_change(evutil_socket_t descriptor, short what, void *arg)
{
	int error = 0;
	socklen_t length = sizeof(error);
	(void)what;
	if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
		connection_close(arg);
}

/* With bytes on their way out ("100 Continue") libevent has an event of the other kind, and none of this one goes
 * beside it: a reset is noticed by sending then. */
static void watch_for_reset(struct connection *connection)
{
	if (connection->reset || evbuffer_get_length(output_of(connection)) > 0)
		return;
	connection->reset = event_new(loop_base(connection->owner->plan->loop), bufferevent_getfd(connection->events),
				      EV_READ | EV_ET | EV_PERSIST, on_change, connection);
	if (connection->reset)
		event_add(connection->reset, NULL);
}

void connection_wait(struct connection *connection, void (*gone)(void *arg), void *arg)
{
	connection->phase = PHASE_WAITING;
	connection->gone = gone;
	connection->gone_arg = arg;
	if (connection->has_ended)
		watch_for_reset(connection);
}

void connection_extend(struct connection *connection, int64_t wait_ns)
{
	set_alarm(connection, wait_ns + connection->owner->plan->reply_timeout_ns);
}

/* --- replies ----------------------------------------------------------------------------------------------------- */

static void count_sent(struct connection *connection, size_t n)
{
	connection->replied += n;
	count(&connection->owner->counts->sent_bytes, n);
}

/* Fields that every reply has, and those of this one. */
static void write_head(struct connection *connection, struct text *head, const struct http_reply *reply,
		       const struct http_message *message)
{
	const struct server_guard *guard = guard_of(connection);
	const char *common = guard ? guard->fields(guard->context) : NULL;
	if (!common) {
		http_write_head(head, reply, message);
		return;
	}
	struct text fields = {0};
	struct http_reply whole = *reply;
	text_add_format(&fields, "%s%s", common, reply->fields ? reply->fields : "");
	whole.fields = text_string(&fields);
	http_write_head(head, &whole, message);
	text_free(&fields);
}

static void send_head(struct connection *connection, const struct http_reply *reply, enum http_framing framing,
		      size_t length)
{
	struct text head = {0};
	if (connection->is_last || framing == HTTP_UNTIL_CLOSE)
		connection->keeps_alive = false;
	write_head(connection, &head, reply,
		   &(struct http_message){.framing = framing,
					  .length = length,
					  .keeps_alive = connection->keeps_alive,
					  .minor = connection->minor,
					  .date_seconds = clock_realtime_ns() / NS_PER_SECOND});
	connection->replied = 0;
	connection->replied_ns = clock_monotonic_ns();
	count_sent(connection, head.length);
	evbuffer_add(output_of(connection), head.bytes, head.length);
	text_free(&head);
}

void connection_reply(struct connection *connection, const struct http_reply *reply, const void *body, size_t n)
{
	end_waiting(connection);
	send_head(connection, reply, HTTP_LENGTH, n);
	if (connection->is_head)
		return;
	count_sent(connection, n);
	evbuffer_add(output_of(connection), body, n);
}

static void reply_status(struct connection *connection, int status)
{
	struct text body = {0};
	text_add_format(&body, "%d %s\n", status, http_status_text(status));
	connection_reply(connection, &(struct http_reply){.status = status, .type = "text/plain; charset=utf-8"},
			 body.bytes, body.length);
	text_free(&body);
}

/* Sends a piece; an empty one would end a chunked body. */
static void send_piece(struct connection *connection, struct evbuffer *piece)
{
	struct evbuffer *output = output_of(connection);
	size_t n = evbuffer_get_length(piece);
	if (n == 0)
		return;
	count_sent(connection, n);
	if (connection->is_chunked)
		evbuffer_add_printf(output, "%zx\r\n", n);
	evbuffer_add_buffer(output, piece);
	if (connection->is_chunked)
		evbuffer_add(output, "\r\n", 2);
}

static void finish_stream(struct connection *connection)
{
	if (connection->is_chunked)
		evbuffer_add(output_of(connection), "0\r\n\r\n", 5);
	end_stream(connection, true);
}

/* Compression can swallow a piece whole: then there is nothing to write yet, and no write would ask for the next.
 * Returns false when the connection is gone. */
static bool continue_stream(struct connection *connection)
{
	struct evbuffer *piece = evbuffer_new();
	if (!piece) {
		connection_close(connection);
		return false;
	}
	bool is_more;
	do {
		is_more = connection->stream.more(connection->stream.state, piece);
	} while (is_more && evbuffer_get_length(piece) == 0);
	send_piece(connection, piece);
	evbuffer_free(piece);
	if (!is_more)
		finish_stream(connection);
	return true;
}

/* The first piece decides: a body that is complete with it has a length and needs no chunks. */
void connection_stream(struct connection *connection, const struct http_reply *reply, const struct stream *stream)
{
	end_waiting(connection);
	connection->stream = *stream;
	connection->is_streaming = true;
	connection->is_chunked = connection->minor >= 1;
	enum http_framing framing = connection->is_chunked ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
	if (connection->is_head) {
		send_head(connection, reply, framing, 0);
		end_stream(connection, true);
		return;
	}
	struct evbuffer *first = evbuffer_new();
	if (!first) {
		end_stream(connection, false);
		reply_status(connection, 500);
		return;
	}
	bool is_more = stream->more(stream->state, first);
	if (!is_more) {
		connection->is_chunked = false;
		framing = HTTP_LENGTH;
	}
	send_head(connection, reply, framing, evbuffer_get_length(first));
	send_piece(connection, first);
	evbuffer_free(first);
	if (!is_more)
		finish_stream(connection);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

/* What cannot be understood is answered, and ends the connection: where the next request begins is anyone's guess. */
static void refuse_request(struct connection *connection, int status)
{
	connection->is_last = true;
	connection->is_head = false;
	reply_status(connection, status);
}

static void forget_request(struct connection *connection)
{
	forget_body(connection);
	mem_free(connection->head);
	connection->head = NULL;
}

static void handle_request(struct connection *connection)
{
	struct http_request *request = &connection->request;
	set_alarm(connection, connection->owner->plan->reply_timeout_ns);
	request->body_length = connection->kept.length;
	request->body = connection->body.kept ? text_string(&connection->kept) : NULL;
	connection->owner->plan->handle(connection->owner->plan->context, connection, request);
	forget_request(connection);
}

/* Where the body is of use, who reads it also says what is wrong with it. */
static void refuse_body(struct connection *connection, int status)
{
	const struct server_plan *plan = connection->owner->plan;
	if (!connection->body.kept) {
		refuse_request(connection, status);
		return;
	}
	connection->phase = PHASE_REPLYING;
	connection->is_last = true;
	plan->refuse(plan->context, connection, &connection->request, status);
	forget_request(connection);
}

static void ring(void *arg)
{
	struct connection *connection = arg;
	if (connection->is_timed && connection->phase != PHASE_LINGERING)
		count(&connection->owner->counts->timeouts, 1);
	if (connection->phase != PHASE_BODY || !connection->body.kept) {
		connection_close(connection);
		return;
	}
	/* Counted already. */
	connection->is_timed = false;
	set_alarm(connection, LINGER_NS);
	refuse_body(connection, 408);
}

/* What OpenSSL has decrypted while libevent took no more, because the input was full: it is the rest of a record, and
 * no event of the socket will tell of it. Returns false if there is none. */
static bool take_decrypted(struct connection *connection)
{
	char bytes[SSL3_RT_MAX_PLAIN_LENGTH];
	SSL *ssl = connection->tls ? bufferevent_openssl_get_ssl(connection->events) : NULL;
	if (!ssl || SSL_pending(ssl) <= 0)
		return false;
	int n = SSL_read(ssl, bytes, sizeof(bytes));
	if (n <= 0)
		return false;
	evbuffer_add(input_of(connection), bytes, (size_t)n);
	OPENSSL_cleanse(bytes, (size_t)n);
	return true;
}

static void count_kept(struct connection *connection)
{
	const struct connection_owner *owner = connection->owner;
	size_t n = connection->kept.length - connection->reserved;
	if (n == 0 || connection->body.status != 0)
		return;
	if (owner->reserve(owner->context, connection, n))
		connection->reserved += n;
	else
		connection->body.status = 503;
}

/* Takes what is there of the body; the request is handled when all of it is. */
static void take_body(struct connection *connection)
{
	struct evbuffer *input = input_of(connection);
	while (!connection->body.is_complete && connection->body.status == 0) {
		if (evbuffer_get_length(input) == 0 && !take_decrypted(connection))
			return;
		size_t n = evbuffer_get_contiguous_space(input);
		evbuffer_drain(input, http_body_read(&connection->body, (char *)evbuffer_pullup(input, (ssize_t)n), n));
		count_kept(connection);
	}
	if (connection->body.status != 0)
		refuse_body(connection, connection->body.status);
	else
		handle_request(connection);
}

/* A client that waits to be told to go on is told so, unless it did not wait (RFC 9110 section 10.1.1). */
static void begin_body(struct connection *connection)
{
	connection->phase = PHASE_BODY;
	if (connection->request.wants_continue && connection->body.status == 0 &&
	    evbuffer_get_length(input_of(connection)) == 0)
		evbuffer_add_printf(output_of(connection), "HTTP/1.1 100 Continue\r\n\r\n");
	take_body(connection);
}

/* The request is admitted by the guard. */
static void proceed(struct connection *connection)
{
	const struct server_plan *plan = connection->owner->plan;
	struct server_body body = {.max_bytes = HTTP_BODY_MAX};
	connection->phase = PHASE_REPLYING;
	if (plan->begin && !plan->begin(plan->context, connection, &connection->request, &body))
		return;
	connection->is_last = false;
	http_body_begin(&connection->body, &connection->request, body.max_bytes);
	if (body.is_kept)
		connection->body.kept = &connection->kept;
	if (connection->request.has_body)
		begin_body(connection);
	else
		handle_request(connection);
}

void connection_resume(struct connection *connection)
{
	end_waiting(connection);
	proceed(connection);
}

/* A request that is refused leaves its body unread, so it is the last one. */
static void ask_guard(struct connection *connection)
{
	const struct server_guard *guard = guard_of(connection);
	connection->phase = PHASE_REPLYING;
	connection->is_last = connection->request.has_body;
	if (!guard || guard->admit(guard->context, connection, &connection->request) == SERVER_ADMITTED)
		proceed(connection);
}

/* head: passed on. */
static void begin_request(struct connection *connection, char *head, size_t length)
{
	struct http_request *request = &connection->request;
	mem_free(connection->head);
	connection->head = head;
	int status = http_parse_request(head, length, request);
	count(&connection->owner->counts->requests, 1);
	if (status != 0) {
		refuse_request(connection, status);
		return;
	}
	connection->minor = request->minor;
	connection->is_head = strcmp(request->method, "HEAD") == 0;
	connection->keeps_alive = request->keeps_alive;
	ask_guard(connection);
}

/* Empty lines before a request are skipped (RFC 9112 section 2.2). */
static void skip_empty_lines(struct evbuffer *input)
{
	unsigned char *byte;
	while (evbuffer_get_length(input) > 0 && (byte = evbuffer_pullup(input, 1)) != NULL &&
	       (*byte == '\r' || *byte == '\n'))
		evbuffer_drain(input, 1);
}

/* Takes one request out of the input, if its head is there. */
static void take_head(struct connection *connection)
{
	struct evbuffer *input = input_of(connection);
	if (connection->scanned == 0)
		skip_empty_lines(input);
	size_t n = evbuffer_get_length(input);
	if (n == 0)
		return;
	begin_time(connection);
	size_t looked_at = n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX;
	const char *bytes = (const char *)evbuffer_pullup(input, (ssize_t)looked_at);
	size_t length = bytes ? http_head_length(bytes, looked_at, connection->scanned) : 0;
	connection->scanned = looked_at > 3 ? looked_at - 3 : 0;
	if (length == 0) {
		if (looked_at == HTTP_HEAD_MAX)
			refuse_request(connection, 431);
		return;
	}
	char *head = mem_copy(bytes, length);
	evbuffer_drain(input, length);
	connection->scanned = 0;
	begin_request(connection, head, length);
}

static void take_input(struct connection *connection)
{
	if (evbuffer_get_length(input_of(connection)) < HTTP_HEAD_MAX)
		take_decrypted(connection);
	if (connection->phase == PHASE_READING)
		take_head(connection);
	else if (connection->phase == PHASE_BODY)
		take_body(connection);
}

static void linger(struct connection *connection)
{
	connection->phase = PHASE_LINGERING;
	connection->is_heavy = false;
	if (connection->tls)
		SSL_shutdown(bufferevent_openssl_get_ssl(connection->events));
	shutdown(bufferevent_getfd(connection->events), SHUT_WR);
	bufferevent_setwatermark(connection->events, EV_READ, 0, 0);
	connection->lingered = evbuffer_get_length(input_of(connection));
	evbuffer_drain(input_of(connection), connection->lingered);
	set_alarm(connection, LINGER_NS);
}

/* The reply has left: on to the next request. */
static void end_reply(struct connection *connection)
{
	if (!connection->keeps_alive || connection->is_last) {
		linger(connection);
		return;
	}
	connection->phase = PHASE_READING;
	connection->is_heavy = false;
	connection->is_timed = false;
	set_alarm(connection, connection->owner->plan->idle_timeout_ns);
	take_input(connection);
	if (connection->has_ended && (connection->phase == PHASE_READING || connection->phase == PHASE_BODY))
		connection_close(connection);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void on_read(struct bufferevent *events, void *arg)
{
	struct connection *connection = arg;
	(void)events;
	if (connection->phase != PHASE_LINGERING) {
		take_input(connection);
		return;
	}
	size_t n = evbuffer_get_length(input_of(connection));
	connection->lingered += n;
	evbuffer_drain(input_of(connection), n);
	if (connection->lingered > LINGER_BYTES)
		connection_close(connection);
}

static void on_write(struct bufferevent *events, void *arg)
{
	struct connection *connection = arg;
	(void)events;
	if (connection->phase != PHASE_REPLYING)
		return;
	if (connection->is_streaming && !continue_stream(connection))
		return;
	if (!connection->is_streaming && evbuffer_get_length(output_of(connection)) == 0)
		end_reply(connection);
}

/* A client that speaks plain HTTP to a port with TLS is told so in its own language. */
static void end_handshake(struct connection *connection)
{
	static const char advice[] = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
				     "this port speaks HTTPS\n";
	unsigned long error = bufferevent_get_openssl_error(connection->events);
	const char *why = ERR_reason_error_string(error);
	if (ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST)
		listen_socket_tell(bufferevent_getfd(connection->events), advice, sizeof(advice) - 1);
	count(&connection->owner->counts->handshakes_failed, 1);
	connection->owner->note_handshake(connection->owner->context, &connection->peer,
					  why ? why : "the client has gone away");
}

static void on_event(struct bufferevent *events, short what, void *arg)
{
	struct connection *connection = arg;
	(void)events;
	if (what & BEV_EVENT_CONNECTED) {
		connection->is_shaking = false;
		return;
	}
	if (connection->is_shaking)
		end_handshake(connection);
	/* A client may close its sending side and still read: what it has asked for is answered. Not with TLS, where
	 * libevent writes nothing more then. */
	bool is_asked = connection->phase == PHASE_REPLYING || connection->phase == PHASE_WAITING;
	if (!(what & BEV_EVENT_EOF) || !is_asked || connection->tls) {
		connection_close(connection);
		return;
	}
	connection->has_ended = true;
	if (connection->phase == PHASE_WAITING)
		watch_for_reset(connection);
}

/* NULL: no memory; the descriptor is closed. tls: NULL = plain text. */
static struct bufferevent *open_events(struct event_base *base, int descriptor, struct tls_context *tls)
{
	struct ssl_st *ssl = tls ? tls_context_accept(tls) : NULL;
	struct bufferevent *events = NULL;
	/* Never plain text in place of TLS that cannot be had. */
	if (ssl)
		events = bufferevent_openssl_socket_new(base, descriptor, ssl, BUFFEREVENT_SSL_ACCEPTING,
							BEV_OPT_CLOSE_ON_FREE);
	else if (!tls)
		events = bufferevent_socket_new(base, descriptor, BEV_OPT_CLOSE_ON_FREE);
	if (events)
		return events;
	SSL_free(ssl);
	close(descriptor);
	return NULL;
}

static void set_up_events(struct connection *connection)
{
	struct bufferevent *events = connection->events;
	bufferevent_set_max_single_write(events, WRITE_MAX);
	bufferevent_setwatermark(events, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(events, EV_WRITE, OUTPUT_LOW, 0);
	bufferevent_setcb(events, on_read, on_write, on_event, connection);
	bufferevent_enable(events, EV_READ | EV_WRITE);
}

struct connection *connection_open(const struct connection_owner *owner, int descriptor, const struct address *peer)
{
	const struct server_guard *guard = owner->plan->guard;
	struct tls_context *tls = guard ? guard->tls(guard->context) : NULL;
	int on = 1;
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct bufferevent *events = open_events(loop_base(owner->plan->loop), descriptor, tls);
	if (!events)
		return NULL;
	struct connection *connection = mem_zero(1, sizeof(*connection));
	connection->owner = owner;
	connection->peer = *peer;
	connection->events = events;
	connection->tls = tls ? tls_context_hold(tls) : NULL;
	connection->is_shaking = tls;
	alarm_prepare(&connection->alarm, ring, connection);
	begin_time(connection);
	set_up_events(connection);
	return connection;
}
