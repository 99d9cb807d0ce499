# SPDX-License-Identifier: MIT
# What every shell test sources. The current folder is its own; nothing here sleeps but wait_until, which waits for
# a condition.
set -u

fail() {
	echo "FAILED at ${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]:-?}: $*"
	exit 1
}

# assert_equal EXPECTED ACTUAL [WHAT]
assert_equal() {
	[ "$1" = "$2" ] && return
	printf 'expected: %s\n  actual: %s\n' "$1" "$2"
	fail "${3:-not equal}"
}

# assert_contains TEXT PIECE [WHAT]
assert_contains() {
	[[ "$1" == *"$2"* ]] && return
	printf 'piece: %s\n text: %s\n' "$2" "$1"
	fail "${3:-piece is not there}"
}

assert_lacks() {
	[[ "$1" != *"$2"* ]] && return
	printf 'piece: %s\n text: %s\n' "$2" "$1"
	fail "${3:-piece is there}"
}

# assert COMMAND...
assert() {
	"$@" && return
	fail "not true: $*"
}

# wait_until [-t SECONDS] COMMAND...: until it succeeds; the test fails when SECONDS (60) have passed.
wait_until() {
	local limit=60 end
	[ "$1" = -t ] && { limit=$2; shift 2; }
	end=$((SECONDS + limit))
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited $limit s for: $*"
		sleep 0.02
	done
}

# Conditions for wait_until.
file_has() { grep -q -- "$2" "$1" 2>/dev/null; }
process_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(process_state "$1")" = Z ]; }
process_state() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null; }
# Processes whose environment holds this exact NAME=VALUE.
processes_with() {
	grep -lzxF "$1" /proc/[0-9]*/environ 2>/dev/null | xargs -r grep -lzxF "SCRATCH=$SCRATCH" 2>/dev/null |
		sed 's|/proc/||; s|/environ||'
}

# run_lpad ARGUMENT...: sets $code, $out, $err (and leaves them in files out, err).
run_lpad() {
	code=0
	"$LPAD" "$@" > out 2> err || code=$?
	out=$(cat out)
	err=$(cat err)
}

# start_lpad ARGUMENT...: in the background; sets $lpad_pid.  finish_lpad: waits for it; sets $code, $out, $err.
start_lpad() {
	: > out
	: > err
	"$LPAD" "$@" > out 2> err &
	lpad_pid=$!
}
finish_lpad() {
	code=0
	wait "$lpad_pid" || code=$?
	out=$(cat out)
	err=$(cat err)
}

assert_exit() {
	[ "$code" = "$1" ] && return
	printf -- '--- stdout\n%s\n--- stderr\n%s\n' "$out" "$err"
	fail "exit $code, expected $1"
}

# What the test compiles is kept for the other tests of this build: modules are found by what they are made of.
share_modules() {
	mkdir -p "$O/tests/modules" "$XDG_CACHE_HOME/lpad"
	ln -s "$O/tests/modules" "$XDG_CACHE_HOME/lpad/modules"
}
