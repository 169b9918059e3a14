#include "daemon/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/filter_calls.h"

/* --- when a call is refused -------------------------------------------------------------------------------------- */

/* What the refused call returns, where the architecture is known. */
#if defined(__x86_64__)
static bool set_result(ucontext_t *context, long result)
{
	context->uc_mcontext.gregs[REG_RAX] = result;
	return true;
}
#elif defined(__aarch64__)
static bool set_result(ucontext_t *context, long result)
{
	context->uc_mcontext.regs[0] = (unsigned long long)result;
	return true;
}
#else
static bool set_result(ucontext_t *context, long result)
{
	(void)context, (void)result;
	return false;
}
#endif

/* This signal comes from the very call that was refused, not at any moment: all that log_event must not be in the
 * middle of is a refused call of its own, and then the kernel ends the process, because SIGSYS is blocked here. */
static void say(const siginfo_t *info, const char *end)
{
	log_event(LOG_LEVEL_ERROR, "seccomp", filter_call_name(info->si_syscall), "system call %d refused: %s",
		  info->si_syscall, end);
}

static void end_by_signal(const siginfo_t *info)
{
	say(info, "the daemon ends (agent.seccomp = \"kill\")");
	signal(SIGSYS, SIG_DFL);
	/* Delivered when the handler returns. */
	raise(SIGSYS);
}

static void kill_caller(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	end_by_signal(info);
}

static void refuse_call(int number, siginfo_t *info, void *context)
{
	(void)number;
	if (set_result(context, -EPERM))
		say(info, "it has failed with EPERM (agent.seccomp = \"refuse\")");
	else
		end_by_signal(info);
}

static int handle_signal(enum filter_mode mode, struct err *err)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	sigset_t set;

	action.sa_sigaction = mode == FILTER_KILL ? kill_caller : refuse_call;
	sigfillset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (sigaction(SIGSYS, &action, NULL) == -1 || sigprocmask(SIG_UNBLOCK, &set, NULL) == -1)
		return err_set_errno(err, "agent.seccomp: SIGSYS");
	return 0;
}

/* --- the list ---------------------------------------------------------------------------------------------------- */

/* Returns 0, or the negative error of libseccomp. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *call, const struct scmp_arg_cmp *arguments,
	       unsigned n)
{
	int number = seccomp_syscall_resolve_name(call), result;

	/* Other architectures' calls have no number here. */
	if (number < 0)
		return 0;
	result = seccomp_rule_add_array(filter, action, number, n, arguments);
	/* A wider rule may be there already. */
	return result == -EEXIST ? 0 : result;
}

static int add_rule(scmp_filter_ctx filter, const struct filter_rule *rule)
{
	const struct scmp_arg_cmp arguments[] = {
		{rule->first.number, SCMP_CMP_MASKED_EQ, rule->first.mask, rule->first.value},
		{rule->second.number, SCMP_CMP_MASKED_EQ, rule->second.mask, rule->second.value},
	};

	return add(filter, SCMP_ACT_ALLOW, rule->call, arguments, rule->second.mask != 0 ? 2 : 1);
}

static int add_failure(scmp_filter_ctx filter, const struct filter_failure *row)
{
	const struct scmp_arg_cmp argument = {row->only.number, SCMP_CMP_MASKED_EQ, row->only.mask, row->only.value};

	return add(filter, SCMP_ACT_ERRNO((uint32_t)row->error), row->call, &argument, row->only.mask != 0 ? 1 : 0);
}

/* Signals to threads of our own: abort, raise. */
static int add_own_signals(scmp_filter_ctx filter)
{
	const struct filter_rule rule = {"tgkill", {0, UINT32_MAX, (uint64_t)getpid()}, {0}};

	return add_rule(filter, &rule);
}

static int add_all(scmp_filter_ctx filter)
{
	int result = add_own_signals(filter);

	for (const char *const *call = filter_calls; result == 0 && *call; call++)
		result = add(filter, SCMP_ACT_ALLOW, *call, NULL, 0);
	for (size_t i = 0; result == 0 && i < filter_nrules; i++)
		result = add_rule(filter, &filter_rules[i]);
	for (const struct filter_failure *row = filter_failures; result == 0 && row->call; row++)
		result = add_failure(filter, row);
	return result;
}

static int load(scmp_filter_ctx filter, uint32_t action)
{
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, action);
	if (result == 0)
		result = add_all(filter);
	if (result == 0)
		result = seccomp_load(filter);
	return result;
}

int filter_install(enum filter_mode mode, struct err *err)
{
	uint32_t action = mode == FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP;
	scmp_filter_ctx filter;
	int result;

	if (mode == FILTER_OFF)
		return 0;
	if (mode != FILTER_LOG && handle_signal(mode, err) == -1)
		return -1;
	filter = seccomp_init(action);
	result = filter ? load(filter, action) : -ENOMEM;
	if (filter)
		seccomp_release(filter);
	if (result == 0)
		return 0;
	errno = -result;
	return err_set_errno(err, "agent.seccomp: this kernel does not take the filter (\"off\" does without)");
}
