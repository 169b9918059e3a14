#include "geo/override.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define NETWORK_TEXT_MAX 64

#define SETTING(kind, field) kind, offsetof(struct geo_override, field)

const struct option geo_override_options[] = {
	{"networks", SETTING(OPTION_LIST, networks),
	 .help = "Networks that this is said of, such as \"10.0.0.0/8\". The narrowest that has an address counts"},
	{"targets", SETTING(OPTION_LIST, targets),
	 .help = "Targets that this is said of, by name, whatever their addresses. They come before networks"},
	{"country", SETTING(OPTION_TEXT, country), .help = "ISO 3166-1 code of two letters"},
	{"country_name", SETTING(OPTION_TEXT, country_name), .help = "The country in words"},
	{"city", SETTING(OPTION_TEXT, city), .help = "City"},
	{"region", SETTING(OPTION_TEXT, region), .help = "State, province or the like"},
	{"continent", SETTING(OPTION_TEXT, continent), .help = "AF, AN, AS, EU, NA, OC or SA"},
	{"asn", SETTING(OPTION_INTEGER, asn), .minimum = 0, .maximum = UINT32_MAX, .fallback = "0",
	 .help = "Number of the autonomous system; 0 = not told"},
	{"as_org", SETTING(OPTION_TEXT, as_org), .help = "Whose autonomous system that is"},
	{"isp", SETTING(OPTION_TEXT, isp), .help = "Internet provider"},
	{"latitude", SETTING(OPTION_NUMBER, latitude), .minimum = -90, .maximum = 90,
	 .help = "In degrees; south is negative. With longitude"},
	{"longitude", SETTING(OPTION_NUMBER, longitude), .minimum = -180, .maximum = 180,
	 .help = "In degrees; west is negative. 0, 0 counts as not told"},
	{"time_zone", SETTING(OPTION_TEXT, time_zone), .help = "Name of the time zone, such as \"Europe/Berlin\""},
	{"site", SETTING(OPTION_TEXT, site), .help = "A name of your own for this place: the label \"site\""},
};
const size_t geo_override_noptions = sizeof(geo_override_options) / sizeof(geo_override_options[0]);

static const struct {
	enum place_field field;
	size_t offset;
} texts[] = {
	{PLACE_COUNTRY, offsetof(struct geo_override, country)},
	{PLACE_COUNTRY_NAME, offsetof(struct geo_override, country_name)},
	{PLACE_CITY, offsetof(struct geo_override, city)},
	{PLACE_REGION, offsetof(struct geo_override, region)},
	{PLACE_CONTINENT, offsetof(struct geo_override, continent)},
	{PLACE_AS_ORG, offsetof(struct geo_override, as_org)},
	{PLACE_ISP, offsetof(struct geo_override, isp)},
	{PLACE_TIME_ZONE, offsetof(struct geo_override, time_zone)},
	{PLACE_SITE, offsetof(struct geo_override, site)},
};

struct network {
	struct address address;
	unsigned bits;
	const struct geo_override *override;
};

/* Networks of one family and length: sorted by address. */
struct group {
	uint8_t family;
	unsigned bits;
	size_t first, n;
};

struct named {
	const char *target;
	const struct geo_override *override;
};

struct overrides {
	struct geo_override **items;
	size_t n;
	struct network *networks;
	size_t nnetworks;
	struct group *groups; /* the longest first */
	size_t ngroups;
	struct named *targets; /* sorted by name */
	size_t ntargets;
};

/* --- networks ---------------------------------------------------------------------------------------------------- */

static void mask(struct address *address, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(address->bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			address->bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

/* The number behind the slash; -1: none. */
static int parse_bits(const char *text, unsigned most)
{
	char *end;
	unsigned long bits = strtoul(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && bits <= most ? (int)bits : -1;
}

int network_parse(const char *text, struct address *network, unsigned *bits, struct err *err)
{
	char copy[NETWORK_TEXT_MAX] = "", shown[ADDRESS_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct address masked;
	int given;

	if (n < sizeof(copy))
		memcpy(copy, text, n);
	if (!address_parse(copy, network))
		return err_set(err, "\"%.80s\" is no network, such as 10.0.0.0/8 or 2001:db8::/32", text);
	*bits = address_families[network->family - 1].bits;
	if (!slash)
		return 0;
	given = parse_bits(slash + 1, *bits);
	if (given == -1)
		return err_set(err, "\"%.80s\": the length behind the slash must be between 0 and %u", text, *bits);
	*bits = (unsigned)given;
	masked = *network;
	mask(&masked, *bits);
	if (memcmp(masked.bytes, network->bytes, sizeof(masked.bytes)) != 0)
		return err_set(err, "\"%.80s\": has bits behind the first %u, did you mean %s/%u?", text, *bits,
			       address_format(&masked, shown), *bits);
	return 0;
}

static int compare_networks(const void *left, const void *right)
{
	const struct network *a = left, *b = right;

	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits > b->bits ? -1 : 1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

static int compare_targets(const void *left, const void *right)
{
	return strcmp(((const struct named *)left)->target, ((const struct named *)right)->target);
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

static bool is_code(const char *text)
{
	return !text || (strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z');
}

static const char *text_at(const struct geo_override *override, size_t offset)
{
	const void *field = (const char *) override + offset;

	return *(const char *const *)field;
}

static bool says_something(const struct geo_override *override)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (text_at(override, texts[i].offset))
			return true;
	}
	return override->asn || override->latitude != 0 || override->longitude != 0;
}

int geo_override_check(const struct geo_override *override, struct err *err)
{
	struct address network;
	unsigned bits;

	if (override->networks.n == 0 && override->targets.n == 0)
		return err_set(err, "needs networks or targets");
	for (size_t i = 0; i < override->networks.n; i++) {
		if (network_parse(override->networks.items[i], &network, &bits, err) == -1)
			return err_prefix(err, "networks");
	}
	if (!is_code(override->country) || !is_code(override->continent))
		return err_set(err, "country and continent are codes of two capital letters");
	if (!says_something(override))
		return err_set(err, "says nothing about its networks and targets");
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static void add_entry(struct overrides *overrides, const struct geo_override *override)
{
	for (size_t i = 0; i < override->networks.n; i++) {
		struct network *network = &overrides->networks[overrides->nnetworks];

		network->override = override;
		if (network_parse(override->networks.items[i], &network->address, &network->bits, NULL) == 0)
			overrides->nnetworks++;
	}
	for (size_t i = 0; i < override->targets.n; i++)
		overrides->targets[overrides->ntargets++] = (struct named){override->targets.items[i], override};
}

static void copy_entries(struct overrides *overrides, const struct geo_override *const *items, size_t n)
{
	size_t nnetworks = 0, ntargets = 0;

	for (size_t i = 0; i < n; i++) {
		nnetworks += items[i]->networks.n;
		ntargets += items[i]->targets.n;
	}
	overrides->items = mem_zero(n, sizeof(struct geo_override *));
	overrides->networks = mem_zero(nnetworks, sizeof(*overrides->networks));
	overrides->targets = mem_zero(ntargets, sizeof(*overrides->targets));
	for (; overrides->n < n; overrides->n++) {
		struct geo_override *copy = option_copy_settings(geo_override_options, geo_override_noptions,
								 sizeof(*copy), items[overrides->n]);

		overrides->items[overrides->n] = copy;
		add_entry(overrides, copy);
	}
}

static void make_groups(struct overrides *overrides)
{
	overrides->groups = mem_zero(overrides->nnetworks, sizeof(*overrides->groups));
	for (size_t i = 0; i < overrides->nnetworks; i++) {
		const struct network *network = &overrides->networks[i];
		struct group *group = overrides->groups + overrides->ngroups;

		if (i == 0 || group[-1].family != network->address.family || group[-1].bits != network->bits)
			overrides->groups[overrides->ngroups++] =
				(struct group){network->address.family, network->bits, i, 1};
		else
			group[-1].n++;
	}
}

static int check_unique(const struct overrides *overrides, struct err *err)
{
	char shown[ADDRESS_TEXT_SIZE];

	for (size_t i = 1; i < overrides->nnetworks; i++) {
		const struct network *network = &overrides->networks[i];

		if (compare_networks(network - 1, network) == 0)
			return err_set(err, "the network %s/%u is there twice",
				       address_format(&network->address, shown), network->bits);
	}
	for (size_t i = 1; i < overrides->ntargets; i++) {
		if (compare_targets(&overrides->targets[i - 1], &overrides->targets[i]) == 0)
			return err_set(err, "the target \"%.200s\" is there twice", overrides->targets[i].target);
	}
	return 0;
}

struct overrides *overrides_create(const struct geo_override *const *items, size_t n, struct err *err)
{
	struct overrides *overrides = mem_zero(1, sizeof(*overrides));

	copy_entries(overrides, items, n);
	if (overrides->nnetworks > 0)
		qsort(overrides->networks, overrides->nnetworks, sizeof(*overrides->networks), compare_networks);
	if (overrides->ntargets > 0)
		qsort(overrides->targets, overrides->ntargets, sizeof(*overrides->targets), compare_targets);
	make_groups(overrides);
	if (check_unique(overrides, err) == -1) {
		overrides_free(overrides);
		return NULL;
	}
	return overrides;
}

void overrides_free(struct overrides *overrides)
{
	if (!overrides)
		return;
	for (size_t i = 0; i < overrides->n; i++)
		option_free_settings(geo_override_options, geo_override_noptions, overrides->items[i]);
	mem_free(overrides->items);
	mem_free(overrides->networks);
	mem_free(overrides->groups);
	mem_free(overrides->targets);
	mem_free(overrides);
}

size_t overrides_count(const struct overrides *overrides)
{
	return overrides->n;
}

const struct geo_override *overrides_find_network(const struct overrides *overrides, const struct address *address)
{
	for (size_t i = 0; i < overrides->ngroups; i++) {
		const struct group *group = &overrides->groups[i];
		struct network wanted = {.address = *address, .bits = group->bits};
		const struct network *found;

		if (group->family != address->family)
			continue;
		mask(&wanted.address, group->bits);
		found = bsearch(&wanted, overrides->networks + group->first, group->n, sizeof(wanted),
				compare_networks);
		if (found)
			return found->override;
	}
	return NULL;
}

const struct geo_override *overrides_find_target(const struct overrides *overrides, const char *target)
{
	const struct named wanted = {target, NULL};
	const struct named *found = NULL;

	if (overrides->ntargets > 0)
		found = bsearch(&wanted, overrides->targets, overrides->ntargets, sizeof(wanted), compare_targets);
	return found ? found->override : NULL;
}

void geo_override_apply(const struct geo_override *override, struct place_draft *draft)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = text_at(override, texts[i].offset);

		if (text)
			place_draft_text(draft, texts[i].field, text, strlen(text));
	}
	if (override->asn > 0)
		place_draft_asn(draft, (uint32_t) override->asn);
	if (override->latitude != 0 || override->longitude != 0)
		place_draft_point(draft, (struct distance_point){override->latitude, override->longitude}, 0, true);
}
