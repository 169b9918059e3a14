/*
 * From measures to metric families: one for each name, in the order of names, with the rows of which sets belong to it.
 * Pure.
 */
#ifndef NETSONDE_EXPORTER_FAMILY_H
#define NETSONDE_EXPORTER_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"
#include "exporter/render.h"
#include "exporter/shape.h"

struct family_member {
	const struct known_set *set;
	uint16_t measure;
};

struct family {
	char *name; /* of its samples: netsonde_<set>_<measure> */
	size_t name_length;
	enum measure_kind kind;
	const char *help;              /* borrowed from the set */
	struct family_member *members; /* more than one where sets or their shapes share names */
	size_t nmembers;
	/* There is another family with the name that OpenMetrics would give this one (x beside x_total). */
	bool is_ambiguous;
};

struct family_list {
	struct family *families;
	size_t n;
	struct family_member *members;
};

/* The sets are borrowed and must stay held. Of two kinds under one name the first wins. */
struct family_list *family_list_create(struct known_set *const *sets, size_t n);
void family_list_free(struct family_list *list);

/* HELP, TYPE and UNIT lines. */
void family_write_head(const struct family *family, enum render_format format, struct text *out);

#endif
