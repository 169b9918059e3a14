/*
 * Several writers open, update with changing rows, relabel and close series, while a reader has several renders open
 * all the time. Each page must be well-formed: families contiguous, no series twice, histograms monotone and whole. For
 * ThreadSanitizer, but as useful under AddressSanitizer: blocks that are freed too early show there.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "exporter/render.h"
#include "exporter/series.h"

#define WRITERS     3
#define TARGETS     60
#define HOPS        8
#define PAGES       150
#define RENDERS     3
#define OBSERVED_NS 1000000
#define OBSERVED    3
#define MAX_SERIES  5000 /* sometimes reached */

static const struct measure ping_measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time"},
	{"sent_total", MEASURE_COUNTER, "Sent"},
	{"loss_ratio", MEASURE_GAUGE, "Loss"},
	{"note", MEASURE_TEXT, "Note"},
};
static const struct measure_set ping_set = {"ping", ping_measures, 4, NULL, "Ping"};
static const struct measure hop_measures[] = {{"rtt_seconds", MEASURE_GAUGE, "RTT"}, {"info", MEASURE_INFO, "Hop"}};
static const struct measure_set hop_set = {"hop", hop_measures, 2, NULL, "Hop"};
static const struct measure catalogue_measures[] = {{"x_total", MEASURE_COUNTER, "X"}, {"y", MEASURE_INTEGER, "Y"}};

struct writer {
	unsigned number;
	struct series_store *store;
	const _Atomic bool *stops;
	pthread_t thread;
	uint64_t random;
	struct series *series[TARGETS];
	/* A set that is built at run time, the same in each writer, and built anew now and then. */
	struct measure_set *set;
	unsigned long updates;
};

static unsigned pick(struct writer *writer, unsigned n)
{
	writer->random = writer->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(writer->random >> 33) % n;
}

/* --- writers ----------------------------------------------------------------------------------------------------- */

static void open_series(struct writer *writer, unsigned i)
{
	char name[32];
	snprintf(name, sizeof(name), "target-%u-%u", writer->number, i);
	const struct label labels[] = {{"target", name}, {"probe", "p"}};
	writer->series[i] = series_open(writer->store, writer->number, labels, 2);
}

static void relabel(struct writer *writer, unsigned i)
{
	char name[32];
	snprintf(name, sizeof(name), "target-%u-%u", writer->number, i);
	const struct label labels[] = {{"target", name}, {"probe", "p"}, {"site", pick(writer, 2) ? "a\"b" : "c\\d"}};
	series_relabel(writer->series[i], labels, 2 + pick(writer, 2));
}

static void update(struct writer *writer, unsigned i)
{
	static const int64_t observed[OBSERVED] = {OBSERVED_NS, OBSERVED_NS, OBSERVED_NS};
	static const char *const names[HOPS] = {"1", "2", "3", "4", "5", "6", "7", "8"};
	struct reading ping[4] = {reading_histogram(0, observed, OBSERVED),
				  reading_integer(1, (int64_t)writer->updates), reading_number(2, 0.5),
				  reading_text(3, "text")};
	struct reading hop[2] = {reading_number(0, 0.25), reading_integer(1, 1)};
	struct reading built[2] = {reading_integer(0, 1), reading_integer(1, -1)};
	struct label labels[HOPS];
	struct row rows[HOPS + 2] = {{&ping_set, NULL, 0, ping, 1 + pick(writer, 4)},
				     {writer->set, NULL, 0, built, 1 + pick(writer, 2)}};
	size_t n = 2;
	for (unsigned k = 0, first = pick(writer, HOPS); k < HOPS; k++) {
		if (pick(writer, 4) == 0)
			continue;
		labels[n - 2] = (struct label){"hop", names[(first + k) % HOPS]};
		rows[n] = (struct row){&hop_set, &labels[n - 2], 1, hop, 1 + pick(writer, 2)};
		n++;
	}
	/* Often the same rows again, as real probes do. */
	for (unsigned again = pick(writer, 8); again > 0; again--, writer->updates++)
		series_update(writer->series[i], rows, n);
	series_update(writer->series[i], rows, n);
	writer->updates++;
}

static struct measure_set *build_set(void)
{
	struct measure *measures = mem_copy(catalogue_measures, sizeof(catalogue_measures));
	struct measure_set set = {"built", measures, 2, NULL, "Built"};
	return mem_copy(&set, sizeof(set));
}

static void free_set(struct measure_set *set)
{
	mem_free((void *)(uintptr_t)set->measures);
	mem_free(set);
}

/* The old set may go once no row has it any more. */
static void build_anew(struct writer *writer)
{
	struct measure_set *old = writer->set;
	writer->set = build_set();
	for (unsigned i = 0; i < TARGETS; i++)
		update(writer, i);
	free_set(old);
}

static void *write_series(void *arg)
{
	struct writer *writer = arg;
	while (!atomic_load(writer->stops)) {
		unsigned i = pick(writer, TARGETS), what = pick(writer, 400);
		if (what == 0) {
			build_anew(writer);
		} else if (what < 20) {
			series_close(writer->series[i]);
			open_series(writer, i);
		} else if (what < 40) {
			relabel(writer, i);
		} else {
			update(writer, i);
		}
	}
	return NULL;
}

/* --- the reader -------------------------------------------------------------------------------------------------- */

#define SEEN_SIZE 65536 /* a power of two, more than twice the series */

struct check {
	enum render_format format;
	uint64_t *seen;
	char family[64], families[32][64];
	size_t nfamilies, nseries;
	int64_t bucket; /* of the last bucket line */
	double sum;
	unsigned failures;
};

static void fail(struct check *check, const char *what, const char *line)
{
	if (check->failures++ < 10)
		fprintf(stderr, "%s: %.300s\n", what, line);
}

static uint64_t hash_text(const char *text, size_t n)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
	return hash | 1;
}

static void check_unique(struct check *check, const char *line, size_t n)
{
	uint64_t hash = hash_text(line, n);
	size_t at = hash >> 40;
	while (check->seen[at % SEEN_SIZE] != 0) {
		if (check->seen[at++ % SEEN_SIZE] == hash) {
			fail(check, "a series twice", line);
			return;
		}
	}
	check->seen[at % SEEN_SIZE] = hash;
}

static void check_type(struct check *check, const char *line)
{
	char type[32];
	if (sscanf(line, "# TYPE %63s %31s", check->family, type) != 2) {
		fail(check, "not a TYPE", line);
		return;
	}
	for (size_t i = 0; i < check->nfamilies; i++) {
		if (strcmp(check->families[i], check->family) == 0)
			fail(check, "a family twice", line);
	}
	if (check->nfamilies < 32)
		strcpy(check->families[check->nfamilies++], check->family);
}

/* Where the labels end; they must be quoted right. NULL when they are not. */
static const char *skip_labels(const char *at)
{
	while (*at != '}') {
		at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		if (strncmp(at, "=\"", 2) != 0)
			return NULL;
		for (at += 2; *at != '"'; at++) {
			if (*at == '\0' || (*at == '\\' && *++at == '\0'))
				return NULL;
		}
		at++;
		if (*at == ',')
			at++;
		else if (*at != '}')
			return NULL;
	}
	return at + 1;
}

static void check_histogram(struct check *check, const char *line, double value)
{
	const char *rest = line + strlen(check->family);
	if (strncmp(rest, "_bucket{", 8) == 0) {
		bool is_first = strstr(line, "le=\"5e-05\"") != NULL;
		if (!is_first && (int64_t)value < check->bucket)
			fail(check, "buckets fall", line);
		check->bucket = (int64_t)value;
	} else if (strncmp(rest, "_sum{", 5) == 0) {
		check->sum = value;
	} else if (strncmp(rest, "_count{", 7) == 0) {
		if ((int64_t)value != check->bucket)
			fail(check, "+Inf is not the count", line);
		/* All observations are of 1 ms. When the writer was stopped half-way, buckets and sum may be a run
		 * apart. */
		double apart = check->sum * 1e9 / OBSERVED_NS - value;
		if (apart > OBSERVED + 0.1 || apart < -OBSERVED - 0.1)
			fail(check, "sum and count are apart", line);
	}
}

static void check_sample(struct check *check, const char *line)
{
	size_t name = strcspn(line, "{ ");
	const char *end = line[name] == '{' ? skip_labels(line + name + 1) : NULL;
	char *after;
	if (!end || *end != ' ') {
		fail(check, "labels", line);
		return;
	}
	double value = strtod(end + 1, &after);
	if (after == end + 1 || *after != '\0')
		fail(check, "value", line);
	if (strncmp(line, check->family, strlen(check->family)) != 0)
		fail(check, "not of this family", line);
	if (!strstr(line, "{target=\"target-"))
		fail(check, "no target", line);
	check_unique(check, line, (size_t)(end - line));
	if (strcmp(check->family, "netsonde_ping_rtt_seconds") == 0)
		check_histogram(check, line, value);
	check->nseries++;
}

static unsigned check_page(char *page, enum render_format format, size_t *nseries)
{
	struct check check = {.format = format, .seen = mem_zero(SEEN_SIZE, sizeof(uint64_t))};
	bool has_ended = false;
	for (char *line = page, *next; *line != '\0'; line = next) {
		char *end = strchr(line, '\n');
		if (!end) {
			fail(&check, "no line feed", line);
			break;
		}
		*end = '\0';
		next = end + 1;
		if (has_ended)
			fail(&check, "after the end", line);
		has_ended = strcmp(line, "# EOF") == 0;
		if (strncmp(line, "# TYPE ", 7) == 0)
			check_type(&check, line);
		else if (line[0] != '#')
			check_sample(&check, line);
	}
	if (has_ended != (format == RENDER_OPENMETRICS))
		fail(&check, "end", page);
	*nseries = check.nseries;
	mem_free(check.seen);
	return check.failures;
}

struct open_page {
	struct render *render;
	struct text text;
	enum render_format format;
};

/* Several pages on their way at a time, as with several clients; each in pieces of its own size. */
static unsigned read_pages(struct series_store *store, size_t *most)
{
	struct open_page pages[RENDERS] = {{0}};
	unsigned failures = 0, made = 0;
	for (unsigned turn = 0; made < PAGES; turn++) {
		struct open_page *page = &pages[turn % RENDERS];
		if (!page->render) {
			page->format = turn % 2 ? RENDER_OPENMETRICS : RENDER_TEXT;
			page->render = render_create(&(struct render_plan){
				.store = store, .format = page->format, .shard = turn % 2, .shards = 1 + turn % 2});
			text_clear(&page->text);
		}
		if (render_more(page->render, &page->text, (size_t)4096 << turn % RENDERS * 2))
			continue;
		size_t n;
		text_add_char(&page->text, '\0');
		failures += check_page(page->text.bytes, page->format, &n);
		*most = n > *most ? n : *most;
		render_free(page->render);
		page->render = NULL;
		made++;
	}
	for (unsigned i = 0; i < RENDERS; i++) {
		render_free(pages[i].render);
		text_free(&pages[i].text);
	}
	return failures;
}

int main(void)
{
	struct series_store *store = series_store_create(WRITERS, MAX_SERIES);
	struct writer writers[WRITERS];
	_Atomic bool stops = false;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){
			.number = i, .store = store, .stops = &stops, .random = i + 1, .set = build_set()};
		for (unsigned k = 0; k < TARGETS; k++) {
			open_series(&writers[i], k);
			update(&writers[i], k);
		}
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		if (pthread_create(&writers[i].thread, NULL, write_series, &writers[i]) != 0)
			return 1;
	}
	size_t most = 0;
	unsigned failures = read_pages(store, &most);
	atomic_store(&stops, true);
	unsigned long updates = 0;
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		updates += writers[i].updates;
		for (unsigned k = 0; k < TARGETS; k++)
			series_close(writers[i].series[k]);
		free_set(writers[i].set);
	}
	if (series_store_count(store) != 0) {
		fprintf(stderr, "%zu series are left\n", series_store_count(store));
		failures++;
	}
	printf("%d pages with up to %zu series, %lu updates, %llu refused, %u failures\n", PAGES, most, updates,
	       (unsigned long long)series_store_refused(store), failures);
	series_store_free(store);
	return failures > 0 || most == 0;
}
