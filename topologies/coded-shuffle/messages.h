/* SPDX-License-Identifier: MIT */
/* What goes over the edges. A message of rows is rows and nothing else: whose they are, both sides know. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>

#include "data.h"

enum { MESSAGE_ROWS = 512 };    /* at most */

static inline int message_rows(int left)
{
	return left < MESSAGE_ROWS ? left : MESSAGE_ROWS;
}

/* epoch: the weights so far, in; what one pass over the worker's batch made of them, out. */
struct epoch {
	double weights[WEIGHTS];
};
struct epoch_reply {
	double weights[WEIGHTS];
	int64_t coded_bytes, uncoded_bytes;     /* that have come in this shuffle */
	int64_t decoded, bad;                   /* rows; those that are not what they should be, either way */
};

#endif
