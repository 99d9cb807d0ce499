# SPDX-License-Identifier: MIT
# A run that fills the disk of its record still tells how it ended.
source "$TESTS/lib.sh"
unshare -rm true 2> /dev/null || exit 0         # no file system of our own here

cat > topo.yaml <<'YAML'
lpad: 1
name: full
nodes:
  filler: {command: [sh, -c, 'head -c 8M /dev/zero > disk/rest 2> /dev/null; echo full']}
YAML
cat > inside.sh <<'SH'
mount -t tmpfs -o size=2m none disk || exit 99
"$LPAD" launch --record disk topo.yaml > out 2> err
echo $? > code
cp disk/full-1/result.json .
"$LPAD" status --json -r disk/full-1 | jq -r '"\(.state) \(.status) \(.exit)"' > status
ls -A disk/full-1 > files
SH
mkdir disk
unshare -rm sh inside.sh || fail "inside: $(cat err)"
assert_equal 0 "$(cat code)" "exit: $(cat err)"
assert_contains "$(cat err)" "No space left on device"
assert_equal "completed 0 0" "$(jq -r '"\(.status) \(.exit) \(.nodes.filler.exit)"' result.json)"
assert_equal "ended completed 0" "$(cat status)"
assert_lacks "$(cat files)" .result.json
