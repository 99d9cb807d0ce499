# SPDX-License-Identifier: MIT
# The node replay: alone, with callers and a clock that the test moves; what check says; between processes.
source "$TESTS/lib.sh"
share_modules
top=$(dirname "$TESTS")

# A run in which somebody waits for 10 seconds: meanwhile comes what needs none.
mkdir run
cd run || exit 2
cp "$TESTS/nodes/replaying.c" .
cat > topo.yaml <<'END'
lpad: 1
name: rate
nodes:
  replay:
    module: replay.so
    on_failure: restart
    params:
      tables:
        transitions: {sampler: fifo, max_size: 10, limiter: {samples_per_insert: 1, min_size: 2, error_buffer: 2}}
        others: {max_size: 10}
  learner: {module: replaying.c}
edges:
  - learner.replay -> replay
END
# insert TABLE VALUE: one item of a column x, from a file.
insert() {
	python3 - "$@" > item.safetensors <<-'END'
		import json, struct, sys
		header = json.dumps({"__metadata__": {"table": sys.argv[1]}, "x": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})
		header += " " * (-len(header) % 8)
		sys.stdout.buffer.write(struct.pack("<Q", len(header)) + header.encode() + struct.pack("<f", float(sys.argv[2])))
	END
	call insert @item.safetensors
}
call() {
	local method=$1
	shift
	code=0
	answer=$("$LPAD" call -r rec/latest --timeout "${patience:-20s}" replay."$method" "$@" 2> call.err) || code=$?
}
status() { call status && jq -r "$1" <<< "$answer"; }
status_is() { [ "$(status "$1")" = "$2" ]; }
insert_fits() { [ -e rec/latest ] && insert transitions 1 && [ $code = 0 ]; }

start_lpad launch --record rec
cd ..

# ---- alone ----

flags=$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" | tr '\n' ' ')
compiler=$(cut -d' ' -f1 "$O/flags")
# shellcheck disable=SC2086 # several flags
"$compiler" -std=gnu11 -Wall -Wextra -Werror -g $flags -I"$top/lib/include" "$TESTS/nodes/replay_test.c" "$top"/lib/modules/replay/*.c \
	-o alone -L"$O" -llpad-test -lyaml -ljansson -lz -lm -pthread || fail "replay_test.c does not compile"
assert_equal passed "$(./alone 2>&1)"

# ---- contradictions, at their places ----

# A node for each; behind it, what is said at which of its words.
cases=(
	'{}'                                                                          'tables: it names no table'
	'{a: {max_size: 10, limiter: {min_size: 11}}}'                                'min_size: 11 items can never be in a table of 10'
	'{a: {max_size: 10, limiter: {error_buffer: 5}}}'                             'error_buffer: it needs samples_per_insert beside it'
	'{a: {max_size: 10, limiter: {min_diff: 0}}}'                                 'min_diff: it needs samples_per_insert beside it'
	'{a: {max_size: 10, limiter: {max_diff: 0}}}'                                 'max_diff: it needs samples_per_insert beside it'
	'{a: {max_size: 10, limiter: {samples_per_insert: 4}}}'                       'samples_per_insert: it needs an error_buffer of 4 or more'
	'{a: {max_size: 10, limiter: {samples_per_insert: 4, error_buffer: 3}}}'      'error_buffer: 3 is smaller than 4 (samples_per_insert)'
	'{a: {max_size: 10, limiter: {samples_per_insert: .5, error_buffer: .7}}}'    'error_buffer: 0.7 is smaller than 1 (one sample)'
	'{a: {max_size: 10, limiter: {samples_per_insert: 4, error_buffer: 9, max_diff: 1}}}' 'error_buffer: either it, or min_diff and max_diff'
	'{a: {max_size: 10, limiter: {samples_per_insert: 4, min_diff: 0, max_diff: 7}}}'     'max_diff: it is 7 above min_diff, but must be at least 8'
	'{a: {max_size: 10, max_times_sampled: 3, limiter: {samples_per_insert: 4, error_buffer: 9}}}' 'max_times_sampled: an item goes after 3 samples'
	'{a: {max_size: 10, limiter: {samples_per_insert: .inf, error_buffer: 3}}}'   'limiter: its numbers must be finite'
	'{a: {max_size: 10, limiter: {min_diff: .nan}}}'                              'limiter: its numbers must be finite'
	'{a: {max_size: 10, sampler_exponent: .6}}'                                   'sampler_exponent: only a prioritized sampler has an exponent'
	'{a: {max_size: 10, remover: fifo, remover_exponent: .6}}'                    'remover_exponent: only a prioritized remover has an exponent'
	'{a: {max_size: 10, sampler: prioritized, sampler_exponent: .inf}}'           'sampler_exponent: it must be finite'
	'{a: {max_size: 10, sampler: fifo, limiter: {queue: 11}}}'                    'queue: a queue of 11 items in a table of 10'
	'{a: {max_size: 10, sampler: lifo, limiter: {stack: 11}}}'                    'stack: a stack of 11 items in a table of 10'
	'{a: {max_size: 10, limiter: {queue: 5}}}'                                    'queue: the sampler of a queue is fifo'
	'{a: {max_size: 10, sampler: fifo, limiter: {stack: 5}}}'                     'stack: the sampler of a stack is lifo'
	'{a: {max_size: 10, sampler: fifo, max_times_sampled: 2, limiter: {queue: 5}}}'       'max_times_sampled: each item of a queue is sampled once'
	'{a: {max_size: 10, sampler: fifo, limiter: {queue: 5, stack: 5}}}'           'stack: a queue has no stack'
	'{a: {max_size: 10, sampler: fifo, limiter: {queue: 5, min_size: 1}}}'        'min_size: a queue has no min_size'
	'{a: {max_size: 10, sampler: lifo, limiter: {stack: 5, samples_per_insert: 1}}}'      'samples_per_insert: a stack has no samples_per_insert'
	'{a: {max_size: 10, sampler: lifo, limiter: {stack: 5, error_buffer: 1}}}'    'error_buffer: a stack has no error_buffer'
	'{a: {max_size: 10, sampler: lifo, limiter: {stack: 5, max_diff: 1}}}'        'max_diff: a stack has no max_diff'
	'{"a,b": {max_size: 10}}'                                                     'a,b: the name of a table has letters, digits'
)
{
	printf 'lpad: 1\nname: refused\ndefaults: {module: replay.so}\nnodes:\n'
	for ((i = 0; i < ${#cases[@]}; i += 2)); do
		printf '  r%d: {params: {tables: %s}}\n' "$i" "${cases[i]}"
	done
} > refused.yaml
run_lpad check refused.yaml
assert_exit 1
for ((i = 0; i < ${#cases[@]}; i += 2)); do
	line=$((i / 2 + 5)) text=${cases[i + 1]}
	said=$(grep "^refused.yaml:$line:[0-9]*: error:" <<< "$out") || fail "nothing is said of ${cases[i]}: $out"
	assert_contains "$said" "${text}" "of ${cases[i]}"
	word=${text%%:*}
	column=$(awk -v line=$line -v word="$word" 'NR == line { at = index($0, "\"" word "\""); print at ? at : index($0, word ":") }' refused.yaml)
	assert_equal "$column" "$(cut -d: -f3 <<< "$said")" "the column of $said"
done
assert_equal $((${#cases[@]} / 2)) "$(grep -c ": error: r" <<< "$out")" "complaints"

# ---- between processes ----

cd run || exit 2
wait_until insert_fits
wait_until status_is '.tables.transitions.waiting | map([.side, .caller]) | tostring' '[["sample","learner"]]'
assert_equal '[1,10,1,0,0,-1,-2,2]' "$(status '.tables.transitions | [.size, .max_size, .inserts, .samples, .deletes, .error, .min_error, .max_error] | tostring')"
assert_equal null "$(status .tables.others.max_diff)"

# What users see.
line_is_there() { "$LPAD" status -r rec/latest > seen && grep -q 'replay transitions: 1 of 2 items that samples wait for.*; 1 sample waits, learner for [0-9]* s' seen; }
wait_until line_is_there
wait_until file_has err 'learner has waited 10 s for replay.sample: table transitions: [01] of 2 items, samples wait until there are 2'

# JSON as people type it.
patience=3s call sample '{"table": "others"}'
assert_equal 124 $code
assert_contains "$(cat call.err)" 'no answer within'
assert_contains "$(cat call.err)" 's for replay.sample: table others: the table is empty: samples wait until items are inserted; nobody has inserted yet'
wait_until status_is '.tables.others.waiting | length' 0
call sample '{"n": 2}'
assert_contains "$(cat call.err)" '`table` must be said, there are several: transitions, others'
call sample '{"table": "transitions", "n": 5}'
assert_contains "$(cat call.err)" "table transitions: 5 samples at once are more than the limiter's range of 4 lets through"
insert others 7
key=$(jq '."item.key"' <<< "$answer")
call sample '{"table": "others", "n": 2}'
assert_equal '{"x":[7,7],"item.key":['"$key,$key"']}' "$(jq -c '{x, "item.key": ."item.key"}' <<< "$answer")"
call update "{\"table\": \"others\", \"item.key\": [$key, 3], \"item.priority\": [2, 2]}"
assert_equal '{"known":1}' "$(jq -c . <<< "$answer")"
call reset '{"table": "others"}'
assert_equal 0 "$(status .tables.others.size)"
insert others 8

# Killed: it goes on from the checkpoint, and so does the sample that waits.
call checkpoint
assert_equal 0 $code
path=$(jq -r .path <<< "$answer")
assert_equal "$(stat -c %s "$path")" "$(jq .bytes <<< "$answer")"
insert others 9
kill -KILL "$(processes_with "LPAD_NODE=$(basename "$(readlink -f rec/latest)")/replay/0/1")"
wait_until status_is '.tables | map([.size, .inserts]) | tostring' '[[1,1],[1,1]]'
assert_contains "$(cat out err)" "table transitions goes on with 1 items from $path"
insert transitions 2
wait_until file_has err 'sampled 1 1'
for value in 3 4 5 6; do
	insert transitions $value
	assert_equal 0 $code "insert $value"
done
assert_equal 6 "$(status .tables.transitions.inserts)"
patience=300ms insert transitions 7
assert_contains "$(cat call.err)" 'no answer within'

# Stopped and continued: from the one that was written at the end.
insert others 10
run_lpad stop -r rec/latest
finish_lpad
start_lpad launch --continue rec/latest
wait_until status_is '.tables | map([.size, .inserts]) | tostring' '[[6,6],[2,2]]'
kill -INT "$lpad_pid"
finish_lpad

# Cut off: it says where, and goes no further.
truncate -s -5 "$path"
cp "$path" kept
run_lpad launch --continue rec/latest
assert_exit 1
assert_contains "$err" "$path: byte "
assert_lacks "$err" 'starting it again'
assert cmp "$path" kept
