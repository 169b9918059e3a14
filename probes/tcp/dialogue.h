/*
 * Dialogues: what is to be said to a server, and what it must answer. The language of the option steps, and how a
 * dialogue goes on with each piece that comes. Pure: bytes in, bytes and verdicts out.
 *
 * One step an item:
 *
 *     expect REGEX         a line that matches; lines before it are passed over. A line has no line end. What has no
 * line end (a prompt) is looked at when the peer pauses or ends reject REGEX         belongs to the expect before it: a
 * line that matches this, and not the expect, ends the run label NAME=FORM      belongs to the expect before it: what
 * it captured, as a label expect_bytes TEXT    exactly these bytes come next; \n \r \t \0 \\ \xHH send FORM a line:
 * FORM with ${1}, $name replaced by what the last expect captured ($$: a dollar), and a newline. A FORM of which
 * nothing is left sends nothing send_raw TEXT        bytes as they are; escapes as in expect_bytes starttls TLS begins
 */
#ifndef NETSONDE_PROBES_TCP_DIALOGUE_H
#define NETSONDE_PROBES_TCP_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/pattern.h"
#include "core/sample.h"
#include "core/text.h"

struct dialogue;

#define DIALOGUE_STEPS_MAX  128
#define DIALOGUE_LABELS_MAX 16                  /* of a whole dialogue */
#define DIALOGUE_VALUE_MAX  1024                /* bytes of a label's value: what is longer is cut */
#define DIALOGUE_LINE_MAX   ((size_t)64 * 1024) /* bytes without a line end */
#define DIALOGUE_BYTES_MAX  ((size_t)1 << 20)   /* received in one dialogue */

/* What precedes STARTTLS by protocol; index of dialogue_starttls_words. */
enum dialogue_starttls { DIALOGUE_NO_STARTTLS, DIALOGUE_SMTP, DIALOGUE_IMAP, DIALOGUE_POP3, DIALOGUE_FTP };
extern const char *const dialogue_starttls_words[]; /* NULL-terminated */

/* The steps of starttls, then the items. NULL with err ("steps: item 3: expect: at offset 2: ..."). */
struct dialogue *dialogue_create(enum dialogue_starttls starttls, char *const *items, size_t n, struct err *err);
void dialogue_free(struct dialogue *dialogue); /* NULL is harmless */

bool dialogue_is_empty(const struct dialogue *dialogue);
bool dialogue_has_starttls(const struct dialogue *dialogue);

/* --- one run ------------------------------------------------------------------------------------------------------ */

enum dialogue_verdict {
	DIALOGUE_WAITS,      /* for more bytes, a pause or the end */
	DIALOGUE_SENDS,      /* what is in the talk's output; then go on */
	DIALOGUE_STARTS_TLS, /* then go on */
	DIALOGUE_DONE,
	DIALOGUE_FAILED,
};

enum dialogue_failure {
	DIALOGUE_NO_FAILURE,
	DIALOGUE_RULE,  /* no line matched before the peer ended, or one that is rejected came */
	DIALOGUE_BYTES, /* other bytes than those expected */
	DIALOGUE_SHORT, /* the peer ended before as many bytes as expected */
	DIALOGUE_EXCESS /* a line, or all together, longer than the ceilings */
};

/* What has come so far and is not consumed. */
struct dialogue_input {
	const char *bytes;
	size_t n;
	bool has_ended; /* no more will come */
	bool is_paused; /* nothing has come for a while */
};

/* Zero-initialise all but dialogue and log; dialogue_talk_free afterwards. */
struct dialogue_talk {
	struct dialogue *dialogue;                                             /* borrowed */
	void (*log)(void *arg, const char *what, const char *bytes, size_t n); /* NULL: nobody wants it */
	void *arg;

	struct text output;            /* of DIALOGUE_SENDS: bytes to send; the caller clears it */
	enum dialogue_failure failure; /* of DIALOGUE_FAILED */
	struct text problem;           /* in words */
	bool reached_limit;            /* an expression was given up for its cost */
	size_t consumed;               /* by the last call: bytes of its input that are done with */
	size_t steps;                  /* done so far */
	size_t nlabels;
	struct label labels[DIALOGUE_LABELS_MAX]; /* names borrowed, values owned */

	/* private */
	size_t received;
	struct text line; /* that match is of */
	struct pattern_match match;
};
void dialogue_talk_free(struct dialogue_talk *talk);

/* Goes one or more steps on. To be called again with what consumed leaves until it waits, is done or has failed. */
enum dialogue_verdict dialogue_go_on(struct dialogue_talk *talk, const struct dialogue_input *input);

/* Is what comes next looked at when the peer pauses? */
bool dialogue_wants_pause(const struct dialogue_talk *talk);

/* The step that is waited for, as its item says it; "" after the last one. */
const char *dialogue_current_step(const struct dialogue_talk *talk);

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* Appends what an escaped text stands for. -1 with err: an unknown or unfinished escape. */
int dialogue_unescape(const char *escaped, struct text *out, struct err *err);

#endif
