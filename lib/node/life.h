/* SPDX-License-Identifier: MIT */
/*
 * The life of one `lpad node` process. Its main thread speaks with the supervisor (control.h) and drives the links; the
 * threads of a replica (replica.h) run the author's code and leave what they have to say in an outbox.
 */
#ifndef NODE_LIFE_H
#define NODE_LIFE_H

/* Reads the document from `fd` and lives until the supervisor says finish or is gone. Returns the exit code
   if it did not come to life; otherwise the process exits here. */
int life_main(int fd);

#endif
