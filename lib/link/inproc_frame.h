/* SPDX-License-Identifier: MIT */
/* Frames of the in-process transport: the message itself, by reference. See transport.h for what each does. */
#ifndef LINK_INPROC_FRAME_H
#define LINK_INPROC_FRAME_H

#include "link/transport.h"

/* What frame_make has made, or makes it. It is then as its receiver gets it, and the caller's to move or drop. */
void inproc_frame_finish(struct frame *frame);
/* Another one of the same message. */
struct frame inproc_frame_copy(const struct frame *frame);

void inproc_frame_make(struct frame *frame);
lpad_message *inproc_frame_take(struct frame *frame, const char *sender, struct error *error);
const void *inproc_frame_body(const struct frame *frame);
void inproc_frame_drop(struct frame *frame);

#endif
