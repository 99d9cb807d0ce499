/* SPDX-License-Identifier: MIT */
/* The module that the examples of lpad-topology(5) name: every port and parameter that stands there. */
#include <lpad/node.h>

struct learner {
	double lr;
	int64_t steps;
	lpad_ints sizes;
	lpad_handle *replay;
	lpad_topic *weights;
};
static const lpad_param learner_params[] = {
	LPAD_REAL(struct learner, lr, "1e-3", "0..1", "rate"), LPAD_INT(struct learner, steps, "100", "1..", "steps"),
	LPAD_INTS(struct learner, sizes, "", "1..", "sizes"), LPAD_END };
static const lpad_handle_decl learner_handles[] = {
	LPAD_HANDLE(struct learner, replay, LPAD_OPTIONAL, "sample", "data"), LPAD_END };
static const lpad_topic_decl learner_topics[] = { LPAD_TOPIC(struct learner, weights, "newest weights"), LPAD_END };

struct limiter { double samples_per_insert; int64_t min_size; };
static const lpad_param limiter_fields[] = {
	LPAD_REAL(struct limiter, samples_per_insert, "1", "0..", "how often an item is sampled"),
	LPAD_INT(struct limiter, min_size, "1", "1..", "items before the first sample"), LPAD_END };
struct table { int32_t sampler; int64_t max_size; struct limiter limiter; };
static const lpad_param table_fields[] = {
	LPAD_CHOICE(struct table, sampler, "uniform", "uniform fifo", "which item is next"),
	LPAD_INT(struct table, max_size, "1000", "1..", "items"),
	LPAD_OBJECT(struct table, limiter, limiter_fields, "who waits for whom"), LPAD_END };
struct checkpoint { double every; const char *to; };
static const lpad_param checkpoint_fields[] = {
	LPAD_DURATION(struct checkpoint, every, "10m", "1s..", "between two"),
	LPAD_PATH(struct checkpoint, to, "", "where it lies"), LPAD_END };
struct replay { int64_t max_size; lpad_map tables; struct checkpoint checkpoint; };
static const lpad_param replay_params[] = {
	LPAD_INT(struct replay, max_size, "1000", "1..", "items"),
	LPAD_MAP_OR(struct replay, tables, struct table, "{}", table_fields, "tables by name"),
	LPAD_OBJECT(struct replay, checkpoint, checkpoint_fields, "what is saved"), LPAD_END };

struct actor {
	double epsilon;
	lpad_handle *replay, *learner;
	lpad_subscription *weights;
};
static const lpad_param actor_params[] = {
	LPAD_REAL(struct actor, epsilon, "0.1", "0..1", "randomness"), LPAD_END };
static const lpad_handle_decl actor_handles[] = {
	LPAD_HANDLE(struct actor, replay, LPAD_OPTIONAL, "insert", "data"),
	LPAD_HANDLE(struct actor, learner, LPAD_OPTIONAL, "weights", "whom to ask"), LPAD_END };
static const lpad_subscription_decl actor_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct actor, weights, 1, "newest weights", .optional = true), LPAD_END };

struct evaluator { lpad_subscription *weights; };
static const lpad_subscription_decl evaluator_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct evaluator, weights, LPAD_ALL, "all weights"), LPAD_END };

struct caller { lpad_handle *server, *right, *left, *row, *down; };
static const lpad_handle_decl cache_handles[] = {
	LPAD_HANDLE(struct caller, server, LPAD_ONE, "call", "what it caches"), LPAD_END };
static const lpad_handle_decl client_handles[] = {
	LPAD_HANDLE_AS("parent", struct caller, server, LPAD_ONE, "call", "whom it asks"), LPAD_END };
static const lpad_handle_decl ring_handles[] = {
	LPAD_HANDLE(struct caller, right, LPAD_ONE, "call", "next"),
	LPAD_HANDLE(struct caller, left, LPAD_ONE, "call", "previous"), LPAD_END };
static const lpad_handle_decl proc_handles[] = {
	LPAD_HANDLE(struct caller, row, LPAD_MANY, "call", "my row"),
	LPAD_HANDLE(struct caller, down, LPAD_ONE, "call", "below me"), LPAD_END };

struct sensor { lpad_topic *reading; };
static const lpad_topic_decl sensor_topics[] = { LPAD_TOPIC(struct sensor, reading, "what it sees"), LPAD_END };

static int answer(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, NULL);
}
static const lpad_method calls[] = { LPAD_METHOD_AS("call", answer, "nothing"), LPAD_END };
static const lpad_method learner_methods[] = { LPAD_METHOD_AS("weights", answer, "newest weights"), LPAD_END };
static const lpad_method replay_methods[] = {
	LPAD_METHOD_AS("insert", answer, "adds"), LPAD_METHOD_AS("sample", answer, "draws"), LPAD_END };
static const lpad_method sensor_methods[] = { LPAD_METHOD_AS("set_rate", answer, "per second"), LPAD_END };

static int run(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

LPAD_MODULE(
	{ .name = "learner", .state = sizeof(struct learner), .params = learner_params, .handles = learner_handles,
	  .methods = learner_methods, .topics = learner_topics, .run = run },
	{ .name = "replay", .state = sizeof(struct replay), .params = replay_params, .methods = replay_methods },
	{ .name = "actor", .state = sizeof(struct actor), .params = actor_params, .handles = actor_handles,
	  .subscriptions = actor_subscriptions, .run = run },
	{ .name = "evaluator", .state = sizeof(struct evaluator), .subscriptions = evaluator_subscriptions, .run = run },
	{ .name = "cache", .state = sizeof(struct caller), .handles = cache_handles, .methods = calls },
	{ .name = "client", .state = sizeof(struct caller), .handles = client_handles, .run = run },
	{ .name = "ring", .state = sizeof(struct caller), .handles = ring_handles, .methods = calls, .run = run },
	{ .name = "proc", .state = sizeof(struct caller), .handles = proc_handles, .methods = calls, .run = run },
	{ .name = "shard", .methods = calls },
	{ .name = "server", .methods = calls },
	{ .name = "sensor", .state = sizeof(struct sensor), .methods = sensor_methods, .topics = sensor_topics, .run = run });
