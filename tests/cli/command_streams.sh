# SPDX-License-Identifier: MIT
# Programs as nodes: messages as lines on stdin, lines of stdout as messages; what is no JSON, too long, unread, too fast.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
result=$record/result.json
counts() { jq -r ".edges[] | select(.edge | startswith(\"$1 \")) | \"\(.published) \(.received) \(.dropped) \(.lost)\"" "$result"; }
# topology NODES EDGES: `feed` is count messages, `sink` prints what comes.
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: streams
	vars: {count: 3, kind: {default: json, one_of: [json, bytes, tensors, nothing]}, size: 1}
	defaults: {module: $TESTS/nodes/streams.c}
	nodes:
	  feed: {params: {count: \$count, kind: \$kind, size: \$size}}
	$1
	edges:
	$2
	YAML
}

# Filters of every kind in a pipe; the variables in their words and environment; a program that is no filter, its output.
topology '  double: {command: [awk, "{ print; print; fflush() }"]}
  same:  {command: [cat]}
  high:  {command: "jq --unbuffered -c '\''select(.n > 1)'\''"}
  sink: {}
  who: {command: ["printf", "%s %s %s\n", $index, $run, $folder], replicas: 2}
  say: {command: '\''echo "$$LPAD_NAME $$LPAD_INDEX of $$LPAD_REPLICAS in $$LPAD_RUN, seed $$LPAD_SEED, $$WHAT $$#"; cat'\'', env: {WHAT: "what $index"}}' \
'  - feed.number -> double.stdin
  - double.stdout -> same.stdin
  - same.stdout -> high.stdin
  - high.stdout -> sink.lines'
run_lpad check
assert_exit 0
assert_lacks "$out" warning
run_lpad launch
assert_exit 0
assert_equal 'high says {"n":2,"pad":"x"}
high says {"n":2,"pad":"x"}
high says {"n":3,"pad":"x"}
high says {"n":3,"pad":"x"}
the end' "$(sed -n 's/^sink *| //p' <<< "$out")" "what went through the pipe"
assert_contains "$out" "who/1  | 1 streams-1 $(readlink -f "$record")/nodes/who/1"
assert_contains "$out" "say    | say 0 of 1 in streams-1, seed 1, what 0 0"
assert_equal "3 3 0 0" "$(counts feed.number)"
assert_equal "6 6 0 0" "$(counts double.stdout)"

# Messages that are not JSON: bytes, tensors, nothing. And back: lines become what the subscriber's signature says.
topology '  cat: {command: [cat]}
  pair: {command: [cat], when: {kind: tensors}}
  back: {implementation: pair, when: {kind: tensors}}' \
'  - feed.number -> cat.stdin
  - feed.number -> pair.stdin
  - pair.stdout -> back.lines'
run_lpad launch -q --set kind=bytes --set count=1
assert_equal '{"bytes": "AAEC"}' "$out"
run_lpad launch -q --set kind=nothing --set count=1
assert_equal 'null' "$out"
run_lpad launch --set kind=tensors --set count=2
assert_exit 0
assert_equal '{"x": [1, 0.5]}
{"x": [2, 0.5]}' "$(sed -n 's/^cat *| //p' <<< "$out")"
assert_equal 'x is 1 and 0.5
x is 2 and 0.5' "$(sed -n 's/^back *| //p' <<< "$out")"

# What is no JSON is told of, counted, and stops nothing. Blank lines are none. The last line needs no newline.
topology '  bad: {command: ["printf", "1\n\nhello you\n\"2\"\n{\n[\nNaN\nnul\\000l\n   \n[3]"]}
  long: {command: [python3, -c, "import sys; sys.stdout.write(chr(34) + chr(120) * 5000000 + chr(34) + chr(10) + str(4) + chr(10))"]}
  sink: {}' \
'  - bad.stdout -> sink.lines: {max_message: 1MiB}
  - long.stdout -> sink.lines: {max_message: 1MiB}'
run_lpad launch
assert_exit 0
assert_equal 'bad says "2"
bad says 1
bad says [3]
long says 4
the end' "$(sed -n 's/^sink *| //p' <<< "$out" | sort)"
assert_contains "$err" 'bad: stdout: line 3 was not published: '
assert_contains "$err" ': hello you'
assert_contains "$err" 'bad: stdout: further ones are counted only, as the metric stdout_errors'
assert_contains "$err" 'bad: stdout: 5 errors in all'
assert_contains "$err" 'long: stdout: line 1 was not published: it is longer than max_message, 1048576 bytes'
assert_equal "5 1" "$(jq -r '"\(.nodes.bad.metrics.stdout_errors.last) \(.nodes.long.metrics.stdout_errors.last)"' "$result")"

# Who reads no more, or ends early, holds nobody back; what it left is counted. A broken pipe is the program's own affair.
topology '  first: {command: [head, -n, 1]}
  deaf: {command: "exec < /dev/null; while [ ! -e done ]; do sleep 0.02; done"}
  yes: {command: "yes 1 | head -n 5"}
  sink: {}' \
'  - feed.number -> first.stdin: {keep: {all: 4}}
  - feed.number -> deaf.stdin: {keep: {all: 4}}
  - yes.stdout -> sink.lines'
start_lpad launch --set count=500 --set size=1000
wait_until file_has err 'all published'
touch done
finish_lpad
assert_exit 0
assert_contains "$out" '{"n": 1,  "pad": "xxx'
assert_equal "5" "$(grep -c 'yes says 1' <<< "$out")"
for node in first deaf; do
	assert jq -e ".edges[] | select(.edge | endswith(\"$node.stdin\")) | .published == 500 and .dropped > 400 and
		.published == .received + .dropped and .lost == 0" "$result"
done

# A slow program holds the publisher back, or what is too much is dropped: as the edge says.
rm done
topology '  slow: {command: "while [ ! -e go ]; do sleep 0.02; done; wc -l"}' '  - feed.number -> slow.stdin: {keep: {all: 4}}'
start_lpad launch --set count=100 --set size=65536 --json
wait_until file_has out '"published"'
assert_lacks "$(cat out)" "all published"
touch go
finish_lpad
assert_exit 0
assert_equal "100 100 0 0" "$(counts feed.number)"
assert_equal 100 "$(jq -r 'select(.event == "output" and .node == "slow") | .text' out)"
rm go
sed -i 's/{all: 4}/4/' topo.yaml
start_lpad launch --set count=100 --set size=65536
wait_until file_has err 'all published'
touch go
finish_lpad
assert_exit 0
assert jq -e '.edges[0] | .published == 100 and .dropped >= 80 and .received + .dropped == 100' "$result"
