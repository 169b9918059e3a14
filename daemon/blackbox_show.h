/*
 * A module of a blackbox.yml as YAML for people, without its secrets. Pure.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_SHOW_H
#define NETSONDE_DAEMON_BLACKBOX_SHOW_H

#include "core/text.h"
#include "core/yaml_tree.h"

/* Appends the module as it is written, aliases and merge keys resolved, with <secret> for what is one. Longer than
 * out's ceiling, which must be set: the end is left out. */
void blackbox_show(const struct yaml_tree *tree, const struct yaml_node *module, struct text *out);

#endif
