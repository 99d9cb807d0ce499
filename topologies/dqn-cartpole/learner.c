/* SPDX-License-Identifier: MIT */
/* learner: the agent, joined to replay and to those who want its weights. It samples ahead while it learns, and survives its death. */
#include <stdio.h>
#include <string.h>

#include <lpad/replay.h>

#include "agent.h"
#include "counting.h"
#include "twice.h"
#include "weights.h"

struct learner {
	int64_t batch, target_every, publish_every, save_every, ahead;
	double lr;
	lpad_handle *replay, *counter;
	lpad_topic *parameters;

	struct agent agent;
	lpad_sampler sampler;
	lpad_message *newest;           /* weights, for callers; under the node's lock */
	struct counting counting;
	struct twice twice;
	int replay_incarnation;         /* whose keys `twice` knows */
	int64_t steps;                  /* in this life */
	double began, blocked, loss;
};

/* ---- weights for others ---- */

static int publish(lpad_node *node, struct learner *me)
{
	lpad_message *now = weights_message(&me->agent.online, me->agent.steps), *before;
	lpad_message *copy = lpad_share(now);
	lpad_lock(node);
	before = me->newest;
	me->newest = now;
	lpad_unlock(node);
	lpad_free(before);
	return lpad_publish(me->parameters, copy);
}

static int parameters(lpad_node *node, lpad_call *call)
{
	struct learner *me = lpad_state(node);
	lpad_lock(node);
	lpad_message *newest = lpad_share(me->newest);
	lpad_unlock(node);
	return lpad_answer(call, newest);
}

/* ---- its own checkpoint ---- */

static void saved_in(lpad_node *node, char *path, size_t room)
{
	snprintf(path, room, "%s/learner.safetensors", lpad_folder(node));
}

static const char *const parts[] = { "online", "target", "mean", "square" };
enum { PARTS = sizeof parts / sizeof parts[0] };

static void networks_of(struct agent *agent, struct network *networks[PARTS])
{
	networks[0] = &agent->online;
	networks[1] = &agent->target;
	networks[2] = &agent->mean;
	networks[3] = &agent->square;
}

static int save(lpad_node *node, struct learner *me)
{
	lpad_tensor tensors[PARTS + 1] = { { .name = "steps", .type = LPAD_I64, .rank = 0 } };
	struct network *networks[PARTS];
	char path[4096];
	networks_of(&me->agent, networks);
	for (int i = 0; i < PARTS; i++)
		tensors[i + 1] = (lpad_tensor){ .name = parts[i], .type = LPAD_F32, .rank = 1, .shape = { PARAMETERS } };
	lpad_message *message = lpad_tensors(PARTS + 1, tensors);
	memcpy(lpad_data(message, "steps"), &me->agent.steps, sizeof me->agent.steps);
	for (int i = 0; i < PARTS; i++)
		memcpy(lpad_data(message, parts[i]), networks[i], sizeof *networks[i]);
	saved_in(node, path, sizeof path);
	int code = lpad_save(message, path);
	lpad_free(message);
	return code;
}

static int read_parts(const lpad_message *message, struct agent *agent)
{
	struct network *networks[PARTS];
	const int64_t *steps = lpad_view(message, "steps", LPAD_I64, 0, NULL);
	networks_of(agent, networks);
	for (int i = 0; steps && i < PARTS; i++) {
		const float *from = lpad_view(message, parts[i], LPAD_F32, 1, (int64_t[]){ PARAMETERS });
		if (!from)
			return LPAD_EBROKEN;
		memcpy(networks[i], from, sizeof *networks[i]);
	}
	if (steps)
		agent->steps = *steps;
	return steps ? 0 : LPAD_EBROKEN;
}

static int restore(lpad_node *node, struct learner *me)
{
	char path[4096];
	lpad_message *message;
	saved_in(node, path, sizeof path);
	int code = lpad_load(path, &message);
	if (code)
		return code == LPAD_ENOTFOUND ? 0 : code;       /* the first life */
	code = read_parts(message, &me->agent);
	lpad_free(message);
	if (!code)
		lpad_log(node, "goes on after %lld steps", (long long)me->agent.steps);
	return code;
}

/* ---- the loop ---- */

static int report(lpad_node *node, struct learner *me)
{
	if (!counting_due(&me->counting))
		return 0;
	lpad_report(node, "loss", me->loss, me->agent.steps);
	return counting_send(&me->counting, (struct count[]){ { "learner_steps", (double)me->steps },
		{ "inserted_twice", (double)me->twice.found }, { "blocked", me->blocked }, { "seconds", counting_now() - me->began }, { NULL, 0 } });
}

static int learn(struct learner *me, const lpad_message *message)
{
	lpad_sampled sampled;
	if (lpad_sampled_view(message, &sampled))
		return LPAD_EINVALID;
	const int64_t four = OBSERVATION, three = IDENTITY;
	struct batch batch = { .count = (int)sampled.batch,
		.observation = lpad_sampled_column(&sampled, "observation", LPAD_F32, 1, &four),
		.action = lpad_sampled_column(&sampled, "action", LPAD_I64, 0, NULL),
		.reward = lpad_sampled_column(&sampled, "reward", LPAD_F32, 0, NULL),
		.discount = lpad_sampled_column(&sampled, "discount", LPAD_F32, 0, NULL),
		.next_observation = lpad_sampled_column(&sampled, "next_observation", LPAD_F32, 1, &four) };
	const int64_t (*ids)[IDENTITY] = lpad_sampled_column(&sampled, "id", LPAD_I64, 1, &three);
	if (!batch.observation || !batch.action || !batch.reward || !batch.discount || !batch.next_observation || !ids)
		return LPAD_EINVALID;
	if (lpad_sender_incarnation(message) != me->replay_incarnation)
		twice_forget(&me->twice);
	me->replay_incarnation = lpad_sender_incarnation(message);
	for (int i = 0; i < batch.count; i++)
		twice_note(&me->twice, ids[i], sampled.keys[i]);
	me->loss = agent_learn(&me->agent, &batch);
	me->steps++;
	return 0;
}

static int step(lpad_node *node, struct learner *me)
{
	lpad_message *message;
	double from = counting_now();
	int code = lpad_sampler_next(&me->sampler, &message, lpad_never());
	me->blocked += counting_now() - from;
	if (!code)
		code = learn(me, message);
	lpad_free(message);
	if (!code && me->agent.steps % me->publish_every == 0)
		code = publish(node, me);
	if (!code && me->agent.steps % me->save_every == 0)
		code = save(node, me);
	return code ? code : report(node, me);
}

static int run(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	int code = lpad_publish(me->parameters, lpad_share(me->newest));
	if (!code)
		code = lpad_sampler_open(node, &me->sampler, me->replay, 0, "transitions", (int)me->batch, (int)me->ahead);
	me->began = counting_now();
	while (!code)
		code = step(node, me);
	lpad_sampler_close(&me->sampler);
	counting_release(&me->counting);
	return code;
}

static int init(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	lpad_rng weights = lpad_random(node, "weights");
	me->counting.counter = me->counter;
	me->agent.lr = me->lr;
	me->agent.target_every = me->target_every;
	agent_init(&me->agent, &weights);
	int code = restore(node, me);
	if (!code)
		me->newest = weights_message(&me->agent.online, me->agent.steps);
	return code;
}

static void fini(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	if (me->steps && save(node, me))
		lpad_log(node, "%s", lpad_error());
	twice_release(&me->twice);
	lpad_free(me->newest);
}

static const lpad_param params[] = {
	LPAD_INT(struct learner, batch, "64", "1..", "transitions in a step"),
	LPAD_REAL(struct learner, lr, "1e-3", "0..1", "Adam's step size"),
	LPAD_INT(struct learner, target_every, "400", "1..", "steps between two copies of the target network"),
	LPAD_INT(struct learner, publish_every, "50", "1..", "steps between two publications of the weights"),
	LPAD_INT(struct learner, save_every, "1000", "1..", "steps between two checkpoints"),
	LPAD_INT(struct learner, ahead, "4", "1..100", "batches that are asked for ahead"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct learner, replay, LPAD_ONE, "sample", "where batches come from"),
	LPAD_HANDLE(struct learner, counter, LPAD_OPTIONAL, "count", "who counts steps"),
	LPAD_END
};
static const lpad_topic_decl topics[] = {
	LPAD_TOPIC(struct learner, parameters, "weights", .signature = WEIGHTS_SIGNATURE),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_METHOD(parameters, "the newest weights", .idempotent = true, .reply = WEIGHTS_SIGNATURE),
	LPAD_END
};

LPAD_MODULE({ .name = "learner", .help = "double DQN", .state = sizeof(struct learner), .params = params, .handles = handles,
	.methods = methods, .topics = topics, .init = init, .run = run, .fini = fini });
