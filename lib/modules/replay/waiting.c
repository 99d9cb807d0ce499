/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <stdio.h>
#include <stdlib.h>

#include "appends.h"
#include "rows.h"
#include "replies.h"

/* ---- lines ---- */

void waiting_join(struct replay *me, struct held *held, struct place *place, enum side side)
{
	struct line *line = &place->lines[side];
	held->place = place;
	held->side = side;
	held->next = NULL;
	held->before = line->last;
	held->since = seconds_now();
	held->event = me->events;
	if (line->last)
		line->last->next = held;
	else
		line->first = held;
	line->last = held;
	line->count++;
}

void waiting_leave(struct held *held)
{
	if (!held->place)
		return;
	struct line *line = &held->place->lines[held->side];
	if (held->before)
		held->before->next = held->next;
	else
		line->first = held->next;
	if (held->next)
		held->next->before = held->before;
	else
		line->last = held->before;
	line->count--;
	held->place = NULL;
}

static struct held *find_in(const struct line *line, const lpad_call *call)
{
	struct held *held = line->first;
	while (held && held->call != call)
		held = held->next;
	return held;
}

struct held *waiting_find(struct replay *me, const lpad_call *call)
{
	struct held *held = NULL;
	for (size_t i = 0; i < me->count && !held; i++)
		for (int side = 0; side < SIDES && !held; side++)
			held = find_in(&me->places[i].lines[side], call);
	return held ? held : appends_find(me, call);
}

static void free_held(struct held *held)
{
	if (held->columns)
		rows_release(held->columns);
	free(held->columns);
	lpad_free(held->request);
	free(held);
}

void waiting_end(struct replay *me, struct held *held, int code, const char *why)
{
	if (held->append) {
		appends_end(me, held->append, code, why);
		return;
	}
	waiting_leave(held);
	lpad_refuse(held->call, code, "%s", why);
	free_held(held);
}

void waiting_forget(struct held *held)
{
	waiting_leave(held);
	free_held(held);
}

/* ---- who goes on ---- */

/* It goes on. */
static void count_wait(const struct replay *me, struct held *held)
{
	struct place *place = held->place;
	double now = seconds_now();
	place->last[held->side].at = now;
	snprintf(place->last[held->side].caller, sizeof place->last->caller, "%s", lpad_caller(held->call));
	if (held->event == me->events)
		return;
	place->waited[held->side]++;
	place->waited_seconds[held->side] += now - held->since;
	held->since = now;
	held->event = me->events;
}

static void insert_plain(struct replay *me, struct held *held)
{
	char text[400];
	uint64_t key = 0;
	int code = appends_insert_plain(me, held, &key, text, sizeof text);
	waiting_leave(held);
	if (code)
		lpad_refuse(held->call, code, "%s", text);
	else
		lpad_answer(held->call, replies_key(key));
	free_held(held);
}

/* While the program stops, calls that were kept are ended without us: what they wanted would be done for nobody. */
static bool may_be_over(const struct replay *me, const struct held *held)
{
	return held->event != me->events && lpad_stopping(me->node);
}

static bool grant_insert(struct replay *me, struct place *place)
{
	struct held *held = place->lines[SIDE_INSERT].first;
	if (!held || may_be_over(me, held) || !table_can_insert(place->table))
		return false;
	count_wait(me, held);
	if (held->append)
		appends_go_on(me, held->append);
	else
		insert_plain(me, held);
	return true;
}

int waiting_impossible(const struct place *place, int64_t count, char *text, size_t room)
{
	if (table_never(place->table, count, text, room))
		return LPAD_EINVALID;
	return replies_too_large(place, count, text, room) ? LPAD_ETOOBIG : 0;
}

/* Asked again for who waits: how large items are is known when they come, and what may be drawn at once can become less. */
static bool grant_sample(struct replay *me, struct place *place)
{
	struct held *held = place->lines[SIDE_SAMPLE].first;
	char text[300];
	if (!held || may_be_over(me, held))
		return false;
	int code = waiting_impossible(place, held->count, text, sizeof text);
	if (!code && !table_can_sample(place->table, held->count))
		return false;
	count_wait(me, held);
	waiting_leave(held);
	if (code)
		lpad_refuse(held->call, code, "%s", text);
	else
		lpad_answer(held->call, replies_sample(me, place, held->count));
	free_held(held);
	return true;
}

void waiting_settle(struct replay *me)
{
	for (bool moved = true; moved; ) {
		moved = false;
		for (size_t i = 0; i < me->count; i++) {
			while (grant_insert(me, &me->places[i]))
				moved = true;
			while (grant_sample(me, &me->places[i]))
				moved = true;
		}
	}
}
