# SPDX-License-Identifier: MIT
# launch --again: the same once more, out of the record alone.  --continue: on in the same record.  What each refuses.
source "$TESTS/lib.sh"

runs=$XDG_STATE_HOME/lpad/runs
home=$SCRATCH/home
mkdir "$home" "$home/sub"
cd "$home" || exit 1
cp "$TESTS/nodes/restart.c" .
cat > topo.yaml <<-'YAML'
lpad: 1
name: exp
vars: {code: 0, where: x}
nodes:
  a: {module: restart.c, implementation: failing, params: {code: $code}, on_failure: {restart: 2, within: 90s, backoff: 1ms}}
  b: {module: restart.c, implementation: victim, replicas: 2, env: {HERE: $here, WHERE: $where}}
YAML
ends() { grep -v ' after ' err; }
manifest() { jq -c ".$2" "$runs/$1/manifest.json"; }
result() { jq -c ".$2" "$runs/$1/result.json"; }
environment_of() { jq -c '.nodes' "$runs/$1/resolved.json"; }

run_lpad launch --set code=3 --set where=over --time-limit 1m
assert_exit 3
assert_contains "$err" '(2 of 2 within 90s)'
assert_contains "$err" 'a failed 3 times within 90s'
first=$err
modules=$(manifest exp-1 hashes)
rm -r restart.c topo.yaml

# The same, whoever calls it from where, though nothing is left of the sources.
cd / || exit 1
code=0
"$LPAD" launch --again exp-1 > "$SCRATCH/out" 2> "$SCRATCH/err" || code=$?
cd "$SCRATCH" || exit 1
out=$(cat out) err=$(cat err)
assert_exit 3
assert_contains "$err" 'a failed 3 times within 90s'
assert_equal '"exp-1" "topo.yaml"' "$(manifest exp-2 again) $(manifest exp-2 file)"
assert_equal "\"$home\"" "$(manifest exp-2 folder)"
assert_equal "$modules" "$(manifest exp-2 hashes)"
assert_equal "$(manifest exp-1 vars)" "$(manifest exp-2 vars)"
assert_equal "$(environment_of exp-1 | sed "s|$runs/exp-1||g" | jq -c 'map_values(del(.module))')" \
	"$(environment_of exp-2 | sed "s|$runs/exp-2||g" | jq -c 'map_values(del(.module))')"
assert cmp "$runs/exp-1/topology.yaml" "$runs/exp-2/topology.yaml"

# A change on top of it; the one after that has both, and a name of its own.
run_lpad launch --again "$runs/exp-2" --set code=0
assert_exit 0
run_lpad launch --again exp-3 --name other --record elsewhere
assert_exit 0
assert_equal '["over","0"] "other"' "$(jq -c '[.launch.set[].value]' elsewhere/other-1/manifest.json) $(jq -c .name elsewhere/other-1/manifest.json)"
run_lpad launch --again other-1 --record elsewhere
assert_exit 0
assert test -e elsewhere/other-2/result.json

# On in the same record: the same policy, the same words; incarnations and logs go on, earlier results are kept.
run_lpad launch --continue exp-1
assert_exit 3
assert_equal "$(grep -v ' after ' <<< "$first" | sed 's/in 0[^ ]* s//')" "$(ends | sed 's/in 0[^ ]* s//')" "the report"
assert_contains "$out" 'b/1 runs as 2'
assert_equal '2 [4,5]' "$(result exp-1 nodes.a.restarts) $(jq -c '[.nodes.a.incarnations[].incarnation]' "$runs/exp-1/result.json")"
assert_equal '[1,2]' "$(jq -c '[.nodes.a.incarnations[].incarnation]' "$runs/exp-1/result-1.json")"
assert_equal $'b/0 runs as 1\nb/0 runs as 2' "$(cat "$runs/exp-1/logs/b/0.log")"
assert_equal exp-1 "$(readlink "$runs/latest")"
run_lpad launch --continue exp-1 --set code=0
assert_exit 0
assert_contains "$out" 'b/1 runs as 3'
assert_equal "completed 3 3" "$(jq -r .status "$runs/exp-1/result.json") $(jq .exit "$runs/exp-1/result-2.json") $(jq .exit "$runs/exp-1/result-1.json")"
assert test -e "$runs/exp-1/manifest-2.json"
assert_equal "$modules" "$(manifest exp-1 hashes)"

# One that was lost: its incarnations are known nevertheless. While it is under way it is not continued.
cat > topo.yaml <<-YAML
lpad: 1
name: lost
nodes:
  a: {module: $TESTS/nodes/restart.c, implementation: victim, params: {stays: true}, on_failure: {restart: 2, within: 90s, backoff: 1ms}}
YAML
run_lpad launch --detach
assert_exit 0
supervisor=$(manifest lost-1 pid)
guardian=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$supervisor/stat")
wait_until file_has "$runs/lost-1/logs/a.log" 'a runs as 1'
for pid in $(processes_with LPAD_NODE=lost-1/a/0/1); do
	kill -KILL "$pid"
done
wait_until file_has "$runs/lost-1/logs/a.log" 'a runs as 2'
run_lpad launch --continue lost-1
assert_exit 125
assert_contains "$err" 'run lost-1 is under way: it cannot be continued before it has ended'
kill -STOP "$guardian" "$supervisor"
kill -KILL "$supervisor" "$guardian"
wait_until process_gone "$supervisor"
wait_until process_gone "$guardian"
rm -rf "$runs/lost-1/result.json" "$(jq -r .sockets "$runs/lost-1/manifest.json")"
printf '{"node":"a","na' >> "$runs/lost-1/metrics.jsonl"
run_lpad launch --continue lost-1 --detach
assert_exit 0
assert_equal lost-1 "$out"
wait_until file_has "$runs/lost-1/logs/a.log" 'a runs as 3'
assert_equal '{"node":"a","na' "$(cat "$runs/lost-1/metrics.jsonl")"
kill "$(manifest lost-1 pid)"
wait_until test -e "$runs/lost-1/result.json"

# Links know each other by their incarnations.
run_lpad launch --quiet consumer-producers --name links
assert_exit 0
before=$out
run_lpad launch --quiet --continue links-1
assert_exit 0
assert_equal "$before" "$out"
run_lpad launch --quiet hello/talk.yaml --name talk
before=$out
run_lpad launch --quiet --continue talk-1
assert_exit 0
assert_equal "$before" "$out"

# What is given behind -- goes along, and paths mean what they meant.
printf 'one two\n' > "$home/sub/in.txt"
(cd "$home/sub" && "$LPAD" launch wordcount --quiet --set out=counts.txt --name words -- in.txt)
rm "$home/sub/counts.txt"
run_lpad launch --again words-1
assert_exit 0
assert_equal 2 "$(wc -l < "$home/sub/counts.txt")"

# Refused.
for words in '--again exp-1 --continue exp-1' '--again exp-1 topo.yaml' '--continue exp-1 --name x' '--continue exp-1 --record x'; do
	run_lpad launch $words
	assert_exit 2
done
run_lpad launch --again exp-99
assert_exit 125
assert_contains "$err" 'there is no run exp-99'
mkdir broken
echo '{}' > broken/manifest.json
run_lpad launch --continue ./broken
assert_exit 125
assert_contains "$err" 'does not say what the run was started with'
before=$(ls "$runs/exp-1")
mv "$runs/exp-1/modules" "$runs/exp-1/gone"
run_lpad launch --continue exp-1
assert_exit 125
assert_contains "$err" 'lpad: nothing was started; the record is as it was'
mv "$runs/exp-1/gone" "$runs/exp-1/modules"
assert_equal "$before" "$(ls "$runs/exp-1")"
