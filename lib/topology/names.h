/* SPDX-License-Identifier: MIT */
/* From a name to a number, for files of thousands of nodes. `struct names n = { 0 };` is a valid empty one. */
#ifndef TOPOLOGY_NAMES_H
#define TOPOLOGY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
	struct names_slot {
		const char *name;       /* borrowed; NULL: free */
		size_t value;
	} *slots;
	size_t room, count;
};

/* Sets the number of a name, which must live as long as the table. */
void names_put(struct names *names, const char *name, size_t value);
/* False if it is not there; `value` may be NULL. */
bool names_find(const struct names *names, const char *name, size_t *value);
void names_release(struct names *names);

#endif
