# SPDX-License-Identifier: MIT
# Nothing outlives a run: kill -9 of the guardian, of the supervisor, of the process group; an end of its own.
source "$TESTS/lib.sh"

cat > topo.yaml <<-YAML
lpad: 1
name: ladder
defaults: {module: $TESTS/nodes/life.c}
nodes:
  stay: {replicas: 3}
  escape: {replicas: 4}
  escape_nameless: {replicas: 2}
YAML

all_are_there() { [ "$(grep -c 'is ready' out)" = 9 ] && [ "$(pgrep_sleeps)" = 6 ]; }
pgrep_sleeps() { for pid in $(processes_with "SCRATCH=$SCRATCH"); do cat "/proc/$pid/comm" 2>/dev/null; done | grep -cx sleep; }
# The nodes of this run, dead or alive, by the name in their environment.
run_id() { sed -n 's/^lpad: run \([^,]*\),.*/\1/p' err; }
nobody_left() {
	local pid command
	for pid in $(processes_with "SCRATCH=$SCRATCH"); do
		command=$(cat "/proc/$pid/cmdline" 2>/dev/null | tr '\0' ' ')
		case $command in
		*sleep\ 100000*|*lpad\ node*|*lpad\ launch*) return 1 ;;
		esac
	done
}

start() {
	start_lpad launch
	wait_until all_are_there
	supervisor=$(cat "/proc/$lpad_pid/task/$lpad_pid/children")
	supervisor=${supervisor% }
}

start
kill -KILL "$lpad_pid"
wait_until -t 10 nobody_left
finish_lpad
assert_exit 137
wait_until file_has "$XDG_STATE_HOME/lpad/runs/latest/result.json" '"what": "guardian killed"'
wait_until test -z "$(ls "$XDG_RUNTIME_DIR/lpad")"

start
kill -KILL "$supervisor"
finish_lpad
assert_exit 137
assert_contains "$err" "the supervisor was killed (signal 9)"
assert nobody_left
assert file_has "$XDG_STATE_HOME/lpad/runs/latest/result.json" '"what": "supervisor killed"'
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"

set -m                          # the launch gets a process group of its own
start
set +m
kill -KILL -- "-$lpad_pid"
wait_until -t 10 nobody_left
finish_lpad
assert_exit 137

for signal in TERM INT HUP; do
	start
	kill -s "$signal" "$lpad_pid"
	finish_lpad
	assert_exit $((128 + $(kill -l "$signal")))
	assert nobody_left
done

# The supervisor itself may be told as well.
start
kill -TERM "$supervisor"
finish_lpad
assert_exit 143
assert nobody_left

# A node's death: its own daemon goes with it, and the run by its policy.
start
victim=$(processes_with "LPAD_NODE=$(run_id)/escape/2/1" | while read -r pid; do
	[ "$(tr '\0' ' ' < "/proc/$pid/cmdline")" = "lpad node escape/2 " ] && echo "$pid"; done)
assert test -n "$victim"
kill -KILL "$victim"
finish_lpad
assert_exit 137
assert_contains "$err" "escape/2 failed: signal 9 (killed)"
assert_contains "$err" "8 others ended because of it"
assert nobody_left
