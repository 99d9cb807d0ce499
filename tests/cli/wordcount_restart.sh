# SPDX-License-Identifier: MIT
# A killed mapper: the counts stay the same, and only its part is counted again.
source "$TESTS/lib.sh"
share_modules
export LC_ALL=C

record=$XDG_STATE_HOME/lpad/runs/latest
run_id() { sed -n 's/^lpad: run \([^,]*\),.*/\1/p' err; }
# The process of NODE/INDEX/INCARNATION.
node_pid() {
	processes_with "LPAD_NODE=$(run_id)/$1" | while read -r pid; do
		[[ "$(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null)" == "lpad node "* ]] && echo "$pid"
	done
}
there() { [ -n "$(node_pid "$1")" ]; }
# Mappers that have counted, as PLACE:TIMES:INCARNATION.
counted() { jq -r '[.nodes | to_entries[] | select(.key | startswith("mapper/")) | .value.metrics.words as $w
	| "\(.key[7:]):\($w.count):\($w.step)"] | join(" ")' "$record/result.json"; }
words() { jq -r .bytes | base64 -d; }

# Step by step: the driver is held, and the shell does its work.
run_lpad launch wordcount --set out=counts
assert_exit 0
start_lpad launch wordcount --hold driver
wait_until file_has err 'no node is waited for'
for i in 0 1 2 3; do
	assert "$LPAD" call "mapper/$i.map" > /dev/null
done
wait_until file_has "$record/metrics.jsonl" '"mapper/2"'        # else the report dies with it
kill -KILL "$(node_pid mapper/2/1)"
wait_until there mapper/2/2
for i in 0 1; do
	"$LPAD" call "reducer/$i.reduce" | words
done | awk '{ print $1 "\t" $2 }' | sort -k1,1nr -k2,2 > by_hand
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
cmp by_hand counts || fail "counts after a mapper was killed"
assert_equal "0:1:1 1:1:1 2:2:2 3:1:1" "$(counted)" "who has counted how often, and in which incarnation"
assert_equal "0 0 1 0" "$(jq -r '[.nodes["mapper/0", "mapper/1", "mapper/2", "mapper/3"].restarts] | join(" ")' "$record/result.json")"

# While all of them work, over so much text that a kill comes in time, at the latest the fifth.
mkdir text
cat /usr/share/common-licenses/* > text/one
for i in $(seq 30); do cat text/one; done > text/many
rm text/one
run_lpad launch wordcount --set text=text --set out=wanted
assert_exit 0
there_or_over() { there "$1" || process_gone "$lpad_pid"; }
for victim in mapper/2 reducer/0; do
	in_time=
	for try in 1 2 3 4 5; do
		start_lpad launch wordcount --set text=text --set out=counts
		wait_until there_or_over "$victim/1"
		there "$victim/1" && kill -KILL $(node_pid "$victim/1")
		finish_lpad
		# So late that the run was complete already: that is a failure, as it should be.
		[ "$code" = 137 ] && jq -e .times.stopped "$record/result.json" > /dev/null && continue
		assert_exit 0
		cmp wanted counts || fail "counts after $victim was killed"
		[ "$(jq -r ".nodes[\"$victim\"].restarts" "$record/result.json")" = 1 ] && in_time=yes && break
	done
	[ $in_time ] || { echo "skipped: no kill of $victim came in time"; continue; }
	assert_contains "$err" "$victim: signal 9 (killed)"
	assert_equal 1 "$(jq -r '[.nodes[].restarts] | add' "$record/result.json")" "restarts in all"
	[ $victim = reducer/0 ] || assert_equal 2 "$(jq -r '.nodes["mapper/2"].metrics.words.step' "$record/result.json")" "the incarnation that counted"
done
