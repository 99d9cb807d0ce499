# SPDX-License-Identifier: MIT
# --foreground: standard streams, and the terminal, go to one node.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: front
defaults: {module: $TESTS/nodes/life.c}
nodes:
  reader: {}
  stay: {replicas: 2, background: true}
YAML
logs=$XDG_STATE_HOME/lpad/runs/latest/logs

# Without a terminal: what is piped in and out is the node's alone.
code=0
printf 'one\ntwo\n' | "$LPAD" launch --foreground reader > out 2> err || code=$?
assert_equal 0 "$code"
assert_equal $'reads a file\ngot one\ngot two' "$(cat out)"
assert_contains "$(cat err)" "lpad: run front-1"
assert_lacks "$(cat err)" "is ready"
assert_equal "stay/1 is ready" "$(cat "$logs/stay/1.log")"
code=0
echo x | "$LPAD" launch -q --foreground reader --wrap reader=env > out 2> err || code=$?
assert_equal $'0 reads a file\ngot x' "$code $(cat out)"
assert_equal "" "$(cat err)"

# Refused.
for bad in '--json' '--output prefix' '--detach'; do
	run_lpad launch --foreground reader $bad
	assert_exit 2
	assert_contains "$err" "--foreground reader: "
done
run_lpad launch --foreground stay
assert_exit 125
assert_contains "$err" "--foreground stay: it has 2 replicas, and there is one terminal: name one, as stay/0"
run_lpad launch --foreground raeder
assert_contains "$err" "did you mean reader?"

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
terminal() {
	code=0
	python3 "$TESTS/tools/terminal.py" "$@" > screen || code=$?
	cat screen
}

# What is typed comes to it, Ctrl-D is the end of it, Ctrl-C interrupts it and not the launch.
for isolate in '' --isolate; do
	code=0
	[ -z "$isolate" ] || "$LPAD" launch --isolate --time-limit 1ms < /dev/null > out 2> err || code=$?
	[ $code != 125 ] || { echo "skipped: no PID namespaces"; continue; }
	terminal 'wait reads a terminal
		type hello\n
		wait got hello
		type \x04' "$LPAD" launch $isolate --foreground reader
	assert_equal 0 "$code"
	assert_contains "$(cat screen)" "completed after"
done
terminal 'wait reads a terminal
	type \x03' "$LPAD" launch --foreground reader
assert_equal 130 "$code"
assert_contains "$(cat screen)" "reader failed: signal 2 (interrupt)"
assert_contains "$(cat screen)" "2 others ended because of it"

# Below a shell: Ctrl-Z stops everything, fg goes on, and the shell has its terminal again afterwards.
terminal 'type PS1=; "$LPAD" launch --foreground reader; echo code $?\n
	wait reads a terminal
	type one\n
	wait got one
	type \x1a
	wait Stopped
	type jobs -l | sed "s/^/jobs: /"\n
	wait jobs: .*Stopped
	type fg\n
	wait fg\r\n
	type two\n
	wait got two
	type \x04
	wait completed after
	type exit 7\n' env LPAD="$LPAD" bash --norc --noprofile -i
assert_equal 7 "$code"

# From a script without job control: what comes behind the launch still has the terminal. Also if lpad is killed.
cat > script <<'SH'
"$LPAD" launch --foreground reader
echo "ended with $?"
read -r line
echo "read $line"
SH
terminal 'wait reads a terminal
	type \x04
	wait ended with 0
	type more\n
	wait read more' env LPAD="$LPAD" sh script
assert_equal 0 "$code"
terminal 'wait reads a terminal
	shell kill -KILL $(pgrep -P $(pgrep -P $COMMAND -x lpad) -x lpad)
	wait ended with 137
	type more\n
	wait read more' env LPAD="$LPAD" sh script
assert_equal 0 "$code"

# A debugger at the terminal, with no limit of the start, whoever waits for it.
command -v gdb > found || { echo "skipped: there is no gdb"; exit 0; }
! grep -q sanitize=address "$O/flags" || { echo "skipped: the leak sanitizer does not work under gdb"; exit 0; }
terminal 'wait \(gdb\)
	type run\n
	wait reads a terminal
	type one\n
	wait got one
	type \x03
	wait SIGINT.*\(gdb\)
	type continue\n
	type two\n
	wait got two
	type \x04
	wait exited normally.*\(gdb\)
	type quit\n' env LPAD_STEP_LIMIT=0.2 DEBUGINFOD_URLS= "$LPAD" launch --foreground reader --wrap "reader=gdb -nx -q -ex 'set confirm off' --args"
assert_equal 0 "$code"
assert_contains "$(cat screen)" "completed after"
