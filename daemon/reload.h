/*
 * The configuration while the daemon runs: which one is in force, and how the next one takes its place. On the main
 * thread, but for what says otherwise.
 *
 * A reload has two phases. Prepare: the file is read and checked; a bad one changes nothing and is told. Commit, which
 * cannot fail: what the new configuration wants is compared with what is measured, and the difference goes to the
 * workers, which carry it out between their probes. What is the same in both is not touched at all. The old
 * configuration is freed when every worker has answered.
 *
 * One reload at a time: what is asked for meanwhile is served by one more when it has ended.
 */
#ifndef NETSONDE_DAEMON_RELOAD_H
#define NETSONDE_DAEMON_RELOAD_H

#include <stddef.h>

#include "core/err.h"
#include "core/sample.h"
#include "core/text.h"
#include "daemon/crew.h"

struct config;
struct geo;
struct influx;
struct loop;
struct mailbox;
struct own;
struct reload;
struct reload_ask;
struct routers;
struct standing;

/* config (passed, if this succeeds) is in force at once. loop: the main thread's; borrowed. NULL with err. */
struct reload *reload_create(struct config *config, struct loop *loop, struct err *err);

/* After the workers were freed, which borrow from it, and before the mailboxes of those who asked. NULL is harmless. */
void reload_free(struct reload *reload);

/* What is in force until a restart. Borrowed. */
const struct standing *reload_standing(const struct reload *reload);

/* Opens all probes on workers that do not run yet; they and their array are borrowed from then on. -1 with err. */
int reload_open(struct reload *reload, const struct crew *crew, struct err *err);

/* Where results are noted, and the outputs and places that a reload may change; once, before the loop runs. Borrowed.
 */
void reload_set_own(struct reload *reload, struct own *own);
void reload_set_influx(struct reload *reload, struct influx *influx);
void reload_set_geo(struct reload *reload, struct geo *geo);

/* Targets and probes in force. */
size_t reload_count_targets(const struct reload *reload);
size_t reload_count_probes(const struct reload *reload);

/* --- reloading --------------------------------------------------------------------------------------------------- */

/* Reads the file again, now or after the reload that is under way. */
void reload_request(struct reload *reload);

/* A source of targets beside the configuration has changed: compares and applies, with the same configuration. */
void reload_targets_changed(struct reload *reload);

struct reload_answer {
	int status;       /* 200: done; 400: refused, nothing has changed; 500: the daemon ends */
	const char *text; /* lines, each with LF */
};

/* From any thread: reload_request, and done is called on the thread of answer_to when the reload that began after this
 * call has ended. Borrowed for the call. NULL when the main thread's mailbox is full. The handle is valid until done
 * has returned or reload_ask_cancel. answer_to must live until then and until reload_free. */
struct reload_ask *reload_ask(struct reload *reload, struct mailbox *answer_to,
			      void (*done)(void *arg, const struct reload_answer *answer), void *arg);

/* On the asker's thread: done will not come. The reload goes on. */
void reload_ask_cancel(struct reload_ask *ask);

/* --- looking; any thread -----------------------------------------------------------------------------------------
 */

/* The configuration in force, which stays so until it is unlocked: briefly, the main thread may wait for it. */
const struct config *reload_lock_config(struct reload *reload);
void reload_unlock_config(struct reload *reload);

/* The routers in force, held for the caller. */
struct routers *reload_hold_routers(struct reload *reload);

/* The rows of target_files_set. */
void reload_read_files(struct reload *reload,
		       void (*each)(void *arg, const char *file, const struct reading *readings, size_t n), void *arg);

/* As text, with a comment about what needs a restart. */
void reload_show_config(struct reload *reload, struct text *out);

#endif
