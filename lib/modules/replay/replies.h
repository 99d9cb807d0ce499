/* SPDX-License-Identifier: MIT */
/* What is answered. */
#ifndef REPLIES_H
#define REPLIES_H

#include "inside.h"

lpad_message *replies_key(uint64_t key);
lpad_message *replies_keys(const uint64_t *keys, size_t count);
/* Draws so many items, and stacks them. The limiter allows it. */
lpad_message *replies_sample(struct replay *me, struct place *place, int64_t count);
/* So many items of the longest would be more than a message may have: says so. */
bool replies_too_large(const struct place *place, int64_t count, char *text, size_t room);
lpad_message *replies_known(int64_t known);
lpad_message *replies_opened(const struct stream *stream);

#endif
