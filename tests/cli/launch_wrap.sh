# SPDX-License-Identifier: MIT
# --wrap: other words before `lpad node`, for one node alone.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: wrap
defaults: {module: $TESTS/nodes/life.c}
nodes:
  stay: {replicas: 3}
  chat: {params: {lines: 2}, background: true}
  crash: {module: $TESTS/nodes/misbehave.c, when: {crashing: too}}
vars: {crashing: {default: not, one_of: [not, too]}}
YAML
logs=$XDG_STATE_HOME/lpad/runs/latest/logs

# The words as a shell would split them; for this replica alone; a start without limit, for the others too, which wait for it.
cat > slow <<'SH'
#!/bin/sh
printf '<%s>' "$@" > words
timeout 1 tail -f /dev/null
exec 5<&- "$@"
SH
chmod +x slow
LPAD_STEP_LIMIT=0.4 run_lpad launch --output files --time-limit 3s --wrap "stay/1=./slow env 'A=two words'  B=\"x\""
assert_exit 124
assert_contains "$(cat words)" "<env><A=two words><B=x><$(readlink -f "$LPAD")><node><stay/1>"
for i in 0 1 2; do
	assert_equal "stay/$i is ready" "$(cat "$logs/stay/$i.log")"
done

# A crash under a wrapper that passes it on.
run_lpad launch --set crashing=too --wrap 'crash=env A=b' --wrap stay=env
assert_exit 139
assert_contains "$err" "crash failed: signal 11 (segmentation fault)"

# What traces: the control channel and the end get through, and nothing is left.
for tool in strace gdb; do
	command -v $tool > found || { echo "skipped: there is no $tool"; continue; }
	case $tool in
	strace) words='strace -f -o trace' ;;
	gdb) words="gdb -nx -q -batch -ex 'set confirm off' -ex run -ex 'info program' --args" ;;
	esac
	start_lpad launch --wrap "stay/0=$words"
	wait_until file_has out 'stay/0 | stay/0 is ready'
	kill -TERM "$lpad_pid"
	finish_lpad
	assert_exit 143
	assert_equal "" "$(processes_with "LPAD_NODE=$(basename "$(readlink "${logs%/logs}")")/stay/0/1")" "left by $tool"
done
[ ! -e trace ] || assert file_has trace 'PR_SET_PDEATHSIG, SIGKILL'

# Refused before anything is started.
run_lpad launch --wrap 'stay=no-such-program -x'
assert_exit 125
assert_contains "$err" "--wrap stay: there is no program \`no-such-program\` in PATH"
assert_contains "$err" "nothing was started"
run_lpad launch --wrap 'stay=./none'
assert_contains "$err" "--wrap stay: there is no program \`./none\`"
run_lpad launch --wrap 'stya=env'
assert_exit 125
assert_contains "$err" "--wrap stya: there is no such node: did you mean stay?"
run_lpad launch --wrap 'stay=env' --wrap 'stay/1=nice'
assert_exit 125
assert_contains "$err" "--wrap stay/1: the process stay/1 is wrapped already"
for bad in stay '=env' 'stay=' "stay=env 'x"; do
	run_lpad launch --wrap "$bad"
	assert_exit 2
done
assert_contains "$err" "the quote ' is not closed: 'x"
