/* SPDX-License-Identifier: MIT */
#include "topology/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* FNV-1a. */
static size_t hash(const char *name)
{
	uint64_t value = 14695981039346656037u;
	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 1099511628211u;
	return (size_t)(value ^ value >> 32);
}

/* The slot that holds the name, or the free one where it belongs. */
static struct names_slot *slot_of(const struct names *names, const char *name)
{
	size_t at = hash(name) & (names->room - 1);
	while (names->slots[at].name && strcmp(names->slots[at].name, name))
		at = (at + 1) & (names->room - 1);
	return &names->slots[at];
}

static void grow(struct names *names)
{
	struct names old = *names;
	names->room = old.room ? old.room * 2 : 32;
	names->slots = memory_array(names->room, sizeof *names->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].name)
			*slot_of(names, old.slots[i].name) = old.slots[i];
	free(old.slots);
}

void names_put(struct names *names, const char *name, size_t value)
{
	if (names->count * 2 >= names->room)
		grow(names);
	struct names_slot *slot = slot_of(names, name);
	names->count += !slot->name;
	*slot = (struct names_slot){ name, value };
}

bool names_find(const struct names *names, const char *name, size_t *value)
{
	if (!names->room)
		return false;
	const struct names_slot *slot = slot_of(names, name);
	if (slot->name && value)
		*value = slot->value;
	return slot->name != NULL;
}

void names_release(struct names *names)
{
	free(names->slots);
	*names = (struct names){ 0 };
}
