/*
 * A small HTTP server on the loop of its thread, made for strangers: a ceiling on connections, on the bytes of a
 * request's head, and an absolute time for each request and for its reply, which a client cannot stretch by dripping
 * bytes. Replies are whole or streamed; a stream is asked for its next piece only when the last one has nearly left.
 *
 * Where there is no room left, those who keep it without using it make room for a newcomer: first what waits for its
 * client (a handshake, a request, the end), most of all of the client with the most connections; then the reply that
 * is taken most slowly.
 *
 * It is not evhttp, on libevent's bufferevents all the same: evhttp 2.1 has no ceiling on connections, tells nobody
 * when a connection without a request ends, and its timeouts begin anew with each byte.
 */
#ifndef NETSONDE_EXPORTER_SERVER_H
#define NETSONDE_EXPORTER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/option.h"
#include "exporter/http_wire.h"

struct address;
struct evbuffer;
struct loop;
struct server;
struct tls_context;

/* A client's connection; to a handler, the request that waits for its reply. */
struct connection;

/* A reply's body, piece by piece. */
struct stream {
	/* Appends at least some bytes; true while there is more to come. */
	bool (*more)(void *state, struct evbuffer *out);
	/* Once, at the end: is_complete says whether all of it was handed over. */
	void (*free)(void *state, bool is_complete);
	void *state;
};

/* May a request be served? */
enum server_admission {
	SERVER_ADMITTED,
	SERVER_ANSWERED,     /* it was replied to already */
	SERVER_DECIDED_LATER /* connection_wait was called: connection_resume or a reply will follow */
};

/* Who may come in, and how. Called on the server's thread. */
struct server_guard {
	void *context;
	/* For a new connection; borrowed for the call. NULL: it is served in plain text. */
	struct tls_context *(*tls)(void *context);
	/* Fields for the head of each reply, each ending in CR LF; or NULL. Borrowed for the call. */
	const char *(*fields)(void *context);
	/* Called when the head of a request is there, before its body. */
	enum server_admission (*admit)(void *context, struct connection *connection,
				       const struct http_request *request);
};

/* What becomes of the body of a request. */
struct server_body {
	bool is_kept;     /* it comes with the request, in memory; else it is read and forgotten */
	size_t max_bytes; /* longest one that is not refused */
};

/* Bytes of all bodies in memory that are not whole yet. For more, the connection is closed that waits for the rest of
 * one, of the client with the most bytes; if that is the very client that has more, it gets 503. */
#define SERVER_BODIES_MAX ((size_t)32 * 1024 * 1024)

/* All borrowed until server_free. handle must call connection_reply, connection_stream or connection_wait before it
 * returns. */
struct server_plan {
	struct loop *loop;
	const struct option_list *listen;
	size_t max_connections;
	int64_t request_timeout_ns; /* for the handshake, the head and the body of a request together: from accept, or
				       from the first byte of a further one */
	int64_t reply_timeout_ns;   /* from there to the last byte of the reply */
	int64_t idle_timeout_ns;    /* between a reply and the next request */
	const struct server_guard *guard; /* see server_set_guard; may be NULL */
	/* When a request was admitted, before its body is read. body: as for a page that has no use for one. false: it
	 * was replied to. NULL: none has. */
	bool (*begin)(void *context, struct connection *connection, const struct http_request *request,
		      struct server_body *body);
	void (*handle)(void *context, struct connection *connection, const struct http_request *request);
	/* In place of handle, for a body that is kept: it is broken (400), too long (413), too slow (408), or there is
	 * no room for it (503). Must reply; the connection ends then. NULL if begin is. */
	void (*refuse)(void *context, struct connection *connection, const struct http_request *request, int status);
	void *context;
};

#define SERVER_PORT_DEFAULT 9975

/* NULL with err: "0.0.0.0:9975: Address already in use". */
struct server *server_create(const struct server_plan *plan, struct err *err);
void server_free(struct server *server);

/* From now on; before the loop runs. Borrowed until server_free. Without one anybody may come in, in plain text. */
void server_set_guard(struct server *server, const struct server_guard *guard);

/* "host:port" of the i-th listener, or NULL. */
const char *server_listener(const struct server *server, size_t i);

struct server_figures {
	uint64_t requests, connections_total, refused, evicted, handshakes_failed, timeouts, sent_bytes;
	uint64_t connections; /* open now */
	uint64_t body_bytes;  /* of requests that are not whole, in memory now */
};
/* Any thread. */
void server_read(const struct server *server, struct server_figures *out);

/* The reply comes later: one connection_reply or connection_stream, from the loop, after handle has returned; the
 * request is gone by then. Unless gone is called first (the client has left, its time is up, the server ends): then
 * there must be none. gone is not called once the reply was made. A client that has closed its sending side is waiting
 * still; one that has closed both looks the same to TCP as long as nothing is sent, so its gone comes with the reset or
 * not at all. */
void connection_wait(struct connection *connection, void (*gone)(void *arg), void *arg);

/* After connection_wait: the reply may take wait_ns longer than the server's reply_timeout_ns, from now on. */
void connection_extend(struct connection *connection, int64_t wait_ns);

/* After connection_wait by a guard: the request is admitted now, and handled or its body read before this returns. */
void connection_resume(struct connection *connection);

/* For a reply that takes memory as long as its client does not take it, before it is made: there is room for
 * SERVER_HEAVY_MAX of them at a time. If that many are under way, one of a client that has at least two more than this
 * one is cut off, else the one that is taken most slowly. false: there is no room; reply 503. */
#define SERVER_HEAVY_MAX 8
bool connection_claim(struct connection *connection);

/* Where the client is. */
const struct address *connection_peer(const struct connection *connection);

/* reply is borrowed for the call; body is copied. */
void connection_reply(struct connection *connection, const struct http_reply *reply, const void *body, size_t n);

/* The stream is passed on: its free is called in any case, perhaps before this returns (HEAD). */
void connection_stream(struct connection *connection, const struct http_reply *reply, const struct stream *stream);

#endif
