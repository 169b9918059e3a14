#include "core/sample.h"

#include <stdalign.h>
#include <string.h>

#include "core/mem.h"

const char *reason_name(enum reason reason)
{
	static const char *const names[REASON_COUNT] = {
		[REASON_OK] = "ok",
		[REASON_RESOLVE] = "resolve",
		[REASON_UNREACHABLE_NET] = "unreachable_net",
		[REASON_UNREACHABLE_HOST] = "unreachable_host",
		[REASON_UNREACHABLE_PORT] = "unreachable_port",
		[REASON_UNREACHABLE_ADMIN] = "unreachable_admin",
		[REASON_TTL_EXCEEDED] = "ttl_exceeded",
		[REASON_TOO_BIG] = "too_big",
		[REASON_REFUSED] = "refused",
		[REASON_RESET] = "reset",
		[REASON_TIMEOUT] = "timeout",
		[REASON_TLS_HANDSHAKE] = "tls_handshake",
		[REASON_TLS_VERIFY] = "tls_verify",
		[REASON_PROTOCOL] = "protocol",
		[REASON_STATUS] = "status",
		[REASON_CONTENT] = "content",
		[REASON_RCODE] = "rcode",
		[REASON_LOGIN] = "login",
		[REASON_DENIED] = "denied",
		[REASON_LOCAL] = "local",
	};

	return (unsigned)reason < REASON_COUNT ? names[reason] : "unknown";
}

static bool has_label(const struct label *labels, size_t n, const struct label *label)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i].name, label->name) == 0)
			return strcmp(labels[i].value, label->value) == 0;
	}
	return false;
}

bool label_sets_are_equal(const struct label *a, size_t na, const struct label *b, size_t nb)
{
	if (na != nb)
		return false;
	/* Hardly ever in another order. */
	for (size_t i = 0; i < na; i++) {
		if (!has_label(b + i, 1, &a[i]) && !has_label(b, nb, &a[i]))
			return false;
	}
	return true;
}

/* One piece of memory that fills up. The same code runs twice over it: without memory it only counts, so that the size
 * and the copying cannot disagree. */
struct piece {
	char *memory;
	size_t used;
};

/* NULL while counting, and for nothing to copy. */
static void *piece_add(struct piece *piece, const void *bytes, size_t size, size_t alignment)
{
	if (bytes == NULL || size == 0)
		return NULL;
	size_t start = (piece->used + alignment - 1) & ~(alignment - 1);
	piece->used = start + size;
	if (piece->memory == NULL)
		return NULL;
	return memcpy(piece->memory + start, bytes, size);
}

static const char *add_string(struct piece *piece, const char *string)
{
	return string != NULL ? piece_add(piece, string, strlen(string) + 1, 1) : NULL;
}

static const struct label *add_labels(struct piece *piece, const struct label *labels, size_t n)
{
	struct label *copy = piece_add(piece, labels, n * sizeof(*labels), alignof(struct label));

	for (size_t i = 0; i < n; i++) {
		struct label label = {add_string(piece, labels[i].name), add_string(piece, labels[i].value)};

		if (copy != NULL)
			copy[i] = label;
	}
	return copy;
}

static const struct subject *add_subject(struct piece *piece, const struct subject *subject)
{
	if (subject == NULL)
		return NULL;
	struct subject *copy = piece_add(piece, subject, sizeof(*subject), alignof(struct subject));
	struct subject filled = {
		.target = add_string(piece, subject->target),
		.probe = add_string(piece, subject->probe),
		.type = add_string(piece, subject->type),
		.labels = add_labels(piece, subject->labels, subject->nlabels),
		.nlabels = subject->nlabels,
	};

	if (copy != NULL)
		*copy = filled;
	return copy;
}

static struct reading add_reading(struct piece *piece, const struct measure_set *set, const struct reading *reading)
{
	struct reading copy = *reading;

	switch (set->measures[reading->measure].kind) {
	case MEASURE_TEXT:
		copy.value.text = add_string(piece, reading->value.text);
		break;
	case MEASURE_HISTOGRAM:
		copy.value.observed_ns = piece_add(piece, reading->value.observed_ns, reading->count * sizeof(int64_t),
						   alignof(int64_t));
		break;
	case MEASURE_COUNTER:
	case MEASURE_COUNTER_SECONDS:
	case MEASURE_GAUGE:
	case MEASURE_INTEGER:
	case MEASURE_INFO:
		break;
	}
	return copy;
}

static const struct reading *add_readings(struct piece *piece, const struct row *row)
{
	struct reading *copy =
		piece_add(piece, row->readings, row->n * sizeof(*row->readings), alignof(struct reading));

	for (size_t i = 0; i < row->n; i++) {
		struct reading reading = add_reading(piece, row->set, &row->readings[i]);

		if (copy != NULL)
			copy[i] = reading;
	}
	return copy;
}

static const struct row *add_rows(struct piece *piece, const struct row *rows, size_t n)
{
	struct row *copy = piece_add(piece, rows, n * sizeof(*rows), alignof(struct row));

	for (size_t i = 0; i < n; i++) {
		struct row row = {
			.set = rows[i].set,
			.labels = add_labels(piece, rows[i].labels, rows[i].nlabels),
			.nlabels = rows[i].nlabels,
			.readings = add_readings(piece, &rows[i]),
			.n = rows[i].n,
		};

		if (copy != NULL)
			copy[i] = row;
	}
	return copy;
}

/* The sample comes first, so that freeing it frees all. */
static void add_sample(struct piece *piece, const struct sample *sample)
{
	struct sample *copy = piece_add(piece, sample, sizeof(*sample), alignof(struct sample));
	const struct subject *subject = add_subject(piece, sample->subject);
	const struct row *rows = add_rows(piece, sample->rows, sample->nrows);
	const char *cause = add_string(piece, sample->cause);

	if (copy != NULL) {
		copy->subject = subject;
		copy->rows = rows;
		copy->cause = cause;
	}
}

struct sample *sample_copy(const struct sample *sample)
{
	struct piece piece = {0};

	add_sample(&piece, sample);
	piece.memory = mem_alloc(piece.used);
	piece.used = 0;
	add_sample(&piece, sample);
	return (struct sample *)(void *)piece.memory;
}
