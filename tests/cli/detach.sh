# SPDX-License-Identifier: MIT
# launch --detach: the name alone once everything runs, 125 with the whole report if it does not; who may die meanwhile.
source "$TESTS/lib.sh"

runs=$XDG_STATE_HOME/lpad/runs
record=$runs/latest
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: away
	defaults: {module: $TESTS/nodes/life.c}
	nodes: {$1}
	YAML
}
manifest() { jq -r ".$1" "$record/manifest.json"; }
result() { jq -r ".$1" "$record/result.json"; }
ended() { [ -e "$record/result.json" ]; }
guardian_of() { sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$1/stat"; }
session_of() { sed 's/.*) . [0-9]* [0-9]* \([0-9]*\) .*/\1/' "/proc/$1/stat"; }
nobody_left() { {
	local pid
	for pid in $(processes_with "SCRATCH=$SCRATCH"); do
		[[ "$(tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline")" != *lpad\ [ln]* ]] || return 1
	done
} 2>/dev/null; }
no_sockets() { [ -z "$(ls "$XDG_RUNTIME_DIR/lpad" 2>/dev/null)" ] && [ ! -e "$(manifest sockets)" ]; }

# The name alone; nobody waits for a descriptor that it was called with; the run has a session of its own and no use for HUP.
topology 'a: {implementation: stay}, b: {implementation: chat}'
name=$("$LPAD" launch --detach 2> err 3>&1)
assert_equal away-1 "$name"
assert_equal "lpad: run away-1, seed 1, $(readlink -f "$record")" "$(cat err)" "what the one that waits shows"
assert_equal true "$(manifest detached)"
assert_contains "$(manifest sockets)" "/tmp/lpad-$(id -u)/"
assert test -S "$(manifest sockets)/control"
supervisor=$(manifest pid)
guardian=$(guardian_of "$supervisor")
assert test "$(session_of "$guardian")" = "$guardian"
assert test "$(session_of "$supervisor")" = "$supervisor"
kill -HUP "$guardian"
kill -HUP "$supervisor"
wait_until file_has "$record/logs/a.log" 'a is ready'
assert_equal "$(cat err)" "$(cat "$record/lpad.log")" "its own lines alone"
kill -TERM "$guardian"
wait_until process_gone "$guardian"
assert_equal "stopped 143" "$(result status) $(result exit)"
assert file_has "$record/lpad.log" 'lpad: stopped after .*, exit 143'
assert nobody_left
assert no_sockets

# A run that is over at once has run; one without a node that is waited for; two at once; JSON lines have a file of their own.
topology 'b: {implementation: chat}'
"$LPAD" launch --detach > one 2> one.err & one=$!
"$LPAD" launch --detach --json > two 2> two.err & two=$!
wait $one; assert_equal 0 $? "$(cat one.err)"
wait $two; assert_equal 0 $? "$(cat two.err)"
assert_equal "away-2 away-3" "$(sort one two | paste -sd' ')"
for run in away-2 away-3; do
	record=$runs/$run
	wait_until ended
	wait_until nobody_left
	assert_equal completed "$(result status)"
done
assert_equal result "$(jq -r .event "$runs/$(cat two)/events.jsonl" | tail -1)"
assert test ! -e "$runs/$(cat one)/events.jsonl"
assert_equal "$(cat two.err)" "$(head -1 "$runs/$(cat two)/lpad.log")"
record=$runs/latest
topology 'a: {implementation: stop_with, params: {lines: 0}}'
run_lpad launch --detach
assert_exit 0
wait_until ended

# It does not get there: a file with a problem, which leaves nothing; a node that fails; a node that cannot be loaded.
topology 'a: {implementation: stya}'
last=$(readlink "$record")
run_lpad launch --detach
assert_exit 125
assert_equal "" "$out"
assert_contains "$err" "stay"
assert_contains "$err" "lpad: nothing was started, and there is no record of it"
assert_equal "$last" "$(readlink "$record")"
assert nobody_left
topology "a: {module: $TESTS/nodes/misbehave.c, implementation: init_crash}, b: {implementation: stay}"
run_lpad launch --detach
assert_exit 125
assert_equal "" "$out"
assert_contains "$err" "lpad: run $(readlink "$record"), seed 1"
assert_contains "$err" "a failed in init: signal 11"
assert_contains "$err" "exit 139"
assert_equal "failed 139" "$(result status) $(result exit)"
assert_equal "$err" "$(cat "$record/lpad.log")" "the same in the record"
assert nobody_left
assert no_sockets
run_lpad launch --detach --dry-run
assert_exit 0
assert_contains "$out" "would start 2 processes"
run_lpad launch --detach=yes
assert_exit 2

# While it waits: the time limit; INT and TERM stop the run, HUP does not.
topology "a: {implementation: gate, params: {file: $SCRATCH/open}, stop_within: 50ms}"
run_lpad launch --detach --time-limit 100ms
assert_exit 124
for signal in INT TERM; do
	start_lpad launch --detach
	wait_until file_has err 'lpad: run '
	kill -HUP "$lpad_pid"
	kill -s $signal "$lpad_pid"
	finish_lpad
	assert_exit $((128 + $(kill -l $signal)))
	assert_equal "" "$out"
	assert_contains "$err" "lpad: stopped after"
	assert nobody_left
	assert no_sockets
done

# kill -9 of the one that waits: the run goes on. Of the guardian or the supervisor: nothing does.
start_lpad launch --detach
wait_until file_has err 'lpad: run '
kill -KILL "$lpad_pid"
finish_lpad
assert_exit 137
guardian=$(guardian_of "$(manifest pid)")
touch open
wait_until file_has "$record/logs/a.log" 'a is ready'
kill -KILL "$guardian"
wait_until nobody_left
wait_until no_sockets
assert_equal "killed 137" "$(result status) $(result exit)"
rm open
for victim in guardian supervisor; do
	start_lpad launch --detach
	wait_until file_has err 'lpad: run '
	supervisor=$(manifest pid)
	guardian=$(guardian_of "$supervisor")
	kill -KILL "${!victim}"
	finish_lpad
	assert_exit 125
	assert_equal "" "$out"
	assert_contains "$err" "lpad: the $victim was killed (signal 9)"
	wait_until nobody_left
	wait_until no_sockets
	assert_equal killed "$(result status)"
done
touch open
run_lpad launch --detach
assert_exit 0
kill -KILL "$(manifest pid)"
wait_until nobody_left
assert file_has "$record/lpad.log" 'the supervisor was killed (signal 9)'
assert_equal "supervisor killed" "$(result cause.what)"
