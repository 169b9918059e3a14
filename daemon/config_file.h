/*
 * Files that the configuration names, read whole and with a ceiling.
 */
#ifndef NETSONDE_DAEMON_CONFIG_FILE_H
#define NETSONDE_DAEMON_CONFIG_FILE_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

/* Appends the content to out, whose ceiling must be set: a longer file is an error. Pipes and devices are read as well.
 * -1 with err ("cannot open: No such file or directory", "is a directory"). */
int config_file_read(const char *path, struct text *out, struct err *err);

/* A secret: the first line of a regular file of at most CONFIG_SECRET_MAX bytes, without its line end. Owned by the
 * caller. NULL with err; the error never holds what is in the file. */
#define CONFIG_SECRET_MAX (64 * 1024)
char *config_file_read_secret(const char *path, struct err *err);

/* path as seen from folder: owned by the caller. */
char *config_file_resolve(const char *folder, const char *path);

/* The folder of a file, "." when it names none; owned by the caller. */
char *config_file_folder(const char *file);

/* The offset of the first byte that is not part of valid UTF-8 (RFC 3629), or n. A zero byte counts as invalid. */
size_t config_utf8_length(const char *bytes, size_t n);

#endif
