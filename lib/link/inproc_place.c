/* SPDX-License-Identifier: MIT */
#include "link/inproc_place.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define SCHEME "inproc://"

/* There as long as somebody listens or dials there. */
struct place {
	struct place *next;
	const struct place_kind *kind;
	char *address;
	struct listener *listener;
	struct dialer *dialers;
};

enum { ROWS = 1024 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place *rows[ROWS];        /* lock */

static struct place **row_of(const char *address)
{
	uint32_t hash = 2166136261u;
	for (const char *at = address; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return &rows[hash % ROWS];
}

static struct place *place_at(const struct place_kind *kind, const char *address)
{
	struct place **row = row_of(address), *place = *row;
	while (place && (place->kind != kind || strcmp(place->address, address) != 0))
		place = place->next;
	if (place)
		return place;
	place = memory_new(sizeof *place);
	*place = (struct place){ .next = *row, .kind = kind, .address = memory_copy_text(address) };
	*row = place;
	return place;
}

static void remove_if_empty(struct place *place)
{
	if (place->listener || place->dialers)
		return;
	struct place **at = row_of(place->address);
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	free(place->address);
	free(place);
}

bool place_address_valid(const char *address)
{
	return text_starts(address, SCHEME) && address[strlen(SCHEME)];
}

bool place_listen(struct listener *listener, const struct place_kind *kind, const char *address)
{
	pthread_mutex_lock(&lock);
	struct place *place = place_at(kind, address);
	bool free_here = !place->listener;
	if (free_here) {
		listener->place = place;
		place->listener = listener;
		for (struct dialer *dialer = place->dialers; dialer; dialer = dialer->next)
			kind->meet(dialer, listener);
	}
	pthread_mutex_unlock(&lock);
	return free_here;
}

void place_leave(struct listener *listener)
{
	pthread_mutex_lock(&lock);
	struct place *place = listener->place;
	place->listener = NULL;
	for (struct dialer *dialer = place->dialers; dialer; dialer = dialer->next)
		place->kind->part(dialer, listener);
	remove_if_empty(place);
	pthread_mutex_unlock(&lock);
}

void place_dial(struct dialer *dialer, const struct place_kind *kind, const char *address)
{
	pthread_mutex_lock(&lock);
	struct place *place = place_at(kind, address);
	*dialer = (struct dialer){ .place = place, .next = place->dialers, .at = &place->dialers };
	if (dialer->next)
		dialer->next->at = &dialer->next;
	place->dialers = dialer;
	if (place->listener)
		kind->meet(dialer, place->listener);
	pthread_mutex_unlock(&lock);
}

void place_hang_up(struct dialer *dialer)
{
	pthread_mutex_lock(&lock);
	struct place *place = dialer->place;
	*dialer->at = dialer->next;
	if (dialer->next)
		dialer->next->at = dialer->at;
	if (place->listener)
		place->kind->part(dialer, place->listener);
	remove_if_empty(place);
	pthread_mutex_unlock(&lock);
}
