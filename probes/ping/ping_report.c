/*
 * ICMP echo: the readings of a run, and the forms that people know from ping.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "probes/ping/ping.h"

/* The ping set has all of these; ping_address leaves the histogram and the hop limit out. */
enum ping_measure {
	PING_SENT,
	PING_RECEIVED,
	PING_DUPLICATES,
	PING_LATE,
	PING_REORDERED,
	PING_LOST_LOCALLY,
	PING_RTT,
	PING_RTT_MIN,
	PING_RTT_AVG,
	PING_RTT_MAX,
	PING_RTT_STDDEV,
	PING_JITTER,
	PING_LOSS,
	PING_HOP_LIMIT,
	PING_MEASURES
};

static const struct measure ping_measures[PING_MEASURES] = {
	[PING_SENT] = {"sent_total", MEASURE_COUNTER, "Echo requests sent"},
	[PING_RECEIVED] = {"received_total", MEASURE_COUNTER, "Echo requests answered in time"},
	[PING_DUPLICATES] = {"duplicates_total", MEASURE_COUNTER, "Further replies to requests already answered"},
	[PING_LATE] = {"late_total", MEASURE_COUNTER, "Replies that came after their run had ended"},
	[PING_REORDERED] = {"reordered_total", MEASURE_COUNTER,
			    "Replies to a request after a later one had been answered (RFC 4737)"},
	[PING_LOST_LOCALLY] =
		{"lost_locally_total", MEASURE_COUNTER,
		 "Unanswered requests put down to drops in the daemon's own socket buffer; not part of the loss"},
	[PING_RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time of each answered request"},
	[PING_RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time of the last run"},
	[PING_RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, "Average round-trip time of the last run"},
	[PING_RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, "Longest round-trip time of the last run"},
	[PING_RTT_STDDEV] = {"rtt_stddev_seconds", MEASURE_GAUGE,
			     "Standard deviation of the round-trip times of the last run (population, as ping's mdev)"},
	[PING_JITTER] =
		{"jitter_seconds", MEASURE_GAUGE,
		 "Interarrival jitter (RFC 3550) of round-trip times, carried across runs; of several addresses the "
		 "largest"},
	[PING_LOSS] = {"loss_ratio", MEASURE_GAUGE, "Part of the last run's requests that went unanswered, 0 to 1"},
	[PING_HOP_LIMIT] = {"reply_hop_limit", MEASURE_INTEGER,
			    "Time to live (IPv6: hop limit) of the last reply of the last run"},
};

const struct measure_set ping_set = {
	.name = "ping",
	.measures = ping_measures,
	.n = PING_MEASURES,
	.help = "ICMP echo to a target",
};

enum address_measure {
	ADDRESS_SENT,
	ADDRESS_RECEIVED,
	ADDRESS_RTT_MIN,
	ADDRESS_RTT_AVG,
	ADDRESS_RTT_MAX,
	ADDRESS_JITTER,
	ADDRESS_LOSS,
	ADDRESS_MEASURES
};

static const struct measure address_measures[ADDRESS_MEASURES] = {
	[ADDRESS_SENT] = {"sent_total", MEASURE_COUNTER, "Echo requests sent to this address"},
	[ADDRESS_RECEIVED] = {"received_total", MEASURE_COUNTER, "Echo requests to this address answered in time"},
	[ADDRESS_RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time of the last run"},
	[ADDRESS_RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, "Average round-trip time of the last run"},
	[ADDRESS_RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, "Longest round-trip time of the last run"},
	[ADDRESS_JITTER] = {"jitter_seconds", MEASURE_GAUGE, "Interarrival jitter (RFC 3550) of round-trip times"},
	[ADDRESS_LOSS] = {"loss_ratio", MEASURE_GAUGE, "Part of the last run's requests that went unanswered, 0 to 1"},
};

static const char *const address_label[] = {"address", NULL};

const struct measure_set ping_address_set = {
	.name = "ping_address",
	.measures = address_measures,
	.n = ADDRESS_MEASURES,
	.label_names = address_label,
	.help = "ICMP echo to one address of a name (all_addresses)",
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* What the rows of the addresses point to. */
struct path_rows {
	struct reading readings[RESOLVE_ADDRESSES_MAX][ADDRESS_MEASURES];
	struct label labels[RESOLVE_ADDRESSES_MAX];
	char texts[RESOLVE_ADDRESSES_MAX][ADDRESS_TEXT_SIZE];
};

static struct reading seconds(unsigned measure, int64_t ns)
{
	return reading_number(measure, clock_seconds(ns));
}

static struct tally total_tally(const struct ping_run *run)
{
	struct tally tally = {0};
	for (size_t i = 0; run->figures && i < run->ping->npaths; i++)
		tally_merge(&tally, &run->figures[i].tally);
	return tally;
}

static const struct jitter *largest_jitter(const struct ping *ping)
{
	const struct jitter *largest = NULL;
	for (size_t i = 0; i < ping->npaths; i++) {
		const struct jitter *jitter = &ping->paths[i].jitter;
		if (jitter_is_known(jitter) && (!largest || jitter->jitter_ns > largest->jitter_ns))
			largest = jitter;
	}
	return largest;
}

static size_t read_totals(const struct ping_run *run, struct reading *readings)
{
	const struct ping_totals *totals = &run->ping->totals;
	size_t n = 0;
	readings[n++] = reading_integer(PING_SENT, totals->sent);
	readings[n++] = reading_integer(PING_RECEIVED, totals->received);
	readings[n++] = reading_integer(PING_DUPLICATES, totals->duplicates);
	readings[n++] = reading_integer(PING_LATE, totals->late);
	readings[n++] = reading_integer(PING_REORDERED, totals->reordered);
	readings[n++] = reading_integer(PING_LOST_LOCALLY, totals->lost_locally);
	if (ping_settings(run->ping)->histogram != PING_HISTOGRAM_NONE)
		readings[n++] = reading_histogram(PING_RTT, run->observed_ns, run->nobserved);
	return n;
}

static size_t read_run(const struct ping_run *run, const struct tally *tally, struct reading *readings)
{
	const struct ping *ping = run->ping;
	size_t n = 0;
	if (tally->measured) {
		readings[n++] = seconds(PING_RTT_MIN, tally->min_ns);
		readings[n++] = seconds(PING_RTT_AVG, tally_average_ns(tally));
		readings[n++] = seconds(PING_RTT_MAX, tally->max_ns);
		readings[n++] = seconds(PING_RTT_STDDEV, tally_deviation_ns(tally));
	}
	const struct jitter *jitter = largest_jitter(ping);
	if (jitter)
		readings[n++] = seconds(PING_JITTER, llround(jitter->jitter_ns));
	double loss = tally_loss_ratio(tally);
	if (loss >= 0)
		readings[n++] = reading_number(PING_LOSS, loss);
	if (run->figures && ping->npaths == 1 && run->figures[0].hop_limit >= 0)
		readings[n++] = reading_integer(PING_HOP_LIMIT, run->figures[0].hop_limit);
	return n;
}

static size_t read_path(const struct ping_path *path, const struct tally *tally, struct reading *readings)
{
	size_t n = 0;
	readings[n++] = reading_integer(ADDRESS_SENT, ping_counts(path)->sent);
	readings[n++] = reading_integer(ADDRESS_RECEIVED, ping_counts(path)->received);
	if (tally->measured) {
		readings[n++] = seconds(ADDRESS_RTT_MIN, tally->min_ns);
		readings[n++] = seconds(ADDRESS_RTT_AVG, tally_average_ns(tally));
		readings[n++] = seconds(ADDRESS_RTT_MAX, tally->max_ns);
	}
	if (jitter_is_known(&path->jitter))
		readings[n++] = seconds(ADDRESS_JITTER, llround(path->jitter.jitter_ns));
	double loss = tally_loss_ratio(tally);
	if (loss >= 0)
		readings[n++] = reading_number(ADDRESS_LOSS, loss);
	return n;
}

/* Of each address, if they are wanted; returns how many. */
static size_t read_paths(const struct ping_run *run, struct path_rows *out, struct row *rows)
{
	static const struct tally nothing = {0};
	const struct ping *ping = run->ping;
	if (!ping_settings(ping)->all_addresses)
		return 0;
	for (size_t i = 0; i < ping->npaths; i++) {
		const struct ping_path *path = &ping->paths[i];
		const struct tally *tally = run->figures ? &run->figures[i].tally : &nothing;
		out->labels[i] = (struct label){"address", address_format(&path->peer.endpoint.address, out->texts[i])};
		rows[i] = (struct row){
			.set = &ping_address_set,
			.labels = &out->labels[i],
			.nlabels = 1,
			.readings = out->readings[i],
			.n = read_path(path, tally, out->readings[i]),
		};
	}
	return ping->npaths;
}

void ping_report(struct ping_run *run, enum reason reason)
{
	struct row rows[1 + RESOLVE_ADDRESSES_MAX];
	struct reading readings[PING_MEASURES];
	struct path_rows paths;

	struct tally tally = total_tally(run);
	size_t totals = read_totals(run, readings);
	size_t of_run = read_run(run, &tally, readings + totals);
	rows[0] = (struct row){.set = &ping_set, .readings = readings, .n = totals + of_run};
	size_t n = 1 + read_paths(run, &paths, rows + 1);
	run->ping->run = NULL;
	run_finish(run->run, reason, rows, n);
}

/* --- for people --------------------------------------------------------------------------------------------------- */

static unsigned request_number(const struct ping_path *path, uint16_t sequence)
{
	const struct ping_figures *figures = ping_figures(path);
	return (unsigned)(uint16_t)(sequence - (figures ? figures->first_sequence : sequence)) + 1;
}

static void log_reply(const struct ping_path *path, const struct icmp_event *event, const char *remark)
{
	char address[ADDRESS_TEXT_SIZE];
	char hop_limit[16] = "";
	char time[32] = "";
	double ms = (double)event->rtt_ns / 1e6;
	if (event->hop_limit >= 0)
		snprintf(hop_limit, sizeof(hop_limit), " ttl=%d", event->hop_limit);
	if (event->rtt_ns >= 0)
		snprintf(time, sizeof(time), " time=%.*f ms", ms < 10 ? 3 : ms < 100 ? 2 : 1, ms);
	run_log(path->ping->run->run, "%zu bytes from %s: icmp_seq=%u%s%s%s", event->size,
		address_format(&event->from, address), request_number(path, event->sequence), hop_limit, time, remark);
}

static void log_failure(const struct ping_path *path, const struct icmp_event *event)
{
	char address[ADDRESS_TEXT_SIZE] = "this host";
	char mtu[32] = "";
	if (event->from.family != ADDRESS_NONE)
		address_format(&event->from, address);
	if (event->mtu)
		snprintf(mtu, sizeof(mtu), " (mtu = %u)", event->mtu);
	run_log(path->ping->run->run, "From %s icmp_seq=%u %s%s", address, request_number(path, event->sequence),
		event->error_text, mtu);
}

void ping_log_event(const struct ping_path *path, const struct icmp_event *event)
{
	switch (event->kind) {
	case ICMP_EVENT_ANSWERED:
		log_reply(path, event, event->is_reordered ? " (reordered)" : "");
		break;
	case ICMP_EVENT_DUPLICATE:
		log_reply(path, event, " (DUP!)");
		break;
	case ICMP_EVENT_LATE:
		log_reply(path, event, " (late)");
		break;
	case ICMP_EVENT_FAILED:
	case ICMP_EVENT_UNSENT:
		log_failure(path, event);
		break;
	case ICMP_EVENT_SENT:
		break;
	}
}

static const struct reading *find_reading(const struct row *row, unsigned measure)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->readings[i].measure == measure)
			return &row->readings[i];
	return NULL;
}

static int64_t integer_of(const struct row *row, unsigned measure)
{
	const struct reading *reading = find_reading(row, measure);
	return reading ? reading->value.integer : 0;
}

static double milliseconds_of(const struct row *row, unsigned measure)
{
	const struct reading *reading = find_reading(row, measure);
	return reading ? reading->value.number * 1e3 : 0;
}

void ping_print(const struct sample *sample, FILE *out)
{
	const struct row *row = &sample->rows[0];
	const struct reading *loss = find_reading(row, PING_LOSS);
	int64_t duplicates = integer_of(row, PING_DUPLICATES);
	fprintf(out, "\n--- %s ping statistics ---\n", sample->subject->target);
	fprintf(out, "%" PRId64 " packets transmitted, %" PRId64 " received", integer_of(row, PING_SENT),
		integer_of(row, PING_RECEIVED));
	if (duplicates)
		fprintf(out, ", +%" PRId64 " duplicates", duplicates);
	if (loss)
		fprintf(out, ", %.6g%% packet loss", loss->value.number * 100);
	fprintf(out, ", time %.0fms\n", (double)sample->took_ns / 1e6);
	if (find_reading(row, PING_RTT_MIN))
		fprintf(out, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", milliseconds_of(row, PING_RTT_MIN),
			milliseconds_of(row, PING_RTT_AVG), milliseconds_of(row, PING_RTT_MAX),
			milliseconds_of(row, PING_RTT_STDDEV));
	if (find_reading(row, PING_JITTER))
		fprintf(out, "jitter (RFC 3550) = %.3f ms\n", milliseconds_of(row, PING_JITTER));
}
