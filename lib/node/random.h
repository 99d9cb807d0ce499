/* SPDX-License-Identifier: MIT */
/* lpad_random: one splitmix64 stream per (seed, node, replica, incarnation, name), the same on every machine. */
#ifndef NODE_RANDOM_H
#define NODE_RANDOM_H

#include <lpad/node.h>

lpad_rng random_stream(int64_t seed, const char *group, int index, int incarnation, const char *name);

#endif
