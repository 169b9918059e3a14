#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "daemon/assessment.h"
#include "daemon/events.h"
#include "daemon/pipeline.h"
#include "daemon/sheet.h"
#include "exporter/render.h"
#include "exporter/series.h"
#include "influx/influx.h"
#include "probes/probe.h"

/* --- a set such as a probe type has ------------------------------------------------------------------------------ */

static const struct measure echo_measures[] = {
	{"sent_total", MEASURE_COUNTER, "Requests sent"},
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time"},
	{"note", MEASURE_TEXT, "A remark"},
};
static const struct measure_set echo_set = {"echo", echo_measures, 3, NULL, "An echo"};

static const struct measure hop_measures[] = {{"loss_ratio", MEASURE_GAUGE, "Loss"}};
static const struct measure_set hop_set = {"echo_hop", hop_measures, 1, NULL, "A hop"};

static const int64_t observed_ns[] = {1000000, 3000000};

/* --- store, output and pipeline ---------------------------------------------------------------------------------- */

static const struct label agent_labels[] = {{"agent", "fra1"}, {"site", "agent's"}, {"row", "7"}};
static const struct label target_labels[] = {{"site", "the target's"}};
static const struct subject subject = {"t1", "p1", "ping", target_labels, 1};

struct house {
	char folder[32], path[64];
	struct loop *loop;
	struct series_store *store;
	struct influx_settings settings;
	struct influx *influx;
	struct influx_port *port;
	struct slabs *slabs;
	struct events *events;
	struct pipeline *pipeline;
	struct publication publication;
};

/* --- an assessor that counts ------------------------------------------------------------------------------------- */

static const struct measure count_measures[] = {{"results", MEASURE_INTEGER, "Results seen"}};
static const struct measure_set count_set = {"tally", count_measures, 1, NULL, "A count"};
static const struct measure_set *const count_sets[] = {&count_set, NULL};

static void *count_open(void *context, const struct assessed *about)
{
	int *n = context;

	cr_assert_str_eq(about->subject->target, "t1");
	*n = 0;
	return about->interval_ns > 0 ? context : NULL;
}

static void count_note(void *state, const struct sample *sample)
{
	(void)sample;
	++*(int *)state;
}

static unsigned reported;

static void count_report(void *state, int64_t realtime_ns, struct sheet *sheet)
{
	reported++;
	cr_assert_geq(realtime_ns, INT64_C(1700000000373456788));
	sheet_begin(sheet, &count_set);
	sheet_add_integer(sheet, 0, *(int *)state);
}

static void count_close(void *state)
{
	*(int *)state = -1;
}

static const struct assessor counter = {count_sets, count_open, count_note, count_report, count_close};
static int counted;
static const struct assessor_use uses[] = {{&counter, &counted}};

static void build(struct house *house, bool wants_lines)
{
	const struct influx_settings *settings = &house->settings;
	struct err err = {0};

	memset(house, 0, sizeof(*house));
	strcpy(house->folder, "/tmp/pipeline.XXXXXX");
	cr_assert_not_null(mkdtemp(house->folder));
	snprintf(house->path, sizeof(house->path), "%s/lines", house->folder);
	house->settings.name = (char *)"main";
	house->settings.path = house->path;
	house->loop = loop_create(0, &err);
	cr_assert_not_null(house->loop, "%s", err.text);
	house->store = series_store_create(1, 1000);
	house->influx = influx_create(&settings, wants_lines ? 1 : 0, NULL, &err);
	cr_assert_not_null(house->influx, "%s", err.text);
	cr_assert_eq(influx_start(house->influx, &err), 0, "%s", err.text);
	house->port = influx_port_open(house->influx, house->loop);
	house->slabs = slabs_create();
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	house->events = events_create(EVENTS_BYTES);
	const struct pipeline_plan plan = {
		.store = house->store,
		.slabs = house->slabs,
		.events = house->events,
		.agent_labels = agent_labels,
		.nagent_labels = 3,
		.boot = "0123456789abcdef",
		.wants_lines = wants_lines,
		.assessors = uses,
		.nassessors = 1,
	};
	house->pipeline = pipeline_create(&plan);
	pipeline_set_port(house->pipeline, house->port);
	publication_open(&house->publication, house->pipeline, &subject);
}

/* What was written to the output, owned by the caller. */
static char *tear_down(struct house *house)
{
	char *content = NULL;
	size_t n = 0;
	FILE *file;

	publication_close(&house->publication);
	pipeline_free(house->pipeline);
	slabs_free(house->slabs);
	events_free(house->events);
	influx_port_close(house->port);
	influx_stop(house->influx, 30 * NS_PER_SECOND);
	influx_free(house->influx);
	series_store_free(house->store);
	loop_free(house->loop);
	file = fopen(house->path, "r");
	if (!file || getdelim(&content, &n, '\0', file) == -1) {
		free(content);
		content = strdup("");
	}
	if (file)
		fclose(file);
	unlink(house->path);
	rmdir(house->folder);
	return content;
}

static void deliver(struct house *house, enum reason reason, uint64_t run, const struct row *rows, size_t nrows)
{
	struct sample sample = {
		.subject = &house->publication.subject,
		.reason = reason,
		.begun_realtime_ns = 1700000000123456789,
		.took_ns = 250000000,
		.run = run,
		.skipped = 5,
		.rows = rows,
		.nrows = nrows,
	};

	if (reason != REASON_RESOLVE)
		cr_assert(address_parse(run < 100 ? "192.0.2.1" : "2001:db8::1", &sample.address));
	publication_deliver(&house->publication, &sample);
}

static void deliver_echo(struct house *house, enum reason reason, uint64_t run)
{
	const struct label hop[] = {{"hop", "1"}};
	const struct reading readings[] = {
		reading_integer(0, 42),
		reading_histogram(1, observed_ns, 2),
		reading_text(2, "hello \"there\""),
	};
	const struct reading loss = reading_number(0, 0.5);
	const struct row rows[] = {{&echo_set, NULL, 0, readings, 3}, {&hop_set, hop, 1, &loss, 1}};

	deliver(house, reason, run, rows, 2);
}

static char *metrics(struct house *house)
{
	const struct render_plan plan = {.store = house->store, .shards = 1};
	struct render *render = render_create(&plan);
	struct text text = {0};

	while (render_more(render, &text, 65536))
		;
	render_free(render);
	return text_take(&text);
}

static void has(const char *text, const char *wanted)
{
	cr_expect_not_null(strstr(text, wanted), "not found: %s\nin:\n%s", wanted, text);
}

static void has_not(const char *text, const char *unwanted)
{
	cr_expect_null(strstr(text, unwanted), "found: %s\nin:\n%s", unwanted, text);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

#define LABELS "target=\"t1\",probe=\"p1\",site=\"the target's\""

Test(pipeline, success_becomes_metrics)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_echo(&house, REASON_OK, 3);
	text = metrics(&house);
	has(text, "netsonde_probe_success{" LABELS "} 1\n");
	has(text, "netsonde_probe_duration_seconds{" LABELS "} 0.25\n");
	has(text, "netsonde_probe_runs_total{" LABELS "} 3\n");
	has(text, "netsonde_probe_skipped_total{" LABELS "} 5\n");
	has(text, "netsonde_target_info{" LABELS ",address=\"192.0.2.1\"} 1\n");
	has(text, "netsonde_echo_sent_total{" LABELS "} 42\n");
	has(text, "netsonde_echo_rtt_seconds_count{" LABELS "} 2\n");
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"1\"} 0.5\n");
	has_not(text, "failures_total{");
	mem_free(text);
	free(tear_down(&house));
}

Test(pipeline, success_becomes_lines)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_echo(&house, REASON_OK, 3);
	text = tear_down(&house);
	/* The target's label wins over the agent's; the agent's others are there; rows keep the sample's stamp. */
	cr_expect_str_eq(
		text, "echo,agent=fra1,probe=p1,row=7,site=the\\ target's,target=t1 success=1i,reason=\"ok\","
		      "duration_seconds=0.25,run=3i,boot=\"0123456789abcdef\",sent_total=42i,rtt_count=2i,"
		      "rtt_min_seconds=0.001,rtt_avg_seconds=0.002,rtt_max_seconds=0.003,note=\"hello \\\"there\\\"\""
		      " 1700000000123456789\n"
		      "echo_hop,agent=fra1,hop=1,probe=p1,row=7,site=the\\ target's,target=t1 loss_ratio=0.5"
		      " 1700000000123456789\n");
	free(text);
}

Test(pipeline, failures_are_counted_by_reason)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_echo(&house, REASON_TIMEOUT, 1);
	deliver_echo(&house, REASON_TIMEOUT, 2);
	deliver_echo(&house, REASON_REFUSED, 3);
	deliver_echo(&house, REASON_OK, 4);
	text = metrics(&house);
	has(text, "netsonde_probe_success{" LABELS "} 1\n");
	has(text, "netsonde_probe_failures_total{" LABELS ",reason=\"timeout\"} 2\n");
	has(text, "netsonde_probe_failures_total{" LABELS ",reason=\"refused\"} 1\n");
	has_not(text, "reason=\"ok\"");
	mem_free(text);
	deliver_echo(&house, REASON_LOCAL, 5);
	text = metrics(&house);
	has(text, "netsonde_probe_success{" LABELS "} 0\n");
	has(text, "reason=\"local\"} 1\n");
	mem_free(text);
	text = tear_down(&house);
	has(text, "success=0i,reason=\"refused\"");
	free(text);
}

/* The address that a run talked to stays known when the next run does not get that far, and follows when it changes. */
Test(pipeline, address_is_the_last_one_known)
{
	struct house house;
	char *text;

	build(&house, false);
	deliver(&house, REASON_RESOLVE, 1, NULL, 0);
	text = metrics(&house);
	has_not(text, "netsonde_target_info{");
	mem_free(text);
	deliver_echo(&house, REASON_OK, 2);
	deliver(&house, REASON_RESOLVE, 3, NULL, 0);
	text = metrics(&house);
	has(text, "netsonde_target_info{" LABELS ",address=\"192.0.2.1\"} 1\n");
	mem_free(text);
	deliver_echo(&house, REASON_OK, 100);
	text = metrics(&house);
	has(text, "netsonde_target_info{" LABELS ",address=\"2001:db8::1\"} 1\n");
	has_not(text, "192.0.2.1");
	mem_free(text);
	free(tear_down(&house));
}

/* A failure without rows is a line all the same: the type's own set. An unknown type has none. */
Test(pipeline, run_without_rows)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver(&house, REASON_RESOLVE, 7, NULL, 0);
	house.publication.subject.type = "no such type";
	deliver(&house, REASON_RESOLVE, 8, NULL, 0);
	text = tear_down(&house);
	cr_expect_eq(strncmp(text, "ping,agent=fra1,", 16), 0, "%s", text);
	has(text, " success=0i,reason=\"resolve\",duration_seconds=0.25,run=7i,boot=\"0123456789abcdef\" 17");
	has_not(text, "run=8i");
	free(text);
}

Test(pipeline, relabelling_keeps_values)
{
	static const struct label changed[] = {{"site", "elsewhere"}, {"tier", "gold"}};
	struct house house;
	char *text;

	build(&house, true);
	deliver_echo(&house, REASON_TIMEOUT, 1);
	publication_relabel(&house.publication, "t1", changed, 2);
	text = metrics(&house);
	has(text, "netsonde_echo_rtt_seconds_count{target=\"t1\",probe=\"p1\",site=\"elsewhere\",tier=\"gold\"} 2\n");
	has(text, "site=\"elsewhere\",tier=\"gold\",reason=\"timeout\"} 1\n");
	has_not(text, "the target's");
	mem_free(text);
	deliver_echo(&house, REASON_TIMEOUT, 2);
	text = metrics(&house);
	has(text, "netsonde_echo_rtt_seconds_count{target=\"t1\",probe=\"p1\",site=\"elsewhere\",tier=\"gold\"} 4\n");
	has(text, "site=\"elsewhere\",tier=\"gold\",reason=\"timeout\"} 2\n");
	mem_free(text);
	text = tear_down(&house);
	has(text, "echo,agent=fra1,probe=p1,row=7,site=elsewhere,target=t1,tier=gold success=0i");
	free(text);
}

Test(pipeline, without_outputs_there_are_no_lines)
{
	struct house house;
	char *text;

	build(&house, false);
	deliver_echo(&house, REASON_OK, 1);
	text = tear_down(&house);
	cr_expect_str_empty(text);
	free(text);
}

Test(pipeline, lines_without_a_port_go_nowhere)
{
	struct house house;
	char *text;

	build(&house, true);
	pipeline_set_port(house.pipeline, NULL);
	deliver_echo(&house, REASON_OK, 1);
	text = tear_down(&house);
	cr_expect_str_empty(text);
	free(text);
}

Test(pipeline, closing_ends_the_series)
{
	struct house house;
	char *text;

	build(&house, false);
	deliver_echo(&house, REASON_TIMEOUT, 1);
	publication_close(&house.publication);
	text = metrics(&house);
	has_not(text, "target=\"t1\"");
	mem_free(text);
	publication_open(&house.publication, house.pipeline, &subject);
	free(tear_down(&house));
}

Test(pipeline, free_takes_null)
{
	pipeline_free(NULL);
}

/* It hears of each result, but is asked at most every ten seconds, by the stamps of the results. */
Test(pipeline, assessments_have_rows_of_their_own)
{
	struct house house;
	char *text;

	build(&house, true);
	publication_assess(&house.publication, NS_PER_SECOND);
	deliver_echo(&house, REASON_OK, 1);
	deliver_echo(&house, REASON_OK, 2);
	cr_assert_eq(counted, 2);
	text = metrics(&house);
	has(text, "netsonde_tally_results{" LABELS "} 1\n");
	mem_free(text);
	struct sample later = {.subject = &house.publication.subject,
			       .begun_realtime_ns = 1700000000123456789 + ASSESSMENT_PAUSE_NS,
			       .took_ns = 250000000,
			       .run = 3};
	publication_deliver(&house.publication, &later);
	text = metrics(&house);
	has(text, "netsonde_tally_results{" LABELS "} 3\n");
	mem_free(text);
	publication_relabel(&house.publication, "t1", NULL, 0);
	text = metrics(&house);
	has(text, "netsonde_tally_results{target=\"t1\",probe=\"p1\"} 3\n");
	mem_free(text);
	text = tear_down(&house);
	has(text, "tally,agent=fra1,probe=p1,row=7,site=the\\ target's,target=t1 results=1i 1700000000123456789\n");
	has(text, " results=3i 1700000010123456789\n");
	cr_assert_eq(counted, -1);
	free(text);
}

/* A wall clock that is set back does not silence it. */
/* Of many targets that begin together not all are asked at once, but all within the pause; and who is asked seldom
 * anyway does not wait. */
Test(pipeline, reports_are_spread)
{
	enum { N = 2000, SECONDS = 10 };
	static struct publication many[N];
	struct house house;
	unsigned asked = 0, most = 0;

	build(&house, false);
	for (unsigned i = 0; i < N; i++) {
		publication_open(&many[i], house.pipeline, &subject);
		publication_assess(&many[i], i < N - 100 ? NS_PER_SECOND : 60 * NS_PER_SECOND);
	}
	for (unsigned second = 0; second < SECONDS; second++) {
		unsigned before = asked;

		for (unsigned i = 0; i < N; i++) {
			struct sample sample = {.subject = &subject,
						.begun_realtime_ns = 1700000000123456789 + second * NS_PER_SECOND,
						.took_ns = 250000000 + i,
						.run = second + 1};

			reported = 0;
			publication_deliver(&many[i], &sample);
			asked += reported;
			cr_assert(second > 0 || i < N - 100 || reported == 1);
		}
		most = asked - before > most ? asked - before : most;
	}
	cr_expect_eq(asked, N, "%u", asked);
	cr_expect_leq(most, 700, "%u", most);
	for (unsigned i = 0; i < N; i++)
		publication_close(&many[i]);
	free(tear_down(&house));
}

Test(pipeline, assessments_go_on_after_the_clock_was_set_back)
{
	struct house house;
	char *text;

	build(&house, false);
	publication_assess(&house.publication, NS_PER_SECOND);
	deliver_echo(&house, REASON_OK, 1);
	struct sample earlier = {
		.subject = &house.publication.subject, .begun_realtime_ns = 1700000000123456789, .took_ns = 249999999};
	publication_deliver(&house.publication, &earlier);
	text = metrics(&house);
	has(text, "netsonde_tally_results{" LABELS "} 2\n");
	mem_free(text);
	free(tear_down(&house));
}

Test(pipeline, nothing_is_assessed_where_nobody_has_anything_to_say)
{
	struct house house;

	build(&house, true);
	publication_assess(&house.publication, 0);
	cr_assert_null(house.publication.assessment);
	deliver_echo(&house, REASON_OK, 1);
	free(tear_down(&house));
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static const struct label change_kind = {"kind", "path_change"};
static const struct reading change[] = {
	{.measure = EVENT_BEFORE, .value.text = "a > b"},
	{.measure = EVENT_AFTER, .value.text = "a > c"},
};
static const struct row change_row = {&event_row_set, &change_kind, 1, change, 2};

static void deliver_change(struct house *house)
{
	const struct reading sent = reading_integer(0, 42);
	const struct row rows[] = {{&echo_set, NULL, 0, &sent, 1}, change_row};

	deliver(house, REASON_OK, 3, rows, 2);
}

Test(pipeline, an_event_is_a_line_and_no_series)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_change(&house);
	text = metrics(&house);
	has(text, "netsonde_echo_sent_total{" LABELS "} 42\n");
	has_not(text, "event");
	mem_free(text);
	cr_expect_eq(events_read(house.events, EVENT_PATH_CHANGE).value.integer, 1);
	text = tear_down(&house);
	cr_expect_str_eq(text,
			 "echo,agent=fra1,probe=p1,row=7,site=the\\ target's,target=t1 success=1i,reason=\"ok\","
			 "duration_seconds=0.25,run=3i,boot=\"0123456789abcdef\",sent_total=42i 1700000000123456789\n"
			 "event,agent=fra1,kind=path_change,probe=p1,row=7,site=the\\ target's,target=t1 "
			 "success=1i,reason=\"ok\","
			 "duration_seconds=0.25,run=3i,boot=\"0123456789abcdef\",before=\"a > b\",after=\"a > c\""
			 " 1700000000123456789\n");
	free(text);
}

/* A run with nothing to tell but that still has the line of its type's own set, and then that of the event. */
Test(pipeline, a_run_that_was_set_off_is_an_event)
{
	struct house house;
	struct sample sample = {
		.reason = REASON_TIMEOUT, .begun_realtime_ns = 7, .run = 2, .cause = "p2 failed: reset"};
	char *text;

	build(&house, true);
	sample.subject = &house.publication.subject;
	sample.rows = &change_row;
	sample.nrows = 1;
	publication_deliver(&house.publication, &sample);
	cr_expect_eq(events_read(house.events, EVENT_TRIGGER).value.integer, 1);
	cr_expect_eq(events_read(house.events, EVENT_PATH_CHANGE).value.integer, 1);
	text = tear_down(&house);
	has(text, "ping,agent=fra1,probe=p1,row=7,");
	has(text, "event,agent=fra1,kind=path_change,");
	has(text,
	    "event,agent=fra1,kind=trigger,probe=p1,row=7,site=the\\ target's,target=t1 success=0i,"
	    "reason=\"timeout\",duration_seconds=0,run=2i,boot=\"0123456789abcdef\",text=\"p2 failed: reset\" 7\n");
	free(text);
}

/* --- parts ------------------------------------------------------------------------------------------------------- */

static const struct measure collection_measures[] = {{"rows", MEASURE_INTEGER, "Rows"}};
static const struct measure_set collection_set = {"echo_collection", collection_measures, 1, NULL, "A collection"};

/* A collection of the part with a hop for each name, and as many of them quiet. */
struct collection {
	unsigned part;
	enum reason reason;
	const char *const *hops; /* NULL-terminated */
	bool keeps_rows;
	size_t nquiet;
	uint64_t run;
};

static void deliver_part(struct house *house, const struct collection *collection)
{
	const struct label of[] = {{"set", "hops"}};
	struct label hops[8];
	struct reading readings[8];
	struct row rows[8];
	struct reading count;
	struct sample sample = {
		.subject = &house->publication.subject,
		.reason = collection->reason,
		.begun_realtime_ns = 1700000000123456789,
		.took_ns = 250000000,
		.run = collection->run,
		.part = (uint16_t)collection->part,
		.keeps_rows = collection->keeps_rows,
		.nquiet = collection->nquiet,
		.rows = rows,
		.nrows = 1,
	};

	for (size_t i = 0; collection->hops && collection->hops[i]; i++) {
		hops[i] = (struct label){"hop", collection->hops[i]};
		readings[i] = reading_number(0, 0.25);
		rows[sample.nrows++] = (struct row){&hop_set, &hops[i], 1, &readings[i], 1};
	}
	count = reading_integer(0, (int64_t)sample.nrows - 1);
	rows[0] = (struct row){&collection_set, of, 1, &count, 1};
	cr_assert(address_parse("198.51.100.1", &sample.address));
	publication_deliver(&house->publication, &sample);
}

static const char *const hops_ab[] = {"a", "b", NULL};
static const char *const hops_c[] = {"c", NULL};

Test(pipeline_parts, each_replaces_its_own_rows)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_echo(&house, REASON_OK, 3);
	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_ab, .run = 1});
	deliver_part(&house, &(struct collection){.part = 40, .hops = hops_c, .run = 1});
	text = metrics(&house);
	has(text, "netsonde_echo_sent_total{" LABELS "} 42\n");
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"1\"} 0.5\n");
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"a\"} 0.25\n");
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"b\"} 0.25\n");
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"c\"} 0.25\n");
	has_not(text, "echo_collection");
	has_not(text, "198.51.100.1");
	has(text, "netsonde_probe_runs_total{" LABELS "} 3\n");
	mem_free(text);

	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_c, .run = 2});
	deliver_part(&house, &(struct collection){.part = 40, .reason = REASON_TIMEOUT, .run = 2});
	deliver_echo(&house, REASON_OK, 4);
	text = metrics(&house);
	has(text, "netsonde_echo_hop_loss_ratio{" LABELS ",hop=\"c\"} 0.25\n");
	has_not(text, "hop=\"a\"");
	has_not(text, "failures_total{");
	mem_free(text);
	free(tear_down(&house));
}

Test(pipeline_parts, a_collection_is_a_line_and_so_are_its_rows)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_part(&house, &(struct collection){.part = 2, .hops = hops_c, .run = 7});
	deliver_part(&house, &(struct collection){.part = 2, .reason = REASON_PROTOCOL, .keeps_rows = true, .run = 8});
	text = tear_down(&house);
	cr_expect_str_eq(text, "echo_collection,agent=fra1,probe=p1,row=7,set=hops,site=the\\ target's,target=t1 "
			       "success=1i,reason=\"ok\",duration_seconds=0.25,run=7i,boot=\"0123456789abcdef\",rows=1i"
			       " 1700000000123456789\n"
			       "echo_hop,agent=fra1,hop=c,probe=p1,row=7,site=the\\ target's,target=t1 loss_ratio=0.25"
			       " 1700000000123456789\n"
			       "echo_collection,agent=fra1,probe=p1,row=7,set=hops,site=the\\ target's,target=t1 "
			       "success=0i,reason=\"protocol\",duration_seconds=0.25,run=8i,"
			       "boot=\"0123456789abcdef\",rows=0i 1700000000123456789\n");
	free(text);
}

Test(pipeline_parts, rows_stay_as_long_as_they_are_kept)
{
	struct house house;
	char *text;

	build(&house, false);
	deliver_part(&house, &(struct collection){.part = 3, .reason = REASON_TIMEOUT, .keeps_rows = true});
	deliver_part(&house, &(struct collection){.part = 3, .hops = hops_ab});
	deliver_part(&house, &(struct collection){.part = 3, .reason = REASON_TIMEOUT, .keeps_rows = true});
	text = metrics(&house);
	has(text, "hop=\"a\"} 0.25\n");
	has(text, "hop=\"b\"} 0.25\n");
	mem_free(text);
	deliver_part(&house, &(struct collection){.part = 3, .reason = REASON_TIMEOUT});
	text = metrics(&house);
	has_not(text, "hop=");
	mem_free(text);
	free(tear_down(&house));
}

Test(pipeline_parts, they_are_relabelled_and_go_with_the_probe)
{
	static const struct label changed[] = {{"site", "elsewhere"}};
	struct house house;
	char *text;

	build(&house, false);
	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_ab});
	deliver_part(&house, &(struct collection){.part = 20, .hops = hops_c});
	publication_relabel(&house.publication, "t1", changed, 1);
	text = metrics(&house);
	has(text, "{target=\"t1\",probe=\"p1\",site=\"elsewhere\",hop=\"a\"} 0.25\n");
	has(text, "{target=\"t1\",probe=\"p1\",site=\"elsewhere\",hop=\"c\"} 0.25\n");
	has_not(text, "the target's");
	mem_free(text);
	publication_close(&house.publication);
	text = metrics(&house);
	has_not(text, "hop=");
	mem_free(text);
	publication_open(&house.publication, house.pipeline, &subject);
	deliver_part(&house, &(struct collection){.part = PROBE_PARTS_MAX, .hops = hops_c});
	text = metrics(&house);
	has_not(text, "hop=");
	mem_free(text);
	free(tear_down(&house));
}

/* Rows that are for /metrics only, of a part and of the whole. */
Test(pipeline_parts, quiet_rows_make_no_lines)
{
	struct house house;
	char *text;

	build(&house, true);
	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_ab, .nquiet = 1});
	text = metrics(&house);
	has(text, "hop=\"b\"} 0.25\n");
	mem_free(text);
	text = tear_down(&house);
	has(text, "hop=a");
	has_not(text, "hop=b");
	free(text);
}

Test(pipeline_parts, quiet_rows_of_the_whole)
{
	const struct label hop[] = {{"hop", "q"}};
	const struct reading sent = reading_integer(0, 42), loss = reading_number(0, 0.5);
	const struct reading crossed[] = {reading_integer(0, 3)};
	const struct row rows[] = {
		{&echo_set, NULL, 0, &sent, 1},
		{&hop_set, hop, 1, &loss, 1},
		{&event_row_set, NULL, 0, crossed, 0},
	};
	struct sample sample = {.rows = rows, .nrows = 2, .nquiet = 1, .begun_realtime_ns = 1700000000123456789};
	struct house house;
	char *text;

	build(&house, true);
	sample.subject = &house.publication.subject;
	publication_deliver(&house.publication, &sample);
	text = metrics(&house);
	has(text, "hop=\"q\"} 0.5\n");
	mem_free(text);
	/* An event stands behind them. */
	sample.nrows = 3;
	publication_deliver(&house.publication, &sample);
	/* More than there are: the bare line of the type. */
	sample.nrows = 2;
	sample.nquiet = 5;
	publication_deliver(&house.publication, &sample);
	text = tear_down(&house);
	has(text, "sent_total=42i");
	has(text, "ping,agent=fra1");
	has_not(text, "hop=q");
	free(text);
}

/* What happens to a part is nobody else's business: it is counted, assessed and kept by nobody. */
Test(pipeline_parts, nobody_else_hears_of_them)
{
	struct house house;

	build(&house, false);
	publication_assess(&house.publication, NS_PER_SECOND);
	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_ab, .reason = REASON_TIMEOUT});
	cr_expect_eq(counted, 0);
	cr_expect_null(house.publication.failures);
	cr_expect_eq(house.publication.history, 0);
	cr_expect_eq(house.publication.address.family, ADDRESS_NONE);
	free(tear_down(&house));
}

/* A deadline that the engine had to end leaves no row at all. */
Test(pipeline_parts, without_a_row_there_is_no_line)
{
	struct house house;
	struct sample sample = {.reason = REASON_TIMEOUT, .part = 1};
	char *text;

	build(&house, true);
	deliver_part(&house, &(struct collection){.part = 1, .hops = hops_c});
	sample.subject = &house.publication.subject;
	publication_deliver(&house.publication, &sample);
	text = metrics(&house);
	has_not(text, "hop=");
	mem_free(text);
	text = tear_down(&house);
	has_not(text, "timeout");
	free(text);
}
