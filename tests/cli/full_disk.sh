# SPDX-License-Identifier: MIT
# A record that can be written no more in mid-run: the run goes on, with the reason, and what was written is whole.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: full
defaults: {module: $TESTS/nodes/life.c}
nodes:
  teller: {implementation: tell_on, params: {lines: 20000}}
YAML
"$LPAD" check > checked

# begin FOLDER: until the node is told, in what it says, that all of it was
begin() {
	: > out
	( ulimit -f "${2:-unlimited}"; exec "$LPAD" launch --quiet --record "$1" ) > >(cat > out) 2> err &
	pid=$!
	wait_until file_has out '^all is told'
}
ends() {
	code=0
	wait $pid || code=$?
	err=$(cat err)
	out=
	assert_exit "$1"
}
# Every line is JSON, and they come in their order.
metrics_are_whole() { assert_equal true "$(jq -s 'length > 10 and all(.[]; .node == "teller" and .time > 0) and (map(.step) | . == unique)' "$1/metrics.jsonl")" "lines of metrics.jsonl"; }

# Files that may not grow (a quota, or `ulimit -f`).
begin "$PWD/runs" 700
wait_until file_has err 'cannot write the logs in .*/logs: File too large; the run goes on without them'
wait_until file_has err 'cannot write .*/metrics.jsonl: File too large; the run goes on without it'
"$LPAD" stop --code 0 -r "$PWD/runs/full-1" 2> stopped
ends 0
metrics_are_whole runs/full-1
assert_equal 0 "$(jq .exit runs/full-1/result.json)"
assert_equal 20000 "$(grep -c '^teller says' out)" "lines that were shown"
assert_contains "$(head -n 1 runs/full-1/logs/teller.log)" "teller says line 0,"

# The record is moved away.
begin "$PWD/runs"
mv runs/full-2 runs/elsewhere
kill -TERM $pid
ends 143
assert_contains "$err" "the result could not be recorded: cannot write $PWD/runs/full-2/result.json"
metrics_are_whole runs/elsewhere

# A disk that is full to the last byte, and stays so.
mkdir small
if [ "$(id -u)" != 0 ] || ! unshare -m true 2> stopped; then
	echo "skipped: no file system can be mounted"
	exit 0
fi
cat > full <<'SH'
source "$TESTS/lib.sh"
mount -t tmpfs -o size=1m none small || { echo "skipped: no file system can be mounted"; exit 0; }
"$LPAD" launch --quiet --record "$PWD/small" > out 2> err < /dev/null &
pid=$!
wait_until file_has out '^all is told'
wait_until file_has err 'No space left on device; the run goes on without them'
wait_until file_has err 'metrics.jsonl: No space left on device; the run goes on without it'
kill -TERM $pid
code=0
wait $pid || code=$?
assert_equal 143 $code
assert_equal "143 teller" "$(jq -r '"\(.exit) \(.nodes | keys | join(" "))"' small/full-1/result.json)" "there was room for the result"
assert_equal 20000 "$(grep -c '^teller says' out)" "lines that were shown"
jq -s 'length' small/full-1/metrics.jsonl > parsed || fail "metrics.jsonl has half a line"
"$LPAD" rm --record "$PWD/small" full-1 > removed
assert_equal 0 $?
SH
unshare -m bash full
