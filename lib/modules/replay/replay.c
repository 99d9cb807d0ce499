/* SPDX-License-Identifier: MIT */
/* replay: tables of items between those who insert and those who sample. In prose: lpad-replay(7). */
#include <stdlib.h>

#include "appends.h"
#include "rows.h"
#include "replies.h"
#include "requests.h"
#include "room.h"
#include "saving.h"
#include "settings.h"
#include "status.h"
#include "waiting.h"
#include "why.h"

/* ---- what waits for a limiter ---- */

static struct held *new_held(lpad_call *call)
{
	struct held *held = room_new(1, sizeof *held);
	held->call = call;
	return held;
}

static int do_insert(struct replay *me, lpad_call *call)
{
	struct rows columns;
	struct place *place;
	double priority;
	int code = requests_insert(me, lpad_request(call), &columns, &place, &priority);
	if (code)
		return code;
	struct held *held = new_held(call);
	held->request = lpad_share(lpad_request(call));
	held->priority = priority;
	held->columns = room_new(1, sizeof columns);
	*held->columns = columns;
	waiting_join(me, held, place, SIDE_INSERT);
	return LPAD_LATER;
}

static int do_append(struct replay *me, lpad_call *call)
{
	struct append *append;
	const char *name;
	uint64_t writer;
	int code = requests_stream(me, lpad_request(call), &name, &writer);
	code = code ? code : requests_append(me, lpad_request(call), &append);
	if (code)
		return code;
	append->held.call = call;
	append->held.request = lpad_share(lpad_request(call));
	code = appends_stream(me, call, name, writer, &append->stream);
	if (code) {
		requests_free_append(append);
		return code;
	}
	appends_arrive(me, append);
	return LPAD_LATER;
}

static int do_sample(struct replay *me, lpad_call *call)
{
	struct place *place;
	int64_t count;
	char text[300];
	int code = requests_sample(me, lpad_request(call), &place, &count);
	if (code)
		return code;
	code = waiting_impossible(place, count, text, sizeof text);
	if (code)
		return lpad_refuse(call, code, "%s", text);
	struct held *held = new_held(call);
	held->count = count;
	waiting_join(me, held, place, SIDE_SAMPLE);
	return LPAD_LATER;
}

/* ---- what is done at once ---- */

static int do_open(struct replay *me, lpad_call *call)
{
	const char *name;
	uint64_t writer;
	struct stream *stream;
	int code = requests_stream(me, lpad_request(call), &name, &writer);
	code = code ? code : appends_open(me, call, name, writer, &stream);
	return code ? code : lpad_answer(call, replies_opened(stream));
}

static int with_keys(struct replay *me, lpad_call *call, bool priorities)
{
	struct keys keys;
	int64_t known = 0;
	int code = requests_keys(me, lpad_request(call), priorities, &keys);
	for (size_t i = 0; i < keys.count && !code; i++)
		known += priorities ? table_update(keys.place->table, keys.keys[i], keys.priorities[i])
			: table_delete(keys.place->table, keys.keys[i]);
	if (!code)
		keys.place->unknown += (int64_t)keys.count - known;
	requests_release_keys(&keys);
	return code ? code : lpad_answer(call, replies_known(known));
}

static int do_update(struct replay *me, lpad_call *call)
{
	return with_keys(me, call, true);
}

static int do_delete(struct replay *me, lpad_call *call)
{
	return with_keys(me, call, false);
}

static int do_reset(struct replay *me, lpad_call *call)
{
	struct place *place;
	int code = requests_table(me, lpad_request(call), &place);
	if (code)
		return code;
	table_reset(place->table);
	return lpad_answer(call, NULL);
}

static int do_status(struct replay *me, lpad_call *call)
{
	char *text = status_json(me);
	lpad_message *reply = lpad_json(text ? text : "{}");
	free(text);
	return lpad_answer(call, reply);
}

/* ---- callbacks ---- */

static int handle(lpad_node *node, lpad_call *call, int (*what)(struct replay *, lpad_call *))
{
	struct replay *me = lpad_state(node);
	lpad_lock(node);
	me->events++;
	int code = what(me, call);
	if (code >= 0)
		waiting_settle(me);
	lpad_unlock(node);
	return code;
}

#define METHOD(name) \
	static int name(lpad_node *node, lpad_call *call) { return handle(node, call, do_##name); }
METHOD(insert)
METHOD(append)
METHOD(open)
METHOD(sample)
METHOD(update)
METHOD(delete)
METHOD(reset)
METHOD(status)

static void gone(lpad_node *node, lpad_call *call)
{
	struct replay *me = lpad_state(node);
	lpad_lock(node);
	me->events++;
	struct held *held = waiting_find(me, call);
	if (held)
		waiting_end(me, held, LPAD_ECANCELLED, "nobody waits");
	else
		lpad_refuse(call, LPAD_ECANCELLED, "nobody waits");
	waiting_settle(me);
	lpad_unlock(node);
}

static int say_why(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	struct replay *me = lpad_state(node);
	lpad_lock(node);
	const struct held *held = waiting_find(me, call);
	if (held)
		why_held(held, text, room);
	lpad_unlock(node);
	return 0;
}

/* ---- life ---- */

static int check(lpad_node *node)
{
	return settings_check(node, lpad_state(node));
}

static void release(struct replay *me)
{
	for (size_t i = 0; i < me->count; i++)
		table_free(me->places[i].table);
	streams_free(me->streams);
	free(me->places);
	free(me->saved.path);
	me->count = 0;
}

static int init(lpad_node *node)
{
	struct replay *me = lpad_state(node);
	me->node = node;
	me->rng = lpad_random(node, "replay");
	me->streams = streams_new();
	me->places = room_new(me->tables.count, sizeof *me->places);
	for (; me->count < me->tables.count; me->count++) {
		const char *name = me->tables.names[me->count];
		struct table_settings settings = settings_of(me, me->count, lpad_random(node, name));
		me->places[me->count] = (struct place){ .table = table_new(&settings), .name = name };
	}
	int code = saving_restore(me);
	if (code)
		release(me);
	else
		settings_warn(node, me);
	return code;
}

static int run(lpad_node *node)
{
	struct replay *me = lpad_state(node);
	saving_run(me, status_report);
	return LPAD_ESTOPPED;
}

/* Calls that are still held: they have been ended. */
static void forget_held(struct replay *me)
{
	appends_forget(me);
	for (size_t i = 0; i < me->count; i++)
		for (int side = 0; side < SIDES; side++)
			while (me->places[i].lines[side].first)
				waiting_forget(me->places[i].lines[side].first);
}

static void fini(lpad_node *node)
{
	struct replay *me = lpad_state(node);
	lpad_lock(node);
	forget_held(me);                /* first: who waits is asked for its name */
	status_report(me);
	lpad_unlock(node);
	saving_at_stop(me);
	release(me);
}

/* ---- declarations ---- */

static const lpad_param checkpoint_fields[] = {
	LPAD_DURATION(struct replay_checkpoint, every, "0s", "0s..", "between two; 0: only when they are asked for, and at the end"),
	LPAD_BOOL(struct replay_checkpoint, at_stop, "true", "one more at the end"),
	LPAD_PATH(struct replay_checkpoint, from, "", "another run's, to begin with its items"),
	LPAD_END
};
static const lpad_param params[] = {
	LPAD_MAP(struct replay, tables, struct settings_table, settings_table_fields, "what is kept, by name"),
	LPAD_OBJECT(struct replay, checkpoint, checkpoint_fields, "what a restarted replay goes on from"),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_METHOD(insert, "one item of one step: every tensor is a column; held back by the limiter", .gone = gone, .held = say_why),
	LPAD_METHOD(append, "steps of a stream, and items of them; held back by the limiter", .idempotent = true, .gone = gone,
		.held = say_why),
	LPAD_METHOD(open, "a writer's stream: where it goes on", .idempotent = true),
	LPAD_METHOD(sample, "n items, stacked; held back by the limiter", .idempotent = true, .gone = gone, .held = say_why),
	LPAD_METHOD(update, "other priorities, by item.key", .idempotent = true),
	LPAD_METHOD_AS("delete", delete, "items, by item.key", .idempotent = true),
	LPAD_METHOD(reset, "empties a table; its counters begin anew", .idempotent = true),
	LPAD_INBOX_AS("checkpoint", struct replay, checkpoints, "writes one now; answered when it is on disk", .idempotent = true),
	LPAD_METHOD(status, "how the tables are, and who waits: JSON", .idempotent = true),
	LPAD_END
};

LPAD_MODULE({ .name = "replay", .help = "tables of items between those who insert and those who sample", .state = sizeof(struct replay),
	.params = params, .methods = methods, .check = check, .init = init, .run = run, .fini = fini, .service = true });
