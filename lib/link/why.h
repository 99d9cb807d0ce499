/* SPDX-License-Identifier: MIT */
/* Why is a call not answered? For notes of long waits; with the link's lock. */
#ifndef LINK_WHY_H
#define LINK_WHY_H

#include "link/inside.h"

void why_request(struct link *link, struct request *request, const struct wire *wire);
void why_close(struct link *link);              /* requests are dropped */
/* Work of the kind HELD. take: false: the call has ended, and that was answered. done: `result` of the author's function. */
bool why_take(struct link *link, struct work *work);
void why_done(struct link *link, struct work *work, int result);

#endif
