#include "daemon/parts.h"

#include <string.h>

#include "core/mem.h"
#include "exporter/series.h"
#include "probes/probe.h"

/* Blocks by part. It grows by some parts at a time, as far as the largest one that has ever had rows. */
#define PARTS_STEP 16

struct parts {
	size_t n;
	struct series *series[]; /* [n]; NULL: no rows so far */
};

struct series *parts_find(const struct parts *parts, unsigned part)
{
	return parts && part < parts->n ? parts->series[part] : NULL;
}

static struct parts *grow(struct parts *parts, unsigned part)
{
	size_t before = parts ? parts->n : 0, n = (part / PARTS_STEP + 1) * PARTS_STEP;
	struct parts *grown;

	if (part < before)
		return parts;
	grown = mem_zero(1, sizeof(*grown) + n * sizeof(struct series *));
	if (parts)
		memcpy(grown, parts, sizeof(*parts) + before * sizeof(struct series *));
	grown->n = n;
	mem_free(parts);
	return grown;
}

struct series *parts_take(struct parts **parts, unsigned part, const struct parts_place *place)
{
	struct series **series;

	if (part >= PROBE_PARTS_MAX)
		return NULL;
	*parts = grow(*parts, part);
	series = &(*parts)->series[part];
	if (!*series)
		*series = series_open(place->store, place->shard, place->labels, place->nlabels);
	return *series;
}

void parts_relabel(struct parts *parts, const struct label *labels, size_t nlabels)
{
	for (size_t i = 0; parts && i < parts->n; i++) {
		if (parts->series[i])
			series_relabel(parts->series[i], labels, nlabels);
	}
}

void parts_close(struct parts *parts)
{
	for (size_t i = 0; parts && i < parts->n; i++)
		series_close(parts->series[i]);
	mem_free(parts);
}
