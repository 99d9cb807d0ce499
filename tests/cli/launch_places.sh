# SPDX-License-Identifier: MIT
# Where a run keeps its things, and what it says when it cannot.
source "$TESTS/lib.sh"

cat > topo.yaml <<-YAML
lpad: 1
name: places
vars: {n: 1}
nodes:
  stay: {module: $TESTS/nodes/life.c, implementation: environment, replicas: \$n}
YAML

refused() {
	assert_exit 125
	assert_contains "$err" "$1"
	assert_contains "$err" "lpad: nothing was started, and there is no record of it"
	assert_lacks "$err" "lpad: run"
	assert_equal "" "$(find "$XDG_RUNTIME_DIR/lpad/" -mindepth 1 2>/dev/null)" "socket folders"
}

run_lpad launch --record "$SCRATCH/records"
assert_exit 0
assert test -f records/places-1/result.json
assert test -f records/latest/manifest.json

run_lpad launch --record relative
assert test -f relative/places-1/result.json

touch file
run_lpad launch --record file
refused "--record"
run_lpad launch --record /proc/nowhere
refused "--record"

run_lpad launch --record "$SCRATCH/"$'not-\xff'
refused "is not UTF-8; --record FOLDER names another place"
assert_equal "" "$(ls "$SCRATCH/"$'not-\xff')" "records"

# A file, a link, an open folder where the folder of sockets should be.
rm -rf "$XDG_RUNTIME_DIR/lpad"
touch "$XDG_RUNTIME_DIR/lpad"
run_lpad launch
refused "is in the way: a folder for sockets should be there, and it is a file"
rm "$XDG_RUNTIME_DIR/lpad"
ln -s /tmp "$XDG_RUNTIME_DIR/lpad"
run_lpad launch
assert_exit 125
assert_contains "$err" "it is a link"
assert_lacks "$err" "lpad: run"
rm "$XDG_RUNTIME_DIR/lpad"
mkdir -m 755 "$XDG_RUNTIME_DIR/lpad"
run_lpad launch
refused "can be entered by others"
rmdir "$XDG_RUNTIME_DIR/lpad"

# Too long for a socket's address.
long=$SCRATCH/$(printf 'x%.0s' {1..90})
mkdir -m 700 "$long"
code=0
XDG_RUNTIME_DIR=$long "$LPAD" launch > out 2> err || code=$?
assert_equal 125 "$code"
assert_contains "$(cat err)" "set XDG_RUNTIME_DIR to a shorter path"

# One that is gone (logind removes it): /tmp/lpad-UID instead.
code=0
XDG_RUNTIME_DIR=/run/user/nobody "$LPAD" launch > out 2> err || code=$?
assert_equal 0 "$code"
assert_contains "$(jq -r .sockets "$XDG_STATE_HOME/lpad/runs/latest/manifest.json")" "/tmp/lpad-$(id -u)/"

# Too few descriptors.
(ulimit -n 400; run_lpad launch --set n=2000
refused "2000 processes need 6320 open files, and the hard limit is 400 (RLIMIT_NOFILE)"
assert_contains "$err" "ulimit -Hn 6320") || exit 1
# A low soft limit is raised, and given back to the nodes.
(ulimit -Sn 64; run_lpad launch --set n=60; assert_exit 0) || exit 1

# A full disk is an end with a reason before the start, and afterwards no end at all.
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=64k none small 2>/dev/null; then
	head -c 60k /dev/zero > small/filler
	run_lpad launch --record small
	umount small
	refused "No space left on device"
	assert_contains "$err" "--record"

	mount -t tmpfs -o size=256k none small
	cat > topo.yaml <<-YAML
	lpad: 1
	name: full
	nodes:
	  chat: {module: $TESTS/nodes/life.c, implementation: chat, params: {lines: 50000}}
	YAML
	run_lpad launch --record small
	cp small/full-1/result.json . || true
	umount small
	assert_exit 0
	assert_equal 50000 "$(grep -c 'says line' out)"
	assert_contains "$err" "cannot write the logs in "
	assert_equal completed "$(jq -r .status result.json)" "there is room for the result from the start"
fi
