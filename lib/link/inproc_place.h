/* SPDX-License-Identifier: MIT */
/*
 * The names at which ends meet within a process: at each one listener of a kind, or none, and those who want to be connected to
 * it. A dialer meets a listener that is there, and any that comes later, at once; they part when either leaves.
 */
#ifndef LINK_INPROC_PLACE_H
#define LINK_INPROC_PLACE_H

#include <stdbool.h>

struct listener {
	struct place *place;
};
struct dialer {
	struct place *place;
	struct dialer *next, **at;
};
/* A kind of connection. Both are called with the lock of all places held: they may take those of ends, and post letters. */
struct place_kind {
	void (*meet)(struct dialer *dialer, struct listener *listener);
	void (*part)(struct dialer *dialer, struct listener *listener);
};

/* "inproc://NAME" with a name? */
bool place_address_valid(const char *address);
/* false: somebody of this kind listens there. */
bool place_listen(struct listener *listener, const struct place_kind *kind, const char *address);
void place_leave(struct listener *listener);
void place_dial(struct dialer *dialer, const struct place_kind *kind, const char *address);
void place_hang_up(struct dialer *dialer);

#endif
