# SPDX-License-Identifier: MIT
# Objects and maps of objects as parameters: described, checked at their own places, bound, set as a whole, expanded.
source "$TESTS/lib.sh"
cp "$TESTS/nodes/nested.c" .
cat > topo.yaml <<'END'
lpad: 1
name: nested
vars:
  per_insert: 32.0
  tables:
    default:
      transitions:
        sampler: fifo
        max_size: 2MiB
        limiter: {samples_per_insert: $per_insert, min_size: 1000, error_buffer: 3200}
      priorities: {shape: [3, 4, 5], limiter: {min_size: 1}}
    help: what is kept
nodes:
  replay:
    module: nested.c
    replicas: 2
    params: {tables: $tables, checkpoint: {to: saved/$index}}
END

run_lpad describe nested.c
assert_exit 0
cat > expected <<'END'
replay: keeps nothing
  runs; the program is complete when all runs have ended; checks its parameters
  parameters
    tables                  map of objects  required                 what is kept, by name
      sampler               choice          = uniform  uniform fifo  which item is next
      max_size              size            = 1MiB     1..           bytes at most
      shape                 list of int     = 1, 2     1..           of an item
      limiter               object          required                 who waits for whom
        samples_per_insert  real            = 1        0..           how often an item is sampled
        min_size            int             required   1..           items before the first sample
        error_buffer        real            = .inf     0..           how far off it may be
    checkpoint              object                                   what is saved
      every                 duration        = 1m       1s..          between two
      to                    path            = ""                     where it lies; empty: nowhere
END
assert cmp expected out
run_lpad describe --json nested.c
assert_equal min_size "$(jq -r '.implementations[0].params[0].fields[3].fields[1].name' out)"

run_lpad check
assert_exit 0

values() {
	assert_contains "$out$err" "transitions: sampler 1, 2097152 bytes, 2 extents of 2, $1 per insert from 1000, off by 3200"
	assert_contains "$out$err" 'priorities: sampler 0, 1048576 bytes, 3 extents of 60, 1 per insert from 1, off by inf'
	assert_contains "$out$err" "saved every 60 s to \`$PWD/saved/1\`"
}
run_lpad launch
assert_exit 0
values 32
run_lpad launch --set per_insert=2
values 2
cp nested.c nested.cc
sed 's/nested\.c/nested.cc/' topo.yaml > cxx.yaml
if command -v c++ > /dev/null; then
	run_lpad launch cxx.yaml
	assert_exit 0
	values 32
fi

# A whole map.
run_lpad launch --set 'tables={a: {max_size: 5MiB, limiter: {min_size: 7}}}'
assert_exit 0
assert_contains "$out$err" 'a: sampler 0, 5242880 bytes, 2 extents of 2, 1 per insert from 7, off by inf'
assert_lacks "$out$err" 'transitions'
run_lpad check --set 'tables={a: {max_size: 5}}'
assert_exit 1
assert_contains "$out" 'needs the parameter `tables.a.limiter.min_size` (a whole number) [param-missing]'
run_lpad check --set tables=a
assert_exit 1
assert_contains "$out" 'tables is a map: it is written {a: 1, b: 2} [set]'

# The node's own check, by the path of what is wrong.
sed -i 's/error_buffer: 3200/error_buffer: 3/' topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'topo.yaml:10:68: error: replay: tables.transitions.limiter.error_buffer: 3 is smaller than samples_per_insert, 32: the limiter could never open [node-check]'
run_lpad check --set 'tables={a: {limiter: {min_size: 1, samples_per_insert: 7, error_buffer: 3}}}'
assert_exit 1
assert_contains "$out" '--set tables'
assert_contains "$out" 'tables.a.limiter.error_buffer: 3 is smaller'

# Expanded, it is read again; the record has the same.
sed -i 's/error_buffer: 3}/error_buffer: .inf}/' topo.yaml
run_lpad expand
assert_exit 0
cp out again.yaml
run_lpad expand --json
cp out first.json
run_lpad expand --json again.yaml
assert_equal "$(jq -S .nodes first.json)" "$(jq -S .nodes out)"
assert_equal '"$index"' "$(jq '.nodes[0].params.checkpoint.to | "$" + (split("$") | last)' out)"
assert_equal 1000 "$(jq .nodes[0].params.tables.transitions.limiter.min_size out)"
run_lpad launch --record kept
assert_exit 0
assert_equal "$(jq -S '.nodes[0].params' first.json)" "$(jq -S '.nodes[0].params' kept/latest/resolved.json)"
