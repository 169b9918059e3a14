#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/journal_internal.h"

#define DIGITS 16
#define SUFFIX ".log"

/* The size of what a disk cannot read: that of its sectors, and of a page of the kernel's cache. */
#define BLOCK_BYTES 4096

/* Reading fails for good only after so many attempts. */
#define ATTEMPTS_MAX 3

/* So many bad blocks in a row are left out one by one; beyond that more and more at once. */
#define SKIPS_SINGLE 16

/* A call that is interrupted so often is a failure. */
#define INTERRUPTIONS_MAX 100

char *journal_path(const char *folder, uint64_t offset)
{
	return mem_format("%s/%016" PRIx64 SUFFIX, folder, offset);
}

bool journal_parse_name(const char *name, uint64_t *offset)
{
	if (strlen(name) != DIGITS + strlen(SUFFIX) || strcmp(name + DIGITS, SUFFIX) != 0)
		return false;
	for (int i = 0; i < DIGITS; i++)
		if (!isdigit((unsigned char)name[i]) && (name[i] < 'a' || name[i] > 'f'))
			return false;
	*offset = strtoull(name, NULL, 16);
	return *offset <= JOURNAL_OFFSET_MAX;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

/* --- calls that may be interrupted -------------------------------------------------------------------------------- */

/* After a call has failed: is it worth to make it again? */
static bool may_retry(unsigned *times)
{
	return (errno == EINTR || errno == EAGAIN) && ++*times < INTERRUPTIONS_MAX;
}

bool journal_is_passing(int error)
{
	static const int passing[] = {EINTR, EAGAIN, ENOMEM, ENOBUFS, EMFILE, ENFILE, EACCES, EPERM};
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (passing[i] == error)
			return true;
	return false;
}

int journal_open_file(const char *path, int flags)
{
	unsigned times = 0;
	int descriptor;
	do
		descriptor = open(path, flags | O_CLOEXEC, 0640);
	while (descriptor == -1 && may_retry(&times));
	return descriptor;
}

int journal_pread(int descriptor, void *bytes, size_t n, off_t at, size_t *got)
{
	unsigned times = 0;
	*got = 0;
	while (*got < n) {
		ssize_t more = pread(descriptor, (char *)bytes + *got, n - *got, at + (off_t)*got);
		if (more == 0)
			break;
		if (more > 0)
			*got += (size_t)more;
		else if (!may_retry(&times))
			return -1;
	}
	return 0;
}

/* How much is left out where reading fails at a place of a file, when so many blocks before it were. A whole disk that
 * is dead is not tried block by block. */
static size_t skip_bytes(off_t at, unsigned blocks)
{
	size_t blocks_now = blocks < SKIPS_SINGLE ? 1 : blocks;
	return blocks_now * BLOCK_BYTES - (size_t)(at % BLOCK_BYTES);
}

int journal_pread_around(int descriptor, void *bytes, size_t n, off_t at, size_t *got, off_t *bad_end)
{
	unsigned attempts = 0, skips = 0;
	*got = 0;
	while (*got < n) {
		size_t more;
		int result = journal_pread(descriptor, (char *)bytes + *got, n - *got, at + (off_t)*got, &more);
		*got += more;
		if (result == 0)
			return 0;
		if (journal_is_passing(errno))
			return -1;
		if (more > 0)
			attempts = skips = 0;
		/* The neighbours of a bad block are not tried that often. */
		if (skips == 0 && ++attempts < ATTEMPTS_MAX)
			continue;
		size_t skip = skip_bytes(at + (off_t)*got, skips++);
		skip = skip < n - *got ? skip : n - *got;
		memset((char *)bytes + *got, 0, skip);
		*got += skip;
		*bad_end = at + (off_t)*got;
	}
	return 0;
}

int journal_pwrite(int descriptor, const void *bytes, size_t n, off_t at)
{
	size_t done = 0;
	unsigned times = 0;
	while (done < n) {
		ssize_t put = pwrite(descriptor, (const char *)bytes + done, n - done, at + (off_t)done);
		if (put > 0) {
			done += (size_t)put;
			continue;
		}
		if (put == 0)
			errno = ENOSPC;
		if (!may_retry(&times))
			return -1;
	}
	return 0;
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

static DIR *open_folder(const char *folder)
{
	unsigned times = 0;
	DIR *entries;
	do
		entries = opendir(folder);
	while (entries == NULL && may_retry(&times));
	return entries;
}

/* NULL: the end, or with errno an error. */
static const struct dirent *next_entry(DIR *entries)
{
	unsigned times = 0;
	const struct dirent *entry;
	do {
		errno = 0;
		entry = readdir(entries);
	} while (entry == NULL && may_retry(&times));
	return entry;
}

static void add_offset(uint64_t **offsets, size_t *n, uint64_t offset)
{
	/* Room for 64, 128, 256, ... */
	if (*n == 0 || (*n >= 64 && (*n & (*n - 1)) == 0))
		*offsets = mem_resize(*offsets, *n != 0 ? *n * 2 : 64, sizeof(**offsets));
	(*offsets)[(*n)++] = offset;
}

int journal_list(const char *folder, uint64_t **offsets, size_t *n, struct err *err)
{
	DIR *entries = open_folder(folder);
	*offsets = NULL;
	*n = 0;
	if (entries == NULL)
		return err_set_errno(err, "%s", folder);
	const struct dirent *entry;
	while ((entry = next_entry(entries)) != NULL) {
		uint64_t offset;
		if (journal_parse_name(entry->d_name, &offset))
			add_offset(offsets, n, offset);
	}
	/* A list that is not complete is of no use: the log would go on where another file is. */
	int result = errno != 0 ? err_set_errno(err, "%s", folder) : 0;
	closedir(entries);
	if (result != 0) {
		mem_free(*offsets);
		*offsets = NULL;
		*n = 0;
	}
	if (*n > 0)
		qsort(*offsets, *n, sizeof(**offsets), compare);
	return result;
}

int journal_make_folder(const char *folder, struct err *err)
{
	char *path = mem_copy_string(folder);
	int result = 0;
	for (char *slash = path + 1; result == 0 && (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(path, 0750) != 0 && errno != EEXIST && access(path, F_OK) != 0)
			result = err_set_errno(err, "%s", path);
		*slash = '/';
	}
	if (result == 0 && mkdir(path, 0750) != 0 && errno != EEXIST)
		result = err_set_errno(err, "%s", path);
	mem_free(path);
	return result;
}
