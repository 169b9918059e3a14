#include "exporter/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"

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

enum phase { PHASE_READING, PHASE_WAITING, PHASE_REPLYING, PHASE_LINGERING };

struct connection {
	struct connection_links links;
	const struct connection_owner *owner;
	struct bufferevent *events;
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
	struct stream stream;
	void (*gone)(void *arg); /* PHASE_WAITING */
	void *gone_arg;
	size_t lingered;
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

static void end_stream(struct connection *connection, bool is_complete)
{
	if (!connection->is_streaming)
		return;
	connection->is_streaming = false;
	connection->stream.free(connection->stream.state, is_complete);
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	end_stream(connection, false);
	if (connection->phase == PHASE_WAITING)
		connection->gone(connection->gone_arg);
	alarm_cancel(connection->owner->plan->loop, &connection->alarm);
	bufferevent_free(connection->events);
	connection->owner->closed(connection->owner->context, connection);
	mem_free(connection);
}

static void set_alarm(struct connection *connection, int64_t after_ns)
{
	alarm_set(connection->owner->plan->loop, &connection->alarm, clock_monotonic_ns() + after_ns);
}

static void ring(void *arg)
{
	struct connection *connection = arg;
	if (connection->is_timed && connection->phase != PHASE_LINGERING)
		connection->owner->count_timeout(connection->owner->context);
	connection_close(connection);
}

/* The time of a request begins with its first byte and does not begin again. */
static void begin_time(struct connection *connection)
{
	if (connection->is_timed)
		return;
	connection->is_timed = true;
	set_alarm(connection, connection->owner->plan->reply_timeout_ns);
}

/* --- replies ----------------------------------------------------------------------------------------------------- */

static void send_head(struct connection *connection, const struct http_reply *reply, enum http_framing framing,
		      size_t length)
{
	struct text head = {0};
	if (connection->is_last || framing == HTTP_UNTIL_CLOSE)
		connection->keeps_alive = false;
	http_write_head(&head, reply,
			&(struct http_message){.framing = framing,
					       .length = length,
					       .keeps_alive = connection->keeps_alive,
					       .minor = connection->minor,
					       .date_seconds = clock_realtime_ns() / NS_PER_SECOND});
	connection->owner->count_sent(connection->owner->context, head.length);
	evbuffer_add(output_of(connection), head.bytes, head.length);
	text_free(&head);
}

void connection_wait(struct connection *connection, void (*gone)(void *arg), void *arg)
{
	connection->phase = PHASE_WAITING;
	connection->gone = gone;
	connection->gone_arg = arg;
}

void connection_reply(struct connection *connection, const struct http_reply *reply, const void *body, size_t n)
{
	connection->phase = PHASE_REPLYING;
	send_head(connection, reply, HTTP_LENGTH, n);
	if (connection->is_head)
		return;
	connection->owner->count_sent(connection->owner->context, n);
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
	connection->owner->count_sent(connection->owner->context, n);
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
	connection->phase = PHASE_REPLYING;
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

static void handle_request(struct connection *connection, const struct http_request *request)
{
	connection->minor = request->minor;
	connection->is_head = strcmp(request->method, "HEAD") == 0;
	connection->keeps_alive = request->keeps_alive;
	/* Nothing here takes a body; instead of reading it, the connection ends after the answer. */
	if (request->has_body)
		connection->is_last = true;
	if (request->content_length > HTTP_BODY_MAX)
		reply_status(connection, 413);
	else
		connection->owner->plan->handle(connection->owner->plan->context, connection, request);
}

/* Empty lines before a request are skipped (RFC 9112 section 2.2). */
static void skip_empty_lines(struct evbuffer *input)
{
	unsigned char *byte;
	while (evbuffer_get_length(input) > 0 && (byte = evbuffer_pullup(input, 1)) != NULL &&
	       (*byte == '\r' || *byte == '\n'))
		evbuffer_drain(input, 1);
}

/* Takes one request out of the input, if it is there. */
static void take_request(struct connection *connection)
{
	struct evbuffer *input = input_of(connection);
	if (connection->scanned == 0)
		skip_empty_lines(input);
	size_t n = evbuffer_get_length(input);
	if (n == 0)
		return;
	begin_time(connection);
	size_t looked_at = n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX;
	char *head = (char *)evbuffer_pullup(input, (ssize_t)looked_at);
	size_t length = head ? http_head_length(head, looked_at, connection->scanned) : 0;
	connection->scanned = looked_at > 3 ? looked_at - 3 : 0;
	if (length == 0) {
		if (looked_at == HTTP_HEAD_MAX)
			refuse_request(connection, 431);
		return;
	}
	struct http_request request;
	int status = http_parse_request(head, length, &request);
	connection->owner->count_request(connection->owner->context);
	if (status != 0)
		refuse_request(connection, status);
	else
		handle_request(connection, &request);
	evbuffer_drain(input, length);
	connection->scanned = 0;
}

static void linger(struct connection *connection)
{
	connection->phase = PHASE_LINGERING;
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
	connection->is_timed = false;
	set_alarm(connection, connection->owner->plan->idle_timeout_ns);
	take_request(connection);
	if (connection->has_ended && connection->phase == PHASE_READING)
		connection_close(connection);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void on_read(struct bufferevent *events, void *arg)
{
	struct connection *connection = arg;
	(void)events;
	if (connection->phase == PHASE_READING) {
		take_request(connection);
	} else if (connection->phase == PHASE_LINGERING) {
		size_t n = evbuffer_get_length(input_of(connection));
		connection->lingered += n;
		evbuffer_drain(input_of(connection), n);
		if (connection->lingered > LINGER_BYTES)
			connection_close(connection);
	}
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

static void on_event(struct bufferevent *events, short what, void *arg)
{
	struct connection *connection = arg;
	(void)events;
	bool is_answered = connection->phase == PHASE_REPLYING || connection->phase == PHASE_WAITING;
	/* A client may close its sending side and still read: what it has asked for is answered. */
	if ((what & BEV_EVENT_EOF) && is_answered)
		connection->has_ended = true;
	else
		connection_close(connection);
}

struct connection *connection_open(const struct connection_owner *owner, int descriptor)
{
	int on = 1;
	struct bufferevent *events =
		bufferevent_socket_new(loop_base(owner->plan->loop), descriptor, BEV_OPT_CLOSE_ON_FREE);
	if (!events) {
		close(descriptor);
		return NULL;
	}
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct connection *connection = mem_zero(1, sizeof(*connection));
	connection->owner = owner;
	connection->events = events;
	alarm_prepare(&connection->alarm, ring, connection);
	begin_time(connection);
	bufferevent_set_max_single_write(events, WRITE_MAX);
	bufferevent_setwatermark(events, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(events, EV_WRITE, OUTPUT_LOW, 0);
	bufferevent_setcb(events, on_read, on_write, on_event, connection);
	bufferevent_enable(events, EV_READ | EV_WRITE);
	return connection;
}
