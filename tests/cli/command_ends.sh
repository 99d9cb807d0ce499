# SPDX-License-Identifier: MIT
# How programs end, and what follows: exit codes, signals, the stop, restarts, what is left of the dead, programs that are not there.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
result=$record/result.json
# topology NODES [EDGES]
topology() {
	printf 'lpad: 1\nname: ends\nstop_within: %s\ndefaults: {module: %s}\nnodes:\n%s\n' "${within:-10s}" "$TESTS/nodes/streams.c" "$1" > topo.yaml
	[ $# -lt 2 ] || printf 'edges:\n%s\n' "$2" >> topo.yaml
}
cause() { jq -r '.cause | "\(.node) \(.failure.code) \(.failure.signal)"' "$result"; }

# ---- its code is the node's ----

topology '  well: {command: [sleep, 0.1]}
  bad: {command: ["sh", "-c", "echo last words; exit 200"]}'
run_lpad launch
assert_exit 200
assert_equal "bad 200 null" "$(cause)"
assert_contains "$err" "last words"
topology '  bad: {command: "kill -SEGV $$$$"}
  long: {command: [sleep, 1000]}'
run_lpad launch
assert_exit 139
assert_equal "bad null 11" "$(cause)"
assert_contains "$err" "signal 11 (segmentation fault)"
topology '  bad: {command: "no-such-command-at-all"}'
run_lpad launch
assert_exit 127
assert_contains "$err" "exit 127: sh found no such command"

# ---- a program that is not there, or is none ----

echo 'echo hello' > script
chmod +x script
topology '  a: {command: [no-such-program-at-all, x]}
  b: {command: [./topo.yaml]}
  c: {command: [cat, x], env: {PATH: /nowhere}}
  d: {command: ["cat x"]}
  e: {command: [$folder/later]}'
run_lpad check
assert_exit 0
for piece in ':6:17: warning: a: there is no program no-such-program-at-all in $PATH [program]' 'warning: b: ./topo.yaml cannot be started: Permission denied' \
	'warning: c: there is no program cat in $PATH' 'warning: d: there is no program cat x in $PATH' 'hint: a list has one word each' 'topo.yaml: 4 warnings'; do
	assert_contains "$out" "$piece"
done
run_lpad launch
assert_exit 125
assert_contains "$err" ':6:17: error: a: there is no program no-such-program-at-all in $PATH [program]'
run_lpad launch --dry-run
assert_exit 0
topology '  e: {command: [$folder/later]}'
run_lpad launch
assert_exit 127
assert_contains "$err" "/nodes/e/later: No such file or directory"
topology '  e: {command: [./script]}'
run_lpad launch
assert_exit 126
assert_contains "$err" 'cannot start ./script: Exec format error: a script needs a first line like #!/bin/sh'

# ---- restarts, and what runs in the background ----

topology '  flaky: {command: "echo incarnation $$LPAD_INCARNATION; cat; [ $$LPAD_INCARNATION = 3 ]", on_failure: {restart: 5, within: 1m, backoff: 10ms..20ms}}
  spare: {command: "exit 4", on_failure: ignore}
  board: {command: "trap \"echo board has been told; exit 1\" TERM; while :; do sleep 0.02; done", background: true}'
run_lpad launch
assert_exit 0
assert_contains "$out" "flaky | incarnation 3"
assert_contains "$out" "board | board has been told"
assert_equal "2 null" "$(jq -r '"\(.nodes.flaky.restarts) \(.cause.node)"' "$result")"

# ---- the stop: end of file first, then TERM; what it was sent is worked up ----

topology '  feed: {params: {count: 50, stay: true}}
  slow: {command: "while read line; do sleep 0.01; done; echo slow has seen the end"}
  count: {command: "trap \"\" TERM; wc -l"}
  deaf: {command: "trap \"echo deaf was told; exit 3\" TERM; touch deaf; while :; do sleep 0.02; done"}' \
'  - feed.number -> slow.stdin
  - feed.number -> count.stdin'
start_lpad launch
wait_until file_has err 'all published'
wait_until test -e deaf
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_contains "$out" "slow has seen the end"
assert_contains "$out" "count | 50"
assert_contains "$out" "deaf was told"
assert_lacks "$err" "in time"
assert_equal "0 0" "$(jq -r '.edges | map(.dropped) | join(" ")' "$result")"

# One that does neither is killed in the end, as any node.
within=200ms topology '  rock: {command: "trap \"\" TERM; touch rock; while :; do sleep 0.02; done"}'
start_lpad launch
wait_until test -e rock
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_contains "$err" "rock has not ended after TERM: killed"

# ---- nothing is left: of a killed host the program and its children, of a killed program its children ----

cat > family.sh <<'END'
#!/bin/sh
trap '' TERM HUP
setsid sh -c 'trap "" TERM HUP; echo $$ > escaped.$1; while :; do sleep 0.05; done' x "$1" &
sh -c 'echo $$ > child.$1; while :; do sleep 0.05; done' x "$1" &
echo $$ > program.$1
while :; do sleep 0.05; done
END
chmod +x family.sh
family_there() { [ -s escaped.$1 ] && [ -s child.$1 ] && [ -s program.$1 ]; }
family_gone() { process_gone "$(cat escaped.$1)" && process_gone "$(cat child.$1)" && process_gone "$(cat program.$1)"; }
host_of() { sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$(cat "program.$1")/stat"; }
topology '  a: {command: [./family.sh, a], on_failure: ignore}
  b: {command: [./family.sh, b], on_failure: ignore}
  stay: {command: [sleep, 1000]}'
start_lpad launch
wait_until family_there a
wait_until family_there b
assert_equal "$(host_of a)" "$(ps -o pgid= "$(cat program.a)" | tr -d ' ')" "the group of the program"
kill -9 "$(host_of a)" "$(cat program.b)"
wait_until family_gone a
wait_until family_gone b
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_equal "9 9" "$(jq -r '"\(.nodes.a.failure.signal) \(.nodes.b.failure.signal)"' "$result")"

# TERM from outside ends the node as it ends any other.
rm -f escaped.* child.* program.*
topology '  a: {command: "echo $$$$ > program.a; sleep 1000"}'
start_lpad launch
wait_until test -s program.a
kill -TERM -- "-$(ps -o pgid= "$(cat program.a)" | tr -d ' ')"
finish_lpad
assert_exit 143
assert_contains "$(cause)" "a "
assert_equal failed "$(jq -r .status "$result")"
