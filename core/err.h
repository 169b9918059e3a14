/*
 * An error as a value: filled where it is found, printed where somebody decides what to do about it.
 */
#ifndef NETSONDE_CORE_ERR_H
#define NETSONDE_CORE_ERR_H

#define ERR_TEXT_SIZE 512

/* text is always NUL-terminated; a longer message is cut. Zero-initialise: struct err err = {0}; */
struct err {
	char text[ERR_TEXT_SIZE];
};

/* Sets the text and returns -1, so that "return err_set(err, ...)" reads well. err may be NULL. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, followed by ": " and the text of errno as it was at the call. */
int err_set_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text that is there. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
