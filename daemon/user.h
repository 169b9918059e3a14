/*
 * Who the daemon becomes: "netsonde", "998", "netsonde:nogroup", "998:65534".
 */
#ifndef NETSONDE_DAEMON_USER_H
#define NETSONDE_DAEMON_USER_H

#include <sys/types.h>

#include "core/err.h"

#define USER_NAME_SIZE 64

struct user {
	char name[USER_NAME_SIZE]; /* as in the table of users; empty: a number that is not there */
	uid_t uid;
	gid_t gid; /* as written, else that of the table of users */
};

/* Looks it up (passwd(5), group(5), and what else nsswitch.conf(5) names). -1 with err: no such user or group, or a
 * number without a group that is in no table. */
int user_find(const char *text, struct user *user, struct err *err);

/* The calling thread, and by glibc all others, become this user: groups, group, user, in this order, for good.
 * Harmless where that is the case already. -1 with err, which says what is missing; then some of it may be done. */
int user_become(const struct user *user, struct err *err);

/* Files that the calling thread opens are opened by this user; NULL: by who it is, again. Without the right to that
 * nothing changes. */
void user_open_files_as(const struct user *user);

/* Can the process as it is now keep files in this folder? That is: make it, or write it and what is in it. -1 with err,
 * which says what to do. */
int user_check_folder(const struct user *user, const char *folder, struct err *err);

#endif
