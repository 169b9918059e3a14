#include "daemon/file_sd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/config_reader.h"
#include "daemon/target.h"

static const char *const group_keys[] = {"targets", "labels"};

/* Where an error is. */
struct place {
	size_t group;
	const char *key; /* or NULL */
	size_t item;     /* SIZE_MAX: none */
	const char *name;
};

static int refuse(struct err *err, const struct place *place, const char *why)
{
	err_set(err, "%s", why);
	if (place->name)
		return err_prefix(err, "[%zu].%s.%s", place->group, place->key, place->name);
	if (place->item != SIZE_MAX)
		return err_prefix(err, "[%zu].%s[%zu]", place->group, place->key, place->item);
	if (place->key)
		return err_prefix(err, "[%zu].%s", place->group, place->key);
	return err_prefix(err, "[%zu]", place->group);
}

/* What becomes a name in labels and logs: not empty, no control characters, not endless. */
static const char *bad_name(const char *text)
{
	if (!text[0])
		return "must not be empty";
	if (strlen(text) > CONFIG_NAME_BYTES_MAX)
		return "is too long";
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "must not contain control characters";
	return NULL;
}

/* --- labels ------------------------------------------------------------------------------------------------------ */

static int check_keys(const json_t *group, const struct place *place, struct err *err)
{
	const char *key;
	const json_t *value;

	json_object_foreach((json_t *)(uintptr_t)group, key, value)
	{
		const char *nearest;

		if (strcmp(key, "targets") == 0 || strcmp(key, "labels") == 0)
			continue;
		nearest = text_nearest(key, group_keys, 2);
		if (nearest)
			err_set(err, "unknown key \"%.100s\", did you mean %s?", key, nearest);
		else
			err_set(err, "unknown key \"%.100s\"", key);
		return err_prefix(err, "[%zu]", place->group);
	}
	return 0;
}

static int check_label(const char *name, const json_t *value, struct place *place, struct err *err)
{
	place->name = name;
	if (!config_is_label_name(name))
		return refuse(err, place, "a label name has only letters, digits and _");
	if (!json_is_string(value))
		return refuse(err, place, "must be a string");
	if (json_string_length(value) > CONFIG_LABEL_BYTES_MAX)
		return refuse(err, place, "is too long");
	place->name = NULL;
	return 0;
}

static void note_left_out(struct file_targets *targets, const char *name)
{
	if (targets->nleft_out++ == 0)
		snprintf(targets->left_out, sizeof(targets->left_out), "%s", name);
}

/* The labels of a group: those that stay are borrowed from the JSON. */
struct group_labels {
	struct label items[FILE_SD_LABELS_MAX];
	size_t n;
	const char *name; /* label "name", or NULL */
};

static int read_labels(struct file_targets *targets, const json_t *labels, const struct file_sd_rules *rules,
		       struct group_labels *out, struct place *place, struct err *err)
{
	const char *name;
	const json_t *value;

	place->key = "labels";
	if (!json_is_object(labels))
		return refuse(err, place, "must be an object");
	json_object_foreach((json_t *)(uintptr_t)labels, name, value)
	{
		if (check_label(name, value, place, err) == -1)
			return -1;
		if (strcmp(name, "name") == 0) {
			out->name = json_string_value(value);
		} else if (strncmp(name, "__", 2) == 0) {
			continue;
		} else if (rules->is_reserved(rules->context, name)) {
			note_left_out(targets, name);
		} else if (out->n == FILE_SD_LABELS_MAX) {
			return refuse(err, place, "has too many labels");
		} else {
			out->items[out->n++] = (struct label){name, json_string_value(value)};
		}
	}
	place->key = NULL;
	return 0;
}

/* Those of all targets of the file, but for the names that the group has itself. */
static void add_more(struct group_labels *labels, const struct file_sd_rules *rules)
{
	size_t own = labels->n;

	for (size_t i = 0; i < rules->nmore && labels->n < FILE_SD_LABELS_MAX; i++) {
		size_t k = 0;

		while (k < own && strcmp(labels->items[k].name, rules->more[i].name) != 0)
			k++;
		if (k == own)
			labels->items[labels->n++] = rules->more[i];
	}
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

static void add_target(struct file_targets *targets, const char *address, const struct group_labels *labels)
{
	if (targets->n == targets->room) {
		targets->room = targets->room ? targets->room * 2 : 16;
		targets->items = mem_resize(targets->items, targets->room, sizeof(struct target *));
	}
	targets->items[targets->n++] =
		target_create(labels->name ? labels->name : address, address, labels->items, labels->n);
}

static int read_target(struct file_targets *targets, const json_t *value, const struct group_labels *labels,
		       const struct place *place, struct err *err)
{
	const char *address = json_string_value(value), *why;
	struct err detail = {0};

	if (!address)
		return refuse(err, place, "must be a string");
	why = bad_name(address);
	if (!why && config_check_address(address, &detail) == -1)
		why = detail.text;
	if (why)
		return refuse(err, place, why);
	if (targets->n == FILE_SD_TARGETS_MAX)
		return refuse(err, place, "too many targets");
	add_target(targets, address, labels);
	return 0;
}

static int read_group(struct file_targets *targets, const json_t *group, size_t number,
		      const struct file_sd_rules *rules, struct err *err)
{
	struct place place = {.group = number, .item = SIZE_MAX};
	const json_t *list = json_object_get(group, "targets"), *labels = json_object_get(group, "labels");
	struct group_labels found = {.n = 0};

	if (!json_is_object(group))
		return refuse(err, &place, "must be an object");
	if (check_keys(group, &place, err) == -1)
		return -1;
	if (labels && read_labels(targets, labels, rules, &found, &place, err) == -1)
		return -1;
	add_more(&found, rules);
	place.key = "labels.name";
	if (found.name && bad_name(found.name))
		return refuse(err, &place, bad_name(found.name));
	place.key = "targets";
	if (!json_is_array(list))
		return refuse(err, &place, list ? "must be an array" : "is missing");
	for (place.item = 0; place.item < json_array_size(list); place.item++)
		if (read_target(targets, json_array_get(list, place.item), &found, &place, err) == -1)
			return -1;
	return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int check_names(const struct file_targets *targets, struct err *err)
{
	struct names names = {0};
	int result = 0;

	for (size_t i = 0; i < targets->n && result == 0; i++) {
		size_t other = names_add(&names, names_key_of(target_name(targets->items[i])), i);

		if (other != NAMES_NONE)
			result = err_set(err, "two targets are called \"%.200s\": give one of them a label \"name\"",
					 target_name(targets->items[i]));
	}
	names_free(&names);
	return result;
}

static int read_all(struct file_targets *targets, const json_t *root, const struct file_sd_rules *rules,
		    struct err *err)
{
	if (!json_is_array(root))
		return err_set(err,
			       "1: must be an array of groups [ { \"targets\": [ ... ], \"labels\": { ... } }, ... ]");
	for (size_t i = 0; i < json_array_size(root); i++)
		if (read_group(targets, json_array_get(root, i), i, rules, err) == -1)
			return -1;
	return check_names(targets, err);
}

int file_sd_parse(struct file_targets *targets, const char *bytes, size_t n, const struct file_sd_rules *rules,
		  struct err *err)
{
	json_error_t error = {.line = 0};
	json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
	const char *near;
	int result;

	*targets = (struct file_targets){0};
	/* "... near 'TEXT'": the text may be anything, also what is not to be shown; the line will do. */
	near = strstr(error.text, " near ");
	if (!root)
		return err_set(err, "%d: syntax: %.*s", error.line > 0 ? error.line : 1,
			       near ? (int)(near - error.text) : JSON_ERROR_TEXT_LENGTH, error.text);
	result = read_all(targets, root, rules, err);
	json_decref(root);
	if (result == -1)
		file_targets_free(targets);
	return result;
}

void file_targets_free(struct file_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		target_release(targets->items[i]);
	mem_free(targets->items);
	*targets = (struct file_targets){0};
}
