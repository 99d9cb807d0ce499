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

#include "base/error.h"
#include "link/message.h"

struct signature;

enum { CONVERT_MOST = 64 << 20 };       /* bytes of a message that can be shown */

/* By the signature that a method's request is declared with; "" or NULL: JSON stays JSON. New message, or NULL with an error that
   names the place: "obs[0][3]: 300 is no i8: -128 to 127". */
lpad_message *message_from_json(const char *text, const char *signature, struct error *error);
/* On one line, but for what JSON holds itself. Caller frees; NULL: the message is larger than CONVERT_MOST. */
char *message_to_json(const lpad_message *message, struct error *error);
/* convert_tensors.c: message_from_json of a signature of tensors. */
lpad_message *convert_tensors(const char *text, const struct signature *signature, struct error *error);

#endif
