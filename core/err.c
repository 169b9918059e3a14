#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Every function composes in a buffer of its own first: the arguments may point into err->text. */
static void compose(char out[ERR_TEXT_SIZE], const char *format, va_list arguments)
{
	if (vsnprintf(out, ERR_TEXT_SIZE, format, arguments) < 0)
		out[0] = '\0';
}

static void append(char out[ERR_TEXT_SIZE], const char *tail)
{
	size_t length = strlen(out);
	size_t n = strnlen(tail, ERR_TEXT_SIZE - 1 - length);

	memcpy(out + length, tail, n);
	out[length + n] = '\0';
}

int err_set(struct err *err, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list arguments;

	if (err == NULL)
		return -1;
	va_start(arguments, format);
	compose(text, format, arguments);
	va_end(arguments);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_set_errno(struct err *err, const char *format, ...)
{
	int number = errno;
	char text[ERR_TEXT_SIZE], reason[128];
	va_list arguments;

	if (err == NULL)
		return -1;
	va_start(arguments, format);
	compose(text, format, arguments);
	va_end(arguments);
	append(text, ": ");
	append(text, strerror_r(number, reason, sizeof(reason)));
	memcpy(err->text, text, sizeof(text));
	errno = number;
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list arguments;

	if (err == NULL)
		return -1;
	va_start(arguments, format);
	compose(text, format, arguments);
	va_end(arguments);
	append(text, ": ");
	append(text, err->text);
	memcpy(err->text, text, sizeof(text));
	return -1;
}
