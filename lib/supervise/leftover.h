/* SPDX-License-Identifier: MIT */
/*
 * Folders of sockets whose runs are no more: both guards were killed, or the machine went down. Each has a link `record` to
 * the record of its run, which is held as long as one of the two lives.
 */
#ifndef SUPERVISE_LEFTOVER_H
#define SUPERVISE_LEFTOVER_H

/* Those of all such runs below `base`; never one that is held, at whose console somebody listens, or that is just being made. */
void leftover_remove_all(const char *base);
/* That of one run that was lost; by its number it could be another one's by now, which stays. NULL: nothing. */
void leftover_remove_of(const char *sockets, const char *record);

#endif
