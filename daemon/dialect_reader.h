/*
 * Reads dialects of /metrics (exporter/dialect.h) from texts such as daemon/mktxp.conf, which says how they are
 * written.
 */
#ifndef NETSONDE_DAEMON_DIALECT_READER_H
#define NETSONDE_DAEMON_DIALECT_READER_H

#include "core/text.h"
#include "exporter/dialect.h"

/* NULL with all errors, one line each: "name:line: what: why". */
struct dialect *dialect_read(const char *string, const char *name, struct text *errors);
void dialect_free(struct dialect *dialect); /* NULL is harmless */

/* daemon/mktxp.conf, compiled in, NUL-terminated. */
extern const char dialect_mktxp_text[];

#endif
