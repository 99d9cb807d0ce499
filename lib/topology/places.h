/* SPDX-License-Identifier: MIT */
/*
 * Where lpad's own things lie, found from the running binary: CHECKOUT/build[/VARIANT]/lpad or PREFIX/bin/lpad.
 * All absolute; none is promised to exist.
 */
#ifndef TOPOLOGY_PLACES_H
#define TOPOLOGY_PLACES_H

#include "base/error.h"

struct places {
	char *binary;           /* this program */
	char *include;          /* the folder of lpad/node.h */
	char *nodes;            /* modules that come with lpad */
	char *topologies;       /* the examples */
};

/* 0, or -1 if the binary cannot be named (no /proc). */
int places_find(struct places *places, struct error *error);
void places_release(struct places *places);
/* "consumer-producers, hello": the names of the examples; NULL: there are none. Caller frees. */
char *places_examples(void);

#endif
