# SPDX-License-Identifier: MIT
# Products on grids of 4 and 8 processes and on a line: right, and with as many values and messages as the closed forms say, counted
# by the processes and by lpad; the same as processes, several to a process, and as threads.
source "$TESTS/lib.sh"
share_modules
topology=$(dirname "$TESTS")/topologies/tensor-parallel

# multiply ARGUMENT...: the output without the nodes' names and without times, which differ.
multiply() {
	run_lpad launch "$topology" --quiet --record record --set a=128,256 --set q=2 --set d=2 --set side=2 --set line=8 "$@"
	assert_exit 0
	sed -E 's/^[^|]*\| //; /^(cube|square|line) /s/( +[0-9.]+){2}$//' out
}

multiply > processes
assert_equal 39 "$(grep -c '^CHECK .* PASS$' processes)" "checks that passed"
assert_lacks "$out" FAIL
layouts=$(awk '$1 ~ /^(cube|square|line)$/ && $3 == 256' processes | tr -s ' ')
assert_equal "cube 8 256 8192 20480 16 48 12288
square 4 256 12288 24576 8 16 20480
line 8 256 57344 0 112 0 38912" "$layouts" "processes, a, values sent forward and backward, messages, values held"

# Each line twice: what the processes counted and what lpad did, what was sent and what arrived.
agree() {
	jq -r -f "$topology/edges.jq" record/latest/result.json > edges
	assert_equal 20 "$(wc -l < edges)" "$(cat edges)"
	awk 'NR % 2 { odd = $0; next } odd != $0 { print "not alike: " odd " - " $0; bad = 1 } END { exit bad }' edges || fail "$1"
}
agree "as processes"
assert_contains "$(cat edges)" "line.ring 224 2754304"

multiply --set pack=4 > packed
cmp processes packed || fail "four to a process"
agree "four to a process"
multiply --threads > threads
cmp processes threads || fail "as threads"
agree "as threads"

# A link that takes its time: so does each step.
run_lpad launch "$topology" --quiet --set layouts=cube --set q=2 --set d=1 --set a=64 --set delay=100ms
assert_exit 0
awk '$1 == "cube" && $2 == 4 && $(NF - 1) >= 200 && $NF >= 400 { found = 1 } END { exit !found }' <(sed -E 's/^[^|]*\| //' out) ||
	fail "faster than its link: $out"

run_lpad check "$topology" --set q=3 --set b=129
assert_exit 1
assert_contains "$out" 'cube: a: 128 is no multiple of 12'
assert_contains "$out" 'line: b: 129 is no multiple of 64, the processes of the line'
