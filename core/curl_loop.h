/*
 * A libcurl multi handle on the loop: what all that use libcurl share. Easy handles belong to their users, who set them
 * up and read them; this file only lets them run.
 */
#ifndef NETSONDE_CORE_CURL_LOOP_H
#define NETSONDE_CORE_CURL_LOOP_H

#include <curl/curl.h>

#include "core/err.h"
#include "core/loop.h"

struct curl_loop;

/* One transfer, embedded in its owner. */
struct curl_job {
	struct curl_job *next, **link; /* link NULL = not under way */
	struct curl_loop *on;
	CURL *easy;
	CURLcode result;
	struct deferred end;
	void (*done)(void *arg, CURLcode result);
	void *arg;
};

/* most_connections: kept open at a time when nobody uses them. NULL with err. */
struct curl_loop *curl_loop_create(struct loop *loop, size_t most_connections, struct err *err);
/* Jobs under way end without a call. Connections that are kept are closed. NULL is harmless. */
void curl_loop_free(struct curl_loop *curl_loop);

/* Once, before the first start. */
void curl_job_prepare(struct curl_job *job, void (*done)(void *arg, CURLcode result), void *arg);

/* The transfer begins from the next round of the loop. done comes once, from a stack that is not curl's: by then the
 * handle is the caller's again, with all that can be asked of it. easy is borrowed until then; its CURLOPT_PRIVATE is
 * overwritten. -1 with err. */
int curl_job_start(struct curl_loop *curl_loop, struct curl_job *job, CURL *easy, struct err *err);

/* done will not come; the handle is the caller's again. Harmless when nothing is under way. Not from inside a callback
 * of curl. */
void curl_job_cancel(struct curl_job *job);

#endif
