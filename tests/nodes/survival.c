/* SPDX-License-Identifier: MIT */
/*
 * An actor and a learner around replay, each of whom may die at any moment: what an actor writes follows from its number and that of
 * the step, so that whoever reads it can tell what came twice, or in pieces. An item is the last three steps at most.
 */
#include <lpad/replay.h>

#include <stdio.h>

enum { STEPS = 3, EPISODE = 10, BATCH = 64, PAYLOAD = 8, SAVED_EVERY = 8 };

static int64_t id_of(int actor, int64_t step)
{
	return ((int64_t)actor << 40) + step;
}

/* ---- actor ---- */

struct actor {
	lpad_handle *replay;
	lpad_writer writer;
};

static int write_step(struct actor *me, int actor)
{
	int64_t step = me->writer.next, id = id_of(actor, step);
	float payload[PAYLOAD];
	for (int i = 0; i < PAYLOAD; i++)
		payload[i] = (float)((id + i) % 1000);
	int code = lpad_writer_append(&me->writer, (const void *const[]){ &id, payload }, lpad_never());
	int steps = lpad_writer_steps(&me->writer);
	if (!code)
		code = lpad_writer_item(&me->writer, "sequences", steps < STEPS ? steps : STEPS, 1 + (double)(id % 7), lpad_never());
	if (!code && step % EPISODE == EPISODE - 1)
		code = lpad_writer_end_episode(&me->writer);
	return code;
}

static int act(lpad_node *node)
{
	struct actor *me = lpad_state(node);
	const lpad_tensor columns[] = { { .name = "id", .type = LPAD_I64 },
		{ .name = "payload", .type = LPAD_F32, .rank = 1, .shape = { PAYLOAD } }, LPAD_END };
	int code = lpad_writer_open(node, &me->writer, me->replay, 0, &(lpad_writer_options){ .columns = columns, .keep = STEPS,
		.items_per_call = 4 }, lpad_never());
	while (!code)
		code = write_step(me, lpad_index(node));
	lpad_status(node, "steps", "%lld", (long long)me->writer.next);
	lpad_writer_close(&me->writer, lpad_in(0));
	return code;
}

static const lpad_handle_decl actor_handles[] = {
	LPAD_HANDLE(struct actor, replay, LPAD_ONE, "open append", "where steps go"), LPAD_END };

/* ---- learner ---- */

struct learner {
	int64_t done;                   /* batches, of all its lives */
	lpad_handle *replay;
	lpad_sampler sampler;
	lpad_priorities priorities;
};

static int load(lpad_node *node, struct learner *me)
{
	char path[4096];
	lpad_message *message;
	snprintf(path, sizeof path, "%s/done", lpad_folder(node));
	int code = lpad_load(path, &message);
	if (code)
		return code == LPAD_ENOTFOUND ? 0 : code;
	memcpy(&me->done, lpad_body(message, sizeof me->done), sizeof me->done);
	lpad_log(node, "goes on behind %lld batches", (long long)me->done);
	lpad_free(message);
	return 0;
}

static int save(lpad_node *node, const struct learner *me)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/done", lpad_folder(node));
	lpad_message *message = lpad_bytes(&me->done, sizeof me->done);
	int code = lpad_save(message, path);
	lpad_free(message);
	return code;
}

/* The steps of an item follow each other, within one episode, and behind them there is nothing. */
static bool is_whole(const int64_t *id, int32_t steps, int64_t longest)
{
	int64_t number = id[0] & ((INT64_C(1) << 40) - 1);
	bool whole = steps >= 1 && steps <= STEPS && number % EPISODE + steps <= EPISODE;
	for (int64_t i = 1; i < longest; i++)
		whole = whole && id[i] == (i < steps ? id[0] + i : 0);
	return whole;
}

static int look_at(lpad_node *node, struct learner *me, const lpad_message *message)
{
	lpad_sampled sampled;
	double priorities[BATCH];
	int code = lpad_sampled_view(message, &sampled);
	if (code)
		return code;
	const int64_t *id = lpad_sampled_column(&sampled, "id", LPAD_I64, 0, NULL);
	if (!id || sampled.batch != BATCH)
		return id ? lpad_fail(node, "a batch of %lld", (long long)sampled.batch) : LPAD_EINVALID;
	for (int64_t i = 0; i < BATCH; i++) {
		const int64_t *first = id + i * sampled.longest;
		if (!is_whole(first, sampled.steps ? sampled.steps[i] : 1, sampled.longest))
			return lpad_fail(node, "item %llu begins with step %llx and is not whole", (unsigned long long)sampled.keys[i],
				(unsigned long long)*first);
		priorities[i] = 1 + (double)(me->done % 5);
	}
	return lpad_priorities_update(&me->priorities, sampled.keys, priorities, BATCH);
}

static int learn_one(lpad_node *node, struct learner *me)
{
	lpad_message *message;
	int code = lpad_sampler_next(&me->sampler, &message, lpad_never());
	if (code)
		return code;
	code = look_at(node, me, message);
	lpad_free(message);
	me->done++;
	lpad_status(node, "batches", "%lld", (long long)me->done);
	if (!code && me->done % SAVED_EVERY == 0)
		code = save(node, me);
	return code;
}

static int learn(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	int code = load(node, me);
	code = code ? code : lpad_sampler_open(node, &me->sampler, me->replay, 0, "sequences", BATCH, 2);
	code = code ? code : lpad_priorities_open(node, &me->priorities, me->replay, 0, "sequences");
	while (!code)
		code = learn_one(node, me);
	lpad_sampler_close(&me->sampler);
	lpad_priorities_close(&me->priorities);
	return code;
}

static const lpad_handle_decl learner_handles[] = {
	LPAD_HANDLE(struct learner, replay, LPAD_ONE, "sample update", "where batches come from"), LPAD_END };

LPAD_MODULE(
	{ .name = "actor", .state = sizeof(struct actor), .handles = actor_handles, .run = act },
	{ .name = "learner", .state = sizeof(struct learner), .handles = learner_handles, .run = learn });
