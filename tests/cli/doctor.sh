# SPDX-License-Identifier: MIT
# lpad doctor: all is looked at, what is missing is said with what to do, and nothing is changed.
source "$TESTS/lib.sh"

verdict() { jq -r --arg check "$1" '.checks[] | select(.check == $check) | .verdict' out; }
value() { jq -r --arg check "$1" '.checks[] | select(.check == $check) | .value' out; }
meaning() { jq -r --arg check "$1" '.checks[] | select(.check == $check) | .meaning' out; }

mkdir -p work run
chmod 700 run
export XDG_STATE_HOME=$PWD/work/state XDG_CACHE_HOME=$PWD/work/cache XDG_RUNTIME_DIR=$PWD/run
unset LPAD_PATH CC CXX CUDA_VISIBLE_DEVICES

# ---- a machine that builds lpad has no problems ----

LPAD_GPUS=amd:3 run_lpad doctor --json
assert_exit 0
assert_equal '' "$err"
assert_equal 0 "$(jq .problems out)"
assert_equal "$(jq '[.checks[] | select(.verdict == "warning")] | length' out)" "$(jq .warnings out)"
for check in 'open files' processes 'shared memory' 'memory limits' namespaces processors gpus clock lpad libraries \
	'c compiler' 'c++ compiler' git python tmux debuggers 'own files' 'module path' 'compiled modules' records sockets runs; do
	assert [ -n "$(value "$check")" ]
done
assert_equal 0 "$(jq '[.checks[] | select(.verdict != "ok" and .meaning == null)] | length' out)"
assert_contains "$(value gpus)" '3 of amd (by LPAD_GPUS)'
assert_contains "$(value processors)" "$(nproc) of "
assert_contains "$(value 'open files')" "hard $(ulimit -Hn)"
assert_contains "$(value libraries)" libnng
assert_contains "$(value libraries)" libhwloc
assert_contains "$(value 'c compiler')" "$(cc --version | head -n 1)"
assert_equal "$XDG_RUNTIME_DIR/lpad" "$(value sockets)"
assert_contains "$(value records)" "$XDG_STATE_HOME/lpad/runs, "
assert_equal '0 records: 0 under way, 0 lost' "$(value runs)"
assert_equal '' "$(find work -mindepth 1; find run -name 'lpad*')" 'something was made'

# For people the same, in words.
run_lpad doctor --color always
assert_exit 0
assert_contains "$out" $'\033[32mok      \033[0m open files'
assert_contains "$out" ' checks: 0 problems, '

# ---- what is missing ----

mkdir empty
(
	PATH=$PWD/empty
	run_lpad_path() { code=0; "$LPAD" doctor --json > out 2> err || code=$?; }
	run_lpad_path
	echo "$code" > code
)
assert_equal 1 "$(cat code)"
assert_equal problem "$(verdict 'c compiler')"
assert_contains "$(value 'c compiler')" 'cc: not found'
for check in 'c++ compiler' git python tmux; do
	assert_equal warning "$(verdict "$check")"
done
assert_equal 'gdb no, valgrind no, strace no, perf no' "$(value debuggers)"

# A compiler that never answers is not waited for.
printf '#!/bin/sh\nexec sleep 1000\n' > slow
chmod +x slow
CC=$PWD/slow run_lpad doctor --json
assert_exit 0
assert_contains "$(value 'c compiler')" 'does not say which version'

# Folders.
long=$PWD/$(printf 'x%.0s' {1..90})
mkdir -m 700 "$long"
: > file
LPAD_PATH=/nowhere:$PWD XDG_RUNTIME_DIR=$long XDG_STATE_HOME=$PWD/file LPAD_CGROUP='' run_lpad doctor --json
assert_exit 1
assert_equal problem "$(verdict sockets)"
assert_contains "$(meaning sockets)" 'is too long'
assert_equal problem "$(verdict records)"
assert_contains "$(meaning records)" 'no run can be started'
assert_equal warning "$(verdict 'module path')"
assert_equal '/nowhere is no folder: no module is found there' "$(meaning 'module path')"
assert_equal warning "$(verdict 'memory limits')"
assert_equal 'by rlimit: LPAD_CGROUP is empty' "$(value 'memory limits')"

# Limits.
(ulimit -n 300 && "$LPAD" doctor --json > out)
assert_equal 1 $?
assert_equal problem "$(verdict 'open files')"
(ulimit -n 512 && "$LPAD" doctor --json > out)
assert_equal 0 $?
assert_equal warning "$(verdict 'open files')"

# A run that has neither an end nor anybody who holds it.
mkdir -p "$XDG_STATE_HOME/lpad/runs/gone-1"
echo '{"schema": 1, "run": "gone-1", "name": "gone"}' > "$XDG_STATE_HOME/lpad/runs/gone-1/manifest.json"
run_lpad doctor --json
assert_exit 0
assert_equal '1 record: 0 under way, 1 lost' "$(value runs)"
assert_contains "$(jq -r '.checks[] | select(.check == "runs") | .remedy' out)" 'lpad rm gone-1'

# Usage.
run_lpad doctor topo.yaml
assert_exit 2
assert_contains "$err" 'no operand is wanted'
