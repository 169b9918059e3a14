#include <ctype.h>
#include <dirent.h>
#include <errno.h>
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
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

int journal_list(const char *folder, uint64_t **offsets, size_t *n, struct err *err)
{
	DIR *entries = opendir(folder);
	size_t room = 0;
	*offsets = NULL;
	*n = 0;
	if (entries == NULL)
		return err_set_errno(err, "%s", folder);
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		uint64_t offset;
		if (!journal_parse_name(entry->d_name, &offset))
			continue;
		if (*n == room) {
			room = room != 0 ? room * 2 : 64;
			*offsets = mem_resize(*offsets, room, sizeof(**offsets));
		}
		(*offsets)[(*n)++] = offset;
	}
	closedir(entries);
	if (*n > 0)
		qsort(*offsets, *n, sizeof(**offsets), compare);
	return 0;
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

ssize_t journal_pread(int descriptor, void *bytes, size_t n, off_t at)
{
	size_t done = 0;
	while (done < n) {
		ssize_t got = pread(descriptor, (char *)bytes + done, n - done, at + (off_t)done);
		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)done;
}

int journal_pwrite(int descriptor, const void *bytes, size_t n, off_t at)
{
	size_t done = 0;
	while (done < n) {
		ssize_t put = pwrite(descriptor, (const char *)bytes + done, n - done, at + (off_t)done);
		if (put > 0) {
			done += (size_t)put;
			continue;
		}
		if (put == 0)
			errno = ENOSPC;
		if (errno != EINTR)
			return -1;
	}
	return 0;
}
