#include "core/option_compare.h"

#include <string.h>

static const void *value_of(const struct option *option, const void *settings)
{
	return (const char *)settings + option->offset;
}

/* --- equal ------------------------------------------------------------------------------------------------------- */

static bool texts_are_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool lists_are_equal(const struct option_list *a, const struct option_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

bool option_is_equal(const struct option *option, const void *a_settings, const void *b_settings)
{
	const void *a = value_of(option, a_settings), *b = value_of(option, b_settings);

	switch (option->kind) {
	case OPTION_SECONDS:
	case OPTION_INTEGER:
	case OPTION_SIZE:
		return *(const int64_t *)a == *(const int64_t *)b;
	case OPTION_NUMBER:
		return memcmp(a, b, sizeof(double)) == 0;
	case OPTION_BOOLEAN:
		return *(const bool *)a == *(const bool *)b;
	case OPTION_CHOICE:
		return *(const int *)a == *(const int *)b;
	case OPTION_TEXT:
	case OPTION_SECRET:
		return texts_are_equal(*(char *const *)a, *(char *const *)b);
	case OPTION_LIST:
		return lists_are_equal(a, b);
	}
	return false;
}

bool option_settings_are_equal(const struct option *options, size_t n, const void *a, const void *b)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!option_is_equal(&options[i], a, b))
			return false;
	}
	return true;
}

/* --- hash -------------------------------------------------------------------------------------------------------- */

/* Each value is put behind what was hashed before it. */
static uint64_t add_number(struct hash_key key, uint64_t hash, uint64_t number)
{
	return hash_number(key, hash_number(key, hash) ^ number);
}

static uint64_t add_text(struct hash_key key, uint64_t hash, const char *text)
{
	return add_number(key, hash, text ? hash_string(key, text) : 1);
}

static uint64_t add_list(struct hash_key key, uint64_t hash, const struct option_list *list)
{
	hash = add_number(key, hash, list->n);
	for (size_t i = 0; i < list->n; i++)
		hash = add_text(key, hash, list->items[i]);
	return hash;
}

static uint64_t add_value(struct hash_key key, uint64_t hash, const struct option *option, const void *value)
{
	uint64_t bytes = 0;

	switch (option->kind) {
	case OPTION_SECONDS:
	case OPTION_INTEGER:
	case OPTION_SIZE:
		return add_number(key, hash, (uint64_t) * (const int64_t *)value);
	case OPTION_NUMBER:
		memcpy(&bytes, value, sizeof(double));
		return add_number(key, hash, bytes);
	case OPTION_BOOLEAN:
		return add_number(key, hash, *(const bool *)value);
	case OPTION_CHOICE:
		return add_number(key, hash, (uint64_t) * (const int *)value);
	case OPTION_TEXT:
	case OPTION_SECRET:
		return add_text(key, hash, *(char *const *)value);
	case OPTION_LIST:
		return add_list(key, hash, value);
	}
	return hash;
}

uint64_t option_settings_hash(struct hash_key key, const struct option *options, size_t n, const void *settings)
{
	uint64_t hash = n;

	for (size_t i = 0; i < n; i++)
		hash = add_value(key, hash, &options[i], value_of(&options[i], settings));
	return hash;
}
