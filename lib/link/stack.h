/* SPDX-License-Identifier: MIT */
/*
 * Several messages as one, and one as several, for batches. Tensors are stacked along a new first axis (the same names, types and
 * shapes; scalars become vectors), JSON becomes an array of the texts, nothing stays nothing. Bytes have no such form.
 */
#ifndef LINK_STACK_H
#define LINK_STACK_H

#include "link/message.h"

struct stack_part {
	const lpad_message *message;    /* NULL: left out from the beginning */
	const char *caller;             /* "clients/1", for the errors */
	char *wrong;                    /* out: why it is not in; caller frees */
};

/*
 * Those parts are joined that are alike: what most are, of equals what the first one is. The others get their `wrong`. Up to `rows`
 * the first is repeated. *joined is how many went in; NULL: none, and it is 0.
 */
lpad_message *stack_join(struct stack_part *parts, size_t count, size_t rows, size_t *joined);

/*
 * The answer to `count` parts that were joined with padding up to `rows`: its first extent, or its length, must be one of both. Each
 * slice is a message of its own. NULL, or nothing, is nothing for each. 0, or -1 with what it is instead; no slices then.
 */
int stack_split(const lpad_message *reply, size_t count, size_t rows, lpad_message **slices, struct error *error);

#endif
