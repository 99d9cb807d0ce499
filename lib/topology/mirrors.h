/* SPDX-License-Identifier: MIT */
/* Nodes that stand in front of another one and offer its methods as well as their own. */
#ifndef TOPOLOGY_MIRRORS_H
#define TOPOLOGY_MIRRORS_H

#include "base/text.h"
#include "topology/bind.h"

/* Once the groups have their specs: joins->behind of every group. Circles are errors, and end nowhere. */
void mirrors_bind(struct binder *binder);
/* Whether calls of the method find an answer there; yes, if that is not known. */
bool mirrors_serve(const struct binder *binder, int group, const char *method);
/* "cache (cache.so) passes on to learner, which serves parameters, save". */
void mirrors_describe(const struct binder *binder, int group, struct text *out);

/* A bound topology: the methods of a group, its own first; names once. Borrowed items; list_release. */
struct method_list {
	LIST(const struct method_spec *) list;
	size_t own;
};
void mirrors_methods(const struct topology *topology, int group, struct method_list *out);

#endif
