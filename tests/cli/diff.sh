# SPDX-License-Identifier: MIT
# lpad diff: a repetition does not differ; what was changed does, side by side, with what came of it.
source "$TESTS/lib.sh"

cat > learner.c <<'C'
#include <lpad/node.h>

struct learner { double lr; lpad_topic *weights; };

static int run(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	for (int step = 1; step <= 3; step++)
		lpad_report(node, "loss", me->lr / step, step);
	return me->lr > 1 ? 9 : 0;
}

static const lpad_param params[] = {
	LPAD_REAL(struct learner, lr, "0.1", "", "learning rate"),
	LPAD_END
};
static const lpad_topic_decl topics[] = {
	LPAD_TOPIC(struct learner, weights, "what is learned"),
	LPAD_END
};
LPAD_MODULE({ .name = "learner", .state = sizeof(struct learner), .params = params, .topics = topics, .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: train
vars: {lr: 0.5, tag: none, more: {default: no, one_of: [yes, no]}}
nodes:
  learner: {module: learner.c, params: {lr: $lr}, env: {TAG: $tag}}
  other: {module: learner.c, when: {more: yes}}
YAML
for changes in "" "" "--set lr=2" "--set more=yes --set tag=a,b"; do
	"$LPAD" launch --quiet $changes 2> launch.err || [ $? = 9 ] || fail "launch: $(cat launch.err)"
done

# differs EXIT STDOUT ARGUMENT...
differs() {
	local wanted=$1 text=$2
	shift 2
	run_lpad diff "$@"
	assert_exit "$wanted"
	assert_equal "$text" "$out" "diff $*"
}
differs 0 "" train-1 train-2
differs 0 '{"schema":1,"runs":["train-1","train-2"],"same":true,"differences":[]}' --json train-1 train-2
differs 0 "" train-3 "$XDG_STATE_HOME/lpad/runs/train-3"
differs 3 "" train-1 train-7
assert_contains "$err" "there is no run train-7"
differs 2 "" train-1
differs 1 "                   train-1    train-3
vars.lr            0.5        2
status             completed  failed
exit               0          9
learner.params.lr  0.5        2
learner.exit       0          9
learner.loss.last  0.166667   0.666667
learner.loss.min   0.166667   0.666667
learner.loss.max   0.5        2
learner.failure    -          run returned 9" train-1 train-3
# What only one of them has is one line.
differs 1 "                 train-1  train-4
vars.tag         none     a,b
vars.more        no       yes
learner.env.TAG  none     a,b
other            -        yes" train-1 train-4
run_lpad diff train-4 train-1 --json
assert_exit 1
assert_equal '[false,{"what":"other","a":true},{"what":"vars.tag","a":"a,b","b":"none"}]' \
	"$(jq -c '[.same, .differences[-1], .differences[0]]' <<< "$out")"

# Another module, another edge, another number of replicas, and no result yet.
sed -i 's/learning rate/rate of learning/' learner.c
sed -i 's/other: .*/other: {module: sink.c}/; s/{TAG: $tag}/{TAG: $tag}, replicas: 2/' topo.yaml
sed -i 's/^vars: .*/vars: {lr: 0.5, tag: none}/' topo.yaml
cat > sink.c <<'C'
#include <lpad/node.h>

struct sink { lpad_subscription *weights; };

static int run(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct sink, weights, LPAD_LATEST, "what is learned"),
	LPAD_END
};
LPAD_MODULE({ .name = "sink", .state = sizeof(struct sink), .subscriptions = subscriptions, .run = run });
C
echo 'edges: [learner.weights -> other.weights]' >> topo.yaml
start_lpad launch --quiet
wait_until file_has "$XDG_STATE_HOME/lpad/runs/train-5/metrics.jsonl" '"learner/1".*"step":3'
run_lpad diff train-4 train-5
assert_exit 1
for row in "topology.yaml  *[0-9a-f]{12}  *[0-9a-f]{12}" "state  *ended  *running" "exit  *0  *-" "learner.module hash  *[0-9a-f]{12}  *[0-9a-f]{12}" \
	"learner.weights -> other.weights  *-  *yes" "other.implementation  *learner  *sink" "learner/1  *-  *yes" "learner.replicas  *1  *2"; do
	grep -qE "^$row *\$" out || fail "no row $row in: $out"
done
assert_lacks "$out" "other.weights.keep"
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130

# Its repetition has the same modules, in another place.
"$LPAD" launch --quiet --name again --again train-1 2> launch.err || fail "again: $(cat launch.err)"
run_lpad diff --json train-1 again-1
assert_equal "name" "$(jq -r '.differences[].what' out)"
"$LPAD" launch --quiet --again train-1 2> launch.err || fail "again: $(cat launch.err)"
differs 0 "" train-1 latest
