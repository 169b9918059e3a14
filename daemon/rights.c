#include "daemon/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/config.h"
#include "daemon/filter.h"
#include "daemon/target_files.h"
#include "daemon/user.h"

/* The kernel has fewer; the first that it does not know ends the loop. */
#define CAPABILITIES_MAX 64

void rights_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		log_event(LOG_LEVEL_WARN, "start", NULL, "cannot raise the limit of open files to %llu",
			  (unsigned long long)limit.rlim_max);
}

void rights_hide_memory(bool allows_core_files)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = allows_core_files ? limit.rlim_max : 0;
	/* The limit does not hold where core files go to a program (core(5)); not being dumpable does, and it also
	 * keeps others of the same user from /proc/PID/mem, /proc/PID/environ and ptrace. */
	if (setrlimit(RLIMIT_CORE, &limit) == -1 || prctl(PR_SET_DUMPABLE, allows_core_files, 0, 0, 0) == -1)
		log_event(LOG_LEVEL_WARN, "start", NULL, "the kernel does not let core files be forbidden");
}

/* --- capabilities ------------------------------------------------------------------------------------------------ */

/* What a program could be given by exec. Takes CAP_SETPCAP: whoever started us without it has set the limits. The bits
 * keep the user 0 from being special; they are locked. */
static void close_bounds(void)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	for (unsigned long i = 0; i < CAPABILITIES_MAX; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == -1)
			break;
	}
	if (bits != -1)
		prctl(PR_SET_SECUREBITS,
		      (unsigned long)bits | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
			      SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		      0, 0, 0);
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	/* Kernels before 4.3 know no ambient set (EINVAL): then there is nothing in it. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 && errno != EINVAL)
		return err_set_errno(err, "cannot clear the ambient capabilities");
	if (syscall(SYS_capset, &header, none) == -1)
		return err_set_errno(err, "cannot give up the capabilities");
	/* Nor by running a program that has them. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_set_errno(err, "cannot give up new privileges");
	return 0;
}

/* --- what has to go on working ----------------------------------------------------------------------------------- */

/* Read as root, the configuration would be lost at the first reload. */
static int try_configuration(const struct config *config, const struct user *user, struct err *err)
{
	struct text errors = {0};
	struct config *again = config_load(config->file, &errors);
	struct target_files *files = again ? target_files_open(again, NULL, NULL, NULL, NULL) : NULL;
	struct text file_errors = {0};
	int result = 0;

	if (!again)
		result = err_set(err, "user %u (agent.user) could not read the configuration again: %s", user->uid,
				 text_string(&errors));
	else if (target_files_errors(files, &file_errors) > 0)
		log_event(LOG_LEVEL_WARN, "start", NULL, "as user %u (agent.user): %s", user->uid,
			  text_string(&file_errors));
	target_files_close(files);
	text_free(&file_errors);
	text_free(&errors);
	config_free(again);
	return result;
}

static bool has_server(const struct config *config)
{
	for (size_t i = 0; i < config->noutputs; i++) {
		if (influx_kind(config->outputs[i]) != INFLUX_FILE)
			return true;
	}
	return false;
}

static int try_as(const struct user *user, const struct config *config, struct err *err)
{
	if (try_configuration(config, user, err) == -1)
		return -1;
	/* Nothing is kept without a server. */
	if (!has_server(config))
		return 0;
	if (access(config->disk_log.path, F_OK) == -1 && config->agent.state_dir &&
	    user_check_folder(user, config->agent.state_dir, err) == -1)
		return -1;
	return user_check_folder(user, config->disk_log.path, err);
}

int rights_drop(const struct config *config, struct err *err)
{
	bool has_user = config->agent.user != NULL;
	struct user user;

	if (has_user && user_find(config->agent.user, &user, err) == -1)
		return err_prefix(err, "agent.user");
	close_bounds();
	if (has_user && user_become(&user, err) == -1)
		return -1;
	if (drop_capabilities(err) == -1)
		return -1;
	rights_hide_memory(config->agent.allows_core_files);
	if (has_user && try_as(&user, config, err) == -1)
		return -1;
	return filter_install((enum filter_mode)config->agent.filter, err);
}
