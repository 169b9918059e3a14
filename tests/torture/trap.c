#include "trap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/log.h"

struct trap trap;
static int log_descriptor = -1;

void trap_silence(void)
{
	log_descriptor = __real_open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_configure(log_descriptor, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
}

void trap_release(void)
{
	trap = (struct trap){.calls = trap.calls, .failed = trap.failed};
}

/* Is this the one? */
static bool fails(void)
{
	if (!trap.is_armed)
		return false;
	trap.calls++;
	if (trap.countdown > 0) {
		trap.countdown--;
		return false;
	}
	if (trap.failed > 0 && !trap.is_lasting)
		return false;
	trap.failed++;
	errno = trap.error;
	return true;
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

ssize_t __real_pwrite(int descriptor, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t n, off_t at)
{
	if (!fails())
		return __real_pwrite(descriptor, bytes, n, at);
	if (trap.error == 0 || (trap.error == ENOSPC && n > 1))
		return __real_pwrite(descriptor, bytes, n / 2, at);
	return -1;
}

/* How many of n bytes can be read before the bad place; -1: none. */
static ssize_t good_bytes(int descriptor, size_t n, off_t at)
{
	struct stat status;
	if (trap.bad_file == 0 || at >= trap.bad_to || at + (off_t)n <= trap.bad_from ||
	    __real_fstat(descriptor, &status) != 0 || status.st_ino != trap.bad_file)
		return (ssize_t)n;
	return at < trap.bad_from ? trap.bad_from - at : -1;
}

ssize_t __real_pread(int descriptor, void *bytes, size_t n, off_t at);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t n, off_t at);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t n, off_t at)
{
	ssize_t good = good_bytes(descriptor, n, at);
	if (good == -1) {
		trap.failed++;
		errno = EIO;
		return -1;
	}
	if (!fails())
		return __real_pread(descriptor, bytes, (size_t)good, at);
	return trap.error == 0 ? __real_pread(descriptor, bytes, (n + 1) / 2, at) : -1;
}

#define WRAP(result, name, parameters, arguments)                                                                      \
	result __real_##name parameters;                                                                               \
	result __wrap_##name parameters;                                                                               \
	result __wrap_##name parameters                                                                                \
	{                                                                                                              \
		return trap.error != 0 && fails() ? -1 : __real_##name arguments;                                      \
	}

ssize_t __real_write(int descriptor, const void *bytes, size_t n);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t n);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t n)
{
	if (descriptor == log_descriptor)
		return (ssize_t)n;
	return trap.error != 0 && fails() ? -1 : __real_write(descriptor, bytes, n);
}

WRAP(ssize_t, read, (int descriptor, void *bytes, size_t n), (descriptor, bytes, n))
WRAP(int, ftruncate, (int descriptor, off_t n), (descriptor, n))

/* --- files -------------------------------------------------------------------------------------------------------- */

WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, flock, (int descriptor, int operation), (descriptor, operation))

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (trap.bad_path != NULL && !trap.bad_status && strcmp(path, trap.bad_path) == 0) {
		trap.failed++;
		errno = trap.bad_error;
		return -1;
	}
	return trap.error != 0 && fails() ? -1 : __real_open(path, flags, mode);
}

static bool has_bad_status(int descriptor)
{
	struct stat status, bad;
	return trap.bad_path != NULL && trap.bad_status && stat(trap.bad_path, &bad) == 0 &&
	       __real_fstat(descriptor, &status) == 0 && status.st_ino == bad.st_ino;
}

int __wrap_fstat(int descriptor, struct stat *status);
int __wrap_fstat(int descriptor, struct stat *status)
{
	if (has_bad_status(descriptor)) {
		trap.failed++;
		errno = trap.bad_error;
		return -1;
	}
	return trap.error != 0 && fails() ? -1 : __real_fstat(descriptor, status);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	return trap.error != 0 && fails() ? NULL : __real_opendir(path);
}

struct dirent *__real_readdir(DIR *entries);
struct dirent *__wrap_readdir(DIR *entries);
struct dirent *__wrap_readdir(DIR *entries)
{
	return trap.error != 0 && fails() ? NULL : __real_readdir(entries);
}
