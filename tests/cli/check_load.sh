# SPDX-License-Identifier: MIT
# A module that misbehaves while it is loaded is one problem at its word, and nothing of it survives.
source "$TESTS/lib.sh"

# check_module NAME: a topology of one node with that module; sets what run_lpad sets.
check_module() {
	cp "$TESTS/nodes/$1.c" . || fail "no module $1"
	printf 'lpad: 1\nname: t\nnodes:\n  node: {module: %s.c}\n' "$1" > topo.yaml
	run_lpad check
}

one_problem() {
	assert_exit 1
	assert_equal 1 "$(grep -c ': error: ' out)" "$1: problems"
	assert_contains "$out" "topo.yaml:4:18: error: $2"
	assert_contains "$out" "[$3]"
	assert_equal "" "$err" "$1: standard error"
}

check_module load_crash
one_problem load_crash 'load_crash.c crashes while it is loaded: signal ' module-crash
assert_contains "$out" 'hint: its last lines: about to crash'

check_module load_exit
one_problem load_exit 'load_exit.c ends the process while it is loaded: exit 3' module-crash

export LPAD_STEP_LIMIT=1
check_module load_hang
one_problem load_hang 'load_hang.c hangs while it is loaded: no answer within 1 s' module-hangs
unset LPAD_STEP_LIMIT
check_module load_close
one_problem load_close 'load_close.c ends the process while it is loaded: exit 0' module-crash

check_module load_print
one_problem load_print 'load_print.c prints while it is loaded: nothing may happen before init' module-prints
assert_contains "$out" 'its last lines: welcome to the library of great things'

check_module load_fork
one_problem load_fork 'load_fork.c starts a process while it is loaded: nothing may happen before init' module-forks

check_module load_detach
one_problem load_detach 'load_detach.c starts a process while it is loaded' module-forks
# The runner finds processes that the test leaves behind; here they must be gone already.
for pid in $(processes_with "SCRATCH=$SCRATCH"); do
	assert_lacks "$(tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null)" '--probe' 'a process of the module is left'
done

check_module no_symbol
one_problem no_symbol 'no_symbol.c is no module: it exports no lpad_module' module-refused

check_module wrong_abi
one_problem wrong_abi 'wrong_abi.c is no module: it was compiled for version 2 of the node contract, this lpad has version 1: compile it again' module-refused

check_module short_table
one_problem short_table 'short_table.c is no module: its table has 12 bytes' module-refused

check_module bad_rows
one_problem bad_rows 'bad_rows.c is no module: its table says that one param has 3 bytes' module-refused

check_module bad_declarations
one_problem bad_declarations 'bad_declarations.c is no module: implementation `node`: ' module-refused
assert_contains "$out" 'handle `server` is declared twice'
assert_contains "$out" 'parameter `steps` and parameter `again` share a member of the state'
assert_contains "$out" 'topic `topic` lies beyond the state (bytes 64 to 72 of 16)'
assert_contains "$out" 'subscription `on` does not say what it keeps'

# All of them at once: one problem each, whatever the others do.
cat > topo.yaml <<'END'
lpad: 1
name: t
nodes:
  a: {module: load_crash.c}
  b: {module: load_print.c}
  c: {module: load_fork.c}
  d: {module: load_exit.c}
  e: {module: globals.c, implementation: node}
END
cp "$TESTS/nodes/globals.c" .
run_lpad check
assert_exit 1
assert_equal 4 "$(grep -c ': error: ' out)" "problems of four modules"
for place in 4:15 5:15 6:15 7:15; do
	assert_contains "$out" "topo.yaml:$place: error:"
done

# A default that its own range does not allow is the module's error, also where nothing depends on it.
cat > default.c <<'END'
#include <lpad/node.h>
struct node { int64_t steps; };
static int run(lpad_node *node) { (void)node; return 0; }
static const lpad_param params[] = { LPAD_INT(struct node, steps, "0", "1..", ""), LPAD_END };
LPAD_MODULE({ .name = "node", .state = sizeof(struct node), .params = params, .run = run });
END
printf 'lpad: 1\nname: t\nvars: {count: 2}\nnodes:\n  node: {module: default.c, params: {steps: $count}}\n' > topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'default.c declares the default `0` for parameter `steps` of `node`: steps is 0, but must be at least 1'
run_lpad describe default.c
assert_exit 1
assert_contains "$err" 'default.c declares the default `0` for parameter `steps` of `node`: steps is 0, but must be at least 1'
assert_contains "$out" 'steps  int  = 0'

# --set NAME= gives nothing, and no quotes.
run_lpad check --set count=
assert_exit 1
assert_contains "$out" 'steps wants a whole number, but is empty (set by --set count) [param-type]'
assert_lacks "$out" quotes

# An array without its end, and behind it what is no pointer.
cat > endless.c <<'END'
#include <lpad/node.h>
static int run(lpad_node *node) { (void)node; return 0; }
static int work(lpad_node *node, lpad_call *call) { (void)node, (void)call; return 0; }
static const struct { lpad_method rows[1]; uintptr_t behind[100]; } methods = {
	{ LPAD_METHOD(work, "works") }, { 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8 } };
LPAD_MODULE({ .name = "node", .methods = methods.rows, .run = run });
END
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: endless.c}\n' > topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'endless.c crashes while it is loaded: signal '
assert_contains "$out" 'hint: does every array of declarations end with LPAD_END?'
run_lpad describe endless.c
assert_exit 1
assert_contains "$err" 'hint: does every array of declarations end with LPAD_END?'
