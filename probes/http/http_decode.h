/*
 * A body that was compressed, piece by piece: gzip (RFC 1952, several members too), raw deflate (RFC 1951), brotli (RFC
 * 7932). As blackbox_exporter reads them: by what the configuration says, whatever the server calls it. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_DECODE_H
#define NETSONDE_PROBES_HTTP_HTTP_DECODE_H

#include <stddef.h>

#include "core/err.h"

enum http_compression {
	HTTP_COMPRESSION_NONE,
	HTTP_COMPRESSION_GZIP,
	HTTP_COMPRESSION_BROTLI,
	HTTP_COMPRESSION_DEFLATE,
	HTTP_COMPRESSION_IDENTITY
};

struct http_decode;

/* Who gets what comes out. -1 ends it: http_decode_feed returns -1 too, err as it is. */
struct http_decode_sink {
	int (*take)(void *arg, const char *bytes, size_t n);
	void *arg;
};

/* Not for NONE and IDENTITY, where there is nothing to do. */
struct http_decode *http_decode_create(enum http_compression compression);
void http_decode_free(struct http_decode *decode); /* NULL is harmless */

/* n bytes more of the stream. -1 with err when they cannot be of one. */
int http_decode_feed(struct http_decode *decode, const char *bytes, size_t n, const struct http_decode_sink *sink,
		     struct err *err);
/* There is no more: -1 with err when there should be. */
int http_decode_end(const struct http_decode *decode, struct err *err);

#endif
