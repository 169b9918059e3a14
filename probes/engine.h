/*
 * The probe engine of one worker: opens probes, starts their runs in time, enforces deadlines, hands samples to sinks.
 */
#ifndef NETSONDE_PROBES_ENGINE_H
#define NETSONDE_PROBES_ENGINE_H

#include "probes/probe.h"

/* Where the results of a probe go. The sample is borrowed for the call. log may be NULL: then run_log costs nothing.
 * context is handed to both. */
struct sink {
	void (*deliver)(void *context, const struct sample *sample);
	void (*log)(void *context, const char *line);
	void *context;
};

/* What an engine needs from its worker. All borrowed. */
struct engine_plan {
	struct loop *loop;
	struct resolver *resolver;
	unsigned worker;                   /* index, from 0 */
	const struct catalogue *catalogue; /* of probes whose plan has none; NULL: one without data sets */
};

/* Creates the services of all types (this opens raw sockets: call it before rights are dropped). */
struct engine *engine_create(const struct engine_plan *plan);
void engine_free(struct engine *engine); /* all probes must be closed */

struct loop *engine_loop(const struct engine *engine);
struct resolver *engine_resolver(const struct engine *engine);
unsigned engine_worker(const struct engine *engine);
/* For what there is of each probe. */
struct slabs *engine_slabs(const struct engine *engine);
/* This worker's instance of a service, for others than probes; NULL when no type lists it. */
void *engine_service(const struct engine *engine, const struct probe_service *service);

/* Decides whom runs may talk to. Called on the worker's thread; err says why not. An address without a family is not
 * known, and will not be: a proxy is asked for the name. */
struct gatekeeper {
	bool (*permits)(const void *context, const char *host, const struct address *address, uint16_t port,
			struct err *err);
	const void *context; /* immutable; borrowed until probe_close */
};

/* How a probe is opened. All borrowed until probe_close. */
struct probe_plan {
	const struct probe_type *type;
	const void *settings;
	const struct subject *subject;
	const char *address;
	struct sink sink;
	const struct gatekeeper *gatekeeper; /* NULL: runs may talk to anybody */
	const struct catalogue *catalogue;   /* NULL: the engine's */
	bool is_single;                      /* no schedule: runs only by probe_run_once */
};

/* NULL with err when the type cannot work here. */
struct probe *probe_open(struct engine *engine, const struct probe_plan *plan, struct err *err);

/* Starts one run of the first turn now (from the next round of the loop). Returns -1 when one is still running. */
int probe_run_once(struct probe *probe);

/* The same for a reason: cause (copied, cut at PROBE_CAUSE_MAX bytes) is what run_cause tells, and goes into the
 * sample. How often that may be is up to the caller. Its next turn comes as ever, and is skipped if this run lives
 * then. */
int probe_trigger(struct probe *probe, const char *cause);
#define PROBE_CAUSE_MAX 512

/* Ends the run of the first turn as its deadline would, with a sample of what there is. Not from inside a callback of
 * this probe. -1 when none lives. */
int probe_end_run(struct probe *probe);

/* From run to run of the first turn; 0 = it has no schedule. */
int64_t probe_interval_ns(const struct probe *probe);

/* Ends running runs without a sample, frees everything. The sink is not called again. Not from inside a sink. */
void probe_close(struct probe *probe);

/* New labels for a probe that goes on: the plan's subject is replaced, and its address by another copy of the same text
 * (both borrowed until close). */
void probe_set_subject(struct probe *probe, const struct subject *subject, const char *address);

/* --- the engine's own figures; any thread ------------------------------------------------------------------------- */

extern const struct measure_set engine_set; /* "schedule" */
/* Fills up to engine_set.n readings; returns how many. */
size_t engine_read(const struct engine *engine, struct reading *readings);

/* Calls each for every service that has a measure set. */
void engine_read_services(const struct engine *engine,
			  void (*each)(void *arg, const struct measure_set *set, const struct reading *readings,
				       size_t n),
			  void *arg);

/* Services of all types, each once; returns the number written to out (at most max). For the reference. */
size_t engine_list_services(const struct probe_service **out, size_t max);

#endif
