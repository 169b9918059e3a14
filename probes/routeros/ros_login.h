/*
 * Login to a RouterOS API: the new one (6.43 and later: name and password in one sentence) and the old one (before
 * 6.45.1: a challenge, answered by an MD5). Pure: sentences out, replies in. Commands before the login has ended are
 * answered by !fatal.
 *
 * ROS_LOGIN_ANY sends the new one, and if the router answers with a challenge, it is old, and the challenge is answered
 * on the same connection. So an old router, and whoever listens, sees the password in clear: where that matters, say
 * ROS_LOGIN_CHALLENGE for it.
 */
#ifndef NETSONDE_PROBES_ROS_LOGIN_H
#define NETSONDE_PROBES_ROS_LOGIN_H

#include "core/err.h"
#include "core/text.h"
#include "probes/routeros/ros_reply.h"

enum ros_login_style {
	ROS_LOGIN_ANY,       /* the new one, and the old one if the router wants it */
	ROS_LOGIN_NEW,       /* never the old one: MD5 of the password can be guessed at by who listens */
	ROS_LOGIN_CHALLENGE, /* only the old one: the password never crosses in clear. Refused by 6.45.1 and later */
};
/* "any", "new", "challenge": the choices of an option; NULL-terminated. */
extern const char *const ros_login_style_words[];

enum ros_login_step {
	ROS_LOGIN_WAIT,    /* for the next reply */
	ROS_LOGIN_SEND,    /* out has a sentence; then wait */
	ROS_LOGIN_IN,      /* logged in */
	ROS_LOGIN_REFUSED, /* outcome "login": wrong name or password, or no login that both know. Trying again soon
			      would fail again and fill the router's log. err says why */
	ROS_LOGIN_BROKEN,  /* outcome "protocol": this is not how a router answers; err says why */
};

/* One login on one connection. user and password: borrowed until the login has ended. */
struct ros_login {
	const char *user, *password;
	enum ros_login_style style;
	bool is_challenge_sent; /* the old login's first sentence is sent: a challenge must come */
	bool is_answered;       /* a challenge has been answered: another one is none of a login */
	bool is_refused;        /* a trap has come; the !done after it ends the login */
	char why[ROS_MESSAGE_SIZE];
};

/* Begins: the first sentence goes into out, an empty text of the caller's. After sending it must be wiped:
 * ros_login_wipe. -1 with err when name or password cannot be sent (no name; longer than a word). */
int ros_login_begin(struct ros_login *login, struct text *out, struct err *err);

/* The next reply. out: as above, for ROS_LOGIN_SEND. No text in err has the password in it, whatever the router says.
 */
enum ros_login_step ros_login_reply(struct ros_login *login, const struct ros_reply *reply, struct text *out,
				    struct err *err);

/* Overwrites all the memory of a text that had a login in it, and empties it. */
void ros_login_wipe(struct text *text);

#endif
