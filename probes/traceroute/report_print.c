/*
 * The path to a target: the summary for people, under the listing of the hops.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "probes/traceroute/traceroute_run.h"

static const struct reading *find(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->set->measures[row->readings[i].measure].name, name) == 0)
			return &row->readings[i];
	return NULL;
}

static int64_t integer_of(const struct row *row, const char *name)
{
	const struct reading *found = find(row, name);
	return found ? found->value.integer : 0;
}

static double milliseconds_of(const struct row *row, const char *name)
{
	const struct reading *found = find(row, name);
	return found ? found->value.number * 1e3 : 0;
}

static void print_end(const struct row *row, FILE *out)
{
	const struct reading *end = find(row, "end");
	int64_t hops = integer_of(row, "hops");
	if (integer_of(row, "reached"))
		fprintf(out, "reached at hop %" PRId64 ", rtt min/avg/max = %.3f/%.3f/%.3f ms", hops,
			milliseconds_of(row, "rtt_min_seconds"), milliseconds_of(row, "rtt_avg_seconds"),
			milliseconds_of(row, "rtt_max_seconds"));
	else
		fprintf(out, "not reached (%s), last answer from hop %" PRId64, end ? end->value.text : "?", hops);
	const struct reading *loss = find(row, "loss_ratio");
	if (loss && integer_of(row, "reached"))
		fprintf(out, ", %.6g%% packet loss", loss->value.number * 100);
	fputc('\n', out);
}

static void print_steps(const struct row *row, FILE *out)
{
	if (find(row, "bottleneck_hop"))
		fprintf(out, "largest step: %.3f ms before hop %" PRId64 "\n",
			milliseconds_of(row, "bottleneck_step_seconds"), integer_of(row, "bottleneck_hop"));
	if (find(row, "first_lossy_hop"))
		fprintf(out, "loss that goes on to the end begins at hop %" PRId64 "\n",
			integer_of(row, "first_lossy_hop"));
	if (integer_of(row, "paths") > 1)
		fprintf(out, "different paths: %" PRId64 "\n", integer_of(row, "paths"));
	if (integer_of(row, "path_changes_total"))
		fprintf(out, "path changes: %" PRId64 "\n", integer_of(row, "path_changes_total"));
	if (find(row, "nat_hop"))
		fprintf(out, "addresses are translated before hop %" PRId64 "\n", integer_of(row, "nat_hop"));
	if (find(row, "loop_hop"))
		fprintf(out, "routing loop: hop %" PRId64 " is where packets have been before\n",
			integer_of(row, "loop_hop"));
}

static void print_mtu(const struct row *row, FILE *out)
{
	if (!find(row, "mtu_bytes"))
		return;
	fprintf(out, "path MTU: %" PRId64 " bytes", integer_of(row, "mtu_bytes"));
	bool is_black_hole = integer_of(row, "mtu_black_hole");
	if (is_black_hole)
		fputs("; larger packets vanish", out);
	if (find(row, "mtu_hop"))
		fprintf(out, is_black_hole ? " behind hop %" PRId64 : ", says hop %" PRId64,
			integer_of(row, "mtu_hop"));
	fputc('\n', out);
}

void traceroute_print(const struct sample *sample, FILE *out)
{
	const struct row *row = &sample->rows[0];
	fputc('\n', out);
	print_end(row, out);
	print_steps(row, out);
	print_mtu(row, out);
}
