/* SPDX-License-Identifier: MIT */
/* Messages against signatures, and messages in one line for errors. */
#ifndef LINK_CONFORM_H
#define LINK_CONFORM_H

#include "base/signature.h"
#include "link/message.h"

/* A signature as a port declares it; `port` is for the error: "method \"compute\": request". NULL is anything. */
int conform_read(const char *text, struct signature *out, const char *port, struct error *error);
/* NULL: it fits. Else what the message is and what was expected, to be put behind "actor/3 sent ". Caller frees. */
char *conform_wrong(const struct signature *signature, const lpad_message *message);
/* "`obs f32[8,5], step i64`", "json", "12 bytes", "nothing". Caller frees. */
char *conform_show(const lpad_message *message);

#endif
