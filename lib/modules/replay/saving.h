/* SPDX-License-Identifier: MIT */
/* Checkpoints of this node: when, where, and for whom. For the thread of init, run and fini. */
#ifndef SAVING_H
#define SAVING_H

#include "inside.h"

/* In init: goes on from the checkpoint, if there is one. */
int saving_restore(struct replay *me);
/* Until the program stops: checkpoints every so often and for those who ask. `tick` is called once a second, under the lock. */
void saving_run(struct replay *me, void (*tick)(struct replay *me));
void saving_at_stop(struct replay *me);

#endif
