#include "daemon/assessment.h"

#include "core/slabs.h"
#include "daemon/sheet.h"
#include "exporter/series.h"

struct assessment {
	const struct assessor_use *uses;
	struct slabs *slabs;
	struct series *series; /* NULL before the first rows */
	int64_t reported_ns;   /* wall clock; 0 = never */
	uint32_t nuses;
	bool can_wait;
	void *states[]; /* [nuses]; NULL: this one has nothing to say */
};

static size_t size_of(size_t nuses)
{
	return sizeof(struct assessment) + nuses * sizeof(void *);
}

struct assessment *assessment_open(const struct assessor_use *uses, size_t nuses, const struct assessed *about)
{
	void *states[ASSESSORS_MAX] = {NULL};
	struct assessment *assessment;
	bool is_any = false;

	if (nuses > ASSESSORS_MAX)
		nuses = ASSESSORS_MAX;
	for (size_t i = 0; i < nuses; i++) {
		states[i] = uses[i].assessor->open(uses[i].context, about);
		is_any |= states[i] != NULL;
	}
	if (!is_any)
		return NULL;
	assessment = slabs_take(about->slabs, size_of(nuses));
	assessment->uses = uses;
	assessment->nuses = (uint32_t)nuses;
	assessment->can_wait = about->interval_ns > 0 && about->interval_ns <= ASSESSMENT_PAUSE_NS;
	assessment->slabs = about->slabs;
	for (size_t i = 0; i < nuses; i++)
		assessment->states[i] = states[i];
	return assessment;
}

void assessment_close(struct assessment *assessment)
{
	if (!assessment)
		return;
	for (size_t i = 0; i < assessment->nuses; i++) {
		if (assessment->states[i])
			assessment->uses[i].assessor->close(assessment->states[i]);
	}
	if (assessment->series)
		series_close(assessment->series);
	slabs_give(assessment->slabs, assessment, size_of(assessment->nuses));
}

/* Which is about now; the clock need not be asked. */
static int64_t ended_realtime_ns(const struct sample *sample)
{
	return sample->begun_realtime_ns + sample->took_ns;
}

bool assessment_note(struct assessment *assessment, const struct sample *sample)
{
	for (size_t i = 0; i < assessment->nuses; i++) {
		if (assessment->states[i])
			assessment->uses[i].assessor->note(assessment->states[i], sample);
	}
	/* A clock that was set back must not silence it. */
	int64_t passed_ns = ended_realtime_ns(sample) - assessment->reported_ns;
	return passed_ns >= ASSESSMENT_PAUSE_NS || passed_ns < 0;
}

bool assessment_can_wait(const struct assessment *assessment)
{
	return assessment->can_wait;
}

void assessment_report(struct assessment *assessment, const struct sample *sample, struct sheet *sheet)
{
	sheet_clear(sheet);
	for (size_t i = 0; i < assessment->nuses; i++) {
		if (assessment->states[i])
			assessment->uses[i].assessor->report(assessment->states[i], ended_realtime_ns(sample), sheet);
	}
	assessment->reported_ns = ended_realtime_ns(sample);
}

struct series *assessment_series(struct assessment *assessment, struct series_store *store, unsigned shard,
				 const struct label *labels, size_t nlabels)
{
	if (!assessment->series)
		assessment->series = series_open(store, shard, labels, nlabels);
	return assessment->series;
}

void assessment_relabel(struct assessment *assessment, const struct label *labels, size_t nlabels)
{
	if (assessment->series)
		series_relabel(assessment->series, labels, nlabels);
}
