/* SPDX-License-Identifier: MIT */
/* Trees of the file, and texts of declarations, as the values that an implementation declares: value.h says how they look. */
#ifndef TOPOLOGY_TYPING_H
#define TOPOLOGY_TYPING_H

#include <jansson.h>

#include "topology/bind.h"

/* Where a value stands: what its problems are told with. */
struct typing {
	struct binder *binder;
	const struct group *group;
	const char *path;       /* "tables.transitions.limiter.min_size" */
	const char *declared;   /* "tables.*.limiter.min_size" */
	struct mark mark;       /* of the innermost key of the path that the file gives; the group's label if it gives none */
	size_t given;           /* the length of the path up to there; 0: none */
};

/* New reference, or NULL with problems added. */
json_t *typing_value(const struct typing *typing, const struct param_spec *param, const struct tree *tree);
/* Of what the file does not give: the declared default, those of an object's fields, or a problem. */
json_t *typing_absent(const struct typing *typing, const struct param_spec *param);
/* What is said behind an unknown name: ": did you mean `x`?", "; it has: x, y". Caller frees. */
char *typing_instead(const char *name, const struct param_spec *known, size_t count);

#endif
