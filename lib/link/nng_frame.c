/* SPDX-License-Identifier: MIT */
#include "link/nng_frame.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "link/message.h"

enum { OWNER_ONLY = 0600, REDIAL_FIRST_MS = 10, REDIAL_MOST_MS = 100 };

/* "tcp://127.0.0.1:0" with the port that was found. */
static char *with_port(nng_listener listener, const char *address)
{
	const char *colon = strrchr(address, ':');
	int port = 0;
	if (!text_starts(address, "tcp://") || nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port))
		return memory_copy_text(address);
	return memory_format("%.*s:%d", (int)(colon - address), address, port);
}

int nng_listen_privately(nng_socket socket, const char *address, char **bound)
{
	nng_listener listener;
	nng_mend();
	int code = nng_listener_create(&listener, socket, address);
	if (code)
		return code;
	if (text_starts(address, "ipc://"))
		code = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, OWNER_ONLY);
	else if (text_starts(address, "tcp://"))
		code = nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);    /* small frames are sent at once as it is */
	if (!code)
		code = nng_listener_start(listener, 0);
	if (!code)
		*bound = with_port(listener, address);
	return code;
}

int nng_dial_steadily(nng_socket socket, const char *address)
{
	nng_dialer dialer;
	int code = nng_dialer_create(&dialer, socket, address);
	if (!code)
		code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, REDIAL_FIRST_MS);
	if (!code)
		code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, REDIAL_MOST_MS);
	if (!code && text_starts(address, "tcp://"))
		code = nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
	return code ? code : nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
}

nng_msg *nng_frame_pack(struct frame *frame)
{
	size_t size = message_size(frame->message);
	nng_msg *packed = NULL;
	frame->wire.size = size;
	frame->wire.content = (uint8_t)message_kind(frame->message);
	if (!nng_msg_alloc(&packed, WIRE_SIZE + size)) {
		unsigned char *out = nng_msg_body(packed);
		wire_encode(&frame->wire, out);
		if (size)
			memcpy(out + WIRE_SIZE, message_content(frame->message), size);
	}
	message_free(frame->message);
	frame->message = NULL;
	return packed;
}

void nng_frame_make(struct frame *frame)
{
	size_t size = message_size(frame->message);
	frame->raw = nng_frame_pack(frame);
	frame->transport = &transport_nng;
	if (!frame->raw)
		BUG("no memory for a message of %zu bytes", size);
}

nng_msg *nng_frame_finish(struct frame *frame)
{
	if (!frame->raw)
		return nng_frame_pack(frame);
	nng_msg *made = frame->raw;
	frame->raw = NULL;
	wire_encode(&frame->wire, nng_msg_body(made));
	return made;
}

bool nng_frame_unpack(nng_msg *message, struct frame *frame, const char **why)
{
	*frame = (struct frame){ .raw = message, .transport = &transport_nng };
	return wire_decode(nng_msg_body(message), nng_msg_len(message), &frame->wire, why);
}

/* nng's body lies 4 bytes beside a multiple of 64 and belongs to nng: one copy, here, on the consumer's thread. */
lpad_message *nng_frame_take(struct frame *frame, const char *sender, struct error *error)
{
	const struct wire *wire = &frame->wire;
	lpad_message *message = message_receive(wire->content, wire->size, sender, (int)wire->index,
		(int)wire->incarnation);
	if (wire->size)
		memcpy(message_room(message), nng_frame_body(frame), wire->size);
	nng_frame_drop(frame);
	return message_accept(message, error);
}

const void *nng_frame_body(const struct frame *frame)
{
	return (const unsigned char *)nng_msg_body(frame->raw) + WIRE_SIZE;
}

void nng_frame_drop(struct frame *frame)
{
	nng_msg_free(frame->raw);
	frame->raw = NULL;
}
