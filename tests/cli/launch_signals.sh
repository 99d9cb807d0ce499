# SPDX-License-Identifier: MIT
# INT, TERM and HUP at any moment, also before there is a run: while reading, compiling, opening modules, starting.
# The launches are started with INT ignored, as a script's `lpad launch &` is.
source "$TESTS/lib.sh"

cat > slow-cc <<-'SH'
	#!/bin/bash
	# Says that it compiles, and goes on until it is told to end; --version is answered.
	[ "$1" = --version ] && { echo slow 1; exit; }
	trap 'touch told; exit 1' TERM
	sleep 100000 &
	touch compiling
	wait
SH
chmod +x slow-cc
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: signals
	nodes: {$1}
	YAML
}
nobody_left() {
	local pid
	for pid in $(processes_with "SCRATCH=$SCRATCH"); do
		case $(tr '\0' ' ' 2>/dev/null < "/proc/$pid/cmdline") in
		*sleep\ 100000*|*slow-cc*|*lpad\ node*|*lpad\ launch*|*node\ --probe*) return 1 ;;
		esac
	done
}
nothing_was_started() {
	assert_contains "$err" "lpad: stopped before anything was started"
	assert_lacks "$err" "lpad: run"
	assert nobody_left
	assert_equal "" "$(ls "$XDG_STATE_HOME/lpad/runs" 2>/dev/null)" "records"
	assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad" 2>/dev/null)" "socket folders"
}

topology "a: {module: $TESTS/nodes/life.c, implementation: stay, build: {compiler: $PWD/slow-cc}}"
for signal in INT TERM HUP; do
	rm -f compiling told
	start_lpad launch
	wait_until test -e compiling
	kill -s $signal "$lpad_pid"
	finish_lpad
	assert_exit $((128 + $(kill -l $signal)))
	nothing_was_started
	assert test -e told
	assert_equal "lpad: stopped before anything was started" "$err"
done

# Ctrl-Z while compiling.
rm -f compiling
start_lpad launch
wait_until test -e compiling
kill -TSTP "$lpad_pid"
is_stopped() { [ "$(process_state "$1")" = T ]; }
wait_until is_stopped "$lpad_pid"
kill -CONT "$lpad_pid"
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
nothing_was_started

# A module that hangs when it is opened.
topology "a: {module: $TESTS/nodes/load_hang.c}"
start_lpad launch
is_probed() { for pid in $(processes_with "SCRATCH=$SCRATCH"); do tr '\0' ' ' < "/proc/$pid/cmdline"; done 2>/dev/null | grep -q -- 'node [-]-probe'; }   # not itself
wait_until is_probed
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130
nothing_was_started

# Before the program has come to take it, an ignored INT is thrown away by the kernel. bash blocks INT around its fork as
# well, but not HUP.
takes_signals() { (( 0x$(sed -n 's/^SigBlk:\t//p' "/proc/$lpad_pid/status") & 1 )); }

# Any moment of a start. The delay is the moment, not a condition that is waited for.
topology "a: {module: $TESTS/nodes/life.c, implementation: stay, replicas: 3}"
run_lpad launch --time-limit 1ms
assert_exit 124
for ((i = 0; i < 40; i++)); do
	start_lpad launch
	wait_until takes_signals
	read -rt "0.0$((RANDOM % 10))$((RANDOM % 10))" <> <(:)
	kill -INT "$lpad_pid"
	wait_until -t 20 process_gone "$lpad_pid"
	finish_lpad
	assert_exit 130
done
assert nobody_left
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
