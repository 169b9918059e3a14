#include "daemon/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log.h"

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

int rights_drop(struct err *err)
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
