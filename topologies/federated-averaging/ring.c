/* SPDX-License-Identifier: MIT */
/*
 * No server: each peer trains on its part of the samples, then averages with its two neighbours again and again, with weights of 1/3
 * (gossip; Xiao, Boyd 2004). The distance from the average of all shrinks by (1 + 2 cos(2 pi / n)) / 3 each time at least.
 */
#include "federated.h"

#include <string.h>

static void publish(struct peer *me, int peers, int64_t round, enum phase phase, const float *weights)
{
	struct model model = { .round = round, .clients = peers, .gossip = me->gossip, .phase = phase, .run = "ring" };
	memcpy(model.weights, weights, sizeof model.weights);
	lpad_publish(me->model, lpad_bytes(&model, sizeof model));
}

static int receive(struct peer *me, lpad_handle *from, float *weights)
{
	lpad_call *call;
	int code = lpad_next_from(me->neighbour, from, 0, &call, lpad_default());
	if (code)
		return code;
	const float *body = lpad_body(lpad_request(call), PARAMETERS * sizeof *weights);
	if (!body)
		return lpad_refuse(call, LPAD_EINVALID, "not a neighbour's weights");
	memcpy(weights, body, PARAMETERS * sizeof *weights);
	return lpad_answer(call, NULL);
}

static int exchange(struct peer *me, float *weights)
{
	float left[PARAMETERS], right[PARAMETERS];
	lpad_message *mine = lpad_bytes(weights, sizeof left);
	lpad_future *to_left = lpad_start(me->left, 0, "neighbour", lpad_share(mine), lpad_default());
	lpad_future *to_right = lpad_start(me->right, 0, "neighbour", mine, lpad_default());
	int code = receive(me, me->left, left);
	code = code ? code : receive(me, me->right, right);
	int sent = lpad_wait(to_left, NULL), sent_right = lpad_wait(to_right, NULL);
	if (code || sent || sent_right)
		return code ? code : sent ? sent : sent_right;
	for (int i = 0; i < PARAMETERS; i++)
		weights[i] = (left[i] + weights[i] + right[i]) / 3;
	return 0;
}

int peer_check(lpad_node *node)
{
	if (lpad_replicas(node) < 3 || GLYPHS_TRAIN % lpad_replicas(node))
		return lpad_fail(node, "replicas: a ring has 3 or more that share %d samples evenly", GLYPHS_TRAIN);
	return 0;
}

static int take_part(lpad_node *node, struct peer *me, const struct data *data)
{
	static const struct local how = { .epochs = 5, .batch = 10, .lr = 0.5 };
	struct stream start = stream_of((uint64_t)lpad_seed(node), 0);
	struct stream order = stream_of((uint64_t)lpad_seed(node), 2000 + (uint64_t)lpad_index(node));
	int peers = lpad_replicas(node), count = GLYPHS_TRAIN / peers, code = 0;
	float weights[PARAMETERS];
	mlp32_start(weights, HIDDEN, &start);
	for (int64_t round = 1; round <= me->rounds && !code; round++) {
		data_train(data, SPLIT_IID, lpad_index(node) * count, count, &how, &order, weights);
		publish(me, peers, round, PHASE_BEFORE, weights);
		for (int64_t i = 0; i < me->gossip && !code; i++)
			code = exchange(me, weights);
		if (!code)
			publish(me, peers, round, PHASE_AFTER, weights);
	}
	return code;
}

int peer_run(lpad_node *node)
{
	struct data *data = data_new((uint64_t)lpad_seed(node));
	int code = data ? take_part(node, lpad_state(node), data) : lpad_fail(node, "out of memory");
	data_free(data);
	return code;
}
