/* SPDX-License-Identifier: MIT */
/* The variables of a source: declared, set from the command line, and looked for wherever they may be used. */
#ifndef TOPOLOGY_VARIABLES_H
#define TOPOLOGY_VARIABLES_H

#include "topology/names.h"
#include "topology/topology.h"

/* `vars:` of the file into source->variables; `seed` is added if it is missing. */
void variables_declare(struct source *source, struct problems *problems);
/* settings.c: --set. */
void variables_set(struct source *source, struct problems *problems);
/* Every use in the file: unknown names, lone dollars, circles, and `when`; marks what is used. */
void variables_check_uses(struct source *source, struct problems *problems);

/* All names with their places in source->variables. */
void variables_index(const struct source *source, struct names *names);
/* "mode is one of central, ring: did you mean central?" Returns -1. */
int variables_refuse(const struct variable *variable, const char *value, struct mark mark, struct problems *problems);
bool variables_allow(const struct variable *variable, const char *value);

#endif
