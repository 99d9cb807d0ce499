/* SPDX-License-Identifier: MIT */
/* Has variables that replicas in one process would share. */
#include <lpad/node.h>

static int cache[16];
static int n_calls = 1;
static const int constant = 7;
static _Thread_local int own;

static int run(lpad_node *node)
{
	static int rounds;
	(void)node;
	return (cache[n_calls++ % 16] += constant + own++ + rounds++) < 0;
}

LPAD_MODULE({ .name = "node", .run = run });
