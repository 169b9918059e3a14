/*
 * Options as tables: one row is the parsing, the checking, the default and the manual of one setting.
 */
#ifndef NETSONDE_CORE_OPTION_H
#define NETSONDE_CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

enum option_kind {
	OPTION_SECONDS, /* int64_t nanoseconds; written as seconds, integer or float; minimum and maximum in seconds */
	OPTION_INTEGER, /* int64_t */
	OPTION_NUMBER,  /* double */
	OPTION_SIZE, /* int64_t bytes; written "8GiB", "64 KiB", "1500", or an integer; minimum and maximum in bytes */
	OPTION_BOOLEAN, /* bool; true/false, on CLI and environment also yes/no/1/0 */
	OPTION_TEXT,    /* char *, owned by the settings; NULL when unset */
	OPTION_SECRET,  /* as OPTION_TEXT; shown as <secret> */
	OPTION_CHOICE,  /* int; one of the words in choices, the value is its index */
	OPTION_LIST,    /* struct option_list: texts, owned by the settings */
};

struct option_list {
	char **items;
	size_t n;
};

/* fallback: the default as a user would write it; NULL = none (NULL text, empty list, 0). */
struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;           /* into the settings struct */
	double minimum, maximum; /* both 0 = unbounded */
	const char *fallback;
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
	const char *help;           /* one or two sentences; ends without a full stop */
};

#define OPTION_ITEMS_MAX 4096

/* A value as it was written, whatever syntax it came from. Borrowed. */
struct option_value {
	enum {
		OPTION_WRITTEN_TEXT,
		OPTION_WRITTEN_INTEGER,
		OPTION_WRITTEN_NUMBER,
		OPTION_WRITTEN_BOOLEAN,
		OPTION_WRITTEN_LIST
	} form;
	const char *text;
	int64_t integer;
	double number;
	bool boolean;
	const char *const *items; /* OPTION_WRITTEN_LIST: texts */
	size_t n;
};

/* The row of that name, or NULL. */
const struct option *option_find(const struct option *options, size_t n, const char *name);

/* May the secret come from a file, by NAME_file = PATH? So with every secret, unless that is an option of its own. */
bool option_has_secret_file(const struct option *options, size_t n, const struct option *option);

/* Fills zeroed settings with every default. A default that does not parse is a programming error and stops. */
void option_set_defaults(const struct option *options, size_t n, void *settings);

/* Checks and stores one value; what was there before is freed. -1 with err ("must be between 0.01 and 86400 seconds",
 * "must be one of ipv4, ipv6", ...; without the option's name). A text is accepted for every kind (command line,
 * environment): it is read as the kind demands, lists split at commas. */
int option_set(const struct option *option, void *settings, const struct option_value *value, struct err *err);

/* option_set with a text. */
int option_set_text(const struct option *option, void *settings, const char *text, struct err *err);

/* A deep copy of settings of size bytes (mem_zero; free with option_free_settings). */
void *option_copy_settings(const struct option *options, size_t n, size_t size, const void *settings);

/* Frees what the settings own, not the struct itself. */
void option_free(const struct option *options, size_t n, void *settings);
/* Frees both. NULL is harmless. */
void option_free_settings(const struct option *options, size_t n, void *settings);

/* The value as a user would write it (secrets as <secret>). */
void option_print(const struct option *option, const void *settings, struct text *out);

/* "64KiB" -> bytes. Units B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024), case ignored. */
int option_parse_size(const char *text, int64_t *bytes, struct err *err);

#endif
