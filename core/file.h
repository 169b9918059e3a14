/*
 * Files that a configuration names, read whole and with a ceiling.
 */
#ifndef NETSONDE_CORE_FILE_H
#define NETSONDE_CORE_FILE_H

#include "core/err.h"
#include "core/text.h"

/* Appends the content to out, whose ceiling must be set: a longer file is an error. Pipes and devices are read as well.
 * -1 with err ("cannot open: No such file or directory", "is a directory"). */
int file_read(const char *path, struct text *out, struct err *err);

/* The same; what is no regular file is an error, so that nothing blocks for ever. */
int file_read_regular(const char *path, struct text *out, struct err *err);

/* A secret: the first line of a regular file of at most FILE_SECRET_MAX bytes, without its line end. Owned by the
 * caller. NULL with err; the error never holds what is in the file. */
#define FILE_SECRET_MAX (64 * 1024)
char *file_read_secret(const char *path, struct err *err);

/* text_free for what was a secret: it does not stay in freed memory. */
void file_wipe(struct text *content);

/* path as seen from folder: owned by the caller. */
char *file_resolve(const char *folder, const char *path);

/* The folder of a file, "." when it names none; owned by the caller. */
char *file_folder(const char *file);

#endif
