/* SPDX-License-Identifier: MIT */
/*
 * Tables and streams in a file, and back again; the format is in lpad-replay(5). A snapshot is taken quickly while nothing else
 * happens to the tables; it is written without holding anybody up, since it has references to its steps, whose rows do not move;
 * then it gives them back. What it needs besides: about 40 bytes for each item and 4 for each step, and a block.
 * The file is written beside, as PATH.new, synced and renamed: whatever happens, PATH is the one before or the new one.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "stream.h"
#include "table.h"

#define CHECKPOINT_MAGIC "lpad-replay\n"
enum { CHECKPOINT_VERSION = 1 };
#define CHECKPOINT_RUN 0x80000000u      /* in an item's number of steps: they follow each other, only the first is in the file */

struct checkpoint;

/* With the tables to itself. */
struct checkpoint *checkpoint_take(struct table *const *tables, size_t count, struct streams *streams);
/* Without. 0 and the size of the file, or LPAD_EIO and a sentence: then the file of before is still there, and no part of the new one. */
int checkpoint_write(const struct checkpoint *checkpoint, const char *path, uint64_t *bytes, char *text, size_t room);
/* With the tables to itself: gives back up to `most` steps. True: that was all, it is freed. */
bool checkpoint_give_back(struct checkpoint *checkpoint, size_t most);
size_t checkpoint_memory(const struct checkpoint *checkpoint);  /* bytes */

/*
 * Fills tables and streams that are new. 0; LPAD_ENOTFOUND: there is no such file; LPAD_EBROKEN: it is damaged, with file, byte, and what
 * was expected there; LPAD_EINVALID: it is of other tables; LPAD_EIO. After a failure the tables are only good for being freed.
 * The text is a sentence about it; after success "", or what was not taken over as it was saved.
 */
int checkpoint_read(const char *path, struct table *const *tables, size_t count, struct streams *streams, char *text, size_t room);

#endif
