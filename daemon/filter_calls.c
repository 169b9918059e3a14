#include "daemon/filter_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#if defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

const char *const filter_calls[] = {
	/* memory; mmap and mprotect are below */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"membarrier",
	/* threads; clone and prctl are below */
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"futex_waitv",
	"gettid",
	"set_robust_list",
	"rseq",
	"sched_yield",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"getcpu",
	"sigaltstack",
	/* signals */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigpending",
	"restart_syscall",
	"signalfd4",
	/* time */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"nanosleep",
	"gettimeofday",
	"time",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"timerfd_gettime",
	"timerfd_gettime64",
	/* descriptors; ioctl is below */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"preadv",
	"pwritev",
	"close",
	"close_range",
	"lseek",
	"_llseek",
	"dup",
	"dup2",
	"dup3",
	"pipe",
	"pipe2",
	"fcntl",
	"fcntl64",
	"eventfd2",
	"sendfile",
	"sendfile64",
	/* waiting */
	"epoll_create1",
	"epoll_create",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"inotify_init1",
	"inotify_add_watch",
	"inotify_rm_watch",
	/* files: what their permissions allow; nothing that changes these */
	"open",
	"openat",
	"stat",
	"stat64",
	"fstat",
	"fstat64",
	"lstat",
	"lstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"getdents",
	"getdents64",
	"readlink",
	"readlinkat",
	"getcwd",
	"statfs",
	"statfs64",
	"fstatfs",
	"fstatfs64",
	"mkdir",
	"mkdirat",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"truncate",
	"truncate64",
	"ftruncate",
	"ftruncate64",
	"memfd_create", /* databases of places are kept in memory */
	"fallocate",
	"fadvise64",
	"fadvise64_64",
	"flock",
	/* sockets; socket and socketpair are below */
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"send",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recv",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"getsockopt",
	"setsockopt",
	"shutdown",
	/* who and where we are */
	"getpid",
	"getppid",
	"getuid",
	"getuid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getegid",
	"getegid32",
	"getresuid",
	"getresuid32",
	"getresgid",
	"getresgid32",
	"getgroups",
	"getgroups32",
	"getrusage",
	"times",
	"uname",
	"sysinfo",
	"getrandom",
#if HAS_SANITIZER
	/* The leak checker stops the other threads and looks at their registers from a process of its own; the report
	 * goes through calls that the daemon does not need. */
	"clone",
	"ptrace",
	"wait4",
	"kill",
	"tgkill",
	"tkill",
	"prctl",
	"mmap",
	"mprotect",
	"prlimit64",
	"getrlimit",
	"process_vm_readv",
	"mincore",
	"arch_prctl",
	"personality",
#endif
	NULL,
};

/* Threads of this process; no new process, and no namespace. */
#define CLONE_LOOKED_AT                                                                                                \
	(CLONE_THREAD | CLONE_VM | CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS |          \
	 CLONE_NEWIPC | CLONE_NEWCGROUP)
#define CLONE_ALLOWED (CLONE_THREAD | CLONE_VM)

#define EXACTLY UINT64_MAX
/* Arguments that are an int: the upper half of the register is not looked at by the kernel, nor by us. */
#define INT 0xffffffffULL

const struct filter_rule filter_rules[] = {
	{"clone", {0, CLONE_LOOKED_AT, CLONE_ALLOWED}, {0}},
	/* Memory is either written or run, and what was written is not run later. (Libraries are mapped from files.) */
	{"mmap", {2, PROT_WRITE | PROT_EXEC, 0}, {0}},
	{"mmap", {2, PROT_WRITE | PROT_EXEC, PROT_WRITE}, {0}},
	{"mmap", {2, PROT_WRITE | PROT_EXEC, PROT_EXEC}, {0}},
	{"mmap2", {2, PROT_WRITE | PROT_EXEC, 0}, {0}},
	{"mmap2", {2, PROT_WRITE | PROT_EXEC, PROT_WRITE}, {0}},
	{"mmap2", {2, PROT_WRITE | PROT_EXEC, PROT_EXEC}, {0}},
	{"mprotect", {2, PROT_EXEC, 0}, {0}},
	/* Names of threads and of memory. */
	{"prctl", {0, INT, PR_SET_NAME}, {0}},
	{"prctl", {0, INT, PR_GET_NAME}, {0}},
	{"prctl", {0, INT, PR_SET_VMA}, {0}},
	/* Limits are read, not set. */
	{"prlimit64", {2, EXACTLY, 0}, {0}},
	/* Is it a terminal, how much is there, which interface is that. */
	{"ioctl", {1, INT, TCGETS}, {0}},
	{"ioctl", {1, INT, FIONREAD}, {0}},
	{"ioctl", {1, INT, SIOCOUTQ}, {0}},
	{"ioctl", {1, INT, FIONBIO}, {0}},
	{"ioctl", {1, INT, SIOCGIFINDEX}, {0}},
	{"ioctl", {1, INT, SIOCGIFNAME}, {0}},
	/* No packet sockets (AF_PACKET), no virtual machines (AF_VSOCK), no kernel crypto (AF_ALG). Netlink: routes and
	 * addresses, for getaddrinfo and if_nameindex. Unix: the service manager, and nscd. */
	{"socket", {0, INT, AF_INET}, {0}},
	{"socket", {0, INT, AF_INET6}, {0}},
	{"socket", {0, INT, AF_UNIX}, {0}},
	{"socket", {0, INT, AF_NETLINK}, {2, INT, NETLINK_ROUTE}},
	{"socketpair", {0, INT, AF_UNIX}, {0}},
};
const size_t filter_nrules = sizeof(filter_rules) / sizeof(filter_rules[0]);

const struct filter_failure filter_failures[] = {
	/* Its flags are in memory, where a filter cannot look: glibc then uses clone. */
	{"clone3", ENOSYS, {0}},
	/* Regular expressions want memory for machine code: PCRE2 then interprets them. */
	{"mmap", EACCES, {2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC}},
	{"mmap2", EACCES, {2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC}},
	{NULL, 0, {0}},
};
