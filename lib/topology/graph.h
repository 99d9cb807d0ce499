/* SPDX-License-Identifier: MIT */
/* Short texts about groups and edges, for the printed graphs. All are freed by the caller. */
#ifndef TOPOLOGY_GRAPH_H
#define TOPOLOGY_GRAPH_H

#include "topology/topology.h"

char *graph_replicas(const struct group *group);        /* "4", "32 (depth 2, row 4, column 4)" */
char *graph_program(const struct group *group);         /* "dqn.c", "dqn.c: actor", "python3 plot.py" */
/* The same for a picture, which is small, and alike on each machine: the first source; paths from the topology's folder. */
char *graph_caption(const struct topology *topology, const struct group *group);
char *graph_map(const struct edge *edge);               /* "all", "next row" */
char *graph_keep(const struct edge *edge);              /* "keep latest"; "" if the edge does not say */

char *expand_module_path(const struct word *word);      /* expand.c: absolute if the file is there, else as written */
bool expand_is_path(const struct param_spec *spec);     /* expand.c: paths or a list of them; NULL is none */
const struct param_spec *expand_field(const struct param_spec *spec, const char *name);        /* expand.c: of an object; NULL: none */

#endif
