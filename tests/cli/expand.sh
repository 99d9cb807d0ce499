# SPDX-License-Identifier: MIT
# lpad expand: what it prints is read again, and makes the same program.
source "$TESTS/lib.sh"

mkdir -p there elsewhere
cat > there/counter.c <<'END'
#include <lpad/node.h>
struct counter { int64_t steps; double every; lpad_texts files; };
static int run(lpad_node *node) { (void)node; return 0; }
static const lpad_param params[] = {
	LPAD_INT(struct counter, steps, "500", "1..", "how many"),
	LPAD_DURATION(struct counter, every, "1m", "0..", "how often"),
	LPAD_PATHS(struct counter, files, "[]", "what to count"),
	LPAD_END
};
LPAD_MODULE({ .name = "counter", .state = sizeof(struct counter), .params = params, .run = run });
END
cat > there/topo.yaml <<'END'
lpad: 1
name: counting
vars: {n: 2, files: [a.txt, b.txt]}
nodes:
  counter: {module: counter.c, replicas: $n, params: {files: $files}, env: {PRICE: $$5}}
END

run_lpad expand there
assert_equal 0 "$code" "$err"
assert_equal '' "$err"
assert_equal "lpad: 1
name: counting
nodes:
  counter:
    module: [$PWD/there/counter.c]
    replicas: 2
    params:
      files: [$PWD/there/a.txt, $PWD/there/b.txt]
    env:
      \"PRICE\": \"\$\$5\"" "$out"
first=$out

# The same from another folder and from standard input.
cp out elsewhere/topo.yaml
run_lpad expand elsewhere
assert_equal "$first" "$out" "expanded twice"
printf '%s\n' "$first" | "$LPAD" expand - > again 2> err || fail "$(cat err)"
assert_equal "$first" "$(cat again)" "from standard input"
"$LPAD" expand --json there | jq -S 'del(.file)' > one.json
"$LPAD" expand --json elsewhere | jq -S 'del(.file)' > two.json
assert cmp one.json two.json

# --json: typed, with the defaults of the declaration.
run_lpad expand --json --set n=3 --set files=/x there
assert_equal 0 "$code" "$err"
assert_equal '1 3 500 60 /x counter' \
	"$(jq -r '"\(.schema) \(.replicas) " + (.nodes[0] | "\(.params.steps) \(.params.every) \(.params.files[0]) \(.implementation)")' out)"

# A value that cannot be: nothing is printed but the problem.
run_lpad expand --json --set n=none there
assert_equal 1 "$code"
assert_equal '' "$out"
assert_contains "$err" 'topo.yaml:5:'

# What nothing takes, and what no module of this file allows: the problem itself, and not the fault of a module.
run_lpad expand there -- a b
assert_equal 1 "$code"
assert_equal '' "$out"
assert_contains "$err" 'there/topo.yaml has no $args: nothing takes what stands behind `--`'
run_lpad expand --set files=x --set n=2 --set other=1 there
assert_equal 1 "$code"
assert_contains "$err" 'no variable of that name'
assert_lacks "$err" modules
sed 's/params: {/&steps: 0, /' there/topo.yaml > there/wrong.yaml
run_lpad expand there/wrong.yaml
assert_equal 1 "$code"
assert_contains "$err" 'wrong.yaml:5:'
assert_contains "$err" 'steps is 0, but must be at least 1'
assert_lacks "$err" 'could not be'
assert_contains "$out" "files: [$PWD/there/a.txt, $PWD/there/b.txt]"
run_lpad expand --json there/wrong.yaml
assert_equal 1 "$code"
assert_equal '' "$out"
assert_contains "$err" 'steps is 0, but must be at least 1'

# Without the module the file is expanded all the same, but its paths are not known as such.
rm there/counter.c
run_lpad expand there
assert_equal 1 "$code" "$err"
assert_contains "$out" 'files: [a.txt, b.txt]'
assert_contains "$err" 'there is no `counter.c` in'
assert_contains "$err" 'relative paths in params are printed as they were written where a module could not be had'
run_lpad expand --json there
assert_equal 1 "$code"
assert_contains "$err" 'counter.c'

run_lpad expand nowhere.yaml
assert_equal 3 "$code"
