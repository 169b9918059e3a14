/*
 * What can be asked of a router, as data: each data set with its menus, properties, measures and cost. Read from the
 * text that docs/routeros-catalogue.md describes (daemon/ros_catalogue.h), immutable afterwards.
 */
#ifndef NETSONDE_PROBES_ROUTEROS_CATALOGUE_H
#define NETSONDE_PROBES_ROUTEROS_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

#define CATALOGUE_SETS_MAX     512
#define CATALOGUE_MENUS_MAX    64  /* of one set */
#define CATALOGUE_COLUMNS_MAX  128 /* of one set */
#define CATALOGUE_LABELS_MAX   24  /* of one row, those of the menu included */
#define CATALOGUE_WORDS_MAX    64
#define CATALOGUE_ROWS_MAX     100000
#define CATALOGUE_TEXT_MAX     256 /* bytes of a name, path or word */
#define CATALOGUE_PROPLIST_MAX 160 /* names */

/* As the property of a key: the name of the item that the command was for (struct catalogue_each). */
#define CATALOGUE_EACH "@each"

enum catalogue_tier {
	CATALOGUE_REALTIME,
	CATALOGUE_SHORT,
	CATALOGUE_MEDIUM,
	CATALOGUE_LONG,
	CATALOGUE_EXTENDED,
	CATALOGUE_TIERS
};

enum catalogue_cost { CATALOGUE_LOW, CATALOGUE_MEDIUM_COST, CATALOGUE_HIGH, CATALOGUE_VERY_HIGH };

/* What a row of ours is made of. */
enum catalogue_mode {
	CATALOGUE_ROWS,  /* one item of the router */
	CATALOGUE_GROUP, /* all items with the same keys */
	CATALOGUE_COUNT, /* the number that the menu gives for count-only; no items cross the network */
};

/* Which of the items count. */
enum catalogue_take {
	CATALOGUE_TAKE_ALL,
	CATALOGUE_TAKE_LAST,         /* they are cumulative, as those of ping */
	CATALOGUE_TAKE_LAST_SECTION, /* the table is sent again and again, as that of traceroute */
};

enum catalogue_form {
	CATALOGUE_FORM_ITEMS,
	CATALOGUE_FORM_PROPERTIES, /* each property of the one item is an item with the properties name and value */
};

enum catalogue_missing {
	CATALOGUE_MISSING_IS_ABSENT,  /* this router has no such thing: remembered, no fault */
	CATALOGUE_MISSING_IS_FAILURE, /* every router has it */
};

enum catalogue_policy { CATALOGUE_POLICY_READ, CATALOGUE_POLICY_TEST };

enum catalogue_parse {
	CATALOGUE_INTEGER,  /* up to 64 bits, decimal or 0x */
	CATALOGUE_NUMBER,   /* decimals, with or without the unit behind them */
	CATALOGUE_DURATION, /* 1w2d3h4m5s6ms7us, 01:22:53, 00:00:00.025 */
	CATALOGUE_SIZE,     /* 12, 12KiB, 49M */
	CATALOGUE_RATE,     /* 2.5Gbps, 10M, 1000000 */
	CATALOGUE_BOOLEAN,  /* true, yes and nothing at all (a switch that is on): 1; false, no: 0 */
	CATALOGUE_WORD,     /* one of the column's words, case ignored */
	CATALOGUE_DATE,     /* in the router's time zone: oct/18/2006 16:24:41, 2006-10-18 16:24:41 */
	CATALOGUE_ITEMS,    /* how many items a comma list has */
	CATALOGUE_TEXT,     /* as it is; a string field, not in /metrics */
};

/* What a group makes of the values of its items. */
enum catalogue_combine { CATALOGUE_SUM, CATALOGUE_LARGEST, CATALOGUE_SMALLEST };

/* The names that a property had over the versions; the first one that an item has counts. */
struct catalogue_property {
	const char *const *names;
	size_t n;
};

struct catalogue_word {
	const char *word;
	double value;
};

/* Holds when the item's property matches the pattern (* stands for any bytes, case ignored). */
struct catalogue_condition {
	const char *property, *pattern;
};

struct catalogue_column {
	struct catalogue_property property; /* n = 0: MEASURE_INFO, and the count of a group */
	uint16_t measure;                   /* index into the set's measures */
	enum catalogue_parse parse;
	/* CATALOGUE_NUMBER: that of a number without one (ros_value_number); NULL: it has none. */
	const char *router_unit;
	double factor;  /* from the router's unit to ours; CATALOGUE_SIZE: of numbers without a unit */
	char separator; /* 0, or of a pair: "1/2" */
	unsigned part;  /* which side of it, 0 or 1 */
	bool is_rate;   /* the difference of two readings by the time between them; nothing when it fell */
	bool is_count;  /* how many items are in the group */
	bool has_absent;
	double absent; /* what it is when the item lacks the property */
	enum catalogue_combine combine;
	const struct catalogue_word *words; /* CATALOGUE_WORD */
	size_t nwords;
	/* The column is looked at when there are none, or one of them holds. */
	const struct catalogue_condition *conditions;
	size_t nconditions;
};

struct catalogue_key {
	const char *label;
	struct catalogue_property property;
};

/* Where the items of another print come from that a monitor wants to be named. path NULL: it wants none. */
struct catalogue_each {
	const char *path, *property, *argument;
	const char *const *filters; /* NULL-terminated */
	bool is_joined;             /* all in one command, with commas; else a command each */
};

/* A command. Of a set's menus each one is asked that fits the router; a menu that is missing there is no fault of the
 * others. Versions are those of catalogue_parse_version. */
struct catalogue_menu {
	const char *path;             /* "/interface/ethernet" */
	const char *command;          /* "print", "monitor", or "" when the path is the command */
	int64_t since, before;        /* since <= version < before */
	const char *const *packages;  /* one of them must be installed; NULL-terminated, empty = any */
	const char *const *proplist;  /* NULL-terminated, empty = everything */
	const char *const *filters;   /* query words, in order; NULL-terminated */
	const char *const *arguments; /* "name=value"; {name} is a parameter; NULL-terminated */
	const struct label *labels;   /* on each of its rows; as many in each menu of a set */
	size_t nlabels;
	bool is_once; /* a monitor that ends after one answer */
	enum catalogue_form form;
	struct catalogue_each each;
};

struct catalogue_set {
	const char *name;           /* without "routeros_" */
	struct measure_set measure; /* its name is "routeros_<name>" */
	enum catalogue_tier tier;
	enum catalogue_cost cost;
	enum catalogue_mode mode;
	enum catalogue_take take;
	enum catalogue_missing missing;
	enum catalogue_policy policy;
	bool is_enabled;     /* when the router's settings say nothing */
	unsigned max_rows;   /* more are left out, and counted */
	int64_t timeout_ns;  /* of one command; 0 = that of the router's settings */
	const char *section; /* CATALOGUE_TAKE_LAST_SECTION: the property that tells sections apart */
	const char *const
		*parameters; /* must be given for each run; NULL-terminated; with any, no tier asks by itself */
	const struct catalogue_menu *menus;
	size_t nmenus;
	const struct catalogue_key *keys;
	size_t nkeys;
	const struct catalogue_column *columns; /* in the order of their measures, one each */
	size_t ncolumns;
};

struct catalogue {
	const struct catalogue_set **sets;
	size_t n;
	uint64_t text_hash; /* of the texts it was read from, in their order: equal ones make equal catalogues */
	void **blocks;      /* what its parts lie in */
	size_t nblocks;
};

/* One without data sets. */
extern const struct catalogue catalogue_empty;

/* Every row's set stays in use as long as results are kept: free it after them. NULL is harmless. */
struct catalogue *catalogue_create(void);
void catalogue_free(struct catalogue *catalogue);

/* Zeroed memory that lives as long as the catalogue. */
void *catalogue_take(struct catalogue *catalogue, size_t n, size_t size);
const char *catalogue_take_string(struct catalogue *catalogue, const char *string);

/* Adds a set, or puts it in the place of that of the same name. -1 when there are CATALOGUE_SETS_MAX. */
int catalogue_put(struct catalogue *catalogue, const struct catalogue_set *set);

/* NULL when there is none. */
const struct catalogue_set *catalogue_find(const struct catalogue *catalogue, const char *name);

/* "7.16.2 (stable)", "6.49", "7.1beta4": a number that grows with the version; -1 when it is none. */
int64_t catalogue_parse_version(const char *text);

/* Is it a menu of this version, and is a package that it needs there? packages: NULL-terminated; NULL = not known,
 * which rules nothing out. */
bool catalogue_menu_fits(const struct catalogue_menu *menu, int64_t version, const char *const *packages);

/* Does the pattern (* = any bytes) match the whole text? Case of ASCII letters is ignored. */
bool catalogue_pattern_matches(const char *pattern, const char *text);

/* The catalogue that is compiled in: catalogue.conf, NUL-terminated. */
extern const char catalogue_builtin_text[];

#endif
