/* SPDX-License-Identifier: MIT */
/* Two that write overlapping sequences to replay, and one that checks each sample, before and after a restart of replay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/replay.h>

enum { LONGEST = 7, VALUES = 4, WRITERS = 8, KNOWN = 1 << 16 };

static const int64_t values_shape[] = { VALUES };
static const lpad_tensor columns[] = {
	{ "writer", LPAD_I32, 0, { 0 } },
	{ "episode", LPAD_I64, 0, { 0 } },
	{ "t", LPAD_I32, 0, { 0 } },
	{ "step", LPAD_I64, 0, { 0 } },                 /* of this writer, without gaps */
	{ "values", LPAD_F32, 1, { VALUES } },
	LPAD_END
};

struct step {
	int32_t writer, t;
	int64_t episode, step;
	float values[VALUES];
};

static float value_of(const struct step *step, int i)
{
	return (float)(step->step % 1000) + (float)step->writer * 0.125f + (float)i * 1000;
}

/* ---- writers ---- */

struct writer {
	lpad_handle *replay;
	lpad_writer writer;
	struct step now;
};

static int append(struct writer *me)
{
	struct step *now = &me->now;
	const void *step[] = { &now->writer, &now->episode, &now->t, &now->step, now->values };
	for (int i = 0; i < VALUES; i++)
		now->values[i] = value_of(now, i);
	return lpad_writer_append(&me->writer, step, lpad_never());
}

/* Every third step ends a sequence; every fifth is an item of its own, too. Some episodes have no sequence at all. */
static int episode(struct writer *me, int length)
{
	int code = 0;
	for (me->now.t = 0; !code && me->now.t < length; me->now.t++, me->now.step++) {
		int steps = me->now.t + 1 < LONGEST ? me->now.t + 1 : LONGEST;
		code = append(me);
		if (!code && me->now.t % 3 == 2)
			code = lpad_writer_item(&me->writer, "sequences", steps, 1 + (double)(me->now.step % 5), lpad_never());
		if (!code && me->now.t % 5 == 4)
			code = lpad_writer_item(&me->writer, "steps", 1, 1, lpad_never());
	}
	return code ? code : lpad_writer_end_episode(&me->writer);
}

static int run_writer(lpad_node *node)
{
	struct writer *me = lpad_state(node);
	lpad_rng rng = lpad_random(node, "episodes");
	lpad_writer_options options = { .columns = columns, .keep = LONGEST, .items_per_call = lpad_index(node) ? 1 : 8 };
	int code = lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_never());
	me->now.writer = lpad_index(node) + 2 * lpad_incarnation(node);       /* its steps begin anew after a restart */
	for (; !code; me->now.episode++)
		code = episode(me, 1 + (int)lpad_random_below(&rng, 40));
	if (code != LPAD_ESTOPPED)
		lpad_log(node, "writer: %s", lpad_error());
	lpad_writer_close(&me->writer, lpad_in(0));
	return code;
}

/* ---- the checker ---- */

struct known {
	int64_t step;
	int32_t writer;
	uint64_t key;                   /* 0: nothing */
};

struct checker {
	int64_t samples;
	lpad_handle *replay;
	lpad_node *node;
	lpad_sampled sampled;
	int incarnation;                /* of replay, that what is known is from */
	struct known *known;            /* the newest items, by writer and last step */
	int seen[2], padded;
};

static int wrong(struct checker *me, const char *what, int64_t item)
{
	lpad_fail(me->node, "item %lld (%d of %d in the batch): %s", (long long)me->sampled.keys[item], (int)item, (int)me->sampled.batch, what);
	lpad_log(me->node, "%s", lpad_error());
	return LPAD_EBROKEN;
}

/* The same item twice under different keys was inserted twice. */
static int check_key(struct checker *me, int64_t item, const struct step *last)
{
	uint64_t key = me->sampled.keys[item];
	struct known *known = &me->known[(last->step * WRITERS + last->writer) % KNOWN];
	if (known->key && known->key != key && known->step == last->step && known->writer == last->writer)
		return wrong(me, "it is there twice", item);
	*known = (struct known){ last->step, last->writer, key };
	me->seen[last->writer % 2]++;
	return 0;
}

/* Where the columns of a batch are. */
struct batch {
	const int32_t *writer, *t;
	const int64_t *episode, *step;
	const float *values;
};

static int check_item(struct checker *me, const struct batch *batch, int64_t item)
{
	int64_t steps = me->sampled.steps ? me->sampled.steps[item] : 1, at = item * me->sampled.longest;
	struct step before = { .step = -1 };
	if (steps < 1 || steps > LONGEST)
		return wrong(me, "it has an odd number of steps", item);
	for (int64_t i = at; i < at + steps; i++) {
		struct step step = { .writer = batch->writer[i], .t = batch->t[i], .episode = batch->episode[i], .step = batch->step[i] };
		for (int k = 0; k < VALUES; k++)
			if (batch->values[i * VALUES + k] != value_of(&step, k))
				return wrong(me, "a step is not what was written", item);
		if (before.step >= 0 && (step.writer != before.writer || step.episode != before.episode || step.step != before.step + 1
		    || step.t != before.t + 1))
			return wrong(me, "its steps do not follow each other in one episode", item);
		before = step;
	}
	if (me->sampled.priorities[item] != 1 + (double)(before.step % 5) || (before.t % 3) != 2)
		return wrong(me, "nobody made such an item", item);
	for (int64_t i = at + steps; i < at + me->sampled.longest; i++, me->padded++)
		if (batch->writer[i] || batch->t[i] || batch->step[i] || batch->values[i * VALUES] != 0)
			return wrong(me, "behind its end is something", item);
	return check_key(me, item, &before);
}

static int check_batch(struct checker *me, const lpad_message *message)
{
	struct batch batch;
	int code = lpad_sampled_view(message, &me->sampled);
	if (code)
		return code;
	if (lpad_sender_incarnation(message) != me->incarnation) {
		me->incarnation = lpad_sender_incarnation(message);
		memset(me->known, 0, KNOWN * sizeof *me->known);
		memset(me->seen, 0, sizeof me->seen);
	}
	batch.writer = lpad_sampled_column(&me->sampled, "writer", LPAD_I32, 0, NULL);
	batch.t = lpad_sampled_column(&me->sampled, "t", LPAD_I32, 0, NULL);
	batch.episode = lpad_sampled_column(&me->sampled, "episode", LPAD_I64, 0, NULL);
	batch.step = lpad_sampled_column(&me->sampled, "step", LPAD_I64, 0, NULL);
	batch.values = lpad_sampled_column(&me->sampled, "values", LPAD_F32, 1, values_shape);
	if (!batch.writer || !batch.t || !batch.episode || !batch.step || !batch.values || me->sampled.batch != 16)
		return LPAD_EINVALID;
	for (int64_t i = 0; !code && i < me->sampled.batch; i++)
		code = check_item(me, &batch, i);
	return code;
}

/* So many samples of one incarnation of replay that is at least this one. */
static int check_samples(struct checker *me, lpad_sampler *sampler, int incarnation, lpad_priorities *priorities)
{
	lpad_message *message = NULL;
	int code = 0, count = 0;
	while (!code && count < me->samples) {
		code = lpad_sampler_next(sampler, &message, lpad_never());
		if (!code)
			code = check_batch(me, message);
		if (!code)      /* what they were, so that they can be checked */
			code = lpad_priorities_update(priorities, me->sampled.keys, me->sampled.priorities, (size_t)me->sampled.batch);
		count = me->incarnation >= incarnation ? count + 16 : 0;
		lpad_free(message);
		message = NULL;
	}
	return code;
}

static int run_checker(lpad_node *node)
{
	struct checker *me = lpad_state(node);
	lpad_sampler sampler;
	lpad_priorities priorities;
	me->node = node;
	me->known = calloc(KNOWN, sizeof *me->known);
	int code = lpad_sampler_open(node, &sampler, me->replay, 0, "sequences", 16, 3);
	if (!code)
		code = lpad_priorities_open(node, &priorities, me->replay, 0, "sequences");
	for (int incarnation = 1; !code && incarnation <= 2; incarnation++) {
		code = check_samples(me, &sampler, incarnation, &priorities);
		if (!code)
			lpad_log(node, "checked incarnation %d, of writers %d %d, padded %d", incarnation, me->seen[0] > 0, me->seen[1] > 0,
				me->padded > 0);
	}
	if (!code)
		code = lpad_priorities_flush(&priorities, lpad_never());
	if (!code)
		lpad_stop(node, 0, "all samples were right");
	else if (code != LPAD_ESTOPPED)
		lpad_log(node, "checker: %s", lpad_error());
	lpad_priorities_close(&priorities);
	lpad_sampler_close(&sampler);
	free(me->known);
	return code;
}

static const lpad_param checker_params[] = {
	LPAD_INT(struct checker, samples, "4000", "1..", "to check of each incarnation of replay"),
	LPAD_END
};
static const lpad_handle_decl writer_handles[] = { LPAD_HANDLE(struct writer, replay, LPAD_ONE, "open append", "replay"), LPAD_END };
static const lpad_handle_decl checker_handles[] = { LPAD_HANDLE(struct checker, replay, LPAD_ONE, "sample update", "replay"), LPAD_END };

LPAD_MODULE(
	{ .name = "writer", .state = sizeof(struct writer), .handles = writer_handles, .run = run_writer },
	{ .name = "checker", .state = sizeof(struct checker), .params = checker_params, .handles = checker_handles, .run = run_checker });
