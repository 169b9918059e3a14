/*
 * What a sentence of a router says. Only !done, !fatal and the end of the connection end a command: !trap and !empty
 * are followed by !done. Words that nobody knows yet are skipped, and so should be replies of an unknown kind: each
 * release may bring new ones (7.18 brought !empty). Bytes of strangers. Pure.
 */
#ifndef NETSONDE_PROBES_ROS_REPLY_H
#define NETSONDE_PROBES_ROS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "probes/routeros/ros_wire.h"

enum ros_reply_kind {
	ROS_REPLY_ROW,   /* !re: one row */
	ROS_REPLY_DONE,  /* !done: the command has ended; it may return something, see ros_reply_return */
	ROS_REPLY_TRAP,  /* !trap: something failed; rows may have come before; !done follows */
	ROS_REPLY_FATAL, /* !fatal: the connection has ended, with reason; without a tag */
	ROS_REPLY_EMPTY, /* !empty: there are no rows; !done follows */
	ROS_REPLY_OTHER, /* of a later release: skip it */
};

/* "=name=value". "=name" without the second "=" has an empty value too. */
struct ros_pair {
	struct ros_word name, value; /* borrowed, as the sentence */
};

/* Zero-initialise; one may be used for all replies of a connection, one after another, and keeps its memory. */
struct ros_reply {
	enum ros_reply_kind kind;
	uint32_t tag;           /* 0: it has none */
	bool is_tag_foreign;    /* it has one that ros_write_tag never wrote: not ours, skip it */
	struct ros_word word;   /* "!re", ...: for a message about an unknown one */
	struct ros_word reason; /* of FATAL: its bare words' first; may be empty */
	struct ros_pair *pairs; /* owned; in the order in which they came, which means nothing */
	size_t npairs, room;
	size_t size_bytes; /* of the sentence */
	size_t nunknown;   /* words that were skipped */
};

/* Reads a sentence. The words stay borrowed from it. -1 with err when the first word is not one of a reply: the stream
 * is out of step then, and the connection must be closed. */
int ros_reply_read(struct ros_reply *reply, const struct ros_sentence *sentence, struct err *err);
void ros_reply_free(struct ros_reply *reply);

/* The attribute of this name, if it is there; if there are several, which no router sends, one of them. place: NULL, or
 * where the search begins, moved behind what is found: routers send the rows of a table mostly in the same order, so
 * that who asks in that order finds at once. Zero-initialise it for the first row, and leave it for the next. */
bool ros_reply_find(const struct ros_reply *reply, const char *name, size_t *place, struct ros_word *value);

/* "=ret=" of !done: a count, the id of something new, the challenge of an old login. */
bool ros_reply_return(const struct ros_reply *reply, struct ros_word *value);

/* What a trap means for somebody who collects. */
enum ros_trap {
	ROS_TRAP_OTHER,
	ROS_TRAP_NO_MENU,     /* this model, package or version has no such menu: remember, and do not ask again */
	ROS_TRAP_NO_COMMAND,  /* the menu has no such verb: the same */
	ROS_TRAP_NO_ITEM,     /* a row has gone between two commands */
	ROS_TRAP_ARGUMENT,    /* this version does not know an option, or its value */
	ROS_TRAP_PERMISSION,  /* the user's group lacks a policy */
	ROS_TRAP_INTERRUPTED, /* by /cancel */
	ROS_TRAP_LOGIN,       /* user name or password */
};

/* "no such menu": for messages and labels. */
const char *ros_trap_name(enum ros_trap trap);

/* The category of a trap (0 to 7, see routeros' manual), -1 when it has none, and its message, empty when it has none;
 * lines in it are joined by CR LF. */
int ros_reply_category(const struct ros_reply *reply);
struct ros_word ros_reply_message(const struct ros_reply *reply);
enum ros_trap ros_reply_trap(const struct ros_reply *reply);

#define ROS_MESSAGE_SIZE 200

/* The message of a trap, or the reason of !fatal, for people: one line, no control characters, nothing that is not
 * ASCII, cut at the size. secret: NULL, or what must not be in it: a message that has it is left out whole. Returns
 * out. */
const char *ros_reply_describe(const struct ros_reply *reply, const char *secret, char out[ROS_MESSAGE_SIZE]);

#endif
