#include "daemon/blackbox_draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/blackbox_regex.h"

/* --- life -------------------------------------------------------------------------------------------------------- */

void blackbox_draft_open(struct blackbox_draft *draft, const char *type)
{
	*draft = (struct blackbox_draft){.type = probe_type_find(type), .has_fallback = true};
	if (!draft->type)
		return;
	draft->settings = mem_zero(1, draft->type->settings_size);
	option_set_defaults(draft->type->options, draft->type->noptions, draft->settings);
}

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	mem_free(secret);
}

void blackbox_draft_close(struct blackbox_draft *draft)
{
	if (draft->type)
		option_free_settings(draft->type->options, draft->type->noptions, draft->settings);
	mem_free(draft->refused);
	mem_free(draft->transport);
	mem_free(draft->compression);
	mem_free(draft->accept_encoding);
	mem_free(draft->auth_type);
	free_secret(draft->credentials);
	blackbox_words_free(&draft->headers);
	blackbox_words_free(&draft->secrets);
	*draft = (struct blackbox_draft){0};
}

/* --- words ------------------------------------------------------------------------------------------------------- */

void blackbox_words_add(struct blackbox_words *words, char *word)
{
	/* A power of two is full. */
	if ((words->n & (words->n - 1)) == 0)
		words->items = mem_resize(words->items, words->n ? 2 * words->n : 1, sizeof(*words->items));
	words->items[words->n++] = word;
}

void blackbox_words_free(struct blackbox_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free_secret(words->items[i]); /* headers and dialogues may hold some */
	mem_free(words->items);
	*words = (struct blackbox_words){0};
}

/* --- options ----------------------------------------------------------------------------------------------------- */

int blackbox_draft_refuse(const struct blackbox_place *place, struct blackbox_draft *draft, const char *format, ...)
{
	struct err err = {0}, why = {0};
	struct blackbox_reading reading = {place->reading->tree, &err, 0};
	struct blackbox_place here = *place;
	va_list arguments;
	if (draft->refused)
		return 0;
	va_start(arguments, format);
	vsnprintf(why.text, sizeof(why.text), format, arguments);
	va_end(arguments);
	here.reading = &reading;
	blackbox_refuse(&here, "%s", why.text);
	draft->refused = mem_copy_string(err.text);
	return 0;
}

int blackbox_draft_set(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
		       const struct option_value *value)
{
	struct err err = {0};
	if (!draft->type)
		return 0;
	const struct option *found = option_find(draft->type->options, draft->type->noptions, option);
	if (!found)
		return blackbox_refuse(place, "the probe type %s has no option %s", draft->type->name, option);
	if (option_set(found, draft->settings, value, &err) != 0)
		return blackbox_draft_refuse(place, draft, "%s", err.text);
	return 0;
}

int blackbox_draft_set_text(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			    const char *text)
{
	return blackbox_draft_set(place, draft, option,
				  &(struct option_value){.form = OPTION_WRITTEN_TEXT, .text = text});
}

int blackbox_draft_set_boolean(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			       bool value)
{
	return blackbox_draft_set(place, draft, option,
				  &(struct option_value){.form = OPTION_WRITTEN_BOOLEAN, .boolean = value});
}

int blackbox_draft_set_words(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			     const struct blackbox_words *words)
{
	return blackbox_draft_set(place, draft, option,
				  &(struct option_value){
					  .form = OPTION_WRITTEN_LIST,
					  .items = (const char *const *)words->items,
					  .n = words->n,
				  });
}

int blackbox_set_family(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	static const char *const names[2][2] = {{"only_ipv6", "prefer_ipv6"}, {"only_ipv4", "prefer_ipv4"}};
	return blackbox_draft_set_text(place, draft, "family", names[draft->prefers_ipv4][draft->has_fallback]);
}

const char *blackbox_find_conflict(uint64_t given, const struct blackbox_rule *rules)
{
	for (; rules->why; rules++) {
		if ((given & rules->these) && (given & rules->those))
			return rules->why;
	}
	return NULL;
}

/* --- readers ----------------------------------------------------------------------------------------------------- */

int blackbox_read_text(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	const char *text = blackbox_text(place);
	if (!text)
		return -1;
	if (text[0] == '\0')
		return 0; /* to Go, the same as nothing */
	draft->given |= field->bit;
	return blackbox_draft_set_text(place, draft, field->option, text);
}

static int read_boolean(const struct blackbox_place *place, const struct blackbox_field *field, void *out,
			bool is_negated)
{
	struct blackbox_draft *draft = out;
	bool value;
	if (blackbox_boolean(place, &value) != 0)
		return -1;
	draft->given |= field->bit;
	return blackbox_draft_set_boolean(place, draft, field->option, value != is_negated);
}

int blackbox_read_boolean(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_boolean(place, field, out, false);
}

int blackbox_read_negation(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_boolean(place, field, out, true);
}

int blackbox_add_regex(const struct blackbox_place *place, struct text *out)
{
	struct err err = {0};
	const char *expression = blackbox_text(place);
	if (!expression)
		return -1;
	if (blackbox_regex_translate(expression, out, &err) == 0)
		return 0;
	return blackbox_refuse(place, "the regular expression \"%.200s\" does not compile: %s", expression, err.text);
}

static int add_text(const struct blackbox_place *place, void *out)
{
	const char *text = blackbox_text(place);
	if (!text)
		return -1;
	blackbox_words_add(out, mem_copy_string(text));
	return 0;
}

static int add_regex(const struct blackbox_place *place, void *out)
{
	struct text expression = {0};
	int result = blackbox_add_regex(place, &expression);
	if (result == 0)
		blackbox_words_add(out, text_take(&expression));
	text_free(&expression);
	return result;
}

static int read_words(const struct blackbox_place *place, const struct blackbox_field *field,
		      struct blackbox_draft *draft, int (*add)(const struct blackbox_place *, void *))
{
	struct blackbox_words words = {0};
	int result = blackbox_read_items(place, add, &words);
	if (result == 0)
		result = blackbox_draft_set_words(place, draft, field->option, &words);
	blackbox_words_free(&words);
	return result;
}

int blackbox_read_texts(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_words(place, field, out, add_text);
}

int blackbox_read_regexes(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	return read_words(place, field, out, add_regex);
}

struct late {
	struct blackbox_words words;
	struct blackbox_draft *draft;
};

static int add_late_regex(const struct blackbox_place *place, void *out)
{
	struct late *late = out;
	struct err err = {0};
	struct text expression = {0};
	const char *text = blackbox_text(place);
	if (!text)
		return -1;
	if (blackbox_regex_translate(text, &expression, &err) == 0)
		blackbox_words_add(&late->words, text_take(&expression));
	else
		blackbox_draft_refuse(place, late->draft, "the regular expression \"%.200s\" does not compile: %s",
				      text, err.text);
	text_free(&expression);
	return 0;
}

int blackbox_read_late_regexes(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct late late = {.draft = out};
	int result = blackbox_read_items(place, add_late_regex, &late);
	if (result == 0)
		result = blackbox_draft_set_words(place, out, field->option, &late.words);
	blackbox_words_free(&late.words);
	return result;
}

int blackbox_read_protocol(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	const char *text = blackbox_text(place);
	(void)field;
	if (!text)
		return -1;
	/* Whatever is not ip6 is ip4 there. */
	((struct blackbox_draft *)out)->prefers_ipv4 = text[0] != '\0' && strcmp(text, "ip6") != 0;
	return 0;
}

int blackbox_read_fallback(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_boolean(place, &((struct blackbox_draft *)out)->has_fallback);
}

int blackbox_read_unsupported(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	bool value = true;
	/* What is switched off is no reason. */
	if (yaml_node_boolean(place->node, &value) && !value)
		return 0;
	draft->given |= field->bit;
	return blackbox_draft_refuse(place, draft, "is not supported by netsonde");
}
