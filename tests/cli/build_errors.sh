# SPDX-License-Identifier: MIT
# What the compiler refuses stands at its place in the C file, and once more where the topology names the file.
source "$TESTS/lib.sh"
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.c}\n' > topo.yaml

cat > node.c <<'END'
#include <lpad/node.h>

static int run(lpad_node *node)
{
	int a = undeclared_thing;
	(void)node;
	return a;
}

LPAD_MODULE({ .name = "node", .run = run });
END
run_lpad check
assert_exit 1
assert_contains "$out" 'node.c:5:10: error: '
assert_contains "$out" 'undeclared_thing'
assert_contains "$out" '    5 | 	int a = undeclared_thing;'
assert_contains "$out" 'topo.yaml:4:18: error: node.c does not compile [module-compile]'
assert_equal 'node.c 5 10 error compiler' \
	"$("$LPAD" check --json | jq -r 'select(.rule == "compiler") | "\(.file) \(.line) \(.column) \(.severity) \(.rule)"')"
# The cause comes before the consequence.
[[ $(grep -n 'does not compile' out | cut -d: -f1) -gt $(grep -n 'node.c:5:10' out | cut -d: -f1) ]] || fail "order"

# A header that is not there, a member of another type.
echo '#include "nowhere.h"' > node.c
run_lpad check
assert_exit 1
assert_contains "$out" 'node.c:1:'
assert_contains "$out" 'nowhere.h'
cat > node.c <<'END'
#include <lpad/node.h>
struct state { int32_t steps; };
static const lpad_param params[] = { LPAD_INT(struct state, steps, "1", NULL, "steps"), LPAD_END };
LPAD_MODULE({ .name = "node", .state = sizeof(struct state), .params = params });
END
run_lpad check
assert_exit 1
assert_contains "$out" 'node.c:3:'
assert_contains "$out" 'the member has another type than'

# What no library has is found when it is linked, not when a node is loaded. (With a sanitizer only then.)
cat > node.c <<'END'
#include <lpad/node.h>
int somewhere_else(void);
static int run(lpad_node *node)
{
	(void)node;
	return somewhere_else();
}
LPAD_MODULE({ .name = "node", .run = run });
END
run_lpad check
assert_exit 1
assert_contains "$out" 'somewhere_else'

# Warnings are shown, every time, and are no errors.
cat > node.c <<'END'
#include <lpad/node.h>
#warning this is unfinished
static int run(lpad_node *node)
{
	(void)node;
	return 0;
}
LPAD_MODULE({ .name = "node", .run = run });
END
for round in first second; do
	run_lpad check
	assert_exit 0
	assert_contains "$out" 'node.c:2:2: warning: ' "$round"
	assert_contains "$out" 'this is unfinished'
done

# No compiler.
CC=no-such-compiler run_lpad check
assert_exit 1
assert_contains "$out" 'topo.yaml:4:18: error: there is no compiler `no-such-compiler` to compile node.c with [no-compiler]'
assert_contains "$out" 'hint: apt install build-essential'
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.c, build: {compiler: other-compiler}}\n' > topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'there is no compiler `other-compiler`'

# What is no module file at all.
for word in node.rs node.o node; do
	printf 'lpad: 1\nname: t\nnodes:\n  node: {module: %s}\n' $word > topo.yaml
	run_lpad check
	assert_exit 1
	assert_contains "$out" "\`$word\` is neither a C source (.c), nor a C++ source (.cc, .cpp, .cxx), nor a shared object (.so) [module-kind]"
done
echo garbage > garbage.so
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: garbage.so}\n' > topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'topo.yaml:4:18: error: garbage.so is no module: it cannot be opened: '
