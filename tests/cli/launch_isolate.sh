# SPDX-License-Identifier: MIT
# --isolate: both of lpad's processes killed at once leave nothing, and all else is as without.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: isolate
defaults: {module: $TESTS/nodes/life.c}
nodes:
  stay: {replicas: 2}
  escape: {replicas: 3, on_failure: restart}
  escape_nameless: {}
YAML

run_lpad launch --isolate --time-limit 10ms
if [ "$code" = 125 ] && [[ $err == *"--isolate: a PID namespace cannot be made here: "* ]]; then
	assert_contains "$err" "nothing was started"
	echo "skipped: no PID namespaces"
	exit 0
fi
assert_exit 124

comms() { for pid in $(processes_with "SCRATCH=$SCRATCH"); do cat "/proc/$pid/comm" 2>/dev/null; done; }
all_are_there() { [ "$(grep -c 'is ready' out)" = 6 ] && [ "$(comms | grep -cx sleep)" = 4 ]; }
nobody_left() { ! comms | grep -qxE 'sleep|lpad|lpad node'; }
start() {
	start_lpad launch --isolate "$@"
	wait_until all_are_there
	supervisor=$(cat "/proc/$lpad_pid/task/$lpad_pid/children")
	supervisor=${supervisor% }
}

# Both at once, many times: detached children too.
for ((round = 0; round < 5; round++)); do
	start
	kill -KILL "$lpad_pid" "$supervisor"
	wait_until -t 10 nobody_left
	finish_lpad
	assert_exit 137
	assert_equal 1 "$(ls "$XDG_RUNTIME_DIR/lpad" | wc -l)" "the folder that the next launch removes"
done

# Either alone.
start
kill -KILL "$supervisor"
finish_lpad
assert_exit 137
assert nobody_left
assert file_has "$XDG_STATE_HOME/lpad/runs/latest/result.json" '"what": "supervisor killed"'
start
kill -KILL "$lpad_pid"
wait_until -t 10 nobody_left
finish_lpad
assert_equal "guardian killed" "$(jq -r .cause.what "$XDG_STATE_HOME/lpad/runs/latest/result.json")"

# Numbers of processes are those that one sees from outside; a node that dies takes its daemon along, and is started again.
start --json
assert_equal "$supervisor" "$(jq .pid "$XDG_STATE_HOME/lpad/runs/latest/manifest.json")"
pid_of() { jq -r "select(.event == \"spawn\" and .node == \"$1\" and .incarnation == $2) | .pid" out; }
victim=$(pid_of escape/1 1)
assert_equal "lpad node escape/1 " "$(tr '\0' ' ' < "/proc/$victim/cmdline")"
again() { [ "$(grep -c 'escape/1 is ready' out)" = 2 ] && all_again; }
all_again() { [ "$(comms | grep -cx sleep)" = 4 ]; }
kill -KILL "$victim"
wait_until again
kill -TSTP "$lpad_pid"
stopped() { [ "$(process_state "$(pid_of stay/0 1)")" = T ] && [ "$(process_state "$lpad_pid")" = T ]; }
wait_until stopped
kill -CONT "$lpad_pid"
wait_until test "$(process_state "$(pid_of stay/0 1)")" != T
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
assert nobody_left
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
assert_equal "$(pid_of stay/0 1)" "$(jq '.nodes["stay/0"].pid' "$XDG_STATE_HOME/lpad/runs/latest/result.json")"

# Cgroups of other runs are not taken for leftovers, though their processes cannot be seen.
sed 's/stay: {replicas: 2}/stay: {resources: {memory: 1GiB}}/' topo.yaml > limited.yaml
mkdir -p cgroups/lpad-$$
echo memory > cgroups/cgroup.subtree_control
LPAD_CGROUP=$PWD/cgroups run_lpad launch --isolate limited.yaml
assert_exit 125
assert_contains "$err" "/cgroups/lpad-"
assert_lacks "$err" "/cgroups/lpad-0"
assert test -d cgroups/lpad-$$

# As a user without privileges, who stays who he is.
if [ "$(id -u)" = 0 ] && command -v setpriv > found; then
	mkdir -m 700 other
	cp "$TESTS/nodes/life.c" other/
	printf 'lpad: 1\nname: other\nnodes: {stay: {module: life.c}}\n' > other/topo.yaml
	chown -R 65534:65534 other
	chmod 711 .. .
	code=0
	( cd other && setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_RUNTIME_DIR HOME="$PWD" XDG_STATE_HOME="$PWD/state" \
		XDG_CACHE_HOME="$PWD/cache" TMPDIR="$PWD" "$LPAD" launch --isolate --time-limit 10ms ) > out 2> err || code=$?
	case $code in
	125) assert_contains "$(cat err)" "a PID namespace cannot be made here"; echo "skipped: no namespaces for users" ;;
	124) assert_equal 65534 "$(stat -c %u other/state/lpad/runs/other-1/result.json)" ;;
	*) cat err; fail "exit $code" ;;
	esac
fi
