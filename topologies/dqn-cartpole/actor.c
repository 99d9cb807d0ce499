/* SPDX-License-Identifier: MIT */
/* actor: the player, joined to replay, to whoever has the weights, and to the counter. */
#include <lpad/replay.h>

#include "counting.h"
#include "player.h"
#include "weights.h"

static const double shortest = 1e-4;    /* seconds; what takes less was not held up */

struct actor {
	int64_t n_step, pull_every;
	double epsilon, step_delay;
	lpad_handle *replay, *counter, *learner;
	lpad_subscription *parameters;

	struct player player;
	lpad_writer writer;
	struct counting counting;
	int64_t pull_steps;             /* of its own, between two pulls: it makes one of `replicas` steps */
	int64_t learner_steps;          /* behind the weights that it plays by; -1: it has none */
	double began, blocked;          /* when, and how long replay held it up since: seconds */
};

static int check(lpad_node *node)
{
	const struct actor *me = lpad_state(node);
	if (!me->learner == !me->parameters)
		return lpad_fail(node, "edges.learner: weights come through this handle or through the subscription `parameters`: one of them");
	return 0;
}

/* ---- weights: by calls, from the learner or a cache, or from a topic ---- */

static int fetch(struct actor *me, lpad_message **message)
{
	if (me->learner)
		return lpad_call_to(me->learner, 0, "parameters", NULL, message, lpad_default());
	int code = lpad_take(me->parameters, message, me->learner_steps < 0 ? lpad_never() : lpad_in(0));
	return code == LPAD_ETIMEDOUT ? 0 : code;       /* there are no newer ones */
}

static int pull(struct actor *me)
{
	lpad_message *message = NULL;
	int code = fetch(me, &message);
	if (message)
		code = weights_read(message, &me->player.network, &me->learner_steps);
	lpad_free(message);
	return code;
}

/* ---- transitions: an item of one step each ---- */

static const lpad_tensor columns[] = {
	{ .name = "observation", .type = LPAD_F32, .rank = 1, .shape = { OBSERVATION } },
	{ .name = "action", .type = LPAD_I64, .rank = 0 },
	{ .name = "reward", .type = LPAD_F32, .rank = 0 },
	{ .name = "discount", .type = LPAD_F32, .rank = 0 },
	{ .name = "next_observation", .type = LPAD_F32, .rank = 1, .shape = { OBSERVATION } },
	{ .name = "id", .type = LPAD_I64, .rank = 1, .shape = { IDENTITY } },
	LPAD_END
};

static int put(void *context, const struct transition *transition)
{
	struct actor *me = context;
	const void *const row[] = { transition->observation, &transition->action, &transition->reward, &transition->discount,
		transition->next_observation, transition->id };
	double from = counting_now();
	int code = lpad_writer_append(&me->writer, row, lpad_never());
	if (!code)
		code = lpad_writer_item(&me->writer, "transitions", 1, 1, lpad_never());
	double took = counting_now() - from;
	if (took > shortest)
		me->blocked += took;
	return code;
}

/* ---- the loop ---- */

static int report(lpad_node *node, struct actor *me)
{
	const struct player *player = &me->player;
	if (!counting_due(&me->counting))
		return 0;
	if (player->episodes)
		lpad_report(node, "return", player->score, player->steps);
	return counting_send(&me->counting, (struct count[]){ { "actor_steps", (double)player->steps },
		{ "episodes", (double)player->episodes }, { "blocked", me->blocked }, { "seconds", counting_now() - me->began }, { NULL, 0 } });
}

static int step(lpad_node *node, struct actor *me)
{
	int code = me->player.steps % me->pull_steps ? 0 : pull(me);
	if (!code && me->step_delay > 0 && !lpad_wait_stop(node, lpad_in(me->step_delay)))
		return LPAD_ESTOPPED;
	if (!code)
		code = player_step(&me->player);
	return code ? code : report(node, me);
}

static int run(lpad_node *node)
{
	struct actor *me = lpad_state(node);
	lpad_writer_options options = { .columns = columns, .in_flight = 2, .items_per_call = 8 };
	int code = lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_never());
	me->began = counting_now();
	while (!code)
		code = lpad_stopping(node) ? LPAD_ESTOPPED : step(node, me);
	lpad_writer_close(&me->writer, lpad_in(0));
	counting_release(&me->counting);
	return code;
}

static int init(lpad_node *node)
{
	struct actor *me = lpad_state(node);
	me->counting.counter = me->counter;
	me->learner_steps = -1;
	me->pull_steps = (me->pull_every + lpad_replicas(node) - 1) / lpad_replicas(node);
	return player_init(&me->player, node, me->epsilon, me->n_step, put, me);
}

static void fini(lpad_node *node)
{
	struct actor *me = lpad_state(node);
	player_release(&me->player);
}

static const lpad_param params[] = {
	LPAD_REAL(struct actor, epsilon, "0.3", "0..1", "how often an action is drawn at random"),
	LPAD_INT(struct actor, n_step, "10", "1..1000", "steps in a transition"),
	LPAD_INT(struct actor, pull_every, "100", "1..", "steps of all actors between two looks at the weights"),
	LPAD_DURATION(struct actor, step_delay, "0s", "0s..", "how long a step takes besides: a slower game"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct actor, replay, LPAD_ONE, "open append", "where transitions go"),
	LPAD_HANDLE(struct actor, counter, LPAD_OPTIONAL, "count", "who counts steps"),
	LPAD_HANDLE(struct actor, learner, LPAD_OPTIONAL, "parameters", "who is asked for weights"),
	LPAD_END
};
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct actor, parameters, LPAD_LATEST, "weights", .optional = true, .signature = WEIGHTS_SIGNATURE),
	LPAD_END
};

LPAD_MODULE({ .name = "actor", .help = "plays CartPole, and learns nothing", .state = sizeof(struct actor), .params = params,
	.handles = handles, .subscriptions = subscriptions, .check = check, .init = init, .run = run, .fini = fini });
