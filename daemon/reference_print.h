/*
 * What both references print with. Nobody but reference*.c includes this.
 */
#ifndef NETSONDE_DAEMON_REFERENCE_PRINT_H
#define NETSONDE_DAEMON_REFERENCE_PRINT_H

#include <jansson.h>

#include "core/text.h"

/* A cell of a Markdown table: "|" and "<" escaped. */
void reference_add_cell(struct text *out, const char *string);

/* Words wrapped at 100 columns, every line indented. */
void reference_add_wrapped(struct text *out, const char *string, unsigned indent);

/* The value as indented JSON with a line feed; the value is passed. */
void reference_add_json(struct text *out, json_t *value);

#endif
