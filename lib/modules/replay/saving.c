/* SPDX-License-Identifier: MIT */
#include "saving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "room.h"

enum { GIVEN_BACK_AT_ONCE = 4096 };     /* steps, under the lock */

/* Those who wait for one checkpoint. */
struct askers {
	lpad_call **calls;
	size_t count;
};

/* ---- one checkpoint ---- */

static struct table **tables_of(const struct replay *me)
{
	struct table **tables = room_new(me->count, sizeof *tables);
	for (size_t i = 0; i < me->count; i++)
		tables[i] = me->places[i].table;
	return tables;
}

static struct checkpoint *take(struct replay *me)
{
	struct table **tables = tables_of(me);
	lpad_lock(me->node);
	struct checkpoint *checkpoint = checkpoint_take(tables, me->count, me->streams);
	lpad_unlock(me->node);
	free(tables);
	return checkpoint;
}

static void give_back(struct replay *me, struct checkpoint *checkpoint)
{
	for (bool done = false; !done; ) {
		lpad_lock(me->node);
		done = checkpoint_give_back(checkpoint, GIVEN_BACK_AT_ONCE);
		lpad_unlock(me->node);
	}
}

/* The lock is for `status`. What fails again and again is logged once. */
static void note(struct replay *me, int code, uint64_t bytes, double seconds, const char *text)
{
	struct saved *saved = &me->saved;
	if (code && strcmp(saved->failure, text))
		lpad_log(me->node, "%s", text);
	lpad_lock(me->node);
	snprintf(saved->failure, sizeof saved->failure, "%s", code ? text : "");
	if (!code) {
		saved->count++;
		saved->bytes = bytes;
		saved->seconds = seconds;
		saved->at = seconds_now();
	}
	lpad_unlock(me->node);
}

static int save(struct replay *me)
{
	char text[400] = "";
	uint64_t bytes = 0;
	double begin = seconds_now();
	struct checkpoint *checkpoint = take(me);
	int code = checkpoint_write(checkpoint, me->saved.path, &bytes, text, sizeof text);
	give_back(me, checkpoint);
	note(me, code, bytes, seconds_now() - begin, text);
	return code;
}

/* ---- those who ask ---- */

static void add(struct askers *askers, lpad_call *call)
{
	askers->calls = room_resize(askers->calls, askers->count + 1, sizeof(lpad_call *));
	askers->calls[askers->count++] = call;
}

static lpad_message *about(const struct replay *me)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return lpad_json("{}");
	fprintf(out, "{\"path\": ");
	put_json_text(out, me->saved.path);
	fprintf(out, ", \"bytes\": %llu, \"seconds\": %.6f}", (unsigned long long)me->saved.bytes, me->saved.seconds);
	fclose(out);
	lpad_message *message = lpad_json(text);
	free(text);
	return message;
}

/* All who have asked by now share one; who asks while it is written gets the next. */
static void save_for(struct replay *me, lpad_call *first)
{
	struct askers askers = { 0 };
	lpad_call *call;
	add(&askers, first);
	while (!lpad_next(me->checkpoints, &call, lpad_in(0)))
		add(&askers, call);
	int code = save(me);
	for (size_t i = 0; i < askers.count; i++)
		if (code)
			lpad_refuse(askers.calls[i], code, "%s", me->saved.failure);
		else
			lpad_answer(askers.calls[i], about(me));
	free(askers.calls);
}

/* ---- life ---- */

/* Of the file; if there is none, of another run's: its writers are not those of this run. *from is what was read. */
static int restore(struct replay *me, const char **from, char *text, size_t room)
{
	struct table **tables = tables_of(me);
	const char *other = me->checkpoint.from;
	*from = me->saved.path;
	int code = checkpoint_read(*from, tables, me->count, me->streams, text, room);
	if (code == LPAD_ENOTFOUND && *other) {
		code = checkpoint_read(*from = other, tables, me->count, me->streams, text, room);
		streams_free(me->streams);
		me->streams = streams_new();
		code = code == LPAD_ENOTFOUND ? LPAD_EINVALID : code;
	}
	free(tables);
	return code;
}

int saving_restore(struct replay *me)
{
	char text[600] = "", path[4096];
	const char *from;
	int length = snprintf(path, sizeof path, "%s/replay.checkpoint", lpad_folder(me->node));
	if (length < 0 || (size_t)length >= sizeof path)
		return lpad_fail(me->node, "the name of this node's folder is too long: %s", lpad_folder(me->node));
	me->saved.path = room_copy_text(path);
	int code = restore(me, &from, text, sizeof text);
	if (code == LPAD_ENOTFOUND)
		return 0;
	if (code) {
		lpad_fail(me->node, "%s", text);
		return code == LPAD_EIO ? LPAD_EIO : LPAD_EBROKEN;      /* the next incarnation would read the same */
	}
	for (size_t i = 0; i < me->count; i++)
		lpad_log(me->node, "table %s goes on with %lld items from %s", me->places[i].name, (long long)table_size(me->places[i].table),
			from);
	if (*text)
		lpad_log(me->node, "%s", text);
	return 0;
}

static double earlier(double a, double b)
{
	return a < b ? a : b;
}

void saving_run(struct replay *me, void (*tick)(struct replay *me))
{
	const double never = 1e18, every = me->checkpoint.every;
	double begin = seconds_now(), next_tick = begin, next_save = every > 0 ? begin + every : never;
	for (;;) {
		lpad_call *call;
		double now = seconds_now(), wait = earlier(next_tick, next_save) - now;
		int code = lpad_next(me->checkpoints, &call, lpad_in(wait > 0 ? wait : 0));
		if (!code)
			save_for(me, call);
		else if (code != LPAD_ETIMEDOUT)
			return;
		now = seconds_now();
		if (now >= next_save) {
			if (code)
				save(me);
			next_save = seconds_now() + every;
		}
		if (now >= next_tick) {
			lpad_lock(me->node);
			tick(me);
			lpad_unlock(me->node);
			next_tick = seconds_now() + 1;
		}
	}
}

void saving_at_stop(struct replay *me)
{
	me->saved.failure[0] = '\0';    /* this time it is said, also when it was before */
	if (me->checkpoint.at_stop && save(me))
		lpad_status(me->node, "last checkpoint", "%s", me->saved.failure);
}
