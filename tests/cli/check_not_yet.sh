# SPDX-License-Identifier: MIT
# What launch refuses although the file is right, check warns of; and more threads than the machine has.
source "$TESTS/lib.sh"

cat > node.c <<'END'
#include <lpad/node.h>
struct node { lpad_handle *next; };
static int run(lpad_node *node) { (void)node; return 0; }
static int work(lpad_node *node, lpad_call *call) { (void)node, (void)call; return 0; }
static const lpad_handle_decl handles[] = { LPAD_HANDLE(struct node, next, LPAD_OPTIONAL, "work", "the next"), LPAD_END };
static const lpad_method methods[] = { LPAD_METHOD(work, "nothing"), LPAD_END };
LPAD_MODULE({ .name = "node", .state = sizeof(struct node), .handles = handles, .methods = methods, .run = run });
END
cat > topo.yaml <<'END'
lpad: 1
name: later
nodes:
  node: {module: node.c, on_failure: restart, process: together}
  plot: {command: [cat], methods: [draw]}
END
run_lpad check
assert_exit 0
for piece in ':5:35: warning: plot: ports other than stdin and stdout: ' 'topo.yaml: 1 warning, 2 nodes'; do
	assert_contains "$out" "$piece"
done
assert_equal '1' "$("$LPAD" check --json | jq -r 'select(.rule == "not-yet" and .severity == "warning") | .rule' | wc -l)"
run_lpad launch
assert_exit 125
assert_contains "$err" ':5:35: error: plot: ports other than stdin and stdout: '

# No Linux has so many process ids.
cat > topo.yaml <<'END'
lpad: 1
name: many
vars: {n: 1}
nodes:
  node: {module: node.c, replicas: $n}
edges:
  - node.next -> node: {map: next}
END
run_lpad check
assert_exit 0
assert_lacks "$out" many-threads
run_lpad check --set n=1000000
assert_exit 0
assert_contains "$out" 'topo.yaml:5:36: warning: 1000000 processes have about '
assert_contains "$out" 'threads; this machine allows '
assert_contains "$out" '[many-threads]'
