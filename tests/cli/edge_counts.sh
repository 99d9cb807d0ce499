# SPDX-License-Identifier: MIT
# What result.json counts on an edge: every message at every subscriber, published bytes once, delivered bytes at each.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: counts
defaults: {module: $TESTS/nodes/steady.c}
nodes:
  source: {}
  sink: {replicas: 3}
  adder: {implementation: sink}
edges:
  - source.number -> sink.number
  - source.number -> adder.number
  - source.adder -> adder
YAML
touch go-on
run_lpad launch --quiet
assert_equal 0 "$code" "$err"
result=$XDG_STATE_HOME/lpad/runs/latest/result.json
counts() { jq -r ".edges[$1] | \"\(.published) \(.received // .to.received) \(.dropped) \(.lost) \(.bytes) \(.to.delivered_bytes)\"" "$result"; }
assert_equal "6000 6000 0 0 16000 48000" "$(counts 0)" "three subscribers"
assert_equal "2000 2000 0 0 16000 16000" "$(counts 1)" "one subscriber"
assert_equal "2000 32000 16000" "$(jq -r '.edges[2] | "\(.messages) \(.bytes) \(.delivered_bytes)"' "$result")" "calls"

# A node whose run fails has told what it counted until then.
cat > failing.c <<'C'
#include <lpad/node.h>
struct talker { lpad_topic *word; };
struct listener { lpad_subscription *word; };
static int talk(lpad_node *node)
{
	struct talker *me = lpad_state(node);
	for (int i = 0; i < 5; i++)
		lpad_publish(me->word, lpad_bytes("word", 4));
	return 7;
}
static int listen(lpad_node *node) { return lpad_wait_stop(node, lpad_never()); }
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct talker, word, "five"), LPAD_END };
static const lpad_subscription_decl subscriptions[] = { LPAD_SUBSCRIPTION(struct listener, word, LPAD_ALL, "them"), LPAD_END };
LPAD_MODULE({ .name = "talker", .state = sizeof(struct talker), .topics = topics, .run = talk },
	{ .name = "listener", .state = sizeof(struct listener), .subscriptions = subscriptions, .run = listen });
C
cat > failing.yaml <<'YAML'
lpad: 1
name: failing
defaults: {module: failing.c}
nodes: {talker: {}, listener: {}}
edges: [talker.word -> listener.word]
YAML
run_lpad launch --quiet failing.yaml
assert_exit 7
assert_equal "5 20" "$(jq -r '.edges[0].from | "\(.messages) \(.bytes)"' "$result")" "what it had published"
