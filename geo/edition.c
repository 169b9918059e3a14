#include "geo/edition.h"

#include <stdatomic.h>
#include <string.h>

#include "core/mem.h"

#define SETTING(kind, field) kind, offsetof(struct geo_settings, field)

const struct option geo_options[] = {
	{"databases", SETTING(OPTION_LIST, databases),
	 .help = "Files in MaxMind's format (.mmdb): City, Country, ASN, ISP, Enterprise, Anonymous-IP, "
		 "Connection-Type, "
		 "and what looks like them. What several know is taken from the first of them. A new file that takes "
		 "the place of one of them by renaming is read without a restart"},
	{"required", SETTING(OPTION_BOOLEAN, is_required), .fallback = "true",
	 .help = "Is it an error, at the start and at a reload, if a database is not there or is damaged? Otherwise "
		 "the "
		 "daemon measures without it, and takes it when it comes"},
	{"languages", SETTING(OPTION_LIST, languages), .fallback = "en",
	 .help = "Languages of names, such as \"de\", in which they are looked for one after another"},
	{"tags", SETTING(OPTION_LIST, tags), .fallback = "country,continent,asn",
	 .help = "What of a place becomes a tag of every line of a target: of country, country_name, continent, "
		 "region, "
		 "city, asn, as_org, isp, connection_type, scope and site. Each value is a series of its own in "
		 "InfluxDB"},
	{"max_size", SETTING(OPTION_SIZE, max_size_bytes), .minimum = 1024, .maximum = 2e9, .fallback = "1GiB",
	 .help = "The largest file that is read. A database is kept in memory, and twice while a new one takes its "
		 "place"},
	{"cache", SETTING(OPTION_INTEGER, cache), .minimum = 16, .maximum = 10000000, .fallback = "4096",
	 .help = "How many addresses each worker keeps the places of, beside those of its targets: some 400 bytes "
		 "each"},
	{"check_interval", SETTING(OPTION_SECONDS, check_interval_ns), .minimum = 0.1, .maximum = 86400,
	 .fallback = "10", .help = "How often the files are looked at"},
};
const size_t geo_noptions = sizeof(geo_options) / sizeof(geo_options[0]);

/* What may be a tag: what has few values, and the values of which do not change with every build of a database. */
static const unsigned tag_fields = 1U << PLACE_COUNTRY | 1U << PLACE_COUNTRY_NAME | 1U << PLACE_CONTINENT |
				   1U << PLACE_REGION | 1U << PLACE_CITY | 1U << PLACE_ASN | 1U << PLACE_AS_ORG |
				   1U << PLACE_ISP | 1U << PLACE_CONNECTION_TYPE | 1U << PLACE_SCOPE | 1U << PLACE_SITE;

/* What stays the same when a file is exchanged. */
struct rules {
	atomic_uint holders;
	struct geo_settings *settings;
	struct overrides *overrides;
	unsigned tags;
	struct address agent_address;
	struct distance_point agent_point;
};

struct edition {
	atomic_uint holders;
	struct rules *rules;
	struct database *databases[EDITION_DATABASES_MAX]; /* NULL: could not be opened */
	size_t n;
	bool has_agent;
	struct distance_point agent;
	double agent_radius_meters;
};

int geo_settings_check(const struct geo_settings *settings, struct err *err)
{
	if (settings->databases.n > EDITION_DATABASES_MAX)
		return err_set(err, "databases: are more than %d", EDITION_DATABASES_MAX);
	for (size_t i = 0; i < settings->databases.n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(settings->databases.items[i], settings->databases.items[k]) == 0)
				return err_set(err, "databases: \"%.200s\" is there twice",
					       settings->databases.items[i]);
		}
	}
	for (size_t i = 0; i < settings->tags.n; i++) {
		enum place_field field = place_field_find(settings->tags.items[i]);

		if (field == PLACE_FIELDS || !(tag_fields >> field & 1))
			return err_set(err,
				       "tags: \"%.80s\" cannot be a tag (country, country_name, continent, region, "
				       "city, asn, as_org, isp, connection_type, scope, site)",
				       settings->tags.items[i]);
	}
	return 0;
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static void rules_release(struct rules *rules)
{
	if (atomic_fetch_sub_explicit(&rules->holders, 1, memory_order_acq_rel) > 1)
		return;
	option_free_settings(geo_options, geo_noptions, rules->settings);
	overrides_free(rules->overrides);
	mem_free(rules);
}

static struct rules *rules_create(const struct edition_plan *plan, struct err *err)
{
	struct overrides *overrides = overrides_create(plan->overrides, plan->noverrides, err);
	struct rules *rules;

	if (!overrides) {
		err_prefix(err, "geo.overrides");
		return NULL;
	}
	rules = mem_zero(1, sizeof(*rules));
	atomic_init(&rules->holders, 1);
	rules->overrides = overrides;
	rules->settings = option_copy_settings(geo_options, geo_noptions, sizeof(*rules->settings), plan->settings);
	for (size_t i = 0; i < plan->settings->tags.n; i++)
		rules->tags |= 1U << place_field_find(plan->settings->tags.items[i]);
	if (plan->agent_address)
		address_parse(plan->agent_address, &rules->agent_address);
	rules->agent_point = plan->agent_point;
	return rules;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static struct edition *create(struct rules *rules)
{
	struct edition *edition = mem_zero(1, sizeof(*edition));

	atomic_init(&edition->holders, 1);
	edition->rules = rules;
	return edition;
}

static void place_agent(struct edition *edition)
{
	const struct rules *rules = edition->rules;
	struct place *place;

	if (rules->agent_point.latitude != 0 || rules->agent_point.longitude != 0) {
		edition->has_agent = true;
		edition->agent = rules->agent_point;
		return;
	}
	if (rules->agent_address.family == ADDRESS_NONE)
		return;
	place = edition_find(edition, &rules->agent_address, NULL);
	edition->has_agent = place_point(place, &edition->agent);
	edition->agent_radius_meters = place_radius_meters(place);
	place_release(place);
}

static struct database *find_before(const struct edition *before, const char *path)
{
	for (size_t i = 0; before && i < before->n; i++) {
		if (before->databases[i] && strcmp(database_path(before->databases[i]), path) == 0)
			return before->databases[i];
	}
	return NULL;
}

/* 0 with *database NULL: not there, and need not be. */
static int open_database(const struct geo_settings *settings, const char *path, const struct edition *before,
			 struct database **database, struct err *err)
{
	struct database *old = find_before(before, path);
	struct database_stamp stamp;

	/* What is new and bad is told by whoever watches the files. */
	*database = NULL;
	if (old && (database_look(path, &stamp, NULL) == -1 || database_stamp_is_equal(&stamp, database_stamp(old))))
		*database = database_hold(old);
	else
		*database = database_open(path, settings->max_size_bytes, err);
	if (!*database && old)
		*database = database_hold(old);
	if (!*database && settings->is_required)
		return err_prefix(err, "geo.databases: %s", path);
	return 0;
}

struct edition *edition_create(const struct edition_plan *plan, const struct edition *before, struct err *err)
{
	struct rules *rules = rules_create(plan, err);
	struct edition *edition;

	if (!rules)
		return NULL;
	edition = create(rules);
	for (; edition->n < plan->settings->databases.n && edition->n < EDITION_DATABASES_MAX; edition->n++) {
		if (open_database(plan->settings, plan->settings->databases.items[edition->n], before,
				  &edition->databases[edition->n], err) == -1) {
			edition_release(edition);
			return NULL;
		}
	}
	place_agent(edition);
	return edition;
}

struct edition *edition_exchange(const struct edition *edition, size_t i, struct database *database)
{
	struct edition *next = create(edition->rules);

	atomic_fetch_add_explicit(&edition->rules->holders, 1, memory_order_relaxed);
	next->n = edition->n;
	for (size_t k = 0; k < edition->n; k++) {
		if (k == i)
			next->databases[k] = database;
		else if (edition->databases[k])
			next->databases[k] = database_hold(edition->databases[k]);
	}
	place_agent(next);
	return next;
}

struct edition *edition_hold(struct edition *edition)
{
	atomic_fetch_add_explicit(&edition->holders, 1, memory_order_relaxed);
	return edition;
}

void edition_release(struct edition *edition)
{
	if (!edition || atomic_fetch_sub_explicit(&edition->holders, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < edition->n; i++)
		database_release(edition->databases[i]);
	rules_release(edition->rules);
	mem_free(edition);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

const struct geo_settings *edition_settings(const struct edition *edition)
{
	return edition->rules->settings;
}

bool edition_is_empty(const struct edition *edition)
{
	return edition->n == 0 && overrides_count(edition->rules->overrides) == 0;
}

unsigned edition_tags(const struct edition *edition)
{
	return edition->rules->tags;
}

size_t edition_count_databases(const struct edition *edition)
{
	return edition->n;
}

const char *edition_path(const struct edition *edition, size_t i)
{
	return edition->rules->settings->databases.items[i];
}

struct database *edition_database(const struct edition *edition, size_t i)
{
	return edition->databases[i];
}

bool edition_agent(const struct edition *edition, struct distance_point *point, double *radius_meters)
{
	*point = edition->agent;
	*radius_meters = edition->agent_radius_meters;
	return edition->has_agent;
}

bool edition_names_target(const struct edition *edition, const char *target)
{
	return overrides_find_target(edition->rules->overrides, target) != NULL;
}

struct place *edition_find(const struct edition *edition, const struct address *address, const char *target)
{
	const struct overrides *overrides = edition->rules->overrides;
	const struct geo_override *by_target = target ? overrides_find_target(overrides, target) : NULL;
	const struct geo_override *by_network = overrides_find_network(overrides, address);
	enum scope scope = scope_of(address);
	struct place_draft draft = {0};

	if (by_target)
		geo_override_apply(by_target, &draft);
	if (by_network)
		geo_override_apply(by_network, &draft);
	for (size_t i = 0; i < edition->n; i++) {
		if (edition->databases[i])
			database_find(edition->databases[i], address, &edition->rules->settings->languages, &draft);
	}
	if (scope != SCOPE_GLOBAL)
		place_draft_text(&draft, PLACE_SCOPE, scope_name(scope), strlen(scope_name(scope)));
	return place_create(&draft);
}
