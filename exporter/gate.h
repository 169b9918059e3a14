/*
 * What stands before the pages of the web server: TLS, passwords, tokens, a limit of requests. It is described by a
 * file in the form of exporter-toolkit, and by a file of bearer tokens, which toolkit does not know. Both, and the
 * files that they name, are looked at once a second and read again when they have changed; if what is there then is no
 * good, what was good last stays in force, and the log says so.
 */
#ifndef NETSONDE_EXPORTER_GATE_H
#define NETSONDE_EXPORTER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "exporter/server.h"

struct gate;
struct loop;

/* config_file, tokens_file: NULL = none. With neither everybody may come in, in plain text. NULL with err:
 * "/etc/netsonde/web.yml: line 3: ...". */
struct gate *gate_create(struct loop *loop, const char *config_file, const char *tokens_file, struct err *err);
/* After the server. NULL is harmless. */
void gate_free(struct gate *gate);

/* Would gate_create succeed? -1 with err. */
int gate_check(const char *config_file, const char *tokens_file, struct err *err);

/* Does this file ask for TLS? false too if it cannot be read. */
bool gate_would_have_tls(const char *config_file);

/* For server_set_guard; valid as long as the gate. */
const struct server_guard *gate_guard(const struct gate *gate);

struct gate_figures {
	uint64_t unauthorized, limited; /* requests */
	uint64_t postponed;             /* requests refused because too many passwords were being checked */
	bool is_good;                   /* what the files say is what is in force */
	int64_t expiry_seconds;         /* of the server's certificate, since the epoch; 0 = there is none */
};
/* Any thread. */
void gate_read(const struct gate *gate, struct gate_figures *out);

#endif
