# SPDX-License-Identifier: MIT
# A service's topics end at the drain, not when its run returns: what its callbacks still have to pass on arrives.
source "$TESTS/lib.sh"
cat > relay.c <<'END'
#include <lpad/node.h>

enum { COUNT = 50 };

struct relay { lpad_topic *out; };

static const lpad_topic_decl relay_topics[] = { LPAD_TOPIC(struct relay, out, "what came in"), LPAD_END };

static int in(lpad_node *node, const lpad_message *message)
{
	struct relay *me = lpad_state(node);
	lpad_wait_stop(node, lpad_never());     /* the source ends first, and with it the run of this node */
	return lpad_publish(me->out, lpad_share(message));
}

static const lpad_subscription_decl relay_subscriptions[] = { LPAD_ON(in, LPAD_ALL, "to be passed on"), LPAD_END };

static int relay(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

struct source { lpad_topic *out; };

static const lpad_topic_decl source_topics[] = { LPAD_TOPIC(struct source, out, "numbers"), LPAD_END };

static int source(lpad_node *node)
{
	struct source *me = lpad_state(node);
	int code = 0;
	for (int i = 0; i < COUNT && !code; i++)
		code = lpad_publish(me->out, lpad_bytes(&i, sizeof i));
	return code;
}

struct sink { int got; };

static int got(lpad_node *node, const lpad_message *message)
{
	struct sink *me = lpad_state(node);
	const int *number = lpad_body(message, sizeof *number);
	return number && *number == me->got++ ? 0 : lpad_fail(node, "not the number %d", me->got);
}

static const lpad_subscription_decl sink_subscriptions[] = { LPAD_ON(got, LPAD_ALL, "to be counted"), LPAD_END };

static void say_count(lpad_node *node)
{
	struct sink *me = lpad_state(node);
	lpad_log(node, "got %d", me->got);
}

LPAD_MODULE({ .name = "relay", .state = sizeof(struct relay), .topics = relay_topics,
		.subscriptions = relay_subscriptions, .run = relay, .service = true },
	{ .name = "source", .state = sizeof(struct source), .topics = source_topics, .run = source },
	{ .name = "sink", .state = sizeof(struct sink), .subscriptions = sink_subscriptions, .fini = say_count });
END
cat > topo.yaml <<'END'
lpad: 1
name: relayed
defaults: {module: relay.c}
nodes:
  source: {implementation: source}
  relay: {implementation: relay}
  sink: {implementation: sink}
edges:
  - source.out -> relay.in
  - relay.out -> sink.got
END
run_lpad launch
assert_exit 0
assert_contains "$out$err" 'got 50'
