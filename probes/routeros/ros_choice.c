#include "probes/routeros/ros_choice.h"

#include <stdlib.h>
#include <string.h>

const char *const ros_tier_words[CATALOGUE_TIERS] = {"realtime", "short", "medium", "long", "extended"};

/* The value of an entry if it is one of this set. */
static const char *value_for(const char *entry, const char *set)
{
	size_t n = strlen(set);
	return !strncmp(entry, set, n) && entry[n] == '=' ? entry + n + 1 : NULL;
}

static const char *find_last(const struct option_list *list, const char *set)
{
	for (size_t i = list->n; i-- > 0;) {
		const char *value = value_for(list->items[i], set);
		if (value)
			return value;
	}
	return NULL;
}

static bool read_tier(const char *word, enum catalogue_tier *tier)
{
	for (enum catalogue_tier i = 0; i < CATALOGUE_TIERS; i++) {
		if (strcmp(word, ros_tier_words[i]))
			continue;
		*tier = i;
		return true;
	}
	return false;
}

static bool is_place(const char *word)
{
	enum catalogue_tier tier;
	return !strcmp(word, "on") || !strcmp(word, "off") || read_tier(word, &tier);
}

static bool is_row_count(const char *word)
{
	char *end;
	if (word[0] < '0' || word[0] > '9' || strlen(word) > 6)
		return false;
	long n = strtol(word, &end, 10);
	return *end == '\0' && n > 0 && n <= CATALOGUE_ROWS_MAX;
}

static bool is_pattern(const char *word)
{
	return word[0] != '\0' && strlen(word) <= CATALOGUE_TEXT_MAX;
}

struct list_rule {
	const char *option;
	bool (*takes)(const char *value);
	const char *form;
};

static const struct list_rule sets_rule = {"sets", is_place,
					   "SET=on, SET=off or SET=TIER (realtime, short, medium, long, extended)"};
static const struct list_rule rows_rule = {"max_rows", is_row_count, "SET=NUMBER, with 1 to 100000"};
static const struct list_rule skip_rule = {"skip", is_pattern, "SET=PATTERN"};

static int check_list(const struct option_list *list, const struct list_rule *rule, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = list->items[i], *equals = strchr(entry, '=');
		if (!equals || equals == entry || !rule->takes(equals + 1))
			return err_set(err, "%s: \"%s\" is not %s", rule->option, entry, rule->form);
	}
	return 0;
}

int ros_choice_check(const struct ros_choice *choice, struct err *err)
{
	if (check_list(choice->sets, &sets_rule, err) != 0 || check_list(choice->max_rows, &rows_rule, err) != 0)
		return -1;
	return check_list(choice->skip, &skip_rule, err);
}

static const struct catalogue_set *find_entry(const struct catalogue *catalogue, const char *entry)
{
	for (size_t i = 0; i < catalogue->n; i++)
		if (value_for(entry, catalogue->sets[i]->name))
			return catalogue->sets[i];
	return NULL;
}

static int match_list(const struct option_list *list, const char *option, const struct catalogue *catalogue,
		      struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = list->items[i];
		const struct catalogue_set *set = find_entry(catalogue, entry);
		if (!set)
			return err_set(err, "%s: \"%s\": there is no such data set in the catalogue", option, entry);
		if (set->parameters[0] && strcmp(value_for(entry, set->name), "off"))
			return err_set(err, "%s: \"%s\": this data set needs %s, so no tier can ask for it", option,
				       entry, set->parameters[0]);
	}
	return 0;
}

int ros_choice_match(const struct ros_choice *choice, const struct catalogue *catalogue, struct err *err)
{
	if (match_list(choice->sets, "sets", catalogue, err) != 0 ||
	    match_list(choice->max_rows, "max_rows", catalogue, err) != 0)
		return -1;
	return match_list(choice->skip, "skip", catalogue, err);
}

bool ros_choice_tier(const struct ros_choice *choice, const struct catalogue_set *set, enum catalogue_tier *tier)
{
	const char *place = find_last(choice->sets, set->name);
	*tier = set->tier;
	if (set->parameters[0])
		return false;
	if (!place)
		return set->is_enabled;
	return read_tier(place, tier) || !strcmp(place, "on");
}

unsigned ros_choice_max_rows(const struct ros_choice *choice, const struct catalogue_set *set)
{
	const char *value = find_last(choice->max_rows, set->name);
	return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

bool ros_choice_skips_any(const struct ros_choice *choice, const struct catalogue_set *set)
{
	return find_last(choice->skip, set->name) != NULL;
}

bool ros_choice_skips(const struct ros_choice *choice, const struct catalogue_set *set, const char *name)
{
	for (size_t i = 0; i < choice->skip->n; i++) {
		const char *pattern = value_for(choice->skip->items[i], set->name);
		if (pattern && catalogue_pattern_matches(pattern, name))
			return true;
	}
	return false;
}
