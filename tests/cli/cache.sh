# SPDX-License-Identifier: MIT
# The node cache: alone, with a clock that the test moves; then between real nodes, and before the shards of parameter-server.
source "$TESTS/lib.sh"
top=$(dirname "$TESTS")

flags=$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" | tr '\n' ' ')
compiler=$(cut -d' ' -f1 "$O/flags")
# shellcheck disable=SC2086 # several flags
"$compiler" -std=c11 -Wall -Wextra -Werror -g $flags -I"$top/lib/include" "$TESTS/nodes/cache_test.c" "$top/lib/modules/cache.c" \
	-o alone -L"$O" -llpad-test -lyaml -ljansson -lm -pthread || fail "cache_test.c does not compile"
assert_equal passed "$(./alone 2>&1)"

# ---- between real nodes ----

cp "$TESTS/nodes/cached.c" .
cat > clients.yaml <<'END'
lpad: 1
name: clients
vars: {methods: [get, slow]}
nodes:
  server: {module: cached.c}
  client: {module: cached.c, replicas: 6}
  cache: {module: cache.so, params: {methods: $methods}}
edges:
  - client.server -> cache
  - cache.server -> server
END
run_lpad launch clients.yaml --record record
assert_exit 0
assert_equal 6 "$(grep -c 'got {"number": 1, "incarnation": 1}' out)" "six callers, one call"
assert_equal 1 "$(jq '[.edges[] | select(.edge == "cache.server -> server").messages] | add' record/latest/result.json)" "calls of the cache"
assert_equal 6 "$(jq '[.nodes[].metrics | (.hits.last // 0) + (.misses.last // 0)] | add' record/latest/result.json)" "reports"

# What check says, at the parameter.
run_lpad check clients.yaml --set methods=get,put
assert_exit 1
assert_contains "$out" 'put of server is not idempotent'
assert_contains "$out" 'methods: $methods'
run_lpad check clients.yaml --set methods=gte
assert_exit 1
assert_contains "$out" 'server has no method gte; it has: get, put, sick, slow'

# ---- with a server that dies ----

cat > dies.yaml <<'END'
lpad: 1
name: dies
vars: {policy: ignore, stale: 1h, refresh: 0s}
nodes:
  server: {module: cached.c, on_failure: $policy}
  cache: {module: cache.so, params: {methods: [get, sick], stale_after: $stale, refresh: $refresh}}
edges:
  - cache.server -> server
END

run=record/latest
call() {
	code=0
	answer=$("$LPAD" call -r "$run" --timeout 20s "$@" 2> call.err) || code=$?
}
numbers() { jq -c '[.number, .incarnation]' <<< "$answer"; }
# begin SETTING...: the run is there when the cache answers.
begin() {
	start_lpad launch dies.yaml --record record "$@"
	wait_until answers
}
answers() { [ -e record/latest ] && call cache.get '"first"' && [ $code = 0 ]; }
kill_server() {
	kill -KILL "$(processes_with "LPAD_NODE=$(basename "$(readlink -f record/latest)")/server/0/1")"
}
finish() {
	kill -INT "$lpad_pid"
	finish_lpad
}

begin
assert_equal '[1,1]' "$(numbers)" "the first"
call cache.get '"first"'
assert_equal '[1,1]' "$(numbers)" "the same from the cache"
call cache.get '"second"'
assert_equal '[2,1]' "$(numbers)" "another request"
call server.get '"first"'
assert_equal '[3,1]' "$(numbers)" "past the cache"
call cache.put 1
assert_equal '[1,1]' "$(numbers)" "what is not named"
call cache.put 1
assert_equal '[2,1]' "$(numbers)" "what is not named, again"
call cache.sick
assert_equal 1 $code
assert_contains "$(cat call.err)" 'not today'
assert_contains "$(cat call.err)" 'server.sick'

kill_server
wait_until file_has err 'server failed: signal 9'
call cache.get '"second"'
assert_equal '[2,1]' "$(numbers)" "from the cache, though the server is dead"
call cache.get '"third"'
assert_equal 1 $code
assert_contains "$(cat call.err)" 'server will never come back'
finish

# A server that is restarted: what is known is given meanwhile, the rest waits for it.
begin --set policy=restart
kill_server
call cache.get '"first"'
assert_equal '[1,1]' "$(numbers)" "while the server is restarted"
call cache.get '"third"'
assert_equal '[1,2]' "$(numbers)" "of the next incarnation"
finish

# Refreshed as long as somebody asks.
begin --set refresh=50ms
newer() { call cache.get '"first"' && [ "$(jq .number <<< "$answer")" -ge 4 ]; }
wait_until newer
finish

# ---- its name without the ending ----

printf 'lpad: 1\nname: short\nnodes:\n  a: {module: cache}\n' > short.yaml
run_lpad check short.yaml
assert_exit 1
assert_contains "$out" "hint: lpad's own is \`cache.so\`"
