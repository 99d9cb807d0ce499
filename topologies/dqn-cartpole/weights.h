/* SPDX-License-Identifier: MIT */
/* Weights on their way from the learner to actors and evaluator, with the number of learner steps behind them. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "network.h"

#define WEIGHTS_SIGNATURE "weights f32[4610], steps i64"

lpad_message *weights_message(const struct network *network, int64_t steps);
/* LPAD_EINVALID: it is something else; lpad_error() names the sender. */
int weights_read(const lpad_message *message, struct network *network, int64_t *steps);

#endif
