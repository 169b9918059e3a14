/*
 * Are two settings the same? By the tables of their options. Pure.
 */
#ifndef NETSONDE_CORE_OPTION_COMPARE_H
#define NETSONDE_CORE_OPTION_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/option.h"

/* Has the option the same value in both settings? An unset text is not the empty one. Numbers are compared by their
 * bytes: equal is what was written the same way. */
bool option_is_equal(const struct option *option, const void *a, const void *b);

/* Have all n options the same value in both? */
bool option_settings_are_equal(const struct option *options, size_t n, const void *a, const void *b);

/* The same for settings that are equal. */
uint64_t option_settings_hash(struct hash_key key, const struct option *options, size_t n, const void *settings);

#endif
