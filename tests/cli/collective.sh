# SPDX-License-Identifier: MIT
# Collectives give the same bits as one process alone; members that do not agree, are late or die are named, and nobody hangs.
source "$TESTS/lib.sh"
cp "$TESTS/nodes/collective.c" .
cat > group.yaml <<'END'
lpad: 1
name: group
vars: {members: 3}
nodes:
  member: {module: collective.c, replicas: $members}
edges:
  - member.peers -> member
END
cat > grid.yaml <<'END'
lpad: 1
name: grid
nodes:
  cell: {module: collective.c, replicas: {row: 2, column: 3}}
edges:
  - cell.row -> cell: {map: {along: column}}
  - cell.column -> cell: {map: {along: row}}
  - cell.everyone -> cell
END

for members in 1 2 3 8; do
	run_lpad launch group.yaml --set members=$members
	assert_exit 0
	assert_equal "$members" "$(grep -cE '[0-9]{3} results equal' out)" "of $members members"
	# Otherwise the inputs would not show a sum in another order.
	[ $members -lt 3 ] || assert_equal "$members" "$(grep -c 'order matters' out)" "of $members members, order matters"
done
run_lpad launch grid.yaml
assert_exit 0
assert_equal 6 "$(grep -cE 'row place . of 3: [0-9]+ results equal.*, order matters' out)" "rows"
assert_equal 6 "$(grep -cE 'column place . of 2: [0-9]+ results equal' out)" "columns"
assert_equal 6 "$(grep -cE 'everyone place . of 6: [0-9]+ results equal.*, order matters' out)" "everyone"

# The same bits, whoever shares a process: lines of members without the name of their process.
bits() { sed 's/^[^|]*| //' out | sort; }
for file in group grid; do
	run_lpad launch $file.yaml
	assert_exit 0
	bits > apart
	run_lpad launch $file.yaml --threads
	assert_exit 0
	bits | cmp apart - || fail "$file: as threads"
	sed 's/module: collective.c/&, per_process: 2/' $file.yaml > packed.yaml
	run_lpad launch packed.yaml
	assert_exit 0
	assert_contains "$out" 0-1
	bits | cmp apart - || fail "$file: two in a process"
done

# ---- members that do not agree ----

cat > odd.yaml <<'END'
lpad: 1
name: odd
vars: {members: 4, who: 2, fault: nothing, stays: false, deadline: 0s, policy: ignore}
nodes:
  odd:
    module: collective.c
    replicas: $members
    params: {who: $who, fault: $fault, stays: $stays, deadline: $deadline}
    on_failure: $policy
edges:
  - odd.peers -> odd
END

results() { grep -oE "result $1: .*" out err; }
count_is() { [ "$(results "$1" | wc -l)" = "$2" ]; }

# odd FAULT WHO CODE COUNT NAMED...: so many members end with this code, and each of them names these.
odd() {
	local fault=$1 who=$2 wanted=$3 count=$4 named
	shift 4
	run_lpad launch odd.yaml --set "fault=$fault" --set "who=$who"
	assert_exit 0
	assert_equal "$count" "$(results "$wanted" | wc -l)" "$fault at $who: results $wanted: $out$err"
	assert_lacks "$out$err" 'something else was heard'
	for named; do
		assert_equal "$count" "$(results "$wanted" | grep -cF -- "$named")" "$fault at $who, named $named: $out$err"
	done
	odd_stays "$fault" "$who" "$wanted" "$count"
}

# The same when all of them go on running afterwards.
odd_stays() {
	start_lpad launch odd.yaml --set "fault=$1" --set "who=$2" --set "deadline=${deadline:-0s}" --set stays=true
	wait_until -t 20 count_is "$3" "$4"
	kill -INT "$lpad_pid"
	finish_lpad
}

odd nothing 0 0 4
odd operation 2 -5 4 odd/2 'barrier, round 3' odd/0 'all_reduce of 2 f64 (sum), round 3'
odd operation 0 -5 4 odd/0 'barrier, round 3' 'all_reduce of 2 f64 (sum), round 3'
odd count 3 -5 4 odd/3 'all_reduce of 3 f64 (sum), round 3' 'all_reduce of 2 f64 (sum), round 3'
odd type 1 -5 4 odd/1 'all_reduce of 2 i64 (sum), round 3' 'all_reduce of 2 f64 (sum), round 3'
odd combine 1 -5 4 odd/1 'all_reduce of 2 f64 (max), round 3' 'all_reduce of 2 f64 (sum), round 3'
odd circle 0 -5 4 'broadcast of 2 f64 from place'
odd behind 0 -5 4 odd/0 'reduce of 2 f64 (sum) to place 0' 'all_reduce of 2 f64 (sum), round 3'
odd root 2 -5 2 odd/2 odd/0 'from place 0, round 3' 'from place 3, round 3'
# Both of them are roots, and wait for each other's answers: on a slow machine a circle, which is not always found.
deadline=5s odd_stays root 3 -[358] 2
odd die 2 -2 3 odd/2
odd die 0 -2 3 odd/0

# One that comes when the others have given up hears it too.
deadline=300ms odd_stays late 1 -3 4
assert_equal 4 "$(results -3 | grep 'all_reduce of 2 f64 (sum), round 3' | grep -c 'nothing came from odd/. within the time given')" "what was late: $out$err"
[ "$(results -3 | grep -cE '(from|for) odd/1\b')" -ge 1 ] || fail "who was late: $out$err"

# A member that is restarted begins anew, which the others cannot.
run_lpad launch odd.yaml --set fault=crash-once --set policy=restart
assert_exit 0
assert_equal 4 "$(results -2 | grep -c 'odd/2')" "a restarted member: $out$err"

# A member whose run has ended: only a run that does not stay shows that.
run_lpad launch odd.yaml --set fault=end --set who=2
assert_exit 0
assert_equal 3 "$(results -2 | grep -c 'the run of odd/2 has ended')" "a run that has ended"

# ---- what the topology can have wrong ----

sed 's/odd.peers -> odd$/&: {map: next}/' odd.yaml > next.yaml
run_lpad launch next.yaml
assert_contains "$out$err" "edges.peers: must lead to the node's own group"
