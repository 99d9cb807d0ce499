/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"

struct streams {
	struct stream **at;             /* in the order in which they were made */
	size_t count, room;
	uint32_t *places;               /* open addressing: 1 + place in `at`, 0 free; a power of two, at most half full */
	size_t hashed;
};

struct streams *streams_new(void)
{
	return room_new(1, sizeof(struct streams));
}

static void drop_before(struct stream *stream, int64_t oldest)
{
	for (; stream->first < oldest; stream->first++)
		pool_unref(stream->pool, stream->window[stream->first & (stream->room - 1)]);
}

static void stream_free(struct stream *stream)
{
	drop_before(stream, stream->next);
	pool_release(stream->pool);
	free(stream->window);
	free(stream->owner);
	free(stream->name);
	free(stream);
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < streams->count; i++)
		stream_free(streams->at[i]);
	free(streams->at);
	free(streams->places);
	free(streams);
}

size_t streams_count(const struct streams *streams)
{
	return streams->count;
}

struct stream *streams_at(struct streams *streams, size_t place)
{
	return streams->at[place];
}

/* ---- finding ---- */

/* FNV-1a, the end of the owner's name included. */
static uint64_t hash(const char *owner, const char *name)
{
	uint64_t sum = 0xcbf29ce484222325u;
	for (; *owner; owner++)
		sum = (sum ^ (unsigned char)*owner) * 0x100000001b3u;
	sum *= 0x100000001b3u;
	for (; *name; name++)
		sum = (sum ^ (unsigned char)*name) * 0x100000001b3u;
	return sum ^ sum >> 32;
}

/* Where it is, or would be. */
static uint32_t *find_place(struct streams *streams, const char *owner, const char *name)
{
	for (size_t i = hash(owner, name);; i++) {
		uint32_t *place = &streams->places[i & (streams->hashed - 1)];
		if (!*place)
			return place;
		const struct stream *stream = streams->at[*place - 1];
		if (!strcmp(stream->owner, owner) && !strcmp(stream->name, name))
			return place;
	}
}

static void make_room(struct streams *streams)
{
	if (streams->count < streams->room)
		return;
	streams->room = streams->room ? streams->room * 2 : 8;
	streams->at = room_resize(streams->at, streams->room, sizeof(struct stream *));
	free(streams->places);
	streams->hashed = streams->room * 2;
	streams->places = room_new(streams->hashed, sizeof *streams->places);
	for (size_t i = 0; i < streams->count; i++)
		*find_place(streams, streams->at[i]->owner, streams->at[i]->name) = (uint32_t)i + 1;
}

struct stream *streams_find(struct streams *streams, const char *owner, const char *name)
{
	make_room(streams);
	uint32_t *place = find_place(streams, owner, name);
	if (*place)
		return streams->at[*place - 1];
	struct stream *stream = room_new(1, sizeof *stream);
	stream->owner = room_copy_text(owner);
	stream->name = room_copy_text(name);
	streams->at[streams->count++] = stream;
	*place = (uint32_t)streams->count;
	return stream;
}

/* ---- one stream ---- */

void stream_take_over(struct stream *stream, int incarnation)
{
	drop_before(stream, stream->next);
	stream->incarnation = incarnation;
}

static void change_pool(struct stream *stream, struct pool *pool)
{
	drop_before(stream, stream->next);
	pool_release(stream->pool);
	stream->pool = pool_share(pool);
}

static void grow_window(struct stream *stream)
{
	uint32_t room = stream->room ? stream->room * 2 : 8;
	uint32_t *window = room_resize(NULL, room, sizeof *window);
	for (int64_t i = stream->first; i < stream->next; i++)
		window[i & (room - 1)] = stream->window[i & (stream->room - 1)];
	free(stream->window);
	stream->window = window;
	stream->room = room;
}

void stream_add(struct stream *stream, struct pool *pool, uint32_t step)
{
	if (stream->pool != pool)
		change_pool(stream, pool);
	if (stream->next - stream->first == stream->room)
		grow_window(stream);
	stream->window[stream->next++ & (stream->room - 1)] = step;
}

void stream_keep(struct stream *stream, int64_t oldest)
{
	drop_before(stream, oldest < stream->next ? oldest : stream->next);
	if (oldest > stream->next)
		stream->first = stream->next = oldest;
}

bool stream_has(const struct stream *stream, int64_t first, int64_t count)
{
	return count >= 0 && first >= stream->first && first <= stream->next && count <= stream->next - first;
}

void stream_steps(const struct stream *stream, int64_t first, uint32_t count, uint32_t *steps)
{
	for (uint32_t i = 0; i < count; i++)
		steps[i] = stream->window[(first + i) & (stream->room - 1)];
}

size_t stream_memory(const struct stream *stream)
{
	return sizeof *stream + stream->room * sizeof *stream->window + strlen(stream->owner) + strlen(stream->name) + 2;
}
