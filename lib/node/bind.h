/* SPDX-License-Identifier: MIT */
/* Typed parameters of the document into the members of a state. */
#ifndef NODE_BIND_H
#define NODE_BIND_H

#include <jansson.h>

#include "base/error.h"
#include "node/load.h"

/* Owns the texts, lists and maps that members point to; freed with the node. */
struct bound {
	void **blocks;
	size_t count, room;
};

/* Fills the members of `state` (zeroed, of the declared size) from `params`, one member per declared parameter.
   A parameter that is lacking or of another type is an error: the supervisor has typed them already. */
int bind_state(const lpad_implementation *implementation, json_t *params, void *state, struct bound *bound,
	struct error *error);
void bound_release(struct bound *bound);

#endif
