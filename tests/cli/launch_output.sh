# SPDX-License-Identifier: MIT
# What nodes print: whole lines, nothing lost, a slow or missing reader.
source "$TESTS/lib.sh"

topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: output
	vars: {lines: 10, stream: out}
	defaults: {module: $TESTS/nodes/life.c, params: {lines: \$lines, stream: \$stream}}
	nodes: {$1}
	YAML
}

# Half a million lines of three replicas, each whole and in order; the log has them too.
topology 'chat: {replicas: 3}'
run_lpad launch --set lines=150000
assert_exit 0
assert_equal 450000 "$(grep -cE '^chat/[012] \| chat/[012] says line [0-9]+$' out)"
for i in 0 1 2; do
	assert_equal 150000 "$(grep "^chat/$i |" out | awk '$NF != NR - 1 { exit 1 } END { print NR }')" "chat/$i in order"
	assert_equal 150000 "$(wc -l < "$XDG_STATE_HOME/lpad/runs/latest/logs/chat/$i.log")"
done

# A reader that starts late and reads slowly gets everything.
mkfifo pipe
"$LPAD" launch --quiet --set lines=50000 > pipe 2> err &
lpad_pid=$!
exec 5< pipe
full_pipe_is_waited_for() { [ "$(process_state "$lpad_pid")" = S ] && file_has "$XDG_STATE_HOME/lpad/runs/latest/manifest.json" output; }
wait_until full_pipe_is_waited_for
perl -e 'open(P, "<&=5"); my $n = 0; while (sysread(P, my $b, 4096)) { $n += ($b =~ tr/\n//); select(undef, undef, undef, 0.001) if rand() < 0.05; } print "$n\n"' > count
exec 5<&-
finish_lpad 2> /dev/null
assert_equal 0 "$code"
assert_equal 150000 "$(cat count)"

# A reader that takes nothing at all delays neither the time limit nor a signal.
topology 'chat: {replicas: 2, stop_within: 500ms}'
mkfifo stuck
"$LPAD" launch --set lines=100000000 --time-limit 1s > stuck 2> err &
lpad_pid=$!
exec 5< stuck
code=0
wait "$lpad_pid" || code=$?
assert_equal 124 "$code" "with a reader that is stuck"
exec 5<&-

"$LPAD" launch --set lines=100000000 > stuck 2> err &
lpad_pid=$!
exec 5< stuck
wait_until file_has err 'lpad: run'
record=$(sed -n 's/^lpad: run .*, seed 1, //p' err)
writes() { [ -n "$(find "$record/logs" -type f -size +0)" ]; }
wait_until writes       # before that it would just stop
kill -INT "$lpad_pid"
wait_until -t 20 file_has err 'sent TERM'
wait_until -t 20 process_gone "$lpad_pid"
code=0
wait "$lpad_pid" || code=$?
assert_equal 130 "$code" "a signal with a reader that is stuck"
exec 5<&-

# A reader that has gone ends the run.
topology 'chat: {}, stay: {params: {}}'
sed -i 's/params: {lines.*stream}/params: {}/; s/chat: {}/chat: {params: {lines: $lines, stream: $stream}}/' topo.yaml
{ code=0; "$LPAD" launch --set lines=100000 2> err || code=$?; echo $code > code; } | head -1 > /dev/null
assert_equal 141 "$(cat code)"
assert_contains "$(cat err)" "standard output cannot be written any more"
assert_equal "output closed" "$(jq -r .status "$XDG_STATE_HOME/lpad/runs/latest/result.json")"

# Without names, without lpad's lines; standard error apart.
topology 'chat: {}'
run_lpad launch --quiet --set lines=2
assert_equal $'chat says line 0\nchat says line 1' "$out"
assert_equal "" "$err"
run_lpad launch --set lines=1 --set stream=err
assert_equal "" "$out"
assert_contains "$err" "chat | chat says line 0"

# JSON lines, each of them JSON.
run_lpad launch --json --set lines=2
assert_exit 0
assert jq -e . out > /dev/null
assert_equal '"start" "output" "output" "result"' "$(jq -c 'select(.event != "phase" and .event != "spawn" and .event != "end") | .event' out | paste -sd' ')"
assert_equal '"chat says line 1"' "$(jq -c 'select(.event == "output") | .text' out | tail -1)"

assert_equal "chat $(jq .nodes.chat.pid "$XDG_STATE_HOME/lpad/runs/latest/result.json")" \
	"$(jq -r 'select(.event == "spawn") | "\(.node) \(.pid)"' out)" "the process of a node"
assert_equal "wire run stop drain finish over" "$(jq -r 'select(.event == "phase") | .phase' out | paste -sd' ')"
assert jq -es '[.[] | select(.event == "phase") | .seconds] | . == sort and .[0] > 0' out
assert_equal "$(readlink -f "$XDG_STATE_HOME/lpad/runs/latest")" "$(jq -r 'select(.event == "result") | .record' out)"

# Colour only where it is wanted.
assert_lacks "$(cat out)" $'\033'
run_lpad launch --set lines=1 --color=always
assert_contains "$out" $'\033[0;36mchat |\033[0m chat says line 0'
