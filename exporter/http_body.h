/*
 * The body of a request (RFC 9112 sections 6 and 7): kept, or read and forgotten, so that the next request on the
 * connection is found. Pure.
 */
#ifndef NETSONDE_EXPORTER_HTTP_BODY_H
#define NETSONDE_EXPORTER_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporter/http_wire.h"

/* Longest extension of a chunk, and all trailer fields together, in bytes: nothing of either is used. */
#define HTTP_EXTRA_MAX 4096

struct http_body {
	bool is_complete;
	int status; /* not 0: the answer to a body that is broken (400) or too long (413) */
	/* Where its bytes go, without those of chunks around them; NULL: they are forgotten. May be set after
	 * http_body_begin. */
	struct text *kept;
	/* For http_body.c alone. */
	unsigned state;
	unsigned digits; /* of the size of this chunk */
	uint64_t max;    /* longest one that is not refused */
	uint64_t left;   /* bytes of the body, or of this chunk, that are still to come */
	uint64_t total;  /* bytes of all chunks so far, with this one */
	size_t extra;
};

/* A request without a body has one that is complete. max: bytes of the longest that is not refused. */
void http_body_begin(struct http_body *body, const struct http_request *request, uint64_t max);

/* Reads on. Returns how many of the n bytes belong to the body: less than n once it is complete or refused. */
size_t http_body_read(struct http_body *body, const char *bytes, size_t n);

#endif
