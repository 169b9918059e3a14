#include "probes/routeros/ros_menu.h"

#include <string.h>

#include "core/mem.h"
#include "probes/routeros/ros_value.h"
#include "probes/routeros/ros_wire.h"

#define PACKAGE_NAME_MAX 64
#define BITS             64

/* --- facts -----------------------------------------------------------------------------------------------------------
 */

static size_t count_packages(const struct ros_facts *facts)
{
	size_t n = 0;
	while (facts->packages[n])
		n++;
	return n;
}

static bool has_flag(const struct ros_reply *reply, const char *name)
{
	struct ros_word value;
	bool is_on;
	return ros_reply_find(reply, name, NULL, &value) && ros_value_bool(value, &is_on) == ROS_VALUE_OK && is_on;
}

void ros_facts_add_package(struct ros_facts *facts, const struct ros_reply *reply)
{
	struct ros_word name;
	if (!facts->packages)
		facts->packages = mem_zero(1, sizeof(*facts->packages));
	size_t n = count_packages(facts);
	if (n == ROS_PACKAGES_MAX || has_flag(reply, "disabled") || has_flag(reply, "available") ||
	    !ros_reply_find(reply, "name", NULL, &name) || name.length == 0 || name.length > PACKAGE_NAME_MAX)
		return;
	facts->packages = mem_resize(facts->packages, n + 2, sizeof(*facts->packages));
	facts->packages[n] = mem_format("%.*s", (int)name.length, name.bytes);
	facts->packages[n + 1] = NULL;
}

void ros_facts_forget_packages(struct ros_facts *facts)
{
	for (size_t i = 0; facts->packages && facts->packages[i]; i++)
		mem_free(facts->packages[i]);
	mem_free(facts->packages);
	facts->packages = NULL;
}

void ros_facts_free(struct ros_facts *facts)
{
	ros_facts_forget_packages(facts);
	*facts = (struct ros_facts){0};
}

bool ros_menu_fits(const struct ros_facts *facts, const struct catalogue_menu *menu)
{
	if (facts->version == 0 && (menu->since > 0 || menu->before < INT64_MAX))
		return false;
	return catalogue_menu_fits(menu, facts->version, (const char *const *)facts->packages);
}

/* --- what is not there -----------------------------------------------------------------------------------------------
 */

bool ros_absent_has(const struct ros_absent *absent, size_t menu)
{
	return menu / BITS < absent->n && absent->bits[menu / BITS] >> menu % BITS & 1;
}

bool ros_absent_note(struct ros_absent *absent, size_t menu)
{
	size_t wanted = menu / BITS + 1;
	if (ros_absent_has(absent, menu))
		return false;
	if (wanted > absent->n) {
		absent->bits = mem_resize(absent->bits, wanted, sizeof(*absent->bits));
		memset(absent->bits + absent->n, 0, (wanted - absent->n) * sizeof(*absent->bits));
		absent->n = wanted;
	}
	absent->bits[menu / BITS] |= UINT64_C(1) << menu % BITS;
	return true;
}

void ros_absent_forget(struct ros_absent *absent)
{
	mem_free(absent->bits);
	*absent = (struct ros_absent){0};
}

void ros_absent_free(struct ros_absent *absent)
{
	ros_absent_forget(absent);
}

size_t ros_menu_number(const struct catalogue *catalogue, const struct catalogue_set *set, size_t menu)
{
	for (size_t i = 0; i < catalogue->n && catalogue->sets[i] != set; i++)
		menu += catalogue->sets[i]->nmenus;
	return menu;
}

size_t ros_menu_total(const struct catalogue *catalogue)
{
	return ros_menu_number(catalogue, NULL, 0);
}

bool ros_menu_is_missing(enum ros_trap trap)
{
	return trap == ROS_TRAP_NO_MENU || trap == ROS_TRAP_NO_COMMAND;
}

/* --- sentences -------------------------------------------------------------------------------------------------------
 */

/* What a sentence is made of, beside its menu. */
struct order {
	const struct label *parameters;
	size_t nparameters;
	struct err *err;
};

static struct ros_writer begin(struct text *out, const char *path, const char *command)
{
	char *whole = mem_format("%s%s%s", path, command[0] ? "/" : "", command);
	struct ros_writer writer = ros_write_begin(out, whole);
	mem_free(whole);
	return writer;
}

static void write_words(struct ros_writer *writer, const char *const *proplist, const char *const *filters)
{
	struct text names = {0};
	for (size_t i = 0; proplist[i]; i++) {
		if (i > 0)
			text_add_char(&names, ',');
		text_add(&names, proplist[i]);
	}
	ros_write_proplist(writer, text_string(&names));
	for (; *filters; filters++)
		ros_write_query(writer, *filters);
	text_free(&names);
}

/* Without the last, empty word. */
static int end(struct ros_writer *writer, struct err *err)
{
	if (ros_write_end(writer, err) != 0)
		return -1;
	writer->out->length--;
	return 0;
}

static const char *find_parameter(const struct order *order, const char *name, size_t length)
{
	for (size_t i = 0; i < order->nparameters; i++) {
		const struct label *parameter = &order->parameters[i];
		if (strlen(parameter->name) == length && memcmp(parameter->name, name, length) == 0)
			return parameter->value;
	}
	return NULL;
}

/* The value with what its {names} stand for. */
static int fill_in(const struct order *order, const char *value, struct text *out)
{
	while (*value) {
		size_t plain = strcspn(value, "{"), length;
		text_add_bytes(out, value, plain);
		value += plain;
		if (*value == '\0')
			break;
		length = strcspn(++value, "}");
		const char *given = find_parameter(order, value, length);
		if (!given)
			return err_set(order->err, "the parameter \"%.*s\" is missing: this data set needs it",
				       (int)(length > CATALOGUE_TEXT_MAX ? CATALOGUE_TEXT_MAX : length), value);
		text_add(out, given);
		value += length + (value[length] == '}');
	}
	return 0;
}

/* argument: "name=value" */
static int write_argument(struct ros_writer *writer, const struct order *order, const char *argument)
{
	char name[CATALOGUE_TEXT_MAX + 1];
	struct text value = {0};
	size_t length = strcspn(argument, "=");
	int status = -1;
	if (length > CATALOGUE_TEXT_MAX)
		return err_set(order->err, "the name of an argument is longer than %d bytes", CATALOGUE_TEXT_MAX);
	memcpy(name, argument, length);
	name[length] = '\0';
	if (fill_in(order, argument + length + (argument[length] == '='), &value) == 0) {
		ros_write_attribute(writer, name, (struct ros_word){value.bytes, value.length});
		status = 0;
	}
	text_free(&value);
	return status;
}

static int write_arguments(struct ros_writer *writer, const struct catalogue_menu *menu, const struct order *order)
{
	for (size_t i = 0; menu->arguments[i]; i++)
		if (write_argument(writer, order, menu->arguments[i]) != 0)
			return -1;
	return 0;
}

int ros_menu_write(const struct catalogue_set *set, const struct catalogue_menu *menu, const char *names,
		   const struct label *parameters, size_t nparameters, struct text *out, struct err *err)
{
	struct order order = {parameters, nparameters, err};
	size_t begun = out->length;
	if (menu->each.path && !names)
		return err_set(err, "%s/%s cannot be asked without the items that it is for", menu->path,
			       menu->command);
	struct ros_writer writer = begin(out, menu->path, menu->command);
	if (menu->each.path)
		ros_write_string(&writer, menu->each.argument, names);
	if (menu->is_once)
		ros_write_string(&writer, "once", "");
	if (write_arguments(&writer, menu, &order) != 0) {
		out->length = begun;
		return -1;
	}
	if (set->mode == CATALOGUE_COUNT)
		ros_write_string(&writer, "count-only", "");
	write_words(&writer, menu->proplist, menu->filters);
	return end(&writer, err);
}

int ros_menu_write_each(const struct catalogue_menu *menu, struct text *out, struct err *err)
{
	const char *const proplist[] = {menu->each.property, NULL};
	if (!menu->each.path)
		return err_set(err, "%s/%s is for no items of another menu", menu->path, menu->command);
	struct ros_writer writer = begin(out, menu->each.path, "print");
	write_words(&writer, proplist, menu->each.filters);
	return end(&writer, err);
}
