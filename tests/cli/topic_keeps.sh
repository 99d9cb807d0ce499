# SPDX-License-Identifier: MIT
# A node that subscribes to one topic in every way: what it reads at the end, and that each edge's numbers add up at both ends.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: keeps
vars:
  source_dies: 0
  reader_dies: 0
defaults: {module: $TESTS/nodes/keeps.c, on_failure: {restart: 5, within: 1m, backoff: 10ms..20ms}}
nodes:
  source: {params: {die_after: \$source_dies}}
  reader: {params: {die_after: \$reader_dies}}
edges:
  - source.number -> reader.every
  - source.number -> reader.newest
  - source.number -> reader.pushed: {keep: latest, fetch: eager}
  - source.number -> reader.few: {keep: 5}
  - source.number -> reader.called
YAML
result=$XDG_STATE_HOME/lpad/runs/latest/result.json
ends() { sed -n 's/.*\(every\|newest\|pushed\|few\|called\) ends with/\1/p' <<< "$out" | sort | tr '\n' ' '; }
whole() { jq -r ".edges[] | select(.$1.published != .$1.received + .$1.dropped + .$1.lost) | .edge, .$1" "$result"; }
counts() { jq -r ".edges[$1] | \"\(.published) \(.received) \(.dropped) \(.lost)\"" "$result"; }

run_lpad launch
assert_equal 0 "$code" "$err"
assert_equal "called 500 every 500 few 500 newest 500 pushed 500 " "$(ends)" "every way ends with the last one"
assert_equal "" "$(whole from)" "published = received + dropped + lost, as the publisher knows it"
assert_equal "" "$(whole to)" "the same, as the subscriber knows it"
assert_equal "" "$(jq -r '.edges[] | select(.from.published != .to.published or .from.received != .to.received) | .edge' "$result")" \
	"both ends agree"
assert_equal "500 500 0 0" "$(counts 0)" "all of them"
assert_equal "500 1 499 0" "$(counts 1)" "the newest is read once"
assert_equal "true true" "$(jq -r '.edges[2:4] | map(.published == 500 and .received >= 1 and .lost == 0) | map(tostring) | join(" ")' "$result")" \
	"what was pushed, and a queue of 5: their connections may be behind"
assert_equal "4000 8" "$(jq -r '.edges[1] | "\(.bytes) \(.delivered_bytes // .to.delivered_bytes)"' "$result")" "published and delivered"

# The publisher dies once: what it had published before is read, then its successor's.
run_lpad launch --set source_dies=200
assert_equal 0 "$code" "$err"
assert_equal "called 500 every 500 few 500 newest 500 pushed 500 " "$(ends)" "the successor's last one"
assert_equal "" "$(whole to)" "the accounts of two publishers, at the subscriber"
assert_equal 1 "$(jq .nodes.source.restarts "$result")" "restarts"

# The subscriber dies once: nothing is asked of its successor but what comes from then on, and the newest.
run_lpad launch --set reader_dies=100
assert_equal 0 "$code" "$err"
assert_equal "called 500 every 500 few 500 newest 500 pushed 500 " "$(ends)" "the successor reads to the end"
assert_equal "" "$(whole from)" "the accounts of two subscribers, at the publisher"
assert_equal 1 "$(jq .nodes.reader.restarts "$result")" "restarts"
