/* SPDX-License-Identifier: MIT */
#include "federated.h"

static const lpad_handle_decl client_handles[] = {
	LPAD_HANDLE(struct client, parent, LPAD_ONE, "work", "who hands out tasks and adds up what comes of them"),
	LPAD_END
};
static const lpad_param peer_params[] = {
	LPAD_INT(struct peer, gossip, "40", "1..", "exchanges with both neighbours in a round"),
	LPAD_INT(struct peer, rounds, "5", "1..", "of training and gossip"),
	LPAD_END
};
static const lpad_handle_decl peer_handles[] = {
	LPAD_HANDLE(struct peer, left, LPAD_ONE, "neighbour", "the one before me in the ring"),
	LPAD_HANDLE(struct peer, right, LPAD_ONE, "neighbour", "the one behind me in the ring"),
	LPAD_END
};
static const lpad_method peer_methods[] = {
	LPAD_INBOX(struct peer, neighbour, "a neighbour's weights"),
	LPAD_END
};
static const lpad_topic_decl peer_topics[] = {
	LPAD_TOPIC(struct peer, model, "my weights, before and after gossip"),
	LPAD_END
};
static const lpad_param edge_params[] = {
	LPAD_INT(struct edge, clients, "10", "1..100", "nodes that host the 100 clients"),
	LPAD_END
};
static const lpad_handle_decl edge_handles[] = {
	LPAD_HANDLE(struct edge, parent, LPAD_ONE, "work", "who gets the sum"),
	LPAD_END
};
static const lpad_method edge_methods[] = {
	LPAD_INBOX(struct edge, work, "takes an update; answers with the next task, once there is one"),
	LPAD_END
};
static const lpad_param run_fields[] = {
	LPAD_CHOICE(struct run, split, "iid", SPLITS, "how the samples lie with the clients"),
	LPAD_INT(struct run, epochs, "5", "1..", "of each client in a round"),
	LPAD_INT(struct run, batch, "10", "1..", "samples of one step"),
	LPAD_REAL(struct run, lr, "0.5", "0..", "size of a step"),
	LPAD_REAL(struct run, clip, "0", "0..", "longest update of a client, by its Euclidean norm; 0: any"),
	LPAD_REAL(struct run, noise, "0", "0..", "added to the sum: its deviation, in times clip"),
	LPAD_END
};
static const lpad_param server_params[] = {
	LPAD_CHOICE(struct server, mode, "central", MODES, "who the children are: the clients, or edges"),
	LPAD_INT(struct server, clients, "10", "1..100", "nodes that host the 100 clients"),
	LPAD_INT(struct server, edges, "2", "1..100", "between them and the server"),
	LPAD_INT(struct server, rounds, "80", "1..", "of each run"),
	LPAD_MAP(struct server, runs, struct run, run_fields, "trainings, one after the other"),
	LPAD_END
};
static const lpad_method server_methods[] = {
	LPAD_INBOX(struct server, work, "takes an update; answers with the next task, once there is one"),
	LPAD_END
};
static const lpad_topic_decl server_topics[] = {
	LPAD_TOPIC(struct server, model, "the weights after each round"),
	LPAD_END
};
LPAD_MODULE(
	{ .name = "client", .help = "hosts some of the clients: trains on their samples", .state = sizeof(struct client),
	  .handles = client_handles, .check = client_check, .init = client_init, .run = client_run, .fini = client_fini },
	{ .name = "peer", .help = "trains on its part of the samples, averages with its neighbours", .state = sizeof(struct peer),
	  .params = peer_params, .handles = peer_handles, .methods = peer_methods, .topics = peer_topics, .check = peer_check,
	  .run = peer_run },
	{ .name = "edge", .help = "adds up for a part of the clients", .state = sizeof(struct edge), .params = edge_params, .handles = edge_handles,
	  .methods = edge_methods, .run = edge_run },
	{ .name = "server", .help = "chooses clients, averages", .state = sizeof(struct server), .params = server_params,
	  .methods = server_methods, .topics = server_topics, .check = server_check, .run = server_run },
	{ .name = "eval", .help = "accuracy of each round", .state = sizeof(struct eval), .params = eval_params,
	  .subscriptions = eval_subscriptions, .run = eval_run });
