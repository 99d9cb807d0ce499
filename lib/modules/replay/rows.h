/* SPDX-License-Identifier: MIT */
/* The columns of what callers send. */
#ifndef ROWS_H
#define ROWS_H

#include "requests.h"

/* All tensors but those whose names begin with "item." or "stream."; `steps`: each has one row per step, otherwise it is a row. */
int rows_read(lpad_node *node, const lpad_message *message, bool steps, struct rows *out);
/* Row number `row` into a step's. The columns are the pool's. */
void rows_copy(const struct rows *columns, const struct pool *pool, int64_t row, unsigned char *to);
size_t rows_element(int type);       /* bytes */

#endif
