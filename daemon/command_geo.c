#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/sample_json.h"

enum { FLAG_CONFIG, FLAG_DATABASE, FLAG_JSON, FLAGS };

static const struct command_flag flags[FLAGS] = {
	[FLAG_CONFIG] = {"config", "FILE", false, "the configuration whose section geo is asked"},
	[FLAG_DATABASE] = {"database", "FILE[,FILE...]", false, "ask these files instead, without a configuration"},
	[FLAG_JSON] = {"json", NULL, false, "one JSON object a line"},
};
static const struct command_usage usage = {
	.line = "geo ADDRESS...",
	.text = "Prints what is known about where IP addresses are: country, city, autonomous system, coordinates, and "
		"how\n"
		"far that is from this agent. The configuration defaults to NETSONDE_CONFIG, else "
		"to\n" COMMAND_CONFIG_DEFAULT ".",
	.flags = flags,
	.nflags = FLAGS,
	.words_min = 1,
	.words_max = COMMAND_WORDS_MAX,
	.end = "exit code: 0 = something is known about every address, 1 = it is not, 2 = wrong use",
};

/* --- one address ------------------------------------------------------------------------------------------------- */

/* What goes with a place: NAN where it is not known. */
struct way {
	double meters, floor_seconds;
};

static struct way way_to(const struct edition *edition, const struct place *place)
{
	struct distance_point agent, point;
	struct way way = {NAN, NAN};
	double radius_meters;

	if (!edition_agent(edition, &agent, &radius_meters) || !place_point(place, &point))
		return way;
	way.meters = distance_meters(agent, point);
	way.floor_seconds = distance_light_floor_seconds(way.meters);
	return way;
}

static void print_text(const char *address, const struct place *place, const struct way *way)
{
	printf("%s\n", address);
	for (unsigned i = 0; i < PLACE_FIELDS; i++) {
		const char *text = place_text(place, (enum place_field)i);

		if (text)
			printf("  %-16s %s\n", place_field_name((enum place_field)i), text);
	}
	if (place_radius_meters(place) > 0)
		printf("  %-16s %.0f km\n", "accuracy_radius", place_radius_meters(place) / 1000);
	for (unsigned i = 0; i < PLACE_FLAGS; i++) {
		if (place_has_flag(place, (enum place_flag)i))
			printf("  %-16s yes\n", place_flag_name((enum place_flag)i));
	}
	if (!isnan(way->meters)) {
		printf("  %-16s %.1f km\n", "distance", way->meters / 1000);
		printf("  %-16s %.3f ms\n", "light_floor", way->floor_seconds * 1000);
	}
	if (!place_is_known(place))
		printf("  nothing is known\n");
}

static void add_text(struct text *out, const char *key, const char *value)
{
	text_add_char(out, ',');
	json_add_key(out, key);
	json_add_string(out, value);
}

static void add_number(struct text *out, const char *key, double value)
{
	text_add_char(out, ',');
	json_add_key(out, key);
	json_add_number(out, value);
}

/* Numbers as numbers; whatever is not known is left out. */
static void add_known(struct text *out, const struct place *place)
{
	struct distance_point point;
	uint32_t asn;

	for (unsigned i = 0; i < PLACE_FIELDS; i++) {
		const char *text = place_text(place, (enum place_field)i);

		if (text && i != PLACE_ASN && i != PLACE_LATITUDE && i != PLACE_LONGITUDE)
			add_text(out, place_field_name((enum place_field)i), text);
	}
	if (place_asn(place, &asn))
		add_number(out, "asn", asn);
	if (place_point(place, &point)) {
		add_number(out, "latitude", point.latitude);
		add_number(out, "longitude", point.longitude);
	}
	if (place_radius_meters(place) > 0)
		add_number(out, "accuracy_radius_meters", place_radius_meters(place));
	for (unsigned i = 0; i < PLACE_FLAGS; i++) {
		if (place_has_flag(place, (enum place_flag)i))
			text_add_format(out, ",\"%s\":true", place_flag_name((enum place_flag)i));
	}
}

static void print_json(const char *address, const struct place *place, const struct way *way)
{
	struct text out = {0};

	text_add_char(&out, '{');
	json_add_key(&out, "address");
	json_add_string(&out, address);
	add_known(&out, place);
	if (!isnan(way->meters)) {
		add_number(&out, "distance_meters", way->meters);
		add_number(&out, "light_floor_seconds", way->floor_seconds);
	}
	printf("%s}\n", text_string(&out));
	text_free(&out);
}

/* false: nothing is known. */
static bool print_address(const struct edition *edition, const struct address *address, bool is_json)
{
	struct place *place = edition_find(edition, address, NULL);
	const struct way way = way_to(edition, place);
	bool is_known = place_is_known(place);
	char text[ADDRESS_TEXT_SIZE];

	(is_json ? print_json : print_text)(address_format(address, text), place, &way);
	place_release(place);
	return is_known;
}

/* --- what is asked ----------------------------------------------------------------------------------------------- */

static struct edition *open_files(const char *files, struct err *err)
{
	struct geo_settings *settings = mem_zero(1, sizeof(*settings));
	const struct edition_plan plan = {.settings = settings};
	struct edition *edition = NULL;

	option_set_defaults(geo_options, geo_noptions, settings);
	if (option_set_text(option_find(geo_options, geo_noptions, "databases"), settings, files, err) == 0 &&
	    geo_settings_check(settings, err) == 0)
		edition = edition_create(&plan, NULL, err);
	option_free_settings(geo_options, geo_noptions, settings);
	return edition;
}

static struct edition *open_config(const char *file, struct err *err)
{
	struct text errors = {0};
	struct config *config = config_load(file, &errors);
	struct edition *edition = NULL;
	struct edition_plan plan;

	if (config) {
		config_plan_geo(config, &plan);
		edition = edition_create(&plan, NULL, err);
	} else {
		err_set(err, "%s", text_string(&errors));
	}
	text_free(&errors);
	config_free(config);
	return edition;
}

static int check_addresses(const struct command_line *line, struct address *addresses)
{
	for (size_t i = 0; i < line->nwords; i++) {
		if (!address_parse(line->words[i], &addresses[i]))
			return command_refuse("geo", "'%s' is no IP address", line->words[i]);
	}
	return COMMAND_OK;
}

int command_geo(int argc, char **argv)
{
	struct address addresses[COMMAND_WORDS_MAX];
	struct command_line line;
	struct edition *edition;
	struct err err = {0};
	int result = command_parse(&usage, &line, argc, argv);

	if (result != -1)
		return result;
	result = check_addresses(&line, addresses);
	if (result != COMMAND_OK)
		return result;
	log_configure(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	edition = line.values[FLAG_DATABASE] ? open_files(line.values[FLAG_DATABASE], &err)
					     : open_config(command_config_file(line.values[FLAG_CONFIG]), &err);
	if (!edition) {
		fprintf(stderr, "netsonde: geo: %s\n", err.text);
		return COMMAND_FAILED;
	}
	for (size_t i = 0; i < line.nwords; i++) {
		if (!print_address(edition, &addresses[i], line.values[FLAG_JSON]))
			result = COMMAND_FAILED;
	}
	edition_release(edition);
	return result;
}
