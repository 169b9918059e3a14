/*
 * Labels as exposition text: name="value",name="value". Names are made valid, values are made valid UTF-8 and escaped
 * (backslash, quote, line feed: the same in text 0.0.4 and OpenMetrics 1.0). Labels with an empty value are left out:
 * to Prometheus they are the same as no label. Pure.
 */
#ifndef NETSONDE_EXPORTER_LABELS_H
#define NETSONDE_EXPORTER_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"
#include "core/text.h"

/* Longest value shown, in bytes before escaping; a longer one is cut at a character. */
#define LABELS_VALUE_MAX 1024

/* A piece of label text, borrowed. */
struct label_text {
	const char *bytes;
	size_t length;
};

/* Appends all of them as they are, even names that come twice. */
void labels_render(struct text *out, const struct label *labels, size_t n);

/* Is this what they are rendered as? Quick, but not sure: false where it would take the rendering to tell. */
bool labels_are_surely(struct label_text text, const struct label *labels, size_t n);

/* Cuts the first label off rest. The value is as rendered, without its quotes: its escapes mean the same in JSON.
 * Returns false when nothing is left. */
bool labels_next(struct label_text *rest, struct label_text *name, struct label_text *value);

/* Appends those labels of raw (as written by labels_render) whose names are neither in scope nor earlier in raw: a name
 * that comes twice makes Prometheus refuse the whole page. */
void labels_filter(struct text *out, struct label_text raw, struct label_text scope);

#endif
