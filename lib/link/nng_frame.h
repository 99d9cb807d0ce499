/* SPDX-License-Identifier: MIT */
/* Frames of lpad in messages of nng: 128 bytes of header, then the body; and how both listen
   and dial. Shared by both halves of the nng transport. */
#ifndef LINK_NNG_FRAME_H
#define LINK_NNG_FRAME_H

#include <nng/nng.h>

#include "link/transport.h"

/* Sets wire.size and wire.content from the message, which is taken; copies it once. NULL: no memory for it. */
nng_msg *nng_frame_pack(struct frame *frame);
/* What frame_make has packed, with the header as it is now; packs it if that was not done. Takes it. */
nng_msg *nng_frame_finish(struct frame *frame);
/* Looks at a received message; on success the frame owns it. false: it is none of lpad's, still the caller's, and `why` says why. */
bool nng_frame_unpack(nng_msg *message, struct frame *frame, const char **why);

/* Listens; a socket file is for its owner alone. 0, or nng's code. `bound` gets the address with the port that it became, which the
   caller frees. */
int nng_listen_privately(nng_socket socket, const char *address, char **bound);
/* nng_mend.c: to be called once before anything listens. */
void nng_mend(void);
/* Dials in the background, and again soon whenever there is no connection. 0, or nng's code. */
int nng_dial_steadily(nng_socket socket, const char *address);

/* As transport.h wants them. */
void nng_frame_make(struct frame *frame);
lpad_message *nng_frame_take(struct frame *frame, const char *sender, struct error *error);
const void *nng_frame_body(const struct frame *frame);
void nng_frame_drop(struct frame *frame);

#endif
