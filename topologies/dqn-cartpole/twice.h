/* SPDX-License-Identifier: MIT */
/* Which item of replay a transition is: one that is met under two keys was inserted twice. */
#ifndef TWICE_H
#define TWICE_H

#include <stddef.h>
#include <stdint.h>

#include "player.h"

struct twice_place {
	int64_t id[IDENTITY];
	uint64_t key;
	int used;
};

/* Zeroed is empty. */
struct twice {
	struct twice_place *places;
	size_t room, count;             /* room: a power of two */
	int64_t found;
};

void twice_note(struct twice *twice, const int64_t id[IDENTITY], uint64_t key);
/* Keys mean something else from now on; what was found is kept. */
void twice_forget(struct twice *twice);
void twice_release(struct twice *twice);

#endif
