#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/utf8.h"

#define READ_SIZE (64 * 1024)

/* A pipe without a writer must not hold the daemon at open; what is no regular file is read blocking afterwards. */
static int open_for_reading(const char *path, bool wants_regular, struct err *err)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (descriptor < 0)
		return err_set_errno(err, "cannot open");
	if (fstat(descriptor, &status) < 0)
		err_set_errno(err, "cannot read");
	else if (S_ISDIR(status.st_mode))
		err_set(err, "is a directory");
	else if (wants_regular && !S_ISREG(status.st_mode))
		err_set(err, "is not a regular file");
	else if (fcntl(descriptor, F_SETFL, 0) < 0)
		err_set_errno(err, "cannot read");
	else
		return descriptor;
	close(descriptor);
	return -1;
}

static int read_all(int descriptor, struct text *out, struct err *err)
{
	for (;;) {
		/* One byte beyond the ceiling cannot be reserved: that is how a file that is too long shows. */
		size_t room = out->ceiling - out->length, wanted = room < READ_SIZE ? room : READ_SIZE;
		char probe;
		char *to = wanted ? text_reserve(out, wanted) : &probe;
		ssize_t got;

		if (!to)
			return err_set(err, "too large (at most %zu bytes)", out->ceiling);
		got = read(descriptor, to, wanted ? wanted : 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read");
		if (got == 0)
			return 0;
		if (!wanted)
			return err_set(err, "too large (at most %zu bytes)", out->ceiling);
		out->length += (size_t)got;
	}
}

static int read_file(const char *path, bool wants_regular, struct text *out, struct err *err)
{
	int descriptor = open_for_reading(path, wants_regular, err);
	int result;

	if (descriptor < 0)
		return -1;
	result = read_all(descriptor, out, err);
	close(descriptor);
	return result;
}

int file_read(const char *path, struct text *out, struct err *err)
{
	return read_file(path, false, out, err);
}

int file_read_regular(const char *path, struct text *out, struct err *err)
{
	return read_file(path, true, out, err);
}

static int take_first_line(struct text *content, struct err *err)
{
	char *end = content->length ? memchr(content->bytes, '\n', content->length) : NULL;

	if (end)
		content->length = (size_t)(end - content->bytes);
	while (content->length && content->bytes[content->length - 1] == '\r')
		content->length--;
	if (!content->length)
		return err_set(err, "its first line is empty");
	if (utf8_length(content->bytes, content->length) < content->length)
		return err_set(err, "its first line is not text in UTF-8");
	return 0;
}

void file_wipe(struct text *content)
{
	if (content->bytes)
		explicit_bzero(content->bytes, content->capacity);
	text_free(content);
}

char *file_read_secret(const char *path, struct err *err)
{
	struct text content = {.ceiling = FILE_SECRET_MAX};
	char *secret = NULL;

	if (read_file(path, true, &content, err) == 0 && take_first_line(&content, err) == 0) {
		secret = mem_zero(content.length + 1, 1);
		memcpy(secret, content.bytes, content.length);
	}
	file_wipe(&content);
	return secret;
}

char *file_resolve(const char *folder, const char *path)
{
	if (path[0] == '/' || strcmp(folder, ".") == 0)
		return mem_copy_string(path);
	return mem_format("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
}

char *file_folder(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return mem_copy_string(".");
	return slash == file ? mem_copy_string("/") : mem_format("%.*s", (int)(slash - file), file);
}
