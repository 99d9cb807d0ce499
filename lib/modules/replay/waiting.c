/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <math.h>
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
	struct held *before = NULL;
	if (!held->place)
		return;
	struct line *line = &held->place->lines[held->side];
	for (struct held *at = line->first; at != held; at = at->next)
		before = at;
	if (before)
		before->next = held->next;
	else
		line->first = held->next;
	if (line->last == held)
		line->last = before;
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

static void count_wait(const struct replay *me, struct held *held)
{
	struct place *place = held->place;
	if (held->event == me->events)
		return;
	double now = seconds_now();
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

/* ---- why ---- */

/* "range -3200 to 3200", of the error. */
static void show_range(const lpad_limiter *limiter, char *text, size_t room)
{
	double middle = limiter->samples_per_insert * (double)limiter->min_size;
	snprintf(text, room, "range %.6g to %.6g", limiter->min_diff - middle, limiter->max_diff - middle);
}

static const char *plural(double count)
{
	return count == 1 ? "" : "s";
}

static int why_insert(const struct place *place, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	double error = lpad_limiter_error(limiter);
	char range[80];
	show_range(limiter, range, sizeof range);
	return snprintf(text, room, "table %s: %.6g sample%s %s (inserts wait until samples are drawn; %s)", place->name, fabs(error),
		plural(fabs(error)), error < 0 ? "ahead" : "behind", range);
}

static int why_sample(const struct place *place, int64_t wanted, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	double error = lpad_limiter_error(limiter);
	char range[80];
	if (table_size(place->table) < limiter->min_size)
		return snprintf(text, room, "table %s: %lld of %lld items, samples wait until there are %lld", place->name,
			(long long)table_size(place->table), (long long)limiter->min_size, (long long)limiter->min_size);
	if (lpad_limiter_can_sample(limiter, wanted))
		return snprintf(text, room, "table %s: its %lld items can be sampled less than %lld times more (max_times_sampled), samples wait "
			"for new ones", place->name, (long long)table_size(place->table), (long long)wanted);
	show_range(limiter, range, sizeof range);
	return snprintf(text, room, "table %s: %.6g sample%s %s, and %lld more wanted (samples wait until items are inserted; %s)",
		place->name, fabs(error), plural(fabs(error)), error < 0 ? "ahead" : "behind", (long long)wanted, range);
}

/* Both sides' first: neither can go on by itself. */
static bool is_stuck(const struct place *place)
{
	const struct held *sample = place->lines[SIDE_SAMPLE].first;
	return place->lines[SIDE_INSERT].first && sample && !table_can_insert(place->table) && !table_can_sample(place->table, sample->count);
}

void waiting_why(const struct held *held, char *text, size_t room)
{
	const struct place *place = held->place;
	size_t used = 0;
	int length;
	if (!place) {
		const struct held *first = appends_first(held->append);
		length = snprintf(text, room, "behind an earlier append of its stream: ");
		used = length > 0 && (size_t)length < room ? (size_t)length : 0;
		if (!(held = first) || !(place = held->place))
			return;
	}
	const struct held *sample = place->lines[SIDE_SAMPLE].first;
	length = held->side == SIDE_INSERT ? why_insert(place, text + used, room - used)
		: why_sample(place, held->count, text + used, room - used);
	used += length > 0 ? (size_t)length : 0;
	if (used < room && is_stuck(place))
		snprintf(text + used, room - used, "; inserts wait, too: a batch of %lld is too large for this limiter",
			(long long)sample->count);
}
