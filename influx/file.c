#include "influx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

#define FILE_MODE 0640

/* Does the file end in the middle of a line? Whoever wrote there last may have been killed. */
static bool file_ends_torn(const struct influx_file *file)
{
	char last = '\n';
	if (!file->is_regular || file->size <= 0)
		return false;
	return pread(file->descriptor, &last, 1, file->size - 1) == 1 && last != '\n';
}

static void file_adopt(struct influx_file *file, int descriptor, const struct stat *found)
{
	influx_file_close(file);
	file->descriptor = descriptor;
	file->device = found->st_dev;
	file->inode = found->st_ino;
	file->is_regular = S_ISREG(found->st_mode);
	file->size = file->is_regular ? (int64_t)found->st_size : 0;
	file->is_torn = file_ends_torn(file);
}

int influx_file_open(struct influx_file *file, struct err *err)
{
	struct stat found;
	/* Not blocking: a pipe without a reader must not hold us. It changes nothing for regular files. */
	int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int descriptor = open(file->path, flags, FILE_MODE);
	if (descriptor < 0)
		return err_set_errno(err, "open");
	if (fstat(descriptor, &found) != 0) {
		err_set_errno(err, "fstat");
		goto failed;
	}
	if (!S_ISREG(found.st_mode) && !S_ISCHR(found.st_mode)) {
		err_set(err, "not a regular file");
		goto failed;
	}
	file_adopt(file, descriptor, &found);
	return 0;
failed:
	close(descriptor);
	return -1;
}

void influx_file_close(struct influx_file *file)
{
	if (file->descriptor >= 0)
		close(file->descriptor);
	file->descriptor = -1;
}

int influx_file_check(struct influx_file *file, struct err *err)
{
	struct stat found;
	if (file->descriptor < 0)
		return influx_file_open(file, err);
	if (!file->is_regular)
		return 0;
	if (stat(file->path, &found) != 0)
		/* A path that cannot be looked at just now is no reason to let go of a good file. */
		return errno == ENOENT ? influx_file_open(file, err) : 0;
	if (found.st_dev != file->device || found.st_ino != file->inode)
		return influx_file_open(file, err);
	if ((int64_t)found.st_size != file->size) {
		file->size = (int64_t)found.st_size;
		file->is_torn = file_ends_torn(file);
	}
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------- */

/* Bytes up to and with the last line feed. */
static size_t whole_lines(const char *bytes, size_t n)
{
	const char *last = n > 0 ? memrchr(bytes, '\n', n) : NULL;
	return last != NULL ? (size_t)(last - bytes) + 1 : 0;
}

/* After a write that ended in the middle of a line: takes the piece of a line out of the file again. Where that is not
 * possible the next write will end it. */
static size_t file_undo(struct influx_file *file, const char *bytes, size_t done)
{
	struct stat found;
	size_t whole = whole_lines(bytes, done);
	size_t piece = done - whole;
	if (piece == 0)
		return whole;
	file->size -= (int64_t)piece;
	if (!file->is_regular || fstat(file->descriptor, &found) != 0 || found.st_size < (off_t)piece ||
	    ftruncate(file->descriptor, found.st_size - (off_t)piece) != 0) {
		file->size += (int64_t)piece;
		file->is_torn = true;
	}
	return whole;
}

/* write(2) until all is written or an error comes. Returns the bytes written. */
static size_t file_put(struct influx_file *file, const char *bytes, size_t n, struct err *err)
{
	size_t done = 0;
	while (done < n) {
		ssize_t wrote = write(file->descriptor, bytes + done, n - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			if (wrote == 0)
				errno = ENOSPC;
			err_set_errno(err, "write");
			break;
		}
		done += (size_t)wrote;
	}
	file->size += (int64_t)done;
	return done;
}

static size_t file_append(struct influx_file *file, const char *bytes, size_t n, struct err *err)
{
	if (file->is_torn) {
		if (file_put(file, "\n", 1, err) != 1)
			return 0;
		file->is_torn = false;
	}
	size_t done = file_put(file, bytes, n, err);
	return done < n ? file_undo(file, bytes, done) : done;
}

/* --- rotation ------------------------------------------------------------------------------------------------ */

/* path.from -> path.to; from 0 is the path itself. What is not there need not move. */
static int rotate_one(const char *path, int64_t from, int64_t to)
{
	char *old_path = from == 0 ? mem_copy_string(path) : mem_format("%s.%lld", path, (long long)from);
	char *new_path = mem_format("%s.%lld", path, (long long)to);
	int result = rename(old_path, new_path) != 0 && errno != ENOENT ? -1 : 0;
	int saved = errno;
	mem_free(new_path);
	mem_free(old_path);
	errno = saved;
	return result;
}

/* The first of path.1 .. path.keep that is free, or the last. Those behind it need not move: an attempt before this one
 * has moved them, perhaps again and again. */
static int64_t find_place(const struct influx_file *file)
{
	struct stat found;
	int64_t place = 1;
	for (; place < file->keep; place++) {
		char *path = mem_format("%s.%lld", file->path, (long long)place);
		bool is_free = lstat(path, &found) != 0 && errno == ENOENT;
		mem_free(path);
		if (is_free)
			break;
	}
	return place;
}

/* Moves the old files up, the open one to path.1, and begins a new one. */
static int file_rotate(struct influx_file *file, struct err *err)
{
	for (int64_t i = file->keep > 0 ? find_place(file) - 1 : -1; i >= 0; i--)
		if (rotate_one(file->path, i, i + 1) != 0)
			return err_set_errno(err, "rename");
	if (file->keep == 0 && unlink(file->path) != 0 && errno != ENOENT)
		return err_set_errno(err, "unlink");
	if (influx_file_open(file, err) != 0)
		return -1;
	file->rotations++;
	return 0;
}

/* How many bytes of whole lines may go into the file before it must be rotated; 0 = rotate first. */
static size_t file_room(const struct influx_file *file, const char *bytes, size_t n)
{
	int64_t room = file->rotate_bytes - file->size - (file->is_torn ? 1 : 0);
	if (file->rotate_bytes == 0 || !file->is_regular || (room > 0 && (uint64_t)room >= n))
		return n;
	size_t fits = room > 0 ? whole_lines(bytes, (size_t)room) : 0;
	if (fits > 0 || file->size > 0)
		return fits;
	/* One line longer than a whole file: it still gets one. */
	return (size_t)((const char *)memchr(bytes, '\n', n) - bytes) + 1;
}

size_t influx_file_write(struct influx_file *file, const char *bytes, size_t n, struct err *err)
{
	size_t done = 0;
	bool may_rotate = true;
	if (influx_file_check(file, err) != 0)
		return 0;
	while (done < n) {
		size_t piece = may_rotate ? file_room(file, bytes + done, n - done) : n - done;
		if (piece > 0) {
			size_t wrote = file_append(file, bytes + done, piece, err);
			done += wrote;
			if (wrote < piece)
				break;
			continue;
		}
		struct err why = {0};
		if (file_rotate(file, &why) == 0) {
			log_fault_end(&file->rotation_fault, "rotate", file->path);
			continue;
		}
		/* Better a file that is too long than lines lost: go on in the old one until rotation works again. */
		log_fault_begin(&file->rotation_fault, "rotate", file->path, "%s", why.text);
		file->rotation_faults++;
		may_rotate = false;
	}
	return done;
}
