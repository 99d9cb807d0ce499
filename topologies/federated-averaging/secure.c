/* SPDX-License-Identifier: MIT */
#include "secure.h"

#include <math.h>
#include <string.h>

/* Weights in -4..4 as 0..65535. */
void input_of(const struct data *data, uint64_t seed, const struct task *task, uint32_t input[PARAMETERS])
{
	struct stream order = stream_of(seed + 7919 * (uint64_t)task->run, (uint64_t)(task->round * CLIENTS + task->ids[0]));
	float weights[PARAMETERS];
	memcpy(weights, task->weights, sizeof weights);
	data_train(data, (int)task->split, task->ids[0] * ROWS, ROWS, &task->local, &order, weights);
	for (int i = 0; i < PARAMETERS; i++)
		input[i] = (uint32_t)lround((fmin(fmax((double)weights[i], -4), 4) + 4) / 8 * 65535);
}

void input_mean(const uint32_t *sum, int count, float *weights)
{
	for (int i = 0; i < PARAMETERS; i++)
		weights[i] = (float)(sum[i] / 65535.0 * 8 / count - 4);
}

static const lpad_param client_params[] = {
	LPAD_INT(struct secure_client, drop, "0", "0..16", "so many of the clients kill themselves in round 2"),
	LPAD_CHOICE(struct secure_client, drop_in, "mask", DROPS, "before they answer this"),
	LPAD_END
};
static const lpad_param run_fields[] = {
	LPAD_CHOICE(struct run, split, "iid", SPLITS, "how the samples lie with the clients"),
	LPAD_INT(struct run, epochs, "5", "1..", "of each client in a round"),
	LPAD_INT(struct run, batch, "10", "1..", "samples of one step"),
	LPAD_REAL(struct run, lr, "0.5", "0..", "size of a step"),
	LPAD_END
};
static const lpad_param server_params[] = {
	LPAD_INT(struct secure_server, threshold, "7", "2..16", "clients that have to stay to the end of a round"),
	LPAD_INT(struct secure_server, rounds, "8", "2..", "of each run"),
	LPAD_INT(struct secure_server, drop, "0", "0..16", "clients that kill themselves, for the checks"),
	LPAD_MAP(struct secure_server, runs, struct run, run_fields, "trainings, one after the other"),
	LPAD_END
};
static const lpad_handle_decl server_handles[] = {
	LPAD_HANDLE(struct secure_server, clients, LPAD_MANY, "advertise share mask unmask effort", "whose sum is formed"),
	LPAD_END
};
static const lpad_topic_decl server_topics[] = {
	LPAD_TOPIC(struct secure_server, model, "the weights after each round"),
	LPAD_END
};
LPAD_MODULE(
	{ .name = "client", .help = "trains, and shows its result under masks alone", .state = sizeof(struct secure_client),
	  .params = client_params, .methods = secure_client_methods, .check = secure_client_check, .init = secure_client_init,
	  .fini = secure_client_fini },
	{ .name = "server", .help = "adds up what it cannot read", .state = sizeof(struct secure_server), .params = server_params,
	  .handles = server_handles, .topics = server_topics, .check = secure_server_check, .run = secure_server_run },
	{ .name = "eval", .help = "accuracy of each round", .state = sizeof(struct eval), .params = eval_params,
	  .subscriptions = eval_subscriptions, .run = eval_run });
