#include "influx/figures.h"

#include "core/clock.h"
#include "influx/influx.h"

static const struct measure measures[FIGURE_COUNT] = {
	[FIGURE_LINES_WRITTEN] = {"lines_written_total", MEASURE_COUNTER, "Lines that the output has taken"},
	[FIGURE_BYTES_WRITTEN] = {"bytes_written_total", MEASURE_COUNTER,
				  "Bytes of the lines that the output has taken"},
	[FIGURE_LINES_DROPPED] = {"lines_dropped_total", MEASURE_COUNTER,
				  "Lines lost because more waited than may wait, or because they could not be kept"},
	[FIGURE_WRITE_ERRORS] = {"write_errors_total", MEASURE_COUNTER,
				 "Attempts to open, write or rotate a file, or to send to a server, that failed"},
	[FIGURE_QUEUE_LINES] = {"queue_lines", MEASURE_INTEGER, "Lines that the output has yet to take"},
	[FIGURE_QUEUE_AGE] = {"queue_age_seconds", MEASURE_GAUGE,
			      "Age of the oldest line that the output has yet to take, 0 if there is none"},
	[FIGURE_ROTATIONS] = {"rotations_total", MEASURE_COUNTER,
			      "Times that a new file was begun because the old one was full"},
	[FIGURE_QUEUE_BYTES] = {"queue_bytes", MEASURE_INTEGER,
				"Bytes of the disk log that the output has yet to take"},
	[FIGURE_REQUESTS] = {"requests_total", MEASURE_COUNTER, "Requests to the server that were answered or failed"},
	[FIGURE_SENT_BYTES] = {"sent_bytes_total", MEASURE_COUNTER,
			       "Bytes of lines sent to the server, compressed if they were, repeats included"},
	[FIGURE_LINES_RETRIED] = {"lines_retried_total", MEASURE_COUNTER,
				  "Lines that have to be sent again because a request failed"},
	[FIGURE_LINES_REJECTED] =
		{"lines_rejected_total", MEASURE_COUNTER,
		 "Lines that the server has refused for good; see rejected.lp in the disk log's folder"},
	[FIGURE_REFUSED] = {"refused", MEASURE_INTEGER,
			    "1 while the server refuses everything, because of a wrong token, database or address"},
};
static const char *const label_names[] = {"name", NULL};
const struct measure_set influx_set = {
	.name = "output",
	.measures = measures,
	.n = FIGURE_COUNT,
	.label_names = label_names,
	.help = "An output of line protocol",
};

static int64_t more_of(enum figure figure, uint64_t waiting, uint64_t dropped)
{
	if (figure == FIGURE_QUEUE_LINES)
		return (int64_t)waiting;
	return figure == FIGURE_LINES_DROPPED ? (int64_t)dropped : 0;
}

static bool is_for(const struct output_figures *figures, enum figure figure)
{
	if (figure == FIGURE_ROTATIONS)
		return !figures->is_server;
	return figures->is_server || figure < FIGURE_ROTATIONS;
}

size_t figures_read(const struct output_figures *figures, uint64_t more_waiting, uint64_t more_dropped,
		    struct reading *readings)
{
	size_t n = 0;
	for (enum figure i = 0; i < FIGURE_COUNT; i++) {
		int64_t value = figure_get(figures, i) + more_of(i, more_waiting, more_dropped);
		if (!is_for(figures, i))
			continue;
		if (i == FIGURE_QUEUE_AGE)
			readings[n++] = reading_number(i, value != 0 ? clock_seconds(clock_realtime_ns() - value) : 0);
		else
			readings[n++] = reading_integer(i, i == FIGURE_QUEUE_LINES && value < 0 ? 0 : value);
		if (i == FIGURE_QUEUE_AGE && readings[n - 1].value.number < 0)
			readings[n - 1].value.number = 0;
	}
	return n;
}
