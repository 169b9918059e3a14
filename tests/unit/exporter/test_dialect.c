#include <criterion/criterion.h>
#include <stdio.h>

#include "exporter/dialect_page.h"
#include "page_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- what is in the store ----------------------------------------------------------------------------------------- */

enum { PORT_BYTES, PORT_LOAD, PORT_UP, PORT_BUSY, PORT_NOTE, PORT_LAG };
static const struct measure port_measures[] = {
	{"bytes_total", MEASURE_COUNTER, "Bytes"},
	{"load_ratio", MEASURE_GAUGE, "Load"},
	{"up", MEASURE_INTEGER, "Up"},
	{"busy_seconds_total", MEASURE_COUNTER_SECONDS, "Busy"},
	{"note", MEASURE_TEXT, "A note"},
	{"lag_seconds", MEASURE_HISTOGRAM, "Lag"},
};
static const struct measure_set port_set = {"dev_port", port_measures, COUNT(port_measures), NULL, "A port"};
static const struct measure info_measures[] = {{"info", MEASURE_INFO, "What it is"}};
static const struct measure_set about_set = {"dev_about", info_measures, 1, NULL, "A port"};
static const struct measure_set board_set = {"dev_board", info_measures, 1, NULL, "The device"};
static const struct measure_set target_set = {"target", info_measures, 1, NULL, "A target"};
static const struct measure_set other_set = {"devil", info_measures, 1, NULL, "Something else"};

/* --- the dialect -------------------------------------------------------------------------------------------------- */

#define SOURCE(...) ((const struct dialect_source[]){__VA_ARGS__})
#define LABEL(label)                                                                                                   \
	{                                                                                                              \
		.origin = DIALECT_LABEL, .name = label                                                                 \
	}

static const char *const sets[] = {"dev_port", "dev_about"};
enum { SET_PORT, SET_ABOUT };
static const struct dialect_join joins[] = {
	{"address", "target", NULL, NULL},
	{"board", "dev_board", NULL, NULL},
	{"about", "dev_about", "name", "name"},
};
static const struct dialect_word words[] = {{"1", "up"}, {"0", "down"}};
static const struct dialect_label everywhere[] = {
	{"addr", SOURCE({.origin = DIALECT_JOINED, .name = "address", .join = 0}), 1, false},
};
static const struct dialect_label name_labels[] = {{"name", SOURCE(LABEL("name")), 1, false}};
static const struct dialect_label kind_labels[] = {{"kind", SOURCE(LABEL("kind")), 1, false}};
static const struct dialect_label rich_labels[] = {
	{"port", SOURCE(LABEL("missing"), LABEL("name")), 2, false},
	{"what", SOURCE({.origin = DIALECT_JOINED, .name = "vendor", .join = 2}), 1, false},
	{"model", SOURCE({.origin = DIALECT_JOINED, .name = "model", .join = 1}), 1, false},
	{"state", SOURCE({.origin = DIALECT_MEASURE, .name = "up", .words = words, .nwords = 2}), 1, false},
	{"load", SOURCE({.origin = DIALECT_MEASURE, .name = "load_ratio"}), 1, false},
	{"busy", SOURCE({.origin = DIALECT_MEASURE, .name = "busy_seconds_total", .is_duration = true}), 1, false},
	{"text", SOURCE({.origin = DIALECT_MEASURE, .name = "note"}), 1, false},
	{"all", SOURCE({.name = "| "}, LABEL("name"), {.name = " | "}, LABEL("kind")), 4, true},
	{"fix", SOURCE({.name = "always"}), 1, false},
	{"none", NULL, 0, false},
};
static const char *const lan_only[] = {"lan", "dmz"};
static const struct dialect_condition is_lan[] = {{"kind", lan_only, 2}};

/* By name. */
static const struct dialect_metric metrics[] = {
	{.name = "their_busy_total",
	 .kind = MEASURE_COUNTER,
	 .set = SET_PORT,
	 .measure = "busy_seconds_total",
	 .factor = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_bytes_total",
	 .kind = MEASURE_COUNTER,
	 .set = SET_PORT,
	 .measure = "bytes_total",
	 .factor = 1,
	 .is_summed = true,
	 .labels = kind_labels,
	 .nlabels = 1},
	{.name = "their_differ",
	 .kind = MEASURE_GAUGE,
	 .set = SET_ABOUT,
	 .measure = "info",
	 .factor = 1,
	 .differ = {"here", "there"},
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_good",
	 .kind = MEASURE_GAUGE,
	 .set = SET_PORT,
	 .measure = "up",
	 .factor = 1,
	 .has_good = true,
	 .good = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_lag", .kind = MEASURE_GAUGE, .set = SET_PORT, .measure = "lag_seconds", .factor = 1},
	{.name = "their_load",
	 .kind = MEASURE_GAUGE,
	 .set = SET_PORT,
	 .measure = "load_ratio",
	 .factor = 100,
	 .conditions = is_lan,
	 .nconditions = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_load_info",
	 .kind = MEASURE_INFO,
	 .set = SET_PORT,
	 .measure = "load_ratio",
	 .factor = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_missing", .kind = MEASURE_GAUGE, .factor = 1},
	{.name = "their_mixed",
	 .kind = MEASURE_GAUGE,
	 .set = SET_PORT,
	 .measure = "up",
	 .factor = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_mixed",
	 .kind = MEASURE_GAUGE,
	 .set = SET_ABOUT,
	 .measure = "info",
	 .factor = 1,
	 .labels = name_labels,
	 .nlabels = 1},
	{.name = "their_rich_info",
	 .kind = MEASURE_INFO,
	 .set = SET_PORT,
	 .measure = "up",
	 .factor = 1,
	 .labels = rich_labels,
	 .nlabels = COUNT(rich_labels)},
	{.name = "their_unknown", .kind = MEASURE_GAUGE, .set = SET_PORT, .measure = "nothing", .factor = 1},
};
static const struct dialect dialect = {.name = "theirs",
				       .prefix = "dev",
				       .target = "device",
				       .labels = everywhere,
				       .nlabels = 1,
				       .sets = sets,
				       .nsets = 2,
				       .joins = joins,
				       .njoins = 3,
				       .metrics = metrics,
				       .n = COUNT(metrics)};

/* --- helpers ------------------------------------------------------------------------------------------------------ */

static char *page_with(const struct render_plan *plan, size_t enough)
{
	struct dialect_page *page = dialect_page_create(&dialect, plan);
	struct text out = {0};
	while (dialect_page_more(page, &out, enough))
		;
	cr_expect_not(dialect_page_more(page, &out, enough), "and nothing more");
	dialect_page_free(page);
	return text_take(&out);
}

static char *their_page(struct series_store *store, enum render_format format)
{
	return page_with(&(struct render_plan){.store = store, .format = format, .shards = 1}, 512);
}

static void expect(const char *page, const char *line)
{
	char *whole = mem_format("\n%s\n", line);
	cr_expect(strstr(page, whole), "no %s in\n%s", line, page);
	mem_free(whole);
}

static struct series *open_device(struct series_store *store, const char *target, const char *probe)
{
	const struct label labels[] = {{"target", target}, {"probe", probe}, {"site", "north"}, {"port", "mine"}};
	return series_open(store, 0, labels, 4);
}

struct port {
	const char *name, *kind;
	int64_t bytes;
	double load;
	int64_t up;
};

static void update_ports(struct series *series, const struct port *ports, size_t n)
{
	struct row rows[8];
	struct label labels[8][2];
	struct reading readings[8][5];
	for (size_t i = 0; i < n; i++) {
		static const int64_t observed = 1000;
		labels[i][0] = (struct label){"name", ports[i].name};
		labels[i][1] = (struct label){"kind", ports[i].kind};
		readings[i][0] = reading_integer(PORT_BYTES, ports[i].bytes);
		readings[i][1] = reading_number(PORT_LOAD, ports[i].load);
		readings[i][2] = reading_integer(PORT_UP, ports[i].up);
		readings[i][3] = reading_integer(PORT_BUSY, 694861500000000);
		readings[i][4] = reading_histogram(PORT_LAG, &observed, 1);
		rows[i] = (struct row){&port_set, labels[i], 2, readings[i], 5};
	}
	series_update(series, rows, n);
}

/* Rows of infos: what each is about, the device, the target. */
static void update_about(struct series *series)
{
	static const struct label one[] = {{"name", "p1"}, {"vendor", "v\"1"}, {"here", "a"}, {"there", "b"}};
	static const struct label two[] = {{"name", "p2"}, {"here", "a"}, {"there", "a"}};
	static const struct label three[] = {{"name", "p3"}, {"here", "a"}};
	static const struct label board = {"model", "m"}, address = {"address", "192.0.2.1"}, other = {"name", "x"};
	const struct reading info = reading_integer(0, 1);
	const struct row rows[] = {{&about_set, one, 4, &info, 1},       {&about_set, two, 3, &info, 1},
				   {&about_set, three, 2, &info, 1},     {&board_set, &board, 1, &info, 1},
				   {&target_set, &address, 1, &info, 1}, {&other_set, &other, 1, &info, 1}};
	series_update(series, rows, COUNT(rows));
}

static const struct port ports[] = {
	{"p1", "lan", 1, 0.07, 1}, {"p2", "dmz", 2, 0.5, 0}, {"p3", "lan", 40, 0.25, -1}, {"p1", "wan", 8, 1, 0}};

static struct series_store *store_with_device(void)
{
	struct series_store *store = series_store_create(1, 100000);
	update_ports(open_device(store, "d1", "dev"), ports, COUNT(ports));
	update_about(open_device(store, "d1", "dev"));
	return store;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

Test(dialect, makes_values_theirs)
{
	struct series_store *store = store_with_device();
	char *page = their_page(store, RENDER_TEXT);
	expect(page, "# HELP their_load Load\n# TYPE their_load gauge\n"
		     "their_load{name=\"p1\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 7\n"
		     "their_load{name=\"p2\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 50\n"
		     "their_load{name=\"p3\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 25");
	expect(page, "their_good{name=\"p1\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 1");
	expect(page, "their_good{name=\"p2\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 0");
	expect(page, "their_good{name=\"p3\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 0");
	expect(page,
	       "their_busy_total{name=\"p2\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 694861.5");
	expect(page, "their_differ{name=\"p1\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 1");
	expect(page, "their_differ{name=\"p2\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 0");
	cr_expect_not(strstr(page, "their_differ{name=\"p3\""), "one of the two is not known");
	cr_expect_not(strstr(page, "their_missing"));
	cr_expect_not(strstr(page, "their_unknown"));
	cr_expect_not(strstr(page, "their_lag"), "no histograms");
	mem_free(page);
	series_store_free(store);
}

/* One of each: our label, the second of two, a join by label and one by device, words, a number, a duration, pieces. */
Test(dialect, makes_labels_theirs)
{
	struct series_store *store = store_with_device();
	char *page = their_page(store, RENDER_TEXT);
	expect(page,
	       "their_rich_info{port=\"p1\",what=\"v\\\"1\",model=\"m\",state=\"up\",load=\"0.07\",busy=\"1w1d1h1m1s\","
	       "all=\"| p1 | lan\",fix=\"always\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\"} 1");
	/* What is not among the words, and what is not joined, is no label. */
	expect(page, "their_rich_info{port=\"p3\",model=\"m\",load=\"0.25\",busy=\"1w1d1h1m1s\",all=\"| p3 | lan\","
		     "fix=\"always\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\"} 1");
	mem_free(page);
	series_store_free(store);
}

/* Rows that differ only in labels that they do not have: a sum, or the first. */
Test(dialect, joins_what_is_alike)
{
	struct series_store *store = store_with_device();
	char *page = their_page(store, RENDER_TEXT);
	expect(page,
	       "their_bytes_total{kind=\"lan\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 41\n"
	       "their_bytes_total{kind=\"dmz\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 2\n"
	       "their_bytes_total{kind=\"wan\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 8");
	cr_expect_eq(count_in(page, "their_good{name=\"p1\""), 1);
	/* Two sets in one family: the first one's p1 counts. */
	cr_expect_eq(count_in(page, "# TYPE their_mixed gauge"), 1);
	cr_expect_eq(count_in(page, "their_mixed{"), 3);
	expect(page, "their_mixed{name=\"p3\",device=\"d1\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} -1");
	mem_free(page);
	series_store_free(store);
}

Test(dialect, many_rows_are_all_there_once)
{
	struct series_store *store = series_store_create(1, 100000);
	for (unsigned i = 0; i < 300; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%u", i % 150);
		update_ports(open_device(store, "d1", "dev"), &(struct port){name, "lan", i, 0.5, 1}, 1);
	}
	char *page = their_page(store, RENDER_TEXT);
	cr_expect_eq(count_in(page, "their_load{"), 150);
	expect(page, "their_bytes_total{kind=\"lan\",device=\"d1\",site=\"north\",port=\"mine\"} 44850");
	mem_free(page);
	series_store_free(store);
}

/* OpenMetrics calls families by what is before _total and _info, unless another family is called so. */
Test(dialect, is_told_in_openmetrics)
{
	struct series_store *store = store_with_device();
	char *page = their_page(store, RENDER_OPENMETRICS);
	expect(page, "# TYPE their_bytes counter\n# UNIT their_bytes bytes\n# HELP their_bytes Bytes");
	expect(page, "# TYPE their_rich info");
	expect(page, "# TYPE their_load gauge");
	expect(page, "# TYPE their_load_info gauge");
	cr_expect_str_eq(page + strlen(page) - 6, "# EOF\n");
	mem_free(page);
	series_store_free(store);
}

Test(dialect, pieces_of_every_size_make_the_same_page)
{
	struct series_store *store = store_with_device();
	char *whole = their_page(store, RENDER_OPENMETRICS);
	for (size_t enough = 0; enough < strlen(whole) + 100; enough += 1 + enough / 5) {
		char *page = page_with(&(struct render_plan){.store = store, .format = RENDER_OPENMETRICS, .shards = 1},
				       enough);
		cr_expect_str_eq(page, whole);
		mem_free(page);
	}
	mem_free(whole);
	series_store_free(store);
}

/* Each device has its own; what is no device is not there; in the order of names. */
Test(dialect, tells_devices_apart)
{
	struct series_store *store = series_store_create(2, 100000);
	update_about(open_device(store, "b", "dev"));
	update_ports(open_device(store, "b", "dev"), ports, 1);
	update_ports(open_device(store, "a", "dev"), ports, 1);
	const struct reading info = reading_integer(0, 1);
	const struct row row = {&target_set, NULL, 0, &info, 1};
	series_update(open_device(store, "c", "ping"), &row, 1);
	char *page = their_page(store, RENDER_TEXT);
	expect(page, "their_load{name=\"p1\",device=\"a\",site=\"north\",port=\"mine\"} 7\n"
		     "their_load{name=\"p1\",device=\"b\",addr=\"192.0.2.1\",site=\"north\",port=\"mine\"} 7");
	cr_expect_not(strstr(page, "\"c\""));
	mem_free(page);
	series_store_free(store);
}

Test(dialect, of_two_probes_of_a_target_one_is_shown)
{
	struct series_store *store = series_store_create(1, 100000);
	update_ports(open_device(store, "d", "z"), &(struct port){"p1", "lan", 1, 0.1, 1}, 1);
	update_ports(open_device(store, "d", "b"), &(struct port){"p1", "lan", 2, 0.2, 1}, 1);
	update_ports(open_device(store, "d", "x"), &(struct port){"p1", "lan", 4, 0.4, 1}, 1);
	char *page = their_page(store, RENDER_TEXT);
	expect(page, "their_bytes_total{kind=\"lan\",device=\"d\",site=\"north\",port=\"mine\"} 2");
	cr_expect_eq(count_in(page, "their_load{"), 1);
	mem_free(page);
	series_store_free(store);
}

Test(dialect, shards_are_the_whole)
{
	struct series_store *store = series_store_create(1, 100000);
	size_t n = 0;
	for (unsigned i = 0; i < 40; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d%u", i);
		update_ports(open_device(store, name, "dev"), ports, 1);
	}
	char *whole = their_page(store, RENDER_TEXT);
	for (unsigned i = 0; i < 3; i++) {
		char *part = page_with(
			&(struct render_plan){.store = store, .format = RENDER_TEXT, .shard = i, .shards = 3}, 512);
		cr_expect_gt(count_series(part), 0);
		n += count_series(part);
		mem_free(part);
	}
	cr_expect_eq(n, count_series(whole));
	mem_free(whole);
	series_store_free(store);
}

/* A target that has a label with the name of a key: the key is called <set>_<name> then. */
Test(dialect, finds_keys_that_were_renamed)
{
	struct series_store *store = series_store_create(1, 100000);
	const struct label labels[] = {{"target", "d"}, {"probe", "dev"}, {"name", "mine"}};
	const struct label port = {"port_name", "p1"}, about[] = {{"about_name", "p1"}, {"vendor", "v"}};
	const struct reading up = reading_integer(PORT_UP, 1), info = reading_integer(0, 1);
	const struct row rows[] = {{&port_set, &port, 1, &up, 1}, {&about_set, about, 2, &info, 1}};
	series_update(series_open(store, 0, labels, 3), rows, 2);
	char *page = their_page(store, RENDER_TEXT);
	expect(page, "their_good{name=\"p1\",device=\"d\"} 1");
	expect(page, "their_rich_info{port=\"p1\",what=\"v\",state=\"up\",all=\"| p1 | \",fix=\"always\","
		     "device=\"d\",name=\"mine\"} 1");
	mem_free(page);
	series_store_free(store);
}

/* A page that was begun shows what there was, whatever becomes of the series. */
Test(dialect, shows_what_there_was_when_it_began)
{
	struct series_store *store = series_store_create(1, 100000);
	struct series *one = open_device(store, "d1", "dev"), *two = open_device(store, "d2", "dev");
	update_ports(one, ports, 2);
	update_ports(two, ports, 1);
	char *before = their_page(store, RENDER_TEXT);
	struct dialect_page *page = dialect_page_create(
		&dialect, &(struct render_plan){.store = store, .format = RENDER_TEXT, .shards = 1});
	struct text out = {0};
	dialect_page_more(page, &out, 1);
	series_close(two);
	update_about(one);
	update_about(open_device(store, "d3", "dev"));
	while (dialect_page_more(page, &out, 1))
		;
	dialect_page_free(page);
	cr_expect_str_eq(text_string(&out), before);
	text_free(&out);
	mem_free(before);
	series_store_free(store);
}

Test(dialect, an_empty_store_has_an_empty_page)
{
	struct series_store *store = series_store_create(1, 1000);
	char *page = their_page(store, RENDER_TEXT), *open = their_page(store, RENDER_OPENMETRICS);
	cr_expect_str_eq(page, "");
	cr_expect_str_eq(open, "# EOF\n");
	mem_free(page);
	mem_free(open);
	series_store_free(store);
	dialect_page_free(NULL);
}
