# SPDX-License-Identifier: MIT
# A stranger sends garbage to every socket of a run: nothing is lost, nothing crashes, somebody is told.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: steady
defaults: {module: $TESTS/nodes/steady.c}
nodes:
  source: {}
  sink: {}
edges:
  - source.number -> sink.number
  - source.adder -> sink
YAML
"$LPAD" launch > out 2> err &
launch=$!
wait_until file_has out half
folder=$(ls -d "$XDG_RUNTIME_DIR"/lpad/*/)
# What nng itself still holds when the stranger ends is none of ours.
met=$(ASAN_OPTIONS=detect_leaks=0 "$O/tests/tools/garbage" "$folder") || fail "the stranger could not reach the sockets"
assert_equal 4 "$met" "sockets of the run: two that answer, one topic, that of other commands"
touch go-on
code=0
wait $launch || code=$?
assert_equal 0 "$code" "$(cat err)"
assert_contains "$(cat out)" "2000 numbers in order, then -9"
assert_contains "$(cat err)" "malformed"
