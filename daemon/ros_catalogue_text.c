#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/ros_catalogue_reader.h"

/* Labels and tags that every result has anyway. */
static const char *const reserved_labels[] = {"target", "probe", "agent", "job", "instance", "le", NULL};

void ros_wrong(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *format, ...)
{
	const config_setting_t *written = member ? config_setting_get_member(group, member) : NULL;
	char why[ERR_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	if (written)
		config_error_at(&reader->config, written, NULL, "%s", why);
	else
		config_error_at(&reader->config, group, member, "%s", why);
}

bool ros_is_word(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *word)
{
	size_t length = strlen(word);

	if (length == 0) {
		ros_wrong(reader, group, member, "is empty");
		return false;
	}
	if (length > CATALOGUE_TEXT_MAX) {
		ros_wrong(reader, group, member, "is longer than %d bytes", CATALOGUE_TEXT_MAX);
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (word[i] > ' ' && word[i] <= '~')
			continue;
		ros_wrong(reader, group, member, "\"%.60s\" must have no blanks, and ASCII characters only", word);
		return false;
	}
	return true;
}

bool ros_is_name(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
	size_t length = strlen(name);

	if (length == 0 || length > CATALOGUE_TEXT_MAX || name[strspn(name, letters)] || name[0] < 'a') {
		ros_wrong(reader, group, member,
			  "\"%.60s\" is no name: it takes small letters, digits and _, and begins with a letter", name);
		return false;
	}
	if (strstr(name, "__") || name[0] == '_' || name[length - 1] == '_') {
		ros_wrong(reader, group, member, "\"%.60s\" is no name: write one _ between words only", name);
		return false;
	}
	return true;
}

bool ros_is_label(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *name)
{
	if (!ros_is_name(reader, group, member, name))
		return false;
	if (config_word_is_in(name, reserved_labels)) {
		ros_wrong(reader, group, member,
			  "the label \"%s\" is reserved: give it another name, as in \"other=property\"", name);
		return false;
	}
	return true;
}

void ros_check_help(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *help)
{
	size_t length = help ? strlen(help) : 0;

	if (length == 0)
		ros_wrong(reader, group, member, "is missing: say in one sentence what it is");
	else if (length > 2 * CATALOGUE_TEXT_MAX)
		ros_wrong(reader, group, member, "is longer than %d bytes", 2 * CATALOGUE_TEXT_MAX);
	else if (help[length - 1] == '.')
		ros_wrong(reader, group, member, "must not end with a full stop");
	else if (strpbrk(help, "\n\r\t"))
		ros_wrong(reader, group, member, "must be one line");
}

const char *const *ros_take_words(struct ros_reader *reader, const struct option_list *list)
{
	const char **words = catalogue_take(reader->catalogue, list->n + 1, sizeof(*words));

	for (size_t i = 0; i < list->n; i++)
		words[i] = catalogue_take_string(reader->catalogue, list->items[i]);
	return words;
}

struct catalogue_property ros_read_property(struct ros_reader *reader, const config_setting_t *group,
					    const char *member, const char *written)
{
	struct catalogue_property property = {0};
	const char **names;
	size_t n = 1;

	if (!ros_is_word(reader, group, member, written))
		return property;
	for (const char *at = written; *at; at++)
		n += *at == '|';
	names = catalogue_take(reader->catalogue, n, sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		size_t length = strcspn(written, "|");
		char *name = mem_format("%.*s", (int)length, written);

		if (length == 0)
			ros_wrong(reader, group, member, "has an empty name: write \"a|b\"");
		else if (strpbrk(name, "=,?") || (name[0] == '@' && strcmp(name, CATALOGUE_EACH) != 0))
			ros_wrong(reader, group, member, "\"%.60s\" is no name of a property", name);
		names[i] = catalogue_take_string(reader->catalogue, name);
		written += length + (written[length] == '|');
		mem_free(name);
	}
	property.names = names;
	property.n = n;
	return property;
}

bool ros_cut(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *written,
	     struct label *parts)
{
	const char *equals = strchr(written, '=');
	char *name;

	if (!equals || equals == written || strlen(written) > CATALOGUE_TEXT_MAX) {
		ros_wrong(reader, group, member, "\"%.60s\" must be of the form \"name=value\"", written);
		return false;
	}
	name = mem_format("%.*s", (int)(equals - written), written);
	parts->name = catalogue_take_string(reader->catalogue, name);
	parts->value = catalogue_take_string(reader->catalogue, equals + 1);
	mem_free(name);
	return true;
}

bool ros_ends_with(const char *string, const char *end)
{
	size_t length = strlen(string), n = strlen(end);

	return length >= n && strcmp(string + length - n, end) == 0;
}
