/*
 * A module of a blackbox.yml as YAML for people, without its secrets. Pure.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_SHOW_H
#define NETSONDE_DAEMON_BLACKBOX_SHOW_H

#include "core/text.h"
#include "daemon/blackbox_yaml.h"

/* Appends the mapping at this place as it is written, aliases and merge keys resolved, with <secret> for what is one.
 * What does not fit under out's ceiling is left out. -1 with err: too many values, or a merge key of no mapping. */
int blackbox_show(const struct blackbox_place *place, struct text *out);

#endif
