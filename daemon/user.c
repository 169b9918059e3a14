#include "daemon/user.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "core/mem.h"

/* Ids are 32 bits; the largest means "no change" in the calls that set them. */
#define ID_MAX 4294967294UL
/* An entry of a table; longer ones exist for groups with thousands of members. */
#define ENTRY_SIZE     (256 * 1024)
#define GROUPS_MAX     65536
#define FIRST_GROUPS   64
#define IDENTITY_WORDS 3

/* --- looking up -------------------------------------------------------------------------------------------------- */

/* "998" -> 998. false: not a number of an id. */
static bool read_id(const char *text, unsigned long *id)
{
	char *end;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 10)
		return false;
	*id = strtoul(text, &end, 10);
	return *id <= ID_MAX;
}

static void take_entry(const struct passwd *entry, struct user *user)
{
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	if (strlen(entry->pw_name) < sizeof(user->name))
		strcpy(user->name, entry->pw_name);
}

/* A number need not be in the table. Returns whether it is. */
static int find_person(const char *name, struct user *user, struct err *err)
{
	char *room = mem_alloc(ENTRY_SIZE);
	struct passwd entry, *found = NULL;
	unsigned long id;
	bool is_number = read_id(name, &id);
	int failure = is_number ? getpwuid_r((uid_t)id, &entry, room, ENTRY_SIZE, &found)
				: getpwnam_r(name, &entry, room, ENTRY_SIZE, &found);

	if (found)
		take_entry(found, user);
	else if (is_number)
		user->uid = (uid_t)id;
	mem_free(room);
	if (found || is_number)
		return found != NULL;
	if (failure != 0 && failure != ENOENT && failure != ESRCH) {
		errno = failure;
		return err_set_errno(err, "the user \"%.64s\" cannot be looked up", name);
	}
	return err_set(err, "there is no user \"%.64s\" on this machine (adduser --system makes one)", name);
}

static int find_group(const char *name, gid_t *gid, struct err *err)
{
	char *room;
	struct group entry, *found = NULL;
	unsigned long id;

	if (read_id(name, &id)) {
		*gid = (gid_t)id;
		return 0;
	}
	room = mem_alloc(ENTRY_SIZE);
	getgrnam_r(name, &entry, room, ENTRY_SIZE, &found);
	if (found)
		*gid = entry.gr_gid;
	mem_free(room);
	return found ? 0 : err_set(err, "there is no group \"%.64s\" on this machine", name);
}

int user_find(const char *text, struct user *user, struct err *err)
{
	char *copy = mem_copy_string(text), *group = strchr(copy, ':');
	int is_known;

	*user = (struct user){0};
	if (group)
		*group++ = '\0';
	if (!copy[0] || (group && !group[0]))
		is_known = err_set(err, "must be a user, or \"user:group\"");
	else
		is_known = find_person(copy, user, err);
	if (is_known == 0 && !group)
		is_known =
			err_set(err, "no user has the number %s, so its group must be given: \"%s:GROUP\"", copy, copy);
	if (is_known != -1 && group)
		is_known = find_group(group, &user->gid, err);
	mem_free(copy);
	return is_known == -1 ? -1 : 0;
}

/* --- becoming ---------------------------------------------------------------------------------------------------- */

static bool is_user(const struct user *user)
{
	uid_t uids[IDENTITY_WORDS];
	gid_t gids[IDENTITY_WORDS];

	getresuid(&uids[0], &uids[1], &uids[2]);
	getresgid(&gids[0], &gids[1], &gids[2]);
	for (int i = 0; i < IDENTITY_WORDS; i++) {
		if (uids[i] != user->uid || gids[i] != user->gid)
			return false;
	}
	return true;
}

/* Those of the table of groups, and the user's own. */
static int set_groups(const struct user *user)
{
	int n = FIRST_GROUPS, result;
	gid_t *groups;

	if (!user->name[0])
		return setgroups(1, &user->gid);
	groups = mem_alloc((size_t)n * sizeof(*groups));
	if (getgrouplist(user->name, user->gid, groups, &n) == -1 && n <= GROUPS_MAX) {
		groups = mem_resize(groups, (size_t)n, sizeof(*groups));
		n = getgrouplist(user->name, user->gid, groups, &n) == -1 ? 0 : n;
	}
	result = n > GROUPS_MAX ? setgroups(1, &user->gid) : setgroups((size_t)n, groups);
	mem_free(groups);
	return result;
}

int user_become(const struct user *user, struct err *err)
{
	/* Without the right to change the groups, those that a service manager has set are the right ones. */
	if (is_user(user) && geteuid() != 0)
		return 0;
	if (set_groups(user) == -1 || setresgid(user->gid, user->gid, user->gid) == -1 ||
	    setresuid(user->uid, user->uid, user->uid) == -1)
		return err_set_errno(err,
				     "agent.user: cannot become user %u, group %u (that needs root, or CAP_SETUID with "
				     "CAP_SETGID; who starts the daemon as that user leaves agent.user out)",
				     user->uid, user->gid);
	if (!is_user(user) || (user->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0))
		return err_set(err, "agent.user: the kernel did not take the user for good");
	return 0;
}

void user_open_files_as(const struct user *user)
{
	setfsgid(user ? user->gid : getegid());
	setfsuid(user ? user->uid : geteuid());
}

/* --- what the user may do ---------------------------------------------------------------------------------------- */

/* Could mkdir make it, with what is missing above it? */
static bool can_make(const char *folder)
{
	char *path = mem_copy_string(folder), *slash;
	bool is_there = false, can = false;

	while (!is_there && (slash = strrchr(path, '/'))) {
		/* What follows the last slash goes; the root stays. */
		slash[slash == path] = '\0';
		is_there = access(path, F_OK) == 0;
		can = access(path, W_OK | X_OK) == 0;
		if (slash == path)
			break;
	}
	if (!is_there && folder[0] != '/')
		can = access(".", W_OK | X_OK) == 0;
	mem_free(path);
	return can;
}

static int refuse(const struct user *user, const char *folder, const char *file, struct err *err)
{
	return err_set(err, "user %u (agent.user) may not write %s%s%s: chown -R %u:%u %s", user->uid, folder,
		       file ? "/" : "", file ? file : "", user->uid, user->gid, folder);
}

int user_check_folder(const struct user *user, const char *folder, struct err *err)
{
	DIR *entries;
	int result = 0;

	if (access(folder, F_OK) == -1 && errno == ENOENT) {
		if (can_make(folder))
			return 0;
		return err_set(err, "user %u (agent.user) may not make the folder %s: install -d -o %u -g %u %s",
			       user->uid, folder, user->uid, user->gid, folder);
	}
	entries = opendir(folder);
	if (!entries || access(folder, R_OK | W_OK | X_OK) == -1)
		result = refuse(user, folder, NULL, err);
	for (const struct dirent *entry; result == 0 && (entry = readdir(entries));) {
		if (entry->d_type == DT_REG && faccessat(dirfd(entries), entry->d_name, R_OK | W_OK, 0) == -1)
			result = refuse(user, folder, entry->d_name, err);
	}
	if (entries)
		closedir(entries);
	return result;
}
