#include "daemon/config_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/utf8.h"

#define SECRET_FILE_SUFFIX "_file"
#define TEXT_BYTES_MAX     (1024 * 1024)

/* --- errors ----------------------------------------------------------------------------------------------------------
 */

unsigned config_line_of(const struct config_reader *reader, const config_setting_t *setting)
{
	return setting->line + reader->lines_before;
}

/* Linear in the length of the list, so only for errors that are kept. A piece has nothing but targets. */
static void add_path(const struct config_reader *reader, const config_setting_t *setting, struct text *path)
{
	const config_setting_t *parent = config_setting_parent(setting);
	bool is_section;

	if (!parent)
		return;
	is_section = config_setting_is_root(parent);
	add_path(reader, parent, path);
	if (!config_setting_name(setting)) {
		bool is_target = !is_section && config_setting_is_root(config_setting_parent(parent));
		size_t before = is_target ? reader->targets_before : 0;

		text_add_format(path, "[%zu]", (size_t)config_setting_index(setting) + before);
		return;
	}
	if (path->length)
		text_add_char(path, '.');
	text_add(path, config_setting_name(setting));
}

void config_error_at(struct config_reader *reader, const config_setting_t *setting, const char *member,
		     const char *format, ...)
{
	struct text path = {0};
	char why[1024];
	va_list arguments;

	if (config_source_keeps(&reader->source)) {
		add_path(reader, setting, &path);
		if (member)
			text_add_format(&path, "%s%s", path.length ? "." : "", member);
	}
	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	config_source_error(&reader->source, config_line_of(reader, setting), "%s: %s", text_string(&path), why);
	text_free(&path);
}

void config_error_of_option(struct config_reader *reader, const config_setting_t *root, const char *path,
			    const char *why)
{
	const config_setting_t *written = config_setting_lookup((config_setting_t *)(uintptr_t)root, path);

	if (written)
		config_error_at(reader, written, NULL, "%s", why);
	else
		config_error_at(reader, root, path, "%s", why);
}

static void collect_names(const struct config_known *known, const char ***names, size_t *n)
{
	size_t most = 0;

	for (size_t i = 0; i < known->nscopes; i++)
		most += known->scopes[i].n;
	for (size_t i = 0; known->others && known->others[i]; i++)
		most++;
	*names = mem_zero(most, sizeof(**names));
	*n = 0;
	for (size_t i = 0; known->others && known->others[i]; i++)
		(*names)[(*n)++] = known->others[i];
	for (size_t i = 0; i < known->nscopes; i++) {
		for (size_t k = 0; k < known->scopes[i].n; k++)
			(*names)[(*n)++] = known->scopes[i].options[k].name;
	}
}

void config_error_unknown(struct config_reader *reader, const config_setting_t *setting,
			  const struct config_known *known)
{
	const char **names, *nearest;
	size_t n;

	collect_names(known, &names, &n);
	nearest = text_nearest(config_setting_name(setting), names, n);
	if (nearest)
		config_error_at(reader, setting, NULL, "unknown key, did you mean %s?", nearest);
	else
		config_error_at(reader, setting, NULL, "unknown key (%s lists them)",
				reader->manual ? reader->manual : "netsonde reference options");
	mem_free(names);
}

bool config_is_group(struct config_reader *reader, const config_setting_t *setting)
{
	if (config_setting_is_group(setting))
		return true;
	config_error_at(reader, setting, NULL, "must be a group { }");
	return false;
}

bool config_is_list(struct config_reader *reader, const config_setting_t *setting, size_t most)
{
	if (!config_setting_is_list(setting) && !config_setting_is_array(setting)) {
		config_error_at(reader, setting, NULL, "must be a list ( )");
		return false;
	}
	if ((size_t)config_setting_length(setting) > most) {
		config_error_at(reader, setting, NULL, "has more than %zu elements", most);
		return false;
	}
	return true;
}

bool config_word_is_in(const char *word, const char *const *words)
{
	for (size_t i = 0; words && words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* --- syntax ----------------------------------------------------------------------------------------------------------
 */

/* libconfig's few messages in words that help; its "syntax error" says nothing. */
static const char *parse_error(const char *said)
{
	if (!said || strcmp(said, "syntax error") == 0)
		return "cannot be understood here or just before (a value, a quote or a bracket missing?)";
	if (strcmp(said, "duplicate setting name") == 0)
		return "the same name twice in one group";
	if (strcmp(said, "mismatched element type in array") == 0)
		return "an array [ ] holds values of one kind only";
	return said;
}

/* -1: it is no syntax; nothing was read. */
int config_parse(struct config_reader *reader, struct text *text,
		 void (*read)(struct config_reader *reader, const config_setting_t *root))
{
	config_t tree;
	int result = -1;

	config_init(&tree);
	/* Includes are in their place already: should libconfig see one that we did not, it finds nothing. */
	config_set_include_dir(&tree, "/dev/null");
	if (config_read_string(&tree, text_string(text)) == CONFIG_TRUE) {
		read(reader, config_root_setting(&tree));
		result = 0;
	} else {
		config_source_error(&reader->source, (unsigned)config_error_line(&tree) + reader->lines_before,
				    "syntax: %s", parse_error(config_error_text(&tree)));
	}
	config_destroy(&tree);
	return result;
}

/* --- texts -----------------------------------------------------------------------------------------------------------
 */

char *config_text_of(struct config_reader *reader, const config_setting_t *setting, size_t ceiling)
{
	struct err err = {0};
	char *text;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		config_error_at(reader, setting, NULL, "must be a text in quotes");
		return NULL;
	}
	text = config_expand(setting->value.sval ? setting->value.sval : "", &err);
	if (!text) {
		config_error_at(reader, setting, NULL, "%s", err.text);
		return NULL;
	}
	/* The file is UTF-8, but "\xff" writes any byte. */
	if (strlen(text) > ceiling)
		config_error_at(reader, setting, NULL, "is longer than %zu bytes", ceiling);
	else if (utf8_length(text, strlen(text)) < strlen(text))
		config_error_at(reader, setting, NULL, "is not valid UTF-8");
	else
		return text;
	mem_free(text);
	return NULL;
}

char *config_name_of(struct config_reader *reader, const config_setting_t *setting)
{
	char *name = config_text_of(reader, setting, CONFIG_NAME_BYTES_MAX);

	if (!name)
		return NULL;
	if (!name[0]) {
		config_error_at(reader, setting, NULL, "is empty");
		mem_free(name);
		return NULL;
	}
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at >= ' ' && *at != '\x7f')
			continue;
		config_error_at(reader, setting, NULL, "must not have control characters");
		mem_free(name);
		return NULL;
	}
	return name;
}

/* --- options ---------------------------------------------------------------------------------------------------------
 */

/* A value with what it needs to live. */
struct written {
	struct option_value value;
	char *text;
	char **items;
	size_t n;
};

static void free_written(struct written *written)
{
	/* It may be a secret. */
	if (written->text)
		explicit_bzero(written->text, strlen(written->text));
	mem_free(written->text);
	for (size_t i = 0; i < written->n; i++)
		mem_free(written->items[i]);
	mem_free(written->items);
}

static int write_list(struct config_reader *reader, const config_setting_t *setting, struct written *written)
{
	int length = config_setting_length(setting);

	if (!config_is_list(reader, setting, OPTION_ITEMS_MAX))
		return -1;
	written->items = mem_zero((size_t)length, sizeof(*written->items));
	for (int i = 0; i < length; i++) {
		char *item = config_text_of(reader, config_setting_get_elem(setting, (unsigned)i), TEXT_BYTES_MAX);

		if (!item)
			return -1;
		written->items[written->n++] = item;
	}
	written->value = (struct option_value){.form = OPTION_WRITTEN_LIST};
	written->value.items = (const char *const *)written->items;
	written->value.n = written->n;
	return 0;
}

static int write_number(struct config_reader *reader, const config_setting_t *setting, struct written *written)
{
	double number = config_setting_get_float(setting);

	/* "1e400" */
	if (!isfinite(number)) {
		config_error_at(reader, setting, NULL, "is too large a number");
		return -1;
	}
	written->value = (struct option_value){.form = OPTION_WRITTEN_NUMBER, .number = number};
	return 0;
}

static int write_text(struct config_reader *reader, const config_setting_t *setting, struct written *written)
{
	written->text = config_text_of(reader, setting, TEXT_BYTES_MAX);
	written->value = (struct option_value){.form = OPTION_WRITTEN_TEXT, .text = written->text};
	return written->text ? 0 : -1;
}

/* -1 after noting an error; free_written in any case. */
static int write_value(struct config_reader *reader, const config_setting_t *setting, struct written *written)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		if (config_source_is_misread(&reader->source, config_line_of(reader, setting)))
			return -1;
		written->value = (struct option_value){.form = OPTION_WRITTEN_INTEGER};
		written->value.integer = config_setting_get_int64(setting);
		return 0;
	case CONFIG_TYPE_FLOAT:
		return write_number(reader, setting, written);
	case CONFIG_TYPE_BOOL:
		written->value = (struct option_value){.form = OPTION_WRITTEN_BOOLEAN};
		written->value.boolean = config_setting_get_bool(setting) != 0;
		return 0;
	case CONFIG_TYPE_STRING:
		return write_text(reader, setting, written);
	case CONFIG_TYPE_GROUP:
		config_error_at(reader, setting, NULL, "must be a value, not a group { }");
		return -1;
	default:
		return write_list(reader, setting, written);
	}
}

const struct option *config_option_of(const struct config_scope *scope, const char *name, bool *from_file)
{
	const struct option *option = option_find(scope->options, scope->n, name);
	size_t length = strlen(name), suffix = strlen(SECRET_FILE_SUFFIX);
	char *secret;

	*from_file = false;
	if (option || length <= suffix || strcmp(name + length - suffix, SECRET_FILE_SUFFIX) != 0)
		return option;
	secret = mem_format("%.*s", (int)(length - suffix), name);
	option = option_find(scope->options, scope->n, secret);
	mem_free(secret);
	*from_file = true;
	return option && option->kind == OPTION_SECRET ? option : NULL;
}

const struct option *config_other_form(const struct config_scope *scope, const struct option *option)
{
	size_t length = strlen(option->name), suffix = strlen(SECRET_FILE_SUFFIX);
	bool is_file = option->kind == OPTION_TEXT && length > suffix &&
		       strcmp(option->name + length - suffix, SECRET_FILE_SUFFIX) == 0;
	const struct option *other;
	char *name;

	if (!is_file && option->kind != OPTION_SECRET)
		return NULL;
	name = is_file ? mem_format("%.*s", (int)(length - suffix), option->name)
		       : mem_format("%s" SECRET_FILE_SUFFIX, option->name);
	other = option_find(scope->options, scope->n, name);
	mem_free(name);
	return other && other->kind == (is_file ? OPTION_SECRET : OPTION_TEXT) ? other : NULL;
}

/* A file that is read later on is seen from the same folder as one that is read now. */
static void place_secret_file(const struct config_reader *reader, const struct config_scope *scope,
			      const struct option *option)
{
	char **path, *written;

	if (option->kind != OPTION_TEXT || !config_other_form(scope, option))
		return;
	path = (char **)(void *)((char *)scope->settings + option->offset);
	written = *path;
	if (!written || !written[0])
		return;
	*path = file_resolve(reader->folder, written);
	mem_free(written);
}

static void store_secret_file(struct config_reader *reader, const config_setting_t *setting,
			      const struct config_scope *scope, const struct option *option)
{
	char *written, *path, *secret;
	struct err err = {0};

	if (config_setting_get_member(config_setting_parent(setting), option->name)) {
		config_error_at(reader, setting, NULL, "%s is there as well, only one of them may be", option->name);
		return;
	}
	written = config_text_of(reader, setting, TEXT_BYTES_MAX);
	if (!written)
		return;
	path = file_resolve(reader->folder, written);
	secret = file_read_secret(path, &err);
	if (!secret || option_set_text(option, scope->settings, secret, &err) < 0)
		config_error_at(reader, setting, NULL, "%s: %s", path, err.text);
	if (secret)
		explicit_bzero(secret, strlen(secret));
	mem_free(secret);
	mem_free(path);
	mem_free(written);
}

void config_store_option(struct config_reader *reader, const config_setting_t *setting,
			 const struct config_scope *scope, const struct option *option, bool from_file)
{
	struct written written = {0};
	struct err err = {0};

	if (from_file) {
		store_secret_file(reader, setting, scope, option);
		return;
	}
	if (write_value(reader, setting, &written) == 0 &&
	    option_set(option, scope->settings, &written.value, &err) < 0)
		config_error_at(reader, setting, NULL, "%s", err.text);
	free_written(&written);
	place_secret_file(reader, scope, option);
}

void config_read_group(struct config_reader *reader, const config_setting_t *group, const struct config_scope *scope,
		       const char *const *others)
{
	struct config_known known = {.scopes = scope, .nscopes = 1, .others = others};
	int length = config_setting_length(group);

	for (int i = 0; i < length; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		const struct option *option;
		bool from_file;

		if (config_word_is_in(name, others))
			continue;
		option = config_option_of(scope, name, &from_file);
		if (option)
			config_store_option(reader, setting, scope, option, from_file);
		else
			config_error_unknown(reader, setting, &known);
	}
}
