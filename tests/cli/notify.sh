# SPDX-License-Identifier: MIT
# A run as a service of systemd's Type=notify: what it is told, by whom, and that nodes know nothing of it.
source "$TESTS/lib.sh"
command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }

notified() {
	code=0
	python3 "$TESTS/tools/notified.py" "$@" > out 2> err || code=$?
	out=$(cat out) err=$(cat err)
}
cat > topo.yaml <<-YAML
lpad: 1
name: served
nodes:
  a: {command: 'env | grep -c -e ^NOTIFY_ -e ^WATCHDOG_; true'}
  b: {module: $TESTS/nodes/life.c, implementation: stop_with, params: {lines: 6}}
YAML
expected='main STATUS=served-1: starting 2 processes
main STATUS=served-1: connecting 2 nodes
main READY=1|STATUS=served-1: 2 nodes run
main STOPPING=1|STATUS=served-1: stopping: CAUSE
main STATUS=served-1: draining
main STATUS=served-1: finishing
main STATUS=served-1: stopped, exit 6'

export WATCHDOG_USEC=1
since=$SECONDS
printf "lpad: 1\nname: idle\nnodes: {a: {command: 'exec sleep 60'}}\n" > idle.yaml
notified "$SCRATCH/idle" told "$LPAD" launch --quiet --time-limit 500ms idle.yaml
assert_exit 124
assert test "$(grep -c 'main WATCHDOG=1' told)" -gt 0
notified "$SCRATCH/socket" told "$LPAD" launch --quiet
assert_exit 6
assert test "$(grep -c 'main WATCHDOG=1' told)" -le $(((SECONDS - since + 1) * 101))
assert_equal "$expected" "$(grep -v WATCHDOG told | sed 's/: stopping: .*/: stopping: CAUSE/')"

# An abstract address; somebody else's watchdog; a run that does not get ready; an address that nobody listens at, or that is none.
export WATCHDOG_PID=1
notified "@lpad-test-$$" told "$LPAD" launch --quiet
assert_exit 6
assert_equal "${expected//served-1/served-2}" "$(sed 's/: stopping: .*/: stopping: CAUSE/' told)"
sed -i 's/life.c, implementation: stop_with, params: {lines: 6}/misbehave.c, implementation: init_crash/' topo.yaml
notified "@lpad-test-$$" told "$LPAD" launch --quiet
assert_exit 139
assert_equal 0 "$(grep -c READY told)"
assert_equal "main STATUS=served-3: failed, exit 139" "$(tail -1 told)"
sed -i '/  b:/d' topo.yaml
NOTIFY_SOCKET=$SCRATCH/nobody run_lpad launch --quiet
assert_exit 0
assert_equal 0 "$out" "variables of the service in a node's environment"
assert_equal 1 "$(grep -c 'NOTIFY_SOCKET cannot be told' err)"
NOTIFY_SOCKET=vsock:1:2 run_lpad launch
assert_exit 0
assert_lacks "$err" NOTIFY
