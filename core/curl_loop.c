#include "core/curl_loop.h"

#include "core/clock.h"
#include "core/mem.h"

/* A descriptor that curl wants to be watched. */
struct curl_socket {
	struct curl_socket *next, **link;
	struct curl_loop *on;
	curl_socket_t descriptor;
	struct watch *watch;
};

struct curl_loop {
	struct loop *loop;
	CURLM *multi;
	struct alarm alarm;
	struct deferred at_once; /* an alarm would cost a slot of the timer for each request */
	struct curl_job *jobs;
	struct curl_socket *sockets;
};

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static void unlink_job(struct curl_job *job)
{
	*job->link = job->next;
	if (job->next != NULL)
		job->next->link = job->link;
	job->link = NULL;
	curl_multi_remove_handle(job->on->multi, job->easy);
}

void curl_job_cancel(struct curl_job *job)
{
	if (job->link == NULL)
		return;
	loop_defer_cancel(job->on->loop, &job->end);
	unlink_job(job);
}

static void end(void *arg)
{
	struct curl_job *job = arg;
	unlink_job(job);
	job->done(job->arg, job->result);
}

void curl_job_prepare(struct curl_job *job, void (*done)(void *arg, CURLcode result), void *arg)
{
	*job = (struct curl_job){.done = done, .arg = arg};
	deferred_prepare(&job->end, end, job);
}

int curl_job_start(struct curl_loop *curl_loop, struct curl_job *job, CURL *easy, struct err *err)
{
	curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
	CURLMcode code = curl_multi_add_handle(curl_loop->multi, easy);
	if (code != CURLM_OK)
		return err_set(err, "%s", curl_multi_strerror(code));
	job->on = curl_loop;
	job->easy = easy;
	job->next = curl_loop->jobs;
	job->link = &curl_loop->jobs;
	if (job->next != NULL)
		job->next->link = &job->next;
	curl_loop->jobs = job;
	return 0;
}

/* --- curl and the loop -------------------------------------------------------------------------------------------- */

static void collect(struct curl_loop *on)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(on->multi, &left)) != NULL;) {
		struct curl_job *job = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
		job->result = message->data.result;
		loop_defer(on->loop, &job->end);
	}
}

static void act(struct curl_loop *on, curl_socket_t descriptor, int events)
{
	int running;
	curl_multi_socket_action(on->multi, descriptor, events, &running);
	collect(on);
}

static void on_ready(void *arg, unsigned events)
{
	const struct curl_socket *at = arg;
	act(at->on, at->descriptor,
	    (events & WATCH_READ ? CURL_CSELECT_IN : 0) | (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void ring(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void forget_socket(struct curl_socket *at)
{
	*at->link = at->next;
	if (at->next != NULL)
		at->next->link = at->link;
	watch_free(at->watch);
	mem_free(at);
}

static struct curl_socket *watch_socket(struct curl_loop *on, curl_socket_t descriptor)
{
	struct curl_socket *at = mem_zero(1, sizeof(*at));
	at->on = on;
	at->descriptor = descriptor;
	at->watch = watch_create(on->loop, descriptor, on_ready, at);
	at->next = on->sockets;
	at->link = &on->sockets;
	if (at->next != NULL)
		at->next->link = &at->next;
	on->sockets = at;
	curl_multi_assign(on->multi, descriptor, at);
	return at;
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *context, void *socket_context)
{
	struct curl_socket *at = socket_context;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (at != NULL)
			forget_socket(at);
		return 0;
	}
	if (at == NULL)
		at = watch_socket(context, descriptor);
	watch_set(at->watch, (what & CURL_POLL_IN ? WATCH_READ : 0u) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0u));
	return 0;
}

/* CURLMOPT_TIMERFUNCTION. 0 ms means as soon as possible, but not from inside this call. */
static int on_timer(CURLM *multi, long wait_ms, void *context)
{
	struct curl_loop *on = context;
	(void)multi;
	alarm_cancel(on->loop, &on->alarm);
	loop_defer_cancel(on->loop, &on->at_once);
	if (wait_ms == 0)
		loop_defer(on->loop, &on->at_once);
	else if (wait_ms > 0)
		alarm_set(on->loop, &on->alarm, clock_monotonic_ns() + wait_ms * NS_PER_MS);
	return 0;
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

struct curl_loop *curl_loop_create(struct loop *loop, size_t most_connections, struct err *err)
{
	struct curl_loop *on = mem_zero(1, sizeof(*on));
	on->loop = loop;
	alarm_prepare(&on->alarm, ring, on);
	deferred_prepare(&on->at_once, ring, on);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		on->multi = curl_multi_init();
	if (on->multi == NULL) {
		err_set(err, "libcurl cannot be used");
		mem_free(on);
		return NULL;
	}
	curl_multi_setopt(on->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(on->multi, CURLMOPT_SOCKETDATA, on);
	curl_multi_setopt(on->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(on->multi, CURLMOPT_TIMERDATA, on);
	curl_multi_setopt(on->multi, CURLMOPT_MAXCONNECTS, (long)most_connections);
	return on;
}

void curl_loop_free(struct curl_loop *on)
{
	if (on == NULL)
		return;
	while (on->jobs != NULL)
		curl_job_cancel(on->jobs);
	/* Connections that are kept may still have watches. */
	curl_multi_cleanup(on->multi);
	while (on->sockets != NULL)
		forget_socket(on->sockets);
	alarm_cancel(on->loop, &on->alarm);
	loop_defer_cancel(on->loop, &on->at_once);
	mem_free(on);
	curl_global_cleanup();
}
