/* SPDX-License-Identifier: MIT */
#include "link/inproc_frame.h"

#include "link/message.h"

/* `raw` of a frame without a message: a frame that has it is not ended yet. */
static char nothing[1];

static lpad_message *message_of(const struct frame *frame)
{
	return frame->raw == nothing ? NULL : frame->raw;
}

void inproc_frame_make(struct frame *frame)
{
	message_seal(frame->message);
	frame->wire.size = message_size(frame->message);
	frame->wire.content = (uint8_t)message_kind(frame->message);
	frame->raw = frame->message ? (void *)frame->message : nothing;
	frame->message = NULL;
	frame->transport = &transport_inproc;
}

void inproc_frame_finish(struct frame *frame)
{
	if (!frame->raw)
		inproc_frame_make(frame);
}

struct frame inproc_frame_copy(const struct frame *frame)
{
	struct frame copy = *frame;
	if (message_of(frame))
		copy.raw = message_share(message_of(frame));
	return copy;
}

/* Its maker has checked it: nothing can be malformed. */
lpad_message *inproc_frame_take(struct frame *frame, const char *sender, struct error *error)
{
	(void)error;
	lpad_message *message = message_pass(message_of(frame), sender, (int)frame->wire.index,
		(int)frame->wire.incarnation);
	inproc_frame_drop(frame);
	return message;
}

const void *inproc_frame_body(const struct frame *frame)
{
	return message_of(frame) ? message_content(message_of(frame)) : nothing;
}

void inproc_frame_drop(struct frame *frame)
{
	message_free(message_of(frame));
	frame->raw = NULL;
}
