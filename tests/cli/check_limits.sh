# SPDX-License-Identifier: MIT
# More threads than the machine has are warned of.
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
