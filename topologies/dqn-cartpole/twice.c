/* SPDX-License-Identifier: MIT */
#include "twice.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const int64_t *id)
{
	lpad_rng rng = { (uint64_t)id[ID_NUMBER] ^ (uint64_t)id[ID_ACTOR] << 40 ^ (uint64_t)id[ID_INCARNATION] << 52 };
	return (size_t)lpad_random_bits(&rng);
}

/* Where it is, or would be. */
static struct twice_place *find(const struct twice *twice, const int64_t *id)
{
	size_t at = hash(id);
	while (twice->places[at &= twice->room - 1].used && memcmp(twice->places[at].id, id, sizeof twice->places[at].id) != 0)
		at++;
	return &twice->places[at];
}

/* Half of the places at most are used. */
static void grow(struct twice *twice)
{
	struct twice wider = { .room = twice->room ? twice->room * 2 : 1 << 15 };
	wider.places = calloc(wider.room, sizeof *wider.places);
	if (!wider.places)
		abort();
	for (size_t i = 0; i < twice->room; i++)
		if (twice->places[i].used)
			*find(&wider, twice->places[i].id) = twice->places[i];
	free(twice->places);
	twice->places = wider.places;
	twice->room = wider.room;
}

void twice_note(struct twice *twice, const int64_t id[IDENTITY], uint64_t key)
{
	if (twice->count * 2 >= twice->room)
		grow(twice);
	struct twice_place *place = find(twice, id);
	twice->count += !place->used;
	twice->found += place->used && place->key != key;
	place->used = 1;
	place->key = key;
	memcpy(place->id, id, sizeof place->id);
}

void twice_forget(struct twice *twice)
{
	if (twice->room)
		memset(twice->places, 0, twice->room * sizeof *twice->places);
	twice->count = 0;
}

void twice_release(struct twice *twice)
{
	free(twice->places);
}
