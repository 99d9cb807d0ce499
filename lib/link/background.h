/* SPDX-License-Identifier: MIT */
/*
 * Closing a socket of nng 1.5.2 may wait for ever. What belongs to a dead peer is therefore closed by a thread of its own, for
 * which nobody waits.
 */
#ifndef LINK_BACKGROUND_H
#define LINK_BACKGROUND_H

/* `close(object)`, then `closed(context)`, both on another thread; neither if there is no thread to be had. */
void background_close(void (*close)(void *object), void *object, void (*closed)(void *context), void *context);

#endif
