/* SPDX-License-Identifier: MIT */
/* The shape of a learning program, without the learning: for the commands around it. */
#include <stdio.h>
#include <string.h>

#include <lpad/node.h>

struct part {
	double lr;
	int64_t steps;                  /* 0: until it is stopped */
	lpad_handle *replay;
	lpad_topic *weights;
	int64_t items, step;
};

/* ---- replay ---- */

static int insert(lpad_node *node, lpad_call *call)
{
	((struct part *)lpad_state(node))->items++;
	return lpad_answer(call, NULL);
}

static int status(lpad_node *node, lpad_call *call)
{
	struct part *me = lpad_state(node);
	char text[80];
	snprintf(text, sizeof text, "{\"tables\": {\"transitions\": %lld}}", (long long)me->items);
	return lpad_answer(call, lpad_json(text));
}

/* ---- the others ---- */

static int act(lpad_node *node)
{
	struct part *me = lpad_state(node);
	while (!lpad_stopping(node)) {
		int code = lpad_call_to(me->replay, 0, "insert", NULL, NULL, lpad_default());
		if (code)
			return code;
		lpad_wait_stop(node, lpad_in(0.01));
	}
	return 0;
}

/* Where it was is in its folder. */
static int restore(lpad_node *node)
{
	struct part *me = lpad_state(node);
	char path[4096];
	snprintf(path, sizeof path, "%s/step", lpad_folder(node));
	FILE *file = fopen(path, "r");
	long long step = 0;
	if (file) {
		if (fscanf(file, "%lld", &step) == 1)
			lpad_log(node, "goes on at step %lld", step);
		fclose(file);
	}
	me->step = step;
	return 0;
}

static void save(lpad_node *node)
{
	struct part *me = lpad_state(node);
	char path[4096];
	snprintf(path, sizeof path, "%s/step", lpad_folder(node));
	FILE *file = fopen(path, "w");
	if (file) {
		fprintf(file, "%lld\n", (long long)me->step);
		fclose(file);
	}
}

static int learn(lpad_node *node)
{
	struct part *me = lpad_state(node);
	while (!lpad_stopping(node) && (!me->steps || me->step < me->steps)) {
		int64_t step = ++me->step;
		lpad_report(node, "loss", 1.0 / (double)step, step);
		if (lpad_publish(me->weights, lpad_bytes(&step, sizeof step)))
			break;
		lpad_wait_stop(node, lpad_in(0.01));
	}
	return 0;
}

static int evaluate(lpad_node *node, const lpad_message *weights)
{
	struct part *me = lpad_state(node);
	const int64_t *step = lpad_body(weights, sizeof *step);
	if (!step)
		return LPAD_EINVALID;
	lpad_report(node, "return", (double)*step * me->lr * 1000, *step);
	return 0;
}

static const lpad_param learner_params[] = {
	LPAD_INT(struct part, steps, "0", "0..", "steps to learn; 0: until it is stopped"), LPAD_END };
static const lpad_param evaluator_params[] = { LPAD_REAL(struct part, lr, "0.001", "0..", "learning rate"), LPAD_END };
static const lpad_handle_decl handles[] = { LPAD_HANDLE(struct part, replay, LPAD_ONE, "insert", "who keeps what is seen"), LPAD_END };
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct part, weights, "a step"), LPAD_END };
static const lpad_subscription_decl subscriptions[] = {
	{ .name = "weights", .keep = 1, .on = evaluate, .help = "to be looked at" }, LPAD_END };
static const lpad_method methods[] = {
	{ .name = "insert", .call = insert, .help = "one transition" },
	{ .name = "status", .call = status, .help = "how many there are" }, LPAD_END };
LPAD_MODULE(
	{ .name = "replay", .state = sizeof(struct part), .methods = methods },
	{ .name = "actor", .state = sizeof(struct part), .handles = handles, .run = act },
	{ .name = "learner", .state = sizeof(struct part), .params = learner_params, .topics = topics, .init = restore, .run = learn,
		.fini = save },
	{ .name = "evaluator", .state = sizeof(struct part), .params = evaluator_params, .subscriptions = subscriptions });
