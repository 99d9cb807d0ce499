/* SPDX-License-Identifier: MIT */
/* The states of replay_client.c's nodes. */
#ifndef REPLAY_CLIENT_H
#define REPLAY_CLIENT_H

#include <lpad/replay.h>

enum { MADE = 4000 };

struct made {                           /* an item as the node meant it: the steps up to this id */
	int64_t last;
	int steps, table;
	double priority;
};

struct writer {
	int64_t seed, actions, keep, in_flight, items_per_call, room;
	lpad_handle *replay;
	lpad_writer writer;
	int64_t ids;                    /* of steps, from 1 on */
	struct made made[MADE];
	int made_count, late, again;
	bool opened;
};

struct sampler {
	lpad_handle *replay;
};

#endif
