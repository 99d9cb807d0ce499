/* SPDX-License-Identifier: MIT */
/*
 * Messages as JSON that people write and read, for `lpad call` and the like.
 *
 *     tensors     {"obs": [[0.5, 1]], "step": 3, "done": [true], "loss": "NaN"}   nested lists, a scalar is no list
 *     bytes       {"bytes": "aGVsbG8="}                                           base64
 *     JSON        itself
 *     nothing     null
 *
 * Metadata of tensors stands under "__metadata__".
 */
#ifndef LINK_MESSAGE_CONVERT_H
#define LINK_MESSAGE_CONVERT_H

#include <stdbool.h>

#include "base/error.h"
#include "link/message.h"

struct signature;

enum { CONVERT_MOST = 64 << 20 };       /* bytes of a message that can be shown */

/* By the signature that a method's request is declared with; "" or NULL: JSON stays JSON. New message, or NULL with an error that
   names the place: "obs[0][3]: 300 is no i8: -128 to 127". */
lpad_message *message_from_json(const char *text, const char *signature, struct error *error);
/* On one line, but for what JSON holds itself. Caller frees; NULL: the message is larger than CONVERT_MOST. */
char *message_to_json(const lpad_message *message, struct error *error);
/*
 * To be looked at, on one line. Unless `full`, what is long is cut: of a tensor with more than 16 elements {"dtype": "f32", "shape":
 * [64, 4], "first": [0.1, ...]}; of bytes {"bytes": "...", "size": 5000}, or, of readable UTF-8, {"text": "...", "size": 5000}. What is
 * too large for message_to_json is {"size": 5000000000}. Caller frees.
 */
char *message_show(const lpad_message *message, bool full);
/* convert_tensors.c: message_from_json of a signature of tensors. */
lpad_message *convert_tensors(const char *text, const struct signature *signature, struct error *error);

#endif
