/* SPDX-License-Identifier: MIT */
#include "why.h"

#include <math.h>
#include <stdio.h>

#include "appends.h"

/* ---- tables ---- */

/* What was removed or deleted without being sampled still counts for the limiter: then its own terms say why. */
const char *why_queue(const struct place *place)
{
	const struct table_settings *settings = table_settings(place->table);
	const lpad_limiter *limiter = table_limiter(place->table);
	bool once = settings->max_times_sampled == 1 && limiter->samples_per_insert == 1 && limiter->min_size == 1
		&& limiter->min_diff == 0 && isfinite(limiter->max_diff);
	if (!once || lpad_limiter_diff(limiter) != (double)table_size(place->table))
		return NULL;
	return settings->sampler == SELECTOR_FIFO ? "queue" : settings->sampler == SELECTOR_LIFO ? "stack" : NULL;
}

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
	const char *queue = why_queue(place);
	double error = lpad_limiter_error(limiter);
	char range[80];
	if (queue)
		return snprintf(text, room, "table %s: the %s is full, %lld of %.0f: inserts wait until items are taken", place->name, queue,
			(long long)table_size(place->table), limiter->max_diff);
	show_range(limiter, range, sizeof range);
	return snprintf(text, room, "table %s: %.6g sample%s %s (inserts wait until samples are drawn; %s)", place->name, fabs(error),
		plural(fabs(error)), error < 0 ? "ahead" : "behind", range);
}

static int why_too_few(const struct place *place, int64_t wanted, char *text, size_t room)
{
	const char *queue = why_queue(place), *what = queue ? queue : "table";
	long long size = table_size(place->table), least = table_limiter(place->table)->min_size;
	if (least > 1)
		return snprintf(text, room, "table %s: %lld of %lld items, samples wait until there are %lld", place->name, size, least, least);
	if (!size)
		return snprintf(text, room, "table %s: the %s is empty: samples wait until items are inserted", place->name, what);
	return snprintf(text, room, "table %s: the %s has %lld item%s: a sample of %lld waits until more are inserted", place->name, what, size,
		plural((double)size), (long long)wanted);
}

static int why_sample(const struct place *place, int64_t wanted, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	double error = lpad_limiter_error(limiter);
	char range[80];
	if (table_size(place->table) < limiter->min_size || why_queue(place))
		return why_too_few(place, wanted, text, room);
	if (lpad_limiter_can_sample(limiter, wanted))
		return snprintf(text, room, "table %s: its %lld items can be sampled less than %lld times more (max_times_sampled), samples wait "
			"for new ones", place->name, (long long)table_size(place->table), (long long)wanted);
	show_range(limiter, range, sizeof range);
	return snprintf(text, room, "table %s: %.6g sample%s %s, and %lld more wanted (samples wait until items are inserted; %s)",
		place->name, fabs(error), plural(fabs(error)), error < 0 ? "ahead" : "behind", (long long)wanted, range);
}

/* ---- the other side ---- */

int why_nobody(const struct place *place, enum side side, char *text, size_t room)
{
	static const char *const did[] = { [SIDE_INSERT] = "inserted", [SIDE_SAMPLE] = "sampled" };
	enum side other = side == SIDE_INSERT ? SIDE_SAMPLE : SIDE_INSERT;
	const lpad_limiter *limiter = table_limiter(place->table);
	const struct last *last = &place->last[other];
	if (!place->lines[side].first || place->lines[other].first)
		return 0;
	if (*last->caller)
		return snprintf(text, room, "; %s %s last, %.0f s ago", last->caller, did[other], seconds_now() - last->at);
	return snprintf(text, room, "; nobody has %s %s", did[other],
		(other == SIDE_INSERT ? limiter->inserts : limiter->samples) ? "since the restart" : "yet");
}

/* Both sides' first: neither can go on by itself. */
static bool is_stuck(const struct place *place)
{
	const struct held *sample = place->lines[SIDE_SAMPLE].first;
	return place->lines[SIDE_INSERT].first && sample && !table_can_insert(place->table) && !table_can_sample(place->table, sample->count);
}

static int why_others(const struct held *held, char *text, size_t room)
{
	const struct held *sample = held->place->lines[SIDE_SAMPLE].first;
	if (is_stuck(held->place))
		return snprintf(text, room, "; inserts wait, too: a batch of %lld is too large for this limiter", (long long)sample->count);
	return why_nobody(held->place, held->side, text, room);
}

/* ---- calls ---- */

void why_held(const struct held *held, char *text, size_t room)
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
	length = held->side == SIDE_INSERT ? why_insert(place, text + used, room - used)
		: why_sample(place, held->count, text + used, room - used);
	used += length > 0 ? (size_t)length : 0;
	if (used < room)
		why_others(held, text + used, room - used);
}
